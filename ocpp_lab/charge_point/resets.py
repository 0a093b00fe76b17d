"""`Resets`: goes down and comes back, softly or hard (core 5.14, core errata 3.36)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Literal

from .bays import Bays
from .chores import Chores

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds before a reset that failed is tried again (ResetRetries)."""


class Resets:
    """``delivered(within)`` waits until nothing is left to deliver, and no longer than so many seconds; ``hush()`` says
    nothing more on this connection; ``reboot(why)`` goes down and comes back; ``patience()`` is how long (s) the stops
    of a soft reset may take, 0 if nothing can be delivered now anyway."""

    def __init__(
        self,
        bays: Bays,
        chores: Chores,
        *,
        delivered: Callable[[float], Awaitable[None]],
        hush: Callable[[], None],
        reboot: Callable[[str], Awaitable[None]],
        patience: Callable[[], float],
    ) -> None:
        self.bays = bays
        self.chores = chores
        self.delivered = delivered
        self.hush = hush
        self.reboot = reboot
        self.patience = patience
        self._resetting: asyncio.Task[None] | None = None  # None before the first

    def begin(self, kind: Literal["Soft", "Hard"]) -> None:
        """End the transactions, then reset, once the answer is out; one that is under way goes on.

        A soft reset ends transactions gracefully: `StoreFailed` if one of them cannot be written down, and none has
        ended. Their stops are sent and answered before the reset, unless that takes too long. A hard one is the last
        resort for a charge point that does not work: it is always done, and its stops follow after the boot.
        """
        if kind == "Soft":
            self.bays.stop_all("SoftReset")
        if self._resetting is None or self._resetting.done():
            self._resetting = self.chores.start(self._reset(kind), "reset")

    async def _reset(self, kind: Literal["Soft", "Hard"]) -> None:
        if kind == "Soft":
            await self.delivered(self.patience())
        else:
            self.hush()
            self.bays.end_all("HardReset")
        for left in reversed(range(self.bays.configuration.number("ResetRetries") + 1)):
            try:
                await self.reboot(f"{kind} reset")
                return
            except Exception:
                log.exception("! the reset failed; %d more attempts", left)
            await asyncio.sleep(PAUSE)
        place = self.bays.connectors[0]
        place.become(place.status, error_code="ResetFailure")
