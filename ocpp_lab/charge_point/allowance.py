"""`Allowance`: the energy that may still flow for a tag that is not accepted after all (core errata 3.17)."""

from __future__ import annotations

import asyncio

from ..messages import AuthorizationStatus
from ..station.charging_session import ChargingSession
from .bays import Bays
from .chores import Chores

LEAST = 0.1
"""Seconds between two looks at the meter, at least: a car that takes less and less is never quite there."""


class Allowance:
    """MaxEnergyOnInvalidId (Wh since the start) comes first; then the transaction ends, or only the energy does, as
    StopTransactionOnInvalidId says."""

    def __init__(self, bays: Bays, chores: Chores) -> None:
        self.bays = bays
        self.chores = chores
        self._watches: dict[int, asyncio.Task[None]] = {}  # by connector, while energy flows for such a tag
        bays.listeners.append(self._look)

    def deny(self, session: ChargingSession, status: AuthorizationStatus) -> None:
        """The central system said so of the tag that runs here."""
        session.denied = status
        self.bays.write_down(session)
        self._look(session.connector.number)

    def _look(self, connector: int) -> None:
        """Something has changed here: another power may flow, or nothing runs any more."""
        if watch := self._watches.pop(connector, None):
            watch.cancel()
        session = self.bays.sessions[connector]
        if session.denied is None or session.facts.phase != "running" or not session.facts.offers:
            return
        if (left := self._left(session)) <= 1e-6:
            self._cut(session)
        elif power := session.connector.power:
            seconds = max(left / power * 3600, LEAST)
            self._watches[connector] = self.chores.start(self._watch(connector, seconds), f"last energy {connector}")

    def _left(self, session: ChargingSession) -> float:
        """Wh; not above 0 if nothing may flow any more."""
        begun = self.bays.begun.get(session.connector.number)
        given = session.connector.energy - begun.meter_start if begun else 0.0
        return self.bays.configuration.number("MaxEnergyOnInvalidId") - given

    def _cut(self, session: ChargingSession) -> None:
        if self.bays.configuration.enabled("StopTransactionOnInvalidId"):
            self.bays.end(session.connector.number, "DeAuthorized")
        else:
            self.bays.pause(session.connector.number, "denied")

    async def _watch(self, connector: int, seconds: float) -> None:
        """It is used up then, unless something changes meanwhile, which begins another watch."""
        await asyncio.sleep(seconds)
        del self._watches[connector]  # or the next look would cancel us
        self._look(connector)
