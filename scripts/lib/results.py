#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns test results into rows "status<TAB>name<TAB>note" for scripts/test.

results.py meson BUILD    the last `meson test` of a build folder, from its meson-logs/testlog.json
results.py tap FILE       the output of a program that speaks TAP
"""

import json
import pathlib
import re
import sys

MESON = {"OK": "pass", "EXPECTEDFAIL": "pass", "SKIP": "skip"}  # everything else: fail


def from_meson(build, log):
    for line in log.read_text().split("\n"):
        if not line:
            continue
        test = json.loads(line)
        # Several parts in one test (TAP): its own result counts once.
        yield MESON.get(test["result"], "fail"), test["name"].split(" / ")[-1], f"{test['result']}, {log.with_suffix('.txt')}"


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
    kind, place = sys.argv[1], pathlib.Path(sys.argv[2])
    rows = from_tap(place) if kind == "tap" else from_meson(place, place / "meson-logs" / "testlog.json")
    for row in rows:
        print("\t".join(field.replace("\t", " ") for field in row))


if __name__ == "__main__":
    main()
