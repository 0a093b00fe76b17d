"""The storm on real sockets: 2,000 charge points dial and boot at once, the ledger in a file and in memory."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

import msgspec

from .progress import Progress
from .site import Site

LEDGERS = ("memory", "file")


class Scale(NamedTuple):
    charge_points: int
    rounds: int

    @property
    def steps(self) -> int:
        """What a progress line counts: storms."""
        return self.rounds * len(LEDGERS)


FULL = Scale(2000, 3)
QUICK = Scale(500, 2)


class Storm(msgspec.Struct, frozen=True):
    """One storm. Times are in seconds."""

    ledger: str
    charge_points: int
    round: int
    accepted: list[float]
    """When each boot was accepted, in order, from the first dial."""
    cpu: float
    """Of the central system."""
    commits: int
    redials: int
    """Dials that failed, and were made again."""

    @property
    def seconds(self) -> float:
        """Until the last one was accepted."""
        return self.accepted[-1]


def boot_storm(scale: Scale, progress: Progress) -> list[Storm]:
    """Rounds of both ledgers in turn; every storm meets a central system that has just started, and an empty file."""
    found = []
    for number in range(scale.rounds):
        for ledger in LEDGERS[:: 1 if number % 2 else -1]:
            with Site(ledger) as site:
                sample, spent = site.watch("storm", site.port, scale.charge_points, number)
            found.append(Storm(ledger, scale.charge_points, number, cpu=spent.cpu, commits=spent.commits, **sample))
            progress.step(f"storm of {scale.charge_points:,}, round {number + 1}, ledger: {ledger}")
    return found


def column(found: list[Storm], ledger: str, what: str) -> list[float]:
    """One figure in every round."""
    return [getattr(storm, what) for storm in sorted(found, key=lambda s: s.round) if storm.ledger == ledger]


def middle(found: list[Storm], ledger: str, what: str) -> float:
    """Its median over the rounds."""
    return median(column(found, ledger, what))


def times_memory(found: list[Storm], what: str = "seconds") -> list[float]:
    """How many times that of the ledger in memory, round by round."""
    return [
        one / other for one, other in zip(column(found, "file", what), column(found, "memory", what), strict=True)
    ]
