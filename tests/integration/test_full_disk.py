"""A disk that is full for a while, at either end, over real sockets: nothing is lost, and nobody is told an untruth.

The charge point refuses what it cannot write. The central system gives no answer to what it cannot keep, and closes
with 1011: an InternalError would be a reported failure, and three of those end a message (core 3.7.1; DESIGN.md,
decision 13).
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count, repeat, takewhile
from pathlib import Path
from random import Random

import pytest

from ocpp_lab import CallError, CentralSystem, ChargePoint, Ledger, Trace
from ocpp_lab import messages as m
from ocpp_lab.errors import StoreFailed
from ocpp_lab.trace import EVERYTHING
from tests.house import scaled
from tests.integration.test_survival import begin, booked, delivered, finish, read, ticking
from tests.integration.wire import until

SOON = partial(repeat, 0.01)

# --- a ledger that may not grow -----------------------------------------------------------------------------------


@contextmanager
def full(ledger: Ledger) -> Iterator[None]:
    """No page can be added to its file; what has room in the pages that there are is still kept."""
    [(pages,)] = ledger._db.execute("PRAGMA page_count")
    ledger._db.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        ledger._db.execute("PRAGMA max_page_count = 1000000")


def sent(end: CentralSystem | ChargePoint, kind: type) -> list[object]:
    return [event.frame for event in end.trace if event.mark == ">" and isinstance(event.frame, kind)]


async def drive(charge_point: ChargePoint, connector: int, drivers: Iterator[int], chance: Random) -> None:
    """One driver after the other, until cancelled; the last one leaves too. Each reads the meter three times."""
    while True:
        begin(charge_point, f"TAG {next(drivers)}", 0, connector)
        try:
            for _ in range(3):
                await asyncio.sleep(chance.uniform(0, 0.1))
                read(charge_point, 1, connector)
        finally:
            finish(charge_point, connector)
        await asyncio.sleep(chance.uniform(0, 0.1))


def turned_away(charge_point: ChargePoint) -> Callable[[], bool]:
    """A condition: from now on the charge point was hung up on twice, for a message that could not be kept."""
    losses = charge_point.uptime.losses
    return lambda: charge_point.uptime.losses > losses + 1


async def test_a_ledger_that_is_full_again_and_again(tmp_path: Path) -> None:
    """Two connectors go on charging. In the end every transaction is there once, whole, with its own stop.

    No transaction message was refused, none consumed an attempt, and every call had an end.
    """
    ledger, drivers, chance = Ledger(str(tmp_path / "ledger.db")), count(), Random(5)
    async with CentralSystem(ledger=ledger) as central_system:
        options = {"connectors": 2, "delays": SOON, "now": ticking(), "trace": Trace(max_bytes=EVERYTHING)}
        async with ChargePoint(central_system.url, "CP_1", **options) as charge_point:
            await charge_point.wait_for("online")
            drivings = [asyncio.create_task(drive(charge_point, n, drivers, chance)) for n in (1, 2)]
            for _ in range(scaled(3, 30)):
                await until(lambda: not len(charge_point.outbox), "all is delivered")
                with full(ledger):
                    await until(turned_away(charge_point), "the ledger was full twice")
            for driving in drivings:
                driving.cancel()
            await asyncio.gather(*drivings, return_exceptions=True)
            await delivered(charge_point)
            assert not sent(central_system, CallError)
            assert not charge_point.tally.imbalance()
            assert "1011" in " ".join(event.text for event in charge_point.trace if event.mark == "!")
        rows = booked(ledger)
    ledger.close()
    assert sorted(Counter(tag for tag, _, _ in rows).values()) == [1] * next(drivers)
    assert {reason for _, reason, _ in rows} == {"Local"}
    assert {readings for _, _, readings in rows[:-2]} == {3}


# --- a real disk --------------------------------------------------------------------------------------------------

SIZE = "1m"


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own that is soon full. It can be unmounted only if nobody has a file of it open."""
    disk = folder / "disk"
    disk.mkdir()
    _mounted("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk))
    try:
        yield disk
        left = subprocess.run(["umount", str(disk)], capture_output=True, text=True)
        assert left.returncode == 0, f"a file is still open: {left.stderr}"
    finally:
        if os.path.ismount(disk):
            subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _mounted(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("NOT TESTED: a full disk; this machine has no `mount`")
    if done.returncode:
        pytest.skip(f"NOT TESTED: a full disk; no right to mount a small one: {done.stderr.strip()}")


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Somebody else's file takes all the room that is left."""
    greedy = disk / "greedy.log"
    with greedy.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            yield
    greedy.unlink()


def served(charge_point: ChargePoint, tag: str) -> bool:
    """Whether a driver could start. Then the cable is pulled, which nobody can refuse."""
    charge_point.charging.plug_in(1)
    try:
        charge_point.charging.start(1, tag)
    except StoreFailed:
        return False
    finally:
        charge_point.charging.unplug(1)
    return True


@pytest.mark.soak
async def test_a_charge_point_on_a_full_disk(tmp_path: Path) -> None:
    """A driver is told no, and nothing has happened; a stop that cannot be written is owed. With room again it is
    written, and all is delivered, once and in order."""
    with small_disk(tmp_path) as disk:
        async with CentralSystem() as central_system:
            options = {"path": str(disk / "cp.db"), "connectors": 2, "delays": SOON, "now": ticking()}
            async with ChargePoint(central_system.url, "CP_1", **options) as charge_point:
                await charge_point.wait_for("online")
                begin(charge_point, "before", 1, connector=2)
                await delivered(charge_point)
                with filled(disk):
                    tags = list(takewhile(partial(served, charge_point), map("TAG {}".format, count())))
                    assert not served(charge_point, "nor this one")
                    started = await central_system["CP_1"].call(m.RemoteStartTransactionRequest(id_tag="NOR THIS"))
                    assert started.status == "Rejected"
                    with pytest.raises(StoreFailed):
                        charge_point.charging.stop(2, "Local")
                    assert charge_point.transactions
                    charge_point.charging.unplug(2)
                    assert [place.status for place in charge_point.connectors.values()] == ["Available"] * 3
                    assert charge_point.state == "online" and not charge_point.life.failures
                begin(charge_point, "after", 1)
                finish(charge_point)
                await delivered(charge_point)
            rows = booked(central_system.ledger)
        unplugged = [("before", "EVDisconnected", 1), *((tag, "EVDisconnected", 0) for tag in tags)]
        assert rows == [*unplugged, ("after", "Local", 1)]


@pytest.mark.soak
async def test_a_ledger_on_a_full_disk(tmp_path: Path) -> None:
    """No answer and 1011 while it is full; the charge point keeps everything, and delivers it when there is room."""
    with small_disk(tmp_path) as disk:
        ledger = Ledger(str(disk / "ledger.db"))
        async with CentralSystem(ledger=ledger) as central_system:
            async with ChargePoint(central_system.url, "CP_1", delays=SOON, now=ticking()) as charge_point:
                await charge_point.wait_for("online")
                begin(charge_point, "before", 1)
                await delivered(charge_point)
                with filled(disk):
                    hung_up = turned_away(charge_point)
                    readings = 1
                    while not hung_up() and readings < 900:  # an outbox keeps a thousand
                        read(charge_point, 1)
                        readings += 1
                        await asyncio.sleep(0.01)
                    finish(charge_point)
                    begin(charge_point, "meanwhile", 1)
                    await until(turned_away(charge_point), "it goes on dialling, and is hung up on again")
                finish(charge_point)
                await delivered(charge_point)
                assert not sent(central_system, CallError)
                assert "1011" in " ".join(event.text for event in charge_point.trace if event.mark == "!")
            rows = booked(ledger)
        ledger.close()
        assert rows == [("before", "Local", readings), ("meanwhile", "Local", 1)]
