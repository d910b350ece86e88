# SPDX-License-Identifier: Apache-2.0
"""scripts/demo as a newcomer runs it, after set-up: to its end and with Ctrl-C."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

import harness
from harness import OK, ROOT, USAGE, Case, needs_clip, needs_model
from test_config import FAKE_GPU

OUT = ROOT / "output/demo"
FAKE_ORT = harness.FOVEA.parent / "src/infer/libfake_ort.so"


def processes_at(port):
    """Command lines of running processes that name the simulator's port or the demo's folder."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "fovea" in line and (f":{port}" in line or str(OUT) in line or "output/demo/" in line):
            found.append(line)
    return found


@needs_clip
@needs_model
class Demo(Case):
    def setUp(self):
        if harness.FOVEA != (ROOT / "build/fovea").resolve():
            raise unittest.SkipTest("the demo runs build/fovea")

    def start_demo(self, *arguments, **environment):
        """In a process group of its own, as a terminal would have it; returns it and the simulator's port."""
        process = subprocess.Popen([ROOT / "scripts/demo", *arguments], stdin=subprocess.DEVNULL, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
                                   env={**os.environ, **environment})
        said = ""
        for line in process.stdout:
            said += line
            match = re.search(r"rtsp://127\.0\.0\.1:(\d+)", line)
            if match:
                return process, match[1]
        raise AssertionError(f"the demo ended early, code {process.wait()}:\n{said}")

    def finish_demo(self, process, port, limit):
        try:
            text, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"the demo still runs after {limit} s: {process.communicate()[0]}") from None
        self.assertEqual(process.returncode, OK, text)
        self.assertEqual(processes_at(port), [])
        return text

    def test_to_its_end(self):
        process, port = self.start_demo("--duration", "8")
        text = self.finish_demo(process, port, 40)
        self.assertIn("4 of 4 cameras playing", text)
        summary = json.loads((OUT / "summary.json").read_text())
        self.assertEqual([c["codec"] for c in summary["cameras"]], ["h264", "h265", "h264", "h265"])
        for camera in summary["cameras"]:
            self.assertGreater(camera["persons"], 0)
            self.assertTrue(list(OUT.rglob(f"{camera['name']}*.jpg")), camera["name"])

    @unittest.skipUnless(FAKE_GPU.exists() and FAKE_ORT.exists(), "no look-alikes of driver and ONNX Runtime in this build")
    def test_takes_the_gpu(self):
        """By itself where there is one, here the look-alike; not when the CPU is asked for."""
        gpu = {"LD_LIBRARY_PATH": str(FAKE_GPU.parent), "FOVEA_ORT_PATH": str(FAKE_ORT), "FOVEA_FAKE_GPU": "memory-mb=4000"}
        for arguments, backend in ((["--duration", "4"], "gpu"), (["--duration", "3", "--backend", "cpu", "--no-setup"], "cpu")):
            with self.subTest(backend=backend):
                ort = gpu if backend == "gpu" else {**gpu, "FOVEA_ORT_PATH": str(ROOT / "build/ort")}
                process, port = self.start_demo(*arguments, **ort)
                text = self.finish_demo(process, port, 40)
                self.assertIn("4 of 4 cameras playing", text)
                summary = json.loads((OUT / "summary.json").read_text())
                self.assertEqual(summary["backend"], backend)
                if backend == "gpu":
                    self.assertIn("CUDAExecutionProvider, FP16", summary["runtime"])

    def test_interrupted(self):
        for number, whole_group in ((signal.SIGINT, True), (signal.SIGTERM, False)):
            with self.subTest(number=number):
                process, port = self.start_demo("--duration", "100")
                time.sleep(4)
                if whole_group:
                    os.killpg(process.pid, number)
                else:
                    process.send_signal(number)
                self.finish_demo(process, port, 15)
                self.assertLess(json.loads((OUT / "summary.json").read_text())["duration_s"], 20)

    def test_killed(self):
        """Nothing is left behind even then."""
        process, port = self.start_demo("--duration", "100")
        time.sleep(1)
        process.kill()
        process.communicate()
        end = time.monotonic() + 10
        while processes_at(port) and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(processes_at(port), [])

    def test_wrong_usage(self):
        for arguments in (["--duration", "soon"], ["--duration"], ["--fast"], ["--backend", "tpu"]):
            done = subprocess.run([ROOT / "scripts/demo", *arguments], capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertTrue(done.stderr.strip())
