#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A running engine between two moments: steady.py PID EVENTS WAIT SECONDS -> one JSON object.

WAIT seconds after the first event the processor time of each thread (schedstat) and the length of the events' file are read,
and again SECONDS later. `us_per_picture` is the difference by events of pictures in between; ages are those of these events.
"""

import json
import pathlib
import sys
import time


def thread_times(pid):
    times = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            times[name] = times.get(name, 0) + int((task / "schedstat").read_text().split()[0])
        except OSError:  # the thread has ended
            pass
    return times


def main():
    pid, events, wait, seconds = sys.argv[1], pathlib.Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    while not events.exists() or not events.stat().st_size:
        time.sleep(0.1)
        if not pathlib.Path(f"/proc/{pid}").exists():
            sys.exit("steady: the engine ended before its first event")
    time.sleep(wait)
    before, begin, first = thread_times(pid), time.monotonic(), events.stat().st_size
    time.sleep(seconds)
    after, end, last = thread_times(pid), time.monotonic(), events.stat().st_size
    with events.open("rb") as file:
        file.seek(first)
        lines = file.read(last - first).split(b"\n")[1:-1]  # the first and the last may be parts
    ages = sorted(event["age_ms"] for event in map(json.loads, lines) if event["schema"] == "fovea.frame/1")
    if not ages:
        sys.exit("steady: no picture was analysed in that time")
    spent = {name: (ns - before.get(name, 0)) / 1000 / len(ages) for name, ns in after.items()}
    print(json.dumps({
        "pictures_per_s": round(len(ages) / (end - begin), 1),
        "us_per_picture": round(sum(spent.values()), 1),
        "cpu_percent_of_one_core": round(sum(spent.values()) * len(ages) / (end - begin) / 1e4, 1),
        "us_per_picture_by_thread": {name: round(us, 1) for name, us in sorted(spent.items(), key=lambda item: -item[1])
                                     if us >= 0.1},
        "age_ms": {"p50": ages[len(ages) // 2], "p99": ages[len(ages) * 99 // 100], "max": ages[-1]},
    }))


if __name__ == "__main__":
    main()
