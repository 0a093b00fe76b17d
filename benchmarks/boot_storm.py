"""The storm on real sockets: 2,000 charge points dial and boot at once, the ledger in a file and in memory."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

import msgspec

from .descriptors import allow
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
    """When boots were accepted, from the first dial: a hundred of them, evenly chosen by rank, and the last."""
    cpu: float
    """Of the central system."""
    commits: int
    redials: int
    """Dials that failed, and were made again."""
    asked: int
    """Who was asked to boot (TriggerMessage), because the boot that was on its way had waited for a second."""

    @property
    def seconds(self) -> float:
        """Until the last one was accepted."""
        return self.accepted[-1]


def boot_storm(scale: Scale, progress: Progress) -> list[Storm]:
    """Rounds of both ledgers in turn; every storm meets a central system that has just started, and an empty file."""
    allow(scale.charge_points)
    found = []
    for number in range(scale.rounds):
        for ledger in LEDGERS[:: 1 if number % 2 else -1]:
            with Site(ledger) as site:
                sample, spent = site.watch("storm", site.port, scale.charge_points)
            sample["accepted"] = thinned(sample["accepted"])
            found.append(Storm(ledger, scale.charge_points, number, cpu=spent.cpu, commits=spent.commits, **sample))
            progress.step(f"storm of {scale.charge_points:,}, round {number + 1}, ledger: {ledger}")
    return found


def thinned(times: list[float], ranks: int = 100) -> list[float]:
    """So many of them, evenly chosen by their rank; the last is one of them."""
    count = min(ranks, len(times))
    return [times[len(times) * number // count - 1] for number in range(1, count + 1)]


def column(found: list[Storm], ledger: str, what: str) -> list[float]:
    """One figure in every round."""
    return [getattr(storm, what) for storm in sorted(found, key=lambda s: s.round) if storm.ledger == ledger]


def middle(found: list[Storm], ledger: str, what: str) -> float:
    """Its median over the rounds."""
    return median(column(found, ledger, what))


def times_memory(found: list[Storm], what: str = "seconds") -> list[float]:
    """How many times that of the ledger in memory, round by round."""
    return [one / other for one, other in zip(column(found, "file", what), column(found, "memory", what), strict=True)]
