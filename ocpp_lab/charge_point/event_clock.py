"""`EventClock`: what time it is, as the central system has it, and timestamps that never repeat or go back.

A central system recognises a start that it has heard before by its timestamp, and a clock may be set back: so no two
events of a charge point carry the same one, in whatever life they happen. The clock itself is not ours to set: what is
set is an offset over it (core 4.2, 4.6). Durations, and the meter with them, are loop time and never ask here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import StoreFailed
from ..messages import BootNotificationResponse, HeartbeatResponse
from ..store import Store

log = logging.getLogger(__name__)

MILLISECOND, SECOND = timedelta(milliseconds=1), timedelta(seconds=1)

EDITION = datetime(2017, 9, 28, tzinfo=UTC)
"""The day of OCPP 1.6 edition 2. Nothing that speaks it has lived earlier: a clock that does was never set."""
A_CENTURY_LATER = EDITION.replace(year=2117)
TEN_YEARS = timedelta(days=3_653)


def plausible(told: datetime, ours: datetime) -> bool:
    """Whether the time that a central system told may be true, while our own clock says ``ours``.

    It is within a century of `EDITION`. And it is within ten years of our clock, unless that was never set: a box
    without a battery begins in 1970 or 2000 (core 4.2.1), one that lay in a store lags by years. What jumps further is
    a clock gone wrong (a GPS receiver whose weeks ran over: 19.6 years), and timestamps that follow it forward never
    come back.
    """
    known = EDITION <= told < A_CENTURY_LATER
    return known and (ours < EDITION or abs(told - ours) <= TEN_YEARS)


def corrected(offset: timedelta, told: datetime, answered: datetime, round_trip: timedelta) -> timedelta:
    """The offset over our clock that agrees with what was told, between the send and the answer (at ``answered``).

    Where the one that we have may be right it stays, or every delay would set the clock: the time was told somewhere on
    the way, and in whole milliseconds, or whole seconds. Else it is measured at the middle of the round trip.
    """
    coarse = MILLISECOND if told.microsecond else SECOND
    earliest = told - answered
    if earliest <= offset <= earliest + round_trip + coarse:
        return offset
    return earliest + round_trip / 2


class EventClock:
    """``now()`` is our clock, an aware datetime. ``settable``: the central system's time sets the offset over it.

    The offset and the newest timestamp survive a power cut, in ``store``. Raises `StoreFailed` if it cannot be read.
    """

    def __init__(self, store: Store, now: Callable[[], datetime], *, settable: bool = True) -> None:
        [(newest, offset)] = store.execute('SELECT newest, "offset" FROM clock')
        self.settable = settable
        self.offset = timedelta(seconds=offset) if settable else timedelta()
        """The central system's clock minus ours, as far as we believe it; `hear` sets it."""
        self.on_set: Callable[[float], object] = lambda seconds: None
        """Told by how much the clock was set, when it was."""
        self.when_set: list[Callable[[], object]] = []
        """Told that the clock was set: whoever waits for an instant waits anew. Entered by those who wait."""
        self._store = store
        self._now = now
        self._newest = datetime.fromisoformat(newest) if newest else None  # the newest timestamp of all lives

    def now(self) -> datetime:
        """What time it is. Looked at only: it may go back, and no event has it."""
        return self._now() + self.offset

    def stamp(self) -> datetime:
        """The timestamp of an event that happens now: a millisecond after the one before if it is not later by itself.

        It is written down together with its event, and raises `StoreFailed` if it cannot be: inside a
        `Store.transaction`. Alone (nothing else is written of a status) it is given all the same, and the next one
        that can be written covers it.
        """
        now = self.now()
        stamp = now if self._newest is None else max(now, self._newest + MILLISECOND)
        self._newest = stamp  # before it is written: whatever becomes of its event, nobody else gets it
        try:
            self._store.execute("UPDATE clock SET newest = ?", (stamp.isoformat(),))
        except StoreFailed as error:
            if self._store.in_transaction:
                raise
            log.warning("! the timestamp %s is not written down: %s", stamp, error)
        return stamp

    def hear(self, told: datetime, round_trip: float = 0.0) -> None:
        """The central system told its time in an answer that came now, ``round_trip`` seconds after the question.

        What is not `plausible` is not believed. A new offset that cannot be written down is not taken: the next answer
        brings it again.
        """
        if not self.settable:
            return
        told, answered = told if told.tzinfo else told.replace(tzinfo=UTC), self._now()
        if not plausible(told, answered):
            log.warning("! the central system says that it is %s; our clock says %s and is not set", told, answered)
            return
        offset = corrected(self.offset, told, answered, timedelta(seconds=round_trip))
        if offset != self.offset:
            self._set(offset)

    def listening(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        """The same call; the time in its answer is heard: of a Heartbeat, and of a boot that is Accepted (core 4.2)."""

        async def listened(request: Any, **options: Any) -> Any:
            time = asyncio.get_running_loop().time
            sent = time()
            response = await call(request, **options)
            match response:
                case HeartbeatResponse() | BootNotificationResponse(status="Accepted"):
                    self.hear(response.current_time, time() - sent)
            return response

        return listened

    def _set(self, offset: timedelta) -> None:
        try:
            self._store.execute('UPDATE clock SET "offset" = ?', (offset.total_seconds(),))
        except StoreFailed as error:
            log.warning("! the clock is not set: %s", error)
            return
        log.info("= the clock is set: %+.3f s, before %+.3f s", offset.total_seconds(), self.offset.total_seconds())
        by, self.offset = offset - self.offset, offset
        self.on_set(by.total_seconds())
        for tell in self.when_set:
            tell()
