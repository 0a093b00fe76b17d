"""An answer that comes after our timeout settles its message (DESIGN.md, decision 6; core 3.7.1, 4.8)."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ocpp_course import fit
from ocpp_lab import Call, CallResult, CentralSystem, ChargePoint, Transport
from ocpp_lab import messages as m
from ocpp_lab.station.car import Car
from tests.fakes import Failing, power_cut
from tests.house import scaled
from tests.learner import MINE, MyOutbox
from tests.pair import (
    actions,
    central_system_alone,
    charge_point_alone,
    connections,
    payloads,
    simulated,
    simulated_now,
)
from tests.simulated import clock

START, STOP, METER, BEAT = "StartTransaction", "StopTransaction", "MeterValues", "Heartbeat"
OPTIONS: dict[str, Any] = {"now": simulated_now, "delays": lambda: itertools.repeat(10.0), "ping_interval": 30}

_paths = itertools.count()


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path)


def fresh(folder: str) -> str:
    """A path that no other seed uses."""
    return f"{folder}/cp{next(_paths)}"


def central_system(**options: Any) -> Any:
    return central_system_alone(now=simulated_now, ping_interval=30, **options)


@asynccontextmanager
async def charge_point(path: str = ":memory:", **options: Any) -> AsyncIterator[ChargePoint]:
    """Online, on that file; silent but for what the test makes it say."""
    async with charge_point_alone(path=path, **(OPTIONS | options)) as point:
        point.configuration["MeterValueSampleInterval"] = "0"
        point.configuration["HeartbeatInterval"] = "86400"
        await point.wait_for("online")
        await asyncio.sleep(1)
        yield point


def begin(point: ChargePoint, connector: int = 1) -> str:
    point.charging.plug_in(connector, Car(wanted=1e6, power=3_600))  # 1 Wh a second
    return point.charging.start(connector, "TAG_A")


def came(server: CentralSystem, action: str) -> int:
    return actions(server).count(action)


def invoices(server: CentralSystem) -> list[tuple[Any, ...]]:
    return [(row["id"], row["meter_start"], row["meter_stop"], row["reason"]) for row in server.ledger.rows()]


def ids_sent(server: CentralSystem) -> set[int]:
    return {each["transactionId"] for each in payloads(server, METER) + payloads(server, STOP)}


# A central system that takes its time ---------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [START, METER, STOP])
@pytest.mark.parametrize(("seconds", "copies"), [(35, 1), (65, 1), (89, 1), (100, 2), (200, 2)])
@simulated
async def test_a_slow_central_system(action: str, seconds: float, copies: int) -> None:
    """One transaction, complete, with its real id. One copy if the answer came before the retry, else one more."""
    async with central_system() as server, charge_point() as point:
        server.faults.delay(action, seconds=seconds)
        name = begin(point)
        await asyncio.sleep(400)
        point.charging.sample(1, "Sample.Clock")
        await asyncio.sleep(400)
        point.charging.stop(1, "Local")
        await asyncio.sleep(400)
        assert came(server, action) == copies
        assert [came(server, other) for other in {START, METER, STOP} - {action}] == [1, 1]
        assert (len(point.outbox), point.outbox.drops) == (0, {})
        assert invoices(server) == [(1, 0, 800, "Local")] and len(server.ledger.readings(1)) == 1
        assert ids_sent(server) == {1} == {point.transaction_ids.get(name)} and server.ledger.orphans() == []
        assert connections(server) == 1


@simulated
async def test_the_next_message_goes_out_at_once() -> None:
    """Not when the retry would have been due: the wait is over with the answer."""
    async with central_system() as server, charge_point() as point:
        server.faults.delay(START, seconds=35, times=1)
        begin(point)
        began = clock()
        point.charging.stop(1, "Local")
        await asyncio.sleep(34)
        assert came(server, STOP) == 0 and len(point.outbox) == 2
        await asyncio.sleep(2)
        [stop] = [event.at for event in server.received if STOP in event.text]
        assert stop == pytest.approx(began + 35, abs=0.5) and len(point.outbox) == 0


@simulated
async def test_the_answer_comes_while_the_peer_is_being_probed() -> None:
    """All is slow, the Heartbeat too: it is not given up as dead, for it has just answered."""
    async with central_system() as server, charge_point() as point:
        server.faults.delay(seconds=35)
        begin(point)
        await asyncio.sleep(200)
        point.charging.stop(1, "Local")
        await asyncio.sleep(200)
        assert invoices(server) == [(1, 0, 200, "Local")] and ids_sent(server) == {1}
        assert (came(server, START), came(server, STOP), connections(server)) == (1, 1, 1)


@simulated
async def test_the_answer_to_the_first_copy_comes_while_the_second_is_on_the_wire() -> None:
    """The first answer counts; that of the second copy finds the message gone, and strikes out nothing else."""
    async with central_system() as server, charge_point() as point:
        server.faults.delay(START, seconds=100, times=2)
        begin(point)
        point.charging.stop(1, "Local")
        server.faults.delay(STOP, seconds=25, times=1)
        await asyncio.sleep(101)  # the second copy left at 90 s; the stop leaves when that one's time is up
        assert len(point.outbox) == 1
        await asyncio.sleep(40)
        assert came(server, STOP) == 1 and len(point.outbox) == 1, "the stop awaits its own answer"
        await asyncio.sleep(60)
        assert (came(server, START), came(server, STOP), len(point.outbox)) == (2, 1, 0)
        assert invoices(server) == [(1, 0, 0, "Local")] and ids_sent(server) == {1}


class TwoIds:
    """A central system's router that gives each copy of a start an id of its own, and takes its time."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.stops: list[Any] = []

    async def answer(self, call: Call) -> CallResult:
        payload: dict[str, Any] = {"currentTime": simulated_now().isoformat()}
        match call.action:
            case "BootNotification":
                payload |= {"status": "Accepted", "interval": 86400}
            case "StartTransaction":
                payload = {"transactionId": 43 - len(self.seconds), "idTagInfo": {"status": "Accepted"}}
                await asyncio.sleep(self.seconds.pop(0))
            case "StopTransaction":
                self.stops.append(call.payload["transactionId"])
                payload = {}
            case "StatusNotification":
                payload = {}
        return CallResult(call.unique_id, payload)


@pytest.mark.parametrize(("seconds", "first"), [((95.0, 20.0), 41), ((200.0, 20.0), 42)])
@simulated
async def test_the_first_id_wins(seconds: tuple[float, ...], first: int) -> None:
    """Two copies, two ids: what was learnt first is what the stop carries, be it that of the older copy or not."""
    router = TwoIds(*seconds)
    async with central_system(router=router) as server, charge_point() as point:
        name = begin(point)
        await asyncio.sleep(300)
        point.charging.stop(1, "Local")
        await asyncio.sleep(10)
        assert came(server, START) == 2 and router.stops == [first] == [point.transaction_ids.get(name)]


# Given up -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stopped_at", [10, 100])
@simulated
async def test_the_id_of_a_start_that_was_given_up(stopped_at: float) -> None:
    """It comes after the last attempt: what is unsent by then carries it, be it the stop or what is measured."""
    async with central_system() as server, charge_point() as point:
        point.configuration["TransactionMessageAttempts"] = "1"
        server.faults.delay(START, seconds=35)
        server.faults.delay(METER, seconds=20, times=1)
        name = begin(point)
        await asyncio.sleep(5)
        point.charging.sample(1, "Sample.Clock")
        await asyncio.sleep(stopped_at - 5)
        if stopped_at < 35:
            point.charging.stop(1, "Local")
        await asyncio.sleep(100)
        if stopped_at > 35:
            point.charging.stop(1, "Local")
            await asyncio.sleep(10)
        assert point.outbox.drops == {"attempts": 1} and len(point.outbox) == 0
        [row] = server.ledger.rows()
        assert row["reason"] == "Local" and row["id"] == 1 == point.transaction_ids.get(name)
        assert [each["transactionId"] for each in payloads(server, METER)] == [-1], "it left before the id was known"
        assert [each["transactionId"] for each in payloads(server, STOP)] == [1]


@simulated
async def test_an_answer_to_what_was_given_up_counts_once() -> None:
    """Two copies, given up; both are answered after that. The first answer is acted upon, the second is not."""
    async with central_system() as server, charge_point() as point:
        point.configuration["TransactionMessageAttempts"] = "2"
        acted: list[int] = []
        answered = point.delivery.answered
        point.delivery.answered = lambda entry, response: (acted.append(entry.key), answered(entry, response))[1]
        server.faults.delay(START, seconds=150)
        begin(point)
        await asyncio.sleep(400)
        assert came(server, START) == 2 and acted == [1] and point.outbox.drops == {"attempts": 1}


# What must not be struck out ------------------------------------------------------------------------------------------


@simulated
async def test_a_late_heartbeat_strikes_out_no_stop() -> None:
    """The hook belongs to one call. Chaos found a stop that was struck out by the late answer to a probe."""
    async with central_system() as server, charge_point() as point:
        server.faults.delay(BEAT, seconds=40, times=1)
        beating = asyncio.create_task(point.call(m.HeartbeatRequest()))
        await asyncio.sleep(1)
        begin(point)
        await asyncio.sleep(30)
        server.faults.ignore(STOP, times=1)
        point.charging.stop(1, "Local")
        await asyncio.wait([beating])
        await asyncio.sleep(15)  # the Heartbeat is answered now, and the stop is not
        assert "late" in str(list(point.trace)) and len(point.outbox) == 1
        await asyncio.sleep(200)
        assert came(server, STOP) == 2 and invoices(server) == [(1, 0, 30, "Local")]
        assert beating.exception() is not None


@simulated
async def test_a_late_probe_strikes_out_nothing() -> None:
    """The same for the probe of the message itself, which is sent in the midst of its delivery."""
    async with central_system() as server, charge_point() as point:
        server.faults.ignore(STOP, times=1)
        begin(point)
        await asyncio.sleep(1)
        server.faults.delay(BEAT, seconds=29, times=1)
        point.charging.stop(1, "Local")
        await asyncio.sleep(70)
        assert came(server, STOP) == 1 and len(point.outbox) == 1
        await asyncio.sleep(100)
        assert came(server, STOP) == 2 and len(point.outbox) == 0 and len(invoices(server)) == 1


@simulated
async def test_on_a_new_connection_there_is_no_late_answer() -> None:
    """Ids are unique on one connection (J-spec 4.1.4): a reply with an old one is for nobody, and settles nothing."""
    async with central_system() as server, charge_point() as point:
        server.faults.ignore(START, times=2)
        begin(point)
        await asyncio.sleep(31)
        [start] = [event.frame.unique_id for event in server.received if START in event.text]  # type: ignore[union-attr]
        await server["CP_1"].close(1001)
        await point.wait_for("waiting")
        await point.wait_for("online")
        await asyncio.sleep(5)
        good = {"transactionId": 77, "idTagInfo": {"status": "Accepted"}}
        await server["CP_1"].transport.send(json.dumps([3, start, good]))
        await asyncio.sleep(5)
        assert len(point.outbox) == 1 and point.session and point.session.pending.counts["orphan"] == 1
        await asyncio.sleep(200)
        assert len(point.outbox) == 0 and invoices(server) == [(1, 0, None, None)]


@pytest.mark.parametrize("late", ["CallError", "malformed", "not even a frame"])
@simulated
async def test_a_late_answer_that_is_none_counts_once(late: str) -> None:
    """Its copy was counted as silence when its time was up; the CallError that comes then adds nothing, either way."""
    async with central_system() as server, charge_point() as point:
        server.faults.ignore(START, times=1)
        begin(point)
        await asyncio.sleep(40)
        [start] = [event.frame.unique_id for event in server.received if START in event.text]  # type: ignore[union-attr]
        assert [entry.failures for entry in point.outbox.entries()] == [1]
        reply = {
            "CallError": [4, start, "InternalError", "", {}],
            "malformed": [3, start, {"surprise": True}],
            "not even a frame": [3, start],
        }[late]
        await server["CP_1"].transport.send(json.dumps(reply))
        await server["CP_1"].transport.send(
            json.dumps([3, start, {"transactionId": 9, "idTagInfo": {"status": "Invalid"}}])
        )
        await asyncio.sleep(10)
        assert [entry.failures for entry in point.outbox.entries()] == [1]
        assert point.session and point.session.pending.counts["late"] == 2
        await asyncio.sleep(60)
        assert came(server, START) == 2 and len(point.outbox) == 0 and invoices(server) == [(1, 0, None, None)]


# What else goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut_at", [10, 32, 34.99, 40])
@pytest.mark.parametrize("action", [START, STOP])
@simulated
async def test_power_is_cut(cut_at: float, action: str, folder: str) -> None:
    """Before the late answer: it is sent again, and that answer is late too. After it: there is nothing to send."""
    path = fresh(folder)
    async with central_system() as server:
        server.faults.delay(action, seconds=35)
        async with charge_point(path, resume_transactions=True) as point:
            begin(point)
            if action == STOP:
                await asyncio.sleep(100)
                point.charging.stop(1, "Local")
            await asyncio.sleep(cut_at)
            left = power_cut(path)
        async with charge_point(left, resume_transactions=True) as point:
            await asyncio.sleep(100)
            if action == START:
                point.charging.stop(1, "Local")
                await asyncio.sleep(10)
            [row] = server.ledger.rows()
            assert row["reason"] == "Local" and ids_sent(server) == {row["id"]} and len(point.outbox) == 0
            assert came(server, action) == (1 if cut_at > 35 else 2)


@simulated
async def test_the_disk_fails_when_the_late_answer_comes(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; the message stays, and what was answered counts once the file can be written: no second copy."""
    async with central_system() as server, charge_point() as point:
        server.faults.delay(START, seconds=35, times=1)
        begin(point)
        await asyncio.sleep(34)
        point.memory.store.before = Failing(1, once=False)
        await asyncio.sleep(2)
        failing = point.memory.store.before
        assert failing.failed >= 1 and "late answer to StartTransaction" in caplog.text
        failing.mend()
        await asyncio.sleep(100)
        assert came(server, START) == 1 and len(point.outbox) == 0 and point.state == "online"
        assert point.transaction_ids.get(next(iter(point.transactions)).name) == 1 == len(server.ledger.rows())


@simulated
async def test_settled_while_its_retry_waits_for_the_lane() -> None:
    """The retry is due, another call is on the wire, and the late answer comes meanwhile: nothing is sent again."""
    async with central_system() as server, charge_point() as point:
        server.faults.delay(START, seconds=95, times=1)
        begin(point)
        await asyncio.sleep(85)  # no answer for 30 s, a Heartbeat that is answered, and the retry 60 s later
        server.faults.delay("Authorize", seconds=20, times=1)
        other = asyncio.create_task(point.call(m.AuthorizeRequest(id_tag="TAG_B")))
        await asyncio.sleep(7)
        assert came(server, START) == 1 and len(point.outbox) == 1, "its retry waits for the lane"
        await other
        await asyncio.sleep(60)
        assert came(server, START) == 1 and len(point.outbox) == 0
        assert point.transaction_ids.get(next(iter(point.transactions)).name) == 1


class Dammed:
    """A pipe that takes nothing more once ``dam`` is set; what was given to it before is gone."""

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe
        self.dam = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pipe, name)

    def offer(self, text: str) -> bool:
        return not self.dam.is_set() and bool(self.pipe.offer(text))

    async def send(self, text: str) -> None:
        if self.dam.is_set():
            await asyncio.get_running_loop().create_future()
        await self.pipe.send(text)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        async for text in self.pipe:
            yield text


@simulated
async def test_a_message_that_never_left_consumes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A connection that takes nothing any more: the message is taken back, the peer is not asked; we dial again."""
    pipes: list[Dammed] = []

    def transport(pipe: Any) -> Transport:
        pipes.append(Dammed(pipe))
        return Transport(pipes[-1])  # type: ignore[arg-type]

    async with central_system() as server, charge_point(transport=transport) as point:
        point.configuration["TransactionMessageAttempts"] = "1"
        pipes[0].dam.set()
        assert point.session
        await point.session.transport.send(json.dumps([3, "nobody's", {}]))  # is being written
        start = m.StartTransactionRequest(connector_id=1, id_tag="TAG_A", meter_start=0, timestamp=simulated_now())
        point.submit(start, "T1")
        began = clock()
        with caplog.at_level(logging.INFO, logger="ocpp_lab"):
            await point.wait_for("waiting")
        assert clock() == began + 30 + 5  # to close what is stalled
        assert "the connection takes nothing more" in caplog.text
        assert [entry.failures for entry in point.outbox.entries()] == [0] and point.tally.started[BEAT] == 0
        assert point.tally.ended[START, "timeout"] == 1 and point.tally.totals()["withdrawn"] == 1
        await asyncio.sleep(30)
        assert came(server, START) == 1 and len(point.outbox) == 0 and point.outbox.drops == {}


@pytest.mark.parametrize(
    ("names", "copies"), [(["session"], 1), (["pending"], 2), (["outbox"], 2), (["session", "pending", "outbox"], 2)]
)
@simulated
async def test_a_learners_pieces_do_without(names: list[str], copies: int) -> None:
    """Pending calls and an outbox that cannot use a late answer: the message is sent again. Nothing raises."""
    mine = {**MINE, "outbox": MyOutbox()}
    pieces = fit(**{name: mine[name] for name in names})
    async with central_system() as server, charge_point_alone(**OPTIONS, **pieces) as point:
        await point.wait_for("online")
        await asyncio.sleep(1)
        point.configuration["MeterValueSampleInterval"] = "0"
        server.faults.delay(START, seconds=35, times=1)
        begin(point)
        await asyncio.sleep(300)
        point.charging.stop(1, "Local")
        await asyncio.sleep(100)
        assert invoices(server) == [(1, 0, 300, "Local")] and len(point.outbox) == 0
        assert came(server, START) == copies


@simulated(seeds=scaled(12, 60))
async def test_a_night_of_slow_answers() -> None:
    """Delays of all lengths for everything, and losses between: each transaction once, complete, under its own id."""
    rng = Random(asyncio.get_running_loop().seed)  # type: ignore[attr-defined]
    async with central_system() as server, charge_point(connectors=2) as point:
        point.configuration["TransactionMessageAttempts"] = "20"
        point.configuration["TransactionMessageRetryInterval"] = "10"
        names = []
        for _ in range(12):
            server.faults.clear()
            for action in (START, METER, STOP, BEAT):
                server.faults.delay(action, seconds=rng.choice([0.1, 20, 31, 35, 45, 80]), probability=0.7)
            connector = rng.choice([1, 2])
            names.append(begin(point, connector))
            await asyncio.sleep(rng.choice([5, 60, 200]))
            point.charging.sample(connector, "Sample.Clock")
            if rng.random() < 0.3 and "CP_1" in server:
                await server["CP_1"].close(1001)
            await asyncio.sleep(rng.choice([5, 60, 200]))
            point.charging.stop(connector, "Local")
            point.charging.unplug(connector)
            await asyncio.sleep(rng.choice([1, 300]))
        server.faults.clear()
        await asyncio.sleep(2000)
        assert len(point.outbox) == 0 and point.outbox.drops == {}
        assert [row["reason"] for row in server.ledger.rows()] == ["Local"] * 12
        assert [point.transaction_ids.get(name) for name in names] == [row["id"] for row in server.ledger.rows()]
        assert -1 not in ids_sent(server) and server.ledger.orphans() == []
        assert point.tally.imbalance() == {}
