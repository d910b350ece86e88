# SPDX-License-Identifier: Apache-2.0
"""`fovea config` and `fovea doctor`: a file per rule, old files, the guide's files and commands, the schema."""

import json
import os
import pathlib
import random
import re
import shutil
import tempfile
import time
import unittest

import harness
from harness import FAILED, OK, ROOT, USAGE, Case, Simulator, fovea, needs_clip, needs_model

DATA = ROOT / "tests/data/config"
FAKE_GPU = harness.FOVEA.parent / "tests/fakegpu/libcuda.so.1"
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


    @unittest.skipIf(harness.PATIENCE > 1, "shown by the plain build")
    @needs_clip
    @needs_model
    def test_old_files_run(self):
        """Migrated, each old file of cameras plays: its addresses lead to the simulator, its outputs into a folder of ours."""
        played = 0
        with Simulator(cameras=2) as sim:
            for old in sorted((DATA / "old").glob("*.json")):
                with self.subTest(old.name):
                    file = self.folder / old.name
                    file.write_bytes(old.read_bytes())
                    self.assertEqual(fovea("config", "migrate", file, env=environment()).code, OK)
                    # What is foreign to this machine comes over the migrated file, as its user would do it.
                    streams = json.loads(file.read_text())["cameras"]["RTSP_STREAMS"]
                    for number, camera in enumerate(streams):
                        camera.update(url=sim.url(number % 2), TRANSPORT="tcp")
                        for key in ("USERNAME", "PASSWORD_ENV", "PASSWORD_FILE"):
                            camera.pop(key, None)
                    variables = {"FOVEA_CAMERAS__RTSP_STREAMS": json.dumps(streams), "FOVEA_MODELS__MODEL_PATH": str(harness.MODEL),
                                 "FOVEA_OUTPUT__OUTPUT_DIR": str(self.folder / "out"), "FOVEA_MODELS__TARGET_CLASSES": "[]",
                                 "FOVEA_MODELS__WARM_UP_ITERATIONS": "1"}
                    summary = self.folder / "summary.json"
                    done = fovea("run", "-c", file, "--backend", "cpu", "--quiet", "--duration", 2 * harness.PATIENCE,
                                 "--summary", summary, env={**environment(), **variables}, limit=40)
                    self.assertEqual(done.code, OK, str(done))
                    cameras = json.loads(summary.read_text())["cameras"]
                    enabled = sum(camera.get("enabled", True) for camera in streams)
                    self.assertEqual(len(cameras), enabled)
                    played += sum(camera["analysed"] > 0 for camera in cameras)
                    self.assertTrue(all(camera["frames"] > 0 for camera in cameras), str(done))
                    self.assertEqual(fovea("config", "rollback", file).code, OK)
                    self.assertEqual(file.read_bytes(), old.read_bytes())
        self.assertGreater(played, 10)


class Mutations(Folder):
    SEEDS = ("rules", "old")

    def test_mutated_files(self):
        """Files with bytes changed, cut and joined: an answer in bounded time, never a crash. tests/fuzz/mutate.c does it 10,000
        times inside the library; here a few go through the program."""
        chance = random.Random(6)
        seeds = [file.read_bytes() for name in self.SEEDS for file in sorted((DATA / name).glob("*.json"))]
        for number in range(20):
            text = bytearray(chance.choice(seeds) + chance.choice(seeds) if number % 5 == 0 else chance.choice(seeds))
            for _ in range(chance.randrange(1, 8)):
                text[chance.randrange(len(text))] = chance.randrange(256)
            file = self.folder / "mutated.json"
            file.write_bytes(text[: chance.randrange(1, len(text) + 1)])
            began = time.monotonic()
            done = fovea("config", "check", "--json", file, env=environment())
            self.assertIn(done.code, (OK, FAILED), str(done))
            self.assertLess(time.monotonic() - began, 10 * harness.PATIENCE)


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

    @unittest.skipUnless(FAKE_GPU.exists(), "no look-alike of the driver in this build")
    def test_with_a_gpu(self):
        """On the look-alike of NVIDIA's driver: what is there is named, what is missing has a cure."""
        env = {**environment(), "LD_LIBRARY_PATH": str(FAKE_GPU.parent)}

        def look(script=""):
            told = json.loads(fovea("doctor", "--json", env={**env, "FOVEA_FAKE_GPU": script}, limit=20).out)
            return {check["id"]: check for check in told["checks"]}

        sound = look()
        self.assertRegex(sound["gpu_device"]["found"], r"cuda:0 is a .+, compute capability 9\.0, \d+ MiB of memory free of 1024")
        self.assertRegex(sound["gpu_codecs"]["found"], r"H\.264 up to \d+x\d+")
        self.assertEqual(sound["gpu_cuda"]["state"], "ok")
        self.assertRegex(sound["nvjpeg"]["found"], "nvJPEG is there|JPEG library is missing")
        self.assertEqual(sound["nvjpeg"]["state"], "ok")
        self.assertEqual(sound["tensorrt"]["state"], "problem")
        self.assertIn('INFERENCE_PROVIDER to "cuda"', sound["tensorrt"]["cure"])
        self.assertRegex(look("driver=12020")["gpu_cuda"]["found"], r"12\.2")
        self.assertEqual(look("driver=12020")["gpu_cuda"]["state"], "warning")
        self.assertRegex(look("no-device")["gpu"]["found"], "GPU")
        self.assertRegex(look("compute=5")["gpu"]["found"], "too old")
        self.assertNotIn("gpu_device", look("no-device"))

    @unittest.skipUnless(FAKE_GPU.exists(), "no look-alike of the driver in this build")
    def test_what_a_gpu_lacks_stands_at_its_setting(self):
        file = self.folder / "c.json"
        file.write_text('{"processing": {\n"GPU_MEMORY_POOL_SIZE_MB": 900},\n"models": {"INFERENCE_PROVIDER": "cuda", "DEVICE": "cuda:0"},\n'
                        '"cameras": {"RTSP_STREAMS": [{"name": "a", "url": "rtsp://h/s"}]}}')
        for script, place in (("free-mb=300", ("processing.GPU_MEMORY_POOL_SIZE_MB", 2)), ("compute=5", ("models.DEVICE", 3))):
            done = fovea("config", "check", "--machine", "--json", file,
                         env={**environment(), "LD_LIBRARY_PATH": str(FAKE_GPU.parent), "FOVEA_FAKE_GPU": script})
            self.assertEqual(done.code, FAILED)
            self.assertIn(place, [(e["key"], e["line"]) for e in json.loads(done.out)["errors"] if e["code"] == "gpu_missing"])

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
