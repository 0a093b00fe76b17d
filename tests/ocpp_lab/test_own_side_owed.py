"""When our own file fails and the deed cannot be refused: it is done, and what has to be written is owed.

A cable that is pulled, a tag that is not accepted after all, a meter that runs, a power switch. On simulated time.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import ChargePoint
from ocpp_lab.errors import StoreFailed
from ocpp_lab.store import Store
from tests.fakes import NOON, power_cut
from tests.own_side import METER, START, STOP, begin, broken, invoices, online, refusing, told
from tests.pair import actions, central_system_alone, charge_point_alone, payloads, simulated, simulated_now
from tests.simulated import clock

_files = itertools.count()  # one for each seed


def fresh(folder: Path) -> str:
    return str(folder / f"{next(_files)}.db")


@simulated
@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5, 6, 7, 8])
async def test_a_cable_that_is_pulled(nth: int) -> None:
    """No energy, no car; the stop is written as soon as it can be, with the instant and the meter of the unplugging."""
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        await asyncio.sleep(9.5)
        with broken(charge_point, nth):
            charge_point.charging.unplug(1)
            place = charge_point.connectors[1]
            assert (place.power, place.car, place.status) == (0, None, "Available")
            await asyncio.sleep(20)
            assert charge_point.chores.bugs
        await asyncio.sleep(10)
        assert invoices(central_system) == [(0, 10, "EVDisconnected")]
        [row] = central_system.ledger.rows()
        late = datetime.fromisoformat(row["stopped"]) - (NOON + timedelta(seconds=11))
        assert timedelta() <= late <= timedelta(milliseconds=1)  # the timestamp that was undone is not given again
        assert not list(charge_point.transactions) and not charge_point.transactions.over
        assert told(central_system)[-1] == "Available" and charge_point.life.failures <= 20


@simulated
async def test_what_is_owed_comes_first() -> None:
    """The next driver waits until the stop is written; then both are written, in their order (core 3.7)."""
    async with online(connectors=2) as (central_system, charge_point):
        await begin(charge_point)
        with broken(charge_point):
            charge_point.charging.unplug(1)
            charge_point.charging.plug_in(1)
            charge_point.charging.plug_in(2)
            with pytest.raises(StoreFailed):
                charge_point.charging.start(2, "TAG_B")
        await charge_point.wait_for("online")
        charge_point.charging.start(2, "TAG_B")  # before the chore got to it
        charge_point.charging.start(1, "TAG_C")
        assert clock() < 7
        await asyncio.sleep(10)
        sent = [action for action in actions(central_system) if action in (START, STOP)]
        assert sent == [START, STOP, START, START]
        assert [row["reason"] for row in central_system.ledger.rows()] == ["EVDisconnected", None, None]
        assert len(list(charge_point.transactions)) == 2


@simulated
async def test_what_is_owed_is_over() -> None:
    """Its row is still in the file, but it is no transaction: not read, not stopped again, not gone on with."""
    async with online({"MeterValueSampleInterval": "1"}) as (central_system, charge_point):
        await begin(charge_point)
        await asyncio.sleep(2)
        with locked_out(charge_point):
            charge_point.charging.unplug(1)
            read = actions(central_system).count(METER)
            assert list(charge_point.transactions) == [] and charge_point.transactions.on(1) is None
            charge_point.charging.plug_in(1)
            assert charge_point.connectors[1].status == "Preparing"
            assert await charge_point.charging.present(1, "TAG_A") == "Invalid"
            await asyncio.sleep(20)
            assert charge_point.connectors[1].power == 0
        await asyncio.sleep(10)
        assert actions(central_system).count(METER) == read and actions(central_system).count(STOP) == 1


def locked_out(charge_point: ChargePoint) -> Any:
    """What begins to write fails; what only reads works, as it does on a full disk."""
    return refusing(charge_point, "BEGIN IMMEDIATE")


@simulated
async def test_a_power_cut_before_it_is_written(tmp_path: Path) -> None:
    """The file still has the transaction: the next life closes it. Only the reason is lost, and what flowed since."""
    path = fresh(tmp_path)
    async with central_system_alone(now=simulated_now) as central_system:
        async with charge_point_alone(path=path, now=simulated_now) as charge_point:
            charge_point.configuration["MeterValueSampleInterval"] = "10"
            await charge_point.wait_for("online")
            await begin(charge_point)
            await asyncio.sleep(15)
            with locked_out(charge_point):
                charge_point.charging.unplug(1)
                path = power_cut(path)
        async with charge_point_alone(path=path, now=simulated_now) as charge_point:
            await charge_point.wait_for("online")
            await asyncio.sleep(1)
            assert invoices(central_system) == [(0, 10, "PowerLoss")]
            assert not list(charge_point.transactions)


@simulated
async def test_a_boot_on_a_full_disk(tmp_path: Path) -> None:
    """What the power cut left open cannot be closed: it comes online all the same, and closes it later."""
    path = fresh(tmp_path)
    async with central_system_alone(now=simulated_now) as central_system:
        async with charge_point_alone(path=path, now=simulated_now) as charge_point:
            await charge_point.wait_for("online")
            await begin(charge_point)
            path = power_cut(path)
        store = Store(path, "CP_1")
        store.before = lambda sql: None if not sql.startswith("BEGIN") else _no_room()
        async with charge_point_alone(path=store, now=simulated_now) as charge_point:
            await charge_point.wait_for("online")
            await asyncio.sleep(30)
            assert actions(central_system).count(STOP) == 0 and not list(charge_point.transactions)
            store.before = lambda sql: None
            await asyncio.sleep(10)
            assert invoices(central_system) == [(0, 0, "PowerLoss")]


def _no_room() -> None:
    raise sqlite3.OperationalError("database or disk is full")


@simulated
@pytest.mark.parametrize("stop", ["true", "false"])
async def test_a_tag_that_is_not_accepted_after_all(stop: str) -> None:
    """Core 4.8: no energy for it from the answer on, whether or not its stop can be written."""
    async with online({"StopTransactionOnInvalidId": stop}) as (central_system, charge_point):
        central_system.policy.id_tags["TAG_A"] = "Blocked"
        charge_point.charging.plug_in(1)
        with refusing(charge_point, "UPDATE transactions") as refused:  # each reading, and so each stop
            charge_point.charging.start(1, "TAG_A")
            await asyncio.sleep(10)
            assert charge_point.connectors[1].power == 0
            assert bool(refused) == (stop == "true")
        await asyncio.sleep(10)
        assert [reason for _, _, reason in invoices(central_system)] == (["DeAuthorized"] if stop == "true" else [None])
        assert charge_point.life.failures == 0


# Meters ---------------------------------------------------------------------------------------------------------------


@simulated
async def test_readings_go_on() -> None:
    """Those of a full disk are missed and counted; the next one comes at its time, and so does the end of the car."""
    async with online({"MeterValueSampleInterval": "10"}) as (central_system, charge_point):
        await begin(charge_point)
        await asyncio.sleep(20)
        with broken(charge_point):
            await asyncio.sleep(30)
        assert charge_point.metering.missed == 3
        await asyncio.sleep(20)
        at = [each["meterValue"][0]["timestamp"][17:19] for each in payloads(central_system, METER)]
        assert at == ["11", "21", "01", "11"]  # seconds of the minute: 31, 41 and 51 are missed
        assert charge_point.connectors[1].power > 0


# The end of a life ----------------------------------------------------------------------------------------------------


def open_files(path: str) -> list[str]:
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return [os.readlink(link) for link in links if os.path.islink(link) and path in os.readlink(link)]


@simulated
@pytest.mark.parametrize("connectors", [1, 3])
async def test_last_readings_that_cannot_be_written(connectors: int, tmp_path: Path) -> None:
    """Everything is closed, then the error is told; to stop again is fine. What can be written is."""
    path = fresh(tmp_path)
    async with central_system_alone(now=simulated_now) as central_system:
        async with charge_point_alone(path=path, now=simulated_now, connectors=connectors) as charge_point:
            await charge_point.wait_for("online")
            for connector in range(1, connectors + 1):
                await begin(charge_point, connector)
            await asyncio.sleep(100)
            charge_point.memory.store.before = once_no_room()
            with pytest.raises(StoreFailed):
                await charge_point.stop()
            assert charge_point.state == "stopped" and open_files(path) == []
            await charge_point.stop()
        async with charge_point_alone(path=path, now=simulated_now) as charge_point:  # nobody has locked the file
            await charge_point.wait_for("online")
            await asyncio.sleep(1)
            stops = [stop for _, stop, _ in invoices(central_system)]
            assert stops[0] == 60 and all(stop and stop >= 100 for stop in stops[1:])  # 60: the reading before


def once_no_room() -> Any:
    """Fails the first BEGIN."""
    left = iter([_no_room])
    return lambda sql: next(left, lambda: None)() if sql.startswith("BEGIN") else None


@simulated
async def test_the_block_s_own_error_wins_over_last_words() -> None:
    """Both go wrong: the reader of the traceback must see what happened first."""
    with pytest.raises(KeyError):
        async with ChargePoint("ws://127.0.0.1:9", "CP_1", now=simulated_now) as charge_point:
            charge_point.charging.plug_in(1)
            charge_point.charging.start(1, "TAG_A")
            charge_point.memory.store.before = lambda sql: _no_room()
            raise KeyError


@simulated
async def test_the_stop_is_a_last_chance_to_pay(tmp_path: Path) -> None:
    """The disk works again, and the chore has not come to it yet."""
    path = fresh(tmp_path)
    async with charge_point_alone(path=path, now=simulated_now) as charge_point:
        charge_point.charging.plug_in(1)
        charge_point.charging.start(1, "TAG_A")
        with locked_out(charge_point):
            charge_point.charging.unplug(1)
    async with charge_point_alone(path=path, now=simulated_now) as charge_point:
        reasons = [getattr(entry.request, "reason", None) for entry in charge_point.outbox.entries()]
        assert reasons == [None, "EVDisconnected"]


@simulated(seed=1)
async def test_a_file_that_cannot_be_read_when_it_starts(tmp_path: Path) -> None:
    """StoreFailed from the start, and nothing is left open."""
    path = fresh(tmp_path)
    store = Store(path, "CP_1")
    store.before = lambda sql: _no_room() if "FROM outbox" in sql and "count" not in sql else None
    with pytest.raises(StoreFailed):
        async with charge_point_alone(path=store):
            pass
    assert open_files(path) == []
