"""What live charge points do and when, worked out before the clock runs."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

INTERVALS = {"heartbeat": 10.0, "meter_values": 60.0}
"""Seconds between two calls of one charge point."""


class Due(NamedTuple):
    """``at``: seconds after the window opens; ``number``: which charge point; ``kind``: what it calls."""

    at: float
    number: int
    kind: str


def plan(charge_points: int, seconds: float, seed: int) -> list[Due]:
    """All calls of a window, in the order of their times.

    Each charge point keeps its intervals from an instant of its own. The instants are spread over the interval by
    chance, one into each n-th part of it: no beat in which all call, and as many calls in one window as in another.
    """
    rng = Random(seed)
    due: list[Due] = []
    for kind, interval in INTERVALS.items():
        for part, number in enumerate(rng.sample(range(charge_points), charge_points)):
            at = (part + rng.random()) / charge_points * interval
            while at < seconds:
                due.append(Due(at, number, kind))
                at += interval
    return sorted(due)
