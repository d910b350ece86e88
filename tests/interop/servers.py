# SPDX-License-Identifier: Apache-2.0
"""RTSP servers that are not ours, as contexts: .url(codec) is a camera."""

import os
import pathlib
import pwd
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))
import clips  # noqa: E402 (needs the path)

READY_S = 20


class NotThere(Exception):
    """The server cannot run here; the text says why."""


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Gstreamer:
    """gst_server.c"""

    def __init__(self, build, user=None, password=None, tls=False):
        self.program = build / "tests/interop/gst_server"
        self.user, self.password, self.tls = user, password, tls
        self.certificate = None

    def __enter__(self):
        if not self.program.exists():
            raise NotThere("gst_server was not built (package libgstrtspserver-1.0-dev)")
        self.folder = tempfile.TemporaryDirectory(prefix="fovea-interop-")
        try:
            self._start()
        except BaseException:
            self.folder.cleanup()
            raise
        return self

    def _start(self):
        command = [self.program, "--h264", clips.long_film(clips.SMALL), "--h265", clips.long_film(clips.SMALL_HEVC)]
        if self.user:
            command += ["--auth", f"{self.user}:{self.password}"]
        if self.tls:
            command += ["--tls", self._make_certificate()]
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        select.select([self.process.stdout], [], [], READY_S)
        if self.process.poll() is not None:
            reason = self.process.communicate()[1].strip()[-200:]
            raise (NotThere if "TLS" in reason else RuntimeError)(f"gst_server: {reason}")
        words = self.process.stdout.readline().split()
        if not words:
            end(self.process)
            raise RuntimeError("gst_server said nothing")
        self.port = int(words[1])

    def _make_certificate(self):
        """A certificate of its own authority for 127.0.0.1, thrown away with the folder."""
        if not shutil.which("openssl"):
            raise NotThere("the openssl program is needed for a certificate")
        folder = pathlib.Path(self.folder.name)
        self.certificate = folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", self.certificate],
                       check=True, capture_output=True, timeout=60)
        both = folder / "both.pem"
        both.write_text(self.certificate.read_text() + (folder / "key.pem").read_text())
        return both

    def url(self, codec, credentials=""):
        return f"{'rtsps' if self.tls else 'rtsp'}://{credentials}127.0.0.1:{self.port}/{codec}"

    def __exit__(self, *_):
        end(self.process)
        self.process.stdout.close()
        self.process.stderr.close()
        self.folder.cleanup()


class Vlc:
    """VLC's RTSP output. It plays one film."""

    def __init__(self, build, codec="h264"):
        self.codec = codec

    def __enter__(self):
        if not shutil.which("cvlc"):
            raise NotThere("cvlc is not installed (packages vlc-bin, vlc-plugin-base)")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        film = clips.long_film(clips.SMALL if self.codec == "h264" else clips.SMALL_HEVC)
        self.folder = tempfile.TemporaryDirectory(prefix="fovea-interop-")
        os.chmod(self.folder.name, 0o755)
        copy = shutil.copy(film, self.folder.name)
        command = ["cvlc", "--quiet", "--no-audio", "--loop", copy, "--sout", f"#rtp{{sdp={self.url(self.codec)}}}", "--sout-keep"]
        # VLC does not want to be root.
        user = {"user": pwd.getpwnam("nobody").pw_uid, "group": pwd.getpwnam("nobody").pw_gid} if os.geteuid() == 0 else {}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "HOME": self.folder.name}, **user)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self):
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("VLC does not listen")

    def url(self, codec, credentials=""):
        return f"rtsp://{credentials}127.0.0.1:{self.port}/x"

    def __exit__(self, *_):
        end(self.process)
        self.folder.cleanup()
