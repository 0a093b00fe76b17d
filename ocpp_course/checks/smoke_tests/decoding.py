"""1.1: text becomes a frame, or a FrameError that says whom to answer."""

from __future__ import annotations

import json
from typing import Any

from ocpp_lab.errors import FrameError
from ocpp_lab.frames import Call, CallError, CallResult, decode

from ..kit import Kit, short
from ..step import Step
from .texts import (
    DEEP,
    LEVELS,
    NO_FRAMES,
    NO_JSON,
    SHOWN,
    an_id,
    came,
    frame_error,
    frames,
    in_order,
    outcome,
    said_of,
    same,
)

step = Step("1.1", "`decode`: text to frame", ("decode",), points=3, minutes=25, reference=lambda: decode)

KIND = {2: "Call", 3: "CallResult", 4: "CallError"}
CODE = "what is no frame is a FormationViolation here; J-spec 4.2.3 has that code for payloads, and none for frames."
TAKEN = "what is no frame was taken for one; raise FrameError."
STRING = "the unique id is a string; nothing else can be matched with the id that was sent."
FLOAT = "2.0 equals 2 in Python, and this text reports an id; only the integer 2 is a Call."
NOBODY = "a text that is no JSON has no elements, and so no id to tell."


def decoded(my: Any, kit: Kit, raw: Any, expected: Any, diagnosis: str = "") -> None:
    """Refuse the answer unless this frame is understood; without a ``diagnosis`` the part that differs is named."""
    got = outcome(my, raw)
    if isinstance(got, Exception) and not isinstance(got, FrameError):
        raise got
    text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)
    if not same(got, expected):
        kit.require(False, f"{short(text)} gave {came(got)}", diagnosis or said_of(text, got, expected))


def refused(my: Any, kit: Kit, raw: Any, taken: str = TAKEN) -> FrameError:
    """The FrameError; ``taken`` is said of a frame that came instead."""
    return frame_error(kit, raw, outcome(my, raw), taken)


def not_taken(my: Any, kit: Kit, raw: Any, taken: str) -> Any:
    """The exception; whether it is of the right kind is told elsewhere (`not_a_frame`)."""
    got = outcome(my, raw)
    kit.require(isinstance(got, Exception), f"{short(raw, 34)} gave {short(got)}", taken)
    if isinstance(got, FrameError):
        in_order(kit, raw, got)
    return got


@step.check("a Call, a CallResult and a CallError, each with its parts")
def three_shapes(my: Any, kit: Kit) -> str:
    """A frame is an array whose first element says what it is: 2, 3 or 4 (J-spec 4.1.3, 4.2)."""
    for text, expected in SHOWN:
        decoded(my, kit, text, expected)
    drawn = frames(kit, 60)
    bad = [(raw, expected) for raw, expected in drawn if not same(outcome(my, raw), expected)]
    if len(bad) == len(drawn):
        said = "decodes the examples only; the check sends frames you have not seen."
        kit.require(False, f"{short(json.dumps(bad[0][0]), 40)} gave {came(outcome(my, bad[0][0]))}", said)
    decoded(my, kit, [3, "17", {"big": 2**62 + 1}], CallResult("17", {"big": 2**62 + 1}))
    for raw, expected in bad:
        decoded(my, kit, raw, expected)
    said = "whether anybody knows that action or code is decided elsewhere; a string is enough for a frame."
    for raw, expected in _unheard_of(kit):
        decoded(my, kit, raw, expected, said)
    for raw, expected in drawn[:3]:
        said = "JSON may have spaces and line breaks between its parts: this is a frame."
        decoded(my, kit, f" {json.dumps(raw, indent=1)}\n", expected, said)
    return f"{len(SHOWN) + len(drawn) + 7} frames"


def _unheard_of(kit: Kit) -> list[tuple[list[Any], Any]]:
    """Well-formed frames with an action and a code that OCPP does not know."""
    unique_id, name = an_id(kit), f"Vendor{kit.rng.randint(100, 999)}"
    return [
        ([2, unique_id, name, {}], Call(unique_id, name, {})),
        ([2, unique_id, "", {}], Call(unique_id, "", {})),
        ([4, unique_id, name, "why", {}], CallError(unique_id, name, "why", {})),
    ]


@step.check("4, 3 and 5 elements, neither fewer nor more")
def exact_length(my: Any, kit: Kit) -> str:
    """A Call has four elements, a CallResult three, a CallError five (J-spec 4.2.1 to 4.2.3)."""
    words = {3: "three", 4: "four", 5: "five", 6: "six"}
    for raw, expected in sorted(frames(kit, 12), key=lambda each: int(each[0][0])):
        kind, size = KIND[raw[0]], len(raw)
        got = outcome(my, [*raw, {}])
        said = f"a {kind} has exactly {words[size]} elements; yours took {words[size + 1]} and dropped one."
        not_taken(my, kit, [*raw, {}], said if same(got, expected) else TAKEN)
        for length in range(1, size):
            said = f"a {kind} has exactly {words[size]} elements; yours took fewer and made up the rest."
            not_taken(my, kit, raw[:length], said)
    return "no other length"


@step.check("a number, null and 37 characters are refused as id")
def id_is_string(my: Any, kit: Kit) -> str:
    """The unique id is a string of at most 36 characters (J-spec 4.1.4)."""
    got = outcome(my, [2, 7, "Heartbeat", {}])
    coerced = getattr(got, "unique_id", None) == "7"
    said = '7 became "7"; the reply would go to an id that nobody sent.' if coerced else STRING
    not_taken(my, kit, [2, 7, "Heartbeat", {}], said)
    others: list[Any] = [None, True, 1.5, ["17"], {}, kit.rng.randint(10, 10**9)]
    for bad in others:
        for raw in ([2, bad, "Heartbeat", {}], [3, bad, {}], [4, bad, "GenericError", "", {}]):
            not_taken(my, kit, raw, STRING)
    for length in (37, kit.rng.randint(38, 99)):
        long = an_id(kit, length)
        for raw in ([2, long, "Heartbeat", {}], [3, long, {}], [4, long, "GenericError", "", {}]):
            said = "a unique id has at most 36 characters, so that a UUID fits (J-spec 4.1.4)."
            error = not_taken(my, kit, raw, said)
            said = "an id that is too long is a PropertyConstraintViolation."
            kit.equal(getattr(error, "code", "PropertyConstraintViolation"), "PropertyConstraintViolation", said)
            error = not_taken(my, kit, raw[:-1], TAKEN)
            said = "an id that is too long is a PropertyConstraintViolation, also if an element is missing."
            kit.equal(getattr(error, "code", "PropertyConstraintViolation"), "PropertyConstraintViolation", said)
    _ids_as_they_are(my, kit)
    return "refused"


def _ids_as_they_are(my: Any, kit: Kit) -> None:
    whole, word = an_id(kit, 36), an_id(kit)
    decoded(my, kit, [3, whole, {}], CallResult(whole, {}), "36 characters are allowed: a UUID has as many.")
    said = "36 characters are allowed, whichever they are: count characters, not bytes."
    for wide in ("é" * 36, "電" * 36):
        decoded(my, kit, [3, wide, {}], CallResult(wide, {}), said)
    said = "an id is given on as it came, with the spaces at its ends: the peer compares strings."
    for odd in (f" {word[:30]}", f"{word[:30]}  ", f"\t{word[:30]}"):
        decoded(my, kit, [2, odd, "Heartbeat", {}], Call(odd, "Heartbeat", {}), said)
    said = "an id is any string of at most 36 characters, the empty one too."
    decoded(my, kit, [3, "", {}], CallResult("", {}), said)


@step.check("null as payload reads as {}")
def null_is_empty(my: Any, kit: Kit) -> str:
    """An empty payload may come as null (J-spec 4.2.1)."""
    unique_id = an_id(kit)
    said = "a payload of null means that there is nothing to say: read it as `{}`."
    decoded(my, kit, [2, unique_id, "Heartbeat", None], Call(unique_id, "Heartbeat", {}), said)
    decoded(my, kit, [3, unique_id, None], CallResult(unique_id, {}), said)
    said = "details of null mean that there is nothing to say: read them as `{}`."
    decoded(my, kit, [4, unique_id, "GenericError", "", None], CallError(unique_id, "GenericError", "", {}), said)
    for raw in ([2, unique_id, "Heartbeat", None], [3, unique_id, None], [4, unique_id, "GenericError", "", None]):
        first, second = (getattr(outcome(my, raw), "details" if raw[0] == 4 else "payload") for _ in "12")
        said = (
            "two frames share one `{}`: what is written into the first is in the second too. Make a new one each time."
        )
        kit.require(first is not second, "the same object twice", said)
    return "{}"


@step.check('FrameError, "FormationViolation", and nothing else')
def not_a_frame(my: Any, kit: Kit) -> str:
    """Whatever comes over the wire, the caller handles one exception: FrameError."""
    texts = [*NO_JSON, an_id(kit) + "{", "[" * kit.rng.randint(2, 9)]
    for text in texts:
        error = refused(my, kit, text, "this text is no frame: raise FrameError.")
        kit.require(error.unique_id is None, f"{short(text, 30)} reports {error.unique_id!r}", NOBODY)
    bad: list[Any] = [*NO_FRAMES, [2], [2, "17"], [3, "17"], [2, "17", "Heartbeat", {}, {}], [None], [[2], "17"]]
    bad += [[2, 17, "Heartbeat", {}], [{"a": 1}, "17", {}], [3], [4, "17", 5, "", {}], {"2": "17"}]
    bad += [[3, "17", "Heartbeat", {}], [2, "17", "Heartbeat", "x", {}], [4, "17", "GenericError", "", "x", {}]]
    for raw in [*texts, *bad, kit.rng.randint(0, 10**6)]:
        error = refused(my, kit, raw, "this text is no frame: raise FrameError.")
        kit.equal(error.code, "FormationViolation", CODE)
        said = "the description is a text: say what was expected."
        kit.require(isinstance(error.description, str) and error.description, "no description", said)
    return f"{len(texts) + len(bad) + 1} texts refused"


@step.check("a bad Call with a good id reports the id; a bad reply does not")
def keeps_the_id(my: Any, kit: Kit) -> str:
    """A Call that cannot be processed is answered with a CallError, under its id; a reply never is (J-spec 4.2.3)."""
    for unique_id in ["17", " 17", "é" * 36, *(an_id(kit) for _ in range(8))]:
        for raw in _bad_calls(unique_id):
            said = "this was taken for a frame: an action is a string, a payload is an object (J-spec 4.2.1)."
            told = refused(my, kit, raw, said).unique_id
            said = "without the id nobody can be answered; the peer will wait for its whole timeout."
            if told is not None:
                said = "it reports another id than the one that came; the peer compares strings."
            kit.require(told == unique_id, f"{short(raw, 40)} reports {told!r}", said)
        for raw in _bad_replies(unique_id):
            said = "this was taken for a frame: a payload is an object, a code is a string (J-spec 4.2.2, 4.2.3)."
            told = refused(my, kit, raw, said).unique_id
            said = "only a Call is answered with a CallError; a bad reply must not report its id."
            kit.require(told is None, f"{short(raw, 40)} reports {told!r}", said)
    for raw in ([2, 7, "Heartbeat", {}], [2, None, "Heartbeat", {}], [2, ["17"], "Heartbeat", {}], [2, 7], [2]):
        told = refused(my, kit, raw).unique_id
        said = "what stands in the place of the id is no string; then there is no id to tell, and `unique_id` is None."
        kit.require(told is None, f"{short(raw, 40)} reports {told!r}", said)
    return "the id, or None"


def _bad_calls(unique_id: str) -> list[list[Any]]:
    rest: list[list[Any]] = [[], ["Heartbeat"], ["Heartbeat", {}, {}], [5, {}], [None, {}], ["Heartbeat", []]]
    return [[2, unique_id, *each] for each in [*rest, ["Heartbeat", "text"], ["Heartbeat", 0], ["Heartbeat", False]]]


def _bad_replies(unique_id: str) -> list[list[Any]]:
    results: list[list[Any]] = [[], [[]], [""], [0]]
    errors: list[list[Any]] = [["GenericError"], [1, "", {}], ["GenericError", None, {}], ["GenericError", "", "text"]]
    errors.append(["GenericError", "", []])
    return [[3, unique_id, *each] for each in results] + [[4, unique_id, *each] for each in errors]


@step.check("any other first element: FrameError without an id")
def other_type(my: Any, kit: Kit) -> str:
    """A message type other than 2, 3 and 4 is ignored (J-spec 4.1.3): nobody is answered."""
    unique_id = an_id(kit)
    nobody = "only a Call is answered; of another message type nobody knows whether it is one."
    said = "2.0 equals 2 in Python; the type must be the integer."
    for kind, rest in ((2.0, ["Heartbeat", {}]), (3.0, [{}]), (4.0, ["GenericError", "", {}])):
        error = refused(my, kit, [kind, unique_id, *rest], said)
        reports_any = kind == 2.0 and refused(my, kit, [3.0, unique_id, {}], said).unique_id is not None
        told = FLOAT if kind == 2.0 and not reports_any else nobody
        kit.require(error.unique_id is None, f"{short([kind, unique_id], 30)} reports {error.unique_id!r}", told)
    kinds: list[Any] = [7, 0, 1, 5, -2, kit.rng.randint(6, 99), "2", "Call", True, None, [2], {}]
    for other in kinds:
        for raw in ([other, unique_id], [other, unique_id, {}], [other, unique_id, "Heartbeat", {}]):
            error = refused(my, kit, raw, "only 2, 3 and 4 are message types (J-spec 4.1.3): raise FrameError.")
            kit.require(error.unique_id is None, f"unique_id {error.unique_id!r}", nobody)
    return "refused"


@step.check(f"nested {LEVELS:,} levels deep: FrameError too")
def any_depth(my: Any, kit: Kit) -> str:
    """A peer may send any text; no text may end the task that reads."""
    for text in DEEP:
        got = outcome(my, text)
        said = "nested deeply, a text makes the parser raise RecursionError. It is no ValueError: catch it too."
        kit.require(not isinstance(got, RecursionError), f"{came(got)} for {short(text, 30)}", said)
        error = frame_error(kit, text, got, "this text is no frame: raise FrameError.")
        kit.equal(error.code, "FormationViolation", CODE)
        kit.require(error.unique_id is None, f"unique_id {error.unique_id!r}", NOBODY)
    payload: Any = kit.rng.randint(0, 99)
    for _ in range(50):
        payload = {"a": [payload]}
    decoded(my, kit, [3, "17", payload], CallResult("17", payload), "100 levels are no trouble: this is a frame.")
    return "refused"


@step.check("the whole text is one JSON array; NaN is no JSON")
def strict_json(my: Any, kit: Kit) -> str:
    """A frame is JSON, and nothing stands before it or behind it (J-spec 4.1.2)."""
    whole = json.dumps([2, an_id(kit), "DataTransfer", {"vendorId": "Lab"}])
    for before, behind in (("x", ""), ("frame: ", ""), ("", "x"), ("", "]"), ("[1]", ""), ("", whole), ("{}", "")):
        said = f"nothing may stand {'before' if before else 'behind'} the array: this text is no JSON."
        error = refused(my, kit, before + whole + behind, said)
        kit.require(error.unique_id is None, f"unique_id {error.unique_id!r}", NOBODY)
    for odd in "\u00a0\ufeff\u3000\x0b":
        for text in (odd + whole, whole + odd):
            name = f"U+{ord(odd):04X}"
            said = f"{name} is no white space in JSON: only space, tab, line feed and carriage return are."
            got = outcome(my, text)
            error = frame_error(kit, text, got, said)
            kit.require(error.unique_id is None, f"unique_id {error.unique_id!r}", NOBODY)
    said = "NaN and Infinity are no JSON, although Python's `json` reads them; `parse_constant` can refuse them."
    for word in ("NaN", "Infinity", "-Infinity"):
        raw = f'[2,"{an_id(kit)}","DataTransfer",{{"data":[1,{word}]}}]'
        error = refused(my, kit, raw, said)
        kit.require(error.unique_id is None, f"unique_id {error.unique_id!r}", NOBODY)
    return "refused"
