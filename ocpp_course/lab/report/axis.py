"""`Axis`: instants to places on a picture, and the ticks under it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

STEPS = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400, 30 * 86400)
"""Seconds between two ticks, that a reader counts easily."""
MOST_TICKS = 7
EDGE = 0.02
"""Of the whole time: room left and right of it."""


class Axis:
    """From ``first`` to ``last`` on the pixels from ``left`` to ``right``."""

    def __init__(self, first: datetime, last: datetime, left: float, right: float) -> None:
        self.begin, self.end = first.timestamp(), last.timestamp()  # a log may hold the last year that there is
        self.zone = first.tzinfo
        self.edge = EDGE * max(self.end - self.begin, 1.0)
        self.left, self.right = left, right

    def x(self, at: datetime) -> float:
        """Where an instant is; one outside stands at the edge."""
        return self._x(at.timestamp())

    def _x(self, at: float) -> float:
        share = (at - self.begin + self.edge) / (self.end - self.begin + 2 * self.edge)
        return self.left + (self.right - self.left) * min(max(share, 0.0), 1.0)

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Places and words; at least one."""
        seconds = self.end - self.begin
        step = next((each for each in STEPS if seconds / each <= MOST_TICKS), 0) or (
            STEPS[-1] * (1 + seconds // STEPS[-1] // MOST_TICKS)
        )
        form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86_400 else "%m-%d" if step <= STEPS[-1] else "%Y"
        at = -(-self.begin // step) * step
        if at > self.end:
            at = self.begin
        while at <= self.end:
            yield self._x(at), f"{datetime.fromtimestamp(at, self.zone):{form}}"
            at += step
