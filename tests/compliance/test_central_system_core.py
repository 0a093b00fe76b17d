"""Core, the central system's side: what it answers and what it keeps (core 4, 5)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_lab import Ledger, Policy
from ocpp_lab import messages as m
from tests.compliance.script import Refused, ScriptedChargePoint, at_central_system, now_text
from tests.pair import on, simulated


async def starts(script: ScriptedChargePoint, connector: int = 1, tag: str = "TAG_A", **more: Any) -> dict[str, Any]:
    payload = {"meterStart": 0, "timestamp": now_text(), **more}
    return await script.says("StartTransaction", connectorId=connector, idTag=tag, **payload)


async def stops(script: ScriptedChargePoint, transaction: int, meter: int = 5000, **more: Any) -> dict[str, Any]:
    payload = {"timestamp": now_text(), **more}
    return await script.says("StopTransaction", transactionId=transaction, meterStop=meter, **payload)


def values(transaction: int | None, value: str = "100", at: str | None = None) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "connectorId": 1,
        "meterValue": [{"timestamp": at or now_text(), "sampledValue": [{"value": value}]}],
    }
    if transaction is not None:
        payload["transactionId"] = transaction
    return payload


# --- boot and heartbeat -----------------------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Accepted", "Pending", "Rejected"])
async def test_a_boot_is_answered_with_status_time_and_interval(status: Any) -> None:
    """Core 4.2."""
    async with at_central_system(boots=False, policy=Policy(registration=status, interval=42)) as (script, _):
        answer = await script.says("BootNotification", chargePointVendor="V", chargePointModel="M")
        assert (answer["status"], answer["interval"]) == (status, 42)
        assert answer["currentTime"].endswith(("Z", "+00:00"))


@simulated(seed=1)
async def test_before_its_boot_nobody_is_served() -> None:
    """Core 4.2, J-errata 3.8: SecurityError."""
    async with at_central_system(boots=False) as (script, _):
        with pytest.raises(Refused) as refused:
            await script.says("Authorize", idTag="TAG_A")
        assert refused.value.code == "SecurityError"


@simulated(seed=1)
async def test_a_heartbeat_tells_the_time() -> None:
    """Core 4.6."""
    async with at_central_system() as (script, _):
        assert "currentTime" in await script.says("Heartbeat")


@simulated(seed=1)
async def test_after_a_reconnect_no_boot_is_needed() -> None:
    """J-spec 5.4."""
    async with at_central_system() as (script, _):
        await on("cp", script.leaves())
        await on("cp", script.dials(boots=False))
        assert "currentTime" in await script.says("Heartbeat")


# --- tags -------------------------------------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Accepted", "Blocked", "Expired", "Invalid"])
async def test_authorize(status: Any) -> None:
    """Core 4.1; tags are compared without regard to case (core 7.28)."""
    async with at_central_system(policy=Policy(id_tags={"TAG_A": status})) as (script, _):
        assert (await script.says("Authorize", idTag="tag_a"))["idTagInfo"]["status"] == status


@simulated(seed=1)
async def test_the_group_of_a_tag_is_told() -> None:
    """Core 3.10: in Authorize, StartTransaction and StopTransaction."""
    policy = Policy(id_tags={"TAG_A": m.IdTagInfo(status="Accepted", parent_id_tag="FAMILY")})  # type: ignore[dict-item]
    async with at_central_system(policy=policy) as (script, _):
        asked = await script.says("Authorize", idTag="TAG_A")
        started = await starts(script)
        stopped = await stops(script, started["transactionId"], idTag="TAG_A")
        assert {each["idTagInfo"]["parentIdTag"] for each in (asked, started, stopped)} == {"FAMILY"}


@simulated(seed=1)
async def test_a_tag_past_its_date_has_expired() -> None:
    """Core 7.27."""
    from tests.pair import simulated_now

    info = m.IdTagInfo(status="Accepted", expiry_date=simulated_now())
    async with at_central_system(policy=Policy(id_tags={"TAG_A": info})) as (script, _):  # type: ignore[dict-item]
        assert (await script.says("Authorize", idTag="TAG_A"))["idTagInfo"]["status"] == "Expired"


# --- transactions -----------------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_transaction_ids_are_positive_and_different() -> None:
    """Core errata 3.54."""
    async with at_central_system() as (script, _):
        ids = [(await starts(script, connector))["transactionId"] for connector in (1, 2)]
        assert len(set(ids)) == 2 and min(ids) > 0


@simulated(seed=1)
async def test_a_start_is_always_answered() -> None:
    """Core 4.8: also of a tag that may not charge; the answer says so."""
    async with at_central_system(policy=Policy(unknown_tag="Invalid")) as (script, _):
        answer = await starts(script)
        assert answer["idTagInfo"]["status"] == "Invalid" and answer["transactionId"] > 0


@simulated(seed=1)
async def test_a_start_that_comes_again_is_the_same_transaction() -> None:
    """Core 3.7.1: after a lost answer it is sent again."""
    async with at_central_system() as (script, _):
        same = {"timestamp": now_text()}
        first, second = await starts(script, **same), await starts(script, **same)
        assert first["transactionId"] == second["transactionId"]


@simulated(seed=1)
async def test_a_stop_that_comes_again_changes_nothing() -> None:
    """Core 3.7.1, 4.10: and is answered."""
    ledger = Ledger()
    async with at_central_system(ledger=ledger) as (script, _):
        transaction = (await starts(script))["transactionId"]
        for _round in range(2):
            await stops(script, transaction, 5000, timestamp="2030-06-01T13:00:00Z")
        [kept] = ledger.rows()
        assert kept["meter_stop"] == 5000
    ledger.close()


@simulated(seed=1)
@pytest.mark.parametrize("transaction", [-1, 0, 4711])
async def test_a_stop_of_what_nobody_knows_is_answered(transaction: int) -> None:
    """Core 4.10: never an error, or it would come for ever."""
    async with at_central_system() as (script, _):
        assert "idTagInfo" not in await stops(script, transaction)


@simulated(seed=1)
@pytest.mark.parametrize("strange", [{"meter": -5}, {"timestamp": "1970-01-01T00:00:00Z"}])
async def test_a_stop_that_makes_no_sense_is_answered(strange: dict[str, Any]) -> None:
    """Core 4.10: sanity checks never keep a stop from its answer."""
    async with at_central_system() as (script, _):
        transaction = (await starts(script, meterStart=100))["transactionId"]
        await stops(script, transaction, **strange)


@simulated(seed=1)
@pytest.mark.parametrize("known", [True, False])
async def test_meter_values_are_answered(known: bool) -> None:
    """Core 4.7: with a transaction that is known or not, and without one."""
    async with at_central_system() as (script, _):
        transaction = (await starts(script))["transactionId"] if known else 4711
        assert await script.says("MeterValues", **values(transaction)) == {}
        assert await script.says("MeterValues", **values(None)) == {}


@simulated(seed=1)
async def test_what_a_transaction_carries_is_kept() -> None:
    """Core 4.8, 4.10: reservationId, transactionData, the tag that stopped."""
    ledger = Ledger()
    async with at_central_system(ledger=ledger) as (script, _):
        transaction = (await starts(script, reservationId=7))["transactionId"]
        data = values(None)["meterValue"]
        await stops(script, transaction, idTag="TAG_B", reason="Local", transactionData=data)
        [kept] = ledger.rows()
        assert (kept["reservation"], kept["stop_tag"], kept["reason"]) == (7, "TAG_B", "Local")
        assert kept["transaction_data"]
    ledger.close()


@simulated(seed=1)
async def test_a_status_is_kept() -> None:
    """Core 4.9."""
    async with at_central_system() as (script, central_system):
        await script.says("StatusNotification", connectorId=1, errorCode="GroundFailure", status="Faulted")
        status = central_system.answers.statuses["CP_1", 1]
        assert (status.status, status.error_code) == ("Faulted", "GroundFailure")


# --- other requests ---------------------------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("DiagnosticsStatusNotification", {"status": "Uploaded"}),
        ("FirmwareStatusNotification", {"status": "Installed"}),
        ("LogStatusNotification", {"status": "Uploaded", "requestId": 1}),
        ("SignedFirmwareStatusNotification", {"status": "Installed", "requestId": 1}),
        ("SecurityEventNotification", {"type": "StartupOfTheDevice", "timestamp": "2030-06-01T12:00:00Z"}),
    ],
)
async def test_reports_are_answered(action: str, payload: dict[str, Any]) -> None:
    """Core 4.4, 4.5; whitepaper A04.FR.01."""
    async with at_central_system() as (script, _):
        assert await script.says(action, **payload) == {}


@simulated(seed=1)
async def test_data_transfer_of_an_unknown_vendor() -> None:
    """Core 4.3."""
    async with at_central_system() as (script, _):
        assert (await script.says("DataTransfer", vendorId="org.example"))["status"] == "UnknownVendorId"


@simulated(seed=1)
@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Dance", {}, "NotImplemented"),
        ("Authorize", {"idTag": 5}, "TypeConstraintViolation"),
        ("Authorize", {"idTag": "x" * 21}, "PropertyConstraintViolation"),
        ("Authorize", {}, "OccurenceConstraintViolation"),
        ("Authorize", {"idTag": "TAG_A", "noSuchField": 1}, "FormationViolation"),
        ("Reset", {"type": "Soft"}, "NotSupported"),
    ],
)
async def test_what_breaks_the_rules_is_named(action: str, payload: dict[str, Any], code: str) -> None:
    """J-spec 4.2.3."""
    async with at_central_system() as (script, _):
        with pytest.raises(Refused) as refused:
            await script.says(action, **payload)
        if action == "Reset":
            assert refused.value.code in ("NotSupported", "NotImplemented")
        else:
            assert refused.value.code in (code, "ProtocolError")


# --- what it sends ----------------------------------------------------------------------------------------------------


SENT: list[tuple[m.Request[Any], dict[str, Any]]] = [
    (m.ResetRequest(type="Soft"), {"status": "Accepted"}),
    (m.ChangeAvailabilityRequest(connector_id=1, type="Inoperative"), {"status": "Scheduled"}),
    (m.ChangeConfigurationRequest(key="HeartbeatInterval", value="60"), {"status": "RebootRequired"}),
    (m.GetConfigurationRequest(), {"unknownKey": ["x"]}),
    (m.ClearCacheRequest(), {"status": "Rejected"}),
    (m.UnlockConnectorRequest(connector_id=1), {"status": "UnlockFailed"}),
    (m.RemoteStartTransactionRequest(id_tag="TAG_A"), {"status": "Accepted"}),
    (m.RemoteStopTransactionRequest(transaction_id=1), {"status": "Rejected"}),
    (m.DataTransferRequest(vendor_id="V"), {"status": "UnknownMessageId"}),
    (m.GetLocalListVersionRequest(), {"listVersion": -1}),
    (m.CancelReservationRequest(reservation_id=1), {"status": "Rejected"}),
    (m.ClearChargingProfileRequest(id=1), {"status": "Unknown"}),
    (m.GetCompositeScheduleRequest(connector_id=1, duration=60), {"status": "Rejected"}),
    (m.TriggerMessageRequest(requested_message="Heartbeat"), {"status": "NotImplemented"}),
    (m.GetDiagnosticsRequest(location="http://127.0.0.1/x"), {}),
]


@simulated(seed=1)
@pytest.mark.parametrize(("request_", "answer"), SENT, ids=lambda value: getattr(value, "action", ""))
async def test_an_order_goes_out_and_its_answer_comes_back(request_: m.Request[Any], answer: dict[str, Any]) -> None:
    """Core 5: the request as the schema wants it, the answer typed."""
    async with at_central_system() as (script, central_system):
        script.answers[request_.action] = answer
        response = await central_system["CP_1"].call(request_)
        await script.hears(request_.action)
        if "status" in answer:
            assert response.status == answer["status"]  # type: ignore[attr-defined]


@simulated(seed=1)
async def test_one_order_at_a_time() -> None:
    """J-spec 4.1.1: the second goes out when the first is answered."""
    async with at_central_system() as (script, central_system):
        script.silent("ClearCache", "Reset")
        first = asyncio.ensure_future(central_system["CP_1"].call(m.ClearCacheRequest()))
        await asyncio.sleep(1)
        second = asyncio.ensure_future(central_system["CP_1"].call(m.ResetRequest(type="Soft")))
        await script.hears("ClearCache")
        await script.hears_no("Reset", seconds=5)
        for each in (first, second):
            each.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
