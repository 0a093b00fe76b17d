"""Scenarios that a process of its own can import without loading pytest."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from ocpp_lab.simulation import World, chaos
from tests.house import scaled

CHAOS_SEEDS, STORM_SEEDS = scaled(22, 225), scaled(8, 75)
"""How many seeds of each the tests run: 30 in `make test`, 300 in `make soak`; `make chaos` runs 10,000."""
CLOCK_SEEDS = scaled(8, 75)
"""And of chaos with clocks that are wrong."""


async def an_hour(world: World) -> float:
    """A central system and a charge point that have nothing to do."""
    await world.start_central_system()
    charge_point = await world.start_charge_point("CP_1")
    await charge_point.wait_for("online")
    await asyncio.sleep(3600)
    return world.time


async def breaks_under_seed_3(world: World) -> None:
    await an_hour(world)
    world.expect(world.seed != 3, "seeds are not three", "this one is", "CP_1")


async def wrong_clocks(world: World, **pieces: Any) -> Counter[str]:
    """Chaos, and the charge points' clock is wrong from the beginning, or was never set, and jumps now and then."""
    rng = world.rng("clock")
    first = rng.choice([-63 * 365 * 86_400.0, -3 * 86_400.0, -7200.0, -1.5, 7200.0])
    jumps = [(rng.uniform(0.0, 800.0), rng.choice([-7200.0, -60.0, -0.01, 0.01, 60.0, 7200.0])) for _ in range(8)]

    def now() -> datetime:
        return world.now() + timedelta(seconds=first + sum(by for at, by in jumps if at <= world.time))

    return await chaos(world, now=now, **pieces)
