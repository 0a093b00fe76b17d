"""`BootInterval`: how long the central system wants no other BootNotification (core 4.2)."""

from __future__ import annotations

import asyncio


class BootInterval:
    """Begins with an answer that is not Accepted and outlives the connection; a trigger or a restart ends it."""

    def __init__(self) -> None:
        self._time = asyncio.get_running_loop().time
        self._until = self._time()

    @property
    def left(self) -> float:
        """Seconds of it that are left; 0 if there is none."""
        return max(self._until - self._time(), 0.0)

    def begin(self, seconds: float) -> None:
        """So long, from now on."""
        self._until = self._time() + seconds

    def end(self) -> None:
        """The next boot may go at once."""
        self._until = self._time()
