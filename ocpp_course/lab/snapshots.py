"""What a snapshot of metrics says: its keys taken apart, sums by a label, and what moved between two of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

Snapshot = Mapping[str, float]
"""Series to value, as `Metrics.snapshot` gives it: the keys are those of the exposition."""

SERIES = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?", re.DOTALL)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
COUNTERS = ("_total", "_count", "_sum", "_bucket")
"""How the names of series end that only climb, until their process restarts."""


@lru_cache(4096)
def series(key: str) -> tuple[str, dict[str, str]]:
    """Name and labels of a key of a snapshot: ``name{label="value",…}``. The same few hundred come all the time."""
    if (match := SERIES.fullmatch(key)) is None:
        raise ValueError(f'expected name{{label="value",…}} as in the exposition, came {key!r}')
    return match["name"], dict(LABEL.findall(match["labels"] or ""))


def labelled(snapshot: Snapshot, name: str, label: str) -> dict[str, float]:
    """Values of one metric by one of its labels, summed over all others; those at 0 are left out."""
    found: dict[str, float] = {}
    for key, value in snapshot.items():
        if key.startswith(name) and value:
            whose, labels = series(key)
            if whose == name:
                word = labels.get(label, "")
                found[word] = found.get(word, 0.0) + value
    return found


def moved(before: Snapshot, after: Snapshot, *names: str) -> dict[str, float]:
    """By how much the series of these names (of all, if none is given) differ; those that do not are left out.

    A counter that went back was restarted in between, and has counted from 0 since.
    """
    changes: dict[str, float] = {}
    for key, value in after.items():
        name, _ = series(key)
        then = before.get(key, 0.0)
        if value != then and (not names or name in names):
            restarted = value < then and name.endswith(COUNTERS)
            changes[key] = value if restarted else value - then
    return changes


def short(changes: Mapping[str, float]) -> str:
    """Changes in one line, for people: ``calls Authorize timeout +3 · stray_replies late +1``."""
    return " · ".join(f"{_short(key)} {change:+g}" for key, change in changes.items()) or "nothing moved"


def _short(key: str) -> str:
    name, labels = series(key)
    return " ".join([name.removeprefix("ocpp_").removesuffix("_total"), *labels.values()])
