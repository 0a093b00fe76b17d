"""`Driver`: somebody who plugs in and out, presents a tag, drives away; and remembers what was charged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from .. import messages as m
from ..charge_point import ChargePoint
from ..errors import IllegalTransition
from ..station.connector import Car
from .site import ChargePointSite

IN_USE = ("Charging", "SuspendedEV", "SuspendedEVSE")
SHOWN = "what is shown is what is written down"


@dataclass
class Deed:
    """A transaction as its driver saw it begin."""

    connector: int
    id_tag: str
    started: datetime
    meter_start: int
    car: Car


class Driver:
    """Uses one connector, over and over, whatever state it finds it in.

    ``app(request)`` lets the central system send a request to this charge point; if that fails, it shows an error.
    """

    def __init__(
        self,
        site: ChargePointSite,
        connector: int,
        rng: Random,
        tags: tuple[str, ...],
        app: Callable[[m.Request[Any]], Awaitable[None]],
    ) -> None:
        self.site = site
        self.connector = connector
        self.tags = tags
        self.app = app
        self.deeds: list[Deed] = []
        """The transactions that this driver saw begin; `remember` adds one."""
        self._rng = rng
        self._tag = tags[0]  # what was presented last

    async def live(self) -> None:
        """Do something, wait, do something else, until cancelled."""
        while True:
            await asyncio.sleep(self._pause())
            await self.act()

    async def leave(self) -> None:
        """Stop what runs and pull the plug, for good."""
        await self.site.do(self._unplug())

    async def act(self) -> None:
        """The next thing that makes sense here."""
        if not self.site.up:
            return
        place = self.site.charge_point.connectors[self.connector]
        status = "Preparing" if place.ready else place.status  # our car is in, even if that took too long
        if status in IN_USE:
            await self._act_on(self._rng.choice([self._unplug, self._present_again, self._stop_remotely, self._wait]))
        elif status == "Available":
            await self._act_on(self._plug_in)
        elif status == "Preparing":
            await self._act_on(self._rng.choice([self._present, self._present, self._start_remotely, self._unplug]))
        else:
            await self._act_on(self._unplug)

    async def _act_on(self, step: Callable[[], Any]) -> None:
        await self.site.do(step())
        if self.site.up:
            self._look()

    def _look(self) -> None:
        """What is shown is what is written down: a deed that was refused has not happened."""
        status = self._charge_point.connectors[self.connector].status
        running = self._charge_point.transactions.on(self.connector)
        said = f"connector {self.connector} is {status}, and {running or 'no transaction'} is written down"
        self.site.ground.invariants.expect((status in IN_USE) == bool(running), SHOWN, said, self.site.name)

    def _pause(self) -> float:
        return self._rng.choice([1.0, self._rng.uniform(0.5, 10.0), self._rng.uniform(10.0, 90.0)])

    @property
    def _charge_point(self) -> ChargePoint:
        return self.site.charge_point

    async def _plug_in(self) -> None:
        car = Car(wanted=self._rng.uniform(100.0, 1500.0), power=self._rng.choice([3_700.0, 11_000.0, 22_000.0]))
        self._charge_point.charging.plug_in(self.connector, car)

    async def _present(self) -> None:
        self._tag = self._rng.choice(self.tags)
        try:
            await self._charge_point.charging.present(self.connector, self._tag)
        except IllegalTransition:
            return  # unplugged, or started remotely, while the central system was asked
        self.remember()

    async def _present_again(self) -> None:
        await self._charge_point.charging.present(self.connector, self._tag)

    async def _wait(self) -> None:
        """Till the battery is full, perhaps."""

    async def _unplug(self) -> None:
        self._charge_point.charging.unplug(self.connector)

    async def _start_remotely(self) -> None:
        self._tag = self._rng.choice(self.tags)
        request = m.RemoteStartTransactionRequest(connector_id=self.connector, id_tag=self._tag)
        await self.app(request)
        self.remember()

    async def _stop_remotely(self) -> None:
        running = self._charge_point.transactions.on(self.connector)
        known = self._charge_point.transaction_ids.get(running.name) if running else None
        if known is not None:
            await self.app(m.RemoteStopTransactionRequest(transaction_id=known))

    def remember(self) -> None:
        """Note the transaction that runs now, unless it is noted already."""
        running = self._charge_point.transactions.on(self.connector) if self.site.up else None
        car = self._charge_point.connectors[self.connector].car if self.site.up else None
        if running and car and running.started not in [deed.started for deed in self.deeds]:
            deed = Deed(self.connector, running.id_tag, running.started, running.meter_start, car)
            self.deeds.append(deed)
