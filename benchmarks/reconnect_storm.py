"""The storm: 200 simulated charge points lose their central system and get it back, with and without jitter.

The central system loses its power for half a minute. What it sees when it returns depends on the back-off alone: with a
random range of 0 all dial in the same instant, with libocpp's default of 10 they come one by one.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from functools import partial
from random import Random
from typing import NamedTuple

from ocpp_lab.backoff import backoff
from ocpp_lab.simulation import World, simulate

from .progress import Progress

CHARGE_POINTS = 200
RANDOM_RANGES = (0, 10)
"""Seconds of jitter."""
AWAY = 30.0
"""Seconds without a central system."""
SEED = 1


class Storm(NamedTuple):
    """``peak``: dials in the worst second; ``online``: seconds from the return until the last one is online;
    ``cpu``: seconds that the run takes."""

    peak: int
    dials: int
    online: float
    cpu: float


def storms(progress: Progress, charge_points: int = CHARGE_POINTS) -> dict[int, Storm]:
    """By random range."""
    found = {}
    for random_range in RANDOM_RANGES:
        start = time.process_time()
        peak, dials, online = simulate(partial(outage, charge_points, random_range), SEED)
        found[random_range] = Storm(peak, dials, online, time.process_time() - start)
        progress.step(f"storm with a random range of {random_range}")
    return found


async def outage(charge_points: int, random_range: int, world: World) -> tuple[int, int, float]:
    """Peak and number of dials after the loss, and how long the last one took to come back."""
    await world.start_central_system()
    identities = [f"CP_{number}" for number in range(charge_points)]
    for identity in identities:
        rng = Random(f"{identity} {random_range}")
        delays = partial(backoff, rng, random_range=random_range)
        await world.start_charge_point(identity, delays=delays)
    await _online(world, identities)
    await asyncio.sleep(60)
    lost = world.time
    world.central_system_site.crash()
    await asyncio.sleep(AWAY)
    await world.central_system_site.start()
    back = world.time
    await _online(world, identities)
    seconds = _dials(world, lost)
    return max(seconds.values()), seconds.total(), world.time - back


async def _online(world: World, identities: list[str]) -> None:
    await asyncio.gather(*(world.charge_point(identity).wait_for("online") for identity in identities))


def _dials(world: World, since: float) -> Counter[int]:
    """How many were dialled in each second after the loss."""
    events = [event for site in world.sites.values() for event in site.trace if event.at > since]
    return Counter(int(event.at - since) for event in events if event.text.endswith("(wait_over)"))
