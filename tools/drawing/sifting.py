"""`sift`: put a list into a better order, where all that counts is who comes before whom."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate


def sift[T](items: list[T], cost: Callable[[T, T], float]) -> bool:
    """Move each item to the best place, once; True if that helped. ``cost(a, b)`` is that of a before b."""
    helped = False
    for item in list(items):
        here = items.index(item)
        rest = [other for other in items if other != item]
        steps = (cost(other, item) - cost(item, other) for other in rest)  # of moving the item behind this one
        costs = list(accumulate(steps, initial=0.0))
        there = min(range(len(costs)), key=lambda place: (costs[place], abs(place - here)))
        if costs[there] < costs[here]:
            items[:] = [*rest[:there], item, *rest[there:]]
            helped = True
    return helped
