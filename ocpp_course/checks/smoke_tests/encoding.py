"""1.2: a frame becomes JSON that every other stack reads."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterator
from typing import Any

from ocpp_lab.frames import CORRECT_ENGLISH, ERROR_CODES, Call, CallError, CallResult, decode, encode

from ..kit import Kit, short
from ..step import Step
from .texts import an_id, exactly, frames

step = Step("1.2", "`encode`: frame to text", ("encode",), points=2, minutes=15, reference=lambda: encode)

BIG = 2**53 + 1
"""The first whole number that a float cannot hold."""
NAMES: dict[Any, tuple[str, ...]] = {
    Call: ("type", "unique_id", "action", "payload"),
    CallResult: ("type", "unique_id", "payload"),
    CallError: ("type", "unique_id", "code", "description", "details"),
}


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def read(kit: Kit, text: Any, broken: str = "") -> Any:
    """What a strict parser makes of it; ``broken`` is said of what it refuses."""
    kit.require(isinstance(text, str), f"a {type(text).__name__}", "a frame travels as text: return a `str`.")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        said = broken or f"a strict JSON parser refuses this text: {error}."
        if str(error).endswith("is no JSON"):
            said = "NaN and Infinity are no JSON; `allow_nan=False` refuses them."
        elif _is_python(text):
            said = "single quotes and None are Python, not JSON."
        kit.require(False, short(text), said)


def _is_python(text: str) -> bool:
    """Python would read what no JSON parser reads: a repr."""
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def parts(kit: Kit, text: Any, raw: list[Any], frame: Any) -> None:
    """Refuse a text that is not this array, and say which element differs."""
    got = read(kit, text)
    kind, names = type(frame).__name__, NAMES[type(frame)]
    said = f"a {kind} is written as {len(names)} elements: {', '.join(names)} (J-spec 4.2)."
    kit.require(isinstance(got, list) and len(got) == len(raw), short(text), said)
    for name, there, wanted in zip(names, got, raw, strict=True):
        said = f"the {name} of this {kind} is {short(wanted)}; yours wrote {short(there)}."
        if isinstance(there, str) and isinstance(wanted, str) and there.strip() == wanted.strip():
            said = f"the {name} of this {kind} is {short(repr(wanted))}; yours wrote {short(repr(there))}."
        elif isinstance(there, str) and isinstance(wanted, str) and there and wanted.startswith(there):
            said = f"the {name} of this {kind} has {len(wanted)} characters; yours wrote only the first {len(there)}."
        if isinstance(there, dict | list) and isinstance(wanted, dict):
            said = f"the {name} of this {kind} has changed on the way: {_difference(there, wanted)}."
        kit.require(exactly(there) == exactly(wanted), short(text), said)
    kit.equal(decode(text), frame, f"a {kind} is written as its type and its parts, in the order of J-spec 4.2.")


def _difference(there: Any, wanted: dict[str, Any]) -> str:
    """The first key whose value differs."""
    for key, value in wanted.items():
        if isinstance(there, dict) and key not in there:
            return f"`{key}` is missing"
        if not isinstance(there, dict) or exactly(there.get(key, "nothing")) != exactly(value):
            now = there.get(key, "nothing") if isinstance(there, dict) else there
            return f"`{key}` is {short(value, 40)}, and was written as {short(now, 40)}"
    return f"expected {short(wanted, 40)}, came {short(there, 40)}"


@step.check("every text parses with a strict JSON parser")
def plain_json(my: Any, kit: Kit) -> str:
    """A frame is JSON in UTF-8 (J-spec 4.1.2)."""
    read(kit, my.encode(Call("17", "DataTransfer", {"vendorId": "Lab", "data": None, "on": True})))
    for _, frame in frames(kit, 30):
        read(kit, my.encode(frame))
    for what, frame in _quoting(kit):
        said = f'there is a `"` or a `\\` in the {what}, and it was not escaped; `json.dumps` escapes it.'
        read(kit, my.encode(frame), said)
    for raw, frame, sane in _no_numbers(kit):
        try:
            text = my.encode(frame)
        except (ValueError, TypeError):
            continue  # it says no: right
        got = read(kit, text)
        if read(kit, my.encode(sane)) == [*raw[:-1], sane.payload if hasattr(sane, "payload") else sane.details]:
            said = "what cannot be said in JSON is refused, or null; the rest of the frame stays as it is."
            kit.equal(got, raw, said)
    return "JSON"


def _quoting(kit: Kit) -> list[tuple[str, Any]]:
    """Frames with a text that has to be escaped, and where it is."""
    odd = [f'{an_id(kit, 9)}"', f"C:\\{an_id(kit, 9)}", f'"{an_id(kit, 9)}']
    found: list[tuple[str, Any]] = []
    for text in odd:
        found += [("unique id of a Call", Call(text, "Heartbeat")), ("action", Call("17", text))]
        found += [
            ("unique id of a CallResult", CallResult(text)),
            ("unique id of a CallError", CallError(text, "GenericError")),
        ]
        found += [("code", CallError("17", text)), ("description", CallError("17", "GenericError", text))]
        found += [
            ("payload", CallResult("17", {text: text})),
            ("details", CallError("17", "GenericError", "", {"a": text})),
        ]
    return found


def _no_numbers(kit: Kit) -> Iterator[tuple[list[Any], Any, Any]]:
    """Frames with NaN and Infinity, on top and further down; the array with null there; the frame with 1 there."""
    for number in (math.nan, math.inf, -math.inf):
        unique_id = an_id(kit)
        for at in (lambda it: {"data": it}, lambda it: {"a": {"b": [1, it]}}, lambda it: {"a": [{"b": it}]}):
            there, null, one = at(number), at(None), at(1)
            call = [2, unique_id, "DataTransfer", null]
            yield call, Call(unique_id, "DataTransfer", there), Call(unique_id, "DataTransfer", one)
            yield [3, unique_id, null], CallResult(unique_id, there), CallResult(unique_id, one)
            error = [4, unique_id, "GenericError", "", null]
            lame, sane = (CallError(unique_id, "GenericError", "", each) for each in (there, one))
            yield error, lame, sane


@step.check('a CallError has five elements, "" and {} among them')
def five_elements(my: Any, kit: Kit) -> str:
    """With nothing to say, the description is "" and the details are {} (J-spec 4.2.3)."""
    for code in ("GenericError", kit.rng.choice(sorted(ERROR_CODES))):
        unique_id = an_id(kit)
        raw = read(kit, my.encode(CallError(unique_id, code)))
        said = "a CallError is an array of five elements."
        if isinstance(raw, list) and len(raw) < 5:
            said = 'a CallError always has five elements; write `""` and `{}`.'
        kit.require(isinstance(raw, list) and len(raw) == 5, short(raw), said)
        said = 'nothing to say is `""`; a description is a text, never null.'
        kit.require(raw[3] is not None, short(raw), said)
        said = "nothing to say is `{}`; null is only tolerated when reading."
        kit.require(raw[4] is not None, short(raw), said)
        kit.equal(raw[3:], ["", {}], 'description `""` and details `{}` say that there is nothing.')
        kit.equal(raw[:3], [4, unique_id, code], "the first three elements are 4, the unique id and the code.")
    return "five"


@step.check("every code goes out as it is")
def keeps_misspelling(my: Any, kit: Kit) -> str:
    """Two codes are misspelt in 1.6 and stay so (J-errata 5.1, 5.2)."""
    correct = {misspelt: english for english, misspelt in CORRECT_ENGLISH.items()}
    vendors = f"Vendor{kit.rng.randint(100, 999)}"
    for code in ("OccurenceConstraintViolation", "FormationViolation", *sorted(ERROR_CODES), vendors, *CORRECT_ENGLISH):
        raw = read(kit, my.encode(CallError(an_id(kit), code, "why", {"a": 1})))
        said = f"the code {code} goes out as it is; yours wrote {short(raw[2])}."
        if raw[2] == correct.get(code):
            said = "the code is misspelt in 1.6 and stays so; other stacks compare strings."
        kit.require(raw[2] == code, short(raw[2]), said)
    return f"{len(ERROR_CODES)} codes"


@step.check("what was encoded decodes to the same frame")
def round_trip(my: Any, kit: Kit) -> str:
    """No part of a frame changes on the way (J-spec 4.2)."""
    numbers = {"big": BIG, "bigger": 10**20 + kit.rng.randint(0, 9), "whole": kit.rng.randint(1, 9), "part": 0.1}
    shown: list[Any] = [
        ([2, "17", "Heartbeat", {}], Call("17", "Heartbeat")),
        ([3, "17", {}], CallResult("17")),
        ([4, "17", "GenericError", "", {}], CallError("17", "GenericError")),
        ([3, " 17 ", numbers], CallResult(" 17 ", numbers)),
    ]
    odd = _odd_frames(kit)
    for raw, frame in shown + frames(kit, 90) + odd:
        parts(kit, my.encode(frame), raw, frame)
    return f"{len(shown) + 90 + len(odd)} frames"


def _odd_frames(kit: Kit) -> list[tuple[list[Any], Any]]:
    """Texts with capitals, with spaces at their ends, very long ones; numbers with many digits; words of Python."""
    found: list[tuple[list[Any], Any]] = []
    long = "".join(kit.rng.choices("abc xyz", k=400))
    payload: dict[str, Any] = {"a": "NaN", "b": "-Infinity", "c": "None, True, 'x'", "d": 48.20817, "e": 1.0, "f": 1e-7}
    payload |= {"g": long, "h": " x ", "i": "ABC", "j": [kit.rng.random()]}
    for unique_id in ("TAG_A", " 17 ", f"{an_id(kit, 9)} Ä ", an_id(kit, 9).upper(), "NaN"):
        for action in ("Heartbeat", " MakeCoffee ", "NaN"):
            found.append(([2, unique_id, action, payload], Call(unique_id, action, payload)))
            found.append(([4, unique_id, action, long, payload], CallError(unique_id, action, long, payload)))
        found.append(([3, unique_id, payload], CallResult(unique_id, payload)))
        found.append(([4, unique_id, "GenericError", " X ", {}], CallError(unique_id, "GenericError", " X ", {})))
    return found
