"""Grouped commits over real sockets: few of them for a crowd, and nothing that was answered is missing.

A process is killed between write and commit, another program holds the lock: the charge point was not answered, so it
still has its message, and delivers it again (core 3.7.1).
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CallResult, CentralSystem, ChargePoint, Event, Ledger, Trace
from ocpp_lab.simulation.witness import Witness
from tests.house import ROOT
from tests.integration.test_survival import begin, booked, delivered, finish, ticking
from tests.integration.wire import Peer, facing, until

SOON = partial(repeat, 0.02)
START = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": "2030-06-01T12:00:00Z"}
CROWD = 200


# --- a crowd ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def crowd(central_system: CentralSystem) -> AsyncIterator[list[Peer]]:
    async with AsyncExitStack() as stack:
        ends = (facing(central_system, f"CP_{number}") for number in range(CROWD))
        yield [await stack.enter_async_context(end) for end in ends]


async def test_two_hundred_simultaneous_starts_are_three_commits_at_most(tmp_path: Path) -> None:
    """Seen before: 200, each of which stops everybody. Every answer finds its row on the disk when it leaves."""
    path, there, verbs = str(tmp_path / "ledger.db"), list[bool](), list[str]()

    def listen(event: Event) -> None:
        if event.mark == ">" and isinstance(event.frame, CallResult) and "transactionId" in event.text:
            there.append(witness.kept(event.identity, "StartTransaction", START, event.frame.payload))

    with closing(Ledger(path)) as ledger, closing(Witness(path)) as witness:
        async with CentralSystem(ledger=ledger, trace=Trace(listener=listen)) as central_system:
            async with crowd(central_system) as peers:
                ledger.before = lambda sql: verbs.append(sql.split()[0])
                await asyncio.gather(*(peer.say(2, "id", "StartTransaction", START) for peer in peers))
                answers = await asyncio.gather(*(peer.hear() for peer in peers))
                assert len({answer[2]["transactionId"] for answer in answers}) == CROWD
                assert there == [True] * CROWD
                assert 1 <= verbs.count("COMMIT") <= 3
                assert len(ledger.rows()) == CROWD


# --- the process is killed ----------------------------------------------------------------------------------------


async def kill_itself(path: Path, table: str) -> tuple[asyncio.subprocess.Process, int]:
    command = (sys.executable, "-m", "tests.integration.ledger_victim", str(path), table)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    assert process.stdout
    return process, int(await process.stdout.readline())


def rows_on_disk(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as other:
        return int(other.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.mark.sockets("another process")
@pytest.mark.time_limit(120)
@pytest.mark.parametrize("table", ["transactions", "meter_values"])
async def test_kill_9_between_write_and_commit(tmp_path: Path, table: str) -> None:
    """What was written is gone, and nobody was told otherwise: the charge point delivers it to the next life, once."""
    path = tmp_path / "ledger.db"
    process, port = await kill_itself(path, table)
    options: dict[str, Any] = {"delays": SOON, "now": ticking()}
    async with ChargePoint(f"ws://127.0.0.1:{port}", "CP_1", **options) as charge_point:
        await charge_point.wait_for("online")
        begin(charge_point, "TAG", 2)
        assert await process.wait() == -9
        assert rows_on_disk(path, table) == 0
        await charge_point.wait_for("waiting")
        finish(charge_point)
        assert len(charge_point.outbox) == {"transactions": 4, "meter_values": 3}[table]
        with closing(Ledger(str(path))) as ledger:
            async with CentralSystem(ledger=ledger, port=port):
                await delivered(charge_point)
            assert booked(ledger) == [("TAG", "Local", 2)]


# --- another program ----------------------------------------------------------------------------------------------

HOLDS_THE_LOCK = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Another process writes into the file, and does not come to an end."""
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDS_THE_LOCK, str(path), **pipes)
    assert process.stdout and await process.stdout.readline() == b"locked\n"
    yield
    await process.communicate(b"\n")


async def test_a_second_process_that_holds_the_lock(tmp_path: Path) -> None:
    """The designed end comes at once: no answer and 1011, the others are served, and later all is delivered once."""
    path = tmp_path / "ledger.db"
    with closing(Ledger(str(path))) as ledger:
        async with CentralSystem(ledger=ledger) as central_system:
            options: dict[str, Any] = {"delays": SOON, "now": ticking()}
            async with ChargePoint(central_system.url, "CP_1", **options) as charge_point:
                async with facing(central_system, "CP_2") as other:
                    await charge_point.wait_for("online")
                    async with locked(path):
                        losses = charge_point.uptime.losses
                        begin(charge_point, "TAG", 1)
                        await until(lambda: charge_point.uptime.losses > losses + 1, "it was hung up on twice")
                        await other.is_served()
                        assert rows_on_disk(path, "transactions") == 0
                    finish(charge_point)
                    await delivered(charge_point)
                    await other.is_served()
            assert booked(ledger) == [("TAG", "Local", 1)]
