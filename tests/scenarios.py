"""Scenarios that a process of its own can import without loading pytest."""

from __future__ import annotations

import asyncio

from ocpp_lab.simulation import World
from tests.house import scaled

CHAOS_SEEDS, STORM_SEEDS = scaled(22, 225), scaled(8, 75)
"""How many seeds of each the tests run: 30 in `make test`, 300 in `make soak`; `make chaos` runs 10,000."""


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
