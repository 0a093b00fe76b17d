"""Round trips per second of all contenders, in turn."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from statistics import median
from typing import Literal

from .contenders import ROUND_TRIPS
from .pair import Pair, Window
from .progress import Progress

KINDS = {"heartbeat": "Heartbeat", "meter_values": "MeterValues"}
CONNECTIONS = (1, 50)

Case = tuple[str, int]  # kind, connections
CASES: list[Case] = [(kind, connections) for kind in KINDS for connections in CONNECTIONS]

Windows = dict[tuple[str, Case], list[Window]]


def throughput(rounds: int, seconds: float, progress: Progress) -> Windows:
    """Every contender and case, ``rounds`` windows of ``seconds`` each; interleaved: a noisy minute hits all alike."""
    found: Windows = defaultdict(list)
    with ExitStack() as stack:
        pairs = {letter: stack.enter_context(Pair(letter)) for letter in ROUND_TRIPS}
        for pair in pairs.values():
            pair.dial(max(CONNECTIONS))
            for kind in KINDS:
                pair.measure(kind, max(CONNECTIONS), 0.2)  # warm
        for number in range(rounds):
            for case in CASES:
                # There and back, because a neighbour on the machine may like every seventh window.
                for letter in list(pairs)[:: 1 if number % 2 else -1]:
                    found[letter, case].append(pairs[letter].measure(*case, seconds))
                    progress.step(f"round {number + 1} of {rounds}")
    return found


def middle(windows: list[Window]) -> Window:
    """The median of each column."""
    return Window(median(window.rate for window in windows), median(window.cpu for window in windows))


def ratio(found: Windows, left: str, right: str, case: Case, what: Literal["rate", "cpu"] = "rate") -> float:
    """How many times as fast left is: the median over the rounds, each compared within itself."""
    pairs = zip(found[left, case], found[right, case], strict=True)
    return median(getattr(one, what) / getattr(other, what) for one, other in pairs)
