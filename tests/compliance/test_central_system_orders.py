"""What an operator orders, and what a central system makes of the answers and reports (core 5)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ocpp_lab import CallFailed, CentralSystem, Forbidden, Ledger, Policy
from ocpp_lab import messages as m
from tests.compliance.script import Script, at_central_system, now_text
from tests.compliance.test_central_system_core import starts, stops
from tests.pair import simulated, simulated_now

TAGS: dict[str, Any] = {"TAG_A": "Accepted", "TAG_B": "Blocked"}


def tomorrow() -> Any:
    return simulated_now() + timedelta(days=1)


def limit(purpose: Any = "TxDefaultProfile", number: int = 1, transaction: int | None = None) -> m.ChargingProfile:
    return m.ChargingProfile(
        charging_profile_id=number,
        stack_level=0,
        charging_profile_purpose=purpose,
        charging_profile_kind="Absolute",
        transaction_id=transaction,
        charging_schedule=m.ChargingSchedule(
            charging_rate_unit="A",
            start_schedule=simulated_now(),
            charging_schedule_period=[m.ChargingSchedulePeriod(start_period=0, limit=16.0)],
        ),
    )


# --- boot -------------------------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_pending_until_it_is_configured() -> None:
    """Core 4.2, 5.17: it is asked and set up, told to boot again, and then accepted; a remote start is not sent."""
    policy = Policy(registration="Pending", interval=600)
    async with at_central_system(boots=False, policy=policy) as (script, central):
        boot = {"chargePointVendor": "V", "chargePointModel": "M"}
        assert (await script.says("BootNotification", **boot))["status"] == "Pending"
        script.answers |= {
            "GetConfiguration": {"configurationKey": [{"key": "K", "readonly": False, "value": "1"}]},
            "ChangeConfiguration": {"status": "Accepted"},
            "TriggerMessage": {"status": "Accepted"},
        }
        assert (await central.operator.configuration("CP_1")).configuration_key
        await central.operator.configure("CP_1", "HeartbeatInterval", "60")
        with pytest.raises(Forbidden, match="Pending"):
            await central.operator.remote_start("CP_1", "TAG_A", 1)
        policy.registration = "Accepted"
        await central.operator.trigger("CP_1", "BootNotification")
        assert (await script.says("BootNotification", **boot))["status"] == "Accepted"
        for action in ("GetConfiguration", "ChangeConfiguration", "TriggerMessage"):
            await script.hears(action)


@simulated(seed=1)
async def test_who_was_rejected_gets_no_order() -> None:
    """Core 4.2."""
    async with at_central_system(boots=False, policy=Policy(registration="Rejected")) as (script, central):
        await script.says("BootNotification", chargePointVendor="V", chargePointModel="M")
        with pytest.raises(Forbidden):
            await central.operator.reset("CP_1")
        await script.hears_no()


@simulated(seed=1)
async def test_who_was_accepted_is_not_asked_to_boot() -> None:
    """Core errata 3.40."""
    async with at_central_system() as (script, central):
        with pytest.raises(Forbidden):
            await central.operator.trigger("CP_1", "BootNotification")
        await script.hears_no()


# --- the answers of the core profile ----------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize(
    ("action", "order", "statuses"),
    [
        ("RemoteStartTransaction", lambda to: to.remote_start("CP_1", "TAG_A", 1), ["Accepted", "Rejected"]),
        ("RemoteStopTransaction", lambda to: to.remote_stop("CP_1", 99), ["Accepted", "Rejected"]),
        ("UnlockConnector", lambda to: to.unlock("CP_1", 1), ["Unlocked", "UnlockFailed", "NotSupported"]),
        ("Reset", lambda to: to.reset("CP_1", "Hard"), ["Accepted", "Rejected"]),
        ("ClearCache", lambda to: to.clear_cache("CP_1"), ["Accepted", "Rejected"]),
        (
            "ChangeAvailability",
            lambda to: to.availability("CP_1", 0, "Inoperative"),
            ["Accepted", "Rejected", "Scheduled"],
        ),
        (
            "ChangeConfiguration",
            lambda to: to.configure("CP_1", "HeartbeatInterval", "60"),
            ["Accepted", "Rejected", "RebootRequired", "NotSupported"],
        ),
        ("TriggerMessage", lambda to: to.trigger("CP_1", "Heartbeat"), ["Accepted", "Rejected", "NotImplemented"]),
        (
            "DataTransfer",
            lambda to: to.transfer("CP_1", "org.example"),
            ["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"],
        ),
    ],
)
async def test_every_answer_is_understood_and_kept(action: str, order: Any, statuses: list[str]) -> None:
    """Core 5: a refusal is an answer, and no error."""
    ledger = Ledger()
    async with at_central_system(ledger=ledger) as (script, central):
        for status in statuses:
            script.answers[action] = {"status": status}
            assert (await order(central.operator)).status == status
            await script.hears(action)
        assert [row["outcome"] for row in ledger.query("SELECT outcome FROM orders ORDER BY number")] == statuses
    ledger.close()


@simulated(seed=1)
@pytest.mark.parametrize("code", ["NotImplemented", "NotSupported", "InternalError", "GenericError"])
async def test_an_order_that_is_answered_with_an_error(code: str) -> None:
    """J-spec 4.2.3: it is told by its code, and the next order goes out."""
    async with at_central_system() as (script, central):
        script.answers["ClearCache"] = lambda _: [4, last_id(script), code, "", {}]
        with pytest.raises(CallFailed) as failed:
            await central.operator.clear_cache("CP_1")
        assert failed.value.code == code
        script.answers["ClearCache"] = {"status": "Accepted"}
        assert (await central.operator.clear_cache("CP_1")).status == "Accepted"


def last_id(script: Script) -> str:
    """The id of the newest call that came."""
    import json

    heard = [line.split(" < ", 1)[1] for line in script.story if " < [2" in line]
    return str(json.loads(heard[-1])[1])


# --- the local list ---------------------------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize("status", ["VersionMismatch", "Failed"])
async def test_after_a_refused_change_the_full_list_is_sent(status: str) -> None:
    """Core 5.15: under a higher version; what is sent later is a change to that."""
    answers = iter(["Accepted", status, "Accepted", "Accepted"])
    async with at_central_system() as (script, central):
        script.answers["SendLocalList"] = lambda _: {"status": next(answers)}
        await central.operator.send_list("CP_1", TAGS)
        await central.operator.send_list("CP_1", TAGS | {"TAG_C": "Accepted"})
        await central.operator.send_list("CP_1", {"TAG_A": "Accepted"})
        sent = [await script.hears("SendLocalList") for _ in range(4)]
        kinds = [each["updateType"] for each in sent]
        assert kinds == ["Full", "Differential", "Full", "Differential"]
        versions = [each["listVersion"] for each in sent]
        assert versions == sorted(set(versions)) and versions[0] > 0
        assert {each["idTag"] for each in sent[2]["localAuthorizationList"]} == {"TAG_A", "TAG_B", "TAG_C"}
        assert all("idTagInfo" not in each for each in sent[3]["localAuthorizationList"])


@simulated(seed=1)
async def test_a_list_that_is_not_supported() -> None:
    """Core 5.10, 5.15: NotSupported is no reason to send all of it; version -1 says the same."""
    async with at_central_system() as (script, central):
        script.answers |= {"SendLocalList": {"status": "NotSupported"}, "GetLocalListVersion": {"listVersion": -1}}
        sent = await central.operator.send_list("CP_1", TAGS)
        assert (sent.status, sent.requests) == ("NotSupported", 1)
        assert await central.operator.list_version("CP_1") == -1


@simulated(seed=1)
async def test_another_version_than_ours() -> None:
    """Core 5.10: whoever has another list gets all of it."""
    async with at_central_system() as (script, central):
        script.answers |= {"SendLocalList": {"status": "Accepted"}, "GetLocalListVersion": {"listVersion": 77}}
        await central.operator.send_list("CP_1", TAGS)
        assert await central.operator.list_version("CP_1") == 77
        script.forgets()
        await central.operator.send_list("CP_1", TAGS)
        assert (await script.hears("SendLocalList"))["updateType"] == "Full"


# --- reservations -----------------------------------------------------------------------------------------------------


def reservations(central: CentralSystem) -> list[int]:
    return [row["reservation"] for row in central.ledger.records.reservations.living("CP_1", simulated_now())]


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"])
async def test_every_answer_to_a_reservation(status: str) -> None:
    """Core 5.13, 7.40."""
    async with at_central_system() as (script, central):
        script.answers["ReserveNow"] = {"status": status}
        reserved = await central.operator.reserve("CP_1", 1, "TAG_A", tomorrow(), parent="FAMILY")
        assert reserved.status == status
        asked = await script.hears("ReserveNow")
        assert (asked["connectorId"], asked["idTag"], asked["parentIdTag"]) == (1, "TAG_A", "FAMILY")
        assert reservations(central) == ([reserved.reservation_id] if status == "Accepted" else [])


@simulated(seed=1)
@pytest.mark.parametrize("end", ["used", "cancelled", "not there", "faulted", "expired"])
async def test_the_end_of_a_reservation(end: str) -> None:
    """Core 5.1, 5.13."""
    async with at_central_system() as (script, central):
        script.answers["ReserveNow"] = {"status": "Accepted"}
        script.answers["CancelReservation"] = {"status": "Rejected" if end == "not there" else "Accepted"}
        number = (await central.operator.reserve("CP_1", 1, "TAG_A", tomorrow())).reservation_id
        if end == "used":
            await starts(script, reservationId=number)
        elif end == "faulted":
            await script.says("StatusNotification", connectorId=1, errorCode="GroundFailure", status="Faulted")
        elif end == "expired":
            await asyncio.sleep(1)
            assert central.ledger.records.reservations.living("CP_1", tomorrow() + timedelta(seconds=1)) == []
            return
        else:
            await central.operator.cancel_reservation("CP_1", number)
        assert reservations(central) == []


def ends(central: CentralSystem) -> list[tuple[str, int | None]]:
    """What became of each reservation, and the transaction that used it."""
    return [(row["state"], row["used_by"]) for row in central.ledger.records.reservations.rows("CP_1")]


@simulated(seed=1)
@pytest.mark.parametrize("overtakes", ["nothing", "fault", "cancel", "time"])
async def test_a_reservation_that_was_used_in_an_absence(overtakes: str) -> None:
    """Core 3.7, 4.8, 5.13: the start was queued, and tells what ended the reservation; statuses and answers overtake
    it."""
    async with at_central_system() as (script, central):
        script.answers |= {"ReserveNow": {"status": "Accepted"}, "CancelReservation": {"status": "Rejected"}}
        until = simulated_now() + timedelta(minutes=5)
        number = (await central.operator.reserve("CP_1", 1, "TAG_A", until)).reservation_id
        began = now_text(60)
        await asyncio.sleep(200)
        if overtakes == "fault":
            await script.says("StatusNotification", connectorId=1, errorCode="GroundFailure", status="Faulted")
        elif overtakes == "cancel":
            assert (await central.operator.cancel_reservation("CP_1", number)).status == "Rejected"
        elif overtakes == "time":
            await asyncio.sleep(200)
            await central.operator.reserve("CP_1", 2, "TAG_B", tomorrow(), reservation_id=number + 1)
        transaction = (await starts(script, timestamp=began, reservationId=number))["transactionId"]
        assert ends(central)[0] == ("used", transaction)
        assert reservations(central) == ([number + 1] if overtakes == "time" else [])


@simulated(seed=1)
async def test_a_start_that_comes_again_uses_no_other_reservation() -> None:
    """Core 3.7.1, 5.13: the id may have been given again since."""
    async with at_central_system() as (script, central):
        script.answers["ReserveNow"] = {"status": "Accepted"}
        await central.operator.reserve("CP_1", 1, "TAG_A", tomorrow(), reservation_id=7)
        began = now_text()
        transaction = (await starts(script, timestamp=began, reservationId=7))["transactionId"]
        await central.operator.reserve("CP_1", 1, "TAG_B", tomorrow(), reservation_id=7)
        assert (await starts(script, timestamp=began, reservationId=7))["transactionId"] == transaction
        assert ends(central) == [("used", transaction), ("held", None)]


# --- smart charging ---------------------------------------------------------------------------------------------------


def profiles(central: CentralSystem) -> list[int]:
    return [row["profile"] for row in central.ledger.records.profiles.installed("CP_1")]


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Accepted", "Rejected", "NotSupported"])
async def test_every_answer_to_a_profile(status: str) -> None:
    """Core 5.16, 7.11: only what was accepted is there; cleared or unknown it is gone."""
    async with at_central_system() as (script, central):
        script.answers["SetChargingProfile"] = {"status": status}
        assert (await central.operator.set_profile("CP_1", 1, limit())).status == status
        assert profiles(central) == ([1] if status == "Accepted" else [])
        for answer in ("Unknown", "Accepted"):
            script.answers["ClearChargingProfile"] = {"status": answer}
            assert (await central.operator.clear_profiles("CP_1", id=1)).status == answer
            assert profiles(central) == []


@simulated(seed=1)
async def test_a_tx_profile_needs_its_transaction() -> None:
    """Core 5.16.4, 3.13.1: it has the id of what runs there; without one, or for another's, it is not sent."""
    async with at_central_system() as (script, central):
        script.answers["SetChargingProfile"] = {"status": "Accepted"}
        with pytest.raises(Forbidden):
            await central.operator.set_profile("CP_1", 1, limit("TxProfile"))
        transaction = (await starts(script))["transactionId"]
        with pytest.raises(Forbidden):
            await central.operator.set_profile("CP_1", 2, limit("TxProfile", transaction=transaction))
        await central.operator.set_profile("CP_1", 1, limit("TxProfile"))
        asked = await script.hears("SetChargingProfile")
        assert asked["csChargingProfiles"]["transactionId"] == transaction
        await stops(script, transaction)
        assert profiles(central) == []


@simulated(seed=1)
async def test_profiles_that_are_not_sent() -> None:
    """Core 3.13.1, 5.11: a maximum on a connector, a TxProfile on the charge point, a default with a remote start."""
    async with at_central_system() as (script, central):
        for connector, purpose in ((1, "ChargePointMaxProfile"), (0, "TxProfile")):
            with pytest.raises(Forbidden):
                await central.operator.set_profile("CP_1", connector, limit(purpose))
        with pytest.raises(Forbidden):
            await central.operator.remote_start("CP_1", "TAG_A", 1, profile=limit())
        await script.hears_no()


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
async def test_every_answer_to_the_question_for_a_composite(status: str) -> None:
    """Core 5.7: Rejected has nothing beside its status."""
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11_000.5}]}
    full = {"status": "Accepted", "connectorId": 0, "scheduleStart": now_text(), "chargingSchedule": schedule}
    async with at_central_system() as (script, central):
        script.answers["GetCompositeSchedule"] = full if status == "Accepted" else {"status": "Rejected"}
        answer = await central.operator.composite("CP_1", 0, 600, "W")
        assert answer.status == status
        assert (answer.charging_schedule is None) == (status == "Rejected")
