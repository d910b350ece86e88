# SPDX-License-Identifier: Apache-2.0
"""One engine, many sick cameras and two sound ones: each sick one is named with its trouble, the sound ones never notice."""

import contextlib
import time

from harness import (OK, SDP_AUDIO, SDP_H264, SDP_VP8, Case, FakeCamera, Simulator, config, finish, free_port,
                     needs_clip, needs_model, play_garbage, start, talk_close, talk_garbage, talk_rtsp, talk_silence)

SECRET = "hunter-two-secret"
SECONDS = 8

SICK = {
    "closes": talk_close,
    "garbage": talk_garbage,
    "silent": talk_silence,
    "vp8": talk_rtsp(SDP_VP8),
    "audio-only": talk_rtsp(SDP_AUDIO),
    "not-found": talk_rtsp(refuse="404 Not Found"),
    "busy": talk_rtsp(refuse="453 Not Enough Bandwidth"),
    "no-sdp": talk_rtsp("this is no SDP\r\n"),
    "plays-nothing": talk_rtsp(SDP_H264),
    "plays-garbage": talk_rtsp(SDP_H264, after_play=play_garbage),
}


@needs_clip
@needs_model
class Sick(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with contextlib.ExitStack() as stack:
            sim = stack.enter_context(Simulator(cameras=3, auth=f"admin:{SECRET}"))
            cameras = {"sound-0": sim.url(0, f"admin:{SECRET}@"), "sound-1": sim.url(1, f"admin:{SECRET}@"),
                       "wrong-password": sim.url(2, f"admin:not-{SECRET}@"),
                       "refuses": f"rtsp://127.0.0.1:{free_port()}/x"}
            cls.fakes = {name: stack.enter_context(FakeCamera(talk)) for name, talk in SICK.items()}
            cameras.update((name, fake.url) for name, fake in cls.fakes.items())
            cls.done, summary = cls.run_engine(config(cameras, cls.folder / "out"), SECONDS)
        cls.cameras = {camera["name"]: camera for camera in summary["cameras"]} if summary else {}

    def assert_sick(self, name, *needles):
        camera = self.cameras[name]
        self.assertNotEqual(camera["state"], "playing")
        self.assertEqual(camera["frames"], 0)
        lines = [line for line in self.done.text.split("\n") if name in line]
        self.assertTrue(lines, f"nothing said about {name}: {self.done}")
        for needle in needles:
            self.assertRegex("\n".join(lines), f"(?i){needle}")

    def test_engine_ends_well(self):
        self.assertEqual(self.done.code, OK, str(self.done))
        self.assertLess(self.done.seconds, SECONDS + 6, str(self.done))

    def test_sound_cameras_play(self):
        for name in ("sound-0", "sound-1"):
            self.assertEqual(self.cameras[name]["state"], "playing")
            self.assertGreater(self.cameras[name]["analysed"], 20)
            self.assertEqual(self.cameras[name]["reconnects"], 0)

    def test_refused_connection(self):
        self.assert_sick("refuses", "refused")

    def test_closes(self):
        self.assert_sick("closes")

    def test_garbage(self):
        self.assert_sick("garbage")

    def test_silent(self):
        self.assert_sick("silent")

    def test_unsupported_codec(self):
        self.assert_sick("vp8", "VP8")

    def test_no_video(self):
        self.assert_sick("audio-only", "video")

    def test_not_found(self):
        self.assert_sick("not-found", "404")

    def test_busy(self):
        self.assert_sick("busy", "453")

    def test_no_sdp(self):
        self.assert_sick("no-sdp")

    def test_plays_nothing(self):
        self.assert_sick("plays-nothing")

    def test_plays_garbage(self):
        self.assert_sick("plays-garbage")

    def test_wrong_password(self):
        self.assert_sick("wrong-password")
        self.assertNotIn(SECRET, self.done.text)

    def test_nobody_is_hurried(self):
        """Backoff: at least a second between two attempts, growing."""
        for name, fake in self.fakes.items():
            self.assertLessEqual(fake.connections, 1 + SECONDS, name)


@needs_clip
@needs_model
class Reconnect(Case):
    def test_camera_that_goes_and_comes_back(self):
        port = free_port()
        made = config({"gate": f"rtsp://127.0.0.1:{port}/cam0"}, self.folder / "out")
        path = self.write("config.json", made)
        with Simulator(port=port):
            process = start("run", "-c", path, "--duration", 12, "--json")
            time.sleep(4)
        time.sleep(1)
        with Simulator(port=port):
            done = finish(process, 25)
        self.assertEqual(done.code, OK, str(done))
        self.assertRegex(done.out, r'"reconnects": [1-9]')
        self.assertIn('"state": "playing"', done.out)
