"""The rungs of a ladder as pieces of SVG: a frame, a mark, a state, a cut. What can be stepped to is a `Step`.

Solid asks, dashed and hollow answers. A colour is that of the class around the piece (`meaning`), so the pieces say
``currentColor`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import letters
from .lamp import lamp
from .layout import Across, Arrow, Note
from .palette import MEANING_OF
from .passages import Side
from .vector import escaped, number, text

X: Mapping[Side, int] = {"left": 150, "right": 552}
"""CSS pixels: where the two lifelines stand."""

LABEL, SMALL = 12.5, 11.0
"""CSS pixels: the letters of a name, and of what is said about it."""


def meaning(outcome: str | None) -> str:
    """The word of the palette for what is trouble; "" for what is none."""
    return MEANING_OF[outcome] if outcome else ""


@dataclass
class Step:
    """A place to stop at when the ladder is stepped through: ``top`` and ``bottom`` in CSS pixels.

    ``facts`` by the letter of the data attribute that has them: ``w`` words, ``t`` time, ``f`` the frame, ``a`` how
    long this answer took, ``d`` how long its way took, ``s`` the charge point's state from here on, ``l`` its lamp.
    """

    top: float
    bottom: float
    at: float
    kind: str
    svg: str
    facts: dict[str, str] = field(default_factory=dict)

    def markup(self) -> str:
        """The rung as one group, dark or coloured, with its facts."""
        data = "".join(f' data-{name}="{escaped(fact)}"' for name, fact in self.facts.items() if fact)
        return f'<g class="step {self.kind}"{data} data-y="{number(self.bottom)}">{self.svg}</g>'


def arrow(each: Arrow, top: float, bottom: float) -> str:
    """A frame on its way, its label above its start; what never arrived ends before the other lifeline."""
    way = 1 if each.sender == "left" else -1
    asks = each.kind in ("call", "no frame")
    start = X[each.sender] + 5 * way
    full = X["right"] - X["left"]
    slope = (bottom - top) / full
    reach = full - 15 if each.end == "arrived" else 0.72 * full
    end = X[each.sender] + reach * way
    y1, y2 = top + 5 * slope, top + reach * slope
    path = f"M{number(start)} {number(y1)}L{number(end)} {number(y2)}"
    line = f'<path class="wire{"" if asks else " reply"}" d="{path}"/>'
    fly = f'<circle class="fly" r="5" style="offset-path:path(\'{path}\')"/>'
    return f"{_hit(top - 18, bottom + 7)}{line}{_head(each, asks, end, y2, slope * way, way)}{fly}{_label(each, top)}"


def mark(note: Note, y: float) -> str:
    """A call that ended without an answer: its sign on the lifeline of the caller, its words beside it."""
    way = 1 if note.side == "left" else -1
    x = X[note.side]
    signs = {
        "timeout": f'<path class="x" d="M{x - 4.5} {number(y - 4.5)}l9 9m0 -9l-9 9"/>',
        "lost": f'<path class="full" d="M{x - 6} {number(y - 4.5)}h12l-6 10Z"/>',
    }
    sign = signs.get(note.outcome or "") or f'<path class="full" d="M{x - 5} {number(y - 5)}h10v10h-10Z"/>'
    back = f'<circle class="back" cx="{x}" cy="{number(y)}" r="10"/>'
    return f"{_hit(y - 12, y + 12)}{back}{sign}{_words(note.text, x + 14 * way, y + 4.5, note.side, 'own')}"


def state(note: Note, y: float) -> str:
    """A state of this end, a pill outside its lifeline."""
    wide = letters.width(note.text, 10.5) + 16
    left = X[note.side] - 13 - wide if note.side == "left" else X[note.side] + 13
    pill = f'<rect x="{number(left)}" y="{number(y - 8.5)}" width="{number(wide)}" height="17" rx="8.5"/>'
    return f"{pill}{text(left + wide / 2, y + 3.8, note.text, 'name', 'middle')}"


def cut(across: Across, y: float) -> str:
    """The end of the connection, from lifeline to lifeline."""
    middle = (X["left"] + X["right"]) / 2
    wide = letters.width(across.text, LABEL, bold=True) + 28
    line = f'<path class="wire" d="M{X["left"] - 12} {number(y)}H{X["right"] + 12}"/>'
    chip = f'<rect class="chip" x="{number(middle - wide / 2)}" y="{number(y - 11.5)}" width="{number(wide)}" '
    return f'{line}{chip}height="23" rx="11.5"/>{text(middle, y + 4.5, across.text, "own", "middle")}'


def lit(note: Note) -> str:
    """The classes of a state: its lamp."""
    return f"state {lamp(note.text)}".strip()


def _hit(top: float, bottom: float) -> str:
    """Where a pointer meets the rung."""
    size = f'width="{X["right"] - X["left"]}" height="{number(bottom - top)}"'
    return f'<rect class="hit" x="{X["left"]}" y="{number(top)}" {size} rx="6"/>'


def _head(each: Arrow, asks: bool, x: float, y: float, rise: float, way: int) -> str:
    if each.end == "lost":
        return f'<path class="x" d="M{number(x - 5)} {number(y - 5)}l10 10m0 -10l-10 10"/>'
    if each.end == "unread":
        return f'<circle class="hollow" cx="{number(x)}" cy="{number(y)}" r="4"/>'
    tip, tip_y = x + 11 * way, y + 11 * way * rise
    head = f'<path class="{"full" if asks else "hollow"} tip" d="M{number(tip)} {number(tip_y)}'
    head += f'L{number(x)} {number(y - 4.6)}V{number(y + 4.6)}Z"/>'
    middle, middle_y = (X["left"] + X["right"]) / 2, y - rise * (x - (X["left"] + X["right"]) / 2)
    return head + _sign(each, asks, middle, middle_y)


def _sign(each: Arrow, asks: bool, x: float, y: float) -> str:
    """In the middle of an answer that is no good; the call that it spoilt has the colour alone."""
    if each.kind == "error" or each.kind == "no frame":
        return f'<path class="full" d="M{number(x - 4.5)} {number(y - 4.5)}h9v9h-9Z"/>'
    if asks or not each.outcome:
        return ""
    if meaning(each.outcome) == "stray":
        return f'<path class="hollow" d="M{number(x)} {number(y - 6)}l6 6l-6 6l-6 -6Z"/>'
    return f'<path class="hollow" d="M{number(x - 4.5)} {number(y - 4.5)}h9v9h-9Z"/>'


def _label(each: Arrow, top: float) -> str:
    way = 1 if each.sender == "left" else -1
    return _words(each.label, X[each.sender] + 14 * way, top - 6, each.sender, "name")


def _words(label: str, x: float, y: float, side: Side, kind: str) -> str:
    """What it is in ink, and behind it, smaller, its id and how long it took."""
    name, dot, rest = label.partition(" · ")
    small = f'<tspan class="dim">{escaped(dot + rest)}</tspan>' if dot else ""
    ends = "" if side == "left" else ' text-anchor="end"'
    place = f'x="{number(x)}" y="{number(y)}"{ends}'
    return f'<text class="label" {place}><tspan class="{kind}">{escaped(name)}</tspan>{small}</text>'
