"""`BootReminder`: asks whom we do not know to boot. Perhaps it is we who lost our memory (core 5.17; J-errata 3.8)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Container
from typing import Any

from ..errors import OcppError
from ..messages import TriggerMessageRequest
from ..session import Session

log = logging.getLogger(__name__)

BOOT_WAIT = 1.0
"""Seconds that a charge point has to boot by itself."""


class BootReminder:
    """Of one connection. It asks once: as soon as told to, or if no boot came within a second. No call waits for it.

    Who is ``known`` is not asked: an accepted boot is not repeated (core errata 3.40), and whoever was told to wait
    shall wait (core 4.2).
    """

    __slots__ = ("_asking", "_timer", "asked", "identity", "known")

    def __init__(self, identity: str, known: Container[str]) -> None:
        self.identity = identity
        self.known = known
        self.asked = False
        # Runs from `begin` until a boot comes, or the patience is over; None if there is nothing to wait for.
        self._timer: asyncio.TimerHandle | None = None
        # What asks, from its first step on; done when it was answered, or withdrawn.
        self._asking: asyncio.Task[Any] | None = None

    def begin(self, session: Session) -> None:
        """The connection is there."""
        if self.identity not in self.known:
            self._timer = asyncio.get_running_loop().call_later(BOOT_WAIT, self.ask, session)

    def rest(self) -> None:
        """A boot came, good or bad, or the connection is over: there is nothing to wait for."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def withdraw(self) -> None:
        """It is known now. A question that still waits for another call of ours to be answered is not asked."""
        if self._asking:
            self._asking.cancel()

    def ask(self, session: Session) -> None:
        """Ask at once, unless that was done, or need not be."""
        self.rest()
        if not self.asked and self.identity not in self.known:
            self.asked = True
            session.spawn(self._ask(session), "TriggerMessage")

    async def _ask(self, session: Session) -> None:
        self._asking = asyncio.current_task()
        if self.identity in self.known:
            return
        try:
            await session.call(TriggerMessageRequest(requested_message="BootNotification"))
        except OcppError as error:
            log.info("! %s was asked to boot: %s", self.identity, error)
