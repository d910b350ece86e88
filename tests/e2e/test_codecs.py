# SPDX-License-Identifier: Apache-2.0
"""Cameras that send JPEG, VP9 and AV1: from the simulator through reception and the CPU back end to results."""

import json
import os
import shutil
import subprocess
import unittest

import harness
from harness import OK, Case, Simulator, config, fovea, needs_clip, needs_model

SECONDS = 4
ENCODERS = {
    "jpeg": ("clip.mjpeg", ["-c:v", "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p", "-q:v", "4"]),
    "av1": ("av1.ivf", ["-c:v", "libsvtav1", "-preset", "12", "-crf", "40", "-g", "10"]),
    "vp9": ("vp9.ivf", ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-g", "10"]),
}


def encode(folder, codec):
    """Two seconds of the clip in another codec."""
    name, options = ENCODERS[codec]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-r", "10", "-i", harness.CLIPS[0], "-frames:v", "20", *options, folder / name],
                   check=True, timeout=60 * harness.PATIENCE, env={**os.environ, "SVT_LOG": "1"})  # errors only
    return folder / name


@unittest.skipUnless(shutil.which("ffmpeg"), "ffmpeg is not installed")
@needs_clip
class Codecs(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clips = {codec: encode(cls.folder, codec) for codec in ENCODERS}

    @needs_model
    def test_detections(self):
        """People are found as in the H.264 of the same pictures."""
        with Simulator(cameras=4, inputs=[*self.clips.values(), harness.CLIPS[0]]) as sim:
            cameras = dict(zip([*self.clips, "h264"], map(sim.url, range(4))))
            done, summary = self.run_engine(config(cameras, self.folder / "out", processing={"FRAME_SKIP": 2}), SECONDS)
        self.assertEqual(done.code, OK, str(done))
        found = {camera["name"]: camera for camera in summary["cameras"]}
        for name, camera in found.items():
            with self.subTest(name):
                self.assertEqual(camera["state"], "playing")
                self.assertGreater(camera["analysed"], SECONDS)
                self.assertEqual(camera["reconnects"], 0)
        boxes = {name: camera["detections"] / camera["analysed"] for name, camera in found.items()}
        for codec in self.clips:
            self.assertGreater(boxes[codec], 0.5 * boxes["h264"], boxes)

    def test_probe_names_them(self):
        with Simulator(cameras=len(self.clips), inputs=self.clips.values()) as sim:
            for index, codec in enumerate(self.clips):
                done = fovea("probe", "--json", "--duration", 1, sim.url(index))
                self.assertEqual(done.code, OK, str(done))
                video = json.loads(done.out)["video"]
                self.assertEqual((video["codec"], video["width"], video["height"]), (codec, 768, 576))

    def test_jpeg_in_words(self):
        with Simulator(inputs=[self.clips["jpeg"]]) as sim:
            done = fovea("probe", "--duration", 1, sim.url(0))
        self.assertRegex(done.out, r"Video +JPEG Baseline, 768x576, 8 bit 4:2:0, full range\n")
        self.assertRegex(done.out, r"Key pictures +all\n")

    def test_refused_jpeg(self):
        """What RTP does not carry is refused with the cure."""
        path = self.folder / "optimal.mjpeg"
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=5", "-frames:v", "2", "-c:v", "mjpeg",
                        "-huffman", "optimal", path], check=True, timeout=60 * harness.PATIENCE)
        done = fovea("sim", "--input", path, "--duration", 1)
        self.assertNotEqual(done.code, OK)
        self.assertIn("-huffman default", done.err)
