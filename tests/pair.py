"""A central system and a charge point of ours, each on a simulated machine of its own, and what passed between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import tests.simulated
from ocpp_lab import Call, CallResult, CentralSystem, ChargePoint, Event, Policy
from tests.fakes import NOON

URL = "ws://cs:9000"

simulated = partial(tests.simulated.simulated, limit=10_000)
"""Who waits longer than that waits for ever: a failure, and not for half a minute of heartbeats and pings."""


async def on[T](host: str, work: Coroutine[Any, Any, T]) -> T:
    """Do something on that machine."""
    loop: Any = asyncio.get_running_loop()
    done: T = await loop.net.host(host).create_task(work)
    return done


async def serving(**options: Any) -> CentralSystem:
    """A central system that listens on its machine, and tells the date of the simulation."""
    options = {"now": simulated_now, **options}
    return await on("cs", CentralSystem(host="cs", port=9000, **options).start())


@asynccontextmanager
async def central_system_alone(**options: Any) -> AsyncIterator[CentralSystem]:
    central_system = await serving(**options)
    try:
        yield central_system
    finally:
        await on("cs", central_system.stop())


@asynccontextmanager
async def charge_point_alone(identity: str = "CP_1", **options: Any) -> AsyncIterator[ChargePoint]:
    """A charge point that dials from its machine, whether somebody is there or not."""

    async def make() -> ChargePoint:
        return await ChargePoint(URL, identity, **{"now": simulated_now, **options}).__aenter__()

    charge_point = await on("cp", make())
    try:
        yield charge_point
    finally:
        await on("cp", charge_point.__aexit__(None, None, None))


@asynccontextmanager
async def pair(
    policy: Policy | None = None, server: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    """Both; ``server`` is for the central system, ``options`` for the charge point."""
    async with central_system_alone(policy=policy, **(server or {})) as central_system:
        async with charge_point_alone(**options) as charge_point:
            yield central_system, charge_point


def cut() -> None:
    """From now on nothing gets through; nobody is told."""
    loop: Any = asyncio.get_running_loop()
    loop.net.partition(["cs"], ["cp"])


def calls(central_system: CentralSystem) -> list[tuple[float, str]]:
    """When which call of the charge point came (s, to the millisecond), oldest first."""
    return [(round(event.at, 3), action) for event in central_system.received if (action := action_of(event))]


def actions(central_system: CentralSystem) -> list[str]:
    return [action for _, action in calls(central_system)]


def action_of(event: Event) -> str | None:
    return event.frame.action if isinstance(event.frame, Call) else None


def payloads(central_system: CentralSystem, action: str) -> list[Any]:
    """What the charge point sent under this action."""
    return [event.frame.payload for event in central_system.received if action_of(event) == action]  # type: ignore[union-attr]


def exchange(central_system: CentralSystem) -> list[str]:
    """The frames as the central system saw them: ``> Reset``, ``< result``, …"""
    story = []
    for event in central_system.trace:
        if event.mark in "<>":
            kind = action_of(event) or ("result" if isinstance(event.frame, CallResult) else "error")
            story.append(f"{event.mark} {kind}")
    return story


def connections(central_system: CentralSystem) -> int:
    return len([event for event in central_system.trace if event.text == "connected"])


def states(charge_point: ChargePoint) -> list[str]:
    """The states that it went through: ``connecting``, ``booting``, …"""
    own = [event.text for event in charge_point.trace if event.mark == "="]
    changes = [text for text in own if not text.startswith("connector ")]
    return [change.split()[2] for change in changes]


def simulated_now() -> datetime:
    """The wall clock of the simulation: `NOON` and the loop's time."""
    return NOON + timedelta(seconds=asyncio.get_running_loop().time())


def heal() -> None:
    """Everything gets through again."""
    loop: Any = asyncio.get_running_loop()
    loop.net.heal()


def sent_transaction_messages(central_system: CentralSystem) -> list[str]:
    """What came of the transaction messages, in order: ``Start 100``, ``Meter 200``, ``Stop 300``: the registers."""
    story = []
    for event in central_system.received:
        match event.frame:
            case Call(action="StartTransaction", payload={"meterStart": meter}):
                story.append(f"Start {meter}")
            case Call(action="StopTransaction", payload={"meterStop": meter}):
                story.append(f"Stop {meter}")
            case Call(action="MeterValues", payload={"meterValue": [{"sampledValue": [{"value": meter}]}]}):
                story.append(f"Meter {meter}")
    return story
