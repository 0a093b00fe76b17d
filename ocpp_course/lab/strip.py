"""`states`: a charge point's life as a strip over time: its state, its outbox, its heartbeats, its frames.

`life` reads it out of a trace, `states` draws it. A trace is the same thing in a live run and in a simulated one.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ocpp_lab.frames import Call
from ocpp_lab.timeline import Sample, Timeline
from ocpp_lab.trace import Event

from .calls import Ended, calls
from .changes import change
from .looks import EDGE, FAINT, FILL, INK, OUTCOMES, PAPER, STATES
from .style import PER_INCH, WIDE, Picture, figure, styled, subplots, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HATCHES = {
    "online": ("up", ""),
    "booting": ("booting", "\\\\\\"),
    "pending": ("pending", "xxx"),
    "rejected": ("pending", "++"),
    "forgotten": ("pending", "oo"),
    "waiting": ("waiting", "///"),
    "connecting": ("waiting", "..."),
    "closing": ("waiting", "---"),
    "failed": ("failed", "xx"),
}
"""How each state of a connection is drawn: its colour, a key of `STATES`, and its hatch."""

NOT_RUNNING: dict[str, Any] = {"facecolor": PAPER, "edgecolor": FAINT, "linewidth": 0.8, "linestyle": (0, (2, 2))}
"""No power: an empty box, because nobody is there who could be in a state."""

LOST = ("closing", "failed", "waiting")
"""States in which a charge point is alone that was online before."""

DEAD = ("off", "stopped", "disconnected")
"""States in which nobody is there. *off* is a power cut."""

BRIEF = ("online", "off", "stopped")
"""States that count however short they are: a life of an instant has a death too."""

UNITS = ((7200.0, 3600.0, "h"), (600.0, 60.0, "min"), (0.0, 1.0, "s"))
"""From so many seconds on, seconds in one unit of the axis, its name."""

PER = {"h": ("minute", 60.0), "min": ("minute", 60.0), "s": ("second", 1.0)}
"""By the unit of the axis: in which time frames are counted, and its seconds."""

SLIVERS = 400
"""A band that takes less than this part of the time is too thin to be seen, and has no place in the legend."""

ROOM = 77
"""CSS pixels, for the word of a mark."""

BINS = 96
"""Bars of a row: 24 hours in quarters of an hour."""

SENT: Any = {"facecolor": OUTCOMES["result"].colour, "linewidth": 0, "label": "frames sent"}
RECEIVED: Any = {
    "facecolor": FILL, "hatch": "////", "edgecolor": EDGE, "linewidth": 0, "label": "frames received",
}  # fmt: skip

BEAT: Any = {
    "color": OUTCOMES["result"].colour, "linestyle": "none", "marker": "|", "markersize": 9, "markeredgewidth": 1.4,
}  # fmt: skip
UNANSWERED: Any = {"color": OUTCOMES["timeout"].colour, "linestyle": "none", "marker": "X", "markersize": 7}
DEATH: Any = {"color": OUTCOMES["lost"].colour, "linestyle": "none", "marker": "v", "markersize": 7}
MARK: Any = {"color": INK, "linewidth": 0.8, "linestyle": (0, (2, 2))}


class Band(NamedTuple):
    """From ``start`` to ``end`` (loop time, s) the connection was in this state."""

    start: float
    end: float
    state: str


@dataclass(frozen=True)
class Life:
    """What a trace tells of one charge point between two instants (loop time, s)."""

    start: float
    end: float
    bands: list[Band]
    heartbeats: list[Ended]
    sent: list[float]
    received: list[float]
    depth: list[tuple[float, float]]
    """Messages in the outbox, by instant."""

    @property
    def deaths(self) -> list[float]:
        """Instants at which it stopped being online and did not mean to end for good."""
        pairs = list(zip(self.bands, self.bands[1:], strict=False))
        ends = [n for n, (a, b) in enumerate(pairs, 1) if a.state == "online" and b.state in (*LOST, *DEAD)]
        last = [band.state for band in self.bands[ends[-1] :]] if ends else []
        for_good = last in (["stopped"], ["closing", "stopped"])
        return [self.bands[n].start for n in (ends[:-1] if for_good else ends)]

    @property
    def returns(self) -> list[float]:
        """The first instant online after each death, as far as there is one."""
        online = [band.start for band in self.bands if band.state == "online"]
        nexts = [online[index] for death in self.deaths if (index := bisect_right(online, death)) < len(online)]
        return list(dict.fromkeys(nexts))

    @property
    def emptied(self) -> int:
        """After how many returns the outbox became empty before the next death."""
        limits = [*self.deaths[1:], math.inf]
        spans = list(zip(self.returns, limits, strict=False))
        return sum(any(value == 0 and since <= at <= till for at, value in self.depth) for since, till in spans)

    def seconds(self, state: str) -> float:
        """How long it was in this state, all bands together."""
        return sum(band.end - band.start for band in self.bands if band.state == state)


def life(
    events: Iterable[Event],
    depth: Timeline | Iterable[Sample] = (),
    *,
    since: float = -math.inf,
    until: float | None = None,
    probe: str = "outbox",
) -> Life:
    """Read one charge point's life out of its own trace, from ``since`` to ``until`` (loop time, s; None: the newest).

    ``depth`` are samples of the outbox, from the probe of that name.
    """
    story = list(events)
    samples = depth.samples if isinstance(depth, Timeline) else depth
    levels = [(s.at, s.value) for s in samples if s.name == probe and since <= s.at and not math.isnan(s.value)]
    known = [at for at, _ in levels] + [event.at for event in story]
    end = max(known, default=0.0) if until is None else until
    start = max(since, min(known, default=0.0))
    return Life(
        start,
        end,
        _bands(story, start, end),
        [call for call in calls(story) if call.action == "Heartbeat" and start <= call.started <= end],
        [event.at for event in story if event.mark == ">" and start <= event.at <= end],
        [event.at for event in story if event.mark == "<" and start <= event.at <= end],
        [(at, value) for at, value in levels if at <= end],
    )


def _bands(story: list[Event], start: float, end: float) -> list[Band]:
    """One band for each stay in a state, cut to the time between; a dial of no length is left out."""
    changes = [(start, "disconnected")]
    for event in story:
        state = _new_state(event)
        if state and (changes[-1][1], state) != ("off", "stopped"):  # written by a process that has no power any more
            changes.append((event.at, state))
    ends = [at for at, _ in changes[1:]] + [end]
    bands = []
    for (at, state), till in zip(changes, ends, strict=True):
        band = Band(max(at, start), min(till, end), state)
        if band.end > band.start or (state in BRIEF and start <= at < end):
            bands.append(band)
    return bands


def _new_state(event: Event) -> str | None:
    if changed := change(event):
        return changed.new
    return "off" if event.mark == "=" and event.text == "power cut" else None


def heartbeats_per_minute(events: Iterable[Event], since: float, until: float) -> float:
    """How often somebody sent a Heartbeat, between two instants of loop time (s)."""
    sent = [event.frame for event in events if event.mark == ">" and since <= event.at < until]
    return 60 * sum(isinstance(frame, Call) and frame.action == "Heartbeat" for frame in sent) / (until - since)


# -- the picture


@styled
def states(
    events: Life | Iterable[Event],
    depth: Timeline | Iterable[Sample] = (),
    finding: str = "",
    *,
    marks: Sequence[tuple[float, str]] = (),
    since: float = -math.inf,
    until: float | None = None,
    width: int = WIDE,
    alt: str = "",
) -> Picture:
    """The strip: state as coloured bands, outbox depth, heartbeats, frames, over the same time.

    ``events`` is the charge point's own trace (or a `life`), ``depth`` a `Timeline` with a probe named ``outbox``.
    ``marks`` are instants (loop time, s) with a word: what was done to it. A ▼ is a death: it was online, and is not.
    ``width``: CSS pixels.
    """
    lived = events if isinstance(events, Life) else life(events, depth, since=since, until=until)
    ratios = {"height_ratios": [1.0, 1.5, 0.8, 1.3]}
    fig, axes = subplots(430, rows=4, width=width, sharex=True, gridspec_kw=ratios)
    scale, unit = next((size, name) for least, size, name in UNITS if lived.end - lived.start >= least)
    done = [(at, word) for at, word in marks if lived.start <= at <= lived.end]
    _draw_states(axes[0], lived, scale, done, room=ROOM / width)
    _draw_depth(axes[1], lived, scale)
    _draw_heartbeats(axes[2], lived, scale)
    _draw_frames(axes[3], lived, scale, unit)
    axes[3].set_xlabel(f"time ({unit})")
    axes[3].locator_params(axis="x", nbins=12, steps=[1, 2, 3, 5, 6, 10])
    axes[3].set_xlim(0, max((lived.end - lived.start) / scale, 1e-9))
    fig.align_ylabels(axes)
    _legend(fig, lived, done)
    title(axes[0], finding or states_finding(lived))
    return figure(fig, alt or f"A life as a strip over time. {states_finding(lived)}.")


def states_finding(lived: Life) -> str:
    """Deaths, returns, and whether the outbox was emptied after each, counted."""
    deaths, returns = len(lived.deaths), len(lived.returns)
    counted = f"{_many(deaths, 'death')}, {_many(returns, 'return')}"
    if not lived.depth or not returns:
        return counted
    emptied = "each" if lived.emptied == returns else f"{lived.emptied} of them"
    return f"{counted}; the outbox is empty after {emptied}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _draw_states(ax: Axes, lived: Life, scale: float, marks: list[tuple[float, str]], room: float) -> None:
    for band in lived.bands:
        left, width = (band.start - lived.start) / scale, (band.end - band.start) / scale
        ax.barh(0.5, width, height=1, left=left, **_band(band.state))
    for at in lived.deaths:
        ax.plot((at - lived.start) / scale, 1.22, **DEATH, clip_on=False)
    for (at, word), level in zip(sorted(marks), _levels(marks, room * (lived.end - lived.start)), strict=True):
        x = (at - lived.start) / scale
        ax.axvline(x, **MARK)
        where = (0, 7 + 11 * level)
        ax.annotate(word, (x, 1.22), where, "data", "offset points", ha="center", fontsize=8.6, color=INK)
    ax.set(ylim=(0, 1.22), yticks=[], ylabel="state")
    ax.spines["left"].set_visible(False)
    ax.grid(visible=False)


def _levels(marks: list[tuple[float, str]], room: float) -> list[int]:
    """How high the word of each mark stands: on the lowest row on which its neighbour leaves it ``room`` (s)."""
    free, levels = [-math.inf] * 3, []
    for at, _ in sorted(marks):
        level = next((level for level in range(3) if at - free[level] >= room), free.index(min(free)))
        free[level] = at
        levels.append(level)
    return levels


def _draw_depth(ax: Axes, lived: Life, scale: float) -> None:
    xs = [(at - lived.start) / scale for at, _ in lived.depth]
    ys = [value for _, value in lived.depth]
    if xs:
        ax.fill_between(xs, ys, step="post", facecolor=FILL, edgecolor=EDGE, hatch="///", linewidth=0)
        ax.step(xs, ys, where="post", color=OUTCOMES["waiting"].colour, linewidth=1.4)
    ax.set(ylabel="outbox\n(messages)", ylim=(0, max([*ys, 1]) * 1.12))
    ax.locator_params(axis="y", nbins=4, integer=True)


def _draw_heartbeats(ax: Axes, lived: Life, scale: float) -> None:
    bad = _bad(lived)
    good = [beat for beat in lived.heartbeats if beat not in bad]
    thin = 0.6 if len(good) > 150 else 1.4
    ax.vlines(_xs(good, lived, scale), 0.15, 0.85, color=OUTCOMES["result"].colour, linewidth=thin)
    ax.plot(_xs(bad, lived, scale), [0.5] * len(bad), **UNANSWERED)
    ax.set(ylim=(0, 1), yticks=[], ylabel="heart-\nbeats")
    ax.grid(axis="y", visible=False)


def _bad(lived: Life) -> list[Ended]:
    return [beat for beat in lived.heartbeats if beat.outcome not in ("result", "waiting")]


def _xs(beats: list[Ended], lived: Life, scale: float) -> list[float]:
    return [(beat.started - lived.start) / scale for beat in beats]


def _draw_frames(ax: Axes, lived: Life, scale: float, unit: str) -> None:
    width = max(lived.end - lived.start, 1e-9) / BINS
    per, seconds = PER[unit]
    lefts = [number * width / scale for number in range(BINS + 1)]
    for times, sign, look in ((lived.sent, 1, SENT), (lived.received, -1, RECEIVED)):
        counts = [0] * (BINS + 1)
        for at in times:
            counts[int((at - lived.start) / width)] += sign
        ax.bar(lefts, [count * seconds / width for count in counts], width / scale, align="edge", **look)
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.locator_params(axis="y", nbins=5)
    ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.3g}")
    ax.set_ylabel(f"frames per\n{per}")


def _band(state: str) -> dict[str, Any]:
    """How a stay in this state is drawn."""
    if state not in HATCHES:
        return NOT_RUNNING
    key, hatch = HATCHES[state]
    return {"facecolor": STATES[key], "hatch": hatch, "edgecolor": FAINT if hatch else STATES[key], "linewidth": 0}


def _legend(fig: Figure, lived: Life, marks: list[tuple[float, str]]) -> None:
    """The states that can be seen, in the order of `HATCHES`, no power, and every sign that is drawn."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    visible = (lived.end - lived.start) / SLIVERS
    seen = {band.state for band in lived.bands if band.end - band.start >= visible or band.state in BRIEF}
    handles: list[Any] = [Patch(**_band(state), label=state) for state in HATCHES if state in seen]
    if seen & set(DEAD):
        handles.append(Patch(**NOT_RUNNING, label="not running"))
    handles += [Patch(**SENT), Patch(**RECEIVED)]
    signs: list[tuple[Any, str, Sequence[Any]]] = [
        (BEAT, "heartbeat", lived.heartbeats),
        (UNANSWERED, "heartbeat that failed", _bad(lived)),
    ]
    signs += [(DEATH, "death: it was online", lived.deaths), (MARK, "what was done", marks)]
    handles += [Line2D([], [], **look, label=label) for look, label, there in signs if there]
    fig.legend(
        handles=handles,
        loc="outside lower left",
        borderaxespad=0.3,
        ncols=6 if fig.get_figwidth() * PER_INCH >= WIDE else 4,  # so many that the longest words fit
        handlelength=1.8,
        columnspacing=1.4,
    )
