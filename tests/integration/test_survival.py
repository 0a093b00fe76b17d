"""A charge point keeps every transaction: through kill -9, cut cables, dead servers, changed keys. Over real sockets.

The promise (core 3.7, 4.8, 4.10; DESIGN.md, decision 6): at least once on the wire, in order; once in the ledger.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, repeat
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ocpp_lab import Call, CentralSystem, ChaosProxy, ChargePoint, Ledger, Trace, backoff
from ocpp_lab import messages as m
from tests.house import ROOT, scaled
from tests.integration.foreign import Accepting, foreign_central_system, handling
from tests.integration.test_tls import KEY, certified, trusting
from tests.integration.wire import AT_ONCE, until

SOON = partial(repeat, 0.02)
"""For a charge point's ``delays``: dial again after 20 ms."""

TRANSACTION = {"StartTransaction", "MeterValues", "StopTransaction"}


def ticking() -> Callable[[], datetime]:
    """A clock that goes on by a second at each look: no two readings have the same time."""
    ticks = count()
    return lambda: datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=next(ticks))


def begin(charge_point: ChargePoint, tag: str, samples: int = 1, connector: int = 1) -> None:
    """A driver comes, after whoever was there in an earlier life has gone, and the meter is read some times."""
    charge_point.charging.unplug(connector)
    charge_point.charging.plug_in(connector)
    charge_point.charging.start(connector, tag)
    read(charge_point, samples, connector)


def read(charge_point: ChargePoint, samples: int, connector: int = 1) -> None:
    for _ in range(samples):
        charge_point.charging.sample(connector, "Trigger")


def finish(charge_point: ChargePoint, connector: int = 1) -> None:
    charge_point.charging.stop(connector, "Local")
    charge_point.charging.unplug(connector)


def calls(central_system: CentralSystem, *actions: str) -> list[Call]:
    """What came over the wire, every copy of it."""
    frames = [event.frame for event in central_system.received]
    return [frame for frame in frames if isinstance(frame, Call) and frame.action in (actions or TRANSACTION)]


def booked(ledger: Ledger) -> list[tuple[str, str | None, int]]:
    """Tag, reason of the stop and number of readings of every row; the readings of a row are in the order of time."""
    rows = []
    for row in ledger.rows():
        readings = [reading["at"] for reading in ledger.readings(row["id"])]
        assert readings == sorted(readings)
        rows.append((row["id_tag"], row["reason"], len(readings)))
    assert not ledger.orphans()
    return rows


async def delivered(charge_point: ChargePoint, deadline: float = 60.0) -> None:
    """A whole day may wait there; a machine that is busy takes its time."""
    done = lambda: charge_point.state == "online" and not len(charge_point.outbox)  # noqa: E731
    await until(done, "the outbox is drained", deadline)
    assert not charge_point.outbox.drops


@asynccontextmanager
async def bench(**options: Any) -> AsyncIterator[tuple[CentralSystem, ChaosProxy, ChargePoint]]:
    """Both ends, online, a proxy between them."""
    async with CentralSystem() as central_system, ChaosProxy(central_system.host, central_system.port) as proxy:
        options = {"delays": SOON, "now": ticking()} | options
        async with ChargePoint(proxy.url, "CP_1", **options) as charge_point:
            await charge_point.wait_for("online")
            yield central_system, proxy, charge_point


# --- the power goes -----------------------------------------------------------------------------------------------


class Said:
    """What killed processes said they had written down: samples of each transaction, and which were stopped."""

    def __init__(self) -> None:
        self.samples: Counter[str] = Counter()
        self.started: list[str] = []
        self.stopped: set[str] = set()

    def hear(self, line: str) -> None:
        what, tag = line.split()
        if what == "start":
            self.started.append(tag)
        elif what == "sample":
            self.samples[tag] += 1
        else:
            self.stopped.add(tag)


async def kill_one(url: str, path: Path, name: str, after: int, said: Said) -> None:
    """Start a charge point process; SIGKILL once it has said so many lines."""
    command = (sys.executable, "-m", "tests.integration.victim", url, str(path), name)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    assert process.stdout
    lines = 0
    async for line in process.stdout:  # to the end: what it said before it died counts, though we read it later
        said.hear(line.decode())
        lines += 1
        if lines == after:
            process.kill()
    assert await process.wait() == -9


def assert_once_each(ledger: Ledger, said: Said) -> None:
    """Whatever was said is in the ledger once. One more event may be durable: killed before it could be said."""
    rows = {tag: (reason, readings) for tag, reason, readings in booked(ledger)}
    assert len(rows) == len(ledger.rows()), "a transaction is there twice"
    assert set(said.started) <= set(rows)
    for tag, (reason, readings) in rows.items():
        more = 0 if tag in said.stopped else 1
        assert said.samples[tag] <= readings <= said.samples[tag] + more, tag
        assert reason == "Local" or (reason == "PowerLoss" and tag not in said.stopped), tag


@pytest.mark.sockets("another process")
@pytest.mark.time_limit(120)
@pytest.mark.parametrize("resume", [False, True], ids=["closes", "resumes"])
async def test_kill_9_in_the_middle_of_transactions(tmp_path: Path, resume: bool) -> None:
    """Core 4.8, 4.10: killed online, with replies outstanding, and while refused; then restarted from the same file.

    Nothing is lost and nothing is there twice. Open transactions end with PowerLoss, or go on if so configured.
    """
    path, said, chance = tmp_path / "charge_point.db", Said(), Random(3 + resume)
    async with CentralSystem() as central_system:
        troubles = {
            "online": lambda faults: None,
            "unanswered": lambda faults: faults.ignore("MeterValues", effect=True),
            "refused": lambda faults: faults.refuse(),
        }
        for n in range(scaled(1, 5)):
            for name, trouble in troubles.items():
                trouble(central_system.faults)
                await kill_one(central_system.url, path, f"{name}{n}", chance.randint(10, 60), said)
                central_system.faults.clear()
        await kill_one(central_system.url, path, "last", 14 * chance.randint(1, 4) + 6, said)  # in the middle of two
        options: dict[str, Any] = {"path": str(path), "connectors": 2, "resume_transactions": resume}
        async with ChargePoint(central_system.url, "CP_1", delays=AT_ONCE, **options) as charge_point:
            open_ones = {transaction.id_tag for transaction in charge_point.transactions}
            await delivered(charge_point)
            assert open_ones if resume else not open_ones
            charge_point.charging.stop_all("Local")
            await delivered(charge_point)
        assert_once_each(central_system.ledger, said)
        heard = len(calls(central_system, "MeterValues"))
        assert heard > sum(readings for _, _, readings in booked(central_system.ledger))  # some came twice
        reasons = {tag: reason for tag, reason, _ in booked(central_system.ledger)}
        assert {reasons[tag] for tag in open_ones} <= {"Local"}
        assert "PowerLoss" in reasons.values()  # the victims do not resume


# --- the line goes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["cut", "reset"])
@pytest.mark.parametrize("action", sorted(TRANSACTION))
async def test_lost_after_the_effect_two_copies_one_row(verb: str, action: str) -> None:
    """J-spec 4.1, core 3.7.1: the reply is lost with the line. The message is sent again under a new unique id.

    The ledger knows it by what happened, gives the same answer, and keeps one row.
    """
    async with bench() as (central_system, proxy, charge_point):
        begin(charge_point, "before", 0)
        finish(charge_point)
        await delivered(charge_point)
        central_system.faults.ignore(action, effect=True, times=1)
        begin(charge_point, "TAG", 1)
        finish(charge_point)
        await until(lambda: central_system.faults.applied, "the central system acted, and its reply is lost")
        in_flight = charge_point.outbox.in_flight
        assert in_flight is not None
        getattr(proxy, verb)()
        await charge_point.wait_for("waiting")
        await delivered(charge_point)

        copies = [call for call in calls(central_system, action) if call.action == action][-2:]
        assert copies[0].payload == copies[1].payload
        assert copies[0].unique_id != copies[1].unique_id
        assert len(calls(central_system)) == 2 + 3 + 1  # the transaction before, this one, and one copy
        assert booked(central_system.ledger) == [("before", "Local", 0), ("TAG", "Local", 1)]


@pytest.mark.parametrize("verb", ["cut", "reset"])
async def test_lost_before_the_effect(verb: str) -> None:
    """The same, lost on the way up: to the charge point it looks no different."""
    async with bench() as (central_system, proxy, charge_point):
        proxy.half_open("to_central_system")
        begin(charge_point, "TAG", 2)
        await until(lambda: proxy.bytes_swallowed["to_central_system"], "StartTransaction is swallowed")
        getattr(proxy, verb)()
        proxy.heal()
        finish(charge_point)
        await charge_point.wait_for("waiting")
        await delivered(charge_point)
        assert len(calls(central_system, "StartTransaction")) == 1
        assert booked(central_system.ledger) == [("TAG", "Local", 2)]


async def through_half_open(central_system: CentralSystem, direction: Any) -> None:
    async with ChaosProxy(central_system.host, central_system.port) as proxy:
        options: dict[str, Any] = {"delays": SOON, "now": ticking(), "ping_interval": 0.2}
        async with ChargePoint(proxy.url, f"CP {direction}", **options) as charge_point:
            await charge_point.wait_for("online")
            begin(charge_point, f"{direction}"[:20])
            await delivered(charge_point)
            proxy.half_open(direction)
            read(charge_point, 3)
            await charge_point.wait_for("waiting")  # nobody closed: the pong did not come
            assert len(charge_point.outbox) == 3
            proxy.heal()
            finish(charge_point)
            await delivered(charge_point)


async def test_half_open_is_noticed_by_ping_and_survived() -> None:
    """RFC 6455 5.5.2, J-errata 3.9: a black hole in either direction; no end sees a close, the missing pong tells."""
    directions = ["both", "to_central_system", "to_charge_point"]
    async with CentralSystem() as central_system:
        async with asyncio.TaskGroup() as group:  # together: each waits some seconds for a close frame
            for direction in directions:
                group.create_task(through_half_open(central_system, direction))
        assert sorted(booked(central_system.ledger)) == [(direction, "Local", 4) for direction in directions]


async def test_refused_for_a_while_then_drained_in_order() -> None:
    """RFC 6455 7.2.3: the charge point keeps dialling. Its outbox grows, and is drained in the order of events."""
    async with bench() as (central_system, proxy, charge_point):
        begin(charge_point, "before", 0)
        await delivered(charge_point)
        proxy.refuse()
        proxy.reset()
        depths = []
        for n in range(4):
            refused = proxy.refused
            read(charge_point, 2)
            finish(charge_point)
            begin(charge_point, f"TAG {n}", 0)
            depths.append(len(charge_point.outbox))
            await until(lambda refused=refused: proxy.refused > refused, "it dialled and was refused")
        assert depths == [4, 8, 12, 16]
        wanted = [(entry.request.action, entry.key) for entry in charge_point.outbox.entries()]
        assert [key for _, key in wanted] == sorted(key for _, key in wanted)
        proxy.refuse(False)
        await delivered(charge_point)
        assert [call.action for call in calls(central_system)] == ["StartTransaction", *(a for a, _ in wanted)]
        assert booked(central_system.ledger) == [
            ("before", "Local", 2), *((f"TAG {n}", "Local", 2) for n in range(3)), ("TAG 3", None, 0),
        ]  # fmt: skip
        assert len(calls(central_system, "BootNotification")) == 1  # accepted before, so not again (J-spec 5.4)


async def test_a_bad_line_for_a_while() -> None:
    """Slow, jittery, cut and reset at any moment by a script: a hundred messages, each in the ledger once."""
    async with bench() as (central_system, proxy, charge_point):
        chance = Random(1)
        verbs = [(0.05 * n, chance.choice(["cut", "reset"])) for n in range(1, 13)]
        script = proxy.play([(0.0, "latency", 0.002), (0.0, "jitter", 0.004), *verbs, (0.7, "latency", 0.0)])
        for n in range(20):
            begin(charge_point, f"TAG {n}", 3)
            finish(charge_point)
            await asyncio.sleep(0.02)
        await script
        await delivered(charge_point)
        assert booked(central_system.ledger) == [(f"TAG {n}", "Local", 3) for n in range(20)]
        assert proxy.connections > 5


# --- the central system goes --------------------------------------------------------------------------------------


def book_of(heard: list[Any]) -> type[Any]:
    """Their central system with a book; it gives a new transaction id to every start."""
    info = {"idTagInfo": {"status": "Accepted"}}
    answers: dict[str, list[Any]] = {
        "StartTransaction": [info | {"transactionId": 100 + n} for n in range(50)],
        "MeterValues": [{} for _ in range(50)],
        "StopTransaction": [info for _ in range(50)],
    }
    return handling(answers, heard, base=Accepting)


async def test_foreign_central_system_disappears_and_returns() -> None:
    """The package ``ocpp`` as central system: gone without a word in mid-transaction, back on the same port."""
    heard: list[Any] = []
    kind = book_of(heard)
    async with foreign_central_system(kind) as (url, met):
        port = int(url.rpartition(":")[2])
        charge_point = await ChargePoint(url, "CP_1", delays=SOON, now=ticking()).start()
        await charge_point.wait_for("online")
        begin(charge_point, "TAG 0")
        await delivered(charge_point)
        (await met)._connection.transport.abort()
    try:
        await charge_point.wait_for("waiting")
        read(charge_point, 2)
        finish(charge_point)
        begin(charge_point, "TAG 1")
        await until(lambda: charge_point.uptime.dials["unreachable"] > 2)
        assert len(charge_point.outbox) == 5
        async with foreign_central_system(kind, port):
            await delivered(charge_point)
            finish(charge_point)
            await delivered(charge_point)
    finally:
        await charge_point.stop()
    starts = [payload["idTag"] for payload in heard if "meterStart" in payload]
    assert starts == ["TAG 0", "TAG 1"]
    ids = [payload["transactionId"] for payload in heard if "transactionId" in payload]
    assert ids == [100] * 4 + [101] * 2  # the real ids, in what was written down before they were known


async def test_our_central_system_returns_without_its_memory() -> None:
    """J-errata 3.8: a central system that lost its registrations gets one boot, and every transaction message."""
    ledger = Ledger()
    async with CentralSystem(ledger=ledger) as first:
        charge_point = await ChargePoint(first.url, "CP_1", delays=SOON, now=ticking()).start()
        await charge_point.wait_for("online")
        begin(charge_point, "TAG")
        await delivered(charge_point)
    try:
        await charge_point.wait_for("waiting")
        read(charge_point, 3)
        finish(charge_point)
        ledger._db.execute("DELETE FROM registrations")
        async with CentralSystem(ledger=ledger, port=first.port) as second:
            await delivered(charge_point)
            assert len(calls(second, "BootNotification")) == 1
            assert booked(ledger) == [("TAG", "Local", 4)]
    finally:
        await charge_point.stop()


# --- the door changes its lock ------------------------------------------------------------------------------------


@pytest.mark.sockets("TLS")
async def test_tls_and_basic_auth_across_reconnects_and_a_new_key() -> None:
    """Whitepaper A00.FR.2xx, A00.FR.3xx: credentials go out with each dial, a changed AuthorizationKey with the next.

    A transaction runs across all of it; nobody is ever turned away.
    """
    new_key = "a1" * 20
    async with CentralSystem(ssl=certified(), passwords={"CP_1": KEY}) as central_system:
        async with ChaosProxy(central_system.host, central_system.port, scheme="wss") as proxy:
            options: dict[str, Any] = {"password": KEY, "ssl": trusting(), "delays": SOON, "now": ticking()}
            async with ChargePoint(proxy.url, "CP_1", **options) as charge_point:
                await charge_point.wait_for("online")
                begin(charge_point, "TAG")
                for verb in (proxy.reset, proxy.cut):
                    verb()
                    await charge_point.wait_for("waiting")
                    read(charge_point, 2)
                    await delivered(charge_point)
                session = await central_system.connected("CP_1")
                central_system.passwords["CP_1"] = new_key
                change = m.ChangeConfigurationRequest(key="AuthorizationKey", value=new_key)
                assert (await session.call(change)).status == "Accepted"
                await charge_point.wait_for("waiting")
                await delivered(charge_point)
                proxy.reset()
                await charge_point.wait_for("waiting")
                finish(charge_point)
                await delivered(charge_point)
                assert proxy.connections == 5
                assert not central_system.refused
                assert booked(central_system.ledger) == [("TAG", "Local", 5)]


# --- all of them at once ------------------------------------------------------------------------------------------


A_THOUSAND = 1000


async def settled(charge_points: list[ChargePoint], condition: Callable[[ChargePoint], object]) -> None:
    """Wait until it holds for each of them, one after the other: it goes on holding."""
    async with asyncio.timeout(60):
        for charge_point in charge_points:
            while not condition(charge_point):  # noqa: ASYNC110 (there is no event for it)
                await asyncio.sleep(0.01)


async def lose_and_regain(central_system: CentralSystem, charge_points: list[ChargePoint], restart: bool) -> None:
    """Every line ends at once; while they are away every meter is read; all come back."""
    losses = {charge_point.identity: charge_point.uptime.losses for charge_point in charge_points}
    if restart:
        await central_system.stop()
    else:
        for session in list(central_system.sessions.values()):
            session.transport.pipe.abort()  # type: ignore[attr-defined]
    await settled(charge_points, lambda one: one.uptime.losses > losses[one.identity])
    for charge_point in charge_points:
        read(charge_point, 1)
    if restart:
        await central_system.start()
    await settled(charge_points, lambda one: one.state == "online" and not len(one.outbox))


@pytest.mark.soak
@pytest.mark.time_limit(180)
async def test_a_thousand_charge_points_lose_and_regain_their_central_system() -> None:
    """Each with a transaction, through aborted lines and a restart; each message in the ledger once."""
    chance = Random(7)
    async with CentralSystem(receive_buffer=4096, trace=Trace(100)) as central_system:
        options: dict[str, Any] = {
            "delays": partial(backoff, chance, wait_minimum=1, repeat_times=2, random_range=3),
            "send_buffer": 4096,
        }
        charge_points = [
            ChargePoint(central_system.url, f"CP_{n}", trace=Trace(20), now=ticking(), **options)
            for n in range(A_THOUSAND)
        ]
        try:
            await asyncio.gather(*(charge_point.start() for charge_point in charge_points))
            await settled(charge_points, lambda one: one.state == "online")
            for charge_point in charge_points:
                begin(charge_point, charge_point.identity, 0)
            for restart in (False, True, False):
                await lose_and_regain(central_system, charge_points, restart)
            for charge_point in charge_points:
                finish(charge_point)
            await settled(charge_points, lambda one: not len(one.outbox))
            assert len(central_system.sessions) == A_THOUSAND
        finally:
            await asyncio.gather(*(charge_point.stop() for charge_point in charge_points))
        wanted = sorted((charge_point.identity, "Local", 3) for charge_point in charge_points)
        assert sorted(booked(central_system.ledger)) == wanted
