"""The two lifelines of a ladder: their heads, the breaks where time passes, the charge point's as a row of lamps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .icons import PATHS
from .lamp import lamp
from .passages import NAMES, Side
from .rungs import X
from .vector import number, text

HEAD = 52
"""CSS pixels from the upper edge of the heads to the first row."""
WIDE = {"left": 130, "right": 144}
HALF = 3
"""Half the width of a lifeline that shows a state."""


def heads(top: float) -> str:
    """The names of both ends, each with its sign."""
    out = []
    for side, x in X.items():
        left = x - WIDE[side] / 2
        box = f'<rect class="head" x="{number(left)}" y="{number(top)}" width="{WIDE[side]}" height="30" rx="8"/>'
        sign = f'<g class="sign" transform="translate({number(left + 10)} {number(top + 6.5)}) scale(.71)">'
        out.append(f"{box}{sign}{PATHS[NAMES[side]]}</g>{text(left + 33, top + 19.6, NAMES[side], 'who')}")
    return "".join(out)


def lives(states: Sequence[tuple[float, str]], top: float, bottom: float) -> str:
    """Both lifelines from ``top`` to ``bottom``. ``states``: from which height on the charge point is in which one."""
    known = [(max(y, top), state) for y, state in states if state]
    first = known[0][0] if known else bottom
    out = [_thread("right", top, bottom), _thread("left", top, first)]
    for (start, state), (end, _) in pairwise([*known, (bottom, "")]):
        if end > start:
            out.append(
                f'<rect class="life {lamp(state)}" x="{X["left"] - HALF}" y="{number(start)}" '
                f'width="{2 * HALF}" height="{number(end - start)}"/>'
            )
    return "".join(out)


def gap(y: float) -> str:
    """Time passes: both lifelines are broken here."""
    out = []
    for x in X.values():
        out.append(f'<path class="gap" d="M{x} {number(y - 11)}V{number(y + 11)}"/>')
        out.append(f'<path class="zigzag" d="M{x} {number(y - 11)}l-5 4.4l10 4.4l-10 4.4l10 4.4l-5 4.4"/>')
    return "".join(out)


def _thread(side: Side, top: float, bottom: float) -> str:
    """A lifeline of which no state is known."""
    return f'<path class="thread" d="M{X[side]} {number(top)}V{number(bottom)}"/>' if bottom > top else ""
