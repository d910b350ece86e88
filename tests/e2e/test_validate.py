# SPDX-License-Identifier: Apache-2.0
"""fovea validate: figures, and files that are wrong."""

import json
import pathlib
import tempfile

from harness import OK, USAGE, Case, fovea

TRUTH = "1,1,10,10,20,40,1\n2,1,12,10,20,40,1\n2,2,200,10,20,40,0\n"
TRACKS = "1,7,10,10,20,40,-1\n2,8,12,10,20,40,-1\n"
COCO = {"images": [{"id": 1}], "categories": [{"id": 1}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 0}]}
FOUND = [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.5}]
NAMES = {"mota", "motp", "idf1", "idp", "idr", "num_switches", "num_fragmentations", "mostly_tracked", "mostly_lost",
         "num_false_positives", "num_misses"}


class Validate(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def accuracy(self, *arguments):
        return fovea("validate", "accuracy", *arguments)

    def test_tracks(self):
        files = ("--gt", self.write("gt", TRUTH), "--tracks", self.write("tracks", TRACKS))
        done = self.accuracy(*files, "--format", "mot", "--json")
        self.assertEqual(done.code, OK, str(done))
        scores = json.loads(done.out)
        self.assertLessEqual(NAMES, set(scores))
        self.assertEqual((scores["mota"], scores["motp"], scores["num_switches"]), (0.5, 0, 1))
        self.assertRegex(self.accuracy(*files).out, r"mota +0\.500000")

    def test_detections(self):
        done = self.accuracy("--gt", self.write("gt", json.dumps(COCO)), "--detections",
                             self.write("found", json.dumps(FOUND)), "--format", "coco", "--json")
        self.assertEqual(done.code, OK, str(done))
        self.assertEqual([json.loads(done.out)[name] for name in ("ap50", "ap50_95", "f1")], [1, 1, 1])

    def test_undefined_is_null(self):
        empty = self.write("empty", "")
        done = self.accuracy("--gt", empty, "--tracks", empty, "--json")
        self.assertEqual(done.code, OK, str(done))
        self.assertIsNone(json.loads(done.out)["mota"])

    def test_bad_files(self):
        good = self.write("gt", TRUTH)
        self.assert_refused(self.accuracy("--gt", good, "--tracks", "nowhere.txt"), USAGE, "nowhere.txt")
        bad = self.write("bad", TRUTH + "3,1,10\n")
        self.assert_refused(self.accuracy("--gt", bad, "--tracks", good), USAGE, "line 4")
        self.assert_refused(self.accuracy("--gt", good, "--detections", good), USAGE, "line 1")

    def test_wrong_usage(self):
        for arguments in ((), ("--gt", "x"), ("--gt", "x", "--tracks", "y", "--detections", "z"),
                          ("--gt", "x", "--tracks", "y", "--format", "coco"),
                          ("--gt", "x", "--tracks", "y", "--min-score", "0.5"), ("--gt", "x", "--min-score", "2")):
            self.assert_refused(self.accuracy(*arguments), USAGE, "--help")
        self.assert_refused(fovea("validate"), USAGE, "accuracy")
        self.assert_refused(fovea("validate", "beauty"), USAGE, "beauty", "accuracy")
