"""`Call`, `CallResult` and `CallError`, to text and back (J-spec 4.1.3, 4.2).

A frame is a JSON array whose first element says what it is. The three classes below *are* those arrays: msgspec reads
and writes them in the order of their fields. A payload stays a plain JSON object here; `codec` gives it its type.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from . import browser_tab
from .errors import FrameError

UniqueId = Annotated[str, Meta(max_length=36)]
"""At most 36 characters, so that a UUID fits (J-spec 4.1.4)."""


class Call(Struct, array_like=True, tag=2, frozen=True):
    """``[2, unique_id, action, payload]``: please do this."""

    unique_id: UniqueId
    action: str
    payload: Any = {}


class CallResult(Struct, array_like=True, tag=3, frozen=True):
    """``[3, unique_id, payload]``: done, and this is the answer."""

    unique_id: UniqueId
    payload: Any = {}


class CallError(Struct, array_like=True, tag=4, frozen=True):
    """``[4, unique_id, code, description, details]``: not done, and this is why.

    With nothing to say, description is ``""`` and details is ``{}`` (J-spec 4.2.3).
    """

    unique_id: UniqueId
    code: str
    description: str = ""
    details: Any = {}


Frame = Call | CallResult | CallError

ERROR_CODES = frozenset(
    {
        "NotImplemented",
        "NotSupported",
        "InternalError",
        "ProtocolError",
        "SecurityError",
        # Misspelt in the specification, and they stay so in 1.6 (J-errata 5.1, 5.2): other stacks compare strings.
        "FormationViolation",
        "PropertyConstraintViolation",
        "OccurenceConstraintViolation",
        "TypeConstraintViolation",
        "GenericError",
    }
)
"""The ten codes of J-spec 4.2.3."""

CORRECT_ENGLISH = {
    "FormatViolation": "FormationViolation",
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
}
"""What some peers write instead, and what we read it as."""

_LENGTHS = {2: 4, 3: 3, 4: 5}
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def encode(frame: Frame) -> str:
    """Frame to compact JSON text."""
    return _encoder.encode(frame).decode()


def decode(text: str | bytes) -> Frame:
    """Text to frame; raises `FrameError`, and nothing else, if it is none.

    A payload of null reads as ``{}`` (J-spec 4.2.1). `bytes` stands for a binary WebSocket frame, which OCPP-J does not
    use (J-spec 4.1.2).
    """
    if not isinstance(text, str):
        raise FrameError("FormationViolation", None, f"expected a text frame, came a binary frame of {len(text)} bytes")
    if browser_tab.IN_A_TAB and browser_tab.too_deep(text):
        raise FrameError("FormationViolation", None, "expected JSON (J-spec 4.1.2), came one that is nested too deeply")
    try:
        raw = _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise FrameError("FormationViolation", None, f"expected JSON (J-spec 4.1.2): {error}") from None
    match raw:
        # Three patterns in place of msgspec.convert: it would copy the payload and ignore surplus elements.
        case [int(2), str(unique_id), str(action), dict() | None as payload] if len(unique_id) <= 36:
            return Call(unique_id, action, payload or {})
        case [int(3), str(unique_id), dict() | None as payload] if len(unique_id) <= 36:
            return CallResult(unique_id, payload or {})
        case [int(4), str(unique_id), str(code), str(description), dict() | None as details] if len(unique_id) <= 36:
            return CallError(unique_id, CORRECT_ENGLISH.get(code, code), description, details or {})
        case _:
            raise _explain(raw)


def _explain(raw: Any) -> FrameError:
    """Say what is wrong with JSON that is no frame. Only a Call whose id can be told is ever answered."""
    malformed = "FormationViolation"
    if not isinstance(raw, list) or not raw:
        return FrameError(malformed, None, f"expected a JSON array of 3 to 5 elements, came {_shape(raw)}")
    kind, *rest = raw
    if type(kind) is not int or kind not in _LENGTHS:
        came = _shape(kind) if isinstance(kind, list | dict) else f"{kind!r:.40}"  # no repr of something deep
        return FrameError(malformed, None, f"expected message type 2, 3 or 4, came {came}")
    unique_id = rest[0] if rest and isinstance(rest[0], str) else None
    if unique_id is None:
        came = _shape(rest[0]) if rest else "nothing"
        return FrameError(malformed, None, f"expected a string as unique id, came {came}")
    ids: dict[str, Any] = {"unique_id": unique_id} if kind == 2 else {"unique_id": None, "reply_to": unique_id}
    if len(unique_id) > 36:
        problem = f"expected a unique id of at most 36 characters, came {len(unique_id)}"
        return FrameError("PropertyConstraintViolation", description=problem, **ids)
    if len(raw) != _LENGTHS[kind]:
        problem = f"expected exactly {_LENGTHS[kind]} elements for message type {kind}, came {len(raw)}"
        return FrameError(malformed, description=problem, **ids)
    *strings, last = rest
    names = ("unique id", "action" if kind == 2 else "error code", "error description")
    for name, value in zip(names, strings, strict=False):
        if not isinstance(value, str):
            return FrameError(malformed, description=f"expected a string as {name}, came {_shape(value)}", **ids)
    what = "error details" if kind == 4 else "payload"
    return FrameError(malformed, description=f"expected an object as {what}, came {_shape(last)}", **ids)


def _shape(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return f"an array of {len(value)}"
        case _:
            return "an object"
