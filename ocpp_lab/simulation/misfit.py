"""`misfit`: what is wrong with a payload, for those who watch frames go by."""

from __future__ import annotations

from typing import Any, Literal

from ..codec import decode_payload
from ..errors import PayloadError
from ..messages import ACTIONS

EVERY_FRAME = "every frame is valid"
"""The invariant."""


def misfit(action: str, kind: Literal["request", "response"], payload: Any) -> str:
    """How a payload breaks the declaration of its action, or "" if it fits."""
    try:
        decode_payload(getattr(ACTIONS[action], kind), payload)
    except PayloadError as problem:
        return str(problem)
    return ""
