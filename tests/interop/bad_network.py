#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays `fovea ingest` from `fovea sim` through a bad network (relay.py) and holds its figures against what the relay did. Prints TAP.

Each case has its own simulator, relay and seed; what a packet suffers depends on the seed alone."""

import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FPS = 25
EDGE = 12  # packets at both ends of the session of which only one side knows


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


class Program:
    """A helper that says "ready" on its first line; as a context."""

    def __init__(self, *command):
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.ready = self.process.stdout.readline()
        if not self.ready:
            raise RuntimeError(f"{command[0]} did not start")

    def end(self):
        """Its last line."""
        self.process.terminate()
        return (self.process.communicate(timeout=10)[0].strip().splitlines() or ["{}"])[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def write_clip(path):
    """25 pictures, the first a key picture, each of four slices, so that a picture is several packets."""
    sets = bytes.fromhex("000000016742C01EDA0507E4" "0000000168CE3C80")
    with open(path, "wb") as film:
        for number in range(FPS):
            film.write(sets if number == 0 else b"")
            for part in range(4):
                film.write(b"\0\0\0\1" + (b"\x65" if number == 0 else b"\x41") + (b"\x88" if part == 0 else b"\x44") + b"\xA5" * 900)


def play(build, transport, seconds, harm, *arguments):
    """Figures of the camera and of the relay."""
    with tempfile.TemporaryDirectory(prefix="fovea-relay-") as folder:
        clip = pathlib.Path(folder) / "film.h264"
        write_clip(clip)
        with Program(build / "fovea", "sim", "--listen", "127.0.0.1:0", "--input", clip, "--fps", FPS, "--seed", 5, "--json") as sim:
            port = json.loads(sim.ready)["port"]
            with Program(sys.executable, ROOT / "tests/interop/relay.py", "--to", f"127.0.0.1:{port}", *harm) as relay:
                url = f"rtsp://127.0.0.1:{relay.ready.split()[1]}/cam0"
                done = subprocess.run([build / "fovea", "ingest", "--transport", transport, "--duration", str(seconds), "--json", *arguments, url],
                                      capture_output=True, text=True, timeout=seconds + 20, check=False)
                return json.loads(done.stdout.strip().splitlines()[-1])["cameras"][0], json.loads(relay.end())


def near(counted, done, what, slack=EDGE):
    expect(abs(counted - done) <= slack, f"{what}: counted {counted}, done {done}")


def steady(camera, seconds, least=0.8):
    """It played all the time, without a new connection."""
    expect(camera["state"] == "playing" and camera["reconnects"] == 0, f"state {camera['state']}, {camera['reconnects']} reconnects")
    expect(camera["access_units"] >= FPS * (seconds - 1.5) * least, f"{camera['access_units']} access units")


def nothing_wrong(build, transport, seconds):
    camera, relay = play(build, transport, seconds, [])
    steady(camera, seconds)
    expect(camera["lost"] == 0 and relay["dropped"] == 0 and relay["connections"] == 1, f"{camera} {relay}")


def loss(build, transport, seconds):
    """Lost packets are counted one by one; pictures behind a loss wait for the next key picture, so whole ones only come out."""
    camera, relay = play(build, transport, seconds, ["--drop", 0.01, "--seed", 3])
    steady(camera, seconds, least=0.2)
    expect(relay["dropped"] > 0, "the relay dropped nothing")
    near(camera["lost"], relay["dropped"], "lost", slack=3)
    expect(camera["access_units"] < FPS * seconds - relay["dropped"], "no picture was missed")


def loss_flagged(build, transport, seconds):
    """The same, delivered all the same: only the pictures that lack something cannot come."""
    skipping, _ = play(build, transport, seconds, ["--drop", 0.02, "--seed", 3])
    flagging, relay = play(build, transport, seconds, ["--drop", 0.02, "--seed", 3], "--flag-loss")
    near(flagging["lost"], relay["dropped"], "lost", slack=3)
    expect(flagging["access_units"] > skipping["access_units"], f"flag {flagging['access_units']}, skip {skipping['access_units']}")


def burst(build, transport, seconds):
    camera, relay = play(build, transport, seconds, ["--drop", 0.004, "--burst", 40, "--seed", 9])
    expect(relay["dropped"] >= 40, "no burst")
    steady(camera, seconds, least=0.1)
    near(camera["lost"], relay["dropped"], "lost", slack=41)


def reorder_within(build, transport, seconds):
    """Late by less than the window of 60 ms: sorted, nothing is missing."""
    camera, relay = play(build, transport, seconds, ["--reorder", 0.05, "--reorder-ms", 20, "--seed", 4])
    steady(camera, seconds)
    expect(relay["reordered"] > 5, "nothing was reordered")
    expect(camera["lost"] == 0, f"{camera['lost']} lost")
    expect(camera["reordered"] > 0, "none was seen to be late")


def reorder_beyond(build, transport, seconds):
    """Late by more: given up as missing, then counted as late. No picture with a hole comes out, and it plays on."""
    camera, relay = play(build, transport, seconds, ["--reorder", 0.01, "--reorder-ms", 250, "--seed", 4])
    steady(camera, seconds, least=0.2)
    near(camera["reordered"], relay["reordered"], "late")
    expect(camera["lost"] <= 3, f"{camera['lost']} lost, though all came in the end")


def double(build, transport, seconds):
    camera, relay = play(build, transport, seconds, ["--double", 0.2, "--seed", 6])
    steady(camera, seconds)
    expect(relay["doubled"] > 10 and camera["lost"] == 0, f"{camera} {relay}")


def delay(build, transport, seconds):
    """A constant delay shows in the first picture and nowhere else."""
    camera, _ = play(build, transport, seconds, ["--delay-ms", 300])
    steady(camera, seconds - 0.5)
    expect(camera["lost"] == 0 and camera["first_au_ms"] >= 300, f"first after {camera['first_au_ms']} ms, {camera['lost']} lost")


def jitter(build, transport, seconds):
    """Every packet late by up to 25 ms: neighbours overtake each other all the time."""
    camera, _ = play(build, transport, seconds, ["--jitter-ms", 25, "--seed", 2])
    steady(camera, seconds)
    expect(camera["lost"] == 0 and camera["reordered"] > 20, f"{camera['lost']} lost, {camera['reordered']} late")


CASES = {
    **{f"{transport}, a good network": (nothing_wrong, transport) for transport in ("tcp", "udp")},
    **{f"{transport}, packets are lost": (loss, transport) for transport in ("tcp", "udp")},
    **{f"{transport}, packets are lost, pictures flagged": (loss_flagged, transport) for transport in ("tcp", "udp")},
    **{f"{transport}, bursts are lost": (burst, transport) for transport in ("tcp", "udp")},
    **{f"{transport}, everything comes late": (delay, transport) for transport in ("tcp", "udp")},
    "udp, packets are late, within the window": (reorder_within, "udp"),
    "udp, packets are late, beyond the window": (reorder_beyond, "udp"),
    "udp, packets come twice": (double, "udp"),
    "udp, jitter": (jitter, "udp"),
}


def judge(build, seconds, number, name):
    function, transport = CASES[name]
    try:
        function(build, transport, seconds)
        return f"ok {number} - {name}", True
    except (Failed, RuntimeError, OSError, ValueError, KeyError, IndexError, subprocess.SubprocessError) as reason:
        return f"not ok {number} - {name}\n# {reason}", False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="build folder (default build/)")
    parser.add_argument("--seconds", type=float, default=8, help="for each case (default 8)")
    parser.add_argument("--jobs", type=int, default=7, help="cases at the same time (default 7)")
    parser.add_argument("words", nargs="*", help="only cases whose names contain one of these")
    options = parser.parse_args()
    names = [name for name in CASES if not options.words or any(word in name for word in options.words)]
    print(f"1..{len(names)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        judged = [pool.submit(judge, options.build.resolve(), options.seconds, number, name) for number, name in enumerate(names, 1)]
        for one in judged:
            print(one.result()[0], flush=True)
    return 0 if all(one.result()[1] for one in judged) else 1


if __name__ == "__main__":
    sys.exit(main())
