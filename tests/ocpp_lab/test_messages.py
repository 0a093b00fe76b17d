"""The 78 payloads: complete, named as on the wire, agreed with the official schemas (core 6, 7; whitepaper 5, 6)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_lab import messages
from ocpp_lab.codec import decode_payload, to_object
from ocpp_lab.errors import PayloadError
from ocpp_lab.messages import (
    ACTIONS,
    TRANSACTION_ACTIONS,
    FeatureProfile,
    Payload,
    base,
    core,
    firmware_management,
    local_auth_list,
    metering,
    remote_trigger,
    reservation,
    security,
    smart_charging,
)
from tests import deviations
from tests.house import scaled
from tests.schemas import (
    PAYLOADS,
    Spoilt,
    full_payload,
    official,
    officially_valid,
    schema_files,
    spoil,
    valid_payloads,
)

MODULES = {
    "Core": core,
    "FirmwareManagement": firmware_management,
    "LocalAuthListManagement": local_auth_list,
    "Reservation": reservation,
    "SmartCharging": smart_charging,
    "RemoteTrigger": remote_trigger,
    "Security": security,
}
NAMES = sorted(PAYLOADS)
STRUCTS = sorted(
    {
        thing
        for module in (base, metering, *MODULES.values())
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Payload) and thing.__struct_fields__
    },
    key=lambda thing: thing.__name__,
)


# The map --------------------------------------------------------------------------------------------------------------


def test_every_operation_of_the_specification_is_there() -> None:
    """28 operations in OCPP 1.6 (core 4, 5) and 11 in the whitepaper (5); the schemas are the list."""
    assert len(ACTIONS) == 39
    assert set(PAYLOADS) == schema_files()


def test_senders() -> None:
    """Core 4 lists what the charge point initiates, core 5 what the central system does; DataTransfer is in both."""
    from_charge_point = {
        "Authorize", "BootNotification", "DataTransfer", "DiagnosticsStatusNotification", "FirmwareStatusNotification",
        "Heartbeat", "MeterValues", "StartTransaction", "StatusNotification", "StopTransaction",
        "LogStatusNotification", "SecurityEventNotification", "SignCertificate", "SignedFirmwareStatusNotification",
    }  # fmt: skip
    from_central_system = {
        "CancelReservation", "ChangeAvailability", "ChangeConfiguration", "ClearCache", "ClearChargingProfile",
        "DataTransfer", "GetCompositeSchedule", "GetConfiguration", "GetDiagnostics", "GetLocalListVersion",
        "RemoteStartTransaction", "RemoteStopTransaction", "ReserveNow", "Reset", "SendLocalList",
        "SetChargingProfile", "TriggerMessage", "UnlockConnector", "UpdateFirmware",
        "CertificateSigned", "DeleteCertificate", "ExtendedTriggerMessage", "GetInstalledCertificateIds", "GetLog",
        "InstallCertificate", "SignedUpdateFirmware",
    }  # fmt: skip
    assert {name for name, action in ACTIONS.items() if action.sent_by("ChargePoint")} == from_charge_point
    assert {name for name, action in ACTIONS.items() if action.sent_by("CentralSystem")} == from_central_system
    assert ACTIONS["DataTransfer"].sender == "both"


def test_profiles() -> None:
    """Core 3.3 says how many operations each feature profile has; the file of an operation is its profile."""
    counts = {profile: sum(action.profile == profile for action in ACTIONS.values()) for profile in MODULES}
    assert counts == {
        "Core": 16,
        "FirmwareManagement": 4,
        "LocalAuthListManagement": 2,
        "Reservation": 2,
        "SmartCharging": 3,
        "RemoteTrigger": 1,
        "Security": 11,
    }
    assert set(get_args(FeatureProfile)) == set(MODULES)
    for action in ACTIONS.values():
        assert action.request.__module__ == action.response.__module__ == MODULES[action.profile].__name__


def test_names_are_consistent() -> None:
    """The name of an action is a case-sensitive string (J-spec 4.2.1), and both payloads carry it."""
    for name, action in ACTIONS.items():
        assert (action.name, action.request.action, action.response.action) == (name, name, name)
        assert (action.request.__name__, action.response.__name__) == (f"{name}Request", f"{name}Response")
        assert action.request.response_type is action.response
    assert set(ACTIONS) >= TRANSACTION_ACTIONS


def test_everything_is_exported() -> None:
    """`ocpp_lab.messages` is the place to import from: every payload, nested class and enumeration."""
    exported = set(messages.__all__)
    assert len(exported) == len(messages.__all__)
    assert all(hasattr(messages, name) for name in exported)
    for module in (metering, *MODULES.values()):
        own = {name for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__}
        enumerations = {name for name, thing in vars(module).items() if get_args(thing) and "Literal" in str(thing)}
        assert own | enumerations <= exported


# The declarations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_fields_are_keyword_only_and_default_to_none(struct: type[Payload]) -> None:
    """The order of fields means nothing on the wire (RFC 8259 4), so it must not in Python; and the only default is
    None: any other that is equal to the value would not be sent.
    """
    with pytest.raises(TypeError, match="Extra positional arguments"):
        struct("positional")
    for field in msgspec.structs.fields(struct):
        assert field.default in (msgspec.NODEFAULT, None)
        assert field.default_factory is msgspec.NODEFAULT


@pytest.mark.parametrize("name", NAMES)
def test_docstring_names_the_section(name: str) -> None:
    """Core 6 lists the 28 operations alphabetically, request then response; whitepaper 5 does the same."""
    response = name.endswith("Response")
    action = ACTIONS[name.removesuffix("Response")]
    of_whitepaper = action.profile == "Security"
    document = "whitepaper 5" if of_whitepaper else "core 6"
    same = sorted(other.name for other in ACTIONS.values() if (other.profile == "Security") == of_whitepaper)
    number = 2 * same.index(action.name) + 1 + response
    docstring = PAYLOADS[name].__doc__ or ""
    assert "\n" not in docstring
    assert re.search(rf"\({document}\.{number}[,)]", docstring), f"expected section {document}.{number}"


@pytest.mark.parametrize("name", NAMES)
def test_declaration_is_the_schema(name: str) -> None:
    """Fields in camelCase, required or not, lengths and enumerations: all as in the official schema."""
    assert _declared(msgspec.inspect.type_info(PAYLOADS[name])) == _published(official(name))


def _declared(kind: msgspec.inspect.Type) -> Any:
    match kind:
        case msgspec.inspect.StructType(fields=fields):
            assert kind.cls.__struct_config__.forbid_unknown_fields
            return {field.encode_name: (field.required, _declared(field.type)) for field in fields}
        case msgspec.inspect.UnionType(types=(only, msgspec.inspect.NoneType())):
            return _declared(only)
        case msgspec.inspect.ListType(item_type=items):
            return [_declared(items)]
        case msgspec.inspect.LiteralType(values=values):
            return set(values)
        case msgspec.inspect.StrType(max_length=limit):
            return f"string <= {limit}"
        case msgspec.inspect.CustomType(cls=base.Timestamp):
            return "date-time"
    return {"IntType": "integer", "FloatType": "number", "BoolType": "boolean"}[type(kind).__name__]


def _published(schema: dict[str, Any]) -> Any:
    match schema:
        case {"type": "object", "additionalProperties": False}:
            required = schema.get("required", [])
            return {key: (key in required, _published(inner)) for key, inner in schema.get("properties", {}).items()}
        case {"type": "array", "items": items}:
            return [_published(items)]
        case {"enum": values}:
            return {*values, "Hertz"} if "Celcius" in values else set(values)  # see tests.deviations
        case {"format": "date-time"}:
            return "date-time"
        case {"type": "string"}:
            return f"string <= {schema.get('maxLength')}"
    return schema["type"]


# Both of one mind -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=scaled(15, 60))
def test_valid_is_accepted_by_both_and_comes_back(name: str, data: st.DataObject) -> None:
    """What the schema allows we read, and what we make of it is sent as the same JSON, which the schema allows."""
    payload = data.draw(valid_payloads(name))
    assert officially_valid(name, payload)
    decoded = decode_payload(PAYLOADS[name], payload)
    sent = to_object(decoded)
    assert officially_valid(name, sent)
    assert decode_payload(PAYLOADS[name], sent) == decoded
    assert _instants(sent) == _instants(payload)


def _instants(node: Any) -> Any:
    """JSON with its timestamps parsed, so that +02:00 and Z compare."""
    match node:
        case dict():
            return {key: _instants(value) for key, value in node.items()}
        case list():
            return [_instants(value) for value in node]
        case str() if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)", node):
            return datetime.fromisoformat(node)
    return node


def _assert_refused_by_both(name: str, spoilt: Spoilt) -> None:
    assert not officially_valid(name, spoilt.payload), spoilt
    with pytest.raises(PayloadError) as refused:
        decode_payload(PAYLOADS[name], spoilt.payload)
    assert refused.value.code == spoilt.code, (spoilt, refused.value)
    assert refused.value.description.startswith(f"{spoilt.path or 'payload'}: expected "), refused.value


@pytest.mark.parametrize("name", NAMES)
def test_each_single_violation_is_refused_by_both(name: str) -> None:
    """J-spec 4.2.3: every field of every payload, spoilt in every way, gets the right code and its wire path."""
    payload = full_payload(name)
    assert officially_valid(name, payload)
    assert to_object(decode_payload(PAYLOADS[name], payload)) == payload
    violations = list(spoil(name, payload))
    assert len(violations) > 4  # even an empty payload can be of the wrong type, or have an extra field
    for violation in violations:
        _assert_refused_by_both(name, violation)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=scaled(5, 25))
def test_generated_invalid_is_refused_by_both(name: str, data: st.DataObject) -> None:
    """The same, starting from any valid payload instead of the fullest one."""
    payload = data.draw(valid_payloads(name))
    _assert_refused_by_both(name, data.draw(st.sampled_from(list(spoil(name, payload)))))


ROWS = [*deviations.TABLE, *deviations.connector_ids()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}-{row.why[:30]}")
def test_known_deviation(row: deviations.Deviation) -> None:
    """`tests.deviations` is the list; each row still holds, on both sides, for the reason it gives."""
    assert officially_valid(row.name, row.payload) == row.schema_accepts
    if row.ours == deviations.ACCEPTED:
        decode_payload(PAYLOADS[row.name], row.payload)
        return
    with pytest.raises(PayloadError) as refused:
        decode_payload(PAYLOADS[row.name], row.payload)
    assert refused.value.code == row.ours


def test_every_connector_id_is_bounded() -> None:
    """Core 3.8: thirteen payloads have a connectorId, and four of them must name one connector."""
    bounds = [row.payload["connectorId"] for row in deviations.connector_ids()]
    assert sorted(bounds) == [-1] * 9 + [0] * 4


def _brief(part: Any) -> str:
    return part if isinstance(part, str) else ""


@pytest.mark.parametrize(("name", "path", "with_null", "without"), list(deviations.nulls()), ids=_brief)
def test_null_in_an_optional_field_is_absent(name: str, path: str, with_null: Any, without: Any) -> None:
    """An explicit null is read as absent, though the schemas refuse it, and is never sent."""
    assert not officially_valid(name, with_null)
    decoded = decode_payload(PAYLOADS[name], with_null)
    assert decoded == decode_payload(PAYLOADS[name], without)
    assert to_object(decoded) == without
