"""`mutated`: frames as no sane peer sends them, by seed; `answers_due`: who must be answered all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import msgspec

from ocpp_lab.errors import FrameError
from ocpp_lab.frames import Call, CallError, CallResult, decode, encode
from ocpp_lab.messages import ACTIONS

from .payloads import drawn, spoilt, text

_SPLINTERS = ("[", "]", "{", "}", '"', ",", ":", "null", "\\", "0", "-1", "1e400", "true", "\u0000", "é", " ")


def mutated(rng: Random, many: int) -> Iterator[str]:
    """So many texts, each made of a valid Call: some still are one, some have a spoilt payload, some are rubbish.

    The same seed gives the same texts. Each has a unique id of its own, if the mutation leaves it one.
    """
    names = list(ACTIONS)
    for number in range(many):
        action = rng.choice(names)
        call = Call(f"f-{number}", action, drawn(ACTIONS[action].request, rng))
        yield rng.choice(_WAYS)(rng, call)


def answers_due(texts: Iterable[str]) -> Counter[str]:
    """How many answers each unique id must get: one for every Call whose id can be told (J-spec 4.1, 4.2)."""
    due: Counter[str] = Counter()
    for each in texts:
        try:
            frame = decode(each)
        except FrameError as problem:
            due.update([problem.unique_id] if problem.unique_id is not None else [])
        else:
            due.update([frame.unique_id] if isinstance(frame, Call) else [])
    return due


def answers(texts: Iterable[str]) -> Counter[str]:
    """How many answers each unique id got."""
    frames = [msgspec.json.decode(each) for each in texts]
    return Counter(frame[1] for frame in frames if frame[0] in (3, 4))


def _as_it_is(rng: Random, call: Call) -> str:
    return encode(call)


def _spoilt_payload(rng: Random, call: Call) -> str:
    payload = rng.choice(spoilt(ACTIONS[call.action].request, rng)).payload
    return encode(Call(call.unique_id, call.action, payload))


def _other_action(rng: Random, call: Call) -> str:
    action = rng.choice([call.action.lower(), call.action + "Request", "MakeCoffee", "", text(rng, 20)])
    return encode(Call(call.unique_id, action, call.payload))


def _other_frame(rng: Random, call: Call) -> str:
    """A reply to nobody."""
    replies = (CallResult(call.unique_id, call.payload), CallError(call.unique_id, "GenericError", "why not"))
    return encode(rng.choice(replies))


def _other_elements(rng: Random, call: Call) -> str:
    frame: list[Any] = [2, call.unique_id, call.action, call.payload]
    odd: list[Any] = [None, 7, "x" * 40, [], {}, True, 2.5, -1]
    where = rng.randrange(len(frame))
    match rng.randrange(3):
        case 0:
            frame[where] = rng.choice(odd)
        case 1:
            frame.insert(where, rng.choice(odd))
        case _:
            del frame[where]
    return msgspec.json.encode(frame).decode()


def _splintered(rng: Random, call: Call) -> str:
    """A character or more is gone, another, or new."""
    whole = encode(call)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(len(whole) + 1)
        gone = rng.choice([0, 1, 1, 3])
        whole = whole[:at] + rng.choice(("", *_SPLINTERS)) + whole[at + gone :]
    return whole


def _rubbish(rng: Random, call: Call) -> str:
    whole = encode(call)
    return rng.choice(
        [
            "",
            "null",
            "[]",
            "[2]",
            whole[: rng.randrange(len(whole))],
            whole + whole,
            "[" * 3000,
            f'[2,"{call.unique_id}","{call.action}",' + '{"a":' * 200 + "1" + "}" * 200 + "]",
            text(rng, 50),
        ]
    )


_WAYS = (
    _as_it_is,
    _spoilt_payload,
    _spoilt_payload,
    _other_action,
    _other_frame,
    _other_elements,
    _splintered,
    _splintered,
    _rubbish,
)
