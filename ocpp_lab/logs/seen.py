"""`Seen`: one frame as it stands in a log, whole, mended or broken, with its place and what is known around it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from ..frames import CallError, Frame

Side = Literal["charge point", "central system"]
"""The two ends, in the words of a reader."""
Condition = Literal["whole", "mended", "broken", "elided"]
"""*whole*: as it was on the wire. *mended*: what the logger did to it could be undone. *broken*: cut, or no JSON.
*elided*: the logger left a part out, and only its ends are known."""


class Seen(msgspec.Struct, kw_only=True):
    """One frame of a log. What its line does not say is learnt from the other lines, once all are read."""

    text: str
    """As it stands in the log, or as it was mended; secrets are masked."""
    line: int
    """The first line on which it stands, from 1."""
    last_line: int
    """The last one, of a frame over several lines; else the same."""
    frame: Frame | None = None
    """None if it is broken or elided, or JSON that is no legal frame; then `problem` says why."""
    raw: Any = None
    """What JSON that is no legal frame says, as ``[3, "id", {}, {}]``; else None."""
    problem: str = ""
    """Why it is no legal frame, in the words of `FrameError`; "" for a frame, and for what cannot be read."""
    at: datetime | None = None
    """When it passed, as the log says. A time without offset is read as UTC, and `Log.zone` says so."""
    identity: str | None = None
    """The charge point, if the log names it."""
    connection: int = 0
    """Which connection of this identity, from 0."""
    direction_word: str = ""
    """What the log says of its direction: ``send``, ``Received``, ``<``; "" if it says nothing."""
    sender: Side | None = None
    """Who sent it, if that can be told."""
    condition: Condition = "whole"
    """How it stands in the log."""
    mended: tuple[str, ...] = ()
    """What was mended: ``escaped``, ``several lines``, ``comma``, ``Python``, …"""
    kind: int | None = None
    """The message type: 2, 3, 4, or what else stands there; None if that cannot be read."""
    unique_id: str | None = None
    """Also of what is broken, as far as it can be read."""
    action: str | None = None
    """Of a call; of a reply that of its call, if the log has it."""
    index: int = 0
    """Its place in `Log.seen`."""

    @property
    def payload(self) -> dict[str, Any]:
        """Of a call or a result that could be read; else an empty object."""
        if self.frame is None or isinstance(self.frame, CallError):
            return {}
        payload: dict[str, Any] = self.frame.payload
        return payload


def items(value: Any) -> list[Any]:
    """What should be a list in a payload; an empty one if it is something else."""
    return value if isinstance(value, list) else []


def objects(value: Any) -> list[dict[str, Any]]:
    """What should be a list of objects in a payload: those of them that are."""
    return [each for each in items(value) if isinstance(each, dict)]
