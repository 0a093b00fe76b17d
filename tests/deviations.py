"""Where we and the official schemas disagree on purpose, or agree to let pass what the specification does not.

The one place for all of them; `tests.test_messages` tries every row on both. If a row fails after an upgrade of the
schemas, they have been corrected (or broken), and the row tells why it was here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.schemas import PAYLOADS, Schema, full_payload, minimum, official

FORMATION, OCCURENCE = "FormationViolation", "OccurenceConstraintViolation"
PROPERTY, TYPE = "PropertyConstraintViolation", "TypeConstraintViolation"
ACCEPTED = "accepted"


@dataclass(frozen=True)
class Deviation:
    """One payload, what the official schema says to it, what we say (ACCEPTED or a code), and why."""

    name: str
    payload: Any
    schema_accepts: bool
    ours: str
    why: str

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


def put(payload: Any, path: str, value: Any) -> Any:
    """The payload with another value at this wire path; list items are numbered: ``meterValue.0.timestamp``."""
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    place = payload
    for key in parents:
        place = place[key]
    place[last] = value
    return payload


def _row(name: str, path: str, value: Any, schema_accepts: bool, ours: str, why: str) -> Deviation:
    return Deviation(name, put(full_payload(name), path, value), schema_accepts, ours, why)


PROFILE = "csChargingProfiles.chargingSchedule"

TABLE = [
    # payload, path, value, does the schema accept it?, what do we say?, why
    # We are stricter: the specification's tables say so, the schemas do not.
    _row("SetChargingProfile", f"{PROFILE}.chargingSchedulePeriod", [], True, OCCURENCE, "core 7.13: 1..*"),
    _row("RemoteStartTransaction", "chargingProfile.chargingSchedule.chargingSchedulePeriod", [], True, OCCURENCE,
         "core 7.13: 1..*"),
    _row("GetCompositeScheduleResponse", "chargingSchedule.chargingSchedulePeriod", [], True, OCCURENCE,
         "core 7.13: 1..*"),
    _row("StopTransaction", "transactionData.0.sampledValue", [], True, OCCURENCE, "core 7.33: 1..*"),
    _row("SetChargingProfile", "csChargingProfiles.stackLevel", -1, True, PROPERTY, "core 7.8: stackLevel >= 0"),
    _row("RemoteStartTransaction", "chargingProfile.stackLevel", -1, True, PROPERTY, "core 7.8: stackLevel >= 0"),
    # We are stricter: Python has no such number, no such date.
    _row("SetChargingProfile", f"{PROFILE}.minChargingRate", 10**400, True, PROPERTY, "no float of this size"),
    _row("HeartbeatResponse", "currentTime", "0001-01-01T00:00:00+05:00", True, PROPERTY, "the year 0 in UTC"),
    _row("HeartbeatResponse", "currentTime", "9999-12-31T23:00:00-05:00", True, PROPERTY, "the year 10000 in UTC"),
    # We are more lenient: the specification allows it, the schema does not.
    _row("StopTransaction", "transactionData.0.sampledValue.0.unit", "Hertz", False, ACCEPTED,
         "core 7.31 gives Hertz to the measurand Frequency; only the schema of MeterValues has it"),
    _row("GetInstalledCertificateIdsResponse", "certificateHashData", [], False, ACCEPTED, "whitepaper 5.8: 0..*"),
    # We are more lenient on reading: charge points are known to send it. What we send ourselves is valid.
    _row("HeartbeatResponse", "currentTime", "2030-12-31T23:59:59", False, ACCEPTED, "no offset: read as UTC"),
    _row("HeartbeatResponse", "currentTime", "2030-12-31 23:59:59Z", False, ACCEPTED, "a blank instead of T"),
    _row("HeartbeatResponse", "currentTime", "2030-12-31T23:59:59+0200", False, ACCEPTED, "an offset without colon"),
    _row("SetChargingProfile", f"{PROFILE}.minChargingRate", 0.1 + 0.2, False, ACCEPTED, "float noise: read as 0.3"),
    _row("StatusNotification", "info", None, False, ACCEPTED, "null in an optional field: read as absent"),
    # Both let pass what the specification does not have, or does not bound.
    _row("MeterValues", "meterValue.0.sampledValue.0.unit", "Celcius", True, ACCEPTED, "J-errata 2.1: both spellings"),
    _row("MeterValues", "meterValue.0.sampledValue.0.unit", "Celsius", True, ACCEPTED, "J-errata 2.1: both spellings"),
    _row("StopTransaction", "transactionData.0.sampledValue.0.unit", "Celcius", True, ACCEPTED,
         "J-errata 2.1: both spellings"),
    _row("MeterValues", "meterValue.0.sampledValue.0.unit", "Hertz", True, ACCEPTED, "core 7.31, not in 7.45"),
    _row("MeterValues", "meterValue.0.sampledValue.0.value", "f" * 100_000, True, ACCEPTED, "core 7.43: no limit"),
    _row("DataTransfer", "data", "f" * 100_000, True, ACCEPTED, "core 6.15: length undefined"),
    _row("DataTransferResponse", "data", "f" * 100_000, True, ACCEPTED, "core 6.16: length undefined"),
    _row("UpdateFirmware", "location", "not a URI", True, ACCEPTED, "anyURI is a plain string for both"),
    _row("GetDiagnostics", "location", "not a URI", True, ACCEPTED, "anyURI is a plain string for both"),
    _row("HeartbeatResponse", "currentTime", "2030-12-31t23:59:59z", True, ACCEPTED, "RFC 3339 allows small letters"),
    _row("StartTransaction", "meterStart", 10**30, True, ACCEPTED, "the specification bounds no integer"),
    # Both refuse what RFC 3339 allows.
    _row("HeartbeatResponse", "currentTime", "2016-12-31T23:59:60Z", False, PROPERTY, "a leap second"),
]  # fmt: skip


def connector_ids() -> Iterator[Deviation]:
    """connectorId below its bound, for every payload that has one: the schemas have no bound at all."""
    for name in PAYLOADS:
        if "connectorId" in official(name).get("properties", {}):
            bound = minimum(name, "connectorId")
            assert bound is not None
            yield _row(name, "connectorId", bound - 1, True, PROPERTY, f"core 3.8 and 6: connectorId >= {bound}")


def nulls() -> Iterator[tuple[str, str, Any, Any]]:
    """Every optional field of every payload, at any depth: name, path, payload with null in it, payload without it."""
    for name in PAYLOADS:
        for path in _optional(official(name), ""):
            *parents, last = path.split(".")
            without = full_payload(name)
            place = without
            for key in parents:
                place = place[int(key) if key.isdigit() else key]
            del place[last]
            yield name, path, put(full_payload(name), path, None), without


def _optional(schema: Schema, path: str) -> Iterator[str]:
    if schema["type"] == "array":
        yield from _optional(schema["items"], f"{path}0.")
    for key, inner in schema.get("properties", {}).items():
        if key not in schema.get("required", []):
            yield path + key
        yield from _optional(inner, f"{path}{key}.")
