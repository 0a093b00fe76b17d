"""A charge point that is not let in, or loses its connection, waits longer each time, for ever (RFC 6455 7.2.3).

On simulated time. The waits are those of `backoff`, whose own tests are elsewhere; here they are seen at the door.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from ocpp_lab import CentralSystem, HandshakeRefused, Policy, backoff
from ocpp_lab.charge_point.dial import dial
from tests.pair import (
    URL,
    calls,
    central_system_alone,
    charge_point_alone,
    connections,
    on,
    pair,
    serving,
    simulated,
    states,
)
from tests.simulated import clock

ENVELOPE = [(3, 13), (6, 36), (12, 82), (24, 174)]
"""The shortest and the longest first, second, … wait in seconds, with the defaults 3, 3, 10; then the last again."""

IDENTITIES = ["CP_1", "CP_2", "CP_3"]
"""Without a generator of its own a charge point draws its waits from its identity: each other ones, always the same."""


class Door:
    """A WebSocket server that agrees on no subprotocol. Writes down when somebody knocked, and how it was closed."""

    def __init__(self) -> None:
        self.knocks: list[float] = []
        self.closes: list[int | None] = []

    async def meet(self, websocket: ServerConnection) -> None:
        self.knocks.append(clock())
        await websocket.wait_closed()
        self.closes.append(websocket.close_code)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async def listen() -> Any:
            return await serve(self.meet, "cs", 9000, ping_interval=None)

        server = await on("cs", listen())
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()


def waits(instants: list[float]) -> list[float]:
    return [round(after - before, 3) for before, after in itertools.pairwise(instants)]


@simulated(seed=1)
@pytest.mark.parametrize("identity", IDENTITIES)
async def test_no_common_subprotocol(identity: str, caplog: pytest.LogCaptureFixture) -> None:
    """J-spec 3.2: a connection without the subprotocol is closed at once; then back-off within the envelope."""
    caplog.set_level(logging.INFO, logger="ocpp_lab")
    door = Door()
    async with door.open():
        async with charge_point_alone(identity) as charge_point:
            await asyncio.sleep(2_000)
            assert set(states(charge_point)) == {"connecting", "waiting"}
        assert set(door.closes) == {1002}
    seen = waits(door.knocks)
    assert len(seen) > 5
    assert all(low <= wait <= high for wait, (low, high) in zip(seen, ENVELOPE, strict=False))
    assert set(seen[4:]) == {seen[3]}
    assert "HandshakeRefused: HTTP 101" in caplog.text


@simulated
async def test_no_common_subprotocol_is_a_definite_error() -> None:
    """Nothing was sent, so nobody can have acted on anything."""
    door = Door()
    async with door.open():
        with pytest.raises(HandshakeRefused, match="did not agree on the subprotocol") as refused:
            await on("cp", dial(f"{URL}/CP_1"))
        assert (refused.value.status, refused.value.definite) == (101, True)


@simulated(seed=1)
@pytest.mark.parametrize("identity", IDENTITIES)
async def test_nobody_there(identity: str) -> None:
    """The waits are exactly those of the formula, drawn from the identity, until somebody listens."""
    async with charge_point_alone(identity) as charge_point:
        expected = list(itertools.accumulate(itertools.islice(backoff(Random(identity)), 6)))
        await asyncio.sleep(expected[-2] - 0.5)
        dials = [event.at for event in charge_point.trace if "→ connecting" in event.text]
        assert dials == pytest.approx([0.0, *expected[:-2]])
        central_system = await serving()
        await charge_point.wait_for("online")
        assert clock() == expected[-2]
        await on("cs", central_system.stop())


@simulated
async def test_waits_start_afresh_once_the_connection_proved_itself() -> None:
    """A boot that is accepted, or any call that is answered, is proof; an open connection is none."""
    delays = Delays()
    async with pair(delays=delays) as (central_system, charge_point):
        for _ in range(2):
            await charge_point.wait_for("online")
            central_system.faults.close("BootNotification", times=3)
            await charge_point.reboot("power cut")  # or it would not boot
            await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        assert delays.drawn == [1, 2, 3, 4, 1, 2, 3, 4]
        assert connections(central_system) == 1 + 8


class Delays:
    """Waits of 1, 2, 3, … seconds, written down as they are drawn."""

    def __init__(self) -> None:
        self.drawn: list[int] = []

    def __call__(self) -> Iterator[float]:
        for wait in itertools.count(1):
            self.drawn.append(wait)
            yield wait


@simulated
async def test_rejected_is_no_proof() -> None:
    """A central system that rejects and drops must not be dialled again and again at the shortest wait."""
    delays = Delays()
    async with pair(Policy("Rejected", 1), delays=delays) as (central_system, charge_point):
        for _ in range(4):
            await charge_point.wait_for("rejected")
            await on("cs", central_system["CP_1"].close(1001))
            await charge_point.wait_for("waiting")
        await asyncio.sleep(0.5)
        assert delays.drawn == [1, 2, 3, 4]


NOISE: dict[str, bytes | None] = {
    "reset": None,
    "silence": b"",
    "noise": b"\x16\x03\x01 220 smtp ready\r\n\r\n",
    "a web page": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "broken handshake": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "redirect to a web page": b"HTTP/1.1 302 Found\r\nLocation: http://cs:9000/\r\n\r\n",
    "redirect to nowhere": b"HTTP/1.1 302 Found\r\nLocation: ws://[::1/\r\n\r\n",
    "redirect in circles": b"HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n",
    "unavailable": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
}


@simulated(seed=1)
@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
async def test_whatever_answers_at_that_port(noise: bytes | None) -> None:
    """Not every refusal is a 404 (J-errata 3.3); none of them ends the charge point, and each is followed by a wait."""
    knocks: list[float] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocks.append(clock())
        if noise is None:
            writer.transport.abort()
            return
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(noise)
            await writer.drain()
        writer.close()

    server = await on("cs", asyncio.start_server(answer, "cs", 9000))
    async with charge_point_alone(delays=lambda: itertools.repeat(5.0)) as charge_point:
        await asyncio.sleep(16)
        assert sorted(set(knocks)) == [0, 5, 10, 15]
        assert charge_point.state == "waiting"
    server.close()
    await server.wait_closed()


async def close(central_system: CentralSystem) -> None:
    await on("cs", central_system["CP_1"].close(1001))


async def cut(central_system: CentralSystem) -> None:
    pipe: Any = central_system["CP_1"].transport.pipe
    pipe.abort()


@simulated
@pytest.mark.parametrize("lose", [close, cut])
async def test_it_comes_back(lose: Callable[[CentralSystem], Any]) -> None:
    """J-spec 5.4: however the connection was lost, and however often; one heartbeat beats, not one more each time."""
    policy = Policy(interval=100)
    async with pair(policy, delays=lambda: itertools.repeat(1.0)) as (central_system, charge_point):
        for _ in range(5):
            await charge_point.wait_for("online")
            await asyncio.sleep(2)
            await lose(central_system)
            await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        began = clock()
        await asyncio.sleep(1_000.5)
        beats = [at for at, action in calls(central_system) if action == "Heartbeat" and at > began]
        assert beats == [began + 100 * n for n in range(1, 11)]
        assert connections(central_system) == 6


@simulated
@pytest.mark.parametrize("by", ["charge point", "central system"])
async def test_a_line_that_is_over_is_not_online(by: str) -> None:
    """Whoever waits for "online" right after the loss waits for the next line, not for the one that is being buried."""
    async with pair(delays=lambda: itertools.repeat(1.0)) as (central_system, charge_point):
        for lines in range(1, 4):
            async with asyncio.timeout(60):
                assert await charge_point.wait_for("online") == "online"
            await asyncio.sleep(0.5)
            assert connections(central_system) == lines and charge_point.uptime.losses == lines - 1
            session = charge_point.session if by == "charge point" else central_system["CP_1"]
            closing = asyncio.create_task(on("cp" if by == "charge point" else "cs", session.close(1001)))
            if by == "central system":
                await closing
            while not session.transport.closed:  # noqa: ASYNC110 (there is no event for it)
                await asyncio.sleep(0)
            assert await charge_point.wait_for("online", "booting", "connecting") == "connecting"
            await closing


@simulated
async def test_an_open_timeout() -> None:
    """Of nobody who answers: the default of 10 s, or what is asked for."""
    loop: Any = asyncio.get_running_loop()
    loop.net.host("cs"), loop.net.host("cp")
    loop.net.partition(["cs"], ["cp"])
    for options, seconds in ({}, 10), ({"open_timeout": 2.5}, 2.5):
        began = clock()
        with pytest.raises(TimeoutError):
            await on("cp", dial("ws://cs:9000/CP_1", **options))  # type: ignore[arg-type]
        assert clock() - began == seconds


@simulated
async def test_half_open_line_is_noticed_by_ping() -> None:
    """J-spec 5.3: nobody says that it is dead. The WebSocket ping finds out, within interval and timeout."""
    async with central_system_alone(ping_interval=None) as central_system:
        async with charge_point_alone(ping_interval=60) as charge_point:
            await charge_point.wait_for("online")
            await asyncio.sleep(10)
            loop: Any = asyncio.get_running_loop()
            loop.net.partition(["cs"], ["cp"])
            began = clock()
            await charge_point.wait_for("waiting")
            assert clock() - began <= 60 + 60 + 10  # interval, timeout, closing
            loop.net.heal()
            await charge_point.wait_for("online")
            assert connections(central_system) == 2
