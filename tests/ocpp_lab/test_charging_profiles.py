"""What a charge point answers about charging profiles, and what it keeps (core 5.5, 5.7, 5.16)."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CallFailed, StoreFailed
from ocpp_lab import messages as m
from ocpp_lab.charge_point.kept_profiles import KeptProfiles, Promise
from ocpp_lab.charge_point.smart_charging import LONGEST_SCHEDULE
from ocpp_lab.smart_charging import Installed
from ocpp_lab.store import Store
from tests.fakes import Failing, power_cut
from tests.pair import payloads, simulated, simulated_now
from tests.profiles import DAY, profile
from tests.smart_site import site

TX: Any = {"purpose": "TxProfile"}
MAX: Any = {"purpose": "ChargePointMaxProfile"}

_paths = itertools.count()


def fresh(folder: Path) -> str:
    """A path that no other seed uses."""
    return str(folder / f"cp{next(_paths)}")


# SetChargingProfile ---------------------------------------------------------------------------------------------------


@simulated
async def test_set_and_ask() -> None:
    """Core 5.16, 5.7; connector 0 is the charge point."""
    async with site() as here:
        assert await here.composite(1) == [(0, 32)]
        assert await here.set(1, profile((0, 10.0), id=1)) == "Accepted"
        assert await here.set(0, profile((0, 12.0), id=2)) == "Accepted"
        assert await here.set(0, profile((0, 20.0), id=3, **MAX)) == "Accepted"
        assert [await here.composite(n) for n in (0, 1, 2)] == [[(0, 20)], [(0, 10)], [(0, 12)]]


@simulated
async def test_an_unknown_connector() -> None:
    """Core errata 3.39."""
    async with site() as here:
        with pytest.raises(CallFailed, match=r"PropertyConstraintViolation.*expected 0 to 2, came 3"):
            await here.set(3, profile())


@simulated
async def test_a_transactions_profile() -> None:
    """Core 3.13.1, 5.16: only while one runs, with its id or none; and it ends with it (core 7.10)."""
    async with site() as here:
        assert await here.set(1, profile(**TX)) == "Rejected"
        transaction = await here.start()
        assert await here.set(1, profile(transaction=transaction + 1, **TX)) == "Rejected"
        assert await here.set(2, profile(**TX)) == "Rejected"
        assert await here.set(0, profile(**TX)) == "Rejected"
        assert await here.set(1, profile((0, 9.0), transaction=transaction, **TX)) == "Accepted"
        assert await here.composite(1) == [(0, 9)]
        here.stop()
        assert await here.composite(1) == [(0, 32)]
        await here.start()
        assert await here.composite(1) == [(0, 32)]


@simulated
async def test_relative_counts_from_the_start_of_the_transaction() -> None:
    async with site() as here:
        await here.start()
        await asyncio.sleep(29.5)
        assert await here.set(1, profile((0, 9.0), (60, 7.0), kind="Relative", **TX)) == "Accepted"
        began = payloads(here.central_system, "StartTransaction")[0]["timestamp"]
        assert began.startswith("2030-06-01T12:00:01")
        [first, (second, limit)] = await here.composite(1)
        assert first == (0, 9) and limit == 7 and abs(second - 30) <= 1


@simulated
async def test_too_many_profiles() -> None:
    """Core 9.4: MaxChargingProfilesInstalled, and the levels."""
    async with site() as here:
        answers = [await here.set(n % 3, profile(id=n, level=n // 3)) for n in range(22)]
        assert answers == ["Accepted"] * 20 + ["Rejected"] * 2
        assert await here.set(0, profile(id=0, level=0)) == "Accepted"
        assert await here.set(0, profile(id=0, level=10)) == "Rejected"


@simulated
async def test_its_keys() -> None:
    """Core 9.4."""
    keys = {
        "ChargeProfileMaxStackLevel": "9",
        "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
        "ChargingScheduleMaxPeriods": "24",
        "MaxChargingProfilesInstalled": "20",
        "ConnectorSwitch3to1PhaseSupported": "true",
    }
    async with site() as here:
        answer = await here.ask(m.GetConfigurationRequest(key=list(keys)))
        assert {each.key: (each.value, each.readonly) for each in answer.configuration_key} == {
            key: (value, True) for key, value in keys.items()
        }


# ClearChargingProfile -------------------------------------------------------------------------------------------------


@simulated
async def test_clear() -> None:
    """Core 5.5; after the last one the station's limit shows."""
    async with site() as here:
        assert await here.clear() == "Unknown"
        await here.set(1, profile((0, 10.0), id=1, level=0))
        await here.set(1, profile((0, 8.0), id=2, level=1))
        assert await here.clear(connector_id=1, stack_level=1) == "Accepted"
        assert await here.composite(1) == [(0, 10)]
        assert await here.clear(id=1) == "Accepted"
        assert await here.composite(1) == [(0, 32)]
        assert await here.clear(id=1) == "Unknown"


# GetCompositeSchedule -------------------------------------------------------------------------------------------------


@simulated
async def test_the_shape_of_a_composite_schedule() -> None:
    """Core errata 3.57: scheduleStart is set, startSchedule is left out; instants are whole seconds."""
    async with site() as here:
        await here.set(1, profile((0, 11_000.0), unit="W"))
        await asyncio.sleep(0.7)
        answer = await here.ask(m.GetCompositeScheduleRequest(connector_id=1, duration=600, charging_rate_unit="W"))
        assert answer.schedule_start == simulated_now().replace(microsecond=0)
        assert answer.charging_schedule == m.ChargingSchedule(
            duration=600,
            charging_rate_unit="W",
            charging_schedule_period=[m.ChargingSchedulePeriod(start_period=0, limit=11_000.0, number_phases=3)],
        )
        assert await here.composite(1) == [(0, 15.9)]


@simulated
@pytest.mark.parametrize(("connector", "duration"), [(3, 100), (1, -1)])
async def test_a_schedule_that_cannot_be_told(connector: int, duration: int) -> None:
    """Core 5.7."""
    async with site() as here:
        answer = await here.ask(m.GetCompositeScheduleRequest(connector_id=connector, duration=duration))
        assert answer == m.GetCompositeScheduleResponse(status="Rejected")


@simulated
async def test_a_schedule_without_end_is_cut() -> None:
    """A week is told of whatever is asked for, and the answer says that it is a week."""
    async with site() as here:
        daily = {"kind": "Recurring", "recurs": "Daily", "start": -DAY}
        await here.set(1, profile(*((n * 60, float(n % 2 + 6)) for n in range(24)), **daily))
        answer = await here.ask(m.GetCompositeScheduleRequest(connector_id=1, duration=10**18))
        assert answer.charging_schedule.duration == LONGEST_SCHEDULE
        assert len(answer.charging_schedule.charging_schedule_period) == 24 * 7 + 1


# The file -------------------------------------------------------------------------------------------------------------


@simulated
async def test_profiles_survive_a_power_cut(tmp_path: Path) -> None:
    """Core errata 3.37; those of a transaction as long as it goes on."""
    path = fresh(tmp_path)
    async with site(path=path) as here:
        await here.start()
        await here.set(0, profile((0, 20.0), id=1, **MAX))
        await here.set(2, profile((0, 6.0), id=3))
        await here.set(1, profile((0, 9.0), id=2, **TX))
        resumed, closed = power_cut(path), power_cut(path)
    async with site(path=resumed, resume_transactions=True) as here:
        assert [await here.composite(n) for n in (0, 1, 2)] == [[(0, 15)], [(0, 9)], [(0, 6)]]
        here.stop()
        assert await here.composite(1) == [(0, 20)]
    async with site(path=closed) as here:
        assert [await here.composite(n) for n in (1, 2)] == [[(0, 20)], [(0, 6)]]


@simulated
async def test_what_cannot_be_written_is_refused() -> None:
    """A full disk: the old profiles hold."""
    async with site() as here:
        await here.set(1, profile((0, 10.0), id=1))
        here.charge_point.memory.store.before = failing = Failing(3, once=False)
        assert await here.set(1, profile((0, 8.0), id=1)) == "Rejected"
        assert await here.clear() == "Unknown"
        failing.mend()
        assert await here.composite(1) == [(0, 10)]
        assert await here.clear() == "Accepted"


def test_the_file_keeps_profiles_as_they_came(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    kept = KeptProfiles(path)
    odd = profile((0, 10.1), id=10**30, kind="Recurring", recurs="Weekly", duration=5, valid=(0.001, 9), least=0.1)
    stack = [Installed(0, odd), Installed(2, profile(id=-1, **TX))]
    promises = {1: Promise("TAG", profile(kind="Relative", **TX))}
    kept.keep(stack, {1: "other", 2: "name"}, promises)
    kept.close()
    again = KeptProfiles(path)
    assert (again.installed, again.owners, again.promises) == (stack, {2: "name"}, promises)
    again.close()


def test_nothing_half_is_kept() -> None:
    store = Store()
    kept = KeptProfiles(store)
    kept.keep([Installed(0, profile(id=1))], {})
    store.before = Failing(4)
    with pytest.raises(StoreFailed):
        kept.keep([Installed(0, profile(id=2)), Installed(1, profile(id=3))], {})
    assert kept.installed == KeptProfiles(store).installed == [Installed(0, profile(id=1))]


def test_what_is_undone_is_not_kept() -> None:
    """A start that is not written down promises nothing."""
    store = Store()
    kept = KeptProfiles(store)
    with pytest.raises(OSError), store.transaction():
        kept.keep([Installed(0, profile(id=1))], {})
        raise OSError
    assert kept.installed == KeptProfiles(store).installed == []
