"""Transactions as a central system hears them: queued, repeated, odd, and with every kind of meter value (core 4)."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from ocpp_lab import Ledger, Policy
from ocpp_lab import messages as m
from ocpp_lab.messages import metering
from tests.compliance.script import Script, at_central_system, now_text
from tests.compliance.test_central_system_core import starts, stops
from tests.pair import on, simulated
from tests.schemas import officially_valid

OLD = "2030-05-30T08:00:00Z"


async def meters(script: Script, transaction: int | None, *samples: dict[str, Any], at: str | None = None) -> None:
    payload: dict[str, Any] = {
        "connectorId": 1,
        "meterValue": [{"timestamp": at or now_text(), "sampledValue": list(samples)}],
    }
    if transaction is not None:
        payload["transactionId"] = transaction
    assert officially_valid("MeterValues", payload)
    assert await script.says("MeterValues", **payload) == {}


@simulated(seed=1)
async def test_a_session_from_cable_to_cable() -> None:
    """Core 4.8, 4.9, 4.10: each message is answered, and one transaction is kept with what it says."""
    ledger = Ledger()
    async with at_central_system(ledger=ledger, policy=Policy(id_tags={"TAG_A": "Accepted"})) as (script, central):
        for status in ("Available", "Preparing"):
            await script.says("StatusNotification", connectorId=1, errorCode="NoError", status=status)
        assert (await script.says("Authorize", idTag="TAG_A"))["idTagInfo"]["status"] == "Accepted"
        started = await starts(script, meterStart=10)
        assert started["idTagInfo"]["status"] == "Accepted"
        await script.says("StatusNotification", connectorId=1, errorCode="NoError", status="Charging")
        await meters(script, started["transactionId"], {"value": "60"})
        await stops(script, started["transactionId"], 110, idTag="TAG_A", reason="EVDisconnected")
        for status in ("Finishing", "Available"):
            await script.says("StatusNotification", connectorId=1, errorCode="NoError", status=status)
        [kept] = ledger.rows()
        assert (kept["meter_start"], kept["meter_stop"], kept["reason"]) == (10, 110, "EVDisconnected")
        assert len(ledger.readings(kept["id"])) == 1
        assert central.answers.statuses["CP_1", 1].status == "Available"
    ledger.close()


@simulated(seed=1)
@pytest.mark.parametrize("reason", [*get_args(m.Reason), None])
async def test_every_reason_of_a_stop(reason: str | None) -> None:
    """Core 7.36; J-errata 2.5: without one it is Local."""
    ledger = Ledger()
    async with at_central_system(ledger=ledger) as (script, _):
        transaction = (await starts(script))["transactionId"]
        more: dict[str, Any] = {"reason": reason} if reason else {}
        await stops(script, transaction, **more)
        assert ledger.rows()[0]["reason"] == (reason or "Local")
    ledger.close()


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid"])
async def test_a_start_with_a_tag_that_may_not(status: Any) -> None:
    """Core 4.8: the answer has an id and the status; its stop is taken like any other."""
    ledger = Ledger()
    async with at_central_system(ledger=ledger, policy=Policy(id_tags={"TAG_A": status})) as (script, _):
        answer = await starts(script)
        assert answer["idTagInfo"]["status"] == status and answer["transactionId"] > 0
        stopped = await stops(script, answer["transactionId"], idTag="TAG_A", reason="DeAuthorized")
        assert stopped["idTagInfo"]["status"] == status
        assert ledger.open_transactions() == []
    ledger.close()


@simulated(seed=1)
async def test_a_tag_that_charges_already() -> None:
    """Core 7.2: ConcurrentTx in the start only; when the first has ended it is Accepted again."""
    async with at_central_system(policy=Policy(id_tags={"TAG_A": "Accepted"})) as (script, _):
        first = await starts(script, 1)
        second = await starts(script, 2)
        assert second["idTagInfo"]["status"] == "ConcurrentTx" and second["transactionId"] > 0
        assert (await script.says("Authorize", idTag="TAG_A"))["idTagInfo"]["status"] == "Accepted"
        for each in (first, second):
            await stops(script, each["transactionId"])
        assert (await starts(script, 2, timestamp=now_text(1)))["idTagInfo"]["status"] == "Accepted"


@simulated(seed=1)
async def test_a_transaction_that_was_queued() -> None:
    """Core 3.7, 4.8: all of it comes after a reconnect, with the times of then, and is kept with those."""
    ledger = Ledger()
    async with at_central_system(ledger=ledger) as (script, _):
        await on("cp", script.leaves())
        await on("cp", script.dials(boots=False))
        transaction = (await starts(script, timestamp=OLD, meterStart=5))["transactionId"]
        await meters(script, transaction, {"value": "7"}, at="2030-05-30T08:30:00Z")
        await stops(script, transaction, 9, timestamp="2030-05-30T09:00:00+00:00")
        [kept] = ledger.rows()
        assert (kept["started"][:16], kept["stopped"][:16]) == ("2030-05-30T08:00", "2030-05-30T09:00")
        [reading] = ledger.readings(transaction)
        assert reading["at"].startswith("2030-05-30T08:30")
    ledger.close()


@simulated(seed=1)
async def test_a_whole_session_that_comes_again() -> None:
    """Core 3.7.1: its start, its readings and its stop are kept once."""
    ledger = Ledger()
    async with at_central_system(ledger=ledger) as (script, _):
        found = []
        for _round in range(2):
            transaction = (await starts(script, timestamp=OLD))["transactionId"]
            await meters(script, transaction, {"value": "7"}, at="2030-05-30T08:30:00Z")
            await stops(script, transaction, 9, timestamp="2030-05-30T09:00:00Z")
            found.append(transaction)
        assert found[0] == found[1]
        assert len(ledger.rows()) == len(ledger.readings(found[0])) == 1
        assert ledger.second_stops() == []
    ledger.close()


@simulated(seed=1)
@pytest.mark.parametrize("transaction", [-1, 0, 4711])
async def test_readings_of_a_transaction_that_nobody_knows(transaction: int) -> None:
    """Core 4.7: answered, and in no transaction."""
    ledger = Ledger()
    async with at_central_system(ledger=ledger) as (script, _):
        known = (await starts(script))["transactionId"]
        await meters(script, transaction, {"value": "7"})
        assert ledger.readings(known) == []
    ledger.close()


SAMPLES: dict[str, list[dict[str, Any]]] = {
    "measurands": [{"value": "1.5", "measurand": each} for each in get_args(metering.Measurand)],
    "phases": [{"value": "230", "measurand": "Voltage", "phase": each} for each in get_args(metering.Phase)],
    "contexts": [{"value": "1", "context": each} for each in get_args(metering.ReadingContext)],
    "locations": [{"value": "1", "location": each} for each in get_args(metering.Location)],
    "units": [{"value": "1", "unit": each} for each in get_args(metering.UnitOfMeasure) if each != "Hertz"],
    "numbers": [{"value": each} for each in ("0", "-3.25", "1e3", "0012", "123456789012345678901234567890.5")],
    "signed": [{"value": "3F9A" * 2000, "format": "SignedData"}, {"value": "1", "format": "Raw"}],
}


@simulated(seed=1)
@pytest.mark.parametrize("which", SAMPLES)
async def test_every_kind_of_meter_value(which: str) -> None:
    """Core 7.31, 7.33, 7.43: taken in MeterValues, alone and in a transaction, and in its stop."""
    ledger = Ledger()
    async with at_central_system(ledger=ledger) as (script, _):
        transaction = (await starts(script))["transactionId"]
        await meters(script, transaction, *SAMPLES[which])
        await meters(script, None, *SAMPLES[which])
        data = [{"timestamp": now_text(), "sampledValue": SAMPLES[which]}]
        await stops(script, transaction, transactionData=data)
        [kept] = ledger.rows()
        assert all(each["value"] in kept["transaction_data"] for each in SAMPLES[which])
        [reading] = ledger.readings(transaction)
        assert all(each["value"] in reading["payload"] for each in SAMPLES[which])
    ledger.close()


@simulated(seed=1)
async def test_a_later_transaction_on_the_same_connector() -> None:
    """Core 4.8: a stop is missing, and the next start is taken all the same."""
    ledger = Ledger()
    async with at_central_system(ledger=ledger) as (script, _):
        first = (await starts(script))["transactionId"]
        second = (await starts(script, tag="TAG_B", timestamp=now_text(60)))["transactionId"]
        assert first != second
        await stops(script, first, timestamp=now_text(30))
        assert [row["id"] for row in ledger.open_transactions()] == [second]
    ledger.close()


@simulated(seed=1)
@pytest.mark.parametrize("status", get_args(m.ChargePointStatus))
@pytest.mark.parametrize("connector", [0, 1])
async def test_every_status(status: str, connector: int) -> None:
    """Core 4.9, 7.7: with all that a vendor may add; of connector 0 too."""
    more = {"info": "x" * 50, "timestamp": OLD, "vendorId": "v" * 255, "vendorErrorCode": "e" * 50}
    async with at_central_system() as (script, central):
        payload = {"connectorId": connector, "errorCode": "OtherError", "status": status, **more}
        assert await script.says("StatusNotification", **payload) == {}
        assert central.answers.statuses["CP_1", connector].status == status


@simulated(seed=1)
@pytest.mark.parametrize("code", get_args(m.ChargePointErrorCode))
async def test_every_error_code(code: str) -> None:
    """Core 7.6."""
    async with at_central_system() as (script, central):
        assert await script.says("StatusNotification", connectorId=1, errorCode=code, status="Faulted") == {}
        assert central.answers.statuses["CP_1", 1].error_code == code
