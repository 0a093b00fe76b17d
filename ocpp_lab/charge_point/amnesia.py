"""`Amnesia`: how long to wait before booting again at a central system that does not know us any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

A_QUIET_HOUR = 3600.0
"""Seconds without a SecurityError after which the next one is believed at once again."""


class Amnesia:
    """``delays()`` yields the waits (s) before boots that SecurityErrors bring about; they are those between dials.

    One alone is a central system that lost its memory: boot at once. But one that accepts every boot and still does not
    know us would be asked a thousand times in three seconds; so what follows waits, longer each time. Only a quiet hour
    starts the waits afresh. An answered call does not: after every boot the statuses are told, and such a central
    system may well answer those. Nor does a lost connection: what is left of a wait is waited out on the next.
    """

    def __init__(self, delays: Callable[[], Iterator[float]]) -> None:
        self._delays = delays
        self._time = asyncio.get_running_loop().time
        self._waits: Iterator[float] | None = None  # begun by the first SecurityError, and by one after a quiet hour
        self._due = 0.0  # when (loop time) the newest boot that it brought about was due, or went out

    def begin(self) -> float:
        """A SecurityError came: the seconds to wait before the boot."""
        now, wait = self._time(), 0.0
        if self._waits is None or now - self._due >= A_QUIET_HOUR:
            self._waits = self._delays()
        else:
            wait = next(self._waits)
        self._due = now + wait
        return wait

    @property
    def left(self) -> float:
        """Seconds of the wait that are left; 0 if there is none."""
        return max(self._due - self._time(), 0.0)

    def end(self) -> None:
        """We boot now: the wait is over, or somebody asked for it, or we were reset."""
        self._due = min(self._due, self._time())
