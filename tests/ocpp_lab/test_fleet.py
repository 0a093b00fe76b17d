"""A fleet: many charge points with drivers; a loop whose clock runs faster; and what is told of both."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from random import Random

import pytest

from ocpp_lab import CentralSystem
from ocpp_lab.cli.fast_loop import FastLoop
from ocpp_lab.cli.fleet import RESERVOIR, Fleet, Latencies
from ocpp_lab.cli.fleet_report import progress, summary
from tests.pair import central_system_alone, on, simulated, simulated_now
from tests.program import listening, running

URL = "ws://cs:9000"


async def drives(count: int, hours: float, **options: object) -> tuple[CentralSystem, Fleet, list[str]]:
    """A central system and a fleet, until its time is up; and the lines of progress."""
    lines: list[str] = []

    async def tick(fleet: Fleet) -> None:
        while True:
            lines.append(progress(fleet, 0.5))
            await asyncio.sleep(60)

    async with central_system_alone() as central_system:

        async def run() -> Fleet:
            fleet = Fleet(URL, count, now=simulated_now, **options)  # type: ignore[arg-type]
            await fleet.run(hours * 3600, asyncio.Event(), tick)
            return fleet

        return central_system, await on("cp", run()), lines


@simulated(seed=1, limit=100_000)
async def test_every_transaction_is_delivered_and_every_watt_hour_is_counted() -> None:
    """What the central system was told to have been charged is what the meters have counted."""
    central_system, fleet, lines = await drives(5, 4.0, seed=7, connectors=2)
    rows = central_system.ledger.rows()  # type: ignore[attr-defined]
    assert len({row["identity"] for row in rows}) == 5
    assert all(row["stopped"] for row in rows)
    invoiced = sum(row["meter_stop"] - row["meter_start"] for row in rows)
    assert fleet.left_over == 0 and abs(invoiced - fleet.energy) <= len(rows) + 10
    ended = fleet.ended()
    assert ended["StartTransaction", "result"] == ended["StopTransaction", "result"] == len(rows) > 10
    assert "online 5/5" in lines[-1]


@simulated(seed=1, limit=100_000)
async def test_the_same_seed_does_the_same() -> None:
    (one, _, _), (two, _, _) = await drives(2, 2.0, seed=5), await drives(2, 2.0, seed=5)
    said = [[(row["identity"], row["id_tag"], row["meter_stop"]) for row in each.ledger.rows()] for each in (one, two)]  # type: ignore[attr-defined]
    assert said[0] and sorted(said[0]) == sorted(said[1])


@simulated(seed=1, limit=100_000)
async def test_the_summary_tells_all() -> None:
    _, fleet, _ = await drives(2, 1.0)
    text = "\n".join(summary(fleet, 3600.0))
    for word in ("BootNotification", "latency (ms)", "errors by code      none", "connected 2", "kWh on the meters"):
        assert word in text


def test_a_clock_that_runs_faster() -> None:
    """A minute of its seconds passes in the time of one; the order of what waits stays."""
    order: list[int] = []

    async def waits(number: int) -> None:
        await asyncio.sleep(number)
        order.append(number)

    async def all_of_them() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in (30, 10, 20):
                group.create_task(waits(number))
        return loop.time() - began

    with asyncio.Runner(loop_factory=lambda: FastLoop(600.0)) as runner:
        assert runner.run(all_of_them()) >= 30.0
    assert order == [10, 20, 30]


def test_latencies_of_more_answers_than_are_kept() -> None:
    latencies = Latencies(Random(1))
    for number in range(2 * RESERVOIR):
        latencies.add(number / (2 * RESERVOIR))
    assert (latencies.count, len(latencies.times)) == (2 * RESERVOIR, RESERVOIR)
    assert abs(latencies.quantile(0.5) - 0.5) < 0.02
    assert Latencies(Random(1)).quantile(0.5) == 0.0


async def test_the_command() -> None:
    """Real sockets: a minute of the drivers in a second."""
    async with running("central-system", "--port", "0") as central_system:
        url = await listening(central_system)
        async with running("fleet", url, "--count", "3", "--hours", "0.1", "--speed", "300") as fleet:
            await fleet.until(r"online \d/3")
            await fleet.until(r"BootNotification +3 +0 +0 +0")
            await fleet.until("not delivered +0 transaction messages")
            assert await fleet.process.wait() == 0


@pytest.mark.parametrize("where", ["nobody", "another identity"])
async def test_a_fleet_that_nobody_lets_in_says_so(where: str) -> None:
    """After the summary, and by its exit code: no test against such a central system has passed."""
    async with running("central-system", "--port", "0", "--identity", "CP_1") as central_system:
        url = await listening(central_system)
        if where == "nobody":
            assert await central_system.stop() == 0
        async with running("fleet", url, "--count", "2", "--hours", "0.1", "--speed", "300") as fleet:
            await fleet.until("not delivered +0 transaction messages")
            assert await fleet.process.wait() == 2
            what = "unreachable" if where == "nobody" else "refused_404"
            await fleet.until(rf"error: URL: expected a central system that lets them in, came: {what} \d+; is it")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["ws://csms.example"], "expected this machine, came csms.example; ask its owner, then add --anywhere"),
        (["ws://127.0.0.1:1", "--count", "0"], "--count: expected a whole number from 1 to 10000, came 0"),
        (["ws://127.0.0.1:1", "--speed", "0"], "--speed: expected a number from 0.1 to 1000, came 0"),
        (["ws://127.0.0.1:1", "--hours", "nan"], "--hours: expected a number from 0.001 to 1000, came nan"),
    ],
)
def test_bad_input_gets_one_line(arguments: list[str], line: str) -> None:
    run = subprocess.run([sys.executable, "-m", "ocpp_lab", "fleet", *arguments], capture_output=True, text=True)
    assert run.returncode == 2 and line in run.stderr and "Traceback" not in run.stderr
