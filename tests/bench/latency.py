# SPDX-License-Identifier: Apache-2.0
"""What gathering adds: from a picture's last packet on the wire to the delivered access unit (tests/bench/latency.c)."""

import processes

GATHERS_MS = (0, 2, 5, 10, 20)
FIELDS = ("pictures", "missed", "mean_us", "p50_us", "p90_us", "p99_us", "max_us")


def one(cameras, transport, gather_ms, plan):
    """A dictionary of FIELDS, or with "fault"."""
    program = plan.build / "tests/bench/latency"
    if not program.exists():
        return {"fault": f"{program} was not built"}
    # Not pinned as a whole: it puts its two halves on the cores of server and client.
    process = processes.start([program, "--input", plan.clip, "--cameras", cameras, "--transport", transport, "--gather-ms", gather_ms,
                               "--seconds", plan.window, "--cores", f"{plan.server_core},{plan.client_core}"], plan.server_core)
    out, _ = process.communicate(timeout=plan.window + 90)
    if process.returncode:
        return {"fault": f"exit code {process.returncode}"}
    return dict(zip(FIELDS, map(float, out.split())))


def measure(cells, plan, say):
    results = []
    for cameras, transport in cells:
        for gather_ms in GATHERS_MS:
            say(f"latency: {cameras} cameras over {transport}, gathered for {gather_ms} ms")
            results.append({"cameras": cameras, "transport": transport, "gather_ms": gather_ms} | one(cameras, transport, gather_ms, plan))
    return results


def print_table(results):
    print(f"{'cameras':>9} {'gather ms':>9} {'pictures':>9} {'missed':>7} {'mean ms':>8} {'p50':>7} {'p90':>7} {'p99':>7} {'max':>7}")
    for result in results:
        where = f"{result['cameras']} {result['transport'].upper()}"
        if result.get("fault"):
            print(f"{where:>9} {result['gather_ms']:>9} not measured: {result['fault']}")
            continue
        times = " ".join(f"{result[field] / 1000:>7.2f}" for field in FIELDS[3:])
        print(f"{where:>9} {result['gather_ms']:>9} {result['pictures']:>9.0f} {result['missed']:>7.0f} {result['mean_us'] / 1000:>8.2f} {times}")
