"""Core, the charging session: what a driver does and what is told of it (core 3.6, 4.1, 4.8, 4.9, 4.10)."""

from __future__ import annotations

import asyncio

import pytest

from tests.compliance.script import at_charge_point
from tests.pair import simulated


@simulated(seed=1)
async def test_cable_first() -> None:
    """Core 4.9 A2, 4.1, 4.8: the cable makes Preparing, the tag is authorised, then the transaction starts."""
    async with at_charge_point() as (script, charge_point):
        charge_point.charging.plug_in(1)
        await script.hears_status(1, "Preparing")
        await charge_point.charging.present(1, "TAG_A")
        assert (await script.hears("Authorize"))["idTag"] == "TAG_A"
        start = await script.hears("StartTransaction")
        assert (start["connectorId"], start["idTag"], start["meterStart"]) == (1, "TAG_A", 0)
        await script.hears_status(1, "Charging")


@simulated(seed=1)
async def test_tag_first() -> None:
    """Core 4.9 A2: the tag makes Preparing, the transaction starts with the cable."""
    async with at_charge_point() as (script, charge_point):
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears_status(1, "Preparing")
        await script.hears_no("StartTransaction", seconds=10)
        charge_point.charging.plug_in(1)
        assert (await script.hears("StartTransaction"))["idTag"] == "TAG_A"
        await script.hears_status(1, "Charging")


@simulated(seed=1)
async def test_one_reader_and_two_connectors() -> None:
    """Core 4.1: a tag at the station's reader is bound to a connector by the cable that goes in."""
    async with at_charge_point() as (script, charge_point):
        await charge_point.charging.present(0, "TAG_A")
        await script.hears("Authorize")
        charge_point.charging.plug_in(2)
        start = await script.hears("StartTransaction")
        assert (start["connectorId"], start["idTag"]) == (2, "TAG_A")


@simulated(seed=1)
async def test_one_reader_and_one_connector() -> None:
    """Core 4.9 A2: a tag at the station's reader can mean this connector only, which is Preparing at once."""
    async with at_charge_point(connectors=1) as (script, charge_point):
        await charge_point.charging.present(0, "TAG_A")
        await script.hears("Authorize")
        await script.hears_status(1, "Preparing")
        await charge_point.charging.present(0, "TAG_A")
        await script.hears_status(1, "Available")


@simulated(seed=1)
async def test_no_tag_in_time_with_the_cable_in_is_finishing() -> None:
    """Core 4.9 B6 (core errata 3.20), 9.1 ConnectionTimeOut: the bay is taken, so it is not Available."""
    async with at_charge_point(keys={"ConnectionTimeOut": "30"}) as (script, charge_point):
        charge_point.charging.plug_in(1)
        await script.hears_status(1, "Preparing")
        await asyncio.sleep(29)
        assert not script.statuses(1)
        await script.hears_status(1, "Finishing", seconds=5)
        charge_point.charging.unplug(1)
        await script.hears_status(1, "Available")
        await script.hears_no("StartTransaction", seconds=60)


@simulated(seed=1)
async def test_no_cable_in_time_is_available() -> None:
    """Core 4.9 B1: the tag is forgotten; the next car does not charge on it."""
    async with at_charge_point(keys={"ConnectionTimeOut": "30"}) as (script, charge_point):
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears_status(1, "Preparing")
        await script.hears_status(1, "Available", seconds=31)
        charge_point.charging.plug_in(1)
        await script.hears_status(1, "Preparing")
        await script.hears_no("StartTransaction", seconds=20)


@simulated(seed=1)
async def test_a_second_swipe_ends_the_wait() -> None:
    """Core 4.9 B1."""
    async with at_charge_point() as (script, charge_point):
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears_status(1, "Preparing")
        await charge_point.charging.present(1, "TAG_A")
        await script.hears_status(1, "Available")
        charge_point.charging.plug_in(1)
        await script.hears_status(1, "Preparing")
        await script.hears_no("StartTransaction", seconds=20)


@simulated(seed=1)
async def test_in_finishing_another_tag_starts_nothing() -> None:
    """Core 4.9 F2: it would pay for the first car."""
    async with at_charge_point() as (script, charge_point):
        await script.starts(charge_point)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("StopTransaction")
        await script.hears_status(1, "Finishing")
        await charge_point.charging.present(1, "TAG_B")
        await script.hears_no("StartTransaction", seconds=30)


@simulated(seed=1)
async def test_in_finishing_the_same_tag_may_begin_again() -> None:
    """Core 4.9 F2: a new transaction, by way of Preparing."""
    async with at_charge_point() as (script, charge_point):
        await script.starts(charge_point)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("StopTransaction")
        await script.hears_status(1, "Finishing")
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears_status(1, "Preparing")
        await script.hears("StartTransaction")
        await script.hears_status(1, "Charging")


@simulated(seed=1)
async def test_the_own_tag_stops() -> None:
    """Core 3.4, 4.10: without a question; Finishing until the cable is pulled, then Available."""
    async with at_charge_point() as (script, charge_point):
        transaction = await script.starts(charge_point)
        await charge_point.charging.present(1, "tag_a")
        stop = await script.hears("StopTransaction")
        assert (stop["transactionId"], stop.get("reason", "Local"), stop["idTag"]) == (transaction, "Local", "tag_a")
        await script.hears_status(1, "Finishing")
        charge_point.charging.unplug(1)
        await script.hears_status(1, "Available")


@simulated(seed=1)
async def test_a_stranger_gets_silence() -> None:
    """Core 3.4: the session has no parent, so whatever the central system said, this tag could not stop it."""
    async with at_charge_point() as (script, charge_point):
        await script.starts(charge_point)
        await charge_point.charging.present(1, "TAG_B")
        await script.hears_no("Authorize", "StopTransaction", seconds=30)


@simulated(seed=1)
async def test_the_group_stops() -> None:
    """Core 3.4, 3.10: both have the same parentIdTag; the stop carries the tag that stopped."""
    async with at_charge_point() as (script, charge_point):
        for tag in ("TAG_A", "TAG_B"):
            script.infos[tag] = {"status": "Accepted", "parentIdTag": "FAMILY"}
        transaction = await script.starts(charge_point)
        await charge_point.charging.present(1, "TAG_B")
        await script.hears("Authorize")
        stop = await script.hears("StopTransaction")
        assert (stop["transactionId"], stop["idTag"]) == (transaction, "TAG_B")


@simulated(seed=1)
async def test_another_group_does_not_stop() -> None:
    """Core 3.10."""
    async with at_charge_point() as (script, charge_point):
        script.infos["TAG_A"] = {"status": "Accepted", "parentIdTag": "FAMILY"}
        script.infos["TAG_B"] = {"status": "Accepted", "parentIdTag": "FIRM"}
        await script.starts(charge_point)
        await charge_point.charging.present(1, "TAG_B")
        await script.hears("Authorize")
        await script.hears_no("StopTransaction", seconds=30)


@simulated(seed=1)
async def test_the_name_of_a_group_is_no_tag() -> None:
    """Core 3.10: parentIdTag is compared with parentIdTag, never with a presented tag."""
    async with at_charge_point() as (script, charge_point):
        script.infos["TAG_A"] = {"status": "Accepted", "parentIdTag": "FAMILY"}
        await script.starts(charge_point)
        await charge_point.charging.present(1, "FAMILY")
        await script.hears("Authorize")
        await script.hears_no("StopTransaction", seconds=30)


@simulated(seed=1)
async def test_a_blocked_member_of_the_group_does_not_stop() -> None:
    """Core 3.10, 4.1."""
    async with at_charge_point() as (script, charge_point):
        script.infos["TAG_A"] = {"status": "Accepted", "parentIdTag": "FAMILY"}
        script.infos["TAG_B"] = {"status": "Blocked", "parentIdTag": "FAMILY"}
        await script.starts(charge_point)
        await charge_point.charging.present(1, "TAG_B")
        await script.hears("Authorize")
        await script.hears_no("StopTransaction", seconds=30)


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid", "ConcurrentTx"])
async def test_a_tag_that_is_refused_starts_nothing(status: str) -> None:
    """Core 4.1, 7.2."""
    async with at_charge_point() as (script, charge_point):
        script.info = {"status": status}
        charge_point.charging.plug_in(1)
        assert await charge_point.charging.present(1, "TAG_A") != "Accepted"
        await script.hears("Authorize")
        await script.hears_no("StartTransaction", seconds=30)


@simulated(seed=1)
async def test_the_cable_is_pulled_at_the_car() -> None:
    """Core 4.9, 4.10: the transaction stops with EVDisconnected."""
    async with at_charge_point() as (script, charge_point):
        transaction = await script.starts(charge_point)
        charge_point.charging.unplug(1)
        stop = await script.hears("StopTransaction")
        assert (stop["transactionId"], stop["reason"]) == (transaction, "EVDisconnected")


@simulated(seed=1)
async def test_the_cable_is_pulled_at_the_car_and_the_transaction_goes_on() -> None:
    """Core 4.9, 4.10, StopTransactionOnEVSideDisconnect=false: SuspendedEV with the reason in info; then it goes on."""
    keys = {"StopTransactionOnEVSideDisconnect": "false"}
    async with at_charge_point(keys=keys) as (script, charge_point):
        await script.starts(charge_point)
        charge_point.charging.unplug(1)
        status = await script.hears_status(1, "SuspendedEV")
        assert (status["errorCode"], status.get("info")) == ("NoError", "EV side disconnected")
        await script.hears_no("StopTransaction", seconds=30)
        charge_point.charging.plug_in(1)
        await script.hears_status(1, "Charging")


@simulated(seed=1)
async def test_start_says_no_and_the_transaction_stops() -> None:
    """Core 4.8, 3.5.4, StopTransactionOnInvalidId=true: DeAuthorized."""
    async with at_charge_point() as (script, charge_point):
        charge_point.charging.plug_in(1)
        script.answers["StartTransaction"] = {"transactionId": 5, "idTagInfo": {"status": "Blocked"}}
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears("StartTransaction")
        stop = await script.hears("StopTransaction")
        assert (stop["transactionId"], stop["reason"]) == (5, "DeAuthorized")


@simulated(seed=1)
async def test_start_says_no_and_only_the_energy_stops() -> None:
    """Core 4.8, 4.9 C5, StopTransactionOnInvalidId=false: SuspendedEVSE; the driver's tag ends it."""
    async with at_charge_point(keys={"StopTransactionOnInvalidId": "false"}) as (script, charge_point):
        charge_point.charging.plug_in(1)
        script.answers["StartTransaction"] = {"transactionId": 5, "idTagInfo": {"status": "Blocked"}}
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears("StartTransaction")
        await asyncio.sleep(1)
        assert script.statuses(1)[-1]["status"] == "SuspendedEVSE"
        await script.hears_no("StopTransaction", seconds=600)
        script.forgets()
        await charge_point.charging.present(1, "TAG_A")
        stop = await script.hears("StopTransaction")
        assert stop["meterStop"] <= 3  # what flowed before the answer came


@simulated(seed=1)
async def test_some_energy_may_flow_all_the_same() -> None:
    """Core 9.1 MaxEnergyOnInvalidId (Wh): comes before the stop."""
    async with at_charge_point(keys={"MaxEnergyOnInvalidId": "1000"}) as (script, charge_point):
        charge_point.charging.plug_in(1)
        script.answers["StartTransaction"] = {"transactionId": 5, "idTagInfo": {"status": "Blocked"}}
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears("StartTransaction")
        await asyncio.sleep(1_000)
        stop = next(payload for action, payload in script.calls if action == "StopTransaction")
        assert stop["reason"] == "DeAuthorized"
        assert 990 <= stop["meterStop"] <= 1_010


@simulated(seed=1)
async def test_a_car_that_is_full_is_suspended() -> None:
    """Core 4.9 C4, core errata 3.55: the EVSE offers, the car takes nothing."""
    async with at_charge_point() as (script, charge_point):
        await script.starts(charge_point)
        await script.hears_status(1, "SuspendedEV", seconds=4 * 3600)


@simulated(seed=1)
async def test_a_fault_while_charging() -> None:
    """Core 4.9 C9: told with its error code; no energy flows."""
    async with at_charge_point() as (script, charge_point):
        await script.starts(charge_point)
        charge_point.charging.fault(1, "GroundFailure")
        status = await script.hears_status(1, "Faulted")
        assert status["errorCode"] == "GroundFailure"
        before = charge_point.connectors[1].energy
        await asyncio.sleep(600)
        assert charge_point.connectors[1].energy == before


@simulated(seed=1)
async def test_a_fault_of_a_free_connector_and_its_end() -> None:
    """Core 4.9 A9, I1: back to the status before; nothing starts meanwhile."""
    async with at_charge_point() as (script, charge_point):
        charge_point.charging.fault(1, "OverVoltage")
        assert (await script.hears_status(1, "Faulted"))["errorCode"] == "OverVoltage"
        await charge_point.charging.present(1, "TAG_A")
        script.calls.clear()
        charge_point.charging.clear_fault(1)
        assert (await script.hears_status(1, "Available"))["errorCode"] == "NoError"
        await script.hears_no("StartTransaction", seconds=10)


@simulated(seed=1)
async def test_the_lock_jams() -> None:
    """Core 4.9 B9: without a locked cable nothing starts; ConnectorLockFailure is told."""
    async with at_charge_point() as (script, charge_point):
        charge_point.charging.jam_lock(1)
        charge_point.charging.plug_in(1)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears_no("StartTransaction", seconds=10)
        assert script.statuses(1)[-1]["status"] == "Faulted"
        assert script.statuses(1)[-1]["errorCode"] == "ConnectorLockFailure"


@simulated(seed=1)
async def test_the_lock_jams_as_the_cable_comes() -> None:
    """Core 4.9 B9, I3: the tag came first; no start, and once it is repaired the cable is still in: Preparing."""
    async with at_charge_point() as (script, charge_point):
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears_status(1, "Preparing")
        charge_point.charging.jam_lock(1)
        charge_point.charging.plug_in(1)
        assert (await script.hears_status(1, "Faulted"))["errorCode"] == "ConnectorLockFailure"
        charge_point.charging.jam_lock(1, False)
        charge_point.charging.clear_fault(1)
        await script.hears_status(1, "Preparing")
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears("StartTransaction")


@simulated(seed=1)
async def test_a_short_status_is_not_told() -> None:
    """Core 4.9, 9.1 MinimumStatusDuration: what lasts less than that is left out."""
    async with at_charge_point(keys={"MinimumStatusDuration": "10"}) as (script, charge_point):
        charge_point.charging.plug_in(1)
        await asyncio.sleep(5)
        charge_point.charging.unplug(1)
        await script.hears_no("StatusNotification", seconds=60)
        charge_point.charging.plug_in(1)
        await script.hears_status(1, "Preparing", seconds=11)


@simulated(seed=1)
@pytest.mark.parametrize("who", ["the central system", "the driver"])
async def test_a_lock_that_opens_after_all(who: str) -> None:
    """Core 4.9, 5.18: ConnectorLockFailure at the stop; once the lock has opened, NoError is told."""
    async with at_charge_point() as (script, charge_point):
        await script.starts(charge_point)
        charge_point.charging.jam_lock(1)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears_status(1, "Finishing")
        assert (await script.hears_status(1, "Finishing"))["errorCode"] == "ConnectorLockFailure"
        charge_point.charging.jam_lock(1, jammed=False)
        if who == "the driver":
            await charge_point.charging.present(1, "TAG_A")
        else:
            assert (await script.says("UnlockConnector", connectorId=1))["status"] == "Unlocked"
        assert (await script.hears_status(1, "Finishing"))["errorCode"] == "NoError"
