"""`lenient`: strict first; then three mends and no more, each counted; what comes out is what strict would accept."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_lab import codec
from ocpp_lab import messages as m
from ocpp_lab.codec import FORGIVEN, decode_payload, decode_reply, encode_payload, to_object
from ocpp_lab.errors import MalformedReply, PayloadError
from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.pending import Pending
from ocpp_lab.router import Router
from ocpp_lab.tolerance import EXACT
from tests.house import scaled
from tests.schemas import PAYLOADS, Spoilt, full_payload, official, spoil, valid_payloads

NAMES = sorted(PAYLOADS)
NOW = "2030-12-31T23:59:59.000Z"
UNKNOWN, TEXT, FLOAT = "unknown field", "integer as text", "integer as float"


def lenient(name: str, payload: Any) -> tuple[Any, Counter[str]]:
    """What it is read as, and what was let pass."""
    notes: Counter[str] = Counter()
    return decode_payload(PAYLOADS[name], payload, notes, lenient=True), notes


def deep(levels: int) -> Any:
    """Arrays in arrays; recursive code dies of it."""
    nested: Any = []
    for _ in range(levels):
        nested = [nested]
    return nested


# The same payload, as a careless sender writes it ---------------------------------------------------------------------

_names = st.text(min_size=1, max_size=8).map(lambda name: f"x{name}")  # no schema has a field that begins so
_anything = st.none() | st.integers() | st.text(max_size=5) | st.just(deep(100)) | st.just({"a": [1]})


@st.composite
def careless(draw: st.DrawFn, schema: dict[str, Any], value: Any) -> Any:
    """Some integers as text or float, some fields that nobody declared; anywhere."""
    match schema["type"]:
        case "object":
            known = {key: draw(careless(schema["properties"][key], inner)) for key, inner in value.items()}
            return known | draw(st.dictionaries(_names, _anything, max_size=1))
        case "array":
            return [draw(careless(schema["items"], item)) for item in value]
        case "integer":
            others = ([str(value)] if abs(value) < 10**39 else []) + ([float(value)] if abs(value) < EXACT else [])
            return draw(st.sampled_from([value, *others]))
    return value


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, Any, Any]:
    """A name, a valid payload, and the same written carelessly."""
    name = draw(st.sampled_from(NAMES))
    payload = draw(valid_payloads(name))
    return name, payload, draw(careless(official(name), payload))


@given(pairs())
@settings(max_examples=scaled(150, 2_000))
def test_what_was_written_carelessly_is_read_as_it_was_meant(pair: tuple[str, Any, Any]) -> None:
    """The same value as strict reads from the careful one; and if the careless one differs, something is counted."""
    name, payload, as_it_came = pair
    meant = decode_payload(PAYLOADS[name], payload)
    assert lenient(name, payload) == (meant, Counter())
    decoded, notes = lenient(name, as_it_came)
    assert decoded == meant
    assert set(notes) <= {UNKNOWN, TEXT, FLOAT} and set(notes.values()) <= {1}
    try:
        decode_payload(PAYLOADS[name], as_it_came)
    except PayloadError:
        assert notes
    else:
        assert not notes


_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
_fields = st.sampled_from(["connectorId", "idTag", "status", "meterValue", "timestamp", "idTagInfo", "key"]) | st.text()
_json = st.recursive(_scalars, lambda inner: st.lists(inner) | st.dictionaries(_fields, inner), max_leaves=20)


@given(name=st.sampled_from(NAMES), payload=_json)
@settings(max_examples=scaled(150, 2_000))
def test_whatever_it_accepts_is_strictly_valid_when_sent_on(name: str, payload: Any) -> None:
    """It raises `PayloadError` and nothing else; and strict reads back the very same."""
    try:
        decoded, _ = lenient(name, payload)
    except PayloadError:
        return
    assert decode_payload(PAYLOADS[name], to_object(decoded)) == decoded


SPOILT = [(name, each) for name in NAMES for each in spoil(name, full_payload(name))]


def mended(each: Spoilt) -> str:
    """What lenient calls this single fault; "" if it is one of those that stay faults."""
    return {"extra field": UNKNOWN, "wrong type '1'": TEXT}.get(each.what, "")


@pytest.mark.parametrize("name", NAMES)
def test_every_other_fault_stays_a_fault(name: str) -> None:
    """``true`` is no 1, "1.5" no number, "true" no boolean, 5 no text: with the code that strict gives it."""
    for each in (each for other, each in SPOILT if other == name):
        if mended(each):
            assert lenient(name, each.payload)[1] == {mended(each): 1}, f"{each}"
            continue
        with pytest.raises(PayloadError) as refused:
            lenient(name, each.payload)
        assert refused.value.code == each.code, f"{each}"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("1", 1),
        ("+1", 1),
        ("-1", -1),
        ("007", 7),
        (1.0, 1),
        (-0.0, 0),
        (2.0**53 - 1, 2**53 - 1),
        ("9" * 40, 10**40 - 1),
    ],
)
def test_an_integer(value: Any, read: int) -> None:
    assert lenient("RemoteStopTransaction", {"transactionId": value})[0].transaction_id == read


NO_INTEGERS = ["", " 1", "1 ", "1\n", "1.0", "1e3", "0x1", "1_000", "١", "--1", "9" * 41, "9" * 100_000]
OTHERS = [True, 1.5, 2.0**53, 1e300, float("inf"), float("nan"), None, [], {}]


@pytest.mark.parametrize("value", [*NO_INTEGERS, *OTHERS], ids=lambda value: repr(value)[:9])
def test_no_integer(value: Any) -> None:
    """What Python would read as one, and OCPP would not; and floats that stand for more than one integer."""
    with pytest.raises(PayloadError, match=r"^TypeConstraintViolation: transactionId: expected an integer, came "):
        lenient("RemoteStopTransaction", {"transactionId": value})


def test_limits_hold_after_a_mend() -> None:
    with pytest.raises(PayloadError, match="PropertyConstraintViolation: connectorId: expected an integer >= 1"):
        lenient("UnlockConnector", {"connectorId": "0", "surprise": 1})


def test_what_is_left_is_what_is_told() -> None:
    """An unknown field is forgiven; the error names what is not."""
    with pytest.raises(PayloadError) as refused:
        lenient("Authorize", {"surprise": 1, "idTag": 7})
    assert str(refused.value).startswith("TypeConstraintViolation: idTag: expected a string")
    with pytest.raises(PayloadError, match="FormationViolation: surprise: expected no such field"):
        decode_payload(m.AuthorizeRequest, {"surprise": 1, "idTag": 7})


def test_all_kinds_at_once() -> None:
    """A timestamp without an offset is one of them, in any company; each kind counts once for a payload."""
    sample = {"value": "1", "colour": "blue"}
    value = {"timestamp": "2030-01-01T00:00:00", "sampledValue": [sample, sample], "vendor": {}}
    decoded, notes = lenient("MeterValues", {"connectorId": "1", "transactionId": 7.0, "meterValue": [value, value]})
    assert (decoded.connector_id, decoded.transaction_id, len(decoded.meter_value)) == (1, 7, 2)
    assert notes == dict.fromkeys(FORGIVEN, 1)


def test_the_payload_itself_is_not_changed() -> None:
    """The trace, a quarantine and the log still have what came."""
    payload = {"idTagInfo": {"status": "Accepted", "surprise": 1}, "transactionId": "7"}
    lenient("StartTransactionResponse", payload)
    assert payload == {"idTagInfo": {"status": "Accepted", "surprise": 1}, "transactionId": "7"}


@pytest.mark.parametrize("levels", [100, 1_000_000])
def test_depth_that_nobody_declared_is_not_looked_at(levels: int) -> None:
    payload = {"idTag": "a", "surprise": deep(levels)}
    assert lenient("Authorize", payload)[0] == m.AuthorizeRequest(id_tag="a")
    with pytest.raises(PayloadError, match="idTag"):
        lenient("Authorize", {"surprise": 1, "idTag": payload["surprise"]})


def test_what_is_valid_never_meets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strict first: tolerance costs nothing until something is wrong. And without it nothing is tried at all."""

    def never(*arguments: Any) -> Any:
        raise AssertionError("mended")

    monkeypatch.setattr(codec, "mend", never)
    for name in NAMES:
        payload = full_payload(name)
        assert lenient(name, payload)[0] == decode_payload(PAYLOADS[name], payload)
    with pytest.raises(PayloadError):
        decode_payload(m.AuthorizeRequest, {"idTag": "a", "surprise": 1})


def test_what_we_send_stays_strict() -> None:
    """A number as text is our own bug."""
    with pytest.raises(PayloadError, match="transactionId: expected an integer, came a string"):
        encode_payload(m.RemoteStopTransactionRequest(transaction_id="7"))  # type: ignore[arg-type]


# In requests and in replies -------------------------------------------------------------------------------------------


async def _answer(router: Router, payload: Any) -> CallResult | CallError:
    @router.on(m.AuthorizeRequest)
    async def on_authorize(request: m.AuthorizeRequest) -> m.AuthorizeResponse:
        return m.AuthorizeResponse(id_tag_info=m.IdTagInfo(status="Accepted"))

    return await router.answer(Call("1", "Authorize", payload))


async def test_a_router_is_strict_unless_told_otherwise() -> None:
    """The course teaches the strict one, and compliance asks for it."""
    strict, tolerant = Router("CentralSystem"), Router("CentralSystem", lenient=True)
    payload = {"idTag": "a", "surprise": 1}
    refused = await _answer(strict, payload)
    assert isinstance(refused, CallError) and refused.code == "FormationViolation"
    assert isinstance(await _answer(tolerant, payload), CallResult)
    assert (strict.notes, tolerant.notes) == ({}, {UNKNOWN: 1})


async def test_an_unknown_field_in_a_reply_is_always_dropped() -> None:
    """To refuse a reply tells nobody, and costs the transaction id that stands in it."""
    pending = Pending()
    future = pending.open("1", m.StartTransactionResponse)
    payload = {"transactionId": 7, "idTagInfo": {"status": "Accepted", "info": "hello"}, "vendor": [{}]}
    assert pending.settle(CallResult("1", payload)) == "resolved"
    assert (await future).transaction_id == 7
    assert pending.notes == {UNKNOWN: 1}


@pytest.mark.parametrize(("value", "what"), [("7", TEXT), (7.0, FLOAT)])
async def test_other_mends_in_a_reply_are_chosen(value: Any, what: str) -> None:
    payload = {"transactionId": value, "idTagInfo": {"status": "Accepted"}}
    strict, tolerant = Pending(), Pending(lenient=True)
    futures = [pending.open("1", m.StartTransactionResponse) for pending in (strict, tolerant)]
    assert [pending.settle(CallResult("1", payload)) for pending in (strict, tolerant)] == ["malformed", "resolved"]
    with pytest.raises(MalformedReply):
        await futures[0]
    assert (await futures[1]).transaction_id == 7
    assert (strict.notes, tolerant.notes) == ({}, {what: 1})


def test_a_reply_is_read_as_a_payload_is() -> None:
    """But for the unknown fields: null is empty, and a timestamp without an offset is counted."""
    assert decode_reply(m.ClearCacheResponse, {"status": "Accepted"}) == m.ClearCacheResponse(status="Accepted")
    assert decode_reply(m.MeterValuesResponse, None) == m.MeterValuesResponse()
    notes: Counter[str] = Counter()
    decode_reply(m.HeartbeatResponse, {"currentTime": NOW[:19], "zone": "UTC"}, notes)
    assert notes == {"timestamp without offset": 1, UNKNOWN: 1}
