"""`Reserving`: keeps connectors for drivers who are on their way: the Reservation profile (core 3.11, 5.1, 5.13)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Literal

from .. import messages as m
from ..station.facts import is_open
from ..station.rights import Reservation
from .bays import Bays
from .chores import Chores
from .kept_reservations import KeptReservations, Place, may_reserve
from .or_else import or_else

log = logging.getLogger(__name__)

AGAIN = 5.0
"""Seconds until an expired reservation is tried to be removed again, when the file could not be written."""


class Reserving:
    """Takes and cancels reservations, ends them at their time, and when their connector breaks.

    ``places()`` are the connectors, 0 is the charge point as a whole; ``idle()`` are those with nobody and no cable;
    ``notice`` shows a reservation to the driver, and its end. ``date()`` tells the time as the central system has it;
    `clock_set` tells that it has changed. Written first, then shown. Everything but the handlers and `look` may raise
    `StoreFailed`.
    """

    def __init__(
        self,
        kept: KeptReservations,
        chores: Chores,
        *,
        places: Callable[[], Mapping[int, Place]],
        idle: Callable[[], set[int]],
        notice: Callable[[int, Literal["reserve", "release"]], None],
        date: Callable[[], datetime],
    ) -> None:
        self.kept = kept
        self.places = places
        self.idle = idle
        self.notice = notice
        self.chores = chores
        self.date = date
        self._kept_for_0: set[int] = set()  # shown as Reserved, for reservations of no particular connector; see `look`
        self._changed = asyncio.Event()  # the next end may be another one: set by whatever changes, cleared by `run`

    # -- the central system

    @or_else(m.ReserveNowResponse(status="Rejected"))
    async def on_reserve(self, request: m.ReserveNowRequest) -> m.ReserveNowResponse:
        """Accepted once it is written down; see `may_reserve` for the other answers."""
        now = self.date()
        status = may_reserve(request, self.places(), self.kept.living(now), now)
        if status == "Accepted":
            self._take(
                Reservation(
                    request.reservation_id,
                    request.connector_id,
                    request.id_tag,
                    request.parent_id_tag,
                    request.expiry_date,
                )
            )
        return m.ReserveNowResponse(status=status)

    def _take(self, new: Reservation) -> None:
        old = next((each for each in self.kept.all() if each.id == new.id), None)
        self.kept.put(new)
        if old is not None and old.connector != new.connector:
            self._show_free(old)
        if new.connector:
            self.notice(new.connector, "reserve")
        self.look()
        self._changed.set()

    @or_else(m.CancelReservationResponse(status="Rejected"))
    async def on_cancel(self, request: m.CancelReservationRequest) -> m.CancelReservationResponse:
        """Accepted if there is such a reservation (core 5.1); one that has expired is none."""
        living = {each.id for each in self.reservations()}
        found = self.kept.remove(request.reservation_id) if request.reservation_id in living else None
        if found is None:
            return m.CancelReservationResponse(status="Rejected")
        self._show_free(found)
        return m.CancelReservationResponse(status="Accepted")

    # -- the driver and the weather

    def reservations(self) -> list[Reservation]:
        """Those that hold now."""
        return self.kept.living(self.date())

    def used(self, reservation_id: int) -> None:
        """Its driver has begun: it is over (core 5.13). To be written together with his StartTransaction."""
        self.kept.remove(reservation_id)
        self._changed.set()

    def ends(self, connector: int, why: Literal["Faulted", "Unavailable"]) -> None:
        """It can be used by nobody: its reservation is over (core 5.13). 0: those of no particular connector."""
        for each in self.kept.all():
            if each.connector == connector:
                self.kept.remove(each.id)
        self._changed.set()  # and `run` looks: who withdraws the charge point has not withdrawn the others yet

    def clock_set(self) -> None:
        """The time is another one: so is what has expired."""
        self._changed.set()

    def restore(self) -> None:
        """After a power cut: what was reserved is shown. What has expired meanwhile ends as soon as `run` does."""
        for each in self.kept.all():
            if each.connector:
                self.notice(each.connector, "reserve")
        self.look()

    def look(self) -> None:
        """Whoever uses a connector, or leaves one, may make the others the last ones for the reservations of no
        particular connector. Nobody else can begin there then (core 5.13), so they are Reserved and not Available.
        """
        try:
            living = self.reservations()
        except Exception:  # our file, or whoever tells the time: a cable is pulled all the same
            log.exception("! what is shown of the reservations stays as it was")
            return
        own, anywhere = {each.connector for each in living}, sum(each.connector == 0 for each in living)
        left = self.idle() - own
        before, self._kept_for_0 = self._kept_for_0, left if len(left) <= anywhere else set()
        for connector in before - self._kept_for_0 - own:
            self.notice(connector, "release")
        for connector in self._kept_for_0 - before:
            self.notice(connector, "reserve")

    async def run(self) -> None:
        """Ends each reservation at its time, online or not. Never ends by itself."""
        while True:
            self._changed.clear()
            try:
                seconds = self._end_expired()
                self.look()
            except Exception as error:  # our file, or whoever tells the time: the others end all the same, later
                self.chores.failed("the end of a reservation", error)
                seconds = AGAIN
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait()

    def _end_expired(self) -> float | None:
        """Seconds until the next one ends, None if there is none."""
        now = self.date()
        for each in self.kept.all():
            if now < each.until:
                return (each.until - now).total_seconds()
            self.kept.remove(each.id)
            self._show_free(each)
        return None

    def _show_free(self, gone: Reservation) -> None:
        if gone.connector:
            self.notice(gone.connector, "release")
        self.look()
        self._changed.set()


def places(bays: Bays) -> dict[int, Place]:
    """What each connector is to somebody who wants to reserve it; 0 is the charge point as a whole."""
    return {0: _BROKEN.get(bays.connectors[0].status, "free"), **{n: _place(bays, n) for n in bays.sessions}}


def idle(bays: Bays) -> set[int]:
    """The connectors with nobody and no cable, whoever may be asked about."""
    facts = {number: session.facts for number, session in bays.sessions.items()}
    return {
        n for n, each in facts.items() if each.phase == "free" and is_open(each._replace(asked=None)) and not each.cable
    }


_BROKEN: dict[m.ChargePointStatus, Place] = {"Faulted": "faulted", "Unavailable": "unavailable"}


def _place(bays: Bays, number: int) -> Place:
    facts = bays.sessions[number].facts
    if facts.fault:
        return "faulted"
    if facts.phase != "free" or facts.cable or facts.asked is not None:
        return "occupied"
    return "free" if facts.operative else "unavailable"
