#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What run-all's steps left -> one JSON object: collect.py WORK COMMIT."""

import json
import pathlib
import subprocess
import sys
import time


def host():
    query = "name,driver_version,memory.total,pstate,clocks.max.sm"
    try:
        gpu = subprocess.run(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"], capture_output=True, text=True,
                             timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        gpu = None
    cpu = [line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
           if line.startswith("model name")]
    return {"gpu": gpu, "cpu": cpu[0] if cpu else None, "cores": len(cpu)}


def objects_of(lines):
    """Checks print an object a line."""
    for line in lines:
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                pass


def step(path):
    result = json.loads(path.read_text())
    log = path.with_suffix(".log")
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    result["log_tail"] = lines[-8:]
    figures = path.with_suffix(".json")
    if figures.exists():
        try:
            result["figures"] = json.loads(figures.read_text())
        except ValueError:
            result["figures_text"] = figures.read_text(errors="replace")[:20000]
    else:
        result["checks"] = list(objects_of(lines))
    return result


def main():
    work = pathlib.Path(sys.argv[1])
    steps = sorted(work.glob("*.step"), key=lambda path: path.stat().st_mtime_ns)
    print(json.dumps({"commit": sys.argv[2], "date": time.strftime("%Y-%m-%d %H:%M:%S"), "host": host(),
                      "steps": [step(path) for path in steps]}, indent=1))


if __name__ == "__main__":
    main()
