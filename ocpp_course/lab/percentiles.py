"""Percentiles from buckets: all that a histogram keeps of a night of calls, and what can still be said of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .looks import INK, OUTCOMES, PAPER
from .plots import _tick
from .snapshots import series
from .style import Picture, figure, styled, subplots, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Buckets = list[tuple[float, float]]
"""Upper bound in seconds, and how many calls took that long at most: the counts are cumulative; the last is `inf`."""

LOOKS = {"result": "result", "error": "CallError", "timeout": "timeout", "lost": "lost", "cancelled": "waiting"}
"""Outcomes as the metrics name them, and the look that each has in every figure."""


def buckets(snapshot: Mapping[str, float], *outcomes: str, name: str = "ocpp_call_seconds") -> Buckets:
    """The buckets of a snapshot: of these outcomes, of all if none is named."""
    counts: dict[float, float] = {}
    for key, value in snapshot.items():
        if key.startswith(name):
            whose, labels = series(key)
            if whose == f"{name}_bucket" and (not outcomes or labels.get("outcome") in outcomes):
                bound = float(labels["le"])
                counts[bound] = counts.get(bound, 0.0) + value
    return sorted(counts.items())


def between(before: Buckets, after: Buckets) -> Buckets:
    """What came in between. A count that went back was restarted: then everything after counts."""
    then = dict(before)
    fresh = [(bound, count - then.get(bound, 0.0)) for bound, count in after]
    return fresh if all(count >= 0 for _, count in fresh) else list(after)


def quantile(counted: Sequence[tuple[float, float]], q: float) -> float:
    """Seconds within which the share ``q`` of the calls ended; linear within a bucket, nan if there was no call.

    In the last bucket the answer is its lower bound: all that is known is "more".
    """
    if not 0.0 <= q <= 1.0:
        raise ValueError(f"expected q from 0 to 1, came {q}")
    total = counted[-1][1] if counted else 0.0
    if not total:
        return math.nan
    rank, low, below = q * total, 0.0, 0.0
    for bound, count in counted:
        if count >= rank and count > below:
            return low if math.isinf(bound) else low + (bound - low) * (rank - below) / (count - below)
        low, below = (low if math.isinf(bound) else bound), count
    return low


@styled
def histogram(
    snapshot: Mapping[str, float], finding: str, *, alt: str, marks: Mapping[str, float] | None = None
) -> Picture:
    """How many calls fell into each bucket, stacked by outcome. ``marks``: lines at so many seconds, with a word."""
    bounds = [bound for bound, _ in buckets(snapshot)]
    fig, ax = subplots(330)
    _stacks(ax, snapshot, len(bounds))
    for level, (word, seconds) in enumerate((marks or {}).items()):
        _mark(ax, bounds, word, seconds, 0.93 - 0.12 * level)
    edges = [0.0, *bounds]
    ax.set_xticks(range(len(bounds) + 1), [_edge(edge) for edge in edges], rotation=55, ha="right", fontsize=8.4)
    ax.set(xlabel="time from the send to the end: the edges of the buckets", ylabel="calls")
    ax.margins(x=0.01, y=0.12)
    ax.grid(axis="x", visible=False)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower left", borderaxespad=0.3, ncols=5)
    title(ax, finding)
    return figure(fig, alt)


def _stacks(ax: Axes, snapshot: Mapping[str, float], slots: int) -> None:
    """A bar for each bucket; its number above, because five calls beside hundreds are no more than a line."""
    left: list[float] = [0.0] * slots
    for outcome, look_name in LOOKS.items():
        counts = [count for _, count in buckets(snapshot, outcome)]
        heights = [count - (counts[slot - 1] if slot else 0.0) for slot, count in enumerate(counts)]
        if any(heights):
            look = OUTCOMES[look_name]
            label = f"{outcome} ({sum(heights):,.0f})"
            ax.bar(
                [slot + 0.5 for slot in range(slots)], heights, width=0.94, bottom=left, color=look.colour,
                hatch=look.hatch, edgecolor=PAPER, linewidth=0.6, label=label,
            )  # fmt: skip
            left = [start + height for start, height in zip(left, heights, strict=True)]
    for slot, height in enumerate(left):
        if height:
            _word(ax, f"{height:,.0f}", (slot + 0.5, height), "data", (0, 8), "center")


def _mark(ax: Axes, bounds: Sequence[float], word: str, seconds: float, height: float) -> None:
    """A line where so many seconds lie between the edges, which are equally far apart whatever they mean."""
    slot = next((number for number, bound in enumerate(bounds) if seconds <= bound), len(bounds) - 1)
    low, high = (bounds[slot - 1] if slot else 0.0), bounds[slot]
    x = slot if math.isinf(high) else slot + (seconds - low) / (high - low)
    ax.axvline(x, color=INK, linestyle=(0, (4, 3)), linewidth=1.1)
    _word(ax, word, (x, height), ("data", "axes fraction"), (4, 0), "left")


def _word(
    ax: Axes, word: str, where: tuple[float, float], coordinates: Any, shift: tuple[float, float], ha: str
) -> None:
    paper = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}
    ax.annotate(
        word, where, shift, coordinates, "offset points", ha=ha, va="center", fontsize=8.6, bbox=paper, zorder=4
    )


def _edge(seconds: float) -> str:
    return "∞" if math.isinf(seconds) else "0" if not seconds else _tick(seconds)
