"""Smart Charging, as a charge point does it: what profiles of several purposes and lives do together (core 3.13)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.compliance.script import at_charge_point, now_text
from tests.compliance.test_smart_charging import clears, composite, profile, sets
from tests.fakes import power_cut
from tests.pair import simulated
from tests.simulated import fresh_path

FREE = {"AuthorizeRemoteTxRequests": "false"}
MOST = "ChargePointMaxProfile"


@simulated(seed=1)
async def test_three_purposes_together() -> None:
    """Core 5.7, 3.13.1: of the transaction's own profile and of the maximum the smaller one, at each instant."""
    async with at_charge_point() as (script, charge_point):
        assert await sets(script, 0, profile(1, MOST, periods=[(0, 10.0), (300, 20.0)])) == "Accepted"
        assert await sets(script, 0, profile(2, periods=[(0, 6.0)])) == "Accepted"
        transaction = await script.starts(charge_point)
        own = profile(3, "TxProfile", periods=[(0, 8.0), (100, 15.0), (400, 25.0)], transaction=transaction)
        own["chargingSchedule"]["duration"] = 500
        assert await sets(script, 1, own) == "Accepted"
        shown = await composite(script)
        assert [limit for _, limit in shown] == [8.0, 10.0, 15.0, 20.0, 6.0]


@simulated(seed=1)
async def test_a_maximum_at_any_time() -> None:
    """Core 7.13, 3.13.1: startSchedule may be left out; one limit without an end holds for the charge point always."""
    async with at_charge_point() as (script, charge_point):
        maximum = profile(1, MOST, periods=[(0, 10.0)])
        del maximum["chargingSchedule"]["startSchedule"]
        assert await sets(script, 0, maximum) == "Accepted"
        assert (await composite(script), await composite(script, 0)) == ([(0, 10.0)], [(0, 10.0)])
        await script.starts(charge_point)
        assert charge_point.connectors[1].offered == 10.0
        assert await clears(script, id=1) == "Accepted"
        assert charge_point.connectors[1].offered in (None, 32.0)


@simulated(seed=1)
async def test_levels_of_a_tx_profile() -> None:
    """Core 3.13.2: the highest level that says something now; below it the next, and not the default."""
    async with at_charge_point() as (script, charge_point):
        await sets(script, 0, profile(1, level=9, periods=[(0, 6.0)]))
        transaction = await script.starts(charge_point)
        for number, level, limit, duration in ((2, 0, 12.0, 400), (3, 2, 7.0, 200)):
            new = profile(number, "TxProfile", level, [(0, limit)], transaction=transaction, duration=duration)
            assert await sets(script, 1, new) == "Accepted"
        assert [limit for _, limit in await composite(script)] == [7.0, 12.0, 6.0]


@simulated(seed=1)
@pytest.mark.parametrize("connector", [0, 1])
@pytest.mark.parametrize("duration", [60, 300, 86_400])
async def test_a_composite_is_as_long_as_was_asked_for(connector: int, duration: int) -> None:
    """Core 5.7, 6.22: no period begins after its end, and the unit is the one that was asked for."""
    async with at_charge_point() as (script, _):
        await sets(script, 0, profile(1, MOST, periods=[(0, 20.0), (60, 16.0), (300, 10.0)]))
        for unit in ("A", "W"):
            asked = {"connectorId": connector, "duration": duration, "chargingRateUnit": unit}
            schedule = (await script.says("GetCompositeSchedule", **asked))["chargingSchedule"]
            starts = [each["startPeriod"] for each in schedule["chargingSchedulePeriod"]]
            assert schedule["chargingRateUnit"] == unit and schedule["duration"] == duration
            assert starts == [at for at in (0, 60, 300) if at < duration]


@simulated(seed=1)
async def test_the_composite_of_the_charge_point() -> None:
    """Core 5.7: connector 0 is the expected consumption of the grid connection: the sum, at most the maximum."""
    async with at_charge_point() as (script, _):
        await sets(script, 0, profile(1, periods=[(0, 10.0)]))
        assert await composite(script, 0) == [(0, 20.0)]
        await sets(script, 0, profile(2, MOST, periods=[(0, 13.0)]))
        assert await composite(script, 0) == [(0, 13.0)]


@simulated(seed=1)
@pytest.mark.parametrize(
    ("which", "status", "left"),
    [
        ({"id": 99}, "Unknown", [1, 2, 3]),
        ({"connectorId": 0}, "Accepted", [3]),
        ({"connectorId": 1}, "Accepted", [1, 2]),
        ({"connectorId": 2}, "Unknown", [1, 2, 3]),
        ({"chargingProfilePurpose": MOST}, "Accepted", [2, 3]),
        ({"chargingProfilePurpose": "TxProfile"}, "Unknown", [1, 2, 3]),
        ({"stackLevel": 1}, "Accepted", [1, 2]),
        ({"connectorId": 0, "chargingProfilePurpose": "TxDefaultProfile"}, "Accepted", [1, 3]),
        ({"connectorId": 0, "stackLevel": 1}, "Unknown", [1, 2, 3]),
    ],
)
async def test_what_is_cleared_by_each_field(which: dict[str, Any], status: str, left: list[int]) -> None:
    """Core 5.5, 6.13: connector 0 is the charge point, and Unknown if nothing matches."""
    async with at_charge_point() as (script, _):
        await sets(script, 0, profile(1, MOST))
        await sets(script, 0, profile(2))
        await sets(script, 1, profile(3, level=1))
        assert await clears(script, **which) == status
        assert [number for number in (1, 2, 3) if await clears(script, id=number) == "Accepted"] == left


@simulated(seed=1)
@pytest.mark.parametrize("purpose", ["TxDefaultProfile", MOST])
async def test_a_remote_start_with_a_wrong_purpose(purpose: str) -> None:
    """Core 5.16.2: refused, with or without a cable, and nothing of it is kept."""
    async with at_charge_point(keys=FREE) as (script, charge_point):
        asked = {"connectorId": 1, "idTag": "TAG_A", "chargingProfile": profile(1, purpose)}
        assert (await script.says("RemoteStartTransaction", **asked))["status"] == "Rejected"
        charge_point.charging.plug_in(1)
        assert (await script.says("RemoteStartTransaction", **asked))["status"] == "Rejected"
        assert await clears(script, id=1) == "Unknown"
        await script.hears_no("StartTransaction", seconds=60)


@simulated(seed=1)
async def test_a_remote_start_with_a_profile_for_another_transaction() -> None:
    """Core errata 3.41: a transactionId SHALL NOT be set, for there is none yet."""
    async with at_charge_point(keys=FREE) as (script, charge_point):
        charge_point.charging.plug_in(1)
        new = profile(1, "TxProfile", kind="Relative", transaction=5)
        answer = await script.says("RemoteStartTransaction", connectorId=1, idTag="TAG_A", chargingProfile=new)
        assert answer["status"] == "Rejected"


@simulated(seed=1)
async def test_the_profile_of_a_remote_start_ends_with_its_transaction() -> None:
    """Core 5.16.2, 7.10: also if nobody comes."""
    async with at_charge_point(keys=FREE | {"ConnectionTimeOut": "30"}) as (script, charge_point):
        new = profile(1, "TxProfile", periods=[(0, 11.0)], kind="Relative")
        asked = {"connectorId": 1, "idTag": "TAG_A", "chargingProfile": new}
        assert (await script.says("RemoteStartTransaction", **asked))["status"] == "Accepted"
        await asyncio.sleep(60)
        transaction = await script.starts(charge_point)
        assert await composite(script) != [(0, 11.0)]
        await script.says("RemoteStopTransaction", transactionId=transaction)
        await script.hears("StopTransaction")
        charge_point.charging.unplug(1)
        assert (await script.says("RemoteStartTransaction", **asked))["status"] == "Accepted"
        charge_point.charging.plug_in(1)
        await script.hears("StartTransaction")
        await asyncio.sleep(1)
        assert await composite(script) == [(0, 11.0)]
        await script.says("RemoteStopTransaction", transactionId=transaction + 1)
        await script.hears("StopTransaction")
        assert await clears(script, id=1) == "Unknown"


@simulated(seed=1)
async def test_a_default_profile_goes_on_after_its_transaction() -> None:
    """Core 3.13.1: it is for each transaction anew, and a Relative one counts from the start of each."""
    async with at_charge_point() as (script, charge_point):
        new = profile(1, periods=[(0, 9.0), (300, 7.0)], kind="Relative")
        assert await sets(script, 1, new) == "Accepted"
        for _round in range(2):
            await script.starts(charge_point)
            await asyncio.sleep(99)
            assert [limit for _, limit in await composite(script)] == [9.0, 7.0]
            script.forgets()
            await charge_point.charging.present(1, "TAG_A")
            await script.hears("StopTransaction")
            charge_point.charging.unplug(1)
            await asyncio.sleep(10)


@simulated(seed=1)
async def test_after_a_power_cut(tmp_path: Path) -> None:
    """Core errata 3.37: defaults and maximum are there; the transaction was ended, and its profile with it."""
    path = fresh_path(tmp_path, "cp.db")
    async with at_charge_point(path=path) as (script, charge_point):
        await sets(script, 0, profile(1, MOST, periods=[(0, 20.0)]))
        await sets(script, 1, profile(2, periods=[(0, 9.0)]))
        transaction = await script.starts(charge_point)
        assert await sets(script, 1, profile(3, "TxProfile", periods=[(0, 7.0)], transaction=transaction)) == "Accepted"
        path = power_cut(path)
    async with at_charge_point(path=path) as (script, _):
        assert await composite(script) == [(0, 9.0)]
        assert [await clears(script, id=number) for number in (1, 2, 3)] == ["Accepted", "Accepted", "Unknown"]


@simulated(seed=1)
async def test_a_profile_that_has_not_begun() -> None:
    """Core 7.13: it says nothing before its startSchedule; below it the next level does."""
    async with at_charge_point() as (script, _):
        await sets(script, 1, profile(1, level=0, periods=[(0, 16.0)]))
        await sets(script, 1, profile(2, level=1, periods=[(0, 8.0)], start=now_text(200), duration=100))
        assert [limit for _, limit in await composite(script)] == [16.0, 8.0, 16.0]


@simulated(seed=1)
async def test_the_keys_of_smart_charging() -> None:
    """Core 9.4: what is told there is what is taken."""
    async with at_charge_point() as (script, _):
        keys = ["ChargeProfileMaxStackLevel", "ChargingScheduleMaxPeriods", "MaxChargingProfilesInstalled"]
        entries = (await script.says("GetConfiguration", key=keys))["configurationKey"]
        level, periods, installed = (int(each["value"]) for each in entries)
        long = [(second, 10.0) for second in range(periods)]
        assert await sets(script, 1, profile(1, level=level, periods=long)) == "Accepted"
        assert await sets(script, 1, profile(1, level=level, periods=[*long, (periods, 9.0)])) == "Rejected"
        assert await sets(script, 1, profile(1, level=level + 1)) == "Rejected"
        assert await clears(script) == "Accepted"
        places = [(n // (level + 1), profile(1 + n, level=n % (level + 1))) for n in range(installed + 1)]
        statuses = [await sets(script, connector, each) for connector, each in places]
        assert statuses == ["Accepted"] * installed + ["Rejected"]
