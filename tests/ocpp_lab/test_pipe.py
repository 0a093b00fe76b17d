"""`Pipe`: send, iterate, close; in memory and over a WebSocket, on a simulated network."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from simloop import SimLoop
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from ocpp_lab.errors import ConnectionLost
from ocpp_lab.memory_network import MemoryNetwork
from ocpp_lab.pipe import FRAMES_A_TURN, MemoryPipe, WebSocketPipe, how_it_ended, pipe_pair
from tests.simulated import clock, quiet, simulated

Ends = tuple[Any, Any]


@asynccontextmanager
async def in_memory() -> AsyncIterator[Ends]:
    yield pipe_pair()


@asynccontextmanager
async def over_websocket() -> AsyncIterator[Ends]:
    """The two ends of one WebSocket between two hosts of a simulated network."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    accepted: asyncio.Future[ServerConnection] = loop.create_future()
    over = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        accepted.set_result(connection)
        await over.wait()

    async def listen() -> Any:
        return await serve(handler, "0.0.0.0", 9000, compression=None, ping_interval=None)

    async def dial() -> Any:
        return await connect("ws://far:9000", compression=None, ping_interval=None, close_timeout=5)

    server = await loop.net.host("far").create_task(listen())
    client = await loop.net.host("near").create_task(dial())
    try:
        yield WebSocketPipe(client), WebSocketPipe(await accepted)
    finally:
        over.set()
        await client.close()
        server.close()
        await server.wait_closed()


both = pytest.mark.parametrize("line", [in_memory, over_websocket])


@both
@simulated
async def test_texts_arrive_in_order_both_ways(line: Any) -> None:
    """J-spec 4.1.2: text frames; nothing else is promised, and nothing less."""
    async with line() as (near, far):
        for n in range(100):
            await near.send(f"to far {n}")
            await far.send(f"to near {n} é😀")
        await near.close()
        assert [text async for text in far] == [f"to far {n}" for n in range(100)]
    if line is in_memory:  # a WebSocket's own close drops what its end had not read
        assert [text async for text in near] == [f"to near {n} é😀" for n in range(100)]


@both
@simulated
async def test_a_close_ends_the_iteration_at_both_ends(line: Any) -> None:
    """Whoever closes: both know the code and the reason, and nobody waits for ever, however often he asks."""
    async with line() as (near, far):
        reading = [asyncio.create_task(_read_all(end)) for end in (near, far)]
        await asyncio.sleep(1)
        await far.close(1001, "maintenance")
        assert await asyncio.gather(*reading) == [[], []]
        assert await _read_all(near) == await _read_all(far) == []
        for end in (near, far):
            assert (end.close_code, end.close_reason) == (1001, "maintenance")


@both
@simulated
async def test_sending_after_the_end_raises(line: Any) -> None:
    """`ConnectionLost`, with the code and the reason of the close, at both ends."""
    async with line() as (near, far):
        await far.close(1001, "maintenance")
        await asyncio.sleep(1)
        for end in (near, far):
            with pytest.raises(ConnectionLost, match="1001 'maintenance'") as lost:
                await end.send("late")
            assert (lost.value.code, lost.value.reason) == (1001, "maintenance")


@both
@simulated
async def test_a_cut_line_has_no_close_frame(line: Any) -> None:
    """RFC 6455 7.1.5: 1006 stands for a connection that ended without a close frame."""
    async with line() as (near, far):
        reading = asyncio.create_task(_read_all(near))
        await asyncio.sleep(1)
        far.abort()
        assert await reading == []
        with pytest.raises(ConnectionLost, match="without a close frame") as lost:
            await near.send("late")
        assert lost.value.code == 1006
        assert how_it_ended(near).code == 1006


@both
@simulated
async def test_closing_twice_is_fine(line: Any) -> None:
    """The first code stays."""
    async with line() as (near, far):
        await near.close(1001, "first")
        await near.close(1000, "second")
        await far.close(1000, "third")
        near.abort()
        assert (near.close_code, near.close_reason) == (1001, "first")


@both
@simulated
async def test_every_text_is_noted_as_it_passes(line: Any) -> None:
    """``>`` for what leaves, ``<`` for what comes, at the end that does it."""
    notes: list[tuple[str, str, str]] = []
    async with line() as (near, far):
        near.note = lambda mark, text: notes.append(("near", mark, text))
        far.note = lambda mark, text: notes.append(("far", mark, text))
        await near.send("ping")
        assert await anext(aiter(far)) == "ping"
        await near.close()
    assert notes == [("near", ">", "ping"), ("far", "<", "ping")]


def test_how_a_pipe_without_a_code_ended() -> None:
    """Nobody knows, while nobody has said it."""
    assert how_it_ended(pipe_pair()[0]).code is None


# The WebSocket's own --------------------------------------------------------------------------------------------------


@simulated
async def test_a_binary_frame_comes_out_as_bytes() -> None:
    """OCPP-J has no use for it (J-spec 4.1.2); whoever decodes must be able to tell."""
    notes: list[str] = []
    async with over_websocket() as (near, far):
        far.note = lambda mark, text: notes.append(text)
        await near.websocket.send(b"\x00\xff")
        assert await anext(aiter(far)) == b"\x00\xff"
    assert notes == ["a binary frame of 2 bytes"]


@simulated
async def test_stop_reading_for_a_while() -> None:
    """Nothing is taken from the line for so many seconds; then all of it, in order."""
    async with over_websocket() as (near, far):
        arrived: list[float] = []

        async def read() -> None:
            async for _ in far:
                arrived.append(clock())

        reading = asyncio.create_task(read())
        far.stop_reading(60)
        for n in range(3):
            await near.send(str(n))
        await asyncio.sleep(59)
        assert arrived == []
        await asyncio.sleep(2)
        assert arrived == [60, 60, 60]
        await near.close()
        await reading


@simulated
async def test_stop_reading_until_told_otherwise() -> None:
    async with over_websocket() as (near, far):
        reading = asyncio.create_task(_read_all(far))
        far.stop_reading()
        await near.send("x")
        await asyncio.sleep(3600)
        assert far.not_reading and not reading.done()
        far.resume_reading()
        assert not far.not_reading
        await near.close()
        assert await reading == ["x"]
        far.resume_reading()  # again is fine


@simulated
async def test_an_earlier_pause_does_not_end_a_later_one() -> None:
    """Whoever reads on and stops again starts afresh; the end of the line leaves no timer behind."""
    async with over_websocket() as (near, far):
        reading = asyncio.create_task(_read_all(far))
        far.stop_reading(60)
        await asyncio.sleep(10)
        far.resume_reading()
        far.stop_reading(600)
        await near.send("x")
        notes: list[str] = []
        far.note = lambda mark, text: notes.append(text)
        await asyncio.sleep(500)
        assert notes == []
        await far.close()
        await reading


@pytest.mark.parametrize("how", ["close", "abort"])
@simulated
async def test_a_reader_that_was_stopped_sees_the_end(how: str) -> None:
    """The end of this side is no matter of reading on: the iteration ends."""
    async with over_websocket() as (near, far):
        reading = asyncio.create_task(_read_all(far))
        await near.send("x")
        far.stop_reading()
        await asyncio.sleep(10)
        if how == "close":
            await far.close()
        else:
            far.abort()
        await reading


@simulated
async def test_closing_does_not_wait_for_what_nobody_reads() -> None:
    """The peer's close frame lies behind its texts; they are thrown away to reach it, and no time-out is waited for."""
    async with over_websocket() as (near, far):
        for n in range(200):
            await near.send(str(n))
        await asyncio.sleep(1)
        await far.close(1001, "enough")
        assert clock() < 2
        assert (far.close_code, near.close_code) == (1001, 1001)


@simulated
async def test_memory_pipes_lose_nothing_before_the_close() -> None:
    """What was sent before a close, a cut included, still arrives."""
    near, far = pipe_pair()
    await near.send("last words")
    near.abort()
    assert await _read_all(far) == ["last words"]
    assert isinstance(near, MemoryPipe)
    await quiet()


async def test_of_what_was_sent_ahead_two_texts_come_out_in_a_turn() -> None:
    """A peer that floods delays nobody by more; in a real loop, whose turns can be counted."""
    loop = asyncio.get_running_loop()
    MemoryNetwork(loop).install()
    sent, over, turns = asyncio.Event(), asyncio.Event(), 0

    async def flood(connection: ServerConnection) -> None:
        for n in range(50):
            await connection.send(f"{n}")
        sent.set()
        await over.wait()

    async def tick() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with serve(flood, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", compression=None) as client:
            await sent.wait()
            await asyncio.sleep(0.01)  # all of it has been split into frames
            ticking, came = asyncio.create_task(tick()), []
            async for text in WebSocketPipe(client):
                came.append((text, turns))
                if len(came) == 50:
                    break
            ticking.cancel()
            over.set()
    assert [text for text, _ in came] == [f"{n}" for n in range(50)]
    assert max(Counter(turn for _, turn in came).values()) == FRAMES_A_TURN


async def _read_all(pipe: Any) -> list[str | bytes]:
    return [text async for text in pipe]
