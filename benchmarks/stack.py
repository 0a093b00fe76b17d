"""The stack beside the bare library and another stack: round trips, metrics, memory, imports, an hour, outages."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from . import pair, throughput
from .contenders import METRICS, ROUND_TRIPS
from .hour import Hour, hour
from .imports import imports
from .memory import CONTENDERS as IN_MEMORY
from .memory import memory
from .metrics_cost import metrics_cost
from .progress import Progress
from .reconnect_storm import RANDOM_RANGES, Storm, storms
from .table import Found
from .throughput import CASES


class Scale(NamedTuple):
    """``rounds`` of ``seconds`` for round trips, ``watched`` rounds for metrics, ``repeats`` of imports, ``hours``."""

    rounds: int
    seconds: float  # short windows: the median drops spoilt ones
    repeats: int
    watched: int
    hours: int

    @property
    def steps(self) -> int:
        """What a progress line counts."""
        trips = self.rounds * len(CASES) * len(ROUND_TRIPS) + self.watched * len(CASES) * len(METRICS)
        return trips + len(IN_MEMORY) + self.repeats + self.hours + len(RANDOM_RANGES)


FULL = Scale(25, 0.2, 21, 11, 21)
QUICK = Scale(7, 0.1, 7, 3, 5)

Saved = dict[str, list[pair.Window]]
"""By "contender kind connections": a key of JSON is a text."""


class Stack(msgspec.Struct, frozen=True):
    """What was found, so that it can be saved; `found` is what the table wants."""

    rounds: int
    seconds: float
    windows: Saved
    watched: Saved
    memory: dict[str, float]
    imports: dict[str, float]
    hour: Hour
    storms: dict[int, Storm]

    def found(self) -> Found:
        """The same, with windows by contender and case."""
        windows, watched = _loaded(self.windows), _loaded(self.watched)
        return Found(windows, watched, self.memory, self.imports, self.hour, self.storms)


def stack(scale: Scale, progress: Progress) -> Stack:
    """All of it, one after the other."""
    return Stack(
        scale.rounds,
        scale.seconds,
        imports=imports(scale.repeats, progress),
        memory=memory(progress),
        windows=_saved(throughput.throughput(scale.rounds, scale.seconds, progress)),
        watched=_saved(metrics_cost(scale.watched, progress)),
        hour=hour(scale.hours, progress),
        storms=storms(progress),
    )


def _saved(windows: throughput.Windows) -> Saved:
    return {f"{letter} {kind} {connections}": found for (letter, (kind, connections)), found in windows.items()}


def _loaded(saved: Saved) -> throughput.Windows:
    keys = {f"{letter} {kind} {number}": (letter, (kind, number)) for letter in _LETTERS for kind, number in CASES}
    return {keys[key]: windows for key, windows in saved.items()}


_LETTERS = (*ROUND_TRIPS, *METRICS)
