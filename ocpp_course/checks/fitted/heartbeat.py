"""`FittedHeartbeat`: a heartbeat of the exercises as a charge point needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any


class FittedHeartbeat:
    """``make(call, interval)`` gives the learner's ``piece``, which beats: step 5.3. The clock is measured here."""

    def __init__(
        self,
        make: Callable[..., Any],
        call: Callable[[Any], Awaitable[Any]],
        interval: float,
        *,
        now: Callable[[], datetime] | None = None,
        **options: Any,
    ) -> None:
        self.clock_offset: float | None = None
        """Seconds: the central system's clock minus ours, at the middle of the newest round trip; None without one."""
        self._call = call
        self._now = now
        self.piece = make(self._measured, interval, **options)

    @property
    def interval(self) -> float:
        return float(self.piece.interval)

    @interval.setter
    def interval(self, seconds: float) -> None:
        self.piece.interval = seconds

    def touch(self) -> None:
        self.piece.touch()

    async def run(self) -> None:
        await self.piece.run()

    async def _measured(self, request: Any) -> Any:
        time, started = asyncio.get_running_loop().time, self._now() if self._now else None
        sent_at = time()
        response = await self._call(request)
        if started is not None:
            middle = started.timestamp() + (time() - sent_at) / 2
            self.clock_offset = response.current_time.timestamp() - middle
        return response
