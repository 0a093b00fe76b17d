"""The pieces of a state diagram: a state's box, an arrow between two of them, a mark for what happens everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from .lamp import lamp
from .vector import number, text

Point = tuple[float, float]

BOX, COLUMN, ROW = (108, 46), 204, 104
"""CSS pixels: a state's box, and how far apart they stand."""
LINE = 13.5
SIGNS = {
    "lost": '<path class="full" d="M-6 -4.5h12l-6 10Z"/>',
    "square": '<path class="hollow" d="M-4.5 -4.5h9v9h-9Z"/>',
    "circle": '<circle class="hollow" r="4.8"/>',
    "diamond": '<path class="hollow" d="M0 -6l6 6l-6 6l-6 -6Z"/>',
    "triangle": '<path class="hollow" d="M0 -5.5l6 10h-12Z"/>',
}
SHAPES = ("square", "circle", "diamond", "triangle")
"""For events that are no outcome."""


def shapes(events: Sequence[str]) -> dict[str, str]:
    """A sign for each event that is a mark; an outcome has its own."""
    others = [event for event in events if event not in SIGNS]
    return {event: event for event in events if event in SIGNS} | {
        event: SHAPES[number % len(SHAPES)] for number, event in enumerate(others)
    }


def mark(shape: str, x: float, y: float, kind: str = "") -> str:
    """A sign, centred; ``kind`` is its class beside its colour."""
    classes = f"mark {shape if shape == 'lost' else ''} {kind}".split()
    return f'<g class="{" ".join(classes)}" transform="translate({number(x)} {number(y)})">{SIGNS[shape]}</g>'


def box(name: str, centre: Point, marks: Sequence[str], kind: str) -> str:
    """A state with its marks, whose markup is given. ``kind``: its classes beside its lamp."""
    (x, y), (wide, high) = centre, BOX
    place = f'x="{number(x - wide / 2)}" y="{number(y - high / 2)}" width="{wide}" height="{high}"'
    words = text(x, y + (-2 if marks else 4.4), name, "name", "middle")
    classes = " ".join(f"state {lamp(name)} {kind}".split())
    return f'<g class="{classes}"><rect {place} rx="10"/>{words}{"".join(marks)}</g>'


def mark_places(centre: Point, count: int) -> list[Point]:
    """Where the marks of a state stand, under its name."""
    x, y = centre
    return [(x + (place - (count - 1) / 2) * 21, y + 12) for place in range(count)]


def arrow(start: Point, end: Point, events: Sequence[str], both_ways: bool, kind: str = "") -> str:
    """From edge to edge of the boxes; two that go both ways pass each other at a distance, each on its right; one to a
    state further up or down in the same column goes around those between them; one to the same state is a loop."""
    if start == end:
        return _loop(start, events, kind)
    if start[0] == end[0] and abs(start[1] - end[1]) > ROW:
        return _around(start, end, events, kind)
    (x1, y1), (x2, y2) = start, end
    along = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5 or 1.0
    aside = 13.0 if both_ways else 0.0
    dx, dy = -(y2 - y1) / along * aside, (x2 - x1) / along * aside
    first, last = _leave((x1 + dx, y1 + dy), start, end), _leave((x2 + dx, y2 + dy), end, start)
    ux, uy = (last[0] - first[0]) / along, (last[1] - first[1]) / along
    length = (ux**2 + uy**2) ** 0.5 or 1.0
    ux, uy = ux / length, uy / length
    neck = (last[0] - 10 * ux, last[1] - 10 * uy)
    line = f'<path class="wire" d="M{_at(first)}L{_at(neck)}"/>'
    return _edge(line + _head(last, ux, uy) + _words(first, last, events, both_ways), kind)


def _edge(parts: str, kind: str) -> str:
    return f'<g class="{f"edge {kind}".strip()}">{parts}</g>'


def _head(tip: Point, ux: float, uy: float) -> str:
    """An arrow's head that points where ``(ux, uy)`` does, a vector of length 1."""
    x, y = tip[0] - 10 * ux, tip[1] - 10 * uy
    corners = _at((x - 4.5 * uy, y + 4.5 * ux)), _at((x + 4.5 * uy, y - 4.5 * ux))
    return f'<path class="full" d="M{_at(tip)}L{corners[0]}L{corners[1]}Z"/>'


def _around(start: Point, end: Point, events: Sequence[str], kind: str) -> str:
    """A bow on the right of its column; its words under its start."""
    x, out = start[0] + BOX[0] / 2, start[0] + BOX[0] / 2 + 24
    first, last = (x, start[1]), (x, end[1])
    line = f'<path class="wire" d="M{_at(first)}C{_at((out, start[1]))} {_at((out, end[1]))} {_at((x + 9, end[1]))}"/>'
    words = "".join(text(x + 7, start[1] + 16 + LINE * n, event, "event") for n, event in enumerate(events))
    return _edge(line + _head(last, -1, 0) + words, kind)


def _loop(centre: Point, events: Sequence[str], kind: str) -> str:
    """Out of a state and into it again, under its box."""
    x, y = centre[0], centre[1] + BOX[1] / 2
    low = f"{_at((x - 16, y + 30))} {_at((x + 16, y + 30))}"
    line = f'<path class="wire" d="M{_at((x - 16, y))}C{low} {_at((x + 16, y + 9))}"/>'
    words = "".join(text(x + 25, y + 19 + LINE * n, event, "event") for n, event in enumerate(events))
    return _edge(line + _head((x + 16, y), 0, -1) + words, kind)


def _at(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def _words(first: Point, last: Point, events: Sequence[str], both_ways: bool) -> str:
    """On the arrow; of two that go both ways, on the outer side."""
    level, upright = abs(last[1] - first[1]) < 1, abs(last[0] - first[0]) < 1
    slanted = both_ways and not level and not upright
    share = (0.82 if last[0] > first[0] else 0.42) if slanted else 0.5  # away from the words of its neighbours
    x, y = first[0] + share * (last[0] - first[0]), first[1] + share * (last[1] - first[1])
    high = LINE * len(events)
    top, anchor = y - high / 2 + 10.5, "middle"  # the line of letters of the first event
    if both_ways and level:
        top = y - high + 6 if last[0] < first[0] else y + 15
    elif both_ways:
        anchor = "end" if last[1] > first[1] else "start"
        x += -6 if anchor == "end" else 6
    return "".join(text(x, top + LINE * n, event, "event", anchor) for n, event in enumerate(events))


def _leave(point: Point, centre: Point, towards: Point) -> Point:
    """Where the line from a point in a box, parallel to the way from box to box, crosses the box's edge."""
    vx, vy = towards[0] - centre[0], towards[1] - centre[1]
    shares = []
    for axis, speed in enumerate((vx, vy)):
        if speed:
            edge = centre[axis] + (BOX[axis] / 2) * (1 if speed > 0 else -1)
            shares.append((edge - point[axis]) / speed)
    share = min(shares, default=0.0)
    return point[0] + vx * share, point[1] + vy * share
