#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the end-to-end tests and prints TAP.

run.py [--fovea PROGRAM] [--patience FACTOR] [NAME...]    NAME: part of a test's name
"""

import argparse
import pathlib
import signal
import sys
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


def main():
    # A shell's background job ignores it, and so would all that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description="end-to-end tests, TAP on standard output")
    parser.add_argument("--fovea", type=pathlib.Path, default=harness.FOVEA, help="the program under test")
    parser.add_argument("--patience", type=float, default=1.0, help="factor on time limits")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    harness.FOVEA = arguments.fovea.resolve()
    harness.PATIENCE = arguments.patience
    if not harness.FOVEA.exists():
        print(f"Bail out! no program {harness.FOVEA}")
        return 1
    tests = flatten(unittest.defaultTestLoader.discover(str(HERE), "test_*.py"))
    chosen = [t for t in tests if not arguments.names or any(n in t.id() for n in arguments.names)]
    result = TapResult()
    unittest.TestSuite(chosen).run(result)
    print(f"1..{result.count}")
    return 0 if result.wasSuccessful() and result.count else 1


if __name__ == "__main__":
    sys.exit(main())
