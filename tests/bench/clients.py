# SPDX-License-Identifier: Apache-2.0
"""The clients that are compared. All of them receive and count access units; none decodes."""

import dataclasses
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import processes

PERIOD_S = 0.5  # of Fovea's stats file and of ffmpeg's progress


@dataclasses.dataclass
class Snapshot:
    when: float
    cpu: float
    switches: int
    pictures: list  # (moment, access units so far): one for each camera, or one for all
    lost: int = 0


class NotThere(Exception):
    """The client cannot run here; the text says what to do."""


class DidNotPlay(Exception):
    pass


class Client:
    """Life of a client: start(), playing(), snapshot() ..., stop()."""

    name = title = ""
    codec = "h264"

    def __init__(self, build, core):
        self.build, self.core, self.processes = build, core, []

    def check(self, transport):
        """Raises NotThere."""

    def pids(self):
        return [process.pid for process in self.processes]

    def _snapshot(self, pictures, lost=0):
        pids = self.pids()
        return Snapshot(time.monotonic(), sum(map(processes.cpu_seconds, pids)), sum(map(processes.switches, pids)), pictures, lost)

    def resident_kib(self):
        return sum(map(processes.resident_kib, self.pids()))

    def alive(self):
        if any(process.poll() is not None for process in self.processes):
            raise DidNotPlay(f"{self.name} ended")

    def stop(self):
        """Returns what was wrong with the whole run, as text, or None."""
        processes.stop(self.processes)
        for process in self.processes:
            if process.stdout:
                process.stdout.close()
        self.processes = []


class Counting(Client):
    """A C program of this folder (see counting.h)."""

    program = package = ""
    more = ()  # arguments

    def check(self, transport):
        if not (self.build / "tests/bench" / self.program).exists():
            raise NotThere(f"{self.program} was not built; install {self.package} and run meson setup --reconfigure")

    def start(self, urls, transport):
        self.processes = [processes.start([self.build / "tests/bench" / self.program, "--transport", transport, "--codec", self.codec, *self.more, *urls],
                                          self.core)]

    def _line(self, patience):
        out = self.processes[0].stdout
        if not select.select([out], [], [], patience)[0]:
            raise DidNotPlay(f"{self.name} said nothing for {patience:.0f} s")
        line = out.readline()
        if not line:
            raise DidNotPlay(f"{self.name} ended")
        return line

    def playing(self, patience):
        self._line(patience)

    def snapshot(self):
        self.processes[0].send_signal(signal.SIGUSR1)
        words = list(map(int, self._line(5).split()))
        now = time.monotonic()
        return self._snapshot([(now, count) for count in words[3:]], words[2])


class Bare(Counting):
    name, title = "bare", "bare gathered loop, 10 ms"
    program, package = "bare_loop", "nothing"


class Keeping(Bare):
    name, title = "keeping", "the same, keeping the bytes"
    more = ("--keep",)


class Avformat(Counting):
    name, title = "avformat", "libavformat, a thread per camera"
    program, package = "avformat_threads", "libavformat-dev"


class Gstreamer(Counting):
    name, title = "gstreamer", "GStreamer, rtspsrc ! depay ! parse"
    program, package = "gst_pipelines", "libgstreamer1.0-dev"

    def check(self, transport):
        super().check(transport)
        for element, package in (("rtspsrc", "good"), (f"rtp{self.codec}depay", "good"), (f"{self.codec}parse", "bad")):
            if shutil.which("gst-inspect-1.0") and subprocess.run(["gst-inspect-1.0", "--exists", element], check=False).returncode:
                raise NotThere(f"GStreamer has no {element}; install gstreamer1.0-plugins-{package}")


class Ffmpeg(Client):
    name, title = "ffmpeg", "ffmpeg, a process per camera"

    def check(self, transport):
        if not shutil.which("ffmpeg"):
            raise NotThere("install ffmpeg")

    def start(self, urls, transport):
        self.frames = [(0.0, 0)] * len(urls)
        command = ["ffmpeg", "-nostdin", "-v", "error", "-progress", "pipe:1", "-stats_period", PERIOD_S, "-rtsp_transport", transport]
        for url in urls:
            self.processes.append(processes.start([*command, "-i", url, "-c", "copy", "-f", "null", "-"], self.core, text=False))
        self.ending = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        """Notes when each process reported how many pictures."""
        poll = select.poll()
        index = {process.stdout.fileno(): i for i, process in enumerate(self.processes)}
        for descriptor in index:
            poll.register(descriptor, select.POLLIN)
        while not self.ending.is_set():
            for descriptor, _ in poll.poll(200):
                text = os.read(descriptor, 65536)
                found = re.findall(rb"frame=\s*(\d+)", text)
                if found:
                    self.frames[index[descriptor]] = (time.monotonic(), int(found[-1]))
                if not text:
                    poll.unregister(descriptor)

    def playing(self, patience):
        end = time.monotonic() + patience
        while any(count == 0 for _, count in self.frames):
            self.alive()
            if time.monotonic() > end:
                raise DidNotPlay("not every ffmpeg got a picture")
            time.sleep(0.1)

    def snapshot(self):
        self.alive()
        return self._snapshot(list(self.frames))

    def stop(self):
        self.ending.set()
        self.reader.join(2)
        super().stop()


class Fovea(Client):
    name, title = "fovea", "Fovea"

    def check(self, transport):
        program = self.build / "fovea"
        if not program.exists():
            raise NotThere(f"{program} is not there")
        done = subprocess.run([program, "ingest", "--help"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotThere("this build has no `fovea ingest`")
        tried = subprocess.run([program, "ingest", "--transport", transport, "--duration", "0.1", "rtsp://127.0.0.1:9/"],
                               capture_output=True, text=True, timeout=10, check=False)
        if tried.returncode == 2 and "not supported" in tried.stderr:
            raise NotThere(f"this `fovea ingest` does not offer {transport.upper()}")
        # All cameras are one host here, and in a hurry.
        self.hurry = ["--connect-rate", "200", "--connects-per-host", "64"] if "--connects-per-host" in done.stdout else []

    def start(self, urls, transport):
        self.cameras = len(urls)
        self.folder = tempfile.TemporaryDirectory(prefix="fovea-bench-")
        self.stats = pathlib.Path(self.folder.name) / "stats"
        listed = pathlib.Path(self.folder.name) / "urls"
        listed.write_text("".join(url + "\n" for url in urls))
        self.out = open(pathlib.Path(self.folder.name) / "out", "w+", encoding="utf-8")
        self.began = time.monotonic()
        self.processes = [processes.start([self.build / "fovea", "ingest", "--transport", transport, "--json", "--stats-file", self.stats,
                                           "--urls", listed, *self.hurry], self.core, stdout=self.out)]

    def _edge(self, patience=5):
        """Waits until the stats file is replaced: then, and only then, is its total up to date. (moment, access units)"""
        before = self._inode()
        end = time.monotonic() + patience
        while self._inode() == before:
            self.alive()
            if time.monotonic() > end:
                raise DidNotPlay("the stats file is not replaced")
            time.sleep(0.002)
        return time.monotonic(), int(self.stats.read_text().split()[0])

    def _inode(self):
        try:
            found = self.stats.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    def playing(self, patience):
        end = time.monotonic() + patience
        when, count = self._edge(patience)
        while time.monotonic() < end:
            now, total = self._edge(patience)
            if total - count >= 0.97 * 25 * self.cameras * (now - when):
                return
            when, count = now, total
        raise DidNotPlay("not all cameras play")

    def snapshot(self):
        return self._snapshot([self._edge()])

    def stop(self):
        wall = time.monotonic() - self.began
        ended = [process.poll() for process in self.processes if process.poll() is not None]
        super().stop()
        self.out.seek(0)
        text = self.out.read()
        self.out.close()
        self.folder.cleanup()
        return f"fovea ended by itself with exit code {ended[0]}" if ended else self._judge(text, wall)

    def _judge(self, text, wall):
        try:
            cameras = json.loads(text.strip().splitlines()[-1])["cameras"]
        except (ValueError, IndexError, KeyError):
            return "no final JSON"
        for field in ("lost", "reconnects"):
            if sum(camera[field] for camera in cameras):
                return f"{sum(camera[field] for camera in cameras)} {field}"
        for camera in cameras:
            expected = 25 * (wall - (camera["first_au_ms"] or 0) / 1000)
            if abs(camera["access_units"] - expected) > 0.02 * expected + 15:
                return f"{camera['access_units']} instead of {expected:.0f} pictures from {camera['url']}"
        return None


ALL = {client.name: client for client in (Bare, Keeping, Fovea, Avformat, Ffmpeg, Gstreamer)}
