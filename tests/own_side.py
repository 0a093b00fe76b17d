"""When our own side fails: a charge point that is online, and the ways to make its file fail."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab.station.car import Car
from tests.fakes import Failing
from tests.pair import pair, payloads, simulated_now

START, STOP, METER = "StartTransaction", "StopTransaction", "MeterValues"


class Bug(Exception):
    """Of a hook."""


def fail(*args: Any, **options: Any) -> Any:
    raise Bug("of ours")


@asynccontextmanager
async def online(
    keys: dict[str, str] | None = None, server: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    """Both, a second after the boot; ``keys`` of the configuration are set before."""
    defaults = {"now": simulated_now, "delays": lambda: itertools.repeat(1.0)}
    async with pair(server={"now": simulated_now, **(server or {})}, **(defaults | options)) as (server_, charge_point):
        for key, value in (keys or {}).items():
            charge_point.configuration[key] = value
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        yield server_, charge_point


async def begin(charge_point: ChargePoint, connector: int = 1) -> None:
    """A car is plugged in and TAG_A accepted; 1 Wh a second."""
    charge_point.charging.plug_in(connector, Car(wanted=1e6, power=3_600))
    assert await charge_point.charging.present(connector, "TAG_A") == "Accepted"
    await asyncio.sleep(0.5)


@contextmanager
def broken(charge_point: ChargePoint, nth: int = 1) -> Iterator[Failing]:
    """From the nth statement on nothing can be read or written, until the block ends."""
    store = charge_point.memory.store
    disk = store.before = Failing(nth, once=False)
    try:
        yield disk
    finally:
        store.before = lambda sql: None


@contextmanager
def refusing(charge_point: ChargePoint, words: str) -> Iterator[list[str]]:
    """Statements with these words fail, until the block ends; yields those that did."""
    store, failed = charge_point.memory.store, list[str]()

    def refuse(sql: str) -> None:
        if words in sql:
            failed.append(sql)
            raise sqlite3.OperationalError("database or disk is full")

    store.before = refuse
    try:
        yield failed
    finally:
        store.before = lambda sql: None


@contextmanager
def full(charge_point: ChargePoint) -> Iterator[None]:
    """No page can be added to the file, until the block ends. What has room in the pages that there are still works."""
    store = charge_point.memory.store
    [(pages,)] = store.execute("PRAGMA page_count")
    store.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        store.execute("PRAGMA max_page_count = 1000000")


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Another program writes into the file, until the block ends."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def memory_of(charge_point: ChargePoint) -> dict[str, Any]:
    """All that a deed may change, but for the meters, which run."""
    places = charge_point.connectors.values()
    return {
        "statuses": [place.status for place in places],
        "cars": [place.car is not None for place in places],
        "flows": [place.power > 0 for place in places],
        "transactions": [each.name for each in charge_point.transactions],
        "queue": [(entry.key, entry.request.action) for entry in charge_point.outbox.entries()],
        "story": [event.text for event in charge_point.trace if event.mark == "="],
    }


def told(central_system: CentralSystem, connector: int = 1) -> list[str]:
    """The statuses of a connector as they were told."""
    statuses = payloads(central_system, "StatusNotification")
    return [each["status"] for each in statuses if each["connectorId"] == connector]


def invoices(central_system: CentralSystem) -> list[tuple[int, int | None, str | None]]:
    return [(row["meter_start"], row["meter_stop"], row["reason"]) for row in central_system.ledger.rows()]
