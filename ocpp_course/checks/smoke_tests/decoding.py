"""1.1: text becomes a frame, or a FrameError that says whom to answer."""

from __future__ import annotations

import json
from typing import Any

from ocpp_lab.errors import FrameError
from ocpp_lab.frames import ERROR_CODES, Call, CallError, CallResult, decode
from ocpp_lab.messages import ACTIONS

from ..kit import Kit, short
from ..step import Step, Wrong

step = Step("1.1", "`decode`: text to frame", ("decode",), points=3, minutes=9, reference=lambda: decode)

SHOWN: list[tuple[str, Any]] = [
    ('[2,"17","Heartbeat",{}]', Call("17", "Heartbeat", {})),
    (
        '[3,"17",{"currentTime":"2025-06-06T17:40:00Z"}]',
        CallResult("17", {"currentTime": "2025-06-06T17:40:00Z"}),
    ),
    ('[4,"17","InternalError","database is down",{}]', CallError("17", "InternalError", "database is down", {})),
]
"""The texts of the exercise."""
NO_FRAMES = ["", " ", "{}", "[]", "42", "null", '"[2]"', "true", "[2", '[2,"17","Heartbeat",{}', "\x00", "NULL", "[[]]"]
DEEP = [
    "[" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    '[2,"17","DataTransfer",' + '{"a":' * 100_000 + "0" + "}" * 100_000 + "]",
]
"""Too deep for any parser that keeps its place on the stack."""
KIND = {2: "Call", 3: "CallResult", 4: "CallError"}
SHAPES: dict[int, type] = {2: Call, 3: CallResult, 4: CallError}
CODE = "what is no frame is a FormationViolation here; J-spec 4.2.3 has that code for payloads, and none for frames."


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
                text = kit.rng.choice(["", "Zähler kaputt", 'a "quoted" word', "line\nbreak", "電源"])
                made.append(([4, unique_id, code, text, payload], CallError(unique_id, code, text, payload)))
    return made


def a_payload(kit: Kit) -> dict[str, Any]:
    rng = kit.rng
    values = [rng.randint(-9, 9), "Grüße", None, True, [1, {"a": []}], {"x": {"y": rng.randint(0, 99)}}, 21.4]
    return {f"key{n}": rng.choice(values) for n in range(rng.randint(0, 3))}


def outcome(my: Any, raw: Any) -> Any:
    """The frame, or the exception; a text goes in as it is."""
    try:
        got = my.decode(raw if isinstance(raw, str) else json.dumps(raw))
    except Exception as error:
        return error
    if isinstance(got, BaseException):
        said = "the error came back as a result, and the caller takes it for a frame; `raise` it."
        raise Wrong(f"returned {type(got).__name__}", said)
    return got


def refuses(my: Any, kit: Kit, raw: Any, diagnosis: str) -> None:
    """Whether the exception is of the right kind is told elsewhere (`not_a_frame`)."""
    got = outcome(my, raw)
    if not isinstance(got, Exception | SHAPES.get(raw[0], object)):
        diagnosis = "what is no frame was taken for one; raise FrameError."
    kit.require(isinstance(got, Exception), f"{short(raw, 34)} gave {short(got)}", diagnosis)


@step.check("a Call, a CallResult and a CallError, each with its parts")
def three_shapes(my: Any, kit: Kit) -> str:
    """A frame is an array whose first element says what it is: 2, 3 or 4 (J-spec 4.1.3, 4.2)."""
    for text, expected in SHOWN:
        got = outcome(my, text)
        kit.require(got == expected, f"{text} gave {short(got)}", f"{text} is a {type(expected).__name__}.")
    drawn = frames(kit, 60)
    bad = [(raw, got) for raw, expected in drawn if (got := outcome(my, raw)) != expected]
    if len(bad) == len(drawn):
        said = "decodes the examples only; the check sends frames you have not seen."
        kit.require(False, f"0 of {len(drawn)} new frames", said)
    for raw, got in bad:
        said = f"a {KIND[raw[0]]} that is well-formed was not understood."
        kit.require(False, f"{short(json.dumps(raw))} gave {short(got)}", said)
    for raw, expected in _unheard_of(kit):
        said = "whether anybody knows that action or code is decided elsewhere; a string is enough for a frame."
        kit.equal(outcome(my, raw), expected, said)
    for raw, expected in drawn[:3]:
        said = "JSON may have spaces and line breaks between its parts: this is a frame."
        kit.equal(outcome(my, f" {json.dumps(raw, indent=1)}\n"), expected, said)
    return f"{len(SHOWN) + len(drawn) + 5} frames"


def _unheard_of(kit: Kit) -> list[tuple[list[Any], Any]]:
    """Well-formed frames with an action and a code that OCPP does not know."""
    unique_id, name = an_id(kit), f"Vendor{kit.rng.randint(100, 999)}"
    return [
        ([2, unique_id, name, {}], Call(unique_id, name, {})),
        ([4, unique_id, name, "why", {}], CallError(unique_id, name, "why", {})),
    ]


@step.check("4, 3 and 5 elements, neither fewer nor more")
def exact_length(my: Any, kit: Kit) -> str:
    """A Call has four elements, a CallResult three, a CallError five (J-spec 4.2.1 to 4.2.3)."""
    too_long = "a {} has exactly {} elements; yours took {} and dropped one."
    words = {3: "three", 4: "four", 5: "five", 6: "six"}
    for raw, _ in sorted(frames(kit, 12), key=lambda each: int(each[0][0])):
        kind, size = KIND[raw[0]], len(raw)
        refuses(my, kit, [*raw, {}], too_long.format(kind, words[size], words[size + 1]))
        for length in range(1, size):
            said = f"a {kind} has exactly {words[size]} elements; yours took fewer and made up the rest."
            refuses(my, kit, raw[:length], said)
    return "no other length"


@step.check("a number, null and 37 characters are refused as id")
def id_is_string(my: Any, kit: Kit) -> str:
    """The unique id is a string of at most 36 characters (J-spec 4.1.4)."""
    said = '7 became "7"; the reply would go to an id that nobody sent.'
    refuses(my, kit, [2, 7, "Heartbeat", {}], said)
    others: list[Any] = [None, True, 1.5, ["17"], {}, kit.rng.randint(10, 10**9)]
    for bad in others:
        for raw in ([2, bad, "Heartbeat", {}], [3, bad, {}], [4, bad, "GenericError", "", {}]):
            refuses(my, kit, raw, "the unique id is a string; nothing else can be matched with the id that was sent.")
    for length in (37, kit.rng.randint(38, 99)):
        raw = [2, an_id(kit, length), "Heartbeat", {}]
        refuses(my, kit, raw, "a unique id has at most 36 characters, so that a UUID fits (J-spec 4.1.4).")
        got = outcome(my, raw)
        code = getattr(got, "code", "PropertyConstraintViolation")
        kit.equal(code, "PropertyConstraintViolation", "an id that is too long is a PropertyConstraintViolation.")
    whole = an_id(kit, 36)
    kit.equal(outcome(my, [3, whole, {}]), CallResult(whole, {}), "36 characters are allowed: a UUID has as many.")
    return "refused"


@step.check("null as payload reads as {}")
def null_is_empty(my: Any, kit: Kit) -> str:
    """An empty payload may come as null (J-spec 4.2.1)."""
    unique_id = an_id(kit)
    said = "a payload of null means that there is nothing to say: read it as `{}`."
    kit.equal(outcome(my, [2, unique_id, "Heartbeat", None]), Call(unique_id, "Heartbeat", {}), said)
    kit.equal(outcome(my, [3, unique_id, None]), CallResult(unique_id, {}), said)
    got = outcome(my, [4, unique_id, "GenericError", "", None])
    kit.require(getattr(got, "details", {}) == {}, f"details {getattr(got, 'details', {})!r}", said)
    return "{}"


@step.check('FrameError, "FormationViolation", and nothing else')
def not_a_frame(my: Any, kit: Kit) -> str:
    """Whatever comes over the wire, the caller handles one exception: FrameError."""
    bad: list[Any] = [*NO_FRAMES, [2], [2, "17"], [3, "17"], [2, "17", "Heartbeat", {}, {}], [None], [[2], "17"]]
    bad += [[2, 17, "Heartbeat", {}], [{"a": 1}, "17", {}], [3], [4, "17", 5, "", {}], {"2": "17"}]
    bad += [an_id(kit) + "{", "[" * kit.rng.randint(2, 9), kit.rng.randint(0, 10**6)]
    for raw in bad:
        got = outcome(my, raw)
        said = "the caller can only handle FrameError; catch what the parser raises and say it in our words."
        kit.require(not isinstance(got, Exception) or isinstance(got, FrameError), type(got).__name__, said)
        shown = f"{short(raw, 30)} gave {short(got)}"
        kit.require(isinstance(got, FrameError), shown, "this text is no frame: raise FrameError.")
        kit.equal(got.code, "FormationViolation", CODE)
        kit.require(
            isinstance(got.description, str), "no description", "the description is a text: say what was expected."
        )
    return f"{len(bad)} texts refused"


@step.check("a bad Call with a good id reports the id; a bad reply does not")
def keeps_the_id(my: Any, kit: Kit) -> str:
    """A Call that cannot be processed is answered with a CallError, under its id; a reply never is (J-spec 4.2.3)."""
    ids = ["17", *(an_id(kit) for _ in range(8))]
    for unique_id in ids:
        for raw in (
            [2, unique_id],
            [2, unique_id, "Heartbeat"],
            [2, unique_id, "Heartbeat", {}, {}],
            [2, unique_id, 5, {}],
            [2, unique_id, "Heartbeat", []],
            [2, unique_id, "Heartbeat", "text"],
        ):
            got = outcome(my, raw)
            said = "this was taken for a frame: an action is a string, a payload is an object (J-spec 4.2.1)."
            kit.require(isinstance(got, FrameError), f"{short(raw, 40)} gave {short(got)}", said)
            said = "without the id nobody can be answered; the peer will wait for its whole timeout."
            kit.require(got.unique_id == unique_id, f"unique_id {got.unique_id!r}", said)
        for raw in (
            [3, unique_id],
            [3, unique_id, []],
            [4, unique_id, "GenericError"],
            [4, unique_id, 1, "", {}],
            [4, unique_id, "GenericError", None, {}],
            [4, unique_id, "GenericError", "", "text"],
        ):
            got = outcome(my, raw)
            said = "this was taken for a frame: a payload is an object, a code is a string (J-spec 4.2.2, 4.2.3)."
            kit.require(isinstance(got, FrameError), f"{short(raw, 40)} gave {short(got)}", said)
            said = "only a Call is answered with a CallError; a bad reply must not report its id."
            kit.require(got.unique_id is None, f"unique_id {got.unique_id!r}", said)
    return "the id, or None"


@step.check("any other first element: FrameError without an id")
def other_type(my: Any, kit: Kit) -> str:
    """A message type other than 2, 3 and 4 is ignored (J-spec 4.1.3): nobody is answered."""
    unique_id = an_id(kit)
    said = "2.0 equals 2 in Python; the type must be the integer."
    for kind, rest in ((2.0, ["Heartbeat", {}]), (3.0, [{}]), (4.0, ["GenericError", "", {}])):
        got = outcome(my, [kind, unique_id, *rest])
        kit.require(isinstance(got, FrameError), f"{kind} was taken for {int(kind)}", said)
    kinds: list[Any] = [7, 0, 1, 5, -2, kit.rng.randint(6, 99), "2", "Call", True, None, [2], {}]
    for other in kinds:
        for raw in ([other, unique_id], [other, unique_id, {}], [other, unique_id, "Heartbeat", {}]):
            got = outcome(my, raw)
            said = "only 2, 3 and 4 are message types (J-spec 4.1.3): raise FrameError."
            kit.require(isinstance(got, FrameError), f"{short(raw, 40)} gave {short(got)}", said)
            said = "only a Call is answered; of another message type nobody knows whether it is one."
            kit.require(got.unique_id is None, f"unique_id {got.unique_id!r}", said)
    return "refused"


@step.check("nested 100,000 levels deep: FrameError too")
def any_depth(my: Any, kit: Kit) -> str:
    """A peer may send any text; no text may end the task that reads."""
    for text in DEEP:
        got = outcome(my, text)
        came = f"{type(got).__name__} for {short(text, 30)}"
        said = "nested deeply, a text makes the parser raise RecursionError. It is no ValueError: catch it too."
        kit.require(not isinstance(got, RecursionError), came, said)
        kit.require(isinstance(got, FrameError), came, "this text is no frame: raise FrameError.")
        kit.equal(got.code, "FormationViolation", CODE)
        kit.require(got.unique_id is None, came, "a text that is no JSON has no elements, and so no id to tell.")
    payload: Any = kit.rng.randint(0, 99)
    for _ in range(50):
        payload = {"a": [payload]}
    said = "100 levels are no trouble for a parser: this is a frame."
    kit.equal(outcome(my, [3, "17", payload]), CallResult("17", payload), said)
    return "refused"
