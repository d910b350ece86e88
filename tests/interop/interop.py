#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays `fovea ingest` against RTSP servers that are not ours. Prints TAP; what cannot be tested here is skipped, saying why."""

import argparse
import concurrent.futures
import contextlib
import json
import pathlib
import subprocess
import sys

import servers

FPS = 25
SECONDS = 5.0
SLACK = 3  # seconds beyond the duration for the program to end
FIRST_S = 3.0  # the first access unit must have come by then
USER, PASSWORD = "operator", "Pa55 w0rd:@/"
QUOTED = "operator:Pa55%20w0rd%3A%40%2F@"


class Skip(Exception):
    pass


class Failed(Exception):
    pass


class Fovea:
    seconds = SECONDS  # --seconds

    def __init__(self, build):
        self.program = build / "fovea"
        done = subprocess.run([self.program, "ingest", "--help"], capture_output=True, text=True, check=False) if self.program.exists() else None
        self.help = done.stdout.lower() if done and done.returncode == 0 else None

    def need(self, scheme, transport, what):
        """Skips what this build does not have. Nobody listens at the discard port."""
        if self.help is None:
            raise Skip("there is no `fovea ingest` in this build")
        done = subprocess.run([self.program, "ingest", "--transport", transport, "--duration", "0.1", f"{scheme}://127.0.0.1:9/"],
                              capture_output=True, text=True, timeout=10, check=False)
        if done.returncode == 2 and "not supported" in done.stderr:
            raise Skip(f"this `fovea ingest` does not offer {what}")

    def receive(self, url, transport, *arguments):
        """The camera's figures after some seconds."""
        command = [self.program, "ingest", "--transport", transport, "--duration", str(self.seconds), "--json", *arguments, url]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=self.seconds + SLACK, check=False)
        except subprocess.TimeoutExpired:
            raise Failed(f"did not end {SLACK} s after its time") from None
        for secret in (PASSWORD, QUOTED):
            if secret in done.stdout + done.stderr:
                raise Failed("a password was printed")
        try:
            return json.loads(done.stdout.strip().splitlines()[-1])["cameras"][0]
        except (ValueError, IndexError, KeyError):
            raise Failed(f"exit code {done.returncode}, no JSON: {(done.stdout + done.stderr)[-300:]}") from None

    def probe(self, url, transport):
        done = subprocess.run([self.program, "probe", "--json", "--duration", "0.5", "--transport", transport, url],
                              capture_output=True, text=True, timeout=15, check=False)
        return json.loads(done.stdout)


def must_play(camera):
    """Pictures come at once, at their rate, with key pictures (so the codec was understood), and nothing is lost."""
    first = camera["first_au_ms"]
    if not camera["access_units"] or first is None:
        raise Failed(f"no access unit; state {camera['state']}")
    if first > FIRST_S * 1000:
        raise Failed(f"the first access unit came after {first:.0f} ms")
    least = FPS * (Fovea.seconds - first / 1000) * 0.7  # a busy server sends the first ones late
    if camera["access_units"] < least:
        raise Failed(f"{camera['access_units']} access units, at least {least:.0f} were sent")
    if camera["keyframes"] < max(1, Fovea.seconds - FIRST_S):
        raise Failed(f"{camera['keyframes']} key pictures; one comes each second")
    for field in ("lost", "reconnects"):
        if camera[field]:
            raise Failed(f"{camera[field]} {field}")


def must_not_play(camera):
    if camera["access_units"]:
        raise Failed(f"{camera['access_units']} access units although it should have been refused")


def gst_plays(fovea, build, codec, transport):
    fovea.need("rtsp", transport, transport.upper())
    with servers.Gstreamer(build) as server:
        must_play(fovea.receive(server.url(codec), transport))


def gst_plays_live(fovea, build, path, width, transport):
    """Encoded as it is watched, so the first picture comes later."""
    fovea.need("rtsp", transport, transport.upper())
    with servers.Gstreamer(build) as server:
        must_play(fovea.receive(server.url(path), transport))
        video = fovea.probe(server.url(path), transport)["video"]
        if (video["codec"], video["width"]) != (path.split("-")[0], width):
            raise Failed(f"{video['codec']} of {video['width']} pixels")


def gst_digest(fovea, build):
    fovea.need("rtsp", "tcp", "TCP")
    with servers.Gstreamer(build, USER, PASSWORD) as server:
        must_play(fovea.receive(server.url("h264", QUOTED), "tcp"))


def gst_wrong_password(fovea, build):
    fovea.need("rtsp", "tcp", "TCP")
    with servers.Gstreamer(build, USER, PASSWORD) as server:
        must_not_play(fovea.receive(server.url("h264", "operator:wrong@"), "tcp"))


def gst_no_password(fovea, build):
    fovea.need("rtsp", "tcp", "TCP")
    with servers.Gstreamer(build, USER, PASSWORD) as server:
        must_not_play(fovea.receive(server.url("h264"), "tcp"))


def tls_trusted(fovea, build):
    fovea.need("rtsps", "tcp", "TLS")
    with servers.Gstreamer(build, tls=True) as server:
        must_play(fovea.receive(server.url("h264"), "tcp", "--tls-ca-file", str(server.certificate)))


def tls_untrusted(fovea, build):
    fovea.need("rtsps", "tcp", "TLS")
    with servers.Gstreamer(build, tls=True) as server:
        must_not_play(fovea.receive(server.url("h264"), "tcp"))


def tls_unverified(fovea, build):
    fovea.need("rtsps", "tcp", "TLS")
    with servers.Gstreamer(build, tls=True) as server:
        must_play(fovea.receive(server.url("h264"), "tcp", "--tls-no-verify"))


def tls_digest(fovea, build):
    fovea.need("rtsps", "tcp", "TLS")
    with servers.Gstreamer(build, USER, PASSWORD, tls=True) as server:
        must_play(fovea.receive(server.url("h265", QUOTED), "tcp", "--tls-ca-file", str(server.certificate)))


def vlc_plays(fovea, build, codec, transport):
    """VLC serves UDP only: `auto` has to find that out."""
    fovea.need("rtsp", "udp", "UDP")
    with servers.Vlc(build, codec) as server:
        must_play(fovea.receive(server.url(codec), transport))


def vlc_refuses_tcp(fovea, build):
    fovea.need("rtsp", "tcp", "TCP")
    with servers.Vlc(build) as server:
        must_not_play(fovea.receive(server.url("h264"), "tcp"))


CASES = {
    **{f"gst-rtsp-server, {codec} over {transport}": (gst_plays, codec, transport) for transport in ("tcp", "udp") for codec in ("h264", "h265")},
    **{f"gst-rtsp-server, {path} over {transport}": (gst_plays_live, path, width, transport)
       for path, width, transport in (("jpeg", 320, "tcp"), ("jpeg", 320, "udp"), ("jpeg-large", 2100, "tcp"), ("vp9", 320, "udp"))},
    "gst-rtsp-server, Digest": (gst_digest,),
    "gst-rtsp-server, wrong password is refused": (gst_wrong_password,),
    "gst-rtsp-server, missing password is refused": (gst_no_password,),
    "gst-rtsp-server, TLS with a certificate that is trusted": (tls_trusted,),
    "gst-rtsp-server, TLS with an unknown certificate is refused": (tls_untrusted,),
    "gst-rtsp-server, TLS unverified, as asked": (tls_unverified,),
    "gst-rtsp-server, TLS and Digest, h265": (tls_digest,),
    **{f"VLC, {codec} over {transport}": (vlc_plays, codec, transport) for transport in ("udp", "auto") for codec in ("h264", "h265")},
    "VLC, TCP is refused, as it serves none": (vlc_refuses_tcp,),
}


def judge(fovea, build, number, name):
    """Its lines of TAP, and whether all is well."""
    function, *arguments = CASES[name]
    try:
        function(fovea, build, *arguments)
        return f"ok {number} - {name}", True
    except (Skip, servers.NotThere, servers.clips.CannotMake) as reason:
        return f"ok {number} - {name} # SKIP {reason}", True
    except (Failed, RuntimeError, OSError, subprocess.SubprocessError) as reason:
        return f"not ok {number} - {name}\n# {reason}", False


def make_films():
    """Before several cases want them at once."""
    with contextlib.suppress(servers.clips.CannotMake):
        for clip in (servers.clips.SMALL, servers.clips.SMALL_HEVC):
            servers.clips.long_film(clip)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=servers.clips.ROOT / "build", help="build folder (default build/)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"for each case (default {SECONDS:g})")
    parser.add_argument("--jobs", type=int, default=1, help="cases at the same time (default 1)")
    parser.add_argument("words", nargs="*", help="only cases whose names contain one of these")
    options = parser.parse_args()
    names = [name for name in CASES if not options.words or any(word in name for word in options.words)]
    Fovea.seconds = options.seconds
    fovea = Fovea(options.build)
    make_films()
    print(f"1..{len(names)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        judged = [pool.submit(judge, fovea, options.build, number, name) for number, name in enumerate(names, 1)]
        for one in judged:
            print(one.result()[0], flush=True)
    return 0 if all(one.result()[1] for one in judged) else 1


if __name__ == "__main__":
    sys.exit(main())
