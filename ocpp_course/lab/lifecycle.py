"""Plots of a lifecycle: how soon each kind of death is noticed (`detection`), how often a life beats (`cadence`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .layout import duration
from .looks import EDGE, FILL, INK, OUTCOMES, STATES
from .style import Picture, figure, styled, subplots, title


@styled
def detection(
    times: Mapping[str, Sequence[float]], finding: str = "", *, limits: Mapping[str, float] | None = None, alt: str = ""
) -> Picture:
    """Seconds from a death to its notice, a row for each cause. ``limits`` draws a line at so many seconds, by name."""
    fig, ax = subplots(130 + 27 * max(len(times), 3))
    for row, seconds in enumerate(times.values()):
        ax.plot([0, max(seconds)], [row, row], color=STATES["waiting"], linewidth=5, solid_capstyle="butt", zorder=1)
        ax.plot(seconds, [row] * len(seconds), "v", color=OUTCOMES["lost"].colour, markersize=6, alpha=0.75, zorder=2)
    for name, at in (limits or {}).items():
        ax.axvline(at, color=INK, linestyle=(0, (4, 3)), linewidth=1)
        ax.annotate(name, (at, 1), (0, 3), ("data", "axes fraction"), "offset points", ha="right", fontsize=8.6)
    ax.set(xlabel="time until noticed (s)", yticks=range(len(times)), ylim=(len(times) - 0.5, -0.5))
    ax.set_xlim(left=-0.5)
    ax.set_yticklabels(list(times))
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    title(ax, finding or detection_finding(times))
    return figure(fig, alt or f"Time until a death is noticed, for {len(times)} causes: {', '.join(times)}.")


def detection_finding(times: Mapping[str, Sequence[float]]) -> str:
    """The quickest and the slowest cause, with the longest time of each."""
    worst = {cause: max(seconds) for cause, seconds in times.items()}
    quick, slow = min(worst, key=lambda cause: worst[cause]), max(worst, key=lambda cause: worst[cause])
    return f"{quick}: noticed within {duration(worst[quick])}; {slow}: within {duration(worst[slow])}"


@styled
def cadence(rates: Mapping[str, Sequence[float]], finding: str = "", *, alt: str = "") -> Picture:
    """Heartbeats per minute after no, one, two, … reconnects, a bar for each of the lives compared. Two of them fit."""
    fig, ax = subplots(270)
    looks = [{"color": FILL, "hatch": "///", "edgecolor": EDGE}, {"color": STATES["up"]}]
    for number, ((name, values), look) in enumerate(zip(rates.items(), looks, strict=True)):
        xs = [x + 0.38 * (number - 0.5) for x in range(len(values))]
        bars = ax.bar(xs, values, 0.36, label=name, linewidth=0.8, **look)
        ax.bar_label(bars, fmt="%g", padding=2, fontsize=8.6, color=INK)
    most = max(len(values) for values in rates.values())
    ax.set(xlabel="reconnects so far", ylabel="heartbeats per minute", xticks=range(most))
    ax.locator_params(axis="y", nbins=6, integer=True)
    ax.margins(y=0.12)
    ax.grid(axis="x", visible=False)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower left", borderaxespad=0.3, ncols=2)
    counts = "; ".join(f"{name}: {', '.join(f'{value:g}' for value in values)}" for name, values in rates.items())
    title(ax, finding or f"Heartbeats per minute by reconnects: {counts}")
    return figure(fig, alt or f"Heartbeats per minute after each reconnect. {counts}.")
