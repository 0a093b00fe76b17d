"""`Obedience`: each car is offered what the charging profiles allow, from its first moment on (core 3.13)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final, Protocol

from ..errors import StoreFailed
from ..smart_charging import Allowed, Installed
from .living_profiles import LivingProfiles, RunningTransactions

log = logging.getLogger(__name__)

PAUSE_AFTER_FAILURE: Final = 10.0
"""Seconds until the limits are looked at again when our own side failed."""


class Offering(Protocol):
    """Who tells a car what it may draw: `Bays`."""

    def offer(self, connector: int, amperes: float | None, phases: int = 3) -> None:
        """A per phase, None: nothing is said."""

    def offer_first(self, connector: int, amperes: float | None, phases: int = 3) -> None:
        """The same for one that is about to begin."""


class Obedience:
    """Sleeps until a limit changes. ``changed`` is set by whoever changes a profile, begins or ends a transaction, or
    sets the clock. ``now()`` looks at the clock, ``failed`` is told of our own failures.
    """

    def __init__(
        self,
        connectors: Collection[int],
        living: LivingProfiles,
        offering: Offering,
        *,
        changed: asyncio.Event,
        now: Callable[[], datetime],
        failed: Callable[[str, BaseException], object],
    ) -> None:
        self.connectors = connectors
        self.living = living
        self.offering = offering
        self.changed = changed
        self.now = now
        self.failed = failed
        self.offered: dict[int, Allowed] = {}
        """By connector, what its car was offered last; nothing where no transaction runs. Set by `begin` and by
        `run`."""

    def begin(self, connector: int, name: str, id_tag: str, started: datetime) -> None:
        """A transaction begins: what was promised to it holds, and what may flow is offered before anything flows.

        Called with the start, in the `Store.transaction` that writes it down. Raises `StoreFailed`.
        """
        running = self.living.running()
        limits, _ = self.living.offers(self.living.begin(connector, id_tag, running), running, self.now())
        self.offered = {**self.offered, connector: limits[connector]}
        self.offering.offer_first(connector, *limits[connector])

    async def run(self) -> None:
        """Offer each car what it may draw, at once when that changes; endless. After whatever fails it is tried again:
        meanwhile the limits stay as they were."""
        while True:
            try:
                await self.living.profiles.obey(self._look, self._offer, self.changed, self.now)
            except Exception as error:
                self.failed("smart charging", error)
            await asyncio.sleep(PAUSE_AFTER_FAILURE)

    def _look(self, at: datetime) -> tuple[dict[int, Allowed], datetime | None]:
        running = self.living.running()
        stack = self.living.stack(running)
        if len(stack) < len(self.living.kept.installed):
            self._forget(stack, running)
        return self.living.offers(stack, running, at)

    def _forget(self, stack: list[Installed], running: RunningTransactions) -> None:
        """What belongs to a transaction that is over; it is not obeyed any more, whether or not the file forgets it."""
        try:
            self.living.keep(stack, running)
        except StoreFailed:
            log.exception("! charging profiles of a transaction that is over could not be struck out")

    def _offer(self, limits: dict[int, Allowed]) -> None:
        for number in self.connectors:
            limit = limits.get(number)
            if limit != self.offered.get(number):
                self.offering.offer(number, *(limit or (None, 3)))
        self.offered = limits
