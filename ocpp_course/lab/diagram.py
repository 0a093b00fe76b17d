"""`diagram`: a state table as a picture, drawn from the table itself, so that it cannot say anything else.

An event that leads to one state from everywhere, such as *lost*, would be a knot of arrows. It is drawn as a mark in
each state that has it instead, and explained below.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ocpp_lab.states import Table

from .style import (
    FAINT,
    INK,
    OUTCOMES,
    PER_INCH,
    STATES,
    WIDTH,
    Look,
    Picture,
    figure,
    styled,
    subplots,
    title,
    wrapped,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BOX, COLUMN, ROW = (108, 46), 208, 104
"""CSS pixels: a state's box, and how far apart they stand."""

EVERYWHERE = 4
"""An event that leads from so many states to one is a mark, not an arrow."""

MARKS = (
    Look("#404040", "s", hollow=True),
    Look("#404040", "o", hollow=True),
    Look("#404040", "D", hollow=True),
    Look("#404040", "^", hollow=True),
)
"""For events that are no outcome."""

COLOURS = {
    "online": STATES["up"], "waiting": STATES["waiting"], "booting": STATES["booting"], "pending": STATES["pending"],
    "rejected": STATES["booting"], "closing": STATES["waiting"], "failed": STATES["failed"],
    "forgotten": STATES["booting"],
}  # fmt: skip


@dataclass
class Plan:
    """What is drawn where. ``places``: column and row of each state; ``arrows``: their events by both ends."""

    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    arrows: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    marks: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    """By event: where it leads, and from which states."""


def plan(table: Table[Any, Any]) -> Plan:
    """The first state stands left; every other one a column further than the state that leads to it."""
    edges = [(state, event, target) for state, row in table.items() for event, target in row.items()]
    sources = Counter((event, target) for _, event, target in edges)
    made = Plan()
    for state, event, target in edges:
        if sources[event, target] >= EVERYWHERE:
            made.marks.setdefault(event, (target, []))[1].append(state)
        else:
            made.arrows.setdefault((state, target), []).append(event)
    columns = _columns(table, made)
    for column in range(max(columns.values(), default=0) + 1):
        members = [state for state in table if columns[state] == column]
        for row, state in enumerate(members):
            made.places[state] = (column, row - (len(members) - 1) / 2)
    return made


def _columns(table: Table[Any, Any], made: Plan) -> dict[str, int]:
    """Steps from the first state; a state that only marks lead to stands before the first one it leads to."""
    columns = {next(iter(table)): 0}
    queue = list(columns)
    for state in queue:
        reached = [target for source, target in made.arrows if source == state and target not in columns]
        columns |= dict.fromkeys(reached, columns[state] + 1)
        queue += dict.fromkeys(reached)
    for state in table:
        onward = [columns[target] for source, target in made.arrows if source == state and target in columns]
        columns.setdefault(state, max(0, min(onward, default=0) - 1))
    return columns


@styled
def diagram(table: Table[Any, Any], finding: str = "", *, alt: str = "") -> Picture:
    """The states as boxes, the events as arrows; in words in the alternative text, one sentence for each state."""
    made = plan(table)
    rows = [row for _, row in made.places.values()]
    told = finding or f"{len(table)} states, {sum(map(len, table.values()))} edges: what is not drawn cannot happen"
    tall = round((max(rows) - min(rows)) * ROW) + BOX[1] + 32 + 20 * len(made.marks)
    fig, ax = subplots(tall + 14 + 19 * len(wrapped(told)))
    fig.set_layout_engine("none")
    ax.set_position((0, 0, 1, tall / (fig.get_figheight() * PER_INCH)))
    ax.set(xlim=(0, WIDTH), ylim=(tall, 0))
    ax.axis("off")
    top = 8 - min(rows) * ROW + BOX[1] / 2
    centres = {state: (66 + column * COLUMN, top + row * ROW) for state, (column, row) in made.places.items()}
    for (source, target), events in made.arrows.items():
        _arrow(ax, centres[source], centres[target], events, (target, source) in made.arrows)
    looks = _looks(made)
    for state, centre in centres.items():
        _state(ax, centre, state, [looks[event] for event, (_, sources) in made.marks.items() if state in sources])
    for number, (event, (target, sources)) in enumerate(made.marks.items()):
        _explain(ax, tall - 10 - 20 * number, looks[event], f"{event}: leads to {target}, from {len(sources)} states")
    title(ax, told)
    return figure(fig, alt or f"State diagram. {told}. {_in_words(table)}")


def _in_words(table: Table[Any, Any]) -> str:
    said = []
    for state, row in table.items():
        ways = "; ".join(f"{event} to {target}" for event, target in row.items())
        said.append(f"From {state}: {ways or 'nothing'}.")
    return " ".join(said)


def _looks(made: Plan) -> dict[str, Look]:
    spare = iter(MARKS * len(made.marks))
    return {event: OUTCOMES.get(event) or next(spare) for event in made.marks}


def _state(ax: Axes, centre: tuple[float, float], name: str, marks: list[Look]) -> None:
    from matplotlib.patches import FancyBboxPatch

    (x, y), (width, height) = centre, BOX
    colour = COLOURS.get(name, "#F2F2F2")
    ax.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=9",
            facecolor=colour,
            edgecolor=FAINT,
            linewidth=1,
            zorder=4,
        )
    )
    ink = "white" if colour in (STATES["up"], STATES["failed"]) else INK
    ax.text(x, y - (6 if marks else 0), name, ha="center", va="center", color=ink, fontweight="bold", zorder=5)
    for place, look in enumerate(marks):
        _mark(ax, x + (place - (len(marks) - 1) / 2) * 20, y + 12, look)


def _mark(ax: Axes, x: float, y: float, look: Look) -> None:
    face, edge = ("white", look.colour) if look.hollow else (look.colour, "white")
    ax.plot(x, y, look.marker, markersize=7.5, markerfacecolor=face, markeredgecolor=edge, markeredgewidth=1, zorder=6)


def _explain(ax: Axes, y: float, look: Look, words: str) -> None:
    _mark(ax, 22, y, look)
    ax.text(36, y, words, va="center", fontsize=9, color=INK)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], events: list[str], both_ways: bool) -> None:
    """From edge to edge of the boxes; two that go both ways pass each other at a distance, each on its right."""
    from matplotlib.patches import FancyArrowPatch

    (x1, y1), (x2, y2) = start, end
    along = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5 or 1.0
    aside = 13.0 if both_ways else 0.0
    dx, dy = -(y2 - y1) / along * aside, (x2 - x1) / along * aside
    first, last = _leave((x1 + dx, y1 + dy), start, end), _leave((x2 + dx, y2 + dy), end, start)
    ax.add_patch(
        FancyArrowPatch(
            first,
            last,
            arrowstyle="-|>",
            mutation_scale=13,
            shrinkA=0,
            shrinkB=1,
            color="#404040",
            linewidth=1.3,
            zorder=3,
        )
    )
    _words(ax, first, last, "\n".join(events), both_ways)


def _words(ax: Axes, first: tuple[float, float], last: tuple[float, float], words: str, both_ways: bool) -> None:
    """On the arrow; of two that go both ways, on the outer side."""
    slanted = both_ways and abs(last[0] - first[0]) > 1 and abs(last[1] - first[1]) > 1
    share = 0.66 if slanted and last[0] > first[0] else 0.5  # away from the words of its neighbours
    x, y = first[0] + share * (last[0] - first[0]), first[1] + share * (last[1] - first[1])
    ha, va = "center", "center"
    if both_ways and abs(last[1] - first[1]) < 1:
        va = "bottom" if last[0] < first[0] else "top"
        y += -4 if va == "bottom" else 4
    elif both_ways:
        ha = "right" if last[1] > first[1] else "left"
        x += -4 if ha == "right" else 4
    ax.text(
        x, y, words, ha=ha, va=va, fontsize=8.6, color=INK, zorder=3.5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2},
    )  # fmt: skip


def _leave(point: tuple[float, float], box: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line from a point in a box, parallel to the way from box to box, crosses the box's edge."""
    vx, vy = towards[0] - box[0], towards[1] - box[1]
    shares = []
    for axis, speed in enumerate((vx, vy)):
        if speed:
            edge = box[axis] + (BOX[axis] / 2) * (1 if speed > 0 else -1)
            shares.append((edge - point[axis]) / speed)
    share = min(shares, default=0.0)
    return point[0] + vx * share, point[1] + vy * share
