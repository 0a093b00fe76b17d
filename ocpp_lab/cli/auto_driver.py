"""`AutoDriver`: somebody who comes and goes by himself: plugs in, presents a tag, waits, leaves; by seed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

from ..charge_point import ChargePoint
from ..errors import IllegalTransition, StoreFailed
from ..station.car import Car

STREET_TAGS = tuple(f"TAG_{number:04}" for number in range(200))
"""The tags of the street, for whoever has no other."""
AWAY = (60.0, 1200.0)
"""Seconds between two cars at a connector, from and to."""
GLANCES = 30.0
"""Seconds after which a driver looks whether the battery is full."""


class AutoDriver:
    """Uses one connector over and over. ``tags`` are those that the cars of this street have."""

    def __init__(self, charge_point: ChargePoint, connector: int, rng: Random, tags: Sequence[str]) -> None:
        self.charge_point = charge_point
        self.connector = connector
        self.rng = rng
        self.tags = tags

    async def run(self) -> None:
        """Until cancelled. A connector that takes no car now is left for later."""
        while True:
            await asyncio.sleep(self.rng.uniform(*AWAY))
            try:
                await self._charge()
            except (IllegalTransition, StoreFailed):
                pass
            finally:
                self.leave()

    def leave(self) -> None:
        """Pull the cable, if there is one."""
        if self.charge_point.connectors[self.connector].car is not None:
            self.charge_point.charging.unplug(self.connector)

    async def _charge(self) -> None:
        charging, tag = self.charge_point.charging, self.rng.choice(self.tags)
        power = self.rng.choice([3_700.0, 7_400.0, 11_000.0, 22_000.0])
        car = Car(wanted=self.rng.uniform(2_000.0, 30_000.0), power=power)
        tag_first = self.rng.random() < 0.3
        if tag_first:
            await charging.present(self.connector, tag)
            await asyncio.sleep(self.rng.uniform(3.0, 20.0))
        charging.plug_in(self.connector, car)
        if not tag_first:
            await asyncio.sleep(self.rng.uniform(3.0, 20.0))
            await charging.present(self.connector, tag)
        await self._wait(self.rng.uniform(600.0, 5400.0))
        if self.charge_point.transactions.on(self.connector) and self.rng.random() < 0.7:
            await charging.present(self.connector, tag)
            await asyncio.sleep(self.rng.uniform(3.0, 60.0))

    async def _wait(self, seconds: float) -> None:
        """Until the battery is full, or for so long."""
        place, left = self.charge_point.connectors[self.connector], seconds
        while left > 0 and not place.full:
            await asyncio.sleep(min(GLANCES, left))
            left -= GLANCES
