"""When our own file fails while somebody charges: what can be refused is refused, what cannot is done and owed.

On simulated time. See `tests.own_side` for the ways to fail.
"""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import ChargePoint
from ocpp_lab.errors import StoreFailed
from tests.own_side import begin, broken, full, invoices, locked, memory_of, online, refusing
from tests.pair import actions, charge_point_alone, simulated

_files = itertools.count()  # one for each seed


def fresh(folder: Path) -> str:
    return str(folder / f"{next(_files)}.db")


# What can be refused --------------------------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize("nth", range(1, 7))
async def test_a_start_that_cannot_be_written(nth: int) -> None:
    """Whichever statement fails, the last COMMIT included: nothing happened, and nobody is told of anything."""
    async with online() as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        await asyncio.sleep(1)
        before, heard = memory_of(charge_point), actions(central_system)
        with broken(charge_point, nth) as disk:
            with pytest.raises(StoreFailed):
                charge_point.charging.start(1, "TAG_A")
            assert disk.failed
        assert memory_of(charge_point) == before
        await asyncio.sleep(10)
        assert actions(central_system) == heard and charge_point.life.failures == 0
        charge_point.charging.start(1, "TAG_A")
        await asyncio.sleep(1)
        assert len(invoices(central_system)) == 1


@simulated
async def test_a_driver_is_told_no() -> None:
    """A tag is held to the reader: "Invalid", whether it would have begun a transaction or ended one."""
    async with online() as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        with refusing(charge_point, "INSERT INTO transactions"):
            assert await charge_point.charging.present(1, "TAG_A") == "Invalid"
        assert charge_point.connectors[1].status == "Preparing"
        assert await charge_point.charging.present(1, "TAG_A") == "Accepted"
        await asyncio.sleep(10)
        with broken(charge_point):
            assert await charge_point.charging.present(1, "TAG_A") == "Invalid"
        assert charge_point.connectors[1].power > 0
        assert await charge_point.charging.present(1, "TAG_A") == "Accepted"
        await asyncio.sleep(1)
        assert [reason for _, _, reason in invoices(central_system)] == ["Local"]


@simulated
@pytest.mark.parametrize("words", ["INTO tags", "FROM tags"])
async def test_a_cache_that_fails_keeps_nobody_from_charging(words: str) -> None:
    """It only saves time: online the central system is asked, and its word counts."""
    keys = {"AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "true"}
    async with online(keys) as (_, charge_point):
        with refusing(charge_point, words) as refused:
            assert await charge_point.charging.authorize("TAG_A") == "Accepted"
            assert refused


@simulated
async def test_a_cache_that_cannot_be_read_lets_nobody_in_offline() -> None:
    """Not even with AllowOfflineTxForUnknownId: the tag may be known, and blocked."""
    keys = {"AuthorizationCacheEnabled": "true", "AllowOfflineTxForUnknownId": "true"}
    async with charge_point_alone() as charge_point:
        for key, value in keys.items():
            charge_point.configuration[key] = value
        assert await charge_point.charging.authorize("TAG_A") == "Accepted"
        with refusing(charge_point, "FROM tags"):
            assert await charge_point.charging.authorize("TAG_A") == "Invalid"


@simulated(seed=1)
@pytest.mark.parametrize("nth", range(1, 9))
async def test_a_stop_that_cannot_be_written(nth: int) -> None:
    """DESIGN.md, decision 13: the deed does not happen, so the energy still flows; and it can be stopped later."""
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        await asyncio.sleep(100)
        before = memory_of(charge_point)
        with broken(charge_point, nth) as disk:
            with pytest.raises(StoreFailed):
                charge_point.charging.stop(1, "Local")
            assert disk.failed
        assert memory_of(charge_point) == before
        assert charge_point.connectors[1].power > 0 and charge_point.connectors[1].status == "Charging"
        await asyncio.sleep(100)
        charge_point.charging.stop(1, "Local")
        await asyncio.sleep(1)
        assert [(stop, reason) for _, stop, reason in invoices(central_system)] == [(200, "Local")]


@simulated(seed=1)
async def test_all_stops_or_none() -> None:
    """One that cannot be written keeps the others going too."""
    async with online(connectors=3) as (_, charge_point):
        for connector in (1, 2, 3):
            await begin(charge_point, connector)
        await asyncio.sleep(10)
        before = memory_of(charge_point)
        for nth in range(1, 19):
            with broken(charge_point, nth) as disk:
                with pytest.raises(StoreFailed):
                    charge_point.charging.stop_all("EmergencyStop")
                assert disk.failed and memory_of_mended(charge_point) == before
        charge_point.charging.stop_all("EmergencyStop")
        assert not list(charge_point.transactions)


def memory_of_mended(charge_point: ChargePoint) -> dict[str, Any]:
    charge_point.memory.store.before = lambda sql: None
    return memory_of(charge_point)


@simulated(seed=1)
async def test_another_program_has_the_file(tmp_path: Path) -> None:
    """At once, without waiting for it: decided as on a full disk."""
    path = fresh(tmp_path)
    async with online(path=path) as (_, charge_point):
        charge_point.charging.plug_in(1)
        with locked(path):
            with pytest.raises(StoreFailed, match="locked"):
                charge_point.charging.start(1, "TAG_A")
        charge_point.charging.start(1, "TAG_A")


@simulated(seed=1)
async def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """sqlite's own SQLITE_FULL, in whichever statement of a start or a stop it comes: all of the deed, or nothing."""
    path = fresh(tmp_path)
    refused = 0
    async with online(path=path, connectors=30) as (central_system, charge_point):
        await central_system.stop()
        await charge_point.wait_for("waiting")
        for connector in range(1, 31):
            charge_point.charging.plug_in(connector)
            charge_point.charging.start(connector, "A" * 20) if connector % 2 else None
        with full(charge_point):
            for connector in range(1, 31):
                before = memory_of(charge_point)
                try:
                    if connector % 2:
                        charge_point.charging.stop(connector, "Local")
                    else:
                        charge_point.charging.start(connector, "A" * 20)
                except StoreFailed as error:
                    refused += 1
                    assert "full" in str(error) and memory_of(charge_point) == before
        assert 0 < refused < 30
