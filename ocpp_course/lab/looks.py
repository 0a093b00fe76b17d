"""What a colour means in a plot: how each outcome and each state looks. matplotlib is not needed to say that.

Colour means outcome, each with a marker of its own, so that nothing is told by colour alone. The inks are those of
`palette.LIGHT`; on a dark page the picture's light is turned round (css/plot.css), and they stay readable.
"""

from __future__ import annotations

from typing import NamedTuple

from .palette import LIGHT

INK, FAINT, RULE = LIGHT.ink, LIGHT.dim, LIGHT.rule

PAPER = LIGHT.paper

ERROR = "#9160a9"
"""Lighter than the palette's: turned round for a dark page, that one and *lost* would both be a pale pink."""

FILL, EDGE = "#e8ebf0", "#aab2bd"
"""What waits, or what nobody asks about: a quiet area and its hatching."""

SHADE = "#ffecb8"
"""The time in which something is broken on purpose: the faults' amber, as light as paper."""

STATES = {"up": LIGHT.result, "waiting": "#cdd3db", "booting": "#b9d3f6", "pending": "#b9d3f6", "failed": LIGHT.lost}
"""Colours of a connection's states: a lamp that is lit, half lit, out, or broken."""


class Look(NamedTuple):
    """How an outcome is drawn."""

    colour: str
    marker: str
    hatch: str = ""
    hollow: bool = False


OUTCOMES: dict[str, Look] = {
    "result": Look(LIGHT.result, "o"),
    "CallError": Look(ERROR, "s", "//"),
    "malformed": Look(ERROR, "s", "\\\\", hollow=True),
    "timeout": Look(LIGHT.timeout, "X", "xx"),
    "lost": Look(LIGHT.lost, "v", "..."),
    "late": Look(LIGHT.stray, "D", "++", hollow=True),
    "repeated": Look(LIGHT.stray, "D", "++", hollow=True),
    "orphan": Look(LIGHT.stray, "D", "++", hollow=True),
    "not sent": Look(LIGHT.quiet, "o", "---", hollow=True),
    "waiting": Look(LIGHT.quiet, "|", "///"),
}
"""Every way a call or a reply can end. *malformed*: the result came and cannot be read. *not sent*: nothing left."""
