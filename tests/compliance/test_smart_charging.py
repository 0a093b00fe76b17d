"""Smart Charging, as a charge point does it (core 3.13, 5.5, 5.7, 5.16, 9.4)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.compliance.script import Refused, ScriptedCentralSystem, at_charge_point, now_text
from tests.pair import simulated

PERIODS = list[tuple[int, float]]


def profile(
    number: int = 1,
    purpose: str = "TxDefaultProfile",
    level: int = 0,
    periods: PERIODS | None = None,
    *,
    kind: str = "Absolute",
    unit: str = "A",
    transaction: int | None = None,
    start: str | None = None,
    duration: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A charging profile; Absolute and Recurring ones start now unless ``start`` says otherwise."""
    schedule: dict[str, Any] = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": at, "limit": limit} for at, limit in periods or [(0, 16.0)]],
    }
    if kind != "Relative":
        schedule["startSchedule"] = start or now_text()
    if duration is not None:
        schedule["duration"] = duration
    found: dict[str, Any] = {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule,
        **more,
    }
    if transaction is not None:
        found["transactionId"] = transaction
    return found


async def sets(script: ScriptedCentralSystem, connector: int, found: dict[str, Any]) -> str:
    return str((await script.says("SetChargingProfile", connectorId=connector, csChargingProfiles=found))["status"])


async def clears(script: ScriptedCentralSystem, **which: Any) -> str:
    return str((await script.says("ClearChargingProfile", **which))["status"])


async def composite(script: ScriptedCentralSystem, connector: int = 1, duration: int = 600, unit: str = "A") -> PERIODS:
    """The periods of the composite schedule: start (s) and limit."""
    answer = await script.says("GetCompositeSchedule", connectorId=connector, duration=duration, chargingRateUnit=unit)
    assert answer["status"] == "Accepted"
    assert answer["connectorId"] == connector
    assert "scheduleStart" in answer
    schedule = answer["chargingSchedule"]
    assert "startSchedule" not in schedule  # core errata 3.57
    assert schedule["chargingRateUnit"] == unit
    return [(each["startPeriod"], each["limit"]) for each in schedule["chargingSchedulePeriod"]]


@simulated(seed=1)
async def test_without_a_profile_the_station_limits() -> None:
    """Core 3.13: one period."""
    async with at_charge_point() as (script, _):
        assert len(await composite(script)) == 1


@simulated(seed=1)
async def test_the_limit_of_the_default_profile() -> None:
    """Core 3.13.1: shown also with no transaction."""
    async with at_charge_point() as (script, _):
        assert await sets(script, 0, profile(periods=[(0, 16.0), (300, 10.0)])) == "Accepted"
        assert await composite(script) == [(0, 16.0), (300, 10.0)]


@simulated(seed=1)
async def test_a_schedule_that_runs_is_shifted() -> None:
    """Core 5.7: periods count from now."""
    async with at_charge_point() as (script, _):
        await sets(script, 0, profile(periods=[(0, 16.0), (300, 10.0)], start=now_text()))
        await asyncio.sleep(100)
        assert await composite(script) == [(0, 16.0), (200, 10.0)]


@simulated(seed=1)
async def test_the_smallest_purpose_holds() -> None:
    """Core 3.13.1: the maximum of the charge point limits every transaction."""
    async with at_charge_point() as (script, _):
        await sets(script, 0, profile(1, periods=[(0, 16.0)]))
        await sets(script, 0, profile(2, "ChargePointMaxProfile", periods=[(0, 20.0), (100, 12.0)]))
        assert await composite(script, 1) == [(0, 16.0), (100, 12.0)]


@simulated(seed=1)
async def test_a_tx_profile_overrules_the_default() -> None:
    """Core 3.13.1: also if it is higher."""
    async with at_charge_point() as (script, charge_point):
        await sets(script, 0, profile(1, periods=[(0, 8.0)]))
        transaction = await script.starts(charge_point)
        assert (
            await sets(script, 1, profile(2, "TxProfile", periods=[(0, 14.0)], transaction=transaction)) == "Accepted"
        )
        assert await composite(script) == [(0, 14.0)]


@simulated(seed=1)
async def test_a_tx_profile_dies_with_its_transaction() -> None:
    """Core 3.13.1, 5.16."""
    async with at_charge_point() as (script, charge_point):
        transaction = await script.starts(charge_point)
        await sets(script, 1, profile(2, "TxProfile", periods=[(0, 14.0)], transaction=transaction))
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("StopTransaction")
        assert await clears(script, id=2) == "Unknown"


@simulated(seed=1)
async def test_a_higher_level_only_while_it_lasts() -> None:
    """Core 3.13.2: then the lower one shows."""
    async with at_charge_point() as (script, _):
        await sets(script, 1, profile(1, level=0, periods=[(0, 16.0)]))
        await sets(script, 1, profile(2, level=5, periods=[(0, 8.0)], duration=200))
        assert await composite(script) == [(0, 8.0), (200, 16.0)]


@simulated(seed=1)
async def test_a_connectors_own_default_replaces_the_common_one() -> None:
    """Core 3.13.1 with 3.13.2: at equal level; the other connector keeps the common one."""
    async with at_charge_point() as (script, _):
        await sets(script, 0, profile(1, periods=[(0, 16.0)]))
        await sets(script, 1, profile(2, periods=[(0, 20.0)]))
        assert (await composite(script, 1), await composite(script, 2)) == ([(0, 20.0)], [(0, 16.0)])


@simulated(seed=1)
@pytest.mark.parametrize("how", ["id", "level"])
async def test_a_profile_is_replaced(how: str) -> None:
    """Core 5.16.3, 3.13.2: the same id; or the same purpose and level."""
    async with at_charge_point() as (script, _):
        await sets(script, 1, profile(1, level=1, periods=[(0, 16.0)]))
        new = profile(1, level=2, periods=[(0, 9.0)]) if how == "id" else profile(2, level=1, periods=[(0, 9.0)])
        assert await sets(script, 1, new) == "Accepted"
        assert await composite(script) == [(0, 9.0)]
        assert await clears(script) == "Accepted"
        assert len(await composite(script)) == 1
        assert await clears(script) == "Unknown"


@simulated(seed=1)
@pytest.mark.parametrize("why", ["connector 0", "no transaction", "wrong transaction"])
async def test_a_tx_profile_that_fits_nothing(why: str) -> None:
    """Core 3.13.1, 5.16: Rejected."""
    async with at_charge_point() as (script, charge_point):
        transaction = 1 if why == "no transaction" else await script.starts(charge_point)
        number = transaction + 1 if why == "wrong transaction" else transaction
        new = profile(2, "TxProfile", transaction=number)
        assert await sets(script, 0 if why == "connector 0" else 1, new) == "Rejected"


@simulated(seed=1)
@pytest.mark.parametrize(
    ("connector", "change"),
    [
        (1, {"purpose": "ChargePointMaxProfile"}),  # core 3.13.1: only on connector 0
        (0, {"purpose": "ChargePointMaxProfile", "kind": "Relative"}),  # nothing to count from
        (1, {"level": 100_000}),  # core 9.4.1
        (1, {"periods": [(10, 16.0)]}),  # core errata 3.45: the first is at 0
        (1, {"periods": [(0, 16.0), (0, 10.0)]}),
        (1, {"kind": "Recurring"}),  # without recurrencyKind
    ],
)
async def test_profiles_that_say_nothing(connector: int, change: dict[str, Any]) -> None:
    """Rejected, and what was there stays."""
    async with at_charge_point() as (script, _):
        await sets(script, 0, profile(1, periods=[(0, 13.0)]))
        assert await sets(script, connector, profile(9, **change)) == "Rejected"
        assert await composite(script) == [(0, 13.0)]


@simulated(seed=1)
async def test_an_unknown_connector_is_a_violation() -> None:
    """Core errata 3.39: PropertyConstraintViolation."""
    async with at_charge_point() as (script, _):
        with pytest.raises(Refused) as refused:
            await sets(script, 9, profile())
        assert refused.value.code == "PropertyConstraintViolation"


@simulated(seed=1)
async def test_watts_and_amperes() -> None:
    """Core 7.12, core errata 3.68: three phases of 230 V unless it is said."""
    async with at_charge_point() as (script, _):
        await sets(script, 1, profile(1, periods=[(0, 6_900.0)], unit="W"))
        assert await composite(script, unit="W") == [(0, 6_900.0)]
        assert await composite(script, unit="A") == [(0, 10.0)]


@simulated(seed=1)
async def test_every_day_anew() -> None:
    """Core 7.8, 7.36: Recurring Daily."""
    async with at_charge_point() as (script, _):
        daily = profile(1, kind="Recurring", recurrencyKind="Daily", periods=[(0, 16.0), (43_200, 10.0)])
        assert await sets(script, 1, daily) == "Accepted"
        assert await composite(script, duration=86_500) == [(0, 16.0), (43_200, 10.0), (86_400, 16.0)]


@simulated(seed=1)
async def test_valid_from_and_valid_to() -> None:
    """Core 7.8."""
    async with at_charge_point() as (script, _):
        new = profile(1, periods=[(0, 8.0)], validFrom=now_text(100), validTo=now_text(200))
        assert await sets(script, 1, new) == "Accepted"
        found = await composite(script)
        assert [(at, limit == 8.0) for at, limit in found] == [(0, False), (100, True), (200, False)]


@simulated(seed=1)
@pytest.mark.parametrize(
    ("which", "left"),
    [
        ({"id": 1}, 2),
        ({"id": 1, "stackLevel": 2}, 2),  # core errata 3.26: with an id the others are ignored
        ({"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 2}, 1),  # core errata 3.25: all must match
        ({}, None),
    ],
)
async def test_what_is_cleared(which: dict[str, Any], left: int | None) -> None:
    """Core 5.5."""
    async with at_charge_point() as (script, _):
        await sets(script, 1, profile(1, level=1))
        await sets(script, 1, profile(2, level=2))
        assert await clears(script, **which) == "Accepted"
        known = [number for number in (1, 2) if await clears(script, id=number) == "Accepted"]
        assert known == ([] if left is None else [left])


@simulated(seed=1)
async def test_the_car_obeys() -> None:
    """Core 3.13, 4.9 C5, E3: limit 0 suspends; then it goes on, at the instant of the change."""
    async with at_charge_point() as (script, charge_point):
        transaction = await script.starts(charge_point)
        new = profile(1, "TxProfile", periods=[(0, 0.0), (600, 16.0)], transaction=transaction)
        assert await sets(script, 1, new) == "Accepted"
        await script.hears_status(1, "SuspendedEVSE")
        before = charge_point.connectors[1].energy
        await asyncio.sleep(500)
        assert charge_point.connectors[1].energy == before
        await script.hears_status(1, "Charging", seconds=110)
        await asyncio.sleep(600)
        assert charge_point.connectors[1].energy > before


@simulated(seed=1)
async def test_the_meter_shows_the_limit() -> None:
    """Core 3.13: 10 A on three phases are 6.9 kW."""
    async with at_charge_point() as (script, charge_point):
        await sets(script, 1, profile(1, periods=[(0, 10.0)]))
        await script.starts(charge_point)
        before = charge_point.connectors[1].energy
        await asyncio.sleep(3600)
        assert 6_800 <= charge_point.connectors[1].energy - before <= 6_910


@simulated(seed=1)
async def test_profiles_outlive_a_reset() -> None:
    """Core errata 3.37."""
    async with at_charge_point() as (script, _):
        await sets(script, 1, profile(1, periods=[(0, 9.0)]))
        await script.says("Reset", type="Hard")
        await script.boots()
        assert await composite(script) == [(0, 9.0)]


@simulated(seed=1)
async def test_a_remote_start_with_a_profile() -> None:
    """Core 5.16.2, core errata 3.42: it holds for that transaction; one with the real id and its level replaces it."""
    async with at_charge_point(keys={"AuthorizeRemoteTxRequests": "false"}) as (script, charge_point):
        charge_point.charging.plug_in(1)
        new = profile(1, "TxProfile", periods=[(0, 11.0)], kind="Relative")
        answer = await script.says("RemoteStartTransaction", connectorId=1, idTag="TAG_A", chargingProfile=new)
        assert answer["status"] == "Accepted"
        await script.hears("StartTransaction")
        await asyncio.sleep(1)
        assert await composite(script) == [(0, 11.0)]
        replaced = profile(2, "TxProfile", periods=[(0, 7.0)], kind="Relative", transaction=1)
        assert await sets(script, 1, replaced) == "Accepted"
        assert await composite(script) == [(0, 7.0)]


@simulated(seed=1)
async def test_a_remote_start_with_a_profile_of_another_purpose() -> None:
    """Core 5.11: the purpose SHALL be TxProfile."""
    async with at_charge_point(keys={"AuthorizeRemoteTxRequests": "false"}) as (script, charge_point):
        charge_point.charging.plug_in(1)
        answer = await script.says("RemoteStartTransaction", connectorId=1, idTag="TAG_A", chargingProfile=profile())
        assert answer["status"] == "Rejected"
        await script.hears_no("StartTransaction", seconds=10)


@simulated(seed=1)
async def test_composite_of_an_unknown_connector() -> None:
    """Core 5.7: Rejected."""
    async with at_charge_point() as (script, _):
        answer = await script.says("GetCompositeSchedule", connectorId=9, duration=60)
        assert answer["status"] == "Rejected"
