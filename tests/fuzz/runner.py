#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzz targets of a folder that tests/fuzz/campaign laid out, here or on another host, until each has had its minutes of a core.

    run JOBS SECONDS [--cores 0-13] [--out FOLDER] [TARGET...]     in the unpacked archive of `campaign --pack`

JOBS processes at nice 19, each on a core of its own, several of one target over one corpus; always the target that is furthest behind.
Ends after SECONDS, when nothing is left to do, or on SIGTERM or SIGINT; may be stopped and continued (SIGSTOP, SIGCONT, to the group).
Called again in the same folder it goes on. With --out, results.tsv, findings and what was learned go to FOLDER/fuzz-results.tar.xz (at most
15 MiB); unpacked over a fresh folder it goes on from there, too.

The folder: bin/TARGET, lib/ (shared libraries that the host may lack), dict/TARGET.dict, seeds/TARGET/, plan.tsv (target, minutes wanted);
it comes to hold corpus/TARGET/, findings/, log/ and results.tsv."""

import argparse
import collections
import dataclasses
import io
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time

SLICE = 120  # seconds of one process, then the next target's turn
FINDINGS_MAX = 20  # of one target; then it is given up
ARCHIVE = "fuzz-results.tar.xz"
ARCHIVE_MAX = 15 << 20
INTERRUPTED = 72  # libFuzzer's exit code on SIGTERM
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
LIMITS = ["-timeout=20", "-rss_limit_mb=2048", "-max_len=6000", "-print_final_stats=1"]
HEADER = "target\tminutes\tcpu_minutes\texecutions\tfeatures\tinputs\tfindings\n"


@dataclasses.dataclass
class Result:
    target: str
    wanted: float  # seconds of a core, in this run
    begin: float = 0.0
    wall: float = 0.0
    cpu: float = 0.0
    executions: int = 0
    features: int = 0
    inputs: int = 0
    findings: int = 0
    running: int = 0  # processes at this moment

    def line(self):
        return (f"{self.target}\t{self.wall / 60:.1f}\t{self.cpu / 60:.2f}\t{self.executions}\t{self.features}\t{self.inputs}\t"
                f"{self.findings}\n")

    def left(self):
        """What no process is at work on yet."""
        return 0 if self.findings >= FINDINGS_MAX else self.wanted - self.cpu - self.running * SLICE

    def note(self, text):
        executed = re.findall(r"stat::number_of_executed_units: +(\d+)", text) or re.findall(r"^#(\d+)\t", text, re.M)
        self.executions += int(executed[-1]) if executed else 0
        progress = re.findall(r"ft: (\d+) corp: (\d+)/", text)
        if progress:
            self.features, self.inputs = (max(a, int(b)) for a, b in zip((self.features, self.inputs), progress[-1]))


def read_plan(folder):
    """Seconds of a core that each target still lacks."""
    wanted = collections.OrderedDict()
    for line in (folder / "plan.tsv").read_text(encoding="ascii").splitlines():
        target, minutes = line.split("\t")
        wanted[target] = 60 * float(minutes)
    table = folder / "results.tsv"
    for line in table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else ():
        target, _, minutes = line.split("\t")[:3]
        if target in wanted:
            wanted[target] -= 60 * float(minutes)
    return wanted


class Runner:
    def __init__(self, folder, targets, seconds, cores):
        self.folder, self.cores = folder, cores
        self.deadline = time.monotonic() + seconds
        self.results = {target: Result(target, wanted) for target, wanted in read_plan(folder).items() if target in targets}
        self.lock = threading.Lock()
        self.children = {}  # by process
        self.slices = 0
        self.stopping = False
        for name in ("findings", "log"):
            (folder / name).mkdir(exist_ok=True)

    def stop(self, *_):
        self.stopping = True
        for child in list(self.children.values()):
            child.terminate()

    def take(self):
        """The target that is furthest behind, and for how long: None when nothing is left."""
        with self.lock:
            time_left = self.deadline - time.monotonic()
            open_ones = [result for result in self.results.values() if result.left() > 1]
            if self.stopping or time_left < 2 or not open_ones:
                return None
            result = max(open_ones, key=lambda result: result.left() / result.wanted)
            seconds = min(SLICE, result.left(), time_left)
            result.running += 1
            result.begin = result.begin or time.monotonic()
            self.slices += 1
            return result, seconds, self.slices

    def command(self, target, core, *arguments):
        wrap = ["taskset", "-c", str(core)]
        if shutil.which("setarch"):  # older AddressSanitizers do not find room where addresses are scattered widely
            wrap += ["setarch", os.uname().machine, "-R"]
        return [*wrap, f"bin/{target}", *LIMITS, *arguments]

    def start(self, command, log):
        libraries = ":".join(filter(None, (str(self.folder / "lib"), os.environ.get("LD_LIBRARY_PATH"))))
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder,
                                 env={**os.environ, **SANITIZERS, "LD_LIBRARY_PATH": libraries})
        self.children[child.pid] = child
        if self.stopping:
            child.terminate()
        return child

    def wait(self, child):
        _, status, usage = os.wait4(child.pid, 0)
        del self.children[child.pid]
        child.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime

    def only_slow_host(self, target, core, prefix):
        """The clock of a process that was stopped goes on: what "took too long" is tried once more, alone."""
        slow = list(self.folder.glob(f"{prefix}timeout-*"))
        for path in slow:
            child = self.start(self.command(target, core, str(path.relative_to(self.folder))), subprocess.DEVNULL)
            self.wait(child)
            if child.returncode != 0:
                return False
            path.unlink()
        return bool(slow)

    def slice(self, core, result, seconds, number):
        target = result.target
        corpus, seeds, words = f"corpus/{target}", f"seeds/{target}", f"dict/{target}.dict"
        (self.folder / corpus).mkdir(parents=True, exist_ok=True)
        prefix = f"findings/{target}-{os.getpid()}.{number}-"
        arguments = [f"-max_total_time={max(1, round(seconds))}", f"-artifact_prefix={prefix}", corpus]
        arguments += [f"-dict={words}"] if (self.folder / words).exists() else []
        arguments += [seeds] if (self.folder / seeds).exists() else []
        path = self.folder / f"log/{target}-{number}.log"
        with open(path, "wb") as log:
            child = self.start(self.command(target, core, *arguments), log)
            cpu = self.wait(child)
        text = path.read_text(errors="replace")
        found = child.returncode not in (0, INTERRUPTED, -signal.SIGTERM) and not self.only_slow_host(target, core, prefix)
        if found:
            shutil.copy(path, self.folder / f"{prefix}report.log")
        with self.lock:
            result.running -= 1
            result.cpu += cpu
            result.wall = time.monotonic() - result.begin
            result.findings += found
            result.note(text)

    def work(self, core):
        while (job := self.take()) is not None:
            self.slice(core, *job)

    def run(self):
        """Results of the targets that had a turn."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        threads = [threading.Thread(target=self.work, args=(core,)) for core in self.cores]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.5)
        return [result for result in self.results.values() if result.begin]


def record(folder, results):
    table = folder / "results.tsv"
    if not table.exists():
        table.write_text(HEADER, encoding="ascii")
    with open(table, "a", encoding="ascii") as out:
        out.writelines(result.line() for result in results)


def pack(folder, out):
    """Findings first; of what was learned the largest inputs stay behind when it is too much."""
    learned = sorted((path for path in folder.glob("corpus/*/*")), key=lambda path: path.stat().st_size)
    first = [path for path in (folder / "results.tsv", *sorted(folder.glob("findings/*"))) if path.exists()]
    count = len(learned)
    while True:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:xz", preset=1) as archive:
            for path in [*first, *learned[:count]]:
                archive.add(path, path.relative_to(folder))
        if packed.tell() <= ARCHIVE_MAX or count == 0:
            break
        count = int(count * 0.9 * ARCHIVE_MAX / packed.tell())
    out.mkdir(parents=True, exist_ok=True)
    (out / ARCHIVE).write_bytes(packed.getvalue())
    print(f"{out / ARCHIVE}: {packed.tell()} bytes, {count} of {len(learned)} inputs that were learned")


def numbers(text):
    """"0-3,8" as [0, 1, 2, 3, 8]."""
    result = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        result += range(int(first), int(last or first) + 1)
    return result


def chosen(all_targets, words):
    targets = [target for target in all_targets if not words or any(target.startswith(word) for word in words)]
    if not targets:
        sys.exit(f"no target begins with {' or '.join(words)}; there are {' '.join(all_targets)}")
    return targets


def run(folder, jobs, seconds, targets, cores=None):
    """Results, also appended to results.tsv."""
    cores = cores or sorted(os.sched_getaffinity(0))
    os.nice(max(0, 19 - os.nice(0)))
    results = Runner(folder, targets, seconds, [cores[i % len(cores)] for i in range(jobs)]).run()
    record(folder, results)
    print(HEADER + "".join(result.line() for result in results), end="", flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--cores", type=numbers, help="cores to use, one a job (default: all that this process may use)")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the archive of results")
    parser.add_argument("targets", nargs="*", help="only targets whose names begin with one of these")
    options = parser.parse_intermixed_args()
    folder = pathlib.Path(__file__).resolve().parent
    results = run(folder, options.jobs, options.seconds, chosen(read_plan(folder), options.targets), options.cores)
    left = {target: seconds / 60 for target, seconds in read_plan(folder).items() if seconds > 6}
    print("minutes of a core still wanted:", ", ".join(f"{target} {minutes:.1f}" for target, minutes in left.items()) or "none")
    if options.out:
        pack(folder, options.out)
    return 1 if any(result.findings for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
