"""Typed payload to JSON object and back; a violation becomes the right CallError code (J-spec 4.2.3).

Strict in what we send. What we read is strict too, and what is let pass is counted: always a timestamp without an
offset (it is read as UTC) and, in a reply, a field that is not declared; with ``lenient`` also what `tolerance` mends.

The specification names the codes but not which violation gets which; this table is what we do:

==========================================================  ============================
missing field, too few items                                OccurenceConstraintViolation
field that is not declared, payload that is no object       FormationViolation
wrong JSON type                                             TypeConstraintViolation
too long, not in the enumeration, bad date, out of range    PropertyConstraintViolation
==========================================================  ============================
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from .errors import PayloadError
from .messages.base import NO_OFFSET, Payload, Timestamp, read_timestamp, read_timestamp_as_utc, write_timestamp
from .tolerance import ALL, IN_REPLIES, mend

NO_OFFSET_NOTE = "timestamp without offset"
FORGIVEN = (NO_OFFSET_NOTE, *sorted(ALL))
"""All that may be let pass, as it is counted."""

_encoder = msgspec.json.Encoder(enc_hook=write_timestamp)


def decode_payload[P: Payload](
    payload_type: type[P], payload: Any, notes: Counter[str] | None = None, *, lenient: bool = False
) -> P:
    """JSON object to typed payload; raises `PayloadError`, and nothing else. null reads as ``{}`` (J-spec 4.2.1).

    ``notes`` counts the payloads that were let pass, by what was let pass: ``"timestamp without offset"``, and with
    ``lenient`` ``"unknown field"``, ``"integer as text"``, ``"integer as float"``.
    """
    payload = {} if payload is None else payload
    try:
        return msgspec.convert(payload, payload_type, dec_hook=read_timestamp)
    except msgspec.ValidationError as error:
        problem = error
    return _forgive(payload_type, payload, problem, ALL if lenient else (), notes)


def decode_reply[P: Payload](
    response_type: type[P], payload: Any, notes: Counter[str] | None = None, *, lenient: bool = False
) -> P:
    """The payload of a CallResult, in which a field that is not declared is always dropped and counted.

    A request that is refused is answered with a CallError. Nobody is told of a reply that is refused, and what the
    peer did for it would be lost: a transaction and its id.
    """
    payload = {} if payload is None else payload
    try:
        return msgspec.convert(payload, response_type, dec_hook=read_timestamp)
    except msgspec.ValidationError as error:
        problem = error
    return _forgive(response_type, payload, problem, ALL if lenient else IN_REPLIES, notes)


def _forgive[P: Payload](
    payload_type: type[P],
    payload: Any,
    problem: msgspec.ValidationError,
    mends: Collection[str],
    notes: Counter[str] | None,
) -> P:
    """The second reading, after the strict one failed with ``problem``; what it lets pass is counted."""
    payload, forgiven = mend(_type_info(payload_type), payload, mends) if mends else (payload, set())
    decoded: P | None = None
    if forgiven:
        decoded, problem = _reading(payload_type, payload, read_timestamp, problem)
    if decoded is None and str(problem).startswith(NO_OFFSET):
        forgiven.add(NO_OFFSET_NOTE)
        decoded, problem = _reading(payload_type, payload, read_timestamp_as_utc, problem)
    if decoded is None:
        raise explain(payload_type, problem)
    if notes is not None:
        notes.update(sorted(forgiven))  # of a set: the same order in every run
    return decoded


def _reading[P: Payload](
    payload_type: type[P], payload: Any, hook: Callable[[type, Any], Any], problem: msgspec.ValidationError
) -> tuple[P | None, msgspec.ValidationError]:
    """One more attempt: what was read, or what is wrong now."""
    try:
        return msgspec.convert(payload, payload_type, dec_hook=hook), problem
    except msgspec.ValidationError as error:
        return None, error


def encode_payload(payload: Payload) -> msgspec.Raw:
    """Typed payload to JSON, checked: constructors do not validate, so we read back what we are about to send.

    What goes out is what our own reader made of it, with every timestamp in UTC, milliseconds and ``Z``.
    Raises `PayloadError`, and nothing else.
    """
    try:
        read_back = _reader(type(payload)).decode(_encoder.encode(payload))
    except msgspec.ValidationError as error:
        raise explain(type(payload), error) from None
    except (TypeError, NotImplementedError, ValueError, OverflowError, RecursionError) as error:
        raise PayloadError(_TYPE, f"{type(payload).__name__}: no JSON for this: {error}") from None
    return msgspec.Raw(_encoder.encode(read_back))


def to_object(payload: Payload) -> dict[str, Any]:
    """Typed payload to the plain JSON object that stands in a frame, checked like `encode_payload`."""
    decoded: dict[str, Any] = msgspec.json.decode(encode_payload(payload))
    return decoded


@cache
def _reader(payload_type: type[Payload]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(payload_type, dec_hook=read_timestamp)


# The rest turns msgspec's wording into ours. msgspec names the place and the kind of violation, but neither the values
# of an enumeration nor the type of a missing field: those are looked up in the declaration, along the path.

_FORMATION, _OCCURENCE = "FormationViolation", "OccurenceConstraintViolation"
_PROPERTY, _TYPE = "PropertyConstraintViolation", "TypeConstraintViolation"

_RULES = (
    # What msgspec says (tests pin every line), the code that it deserves, and what came. The first that fits decides.
    (r"Object missing required field `(?P<field>.+)`", _OCCURENCE, "nothing"),
    (r"Object contains unknown field `(?P<unknown>.*)`", _FORMATION, ""),
    (r"Expected `array` of length >= \d+", _OCCURENCE, "fewer"),
    (r"Expected `str` of length <= \d+", _PROPERTY, "a longer one"),
    (r"Invalid enum value (?P<value>.*)", _PROPERTY, "{value:.50}"),
    (r"Expected `int` >= -?\d+", _PROPERTY, "a smaller one"),
    (r"Number out of range", _PROPERTY, "one beyond all range"),
    (re.escape(NO_OFFSET), _PROPERTY, "one without an offset from UTC"),
    (r"Invalid RFC3339 encoded datetime.*", _PROPERTY, "another text"),
    (r"Expected `(?P<field>\w+)` with one decimal, got (?P<value>.*)", _PROPERTY, "{value}"),
    (r"Expected `[^`]+`, got `(?P<shape>\w+)`", _TYPE, "{shape}"),
)
_PLACE = re.compile(r" - at `\$((?:\.\w+|\[\d+\])*)`\Z")
_ARTICLES = {"str": "a string", "int": "an integer", "float": "a number", "bool": "a boolean"} | {
    shape: f"an {shape}" for shape in ("array", "object")
}


def explain(payload_type: type[Payload], error: msgspec.ValidationError) -> PayloadError:
    """What msgspec complains of, as a CallError code, the wire path of the field, what was expected and what came."""
    what, path, *_ = [*_PLACE.split(str(error)), ""]
    for pattern, code, came in _RULES:
        if found := re.fullmatch(pattern, what, re.DOTALL):
            return _violation(payload_type, path, code, came, found.groupdict())
    # The wording of another msgspec: some value is wrong, and this is all we know.
    return PayloadError(_PROPERTY, f"{_wire(path)}: {what:.200}")


def _violation(payload_type: type[Payload], path: str, code: str, came: str, parts: dict[str, str]) -> PayloadError:
    if "unknown" in parts:
        fields = _fields(_declared(payload_type, path))
        return PayloadError(code, f"{_wire(path, parts['unknown'])}: expected no such field, only {fields}")
    if "shape" in parts:
        code = code if path else _FORMATION  # not a field, but the payload itself is of the wrong type
        parts["shape"] = _ARTICLES.get(parts["shape"], parts["shape"])
    path += f".{parts['field']}" if "field" in parts else ""
    expected = _describe(_declared(payload_type, path))
    return PayloadError(code, f"{_wire(path)}: expected {expected}, came {came.format(**parts)}")


def _wire(path: str, field: str = "") -> str:
    """``.meterValue[0]`` and ``unit`` to ``meterValue[0].unit``."""
    return f"{path}.{field:.50}".strip(".") or "payload"


def _declared(payload_type: type[Payload], path: str) -> inspect.Type:
    """The declaration that the wire path leads to, without ``| None``."""
    declared: inspect.Type = _type_info(payload_type)
    for name in re.findall(r"\w+", path):
        match declared:
            case inspect.StructType(fields=fields):
                declared = next((field.type for field in fields if field.encode_name == name), inspect.AnyType())
            case inspect.ListType(item_type=item_type):
                declared = item_type
        if isinstance(declared, inspect.UnionType):
            declared = next(kind for kind in declared.types if not isinstance(kind, inspect.NoneType))
    return declared


_type_info = cache(inspect.type_info)  # 0.3 ms, and a peer may be wrong often


def _fields(declared: inspect.Type) -> str:
    names = [field.encode_name for field in declared.fields] if isinstance(declared, inspect.StructType) else []
    return ", ".join(names) or "an empty object"


def _describe(declared: inspect.Type) -> str:
    """A declaration in words."""
    match declared:
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(map(str, values))
        case inspect.StrType(max_length=limit):
            return "a string" if limit is None else f"a string of at most {limit} characters"
        case inspect.IntType(ge=limit):
            return "an integer" if limit is None else f"an integer >= {limit}"
        case inspect.FloatType():
            return "a number with at most one decimal"
        case inspect.BoolType():
            return "a boolean"
        case inspect.CustomType(cls=cls) if cls is Timestamp:
            return "a dateTime such as 2030-12-31T23:59:59Z (RFC 3339)"
        case inspect.ListType(min_length=limit):
            return "an array" if limit is None else f"an array of at least {limit} item"
        case _:
            return "an object"
