"""Payload to JSON and back: which code each violation gets, what we forgive, what we send (J-spec 4.2.3)."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_lab import codec
from ocpp_lab.codec import decode_payload, encode_payload, explain, to_object
from ocpp_lab.errors import PayloadError
from ocpp_lab.messages import (
    AuthorizeRequest,
    AuthorizeResponse,
    ChargingSchedulePeriod,
    ClearCacheRequest,
    DataTransferRequest,
    GetConfigurationRequest,
    GetDiagnosticsRequest,
    HeartbeatRequest,
    HeartbeatResponse,
    MeterValuesRequest,
    Payload,
    RemoteStopTransactionRequest,
    ResetRequest,
    StatusNotificationRequest,
    UnlockConnectorRequest,
    base,
)
from tests.house import scaled
from tests.schemas import PAYLOADS

FORMATION, OCCURENCE = "FormationViolation", "OccurenceConstraintViolation"
PROPERTY, TYPE = "PropertyConstraintViolation", "TypeConstraintViolation"
DATE_TIME = "a dateTime such as 2030-12-31T23:59:59Z (RFC 3339)"


def meter_values(**last: Any) -> dict[str, Any]:
    """A MeterValues whose second sampledValue has these fields too."""
    samples = [{"value": "1"}, {"value": "2", **last}]
    return {"connectorId": 1, "meterValue": [{"timestamp": "2030-01-01T00:00:00Z", "sampledValue": samples}]}


SAMPLE = "meterValue[0].sampledValue[1]"

WORDING: list[tuple[type[Payload], Any, str, str, str]] = [
    # payload type, payload, what msgspec says, our code, our description
    (AuthorizeRequest, {}, "Object missing required field `idTag`",
     OCCURENCE, "idTag: expected a string of at most 20 characters, came nothing"),
    (MeterValuesRequest, {"connectorId": 1, "meterValue": [{}]},
     "Object missing required field `timestamp` - at `$.meterValue[0]`",
     OCCURENCE, f"meterValue[0].timestamp: expected {DATE_TIME}, came nothing"),
    (MeterValuesRequest, {"connectorId": 1, "meterValue": []}, "Expected `array` of length >= 1 - at `$.meterValue`",
     OCCURENCE, "meterValue: expected an array of at least 1 item, came fewer"),
    (ResetRequest, {"type": "Soft", "Type": 1}, "Object contains unknown field `Type`",
     FORMATION, "Type: expected no such field, only type"),
    (HeartbeatRequest, {"now": 1}, "Object contains unknown field `now`",
     FORMATION, "now: expected no such field, only an empty object"),
    (MeterValuesRequest, meter_values(colour=1),
     f"Object contains unknown field `colour` - at `$.{SAMPLE}`", FORMATION,
     f"{SAMPLE}.colour: expected no such field, only value, context, format, measurand, phase, location, unit"),
    (ResetRequest, ["Soft"], "Expected `object`, got `array`", FORMATION, "payload: expected an object, came an array"),
    (ResetRequest, "Soft", "Expected `object`, got `str`", FORMATION, "payload: expected an object, came a string"),
    (ResetRequest, {"type": 1}, "Expected `str`, got `int` - at `$.type`",
     TYPE, "type: expected one of Hard, Soft, came an integer"),
    (ResetRequest, {"type": None}, "Expected `str`, got `null` - at `$.type`",
     TYPE, "type: expected one of Hard, Soft, came null"),
    (AuthorizeResponse, {"idTagInfo": []}, "Expected `object`, got `array` - at `$.idTagInfo`",
     TYPE, "idTagInfo: expected an object, came an array"),
    (GetConfigurationRequest, {"key": {}}, "Expected `array | null`, got `object` - at `$.key`",
     TYPE, "key: expected an array, came an object"),
    (GetConfigurationRequest, {"key": ["a", True]}, "Expected `str`, got `bool` - at `$.key[1]`",
     TYPE, "key[1]: expected a string of at most 50 characters, came a boolean"),
    (UnlockConnectorRequest, {"connectorId": 1.0}, "Expected `int`, got `float` - at `$.connectorId`",
     TYPE, "connectorId: expected an integer >= 1, came a number"),
    (HeartbeatResponse, {"currentTime": 0}, "Expected `datetime`, got `int` - at `$.currentTime`",
     TYPE, f"currentTime: expected {DATE_TIME}, came an integer"),
    (AuthorizeRequest, {"idTag": "x" * 21}, "Expected `str` of length <= 20 - at `$.idTag`",
     PROPERTY, "idTag: expected a string of at most 20 characters, came a longer one"),
    (ResetRequest, {"type": "soft"}, "Invalid enum value 'soft' - at `$.type`",
     PROPERTY, "type: expected one of Hard, Soft, came 'soft'"),
    (MeterValuesRequest, meter_values(format="raw"), f"Invalid enum value 'raw' - at `$.{SAMPLE}.format`",
     PROPERTY, f"{SAMPLE}.format: expected one of Raw, SignedData, came 'raw'"),
    (UnlockConnectorRequest, {"connectorId": 0}, "Expected `int` >= 1 - at `$.connectorId`",
     PROPERTY, "connectorId: expected an integer >= 1, came a smaller one"),
    (HeartbeatResponse, {"currentTime": "noon"}, "Invalid RFC3339 encoded datetime - at `$.currentTime`",
     PROPERTY, f"currentTime: expected {DATE_TIME}, came another text"),
    (ChargingSchedulePeriod, {"startPeriod": 0, "limit": 1.25}, "Expected `limit` with one decimal, got 1.25",
     PROPERTY, "limit: expected a number with at most one decimal, came 1.25"),
    (ChargingSchedulePeriod, {"startPeriod": 0, "limit": 10**400}, "Number out of range - at `$.limit`",
     PROPERTY, "limit: expected a number with at most one decimal, came one beyond all range"),
]  # fmt: skip
NO_OFFSET = "Expected `datetime` with a timezone component - at `$.currentTime`"


@pytest.mark.parametrize(("payload_type", "payload", "words", "code", "description"), WORDING)
def test_violation(payload_type: type[Payload], payload: Any, words: str, code: str, description: str) -> None:
    """The table in `ocpp_lab.codec` depends on msgspec's wording: if an upgrade changes it, this fails."""
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert(payload, payload_type, dec_hook=base.read_timestamp)
    assert str(raised.value) == words
    with pytest.raises(PayloadError) as refused:
        decode_payload(payload_type, payload)
    assert (refused.value.code, refused.value.description) == (code, description)


def test_both_of_msgspecs_readers_use_the_same_words() -> None:
    """We read with `msgspec.convert` and check what we send with `msgspec.json`; both are explained by one table."""
    for payload_type, payload, words, _, _ in WORDING:
        reader = msgspec.json.Decoder(payload_type, dec_hook=base.read_timestamp)
        with pytest.raises(msgspec.ValidationError, match=f"^{re.escape(words)}$"):
            reader.decode(msgspec.json.encode(payload))


def test_every_rule_is_pinned() -> None:
    """No line of the table is there without a violation above that needs it."""
    words = [*(row[2] for row in WORDING), NO_OFFSET]
    heads = [re.split(r" - at `\$", each)[0] for each in words]
    first = {next(rule for rule, _, _ in codec._RULES if re.fullmatch(rule, head)) for head in heads}
    assert first == {rule for rule, _, _ in codec._RULES}


def test_new_wording_is_passed_on() -> None:
    """A msgspec that says something else is still explained, by its own words."""
    refused = explain(AuthorizeRequest, msgspec.ValidationError("It is blue - at `$.idTag`"))
    assert (refused.code, refused.description) == (PROPERTY, "idTag: It is blue")


STRANGE = ["", ".", "`", "x` - at `$.idTag", "[0]", "a\nb", "\x00", "{}", "{value}", "x" * 99_999]


@pytest.mark.parametrize("name", STRANGE)
def test_strange_field_names(name: str) -> None:
    """The peer chooses the names; none of them may confuse us, or flood the log."""
    with pytest.raises(PayloadError) as refused:
        decode_payload(AuthorizeResponse, {name: 1})
    assert refused.value.code == FORMATION
    assert len(refused.value.description) < 200


@pytest.mark.parametrize("value", [*STRANGE, "'", "x' - at `$.foo`", NO_OFFSET])
def test_strange_enum_values(value: str) -> None:
    with pytest.raises(PayloadError) as refused:
        decode_payload(ResetRequest, {"type": value})
    assert refused.value.code == PROPERTY
    assert refused.value.description.startswith("type: expected one of Hard, Soft, came ")
    assert len(refused.value.description) < 200


_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30)
)
_names = st.sampled_from(["connectorId", "idTag", "status", "meterValue", "timestamp", "idTagInfo", "key"]) | st.text()
_json = st.recursive(_scalars, lambda inner: st.lists(inner) | st.dictionaries(_names, inner), max_leaves=20)


@given(name=st.sampled_from(sorted(PAYLOADS)), payload=_json)
@settings(max_examples=scaled(200, 1_500))
def test_any_json_is_read_or_refused(name: str, payload: Any) -> None:
    """`decode_payload` raises `PayloadError` and nothing else."""
    notes: Counter[str] = Counter()
    try:
        decoded = decode_payload(PAYLOADS[name], payload, notes)
    except PayloadError as refused:
        assert refused.code in {FORMATION, OCCURENCE, PROPERTY, TYPE}
        assert not notes
    else:
        assert decode_payload(PAYLOADS[name], to_object(decoded)) == decoded


# What we forgive ------------------------------------------------------------------------------------------------------


def test_null_payload_is_an_empty_object() -> None:
    """J-spec 4.2.1: a payload without fields may be null."""
    assert decode_payload(HeartbeatRequest, None) == HeartbeatRequest()


def test_timestamp_without_offset_is_utc_and_counted() -> None:
    """Some charge points leave the offset out, which RFC 3339 does not allow."""
    notes: Counter[str] = Counter()
    without = decode_payload(HeartbeatResponse, {"currentTime": "2030-01-01T12:00:00"}, notes)
    assert without.current_time == datetime(2030, 1, 1, 12, tzinfo=UTC)
    assert notes == {"timestamp without offset": 1}
    decode_payload(HeartbeatResponse, {"currentTime": "2030-01-01T12:00:00Z"}, notes)
    decode_payload(HeartbeatResponse, {"currentTime": "2030-01-01T12:00:00"})  # nobody counts
    assert notes == {"timestamp without offset": 1}


def test_offset_is_kept_beside_a_timestamp_without() -> None:
    """One careless timestamp does not change what the others mean."""
    request = decode_payload(
        GetDiagnosticsRequest,
        {"location": "ftp://x", "startTime": "2030-01-01T12:00:00", "stopTime": "2030-01-01T12:00:00+02:00"},
    )
    assert request.start_time == datetime(2030, 1, 1, 12, tzinfo=UTC)
    assert request.stop_time == datetime(2030, 1, 1, 10, tzinfo=UTC)


def test_what_is_refused_is_not_counted() -> None:
    notes: Counter[str] = Counter()
    with pytest.raises(PayloadError, match="parentIdTag"):
        info = {"status": "Accepted", "expiryDate": "2030-01-01T12:00:00", "parentIdTag": 5}
        decode_payload(AuthorizeResponse, {"idTagInfo": info}, notes)
    assert not notes


def test_one_decimal_means_any_decimal() -> None:
    """Core 7.14: at most one digit fraction. All thousand values up to 100.0 are, and nothing between them is."""
    for tenths in range(1, 1001):
        period = {"startPeriod": 0, "limit": tenths / 10}
        assert to_object(decode_payload(ChargingSchedulePeriod, period)) == period
        with pytest.raises(PayloadError, match="at most one decimal"):
            decode_payload(ChargingSchedulePeriod, {"startPeriod": 0, "limit": tenths / 10 + 0.05})


def test_float_noise_is_cleaned() -> None:
    """Arithmetic leaves 0.30000000000000004; a peer that checks the schema would refuse it."""
    assert ChargingSchedulePeriod(start_period=0, limit=0.1 + 0.2).limit == 0.3
    assert decode_payload(ChargingSchedulePeriod, {"startPeriod": 0, "limit": 0.1 + 0.2}).limit == 0.3
    assert decode_payload(ChargingSchedulePeriod, {"startPeriod": 0, "limit": 16}).limit == 16


# What we send ---------------------------------------------------------------------------------------------------------

EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("instant", "sent"),
    [
        (datetime(2030, 1, 1, tzinfo=UTC), "2030-01-01T00:00:00.000Z"),
        (datetime(2030, 1, 1, 1, 0, 0, 987_654, tzinfo=EAST), "2029-12-31T23:00:00.987Z"),
        (base.Timestamp(2030, 1, 1, 2, tzinfo=EAST), "2030-01-01T00:00:00.000Z"),
        (datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59.999Z"),
        (datetime.min.replace(tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_timestamps_are_sent_in_utc_with_milliseconds(instant: datetime, sent: str) -> None:
    """Core 3.14, 3.15: UTC is recommended; three digits of fraction are what everybody reads."""
    assert bytes(encode_payload(HeartbeatResponse(current_time=instant))) == b'{"currentTime":"%s"}' % sent.encode()


@pytest.mark.parametrize("kind", [datetime, base.Timestamp])
def test_naive_timestamp_is_not_sent(kind: type[datetime]) -> None:
    """Strict in what we send: a datetime without a timezone is our own bug, and not local time."""
    with pytest.raises(PayloadError) as refused:
        encode_payload(HeartbeatResponse(current_time=kind(2030, 1, 1)))
    assert refused.value.code == PROPERTY
    assert refused.value.description == f"currentTime: expected {DATE_TIME}, came one without an offset from UTC"


def test_absent_fields_are_not_sent() -> None:
    """The schemas refuse null: None is left out, and so is all that is not set."""
    status = StatusNotificationRequest(connector_id=0, error_code="NoError", status="Available", info=None)
    assert to_object(status) == {"connectorId": 0, "errorCode": "NoError", "status": "Available"}
    assert bytes(encode_payload(ClearCacheRequest())) == b"{}"


UNSENDABLE: list[tuple[Payload, str, str]] = [
    (AuthorizeRequest(id_tag="x" * 21), PROPERTY, "idTag: expected a string of at most 20 characters"),
    (AuthorizeRequest(id_tag=None), TYPE, "idTag: expected a string of at most 20 characters, came null"),  # type: ignore[arg-type]
    (ResetRequest(type="soft"), PROPERTY, "type: expected one of Hard, Soft, came 'soft'"),  # type: ignore[arg-type]
    (UnlockConnectorRequest(connector_id=0), PROPERTY, "connectorId: expected an integer >= 1"),
    (MeterValuesRequest(connector_id=1, meter_value=[]), OCCURENCE, "meterValue: expected an array of at least 1"),
    (ChargingSchedulePeriod(start_period=0, limit=float("inf")), TYPE, "limit: expected a number"),
    (AuthorizeRequest(id_tag="\ud800"), TYPE, "AuthorizeRequest: no JSON for this"),
    (AuthorizeRequest(id_tag=object()), TYPE, "AuthorizeRequest: no JSON for this"),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize(("payload", "code", "description"), UNSENDABLE)
def test_invalid_payload_is_not_sent(payload: Payload, code: str, description: str) -> None:
    """Constructors do not validate; sending does."""
    for send in (encode_payload, to_object):
        with pytest.raises(PayloadError) as refused:
            send(payload)
        assert refused.value.code == code
        assert refused.value.description.startswith(description)


def test_endless_payload_is_not_sent() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(PayloadError, match="no JSON for this"):
        encode_payload(DataTransferRequest(vendor_id="v", data=circle))  # type: ignore[arg-type]


def test_two_decimals_cannot_even_be_built() -> None:
    """The one limit that a constructor checks, because it also cleans the number."""
    with pytest.raises(ValueError, match="one decimal"):
        ChargingSchedulePeriod(start_period=0, limit=1.25)


def test_numbers_keep_their_size() -> None:
    """JSON bounds no integer (RFC 8259 6), nor does the specification; nothing is cut to 64 bits."""
    for number in (0, -1, 2**31, -(2**63), 2**64, 10**30):
        assert to_object(RemoteStopTransactionRequest(transaction_id=number)) == {"transactionId": number}
