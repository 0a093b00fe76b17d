"""`Puzzle`: one evening with one culprit: its log, the possible answers, and the judgement of one.

Nothing here is a widget.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from random import Random
from typing import NamedTuple

from ocpp_course.explain.digest import Digest, digest
from ocpp_lab.logs import Finding, Log, read
from ocpp_lab.logs.seen import Side

from .culprits import CULPRITS, Culprit
from .evening import lines_of

LEVELS = {
    1: "one frame is enough",
    2: "two frames have to be compared",
    3: "look for what does not come, or comes at the wrong time",
}
VISITS = {1: 1, 2: 2, 3: 3}
"""Drivers that come."""
SIDES: tuple[Side, ...] = ("charge point", "central system")
FOR_THE_FAULT, FOR_THE_SIDE = 2, 1
"""Points, times the level."""


class Judgement(NamedTuple):
    """What an answer is worth, and what to say about it."""

    fault_right: bool
    side_right: bool
    points: int
    words: str

    @property
    def right(self) -> bool:
        """Both."""
        return self.fault_right and self.side_right


class Puzzle:
    """The same seed and level is the same evening. Raises ValueError for a level that there is not."""

    def __init__(self, seed: int, level: int) -> None:
        if level not in LEVELS:
            raise ValueError(f"expected a level of {', '.join(map(str, LEVELS))}, came {level!r}")
        self.seed, self.level = seed, level
        self._culprit = Random(f"{seed}:culprit:{level}").choice(suspects(level))

    @cached_property
    def lines(self) -> Sequence[str]:
        """The log, as a trace file has it: what `ocpp-lab explain` would be given."""
        return lines_of(self._culprit.plant, self.seed, visits=VISITS[self.level], lively=self.level > 1)

    @cached_property
    def log(self) -> Log:
        """The same, read."""
        return read(self.lines)

    @cached_property
    def digest(self) -> Digest:
        """The same, explained."""
        return digest(f"evening {self.seed}", [self.log])

    @property
    def faults(self) -> list[str]:
        """What to choose from: all that may be wrong on this level, in the order of the alphabet."""
        return sorted(each.name for each in suspects(self.level))

    @property
    def answer(self) -> tuple[str, Side]:
        """Fault and side. Look here last."""
        return self._culprit.name, self._culprit.side

    def proof(self) -> Finding | None:
        """The finding that proves it."""
        found = (each for each in self.digest.findings if each.rule in self._culprit.rules)
        return next(found, None)

    def judge(self, fault: str, side: str) -> Judgement:
        """Raises ValueError for what is not to choose from."""
        if fault not in self.faults:
            raise ValueError(f"expected one of {'; '.join(self.faults)}, came {fault!r}")
        if side not in SIDES:
            raise ValueError(f"expected one of {' or '.join(SIDES)}, came {side!r}")
        name, whose = self.answer
        fault_right, side_right = fault == name, side == whose
        points = self.level * (FOR_THE_FAULT * fault_right + FOR_THE_SIDE * (fault_right and side_right))
        if fault_right and side_right:
            said = f"Right: {name}. It is the {whose}'s fault."
        elif fault_right:
            said = f"The fault is right: {name}. But it is the {whose}'s."
        else:
            said = f"No. What these frames show is: {name}. It is the {whose}'s fault."
        return Judgement(fault_right, side_right, points, said)


def suspects(level: int) -> list[Culprit]:
    """Those of one level."""
    return [each for each in CULPRITS if each.level == level]
