"""`example`: a small valid payload of any type, read off its declaration."""

from __future__ import annotations

from typing import Any

from msgspec import inspect

from ocpp_lab.codec import decode_payload
from ocpp_lab.messages.base import Payload, Timestamp

INSTANT = "2025-06-06T18:15:00Z"


def example[P: Payload](payload_type: type[P]) -> P:
    """Required fields only, each with the simplest value that its declaration allows; the same in every run."""
    return decode_payload(payload_type, _least(inspect.type_info(payload_type)))


def _least(declared: inspect.Type) -> Any:
    match declared:
        case inspect.StructType(fields=fields):
            return {field.encode_name: _least(field.type) for field in fields if field.required}
        case inspect.ListType(item_type=item_type):
            return [_least(item_type)]
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.StrType(max_length=limit):
            return "example"[:limit]
        case inspect.IntType() | inspect.FloatType():
            return 1  # every lower bound of the specification is 0 or 1
        case inspect.BoolType():
            return True
        case inspect.CustomType(cls=cls) if cls is Timestamp:
            return INSTANT
    raise TypeError(f"expected a declaration such as those in ocpp_lab.messages, came {declared}; teach {__name__} it")
