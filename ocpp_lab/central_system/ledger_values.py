"""What goes into a ledger's columns: integers that sqlite can hold, instants as text, payloads with their hash."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..codec import encode_payload, to_object
from ..errors import PayloadError
from ..messages import Request, StopTransactionRequest


def number(field: str, value: int) -> int:
    """The value, if sqlite can hold it: 64 bits; the specification bounds no integer. Raises `PayloadError`."""
    if not fits(value):
        raise PayloadError("PropertyConstraintViolation", f"{field}: expected an integer of 64 bits, came a larger one")
    return value


def small(value: int | None) -> int | str | None:
    """A number that nobody counts with: as text if it is too large, for it is no reason to refuse a transaction."""
    return value if value is None or fits(value) else str(value)


def fits(*values: int) -> bool:
    """Whether sqlite can hold these integers."""
    return all(-(2**63) <= value < 2**63 for value in values)


def instant(timestamp: datetime) -> str:
    """An instant as text in UTC, to the millisecond: such texts compare as the instants do."""
    return timestamp.astimezone(UTC).isoformat(timespec="milliseconds")


def data_of(request: StopTransactionRequest) -> str | None:
    """The transactionData of a stop, as JSON."""
    data = to_object(request).get("transactionData")
    return msgspec.json.encode(data).decode() if data else None


def digest(request: Request[Any]) -> tuple[str, str]:
    """The hash of a payload, by which a repeat is known, and the payload as JSON."""
    payload = bytes(encode_payload(request))
    return hashlib.sha256(payload).hexdigest(), payload.decode()
