# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: the program under test, the simulator, configurations, cameras that misbehave."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / ".cache/model/yolox_nano.onnx"
CLIPS = [ROOT / ".cache/clips/vtest.h264", ROOT / ".cache/clips/vtest.h265"]
FOVEA = ROOT / "build/fovea"  # run.py may set another one
PATIENCE = 1.0  # factor on time limits: larger for a slow build (sanitizers)

# Exit codes, see docs/man/fovea.1.
OK, FAILED, USAGE, NO_GPU = 0, 1, 2, 3


class Finished:
    """A program that has ended."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds
        self.text = out + err

    def __str__(self):
        return f"exit code {self.code} after {self.seconds:.1f} s\n{self.text[-3000:]}"


def start(*arguments, output=None, **options):
    """`output`: a file for all that it says; else finish() has it."""
    options.setdefault("stdout", output or subprocess.PIPE)
    return subprocess.Popen([str(FOVEA), *map(str, arguments)], stdin=subprocess.DEVNULL, text=True,
                            stderr=output or subprocess.PIPE, **options)


def finish(process, limit, began=None):
    """Waits for the end; kills what does not come to an end, which fails the test."""
    began = began or time.monotonic()
    try:
        out, err = process.communicate(timeout=limit * PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"still running after {limit * PATIENCE:g} s:\n{(out + err)[-3000:]}") from None
    return Finished(process.returncode, out or "", err or "", time.monotonic() - began)


def fovea(*arguments, limit=20, **options):
    began = time.monotonic()
    return finish(start(*arguments, **options), limit, began)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Simulator:
    """`fovea sim` as a context: cameras at .url(i)."""

    def __init__(self, cameras=1, inputs=None, port=0, auth=None, faults=()):
        self.arguments = ["sim", "--listen", f"127.0.0.1:{port}", "--cameras", cameras, "--fps", 10]
        for name in inputs or CLIPS:
            self.arguments += ["--input", name]
        if auth:
            self.arguments += ["--auth", auth]
        for fault in faults:
            self.arguments += ["--fault", fault]

    def __enter__(self):
        self.said = tempfile.NamedTemporaryFile("w+")  # a file, not a pipe: nobody has to read it all the time
        self.process = subprocess.Popen([str(FOVEA), *map(str, self.arguments)], stdin=subprocess.DEVNULL,
                                        stdout=self.said, stderr=subprocess.STDOUT)
        self.port = self._read_port()
        return self

    def text(self):
        return pathlib.Path(self.said.name).read_text(errors="replace")

    def _read_port(self):
        end = time.monotonic() + 20 * PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            match = re.search(r"rtsp://127\.0\.0\.1:(\d+)", self.text())
            if match:
                return int(match[1])
            time.sleep(0.05)
        self.process.kill()
        self.process.wait()
        raise AssertionError(f"the simulator did not start: {self.text()}")

    def url(self, index, credentials=""):
        return f"rtsp://{credentials}127.0.0.1:{self.port}/cam{index}"

    def stop(self):
        """Ends it; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10 * PATIENCE)

    def __exit__(self, *_):
        self.stop()
        self.said.close()


def config(cameras, folder, /, **sections):
    """A configuration for the CPU back end with its output in `folder`; `sections` are merged into it."""
    streams = [{"name": name, "url": url} for name, url in cameras.items()]
    made = {
        "processing": {"BACKEND": "cpu", "GPU_BATCH_SIZE": 4},
        "models": {"MODEL_PATH": str(MODEL), "WARM_UP_ITERATIONS": 1},
        "cameras": {"RTSP_STREAMS": streams},
        "output": {"OUTPUT_DIR": str(folder), "SAVE_DETECTIONS": True},
    }
    for name, section in sections.items():
        made.setdefault(name, {}).update(section)
    return made


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="fovea-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)

    @classmethod
    def write(cls, name, content):
        path = cls.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return path

    @classmethod
    def run_engine(cls, made, seconds, *arguments):
        """Runs a configuration; returns what it said and its summary (None when there is none)."""
        path = cls.write("config.json", made)
        summary = cls.folder / "summary.json"
        summary.unlink(missing_ok=True)
        done = fovea("run", "-c", path, "--duration", seconds, "--summary", summary, *arguments, limit=seconds + 20)
        return done, json.loads(summary.read_text()) if summary.exists() else None

    def assert_refused(self, done, code, *needles):
        """Ended with `code` and a message that has each of `needles` (regular expressions, case ignored)."""
        self.assertEqual(done.code, code, str(done))
        self.assertTrue(done.err.strip(), f"nothing on standard error: {done}")
        for needle in needles:
            self.assertRegex(done.text, re.compile(needle, re.IGNORECASE))


def needs_clip(test):
    return unittest.skipUnless(all(clip.exists() for clip in CLIPS), "no clip: scripts/setup makes it")(test)


def needs_model(test):
    return unittest.skipUnless(MODEL.exists(), "no model: scripts/setup makes it")(test)


# --- cameras that misbehave ---------------------------------------------------------------------------------------------


class FakeCamera:
    """A TCP server on a thread: `talk(connection)` is called for each connection, which is closed afterwards."""

    def __init__(self, talk):
        self.talk = talk
        self.connections = 0

    def __enter__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"rtsp://127.0.0.1:{self.server.getsockname()[1]}/stream"
        self.open = True
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def _serve(self):
        while self.open:
            with contextlib.suppress(OSError):
                connection, _ = self.server.accept()
                self.connections += 1
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.settimeout(30)
            self.talk(connection)

    def __exit__(self, *_):
        self.open = False
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(5)


def read_request(connection):
    """One RTSP request without a body: (method, CSeq); (None, None) at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(4096)
        if not more:
            return None, None
        data += more
    text = data.decode(errors="replace")
    cseq = re.search(r"^CSeq:\s*(\d+)", text, re.IGNORECASE | re.MULTILINE)
    return text.split(" ")[0], cseq[1] if cseq else "0"


def answer(connection, cseq, status="200 OK", headers=(), body=""):
    lines = [f"RTSP/1.0 {status}", f"CSeq: {cseq}", *headers]
    if body:
        lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())


SDP_HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=fake\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
SDP_H264 = SDP_HEAD + "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:t\r\n"
SDP_VP8 = SDP_HEAD + "m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=control:t\r\n"
SDP_AUDIO = SDP_HEAD + "m=audio 0 RTP/AVP 0\r\na=control:t\r\n"


def talk_rtsp(sdp="", refuse="", after_play=None):
    """A camera that answers every request; `refuse` is the status of DESCRIBE; `after_play(connection)` goes on."""

    def talk(connection):
        while True:
            method, cseq = read_request(connection)
            if method is None:
                return
            if method == "DESCRIBE":
                answer(connection, cseq, refuse or "200 OK", body="" if refuse else sdp)
            elif method == "SETUP":
                answer(connection, cseq, headers=["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"])
            else:
                answer(connection, cseq, headers=["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"])
                if method == "PLAY" and after_play:
                    after_play(connection)

    return talk


def talk_garbage(connection):
    """Begins neither as RTSP nor, with "$", as an interleaved packet."""
    connection.sendall((b"\0" + os.urandom(255)) * 64)
    time.sleep(1)


def talk_silence(connection):
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


def talk_close(_connection):
    return


def play_garbage(connection):
    """Interleaved frames with nonsense in them, then bytes that are no frames at all."""
    for size in (0, 1, 11, 12, 13, 200, 1400):
        connection.sendall(b"$\0" + size.to_bytes(2, "big") + os.urandom(size))
    connection.sendall(os.urandom(5000))
    time.sleep(0.5)
