"""`ladder`: frames between two ends, as a picture to step through. Charge point left, central system right, time runs
downward."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Protocol

from ocpp_lab.connection import CONNECTION
from ocpp_lab.trace import Event, Trace
from ocpp_lab.trace_file import read_trace

from . import lifelines, rungs
from .changes import change
from .lamp import lamp
from .layout import MAX_ARROWS, Across, Arrow, Layout, Note, duration, lay_out
from .passages import NAMES, Passage, instants
from .rungs import Step, X, meaning
from .vector import Vector, heading, svg, text

# CSS pixels.
WIDTH, ROW, CLOCK = 640, 34, 52
LONGEST = 6000
"""Characters of a frame that can be read in the picture; it shall not carry a firmware."""


class Traced(Protocol):
    """A charge point, a central system, or anything else that has a trace."""

    trace: Trace


Clock = Callable[[float], tuple[str, str]]
"""An instant as it stands beside its arrow, where is room for eight characters, and as it is told."""

Story = Traced | Iterable[Event] | str | Path | None
"""An end, its trace, or the name of a file with one."""


def ladder(
    charge_point: Story = None,
    central_system: Story = None,
    *,
    title: str = "",
    since: float = 0.0,
    until: float = float("inf"),
    identity: str | None = None,
    study: str | None = None,
    limit: int = MAX_ARROWS,
    states: bool = True,
    marked: Collection[float] = (),
    clock: Clock | None = None,
    timed: bool = True,
) -> Vector:
    """The frames that passed between the two ends, from ``since`` to ``until`` (loop time, s).

    With both ends the instants are true; one end alone is enough for a picture. Instead of an end, the name of a file
    is understood that `Trace.save` or ``--trace-file`` wrote. ``identity`` picks one charge point out of a central
    system's trace. Trouble is coloured: that of the action ``study``, or all of it. Of more than ``limit`` frames the
    middle is left out. The alternative text lists the frames. Those sent at the instants ``marked`` are framed.
    ``clock`` says what time it was; without it the time since the first frame is told.
    Not ``timed``: nobody knows how long an answer took.

    Raises OSError for a file that cannot be read, ValueError for one that is no trace.
    """
    both = [_events(story, identity) for story in (charge_point, central_system)]
    shown = [[event for event in events if since <= event.at <= until] for events in both]
    story = instants(*shown)
    for passage in (each.item for each in story if isinstance(each.item, Passage) and not timed):
        passage.seconds = None
    layout = lay_out(story, study=study, limit=limit)
    drawing = _Drawing(layout, title, _state_at(both[0], since), states, marked, clock)
    return Vector(drawing.svg(), layout.alt(), WIDTH, "ladder")


def _events(story: Story, identity: str | None) -> list[Event]:
    events: Any = () if story is None else getattr(story, "trace", story)
    if isinstance(events, str | Path):
        events = read_trace(events)
    return [event for event in events if event.identity != "central system" and identity in (None, event.identity)]


def _state_at(events: list[Event], at: float) -> str:
    """The state that the charge point was in then: the last one that it went into, or that the next one came from."""
    state = ""
    for event in events:
        if changed := change(event):
            if event.at >= at:
                return state or changed.old
            state = changed.new
    return state


class _Drawing:
    """The whole picture, in CSS pixels from the top left corner."""

    def __init__(
        self,
        layout: Layout,
        title: str,
        first_state: str,
        states: bool,
        marked: Collection[float] = (),
        clock: Clock | None = None,
    ) -> None:
        self.layout = layout
        self.marked = marked
        self.clock = clock or self._since_the_first
        self.title, taken = heading(title, WIDTH)
        self.head = 14 + taken + (4 if taken else 0)
        self.top = self.head + lifelines.HEAD
        self.height = round(self.top + layout.height * ROW + 20)
        self.notes = [note for note in layout.notes if states or note.kind == "mark"]
        marks = [note.at for note in layout.notes if note.kind == "mark"]
        self.zero = min([*(arrow.at for arrow in layout.arrows), *marks], default=0.0)
        lived = [n for n in layout.notes if n.kind == "state" and n.side == "left" and n.text in CONNECTION]
        self.states = [(0.0, first_state), *((self._y(note.y), note.text) for note in lived)]

    def svg(self) -> str:
        parts = [self.title, lifelines.lives(self.states, self.head + 30, self.height - 12)]
        parts += [self._pause(across) for across in self.layout.across if across.kind != "cut"]
        # what is still to come is veiled when the ladder is stepped through
        parts.append(f'<rect class="veil" x="2" y="{self.height}" width="{WIDTH - 4}" height="{self.height}"/>')
        parts.append(lifelines.heads(self.head))
        parts += [step.markup() for step in self._steps()]
        return svg("".join(parts), (WIDTH, self.height), self.layout.alt(), "ladder", "ladder_live")

    def _y(self, rows: float) -> float:
        return self.top + rows * ROW

    def _pause(self, across: Across) -> str:
        y = self._y(across.y)
        said = f"{across.text} later" if across.kind == "wait" else across.text
        return lifelines.gap(y) + text((X["left"] + X["right"]) / 2, y + 4, said, "between", "middle")

    def _steps(self) -> list[Step]:
        steps = [self._frame(arrow) for arrow in self.layout.arrows]
        steps += [self._note(note) for note in self.notes]
        steps += [self._cut(across) for across in self.layout.across if across.kind == "cut"]
        steps.sort(key=lambda step: step.top)
        free = 0.0
        for step in steps:
            drawn, told = self.clock(step.at)
            step.facts |= {"t": told, "s": (state := self._state(step.top)), "l": lamp(state)}
            if step.top >= free and not step.kind.startswith("state"):  # no time that would touch the one above it
                step.svg += " " + text(CLOCK, step.top + 4, drawn, "clock", "end")
                free = step.top + 14
        return steps

    def _since_the_first(self, at: float) -> tuple[str, str]:
        return (since := duration(at - self.zero)), since

    def _state(self, y: float) -> str:
        return [state for since, state in self.states if since <= y][-1]

    def _frame(self, arrow: Arrow) -> Step:
        top, bottom = self._y(arrow.top), self._y(arrow.bottom)
        facts = {"w": arrow.words, "f": arrow.text if len(arrow.text) <= LONGEST else f"{arrow.text[:LONGEST]}…"}
        if arrow.seconds is not None:
            facts["a"] = duration(arrow.seconds)
        if arrow.received is not None and (travel := duration(arrow.received - arrow.at)) != "0 ms":
            facts["d"] = travel
        kind = meaning(arrow.outcome)
        if arrow.at in self.marked:
            facts["w"] += " (marked)"
            kind = f"{kind} marked".strip()
        return Step(top, bottom, arrow.at, kind, rungs.arrow(arrow, top, bottom), facts)

    def _note(self, note: Note) -> Step:
        y = self._y(note.y)
        if note.kind == "mark":
            return Step(y, y, note.at, meaning(note.outcome), rungs.mark(note, y), {"w": note.words})
        who = NAMES[note.side] if note.text in CONNECTION else "connector"
        return Step(y, y, note.at, rungs.lit(note), rungs.state(note, y), {"w": f"{who} is now {note.text}"})

    def _cut(self, across: Across) -> Step:
        y = self._y(across.y)
        return Step(y, y, across.at, "cut lost", rungs.cut(across, y), {"w": across.text})
