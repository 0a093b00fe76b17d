"""The official JSON schemas as an oracle: who validates, what valid payloads look like, and every way to spoil one.

The schemas come with the PyPI package ``ocpp``: 28 operations in draft-04, 11 in draft-06. They are used as they are;
where they differ from the specification, `tests.deviations` says so.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache
from importlib.resources import files
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft6Validator, FormatChecker

from ocpp_lab.messages import ACTIONS, Payload

PAYLOADS: dict[str, type[Payload]] = {action.name: action.request for action in ACTIONS.values()} | {
    f"{action.name}Response": action.response for action in ACTIONS.values()
}
"""All 78, by the name of their schema's file."""

type Schema = dict[str, Any]


@cache
def official(name: str) -> Schema:
    """A schema as published, with its ``$ref`` written out. 0.1 is read as a decimal, as the schemas mean it."""
    text = (files("ocpp") / "v16" / "schemas" / f"{name}.json").read_text(encoding="utf-8-sig")
    schema: Schema = json.loads(text, parse_float=Decimal)
    return _resolve(schema, schema.get("definitions", {}))  # type: ignore[no-any-return]


def _resolve(node: Any, definitions: Schema) -> Any:
    if isinstance(node, list):
        return [_resolve(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _resolve(definitions[node["$ref"].removeprefix("#/definitions/")], definitions)
    return {key: _resolve(value, definitions) for key, value in node.items() if key != "definitions"}


def schema_files() -> set[str]:
    return {path.name.removesuffix(".json") for path in (files("ocpp") / "v16" / "schemas").iterdir()}


@cache
def validator(name: str) -> Draft4Validator | Draft6Validator:
    schema = official(name)
    draft = Draft6Validator if "draft-06" in schema["$schema"] else Draft4Validator
    return draft(schema, format_checker=FormatChecker(["date-time"]))  # a KeyError here: rfc3339-validator is missing


def officially_valid(name: str, payload: Any) -> bool:
    exact = json.loads(json.dumps(payload), parse_float=Decimal)
    with localcontext(prec=1000):  # or multipleOf 0.1 fails on numbers of more than 28 digits
        return bool(validator(name).is_valid(exact))


# What valid payloads look like ----------------------------------------------------------------------------------------

# Bounds that only the specification's tables have (see `tests.deviations`): connectorId and the level in the stack.
MINIMUM = {"connectorId": 0, "stackLevel": 0}
ONE_CONNECTOR = {
    "ExtendedTriggerMessage",
    "RemoteStartTransaction",
    "StartTransaction",
    "UnlockConnector",
}
"""Where connectorId must be > 0 (core 6.33, 6.45, 6.53; whitepaper 5.5). Core 6.51 says so too, but core 5.17 asks with
0 for the status of the charge point."""


def minimum(name: str, field: str) -> int | None:
    """The smallest value the specification allows for an integer field of this payload."""
    if name == "ClearChargingProfile" and field == "stackLevel":
        return None  # core 6.13 gives no bound
    return 1 if field == "connectorId" and name in ONE_CONNECTOR else MINIMUM.get(field)


def valid_payloads(name: str) -> st.SearchStrategy[Any]:
    """Payloads that the specification and the official schema both allow."""
    return _valid(name, "", official(name))


def _valid(name: str, field: str, schema: Schema) -> st.SearchStrategy[Any]:
    match schema:
        case {"enum": values}:
            return st.sampled_from(values)
        case {"format": "date-time"}:
            return date_times()
        case {"type": "string"}:
            limit = schema.get("maxLength", 10_000)
            return st.text(max_size=min(limit, 30)) | st.sampled_from(["x" * limit, "é" * limit, "😀" * limit])
        case {"type": "integer"}:
            return st.integers(min_value=minimum(name, field))
        case {"type": "number"}:
            return st.integers(-(10**9), 10**9) | st.integers(-(10**9), 10**9).map(lambda tenths: tenths / 10)
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "array", "items": items}:
            return st.lists(_valid(name, field, items), min_size=_min_items(name, field), max_size=3)
        case {"type": "object"}:
            fields = {key: _valid(name, key, value) for key, value in schema.get("properties", {}).items()}
            required = {key: fields.pop(key) for key in schema.get("required", [])}
            return st.fixed_dictionaries(required, optional=fields)
    raise AssertionError(f"no idea what {schema} looks like")


def _min_items(name: str, field: str) -> int:
    at_least_one = {"meterValue", "sampledValue", "chargingSchedulePeriod", "certificateHashData"}
    return 1 if field in at_least_one else 0


@st.composite
def date_times(draw: st.DrawFn) -> str:
    """RFC 3339, with an offset and at most milliseconds (so that nothing is lost when we send it on)."""
    day = f"{draw(st.integers(1970, 9998)):04}-{draw(st.integers(1, 12)):02}-{draw(st.integers(1, 28)):02}"
    time = f"{draw(st.integers(0, 23)):02}:{draw(st.integers(0, 59)):02}:{draw(st.integers(0, 59)):02}"
    return (
        day
        + "T"
        + time
        + draw(st.sampled_from(["", ".1", ".12", ".999", ".000"]))
        + draw(st.sampled_from(["Z", "+00:00", "+02:00", "-11:30"]))
    )


@cache
def _full(name: str) -> str:
    return json.dumps(_example(name, "", official(name)))


def full_payload(name: str) -> Any:
    """A valid payload with every optional field, and two items in each array."""
    return json.loads(_full(name))


def _example(name: str, field: str, schema: Schema) -> Any:
    match schema:
        case {"enum": values}:
            return values[0]
        case {"format": "date-time"}:
            return "2030-12-31T23:59:59.250Z"
        case {"type": "object"}:
            return {key: _example(name, key, value) for key, value in schema.get("properties", {}).items()}
        case {"type": "array", "items": items}:
            return [_example(name, field, items) for _ in range(2)]
        case {"type": kind}:
            return {"string": "abc", "integer": 1, "number": 21.4, "boolean": False}[kind]
    raise AssertionError(f"no idea what {schema} looks like")


# Every way to spoil one -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spoilt:
    """A payload with one thing wrong: where (wire path), what, and the code of J-spec 4.2.3 that it deserves."""

    path: str
    what: str
    code: str
    payload: Any

    def __str__(self) -> str:
        return f"{self.path or 'payload'}: {self.what}"


_OTHERS: dict[str, list[Any]] = {
    "string": [5, 1.5, True, [], {}],
    "integer": ["1", 1.5, True, [], {}],
    "number": ["1.5", False, [], {}],
    "boolean": ["true", 0, [], {}],
    "array": ["x", 3, True, {}],
    "object": ["x", 3, True, []],
}


def spoil(name: str, payload: Any) -> Iterator[Spoilt]:
    """Every single violation that the official schema can see, one at a time."""
    yield from _spoil(official(name), copy.deepcopy(payload), "")


def _spoil(schema: Schema, value: Any, path: str) -> Iterator[Spoilt]:
    for other in _OTHERS[schema["type"]]:
        code = "TypeConstraintViolation" if path else "FormationViolation"
        yield Spoilt(path, f"wrong type {other!r}", code, other)
    match schema["type"]:
        case "object":
            yield from _spoil_object(schema, value, path)
        case "array":
            yield from _spoil_array(schema, value, path)
        case "number":
            yield Spoilt(path, "two decimals", "PropertyConstraintViolation", 0.25)
        case "string":
            yield from _spoil_string(schema, path)


def _spoil_string(schema: Schema, path: str) -> Iterator[Spoilt]:
    code = "PropertyConstraintViolation"
    if "maxLength" in schema:
        yield Spoilt(path, "too long", code, "x" * (schema["maxLength"] + 1))
    if "enum" in schema:
        for bad in ("nonsense", "", schema["enum"][0].swapcase()):
            yield Spoilt(path, f"bad enum {bad!r}", code, bad)
    if schema.get("format") == "date-time":
        for bad in ("", "yesterday", "2030-02-30T00:00:00Z", "2030-01-01", "2030-01-01T24:00:00Z", "1893456000"):
            yield Spoilt(path, f"bad date {bad!r}", code, bad)


def _spoil_object(schema: Schema, value: dict[str, Any], path: str) -> Iterator[Spoilt]:
    yield Spoilt(f"{path}.extra".lstrip("."), "extra field", "FormationViolation", value | {"extra": 1})
    for key, inner in value.items():
        place = f"{path}.{key}".lstrip(".")
        optional = key not in schema.get("required", [])
        if not optional:
            without = {other: value[other] for other in value if other != key}
            yield Spoilt(place, "missing", "OccurenceConstraintViolation", without)
            yield Spoilt(place, "null", "TypeConstraintViolation", value | {key: None})
        for worse in _spoil(schema["properties"][key], inner, place):
            yield Spoilt(worse.path, worse.what, worse.code, value | {key: worse.payload})


def _spoil_array(schema: Schema, value: list[Any], path: str) -> Iterator[Spoilt]:
    if schema.get("minItems") and not path.endswith("certificateHashData"):  # that one is a deviation
        yield Spoilt(path, "too few items", "OccurenceConstraintViolation", [])
    if value:
        last = len(value) - 1
        yield Spoilt(f"{path}[{last}]", "null", "TypeConstraintViolation", [*value[:last], None])
        for worse in _spoil(schema["items"], value[last], f"{path}[{last}]"):
            yield Spoilt(worse.path, worse.what, worse.code, [*value[:last], worse.payload])
