"""A learner's transport in the stack: its texts, bytes, writes and its end are known, though it counts nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_course import fit
from ocpp_lab import CallTimeout, ConnectionLost, Session
from ocpp_lab import messages as m
from tests.fakes import FakePipe, Silent
from tests.learner import MyTransport
from tests.ocpp_course.checks.fitted.nonsense import nonsense
from tests.simulated import clock, quiet, simulated


def over(pipe: FakePipe, **options: Any) -> Any:
    """A learner's transport, fitted and started."""
    transport = fit(transport=nonsense("transport", MyTransport))["transport"](pipe, name="CP_1", **options)
    transport.start()
    return transport


async def read(transport: Any) -> list[str]:
    return [text async for text in transport]


@simulated
async def test_texts_and_bytes() -> None:
    """Both ways, as UTF-8; a text counts once the pipe has taken it."""
    pipe = FakePipe(write_time=1)
    transport = over(pipe)
    reading = asyncio.create_task(read(transport))
    for text in ("zehn €", "ä"):
        await transport.send(text)
        pipe.arrive(text)
    await asyncio.sleep(1.5)
    assert (transport.frames_sent, transport.bytes_sent) == (1, len("zehn €".encode()))
    await transport.close(1001, "bye")
    assert await reading == ["zehn €", "ä"]
    assert (transport.frames_sent, transport.bytes_sent) == (2, len("zehn €ä".encode()))
    assert (transport.frames_received, transport.bytes_received) == (2, len("zehn €ä".encode()))
    assert pipe.closes == [(1001, "bye")]


@simulated
async def test_the_queue_and_the_writes() -> None:
    """Writes are counted at the pipe; the depth of the queue is the learner's own probe, which its step promises."""
    pipe = FakePipe()
    pipe.stall()
    transport = over(pipe)
    for number in range(5):
        await transport.send(str(number))
    await quiet()
    assert (transport.queue_depth, transport.writes_in_flight) == (4, 1)
    pipe.flow()
    await transport.close()
    assert (transport.max_queue_depth, transport.max_writes_in_flight) == (transport.piece.max_queue_depth, 1)
    assert (transport.queue_depth, transport.writes_in_flight) == (0, 0)


@simulated
async def test_a_probe_that_lies_does_not_matter() -> None:
    """A transport that says one, and writes all at once."""

    class Lies(MyTransport):
        async def send(self, text: str) -> None:
            self.tasks = [*getattr(self, "tasks", []), asyncio.create_task(self._pipe.send(text))]

    pipe = FakePipe(write_time=1)
    transport = fit(transport=Lies)["transport"](pipe)
    for number in range(3):
        await transport.send(str(number))
    await quiet()
    assert (transport.piece.max_writes_in_flight, transport.max_writes_in_flight) == (0, 3)
    await asyncio.gather(*transport.piece.tasks)


@simulated
async def test_the_end_by_the_peer() -> None:
    """With its code and reason, though the piece knows of neither."""
    pipe = FakePipe()
    transport = over(pipe)
    assert (transport.closed, transport.lost) == (False, None)
    pipe.peer_closes(1001, "maintenance")
    assert await read(transport) == []
    assert transport.closed and (transport.lost.code, transport.lost.reason) == (1001, "maintenance")
    with pytest.raises(ConnectionLost, match="maintenance"):
        await transport.send("late")
    await transport.close()


@simulated
async def test_the_end_by_a_write() -> None:
    """Nobody reads; the pipe below has met the end."""
    pipe = FakePipe()
    transport = over(pipe)
    pipe.fails_with = ConnectionLost("gone", code=1006)
    await transport.send("x")
    await quiet()
    assert transport.closed and transport.lost.code == 1006
    await transport.close()


@simulated
async def test_the_end_by_our_own_close() -> None:
    """From the first close on nothing is sent, also while the piece flushes; a caller who is cancelled ends nothing."""
    pipe = FakePipe(write_time=1)
    transport = over(pipe)
    await transport.send("x")
    closing = asyncio.create_task(transport.close(1008, "enough"))
    await quiet()
    assert transport.lost.code == 1008
    with pytest.raises(ConnectionLost, match="this end closed with 1008 'enough'"):
        await transport.send("y")
    closing.cancel()
    await asyncio.gather(transport.close(), transport.close(1000))
    assert pipe.sent == ["x"] and pipe.closes == [(1008, "enough")] and clock() == 1


@simulated
async def test_a_text_that_the_piece_takes_after_the_end_is_not_lost_silently() -> None:
    class Swallows(MyTransport):
        async def send(self, text: str) -> None:
            self._queue.put_nowait(text)

    pipe = FakePipe()
    transport = fit(transport=Swallows)["transport"](pipe)
    pipe.peer_closes(1001)
    await read(transport)
    with pytest.raises(ConnectionLost):
        await transport.send("late")
    assert transport.piece.queue_depth == 0
    await transport.close()


@simulated
async def test_room_is_not_known_so_each_wait_has_a_limit() -> None:
    """A queue that stays full ends a call by its timeout; nothing of it is left pending, and no frame is counted."""
    pipe = FakePipe()
    pipe.stall()
    transport = fit(transport=nonsense("transport", MyTransport))["transport"](pipe, limit=1)
    assert transport.has_room is False
    session = Session(transport, Silent(), timeout=5)
    running = asyncio.create_task(session.run())
    await quiet()
    for text in ("on its way", "in the queue"):
        await transport.send(text)
        await quiet()
    with pytest.raises(CallTimeout, match="stayed full"):
        await session.call(m.HeartbeatRequest())
    assert clock() == 5 and len(session.pending) == 0
    assert session.tally.frames == {} and session.tally.ended == {("Heartbeat", "timeout"): 1}
    pipe.flow()
    await session.close()
    await running
