"""One identity, one connection: the newest wins, and a central system that stops leaves nobody behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from ocpp_lab import CentralSystem, ChargePoint, ConnectionLost, Event, Session, Trace
from ocpp_lab import messages as m
from ocpp_lab.credentials import basic_auth
from tests.house import scaled
from tests.integration.wire import SUBPROTOCOL, facing, plain_client, until
from tests.pair import simulated
from tests.simulated import clock, quiet

KEY = "sixteen letters!"


async def outcome(call: Any) -> Any:
    try:
        return await call
    except ConnectionLost as lost:
        return lost


def hang(websocket: ClientConnection) -> None:
    """From now on this end reads nothing, not even a close frame: the line is half-open."""
    websocket.transport.pause_reading()


async def replaced(websocket: ClientConnection) -> bool:
    await websocket.wait_closed()
    return (websocket.close_code, websocket.close_reason) == (1008, "replaced")


def successor(central_system: CentralSystem, old: Session) -> bool:
    """Whether somebody else is registered in the place of the old one."""
    return central_system.sessions.get("CP_1", old) is not old


async def is_served(websocket: ClientConnection) -> bool:
    await websocket.send('[2,"mine","Heartbeat",{}]')
    return '"mine"' in str(await websocket.recv())


class Watch:
    """A trace that looks at the central system at the very instant at which a connection is registered."""

    def __init__(self) -> None:
        self.trace = Trace(listener=self._note)
        self.central_system: CentralSystem
        self.old: Any = None
        self.seen: list[tuple[int, bool]] = []
        """For each connection: calls of the old one that are pending, and whether the old one has ended."""

    def _note(self, event: Event) -> None:
        if event.text.startswith("connected "):
            if self.old:
                self.seen.append((len(self.old.pending), self.old.ended_at is not None))
            self.old = self.central_system[event.identity]


@asynccontextmanager
async def watched(**options: Any) -> AsyncIterator[tuple[CentralSystem, Watch]]:
    watch = Watch()
    async with CentralSystem(trace=watch.trace, **options) as central_system:
        watch.central_system = central_system
        yield central_system, watch


async def test_a_newer_connection_wins() -> None:
    """The old one is closed with 1008 and its calls end before the new one is registered."""
    async with watched() as (central_system, watch), facing(central_system) as old:
        calls = [asyncio.create_task(outcome(old.session.call(m.ClearCacheRequest()))) for _ in range(3)]
        assert (await old.hear())[2] == "ClearCache"
        async with plain_client(central_system.url) as newer:
            assert await replaced(old.websocket)
            in_flight, *queued = await asyncio.gather(*calls, return_exceptions=True)
            assert isinstance(in_flight, ConnectionLost)
            assert (in_flight.code, in_flight.reason) == (1008, "replaced")
            assert {type(error).__name__ for error in queued} == {"NotConnected"}
            await until(lambda: successor(central_system, old.session))
            assert watch.seen == [(0, True)]
            assert newer.close_code is None


async def test_a_late_close_takes_nobody_with_it() -> None:
    """When the old connection is gone at last, the new one is still registered, and served."""
    async with CentralSystem() as central_system, facing(central_system) as old:
        async with plain_client(central_system.url) as newer:
            await old.websocket.wait_closed()
            await until(lambda: successor(central_system, old.session))
            new = central_system["CP_1"]
            await old.websocket.close()
            await until(lambda: "disconnected" in str(list(central_system.trace)), "the old one's end is noted")
            assert central_system["CP_1"] is new
            assert await is_served(newer)
        await until(lambda: not central_system.sessions, "the new one's own close unregisters it")


async def test_the_old_one_is_half_open() -> None:
    """A peer that answers no close frame is the usual old connection: it is cut, and the new one gets in."""
    async with watched() as (central_system, watch), facing(central_system) as old:
        hang(old.websocket)
        call = asyncio.create_task(outcome(old.session.call(m.ClearCacheRequest())))
        await until(lambda: len(old.session.pending) == 1)
        async with plain_client(central_system.url):
            assert isinstance(await call, ConnectionLost)
            await until(lambda: successor(central_system, old.session))
            assert watch.seen == [(0, True)]
        old.websocket.transport.abort()


async def test_the_central_system_does_not_read_the_old_one() -> None:
    """The fault *stop reading* does not outlive the connection: it can be replaced."""
    async with CentralSystem() as central_system, facing(central_system) as old:
        central_system.faults.stop_reading("Heartbeat")
        await old.ask("1", "Heartbeat", {})
        await old.say(2, "2", "Heartbeat", {})
        central_system.faults.clear()
        async with facing(central_system) as newer:
            assert await replaced(old.websocket)
            await newer.is_served()


async def test_many_at_once() -> None:
    """Whatever the order in which they come, one is left: registered and served; all others were told why."""
    async with CentralSystem() as central_system:
        left = {asyncio.create_task(_answer_until_closed(central_system)) for _ in range(8)}
        while len(left) > 1:
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            assert all(task.result() == (1008, "replaced") for task in done)
        assert (await central_system["CP_1"].call(m.ClearCacheRequest())).status == "Rejected"
        await central_system.stop()
        assert await left.pop() == (1001, "central system stops")


async def _answer_until_closed(central_system: CentralSystem) -> tuple[int | None, str | None]:
    async with plain_client(central_system.url) as websocket:
        with suppress(ConnectionClosed):
            while True:
                unique_id = json.loads(await websocket.recv())[1]
                await websocket.send(json.dumps([3, unique_id, {"status": "Rejected"}]))
        return websocket.close_code, websocket.close_reason


# The end of the central system ----------------------------------------------------------------------------------------


async def test_stop_with_peers_in_every_condition() -> None:
    """All are closed with 1001: one that is idle, one whose call is being handled, one that is not read, ours.

    Who connects while it stops is turned away. Stopping twice is fine.
    """
    async with CentralSystem() as central_system, facing(central_system, "idle") as idle:
        async with facing(central_system, "busy") as busy, facing(central_system, "unread") as unread:
            async with ChargePoint(central_system.url, "ours") as charge_point:
                await charge_point.wait_for("online")
                central_system.faults.delay("Heartbeat", seconds=1000, identity="busy")
                central_system.faults.stop_reading("Heartbeat", identity="unread")
                await busy.say(2, "1", "Heartbeat", {})
                await unread.ask("1", "Heartbeat", {})
                await unread.say(2, "2", "Heartbeat", {})
                stops = [asyncio.create_task(central_system.stop()) for _ in range(2)]
                await asyncio.gather(*stops)
                for peer in (idle, busy, unread):
                    await peer.websocket.wait_closed()
                    assert (peer.websocket.close_code, peer.websocket.close_reason) == (1001, "central system stops")
                await charge_point.wait_for("waiting")
                assert not central_system.sessions
                await central_system.stop()


async def test_it_can_be_started_again() -> None:
    """What it knew it still knows: the registration outlives the connection (J-spec 5.4), and so does the port."""
    async with CentralSystem() as central_system:
        async with facing(central_system):
            await central_system.stop()
            await central_system.start()
            async with facing(central_system, boots=False) as again:
                await again.is_served()


# Half-open lines, on simulated time -----------------------------------------------------------------------------------


class Town:
    """A central system on a machine of its own, and plain clients on theirs."""

    def __init__(self, **options: Any) -> None:
        loop: Any = asyncio.get_running_loop()
        self.net = loop.net
        self.central_system = CentralSystem(host="cs", port=9000, passwords={"CP_1": KEY}, **options)

    async def on[T](self, host: str, work: Coroutine[Any, Any, T]) -> T:
        done: T = await self.net.host(host).create_task(work)
        return done

    async def dial(self, host: str) -> ClientConnection:
        """A connection of CP_1; the central system has seen it when this returns."""

        async def open_one() -> ClientConnection:
            header = {"Authorization": basic_auth("CP_1", KEY)}
            options: dict[str, Any] = {"subprotocols": [SUBPROTOCOL], "ping_interval": None, "proxy": None}
            return await connect("ws://cs:9000/CP_1", additional_headers=header, **options)

        websocket = await self.on(host, open_one())
        await quiet()
        return websocket

    async def cut(self, host: str) -> None:
        self.net.partition(["cs"], [host])

    async def end(self, *websockets: ClientConnection) -> None:
        self.net.heal()
        await self.on("cs", self.central_system.stop())
        for websocket in websockets:
            await websocket.close()


@simulated(seeds=scaled(10, 100))
async def test_the_newest_of_three_wins() -> None:
    """Two newer ones wait for the same dead one. The newest gets in, though the other waits longer; soon, too."""
    town = Town(ping_interval=None)
    await town.on("cs", town.central_system.start())
    first = await town.dial("a")
    await town.cut("a")
    cut_at = clock()
    second, third = await town.dial("b"), await town.dial("c")
    assert await replaced(second)
    assert await is_served(third)
    assert clock() - cut_at < 3
    assert list(town.central_system.sessions) == ["CP_1"]
    await town.end(first, second, third)


@simulated
async def test_stop_does_not_wait_for_the_dead() -> None:
    """A dead connection, a newer one that waits for it, and a TCP connection that never says a word: stop returns."""
    town = Town(ping_interval=None)
    await town.on("cs", town.central_system.start())
    first = await town.dial("a")
    _, silent = await town.on("d", asyncio.open_connection("cs", 9000))
    await town.cut("a")
    second = await town.dial("b")
    began = clock()
    await town.on("cs", town.central_system.stop())
    assert clock() - began <= 10
    await second.wait_closed()
    assert second.close_code == 1001
    assert not town.central_system.sessions
    silent.close()
    await town.end(first, second)
