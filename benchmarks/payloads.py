"""What travels: a Heartbeat, whose payload is empty, and MeterValues of 650 bytes.

Every contender makes its payload anew for every call, with the time of that instant, and a UUID as unique id.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

READINGS = [
    {"value": "15230", "context": "Sample.Periodic", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
    {"value": "10994.7", "context": "Sample.Periodic", "measurand": "Power.Active.Import", "unit": "W"},
    {"value": "15.94", "context": "Sample.Periodic", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
    {"value": "230.4", "context": "Sample.Periodic", "measurand": "Voltage", "phase": "L1-N", "unit": "V"},
    {"value": "47", "context": "Sample.Periodic", "measurand": "SoC", "location": "EV", "unit": "Percent"},
]


def fresh_id() -> str:
    """36 characters, as the PyPI package makes them."""
    return str(uuid.uuid4())


def now() -> datetime:
    return datetime.now(UTC)


def now_text() -> str:
    """RFC 3339 with milliseconds and Z."""
    return now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def meter_values() -> dict[str, Any]:
    """A MeterValues payload; its frame has 650 bytes without spaces."""
    return {
        "connectorId": 1,
        "transactionId": 1042,
        "meterValue": [{"timestamp": now_text(), "sampledValue": [dict(reading) for reading in READINGS]}],
    }


def size(payload: dict[str, Any], **options: Any) -> int:
    """Bytes of the MeterValues frame around a payload."""
    return len(json.dumps([2, fresh_id(), "MeterValues", payload], **options).encode())
