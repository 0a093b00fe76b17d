"""Plots of coming back: `reconnects`, every dial against the back-off's envelope; `storm`, what the other end sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .dials import Dial, envelope
from .looks import EDGE, FAINT, FILL, INK, OUTCOMES, PAPER, Look
from .style import WIDE, Picture, figure, styled, subplots, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WITH, WITHOUT = OUTCOMES["result"], Look(OUTCOMES["waiting"].colour, "s", "xx")
"""Looks of dials with and without jitter."""

ROW_WIDTH = 0.62
"""Of the 1 that a row has."""


@styled
def reconnects(
    with_jitter: Iterable[Dial] = (),
    without_jitter: Iterable[Dial] = (),
    finding: str = "",
    *,
    alt: str = "",
    rows: int = 6,
    random_range: int = 10,
    wait_minimum: int = 3,
    repeat_times: int = 3,
) -> Picture:
    """How long each charge point waited before each dial: a row for the first wait, one for the second …

    The hatched box of a row is the envelope that the keys allow, from no jitter to the most. ``rows``: how many waits
    are shown. A point is a wait that was measured, lifted a little so that points of one row do not hide each other.
    """
    stories = [[dial for dial in story if dial.number <= rows] for story in (with_jitter, without_jitter)]
    allowed = envelope(rows, wait_minimum=wait_minimum, repeat_times=repeat_times, random_range=random_range)
    fig, ax = subplots(130 + 42 * rows)
    _boxes(ax, allowed)
    _points(ax, stories[0], WITH, f"with jitter, random range {random_range} ({len(stories[0])})")
    _points(ax, stories[1], WITHOUT, f"without, random range 0 ({len(stories[1])})")
    ax.set_yticks(range(rows), [f"wait {number}" for number in range(1, rows + 1)])
    ax.set(ylim=(rows - 0.45, -0.55), xlim=(0, allowed[-1][-1] * 1.06), xlabel="seconds waited before the dial")
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower left", borderaxespad=0.3, ncols=3, handletextpad=0.3)
    outside = _outside(stories, allowed)
    told = finding or _finding(stories, allowed, outside)
    title(ax, told)
    counts = f"{len(stories[0])} waits with jitter and {len(stories[1])} without; {outside} outside."
    return figure(fig, alt or f"Waits before each dial, against the envelope of the back-off. {told}. {counts}")


def _boxes(ax: Axes, allowed: Sequence[range]) -> None:
    look = OUTCOMES["waiting"]
    for row, seconds in enumerate(allowed):
        width = max(seconds[-1] - seconds[0], 0.5)
        ax.barh(
            row, width, ROW_WIDTH, left=seconds[0], facecolor=FILL, edgecolor=EDGE, hatch=look.hatch,
            linewidth=0.8, label="what the keys allow" if row == 0 else None, zorder=1,
        )  # fmt: skip
        ax.annotate(
            f"{seconds[0]} to {seconds[-1]} s", (seconds[-1], row), (6, 0), textcoords="offset points", va="center",
            fontsize=8.6, color=INK, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1}, zorder=2,
        )  # fmt: skip


def _points(ax: Axes, story: Sequence[Dial], look: Look, label: str) -> None:
    """Each in its row; one behind the other would hide how many there are, so they stand at nine heights in turn."""
    if not story:
        return
    heights = [dial.number - 1 + (number % 9 - 4) / 9 * ROW_WIDTH * 0.9 for number, dial in enumerate(story)]
    ax.plot(
        [dial.wait for dial in story], heights, linestyle="none", marker=look.marker, markersize=4.4,
        color=look.colour, markeredgewidth=0, alpha=0.85, label=label, zorder=3,
    )  # fmt: skip


def _outside(stories: Sequence[Sequence[Dial]], allowed: Sequence[range]) -> int:
    """Waits that the formula does not explain; up to a second more is the way to the other end."""
    limits = [(seconds[0] - 0.01, seconds[-1] + 1.0) for seconds in allowed]
    waits = [(dial.wait, *limits[dial.number - 1]) for story in stories for dial in story]
    return sum(not low <= wait <= high for wait, low, high in waits)


def _finding(stories: Sequence[Sequence[Dial]], allowed: Sequence[range], outside: int) -> str:
    waits = sum(map(len, stories))
    if not waits:
        return "Nobody had to dial again"
    shown = allowed[: max(1, min(len(allowed), _steps(allowed)))]
    low, high = (", ".join(str(seconds[end]) for seconds in shown) for end in (0, -1))
    if outside:
        return f"{outside} of {waits} waits lie outside {low} s and the worst case {high} s"
    return f"Every wait lies between {low} s and the worst case {high} s"


def _steps(allowed: Sequence[range]) -> int:
    """How many waits there are until they grow no more."""
    return list(allowed).index(allowed[-1]) + 1


# -- what the central system sees


@styled
def storm(
    stories: Mapping[str, Iterable[Dial]],
    finding: str = "",
    *,
    alt: str = "",
    back: float | None = None,
    until: float = 120.0,
) -> Picture:
    """Dials per second of a whole fleet, a panel for each story, on one scale. ``stories``: name to dials.

    ``back``: the second at which the central system is there again. What comes after ``until`` is not drawn.
    """
    counts = {name: Counter(int(dial.at) for dial in story) for name, story in stories.items()}
    fig, axes = subplots(150 + 130 * len(counts), rows=len(counts), width=WIDE, sharex=True, sharey=True, squeeze=False)
    for ax, (name, seconds), look in zip(axes[:, 0], counts.items(), (WITHOUT, WITH), strict=False):
        _wave(ax, name, seconds, look)
        if back is not None:
            ax.axvline(back, color=INK, linestyle=(0, (4, 3)), linewidth=1)
    highest = max((max(seconds.values(), default=0) for seconds in counts.values()), default=0)
    axes[0, 0].set(xlim=(0, until), ylim=(0, max(highest, 1) * 1.25))
    if back is not None:
        axes[0, 0].annotate(
            "the central system is back", (back, 1), (5, -3), ("data", "axes fraction"), "offset points", va="top",
            fontsize=8.6, color=INK, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    axes[-1, 0].set_xlabel("seconds since the connections were lost")
    told = finding or _storm_finding(counts)
    title(axes[0, 0], told)
    peaks = "; ".join(f"{name}: at most {_peak(seconds)} in one second" for name, seconds in counts.items())
    return figure(fig, alt or f"Dials per second of a fleet. {told}. {peaks}.")


def _wave(ax: Axes, name: str, seconds: Counter[int], look: Look) -> None:
    ax.bar(
        list(seconds), list(seconds.values()), width=0.9, align="edge", color=look.colour, hatch=look.hatch,
        edgecolor=PAPER, linewidth=0,
    )  # fmt: skip
    ax.set_ylabel("dials per second")
    ax.locator_params(axis="y", nbins=4, integer=True)
    ax.set_title(f"{name}: at most {_peak(seconds)} in one second", fontsize=9.5, loc="left")
    if not seconds:
        ax.annotate("no dials", (0.5, 0.5), xycoords="axes fraction", ha="center", color=FAINT)


def _peak(seconds: Counter[int]) -> int:
    return max(seconds.values(), default=0)


def _storm_finding(counts: Mapping[str, Counter[int]]) -> str:
    peaks = [_peak(seconds) for seconds in counts.values()]
    if len(peaks) < 2:
        return f"At most {peaks[0] if peaks else 0} dials come in one second"
    return f"Jitter turns one wave of {max(peaks)} dials per second into a hill of {min(peaks)}"
