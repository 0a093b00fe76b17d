"""Where the spots of a layered picture stand from left to right: lines straight, boxes near what they are joined to."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from tools.drawing.layers import Joint, Plan, Spot, places

ROUNDS = 2000
"""How often blocks are pulled and pushed. They rest long before."""


class Blocks:
    """Spots that share their x: as many lines as there is room for run straight through the rows.

    Two joints that cross are never both straight, so that blocks have an order from left to right. ``size`` is the
    width of each spot, ``gap`` what has to be free between two. ``width`` grows if nothing else helps.
    """

    def __init__(self, made: Plan, width: float, size: dict[Spot, float], gap: float) -> None:
        self.made, self.size, self.gap = made, size, gap
        self._place = places(made)
        self._down: dict[Spot, Spot] = {}  # the joints that are straight
        self._arrange()
        self.width = max(width, self._needs())
        for up, low in self._longest_first():
            if self._may_be_straight(up, low):
                self._down[up] = low
                self._arrange()
                if self._needs() > self.width:
                    del self._down[up]
        self._arrange()

    def spread(self) -> dict[Spot, float]:
        """The x of every spot: blocks are pulled by what they are joined to, and push away who comes too close."""
        x = self._pushed_right([0.0] * len(self.blocks))
        pulls = self._pulls()
        for turn in range(ROUNDS):
            step = 0.5 * (1 - turn / ROUNDS)  # ever smaller, or they would never rest
            wanted = [sum(x[o] for o in others) / len(others) if others else x[n] for n, others in enumerate(pulls)]
            x = [here + step * (there - here) for here, there in zip(x, wanted, strict=True)]
            for (left, right), least in self.apart.items():
                if (lacking := least - (x[right] - x[left])) > 0:
                    x[left] -= lacking / 2
                    x[right] += lacking / 2
            x = [min(max(here, half), self.width - half) for here, half in zip(x, self.half, strict=True)]
        x = self._pushed_left(self._pushed_right(x))
        return {spot: float(round(x[number])) for spot, number in self.of.items()}

    def _longest_first(self) -> list[Joint]:
        """The joints that may be straight: those of rails, and of boxes with a single line."""
        ways = Counter(up for up, _ in self.made.joints)
        length = Counter(low.name for _, low in self.made.joints if low.rail)
        able = [joint for joint in self.made.joints if joint[0].rail or ways[joint[0]] == 1]
        return sorted(able, key=lambda joint: (-joint[0].rail - joint[1].rail, -length[joint[1].name], joint))

    def _may_be_straight(self, up: Spot, low: Spot) -> bool:
        place = self._place
        beside = [(u, v) for u, v in self._down.items() if u.row == up.row]
        return all(v != low and (place[u] < place[up]) == (place[v] < place[low]) for u, v in beside)

    def _arrange(self) -> None:
        """The blocks that the straight joints make, and how far apart those that stand side by side must be."""
        self.blocks: list[list[Spot]] = []
        for spot in sorted(set(self._place) - set(self._down.values())):
            self.blocks.append([spot])
            while below := self._down.get(self.blocks[-1][-1]):
                self.blocks[-1].append(below)
        self.of = {spot: number for number, spots in enumerate(self.blocks) for spot in spots}
        self.half = [max(self.size[spot] for spot in spots) / 2 for spots in self.blocks]
        self.apart: dict[tuple[int, int], float] = {}
        for left, right in (pair for row in self.made.rows for pair in pairwise(row)):
            pair, least = (self.of[left], self.of[right]), (self.size[left] + self.size[right]) / 2 + self.gap
            self.apart[pair] = max(self.apart.get(pair, 0.0), least)

    def _pulls(self) -> list[list[int]]:
        pulls: list[list[int]] = [[] for _ in self.blocks]
        for upper, lower in self.made.joints:
            if (a := self.of[upper]) != (b := self.of[lower]):
                pulls[a].append(b)
                pulls[b].append(a)
        return pulls

    def _needs(self) -> float:
        """The least width for these blocks."""
        x = self._pushed_right([0.0] * len(self.blocks))
        return max(place + half for place, half in zip(x, self.half, strict=True))

    def _pushed_right(self, x: list[float]) -> list[float]:
        """No two too close, nothing left of the edge, and nothing moved that need not."""
        x = [max(place, half) for place, half in zip(x, self.half, strict=True)]
        while close := [(a, b, least) for (a, b), least in self.apart.items() if x[b] < x[a] + least]:
            for left, right, least in close:
                x[right] = max(x[right], x[left] + least)
        return x

    def _pushed_left(self, x: list[float]) -> list[float]:
        """The same at the right edge."""
        x = [min(place, self.width - half) for place, half in zip(x, self.half, strict=True)]
        while close := [(a, b, least) for (a, b), least in self.apart.items() if x[a] > x[b] - least]:
            for left, right, least in close:
                x[left] = min(x[left], x[right] - least)
        return x
