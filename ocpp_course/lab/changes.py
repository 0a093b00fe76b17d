"""`change`: a line of a trace that says that a connection went from one state into another."""

from __future__ import annotations

import re
from typing import NamedTuple

from ocpp_lab.connection import CONNECTION
from ocpp_lab.trace import Event

_SAID = re.compile(r"(\w+) → (\w+)(?: \((\w+)\))?")


class Change(NamedTuple):
    """From which state into which, and the event that led there ("" in a trace that does not say)."""

    old: str
    new: str
    cause: str


def change(event: Event) -> Change | None:
    """What a line of a trace says of the connection's state; None if it says nothing of it."""
    said = _SAID.fullmatch(event.text) if event.mark == "=" else None
    return Change(said[1], said[2], said[3] or "") if said and {said[1], said[2]} <= CONNECTION.keys() else None
