"""An example is valid, minimal and always the same: notebooks send it and tests compare what they show."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import inspect

from ocpp_course.lab import example
from ocpp_lab import decode_payload
from ocpp_lab.codec import to_object
from tests.schemas import PAYLOADS, official, officially_valid


@pytest.mark.parametrize("name", PAYLOADS)
def test_an_example_is_valid_and_has_the_required_fields_only(name: str) -> None:
    """Judged by the official schema (core 6, whitepaper 5) and read back by our own codec."""
    made = example(PAYLOADS[name])
    wire = to_object(made)
    assert type(made) is PAYLOADS[name]
    assert officially_valid(name, wire), wire
    assert set(wire) == set(official(name).get("required", []))
    assert decode_payload(PAYLOADS[name], wire) == made == example(PAYLOADS[name])


def test_what_no_payload_contains_is_refused_with_what_to_do() -> None:
    class Odd(msgspec.Struct):
        when: bytes

    assert isinstance(inspect.type_info(Odd), inspect.StructType)
    with pytest.raises(TypeError, match=r"expected a declaration such as .* came BytesType.*; teach ocpp_course\.lab"):
        example(Odd)  # type: ignore[type-var]
