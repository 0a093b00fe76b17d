"""`sighted`: the text of a frame to a `Seen`, with what is known of it by itself."""

from __future__ import annotations

from typing import Any

import msgspec

from ..credentials import AUTHORIZATION_KEY
from ..errors import FrameError
from ..frames import Call, CallResult, Frame, decode
from ..trace import redact
from .mending import HEAD, Piece, interpret
from .seen import Seen


def read_frame(text: str) -> tuple[Frame | None, Piece | None]:
    """The frame at the beginning of a text. The quick way first: most lines end with their frame."""
    if text.endswith("]"):
        try:
            return decode(text), Piece("whole", None, len(text))
        except FrameError:
            pass
    return None, interpret(text)


def sighted(text: str, frame: Frame | None, piece: Piece) -> Seen | None:
    """A frame with what is known of it by itself; None if it is an array that only looks like one."""
    masked_text = hidden(text)
    raw, problem = piece.raw, ""
    if frame is None and raw is not None and piece.condition != "elided":
        written = redact(msgspec.json.encode(raw).decode())
        try:
            frame, raw = decode(written), None
        except FrameError as error:
            problem = error.description
            raw = msgspec.json.decode(written)
            if not _may_be_meant(raw):
                return None
    elif frame is not None and masked_text is not text:
        frame = decode(masked_text)
    seen = Seen(text=masked_text, line=0, last_line=0, frame=frame, raw=raw, problem=problem)
    seen.condition, seen.mended = piece.condition, piece.mended
    if frame is not None:
        seen.unique_id = frame.unique_id
        seen.kind = 2 if isinstance(frame, Call) else 3 if isinstance(frame, CallResult) else 4
        seen.action = frame.action if isinstance(frame, Call) else None
    elif raw is not None:
        _label(seen, raw)
    elif found := HEAD.match(text):
        seen.kind, seen.unique_id = int(found["kind"]), found["id"].strip()
        seen.action = found["action"] if seen.kind == 2 else None
    else:
        return None
    return seen


def _label(seen: Seen, raw: list[Any]) -> None:
    seen.kind = raw[0] if type(raw[0]) is int else None
    if len(raw) > 1 and raw[1] is not None and not isinstance(raw[1], list | dict):
        seen.unique_id = str(raw[1])
    if seen.kind not in (3, 4) and len(raw) > 2 and isinstance(raw[2], str):
        seen.action = raw[2]  # of a call, or of what is meant as one and has a type that there is not


def _may_be_meant(raw: Any) -> bool:
    """An array with some numbers and words in it is in many logs."""
    if not isinstance(raw, list) or not 2 < len(raw) < 7 or type(raw[0]) is not int:
        return False
    if not isinstance(raw[1], str | int) or isinstance(raw[1], bool):
        return False
    return any(isinstance(part, dict) for part in raw[2:]) or (raw[0] == 2 and isinstance(raw[2], str))


def hidden(text: str) -> str:
    """A frame without the values of keys and passwords (whitepaper A01.FR.09)."""
    lower = text.lower()
    if AUTHORIZATION_KEY.lower() in lower or "password" in lower or "\\u" in lower or ("@" in text and "/" in text):
        return redact(text)
    return text
