"""A connection's state as a lamp: dark, half lit, lit, or broken. No hue is needed to tell them apart."""

from __future__ import annotations

from typing import Literal

Lamp = Literal["", "half", "up", "bad"]
"""Also the class of a pill in ``css/tokens.css``; "" is dark."""

_LAMPS: dict[str, Lamp] = {
    "connecting": "half", "booting": "half", "pending": "half", "forgotten": "half",
    "online": "up",
    "rejected": "bad", "failed": "bad",
}  # fmt: skip


def lamp(state: str) -> Lamp:
    """How the lamp of a charge point in this state shines; what is no state of a connection is dark."""
    return _LAMPS.get(state, "")
