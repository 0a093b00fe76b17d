"""`Driver`: somebody who plugs in and out, presents a tag, breaks things; and remembers what was charged."""

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
from ..station.car import Car
from ..station.facts import Facts, status_of
from .site import ChargePointSite

SHOWN = "what is shown is what is written down"
TABLE = "the status follows from what is known"
NEEDS = "no energy without cable and authorisation"


@dataclass
class Deed:
    """A transaction as its driver saw it begin. ``disturbed``: energy was not offered, or not taken, all the time."""

    connector: int
    id_tag: str
    started: datetime
    meter_start: int
    car: Car
    disturbed: bool = False


class Driver:
    """Uses one connector, over and over, whatever state it finds it in.

    ``app(request)`` lets the central system send a request to this charge point; if that fails, it shows an error.
    ``roams``: now and then a tag is held to the one reader of them all. ``limited``: there may be charging profiles, so
    nobody knows what a car gets.
    """

    def __init__(
        self,
        site: ChargePointSite,
        connector: int,
        rng: Random,
        tags: tuple[str, ...],
        app: Callable[[m.Request[Any]], Awaitable[None]],
        *,
        roams: bool = False,
        limited: bool = False,
    ) -> None:
        self.site = site
        self.connector = connector
        self.tags = tags
        self.app = app
        self.roams = roams
        self.limited = limited
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
        """Stop what runs and pull the plug, for good; somebody mends what is broken."""
        await self.site.do(self._leave())

    async def _leave(self) -> None:
        charging = self._charge_point.charging
        await self._mend()
        charging.end(self.connector, "Local")
        self._charge_point.connectors[self.connector].unlock()
        charging.unplug(self.connector)
        charging.set_free(self.connector)

    async def act(self) -> None:
        """The next thing that makes sense here."""
        if not self.site.up:
            return
        place, draw = self._charge_point.connectors[self.connector], self._rng.random()
        if (place.shown.error_code != "NoError" or place.jammed) and draw < 0.5:
            await self._act_on(self._mend)
            return
        match place.status:
            case "Charging" | "SuspendedEV" | "SuspendedEVSE":
                usual = [self._unplug, self._present_again, self._stop_remotely, self._wait]
                if place.car is None:
                    usual = [self._plug_in, self._present_again]
                await self._act_on(self._break if draw < 0.05 else self._rng.choice(usual))
            case "Available" | "Reserved":
                early = self._present_anywhere if self.roams and draw < 0.04 else self._present
                early = early if draw < 0.1 else self._start_remotely
                await self._act_on(early if draw < 0.15 else self._plug_in)
            case "Preparing" if not place.cable_in:
                await self._act_on(self._present_again if draw < 0.1 else self._plug_in)
            case "Preparing":
                usual = [self._present, self._present, self._start_remotely, self._unplug]
                await self._act_on(self._break if draw < 0.03 else self._rng.choice(usual))
            case "Faulted":
                await self._act_on(self._unplug if draw < 0.2 else self._mend)
            case "Finishing":
                await self._act_on(self._present_again if draw < 0.15 or place.locked else self._unplug)
            case _:
                await self._act_on(self._unplug if place.cable_in else self._put_back)

    async def _act_on(self, step: Callable[[], Any]) -> None:
        await self.site.do(step())
        if self.site.up:
            self._look()

    def _look(self) -> None:
        """What is shown is what is written down: a deed that was refused has not happened."""
        place = self._charge_point.connectors[self.connector]
        facts = self._charge_point.charging.bays.session(self.connector).facts
        running = self._charge_point.transactions.on(self.connector)
        said = f"connector {self.connector} is {place.status}, and {running or 'no transaction'} is written down"
        expect = self.site.ground.invariants.expect
        expect((facts.phase == "running") == bool(running), SHOWN, said, self.site.name)
        expect(place.status == status_of(facts), TABLE, f"{place.status}, with {facts}", self.site.name)
        allowed = facts.phase == "running" and facts.cable and facts.tag is not None and not facts.fault
        expect(allowed or not place.power, NEEDS, f"{place.power:.0f} W, with {facts}", self.site.name)
        self._see_disturbance(facts)

    def _see_disturbance(self, facts: Facts) -> None:
        if self.deeds and not (facts.phase == "running" and facts.cable and facts.offers and not facts.fault):
            self.deeds[-1].disturbed |= facts.phase == "running"

    def _pause(self) -> float:
        return self._rng.choice([1.0, self._rng.uniform(0.5, 10.0), self._rng.uniform(10.0, 90.0)])

    @property
    def _charge_point(self) -> ChargePoint:
        return self.site.charge_point

    async def _plug_in(self) -> None:
        car = Car(wanted=self._rng.uniform(100.0, 1500.0), power=self._rng.choice([3_700.0, 11_000.0, 22_000.0]))
        try:
            self._charge_point.charging.plug_in(self.connector, car)
        except IllegalTransition:
            return  # the cable is in: it was nobody's tag that it waits for
        self.remember()

    async def _present(self) -> None:
        self._tag = self._rng.choice(self.tags)
        await self._charge_point.charging.present(self.connector, self._tag)
        self.remember()

    async def _present_anywhere(self) -> None:
        """At the one reader: it may start here or elsewhere, or stop what its tag has begun elsewhere."""
        await self._charge_point.charging.present(0, self._rng.choice(self.tags))
        self.remember()

    async def _present_again(self) -> None:
        await self._charge_point.charging.present(self.connector, self._tag)
        self.remember()

    async def _wait(self) -> None:
        """Till the battery is full, perhaps."""

    async def _unplug(self) -> None:
        self._charge_point.charging.unplug(self.connector)

    async def _break(self) -> None:
        """Something in the connector; or only its lock, or the talk with the car."""
        charging = self._charge_point.charging
        kind: Any = self._rng.choice(["GroundFailure", "OverCurrentFailure", "EVCommunicationError", "lock"])
        if kind == "lock":
            charging.jam_lock(self.connector)
        else:
            charging.fault(self.connector, kind)
            self.site.broken(self.connector)

    async def _mend(self) -> None:
        charging = self._charge_point.charging
        charging.jam_lock(self.connector, jammed=False)
        charging.clear_fault(self.connector)
        self.site.mended(self.connector)

    async def _put_back(self) -> None:
        """The operator withdrew it, and hears that it is wanted."""
        await self.app(m.ChangeAvailabilityRequest(connector_id=self.connector, type="Operative"))

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
        place = self._charge_point.connectors[self.connector]
        car = place.car if self.site.up else None
        if running and car and running.started not in [deed.started for deed in self.deeds]:
            # Begun by somebody else, or with another car, while we looked away.
            late = car.taken > 0 or int(place.energy) > running.meter_start
            deed = Deed(
                self.connector,
                running.id_tag,
                running.started,
                running.meter_start,
                car,
                disturbed=late or self.limited,
            )
            self.deeds.append(deed)
