"""The rows of a layered picture and the order in each, so that few lines cross. Pure functions, and no chance in them.

A line that passes a row gets a place of its own in it, a *rail*. All lines to one box share their rails: what runs into
a line leads where the line leads.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

from tools.drawing.sifting import sift


class Spot(NamedTuple):
    """A place in a row: the box of that name, or a rail of the lines that lead to it."""

    name: str
    row: int
    rail: bool = False


Joint = tuple[Spot, Spot]
"""Upper and lower end of a line between two rows that follow each other."""


@dataclass
class Plan:
    """Rows from the bottom up, each left to right, and what joins them."""

    rows: list[list[Spot]]
    joints: list[Joint]


Near = dict[Spot, tuple[list[int], list[int]]]
"""Of each spot: the places of what it is joined to in the row above, and in the row below."""


def levels(names: list[str], edges: dict[str, set[str]]) -> list[list[str]]:
    """The rows of one band, bottom first: each name as low as the names allow that it leads to."""
    level: dict[str, int] = {}
    for name in names:  # bottom to top, so that what it leads to is known
        level[name] = 1 + max((level[other] for other in edges[name] if other in level), default=-1)
    return [[name for name in names if level[name] == number] for number in range(max(level.values()) + 1)]


def plan(rows: list[list[str]], edges: dict[str, set[str]]) -> Plan:
    """The boxes in the order in which they come, the rails that the edges need, and the joints."""
    row_of = {name: number for number, row in enumerate(rows) for name in row}
    made = [[Spot(name, number) for name in row] for number, row in enumerate(rows)]
    joints: set[Joint] = set()
    for source, start in row_of.items():
        for target in sorted(edges[source] & set(row_of)):
            upper = Spot(source, start)
            for number in range(start - 1, row_of[target], -1):
                rail = Spot(target, number, rail=True)
                if rail not in made[number]:
                    made[number].append(rail)
                joints.add((upper, rail))
                upper = rail
            joints.add((upper, Spot(target, row_of[target])))
    return Plan(made, sorted(joints))


def untangle(made: Plan, rounds: int = 30) -> None:
    """Order every row so that few joints cross: barycentres first, then every spot is tried in every place."""
    best, fewest = [list(row) for row in made.rows], crossings(made)
    for turn in range(rounds):
        numbers = list(range(len(made.rows)))
        for number in numbers if turn % 2 else reversed(numbers):
            _by_barycentre(made, number, up=turn % 2 == 0)
        while _sift(made):
            pass
        if (count := crossings(made)) < fewest:
            best, fewest = [list(row) for row in made.rows], count
    made.rows = best


def crossings(made: Plan) -> int:
    """How many pairs of joints cross. Those that share an end do not."""
    near = _neighbours(made, places(made))
    total = 0
    for row in made.rows:
        seen: list[int] = []  # lower ends of the joints of spots further left
        for spot in row:
            total += sum(len(seen) - bisect_right(seen, low) for low in near[spot][1])
            seen = sorted(seen + near[spot][1])
    return total


def places(made: Plan) -> dict[Spot, int]:
    """Where in its row each spot stands."""
    return {spot: place for row in made.rows for place, spot in enumerate(row)}


def _neighbours(made: Plan, place: dict[Spot, int]) -> Near:
    found: Near = {spot: ([], []) for spot in place}
    for upper, lower in made.joints:
        found[upper][1].append(place[lower])
        found[lower][0].append(place[upper])
    return found


def _by_barycentre(made: Plan, number: int, *, up: bool) -> None:
    place = places(made)
    near = _neighbours(made, place)

    def barycentre(spot: Spot) -> float:
        others = near[spot][0 if up else 1]
        return sum(others) / len(others) if others else place[spot]

    made.rows[number].sort(key=lambda spot: (barycentre(spot), place[spot]))


def _sift(made: Plan) -> bool:
    helped = False
    for row in made.rows:
        near = _neighbours(made, places(made))  # of other rows, which stay as they are meanwhile
        cost = {(left, right): _crossed(near[left], near[right]) for left, right in permutations(row, 2)}
        helped |= sift(row, lambda left, right, cost=cost: cost[left, right])  # type: ignore[misc]
    return helped


def _crossed(left: tuple[list[int], list[int]], right: tuple[list[int], list[int]]) -> int:
    """Crossings between the joints of two spots that stand in this order."""
    return sum(a > b for one, other in zip(left, right, strict=True) for a in one for b in other)
