# SPDX-License-Identifier: Apache-2.0
"""`fovea config` and `fovea doctor`: a file per rule, old files, the guide's files and commands, the schema."""

import json
import os
import pathlib
import re
import shutil
import tempfile
import unittest

from harness import FAILED, OK, ROOT, USAGE, Case, fovea

DATA = ROOT / "tests/data/config"
LISTS = ("errors", "warnings", "info", "obsolete")
try:
    import jsonschema
except ImportError:
    jsonschema = None


def environment():
    """Without what this machine's user may have set."""
    return {k: v for k, v in os.environ.items() if k != "DEBUG" and "__" not in k}


def findings(done):
    told = json.loads(done.out)
    found = [[name, f["code"], f["key"], f["line"], f["column"]] for name in LISTS for f in told[name]]
    return sorted(found, key=lambda f: (f[3:], f)), told["ok"]


def examples(document):
    return re.findall(r"```json\n(.*?)```", (ROOT / "docs" / document).read_text(), re.DOTALL)


class Folder(Case):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)


class Rules(Case):
    def test_a_file_per_rule(self):
        for name, wanted in json.loads((DATA / "rules/expected.json").read_text()).items():
            with self.subTest(name):
                options = ["--backend", wanted["backend"]] if "backend" in wanted else []
                done = fovea("config", "check", "--json", DATA / "rules" / name, *options, env=environment())
                found, ok = findings(done)
                self.assertEqual(done.code, wanted["exit"])
                self.assertEqual(ok, wanted["exit"] == OK)
                self.assertEqual(found, sorted(wanted["findings"], key=lambda f: (f[3:], f)))

    def test_the_environment_is_named(self):
        done = fovea("config", "check", "--machine", "--backend", "cpu", DATA / "minimal.json",
                     env={**environment(), "FOVEA_PROCESSING__GPU_BATCH_SIZE": "0"})
        self.assertEqual(done.code, FAILED)
        self.assertIn("FOVEA_PROCESSING__GPU_BATCH_SIZE: error: processing.GPU_BATCH_SIZE [out_of_range]", done.out)


class Migration(Folder):
    def test_old_files_there_and_back(self):
        for old in sorted((DATA / "old").glob("*.json")):
            with self.subTest(old.name):
                file = self.folder / old.name
                file.write_bytes(old.read_bytes())
                self.assertEqual(fovea("config", "migrate", file, env=environment()).code, OK)
                self.assertEqual(fovea("config", "check", file, env=environment()).code, OK)
                migrated = file.read_bytes()
                self.assertEqual(fovea("config", "migrate", file, env=environment()).code, OK)
                self.assertEqual(file.read_bytes(), migrated)
                self.assertEqual(fovea("config", "rollback", file).code, OK)
                self.assertEqual(file.read_bytes(), old.read_bytes())

    def test_the_list_of_changes(self):
        done = fovea("config", "migrate", DATA / "old/server.json", "--dry-run", "--json", env=environment())
        self.assertEqual(done.code, OK, str(done))
        told = json.loads(done.out)
        self.assertEqual({c["key"]: c["kind"] for c in told["changes"]}["websocket.HOST"], "default")
        self.assertFalse(told["written"])
        self.assertNotIn("n0t-shown", done.text)

    def test_refused(self):
        broken = self.folder / "broken.json"
        broken.write_text("{,}")
        self.assertEqual(fovea("config", "migrate", broken).code, FAILED)
        self.assertEqual(broken.read_text(), "{,}")
        self.assertEqual(fovea("config", "migrate", self.folder / "absent.json").code, USAGE)
        self.assertEqual(fovea("config", "rollback", broken).code, USAGE)

    def test_the_guide(self):
        """Each complete file of the guides checks clean; the stages go forth and all the way back."""
        for document in ("migration.md", "tuning.md"):
            for number, text in enumerate(examples(document)):
                file = self.folder / f"{document}-{number}.json"
                file.write_text(text)
                done = fovea("config", "check", file, env=environment())
                self.assertEqual(done.code, OK, str(done))
                self.assertEqual(fovea("config", "show", "-c", file, env=environment()).code, OK)
        old, new = DATA / "old/list.json", self.folder / "fovea.json"
        self.assertEqual(fovea("config", "migrate", old, "-o", new, "--stage", 1).code, OK)
        enabled = [self.enabled(new)]
        for stage in (2, 3):
            self.assertEqual(fovea("config", "migrate", new, "--stage", stage).code, OK)
            enabled.append(self.enabled(new))
        self.assertEqual(enabled, [1, 2, 3])
        for _ in range(3):
            self.assertEqual(fovea("config", "rollback", new).code, OK)
        self.assertEqual(new.read_bytes(), old.read_bytes())

    @staticmethod
    def enabled(file):
        return sum(c.get("enabled", True) for c in json.loads(file.read_text())["cameras"]["RTSP_STREAMS"])


@unittest.skipUnless(jsonschema, "jsonschema is not installed")
class Schema(Case):
    def setUp(self):
        super().setUp()
        schema = json.loads(fovea("config", "schema").out)
        jsonschema.Draft202012Validator.check_schema(schema)
        self.validator = jsonschema.Draft202012Validator(schema)

    def flagged(self, text):
        return ["/".join(map(str, e.path)) for e in self.validator.iter_errors(json.loads(text))]

    def test_good_files(self):
        for text in [*examples("migration.md"), *examples("tuning.md"), (DATA / "older-list.json").read_text()]:
            self.assertEqual(self.flagged(text), [])

    def test_flags(self):
        streams = '"cameras": {"RTSP_STREAMS": [{"url": "rtsp://h"}]}'
        for settings, place in (('"GPU_BATCH_SIZ": 1', "processing"), ('"GPU_BATCH_SIZE": 0', "processing/GPU_BATCH_SIZE"),
                                ('"BACKEND": "tpu"', "processing/BACKEND"),
                                ('"ENABLE_NVDEC": false', "processing/ENABLE_NVDEC"),
                                ('"PIPELINE_QUEUE_TIMEOUT_MS": 0', "processing/PIPELINE_QUEUE_TIMEOUT_MS")):
            self.assertEqual(self.flagged(f'{{"processing": {{{settings}}}, {streams}}}'), [place])
        self.assertEqual(self.flagged(f'{{"processing": {{"BACKEND": "CPU", "ENABLE_NVDEC": false}}, {streams}}}'), [])
        self.assertEqual(self.flagged("{}"), [""])


class Doctor(Folder):
    def test_without_anything(self):
        done = fovea("doctor", "--json", env={"PATH": "/nonexistent"}, limit=10)
        told = json.loads(done.out)
        self.assertEqual(done.code, OK if told["ok"] else FAILED)
        for check in told["checks"]:
            self.assertIn(check["state"], ("ok", "warning", "problem"))
            self.assertTrue(check["found"] and check["why"])
            self.assertEqual(bool(check["cure"]), check["state"] != "ok")

    def test_a_camera_that_is_not_there(self):
        file = self.folder / "c.json"
        file.write_text('{"processing": {"BACKEND": "cpu"}, "cameras": {"RTSP_STREAMS": '
                        '[{"name": "gone", "url": "rtsp://u:n0t-shown@127.0.0.1:9/x"}]}}')
        done = fovea("doctor", "-c", file, limit=10, env=environment())
        self.assertEqual(done.code, FAILED)
        self.assertRegex(done.out, r"problem gone: 127\.0\.0\.1:9: ")
        self.assertNotIn("n0t-shown", done.text)

    def test_usage(self):
        self.assertEqual(fovea("doctor", "--backend", "tpu").code, USAGE)
        self.assertEqual(fovea("doctor", "x").code, USAGE)
        self.assertEqual(fovea("doctor", "--help").code, OK)
