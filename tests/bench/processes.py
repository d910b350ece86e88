# SPDX-License-Identifier: Apache-2.0
"""Child processes of the benchmark: pinned, measured, and gone when the script is."""

import ctypes
import os
import pathlib
import re
import resource
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
PRIORITY = 0  # set once by the script: real-time, so that server and client run before everything else on their cores


def cores():
    """One core for the server and one for the client."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise SystemExit("two cores are needed: one for the server, one for the client")
    return usable[0], usable[-1]


def use_realtime():
    """Checks that this user may, then lets start() do so."""
    global PRIORITY
    usual = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        raise SystemExit("--realtime needs root (or CAP_SYS_NICE)") from None
    os.sched_setscheduler(0, *usual)
    PRIORITY = 1


def keep_free(core):
    """Until this script ends, nobody but real-time programs and what the kernel leaves to the others (5 %) runs on the core: caches stay
    as the client leaves them."""
    global PRIORITY
    start(["sh", "-c", "while :; do :; done"], core, stdout=subprocess.DEVNULL)
    PRIORITY += 1


def raise_descriptor_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def start(command, core, **options):
    """A process on one core, which the kernel ends with this one."""

    def prepare():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.sched_setaffinity(0, {core})
        if PRIORITY:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))

    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, **options}
    return subprocess.Popen([str(word) for word in command], preexec_fn=prepare, **options)


def stop(processes, patience=5):
    """Asks all of them to end; kills those that do not."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    end = time.monotonic() + patience
    for process in processes:
        try:
            process.wait(max(0.01, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_seconds(pid):
    """User and system time of all threads of a process, also of those that ended, in nanosecond resolution."""
    return time.clock_gettime(((~pid) << 3) | 2)  # the CPU-time clock of another process, see clock_getcpuclockid(3)


def resident_kib(pid):
    match = re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) if match else 0


def switches(pid):
    """Context switches of all living threads."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            text = (task / "status").read_text()
        except OSError:
            continue  # the thread ended
        total += sum(int(number) for number in re.findall(r"voluntary_ctxt_switches:\s+(\d+)", text))
    return total


def system_calls(pids, seconds, core):
    """System calls of some processes during some seconds, or None when strace is missing or may not watch."""
    command = ["strace", "-f", "-c", "-q", "-U", "calls,name"]
    for pid in pids:
        command += ["-p", pid]
    try:
        tracer = start(command, core, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except OSError:
        return None
    began = time.monotonic()
    time.sleep(seconds)
    tracer.send_signal(signal.SIGINT)
    took = time.monotonic() - began
    try:
        _, text = tracer.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        tracer.kill()
        tracer.wait()
        return None
    match = re.search(r"^\s*(\d+)\s+total", text, re.MULTILINE)
    return int(match[1]) / took if match else None
