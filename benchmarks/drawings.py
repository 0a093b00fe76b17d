"""The pictures of the page: what was measured, with the finding above it. White paper, readable on a dark page too.

A ledger has a colour and a marker of its own, the same in every picture; the colours are told apart by colour-blind
readers.
"""

from __future__ import annotations

from collections.abc import Iterable

import matplotlib
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter

from ocpp_course.lab import Picture, figure, subplots, title
from ocpp_course.lab.layout import duration
from ocpp_course.lab.style import INK, RC, Look

from . import boot_storm, live
from .chapter import spread
from .contenders import CONTENDERS
from .growth import line, points
from .stack import Stack
from .table import RATIOS
from .throughput import CASES, KINDS, ratio

LOOKS = {"memory": Look("#0072B2", "o"), "file": Look("#E69F00", "s"), "slow": Look("#D55E00", "X")}
LABELS = {
    "memory": "ledger in memory",
    "file": "ledger in a file",
    "slow": f"in a file, {live.SLOW * 1000:g} ms per commit",
}
CASE_LOOKS = [
    Look("#0072B2", "o"),
    Look("#0072B2", "o", hollow=True),
    Look("#D55E00", "s"),
    Look("#D55E00", "s", hollow=True),
]


@matplotlib.rc_context(RC)
def draw_latency(found: list[live.Window]) -> dict[str, Picture]:
    """p99 and p50 of a heartbeat by number of charge points, each round a point."""
    fig, ax = subplots(380)
    for ledger, look in LOOKS.items():
        _lines(ax, found, ledger, look)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: duration(seconds)))
    ax.yaxis.set_minor_formatter(NullFormatter())
    _charge_points(ax, live.sizes(found))
    ax.set(ylabel="a heartbeat waits for its answer (log)")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower left", borderaxespad=0.3, ncols=3)
    most = live.sizes(found)[-1]
    times = spread(live.times_memory(found, "file", most))
    finding = f"{most:,} live: p99 with a file is {times} times that in memory"
    title(ax, finding)
    middles = ", ".join(f"{LABELS[ledger]} {duration(live.middle(found, ledger, most, 'p99'))}" for ledger in LOOKS)
    return {"latency": figure(fig, f"Latency of a heartbeat by number of charge points. {finding}. p99: {middles}.")}


def _lines(ax: Axes, found: list[live.Window], ledger: str, look: Look) -> None:
    """The medians as lines, p99 solid and p50 dotted; the p99 of each round as a point."""
    sizes = live.sizes(found)
    for what, style, alpha in (("p99", "-", 1.0), ("p50", ":", 0.8)):
        middles = [live.middle(found, ledger, size, what) for size in sizes]
        ax.plot(sizes, middles, style, color=look.colour, alpha=alpha, label=f"{what}, {LABELS[ledger]}")
    _dots(ax, points(found, ledger, "p99"), look)


def _dots(ax: Axes, dots: Iterable[tuple[float, float]], look: Look) -> None:
    xs, ys = zip(*dots, strict=True)
    ax.plot(xs, ys, look.marker, color=look.colour, markersize=5, markeredgewidth=0)


def _charge_points(ax: Axes, sizes: list[int]) -> None:
    """From none to the most, with a mark at each size."""
    ax.set_xlim(0, sizes[-1] * 1.04)
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.set_xlabel("live charge points")


@matplotlib.rc_context(RC)
def draw_growth(found: list[live.Window]) -> dict[str, Picture]:
    """CPU and memory of every window, and the straight line through them."""
    fig, (above, below) = subplots(520, rows=2)
    for ax, what, unit in ((above, "cpu", 1.0), (below, "memory", 1e6)):
        for ledger in ("memory", "file"):
            _grown(ax, found, ledger, what, unit)
        _charge_points(ax, live.sizes(found))
        ax.set_ylim(0, max(getattr(window, what) for window in found) / unit * 1.15)
    above.yaxis.set_major_formatter(PercentFormatter(1.0))
    above.set(ylabel="CPU (% of one core)", xlabel="")
    below.set(ylabel="resident memory (MB)")
    above.legend(loc="upper left")
    below.legend(loc="upper left")
    cpu, memory = (line(points(found, "file", what)) for what in ("cpu", "memory"))
    finding = (
        f"1,000 charge points more cost {cpu.slope * 1000:.1%} of a core (R² {cpu.r_squared:.2f}) and"
        f" {memory.slope / 1000:.0f} MB (R² {memory.r_squared:.2f}), ledger in a file"
    )
    title(above, finding)
    return {"growth": figure(fig, f"CPU and memory of the central system by number of charge points. {finding}.")}


def _grown(ax: Axes, found: list[live.Window], ledger: str, what: str, unit: float) -> None:
    look, dots = LOOKS[ledger], points(found, ledger, what)
    fit, ends = line(dots), (0, live.sizes(found)[-1])
    _dots(ax, [(x, y / unit) for x, y in dots], look)
    style = "-" if ledger == "memory" else "--"
    label = f"{LABELS[ledger]}, R² {fit.r_squared:.3f}"
    ax.plot(ends, [fit.at(x) / unit for x in ends], style, color=look.colour, label=label)


@matplotlib.rc_context(RC)
def draw_storm(found: list[boot_storm.Storm]) -> dict[str, Picture]:
    """How many are accepted, over time; a line for each storm."""
    fig, ax = subplots(340)
    for storm in found:
        look = LOOKS[storm.ledger]
        ranks = [storm.charge_points * number / len(storm.accepted) for number in range(1, len(storm.accepted) + 1)]
        label = LABELS[storm.ledger] if storm.round == 0 else None
        style = "-" if storm.ledger == "memory" else "--"
        ax.step(storm.accepted, ranks, style, where="post", color=look.colour, linewidth=1.4, label=label)
        ax.plot(storm.accepted[-1:], ranks[-1:], look.marker, color=look.colour, markersize=6)
    ax.set(xlabel="time since the first dial (s)", ylabel="charge points accepted", xlim=(0, None), ylim=(0, None))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower left", borderaxespad=0.3, ncols=2)
    size, times = found[0].charge_points, spread(boot_storm.times_memory(found))
    finding = f"{size:,} boot at once: a file takes {times} times as long as memory"
    title(ax, finding)
    return {"storm": figure(fig, f"Charge points accepted over time. {finding}. {len(found)} storms.")}


@matplotlib.rc_context(RC)
def draw_fairness(waits: dict[str, float], times: float) -> dict[str, Picture]:
    """Three waits (s) as bars, each with its length written beside it."""
    fig, ax = subplots(220)
    bars = ax.barh(list(waits), list(waits.values()), color=[LOOKS[name].colour for name in ("memory", "file", "slow")])
    ax.bar_label(bars, [duration(seconds) for seconds in waits.values()], padding=4, color=INK)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: duration(seconds)))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlim(min(waits.values()) / 3, max(waits.values()) * 3)
    ax.invert_yaxis()
    ax.set_xlabel("a good peer's heartbeat waits for its answer (median, log)")
    finding = f"A good peer beside five that flood waits {times:.1f} times as long as alone"
    title(ax, finding)
    told = ", ".join(f"{name} {duration(seconds)}" for name, seconds in waits.items())
    return {"fairness": figure(fig, f"Latency of a heartbeat as bars. {finding}: {told}.")}


@matplotlib.rc_context(RC)
def draw_ratios(found: Stack) -> dict[str, Picture]:
    """Each ratio of the table as a row, its four cases as points."""
    fig, ax = subplots(130 + 34 * len(RATIOS))
    windows, names = found.found().windows, []
    for row, (left, right, _) in enumerate(RATIOS):
        names.append(f"{left} / {right}: beside {CONTENDERS[right].title}")
        for case, look in zip(CASES, CASE_LOOKS, strict=True):
            face = "none" if look.hollow else look.colour
            label = f"{KINDS[case[0]]}, {case[1]} connection{'s' * (case[1] > 1)}" if row == 0 else None
            value = ratio(windows, left, right, case)
            ax.plot([value], [row], look.marker, color=look.colour, markerfacecolor=face, label=label, linestyle="none")
    ax.axvline(1.0, color=INK, linestyle=(0, (4, 3)), linewidth=1)
    ax.set_yticks(range(len(names)), names)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xticks([0.25, 0.5, 1, 2, 4, 8, 16])
    ax.set(ylim=(len(names) - 0.5, -0.5), xlabel="times as many round trips per second (log)")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower left", borderaxespad=0.3, ncols=2)
    low, high = min(_alike(found)), max(_alike(found))
    finding = f"Ours makes {low:.2f} to {high:.2f} times the round trips of bare websockets that read alike (d / b″)"
    title(ax, finding)
    return {"ratios": figure(fig, f"Ratios of round trips per second, four cases each. {finding}.")}


def _alike(found: Stack) -> list[float]:
    return [ratio(found.found().windows, "d", "b″", case) for case in CASES]
