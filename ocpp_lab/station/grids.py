"""When meters are read, and what they then show: two grids, and the integral of power (core 3.16).

Sampled readings follow the start of a transaction, every so many seconds. Clock-aligned ones follow midnight UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import pairwise
from math import inf
from typing import Literal

Occasion = Literal["Transaction.Begin", "Sample.Periodic", "Sample.Clock", "Transaction.End"]
"""Why a reading of a transaction was taken; four of the contexts of core 7.35."""


def energy(powers: list[tuple[float, float]], start: float, end: float) -> float:
    """Wh between two instants (s). ``powers`` are (from s, W), ascending; each holds until the next one."""
    total = 0.0
    for (since, watts), (until, _) in pairwise([*powers, (inf, 0.0)]):
        total += watts * max(0.0, min(until, end) - max(since, start))
    return total / 3600


def next_clock(now: datetime, interval: int) -> datetime | None:
    """The next instant strictly after ``now`` on the grid of ``interval`` seconds, None if that is 0 (core 3.16.2).

    Every day has its own grid, from 00:00:00 UTC on: an interval that does not divide the day ends with a shorter one.
    """
    if interval <= 0:
        return None
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    step = timedelta(seconds=interval)
    return min(midnight + ((now - midnight) // step + 1) * step, midnight + timedelta(days=1))


def next_sample(elapsed: float, interval: float) -> float:
    """Seconds after a transaction's start at which the next sample is due, strictly after ``elapsed`` (core 9.1.19)."""
    return (elapsed // interval + 1) * interval


def readings(start: datetime, end: datetime, *, sampled: int = 0, aligned: int = 0) -> list[tuple[datetime, Occasion]]:
    """The readings that a stop tells of a transaction: when each is due, and why; at one instant Periodic comes first.

    None if both intervals (s) are 0 (core 3.16.5); else the first and the last are those of the start and the stop
    (core errata 3.14), and whatever falls on one of these is left out.
    """
    if not sampled and not aligned:
        return []
    both = merge(_samples(start, end, sampled), _on_the_clock(start, end, aligned), key=lambda each: each[0])
    return [(start, "Transaction.Begin"), *both, (end, "Transaction.End")]


def _samples(start: datetime, end: datetime, interval: int) -> Iterator[tuple[datetime, Occasion]]:
    at = start
    while interval and (at := at + timedelta(seconds=interval)) < end:
        yield at, "Sample.Periodic"


def _on_the_clock(start: datetime, end: datetime, interval: int) -> Iterator[tuple[datetime, Occasion]]:
    at = next_clock(start, interval)
    while at is not None and at < end:
        yield at, "Sample.Clock"
        at = next_clock(at, interval)
