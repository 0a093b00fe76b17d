"""`MachineClock`: the clock of one simulated machine, which somebody may set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""What a clock without a battery says when the power comes."""


class MachineClock:
    """``date()`` is the date of the world, which it shows until it is set otherwise."""

    def __init__(self, date: Callable[[], datetime]) -> None:
        self.offset = timedelta()
        """How far it is ahead of the world's date."""
        self._date = date

    def now(self) -> datetime:
        """What it shows."""
        return self._date() + self.offset

    def jump(self, seconds: float) -> None:
        """It is set forwards, or backwards."""
        self.offset += timedelta(seconds=seconds)

    def forget(self) -> None:
        """It begins at 1970."""
        self.offset = EPOCH - self._date()

    def be_right(self) -> None:
        """It is set to the world's date."""
        self.offset = timedelta()
