"""`Axis`: instants to places on a picture, and the ticks under it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

STEPS = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400, 30 * 86400)
"""Seconds between two ticks, that a reader counts easily."""
MOST_TICKS = 7
EDGE = 0.02
"""Of the whole time: room left and right of it."""


class Axis:
    """From ``first`` to ``last`` on the pixels from ``left`` to ``right``."""

    def __init__(self, first: datetime, last: datetime, left: float, right: float) -> None:
        room = max((last - first).total_seconds(), 1.0)
        self.first, self.last = first - timedelta(seconds=EDGE * room), last + timedelta(seconds=EDGE * room)
        self.left, self.right = left, right

    def x(self, at: datetime) -> float:
        """Where an instant is; one outside stands at the edge."""
        share = (at - self.first) / (self.last - self.first)
        return self.left + (self.right - self.left) * min(max(share, 0.0), 1.0)

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Places and words."""
        seconds = (self.last - self.first).total_seconds()
        step = next(
            (each for each in STEPS if seconds / each <= MOST_TICKS), STEPS[-1] * (1 + seconds // STEPS[-1] // 7)
        )
        at = self.first.timestamp() // step * step + step
        form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86400 else "%m-%d"
        while at <= self.last.timestamp():
            instant = datetime.fromtimestamp(at, self.first.tzinfo)
            yield self.x(instant), f"{instant:{form}}"
            at += step
