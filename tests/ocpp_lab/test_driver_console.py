"""What a driver types at a charge point, and what comes of it; and a driver who comes by himself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab.cli.auto_driver import AutoDriver
from ocpp_lab.cli.driver_console import DRIVER_VERBS, DriverConsole, parse
from tests.pair import actions, pair, payloads, simulated
from tests.program import listening, running


@asynccontextmanager
async def console(said: list[str]) -> AsyncIterator[tuple[CentralSystem, ChargePoint, DriverConsole]]:
    async with pair(connectors=2) as (central_system, charge_point):
        await charge_point.wait_for("online")
        async with asyncio.TaskGroup() as group:
            yield central_system, charge_point, DriverConsole(charge_point, group, lambda mark, text: said.append(text))


@simulated
async def test_a_whole_visit() -> None:
    """Plug, tag, status, unplug: what each line says, and what the central system hears."""
    said: list[str] = []
    async with console(said) as (central_system, charge_point, driver):
        driver.typed("plug 1 5 22")
        await asyncio.sleep(1)
        driver.typed("TAG 1 TAG_A")
        await asyncio.sleep(3600)
        driver.typed("status")
        await asyncio.sleep(1)
        driver.typed("unplug 1")
        await asyncio.sleep(1)
        assert said[:2] == [
            "connector 1: a car is plugged in, it wants 5 kWh at 22 kW",
            "connector 1: the tag TAG_A is Accepted",
        ]
        assert said[2].startswith("CP_1 is online; ")
        assert "5000 Wh  TAG_A since" in said[3] and "nobody" in said[4]
        [stop] = payloads(central_system, "StopTransaction")
        assert stop["meterStop"] == 5000
        assert charge_point.connectors[1].car is None


@simulated(seed=1)
async def test_a_broken_connector() -> None:
    """A fault with its code, and its end; a lock that jams, and works again."""
    said: list[str] = []
    async with console(said) as (central_system, _, driver):
        for line in ("fault 2 OverVoltage", "repair 2", "jam 1", "free 1"):
            driver.typed(line)
            await asyncio.sleep(1)
        codes = [
            each["errorCode"] for each in payloads(central_system, "StatusNotification") if each["connectorId"] == 2
        ]
        assert codes == ["NoError", "OverVoltage", "NoError"]
        assert said == [
            "connector 2: OverVoltage",
            "connector 2: repaired",
            "connector 1: the lock is jammed",
            "connector 1: the lock works",
        ]


@simulated(seed=1)
@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("dance", "expected one of plug, tag, "),
        ("plug", "expected: plug N [KWH [KW]]; came 0 words after plug"),
        ("plug 1 2 3 4", "expected: plug N [KWH [KW]]; came 4 words after plug"),
        ("plug 3", "expected a connector from 1 to 2, came 3"),
        ("plug 0", "expected a connector from 1 to 2, came 0"),
        ("plug ²", "expected a connector from 1 to 2, came ²"),
        ("plug 1 much", "KWH: expected a number above 0 and up to 1000, came much"),
        ("plug 1 5 nan", "KW: expected a number above 0 and up to 1000, came nan"),
        ("tag 1", "expected: tag N TAG; came 1 words after tag"),
        ("tag 1 123456789012345678901", "connector 1: the tag 123456789012345678901 is Invalid"),
        ("fault 1 Rain", "expected an error code, came Rain; there are: ConnectorLockFailure, "),
    ],
)
async def test_what_cannot_be_done_says_what_can(line: str, answer: str) -> None:
    said: list[str] = []
    async with console(said) as (central_system, _, driver):
        driver.typed(line)
        await asyncio.sleep(1)
        assert len(said) == 1 and said[0].startswith(answer)
        assert "StartTransaction" not in actions(central_system)


@simulated(seed=1)
async def test_a_second_car_at_a_taken_connector() -> None:
    said: list[str] = []
    async with console(said) as (_, _, driver):
        driver.typed("plug 1")
        driver.typed("plug 1")
        await asyncio.sleep(1)
        assert "unplug" in said[1]


@simulated(seed=1)
async def test_help_names_every_verb() -> None:
    said: list[str] = []
    async with console(said) as (_, _, driver):
        driver.typed("help")
        await asyncio.sleep(1)
        assert [line.split()[0] for line in said] == list(DRIVER_VERBS)
        for verb in DRIVER_VERBS.values():
            assert parse(verb.usage.replace("[", "").replace("]", ""))[0] is verb


@simulated(seed=3, limit=100_000)
async def test_a_driver_who_comes_by_himself() -> None:
    """Ten hours: several transactions, each with its stop; and who leaves in the middle leaves no cable in."""
    async with pair() as (central_system, charge_point):
        await charge_point.wait_for("online")
        driver = asyncio.create_task(AutoDriver(charge_point, 1, Random(3), ["TAG_A"]).run())
        await asyncio.sleep(36_000)
        driver.cancel()
        await asyncio.wait([driver])
        await asyncio.sleep(60)
        done = actions(central_system)
        assert done.count("StartTransaction") == done.count("StopTransaction") > 3
        assert charge_point.connectors[1].car is None


async def test_a_driver_at_the_command_line(tmp_path: Path) -> None:
    """Two programs; what the file keeps is there in the next life."""
    async with running("central-system", "--port", "0") as central_system:
        url = await listening(central_system)
        path = tmp_path / "cp.sqlite"
        async with running("charge-point", url, "--path", path) as charge_point:
            await charge_point.until("type what a driver does, such as: plug 1, or help")
            await charge_point.until("→ online")
            await charge_point.type("plug 1")
            await charge_point.until("connector 1: a car is plugged in")
            await charge_point.type("tag 1 TAG_A")
            await central_system.until("> CP_1 +StartTransaction +CallResult .*transactionId=1")
            await charge_point.until("→ Charging")
            assert await charge_point.stop() == 0
        assert path.exists()
        async with running("charge-point", url, "--path", path, "--identity", "CP_2") as other:
            await other.until("error: --path .*expected the file of 'CP_2', came that of 'CP_1'")
            assert await other.process.wait() == 2
        assert await central_system.stop() == 0
