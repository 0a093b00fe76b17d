"""A transaction survives what happens to connection, central system and power (core 3.7, 4.8, 4.10).

A power cut is a copy of the file and its WAL at that instant; the restarted charge point is a new one on the copy.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab import messages as m
from ocpp_lab.station.car import Car
from tests.fakes import NOON, power_cut
from tests.pair import (
    actions,
    central_system_alone,
    charge_point_alone,
    cut,
    heal,
    payloads,
    sent_transaction_messages,
    simulated,
    simulated_now,
)
from tests.simulated import clock

START, STOP, METER = "StartTransaction", "StopTransaction", "MeterValues"
OPTIONS: dict[str, Any] = {"now": simulated_now, "delays": lambda: itertools.repeat(10.0), "ping_interval": 30}

_paths = itertools.count()


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path)


def fresh(folder: str) -> str:
    """A path that no other seed uses."""
    return f"{folder}/cp{next(_paths)}"


def central_system() -> Any:
    return central_system_alone(now=simulated_now, ping_interval=30)


@asynccontextmanager
async def charge_point(path: str = ":memory:", interval: int = 600, **options: Any) -> AsyncIterator[ChargePoint]:
    """Online, on that file."""
    async with charge_point_alone(path=path, **(OPTIONS | options)) as point:
        point.configuration["MeterValueSampleInterval"] = str(interval)
        await point.wait_for("online")
        await asyncio.sleep(1)
        yield point


async def begin(point: ChargePoint, connector: int = 1) -> None:
    point.charging.plug_in(connector, Car(wanted=50_000, power=11_000))
    assert await point.charging.present(connector, "TAG_A") == "Accepted"


def invoices(server: CentralSystem) -> list[tuple[int, int | None, str | None]]:
    return [(row["meter_start"], row["meter_stop"], row["reason"]) for row in server.ledger.rows()]


# The line dies --------------------------------------------------------------------------------------------------------


@simulated
async def test_an_hour_in_the_dark() -> None:
    """Core 3.7.1: meter values and the stop are queued, and delivered in order with the right id and timestamps."""
    async with central_system() as server, charge_point() as point:
        await begin(point)
        await asyncio.sleep(100)
        cut()
        await asyncio.sleep(3600)
        point.charging.stop(1, "Local")
        stopped_at = simulated_now()
        assert [entry.request.action for entry in point.outbox.entries()] == [METER] * 6 + [STOP]
        assert point.state != "online"
        heal()
        await asyncio.sleep(100)
        assert (point.state, len(point.outbox), point.outbox.drops) == ("online", 0, {})
        readings = [f"Meter {1833 * n + round(n / 3 - 0.34)}" for n in range(1, 7)]
        assert sent_transaction_messages(server) == ["Start 0", *readings, f"Stop {int(3700 * 11_000 / 3600)}"]
        [row] = server.ledger.rows()
        assert datetime.fromisoformat(row["stopped"]) == stopped_at
        assert len(server.ledger.readings(row["id"])) == 6
        assert actions(server).count("BootNotification") == 1  # J-spec 5.4


@simulated
async def test_a_whole_transaction_in_the_dark() -> None:
    """Core 4.8: the id is not known until the start is answered; the stop behind it gets it then."""
    async with central_system() as server, charge_point() as point:
        point.configuration["AllowOfflineTxForUnknownId"] = "true"
        cut()
        await point.wait_for("waiting")
        for _ in range(2):
            await begin(point)
            await asyncio.sleep(900)
            point.charging.unplug(1)
        heal()
        await asyncio.sleep(100)
        assert invoices(server) == [(0, 2750, "EVDisconnected"), (2750, 5500, "EVDisconnected")]
        ids = [each["transactionId"] for each in payloads(server, METER) + payloads(server, STOP)]
        assert ids == [1, 2, 1, 2]
        assert server.ledger.orphans() == []


@simulated
@pytest.mark.parametrize("action", [START, METER, STOP])
async def test_the_reply_is_lost(action: str) -> None:
    """It was acted upon, and comes again under a new unique id: twice on the wire, once in the ledger."""
    async with central_system() as server, charge_point(interval=60) as point:
        server.faults.abort(action, times=1, effect=True)
        await begin(point)
        await asyncio.sleep(90)
        point.charging.stop(1, "Local")
        await asyncio.sleep(60)
        assert actions(server).count(action) == 2
        one, two = [event.frame for event in server.received if getattr(event.frame, "action", None) == action]
        assert one.unique_id != two.unique_id and one.payload == two.payload
        assert [row["reason"] for row in server.ledger.rows()] == ["Local"]
        assert len(server.ledger.readings(1)) == 1
        assert server.ledger.orphans() == []


# The central system refuses -------------------------------------------------------------------------------------------


@simulated
async def test_a_start_that_is_given_up() -> None:
    """Core errata 3.18: −1 in what follows; it is answered as if it were valid, and kept apart."""
    async with central_system() as server, charge_point() as point:
        server.faults.call_error(START)
        await begin(point)
        await asyncio.sleep(1000)
        point.charging.stop(1, "Local")
        await asyncio.sleep(1)
        assert actions(server).count(START) == 3  # TransactionMessageAttempts: all sends
        assert point.outbox.drops == {"attempts": 1} and len(point.outbox) == 0
        assert [each["transactionId"] for each in payloads(server, METER) + payloads(server, STOP)] == [-1, -1]
        assert server.ledger.rows() == []
        assert [orphan["action"] for orphan in server.ledger.orphans()] == [METER, STOP]
        server.faults.clear()
        point.charging.unplug(1)
        await begin(point)
        await asyncio.sleep(601)
        [row] = server.ledger.rows()
        assert payloads(server, METER)[-1]["transactionId"] == row["id"] > 0


@simulated
async def test_a_stop_without_effect_is_tried_again() -> None:
    """Core 3.7.1: 60 s after the first failure, 120 s after the second; the same stop, once in the ledger."""
    async with central_system() as server, charge_point() as point:
        await begin(point)
        await asyncio.sleep(10)
        server.faults.call_error(STOP, times=2)
        point.charging.stop(1, "Local")
        stopped = clock()
        await asyncio.sleep(300)
        came = [round(event.at - stopped, 3) for event in server.received if STOP in event.text]
        assert came == [0, 60, 180]
        assert invoices(server) == [(0, 30, "Local")]


# The power goes -------------------------------------------------------------------------------------------------------


@simulated
async def test_power_loss(folder: str) -> None:
    """Core 4.10: closed with the newest reading and its instant; the meter goes on from there; it boots (core 4.2)."""
    path = fresh(folder)
    async with central_system() as server:
        async with charge_point(path, connectors=2) as point:
            await begin(point, 2)
            await asyncio.sleep(700)
            left = power_cut(path)
        async with charge_point(left, connectors=2) as point:
            await asyncio.sleep(1)
            assert invoices(server) == [(0, 1833, "PowerLoss")]
            [row] = server.ledger.rows()
            assert datetime.fromisoformat(row["stopped"]) == NOON + timedelta(seconds=601)
            assert not list(point.transactions)
            assert point.connectors[2].status == "Finishing"  # its cable is still in
            point.charging.unplug(2)
            await begin(point, 2)
            await asyncio.sleep(1)
            assert invoices(server)[1] == (1833, None, None)
        assert actions(server).count("BootNotification") == 2
        assert actions(server).count(STOP) == 1
        assert server.ledger.orphans() == []


@simulated
async def test_switched_off_politely(folder: str) -> None:
    """`stop()` reads the meters once more: no energy is lost with the power."""
    path = fresh(folder)
    async with central_system() as server:
        async with charge_point(path) as point:
            await begin(point)
            await asyncio.sleep(900)
        async with charge_point(path):
            assert invoices(server) == [(0, 2750, "PowerLoss")]
            assert datetime.fromisoformat(server.ledger.rows()[0]["stopped"]) == NOON + timedelta(seconds=901)


@simulated
async def test_resumed_after_the_power_came_back(folder: str) -> None:
    """As configured: the same transaction goes on, with the same id, and ends as any other."""
    path = fresh(folder)
    async with central_system() as server:
        async with charge_point(path) as point:
            await begin(point)
            await asyncio.sleep(900)
        async with charge_point(path, resume_transactions=True) as point:
            assert point.connectors[1].status == "Charging"
            await asyncio.sleep(700)
            point.charging.unplug(1)
            await asyncio.sleep(1)
            [(start, stop, reason)] = invoices(server)
            assert (start, reason) == (0, "EVDisconnected")
            assert stop == pytest.approx((900 + 701) * 11_000 / 3600, abs=1)
            assert {each["transactionId"] for each in payloads(server, METER)} == {1}
        assert actions(server).count(STOP) == 1


@simulated
async def test_powerless_in_the_dark(folder: str) -> None:
    """Nothing of it had been sent: start, readings and the PowerLoss stop go out in order after the restart."""
    path = fresh(folder)
    async with central_system() as server:
        async with charge_point(path) as point:
            point.configuration["AllowOfflineTxForUnknownId"] = "true"
            cut()
            await point.wait_for("waiting")
            await begin(point)
            await asyncio.sleep(1300)
            left = power_cut(path)
        heal()
        async with charge_point(left):
            assert sent_transaction_messages(server) == ["Start 0", "Meter 1833", "Meter 3666", "Stop 3666"]
            assert invoices(server) == [(0, 3666, "PowerLoss")]
            assert server.ledger.orphans() == []


@simulated
@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("moment", ["opened", "start is queued", "started", "stop is queued", "struck out", "stopped"])
async def test_the_power_goes_between_two_lines(moment: str, resume: bool, folder: str) -> None:
    """Between any two statements of start and stop: never a stop twice, never a stop without its start.

    What belongs together is written together: a cut in the middle of it leaves what was before it.
    """
    path = fresh(folder)
    cuts: dict[str, str] = {}

    def after(what: str, thing: Any, name: str) -> None:
        original = getattr(thing, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            is_stop = isinstance(args[0], m.StopTransactionRequest)
            if what not in cuts and (not what.endswith("is queued") or what.startswith("stop") == is_stop):
                cuts[what] = power_cut(path)
            return result

        setattr(thing, name, wrapped)

    async with central_system() as server:
        async with charge_point(path) as point:
            point.configuration["AllowOfflineTxForUnknownId"] = "true"
            cut()
            await point.wait_for("waiting")
            after("opened", point.transactions, "open")
            after("start is queued", point.outbox, "put")
            after("started", point.charging.bays, "accept")
            after("stop is queued", point.outbox, "put")
            after("struck out", point.transactions, "strike_out")
            after("stopped", point.charging, "stop")
            await begin(point)
            point.charging.stop(1, "Local")
        heal()
        async with charge_point(cuts[moment], resume_transactions=resume) as point:
            assert len(point.outbox) == 0
            begun, ended = moment not in ("opened", "start is queued"), moment == "stopped"
            running = [(0, None, None)] if resume else [(0, 0, "PowerLoss")]
            assert invoices(server) == ([(0, 0, "Local")] if ended else running if begun else [])
            assert len(list(point.transactions)) == (1 if begun and not ended and resume else 0)
            assert server.ledger.orphans() == []


@simulated
async def test_powerless_after_the_start_was_given_up(folder: str) -> None:
    """Core errata 3.18: it ran all the same, so it is stopped, with −1 also after the restart."""
    path = fresh(folder)
    async with central_system() as server:
        server.faults.call_error(START)
        async with charge_point(path) as point:
            await begin(point)
            await asyncio.sleep(1000)
            assert point.outbox.drops == {"attempts": 1}
            left = power_cut(path)
        async with charge_point(left):
            stop = payloads(server, STOP)[-1]
            assert (stop["transactionId"], stop["reason"], stop["meterStop"]) == (-1, "PowerLoss", 1833)


@simulated
async def test_availability_and_known_tags_survive(folder: str) -> None:
    """Core 5.2, 3.5.1."""
    path = fresh(folder)
    async with central_system() as server:
        async with charge_point(path, connectors=2) as point:
            request = m.ChangeAvailabilityRequest(connector_id=2, type="Inoperative")
            await server["CP_1"].call(request)
            await point.charging.authorize("TAG_A")
        async with charge_point(path, connectors=2) as point:
            assert [point.connectors[n].status for n in range(3)] == ["Available", "Available", "Unavailable"]
            assert point.cache.status("tag_a", simulated_now()) == "Accepted"
        told = {each["connectorId"]: each["status"] for each in payloads(server, "StatusNotification")}
        assert told == {0: "Available", 1: "Available", 2: "Unavailable"}


@simulated
async def test_failures_are_counted_across_the_restart(folder: str) -> None:
    """TransactionMessageAttempts is for the message, not for the process."""
    path = fresh(folder)
    async with central_system() as server:
        server.faults.call_error(START)
        async with charge_point(path) as point:
            await begin(point)
            await asyncio.sleep(65)
            assert actions(server).count(START) == 2
            left = power_cut(path)
        async with charge_point(left) as point:
            await asyncio.sleep(1000)
            assert actions(server).count(START) == 3
            assert point.outbox.drops == {"attempts": 1}
            [orphan] = server.ledger.orphans()
            assert json.loads(orphan["payload"])["reason"] == "PowerLoss"
