# SPDX-License-Identifier: Apache-2.0
"""What the kernel sees: one thread does all network I/O, and without a reachable camera next to nothing happens."""

import collections
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import harness
from harness import OK, Case, Simulator, config, finish, free_port, needs_clip, needs_model, start

IDLE_CAMERAS = 8
IDLE_SECONDS = 10


def strace_works():
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


@unittest.skipUnless(strace_works(), "strace is not there or not allowed")
@needs_model
class Calls(Case):
    def trace(self, process, seconds, *options):
        """strace's rows over `seconds` of a running process: a list of (thread, call)."""
        log = self.folder / "strace"
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", str(log), *options, "-p", str(process.pid)],
                                  stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)
        rows = [re.match(r"(\d+)\s+(\w+\(.*)", line) for line in log.read_text(errors="replace").split("\n")]
        return [(row[1], row[2]) for row in rows if row]

    @needs_clip
    def test_one_thread_does_all_network_io(self):
        with Simulator(cameras=4) as sim:
            cameras = {f"camera-{i}": sim.url(i) for i in range(4)}
            cameras["away"] = f"rtsp://127.0.0.1:{free_port()}/x"
            process = start("run", "-c", self.write("config.json", config(cameras, self.folder / "out")), "--quiet")
            time.sleep(2 * harness.PATIENCE)
            rows = self.trace(process, 4, "-yy")
            process.send_signal(signal.SIGINT)
            self.assertEqual(finish(process, 10).code, OK)
        threads = collections.Counter(thread for thread, call in rows if re.match(r"\w+\(\d+<TCP", call))
        self.assertEqual(len(threads), 1, threads)
        self.assertGreater(sum(threads.values()), 50, "the trace shows hardly any network I/O")

    def test_talks_to_nobody_else(self):
        """Libraries that report home would look up names or connect to other addresses than the cameras'."""
        url = f"rtsp://127.0.0.1:{free_port()}/x"
        made = self.write("config.json", config({"away": url}, self.folder / "out"))
        log = self.folder / "strace"
        command = ["strace", "-f", "-qq", "-o", str(log), "-e", "trace=connect,sendto,sendmsg,sendmmsg",
                   str(harness.FOVEA), "run", "-c", str(made), "--quiet", "--duration", str(12 * harness.PATIENCE)]
        # The leak check cannot work while strace holds the process.
        options = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
        done = subprocess.run(command, capture_output=True, env=options, timeout=120 * harness.PATIENCE)
        self.assertEqual(done.returncode, OK, done.stderr)
        calls = [line for line in log.read_text(errors="replace").split("\n") if "(" in line]
        self.assertTrue(any("127.0.0.1" in call for call in calls), "the camera was not tried")
        others = [call for call in calls if "127.0.0.1" not in call and "resumed" not in call]
        self.assertEqual(others, [])

    @unittest.skipIf(harness.PATIENCE > 1, "a sanitizer makes system calls of its own")
    def test_unreachable_cameras_cost_nothing(self):
        """Each attempt takes some calls; with backoff from 1 s there are few, and nothing else wakes up."""
        cameras = {f"camera-{i}": f"rtsp://127.0.0.1:{free_port()}/x" for i in range(IDLE_CAMERAS)}
        process = start("run", "-c", self.write("config.json", config(cameras, self.folder / "out")), "--quiet")
        time.sleep(3 * harness.PATIENCE)
        rows = self.trace(process, IDLE_SECONDS)
        process.send_signal(signal.SIGINT)
        self.assertEqual(finish(process, 10).code, OK)
        attempts = sum(call.startswith("connect(") for _, call in rows)
        # After 3 s the waits are 4 s and more: at most 3 attempts of each camera in 10 s.
        self.assertLessEqual(attempts, 3 * IDLE_CAMERAS)
        self.assertLessEqual(len(rows), 40 * attempts + 50, collections.Counter(c.split("(")[0] for _, c in rows))
