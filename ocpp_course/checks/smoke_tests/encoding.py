"""1.2: a frame becomes JSON that every other stack reads."""

from __future__ import annotations

import json
import math
from typing import Any

from ocpp_lab.frames import ERROR_CODES, Call, CallError, CallResult, decode, encode

from ..kit import Kit, short
from ..step import Step
from .decoding import an_id, frames

step = Step("1.2", "`encode`: frame to text", ("encode",), points=2, minutes=5, reference=lambda: encode)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def read(kit: Kit, text: Any) -> Any:
    """What a strict parser makes of it."""
    kit.require(isinstance(text, str), f"a {type(text).__name__}", "a frame travels as text: return a `str`.")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        python = "'" in text or "None" in text or "True" in text or "False" in text
        said = "single quotes and None are Python, not JSON." if python else "a strict JSON parser refuses this text."
        kit.require(False, short(text), said)


@step.check("every text parses with a strict JSON parser")
def plain_json(my: Any, kit: Kit) -> str:
    """A frame is JSON in UTF-8 (J-spec 4.1.2)."""
    read(kit, my.encode(Call("17", "DataTransfer", {"vendorId": "Lab", "data": None, "on": True})))
    for _, frame in frames(kit, 30):
        read(kit, my.encode(frame))
    for number in (math.nan, math.inf, -math.inf):
        unique_id = an_id(kit)
        try:
            text = my.encode(Call(unique_id, "DataTransfer", {"data": number}))
        except (ValueError, TypeError):
            continue  # it says no: right
        got = isinstance(text, str) and ("NaN" in text or "Infinity" in text)
        kit.require(not got, short(text), "NaN and Infinity are no JSON; `allow_nan=False` refuses them.")
        said = "what cannot be said in JSON is refused, or null; the rest of the frame stays as it is."
        kit.equal(read(kit, text)[:3], [2, unique_id, "DataTransfer"], said)
    return "JSON"


@step.check('a CallError has five elements, "" and {} among them')
def five_elements(my: Any, kit: Kit) -> str:
    """With nothing to say, the description is "" and the details are {} (J-spec 4.2.3)."""
    for code in ("GenericError", kit.rng.choice(sorted(ERROR_CODES))):
        unique_id = an_id(kit)
        raw = read(kit, my.encode(CallError(unique_id, code)))
        said = 'a CallError always has five elements; write `""` and `{}`.'
        kit.require(isinstance(raw, list) and len(raw) == 5, short(raw), said)
        said = "nothing to say is `{}`; null is only tolerated when reading."
        kit.require(raw[3] is not None and raw[4] is not None, short(raw), said)
        kit.equal(raw, [4, unique_id, code, "", {}], 'description `""` and details `{}` say that there is nothing.')
    return "five"


@step.check("every code goes out as it is")
def keeps_misspelling(my: Any, kit: Kit) -> str:
    """Two codes are misspelt in 1.6 and stay so (J-errata 5.1, 5.2)."""
    for code in ("OccurenceConstraintViolation", "FormationViolation", *sorted(ERROR_CODES)):
        raw = read(kit, my.encode(CallError(an_id(kit), code, "why", {"a": 1})))
        said = "the code is misspelt in 1.6 and stays so; other stacks compare strings."
        kit.equal(raw[2], code, said)
    return f"{len(ERROR_CODES)} codes"


@step.check("what was encoded decodes to the same frame")
def round_trip(my: Any, kit: Kit) -> str:
    """No part of a frame changes on the way (J-spec 4.2)."""
    shown: list[Any] = [
        ([2, "17", "Heartbeat", {}], Call("17", "Heartbeat")),
        ([3, "17", {}], CallResult("17")),
        ([4, "17", "GenericError", "", {}], CallError("17", "GenericError")),
    ]
    for raw, frame in shown + frames(kit, 90):
        text = my.encode(frame)
        said = f"a {type(frame).__name__} is written as its type and its parts, in the order of J-spec 4.2."
        kit.equal(read(kit, text), raw, said)
        kit.equal(decode(text), frame, said)
    return f"{len(shown) + 90} frames"
