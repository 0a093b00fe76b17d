"""`state_picture`: a state table as an SVG; of a table that is at work, with the current state lit (`Moment`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ocpp_lab.states import Table

from . import edges
from .edges import BOX, COLUMN, ROW, Point
from .plan import Plan, plan
from .vector import Vector, heading, number, svg, text

WIDTH, LEGEND = 760, 22
"""CSS pixels."""


@dataclass(frozen=True)
class Moment:
    """Where a machine is. ``edge``: state, event and state of a new transition, ``ago`` seconds old. ``wait``: a
    back-off of so many seconds, of which ``left`` are left."""

    state: str
    edge: tuple[str, str, str] | None = None
    wait: float = 0.0
    left: float = 0.0
    ago: float = field(default=0.0, compare=False)  # grows by itself; nothing has to be drawn for that


def state_picture(table: Table[Any, Any], finding: str = "", *, alt: str = "", moment: Moment | None = None) -> Vector:
    """States as boxes, events as arrows or marks. ``alt`` is made of the table if it is not given."""
    said = finding or f"{len(table)} states, {sum(map(len, table.values()))} edges: what is not drawn cannot happen"
    alt = alt or f"State diagram. {said}. {_in_words(table)}"
    drawing = _Drawing(plan(table), said, moment)
    styles = ("diagram", "diagram_live") if moment else ("diagram",)
    return Vector(svg(drawing.parts(), (WIDTH, drawing.height), alt, *styles), alt, WIDTH)


def _in_words(table: Table[Any, Any]) -> str:
    said = []
    for state, row in table.items():
        ways = "; ".join(f"{event} to {target}" for event, target in row.items())
        said.append(f"From {state}: {ways or 'nothing'}.")
    return " ".join(said)


class _Drawing:
    """The whole picture, in CSS pixels from the top left corner."""

    def __init__(self, made: Plan, finding: str, moment: Moment | None) -> None:
        self.made, self.moment = made, moment
        self.title, taken = heading(finding, WIDTH)
        self.shapes = edges.shapes(list(made.marks))
        rows = [row for _, row in made.places.values()]
        top = 22 + taken + BOX[1] / 2 - min(rows) * ROW
        self.centres: dict[str, Point] = {
            state: (22 + BOX[0] / 2 + column * COLUMN, top + row * ROW) for state, (column, row) in made.places.items()
        }
        self.low = top + max(rows) * ROW + BOX[1] / 2 + 18
        self.height = round(self.low + LEGEND * len(made.marks) + 10)

    def parts(self) -> str:
        parts = [self.title, *(self._box(state) for state in self.centres)]
        parts += [self._arrow(source, target) for source, target in self.made.arrows]
        parts += [self._explained(n, event) for n, event in enumerate(self.made.marks)]
        ago = self.moment.ago if self.moment else 0.0
        motion = f' style="--ago:-{ago:.1f}s"' if ago else ""  # a flash that was drawn anew goes on where it was
        return f"<g{motion}>{''.join([*parts, self._wait()])}</g>"

    def _arrow(self, source: str, target: str) -> str:
        both = (target, source) in self.made.arrows
        events = self.made.arrows[source, target]
        hot = any(self._last(source, event, target) for event in events)
        return edges.arrow(self.centres[source], self.centres[target], events, both, "last" if hot else "")

    def _box(self, state: str) -> str:
        here = [(event, target) for event, (target, sources) in self.made.marks.items() if state in sources]
        places = edges.mark_places(self.centres[state], len(here))
        marks = [
            edges.mark(self.shapes[event], x, y, "last" if self._last(state, event, target) else "")
            for (event, target), (x, y) in zip(here, places, strict=True)
        ]
        off = self.moment is not None and self.moment.state != state
        return edges.box(state, self.centres[state], marks, "off" if off else "on" if self.moment else "")

    def _explained(self, row: int, event: str) -> str:
        target, sources = self.made.marks[event]
        y = self.low + LEGEND * (row + 0.5)
        words = f"{event}: leads to {target}, from {len(sources)} states"
        return edges.mark(self.shapes[event], 30, y) + text(44, y + 4.2, words, "event")

    def _last(self, source: str, event: str, target: str) -> bool:
        return self.moment is not None and self.moment.edge == (source, event, target)

    def _wait(self) -> str:
        """What is left of a back-off: a bar under the box that waits, and the seconds."""
        if not self.moment or not self.moment.wait:
            return ""
        x, y = self.centres[self.moment.state]
        top, share = y + BOX[1] / 2 + 5, max(0.0, min(1.0, self.moment.left / self.moment.wait))
        bar = f'x="{number(x - BOX[0] / 2)}" y="{number(top)}" height="5" rx="2.5"'
        return (
            f'<rect class="whole" {bar} width="{BOX[0]}"/>'
            f'<rect class="rest" {bar} width="{number(BOX[0] * share)}" style="--left:{self.moment.left:.1f}s"/>'
            f"{text(x, top + 19, f'dials in {self.moment.left:.0f} s', 'event', 'middle')}"
        )
