#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns test results into rows "status<TAB>name<TAB>note" for scripts/test.

results.py meson FILE    the log in JSON that `meson test` leaves in meson-logs/
results.py tap FILE      the output of a program that speaks TAP
"""

import json
import pathlib
import re
import sys

MESON = {"OK": "pass", "EXPECTEDFAIL": "pass", "SKIP": "skip"}  # everything else: fail


def from_meson(path):
    for line in path.read_text().split("\n"):
        if line:
            test = json.loads(line)
            note = f"{test['result']}, {path.with_suffix('.txt')}"
            yield MESON.get(test["result"], "fail"), test["name"].split(" / ")[-1], note


def from_tap(path):
    planned = None
    seen = 0
    for line in path.read_text(errors="replace").split("\n"):
        plan = re.match(r"1\.\.(\d+)", line)
        result = re.match(r"(not ok|ok)\s+\d*\s*-?\s*(.*)", line)
        if plan:
            planned = int(plan[1])
        elif result:
            seen += 1
            name, _, directive = result[2].partition(" # ")
            skipped = directive.upper().startswith("SKIP")
            status = "fail" if result[1] == "not ok" else "skip" if skipped else "pass"
            yield status, name, directive[5:] if skipped else str(path)
    if planned != seen:
        yield "fail", f"{path.stem} ended early", f"{seen} of {planned} results, {path}"


def main():
    kind, path = sys.argv[1], pathlib.Path(sys.argv[2])
    rows = from_tap(path) if kind == "tap" else from_meson(path)
    for row in rows:
        print("\t".join(field.replace("\t", " ") for field in row))


if __name__ == "__main__":
    main()
