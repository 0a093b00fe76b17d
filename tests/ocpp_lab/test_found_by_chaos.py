"""What chaos found in the stack, each as the smallest scene that shows it. `test_planted_bugs` proves the explorer."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import (
    CentralSystem,
    ChargePoint,
    ConnectionLost,
    Event,
    NotConnected,
    OcppError,
    Outbox,
    Policy,
    Store,
    StoreFailed,
    Trace,
)
from ocpp_lab import messages as m
from ocpp_lab.charge_point.firmware_image import make_image
from ocpp_lab.frames import CallResult
from ocpp_lab.session import Session
from ocpp_lab.simulation.bad_disk import FULL, BadDisk
from ocpp_lab.station.car import Car
from tests.own_side import broken, online
from tests.pair import (
    URL,
    action_of,
    actions,
    central_system_alone,
    charge_point_alone,
    heal,
    on,
    pair,
    sent_transaction_messages,
    serving,
    simulated,
    simulated_now,
)
from tests.simulated import clock

START = "StartTransaction"
READING = m.MeterValuesRequest(
    connector_id=1,
    transaction_id=-1,
    meter_value=[
        m.MeterValue(timestamp=datetime(2030, 6, 1, 12, tzinfo=UTC), sampled_value=[m.SampledValue(value="1")])
    ],
)
OPTIONS: dict[str, Any] = {"now": simulated_now, "delays": lambda: itertools.repeat(10.0)}


async def begin(charge_point: ChargePoint, connector: int = 1) -> None:
    """A car is plugged in, and a transaction starts; nobody is asked."""
    await charge_point.wait_for("online")
    await asyncio.sleep(1)
    charge_point.configuration["MeterValueSampleInterval"] = "0"
    charge_point.charging.plug_in(connector, Car(wanted=1e6, power=3_600))  # 1 Wh a second
    charge_point.charging.start(connector, "TAG_A")


# The end of a line ----------------------------------------------------------------------------------------------------


class Deaf(ChargePoint):
    """Its life overhears the first order to end, as a TaskGroup that aborts in that instant did before Python 3.13."""

    async def _live(self) -> None:
        with suppress(asyncio.CancelledError):
            await super()._live()
        await asyncio.get_running_loop().create_future()


@simulated
async def test_stop_in_the_instant_of_a_loss() -> None:
    """Stopping never hangs: it is ordered again."""
    charge_point = await on("cp", Deaf(URL, "CP_1", **OPTIONS).start())
    await asyncio.sleep(25)
    began = clock()
    await on("cp", charge_point.stop())
    assert charge_point.state == "stopped"
    assert clock() - began < 10


@simulated(seeds=20)
async def test_an_answer_with_the_last_breath() -> None:
    """The result is read after the loss: the message is delivered, and not sent again (core 3.7.1)."""

    def look_away(event: Event) -> None:
        if event.mark == ">" and action_of(event) == START and not closing:
            charge_point.uplink.transport.pipe.stop_reading(5)  # type: ignore[union-attr,attr-defined]

    def hang_up(event: Event) -> None:
        if event.mark == ">" and isinstance(event.frame, CallResult) and "transactionId" in event.text:
            closing.append(asyncio.create_task(central_system["CP_1"].close(1001)))

    closing: list[asyncio.Task[None]] = []
    server = {"trace": Trace(listener=hang_up)}
    async with pair(server=server, trace=Trace(listener=look_away), **OPTIONS) as (central_system, charge_point):
        await begin(charge_point)
        await asyncio.sleep(60)
        assert sent_transaction_messages(central_system) == ["Start 0"]
        assert len(closing) == 1 and len(charge_point.outbox) == 0


@simulated
async def test_nothing_is_sent_on_a_line_that_was_given_up() -> None:
    """A message and the Heartbeat that asks about it get no answer: who waits behind them is told that nothing left."""
    async with pair(server={"ping_interval": None}, ping_interval=None, **OPTIONS) as (central_system, charge_point):
        for action in (START, "Heartbeat", "Authorize"):
            central_system.faults.ignore(action)
        await begin(charge_point)
        await asyncio.sleep(45)  # the Heartbeat is on the wire
        with pytest.raises(NotConnected, match="given up"):
            await charge_point.call(m.AuthorizeRequest(id_tag="TAG_B"))
        central_system.faults.clear()
        await asyncio.sleep(30)
        assert "Authorize" not in actions(central_system)
        assert [row["id_tag"] for row in central_system.ledger.rows()] == ["TAG_A"]


@simulated
async def test_a_newer_line_is_known_after_the_end_of_the_older() -> None:
    """J-spec 4.1.1: whoever calls on the newer one would otherwise have two calls in flight."""

    def listen(event: Event) -> None:
        if event.text.startswith("connected "):
            pending.append([len(session.pending) for session in older])

    older: list[Session] = []
    pending: list[list[int]] = []
    async with central_system_alone(trace=Trace(listener=listen)) as central_system:
        old = await on("old", ChargePoint(URL, "CP_1", **OPTIONS).start())
        await old.wait_for("online")
        loop: Any = asyncio.get_running_loop()
        loop.net.partition(["cs"], ["old"])
        request = m.GetConfigurationRequest(key=["HeartbeatInterval"])
        older.append(central_system["CP_1"])
        calling = asyncio.create_task(central_system["CP_1"].call(request, timeout=3600))
        await asyncio.sleep(1)
        assert len(older[0].pending) == 1
        new = await on("new", ChargePoint(URL, "CP_1", **OPTIONS).start())
        await new.wait_for("online")
        with pytest.raises(ConnectionLost):
            await calling
        assert pending == [[], [0]]
        heal()
        await on("old", old.stop())
        await on("new", new.stop())


# A central system that forgot -----------------------------------------------------------------------------------------


@simulated
async def test_who_cannot_ask_consumes_no_attempt() -> None:
    """A start is swallowed; before the Heartbeat that asks about it, the peer says SecurityError to somebody else."""
    async with pair(Policy(interval=1000), **OPTIONS) as (central_system, charge_point):
        charge_point.configuration["TransactionMessageAttempts"] = "1"
        await charge_point.wait_for("online")
        central_system.faults.ignore(START, times=1)
        await begin(charge_point)
        await asyncio.sleep(5)
        central_system.registrations.clear()
        with pytest.raises(OcppError):  # waits in the lane behind the start, perhaps behind a StatusNotification
            await charge_point.call(m.AuthorizeRequest(id_tag="TAG_B"))
        await asyncio.sleep(60)
        assert sent_transaction_messages(central_system) == ["Start 0", "Start 0"]
        assert charge_point.outbox.drops == {} and len(central_system.ledger.rows()) == 1


@simulated
async def test_an_id_that_was_given_twice() -> None:
    """A central system without its memory counts from 1 again: RemoteStopTransaction means what runs (core 5.12)."""
    first = await serving(now=simulated_now)
    async with charge_point_alone(connectors=2, **OPTIONS) as charge_point:
        await begin(charge_point, 1)
        await asyncio.sleep(10)
        charge_point.charging.stop(1, "Local")
        await asyncio.sleep(10)
        assert [row["id"] for row in first.ledger.rows()] == [1]
        await on("cs", first.stop())
        second = await serving(now=simulated_now)
        await asyncio.sleep(30)
        await begin(charge_point, 2)
        await asyncio.sleep(60)
        assert [row["id"] for row in second.ledger.rows()] == [1]
        answer = await second["CP_1"].call(m.RemoteStopTransactionRequest(transaction_id=1))
        assert answer.status == "Accepted"
        await asyncio.sleep(10)
        assert [(row["connector"], row["reason"]) for row in second.ledger.rows()] == [(2, "Remote")]
        await on("cs", second.stop())


# An answer that comes late --------------------------------------------------------------------------------------------


@simulated
async def test_a_tag_is_refused_after_its_transaction_ended() -> None:
    """Core 4.8: there is nothing left to stop, and the line holds."""
    policy = Policy(id_tags={"TAG_A": "Blocked"})
    async with pair(policy, **OPTIONS) as (central_system, charge_point):
        central_system.faults.delay(START, seconds=5)
        await begin(charge_point)
        await asyncio.sleep(1)
        charge_point.charging.unplug(1)
        await asyncio.sleep(30)
        assert [row["reason"] for row in central_system.ledger.rows()] == ["EVDisconnected"]
        assert charge_point.uptime.losses == 0 and len(charge_point.outbox) == 0


@simulated
async def test_the_cable_is_pulled_while_a_remote_start_asks() -> None:
    """AuthorizeRemoteTxRequests (core 5.11): the tag is accepted too late, which is no trouble."""
    async with pair(**OPTIONS) as (central_system, charge_point):
        await charge_point.wait_for("online")
        charge_point.configuration["AuthorizeRemoteTxRequests"] = "true"
        central_system.faults.delay("Authorize", seconds=5)
        charge_point.charging.plug_in(1)
        request = m.RemoteStartTransactionRequest(id_tag="TAG_A", connector_id=1)
        assert (await central_system["CP_1"].call(request)).status == "Accepted"
        charge_point.charging.unplug(1)
        await asyncio.sleep(30)
        assert "Authorize" in actions(central_system) and START not in actions(central_system)
        assert not [event.text for event in charge_point.trace if event.mark == "!"]


# Transactions ---------------------------------------------------------------------------------------------------------


@simulated
async def test_two_transactions_in_one_millisecond_are_two() -> None:
    """Started, stopped and started again in one instant, with the same tag and the same meter: the central system tells
    them apart, and neither stop comes before its start."""
    async with pair(**OPTIONS) as (central_system, charge_point):
        await begin(charge_point)
        charge_point.charging.stop(1, "SoftReset")
        charge_point.charging.start(1, "TAG_A")
        charge_point.charging.stop(1, "Local")
        await asyncio.sleep(60)
        rows = central_system.ledger.rows()
        assert [row["reason"] for row in rows] == ["SoftReset", "Local"]
        assert len({row["started"] for row in rows}) == 2
        assert all(row["started"] <= row["stopped"] for row in rows)
        assert not len(charge_point.outbox)


# A file that fails ----------------------------------------------------------------------------------------------------


async def test_what_was_not_dropped_after_all_is_not_counted() -> None:
    """A full outbox is thinned out for a reading that then cannot be written: nothing was dropped."""
    disk = BadDisk(lambda: 0.0)
    disk.put_under(store := Store())
    outbox = Outbox(store, limit=4)
    for _ in range(4):
        outbox.put(READING)
    disk.fail(FULL, spared=3)  # the reading and two deletions have room, the COMMIT has none
    with pytest.raises(StoreFailed):
        outbox.put(READING)
    assert (len(outbox), outbox.drops) == (4, {})
    disk.heal()
    outbox.put(READING)
    assert (len(outbox), outbox.drops) == (3, {"overflow": 2})


@simulated
async def test_who_begins_before_a_debt_is_paid() -> None:
    """A cable was pulled while the file failed. The next driver is faster than the second attempt to write that: his
    start is written behind it, and limits hold for him too (core 3.7, 3.13)."""
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        await asyncio.sleep(10)
        with broken(charge_point):
            charge_point.charging.unplug(1)
        charge_point.charging.plug_in(1, Car(wanted=1e6, power=3_600))
        assert await charge_point.charging.present(1, "TAG_B") == "Accepted"
        assert charge_point.connectors[1].status == "Charging"
        await asyncio.sleep(30)
        assert [row["reason"] for row in central_system.ledger.rows()] == ["EVDisconnected", None]


# New firmware ---------------------------------------------------------------------------------------------------------


async def installing(central_system: CentralSystem, folder: Path) -> None:
    (folder / "new.bin").write_bytes(make_image("2.0.0"))
    request = m.UpdateFirmwareRequest(location=f"file://{folder}/new.bin", retrieve_date=simulated_now())
    await central_system["CP_1"].call(request)
    await asyncio.sleep(2)


@simulated
async def test_who_is_wanted_during_an_update_comes_after_it(tmp_path: Path) -> None:
    """Operative is commanded while firmware is installed: it is written down, and counts when that is over (core errata
    3.49, core 5.2)."""
    async with pair(file_folder=str(tmp_path), **OPTIONS) as (central_system, charge_point):
        await charge_point.wait_for("online")
        await installing(central_system, tmp_path)
        request = m.ChangeAvailabilityRequest(connector_id=1, type="Operative")
        assert (await central_system["CP_1"].call(request)).status == "Scheduled"
        assert charge_point.connectors[1].status == "Unavailable"
        await asyncio.sleep(60)
        assert charge_point.connectors[1].status == "Available"
        assert charge_point.boot.firmware_version == "2.0.0"


@simulated
async def test_an_update_waits_for_who_was_there_before(tmp_path: Path) -> None:
    """The cable is in and no tag was presented yet: whoever may begin still is waited for (core errata 3.49)."""
    async with pair(file_folder=str(tmp_path), **OPTIONS) as (central_system, charge_point):
        await charge_point.wait_for("online")
        charge_point.charging.plug_in(1, Car(wanted=1e6, power=3_600))
        await installing(central_system, tmp_path)
        assert await charge_point.charging.present(1, "TAG_A") == "Accepted"
        await asyncio.sleep(600)
        assert charge_point.boot.firmware_version is None and charge_point.connectors[1].status == "Charging"
        charge_point.charging.unplug(1)
        await asyncio.sleep(60)
        assert charge_point.boot.firmware_version == "2.0.0" and charge_point.connectors[1].status == "Available"
