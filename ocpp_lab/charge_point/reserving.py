"""`Reserving`: keeps connectors for drivers who are on their way: the Reservation profile (core 3.11, 5.1, 5.13)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from .. import messages as m
from ..errors import StoreFailed
from ..station.rights import Reservation
from .chores import Chores
from .or_else import or_else
from .reservations import Place, Reservations, may_reserve

log = logging.getLogger(__name__)

AGAIN = 5.0
"""Seconds until an expired reservation is tried to be removed again, when the file could not be written."""


class Bays(Protocol):
    """The places of the car park, as far as a reservation needs them. Connector 0 is the charge point as a whole."""

    def places(self) -> dict[int, Place]: ...
    def reserve(self, connector: int) -> None: ...
    def release(self, connector: int) -> None: ...


class Reserving:
    """Takes and cancels reservations, ends them at their time, and when their connector breaks.

    ``date()`` tells the time as the central system has it; `clock_set` tells that it has changed. ``bays`` show a
    reservation to the driver: Reserved. Written first, then shown. Everything but the handlers may raise `StoreFailed`.
    """

    def __init__(self, reservations: Reservations, bays: Bays, chores: Chores, *, date: Callable[[], datetime]) -> None:
        self.reservations = reservations
        self.bays = bays
        self.chores = chores
        self.date = date
        self._changed = asyncio.Event()  # the next end may be another one: set by whatever changes, cleared by `run`

    # -- the central system

    @or_else(m.ReserveNowResponse(status="Rejected"))
    async def on_reserve(self, request: m.ReserveNowRequest) -> m.ReserveNowResponse:
        """Accepted once it is written down; see `may_reserve` for the other answers."""
        now = self.date()
        status = may_reserve(request, self.bays.places(), self.reservations.living(now), now)
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
        old = next((each for each in self.reservations.all() if each.id == new.id), None)
        self.reservations.put(new)
        if old is not None and old.connector != new.connector:
            self._show_free(old)
        if new.connector:
            self.bays.reserve(new.connector)
        self._changed.set()

    @or_else(m.CancelReservationResponse(status="Rejected"))
    async def on_cancel(self, request: m.CancelReservationRequest) -> m.CancelReservationResponse:
        """Accepted if there is such a reservation (core 5.1); one that has expired is none."""
        living = {each.id for each in self.living()}
        found = self.reservations.remove(request.reservation_id) if request.reservation_id in living else None
        if found is None:
            return m.CancelReservationResponse(status="Rejected")
        self._show_free(found)
        return m.CancelReservationResponse(status="Accepted")

    # -- the driver and the weather

    def living(self) -> list[Reservation]:
        """The reservations that hold now."""
        return self.reservations.living(self.date())

    def used(self, reservation_id: int) -> None:
        """Its driver has begun: it is over (core 5.13). To be written together with his StartTransaction."""
        self.reservations.remove(reservation_id)
        self._changed.set()

    def broken(self, connector: int) -> None:
        """This connector is Faulted or Unavailable: its reservation ends (core 5.13); 0: all of them do."""
        for each in self.reservations.all():
            if connector in (0, each.connector):
                self.reservations.remove(each.id)
        self._changed.set()

    def clock_set(self) -> None:
        """The time is another one: so is what has expired."""
        self._changed.set()

    def restore(self) -> None:
        """After a power cut: what has expired meanwhile is removed, what holds is shown."""
        now = self.date()
        for each in self.reservations.all():
            if now >= each.until:
                self.reservations.remove(each.id)
            elif each.connector:
                self.bays.reserve(each.connector)

    async def run(self) -> None:
        """Ends each reservation at its time, online or not. Never ends by itself."""
        while True:
            self._changed.clear()
            try:
                seconds = self._end_expired()
            except StoreFailed as error:
                self.chores.failed("the end of a reservation", error)
                seconds = AGAIN
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _end_expired(self) -> float | None:
        """Seconds until the next one ends, None if there is none."""
        now = self.date()
        for each in self.reservations.all():
            if now < each.until:
                return (each.until - now).total_seconds()
            self.reservations.remove(each.id)
            self._show_free(each)
        return None

    def _show_free(self, gone: Reservation) -> None:
        if gone.connector:
            self.bays.release(gone.connector)
        self._changed.set()
