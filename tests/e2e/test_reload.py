# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: a changed file without a restart; and a start that hangs ends all the same."""

import json
import os
import re
import signal
import time

import harness
from harness import OK, Case, Simulator, config, finish, needs_clip, needs_model, start


@needs_clip
@needs_model
class Reload(Case):
    def await_text(self, said, pattern, limit=20):
        end = time.monotonic() + limit * harness.PATIENCE
        while time.monotonic() < end:
            if re.search(pattern, said.read_text()):
                return
            time.sleep(0.1)
        self.fail(f"'{pattern}' was never said:\n{said.read_text()[-3000:]}")

    def test_cameras_and_thresholds(self):
        """One camera goes, one comes, one stays; a wrong file changes nothing; what needs a restart is named."""
        said, summary = self.folder / "said", self.folder / "summary.json"
        with Simulator(cameras=3) as sim, said.open("w") as out:
            made = config({"stays": sim.url(0), "goes": sim.url(1)}, self.folder / "out", app={"LOG_LEVEL": "info"})
            path = self.write("config.json", made)
            process = start("run", "-c", path, "--quiet", "--summary", summary, output=out)
            self.await_text(said, r"'goes': buffering -> playing")
            streams = made["cameras"]["RTSP_STREAMS"]
            streams[1] = {"name": "comes", "url": sim.url(2)}
            made["models"]["MODEL_CONFIDENCE_THRESHOLD"] = 0.5
            made["processing"]["GPU_BATCH_SIZE"] = 2
            self.write("config.json", made)
            process.send_signal(signal.SIGHUP)
            self.await_text(said, r"reloaded .*config\.json: 3 changes, 1 setting needs a restart")
            self.await_text(said, r"'comes': buffering -> playing")
            streams[1]["name"] = "stays"
            self.write("config.json", made)
            process.send_signal(signal.SIGHUP)
            self.await_text(said, r"reload refused, everything goes on as it was: .* has 1 error")
            time.sleep(harness.PATIENCE)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(finish(process, 20).code, OK)
        text = said.read_text()
        self.assertIn("camera 'comes' is new", text)
        self.assertIn("camera 'goes' is gone", text)
        self.assertIn("processing.GPU_BATCH_SIZE: 4 -> 2 (needs a restart)", text)
        self.assertIn("[duplicate_camera]", text)
        self.assertEqual(len(re.findall(r"'stays': \w+ -> playing", text)), 1, "the camera that stays lost its connection")
        told = {camera["name"]: camera for camera in json.loads(summary.read_text())["cameras"]}
        self.assertEqual({name: camera["state"] for name, camera in told.items()},
                         {"stays": "playing", "goes": "disabled", "comes": "playing"})
        for camera in told.values():
            self.assertGreater(camera["frames"], 0)


class HangingStart(Case):
    def test_a_file_that_never_comes(self):
        """The configuration is a terminal at which nobody types: reading it hangs. Ctrl-C ends the program all the same."""
        ends = os.openpty()
        for end in ends:
            self.addCleanup(os.close, end)
        process = start("run", "-c", os.ttyname(ends[1]), "--quiet")
        time.sleep(harness.PATIENCE)
        self.assertIsNone(process.poll(), "it does not hang")
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        done = finish(process, 6, began)
        self.assertEqual(done.code, OK, str(done))
        self.assertIn("did not come back", done.err)
