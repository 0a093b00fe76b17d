"""`worded`: a line of our own command line's output, which tells frames in words, without their ids."""

from __future__ import annotations

import re
from typing import Any

from ..messages import ACTIONS

_STORY = re.compile(
    r"^\d\d:\d\d:\d\d\.\d{3} (?P<word>[<>]) (?P<who>\S+)\s+(?P<action>[A-Za-z]{5,40})(?:\s+(?P<rest>.*))?$"
)


def worded(text: str) -> dict[str, Any] | None:
    """What is known of the frame, as arguments of a `Seen`; None for any other line.

    A reply is told with the action of its call and has no id: such frames are elided, and are paired by that.
    """
    found = _STORY.match(text) if len(text) < 1000 else None
    if found is None or found["action"] not in ACTIONS:
        return None
    rest = found["rest"] or ""
    kind = 3 if rest.startswith("CallResult after") else 4 if rest.startswith("CallError after") else 2
    return {
        "identity": found["who"],
        "direction_word": found["word"],
        "kind": kind,
        "action": found["action"],
        "unique_id": f"({found['action']})",
        "condition": "elided",
        "mended": ("words",),
    }
