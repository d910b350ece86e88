# SPDX-License-Identifier: Apache-2.0
"""How many cameras of 1 Mbit/s a client holds, and which side gives in first."""

import measure

STEPS = [64, 125, 250, 500, 750, 1000, 1250, 1500, 2000, 2500, 3000, 3500, 4096]
FULL = 0.95  # of a core
LATE_SHARE = 0.01  # of the packets: more of them late, and the server did not supply what it should


def verdict(result):
    """Who gave in, or None when all was received."""
    stats = result.get("server") or {}
    late = stats.get("late", 0) / max(1, stats.get("packets", 1))
    server_core, client_core = result.get("server_core", 0), result.get("client_core", 0)
    figures = f"server {server_core:.0%} of its core, {late:.1%} late, {stats.get('stalled', 0)} not sent; client {client_core:.0%} of its core"
    if late > LATE_SHARE or stats.get("stalled"):
        return f"the server: it was not on time{'' if result.get('fault') else ', but all was received'} ({figures})"
    if not result.get("fault"):
        return None
    if server_core >= FULL and client_core < FULL:
        return f"the server ({figures})"
    if client_core >= FULL and server_core < FULL:
        return f"the client ({figures})"
    return f"cannot be told: {result['fault']} ({figures})"


def search(name, transport, plan, say):
    """Raises the number of cameras until something gives in. A dictionary."""
    held, tried = None, []
    for cameras in STEPS:
        say(f"limit: {name}, {cameras} cameras over {transport}")
        result = {"cameras": cameras} | measure.once(name, cameras, transport, plan)
        if result.get("skipped"):
            return {"client": name, "transport": transport, "skipped": result["skipped"]}
        tried.append(result)
        why = verdict(result)
        if why:
            return {"client": name, "transport": transport, "held": held, "failed": cameras, "gave_in": why, "tried": tried}
        held = cameras
    return {"client": name, "transport": transport, "held": held, "failed": None, "gave_in": None, "tried": tried}
