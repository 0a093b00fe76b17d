"""`Transport.close`: nothing hangs, nobody waits for ever, whoever goes first (DESIGN.md, milestone 1)."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ocpp_lab.errors import ConnectionLost
from ocpp_lab.transport import Transport
from tests.fakes import FakePipe
from tests.simulated import clock, quiet, simulated


@simulated
async def test_flush_sends_all_that_is_queued() -> None:
    """Then closes the pipe, once, with the code and the reason given; nothing can be sent afterwards."""
    pipe = FakePipe(write_time=0.1)
    transport = Transport(pipe)
    for number in range(10):
        await transport.send(str(number))
    await transport.close(1001, "bye")
    assert len(pipe.sent) == 10
    assert clock() == 1.0
    assert pipe.closes == [(1001, "bye")]
    assert transport.closed
    with pytest.raises(ConnectionLost) as late:
        await transport.send("late")
    assert (late.value.code, late.value.reason) == (1001, "bye")
    assert "this end closed" in str(late.value)


@simulated
async def test_no_text_is_taken_while_closing() -> None:
    """What is queued goes out, what comes now does not: or a busy sender could keep the line open for ever."""
    pipe = FakePipe(write_time=1)
    transport = Transport(pipe)
    await transport.send("before")
    closing = asyncio.create_task(transport.close())
    await quiet()
    with pytest.raises(ConnectionLost):
        await transport.send("meanwhile")
    await closing
    assert pipe.sent == ["before"]


@simulated
async def test_drop_sends_no_more() -> None:
    """``flush=False``: at most the text that is with the pipe already still goes."""
    pipe = FakePipe(write_time=1)
    transport = Transport(pipe)
    for number in range(10):
        await transport.send(str(number))
    await transport.close(flush=False)
    assert clock() == 0
    await asyncio.sleep(100)
    assert len(pipe.sent) <= 1
    assert transport.queue_depth == 0
    assert pipe.closes == [(1000, "")]


@simulated
async def test_close_never_hangs_on_a_stalled_line() -> None:
    """The peer reads no more: flush waits ``timeout`` seconds and not longer; then the connection is cut."""
    pipe = FakePipe()
    pipe.stall()
    transport = Transport(pipe, limit=2)
    for number in range(3):
        await transport.send(str(number))
    blocked = asyncio.create_task(transport.send("blocked"))
    reading = asyncio.create_task(_read_all(transport))
    await transport.close(timeout=5)
    assert clock() == pytest.approx(5, abs=0.001)
    with pytest.raises(ConnectionLost):
        await blocked
    assert await reading == []  # the iteration ended too
    assert pipe.sent == [] and pipe.in_progress == 0
    assert pipe.aborted and pipe.closes == []


@simulated
async def test_a_pipe_whose_close_hangs_is_aborted() -> None:
    """The closing handshake has a limit too: the one ``timeout`` covers what is flushed and the handshake."""
    pipe = FakePipe(close_time=3600, write_time=1.5)
    transport = Transport(pipe)
    await transport.send("flushed")
    await transport.close(timeout=2)
    assert clock() == 2 and pipe.sent == ["flushed"]
    assert pipe.aborted and len(pipe.closes) == 1


@simulated
async def test_senders_on_a_full_queue_are_released() -> None:
    """With `ConnectionLost`, each with an exception of its own, at the instant of the close."""
    pipe = FakePipe()
    pipe.stall()
    transport = Transport(pipe, limit=1)
    await transport.send("written")
    await transport.send("queued")
    senders = [asyncio.create_task(transport.send(str(n))) for n in range(5)]
    await quiet()
    await transport.close(flush=False)
    results = await asyncio.gather(*senders, return_exceptions=True)
    assert all(isinstance(result, ConnectionLost) for result in results)
    assert len(set(map(id, results))) == 5
    assert clock() == 0


@simulated
async def test_closing_many_times_is_fine() -> None:
    """The pipe is closed once, with the first code; every close waits for the end."""
    pipe = FakePipe(write_time=1, close_time=1)
    transport = Transport(pipe)
    await transport.send("x")
    first = asyncio.create_task(transport.close(1001))
    await quiet()
    await asyncio.gather(transport.close(1000), transport.close(flush=False))
    assert clock() == 2
    await first
    await transport.close()
    assert pipe.closes == [(1001, "")]


@simulated
async def test_a_cancelled_close_still_closes() -> None:
    """Whoever closed may be cancelled; the line is not left half closed."""
    pipe = FakePipe(write_time=1)
    transport = Transport(pipe)
    await transport.send("x")
    closing = asyncio.create_task(transport.close())
    await quiet()
    closing.cancel()
    await asyncio.sleep(5)
    assert pipe.closes and pipe.sent == ["x"]


# The peer goes first --------------------------------------------------------------------------------------------------


@simulated
async def test_the_peer_closes_first() -> None:
    """The iteration ends, waiting senders get `ConnectionLost` with the peer's code, close is harmless and quick."""
    pipe = FakePipe()
    pipe.stall()
    transport = Transport(pipe, limit=1)
    await transport.send("written")
    await transport.send("queued")
    blocked = asyncio.create_task(transport.send("blocked"))
    reading = asyncio.create_task(_read_all(transport))
    pipe.arrive("last words")
    await quiet()
    pipe.peer_closes(1001, "restarting")
    assert await reading == ["last words"]
    with pytest.raises(ConnectionLost) as lost:
        await blocked
    assert (lost.value.code, lost.value.reason) == (1001, "restarting")
    assert transport.lost and transport.lost.code == 1001
    with pytest.raises(ConnectionLost):
        await transport.send("late")
    await transport.close()
    assert clock() <= 5


@simulated
async def test_a_writer_that_meets_the_end_tells_everybody() -> None:
    """Nobody reads, so only a write finds out; senders are released, and the next send raises."""
    pipe = FakePipe()
    pipe.stall()
    transport = Transport(pipe, limit=1)
    for text in ("written", "queued"):
        await transport.send(text)
    blocked = asyncio.create_task(transport.send("blocked"))
    await quiet()
    pipe.fails_with = ConnectionLost("gone", code=1006)
    pipe.flow()
    with pytest.raises(ConnectionLost, match="gone"):
        await blocked
    with pytest.raises(ConnectionLost):
        await transport.send("late")
    assert transport.writes_in_flight == transport.queue_depth == 0
    await transport.close()


@simulated
async def test_a_pipe_that_breaks_ends_the_line_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An exception that no pipe should raise must not die with the writer in silence."""
    pipe = FakePipe()
    pipe.fails_with = RuntimeError("a bug in the pipe")
    transport = Transport(pipe)
    with caplog.at_level(logging.ERROR, logger="ocpp_lab"):
        await transport.send("x")
        await quiet()
    assert "a bug in the pipe" in caplog.text
    with pytest.raises(ConnectionLost):
        await transport.send("y")
    await transport.close()


async def _read_all(transport: Transport) -> list[str | bytes]:
    return [text async for text in transport]
