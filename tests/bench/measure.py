# SPDX-License-Identifier: Apache-2.0
"""One measurement: a client against the simulator for some windows."""

import statistics
import time

import clients
import processes
import server

FPS = 25
TOLERANCE = 0.02  # of the pictures that a camera sends in a window
SPARE_WINDOWS = 2  # more than asked for, when some are not valid
SETTLE_S = 1.5
TRACE_S = 2


def patience(cameras):
    return 30 + 0.1 * cameras


def fault_of(before, after, cameras):
    """Why a window does not count, or None."""
    if after.lost != before.lost:
        return f"{after.lost - before.lost} lost"
    share = cameras / len(after.pictures)  # cameras that one number stands for
    allowed = min(TOLERANCE, 0.5 / share)  # a total must not hide one camera that is dead
    for number, ((began, first), (ended, last)) in enumerate(zip(before.pictures, after.pictures)):
        rate = (last - first) / share / max(ended - began, 1e-9)
        slack = 1.01 / (ended - began) / share if ended > began else 0  # one picture at the window's edges
        if abs(rate - FPS) > FPS * allowed + slack:
            return f"{rate:.2f} pictures/s from camera {number}" if share == 1 else f"{rate:.2f} pictures/s and camera"
    return None


def window(client, simulator, cameras, seconds):
    before, server_before = client.snapshot(), simulator.cpu()
    time.sleep(seconds)
    after, server_after = client.snapshot(), simulator.cpu()
    took = after.when - before.when
    return {
        "seconds": round(took, 3),
        "cpu_us": round((after.cpu - before.cpu) / took / cameras * 1e6, 1),
        "switches": round((after.switches - before.switches) / took / cameras, 1),
        "client_core": round((after.cpu - before.cpu) / took, 3),
        "server_core": round((server_after - server_before) / took, 3),
        "fault": fault_of(before, after, cameras),
    }


def windows(client, simulator, cameras, plan):
    """Until there are enough valid ones, or too many."""
    made = []
    while len(made) < plan.windows + SPARE_WINDOWS:
        made.append(window(client, simulator, cameras, plan.window))
        if sum(not one["fault"] for one in made) == plan.windows:
            break
    return made


def summary(made):
    valid = [one for one in made if not one["fault"]]
    result = {"valid": len(valid), "windows": made}
    for key in ("cpu_us", "switches", "client_core", "server_core"):
        result[key] = statistics.median(one[key] for one in valid) if valid else None
    if not valid:
        result["fault"] = made[-1]["fault"]
    return result


def play(client, simulator, transport, plan):
    """Starts the client, measures, ends it."""
    cameras = len(simulator.urls)
    fault = None
    try:
        client.start(simulator.urls, transport)
        client.playing(patience(cameras))
        time.sleep(SETTLE_S)
        resident = client.resident_kib()
        result = summary(windows(client, simulator, cameras, plan))
        result["rss_kib"], result["rss_growth_kib"] = client.resident_kib(), client.resident_kib() - resident
        if plan.trace:
            calls = processes.system_calls(client.pids(), TRACE_S, simulator.core)
            result["calls"] = calls and round(calls / cameras, 1)
    finally:
        fault = client.stop()
    if fault and not plan.trace:  # strace slows the client down at the end
        result["fault"] = fault
    return result


def cell(name, cameras, transport, plan):
    """One client at one number of cameras. A dictionary, with "fault" or "skipped" when there is no figure."""
    result = {"client": name, "cameras": cameras, "transport": transport}
    client = clients.ALL[name](plan.build, plan.client_core)
    try:
        client.check()
        with server.Simulator(plan.fovea, plan.clip, cameras, plan.server_core) as simulator:
            if transport == "udp" and not simulator.offers_udp():
                return result | {"skipped": "this `fovea sim` does not offer UDP"}
            result |= play(client, simulator, transport, plan)
        return result | {"server": simulator.stats}
    except clients.NotThere as reason:
        return result | {"skipped": str(reason)}
    except (clients.DidNotPlay, RuntimeError, ProcessLookupError, OSError) as reason:
        return result | {"fault": str(reason) or type(reason).__name__}
