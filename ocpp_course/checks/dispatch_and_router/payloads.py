"""Payloads drawn from the declarations of `ocpp_lab.messages`, valid ones and spoilt ones.

Tests prove that the declarations agree with the official schemas; so nothing else is needed here to tell right from
wrong. A spoilt payload has exactly one thing wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import msgspec
from msgspec import inspect

from ocpp_lab.messages import Payload, Timestamp
from ocpp_lab.messages.base import read_timestamp

FORMATION, OCCURENCE = "FormationViolation", "OccurenceConstraintViolation"
PROPERTY, TYPE = "PropertyConstraintViolation", "TypeConstraintViolation"

CODES = {
    "a missing field": OCCURENCE,
    "an undeclared field": FORMATION,
    "a payload that is no object": FORMATION,
    "a field of the wrong JSON type": TYPE,
    "a field that should be an object": TYPE,
    "a text that is too long": PROPERTY,
    "a value outside of the enumeration": PROPERTY,
    "a text that is no date": PROPERTY,
    "a number out of range": PROPERTY,
}
"""Kind of violation, and the code that it gets (J-spec 4.2.3)."""

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_. äé😀"
_type_info = cache(inspect.type_info)


@dataclass(frozen=True)
class Spoilt:
    """One violation: its kind, the wire names that lead to it, and the payload."""

    kind: str
    path: tuple[str, ...]
    payload: Any

    @property
    def code(self) -> str:
        return CODES[self.kind]


def typed[P: Payload](payload_type: type[P], payload: Any) -> P:
    """The typed payload of a JSON object, strictly; raises `msgspec.ValidationError`."""
    return msgspec.convert(payload, payload_type, dec_hook=read_timestamp)


def drawn(payload_type: type[Payload], rng: Random, *, full: bool = False) -> dict[str, Any]:
    """A valid payload; optional fields are there by chance, or all of them."""
    payload: dict[str, Any] = _draw(_type_info(payload_type), rng, full)
    return payload


def spoilt(payload_type: type[Payload], rng: Random) -> list[Spoilt]:
    """One violation of each kind that this payload can have, at a place that is drawn."""
    full = drawn(payload_type, rng, full=True)
    found: dict[str, list[Spoilt]] = {"a payload that is no object": [_no_object(rng)]}
    for kind, path, payload in _spoil(_type_info(payload_type), full, rng):
        found.setdefault(kind, []).append(Spoilt(kind, path, payload))
    return [rng.choice(each) for each in found.values()]


def text(rng: Random, length: int) -> str:
    return "".join(rng.choices(_LETTERS, k=length))


def instant(rng: Random) -> str:
    """RFC 3339, with an offset."""
    date = f"{rng.randint(2010, 2060)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    time = f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
    return f"{date}T{time}{rng.choice(['Z', '.250Z', '+02:00', '-11:30'])}"


# --- valid --------------------------------------------------------------------------------------------------------


def _draw(declared: inspect.Type, rng: Random, full: bool) -> Any:
    match declared:
        case inspect.StructType(fields=fields):
            there = [field for field in fields if field.required or full or rng.random() < 0.5]
            return {field.encode_name: _draw(_present(field.type), rng, full) for field in there}
        case inspect.ListType(item_type=item_type):
            return [_draw(item_type, rng, full) for _ in range(rng.randint(1, 2))]
        case inspect.LiteralType(values=values):
            return rng.choice(values)
        case inspect.StrType(max_length=limit):
            return text(rng, rng.choice([1, 5, min(limit or 30, 600)]))
        case inspect.IntType(ge=least):
            return rng.randint(least if least is not None else -5, 10_000)
        case inspect.FloatType():
            return rng.randint(0, 640) / 2
        case inspect.BoolType():
            return rng.random() < 0.5
        case _:
            return instant(rng)


def _present(declared: inspect.Type) -> inspect.Type:
    """Without ``| None``."""
    if isinstance(declared, inspect.UnionType):
        return next(kind for kind in declared.types if not isinstance(kind, inspect.NoneType))
    return declared


# --- spoilt -------------------------------------------------------------------------------------------------------

Violation = tuple[str, tuple[str, ...], Any]


def _no_object(rng: Random) -> Spoilt:
    return Spoilt("a payload that is no object", (), rng.choice([["idTag"], "Accepted", 17, True]))


def _spoil(declared: inspect.Type, value: Any, rng: Random) -> Iterator[Violation]:
    match declared:
        case inspect.StructType(fields=fields):
            extra = f"{rng.choice(['pin', 'vendorExtra', 'status'])}{rng.randrange(100)}"
            yield "an undeclared field", (extra,), value | {extra: rng.choice([1, "x", {}])}
            for field in fields:
                yield from _spoil_field(field, value, rng)
        case inspect.ListType(item_type=item_type):
            for kind, path, worse in _spoil(_present(item_type), value[-1], rng):
                yield kind, path, [*value[:-1], worse]
        case inspect.LiteralType(values=values):
            wrong = [str(values[0]).swapcase(), f"{rng.choice(values)}{text(rng, 1)}", "Sfot", ""]
            yield "a value outside of the enumeration", (), rng.choice(wrong)
        case inspect.StrType(max_length=int(limit)):
            yield "a text that is too long", (), text(rng, limit + rng.choice([1, 2, 50]))
        case inspect.IntType(ge=int(least)):
            yield "a number out of range", (), least - rng.choice([1, 2, 1000])
        case inspect.CustomType(cls=cls) if cls is Timestamp:
            yield "a text that is no date", (), rng.choice(["yesterday", "2030-02-30T00:00:00Z", "2030-01-01", ""])


def _spoil_field(field: inspect.Field, value: dict[str, Any], rng: Random) -> Iterator[Violation]:
    name, declared = field.encode_name, _present(field.type)
    if field.required:
        yield "a missing field", (name,), {other: value[other] for other in value if other != name}
    is_object = isinstance(declared, inspect.StructType)
    kind = "a field that should be an object" if is_object else "a field of the wrong JSON type"
    yield kind, (name,), value | {name: rng.choice(_others(declared))}
    for worse_kind, path, worse in _spoil(declared, value[name], rng):
        yield worse_kind, (name, *path), value | {name: worse}


def _others(declared: inspect.Type) -> list[Any]:
    """Values of another JSON type."""
    match declared:
        case inspect.StructType():
            return ["Accepted", 3, True, []]
        case inspect.ListType():
            return ["x", 3, {}]
        case inspect.IntType() | inspect.FloatType():
            return ["1", True, [], {}]
        case inspect.BoolType():
            return ["true", 0, []]
        case _:
            return [5, 1.5, True, [], {}]
