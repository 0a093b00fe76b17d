"""Core, booting, heartbeats and what is told after an absence (core 3.7, 4.2, 4.6, 4.9; J-spec 5.4)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from tests.compliance.script import Refused, ScriptedCentralSystem, at_charge_point, now_text
from tests.pair import cut, heal, simulated


def registered(script: ScriptedCentralSystem, status: str, interval: int = 30) -> None:
    """From now on a boot gets this."""
    script.answers["BootNotification"] = lambda _: {
        "status": status,
        "currentTime": now_text(),
        "interval": interval,
    }


@simulated(seed=1)
async def test_after_the_boot_every_status_is_told() -> None:
    """Core 4.2, 4.9, core errata 3.22: connector 0 too."""
    async with at_charge_point(booted=False) as (script, _):
        boot = await script.hears("BootNotification")
        assert boot["chargePointVendor"] and boot["chargePointModel"]
        for connector in (0, 1, 2):
            assert (await script.hears_status(connector, "Available"))["errorCode"] == "NoError"


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_not_accepted_it_boots_again_after_the_interval(status: str) -> None:
    """Core 4.2."""
    async with at_charge_point(booted=False) as (script, _):
        registered(script, status, 40)
        await script.hears("BootNotification")
        await script.hears_no(seconds=39)
        registered(script, "Accepted", 300)
        await script.hears("BootNotification", seconds=30)
        await script.hears_status(0, "Available")


@simulated(seed=1)
async def test_rejected_it_answers_nothing_usefully() -> None:
    """Core 4.2: Rejected, it must not act on what the central system asks."""
    async with at_charge_point(booted=False) as (script, charge_point):
        registered(script, "Rejected", 300)
        await script.hears("BootNotification")
        await asyncio.sleep(1)
        assert charge_point.connectors[1].operative
        if script.socket is not None:
            await script.sends([2, "x", "ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}])
            await asyncio.sleep(5)
        assert charge_point.connectors[1].operative


@simulated(seed=1)
async def test_pending_it_can_be_configured() -> None:
    """Core 4.2: Pending, the central system may read and change the configuration."""
    async with at_charge_point(booted=False) as (script, _):
        registered(script, "Pending", 300)
        await script.hears("BootNotification")
        answer = await script.says("ChangeConfiguration", key="HeartbeatInterval", value="77")
        assert answer["status"] == "Accepted"
        read = await script.says("GetConfiguration", key=["HeartbeatInterval"])
        assert read["configurationKey"][0]["value"] == "77"


@simulated(seed=1)
@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("RemoteStartTransaction", {"idTag": "TAG_A", "connectorId": 1}),
        ("RemoteStopTransaction", {"transactionId": 1}),
    ],
)
async def test_pending_nothing_is_started_from_afar(action: str, payload: dict[str, Any]) -> None:
    """Core 4.2: these are not to be sent while Pending; nothing comes of them."""
    async with at_charge_point(booted=False) as (script, charge_point):
        registered(script, "Pending", 300)
        await script.hears("BootNotification")
        charge_point.charging.plug_in(1)
        with contextlib.suppress(Refused):
            assert (await script.says(action, **payload))["status"] == "Rejected"
        await script.hears_no("StartTransaction", seconds=30)


@simulated(seed=1)
async def test_pending_a_message_can_be_triggered() -> None:
    """Core 4.2, 5.17."""
    async with at_charge_point(booted=False) as (script, _):
        registered(script, "Pending", 300)
        await script.hears("BootNotification")
        answer = await script.says("TriggerMessage", requestedMessage="StatusNotification", connectorId=1)
        assert answer["status"] == "Accepted"
        await script.hears_status(1, "Available")


@simulated(seed=1)
async def test_the_interval_of_the_boot_is_that_of_the_heartbeat() -> None:
    """Core 4.2, 4.6."""
    async with at_charge_point(booted=False) as (script, _):
        registered(script, "Accepted", 60)
        await script.boots()
        await asyncio.sleep(190)
        assert len(script.apart["Heartbeat"]) == 3


@simulated(seed=1)
async def test_after_a_reconnect_no_boot_and_no_old_status() -> None:
    """J-spec 5.4; core 4.9: nothing changed, so nothing is told."""
    async with at_charge_point() as (script, charge_point):
        await script.hangs_up()
        await charge_point.wait_for("waiting", "connecting")
        await charge_point.wait_for("online")
        await script.hears_no(seconds=30)


@simulated(seed=1)
async def test_after_a_reconnect_only_the_status_of_now() -> None:
    """Core 4.9: not the history."""
    async with at_charge_point() as (script, charge_point):
        cut()
        await asyncio.sleep(200)
        charge_point.charging.plug_in(1)
        await asyncio.sleep(1)
        charge_point.charging.unplug(1)
        charge_point.charging.plug_in(2)
        heal()
        await script.hears_status(2, "Preparing")
        await asyncio.sleep(30)
        assert not script.statuses(1)


@simulated(seed=1)
async def test_what_happened_offline_is_told_in_order() -> None:
    """Core 3.7, 4.8, 4.10: with its own timestamps; StopTransaction carries the id that the late answer gave."""
    keys = {"AllowOfflineTxForUnknownId": "true", "MeterValueSampleInterval": "60"}
    async with at_charge_point(keys=keys) as (script, charge_point):
        cut()
        await asyncio.sleep(200)
        charge_point.charging.plug_in(1)
        await charge_point.charging.present(1, "TAG_A")
        await asyncio.sleep(130)
        await charge_point.charging.present(1, "TAG_A")
        await asyncio.sleep(60)
        heal()
        start = await script.hears("StartTransaction")
        values = [await script.hears("MeterValues") for _ in range(2)]
        stop = await script.hears("StopTransaction")
        assert {each["transactionId"] for each in values} == {stop["transactionId"]} == {1}
        times = [start["timestamp"], *[each["meterValue"][0]["timestamp"] for each in values], stop["timestamp"]]
        assert times == sorted(times)


@simulated(seed=1)
async def test_a_transaction_message_is_repeated_after_an_error() -> None:
    """Core 3.7.1: TransactionMessageAttempts, and the wait grows by TransactionMessageRetryInterval."""
    keys = {"TransactionMessageAttempts": "3", "TransactionMessageRetryInterval": "10"}
    async with at_charge_point(keys=keys) as (script, charge_point):
        charge_point.charging.plug_in(1)
        script.answers["StartTransaction"] = lambda _: _refusal(script)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        for wait in (1, 11, 21):
            await script.hears("StartTransaction", seconds=wait)
        await script.hears_no("StartTransaction", seconds=100)


def _refusal(script: ScriptedCentralSystem) -> list[Any]:
    unique_id = script.story[-1].split('"')[1]
    return [4, unique_id, "InternalError", "the script says no", {}]


@simulated(seed=1)
async def test_authorize_does_not_wait_for_the_queue() -> None:
    """Core 3.7: a driver is not kept waiting by old messages."""
    async with at_charge_point() as (script, charge_point):
        await script.starts(charge_point)
        script.answers["StopTransaction"] = lambda _: _refusal(script)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("StopTransaction")
        charge_point.charging.plug_in(2)
        await charge_point.charging.present(2, "TAG_B")
        await script.hears("Authorize", seconds=5)
