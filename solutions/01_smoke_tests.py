# %% [markdown]
# ![17:40 on Friday night. CP_1 calls home, and nobody answers.](../notebooks/pictures/01.svg)
#
# [START](../START.ipynb) · [notebook 1](../notebooks/01_smoke_tests.ipynb) · **6 steps and a capstone, about 2 h 25, 20 points** · [exercise 2 →](02_dispatch_and_router.ipynb)
#
# # Exercise 1. Smoke tests: did anybody hear me, and how long do I wait?
#
# **17:40.** Charge point `CP_1` boots, and nobody answers. It sends a thousand frames at once, and is cut off. Nobody
# can say what happened to its calls.
#
# You write the lowest layer of a stack: `decode` and `encode` for frames, and `Transport`, which sends one text at a
# time. Then you write five smoke tests. We run them on right stacks and on broken ones. At the end your `Transport`
# carries a real charge point.
#
# - **Before:** notebook [1](../notebooks/01_smoke_tests.ipynb). Is `async`/`await` new to you? Then do the
#   [warm-up](../notebooks/00_asyncio_warm_up.ipynb) first.
# - **Level:** for 1.1 and 1.2 you need Python functions, dicts and exceptions. From 1.3 on you need asyncio as the
#   warm-up shows it: a task, a queue, an event, a timeout, a cancellation. You need no OCPP.
# - **Time:** about 2 h 25 min. This and the minutes of each step are estimates: you may well need half or twice as
#   long. There are six steps and a capstone, and 20 points. Take them in four sittings:
#
# | sitting | steps | about |
# |---|---|---|
# | 1 | 1.1 and 1.2: frames | 40 min |
# | 2 | 1.3 and 1.4: the transport | 45 min |
# | 3 | 1.5 and 1.6: smoke tests | 40 min |
# | 4 | the capstone | 20 min |

# %% tags=["scaffold"]
from ocpp_course import lab
from ocpp_course import check, hint, mine, progress, solution, use_reference

guard = lab.Guard()
guard

# %% [markdown]
# Run a stub cell, then the cell below it: it says what is right, what is wrong, and why.
# Stuck? `hint("1.1")` gives one hint more each time. `solution("1.1")` shows our answer.
# `decode = use_reference("1.1")` takes the package's piece, for no points. `progress()` shows how far you are.
#
# In brackets stands where OCPP says it: *J-spec* is OCPP-J 1.6, the JSON transport; *core* is OCPP 1.6 edition 2;
# *errata* are their official corrections; *whitepaper* is the security whitepaper. A *connection* is one WebSocket
# between a charge point and its central system.

# %% [markdown]
# ## 1.1 `decode`: text to frame
#
# A frame is a JSON array. Its first element says what it is (J-spec 4.1.3). Nothing else is a frame:
#
# | first | type | elements |
# |---|---|---|
# | 2 | `Call` | `[2, unique_id, action, payload]` |
# | 3 | `CallResult` | `[3, unique_id, payload]` |
# | 4 | `CallError` | `[4, unique_id, code, description, details]` |
#
# Three examples: `[2,"17","Heartbeat",{}]`, `[3,"17",{"currentTime":"2025-06-06T17:40:00Z"}]` and
# `[4,"17","InternalError","database is down",{}]`.
#
# Any text can come over a connection, even `[` a hundred thousand times. The code that calls `decode` handles only one
# exception, `FrameError`. So no other exception may leave `decode`.
#
# A `FrameError` has a `unique_id`. If it is a string, the session answers the peer with a CallError that has this id.
# If it is None, the session ignores the text (J-spec 4.1.3). Only a Call may be answered so. An error as the answer to
# an answer would never end.
#
# `json.loads` is more generous than JSON: it also reads NaN and Infinity. Its argument `parse_constant` is a function
# that is called for them, and may raise ValueError.
#
# The specification has no error code for a text that is no frame. We take FormationViolation, which J-spec 4.2.3 has
# for payloads.

# %%
### STEP 1.1 · 3 points · 25 minutes
### HINT Ask four questions, in this order. Is it JSON? Is it a list? Is its first element 2, 3 or 4? Has it the right
###      length and the right types? At the first "no", raise `FrameError`.
### HINT `match` on a list checks length and types at once: `case [int(t), str(i), …]`. Take care: `True` is an `int`,
###      and 2.0 == 2.
### HINT `try: raw = json.loads(text, parse_constant=…)`, `except (ValueError, RecursionError):
###      raise FrameError("FormationViolation", None, …)`. Then write one `case` for each type. The last two cases are
###      `case [int(2), str(unique_id), *_]`, which reports the id, and everything else, which does not.
import json

from ocpp_lab import Call, CallError, CallResult, FrameError


### BEGIN SOLUTION
def decode(text: str) -> Call | CallResult | CallError:
    """Return the frame that the text is. If it is none, raise FrameError(code, unique_id, description).

    Nothing but FrameError is raised, whatever the parser raises: not RecursionError either, which it raises for a text
    that is nested too deeply.

    What a frame is:

    - The whole text is one JSON array. Only JSON's white space may stand before it or behind it: space, tab, line feed,
      carriage return. NaN and Infinity are no JSON.
    - The message type is the integer 2, 3 or 4. The array has exactly 4, 3 or 5 elements.
    - The id is a string of 0 to 36 characters (not bytes). It is given on as it came, with any spaces at its ends.
    - The action, the error code and the description are strings, any strings.
    - Payload and details are objects, and are given on as they came, large integers too. null reads as a new {}.

    What FrameError says:

    - ``code`` is "PropertyConstraintViolation" if the array begins with 2, 3 or 4 and an id that is a string of more
      than 36 characters, whatever follows. Else it is "FormationViolation".
    - ``unique_id`` is the id of a bad Call: the text is JSON, the first element is the integer 2, and the second is a string of at
      most 36 characters. In all other cases it is None. One case is not checked: if the id of a Call is too long, you
      may report it or None.
    - ``description`` is a text, not empty: what was expected, in your words.
    """

    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    try:
        raw = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise FrameError("FormationViolation", None, f"expected JSON: {error}") from None
    match raw:
        case [int(2 | 3 | 4), str(unique_id), *_] if len(unique_id) > 36:
            raise FrameError("PropertyConstraintViolation", None, "expected an id of at most 36 characters")
        case [int(2), str(unique_id), str(action), dict() | None as payload]:
            return Call(unique_id, action, payload or {})
        case [int(3), str(unique_id), dict() | None as payload]:
            return CallResult(unique_id, payload or {})
        case [int(4), str(unique_id), str(code), str(description), dict() | None as details]:
            return CallError(unique_id, code, description, details or {})
        case [int(2), str(unique_id), *_]:
            raise FrameError("FormationViolation", unique_id, "expected [2, id, action, payload]")
    raise FrameError("FormationViolation", None, "expected an array that begins with 2, 3 or 4, and all its elements")


### WRONG trusts-length -> exact-length: a Call has exactly four elements; yours took five and dropped one.
_exact_decode = decode


def decode(text):
    try:
        raw = json.loads(text)
        if raw[0] == 2 and len(raw) > 4:
            text = json.dumps(raw[:4])
    except (ValueError, TypeError, LookupError):
        pass
    return _exact_decode(text)


### WRONG leaks-json-error -> not-a-frame: the caller can only handle FrameError; catch what the parser raises and say
###       it in our words.
def decode(text):
    raw = json.loads(text)
    kind, unique_id, *rest = raw
    if not isinstance(unique_id, str):
        raise FrameError("FormationViolation", None, "the id must be a string")
    if len(unique_id) > 36:
        raise FrameError("PropertyConstraintViolation", None, "the id is too long")
    shape = {2: Call, 3: CallResult, 4: CallError}[kind]
    if len(rest) != {2: 2, 3: 1, 4: 3}[kind]:
        raise FrameError("FormationViolation", unique_id if kind == 2 else None, "wrong length")
    return shape(unique_id, *rest[:-1], rest[-1] or {})


### WRONG forgets-recursion -> any-depth: nested deeply, a text makes the parser raise RecursionError. It is no
###       ValueError: catch it too.
def decode(text):
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise FrameError("FormationViolation", None, f"expected JSON: {error}") from None
    match raw:
        case [int(2 | 3 | 4), str(unique_id), *_] if len(unique_id) > 36:
            raise FrameError("PropertyConstraintViolation", None, "expected an id of at most 36 characters")
        case [int(2), str(unique_id), str(action), dict() | None as payload]:
            return Call(unique_id, action, payload or {})
        case [int(3), str(unique_id), dict() | None as payload]:
            return CallResult(unique_id, payload or {})
        case [int(4), str(unique_id), str(code), str(description), dict() | None as details]:
            return CallError(unique_id, code, description, details or {})
        case [int(2), str(unique_id), *_]:
            raise FrameError("FormationViolation", unique_id, "expected [2, id, action, payload]")
    raise FrameError("FormationViolation", None, "expected a frame")


### WRONG returns-the-error -> exact-length: the error came back as a result, and the caller takes it for a frame; `raise`
###       it.
_exact_decode = decode


def decode(text):
    try:
        return _exact_decode(text)
    except FrameError as error:
        return error


### WRONG knows-its-actions -> three-shapes: whether anybody knows that action or code is decided elsewhere; a string is
###       enough for a frame.
from ocpp_lab.messages import ACTIONS

_exact_decode = decode


def decode(text):
    frame = _exact_decode(text)
    if isinstance(frame, Call) and frame.action not in ACTIONS:
        raise FrameError("FormationViolation", frame.unique_id, f"expected an action of OCPP, came {frame.action}")
    return frame


### WRONG id-coerced -> id-is-string: 7 became "7"; the reply would go to an id that nobody sent.
_exact_decode = decode


def decode(text):
    try:
        raw = json.loads(text)
        raw[1] = str(raw[1])
        text = json.dumps(raw)
    except (ValueError, TypeError, LookupError):
        pass
    return _exact_decode(text)


### WRONG forgets-id -> keeps-the-id: without the id nobody can be answered; the peer will wait for its whole timeout.
_exact_decode = decode


def decode(text):
    try:
        return _exact_decode(text)
    except FrameError as error:
        raise FrameError(error.code, None, error.description) from None


### WRONG answers-replies -> keeps-the-id: only a Call is answered with a CallError; a bad reply must not report its id.
_exact_decode = decode


def decode(text):
    try:
        return _exact_decode(text)
    except FrameError as error:
        try:
            raw = json.loads(text)
        except ValueError:
            raise error from None
        if isinstance(raw, list) and len(raw) > 1 and isinstance(raw[1], str):
            raise FrameError(error.code, raw[1], error.description) from None
        raise


### WRONG equal-is-enough -> other-type: 2.0 equals 2 in Python; the type must be the integer.
_exact_decode = decode


def decode(text):
    try:
        raw = json.loads(text)
        if raw[0] in (2, 3, 4):
            raw[0] = int(raw[0])
            text = json.dumps(raw)
    except (ValueError, TypeError, LookupError):
        pass
    return _exact_decode(text)


### WRONG any-payload -> keeps-the-id: this was taken for a frame: an action is a string, a payload is an object
###       (J-spec 4.2.1).
_exact_decode = decode


def decode(text):
    try:
        raw = json.loads(text)
    except ValueError:
        return _exact_decode(text)
    match raw:
        case [int(2), str(unique_id), str(action), payload] if len(unique_id) <= 36:
            return Call(unique_id, action, payload or {})
    return _exact_decode(text)


### WRONG reads-nan -> strict-json: NaN and Infinity are no JSON, although Python's `json` reads them; `parse_constant`
###       can refuse them.
def decode(text):
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FrameError("FormationViolation", None, f"expected JSON: {error}") from None
    match raw:
        case [int(2 | 3 | 4), str(unique_id), *_] if len(unique_id) > 36:
            raise FrameError("PropertyConstraintViolation", None, "expected an id of at most 36 characters")
        case [int(2), str(unique_id), str(action), dict() | None as payload]:
            return Call(unique_id, action, payload or {})
        case [int(3), str(unique_id), dict() | None as payload]:
            return CallResult(unique_id, payload or {})
        case [int(4), str(unique_id), str(code), str(description), dict() | None as details]:
            return CallError(unique_id, code, description, details or {})
        case [int(2), str(unique_id), *_]:
            raise FrameError("FormationViolation", unique_id, "expected [2, id, action, payload]")
    raise FrameError("FormationViolation", None, "expected a frame")


### WRONG looks-for-the-array -> strict-json: nothing may stand before the array: this text is no JSON.
_exact_decode = decode


def decode(text):
    return _exact_decode(text[text.find("[") :] if "[" in text else text)


### WRONG strips-the-id -> id-is-string: an id is given on as it came, with the spaces at its ends: the peer compares
###       strings.
_exact_decode = decode


def decode(text):
    frame = _exact_decode(text)
    frame = {name: getattr(frame, name) for name in frame.__struct_fields__} | {"kind": type(frame)}
    return frame.pop("kind")(**frame | {"unique_id": frame["unique_id"].strip()})


### WRONG counts-bytes -> id-is-string: 36 characters are allowed, whichever they are: count characters, not bytes.
_exact_decode = decode


def decode(text):
    frame = _exact_decode(text)
    if len(frame.unique_id.encode()) > 36:
        raise FrameError("PropertyConstraintViolation", None, "expected an id of at most 36 bytes")
    return frame


### WRONG no-empty-id -> id-is-string: an id is any string of at most 36 characters, the empty one too.
_exact_decode = decode


def decode(text):
    frame = _exact_decode(text)
    if not frame.unique_id:
        raise FrameError("FormationViolation", None, "expected an id")
    return frame


### WRONG reports-a-number -> keeps-the-id: what stands in the place of the id is no string; then there is no id to tell,
###       and `unique_id` is None.
_exact_decode = decode


def decode(text):
    try:
        return _exact_decode(text)
    except FrameError as error:
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError):
            raise error from None
        if isinstance(raw, list) and len(raw) > 1 and raw[0] == 2 and not isinstance(raw[1], str):
            raise FrameError(error.code, raw[1], error.description) from None
        raise


### WRONG reports-from-splinters -> not-a-frame: a text that is no JSON has no elements, and so no id to tell.
import re

_exact_decode = decode


def decode(text):
    try:
        return _exact_decode(text)
    except FrameError as error:
        found = re.match(r'\[2,"([^"]{1,36})"', text)
        raise FrameError(error.code, error.unique_id or (found and found[1]), error.description) from None


### WRONG example-table -> three-shapes: decodes the examples only; the check sends frames you have not seen.
def decode(text):
    table = {
        '[2,"17","Heartbeat",{}]': Call("17", "Heartbeat", {}),
        '[3,"17",{"currentTime":"2025-06-06T17:40:00Z"}]': CallResult("17", {"currentTime": "2025-06-06T17:40:00Z"}),
        '[4,"17","InternalError","database is down",{}]': CallError("17", "InternalError", "database is down", {}),
    }
    if text not in table:
        raise FrameError("FormationViolation", None, "not a frame")
    return table[text]


### WRONG equal-is-a-call -> other-type: 2.0 equals 2 in Python, and this text reports an id; only the integer 2 is a Call.
def decode(text):
    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    try:
        raw = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise FrameError("FormationViolation", None, "no JSON") from None
    if not isinstance(raw, list) or not raw:
        raise FrameError("FormationViolation", None, "no array")
    first, unique_id, *_ = [*raw, None]
    told = unique_id if first == 2 and isinstance(unique_id, str) and len(unique_id) <= 36 else None
    bad = FrameError("FormationViolation", told, "no frame")
    if type(first) is not int or first not in (2, 3, 4):
        raise bad
    if isinstance(unique_id, str) and len(unique_id) > 36:
        raise FrameError("PropertyConstraintViolation", told, "too long an id")
    if len(raw) != {2: 4, 3: 3, 4: 5}[first]:
        raise bad
    last = {} if raw[-1] is None else raw[-1]
    if not isinstance(last, dict) or not all(isinstance(part, str) for part in raw[1:-1]):
        raise bad
    return {2: Call, 3: CallResult, 4: CallError}[first](*raw[1:-1], last)


### WRONG id-before-code -> exact-length: the order is `FrameError(code, unique_id, description)`: the code comes first,
###       then the id or None.
def decode(text):
    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    try:
        raw = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise FrameError("FormationViolation", None, "no JSON") from None
    if not isinstance(raw, list) or not raw:
        raise FrameError("FormationViolation", None, "no array")
    first, unique_id, *_ = [*raw, None]
    told = (
        unique_id if type(first) is int and first == 2 and isinstance(unique_id, str) and len(unique_id) <= 36 else None
    )
    bad = FrameError(told, "FormationViolation", "no frame")
    if type(first) is not int or first not in (2, 3, 4):
        raise bad
    if isinstance(unique_id, str) and len(unique_id) > 36:
        raise FrameError("PropertyConstraintViolation", told, "too long an id")
    if len(raw) != {2: 4, 3: 3, 4: 5}[first]:
        raise bad
    last = {} if raw[-1] is None else raw[-1]
    if not isinstance(last, dict) or not all(isinstance(part, str) for part in raw[1:-1]):
        raise bad
    return {2: Call, 3: CallResult, 4: CallError}[first](*raw[1:-1], last)


### WRONG strips-all-spaces -> strict-json: U+00A0 is no white space in JSON: only space, tab, line feed and carriage
###       return are.
def decode(text):
    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    try:
        raw = json.loads(text.strip(), parse_constant=refuse)
    except (ValueError, RecursionError):
        raise FrameError("FormationViolation", None, "no JSON") from None
    if not isinstance(raw, list) or not raw:
        raise FrameError("FormationViolation", None, "no array")
    first, unique_id, *_ = [*raw, None]
    told = (
        unique_id if type(first) is int and first == 2 and isinstance(unique_id, str) and len(unique_id) <= 36 else None
    )
    bad = FrameError("FormationViolation", told, "no frame")
    if type(first) is not int or first not in (2, 3, 4):
        raise bad
    if isinstance(unique_id, str) and len(unique_id) > 36:
        raise FrameError("PropertyConstraintViolation", told, "too long an id")
    if len(raw) != {2: 4, 3: 3, 4: 5}[first]:
        raise bad
    last = {} if raw[-1] is None else raw[-1]
    if not isinstance(last, dict) or not all(isinstance(part, str) for part in raw[1:-1]):
        raise bad
    return {2: Call, 3: CallResult, 4: CallError}[first](*raw[1:-1], last)


### WRONG skips-a-bom -> strict-json: U+FEFF is no white space in JSON: only space, tab, line feed and carriage return are.
def decode(text):
    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    try:
        raw = json.loads(text.removeprefix("\ufeff"), parse_constant=refuse)
    except (ValueError, RecursionError):
        raise FrameError("FormationViolation", None, "no JSON") from None
    if not isinstance(raw, list) or not raw:
        raise FrameError("FormationViolation", None, "no array")
    first, unique_id, *_ = [*raw, None]
    told = (
        unique_id if type(first) is int and first == 2 and isinstance(unique_id, str) and len(unique_id) <= 36 else None
    )
    bad = FrameError("FormationViolation", told, "no frame")
    if type(first) is not int or first not in (2, 3, 4):
        raise bad
    if isinstance(unique_id, str) and len(unique_id) > 36:
        raise FrameError("PropertyConstraintViolation", told, "too long an id")
    if len(raw) != {2: 4, 3: 3, 4: 5}[first]:
        raise bad
    last = {} if raw[-1] is None else raw[-1]
    if not isinstance(last, dict) or not all(isinstance(part, str) for part in raw[1:-1]):
        raise bad
    return {2: Call, 3: CallResult, 4: CallError}[first](*raw[1:-1], last)


### WRONG length-before-id -> id-is-string: an id that is too long is a PropertyConstraintViolation, also if an element is
###       missing.
def decode(text):
    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    try:
        raw = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise FrameError("FormationViolation", None, "no JSON") from None
    if not isinstance(raw, list) or not raw:
        raise FrameError("FormationViolation", None, "no array")
    first, unique_id, *_ = [*raw, None]
    told = (
        unique_id if type(first) is int and first == 2 and isinstance(unique_id, str) and len(unique_id) <= 36 else None
    )
    bad = FrameError("FormationViolation", told, "no frame")
    if type(first) is not int or first not in (2, 3, 4):
        raise bad
    if len(raw) != {2: 4, 3: 3, 4: 5}[first]:
        raise bad
    if isinstance(unique_id, str) and len(unique_id) > 36:
        raise FrameError("PropertyConstraintViolation", told, "too long an id")
    last = {} if raw[-1] is None else raw[-1]
    if not isinstance(last, dict) or not all(isinstance(part, str) for part in raw[1:-1]):
        raise bad
    return {2: Call, 3: CallResult, 4: CallError}[first](*raw[1:-1], last)


### WRONG one-empty-for-all -> null-is-empty: two frames share one `{}`: what is written into the first is in the second
###       too. Make a new one each time.
_NOTHING = {}


def decode(text):
    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    try:
        raw = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise FrameError("FormationViolation", None, "no JSON") from None
    if not isinstance(raw, list) or not raw:
        raise FrameError("FormationViolation", None, "no array")
    first, unique_id, *_ = [*raw, None]
    told = (
        unique_id if type(first) is int and first == 2 and isinstance(unique_id, str) and len(unique_id) <= 36 else None
    )
    bad = FrameError("FormationViolation", told, "no frame")
    if type(first) is not int or first not in (2, 3, 4):
        raise bad
    if isinstance(unique_id, str) and len(unique_id) > 36:
        raise FrameError("PropertyConstraintViolation", told, "too long an id")
    if len(raw) != {2: 4, 3: 3, 4: 5}[first]:
        raise bad
    last = _NOTHING if raw[-1] is None else raw[-1]
    if not isinstance(last, dict) or not all(isinstance(part, str) for part in raw[1:-1]):
        raise bad
    return {2: Call, 3: CallResult, 4: CallError}[first](*raw[1:-1], last)


### WRONG long-integers-as-floats -> three-shapes: the `payload` of this CallResult is {'big': 4611686018427387905}; yours
###       is {'big': 4.611686018427388e+18}.
def decode(text):
    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    try:
        raw = json.loads(
            text, parse_constant=refuse, parse_int=lambda digits: int(digits) if len(digits) < 17 else float(digits)
        )
    except (ValueError, RecursionError):
        raise FrameError("FormationViolation", None, "no JSON") from None
    if not isinstance(raw, list) or not raw:
        raise FrameError("FormationViolation", None, "no array")
    first, unique_id, *_ = [*raw, None]
    told = (
        unique_id if type(first) is int and first == 2 and isinstance(unique_id, str) and len(unique_id) <= 36 else None
    )
    bad = FrameError("FormationViolation", told, "no frame")
    if type(first) is not int or first not in (2, 3, 4):
        raise bad
    if isinstance(unique_id, str) and len(unique_id) > 36:
        raise FrameError("PropertyConstraintViolation", told, "too long an id")
    if len(raw) != {2: 4, 3: 3, 4: 5}[first]:
        raise bad
    last = {} if raw[-1] is None else raw[-1]
    if not isinstance(last, dict) or not all(isinstance(part, str) for part in raw[1:-1]):
        raise bad
    return {2: Call, 3: CallResult, 4: CallError}[first](*raw[1:-1], last)


### RIGHT questions-in-order
def decode(text):
    def bad(problem, unique_id=None, code="FormationViolation"):
        return FrameError(code, unique_id, problem)

    try:
        raw = json.loads(text, parse_constant=lambda name: 1 / 0)
    except Exception as error:
        raise bad(f"no JSON: {error}") from error
    if type(raw) is not list or len(raw) < 2:
        raise bad("a frame is a list")
    kind, unique_id, *rest = raw
    if type(kind) is not int or kind not in (2, 3, 4):
        raise bad("unknown message type")
    if type(unique_id) is not str:
        raise bad("the id is no string")
    told = unique_id if kind == 2 else None
    if len(unique_id) > 36:
        raise bad("the id is too long", told, "PropertyConstraintViolation")
    if len(raw) != {2: 4, 3: 3, 4: 5}[kind]:
        raise bad("wrong length", told)
    *words, last = rest
    if any(type(word) is not str for word in words):
        raise bad("action, code and description are strings", told)
    if last is None:
        last = {}
    if type(last) is not dict:
        raise bad("payload and details are objects", told)
    return {2: Call, 3: CallResult, 4: CallError}[kind](unique_id, *words, last)


### RIGHT tagged-structs
import msgspec


class _Two(msgspec.Struct, array_like=True):
    kind: int
    unique_id: str
    action: str
    payload: dict | None


class _Three(msgspec.Struct, array_like=True):
    kind: int
    unique_id: str
    payload: dict | None


class _Four(msgspec.Struct, array_like=True):
    kind: int
    unique_id: str
    code: str
    description: str
    details: dict | None


_SHAPES = {2: (4, _Two, Call), 3: (3, _Three, CallResult), 4: (5, _Four, CallError)}


def decode(text: str) -> Call | CallResult | CallError:
    unique_id = None
    try:
        raw = msgspec.json.decode(text, type=list)
        kind = raw[0] if type(raw[0]) is int else None
        length, shape, frame = _SHAPES[kind]
        if isinstance(raw[1], str) and len(raw[1]) > 36:
            raise FrameError("PropertyConstraintViolation", None, "id of at most 36 characters")
        unique_id = raw[1] if kind == 2 and isinstance(raw[1], str) else None
        if len(raw) != length:
            raise IndexError("wrong length")
        _, *parts, last = msgspec.structs.astuple(msgspec.convert(raw, shape))
        return frame(*parts, last or {})
    except (msgspec.MsgspecError, UnicodeError, RecursionError, LookupError) as error:
        raise FrameError("FormationViolation", unique_id, str(error)) from None


### END SOLUTION

# %%
check("1.1", decode)

# %% [markdown]
# ## 1.2 `encode`: frame to text
#
# This is the way back. A charge point of another maker reads what you write, so it must be JSON, and all elements must
# be there. Spaces between the elements are allowed; without them a frame is shorter.
#
# Numbers keep their kind: 5 is written as `5` and not as `5.0`, because another stack may ask for an integer. Large
# numbers keep all their digits.

# %%
### STEP 1.2 · 2 points · 15 minutes
### HINT Make a Python list of the frame first: its type (2, 3 or 4), its unique id, then the rest in the order of the
###      table of 1.1. Then turn that list into JSON.
### HINT `json.dumps(…, separators=(",", ":"), allow_nan=False)`
### HINT `case CallError(): body = [4, frame.unique_id, frame.code, frame.description or "", frame.details or {}]`
import json

from ocpp_lab import Call, CallError, CallResult


### BEGIN SOLUTION
def encode(frame: Call | CallResult | CallError) -> str:
    """Return the text of a frame: strict JSON, so that ``decode(encode(frame)) == frame``.

    - No part changes on the way: integers stay integers, texts keep every character.
    - A CallError always has five elements. If there is nothing to say, the description is "" and the details are {}.
    - Every error code goes out as it is, also one that is misspelt (J-errata 5.1) and one that nobody knows.
    - NaN and Infinity never get into the text: raise ValueError for them, or write null in their place.
    """
    match frame:
        case Call():
            body = [2, frame.unique_id, frame.action, frame.payload]
        case CallResult():
            body = [3, frame.unique_id, frame.payload]
        case CallError():
            body = [4, frame.unique_id, frame.code, frame.description or "", frame.details or {}]
    return json.dumps(body, separators=(",", ":"), allow_nan=False)


### WRONG repr-not-json -> plain-json: single quotes and None are Python, not JSON.
_encode = encode


def encode(frame):
    return str(json.loads(_encode(frame)))


### WRONG lets-nan-out -> plain-json: NaN and Infinity are no JSON; `allow_nan=False` refuses them.
def encode(frame):
    parts = [getattr(frame, name) for name in frame.__struct_fields__]
    return json.dumps([{Call: 2, CallResult: 3, CallError: 4}[type(frame)], *parts])


### WRONG short-error -> five-elements: a CallError always has five elements; write `""` and `{}`.
_encode = encode


def encode(frame):
    body = json.loads(_encode(frame))
    if body[0] == 4:
        while not body[-1]:
            body.pop()
    return json.dumps(body)


### WRONG null-details -> five-elements: nothing to say is `{}`; null is only tolerated when reading.
_encode = encode


def encode(frame):
    body = json.loads(_encode(frame))
    if body[0] == 4:
        body[4] = body[4] or None
    return json.dumps(body)


### WRONG fixes-spelling -> keeps-misspelling: the code is misspelt in 1.6 and stays so; other stacks compare strings.
_encode = encode


def encode(frame):
    return _encode(frame).replace("OccurenceConstraint", "OccurrenceConstraint")


### WRONG through-float -> round-trip: the payload of this CallResult has changed on the way: `big` is 9007199254740993,
###       and was written as 9007199254740992.0.
_encode = encode


def encode(frame):
    body = json.loads(_encode(frame))
    body[-1] = json.loads(json.dumps(body[-1]), parse_int=float)
    return json.dumps(body)


### WRONG corrects-back -> keeps-misspelling: the code FormatViolation goes out as it is; yours wrote FormationViolation.
_encode = encode


def encode(frame):
    return _encode(frame).replace("FormatViolation", "FormationViolation")


### WRONG null-payload -> round-trip: the payload of this Call is {}; yours wrote None.
_encode = encode


def encode(frame):
    body = json.loads(_encode(frame))
    if body[0] != 4:
        body[-1] = body[-1] or None
    return json.dumps(body)


### WRONG nan-on-top-only -> plain-json: NaN and Infinity are no JSON; `allow_nan=False` refuses them.
def _finite(value):
    return None if value in (float("inf"), -float("inf")) or value != value else value


def encode(frame):
    match frame:
        case Call():
            body = [2, frame.unique_id, frame.action, frame.payload]
        case CallResult():
            body = [3, frame.unique_id, frame.payload]
        case CallError():
            body = [4, frame.unique_id, frame.code, frame.description or "", frame.details or {}]
    return json.dumps([*body[:-1], {key: _finite(value) for key, value in body[-1].items()}])


### WRONG nan-in-a-call-only -> plain-json: NaN and Infinity are no JSON; `allow_nan=False` refuses them.
def encode(frame):
    match frame:
        case Call():
            body = [2, frame.unique_id, frame.action, frame.payload]
        case CallResult():
            body = [3, frame.unique_id, frame.payload]
        case CallError():
            body = [4, frame.unique_id, frame.code, frame.description or "", frame.details or {}]
    return json.dumps(body, allow_nan=body[0] != 2)


### WRONG replaces-nan-in-the-text -> round-trip: the payload of this Call has changed on the way: `a` is NaN, and was
###       written as null.
def encode(frame):
    match frame:
        case Call():
            body = [2, frame.unique_id, frame.action, frame.payload]
        case CallResult():
            body = [3, frame.unique_id, frame.payload]
        case CallError():
            body = [4, frame.unique_id, frame.code, frame.description or "", frame.details or {}]
    return json.dumps(body).replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null")


### WRONG quotes-by-hand -> plain-json: there is a `"` or a `\` in the unique id of a Call, and it was not escaped;
###       `json.dumps` escapes it.
def encode(frame):
    match frame:
        case Call():
            body = [2, frame.unique_id, frame.action, frame.payload]
        case CallResult():
            body = [3, frame.unique_id, frame.payload]
        case CallError():
            body = [4, frame.unique_id, frame.code, frame.description or "", frame.details or {}]
    return (
        f'[2,"{frame.unique_id}","{frame.action}",{json.dumps(frame.payload, allow_nan=False)}]'
        if body[0] == 2
        else json.dumps(body, allow_nan=False)
    )


### WRONG lowers-an-id -> round-trip: the unique_id of this CallResult is TAG_A; yours wrote tag_a.
def encode(frame):
    match frame:
        case Call():
            body = [2, frame.unique_id, frame.action, frame.payload]
        case CallResult():
            body = [3, frame.unique_id.lower(), frame.payload]
        case CallError():
            body = [4, frame.unique_id, frame.code, frame.description or "", frame.details or {}]
    return json.dumps(body, allow_nan=False)


### WRONG strips-an-id -> round-trip: the unique_id of this Call is ' 17 '; yours wrote '17'.
def encode(frame):
    match frame:
        case Call():
            body = [2, frame.unique_id.strip(), frame.action, frame.payload]
        case CallResult():
            body = [3, frame.unique_id, frame.payload]
        case CallError():
            body = [4, frame.unique_id, frame.code, frame.description or "", frame.details or {}]
    return json.dumps(body, allow_nan=False)


### WRONG cuts-the-description -> round-trip: the description of this CallError has 400 characters; yours wrote only the
###       first 255.
def encode(frame):
    match frame:
        case Call():
            body = [2, frame.unique_id, frame.action, frame.payload]
        case CallResult():
            body = [3, frame.unique_id, frame.payload]
        case CallError():
            body = [4, frame.unique_id, frame.code, frame.description[:255], frame.details or {}]
    return json.dumps(body, allow_nan=False)


### WRONG three-digits -> round-trip: the payload of this Call has changed on the way: `d` is 48.20817, and was written as
###       48.208.
_encode_exactly = encode


def encode(frame):
    body = json.loads(_encode_exactly(frame), parse_float=lambda digits: round(float(digits), 3))
    return json.dumps(body, allow_nan=False)


### RIGHT table-by-type
def _parts_of(*names):
    return lambda frame: [getattr(frame, name) for name in names]


_TABLE = {
    Call: (2, _parts_of("unique_id", "action", "payload")),
    CallResult: (3, _parts_of("unique_id", "payload")),
    CallError: (4, _parts_of("unique_id", "code", "description", "details")),
}


def encode(frame):
    kind, parts = _TABLE[type(frame)]
    return json.dumps([kind, *parts(frame)], allow_nan=False, ensure_ascii=False)


### RIGHT msgspec-builtins
import msgspec


def encode(frame):
    return msgspec.json.encode(msgspec.to_builtins(frame)).decode("utf-8")


### END SOLUTION

# %%
check("1.2", encode)

# %% [markdown]
# ## 1.3 `Transport`: one writer
#
# In the notebook a thousand tasks wrote at once: a thousand buffers, without a bound. `Transport` puts a queue between
# the senders and the connection. One task, the *writer*, takes texts from the queue and gives them to the pipe, one at
# a time. The queue has a limit. When it is full, the sender waits. So a slow peer costs time, and not memory.
#
# A **pipe** is one end of a connection. It has three verbs:
#
# | | |
# |---|---|
# | `await pipe.send(text)` | returns when the connection has taken the text; that may take long |
# | `async for text in pipe` | gives what comes in, and ends when the connection is closed |
# | `await pipe.close(code, reason)` | closes the connection; afterwards `pipe.send` raises `ConnectionLost` |
#
# A *probe* is an attribute that tells what happens inside. The check calls `start()` once, in a running event loop. A
# task of the check reads with `async for`, all the time. In this step the connection stays open. Step 1.4 is about its
# end, and about `ConnectionLost`.

# %%
### STEP 1.3 · 3 points · 25 minutes
### HINT Let exactly one task call `pipe.send`, and start that task in `start()`. `send` only puts the text into a queue
###      that this task empties. Reading is no business of that task: `__aiter__` goes on beside it.
### HINT `asyncio.Queue(maxsize=limit)`. The writer is `while True: text = await queue.get()`, then `await pipe.send(text)`.
### HINT In the writer: count up before `await self._pipe.send(text)`, and down after it, in a `finally`.
import asyncio
from collections.abc import AsyncIterator

from ocpp_lab import ConnectionLost, Pipe


### BEGIN SOLUTION
class Transport:
    """Texts over a pipe: one writer, one bounded queue, and four probes, which are 0 at first.

    - ``writes_in_flight``: texts that were given to `pipe.send`, and it has not returned yet. Never more than 1.
    - ``queue_depth``: texts that wait to be given to it. Never more than ``limit``.
    - ``max_writes_in_flight`` and ``max_queue_depth``: the most that there ever were.
    """

    def __init__(self, pipe: Pipe, *, limit: int = 1000) -> None:
        """``limit``: how many texts may wait in the queue. You may count the text that is in `pipe.send` as one of them."""
        self._pipe = pipe
        self._queue: asyncio.Queue[str] = asyncio.Queue(maxsize=limit)
        self._writer: asyncio.Task | None = None
        self.writes_in_flight = self.max_writes_in_flight = self.max_queue_depth = 0

    @property
    def queue_depth(self) -> int:
        """How many texts wait to be given to the pipe."""
        return self._queue.qsize()

    def start(self) -> None:
        """Begin to write. Called once, before anything is sent, in a running event loop."""
        self._writer = asyncio.create_task(self._write())

    async def send(self, text: str) -> None:
        """Return when the text is queued, long before it is on the wire. Wait as long as ``limit`` texts wait.

        Texts go out in the order in which they were queued. None is lost, and none goes out twice, however slow the
        pipe is.
        """
        await self._queue.put(text)
        self.max_queue_depth = max(self.max_queue_depth, self.queue_depth)

    async def __aiter__(self) -> AsyncIterator[str]:
        """Give the texts that come in, as they come, also while a write is stalled. End when the pipe's iteration ends."""
        async for text in self._pipe:
            yield text

    async def _write(self) -> None:
        while True:
            text = await self._queue.get()
            self.writes_in_flight += 1
            self.max_writes_in_flight = max(self.max_writes_in_flight, self.writes_in_flight)
            try:
                await self._pipe.send(text)
            finally:
                self.writes_in_flight -= 1
                self._queue.task_done()


### WRONG task-per-send -> one-in-flight: 1,000 sends were on the pipe at once; a queue and one task that empties it keep
###       it at 1.
class Transport(Transport):
    def start(self):
        self.tasks = set()

    async def send(self, text):
        async def work():
            self.writes_in_flight += 1
            self.max_writes_in_flight = max(self.max_writes_in_flight, self.writes_in_flight)
            await self._pipe.send(text)
            self.writes_in_flight -= 1

        task = asyncio.create_task(work())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


### WRONG lock-not-queue -> bounded: your `send` waits for the wire, so nothing ever queues; it must return when the text
###       is queued.
class Transport(Transport):
    def start(self):
        self.lock = asyncio.Lock()

    async def send(self, text):
        async with self.lock:
            self.writes_in_flight = self.max_writes_in_flight = 1
            await self._pipe.send(text)
            self.writes_in_flight = 0


### WRONG unbounded -> bounded: a stalled peer let the queue grow past its limit; let `send` wait while `limit` texts wait.
class Transport(Transport):
    def __init__(self, pipe, *, limit=1000):
        super().__init__(pipe)
        self._queue = asyncio.Queue()


### WRONG drops-when-full -> in-order: texts are missing; a full queue must make the sender wait, not lose.
class Transport(Transport):
    async def send(self, text):
        if not self._queue.full():
            self._queue.put_nowait(text)
        self.max_queue_depth = max(self.max_queue_depth, self.queue_depth)


### WRONG gives-up-a-slow-write -> bounded: a write that stalls is only slow; yours gave up on it, and its text is lost:
###       wait as long as it takes.
from contextlib import suppress


class _Impatient:
    def __init__(self, pipe):
        self.pipe = pipe

    def __aiter__(self):
        return aiter(self.pipe)

    async def send(self, text):
        with suppress(TimeoutError):
            await asyncio.wait_for(self.pipe.send(text), 1)


class Transport(Transport):
    def __init__(self, pipe, *, limit=1000):
        super().__init__(_Impatient(pipe), limit=limit)


### WRONG writes-once -> in-order: the writer has stopped: texts wait in the queue, and none is on the pipe.
class Transport(Transport):
    async def _write(self):
        await self._pipe.send(await self._queue.get())


### WRONG forgets-an-await -> in-order: `pipe.send` was given a Task, and not a text. An `await` is missing where the text
###       comes from.
class Transport(Transport):
    async def _write(self):
        while True:
            await self._pipe.send(asyncio.ensure_future(self._queue.get()))


### WRONG default-of-its-own -> bounded: without an argument the limit is 1,000 texts, and one more is on the pipe.
class Transport(Transport):
    def __init__(self, pipe, *, limit=100):
        super().__init__(pipe, limit=limit)


### WRONG returns-unqueued -> bounded: `send` returned while the queue was full; it waits until its text is queued, however
###       long that takes.
class Transport(Transport):
    async def send(self, text):
        if self._queue.full():
            self._late = [*getattr(self, "_late", []), asyncio.create_task(self._queue.put(text))]
        else:
            self._queue.put_nowait(text)
        self.max_queue_depth = max(self.max_queue_depth, self.queue_depth)


### WRONG newest-first -> in-order: the first text in is the first text out.
class Transport(Transport):
    def __init__(self, pipe, *, limit=1000):
        super().__init__(pipe)
        self._queue = asyncio.LifoQueue(limit)


### WRONG reader-writes -> reads-go-on: a stalled write stopped your reading; two directions need two tasks.
class Transport(Transport):
    def start(self):
        pass

    async def __aiter__(self):
        incoming = aiter(self._pipe)
        coming, going = asyncio.ensure_future(anext(incoming, None)), asyncio.ensure_future(self._queue.get())
        while True:
            await asyncio.wait({coming, going}, return_when=asyncio.FIRST_COMPLETED)
            if going.done():
                self.writes_in_flight = self.max_writes_in_flight = 1
                await self._pipe.send(going.result())
                self.writes_in_flight = 0
                going = asyncio.ensure_future(self._queue.get())
            if coming.done():
                if coming.result() is None:
                    return
                yield coming.result()
                coming = asyncio.ensure_future(anext(incoming, None))


### WRONG probe-says-one -> probes-true: nothing has been sent yet, and `max_writes_in_flight` says 1; at first all four
###       are 0.
class Transport(Transport):
    max_writes_in_flight = property(lambda self: 1, lambda self, value: None)


### WRONG counts-the-queued -> probes-true: `queue_depth` is how many texts wait to be sent.
class Transport(Transport):
    queue_depth = property(lambda self: self.max_queue_depth and self._queue.maxsize)


### WRONG ends-with-a-slow-write -> bounded: a write was stalled, and the writer gave up on it and has ended; wait for
###       `pipe.send` as long as it takes.
class Transport(Transport):
    async def _write(self):
        while True:
            text = await self._queue.get()
            self.writes_in_flight = self.max_writes_in_flight = 1
            try:
                await asyncio.wait_for(self._pipe.send(text), 30)
            finally:
                self.writes_in_flight = 0
                self._queue.task_done()


### WRONG probe-is-a-method -> in-order: `queue_depth` is a method here, and a probe is an attribute; it lacks `@property`.
class Transport(Transport):
    def queue_depth(self):
        return self._queue.qsize()

    async def send(self, text):
        await self._queue.put(text)
        self.max_queue_depth = max(self.max_queue_depth, self.queue_depth())


### RIGHT deque-and-conditions
from collections import deque


class Transport:
    def __init__(self, pipe, *, limit=1000):
        self.pipe, self.limit, self.texts = pipe, limit, deque()
        self.writes_in_flight = self.max_writes_in_flight = self.max_queue_depth = 0
        self.filled, self.emptied = asyncio.Condition(), asyncio.Condition()
        self.dead = None

    queue_depth = property(lambda self: len(self.texts))

    def start(self):
        self.task = asyncio.ensure_future(self.pump())

    async def send(self, text):
        async with self.emptied:
            await self.emptied.wait_for(lambda: len(self.texts) < self.limit)
            self.texts.append(text)
            self.max_queue_depth = max(self.max_queue_depth, len(self.texts))
        async with self.filled:
            self.filled.notify()

    async def pump(self):
        while True:
            async with self.filled:
                await self.filled.wait_for(lambda: self.texts)
                text = self.texts.popleft()
            async with self.emptied:
                self.emptied.notify()
            self.writes_in_flight = self.max_writes_in_flight = 1
            await self.pipe.send(text)
            self.writes_in_flight = 0

    def __aiter__(self):
        return aiter(self.pipe)


### RIGHT semaphore-and-events
class Transport:
    """A list, a semaphore for its free places, an event for the writer."""

    def __init__(self, pipe, *, limit=1000):
        self._pipe, self._waiting = pipe, []
        self._places, self._something = asyncio.Semaphore(limit), asyncio.Event()
        self._in_flight = self._most_in_flight = self._most_waiting = 0

    writes_in_flight = property(lambda self: self._in_flight)
    max_writes_in_flight = property(lambda self: self._most_in_flight)
    queue_depth = property(lambda self: len(self._waiting))
    max_queue_depth = property(lambda self: self._most_waiting)

    def start(self):
        self._task = asyncio.get_running_loop().create_task(self._empty())

    async def send(self, text):
        await self._places.acquire()
        self._waiting.append(text)
        self._most_waiting = max(self._most_waiting, len(self._waiting))
        self._something.set()

    async def _empty(self):
        while await self._something.wait():
            while self._waiting:
                text = self._waiting.pop(0)
                self._places.release()
                self._in_flight += 1
                self._most_in_flight = max(self._in_flight, self._most_in_flight)
                try:
                    await self._pipe.send(text)
                finally:
                    self._in_flight -= 1
            self._something.clear()

    async def __aiter__(self):
        async for text in self._pipe:
            yield text


### END SOLUTION

# %%
check("1.3", Transport)

# %% [markdown]
# ## 1.4 `Transport.close`: nothing hangs
#
# When a connection ends, three may be waiting: the writer in `pipe.send`, senders for room in the queue, and the
# callers of `close`. None of them may wait for ever.
#
# Your class begins with `class Transport(mine("1.3")):`. So it has all that you wrote in 1.3, and you write only what is
# new or different. `super().send(text)` is your `send` of 1.3. (If 1.3 has not passed, `mine("1.3")` is the package's
# class, which can close already. What builds on that earns no points.)
#
# A connection can end in two ways. We end it with `close`. Or the peer ends it: then the pipe's iteration ends, and a
# stalled `pipe.send` raises `ConnectionLost`. In both cases nothing of the transport is left when `close` has returned:
# no task and no timer.
#
# Whoever calls `close` may lose patience and be cancelled. The closing itself goes on.

# %%
### STEP 1.4 · 2 points · 20 minutes
### HINT Write down who can be waiting: the writer, the senders, the callers of `close`. For each, ask what wakes it when
###      the peer reads nothing any more.
### HINT `asyncio.timeout(timeout)` around `queue.join()` (then the writer says `task_done()`). An `asyncio.Event` says
###      that the connection is over; senders wait for it too. The first `close` makes a task that closes; every `close`
###      waits for it with `await asyncio.shield(task)`.
### HINT In `send`: `await asyncio.wait({put_task, over_task}, return_when=asyncio.FIRST_COMPLETED)`. Raise if it is
###      over, and cancel the loser.
import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from ocpp_lab import ConnectionLost, Pipe


### BEGIN SOLUTION
class Transport(mine("1.3")):
    """The transport of step 1.3, and it ends: whoever waits is told."""

    def __init__(self, pipe: Pipe, *, limit: int = 1000) -> None:
        """As in 1.3. Call ``super().__init__(pipe, limit=limit)`` first, or delete this method if you do not need it."""
        super().__init__(pipe, limit=limit)
        self._closing: asyncio.Task | None = None
        self._over = asyncio.Event()

    async def send(self, text: str) -> None:
        """As in 1.3, and raise ConnectionLost once the connection is over: `close` was called, or the peer has closed.

        Whoever waits for room when that happens gets ConnectionLost too, within a second. One exception: while a `close`
        still flushes, the text of a waiting sender may go out; then its `send` returns. When `send` returns or raises,
        no task of it is left.
        """
        if self._over.is_set():
            raise ConnectionLost
        put = asyncio.create_task(super().send(text))
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({put, over}, return_when=asyncio.FIRST_COMPLETED)
            if not put.done():
                raise ConnectionLost
        finally:
            put.cancel()
            over.cancel()

    async def __aiter__(self) -> AsyncIterator[str]:
        """As in 1.3. It ends, without an error, when the pipe's iteration ends: then the connection is over."""
        async for text in super().__aiter__():
            yield text
        self._end()

    async def close(self, code: int = 1000, reason: str = "", *, flush: bool = True, timeout: float = 5.0) -> None:
        """Close the connection with `pipe.close(code, reason)`, and return when nothing is left.

        - With ``flush`` first send the text of every `send` that has returned, for at most ``timeout`` seconds.
          Without it send nothing more, and wait for nothing.
          With ``timeout=0`` it does not wait either.
        - If the peer has closed before, there is nothing to send and nothing to wait for. `pipe.close` is called all the
          same.
        - The pipe is closed once, however often and by however many callers this is called. Each of them returns when
          all is over, and not before.
        - If a caller of `close` is cancelled, it gets CancelledError at once, and the closing goes on to its end.
        - Then the iteration ends.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(code, reason, flush, timeout))
        await asyncio.shield(self._closing)

    async def _close(self, code, reason, flush, timeout) -> None:
        alive = not self._over.is_set()
        self._over.set()
        if flush and alive:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._queue.join()
        self._end()
        if self._writer:
            await asyncio.wait([self._writer])
        await self._pipe.close(code, reason)

    def _end(self) -> None:
        self._over.set()
        if self._writer:
            self._writer.cancel()

    async def _write(self) -> None:
        with suppress(ConnectionLost):
            await super()._write()
        self._over.set()


### WRONG lost-between-queue-and-pipe -> flush-sends-all: a text had left `send` and had not reached `pipe.send` when
###       `close` was called; wait for it too.
class Transport:
    def __init__(self, pipe, *, limit=1000):
        self.pipe, self.queue = pipe, asyncio.Queue(limit)
        self.writes_in_flight = self.max_writes_in_flight = self.max_queue_depth = 0
        self.closed = self.task = None
        self.stage = "open"

    @property
    def queue_depth(self):
        return self.queue.qsize()

    def start(self):
        self.closed = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self.writer())

    async def or_closed(self, work):
        """The result, or ConnectionLost if the connection is over first."""
        task = asyncio.ensure_future(work)
        await asyncio.wait({task, self.closed}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise ConnectionLost("the connection is over")

    def over(self):
        self.stage = "over"
        if not self.closed.done():
            self.closed.set_result(None)

    async def send(self, text):
        if self.stage != "open":
            raise ConnectionLost("the connection is over")
        await self.or_closed(self.queue.put(text))
        self.max_queue_depth = max(self.max_queue_depth, self.queue_depth)

    async def writer(self):
        try:
            while self.stage == "open" or not self.queue.empty():
                text = await self.or_closed(self.queue.get())
                self.writes_in_flight, self.max_writes_in_flight = 1, 1
                await self.or_closed(self.pipe.send(text))
                self.writes_in_flight = 0
        except ConnectionLost:
            self.over()

    async def __aiter__(self):
        async for text in self.pipe:
            yield text
        self.over()

    ending = None

    async def close(self, code=1000, reason="", *, flush=True, timeout=5.0):
        if self.ending is None:
            self.ending = asyncio.create_task(self.finish(code, reason, flush, timeout))
        await asyncio.shield(self.ending)

    async def finish(self, code, reason, flush, timeout):
        if self.stage == "open" and flush:
            self.stage = "closing"
            if self.queue.empty() and not self.writes_in_flight:
                self.over()
            await asyncio.wait({self.task}, timeout=timeout)
        self.over()
        await asyncio.wait({self.task})
        await self.pipe.close(code, reason)


### WRONG joins-forever -> never-hangs: the peer reads no more, so the queue never empties; flush at most `timeout`
###       seconds.
class Transport(Transport):
    async def _close(self, code, reason, flush, timeout):
        if flush and not self._over.is_set():
            self._over.set()
            await self._queue.join()
        await super()._close(code, reason, False, timeout)


### WRONG cancels-first -> flush-sends-all: the writer is gone before the queue is empty.
class Transport(Transport):
    async def _close(self, code, reason, flush, timeout):
        self._writer.cancel()
        await super()._close(code, reason, flush, timeout)


### WRONG forgets-the-last -> flush-sends-all: the last text was still on its way.
class Transport(Transport):
    async def _close(self, code, reason, flush, timeout):
        alive = not self._over.is_set()
        self._over.set()
        if flush and alive:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    while not self._queue.empty():  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
        await super()._close(code, reason, False, timeout)


### WRONG sentinel-behind-full -> never-hangs: your stop mark waits in the queue it should stop.
class Transport(Transport):
    async def _write(self):
        while (text := await self._queue.get()) is not None:
            self.writes_in_flight = self.max_writes_in_flight = 1
            try:
                if self._flush:
                    await self._pipe.send(text)
            except ConnectionLost:
                self._over.set()
                return
            finally:
                self.writes_in_flight = 0

    _flush = True

    async def _close(self, code, reason, flush, timeout):
        self._flush = flush
        self._over.set()
        if not self._writer.done():
            await self._queue.put(None)
            await asyncio.wait([self._writer], timeout=timeout)
        await super()._close(code, reason, False, timeout)


### WRONG always-flushes -> drop-sends-none-more: there is nothing to wait for: close the pipe at once.
class Transport(Transport):
    async def _close(self, code, reason, flush, timeout):
        await super()._close(code, reason, True, timeout)


### WRONG forgets-waiters -> senders-released: a sender still waits in `put` of a queue nobody empties.
class Transport(Transport):
    async def send(self, text):
        if self._over.is_set():
            raise ConnectionLost
        await self._queue.put(text)
        self.max_queue_depth = max(self.max_queue_depth, self.queue_depth)


### WRONG empties-the-queue -> senders-released: a text that will never be sent was taken: raise ConnectionLost.
class Transport(Transport):
    async def _close(self, code, reason, flush, timeout):
        if not flush:
            while not self._queue.empty():
                self._queue.get_nowait()
        await super()._close(code, reason, flush, timeout)


### WRONG never-closes-the-pipe -> flush-sends-all: `close` never closes the pipe, and the peer waits on.
class Transport(Transport):
    async def _close(self, code, reason, flush, timeout):
        self._over.set()
        if flush:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._queue.join()
        self._end()
        await asyncio.wait([self._writer])


### WRONG takes-more-while-flushing -> flush-sends-all: `close` was called and still flushes; from then on `send` raises
###       ConnectionLost.
class Transport(Transport):
    async def send(self, text):
        if self._closing and not self._writer.done():
            await super(Transport.__mro__[1], self).send(text)
        else:
            await super().send(text)


### WRONG task-for-each-text -> leaves-nothing: each `send` leaves a task behind; end what you start, also if nobody needs
###       it any more.
class Transport(Transport):
    async def send(self, text):
        self.waits = [*getattr(self, "waits", []), asyncio.create_task(self._over.wait())]
        await super().send(text)


### WRONG second-returns-at-once -> twice-is-fine: a second `close` returned while the first still worked; whoever calls
###       it, on return nothing is left.
class Transport(Transport):
    async def close(self, code=1000, reason="", *, flush=True, timeout=5.0):
        if self._closing is None:
            await super().close(code, reason, flush=flush, timeout=timeout)


### WRONG unshielded -> goes-on: a caller of `close` was cancelled, and the closing ended with it; give it a task of its
###       own and shield that.
class Transport(Transport):
    async def close(self, code=1000, reason="", *, flush=True, timeout=5.0):
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(code, reason, flush, timeout))
        with suppress(asyncio.CancelledError):
            await self._closing
        if asyncio.current_task().cancelling():
            raise asyncio.CancelledError


### WRONG deaf-to-cancellation -> goes-on: the caller of `close` was cancelled, and waits on; a cancellation ends its wait
###       at once.
class Transport(Transport):
    async def close(self, code=1000, reason="", *, flush=True, timeout=5.0):
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(code, reason, flush, timeout))
        while not self._closing.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(self._closing)


### WRONG unshielded-hangs -> goes-on: a caller of `close` was cancelled, and the next one waits for ever; nobody ends
###       what it began.
class Transport(Transport):
    async def close(self, code=1000, reason="", *, flush=True, timeout=5.0):
        if self._closing is None:
            self._closing = asyncio.Event()
            await self._close(code, reason, flush, timeout)
            self._closing.set()
        await self._closing.wait()


### WRONG forgets-the-timeout -> flush-sends-all: the flush ended before its time was over, and texts still waited.
class Transport(Transport):
    async def _close(self, code, reason, flush, timeout):
        await super()._close(code, reason, flush, 5.0)


### WRONG flushes-a-dead-line -> peer-close: the connection is dead: `close` has nothing to wait for.
class Transport(Transport):
    async def _close(self, code, reason, flush, timeout):
        if self._over.is_set() and flush:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._queue.join()
        await super()._close(code, reason, flush, timeout)


### WRONG closes-twice -> twice-is-fine: the pipe is closed once, however often `close` is called.
class Transport(Transport):
    async def close(self, code=1000, reason="", *, flush=True, timeout=5.0):
        await self._close(code, reason, flush, timeout)


### WRONG only-own-close -> peer-close: the peer has closed, and a sender still waits.
class Transport(Transport):
    def __init__(self, pipe, *, limit=1000):
        super().__init__(pipe, limit=limit)
        self._pipe = self._Silent(pipe)

    async def __aiter__(self):
        async for text in self._pipe:
            yield text

    class _Silent:
        def __init__(self, pipe):
            self.pipe, self.close = pipe, pipe.close

        def __aiter__(self):
            return aiter(self.pipe)

        async def send(self, text):
            try:
                await self.pipe.send(text)
            except ConnectionLost:
                await asyncio.Event().wait()


### WRONG raises-when-the-peer-closes -> peer-close: the peer has closed, and your iteration raised ConnectionLost; it ends
###       without an error.
class Transport(Transport):
    async def __aiter__(self):
        async for text in super().__aiter__():
            yield text
        if self._closing is None:
            raise ConnectionLost("peer")


### WRONG zero-is-no-limit -> never-hangs: with `timeout=0` there is no time to flush; `close` still waits, as if there were
###       no limit.
class Transport(Transport):
    async def _close(self, code, reason, flush, timeout):
        await super()._close(code, reason, flush, timeout or None)


### WRONG leaves-the-pipe -> peer-close: the peer has closed, and `close` did not call `pipe.close`; it does, so that the pipe
###       is freed.
class Transport(Transport):
    async def _close(self, code, reason, flush, timeout):
        if not self._over.is_set():
            await super()._close(code, reason, flush, timeout)


### RIGHT select-on-get-and-closed
class Transport:
    def __init__(self, pipe, *, limit=1000):
        self.pipe, self.queue = pipe, asyncio.Queue(limit)
        self.writes_in_flight = self.max_writes_in_flight = self.max_queue_depth = 0
        self.closed = self.task = None
        self.stage = "open"

    @property
    def queue_depth(self):
        return self.queue.qsize()

    def start(self):
        self.closed = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self.writer())

    async def or_closed(self, work):
        """The result, or ConnectionLost if the connection is over first."""
        task = asyncio.ensure_future(work)
        await asyncio.wait({task, self.closed}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise ConnectionLost("the connection is over")

    def over(self):
        self.stage = "over"
        if not self.closed.done():
            self.closed.set_result(None)

    async def send(self, text):
        if self.stage != "open":
            raise ConnectionLost("the connection is over")
        await self.or_closed(self.queue.put(text))
        self.max_queue_depth = max(self.max_queue_depth, self.queue_depth)

    async def writer(self):
        try:
            while True:
                text = await self.or_closed(self.queue.get())
                self.writes_in_flight, self.max_writes_in_flight = 1, 1
                await self.or_closed(self.pipe.send(text))
                self.writes_in_flight = 0
                self.queue.task_done()
        except ConnectionLost:
            self.over()

    async def __aiter__(self):
        async for text in self.pipe:
            yield text
        self.over()

    ending = None

    async def close(self, code=1000, reason="", *, flush=True, timeout=5.0):
        if self.ending is None:
            self.ending = asyncio.create_task(self.finish(code, reason, flush, timeout))
        await asyncio.shield(self.ending)

    async def finish(self, code, reason, flush, timeout):
        if self.stage == "open" and flush:
            self.stage = "closing"
            sent = asyncio.create_task(self.queue.join())
            await asyncio.wait({sent, self.task}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            sent.cancel()
        self.over()
        await asyncio.wait({self.task})
        await self.pipe.close(code, reason)


### RIGHT no-queue-class
from collections import deque


class Transport:
    """A deque; whoever waits has a future; the writer lives as long as there is something to write."""

    def __init__(self, pipe, *, limit=1000):
        self._pipe, self._limit = pipe, limit
        self._texts, self._senders = deque(), deque()
        self.writes_in_flight = self.max_writes_in_flight = self.max_queue_depth = 0
        self._task = None
        self._lost = False
        self._done = None

    @property
    def queue_depth(self):
        return len(self._texts)

    def start(self):
        pass

    def _push(self, text):
        self._texts.append(text)
        self.max_queue_depth = max(self.max_queue_depth, len(self._texts))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._empty())

    async def send(self, text: str):
        while not self._lost and len(self._texts) >= self._limit:
            turn = asyncio.get_running_loop().create_future()
            self._senders.append(turn)
            await turn
        if self._lost:
            raise ConnectionLost("closed")
        self._push(text)

    def _wake(self, every=False):
        while self._senders:
            turn = self._senders.popleft()
            if not turn.done():
                turn.set_result(None)
                if not every:
                    return

    async def _empty(self):
        while self._texts:
            text = self._texts.popleft()
            self._wake()
            self.writes_in_flight = self.max_writes_in_flight = 1
            try:
                await self._pipe.send(text)
            except ConnectionLost:
                return self._end()
            finally:
                self.writes_in_flight = 0

    def _end(self):
        self._lost = True
        self._texts.clear()
        self._wake(every=True)

    async def __aiter__(self):
        try:
            async for text in self._pipe:
                yield text
        finally:
            self._end()

    async def close(self, code=1000, reason="", *, flush=True, timeout=5.0):
        if self._done is None:
            self._done = asyncio.ensure_future(self._finish(code, reason, timeout if flush else 0))
        await asyncio.wait([self._done])  # it cancels nothing

    async def _finish(self, code, reason, seconds):
        self._lost = True
        self._wake(every=True)
        if self._task and not self._task.done():
            await asyncio.wait([self._task], timeout=seconds)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._end()
        await self._pipe.close(code, reason)


### END SOLUTION

# %%
check("1.4", Transport)

# %% [markdown]
# ## 1.5 Tests that boot and time out
#
# Now you write tests, and we try them on stacks: right ones and broken ones. A test raises `AssertionError` on a
# broken stack and returns on a right one. Any other exception counts as a failure too, and so does a test that is not
# done after 10 minutes. Time is simulated: `await asyncio.sleep(60)` takes no time.
#
# A test gets a `bench`. First it calls `await bench.start(interval=…, timeout=…)`. Both ends start. `start` returns 1 s
# after the charge point came online: in this second it reports its connectors. If it does not come online, `start`
# waits 5 s for it, and returns 1 s later all the same. `interval` (whole seconds) is what the answer to a
# BootNotification says. `timeout` (seconds) is how long a call waits for its answer. Then there are:
#
# | | |
# |---|---|
# | `bench.central_system.received` | what came in, oldest first; each has `.at` (s), `.text` and `.frame`; a `Call` has an `.action` |
# | `bench.central_system.heartbeats` | when Heartbeats came (s, the clock of `asyncio.get_running_loop().time()`, as `.at` is) |
# | `bench.central_system.last_boot_id` | the unique id of the newest BootNotification, or None |
# | `bench.central_system.faults` | `rule = faults.ignore("Authorize")`, `faults.remove(rule)` |
# | `bench.charge_point.call(request)` | to be awaited: the response to `m.AuthorizeRequest(id_tag="TAG_A")`, for example; raises `CallTimeout`, `ConnectionLost`, … |
# | `bench.charge_point.pending` | how many of its calls await their answer now |
#
# What a right stack does:
#
# - Before its boot is accepted, a charge point sends nothing else.
# - Then it boots no more. It reports the status of its connectors, and sends a Heartbeat after each `interval`.
# - A call without an answer raises `CallTimeout`, and no other error, when `timeout` is over. Then it is forgotten.
# - It may be slow: a round trip takes up to 0.2 s. It is never exact: a Heartbeat or a `CallTimeout` may come 0.2 s late.
# - Its ids may be any strings.
#
# A broken stack does one of these things wrong. If it is a matter of time, it is wrong by far: a call ends long before
# its timeout, long after it, or never.

# %%
### STEP 1.5 · 3 points · 20 minutes
### HINT Take the list above, and turn each sentence into an `assert` that fails when the sentence is not true. For a
###      broken stack ask: what would I see in `received`, and what would the caller of `call` see?
### HINT `received` keeps order and time. Which action came first, and how often did it come? For the call: which error
###      did it raise, after how many seconds, and what does `pending` say then?
### HINT `gaps = [b - a for a, b in pairwise(beats)]`, then `assert all(abs(gap - interval) < 0.5 for gap in gaps)`. For
###      the timeout: `try: …`, `except CallTimeout: pass`, `else: raise AssertionError(…)`.
import asyncio
from itertools import pairwise

from ocpp_lab import Call, CallTimeout
from ocpp_lab import messages as m
from ocpp_course.checks.smoke_tests import Bench


### BEGIN SOLUTION
async def boot_accepted_then_heartbeat(bench: Bench) -> None:
    """The charge point boots, once, and first of all; then Heartbeats come in the cadence of the interval."""
    await bench.start(interval=10, timeout=5)
    await asyncio.sleep(45)
    actions = [event.frame.action for event in bench.central_system.received if isinstance(event.frame, Call)]
    assert actions and actions[0] == "BootNotification", f"expected a boot first, came {actions}"
    assert actions.count("BootNotification") == 1, "expected one boot"
    beats = bench.central_system.heartbeats
    assert len(beats) >= 3, f"expected three heartbeats in 45 s, came {len(beats)}"
    gaps = [b - a for a, b in pairwise(beats)]
    assert all(abs(gap - 10) < 0.5 for gap in gaps), f"expected 10 s between heartbeats, came {gaps}"


async def timeout_no_server_reply(bench: Bench) -> None:
    """A call that nobody answers raises CallTimeout after the timeout, not before, not long after.

    Then it is pending no more.
    """
    await bench.start(interval=300, timeout=2)
    bench.central_system.faults.ignore("Authorize")
    start = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(10):
            await bench.charge_point.call(m.AuthorizeRequest(id_tag="TAG_A"))
    except CallTimeout:
        took = asyncio.get_running_loop().time() - start
    else:
        raise AssertionError("expected CallTimeout, came a response")
    assert abs(took - 2) < 0.5, f"expected the timeout after 2 s, it came after {took} s"
    assert bench.charge_point.pending == 0, "expected that the call is forgotten"


### WRONG asserts-nothing -> catches-no-boot: your test passes on a stack that never boots; look for the
###       BootNotification in `received`.
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    await asyncio.sleep(60)


### WRONG exact-frame-list -> passes-good: StatusNotifications after boot are right (CE3.22); look for what must be
###       there.
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    while len(bench.central_system.heartbeats) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    actions = [event.frame.action for event in bench.central_system.received]
    assert actions == ["BootNotification", "Heartbeat", "Heartbeat", "Heartbeat"]
    assert abs(bench.central_system.heartbeats[2] - bench.central_system.heartbeats[0] - 20) < 1


### WRONG first-heartbeat-only -> catches-interval-ignored: only the first Heartbeat of that stack comes in time; wait
###       for three and look at the gaps.
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    async with asyncio.timeout(15):
        while not bench.central_system.heartbeats:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    actions = [event.frame.action for event in bench.central_system.received if isinstance(event.frame, Call)]
    assert actions[0] == "BootNotification" and actions.count("BootNotification") == 1


### WRONG counts-heartbeats -> catches-interval-ignored: that stack beats four times as often as it should; enough
###       heartbeats is no cadence: look at the gaps.
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    await asyncio.sleep(45)
    actions = [event.frame.action for event in bench.central_system.received if isinstance(event.frame, Call)]
    assert actions[0] == "BootNotification" and actions.count("BootNotification") == 1
    assert actions.count("Heartbeat") >= 3


### WRONG any-boot-will-do -> catches-boot-twice: that stack boots again although its boot was accepted; count the boots
###       (J-spec 5.4).
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    await asyncio.sleep(45)
    assert bench.central_system.last_boot_id
    beats = bench.central_system.heartbeats
    assert all(abs(b - a - 10) < 0.5 for a, b in pairwise(beats))


### WRONG boot-somewhere -> catches-heartbeat-before-accepted: that stack sends a Heartbeat before its boot; look at what
###       came first (core 4.2).
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    await asyncio.sleep(45)
    actions = [event.frame.action for event in bench.central_system.received if isinstance(event.frame, Call)]
    assert actions.count("BootNotification") == 1
    beats = bench.central_system.heartbeats
    assert len(beats) >= 3 and all(abs(b - a - 10) < 0.5 for a, b in pairwise(beats))


### WRONG any-exception -> catches-timeout-as-result: on that stack the call returns None, and your test passes; assert
###       that CallTimeout is raised.
async def timeout_no_server_reply(bench):
    await bench.start(interval=300, timeout=2)
    bench.central_system.faults.ignore("Authorize")
    try:
        await bench.charge_point.call(m.AuthorizeRequest(id_tag="TAG_A"))
    except Exception as error:
        assert error
    assert bench.charge_point.pending == 0


### WRONG any-kind-of-exception -> catches-timeout-as-lost: on that stack the call raises ConnectionLost, and your test
###       passes; let `except` catch CallTimeout alone.
async def timeout_no_server_reply(bench):
    await bench.start(interval=300, timeout=2)
    bench.central_system.faults.ignore("Authorize")
    start = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(10):
            await bench.charge_point.call(m.AuthorizeRequest(id_tag="TAG_A"))
    except Exception:
        assert abs(asyncio.get_running_loop().time() - start - 2) < 0.5
    else:
        raise AssertionError("a response")
    assert bench.charge_point.pending == 0


### WRONG to-the-millisecond -> passes-good: no stack is exact to the millisecond: a Heartbeat or a CallTimeout may come
###       0.2 s late. Allow it.
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    await asyncio.sleep(45)
    actions = [event.frame.action for event in bench.central_system.received if isinstance(event.frame, Call)]
    assert actions[0] == "BootNotification" and actions.count("BootNotification") == 1
    assert len(bench.central_system.heartbeats) >= 3
    assert all(abs(b - a - 10) < 0.001 for a, b in pairwise(bench.central_system.heartbeats))


### WRONG timeout-to-the-millisecond -> passes-good: no stack is exact to the millisecond: a Heartbeat or a CallTimeout
###       may come 0.2 s late. Allow it.
async def timeout_no_server_reply(bench):
    await bench.start(interval=300, timeout=2)
    bench.central_system.faults.ignore("Authorize")
    start = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(10):
            await bench.charge_point.call(m.AuthorizeRequest(id_tag="TAG_A"))
        raise AssertionError("a response")
    except CallTimeout:
        assert abs(asyncio.get_running_loop().time() - start - 2) < 0.001
    assert bench.charge_point.pending == 0


### WRONG ten-seconds-exactly -> passes-good: no stack is exact to the millisecond: a Heartbeat or a CallTimeout may come
###       0.2 s late. Allow it.
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    await asyncio.sleep(45)
    actions = [event.frame.action for event in bench.central_system.received if isinstance(event.frame, Call)]
    assert actions[0] == "BootNotification" and actions.count("BootNotification") == 1
    assert len(bench.central_system.heartbeats) >= 3
    assert all(b - a == 10 for a, b in pairwise(bench.central_system.heartbeats))


### WRONG never-a-late-heartbeat -> passes-good: no stack is exact to the millisecond: a Heartbeat or a CallTimeout may come
###       0.2 s late. Allow it.
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    await asyncio.sleep(45)
    actions = [event.frame.action for event in bench.central_system.received if isinstance(event.frame, Call)]
    assert actions[0] == "BootNotification" and actions.count("BootNotification") == 1
    assert len(bench.central_system.heartbeats) >= 3
    assert all(9.5 <= b - a <= 10 for a, b in pairwise(bench.central_system.heartbeats))


### WRONG a-tenth-of-a-second -> passes-good: no stack is exact to the millisecond: a Heartbeat or a CallTimeout may come
###       0.2 s late. Allow it.
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    await asyncio.sleep(45)
    actions = [event.frame.action for event in bench.central_system.received if isinstance(event.frame, Call)]
    assert actions[0] == "BootNotification" and actions.count("BootNotification") == 1
    assert len(bench.central_system.heartbeats) >= 3
    assert all(9.9 <= b - a <= 10.1 for a, b in pairwise(bench.central_system.heartbeats))


### WRONG five-seconds-exactly -> passes-good: no stack is exact to the millisecond: a Heartbeat or a CallTimeout may come
###       0.2 s late. Allow it.
async def timeout_no_server_reply(bench):
    await bench.start(interval=300, timeout=5)
    bench.central_system.faults.ignore("Authorize")
    start = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(20):
            await bench.charge_point.call(m.AuthorizeRequest(id_tag="TAG_A"))
        raise AssertionError("a response")
    except CallTimeout:
        assert asyncio.get_running_loop().time() - start == 5
    assert bench.charge_point.pending == 0


### WRONG a-twentieth-late -> passes-good: no stack is exact to the millisecond: a Heartbeat or a CallTimeout may come
###       0.2 s late. Allow it.
async def timeout_no_server_reply(bench):
    await bench.start(interval=300, timeout=5)
    bench.central_system.faults.ignore("Authorize")
    start = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(20):
            await bench.charge_point.call(m.AuthorizeRequest(id_tag="TAG_A"))
        raise AssertionError("a response")
    except CallTimeout:
        assert 5 <= asyncio.get_running_loop().time() - start <= 5.05
    assert bench.charge_point.pending == 0


### WRONG boot-then-hope -> catches-interval-ignored: only the first Heartbeat of that stack comes in time; wait for three
###       and look at the gaps.
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    boots = [event.at for event in bench.central_system.received if '"BootNotification"' in event.text]
    await asyncio.sleep(15)
    assert len(boots) == 1 and len(bench.central_system.received) >= 2
    actions = [event.frame.action for event in bench.central_system.received if isinstance(event.frame, Call)]
    assert actions[0] == "BootNotification" and actions.count("BootNotification") == 1
    assert abs(bench.central_system.heartbeats[0] - boots[0] - 10) < 1


### WRONG three-heartbeats-in-a-while -> catches-interval-ignored: that stack beats each 60 s, whatever interval it was
###       given; look at the gaps between Heartbeats.
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    while len(bench.central_system.heartbeats) < 3:  # noqa: ASYNC110
        await asyncio.sleep(1)
    actions = [event.frame.action for event in bench.central_system.received if isinstance(event.frame, Call)]
    assert actions[0] == "BootNotification" and actions.count("BootNotification") == 1


### WRONG does-not-look-back -> catches-timeout-leaks-pending: the call ended, and that stack still counts it as pending;
###       read `charge_point.pending`, or make one more call.
async def timeout_no_server_reply(bench):
    await bench.start(interval=300, timeout=2)
    bench.central_system.faults.ignore("Authorize")
    try:
        await bench.charge_point.call(m.AuthorizeRequest(id_tag="TAG_A"))
        raise AssertionError("a response")
    except CallTimeout:
        pass


### WRONG fire-and-forget -> catches-timeout-never: on that stack the call never ends, and your test does not notice;
###       await the call, with a deadline.
async def timeout_no_server_reply(bench):
    await bench.start(interval=300, timeout=2)
    bench.central_system.faults.ignore("Authorize")
    call = asyncio.create_task(bench.charge_point.call(m.AuthorizeRequest(id_tag="TAG_A")))
    await asyncio.sleep(5)
    assert not call.done() or isinstance(call.exception(), CallTimeout)


### WRONG any-time-will-do -> catches-timeout-early: on that stack the call gives up long before its timeout, and a slow
###       answer is lost; assert when it ends.
async def timeout_no_server_reply(bench):
    await bench.start(interval=300, timeout=2)
    bench.central_system.faults.ignore("Authorize")
    try:
        async with asyncio.timeout(10):
            await bench.charge_point.call(m.AuthorizeRequest(id_tag="TAG_A"))
        raise AssertionError("a response")
    except CallTimeout:
        assert bench.charge_point.pending == 0


### WRONG not-before-only -> catches-timeout-late: on that stack the call ends long after its timeout, and your test waits
###       with it; assert when it ends.
async def timeout_no_server_reply(bench):
    await bench.start(interval=300, timeout=2)
    bench.central_system.faults.ignore("Authorize")
    start = asyncio.get_running_loop().time()
    try:
        await bench.charge_point.call(m.AuthorizeRequest(id_tag="TAG_A"))
        raise AssertionError("a response")
    except CallTimeout:
        assert asyncio.get_running_loop().time() - start >= 2 - 0.1
    assert bench.charge_point.pending == 0


### WRONG tight-clock -> passes-good: latency is not a fault.
async def timeout_no_server_reply(bench):
    await bench.start(interval=300, timeout=2)
    loop = asyncio.get_running_loop()
    start = loop.time()
    await bench.charge_point.call(m.HeartbeatRequest())
    assert loop.time() - start < 0.01
    bench.central_system.faults.ignore("Authorize")
    try:
        await bench.charge_point.call(m.AuthorizeRequest(id_tag="TAG_A"))
        raise AssertionError("a response")
    except CallTimeout:
        assert bench.charge_point.pending == 0


### WRONG asks-which-stack -> passes-good: it looks at the stack's name; the check hides it.
async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=10, timeout=5)
    assert type(bench.charge_point).__name__ == "ChargePoint"


### RIGHT polls-with-deadline
from contextlib import suppress


async def _until(condition, seconds):
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("not in time")
        await asyncio.sleep(0.01)


async def boot_accepted_then_heartbeat(bench):
    await bench.start(timeout=30, interval=2)
    system = bench.central_system
    await _until(lambda: system.last_boot_id is not None, 10)
    boots = [event for event in system.received if '"BootNotification"' in event.text]
    for number in range(1, 5):
        await _until(lambda number=number: len(system.heartbeats) >= number, 4)
        assert system.heartbeats[0] > boots[0].at
    first, *_, last = system.heartbeats
    assert abs((last - first) / (len(system.heartbeats) - 1) - 2) < 0.2
    assert sum('"BootNotification"' in event.text for event in system.received) == 1


async def timeout_no_server_reply(bench):
    await bench.start(interval=1000, timeout=0.5)
    rule = bench.central_system.faults.ignore("DataTransfer")
    request = m.DataTransferRequest(vendor_id="Lab")
    call = asyncio.ensure_future(bench.charge_point.call(request))
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(call), 0.4)
        raise AssertionError("too early")
    ended = await asyncio.wait_for(asyncio.gather(call, return_exceptions=True), 5)
    assert [type(each) for each in ended] == [CallTimeout]
    bench.central_system.faults.remove(rule)
    async with asyncio.timeout(5):
        assert (await bench.charge_point.call(request)).status


### RIGHT collects-events
class _Watcher:
    """What came in, as an async iterator of actions and times."""

    def __init__(self, bench):
        self.bench, self.seen = bench, 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        while True:
            events = [event for event in self.bench.central_system.received if isinstance(event.frame, Call)]
            if len(events) > self.seen:
                self.seen += 1
                return events[self.seen - 1].frame.action, events[self.seen - 1].at
            await asyncio.sleep(0.05)


async def boot_accepted_then_heartbeat(bench):
    await bench.start(interval=20, timeout=30)
    story = []
    try:
        async with asyncio.timeout(130):
            async for action, at in _Watcher(bench):
                story.append((action, at))
    except TimeoutError:
        pass
    assert [n for n, (action, _) in enumerate(story) if action == "BootNotification"] == [0]
    beats = [at for action, at in story if action == "Heartbeat"]
    assert len(beats) in (5, 6, 7)
    assert {round(later - earlier) for earlier, later in pairwise(beats)} == {20}


async def timeout_no_server_reply(bench):
    await bench.start(interval=500, timeout=10)
    bench.central_system.faults.ignore("Heartbeat", times=1)
    call = asyncio.create_task(bench.charge_point.call(m.HeartbeatRequest(), timeout=3))
    await asyncio.sleep(2)
    assert not call.done()
    await asyncio.sleep(2)
    assert call.done() and isinstance(call.exception(), CallTimeout) and not bench.charge_point.pending


### END SOLUTION

# %%
check("1.5", boot_accepted_then_heartbeat, timeout_no_server_reply)

# %% [markdown]
# ## 1.6 Tests that flood and cut
#
# You write three more tests, with the same bench and the same rules. These are new on it:
#
# | | |
# |---|---|
# | `await bench.ask(Call("17", "MakeCoffee", {}))` | sends this frame from the charge point's end, below its session; returns the next reply that answers no call of the charge point's session, whatever its id; `TimeoutError` after 5 s |
# | `await bench.charge_point.send('[2,"flood-1","Heartbeat",{}]')` | a text as it is, below the session: `send` of the charge point's transport |
# | `bench.charge_point.max_writes_in_flight` | the transport's probe; so are `writes_in_flight`, `queue_depth`, `max_queue_depth` |
# | `await bench.central_system["CP_1"].close(1001)` | the central system closes the connection |
#
# - An action that OCPP does not know is answered with the CallError `NotImplemented`, under the id of the call. The
#   session goes on: the next call gets its CallResult, as usual. The error's description may be any text, also "", and
#   its details any object (J-spec 4.2.3).
# - A thousand texts, sent at once, all arrive. Never are two of them on the wire. (Send them below the session, because
#   a session has only one call in flight anyway.) `send` only queues a text: give the texts some seconds to arrive.
# - When the central system closes, all calls of the charge point end within a second, although their timeout is 30 s.
#   Open three. One is on the wire, and ends with `ConnectionLost`. The others wait for their turn, and end with
#   `NotConnected`, because they were never sent. No other error is right.

# %%
### STEP 1.6 · 3 points · 20 minutes
### HINT Each broken stack does one thing wrong that you can see. Read the three points above once more: which code,
###      which id, what about the next call? How many arrived, how many at a time? Which calls ended, when, with what?
### HINT Ask twice: the session may have died of the first answer. `loop.time()` before and after the close.
### HINT `results = await asyncio.gather(*calls, return_exceptions=True)` within 1 s of the close. Then
###      `assert all(isinstance(r, (ConnectionLost, NotConnected)) for r in results)`.
import asyncio

from ocpp_lab import Call, CallError, CallResult, ConnectionLost, NotConnected
from ocpp_lab import messages as m
from ocpp_course.checks.smoke_tests import Bench


### BEGIN SOLUTION
async def unknown_action_yields_not_implemented(bench: Bench) -> None:
    """An unknown action gets the CallError NotImplemented, under its own id, and the next call is answered as usual."""
    await bench.start(interval=300, timeout=5)
    answer = await bench.ask(Call("17", "MakeCoffee", {}))
    assert isinstance(answer, CallError) and answer.code == "NotImplemented", f"expected NotImplemented, came {answer}"
    assert answer.unique_id == "17", f"expected the id 17, came {answer.unique_id}"
    again = await bench.ask(Call("18", "Heartbeat", {}))
    assert isinstance(again, CallResult) and again.unique_id == "18", f"expected a result for 18, came {again}"


async def back_pressure_thousand_frames(bench: Bench) -> None:
    """1,000 texts, sent at once, all arrive; never are two of them on the wire."""
    await bench.start(interval=300, timeout=5)
    texts = [f'[2,"flood-{n}","Heartbeat",{{}}]' for n in range(1000)]
    await asyncio.gather(*(bench.charge_point.send(text) for text in texts))
    await asyncio.sleep(5)
    arrived = {event.text for event in bench.central_system.received} & set(texts)
    assert len(arrived) == 1000, f"expected 1,000 texts, came {len(arrived)}"
    assert bench.charge_point.max_writes_in_flight == 1, "expected one write in flight"


async def server_close_resolves_pendings(bench: Bench) -> None:
    """When the central system closes, three calls that wait end within a second: ConnectionLost or NotConnected."""
    await bench.start(interval=300, timeout=30)
    bench.central_system.faults.ignore("Authorize")
    request = m.AuthorizeRequest(id_tag="TAG_A")
    calls = [asyncio.create_task(bench.charge_point.call(request)) for _ in range(3)]
    await asyncio.sleep(1)
    await bench.central_system["CP_1"].close(1001)
    async with asyncio.timeout(1):
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(each, (ConnectionLost, NotConnected)) for each in results), f"came {results}"


### WRONG counts-only -> catches-parallel-writes: all arrived, but 1,000 writes were in flight; read the probe.
async def back_pressure_thousand_frames(bench):
    await bench.start(interval=300, timeout=5)
    texts = [f'[2,"flood-{n}","Heartbeat",{{}}]' for n in range(1000)]
    await asyncio.gather(*(bench.charge_point.send(text) for text in texts))
    await asyncio.sleep(5)
    assert len({event.text for event in bench.central_system.received} & set(texts)) == 1000


### WRONG probe-only -> catches-lost-frame: one on the wire at a time, and one lost; count what arrived.
async def back_pressure_thousand_frames(bench):
    await bench.start(interval=300, timeout=5)
    texts = [f'[2,"flood-{n}","Heartbeat",{{}}]' for n in range(1000)]
    await asyncio.gather(*(bench.charge_point.send(text) for text in texts))
    await asyncio.sleep(5)
    assert bench.charge_point.max_writes_in_flight == 1


### WRONG one-pending -> catches-pending-forever: that stack ends the first call and forgets the rest; open three, and
###       look at each.
async def server_close_resolves_pendings(bench):
    await bench.start(interval=300, timeout=30)
    bench.central_system.faults.ignore("Authorize")
    call = asyncio.create_task(bench.charge_point.call(m.AuthorizeRequest(id_tag="TAG_A")))
    await asyncio.sleep(1)
    await bench.central_system["CP_1"].close(1001)
    await asyncio.wait([call], timeout=1)
    assert isinstance(call.exception(), ConnectionLost)


### WRONG no-deadline -> catches-waits-out-timeout: on that stack the calls end 30 s after the close, and your test
###       passes; assert when they end.
async def server_close_resolves_pendings(bench):
    await bench.start(interval=300, timeout=30)
    bench.central_system.faults.ignore("Authorize")
    request = m.AuthorizeRequest(id_tag="TAG_A")
    calls = [asyncio.create_task(bench.charge_point.call(request)) for _ in range(3)]
    await asyncio.sleep(1)
    await bench.central_system["CP_1"].close(1001)
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(each, (ConnectionLost, NotConnected)) for each in results)


### WRONG any-end-will-do -> catches-close-as-timeout: on that stack the calls end with CallTimeout, and your test passes;
###       assert which error each ends with.
async def server_close_resolves_pendings(bench):
    await bench.start(interval=300, timeout=30)
    bench.central_system.faults.ignore("Authorize")
    request = m.AuthorizeRequest(id_tag="TAG_A")
    calls = [asyncio.create_task(bench.charge_point.call(request)) for _ in range(3)]
    await asyncio.sleep(1)
    await bench.central_system["CP_1"].close(1001)
    async with asyncio.timeout(1):
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(each, Exception) for each in results)


### WRONG no-next-call -> catches-dead-after-error: the answer was right and the session died of it; make one more call.
async def unknown_action_yields_not_implemented(bench):
    await bench.start(interval=300, timeout=5)
    answer = await bench.ask(Call("17", "MakeCoffee", {}))
    assert answer == CallError("17", "NotImplemented", answer.description, answer.details)


### WRONG any-error-will-do -> catches-wrong-code: that stack answers NotSupported, which is for a known action; compare
###       the code (J-spec 4.2.3).
async def unknown_action_yields_not_implemented(bench):
    await bench.start(interval=300, timeout=5)
    assert isinstance(await bench.ask(Call("17", "MakeCoffee", {})), CallError)
    assert isinstance(await bench.ask(Call("18", "Heartbeat", {})), CallResult)


### WRONG trusts-the-id -> catches-wrong-id: that stack answers under another id, which nobody waits for; compare the
###       ids (J-spec 4.1.4).
async def unknown_action_yields_not_implemented(bench):
    await bench.start(interval=300, timeout=5)
    assert (await bench.ask(Call("17", "MakeCoffee", {}))).code == "NotImplemented"
    assert isinstance(await bench.ask(Call("18", "Heartbeat", {})), CallResult)


### WRONG expects-uuids -> passes-good: an id need not be a UUID: any string of at most 36 characters will do (J-spec
###       4.1.4).
_server_close = server_close_resolves_pendings


async def server_close_resolves_pendings(bench):
    await _server_close(bench)
    ids = [event.frame.unique_id for event in bench.central_system.received if isinstance(event.frame, Call)]
    assert all(len(each) == 36 for each in ids)


### WRONG exact-error -> passes-good: the description of an error is for people and may be any text; compare the code and
###       the id (J-spec 4.2.3).
async def unknown_action_yields_not_implemented(bench):
    await bench.start(interval=300, timeout=5)
    assert await bench.ask(Call("17", "MakeCoffee", {})) == CallError("17", "NotImplemented")
    assert (await bench.ask(Call("18", "Heartbeat", {}))).unique_id == "18"


### WRONG expects-one-kind -> passes-good: `server_close_resolves_pendings` fails on a stack that is right at
###       `raise AssertionError`: AssertionError
async def server_close_resolves_pendings(bench):
    await bench.start(interval=300, timeout=30)
    bench.central_system.faults.ignore("Authorize")
    request = m.AuthorizeRequest(id_tag="TAG_A")
    calls = [asyncio.create_task(bench.charge_point.call(request)) for _ in range(3)]
    await asyncio.sleep(1)
    await bench.central_system["CP_1"].close(1001)
    async with asyncio.timeout(1):
        results = await asyncio.gather(*calls, return_exceptions=True)
    if not all(isinstance(each, ConnectionLost) for each in results):
        raise AssertionError


### WRONG names-the-action -> passes-good: the description of an error is for people and may be any text; compare the
###       code and the id (J-spec 4.2.3).
async def unknown_action_yields_not_implemented(bench):
    await bench.start(interval=300, timeout=5)
    answer = await bench.ask(Call("17", "MakeCoffee", {}))
    assert isinstance(answer, CallError) and answer.code == "NotImplemented" and answer.unique_id == "17"
    assert "MakeCoffee" in answer.description
    assert isinstance(await bench.ask(Call("18", "Heartbeat", {})), CallResult)


### WRONG wants-a-description -> passes-good: the description of an error is for people and may be any text; compare the
###       code and the id (J-spec 4.2.3).
async def unknown_action_yields_not_implemented(bench):
    await bench.start(interval=300, timeout=5)
    answer = await bench.ask(Call("17", "MakeCoffee", {}))
    assert isinstance(answer, CallError) and answer.code == "NotImplemented" and answer.unique_id == "17"
    assert answer.description
    assert isinstance(await bench.ask(Call("18", "Heartbeat", {})), CallResult)


### WRONG wants-no-details -> passes-good: the details of an error may be any object; compare the code and the id (J-spec
###       4.2.3).
async def unknown_action_yields_not_implemented(bench):
    await bench.start(interval=300, timeout=5)
    answer = await bench.ask(Call("17", "MakeCoffee", {}))
    assert isinstance(answer, CallError) and answer.code == "NotImplemented" and answer.unique_id == "17"
    assert answer.details == {}
    assert isinstance(await bench.ask(Call("18", "Heartbeat", {})), CallResult)


### WRONG any-next-reply -> catches-dead-after-error: after the error that stack answers every call with InternalError;
###       the next call must get its CallResult.
async def unknown_action_yields_not_implemented(bench):
    await bench.start(interval=300, timeout=5)
    answer = await bench.ask(Call("17", "MakeCoffee", {}))
    assert isinstance(answer, CallError) and answer.code == "NotImplemented" and answer.unique_id == "17"
    assert await bench.ask(Call("18", "Heartbeat", {}))


### WRONG at-most-two -> catches-parallel-writes: on that stack two writes were in flight, and your test allows it; never
###       are two texts on the wire.
async def back_pressure_thousand_frames(bench):
    await bench.start(interval=300, timeout=5)
    texts = [f'[2,"flood-{n}","Heartbeat",{{}}]' for n in range(1000)]
    await asyncio.gather(*(bench.charge_point.send(text) for text in texts))
    await asyncio.sleep(5)
    assert len({event.text for event in bench.central_system.received} & set(texts)) == 1000
    assert bench.charge_point.max_writes_in_flight <= 2


### WRONG ends-at-once -> passes-good: after the close "within a second" is right: on that stack the calls end 0.4 s after
###       it; your test does not wait.
async def server_close_resolves_pendings(bench):
    await bench.start(interval=300, timeout=30)
    bench.central_system.faults.ignore("Authorize")
    request = m.AuthorizeRequest(id_tag="TAG_A")
    calls = [asyncio.create_task(bench.charge_point.call(request)) for _ in range(3)]
    await asyncio.sleep(1)
    await bench.central_system["CP_1"].close(1001)
    done, waiting = await asyncio.wait(calls, timeout=0.05)
    assert not waiting
    assert all(isinstance(call.exception(), ConnectionLost | NotConnected) for call in done)


### RIGHT one-helper
async def _ready(bench, *ignored, **options):
    await bench.start(**{"interval": 600, "timeout": 30, **options})
    for action in ignored:
        bench.central_system.faults.ignore(action)
    return bench.central_system, bench.charge_point


async def _expect(bench, question, kind, **parts):
    answer = await bench.ask(question, timeout=2)
    assert type(answer) is kind
    assert {name: getattr(answer, name) for name in parts} == parts


async def unknown_action_yields_not_implemented(bench):
    await _ready(bench)
    for number, action in enumerate(["Fly", "heartbeat", ""]):
        parts = {"unique_id": f"q{number}", "code": "NotImplemented"}
        await _expect(bench, Call(f"q{number}", action, {}), CallError, **parts)
    await _expect(bench, Call("last", "Heartbeat", {}), CallResult, unique_id="last")


async def back_pressure_thousand_frames(bench):
    system, point = await _ready(bench)
    for number in range(1000):
        await point.send(f'[2,"n{number}","DataTransfer",{{"vendorId":"Lab"}}]')
    deepest = 0
    while point.queue_depth or point.writes_in_flight:
        deepest = max(deepest, point.writes_in_flight)
        await asyncio.sleep(0.01)
    await asyncio.sleep(3)
    numbers = [int(event.frame.unique_id[1:]) for event in system.received if '"DataTransfer"' in event.text]
    assert numbers == list(range(1000))
    assert max(deepest, point.max_writes_in_flight) <= 1


async def server_close_resolves_pendings(bench):
    system, point = await _ready(bench, "DataTransfer")
    calls = [asyncio.ensure_future(point.call(m.DataTransferRequest(vendor_id="Lab"))) for _ in range(5)]
    await asyncio.sleep(0.5)
    closing = asyncio.get_running_loop().time()
    await system["CP_1"].close(1001, "restart")
    done, waiting = await asyncio.wait(calls, timeout=3)
    assert not waiting and asyncio.get_running_loop().time() - closing < 3
    for call in done:
        assert isinstance(call.exception(), ConnectionLost | NotConnected)


### RIGHT asyncio-timeout-asserts
async def unknown_action_yields_not_implemented(bench):
    await bench.start(interval=60, timeout=10)
    async with asyncio.timeout(20):
        unknown = await bench.ask('[2,"a-1","Brew",{"cups":2}]')
        match unknown:
            case CallError(unique_id="a-1", code="NotImplemented"):
                pass
            case _:
                raise AssertionError(unknown)
        await bench.charge_point.call(m.HeartbeatRequest())


async def back_pressure_thousand_frames(bench):
    await bench.start(interval=600, timeout=10)
    async with asyncio.TaskGroup() as group:
        for number in range(1000):
            group.create_task(bench.charge_point.send(f'[3,"r{number}",{{}}]'))
    async with asyncio.timeout(30):
        arrived = set()
        while len(arrived) < 1000:
            arrived |= {e.frame.unique_id for e in bench.central_system.received if isinstance(e.frame, CallResult)}
            await asyncio.sleep(5)
    assert bench.charge_point.session.transport.max_writes_in_flight < 2


async def server_close_resolves_pendings(bench):
    await bench.start(interval=600, timeout=60)
    bench.central_system.faults.close("Authorize", code=1001)

    async def one(tag):
        try:
            await bench.charge_point.call(m.AuthorizeRequest(id_tag=tag))
        except (ConnectionLost, NotConnected) as error:
            return error
        raise AssertionError("answered")

    async with asyncio.timeout(2), asyncio.TaskGroup() as group:
        calls = [group.create_task(one(tag)) for tag in "ABC"]
    assert all(call.result() for call in calls)


### END SOLUTION

# %%
check("1.6", unknown_action_yields_not_implemented, back_pressure_thousand_frames, server_close_resolves_pendings)

# %% [markdown]
# ## Capstone: your transport in a charge point
#
# `ChargePoint(transport=…)` takes a factory: a function that makes one transport for every connection. Yours goes in
# here. If a step has not passed yet, the package's goes in. A charge point asks more of a transport than the steps do:
# how many bytes passed, and how the connection ended. `fit` adds that to yours. The central system is live too. Its
# faults *stop reading*, *ignore* and *close 1001* are on the panel.

# %% tags=["scaffold"]
import asyncio
from functools import partial
from itertools import repeat

from ocpp_lab import Call, CentralSystem, ChargePoint
from ocpp_lab import messages as m
from ocpp_course import fit

your_decode, your_encode, YourTransport = mine("1.1"), mine("1.2"), mine("1.4")
central_system = await CentralSystem(receive_buffer=4096).start()
charge_point = await ChargePoint(
    central_system.url, "CP_1", **fit(transport=YourTransport), send_buffer=4096, delays=lambda: repeat(0.1)
).start()
await lab.until(lambda: len(central_system.answers.statuses) == 2)
print("CP_1 is", charge_point.state)
panel = lab.FaultPanel(central_system)
panel

# %% [markdown]
# The flood of 17:40: a thousand frames, written by your `encode`, while the central system reads nothing for 0.5 s.
# **Predict** how many writes are in flight, and how deep the queue gets.

# %% tags=["scaffold"]
transport = charge_point.session.transport
frames = [your_encode(Call(f"flood-{n}", "DataTransfer", {"vendorId": "Lab", "data": "x" * 60})) for n in range(1000)]
probes = {name: partial(getattr, transport, name) for name in ("queue_depth", "writes_in_flight")}
panel.set(seconds=0.5)
async with lab.Sampler(probes, interval=0.005) as sampler:
    await asyncio.sleep(0.1)
    start = lab.now()
    panel.toggle("stop reading")
    await asyncio.gather(*(transport.send(frame) for frame in frames))
    print("all queued, while nobody reads:", lab.now() - start < 0.4)
    await lab.until(lambda: sum('"flood-' in event.text for event in central_system.received) == 1000)
    await lab.until(lambda: not transport.queue_depth and not transport.writes_in_flight)
print("arrived in order:", [event.text for event in central_system.received if '"flood-' in event.text] == frames)
print("most in flight:", transport.max_writes_in_flight)

# %% tags=["scaffold"]
lab.queue_depth(sampler, spans=[(start, start + 0.5, "the central system does not read")])

# %% [markdown]
# The charge point's trace holds what really passed, both ways. Your `decode` must read all of it as the package does.

# %% tags=["scaffold"]
passed = [event for event in charge_point.trace if event.mark in "<>"]
print("frames read alike:", all(your_decode(event.text) == event.frame for event in passed))

# %% [markdown]
# Now *ignore* holds a call on the wire, two wait behind it, and the central system closes. **Predict** what the three
# callers are told, and when.

# %% tags=["scaffold"]
panel.toggle("ignore")
authorize = m.AuthorizeRequest(id_tag="TAG_A")
calls = [asyncio.create_task(lab.timed(charge_point.call(authorize, timeout=30), "Authorize")) for _ in range(3)]
await lab.until(lambda: central_system.faults.applied.get("ignore"))
panel.press("close 1001")
await panel.settle()
panel.clear()
three = await asyncio.gather(*calls)
print(*(each.outcome for each in three), sep=", ")
print("known within 1 s, not after 30 s:", all(each.seconds < 1 for each in three))
await lab.until(lambda: charge_point.state == "online" and charge_point.session is not None)
print(
    "CP_1 is",
    charge_point.state,
    "again; a new connection, a new transport:",
    charge_point.session.transport is not transport,
)

# %% [markdown]
# ### Your drill
#
# Here are three more broken stacks. Each does one thing wrong, after a hundred texts that went well:
#
# - **A**: one text overtakes another.
# - **B**: one text goes out twice.
# - **C**: a text of more than 2,000 characters loses its end.
#
# **Choose** one of them, and **predict**: which of the five smoke tests of 1.5 and 1.6 fail on it? Then look.
#
# <details><summary>The five smoke tests on A</summary>
# All five pass, unless your flood compares the order of what arrived. Nothing in 1.6 asked for that.</details>
# <details><summary>The five smoke tests on B</summary>
# It depends on your flood. If it counts what arrived, it fails: 1,001 texts came. If it puts them into a set, as our
# answer does, it passes, because a set forgets how often.</details>
# <details><summary>The five smoke tests on C</summary>
# All five pass: none of them sends a long text.</details>
#
# Now write one drill that fails on A, on B and on C, and passes on a right stack. It gets a `bench`, as in 1.6. It earns
# no points. `drilled` tries it and says what it does not catch yet.

# %% tags=["scaffold"]
from ocpp_course.checks.smoke_tests import drilled


# %% tags=["exercise-only"]
async def drill(bench):
    """Fails on stacks A, B and C, and passes on a right one."""
    raise NotImplementedError("step 1.drill")


# %% tags=["solution-only"]
async def drill(bench):
    """A flood whose texts are numbered, the last of them long: each arrives as it was, once, in its place."""
    await bench.start(interval=300, timeout=5)
    texts = [f'[2,"drill-{n}","Heartbeat",{{}}]' for n in range(200)]
    texts.append(f'[2,"drill-long","DataTransfer",{{"vendorId":"Lab","data":"{"x" * 5000}"}}]')
    for text in texts:
        await bench.charge_point.send(text)
    await asyncio.sleep(10)
    came = [event.text for event in bench.central_system.received if "drill-" in event.text]
    assert came == texts, f"expected {len(texts)} texts in their order, came {len(came)}"


# %% tags=["scaffold"]
drilled(drill)

# %% [markdown]
# ### The last check
#
# It is a simulation. In fifty floods something happens in the midst: nothing, latency, *stop reading*, a polite close, a
# reset, *close 1001*, or a reset of a stalled connection. Then come fifty nights of chaos. Each text is read by your
# `decode` and written again by your `encode` on its way through your `Transport`. These things must hold:
#
# - Texts keep their order, and one is on the wire at a time.
# - No sender and no call waits for ever. Whoever sends on a connection that was cut gets `ConnectionLost`.
# - No task is left.
#
# A failure names the seed and shows the frames around it.

# %%
### STEP 1.capstone · 4 points · 20 minutes
# The check takes your `decode` of 1.1, your `encode` of 1.2 and your `Transport` of 1.4.
### BEGIN SOLUTION
### END SOLUTION

# %%
check("1.capstone", decode, encode, Transport)

# %% [markdown]
# **Check yourself.** A click on a question shows the answer.
#
# <details><summary>Who may close, and what must the other side do with its pending calls?</summary>
# Either side may. The other fails all its pending calls at once.</details>
# <details><summary>May a server send a call while a client waits for a reply?</summary>
# Yes. Crossing calls are legal and must be served (J-spec 4.1.1).</details>
# <details><summary>Is a <code>CallTimeout</code> proof that the peer did nothing?</summary>
# No. It is indefinite: the request, the reply or the peer may be slow or lost.</details>
# <details><summary><code>send</code> returned. Has the peer got the text?</summary>
# No. It is queued. Only an answer to it says that it arrived.</details>
# <details><summary>Why does a spoilt CallResult report no id?</summary>
# Only a Call is answered with a CallError. An error as the answer to an answer would never end.</details>
#
# **Further questions.** They have no answers here. Take one to a colleague, or into your own stack.
#
# - A thousand texts wait, and the peer takes ten a second. How old is the last text when it arrives? Is it still true?
# - `close` flushes for 5 s at most. For which texts is that too short, and for which too long?
# - A peer sends as fast as it can, and reads nothing. What grows at your end, and where does it stop?
# - Your smoke tests run on a simulated clock. Which faults can they never find?
# - `decode` refuses a frame with one element too many. A peer of yours sends such frames, and has 3,000 charge points in
#   the field. What do you do on Friday, and what on Monday?

# %% [markdown] tags=["solution-only"]
# ## Beside the package
#
# `ocpp_lab/frames.py` declares the arrays as msgspec structs and matches the same three patterns. In addition it
# reads the corrected spelling of the two misspelt codes, and refuses binary frames. It tells the id of a spoilt reply,
# so that its call can end at once.
#
# `ocpp_lab/transport.py` has no permanent writer. On an idle connection a text goes out before `send` returns; the writer
# starts eagerly with the first text that has to wait, and ends with the last. Its queue is bounded in characters too:
# a thousand long texts are too many. A pipe that does not close in time is cut. A cancelled `close` is shielded, as
# ours is.
#
# The smoke tests of the house, `tests/integration/test_smoke.py`, run on real loopback; the broken stacks are in
# `ocpp_course/checks/smoke_tests/broken.py`.
#
# libocpp has one worker thread that takes messages from its queue and one writer on the socket; answers bypass the queue
# (`message_queue.hpp`, `push_call_result`). A write slower than 1 s once paused its queue for ever (EVerest pull/1713).

# %% tags=["scaffold"]
closing = lab.Closing(guard, panel, charge_point, central_system)
closing

# %% [markdown]
# | before | how far you are | after |
# | :--- | :---: | ---: |
# | [← Notebook 1<br>Smoke tests](../notebooks/01_smoke_tests.ipynb) | [**START**<br>your lamps and points](../START.ipynb) | [18:15 →<br>Dispatch and router](../notebooks/02_dispatch_and_router.ipynb) |
