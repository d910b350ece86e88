# SPDX-License-Identifier: Apache-2.0
"""The server side of the benchmark: `fovea sim`."""

import json
import select
import signal
import socket
import subprocess

import processes

READY_S = 60


class Simulator:
    """A context: cameras of one clip, each in its own phase, at .urls."""

    def __init__(self, fovea, clip, cameras, core, arguments=()):
        self.command = [fovea, "sim", "--listen", "127.0.0.1:0", "--input", clip, "--cameras", cameras, "--seed", 1, "--json",
                        *arguments]
        self.cameras, self.core = cameras, core
        self.stats = {}

    def __enter__(self):
        self.process = processes.start(self.command, self.core, stderr=subprocess.PIPE)
        try:
            self.port = self._port()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        self.urls = [f"rtsp://127.0.0.1:{self.port}/cam{i}" for i in range(self.cameras)]
        return self

    def _port(self):
        select.select([self.process.stdout], [], [], READY_S)
        line = self.process.stdout.readline() if self.process.poll() is None else ""
        if not line:
            self.process.kill()
            raise RuntimeError(f"the simulator did not start: {self.process.communicate()[1].strip()[-300:]}")
        return json.loads(line)["port"]

    def cpu(self):
        return processes.cpu_seconds(self.process.pid)

    def __exit__(self, *_):
        """Ends it; .stats then says what it sent, and how much of that too late or not at all."""
        self.process.send_signal(signal.SIGTERM)
        try:
            out, _ = self.process.communicate(timeout=10)
            self.stats = json.loads(out.strip().splitlines()[-1])
        except (subprocess.TimeoutExpired, ValueError, IndexError):
            self.process.kill()
            self.process.wait()

    def offers_udp(self):
        """Whether a SETUP for UDP is accepted."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as peer:
            request = (f"SETUP {self.urls[0]}/track1 RTSP/1.0\r\nCSeq: 1\r\n"
                       "Transport: RTP/AVP;unicast;client_port=19998-19999\r\n\r\n")
            peer.sendall(request.encode())
            return peer.recv(4096).startswith(b"RTSP/1.0 200")
