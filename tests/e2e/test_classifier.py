# SPDX-License-Identifier: Apache-2.0
"""A second model: right labels on a clip of coloured patches, whose boxes a detector made for it always finds."""

import collections
import json
import subprocess
import unittest

import harness
from harness import FAILED, OK, ROOT, USAGE, Case, Simulator, config, fovea
from test_config import environment

PYTHON = ROOT / ".cache/venv/bin/python"
SIZE = 320, 192
# Class of the detector, box, colour in the first two seconds and in the third. 1 is "other".
PATCHES = [(0, (20, 20, 80, 160), "red", "red"), (0, (100, 30, 160, 90), "green", "blue"), (0, (180, 40, 240, 180), "blue", "blue"),
           (1, (260, 20, 310, 80), "red", "red"), (0, (260, 120, 290, 150), "green", "green")]
SMALL = 4  # the patch of 30 x 30
NEEDS = unittest.skipUnless(PYTHON.exists() and (ROOT / "build/ort").exists(), "run scripts/setup")


def draw():
    boxes = []
    for _, (left, top, right, bottom), early, late in PATCHES:
        for colour, when in ((early, "lt(t,2)"), (late, "gte(t,2)")):
            code = {"red": "red", "green": "0x00ff00", "blue": "blue"}[colour]
            boxes.append(f"drawbox={left}:{top}:{right - left}:{bottom - top}:{code}:fill:enable='{when}'")
    return ",".join(boxes)


@NEEDS
class Classifier(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clip = cls.folder / "patches.h264"
        width, height = SIZE
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"color=gray:s={width}x{height}:r=10:d=3",
                        "-vf", draw(), "-pix_fmt", "yuv420p", "-c:v", "libx264", "-g", "10", "-bf", "0", "-f", "h264", cls.clip],
                       check=True)
        boxes = [",".join(map(str, (kind, *box))) for kind, box, *_ in PATCHES]
        subprocess.run([PYTHON, ROOT / "tests/e2e/tiny_models.py", cls.folder, str(width), str(height), *boxes], check=True)

    def made(self, url="rtsp://127.0.0.1/", **classifier):
        second = {"MODEL_PATH": str(self.folder / "colours.onnx"), "CLASSES": ["patch"], "INTERVAL_S": 0.5, "MIN_SIZE": 40}
        return config({"c": url}, self.folder / "out", models={"MODEL_PATH": str(self.folder / "boxes.onnx")},
                      classifier={**second, **classifier})

    def analyze(self, name="events", **classifier):
        events = self.folder / f"{name}.jsonl"
        done = fovea("analyze", "-c", self.write("config.json", self.made(**classifier)), "--fps", 10, "--out", events, self.clip,
                     env=environment(), limit=60)
        self.assertEqual(done.code, OK, str(done))
        return events

    @staticmethod
    def labels(events):
        """{patch: {picture: label}}"""
        found = collections.defaultdict(dict)
        for line in events.read_text().splitlines():
            event = json.loads(line)
            for detection in event["detections"]:
                x, y = (sum(detection["box"][i::2]) / 2 for i in (0, 1))
                patch = next(i for i, (_, b, *_) in enumerate(PATCHES) if b[0] < x < b[2] and b[1] < y < b[3])
                for attribute in detection.get("attributes", []):
                    if attribute["classifier"] != "colours" or not 0.6 <= attribute["score"] <= 1:
                        raise AssertionError(attribute)
                    found[patch][event["frame"]] = attribute["label"]
        return found

    def test_right_labels(self):
        """From the first picture on; each 0.5 s the newest; only the class that is wanted, only large boxes."""
        found = self.labels(self.analyze())
        self.assertEqual(sorted(found), [0, 1, 2])
        for patch, labels in found.items():
            self.assertEqual(sorted(labels), list(range(1, 31)))
            early, late = PATCHES[patch][2:]
            self.assertEqual({label for picture, label in labels.items() if picture <= 20}, {early}, f"patch {patch}")
            self.assertEqual({label for picture, label in labels.items() if picture >= 26}, {late}, f"patch {patch}")

    def test_twice_the_same(self):
        self.assertEqual(self.analyze("a").read_bytes(), self.analyze("b", BATCH_SIZE=2).read_bytes())

    def test_choices(self):
        self.assertEqual(sorted(self.labels(self.analyze(CLASSES=[]))), [0, 1, 2, 3])
        self.assertEqual(sorted(self.labels(self.analyze(CLASSES=["other"]))), [3])
        self.assertEqual(sorted(self.labels(self.analyze(MIN_SIZE=16))), [0, 1, 2, SMALL])
        self.assertEqual(self.labels(self.analyze(CONFIDENCE_THRESHOLD=1)), {})
        self.assertEqual(self.labels(self.analyze(MODEL_PATH=None)), {})
        once = self.labels(self.analyze(INTERVAL_S=60))
        self.assertEqual(set(once[1].values()), {"green"})

    def test_cameras(self):
        """Live nobody waits, and all the same each track has its label soon."""
        summary = self.folder / "summary.json"
        with Simulator(inputs=[self.clip]) as sim:
            made = self.made(sim.url(0), BATCH_SIZE=2)
            done = fovea("run", "-c", self.write("config.json", made), "--quiet", "--duration", 4 * harness.PATIENCE, "--summary",
                         summary, env=environment(), limit=60)
        self.assertEqual(done.code, OK, str(done))
        told = json.loads(summary.read_text())["classifier"]
        self.assertEqual((told["name"], told["lost"]), ("colours", 0))
        self.assertGreaterEqual(told["classified"], 6)
        found = self.labels(self.folder / "out/events.jsonl")
        self.assertEqual(sorted(found), [0, 1, 2])
        self.assertEqual(set(found[0].values()), {"red"})
        self.assertEqual(set(found[2].values()), {"blue"})
        self.assertLessEqual(set(found[1].values()), {"green", "blue"})

    def refuse(self, sentence, key, code, **classifier):
        path = self.write("bad.json", self.made(**classifier))
        done = fovea("run", "-c", path, "--duration", 1, env=environment())
        self.assertIn(done.code, (FAILED, USAGE), str(done))
        self.assertRegex(done.err, sentence)
        told = json.loads(fovea("config", "check", "--machine", "--json", path, env=environment()).out)
        self.assertIn((key, code), [(f["key"], f["code"]) for f in told["errors"]], told)

    def test_refusals(self):
        self.refuse("is a detector by its manifest", "classifier.MODEL_PATH", "bad_model", MODEL_PATH=str(self.folder / "boxes.onnx"))
        self.refuse("No such file", "classifier.MODEL_PATH", "missing_file", MODEL_PATH=str(self.folder / "none.onnx"))
        self.refuse("has no class 'unicorn'", "classifier.CLASSES", "unknown_class", CLASSES=["unicorn"])
        done = fovea("doctor", "-c", self.write("good.json", self.made()), env=environment())
        self.assertRegex(done.out, r"classifier.*\n?.*colours, 32x32, 3 labels")


if __name__ == "__main__":
    unittest.main()
