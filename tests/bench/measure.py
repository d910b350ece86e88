# SPDX-License-Identifier: Apache-2.0
"""One measurement: clients against the simulator, in turn."""

import contextlib
import os
import pathlib
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
FIGURES = ("cpu_us", "switches", "client_core", "server_core", "others", "rss_kib", "rss_growth_kib", "calls")


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


def core_busy(core):
    """Seconds that a core was busy with anything since boot."""
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        words = line.split()
        if words[0] == f"cpu{core}":
            user, nice, system, _, _, irq, soft, steal = map(int, words[1:9])
            return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")
    return 0.0


def edge(client, simulator):
    """What is known at one end of a window."""
    return client.snapshot(), simulator.cpu(), core_busy(client.core)


def between(client, cameras, before, after):
    (first, server_first, busy_first), (last, server_last, busy_last) = before, after
    took = last.when - first.when
    used = last.cpu - first.cpu
    return {
        "seconds": round(took, 3),
        "cpu_us": round(used / took / cameras * 1e6, 1),
        "switches": round((last.switches - first.switches) / took / cameras, 1),
        "client_core": round(used / took, 3),
        "server_core": round((server_last - server_first) / took, 3),
        "others": round(max(0, busy_last - busy_first - used) / took, 2),  # of the client's core, by strangers
        "rss_kib": client.resident_kib(),
        "fault": fault_of(first, last, cameras),
    }


def window(client, simulator, cameras, seconds):
    before = edge(client, simulator)
    time.sleep(seconds)
    return between(client, cameras, before, edge(client, simulator))


def valid_window(client, simulator, cameras, plan):
    """The first valid one, or the last of some."""
    for _ in range(1 + SPARE_WINDOWS):
        one = window(client, simulator, cameras, plan.window)
        if not one["fault"]:
            break
    return one


def play(client, simulator, transport, plan):
    """Starts the client, measures, ends it."""
    cameras = len(simulator.urls)
    fault = None
    try:
        client.start(simulator.urls, transport)
        client.playing(patience(cameras))
        time.sleep(SETTLE_S)
        resident = client.resident_kib()
        result = valid_window(client, simulator, cameras, plan)
        result["rss_growth_kib"] = result["rss_kib"] - resident
        if plan.trace:
            calls = processes.system_calls(client.pids(), TRACE_S, simulator.core)
            result["calls"] = calls and round(calls / cameras, 1)
    finally:
        fault = client.stop()
    if fault and not plan.trace:  # strace slows the client down at the end
        result["fault"] = fault
    return result


def once(name, cameras, transport, plan):
    """One client at one number of cameras. A dictionary, with "fault" or "skipped" when there is no figure."""
    client = clients.ALL[name](plan.build, plan.client_core)
    client.codec = plan.codec
    try:
        client.check(transport)
        with server.Simulator(plan.fovea, plan.clip, cameras, plan.server_core) as simulator:
            if transport == "udp" and not simulator.offers_udp():
                return {"skipped": "this `fovea sim` does not offer UDP"}
            result = play(client, simulator, transport, plan)
        return result | {"server": simulator.stats}
    except clients.NotThere as reason:
        return {"skipped": str(reason)}
    except (clients.DidNotPlay, RuntimeError, ProcessLookupError, OSError) as reason:
        return {"fault": str(reason) or type(reason).__name__}


def combine(name, rounds):
    """The medians of a client's valid windows."""
    made = [one[name] for one in rounds if name in one]
    if made[0].get("skipped"):
        return {"skipped": made[0]["skipped"]}
    valid = [one for one in made if not one.get("fault")]
    result = {"valid": len(valid), "windows": made}
    if not valid:
        return result | {"fault": made[-1]["fault"]}
    for key in FIGURES:
        known = [one[key] for one in valid if one.get(key) is not None]
        result[key] = statistics.median(known) if known else None
    result["least_us"] = min(one["cpu_us"] for one in valid)
    return result


def compare(results, paired):
    """Adds each client's CPU time over the bare loop's: of the medians, or, where windows are the same time, the median of their ratios;
    and of the least (what strangers disturbed least)."""
    bare = next((one for one in results if one["client"] == "bare" and one.get("cpu_us")), None)
    for one in results:
        if not bare or not one.get("cpu_us"):
            continue
        ratios = [mine["cpu_us"] / floor["cpu_us"] for mine, floor in zip(one["windows"], bare["windows"])
                  if not mine.get("fault") and not floor.get("fault")]
        one["of_bare"] = round(statistics.median(ratios) if paired and ratios else one["cpu_us"] / bare["cpu_us"], 2)
        one["least_of_bare"] = round(one["least_us"] / bare["least_us"], 2)
    return results


def finish(names, cameras, transport, rounds, paired=False):
    return compare([{"client": name, "cameras": cameras, "transport": transport} | combine(name, rounds) for name in names], paired)


def cell(names, cameras, transport, plan, say):
    """All clients at one number of cameras, in turn, some rounds: what the machine does besides meets all of them alike."""
    rounds = []
    for number in range(plan.rounds):
        made = {}
        for name in names:
            if rounds and rounds[0][name].get("skipped"):
                continue
            say(f"{cameras} cameras over {transport}, round {number + 1} of {plan.rounds}: {clients.ALL[name].title}")
            made[name] = once(name, cameras, transport, plan)
            why = made[name].get("skipped") or made[name].get("fault")
            if why:
                say(f"  no figure: {why}")
        rounds.append(made)
    return finish(names, cameras, transport, rounds)


def start_together(names, cameras, transport, plan, stack):
    """All clients at once, each with a simulator of its own. ([(name, client, simulator)], {name: why it is not among them})"""
    running, missing = [], {}
    for name in names:
        client = clients.ALL[name](plan.build, plan.client_core)
        client.codec = plan.codec
        try:
            client.check(transport)
            simulator = stack.enter_context(server.Simulator(plan.fovea, plan.clip, cameras, plan.server_core))
            if transport == "udp" and not simulator.offers_udp():
                raise clients.NotThere("this `fovea sim` does not offer UDP")
        except clients.NotThere as reason:
            missing[name] = {"skipped": str(reason)}
            continue
        stack.callback(client.stop)
        client.start(simulator.urls, transport)
        client.playing(patience(cameras))
        running.append((name, client, simulator))
    return running, missing


def cell_together(names, cameras, transport, plan, say):
    """All clients at the same time on the same core: dearer for each, but what strangers do cannot favour one of them."""
    with contextlib.ExitStack() as stack:
        say(f"{cameras} cameras over {transport}: {', '.join(names)} together")
        try:
            running, missing = start_together(names, cameras, transport, plan, stack)
            time.sleep(SETTLE_S)
            rounds = []
            for _ in range(plan.rounds):
                before = [edge(client, simulator) for _, client, simulator in running]
                time.sleep(plan.window)
                after = [edge(client, simulator) for _, client, simulator in running]
                rounds.append(missing | {name: between(client, cameras, first, last)
                                         for (name, client, _), first, last in zip(running, before, after)})
        except (clients.DidNotPlay, RuntimeError, ProcessLookupError, OSError) as reason:
            rounds = [{name: {"fault": str(reason) or type(reason).__name__} for name in names}]
    return finish(names, cameras, transport, rounds, paired=True)
