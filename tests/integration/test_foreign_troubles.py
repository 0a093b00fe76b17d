"""Somebody else's central system in trouble: the PyPI package ``ocpp``, slow, and killed in a driver's day.

It recognises no repeat, so what it has booked shows every copy that we sent (core 3.7.1; DESIGN.md, decision 6).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v16 import call_result
from websockets.exceptions import ConnectionClosed

from ocpp_lab import Call, CallResult, ChargePoint, Trace
from ocpp_lab.trace import EVERYTHING
from tests.house import ROOT
from tests.integration.foreign import foreign_central_system, theirs
from tests.integration.foreign_victim import FIRST, Booking, entries
from tests.integration.test_survival import SOON, TRANSACTION, begin, delivered, finish, read, ticking
from tests.integration.wire import ACCEPTED

# --- slow ---------------------------------------------------------------------------------------------------------

TIMEOUT = 0.3  # seconds: of the charge point
LATE = 0.5  # seconds: later than the timeout, sooner than that of the Heartbeat which asks whether it lives
TOO_LATE = 1.5  # seconds: later than both


class Slow(Booking):
    """It answers the first ``slow`` of its life after ``seconds``, and reads nothing meanwhile, as theirs does."""

    slow: str
    seconds: float
    held: int

    async def enter(self, action: str, payload: Any) -> Any:
        answer = await super().enter(action, payload)
        if action == self.slow and not type(self).held:
            type(self).held += 1
            await asyncio.sleep(self.seconds)
        return answer

    @on("Heartbeat")  # type: ignore[untyped-decorator]
    async def on_Heartbeat(self, **payload: Any) -> Any:
        return theirs(call_result, "Heartbeat", {"currentTime": ACCEPTED["currentTime"]})


class SideBySide(Slow):
    """The same, but it reads on: the Heartbeat is answered before what is slow."""

    async def live(self) -> None:
        with suppress(ConnectionClosed):
            async with asyncio.TaskGroup() as group:
                with suppress(ConnectionClosed):
                    while True:
                        group.create_task(self.route_message(await self._connection.recv()))


def slow(kind: type[Slow], book: Path, action: str, seconds: float) -> type[Slow]:
    return type("Slowly", (kind,), {"book": book, "slow": action, "seconds": seconds, "held": 0})


def booked(book: Path) -> list[str]:
    return [entry["action"] for entry in entries(book)]


def ids(book: Path) -> list[int]:
    """The transaction ids in what came after a start."""
    return [entry["payload"]["transactionId"] for entry in entries(book) if entry["action"] != "StartTransaction"]


@pytest.mark.parametrize("kind", [Slow, SideBySide], ids=["one at a time", "side by side"])
@pytest.mark.parametrize("action", sorted(TRANSACTION))
async def test_an_answer_after_the_timeout_counts(tmp_path: Path, kind: type[Slow], action: str) -> None:
    """Nothing is sent twice, although it was given up for a while; the id that came late is in all that follows."""
    book = tmp_path / "book"
    async with foreign_central_system(slow(kind, book, action, LATE)) as (url, _):
        async with ChargePoint(url, "CP_1", delays=SOON, now=ticking(), timeout=TIMEOUT) as charge_point:
            await charge_point.wait_for("online")
            begin(charge_point, "TAG", samples=2)
            finish(charge_point)
            await delivered(charge_point)
            assert charge_point.tally.ended[action, "timeout"] == 1
            assert not charge_point.uptime.losses
    assert booked(book) == ["StartTransaction", "MeterValues", "MeterValues", "StopTransaction"]
    assert ids(book) == [FIRST] * 3


async def test_an_answer_after_the_line_was_given_up_is_lost_with_it(tmp_path: Path) -> None:
    """Not even the Heartbeat is answered: redialled, and sent again. The id is that of the copy that was answered."""
    book = tmp_path / "book"
    async with foreign_central_system(slow(Slow, book, "StartTransaction", TOO_LATE)) as (url, _):
        async with ChargePoint(url, "CP_1", delays=SOON, now=ticking(), timeout=TIMEOUT) as charge_point:
            await charge_point.wait_for("online")
            begin(charge_point, "TAG", samples=1)
            finish(charge_point)
            await charge_point.wait_for("waiting")
            await delivered(charge_point)
            assert charge_point.uptime.losses == 1
    first, second, *_ = entries(book)
    assert first["payload"] == second["payload"]
    assert booked(book) == ["StartTransaction", "StartTransaction", "MeterValues", "StopTransaction"]
    assert ids(book) == [FIRST + 1] * 2


# --- killed -------------------------------------------------------------------------------------------------------


class Life:
    """One life of their central system, a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.port = 0

    async def says(self, line: str) -> str:
        """Read on until it says so; returns the whole line."""
        assert self.process.stdout
        async for said in self.process.stdout:
            if said.decode().startswith(line):
                return said.decode().strip()
        raise AssertionError(f"it ended before it said {line!r}")

    async def kill(self) -> None:
        self.process.kill()
        assert await self.process.wait() == -9


@asynccontextmanager
async def life(book: Path, port: int = 0, mute: str = "") -> AsyncIterator[Life]:
    """It listens; at the end of the block it is killed if it was not before."""
    command = [
        sys.executable,
        "-m",
        "tests.integration.foreign_victim",
        str(port),
        str(book),
        *([mute] if mute else []),
    ]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
    one = Life(process)
    try:
        one.port = int((await one.says("listening")).split()[1])
        yield one
    finally:
        if process.returncode is None:
            await one.kill()


def named(action: str, payload: Any) -> str:
    """An event, however often it is told: all but the id of its transaction, which may not be known at first."""
    return json.dumps([action, {key: payload[key] for key in payload if key != "transactionId"}], sort_keys=True)


def copies_sent(charge_point: ChargePoint) -> dict[str, list[Any]]:
    """Of each event, in the order in which they happened: the answer to every copy of it, None if none came."""
    frames = [event.frame for event in charge_point.trace if event.mark in "<>"]
    replies = {frame.unique_id: frame.payload for frame in frames if isinstance(frame, CallResult)}
    copies: dict[str, list[Any]] = {}
    for frame in frames:
        if isinstance(frame, Call) and frame.action in TRANSACTION:
            copies.setdefault(named(frame.action, frame.payload), []).append(replies.get(frame.unique_id))
    return copies


def assert_an_honest_day(book: Path, charge_point: ChargePoint) -> None:
    """Nothing lost, nothing out of order, nothing twice but for a lost reply, and every id the one that was told."""
    sent = copies_sent(charge_point)
    there = Counter(named(entry["action"], entry["payload"]) for entry in entries(book))
    assert list(there) == list(sent)
    for event, answers in sent.items():
        assert [answer is not None for answer in answers] == [False] * (len(answers) - 1) + [True], event
        assert there[event] <= len(answers), event
    told = 0
    for entry in entries(book):
        if entry["action"] == "StartTransaction":
            told = sent[named(entry["action"], entry["payload"])][-1]["transactionId"]
        else:
            assert entry["payload"]["transactionId"] == told


@pytest.mark.sockets("another process")
@pytest.mark.time_limit(60)
async def test_killed_and_restarted_three_times_in_a_day(tmp_path: Path) -> None:
    """Core 3.7.1, 4.8: killed with a start booked and unanswered, with a reading, with a stop. Each comes once more.

    Whole transactions happen while it is down. To the one whose start was booked twice belongs the second id.
    """
    book = tmp_path / "book"
    async with life(book, mute="StartTransaction") as first:
        charge_point = await ChargePoint(f"ws://127.0.0.1:{first.port}", "CP_1", delays=SOON, now=ticking()).start()
        await charge_point.wait_for("online")
        begin(charge_point, "morning")
        await first.says("booked StartTransaction")
        await first.kill()
    try:
        await charge_point.wait_for("waiting")
        read(charge_point, 2)
        async with life(book, first.port, mute="MeterValues") as second:
            await second.says("booked MeterValues")
            await second.kill()
        finish(charge_point)
        begin(charge_point, "noon")
        finish(charge_point)
        begin(charge_point, "afternoon")
        async with life(book, first.port, mute="StopTransaction") as third:
            await third.says("booked StopTransaction")
            await third.kill()
        read(charge_point, 2)
        async with life(book, first.port):
            await delivered(charge_point)
            finish(charge_point)
            begin(charge_point, "evening", 0)
            finish(charge_point)
            await delivered(charge_point)
    finally:
        await charge_point.stop()
    assert_an_honest_day(book, charge_point)
    assert Counter(booked(book)) == {"StartTransaction": 4 + 1, "MeterValues": 3 + 1 + 3 + 1, "StopTransaction": 4 + 1}
    assert ids(book) == [FIRST + 1] * 6 + [FIRST + 2] * 2 + [FIRST + 3] * 4 + [FIRST + 4]


@pytest.mark.soak
@pytest.mark.time_limit(300)
async def test_killed_anywhere_in_a_busy_day(tmp_path: Path) -> None:
    """The same at any moment: twelve times or more, a driver every few milliseconds, in its lives and between them."""
    book, chance, drivers = tmp_path / "book", Random(9), count()
    async with life(book) as first:
        port = first.port
        around = {"delays": SOON, "now": ticking(), "trace": Trace(max_bytes=EVERYTHING)}
        charge_point = await ChargePoint(f"ws://127.0.0.1:{port}", "CP_1", **around).start()
        await charge_point.wait_for("online")

    async def drive() -> None:
        while True:
            begin(charge_point, f"TAG {next(drivers)}", 0)
            for _ in range(chance.randint(0, 5)):
                await asyncio.sleep(chance.uniform(0, 0.02))
                read(charge_point, 1)
            finish(charge_point)
            await asyncio.sleep(chance.uniform(0, 0.02))

    def some_came_twice() -> bool:
        return len(entries(book)) > len(copies_sent(charge_point))

    try:
        for kills in range(30):
            if kills >= 12 and some_came_twice():  # until then it would prove little; chance decides
                break
            async with life(book, port) as one:
                driving = asyncio.create_task(drive())
                for _ in range(chance.randint(1, 60)):
                    await one.says("booked")
                await asyncio.sleep(chance.uniform(0, 0.005))
                await one.kill()
            driving.cancel()
            await asyncio.gather(driving, return_exceptions=True)
            charge_point.charging.stop_all("Local")
            charge_point.charging.unplug(1)
        async with life(book, port):
            await delivered(charge_point)
    finally:
        await charge_point.stop()
    assert_an_honest_day(book, charge_point)
    assert some_came_twice()
