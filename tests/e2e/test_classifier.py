# SPDX-License-Identifier: Apache-2.0
"""A second model: right labels on a clip of coloured patches, whose boxes a detector made for it always finds."""

import json
import unittest

import harness
import patches
from harness import FAILED, OK, ROOT, USAGE, Case, Simulator, config, fovea
from patches import PYTHON, SMALL
from test_config import environment

NEEDS = unittest.skipUnless(PYTHON.exists() and (ROOT / "build/ort").exists(), "run scripts/setup")


@NEEDS
class Classifier(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clip = cls.folder / "patches.h264"
        patches.make(cls.folder)

    def made(self, url="rtsp://127.0.0.1/", **classifier):
        second = {"MODEL_PATH": str(self.folder / "colours.onnx"), **patches.CLASSIFIER}
        return config({"c": url}, self.folder / "out", models={"MODEL_PATH": str(self.folder / "boxes.onnx")},
                      classifier={**second, **classifier})

    def analyze(self, name="events", **classifier):
        events = self.folder / f"{name}.jsonl"
        done = fovea("analyze", "-c", self.write("config.json", self.made(**classifier)), "--fps", 10, "--out", events, self.clip,
                     env=environment(), limit=60)
        self.assertEqual(done.code, OK, str(done))
        return events

    def test_right_labels(self):
        """From the first picture on; each 0.5 s the newest; only the class that is wanted, only large boxes."""
        self.assertEqual(patches.faults(patches.labels(self.analyze())), [])

    def test_twice_the_same(self):
        self.assertEqual(self.analyze("a").read_bytes(), self.analyze("b", BATCH_SIZE=2).read_bytes())

    def test_choices(self):
        self.assertEqual(sorted(patches.labels(self.analyze(CLASSES=[]))), [0, 1, 2, 3])
        self.assertEqual(sorted(patches.labels(self.analyze(CLASSES=["other"]))), [3])
        self.assertEqual(sorted(patches.labels(self.analyze(MIN_SIZE=16))), [0, 1, 2, SMALL])
        self.assertEqual(patches.labels(self.analyze(CONFIDENCE_THRESHOLD=1)), {})
        self.assertEqual(patches.labels(self.analyze(MODEL_PATH=None)), {})
        self.assertEqual(patches.labels(self.analyze(MODEL_PATH=str(self.folder / "nonsense.onnx"))), {})
        once = patches.labels(self.analyze(INTERVAL_S=60))
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
        found = patches.labels(self.folder / "out/events.jsonl")
        self.assertEqual(sorted(found), [0, 1, 2])
        self.assertEqual(set(found[0].values()), {"red"})
        self.assertEqual(set(found[2].values()), {"blue"})
        self.assertLessEqual(set(found[1].values()), {"green", "blue"})

    def test_nothing_to_do(self):
        for reported, told in ((["other"], 1), (["other", 0], 0)):
            made = self.made()
            made["models"]["TARGET_CLASSES"] = reported
            done = fovea("analyze", "-c", self.write("config.json", made), self.clip, env=environment())
            self.assertEqual(done.code, OK, str(done))
            self.assertEqual(done.err.count("none of classifier.CLASSES is among models.TARGET_CLASSES"), told, str(done))

    def test_fault(self):
        """The second model fails while it works: of a file nothing may be missing, so that ends its analysis."""
        bad = str(self.folder / "brittle.onnx")
        done = fovea("analyze", "-c", self.write("config.json", self.made(MODEL_PATH=bad)), self.clip, env=environment())
        self.assertEqual(done.code, FAILED, str(done))
        self.assertRegex(done.err, r"(?m)^fovea analyze: the classifier: ONNX Runtime: .*brittle.onnx: .*out of data bounds")

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
        unused = self.write("unused.json", self.made(MODEL_PATH=None, CLASSES=["unicorn"]))
        self.assertEqual(fovea("config", "check", "--machine", unused, env=environment()).code, OK)
        done = fovea("doctor", "-c", self.write("good.json", self.made()), env=environment())
        self.assertRegex(done.out, r"classifier.*\n?.*colours, 32x32, 3 labels")


if __name__ == "__main__":
    unittest.main()
