"""How the lines of a layered picture run: down from a box, along a track between two rows, and down again.

All lines to one spot share a track. Lines to different spots may cross, and never run along one another.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

from tools.drawing.layers import Joint, Plan, Spot
from tools.drawing.sifting import sift

CLOSE = 6.0
"""Vertical lines nearer than this would be taken for one."""

JOG = 4.0
"""A line that would step aside by less runs straight."""

CLASH = 1000.0
"""So many crossings are better than two verticals that lie on one another."""

Point = tuple[float, float]


class Net(NamedTuple):
    """The lines between two rows that lead to one spot: where they go, and where each comes from, by x."""

    spot: Spot
    lower: float
    uppers: dict[Spot, float]

    @property
    def left(self) -> float:
        return min(self.lower, *self.uppers.values())

    @property
    def right(self) -> float:
        return max(self.lower, *self.uppers.values())


def ports(made: Plan, x: dict[Spot, float], size: dict[Spot, float], apart: float) -> dict[Joint, float]:
    """Where each line leaves its box: side by side in the order of where they go, straight down if that can be."""
    found: dict[Joint, float] = {}
    for spot, middle in x.items():
        lowers = sorted((lower for upper, lower in made.joints if upper == spot), key=x.__getitem__)
        reach = size[spot] / 2 - apart
        edges = (middle, middle) if spot.rail else (middle - reach, middle + reach)
        places = fit([x[lower] for lower in lowers], apart, *edges)
        for lower, place in zip(lowers, places, strict=True):
            straight = abs(place - x[lower]) < JOG
            found[spot, lower] = x[lower] if straight else float(round(place))
    return found


def cleared(port: dict[Joint, float], x: dict[Spot, float], row: int) -> dict[Joint, float]:
    """The ports of a row, moved aside where a line to something else arrives right below, which no track could undo."""
    lowers = {lower for upper, lower in port if upper.row == row}
    moved = {
        (upper, lower): _clear(place, sorted(x[other] for other in lowers if other != lower))
        for (upper, lower), place in port.items()
        if upper.row == row and not upper.rail
    }
    return port | moved


def _clear(place: float, others: list[float]) -> float:
    for other in others:
        if abs(place - other) < CLOSE:
            return other + (CLOSE if place > other else -CLOSE)
    return place


def fit(wanted: list[float], apart: float, left: float, right: float) -> list[float]:
    """Places in this order, so far apart or farther, as close to the wanted ones as can be (least squares).

    Take the distances away, and what is left is a regression that may not decrease: neighbours in the wrong order are
    pooled until none are (Pool Adjacent Violators).
    """
    pools: list[tuple[float, int]] = []  # mean, members
    for place in (place - apart * number for number, place in enumerate(wanted)):
        pools.append((place, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, m), (b, n) = pools[-2:]
            pools[-2:] = [((a * m + b * n) / (m + n), m + n)]
    flat = [mean for mean, members in pools for _ in range(members)]
    highest = right - apart * (len(wanted) - 1)
    return [min(max(place, left), highest) + apart * number for number, place in enumerate(flat)]


def nets(made: Plan, number: int, x: dict[Spot, float], port: dict[Joint, float]) -> list[Net]:
    """The nets that end in a row, left to right."""
    found = [
        Net(spot, x[spot], {upper: port[upper, lower] for upper, lower in made.joints if lower == spot})
        for spot in made.rows[number]
    ]
    return [net for net in found if net.uppers]


def tracks(found: list[Net]) -> dict[Spot, int]:
    """The track of each net that is not straight, 0 at the top, in the order in which the fewest lines cross."""
    order = _ordered(found)
    track: dict[Spot, int] = {}
    for place, net in enumerate(order):
        above = [track[other.spot] for other in order[:place] if _side_by_side(other, net)]
        track[net.spot] = 1 + max(above, default=-1)
    return track


def clash(found: list[Net]) -> bool:
    """Whether even in the best order two verticals would lie on one another."""
    return any(_cost(above, below) >= CLASH for above, below in combinations(_ordered(found), 2))


def _ordered(found: list[Net]) -> list[Net]:
    order = [net for net in found if net.left < net.right]
    while sift(order, _cost):
        pass
    return order


def _side_by_side(one: Net, other: Net) -> bool:
    return one.left - CLOSE < other.right and other.left - CLOSE < one.right


def _cost(above: Net, below: Net) -> float:
    """Crossings if one net's track lies above the other's; far more if two verticals would lie on one another."""
    crossed = sum(above.left < upper < above.right for upper in below.uppers.values())
    crossed += below.left < above.lower < below.right
    return crossed + CLASH * any(abs(upper - above.lower) < CLOSE for upper in below.uppers.values())


def path(points: list[Point], radius: float) -> str:
    """An SVG path along points of which each lies straight below or beside the one before, with round corners."""
    said = [f"M{_n(*points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(radius, _far(before, corner) / 2, _far(corner, after) / 2)
        said.append(f"L{_n(*_towards(corner, before, reach))}Q{_n(*corner)} {_n(*_towards(corner, after, reach))}")
    return "".join([*said, f"L{_n(*points[-1])}"])


def _far(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(start: Point, end: Point, reach: float) -> Point:
    share = reach / (_far(start, end) or 1.0)
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _n(x: float, y: float) -> str:
    return f"{x:.1f} {y:.1f}".replace(".0", "")
