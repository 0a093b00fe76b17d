"""A charge point in a process of its own, made to be killed: it charges for ever, and says what is durable.

Run as a script by `PowerPanel`, with URL, identity, file and the number of its life. A line is one of ``start TAG``,
``sample TAG``, ``stop TAG``; it is said after the call that writes it down has returned.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from itertools import count, repeat

from ocpp_lab import ChargePoint

PACE = 0.03  # seconds between two events; a ledger tells events apart by the millisecond
SAMPLES = 4


type Say = Callable[[str, str], object]
"""Told what happened, and the tag it happened to."""


def printed(what: str, tag: str) -> None:
    print(what, tag, flush=True)


async def charge_for_ever(charge_point: ChargePoint, life: str, say: Say) -> None:
    """One transaction after the other."""
    charge_point.charging.unplug(1)  # the cable of the life before, if there was one
    for number in count(1):
        await charge(charge_point, f"TAG_{life}.{number}", say)


async def charge(charge_point: ChargePoint, tag: str, say: Say) -> None:
    """One transaction."""
    charge_point.charging.plug_in(1)
    charge_point.charging.start(1, tag)
    say("start", tag)
    for _ in range(SAMPLES):
        await asyncio.sleep(PACE)
        charge_point.charging.sample(1, "Trigger")
        say("sample", tag)
    await asyncio.sleep(PACE)
    charge_point.charging.stop(1, "Local")
    say("stop", tag)
    charge_point.charging.unplug(1)
    await asyncio.sleep(PACE)


async def main(url: str, identity: str, path: str, life: str) -> None:
    async with ChargePoint(url, identity, path=path, delays=lambda: repeat(0.05)) as charge_point:
        await charge_for_ever(charge_point, life, printed)


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except BrokenPipeError:  # the notebook's kernel has ended, and with it whoever listens
        os._exit(0)
