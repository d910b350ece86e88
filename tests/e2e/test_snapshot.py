# SPDX-License-Identifier: Apache-2.0
"""`fovea snapshot`: the file shows what the camera shows, on both back ends; what fails leaves the old file and names the reason."""

import json
import math
import os
import shutil
import signal
import subprocess
import time
import unittest

from harness import CLIPS, FAILED, NO_GPU, OK, USAGE, Case, Simulator, config, finish, fovea, needs_clip, start
from test_config import FAKE_GPU, environment

SECRET = "hunter-two-secret"


def on_the_look_alike(script=""):
    return {**environment(), "LD_LIBRARY_PATH": str(FAKE_GPU.parent), "FOVEA_FAKE_GPU": script}


def rgb(path):
    """The first picture of a file as ffmpeg decodes it."""
    return subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"],
                          check=True, capture_output=True).stdout


def psnr(a, b):
    total = sum((x - y) ** 2 for x, y in zip(a, b)) / len(a)
    return 100 if total == 0 else 10 * math.log10(255 ** 2 / total)


@unittest.skipUnless(shutil.which("ffmpeg"), "ffmpeg is not installed")
class Content(Case):
    def make_clip(self, name, pixels):
        """One picture, ten times: whichever is taken, it is this one."""
        clip = self.folder / name
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=634x358:r=10", "-vf",
                        "trim=end_frame=1,loop=9:1", "-c:v", "libx264", "-qp", "10", "-bf", "0", "-g", "5", "-pix_fmt", pixels,
                        "-f", "h264", clip], check=True)
        return clip

    def test_shows_what_the_camera_shows(self):
        """8 and 10 bits, in full colour."""
        for pixels in ("yuv420p", "yuv420p10le"):
            clip = self.make_clip(pixels + ".h264", pixels)
            out = self.folder / (pixels + ".jpg")
            with Simulator(cameras=1, inputs=[clip]) as sim:
                done = fovea("snapshot", "--backend", "cpu", "--quality", 95, "--json", "-o", out, sim.url(0))
            self.assertEqual(done.code, OK, str(done))
            made = json.loads(done.out)
            self.assertEqual((made["file"], made["backend"], made["quality"]), (str(out), "cpu", 95))
            self.assertEqual(made["bytes"], out.stat().st_size)
            want, got = rgb(clip), rgb(out)
            self.assertEqual(len(got), made["width"] * made["height"] * 3)
            self.assertEqual(len(got), len(want))
            self.assertGreater(psnr(got, want), 30, pixels)
            self.assertLess(psnr(got, want[3:] + want[:3]), 30, "the bound means something")
            # What cannot be decoded is told, not that the file is over then.
            full = self.folder / "full.h264"
            subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", clip, "-frames:v", "2", "-c:v", "libx264", "-pix_fmt", "yuv444p", "-f",
                            "h264", full], check=True)
            self.assert_refused(fovea("snapshot", "--backend", "cpu", "-o", self.folder / "full.jpg", full), FAILED, "yuv444p .* not supported")
            # The file itself; and one of a single picture, which comes out when the file ends.
            one = self.folder / "one.h264"
            subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", clip, "-frames:v", "1", "-c", "copy", "-f", "h264", one], check=True)
            for video in (clip, one):
                done = fovea("snapshot", "--backend", "cpu", "--quality", 95, "-o", out, video)
                self.assertEqual(done.code, OK, str(done))
                self.assertGreater(psnr(rgb(out), want), 30, video)


@needs_clip
class Snapshot(Case):
    def test_camera_of_a_configuration(self):
        """Its login comes from there and is never printed; the file appears at once."""
        with Simulator(cameras=2, inputs=CLIPS[:1], auth=f"admin:{SECRET}") as sim:
            login = f"admin:{SECRET}@"
            path = self.write("cameras.json", config({"gate": sim.url(0, login), "yard": sim.url(1, login)}, self.folder))
            out = self.folder / "yard.jpg"
            out.write_text("old")
            done = fovea("snapshot", "-c", path, "-o", out, "yard")
            self.assertEqual(done.code, OK, str(done))
            self.assertTrue(out.read_bytes().startswith(b"\xff\xd8\xff"))
            self.assertIn("768 x 576", done.out)
            first = fovea("snapshot", "-c", path, "-o", self.folder / "first.jpg")
            self.assertEqual(first.code, OK, str(first))
            refused = fovea("snapshot", "--backend", "cpu", "-o", out, sim.url(0, "admin:wrong@"), limit=15)
            self.assert_refused(refused, FAILED, "401|refused|denied")
            self.assertLess(refused.seconds, 12, "a refused login is not waited for")
        for one in (done, first, refused):
            self.assertNotIn(SECRET, one.text)
        self.assertFalse(list(self.folder.glob("*.tmp")))

    @unittest.skipUnless(FAKE_GPU.exists() and FAKE_GPU.with_name("libnvjpeg.so.13").exists(), "no look-alikes in this build")
    def test_on_the_gpu(self):
        """By nvJPEG; when that fails, nothing is fetched instead and the old file stays."""
        out = self.folder / "gpu.jpg"
        with Simulator(cameras=1, inputs=CLIPS[:1]) as sim:
            done = fovea("snapshot", "--json", "-o", out, sim.url(0), env=on_the_look_alike())
            self.assertEqual(done.code, OK, str(done))
            self.assertEqual(json.loads(done.out)["backend"], "gpu")
            before = out.read_bytes()
            self.assertTrue(before.startswith(b"\xff\xd8\xff"))
            failed = fovea("snapshot", "-o", out, sim.url(0), env=on_the_look_alike("call-fail=nvjpegEncodeYUV:1:6"))
            self.assert_refused(failed, FAILED, "nvjpegEncodeYUV: NVJPEG_STATUS_EXECUTION_FAILED")
            self.assertEqual(out.read_bytes(), before)
            folder = self.folder / "without"
            folder.mkdir()
            for name in ("libcuda.so.1", "libnvcuvid.so.1"):
                os.symlink(FAKE_GPU.with_name(name), folder / name)
            env = {**on_the_look_alike(), "LD_LIBRARY_PATH": str(folder), "HOME": str(folder), "VIRTUAL_ENV": str(folder)}
            missing = fovea("snapshot", "-o", out, sim.url(0), env=env)
            self.assert_refused(missing, FAILED, "libnvjpeg", "pip install nvidia-nvjpeg")
            self.assertEqual(out.read_bytes(), before)

    def test_failures(self):
        with Simulator(cameras=1, inputs=CLIPS[:1]) as sim:
            folder = self.folder / "folder.jpg"
            folder.mkdir()
            self.assert_refused(fovea("snapshot", "--backend", "cpu", "-o", folder, sim.url(0)), FAILED, "cannot be written: it is no regular file")
            nowhere = self.folder / "no" / "such.jpg"
            self.assert_refused(fovea("snapshot", "--backend", "cpu", "-o", nowhere, sim.url(0)), FAILED, "cannot be written")
            late = fovea("snapshot", "--backend", "cpu", "--timeout", 1, "-o", self.folder / "x.jpg", sim.url(0) + "x")
            self.assert_refused(late, FAILED, "no picture came within 1 s", "404")
            self.assertFalse((self.folder / "x.jpg").exists())
            with open("/dev/full", "wb") as full:
                done = fovea("snapshot", "--backend", "cpu", "-o", "-", sim.url(0), stdout=full)
            self.assert_refused(done, FAILED, "standard output cannot be written: No space")

    def test_how_far_it_came(self):
        """A camera that never fails, and never sends a picture."""
        for fault, step in (("mute:at=describe", "connected to"), ("mute:at=media", "PLAY was accepted"), ("no-key", "and a key picture")):
            with Simulator(cameras=1, inputs=CLIPS[:1], faults=[fault]) as sim:
                done = fovea("snapshot", "--backend", "cpu", "--timeout", 1, "-o", self.folder / "x.jpg", sim.url(0))
            self.assert_refused(done, FAILED, f"no picture came within 1 s; the last step: .*{step}")

    def test_interrupted(self):
        with Simulator(cameras=1, inputs=CLIPS[:1], faults=["mute:at=media"]) as sim:
            process = start("snapshot", "--backend", "cpu", "-o", self.folder / "x.jpg", sim.url(0))
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            done = finish(process, 5)
        self.assert_refused(done, FAILED, "interrupted")
        self.assertFalse((self.folder / "x.jpg").exists())

    def test_to_standard_output(self):
        """The picture and nothing else; what is said of it goes to standard error."""
        out = self.folder / "out.jpg"
        with Simulator(cameras=1, inputs=CLIPS[:1]) as sim, open(out, "wb") as stdout:
            process = start("snapshot", "--backend", "cpu", "-o", "-", sim.url(0), stdout=stdout)
            done = finish(process, 20)
        self.assertEqual(done.code, OK, str(done))
        self.assertIn("768 x 576", done.err)
        self.assertEqual((out.read_bytes()[:3], out.read_bytes()[-2:]), (b"\xff\xd8\xff", b"\xff\xd9"))

    def test_input_that_does_not_come(self):
        pipe, cut, out = self.folder / "pipe.h264", self.folder / "cut.h264", self.folder / "x.jpg"
        os.mkfifo(pipe)  # nobody writes into it
        self.assert_refused(fovea("snapshot", "--backend", "cpu", "--timeout", 1, "-o", out, pipe), FAILED, "did not come back")
        with open(CLIPS[0], "rb") as clip:
            cut.write_bytes(clip.read(5000))  # of its first picture
        self.assert_refused(fovea("snapshot", "--backend", "cpu", "-o", out, cut), FAILED, "the file has ended")
        self.assertFalse(out.exists())

    def test_usage(self):
        path = self.write("one.json", config({"gate": "rtsp://localhost/"}, self.folder))
        for arguments, needle in ((("-o", "x.jpg"), "address of a camera"), (("rtsp://a/",), "-o FILE"),
                                  (("-o", "x.jpg", "rtsp://a/", "rtsp://b/"), "one camera"),
                                  (("-o", "x.jpg", "--quality", 0, "rtsp://a/"), "--quality takes"),
                                  (("-o", "x.jpg", "--quality", 1.5, "rtsp://a/"), "--quality takes a whole number"),
                                  (("-o", "", "rtsp://a/"), "-o FILE"), (("-o", "-", "--json", "rtsp://a/"), "standard output"),
                                  (("-o", "x.jpg", "--backend", "tpu", "rtsp://a/"), "gpu or cpu"),
                                  (("-o", "x.jpg", "http://a/"), "scheme|rtsp"), (("-o", "x.jpg", "--backend", "cpu", "/nonexistent"), "nonexistent"),
                                  (("-o", "x.jpg", "--backend", "cpu", path), "neither|no video"), (("-o", "x.jpg", "-c", "/nonexistent"), "nonexistent|no such")):
            self.assert_refused(fovea("snapshot", *arguments), USAGE, needle)
        for arguments in (("-c", path, f"rtsp://a:{SECRET}@b/"), ("-c", path, f"rtsp:/a:{SECRET}@b/"), (f"rtsp:/a:{SECRET}@b/",)):
            refused = fovea("snapshot", "--backend", "cpu", "-o", "x.jpg", *arguments)
            self.assert_refused(refused, USAGE, "address")
            self.assertNotIn(SECRET, refused.text)
        self.assert_refused(fovea("snapshot", "-o", "x.jpg", "-c", path, "yard"), FAILED, "no camera 'yard'")
        gone = fovea("snapshot", "-o", "x.jpg", "rtsp://localhost/", env={**environment(), "LD_LIBRARY_PATH": str(self.folder)})
        if gone.code != FAILED:  # a machine with a GPU goes on to the network
            self.assert_refused(gone, NO_GPU, "driver")
