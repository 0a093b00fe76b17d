"""What the simulation of an hour costs: a charge point's life on our stack, and its frames and pings on bare sockets.

Both run in the same simulated world, with the same latency. The life comes first and is taken down; then a client and
a server of the `websockets` library say the same texts at the same times, and look at nothing that comes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from websockets.asyncio import client, server
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed

from ocpp_lab import Trace
from ocpp_lab.simulation import World, simulate
from ocpp_lab.station.car import Car

from .progress import Progress
from .wire import OPTIONS, SUBPROTOCOLS

HOUR = 3600.0
PORT = 9001
SEED = 1

Line = tuple[float, str]
"""When (s), and what text."""


class Hour(NamedTuple):
    """CPU seconds of one simulated hour, and how many times as many ours takes (median of the rounds' ratios)."""

    ours: float
    bare: float
    ratio: float
    frames: int


class Life(NamedTuple):
    """What both ends said, each by its own clock."""

    charge_point: list[Line]
    central_system: list[Line]


def hour(rounds: int, progress: Progress) -> Hour:
    """Ours and bare in turn; a first round of each only warms up."""
    life = simulate(live, SEED)
    bare = partial(replay, life)
    _cpu(bare)
    ours_took, bare_took = [], []
    for number in range(rounds):
        ours_took.append(_cpu(live))
        bare_took.append(_cpu(bare))
        progress.step(f"hour {number + 1} of {rounds}")
    ratios = [ours / theirs for ours, theirs in zip(ours_took, bare_took, strict=True)]
    return Hour(median(ours_took), median(bare_took), median(ratios), sum(map(len, life)))


def _cpu(scenario: Callable[[World], Any]) -> float:
    """Seconds of CPU, user and system, that one run takes."""
    start = time.process_time()
    simulate(scenario, SEED)
    return time.process_time() - start


async def live(world: World) -> Life:
    """Boot, heartbeats, statuses, pings; and a car that charges for half an hour, with a reading every minute."""
    central_system = await world.start_central_system(ping_interval=OPTIONS["ping_interval"])
    charge_point = await world.start_charge_point("CP_1", ping_interval=OPTIONS["ping_interval"])
    await charge_point.wait_for("online")
    site = world.sites["CP_1"]
    await asyncio.sleep(600)
    await site.do(_charge(site))
    await asyncio.sleep(HOUR - world.time)
    return Life(_said(charge_point.trace), _said(central_system.trace))


def _said(trace: Trace) -> list[Line]:
    return [(event.at, event.text) for event in trace if event.mark == ">" and event.at < HOUR]


async def _charge(site: Any) -> None:
    charging = site.charge_point.charging
    charging.plug_in(1, Car(wanted=50_000, power=11_000))
    await charging.present(1, "TAG_A")
    await asyncio.sleep(1830)  # not in the instant of a reading, where either may come first
    charging.stop(1, "Local")
    charging.unplug(1)


async def replay(life: Life, world: World) -> int:
    """The same texts and pings without a stack; returns how many texts arrived."""
    heard: list[str | bytes] = []
    central_system, charge_point = world.net.host("bare-cs"), world.net.host("bare-cp")

    async def serve() -> server.Server:
        async def talk(websocket: server.ServerConnection) -> None:
            await _talk(websocket, life.central_system, heard)

        return await server.serve(talk, "127.0.0.1", PORT, subprotocols=SUBPROTOCOLS, **OPTIONS)

    async def dial() -> None:
        url = f"ws://bare-cs:{PORT}/CP_1"
        websocket = await client.connect(url, subprotocols=SUBPROTOCOLS, proxy=None, **OPTIONS)
        await _talk(websocket, life.charge_point, heard)

    listening = await central_system.create_task(serve())
    await charge_point.create_task(dial())
    listening.close()
    await listening.wait_closed()
    return len(heard)


async def _talk(websocket: Connection, lines: list[Line], heard: list[str | bytes]) -> None:
    """Say the lines when their time comes, take what comes, and hang up when the hour is over."""
    loop = asyncio.get_running_loop()
    listener = asyncio.create_task(_listen(websocket, heard))
    for at, text in lines:
        await asyncio.sleep(at - loop.time())
        await websocket.send(text)
    await asyncio.sleep(HOUR - loop.time())
    await websocket.close()
    await listener


async def _listen(websocket: Connection, heard: list[str | bytes]) -> None:
    with suppress(ConnectionClosed):
        while True:
            heard.append(await websocket.recv())
