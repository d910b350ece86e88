#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the examples against a simulated camera and checks what they print. Exit: 0, 1, or 77 when there is no clip."""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
import types

FRAMES = 8


def start_camera(fovea, clip):
    """(process, URL of its camera)"""
    sim = subprocess.Popen([fovea, "sim", "--listen", "127.0.0.1:0", "--cameras", "1", "--input", clip], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
    for line in sim.stdout:
        found = re.search(r"rtsp://127\.0\.0\.1:(\d+)", line)
        if found:
            return sim, f"rtsp://127.0.0.1:{found[1]}/cam0"
    raise SystemExit("the simulator says no address")


def run(command, pattern, differ=True):
    """Each frame's line fits; the figures differ somewhere. True: all is well."""
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    lines = [line for line in done.stdout.splitlines() if line.startswith("frame ")]
    figures = [match[1] for match in (re.fullmatch(pattern, line) for line in lines) if match]
    good = done.returncode == 0 and len(lines) == FRAMES and len(figures) == FRAMES and (len(set(figures)) > 1 or not differ)
    print(f"{'ok' if good else 'not ok'}: {' '.join(map(os.path.basename, command))} ({time.monotonic() - begin:.1f} s)")
    if not good:
        print(done.stdout[-2000:], done.stderr[-2000:])
    return good


def check_refusals(module):
    """A frame that was given back is refused, and so is a copy. True: all is well."""
    spec = importlib.util.spec_from_file_location("reader_tensors", module)
    reader_tensors = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader_tensors)
    picture = types.SimpleNamespace(on_device=False, device=0)
    good = True
    for handle, wishes in ((None, {}), (1, {"copy": True}), (1, {"dl_device": (2, 0)})):
        try:
            reader_tensors.Plane(types.SimpleNamespace(handle=handle, picture=picture), 0).__dlpack__(stream=-1, **wishes)
            good = False
        except BufferError:
            pass
        except Exception as error:  # it went on
            print(f"not ok: {wishes}: {error!r}")
            good = False
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--fovea", "--clip", "--c"):
        parser.add_argument(name, required=True)
    parser.add_argument("--python")
    parser.add_argument("--library")
    parser.add_argument("--jpeg", action="store_true", help="the library can make one")
    parser.add_argument("--backend", default="cpu")
    options = parser.parse_args()
    if not os.access(options.clip, os.R_OK):
        print(f"skipped: there is no {options.clip}")
        return 77
    sim, url = start_camera(options.fovea, options.clip)
    try:
        where = "gpu" if options.backend == "gpu" else "cpu"
        good = run([options.c, url, options.backend, str(FRAMES)],
                   rf"frame \d+: 768 x 576 on {where}, middle row (\d+\.\d)", differ=where == "cpu")  # the look-alike's pictures are ramps
        if options.python:
            good &= check_refusals(options.python)
            jpeg = tempfile.NamedTemporaryFile(suffix=".jpg")
            wanted = ["--jpeg", jpeg.name] if options.jpeg else []
            good &= run([sys.executable, options.python, "--library", options.library, "--backend", options.backend, "--frames",
                         str(FRAMES), *wanted, url], r"frame \d+: 768 x 576 on cpu, mean (\d+\.\d\d), the same memory")
            if options.jpeg:
                data = jpeg.read()
                whole = data[:3] == b"\xff\xd8\xff" and data[-2:] == b"\xff\xd9"
                print(f"{'ok' if whole else 'not ok'}: a JPEG of {len(data)} bytes")
                good &= whole
    finally:
        sim.terminate()
        sim.wait()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
