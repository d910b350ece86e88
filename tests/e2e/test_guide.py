# SPDX-License-Identifier: Apache-2.0
"""docs/migration.md, done: its complete files play, its commands run in the order of the document.

Both are read from the document. What a test must change: addresses of the documentation (192.0.2.x) lead to the simulator, minutes
become seconds, `pidof fovea` is the program of this test. The GPU is the look-alike of tests/fakegpu.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import harness
from harness import CLIPS, FAILED, OK, ROOT, Case, Simulator, finish, fovea, needs_clip, needs_model
from test_config import environment, examples

GUIDE = (ROOT / "docs/migration.md").read_text()
ADDRESS = re.compile(r"rtsp://192\.0\.2\.1(\d)/stream\d")
FAKE_GPU = harness.FOVEA.parent / "tests/fakegpu"
FAKE_ORT = harness.FOVEA.parent / "src/infer/libfake_ort.so"
HAS_GPU = (FAKE_GPU / "libcuda.so.1").exists() and FAKE_ORT.exists()
PASSWORD = "s3same"
PLAIN = unittest.skipIf(harness.PATIENCE > 1, "shown by the plain build")


def on_gpu():
    """Environment of a host with a GPU."""
    return {"LD_LIBRARY_PATH": str(FAKE_GPU), "FOVEA_ORT_PATH": str(FAKE_ORT), "FOVEA_FAKE_GPU": "memory-mb=6000,leaks=ok",
            "FOVEA_MODELS__INFERENCE_PROVIDER": "cuda"}


def section(name):
    """From a heading to the next one of its kind."""
    found = re.search(rf"^(#+) {re.escape(name)}\n(.*?)(?=^\1 |\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    return found[2]


def commands(text):
    """Lines of the indented blocks, without their comments, and what stands in backquotes and begins with `fovea `; in order."""
    found = re.findall(r"^    (fovea .*?)(?: +#.*)?$|`(fovea (?!-)[^`\n]*)`", text, re.MULTILINE)
    return [block or inline for block, inline in found]


class Guide(Case):
    def setUp(self):
        super().setUp()
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="fovea-guide-"))
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        bin_folder = self.place / "bin"
        bin_folder.mkdir()
        (bin_folder / "fovea").symlink_to(harness.FOVEA)
        self.env = {**environment(), "PATH": f"{bin_folder}:{os.environ['PATH']}", "FOVEA_MODELS__WARM_UP_ITERATIONS": "1",
                    "GATE_PASSWORD": PASSWORD, "CAMERA_PASSWORD": PASSWORD}

    def simulator(self, auth=None):
        sim = Simulator(cameras=4, auth=auth, inputs=CLIPS[:1])
        sim.__enter__()
        self.addCleanup(sim.__exit__)
        return sim

    def with_cameras(self, text, sim):
        return ADDRESS.sub(lambda found: sim.url(int(found[1])), text)

    def sh(self, line, **more):
        return subprocess.run(["bash", "-c", line], cwd=self.place, env={**self.env, **more}, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=60, check=False)


@PLAIN
@needs_clip
@needs_model
class Files(Guide):
    def play(self, text, env):
        """Plays a file of the guide and looks at what it asks for."""
        made = json.loads(text)
        auth = f"viewer:{PASSWORD}" if '"USERNAME"' in text else None
        (self.place / "fovea.json").write_text(self.with_cameras(text, self.simulator(auth)))
        done = fovea("run", "-c", "fovea.json", "--quiet", "--duration", 3, "--summary", "summary.json", cwd=self.place,
                     env={**self.env, **env}, limit=40)
        self.assertEqual(done.code, OK, str(done))
        told = json.loads((self.place / "summary.json").read_text())
        wanted = [c["name"] for c in made["cameras"]["RTSP_STREAMS"] if c.get("enabled", True)]
        self.assertEqual([c["name"] for c in told["cameras"]], wanted)
        for camera in told["cameras"]:
            self.assertEqual((camera["state"], camera["lost_packets"], camera["reconnects"]), ("playing", 0, 0))
            self.assertGreater(camera["analysed"], 0)
        out = self.place / made.get("output", {}).get("OUTPUT_DIR", "output")
        if made.get("output", {}).get("SAVE_DETECTIONS"):
            self.assertGreater(len((out / "events.jsonl").read_text().splitlines()), len(wanted))
        if made.get("output", {}).get("SAVE_FRAMES"):
            self.assertTrue(list(out.glob("snapshots/*.jpg")))
        return told

    def test_on_the_cpu(self):
        played = [text for name in ("migration.md", "tuning.md") for text in examples(name) if '"BACKEND": "cpu"' in text]
        self.assertGreaterEqual(len(played), 5)
        for number, text in enumerate(played):
            with self.subTest(number):
                self.assertEqual(self.play(text, {})["backend"], "cpu")

    @unittest.skipUnless(HAS_GPU, "no look-alike of the driver in this build")
    def test_on_a_gpu(self):
        """The file for a GPU as it is, and the others without their BACKEND."""
        texts = examples("migration.md")
        self.assertEqual(sum('"BACKEND"' not in text for text in texts), 1)
        for number, text in enumerate(texts):
            with self.subTest(number):
                self.assertEqual(self.play(text.replace('"BACKEND": "cpu", ', ""), on_gpu())["backend"], "gpu")


@PLAIN
@needs_clip
@needs_model
class Commands(Guide):
    """Each command with the exit code that the guide says or implies."""

    def setUp(self):
        super().setUp()
        self.sim = self.simulator()
        cameras = {name: self.sim.url(i) for i, name in enumerate(("gate", "door", "yard", "roof"))}
        self.old = json.dumps({"processing": {"NVDEC_FALLBACK_TO_CPU": True, "MAX_QUEUE_SIZE": 30}, "cameras": {"RTSP_STREAMS": cameras}},
                              indent=1).encode()
        (self.place / "old.json").write_bytes(self.old)

    def do(self, line, code=OK, **more):
        done = self.sh(self.with_cameras(re.sub(r"--duration \d+", "--duration 3", line), self.sim), **more)
        self.assertEqual(done.returncode, code, f"{line}\n{done.stdout}{done.stderr}")
        return done

    def test_checklist(self):
        lines = commands(section("Checklist before you begin"))
        self.assertEqual(len(lines), 5, lines)
        words = [line.split() for line in lines]
        self.assertEqual([w[1] for w in words], ["doctor", "doctor", "config", "config", "probe"])
        for line in lines:
            if " doctor" in line:
                done = self.sh(line)
                self.assertIn(done.returncode, (OK, FAILED), done.stderr)
                self.assertRegex(done.stdout, r"(?m)^(doctor|.*\bproblem|.*\bok)\b")
            else:
                done = self.do(line, FAILED if "check old.json" in line else OK)
            if "--dry-run" in line:
                self.assertRegex(done.stdout, r"(?m)^ *forced")
        self.assertEqual((self.place / "old.json").read_bytes(), self.old)

    def test_what_migration_does(self):
        lines = [line for line in commands(section("What migration does")) if not line.startswith("fovea run")]
        self.assertEqual(len(lines), 3, lines)
        said = [self.do(line).stdout for line in lines]
        self.assertTrue(json.loads(said[2])["changes"])
        self.assertEqual((self.place / "old.json").read_bytes(), self.old)
        self.do("fovea config check fovea.json")

    def enabled(self):
        return [c["name"] for c in json.loads((self.place / "fovea.json").read_text())["cameras"]["RTSP_STREAMS"] if c.get("enabled", True)]

    def test_step_by_step(self):
        """The three stages, a change while it runs, and the whole way back."""
        gpu = on_gpu() if HAS_GPU else {"FOVEA_PROCESSING__BACKEND": "cpu"}
        cameras = []
        for number, name in enumerate(("Stage 1: one camera, on the CPU", "Stage 2: half of the cameras", "Stage 3: all cameras")):
            lines = [line for line in commands(section(name)) if line.count(" ") > 2]
            self.assertEqual(len(lines), 3, lines)
            for line in lines[:2]:
                # What doctor calls a problem may be this machine's: its exit code is not the guide's matter.
                done = self.sh(line, **gpu) if "doctor" in line else self.do(line, **(gpu if number else {}))
                self.assertIn(done.returncode, (OK, FAILED))
            cameras.append(len(self.enabled()))
            if number < 2:
                self.do(lines[2] + ("" if "--duration" in lines[2] else " --duration 3"), **(gpu if number else {}))
                told = json.loads((self.place / f"stage{number + 1}.json").read_text())
                self.assertEqual([c["state"] for c in told["cameras"]], ["playing"] * cameras[-1])
        self.assertEqual(cameras, [1, 2, 4])
        self.change_later(lines[2], gpu)
        back = commands(section("The way back"))
        self.assertEqual(back, ["fovea config rollback fovea.json"])
        for _ in range(3):
            self.do(back[0])
        self.assertEqual((self.place / "fovea.json").read_bytes(), self.old)

    def change_later(self, run, gpu):
        [line] = [line for line in commands(section("Changing it later")) if "kill" in line]
        with open(self.place / "said", "w+") as said:
            process = subprocess.Popen(run.split(), cwd=self.place, env={**self.env, **gpu, "FOVEA_APP__LOG_LEVEL": "info"},
                                       stdin=subprocess.DEVNULL, stdout=said, stderr=said, text=True)
            try:
                self.await_text("-> playing", 4)
                pidof = self.place / "bin/pidof"
                pidof.write_text(f"#!/bin/sh\necho {process.pid}\n")
                pidof.chmod(0o755)
                before = (self.place / "fovea.json").read_text()
                made = json.loads(before)
                made["models"] = {**made.get("models", {}), "MODEL_CONFIDENCE_THRESHOLD": 0.6}
                (self.place / "fovea.json").write_text(json.dumps(made))
                self.do(line, **gpu)
                self.await_text("MODEL_CONFIDENCE_THRESHOLD: 0.25 -> 0.6", 1)
                (self.place / "fovea.json").write_text(before)
            finally:
                process.send_signal(signal.SIGTERM)
                self.assertEqual(finish(process, 20).code, OK, (self.place / "said").read_text()[-2000:])

    def await_text(self, text, times):
        end = time.monotonic() + 20
        while (self.place / "said").read_text().count(text) < times:
            self.assertLess(time.monotonic(), end, (self.place / "said").read_text()[-3000:])
            time.sleep(0.1)

    def test_watching(self):
        """The script for cron says nothing about what is in order, and what it is about what is not."""
        script = re.search(r"```sh\n(.*?)```", section("Watching it"), re.DOTALL)[1]
        (self.place / "fovea-watch").write_text(script)
        made = {"processing": {"BACKEND": "cpu"}, "cameras": {"RTSP_STREAMS": [{"name": "a", "url": self.sim.url(0)}]}}
        (self.place / "good.json").write_text(json.dumps(made))
        doctor = json.loads(self.sh("fovea doctor -c good.json --json").stdout)
        done = self.sh("sh fovea-watch good.json")
        self.assertEqual(done.stdout != "", not doctor["ok"], done.stdout)
        made["cameras"]["RTSP_STREAMS"][0]["url"] = "http://a"
        (self.place / "bad.json").write_text(json.dumps(made))
        self.assertIn('"bad_url"', self.sh("sh fovea-watch bad.json").stdout)
