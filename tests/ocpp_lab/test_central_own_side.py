"""When the central system's file fails: a transaction message gets no answer and 1011, so that its charge point keeps
it (core 3.7.1: a reported failure uses up an attempt; silence and a lost connection do not)."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ocpp_lab import Call, CallError, CallFailed, CallResult, CentralSystem, ConnectionLost, Ledger, StoreFailed
from ocpp_lab import messages as m
from ocpp_lab.station.car import Car
from tests.fakes import NOON, Failing
from tests.house import scaled
from tests.learner import MyRouter
from tests.pair import central_system_alone, charge_point_alone, pair, simulated, simulated_now
from tests.plain import boot, closed_with, facing

START = m.StartTransactionRequest(connector_id=1, id_tag="TAG", meter_start=0, timestamp=NOON)
STOP = m.StopTransactionRequest(transaction_id=1, meter_stop=9, timestamp=NOON)
READING = [m.MeterValue(timestamp=NOON, sampled_value=[m.SampledValue(value="1")])]
METER = m.MeterValuesRequest(connector_id=1, transaction_id=1, meter_value=READING)
OUTSIDE = m.MeterValuesRequest(connector_id=1, meter_value=READING)
SOON: dict[str, Any] = {"now": simulated_now, "delays": lambda: itertools.repeat(10.0)}
_files = itertools.count()  # one for each seed


# What can be wrong with a file: `with wrong(ledger):` it fails, and after that it is mended ---------------------------


@contextmanager
def full(ledger: Ledger) -> Iterator[None]:
    """No page more than there are, and each of them is filled up first."""
    ledger.query("PRAGMA max_page_count = 1")
    keeps: list[Callable[[datetime], object]] = [
        lambda at: ledger.start("filler", replace(START, timestamp=at)),
        lambda at: ledger.meter_values("filler", replace(OUTSIDE, meter_value=[replace(READING[0], timestamp=at)])),
    ]
    for keep in keeps:
        with pytest.raises(StoreFailed, match="full"):
            for seconds in itertools.count():
                keep(NOON + timedelta(seconds=seconds))
    yield
    ledger.query("PRAGMA max_page_count = 1000000")


@contextmanager
def locked(ledger: Ledger) -> Iterator[None]:
    """Another program writes, and does not come to an end."""
    other = sqlite3.connect(ledger._db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@contextmanager
def broken(ledger: Ledger) -> Iterator[None]:
    ledger.before = Failing(1, once=False, error="disk I/O error")
    yield
    ledger.before = lambda sql: None


WRONG = [full, locked, broken]


def a_ledger(tmp_path: Path) -> Ledger:
    return Ledger(str(tmp_path / f"{next(_files)}.db"))


# A transaction message ------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("request_", [START, STOP, METER, OUTSIDE], ids=["start", "stop", "meter values", "outside"])
async def test_what_cannot_be_kept_gets_no_answer(request_: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Indefinite for whoever sent it, and not reported: it will send it again. The log says what is wrong."""
    ledger = Ledger()
    async with pair(server={"ledger": ledger}, **SOON) as (central_system, point):
        await point.wait_for("online")
        ledger.before = Failing(1, once=False)
        with pytest.raises(ConnectionLost) as lost:
            await point.call(request_)
        assert (lost.value.code, lost.value.definite, lost.value.reported) == (1011, False, False)
        assert _replies_to(central_system, request_.action) == []
        assert f"{request_.action} cannot be kept, closing with 1011" in caplog.text
        assert "database or disk is full" in caplog.text
        ledger.before = lambda sql: None
        await point.wait_for("online")
        await point.call(request_)


@simulated
async def test_a_report_that_cannot_be_kept_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """It is answered with InternalError; a full disk is no bug of ours, so where in the code it was says nothing."""
    ledger = Ledger()
    async with pair(server={"ledger": ledger}, **SOON) as (_, point):
        await point.wait_for("online")
        ledger.before = Failing(1, once=False)
        with pytest.raises(CallFailed) as failed:
            await point.call(m.DataTransferRequest(vendor_id="org.example"))
        assert failed.value.code == "InternalError"
        assert "answering DataTransfer failed: StoreFailed(" in caplog.text and "is full" in caplog.text
        assert "Traceback" not in caplog.text
        ledger.before = lambda sql: None


@simulated(seeds=scaled(2, 4))
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
async def test_a_driver_pays_once_and_for_all(wrong: Callable[[Ledger], Any], tmp_path: Path) -> None:
    """The file fails over the start, over readings and over the stop, each for longer than all attempts would last."""
    ledger = a_ledger(tmp_path)
    async with pair(server={"ledger": ledger}, **SOON) as (central_system, point):
        point.configuration["MeterValueSampleInterval"] = "50"
        await point.wait_for("online")
        with wrong(ledger):
            point.charging.plug_in(1, Car(wanted=1e6, power=3_600))
            await point.charging.present(1, "TAG")
            await asyncio.sleep(510)  # a reading is due every 50
            assert len(point.outbox) == 1 + 10
        await asyncio.sleep(100)
        assert len(point.outbox) == 0
        with wrong(ledger):
            await asyncio.sleep(500)
            point.charging.unplug(1)
            await asyncio.sleep(500)
            assert len(point.outbox) == 10 + 1
        await asyncio.sleep(100)
        assert len(point.outbox) == 0 and not point.outbox.drops
        [row] = [each for each in ledger.rows() if each["identity"] == "CP_1"]
        assert (row["id_tag"], row["reason"]) == ("TAG", "EVDisconnected")
        assert len(ledger.readings(row["id"])) == 1110 // 50
        assert ledger.orphans() == ledger.second_stops() == []
        assert "InternalError" not in str(list(central_system.trace))
    ledger.close()


@simulated
async def test_others_are_not_frozen_by_a_lock(tmp_path: Path) -> None:
    """Seen before: everybody stood still for 5 s. Nobody waits for the lock, not even who wants to write."""
    ledger = a_ledger(tmp_path)
    async with central_system_alone(ledger=ledger) as central_system:
        async with facing(central_system, "CP_1") as writer, facing(central_system, "CP_2") as other:
            with locked(ledger):
                payload = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": "2030-06-01T12:00:00Z"}
                await writer.say(2, "start", "StartTransaction", payload)
                await other.is_served()
                assert await closed_with(writer.websocket) == 1011
                await other.is_served()
            async with facing(central_system, "CP_1", boots=False) as again:
                assert (await again.ask("start", "StartTransaction", payload))[:2] == [3, "start"]
    assert ledger.query("PRAGMA busy_timeout") == [{"timeout": 0}]  # in it, sqlite stops the whole loop
    ledger.close()


# Whoever answers ------------------------------------------------------------------------------------------------------


class Sqlite(MyRouter):
    """A router of somebody's own, with a file of its own."""

    error: Exception = sqlite3.OperationalError("database or disk is full")

    async def answer(self, call: Call) -> Any:
        if call.action in ("StartTransaction", "Heartbeat"):
            raise self.error
        return await super().answer(call)


@simulated
@pytest.mark.parametrize("error", [Sqlite.error, StoreFailed("full")], ids=repr)
async def test_a_router_with_a_file_of_its_own(error: Exception) -> None:
    """What leaves `answer` is known for what it is, if it is sqlite's own error or `StoreFailed`."""
    router = Sqlite()
    router.error = error
    async with pair(server={"router": router}, **SOON) as (_, point):
        await point.wait_for("online")
        with pytest.raises(ConnectionLost) as lost:
            await point.call(START)
        assert lost.value.code == 1011


@simulated
async def test_a_ledger_that_speaks_sqlite() -> None:
    """With our own handlers in front of it: what sqlite raises is not taken for a bug of a handler."""

    class Direct(Ledger):
        def stop(self, identity: str, request: m.StopTransactionRequest) -> None:
            raise sqlite3.DatabaseError("database disk image is malformed")

    async with pair(server={"ledger": Direct()}, **SOON) as (_, point):
        await point.wait_for("online")
        with pytest.raises(ConnectionLost) as lost:
            await point.call(STOP)
        assert lost.value.code == 1011
        await point.wait_for("online")
        await point.call(START)


@simulated
async def test_an_answer_that_was_to_be_spoilt_on_purpose() -> None:
    """A fault that acts first, and answers wrongly then, has nothing to answer."""
    ledger = Ledger()
    async with pair(server={"ledger": ledger}, **SOON) as (central_system, point):
        await point.wait_for("online")
        central_system.faults.answer_twice("StartTransaction")
        ledger.before = Failing(1, once=False)
        with pytest.raises(ConnectionLost) as lost:
            await point.call(START)
        assert lost.value.code == 1011
        ledger.before = lambda sql: None


@simulated
async def test_any_other_call_gets_an_internal_error() -> None:
    """Nobody destroys anything because a heartbeat failed; the connection lives."""
    async with central_system_alone(router=Sqlite()) as central_system, facing(central_system) as peer:
        assert (await peer.ask("id", "Heartbeat", {}))[:3] == [4, "id", "InternalError"]
        assert (await peer.ask("id", "Authorize", {"idTag": "TAG"}))[0] == 4  # which `MyRouter` does not know
        assert "CP_1" in central_system


# Registrations --------------------------------------------------------------------------------------------------------


@simulated
async def test_memory_does_not_know_more_than_the_file() -> None:
    """Seen before: nobody was told, and the central system took it for accepted until it restarted."""
    ledger = Ledger()
    async with central_system_alone(ledger=ledger) as central_system:
        async with facing(central_system, boots=False) as peer:
            ledger.before = Failing(1)
            await peer.say(2, "boot", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
            await asyncio.sleep(0.5)
            assert central_system.registrations == ledger.registrations() == {}
    async with central_system_alone(ledger=ledger) as central_system, facing(central_system) as peer:
        assert central_system.registrations == ledger.registrations() == {"CP_1": "Accepted"}


@simulated
async def test_a_boot_that_cannot_be_kept_gets_an_end(caplog: pytest.LogCaptureFixture) -> None:
    """InternalError, logged with its traceback; the charge point boots again, on the same connection."""
    ledger = Ledger()
    async with central_system_alone(ledger=ledger) as central_system:
        async with facing(central_system, boots=False) as peer:
            ledger.before = Failing(1, once=False)
            assert await boot(peer) == "InternalError"
            assert central_system.registrations == {} and "StoreFailed" in caplog.text
            ledger.before = lambda sql: None
            assert await boot(peer) == "Accepted"
            await peer.is_served()
        central_system.registrations.clear()
        ledger.before = Failing(1, once=False)
        async with charge_point_alone(**SOON) as point:
            await asyncio.sleep(100)
            assert point.state == "booting"
            ledger.before = lambda sql: None
            await point.wait_for("online")


@simulated
async def test_a_registration_is_written_when_it_changes() -> None:
    """A thousand charge points that boot again are not a thousand writes; nor do they need a disk that works."""
    ledger, written = Ledger(), []

    def look(sql: str) -> None:
        written.extend([sql] * ("registrations" in sql))

    async with central_system_alone(ledger=ledger) as central_system, facing(central_system) as peer:
        ledger.before = look
        for _ in range(3):
            assert await boot(peer) == "Accepted"
        assert written == []
        for status in ("Pending", "Accepted"):
            central_system.policy.registration = status
            assert await boot(peer) == status
            assert await boot(peer) == status
        assert len(written) == 2


def _replies_to(central_system: CentralSystem, action: str) -> list[Any]:
    asked = {event.frame.unique_id for event in central_system.received if getattr(event.frame, "action", "") == action}  # type: ignore[union-attr]
    sent = [event.frame for event in central_system.trace if event.mark == ">"]
    return [frame for frame in sent if isinstance(frame, CallResult | CallError) and frame.unique_id in asked]
