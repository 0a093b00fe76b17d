"""The car obeys: what is offered follows the charging profiles (core 3.13), and how that is told (core 4.9)."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab.smart_charging import Profiles, offers
from ocpp_lab.station.connector import Car
from tests.fakes import Failing, power_cut
from tests.pair import cut, heal, payloads, simulated
from tests.profiles import after, profile
from tests.simulated import clock
from tests.smart_site import BIG, site

TX: Any = {"purpose": "TxProfile"}
MAX: Any = {"purpose": "ChargePointMaxProfile", "id": 99}

_paths = itertools.count()


def fresh(folder: Path) -> str:
    """A path that no other seed uses."""
    return str(folder / f"cp{next(_paths)}")


@simulated
async def test_without_profiles_the_station_limits() -> None:
    async with site() as here:
        await here.start()
        assert here.amps() == 32


@simulated
async def test_a_profile_is_obeyed_at_once_and_at_each_change() -> None:
    async with site() as here:
        await here.start()
        assert await here.set(1, profile((0, 10.0), (60, 16.0), (90, 8.0))) == "Accepted"
        assert here.amps() == 10
        for second, amps in ((59.99, 10), (60.01, 16), (89.99, 16), (90.01, 8)):
            await asyncio.sleep(second - clock())
            assert here.amps() == amps, second
        await here.clear()
        assert here.amps() == 32


@simulated
async def test_energy_follows() -> None:
    """The meter is read before each change: 10 A for a minute, then 20 A for another one."""
    async with site() as here:
        await here.set(1, profile((0, 10.0), (120, 20.0)))
        await asyncio.sleep(60 - clock())
        await here.start()
        await asyncio.sleep(180 - clock())
        here.stop()
        await asyncio.sleep(1)
        [stop] = payloads(here.central_system, "StopTransaction")
        assert stop["meterStop"] == pytest.approx(690 * (10 * 60 + 20 * 60) / 3600, abs=2)


@simulated
async def test_a_limit_holds_from_the_first_moment() -> None:
    """Nothing flows before it; and a limit of 0 is SuspendedEVSE, never Charging."""
    async with site() as here:
        await here.set(1, profile((0, 0.0)))
        await here.start()
        assert here.amps() == 0 and here.charge_point.connectors[1].energy == 0
        assert here.statuses() == ["Available", "Preparing", "SuspendedEVSE"]


@simulated
async def test_below_the_minimum_the_station_pauses_and_goes_on() -> None:
    """Core 7.7, 4.9 (C5, E3): under 6 A no car charges."""
    async with site() as here:
        await here.set(1, profile((0, 16.0), (60, 5.9), (120, 6.0)))
        await here.start()
        await asyncio.sleep(200)
        assert here.statuses() == ["Available", "Preparing", "Charging", "SuspendedEVSE", "Charging"]
        assert here.amps() == 6


@simulated
@pytest.mark.parametrize(("phases", "watts"), [(3, 3680), (1, 3680)])
async def test_watts_for_one_phase_are_not_taken_three_times(phases: int, watts: float) -> None:
    """Core 7.12: W is the total. A car with three phases gets one of them (ConnectorSwitch3to1PhaseSupported)."""
    async with site() as here:
        await here.set(1, profile((0, 3680.0, 1), (60, 11_040.0, 3), unit="W"))
        here.charge_point.charging.plug_in(1, Car(wanted=1e9, power=22_080.0, phases=phases))
        await here.charge_point.charging.present(1, "TAG_1")
        await asyncio.sleep(1)
        place = here.charge_point.connectors[1]
        assert place.power == watts and [round(amps) for amps in place.meter.currents] == [16, 0, 0]
        await asyncio.sleep(60)
        assert place.power == (11_040 if phases == 3 else 3680)


@simulated
async def test_a_station_that_gives_less() -> None:
    async with site(current=16.0) as here:
        await here.start()
        assert here.amps() == 16
        assert await here.composite(1) == [(0, 16)]
        assert await here.composite(0) == [(0, 32)]


@simulated
async def test_the_maximum_is_shared() -> None:
    """Core 3.13.3: the limit is for all connectors together; whoever leaves leaves room."""
    async with site() as here:
        await here.set(0, profile((0, 40.0), **MAX))
        await here.start(1)
        assert here.amps(1) == 32
        await here.start(2)
        assert [here.amps(n) for n in (1, 2)] == [20, 20]
        await here.set(1, profile((0, 8.0), **TX))
        assert [here.amps(n) for n in (1, 2)] == [8, 32]
        await here.set(0, profile((0, 11.0), **MAX))
        assert [here.amps(n) for n in (1, 2)] == [8, 0]
        await asyncio.sleep(1)  # the status follows the answer
        assert here.statuses(2)[-1] == "SuspendedEVSE"
        here.stop(1)
        await asyncio.sleep(1)
        assert here.amps(2) == 11


@simulated
async def test_never_more_than_the_maximum_not_even_for_a_moment() -> None:
    """The second car begins while the first takes all: what both have drawn is never more than was allowed."""
    async with site() as here:
        await here.set(0, profile((0, 32.0), **MAX))
        await here.start(1)
        before, began = here.charge_point.connectors[1].energy, clock()
        await here.start(2)
        await asyncio.sleep(10)
        drawn = sum(here.charge_point.connectors[n].energy for n in (1, 2)) - before
        assert drawn <= 690 * 32 * (clock() - began) / 3600 + 1e-3


@simulated
async def test_a_transactions_profile_dies_with_it() -> None:
    """Core 7.10: the next driver has the default."""
    async with site() as here:
        await here.set(1, profile((0, 20.0), id=1))
        transaction = await here.start()
        await here.set(1, profile((0, 8.0), id=2, transaction=transaction, **TX))
        assert here.amps() == 8
        here.stop()
        await asyncio.sleep(1)
        assert [each.profile.charging_profile_id for each in here.charge_point.memory.profiles.installed] == [1]
        await here.start()
        assert here.amps() == 20


@simulated
async def test_offline_it_goes_on_to_obey() -> None:
    """Core 3.13.6."""
    async with site(delays=lambda: itertools.repeat(10.0)) as here:
        await here.start()
        await here.set(1, profile((0, 10.0), (300, 8.0), **TX))
        cut()
        await asyncio.sleep(400)
        assert here.amps() == 8
        heal()


@simulated
async def test_after_a_power_cut_it_goes_on_to_obey(tmp_path: Path) -> None:
    """Core errata 3.37."""
    path = fresh(tmp_path)
    async with site(path=path) as here:
        await here.start()
        await here.set(1, profile((0, 10.0), (300, 8.0), **TX))
        copy = power_cut(path)
    async with site(path=copy, resume_transactions=True) as here:
        assert here.charge_point.connectors[1].offered == 10
        await asyncio.sleep(400)
        assert here.charge_point.connectors[1].offered == 8


@simulated
async def test_a_clock_that_is_set_is_obeyed() -> None:
    async with site() as here:
        await here.set(1, profile((0, 10.0), (1000, 16.0)))
        await here.start()
        here.charge_point.clock._set(after(900) - after(0))
        await asyncio.sleep(50)
        assert here.amps() == 10
        await asyncio.sleep(50)
        assert here.amps() == 16


@simulated
async def test_a_file_that_fails_stops_no_limit() -> None:
    """The limits are looked at again after a while."""
    async with site() as here:
        await here.start()
        await here.set(1, profile((0, 10.0), (60, 8.0)))
        here.charge_point.memory.store.before = failing = Failing(1, once=False)
        await asyncio.sleep(65)
        failing.mend()
        await asyncio.sleep(20)
        assert here.amps() == 8


@simulated
async def test_a_bug_stops_no_limit() -> None:
    """It is counted, and the limits are looked at again."""
    bugs = iter([True, False, False])

    def offered(*given: Any, **options: Any) -> Any:
        if clock() > 30 and next(bugs, False):
            raise ZeroDivisionError
        return offers(*given, **options)

    async with site(profiles=Profiles(offers=offered)) as here:
        await here.start()
        await here.set(1, profile((0, 10.0), (60, 8.0)))
        await asyncio.sleep(60)
        assert here.amps() == 10
        await asyncio.sleep(20)
        assert here.amps() == 8
        assert here.charge_point.chores.bugs["smart charging"] == 1


# With RemoteStartTransaction ------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("cable_first", [True, False])
async def test_a_profile_that_comes_with_a_remote_start(cable_first: bool) -> None:
    """Core 5.16.2: it holds for the transaction that begins, from its first moment."""
    async with site() as here:
        if cable_first:
            here.charge_point.charging.plug_in(1, Car(**BIG))
        assert await here.remote_start(1, "TAG_1", profile((0, 9.0), (60, 7.0), kind="Relative", **TX)) == "Accepted"
        await asyncio.sleep(10)
        if not cable_first:
            assert await here.composite(1) == [(0, 32)]
            here.charge_point.charging.plug_in(1, Car(**BIG))
            await asyncio.sleep(1)
        assert here.amps() == 9
        await asyncio.sleep(60)
        assert here.amps() == 7
        assert await here.set(1, profile((0, 11.0), id=2, transaction=1, **TX)) == "Accepted"
        assert here.amps() == 11
        assert len(here.charge_point.memory.profiles.installed) == 1


@simulated
@pytest.mark.parametrize(
    "one", [profile(), profile(**MAX), profile(transaction=1, **TX), profile((1, 9.0), **TX)], ids=range(4)
)
async def test_a_remote_start_with_a_wrong_profile(one: Any) -> None:
    """Core errata 3.41: a TxProfile without transactionId, or Rejected; and nothing begins."""
    async with site() as here:
        here.charge_point.charging.plug_in(1, Car(**BIG))
        assert await here.remote_start(1, "TAG_1", one) == "Rejected"
        await asyncio.sleep(1)
        assert here.statuses() == ["Available", "Preparing"]
        assert await here.remote_start(1, "TAG_1") == "Accepted"
        assert here.amps() == 32


@simulated
async def test_who_does_not_come_in_time_gets_no_profile() -> None:
    """A promise ends with the session that it was made to."""
    async with site() as here:
        assert await here.remote_start(1, "TAG_1", profile((0, 9.0), **TX)) == "Accepted"
        await asyncio.sleep(100)
        assert here.charge_point.memory.profiles.promises == {}
        await here.start()
        assert here.amps() == 32


@simulated
async def test_a_tag_that_is_refused_gets_no_profile() -> None:
    async with site() as here:
        here.charge_point.configuration["AuthorizeRemoteTxRequests"] = "true"
        here.charge_point.charging.plug_in(1, Car(**BIG))
        here.central_system.faults.wrong_payload("Authorize", payload={"idTagInfo": {"status": "Invalid"}}, times=1)
        assert await here.remote_start(1, "TAG_1", profile((0, 9.0), **TX)) == "Accepted"
        await asyncio.sleep(5)
        assert here.charge_point.memory.profiles.promises == {}
        assert await here.remote_start(1, "TAG_1", profile((0, 9.0), **TX)) == "Accepted"
        await asyncio.sleep(5)
        assert here.amps() == 9


@simulated
async def test_a_promise_survives_a_power_cut(tmp_path: Path) -> None:
    """As the session that waits for its cable does."""
    path = fresh(tmp_path)
    async with site(path=path) as here:
        await here.remote_start(1, "TAG_1", profile((0, 9.0), **TX))
        copy = power_cut(path)
    async with site(path=copy) as here:
        here.charge_point.charging.plug_in(1, Car(**BIG))
        await asyncio.sleep(1)
        assert here.amps() == 9


@simulated
async def test_a_remote_start_that_cannot_be_written_promises_nothing() -> None:
    async with site() as here:
        here.charge_point.memory.store.before = failing = Failing(3, once=False)
        assert await here.remote_start(1, "TAG_1", profile((0, 9.0), **TX)) == "Rejected"
        failing.mend()
        await here.start()
        assert here.amps() == 32
