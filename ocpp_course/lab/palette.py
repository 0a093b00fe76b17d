"""What a colour means, light and dark. The sign and the word beside it say the same, so nothing is told by hue alone.

Any two of `LIGHT`, and of `DARK`, can be told apart with each kind of colour blindness, and each is readable as text on
both papers of its theme; a test measures that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Theme(NamedTuple):
    """The hex values of one theme. What each is for: `MEANINGS`."""

    paper: str
    soft: str
    ink: str
    dim: str
    rule: str
    edge: str
    result: str
    error: str
    timeout: str
    lost: str
    stray: str
    quiet: str


LIGHT = Theme(
    paper="#ffffff", soft="#f3f5f8", ink="#1c2430", dim="#5b6470", rule="#d5dbe3", edge="#8b95a1",
    result="#1466d6", error="#8a1a94", timeout="#a8560a", lost="#7a1226", stray="#17604f", quiet="#69707a",
)  # fmt: skip
DARK = Theme(
    paper="#111418", soft="#1b2027", ink="#e8edf3", dim="#a3adb8", rule="#39424d", edge="#76808c",
    result="#569ffb", error="#d08fc9", timeout="#ffa447", lost="#fb5a63", stray="#b4f2d6", quiet="#8e969f",
)  # fmt: skip

MEANINGS: Mapping[str, str] = {
    "result": "an answer; online, healthy; the one accent",
    "error": "a CallError: the peer said no (definite)",
    "timeout": "nobody answered in time",
    "lost": "the connection died; rejected, failed",
    "stray": "late, repeated or orphan",
    "quiet": "waiting, not sent, disabled",
}
"""The six hues that mean something, and nothing else has one; amber (`FAULT`) is what *we* break on purpose."""

MEANING_OF: Mapping[str, str] = {
    "result": "result", "CallError": "error", "malformed": "error", "timeout": "timeout", "lost": "lost",
    "late": "stray", "repeated": "stray", "orphan": "stray", "waiting": "quiet", "not sent": "quiet",
}  # fmt: skip
"""Of each outcome of a call or a reply: the sign and colour that it has everywhere."""

SIGNS: Mapping[str, str] = {"result": "●", "error": "■", "timeout": "✕", "lost": "▼", "stray": "◇", "quiet": "○"}

FAULT, ON_FAULT = "#ffc233", "#2a1e00"
"""The badge of a fault that is on, and the ink on it; the same in both themes."""
