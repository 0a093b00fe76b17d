"""Round trips per second with metrics and without, in turn."""

from __future__ import annotations

from collections import defaultdict

from .contenders import METRICS
from .pair import Pair
from .progress import Progress
from .throughput import CONNECTIONS, KINDS, Windows

SECONDS = 1.0
"""Of a window: every one of them meets one scrape, or the median would not see what scrapes cost."""


def metrics_cost(rounds: int, progress: Progress) -> Windows:
    """Both contenders and every case; with one connection there is one charge point, and one registry at each end."""
    found: Windows = defaultdict(list)
    for connections in CONNECTIONS:
        without, watched = (Pair(letter) for letter in METRICS)
        with without, watched:
            pairs = dict(zip(METRICS, (without, watched), strict=True))
            for pair in pairs.values():
                pair.dial(connections)
                for kind in KINDS:
                    pair.measure(kind, connections, 0.2)  # warm
            for number in range(rounds):
                for kind in KINDS:
                    for letter in METRICS[:: 1 if number % 2 else -1]:
                        found[letter, (kind, connections)].append(pairs[letter].measure(kind, connections, SECONDS))
                        progress.step(f"metrics, round {number + 1} of {rounds}")
    return found
