"""Plots of what was recorded: `queue_depth`, `latency`, `outcomes`. Record first, draw after: drawing disturbs.

Each returns a `Picture`. A title is the finding; without one the plot computes it from its data. The alternative text
has only what is the same in every run; pass ``alt`` to say more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .calls import Ended
from .layout import duration
from .looks import EDGE, FILL, INK, OUTCOMES, PAPER, SHADE
from .sampler import Sample, Sampler
from .style import WIDE, WIDTH, Picture, figure, styled, subplots, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

FEW = 14
"""Up to so many calls get a row of their own."""


# -- the queue


@styled
def queue_depth(
    samples: Sampler | Iterable[Sample],
    finding: str = "",
    *,
    alt: str = "",
    spans: Sequence[tuple[float, float, str]] = (),
    limit: float | None = None,
) -> Picture:
    """How many texts wait, and how many are being written, over time.

    Probes are drawn by name: ``queue_depth`` as an area, every other one as a line. ``spans`` shade a time from, to
    (loop time, s) with a word; ``limit`` draws the bound of the queue.
    """
    series = _series(samples)
    depth, writes = series.get("queue_depth", []), series.get("writes_in_flight", [])
    zero = min((at for points in series.values() for at, _ in points), default=0.0)
    fig, ax = subplots(300)
    for start, end, word in spans:
        _span(ax, start - zero, end - zero, word)
    if depth:
        _area(ax, [at - zero for at, _ in depth], [value for _, value in depth])
    for name, points in series.items():
        if name != "queue_depth":
            xs, ys = [at - zero for at, _ in points], [value for _, value in points]
            label = f"{_words(name)}, at most {_highest(points):,.0f}"
            ax.step(xs, ys, where="post", color=OUTCOMES["result"].colour, label=label)
    if limit is not None:
        ax.axhline(limit, color=INK, linestyle=(0, (4, 3)), linewidth=1)
        _tag(ax, f"bound {limit:,.0f}", (1, limit), ("axes fraction", "data"), (0, 3), "right")
    _count_axes(ax)
    ax.set(xlabel="time (s)", ylabel="frames")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower left", borderaxespad=0.3, ncols=3)
    title(ax, finding or _queue_finding(depth, writes))
    said = finding or "Frames wait in the queue while the peer does not read"
    return figure(fig, alt or f"Queue depth over time. {said}. Probes: {', '.join(map(_words, series))}.")


def _queue_finding(depth: list[tuple[float, float]], writes: list[tuple[float, float]]) -> str:
    finding = f"{_highest(depth):,.0f} frames wait in the queue"
    return f"{finding}, never more than {_highest(writes):,.0f} on the wire" if writes else finding


def _series(samples: Sampler | Iterable[Sample]) -> dict[str, list[tuple[float, float]]]:
    series: dict[str, list[tuple[float, float]]] = {}
    for at, name, value in samples.samples if isinstance(samples, Sampler) else samples:
        series.setdefault(name, []).append((at, value))
    return series


def _highest(points: list[tuple[float, float]]) -> float:
    return max((value for _, value in points if not math.isnan(value)), default=0.0)


def _area(ax: Axes, xs: list[float], ys: list[float]) -> None:
    look = OUTCOMES["waiting"]
    label = f"waiting in the queue, at most {max(ys):,.0f}"
    ax.fill_between(xs, ys, step="post", facecolor=FILL, edgecolor=EDGE, hatch="///", linewidth=0, label=label)
    ax.step(xs, ys, where="post", color=look.colour, linewidth=1.4)


def _span(ax: Axes, start: float, end: float, word: str) -> None:
    ax.axvspan(start, end, color=SHADE, linewidth=0, zorder=0)
    _tag(ax, word, ((start + end) / 2, 1.0), ("data", "axes fraction"), (0, 3), "center")


def _count_axes(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_ylim(bottom=0)
    ax.margins(x=0.01)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _words(name: str) -> str:
    return name.replace("_", " ")


# -- latency


@styled
def latency(calls: Iterable[Ended], finding: str = "", *, alt: str = "", timeout: float | None = None) -> Picture:
    """How long each call took, by outcome. Up to 14 calls have a row each; more become points over time.

    ``timeout`` (s) draws the line at which a call would have been given up.
    """
    ended = list(calls)
    few = len(ended) <= FEW
    height, width = (124 + 27 * max(len(ended), 3), WIDTH) if few else (330, WIDE)
    fig, ax = subplots(height, width=width)
    (_rows if few else _points)(ax, ended, timeout)
    handles = _legend(ended)
    if handles:
        fig.legend(
            handles=handles, loc="outside lower left", borderaxespad=0.3, ncols=5, handletextpad=0.2, columnspacing=1.6
        )
    title(ax, finding or _latency_finding(ended))
    counts = ", ".join(f"{count} {outcome}" for outcome, count in _counts(ended).items())
    said = f" {finding}." if finding and not any(c.isdigit() for c in finding) else ""
    return figure(fig, alt or f"Latency of {len(ended)} calls by outcome.{said} Counts: {counts or 'none'}.")


def _latency_finding(ended: list[Ended]) -> str:
    if not ended:
        return "No call was made"
    slowest = max(ended, key=lambda each: each.seconds)
    return f"Of {len(ended):,} calls the slowest took {duration(slowest.seconds)}; it ended with: {slowest.outcome}"


def _rows(ax: Axes, ended: list[Ended], timeout: float | None) -> None:
    """One row for each call, the first on top; the bar ends where the call did."""
    floor = min([1e-4] + [each.seconds / 2 for each in ended if each.seconds > 0])
    for row, each in enumerate(ended):
        look = OUTCOMES[each.outcome]
        seconds = max(each.seconds, floor * 1.2)
        ax.plot([floor, seconds], [row, row], color=look.colour, linewidth=2.2, alpha=0.55, solid_capstyle="butt")
        _marker(ax, [seconds], [row], each.outcome, 8.5)
        ax.annotate(
            duration(each.seconds), (seconds, row), (9, 0), textcoords="offset points", va="center", fontsize=8.6,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    ax.set_yticks(range(len(ended)), [each.action for each in ended])
    ax.set_ylim(len(ended) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    ax.set_xscale("log")
    longest = max([each.seconds for each in ended] + [timeout or 0.0], default=1.0)
    ax.set_xlim(floor, max(longest * 4, 1e-2))
    _seconds(ax.xaxis)
    ax.set_xlabel("time until the caller knew (log scale)")
    if timeout:
        ax.axvline(timeout, color=INK, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
        _tag(ax, f"timeout {timeout:g} s", (timeout, 1.0), ("data", "axes fraction"), (0, 3), "center")


def _points(ax: Axes, ended: list[Ended], timeout: float | None) -> None:
    zero = min(each.started for each in ended)
    for outcome in _counts(ended):
        these = [each for each in ended if each.outcome == outcome]
        xs = [each.started - zero for each in these]
        _marker(ax, xs, [max(each.seconds, 1e-5) for each in these], outcome, 5.5)
    ax.set_yscale("log")
    _seconds(ax.yaxis)
    ax.set(xlabel="when the call was made (s)", ylabel="time until the caller knew")
    if timeout:
        ax.axhline(timeout, color=INK, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
        _tag(ax, f"timeout {timeout:g} s", (1.0, timeout), ("axes fraction", "data"), (0, 3), "right")


def _tag(
    ax: Axes, text: str, where: tuple[float, float], coordinates: Any, shift: tuple[float, float], ha: str
) -> None:
    ax.annotate(text, where, shift, coordinates, "offset points", ha=ha, va="bottom", color=INK, fontsize=8.6)


def _marker(ax: Axes, xs: list[float], ys: Sequence[float], outcome: str, size: float) -> None:
    look = OUTCOMES[outcome]
    face = PAPER if look.hollow else look.colour
    ax.plot(
        xs, ys, linestyle="none", marker=look.marker, markersize=size, color=look.colour, markerfacecolor=face,
        markeredgewidth=1.4 if look.hollow or look.marker == "|" else 0, zorder=3,
    )  # fmt: skip


def _seconds(axis: Any) -> None:
    """Ticks that say 1 ms, 10 ms, 0.1 s; a power of ten tells an engineer nothing."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axis.set_minor_formatter(NullFormatter())


def _tick(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 0.1 else f"{seconds * 1000:g} ms"


def _counts(ended: Iterable[Ended]) -> dict[str, int]:
    """How many calls had each outcome, in the order of `OUTCOMES`."""
    counts = Counter(each.outcome for each in ended)
    return {outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]}


def _legend(ended: list[Ended]) -> list[Line2D]:
    from matplotlib.lines import Line2D

    handles = []
    for outcome, count in _counts(ended).items():
        look = OUTCOMES[outcome]
        face = PAPER if look.hollow else look.colour
        label = f"{outcome} ({count:,})"
        handles.append(
            Line2D([], [], linestyle="none", marker=look.marker, color=look.colour, markerfacecolor=face, label=label)
        )
    return handles


# -- outcomes


@styled
def outcomes(calls: Iterable[Ended], finding: str = "", *, alt: str = "") -> Picture:
    """How the calls of each action ended: one bar for each action, in the order in which they first occur."""
    ended = list(calls)
    actions = list(dict.fromkeys(each.action for each in ended))
    fig, ax = subplots(140 + 19 * max(len(actions), 3))
    _bars(ax, ended, actions)
    ax.set_yticks(range(len(actions)), actions, fontsize=8.6)
    ax.set_ylim(max(len(actions), 1) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    ax.locator_params(axis="x", nbins=8, integer=True)
    ax.set_xlabel("calls")
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower left", borderaxespad=0.3, ncols=5)
    counts_said = ", ".join(f"{count} {outcome}" for outcome, count in _counts(ended).items())
    title(ax, finding or f"{len(ended):,} calls of {len(actions)} actions: {counts_said}")
    return figure(
        fig, alt or f"Calls by action and outcome. {len(actions)} actions, {len(ended)} calls: {counts_said}."
    )


def _bars(ax: Axes, ended: list[Ended], actions: list[str]) -> None:
    """Stacked, in the order of `OUTCOMES`."""
    left = [0] * len(actions)
    for outcome, total in _counts(ended).items():
        by_action = Counter(each.action for each in ended if each.outcome == outcome)
        widths = [by_action[action] for action in actions]
        look = OUTCOMES[outcome]
        fill, edge = (PAPER, look.colour) if look.hollow else (look.colour, PAPER)
        ax.barh(
            range(len(actions)), widths, height=0.72, left=left, color=fill, hatch=look.hatch, edgecolor=edge,
            linewidth=0.8, label=f"{outcome} ({total:,})",
        )  # fmt: skip
        left = [start + width for start, width in zip(left, widths, strict=True)]
