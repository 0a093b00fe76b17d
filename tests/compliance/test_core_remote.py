"""Core, from afar: remote start and stop, unlock, availability, reset (core 5.2, 5.11, 5.12, 5.14, 5.18)."""

from __future__ import annotations

import asyncio

import pytest

from tests.compliance.script import ScriptedCentralSystem, at_charge_point
from tests.pair import simulated

NO, YES = {"AuthorizeRemoteTxRequests": "false"}, {"AuthorizeRemoteTxRequests": "true"}


async def remote_start(script: ScriptedCentralSystem, tag: str = "TAG_A", connector: int | None = 1) -> str:
    payload = {"idTag": tag, **({"connectorId": connector} if connector else {})}
    status: str = (await script.says("RemoteStartTransaction", **payload))["status"]
    return status


async def available(script: ScriptedCentralSystem, connector: int, kind: str) -> str:
    status: str = (await script.says("ChangeAvailability", connectorId=connector, type=kind))["status"]
    return status


# --- RemoteStartTransaction -------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_remote_start_with_the_cable_in() -> None:
    """Core 5.11, AuthorizeRemoteTxRequests=false: at once, without an Authorize."""
    async with at_charge_point(keys=NO) as (script, charge_point):
        charge_point.charging.plug_in(1)
        await script.hears_status(1, "Preparing")
        assert await remote_start(script) == "Accepted"
        assert (await script.hears("StartTransaction"))["idTag"] == "TAG_A"
        await script.hears_status(1, "Charging")


@simulated(seed=1)
async def test_remote_start_before_the_cable() -> None:
    """Core 4.9 A2, 5.11: Accepted; Preparing; the transaction starts with the cable."""
    async with at_charge_point(keys=NO) as (script, charge_point):
        assert await remote_start(script) == "Accepted"
        await script.hears_status(1, "Preparing")
        await script.hears_no("StartTransaction", seconds=10)
        charge_point.charging.plug_in(1)
        start = await script.hears("StartTransaction")
        assert (start["connectorId"], start["idTag"]) == (1, "TAG_A")


@simulated(seed=1)
async def test_remote_start_and_no_cable_comes() -> None:
    """Core 4.9 B1: after ConnectionTimeOut it is Available, and the next car is not A's."""
    async with at_charge_point(keys={**NO, "ConnectionTimeOut": "30"}) as (script, charge_point):
        assert await remote_start(script) == "Accepted"
        await script.hears_status(1, "Preparing")
        await script.hears_status(1, "Available", seconds=31)
        charge_point.charging.plug_in(1)
        await script.hears_no("StartTransaction", seconds=20)


@simulated(seed=1)
async def test_a_waiting_session_holds_its_connector() -> None:
    """A second remote start is Rejected, a reservation Occupied, a withdrawal Scheduled."""
    async with at_charge_point(keys=NO) as (script, _):
        assert await remote_start(script) == "Accepted"
        assert await remote_start(script, "TAG_B") == "Rejected"
        reserved = await script.says(
            "ReserveNow", connectorId=1, idTag="TAG_C", reservationId=1, expiryDate="2031-01-01T00:00:00Z"
        )
        assert reserved["status"] == "Occupied"
        assert await available(script, 1, "Inoperative") == "Scheduled"


@simulated(seed=1)
async def test_remote_start_asks_first() -> None:
    """Core 5.11, AuthorizeRemoteTxRequests=true: as if the tag was held to the reader."""
    async with at_charge_point(keys=YES) as (script, charge_point):
        charge_point.charging.plug_in(1)
        assert await remote_start(script) == "Accepted"
        assert (await script.hears("Authorize"))["idTag"] == "TAG_A"
        await script.hears("StartTransaction")


@simulated(seed=1)
async def test_remote_start_of_a_tag_that_is_refused() -> None:
    """Core 5.11: no start; the cable that comes later makes Preparing, and nothing more."""
    async with at_charge_point(keys=YES) as (script, charge_point):
        script.info = {"status": "Invalid"}
        assert await remote_start(script) == "Accepted"
        await script.hears("Authorize")
        await asyncio.sleep(1)
        script.forgets()
        charge_point.charging.plug_in(1)
        await script.hears_status(1, "Preparing")
        await script.hears_no("StartTransaction", seconds=30)


@simulated(seed=1)
async def test_remote_start_of_a_tag_that_is_known() -> None:
    """Core 5.11, 3.5.1: with the cache and LocalPreAuthorize no Authorize is sent."""
    keys = {**YES, "AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "true"}
    async with at_charge_point(keys=keys) as (script, charge_point):
        await script.starts(charge_point)
        await charge_point.charging.present(1, "TAG_A")
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        script.forgets()
        charge_point.charging.plug_in(1)
        assert await remote_start(script) == "Accepted"
        await script.hears("StartTransaction")  # the next call: no Authorize before it


@simulated(seed=1)
async def test_remote_start_without_a_connector() -> None:
    """Core 5.11: the charge point chooses: where a cable waits."""
    async with at_charge_point(keys=NO) as (script, charge_point):
        charge_point.charging.plug_in(2)
        assert await remote_start(script, connector=None) == "Accepted"
        assert (await script.hears("StartTransaction"))["connectorId"] == 2


@simulated(seed=1)
async def test_remote_start_where_somebody_charges() -> None:
    """Core 5.11."""
    async with at_charge_point(keys=NO) as (script, charge_point):
        await script.starts(charge_point)
        assert await remote_start(script, "TAG_B") == "Rejected"
        await script.hears_no("StartTransaction", seconds=10)


@simulated(seed=1)
@pytest.mark.parametrize("why", ["Unavailable", "Faulted", "unknown"])
async def test_remote_start_where_nobody_can_charge(why: str) -> None:
    """Core 5.11."""
    async with at_charge_point(keys=NO) as (script, charge_point):
        if why == "Unavailable":
            await available(script, 1, "Inoperative")
        if why == "Faulted":
            charge_point.charging.fault(1)
        assert await remote_start(script, connector=9 if why == "unknown" else 1) == "Rejected"
        await script.hears_no("StartTransaction", seconds=10)


@simulated(seed=1)
@pytest.mark.parametrize(("parent", "starts"), [("FAMILY", True), ("FIRM", False)])
async def test_remote_start_where_a_cable_waits_for_its_group(parent: str, starts: bool) -> None:
    """Core 5.11, 4.9 F2, AuthorizeRemoteTxRequests=true: in Finishing the group is asked for, as at the reader."""
    async with at_charge_point(keys=YES) as (script, charge_point):
        script.infos["TAG_A"] = {"status": "Accepted", "parentIdTag": "FAMILY"}
        script.infos["TAG_B"] = {"status": "Accepted", "parentIdTag": parent}
        await script.starts(charge_point)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("StopTransaction")
        assert await remote_start(script, "TAG_B") == "Accepted"
        assert (await script.hears("Authorize"))["idTag"] == "TAG_B"
        if starts:
            assert (await script.hears("StartTransaction"))["idTag"] == "TAG_B"
        else:
            await script.hears_no("StartTransaction", seconds=30)


# --- RemoteStopTransaction --------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_remote_stop() -> None:
    """Core 5.12, 4.9 C6: reason Remote, then Finishing until the cable is pulled."""
    async with at_charge_point() as (script, charge_point):
        transaction = await script.starts(charge_point)
        answer = await script.says("RemoteStopTransaction", transactionId=transaction)
        assert answer["status"] == "Accepted"
        stop = await script.hears("StopTransaction")
        assert (stop["transactionId"], stop["reason"]) == (transaction, "Remote")
        await script.hears_status(1, "Finishing")


@simulated(seed=1)
async def test_remote_stop_of_what_does_not_run() -> None:
    """Core 5.12."""
    async with at_charge_point() as (script, charge_point):
        transaction = await script.starts(charge_point)
        answer = await script.says("RemoteStopTransaction", transactionId=transaction + 1)
        assert answer["status"] == "Rejected"
        await script.hears_no("StopTransaction", seconds=10)


# --- UnlockConnector --------------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_unlock_ends_the_transaction_first() -> None:
    """Core 5.18, 4.10: reason UnlockCommand."""
    async with at_charge_point() as (script, charge_point):
        await script.starts(charge_point)
        assert (await script.says("UnlockConnector", connectorId=1))["status"] == "Unlocked"
        assert (await script.hears("StopTransaction"))["reason"] == "UnlockCommand"


@simulated(seed=1)
async def test_unlock_without_a_transaction() -> None:
    """Core 5.18."""
    async with at_charge_point() as (script, _):
        assert (await script.says("UnlockConnector", connectorId=1))["status"] == "Unlocked"
        await script.hears_no(seconds=10)


@simulated(seed=1)
async def test_unlock_where_the_lock_jams() -> None:
    """Core 5.18, 7.46: UnlockFailed; the transaction has ended all the same."""
    async with at_charge_point() as (script, charge_point):
        await script.starts(charge_point)
        charge_point.charging.jam_lock(1)
        assert (await script.says("UnlockConnector", connectorId=1))["status"] == "UnlockFailed"
        assert (await script.hears("StopTransaction"))["reason"] == "UnlockCommand"


@simulated(seed=1)
@pytest.mark.parametrize("cable", [False, True])
async def test_unlock_where_the_lock_jams_and_holds_nothing(cable: bool) -> None:
    """Core 7.46: UnlockFailed is also a mechanism that fails."""
    async with at_charge_point() as (script, charge_point):
        if cable:
            charge_point.charging.plug_in(1)
        charge_point.charging.jam_lock(1)
        assert (await script.says("UnlockConnector", connectorId=1))["status"] == "UnlockFailed"
        charge_point.charging.jam_lock(1, False)
        assert (await script.says("UnlockConnector", connectorId=1))["status"] == "Unlocked"


@simulated(seed=1)
async def test_unlock_of_an_unknown_connector() -> None:
    """Core errata 3.85."""
    async with at_charge_point() as (script, _):
        assert (await script.says("UnlockConnector", connectorId=9))["status"] == "NotSupported"


# --- ChangeAvailability -----------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_a_free_connector_is_withdrawn_and_given_back() -> None:
    """Core 5.2, 4.9 A8, H1; asked for what it is already: Accepted."""
    async with at_charge_point() as (script, _):
        for _round in range(2):
            assert await available(script, 1, "Inoperative") == "Accepted"
        await script.hears_status(1, "Unavailable")
        for _round in range(2):
            assert await available(script, 1, "Operative") == "Accepted"
        await script.hears_status(1, "Available")
        await script.hears_no("StatusNotification", seconds=10)


@simulated(seed=1)
async def test_a_withdrawal_waits_for_the_driver() -> None:
    """Core 5.2, 4.9 F8: Scheduled; after the stop Finishing until the cable is pulled, then Unavailable."""
    async with at_charge_point() as (script, charge_point):
        await script.starts(charge_point)
        assert await available(script, 1, "Inoperative") == "Scheduled"
        await script.hears_no("StatusNotification", "StopTransaction", seconds=10)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("StopTransaction")
        await script.hears_status(1, "Finishing")
        charge_point.charging.unplug(1)
        await script.hears_status(1, "Unavailable")


@simulated(seed=1)
async def test_a_withdrawn_connector_sells_nothing_more() -> None:
    """Core 5.2: also not in the Finishing before it is Unavailable."""
    async with at_charge_point() as (script, charge_point):
        await script.starts(charge_point)
        assert await available(script, 1, "Inoperative") == "Scheduled"
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("StopTransaction")
        await charge_point.charging.present(1, "TAG_A")
        await script.hears_no("StartTransaction", seconds=30)


@simulated(seed=1)
async def test_the_whole_charge_point_is_withdrawn() -> None:
    """Core 5.2: connector 0 is the charge point and all its connectors."""
    async with at_charge_point() as (script, _):
        assert await available(script, 0, "Inoperative") == "Accepted"
        for connector in (0, 1, 2):
            await script.hears_status(connector, "Unavailable")


@simulated(seed=1)
async def test_a_withdrawal_outlives_a_reset() -> None:
    """Core 5.2, 5.14: persistent."""
    async with at_charge_point() as (script, _):
        await available(script, 1, "Inoperative")
        await script.hears_status(1, "Unavailable")
        await script.says("Reset", type="Soft")
        await script.hears("BootNotification")
        await script.hears_status(1, "Unavailable")


@simulated(seed=1)
async def test_an_unknown_connector_is_not_withdrawn() -> None:
    """Core 5.2."""
    async with at_charge_point() as (script, _):
        assert await available(script, 9, "Inoperative") == "Rejected"


# --- Reset ------------------------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_a_soft_reset_stops_first() -> None:
    """Core 5.14, core errata 3.36: StopTransaction with SoftReset goes out and is answered, then it boots."""
    async with at_charge_point() as (script, charge_point):
        transaction = await script.starts(charge_point)
        connections = script.connections
        assert (await script.says("Reset", type="Soft"))["status"] == "Accepted"
        stop = await script.hears("StopTransaction")
        assert (stop["transactionId"], stop["reason"]) == (transaction, "SoftReset")
        assert script.connections == connections  # before it went down
        await script.hears("BootNotification")


@simulated(seed=1)
async def test_a_soft_reset_does_not_wait_for_ever() -> None:
    """Core 5.14: what is not answered is queued; it boots, and sends it then."""
    async with at_charge_point() as (script, charge_point):
        await script.starts(charge_point)
        script.silent("StopTransaction")
        await script.says("Reset", type="Soft")
        await script.hears("StopTransaction")
        script.answers["StopTransaction"] = {}
        await script.hears("BootNotification")
        assert (await script.hears("StopTransaction"))["reason"] == "SoftReset"


@simulated(seed=1)
async def test_a_hard_reset() -> None:
    """Core 5.14: the stop may come after the boot."""
    async with at_charge_point() as (script, charge_point):
        transaction = await script.starts(charge_point)
        assert (await script.says("Reset", type="Hard"))["status"] == "Accepted"
        await asyncio.sleep(30)
        came = dict(script.calls)
        assert "BootNotification" in came
        assert (came["StopTransaction"]["transactionId"], came["StopTransaction"]["reason"]) == (
            transaction,
            "HardReset",
        )


# --- a fixed cable ----------------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_a_fixed_cable_cannot_be_unlocked() -> None:
    """Core 5.18, 7.46: NotSupported, and the transaction goes on."""
    async with at_charge_point(cable="fixed") as (script, charge_point):
        await script.starts(charge_point)
        assert (await script.says("UnlockConnector", connectorId=1))["status"] == "NotSupported"
        await script.hears_no("StopTransaction", seconds=10)
