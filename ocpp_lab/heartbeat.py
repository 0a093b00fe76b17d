"""`Heartbeat`: keep the cadence, adopt the interval, measure the clock (core 4.6).

The interval is one of *inactivity*: another own call within it is a sign of life and postpones the beat. But one a day
goes out whatever else is said, because its answer carries the time (J-spec 5.3), as else only a boot's does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from .errors import CallFailed, CallTimeout, MalformedReply, NotAccepted
from .messages import HeartbeatRequest, HeartbeatResponse

log = logging.getLogger(__name__)

A_DAY = 86_400
"""Seconds. At least one heartbeat a day sets the clock (J-spec 5.3)."""


class Heartbeat:
    """A heartbeat after ``interval`` seconds without own call, and one at least every ``at_least`` seconds.
    An interval of 0 or less is a ValueError.

    ``on_time(current_time)`` is told the central system's clock. With ``now`` given, ``clock_offset`` is that clock
    minus ours in seconds, measured at the middle of the round trip.
    """

    def __init__(
        self,
        call: Callable[[Any], Awaitable[Any]],
        interval: float,
        *,
        on_time: Callable[[datetime], None] | None = None,
        at_least: float = A_DAY,
        now: Callable[[], datetime] | None = None,
        skip_when_active: bool = True,
    ) -> None:
        self.call = call
        self.on_time = on_time
        self.at_least = at_least
        self.now = now
        self.skip_when_active = skip_when_active
        self.clock_offset: float | None = None
        self.sent = self.answered = 0
        """Heartbeats so far, and those of them that had a good answer; `beat` counts."""
        self._changed = asyncio.Event()  # set by a new interval, cleared by whoever waits for the next beat
        self._time = asyncio.get_running_loop().time
        self._last_call = self._last_beat = self._time()  # when the newest call, and the newest beat, went out
        self.interval = interval

    @property
    def interval(self) -> float:
        """Seconds; setting it takes effect at once."""
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        if seconds <= 0:
            raise ValueError(f"expected a heartbeat interval above 0 s, came {seconds}")
        self._interval = seconds
        self._changed.set()

    def touch(self) -> None:
        """Another own call went out: a sign of life."""
        if self.skip_when_active:
            self._last_call = self._time()

    async def run(self) -> None:
        """Beat until cancelled. A beat that fails is no reason to stop; ConnectionLost is, and leaves."""
        while True:
            await self._until_due()
            await self.beat()

    async def beat(self) -> HeartbeatResponse | None:
        """One heartbeat now; None if it was answered badly or not at all."""
        sent_at, started = self._time(), self.now() if self.now else None
        self._last_call = self._last_beat = sent_at
        self.sent += 1
        try:
            response: HeartbeatResponse = await self.call(HeartbeatRequest())
        except (CallFailed, CallTimeout, MalformedReply, NotAccepted) as error:  # NotAccepted: about to boot again
            log.warning("! heartbeat: %s", error)
            return None
        self.answered += 1
        if started is not None:
            middle = started.timestamp() + (self._time() - sent_at) / 2
            self.clock_offset = response.current_time.timestamp() - middle
        if self.on_time:
            self.on_time(response.current_time)
        return response

    async def _until_due(self) -> None:
        while (wait := self._due() - self._time()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _due(self) -> float:
        return min(self._last_call + self._interval, self._last_beat + self.at_least)
