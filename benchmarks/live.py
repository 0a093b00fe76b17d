"""Live charge points: heartbeats every 10 s, meter values every 60 s, and what that costs one central system.

Three ledgers in turn, in one run: in memory, in a file on this disk, and in that file with 20 ms more for each commit.
"""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

import msgspec

from .descriptors import allow
from .progress import Progress
from .site import Site

LEDGERS = ("memory", "file", "slow")
SLOW = 0.020
"""Seconds that each commit takes longer in the slow file: a cheap SD card."""
WARM_UP = 5000
"""Heartbeats before we look: they fill what is bounded and shared, such as the ring of recorded frames."""


class Scale(NamedTuple):
    """``sizes``: charge points, growing; ``rounds`` of ``seconds`` each for every ledger at every size."""

    sizes: tuple[int, ...]
    rounds: int
    seconds: float

    @property
    def steps(self) -> int:
        """What a progress line counts: growing, and windows."""
        return len(self.sizes) * (2 + self.rounds * len(LEDGERS))


FULL = Scale((1000, 2000, 5000), 3, 10.0)
QUICK = Scale((200, 500, 1000), 2, 4.0)


class Window(msgspec.Struct, frozen=True):
    """What one window found. Times are in seconds, sizes in bytes."""

    ledger: str
    charge_points: int
    round: int
    seconds: float
    """From the first call to the last answer: longer than the window if somebody was behind."""
    cpu: float
    """The share of one core that the central system needs for what is called: CPU seconds by those of the window. A
    machine without time makes the calls late, and no fewer."""
    memory: int
    """Resident in the central system after the window, garbage apart."""
    p50: float
    p99: float
    worst: float
    heartbeats: int
    readings: int
    commits: int
    late: float
    """p99 of how late the charge points' own process was: if it is long, latencies are in truth longer."""


def live(scale: Scale, progress: Progress) -> list[Window]:
    """Rounds of all ledgers at each size; two central systems are alive throughout, one of them at rest."""
    allow(max(scale.sizes))
    found: list[Window] = []
    with ExitStack() as stack:
        sites = {kind: stack.enter_context(Site(kind)) for kind in ("memory", "file")}
        for site in sites.values():
            site.crowd.ask("grow", site.port, 1)
            site.crowd.ask("warm", WARM_UP)
        for size in scale.sizes:
            for kind, site in sites.items():
                site.crowd.ask("grow", site.port, size)
                progress.step(f"{size:,} charge points, ledger: {kind}")
            for number in range(scale.rounds):
                # There and back: whoever comes after the slow file is not always the same.
                for ledger in LEDGERS[:: 1 if number % 2 else -1]:
                    site = sites["memory" if ledger == "memory" else "file"]
                    found.append(_window(site, ledger, size, number, scale.seconds))
                    progress.step(f"{size:,} live, round {number + 1} of {scale.rounds}, ledger: {ledger}")
    return found


def _window(site: Site, ledger: str, size: int, number: int, seconds: float) -> Window:
    site.host.ask("slow", SLOW if ledger == "slow" else 0.0)
    sample, spent = site.watch("live", seconds, number)
    site.host.ask("slow", 0.0)  # growing is no part of it
    cpu, memory = spent.cpu / seconds, site.host.ask("memory")
    return Window(ledger, size, number, cpu=cpu, memory=memory, commits=spent.commits, **sample)


# -- what the windows say


def sizes(found: list[Window]) -> list[int]:
    return sorted({window.charge_points for window in found})


def column(found: list[Window], ledger: str, size: int, what: str) -> list[float]:
    """One figure in every round."""
    chosen = sorted(
        (w for w in found if (w.ledger, w.charge_points) == (ledger, size)), key=lambda window: window.round
    )
    return [getattr(window, what) for window in chosen]


def middle(found: list[Window], ledger: str, size: int, what: str) -> float:
    """Its median over the rounds."""
    return median(column(found, ledger, size, what))


def times_memory(found: list[Window], ledger: str, size: int, what: str = "p99") -> list[float]:
    """How many times that of the ledger in memory, round by round."""
    pairs = zip(column(found, ledger, size, what), column(found, "memory", size, what), strict=True)
    return [one / other for one, other in pairs]


def commits_more(found: list[Window], size: int, what: str) -> list[float]:
    """How much longer a wait the slow file makes than the file does, round by round, in slow commits."""
    pairs = zip(column(found, "slow", size, what), column(found, "file", size, what), strict=True)
    return [(one - other) / SLOW for one, other in pairs]
