#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the end-to-end tests and prints TAP.

run.py [--fovea PROGRAM] [--patience FACTOR] [--jobs N] [NAME...]    NAME: part of a test's name

With --jobs, classes of tests run side by side, each in a process of its own.
"""

import argparse
import concurrent.futures
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import harness  # noqa: E402


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def line(self, ok, test, note=""):
        self.count += 1
        name = test.id().split(".", 1)[-1] if hasattr(test, "id") else str(test)
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}{note}", flush=True)

    def fail_with(self, test, error):
        self.line(False, test)
        for line in self._exc_info_to_string(error, test).rstrip().split("\n"):
            print(f"# {line}")

    def addSuccess(self, test):
        self.line(True, test)
        print(f"# {time.monotonic() - self.began:.1f} s")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(True, test, f" # SKIP {reason}")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.fail_with(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self.fail_with(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self.fail_with(subtest, error)


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


class Together:
    """What processes print, one after the other, numbered through."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0
        self.good = True

    def run(self, name, command):
        done = subprocess.run(command, capture_output=True, text=True)
        lines = [line for line in done.stdout.splitlines() if not line.startswith("1..")]
        if not any(re.match(r"(not )?ok \d", line) for line in lines):
            lines.append(f"not ok 0 - {name}")
            lines += [f"# {line}" for line in done.stderr.splitlines()[-20:]]
        with self.lock:
            self.good &= done.returncode == 0
            for line in lines:
                found = re.match(r"((?:not )?ok )\d+( .*)", line)
                self.count += found is not None
                print(f"{found[1]}{self.count}{found[2]}" if found else line, flush=True)


def run_together(classes, arguments):
    together = Together()
    options = ["--fovea", str(arguments.fovea), "--patience", str(arguments.patience)]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        running = [pool.submit(together.run, name, [sys.executable, __file__, *options, *names])
                   for name, names in classes.items()]
    for one in running:
        one.result()  # raises what went wrong with it
    print(f"1..{together.count}")
    return together.good and together.count > 0


def main():
    # A shell's background job ignores it, and so would all that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description="end-to-end tests, TAP on standard output")
    parser.add_argument("--fovea", type=pathlib.Path, default=harness.FOVEA, help="the program under test")
    parser.add_argument("--patience", type=float, default=1.0, help="factor on time limits")
    parser.add_argument("--jobs", type=int, default=1, help="classes of tests side by side")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    harness.FOVEA = arguments.fovea.resolve()
    harness.PATIENCE = arguments.patience
    if not harness.FOVEA.exists():
        print(f"Bail out! no program {harness.FOVEA}")
        return 1
    tests = flatten(unittest.defaultTestLoader.discover(str(HERE), "test_*.py"))
    chosen = [t for t in tests if not arguments.names or any(n in t.id() for n in arguments.names)]
    if arguments.jobs > 1:
        classes = {}
        for test in chosen:
            classes.setdefault(test.id().rsplit(".", 1)[0], []).append(test.id())
        return 0 if run_together(classes, arguments) else 1
    result = TapResult()
    unittest.TestSuite(chosen).run(result)
    print(f"1..{result.count}")
    return 0 if result.wasSuccessful() and result.count else 1


if __name__ == "__main__":
    sys.exit(main())
