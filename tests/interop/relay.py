#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A bad network between an RTSP client and a server, both on this machine: drops, delays, reorders and doubles packets.

    relay.py --to 127.0.0.1:8554 --drop 0.01 --reorder 0.02 --seed 7

prints "ready PORT"; rtsp://127.0.0.1:PORT/... is then the camera behind the bad network. The RTSP connection is passed on; in it the ports
of UDP are replaced by the relay's own, so that the media comes through it too. Over TCP an interleaved frame is what a packet is over UDP
(its order is kept unless --reorder says otherwise; RTSP messages always arrive). Only server -> client suffers; the other way is left alone.
What happens to a packet depends on the seed, the connection's number and the packet's number alone, so a run can be repeated.
At the end (SIGTERM, SIGINT, --duration) one line of JSON says what was done."""

import argparse
import asyncio
import ctypes
import dataclasses
import json
import random
import re
import signal
import sys

PR_SET_PDEATHSIG = 1
HOST = "127.0.0.1"
MESSAGE_MAX = 64 << 10
PORTS_END = 60000


@dataclasses.dataclass
class Harm:
    drop: float
    burst: int
    double: float
    reorder: float
    reorder_ms: float
    delay_ms: float
    jitter_ms: float
    seed: int
    counts: dict = dataclasses.field(default_factory=lambda: dict.fromkeys(("passed", "dropped", "doubled", "reordered"), 0))


class Fate:
    """Decides, for the packets of one direction of one stream."""

    def __init__(self, harm, stream):
        self.harm, self.random, self.to_drop = harm, random.Random(f"{harm.seed}/{stream}"), 0

    def delays(self):
        """Seconds after which the next packet is to be delivered: none, one or two numbers. Always draws the same count of numbers."""
        harm, counts = self.harm, self.harm.counts
        drop, double, reorder, jitter = (self.random.random() for _ in range(4))
        if self.to_drop == 0 and drop < harm.drop:
            self.to_drop = harm.burst
        if self.to_drop > 0:
            self.to_drop -= 1
            counts["dropped"] += 1
            return []
        delay = harm.delay_ms + jitter * harm.jitter_ms
        if reorder < harm.reorder:
            counts["reordered"] += 1
            delay += harm.reorder_ms
        counts["passed"] += 1
        if double < harm.double:
            counts["doubled"] += 1
            return [delay / 1000, delay / 1000]
        return [delay / 1000]


class Port(asyncio.DatagramProtocol):
    """One UDP socket of the relay; what arrives goes to `receive`."""

    def __init__(self, receive):
        self.receive = receive

    def datagram_received(self, data, peer):
        self.receive(data, peer)

    def error_received(self, reason):
        """The other side closed its socket: as with a lost packet, nobody is told."""


class MediaPath:
    """One pair of ports: client port <-> ours towards it | ours towards the server <-> server port. Twice: RTP and RTCP."""

    def __init__(self, relay, stream):
        self.relay, self.fate = relay, Fate(relay.harm, stream)
        self.client_ports, self.server_ports = (), ()
        self.to_client, self.to_server = [], []
        self.closed = False

    async def open(self, client_ports):
        loop = asyncio.get_running_loop()
        self.client_ports = client_ports
        for side, handler in ((self.to_client, self.from_client), (self.to_server, self.from_server)):
            while len(side) < 2:
                offset = len(side)
                try:
                    transport, _ = await loop.create_datagram_endpoint(
                        lambda offset=offset, handler=handler: Port(lambda data, _: handler(offset, data)),
                        local_addr=(HOST, self.relay.next_port + offset))
                    side.append(transport)
                except OSError:  # taken: try the next pair
                    while side:
                        side.pop().close()
                    self.relay.next_port += 2
                    if self.relay.next_port >= PORTS_END:
                        raise
            self.relay.next_port += 2

    def from_server(self, offset, data):
        for delay in self.fate.delays() if offset == 0 else [0]:
            self.relay.later(delay, lambda: self.closed or self.to_client[offset].sendto(data, (HOST, self.client_ports[offset])))

    def from_client(self, offset, data):
        if self.server_ports:
            self.to_server[offset].sendto(data, (HOST, self.server_ports[offset]))

    @staticmethod
    def port_of(side):
        return side[0].get_extra_info("sockname")[1]

    def close(self):
        self.closed = True
        for transport in self.to_client + self.to_server:
            transport.close()


class Connection:
    """One client's RTSP connection and the media that belongs to it."""

    def __init__(self, relay, number):
        self.relay, self.number = relay, number
        self.paths = []
        self.fate = Fate(relay.harm, f"{number}/tcp")
        self.closed = False

    async def run(self, reader, writer):
        self.client = writer
        try:
            up_reader, self.server = await asyncio.open_connection(*self.relay.server)
        except OSError:
            writer.close()
            return
        ways = [asyncio.create_task(self.requests(reader)), asyncio.create_task(self.responses(up_reader))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.closed = True
            for way in ways:
                way.cancel()
            for path in self.paths:
                path.close()
            for end in (writer, self.server):
                end.close()

    @staticmethod
    async def item(reader):
        """The next frame or message. None at the end of the connection."""
        try:
            first = await reader.readexactly(1)
            if first == b"$":
                head = await reader.readexactly(3)
                return True, first + head + await reader.readexactly(int.from_bytes(head[1:], "big"))
            head = first + await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
            size = min(int(length[1]), MESSAGE_MAX) if length else 0
            return False, head + await reader.readexactly(size)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return None

    async def requests(self, reader):
        while (item := await self.item(reader)) is not None:
            is_frame, data = item
            self.server.write(data if is_frame else await self.request(data))

    async def request(self, data):
        """Towards the server: its address instead of ours, our UDP ports instead of the client's."""
        data = data.replace(f"{HOST}:{self.relay.port}".encode(), f"{HOST}:{self.relay.server[1]}".encode())
        asked = re.search(rb"client_port=(\d+)(?:-(\d+))?", data)
        if asked and data.startswith(b"SETUP"):
            first = int(asked[1])
            path = MediaPath(self.relay, f"{self.number}/udp{len(self.paths)}")
            await path.open((first, int(asked[2] or first + 1)))
            self.paths.append(path)
            ours = path.port_of(path.to_server)
            data = data.replace(asked[0], f"client_port={ours}-{ours + 1}".encode())
        return data

    async def responses(self, reader):
        while (item := await self.item(reader)) is not None:
            is_frame, data = item
            if is_frame and data[1] % 2 == 0:
                for delay in self.fate.delays():
                    self.relay.later(delay, lambda data=data: self.closed or self.client.write(data))
            else:
                self.client.write(data if is_frame else self.response(data))

    def response(self, data):
        """Towards the client: the same the other way round."""
        data = data.replace(f"{HOST}:{self.relay.server[1]}".encode(), f"{HOST}:{self.relay.port}".encode())
        told = re.search(rb"server_port=(\d+)(?:-(\d+))?", data)
        if told and self.paths:
            path = self.paths[-1]
            first = int(told[1])
            path.server_ports = (first, int(told[2] or first + 1))
            asked, ours = path.client_ports, path.port_of(path.to_client)
            data = re.sub(rb"client_port=\d+(-\d+)?", f"client_port={asked[0]}-{asked[1]}".encode(), data)
            data = re.sub(rb"server_port=\d+(-\d+)?", f"server_port={ours}-{ours + 1}".encode(), data)
        length = re.search(rb"(?im)^content-length:\s*(\d+)", data)
        if length:  # addresses in the body may have changed its size
            body = len(data) - data.index(b"\r\n\r\n") - 4
            data = data.replace(length[0], f"Content-Length: {body}".encode(), 1)
        return data


class Relay:
    def __init__(self, server, harm, first_port):
        self.server, self.harm, self.next_port = server, harm, first_port
        self.connections = self.port = 0

    def later(self, delay, call):
        """At once when there is no delay, so that order is kept."""
        if delay <= 0:
            call()
        else:
            asyncio.get_running_loop().call_later(delay, self._safely, call)

    @staticmethod
    def _safely(call):
        try:
            call()
        except (OSError, RuntimeError):
            pass  # the connection ended while the packet was on its way

    async def accept(self, reader, writer):
        self.connections += 1
        try:
            await Connection(self, self.connections).run(reader, writer)
        except asyncio.CancelledError:
            writer.close()  # the relay ends

    async def run(self, port, duration):
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        listener = await asyncio.start_server(self.accept, HOST, port, limit=MESSAGE_MAX)
        self.port = listener.sockets[0].getsockname()[1]
        print(f"ready {self.port}", flush=True)
        try:
            await asyncio.wait_for(stop.wait(), duration)
        except asyncio.TimeoutError:
            pass
        listener.close()
        print(json.dumps({"connections": self.connections, **self.harm.counts}), flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", required=True, help="127.0.0.1:PORT of the server")
    parser.add_argument("--port", type=int, default=0, help="where to listen (default: any free one)")
    parser.add_argument("--first-udp-port", type=int, default=40000, help="pairs of ports from here on")
    parser.add_argument("--drop", type=float, default=0, help="share of packets, 0 to 1")
    parser.add_argument("--burst", type=int, default=1, help="packets that are dropped together")
    parser.add_argument("--double", type=float, default=0, help="share of packets")
    parser.add_argument("--reorder", type=float, default=0, help="share of packets that are held back")
    parser.add_argument("--reorder-ms", type=float, default=15, help="for how long")
    parser.add_argument("--delay-ms", type=float, default=0, help="of every packet")
    parser.add_argument("--jitter-ms", type=float, default=0, help="at most that much more, evenly spread; reorders what lies close together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--duration", type=float, default=None, help="seconds")
    return parser.parse_args()


def main():
    options = arguments()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    host, _, port = options.to.rpartition(":")
    if host != HOST or not port.isdigit():
        print(f"relay: --to takes {HOST}:PORT", file=sys.stderr)
        return 2
    harm = Harm(options.drop, options.burst, options.double, options.reorder, options.reorder_ms, options.delay_ms, options.jitter_ms, options.seed)
    relay = Relay((HOST, int(port)), harm, options.first_udp_port)
    asyncio.run(relay.run(options.port, options.duration))
    return 0


if __name__ == "__main__":
    sys.exit(main())
