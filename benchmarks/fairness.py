"""What a good peer notices of five that flood: the latency of its Heartbeats beside them and alone, and what it costs
the others that it notices little."""

from __future__ import annotations

import time
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

from .contenders import FAIRNESS
from .pair import End
from .progress import Progress

FLOODERS = 5
SETTLING = 0.3  # seconds in which the flood begins


class Scale(NamedTuple):
    rounds: int
    seconds: float

    @property
    def steps(self) -> int:
        """What a progress line counts: evenings."""
        return self.rounds * len(FAIRNESS)


FULL = Scale(7, 0.5)
QUICK = Scale(3, 0.5)


class Evening(NamedTuple):
    """One central system, first with the good peer alone, then with all. Seconds, and answers per CPU second to those
    that flood."""

    alone: float
    beside: float
    answers: float


class Fairness(NamedTuple):
    """Medians over the rounds: latencies in seconds; ``times`` is beside / alone within a round; ``answers`` is how
    many answers a CPU second yields, as a share of what it yields without any fairness, in the same round."""

    alone: float
    beside: float
    times: float
    unfair_beside: float
    unfair_times: float
    answers: float


def fairness(scale: Scale, progress: Progress) -> Fairness:
    """Without and with what makes it fair, in turn; ``seconds`` for each of the three measurements of an evening."""
    rounds, seconds = scale
    found: dict[str, list[Evening]] = {letter: [] for letter in FAIRNESS}
    for number in range(rounds):
        for letter in FAIRNESS[:: 1 if number % 2 else -1]:
            found[letter].append(evening(letter, seconds))
            progress.step(f"fairness, round {number + 1} of {rounds}")
    unfair, fair = (found[letter] for letter in FAIRNESS)
    return Fairness(
        median(each.alone for each in fair),
        median(each.beside for each in fair),
        median(each.beside / each.alone for each in fair),
        median(each.beside for each in unfair),
        median(each.beside / each.alone for each in unfair),
        median(with_.answers / without.answers for with_, without in zip(fair, unfair, strict=True)),
    )


def evening(letter: str, seconds: float, flooders: int = FLOODERS) -> Evening:
    """Server, good peer and flooders each have a process; all flooders together have one."""
    with ExitStack() as stack:
        server, good, flood = (stack.enter_context(End(role, letter)) for role in ("server", "client", "flooders"))
        port = server.ask("listen")
        good.ask("dial", port, 1)
        good.ask("run", "heartbeat", 1, seconds)  # warm
        alone = good.ask("latency", "heartbeat", seconds)
        flood.ask("dial", port, flooders)
        time.sleep(SETTLING)
        answered, cpu = flood.ask("answered"), server.ask("cpu")
        beside = good.ask("latency", "heartbeat", seconds)
        answered, cpu = flood.ask("answered") - answered, server.ask("cpu") - cpu
        return Evening(alone, beside, answered / cpu)
