"""Texts for `decode` and frames for `encode`, drawn and odd ones, and what is said of what came of them."""

from __future__ import annotations

import json
from typing import Any

from ocpp_lab.browser_tab import IN_A_TAB
from ocpp_lab.errors import FrameError
from ocpp_lab.frames import ERROR_CODES, Call, CallError, CallResult
from ocpp_lab.messages import ACTIONS

from ..kit import Kit, short
from ..step import Wrong

SHOWN: list[tuple[str, Any]] = [
    ('[2,"17","Heartbeat",{}]', Call("17", "Heartbeat", {})),
    (
        '[3,"17",{"currentTime":"2025-06-06T17:40:00Z"}]',
        CallResult("17", {"currentTime": "2025-06-06T17:40:00Z"}),
    ),
    ('[4,"17","InternalError","database is down",{}]', CallError("17", "InternalError", "database is down", {})),
]
"""The texts of the exercise."""
NO_JSON = ["", " ", "[2", '[2,"17","Heartbeat",{}', "\x00", "NULL", '[2,"17"', "[2,'17','Heartbeat',{}]"]
NO_FRAMES = ["{}", "[]", "42", "null", '"[2]"', "true", "[[]]"]
LEVELS = 900 if IN_A_TAB else 100_000
"""Too many for any parser that keeps its place on the stack. In a tab they would end the interpreter."""
DEEP = [
    "[" * LEVELS,
    "[" * LEVELS + "]" * LEVELS,
    '[2,"17","DataTransfer",' + '{"a":' * LEVELS + "0" + "}" * LEVELS + "]",
]
if IN_A_TAB:  # the third would be a frame there
    del DEEP[2]


def an_id(kit: Kit, length: int | None = None) -> str:
    """A unique id that no example shows."""
    length = kit.rng.randint(1, 36) if length is None else length
    return "".join(kit.rng.choices("abcdefghijkmnpqrstuvwxyz0123456789-/.", k=length))


def frames(kit: Kit, number: int) -> list[tuple[list[Any], Any]]:
    """Frames as JSON arrays, and what they decode to."""
    made: list[tuple[list[Any], Any]] = []
    for n in range(number):
        unique_id, payload = an_id(kit), a_payload(kit)
        action, code = kit.rng.choice(sorted(ACTIONS)), kit.rng.choice(sorted(ERROR_CODES))
        match n % 3:
            case 0:
                made.append(([2, unique_id, action, payload], Call(unique_id, action, payload)))
            case 1:
                made.append(([3, unique_id, payload], CallResult(unique_id, payload)))
            case _:
                text = kit.rng.choice(["", "Zähler kaputt", 'a "quoted" word', "line\nbreak", "電源", " at the ends "])
                made.append(([4, unique_id, code, text, payload], CallError(unique_id, code, text, payload)))
    return made


def a_payload(kit: Kit) -> dict[str, Any]:
    rng = kit.rng
    values = [rng.randint(-9, 9), "Grüße", None, True, [1, {"a": []}], {"x": {"y": rng.randint(0, 99)}}, 21.4]
    values += [2**62 + 1 + 2 * rng.randint(0, 10**6), 2**53 + 1 + 2 * rng.randint(0, 10**6), "", " "]
    return {f"key{n}": rng.choice(values) for n in range(rng.randint(0, 3))}


# --- what came ----------------------------------------------------------------------------------------------------


def outcome(my: Any, raw: Any) -> Any:
    """The frame, or the exception; a text goes in as it is. A name that nobody knows is no outcome: it is raised."""
    try:
        got = my.decode(raw if isinstance(raw, str) else json.dumps(raw))
    except NameError:
        raise
    except Exception as error:
        return error
    if isinstance(got, BaseException):
        said = "the error came back as a result, and the caller takes it for a frame; `raise` it."
        raise Wrong(f"returned {type(got).__name__}", said)
    return got


def came(got: Any) -> str:
    """The exception by its name, or the value."""
    return type(got).__name__ if isinstance(got, Exception) else short(got)


def parts(frame: Any) -> dict[str, Any]:
    return {name: getattr(frame, name) for name in getattr(frame, "__struct_fields__", ())}


def same(got: Any, expected: Any) -> bool:
    """Equal, and of the same types too: Python takes 1, 1.0 and True for equal, JSON does not."""
    return type(got) is type(expected) and exactly(parts(got)) == exactly(parts(expected))


def exactly(value: Any) -> str:
    """A value so that 1, 1.0 and true differ, and the order of keys does not count."""
    return json.dumps(value, sort_keys=True, default=repr)


def said_of(text: str, got: Any, expected: Any) -> str:
    """What is wrong with the reading of a good frame: refused, of another kind, or which part of it."""
    kind = type(expected).__name__
    if isinstance(got, FrameError):
        return f"{short(text, 90)} is a {kind}, and was refused: {short(got.description or 'no description', 80)}."
    if type(got) is not type(expected):
        return f"{short(text, 90)} is a {kind}; yours returned {short(got)}."
    name = next(name for name, value in parts(expected).items() if exactly(parts(got)[name]) != exactly(value))
    wanted, there = short(parts(expected)[name]), short(parts(got)[name])
    return f"the `{name}` of this {kind} is {wanted}; yours is {there}."


ORDER = "the order is `FrameError(code, unique_id, description)`: the code comes first, then the id or None."


def in_order(kit: Kit, raw: Any, error: FrameError) -> None:
    """Refuse an error whose arguments stand in another order: then each of them would be judged as what it is not."""
    codes = ("FormationViolation", "PropertyConstraintViolation")
    if error.code not in codes and (error.unique_id in codes or error.description in codes):
        kit.require(False, f"{short(raw, 34)} gave the code {error.code!r}", ORDER)


def frame_error(kit: Kit, raw: Any, got: Any, taken: str) -> FrameError:
    """The FrameError; refuses another exception, and a frame that came instead: of that, ``taken`` is said."""
    if isinstance(got, Exception) and not isinstance(got, FrameError):
        raise Wrong(f"{short(raw, 34)} raised {type(got).__name__}", _escaped(raw, got))
    kit.require(isinstance(got, FrameError), f"{short(raw, 34)} gave {short(got)}", taken)
    assert isinstance(got, FrameError)
    in_order(kit, raw, got)
    return got


def _escaped(raw: Any, error: Exception) -> str:
    """Of an exception that the caller does not know."""
    if isinstance(error, ValueError) and isinstance(raw, str):
        return "the caller can only handle FrameError; catch what the parser raises and say it in our words."
    name, text = type(error).__name__, short(raw if isinstance(raw, str) else json.dumps(raw), 60)
    return f"{name} came out for {text or 'an empty text'}; the caller can only handle FrameError."
