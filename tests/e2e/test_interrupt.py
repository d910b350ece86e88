# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C (SIGINT) and SIGTERM at many moments: a clean end, soon, with the results of what was done."""

import json
import signal
import socket
import time

import harness
from harness import CLIPS, OK, Case, FakeCamera, Simulator, config, finish, needs_clip, needs_model, start, talk_silence

MOMENTS = (0.1, 0.3, 0.6, 1.0, 1.7, 2.5, 4.0)
LOADING = 2  # at the latest the program has its handlers; until then a signal ends it as the system does
SOON = 4


def catches(process, number):
    """Has the process a handler of its own for this signal by now?"""
    try:
        with open(f"/proc/{process.pid}/status") as status:
            mask = next(line for line in status if line.startswith("SigCgt:"))
    except ProcessLookupError:
        return True
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


@needs_clip
@needs_model
class Interrupt(Case):
    def interrupt(self, made, moment, number):
        path = self.write("config.json", made)
        summary = self.folder / "summary.json"
        summary.unlink(missing_ok=True)
        process = start("run", "-c", path, "--summary", summary)
        time.sleep(moment * harness.PATIENCE)
        caught = catches(process, number)
        began = time.monotonic()
        process.send_signal(number)
        done = finish(process, SOON, began)
        if done.code == -number and not caught and moment < LOADING:
            return
        self.assertEqual(done.code, OK, f"{number!r} after {moment} s: {done}")
        json.loads(summary.read_text())

    def test_while_playing(self):
        with Simulator(cameras=2) as sim:
            made = config({"gate": sim.url(0), "plaza": sim.url(1)}, self.folder / "out")
            for moment in MOMENTS:
                with self.subTest(moment=moment):
                    self.interrupt(made, moment, signal.SIGINT)

    def test_while_a_camera_is_silent(self):
        with FakeCamera(talk_silence) as fake:
            made = config({"gate": fake.url, "plaza": "rtsp://127.0.0.1:9/x"}, self.folder / "out")
            for moment in (0.3, 1.5):
                with self.subTest(moment=moment):
                    self.interrupt(made, moment, signal.SIGTERM)

    def test_events_end_with_a_whole_line(self):
        out = self.folder / "whole"
        with Simulator(cameras=2) as sim:
            self.interrupt(config({"gate": sim.url(0), "plaza": sim.url(1)}, out), 5, signal.SIGINT)
        text = (out / "events.jsonl").read_text()
        self.assertTrue(text.endswith("\n"))
        for line in text.rstrip("\n").split("\n"):
            json.loads(line)


@needs_clip
class InterruptSimulator(Case):
    def test_simulator(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for moment in (0, 0.5):
                with self.subTest(number=number, moment=moment), Simulator(cameras=50) as sim:
                    time.sleep(moment)
                    sim.process.send_signal(number)
                    self.assertEqual(sim.process.wait(SOON * harness.PATIENCE), OK, sim.text())

    def test_simulator_with_a_client_that_reads_nothing(self):
        with Simulator(cameras=1, inputs=CLIPS[:1]) as sim, socket.create_connection(("127.0.0.1", sim.port)) as client:
            client.sendall(b"OPTIONS " + sim.url(0).encode() + b" RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            time.sleep(0.3)
            sim.process.send_signal(signal.SIGINT)
            self.assertEqual(sim.process.wait(SOON * harness.PATIENCE), OK, sim.text())
