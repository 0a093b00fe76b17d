"""Core, when the power or the line goes: what ran is closed or goes on, what began is judged (core 3.7, 4.8, 7.36)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import ChargePoint
from tests.compliance.script import ScriptedCentralSystem, at_charge_point
from tests.pair import charge_point_alone, cut, heal, simulated

CONFIRMED = ["answered", "unanswered"]
"""Whether the central system had answered StartTransaction when the power went."""


class PowerCut:
    """A charge point with a file; `on` is one life of it between two power cuts."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.options = {"connectors": 2, "path": str(folder / "charge_point.sqlite"), **options}

    @asynccontextmanager
    async def on(self) -> AsyncIterator[ChargePoint]:
        """From the start to the cut."""
        async with charge_point_alone(**self.options) as charge_point:
            yield charge_point

    async def while_charging(self, script: ScriptedCentralSystem, start: str = "answered") -> None:
        """TAG_A charges at connector 1 for a while, then the power goes; the script forgets it all."""
        accepted = script.answers["StartTransaction"]
        async with self.on() as charge_point:
            await script.boots()
            if start == "unanswered":
                script.silent("StartTransaction")
            charge_point.charging.plug_in(1)
            await charge_point.charging.present(1, "TAG_A")
            await asyncio.sleep(20)
        script.answers["StartTransaction"] = accepted
        await asyncio.sleep(5)
        script.forgets()


@simulated(seed=1)
@pytest.mark.parametrize("start", CONFIRMED)
async def test_a_power_cut_closes_what_ran(tmp_path: Path, start: str) -> None:
    """Core 7.36, 4.10, 4.8: after the boot StopTransaction with PowerLoss; an unanswered start goes out before it."""
    power = PowerCut(tmp_path)
    async with ScriptedCentralSystem() as script:
        await power.while_charging(script, start)
        async with power.on() as charge_point:
            await script.hears("BootNotification")
            if start == "unanswered":
                assert (await script.hears("StartTransaction"))["idTag"] == "TAG_A"
            stop = await script.hears("StopTransaction")
            assert (stop["transactionId"], stop["reason"]) == (1, "PowerLoss")
            await script.hears_status(1, "Finishing")
            charge_point.charging.unplug(1)
            await script.hears_status(1, "Available")
        assert not script.invalid


@simulated(seed=1)
@pytest.mark.parametrize("start", CONFIRMED)
async def test_a_power_cut_and_it_goes_on(tmp_path: Path, start: str) -> None:
    """Core 3.6, 3.7: where a transaction is resumed it has its id, is Charging, is measured, and can be stopped."""
    power = PowerCut(tmp_path, resume_transactions=True)
    async with ScriptedCentralSystem() as script:
        await power.while_charging(script, start)
        async with power.on():
            await script.hears("BootNotification")
            if start == "unanswered":
                await script.hears("StartTransaction")
            await script.hears_status(1, "Charging")
            assert (await script.hears("MeterValues"))["transactionId"] == 1
            answer = await script.says("RemoteStopTransaction", transactionId=1)
            assert answer["status"] == "Accepted"
            stop = await script.hears("StopTransaction")
            assert (stop["transactionId"], stop["reason"]) == (1, "Remote")
            assert stop["meterStop"] > 61  # 20 s at 11 kW: those after the cut are in it
        assert not script.invalid


@simulated(seed=1)
async def test_a_refused_start_ends_what_goes_on(tmp_path: Path) -> None:
    """Core 4.8, core errata 3.17: what was resumed is stopped if its start is answered with Blocked."""
    power = PowerCut(tmp_path, resume_transactions=True)
    async with ScriptedCentralSystem() as script:
        await power.while_charging(script, "unanswered")
        script.info = {"status": "Blocked"}
        async with power.on():
            await script.hears("BootNotification")
            await script.hears("StartTransaction")
            assert (await script.hears("StopTransaction"))["reason"] == "DeAuthorized"
        assert not script.invalid


@simulated(seed=1)
async def test_a_power_cut_after_the_stop(tmp_path: Path) -> None:
    """Core 3.7: a StopTransaction that nobody answered goes out as it was, and not a second one."""
    power = PowerCut(tmp_path)
    async with ScriptedCentralSystem() as script:
        async with power.on() as charge_point:
            await script.boots()
            await script.starts(charge_point)
            script.silent("StopTransaction")
            await charge_point.charging.present(1, "TAG_A")
            await script.hears("StopTransaction")
        script.answers["StopTransaction"] = {}
        await asyncio.sleep(5)
        script.forgets()
        async with power.on():
            await script.hears("BootNotification")
            assert (await script.hears("StopTransaction"))["reason"] == "Local"
            await script.hears_no("StopTransaction")
        assert not script.invalid


@simulated(seed=1)
@pytest.mark.parametrize("cable_first", [True, False])
@pytest.mark.parametrize(("stops", "then"), [("true", "Finishing"), ("false", "SuspendedEVSE")])
async def test_what_began_offline_is_refused(stops: str, then: str, cable_first: bool) -> None:
    """Core 3.5.4: StopTransactionOnInvalidId says what a late no ends."""
    keys = {"AllowOfflineTxForUnknownId": "true", "StopTransactionOnInvalidId": stops}
    async with at_charge_point(keys=keys) as (script, charge_point):
        script.info = {"status": "Invalid"}
        cut()
        await charge_point.wait_for("waiting", "connecting")
        if cable_first:
            charge_point.charging.plug_in(1)
        assert await charge_point.charging.present(1, "STRANGER") == "Accepted"
        if not cable_first:
            charge_point.charging.plug_in(1)
        await asyncio.sleep(20)
        heal()
        await script.hears("StartTransaction")
        if stops == "true":
            assert (await script.hears("StopTransaction"))["reason"] == "DeAuthorized"
        await asyncio.sleep(1)
        assert script.statuses(1)[-1]["status"] == then
        if stops == "false":
            await script.hears_no("StopTransaction", seconds=30)
            await charge_point.charging.present(1, "STRANGER")
            assert charge_point.connectors[1].status == "Finishing"


@simulated(seed=1)
async def test_a_whole_transaction_offline() -> None:
    """Core 3.6, 3.7: start, values and stop are told in their order, and the stop has the id that the start got."""
    async with at_charge_point(keys={"AllowOfflineTxForUnknownId": "true"}) as (script, charge_point):
        cut()
        await charge_point.wait_for("waiting", "connecting")
        charge_point.charging.plug_in(1)
        await charge_point.charging.present(1, "TAG_A")
        await asyncio.sleep(130)
        await charge_point.charging.present(1, "TAG_A")
        heal()
        start = await script.hears("StartTransaction")
        for _minute in range(2):
            assert (await script.hears("MeterValues"))["transactionId"] == 1
        stop = await script.hears("StopTransaction")
        assert (stop["transactionId"], stop["reason"], stop["idTag"]) == (1, "Local", "TAG_A")
        assert start["timestamp"] < stop["timestamp"]
