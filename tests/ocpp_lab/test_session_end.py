"""A `Session` under load and at its end: everything is bounded, nothing outlives it (DESIGN.md, decision 9)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.errors import CallTimeout, ConnectionLost, NotConnected
from ocpp_lab.frames import Call
from ocpp_lab.session import Session, current_session
from ocpp_lab.transport import Transport
from tests.fakes import Desk, FakePipe, conversation, for_ever, numbers, slowly
from tests.simulated import clock, quiet, simulated

BEAT = m.HeartbeatRequest()


# Bounds ---------------------------------------------------------------------------------------------------------------


@simulated
async def test_handlers_are_bounded() -> None:
    """DESIGN.md, decision 9: 64 at a time by default; the rest waits its turn on the line, and all are answered."""
    desk = Desk(slowly(10))
    async with conversation(desk) as (_, peer):
        for number in range(200):
            await peer.says(2, f"p{number}", "Reset", {})
        answers = {(await peer.hears())[1] for _ in range(200)}
        assert desk.most_at_once == 64
        assert len(answers) == 200
        assert clock() == 40  # four rounds of 64, 64, 64 and 8


@simulated
async def test_a_session_whose_handlers_all_hang_is_closed() -> None:
    """Nothing moves for ``timeout`` seconds: close 1008. The call too many is not served."""
    desk = Desk(for_ever)
    async with conversation(desk, max_handlers=4, timeout=30) as (session, peer):
        await asyncio.sleep(100)
        for number in range(5):
            await peer.says(2, f"p{number}", "Reset", {})
        assert await peer.hears() is None
        assert clock() == 130
        assert peer.pipe.close_code == 1008
        await session.wait_closed()
        await quiet()
        assert set(desk.ended) == {(f"p{number}", "cancelled") for number in range(4)}
        assert desk.most_at_once == 4
        assert session.counts["overloaded"] == 1


@simulated
async def test_waiting_for_the_end() -> None:
    """Until nothing is read any more and every call was told. Whoever stops to wait ends nobody else's waiting."""
    async with conversation(Desk(for_ever)) as (session, peer):
        waiters = [asyncio.create_task(session.wait_closed()) for _ in range(2)]
        calling = asyncio.create_task(session.call(BEAT))
        await peer.hears()
        waiters[0].cancel()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await session.wait_closed()
        assert clock() == 3 and session.ended_at is None and not waiters[1].done()
        await peer.pipe.close()
        await waiters[1]
        assert len(session.pending) == 0 and session.ended_at == pytest.approx(3, abs=0.001)
        with pytest.raises(ConnectionLost):
            await calling
        await session.wait_closed()


def _stalled(pipe: FakePipe, router: Any, **options: Any) -> Session:
    pipe.stall()
    return Session(Transport(pipe, limit=10), router, ids=numbers(), **options)


@pytest.mark.parametrize("text", ['[2,"%d","Reset",{}]', '[2,"%d"]', '[2,"%d","Reset",[]]'])
@simulated
async def test_a_peer_that_sends_and_never_reads(text: str) -> None:
    """Good calls or bad ones: answers wait in a bounded queue, then handlers, then reading stops; closed in the end."""
    pipe = FakePipe()
    desk = Desk()
    session = _stalled(pipe, desk, max_handlers=8, timeout=30)
    for number in range(500):
        pipe.arrive(text % number)
    running = asyncio.create_task(session.run())
    await quiet()
    tasks = [task for task in asyncio.all_tasks() if "answers" in task.get_name()]
    assert len(tasks) <= 8
    assert session.transport.queue_depth <= 10
    assert session.transport.frames_received <= 25  # the rest was not taken from the line
    await running
    assert clock() <= 30 + 5
    assert pipe.aborted or pipe.closes == [(1008, "too many calls, no answer is read")]
    assert len(set(desk.began)) <= 25 and len(pipe.sent) <= 1
    await session.close()


@simulated
async def test_reading_resumes_when_the_line_flows_again() -> None:
    """A pause shorter than ``timeout`` costs nothing: all are answered, once, in the end."""
    pipe = FakePipe()
    session = _stalled(pipe, Desk(), max_handlers=8, timeout=30)
    for number in range(100):
        pipe.arrive(json.dumps([2, str(number), "Reset", {}]))
    running = asyncio.create_task(session.run())
    await asyncio.sleep(29)
    pipe.flow()
    await quiet()
    assert sorted(int(json.loads(text)[1]) for text in pipe.sent) == list(range(100))
    await session.close()
    await running


# The end --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["peer", "we", "cut"])
@simulated
async def test_the_end_cancels_handlers(who: str) -> None:
    """Handlers are children of `run`: when it returns none of them goes on; their clean-up has run."""
    desk = Desk(for_ever)
    async with conversation(desk) as (session, peer):
        for number in range(3):
            await peer.says(2, f"p{number}", "Reset", {})
        await asyncio.sleep(5)
        assert desk.at_once == 3
        if who == "we":
            await session.close(1001)
        elif who == "peer":
            await peer.pipe.close(1001)
        else:
            peer.pipe.abort()
        await session.wait_closed()
        await quiet()
        assert set(desk.ended) == {(f"p{number}", "cancelled") for number in range(3)}
        assert clock() == 5


@simulated
async def test_a_handler_that_calls_when_the_line_dies() -> None:
    """Its pending call ends with the line, the handler with it; what it tries afterwards is `NotConnected`."""
    ends: list[BaseException] = []

    async def ask_twice(call: Call) -> None:
        for _ in range(2):
            try:
                await current_session().call(BEAT)
            except (ConnectionLost, NotConnected, CallTimeout, asyncio.CancelledError) as error:
                ends.append(error)

    async with conversation(Desk(ask_twice)) as (session, peer):
        await peer.says(2, "x", "Reset", {})
        await peer.hears()
        await peer.pipe.close()
        await session.wait_closed()
        await quiet()
    assert [type(end) for end in ends[-1:]] == [NotConnected]
    assert len(session.pending) == 0


@simulated
async def test_a_call_that_comes_while_this_end_closes_is_not_acted_on() -> None:
    """No answer could be sent any more: acting would leave the peer in doubt."""
    pipe = FakePipe(write_time=3)
    desk = Desk()
    session = Session(Transport(pipe), desk, ids=numbers())
    running = asyncio.create_task(session.run())
    await session.transport.send("takes three seconds")
    closing = asyncio.create_task(session.close())
    await asyncio.sleep(1)
    pipe.arrive('[2,"x","Reset",{}]')
    await closing
    await running
    assert desk.began == []
    assert pipe.sent == ["takes three seconds"]


@simulated
async def test_an_answer_that_comes_too_late_for_its_line() -> None:
    """The handler finishes while this end is closing: counted, and no exception anywhere."""
    desk = Desk(slowly(2))
    async with conversation(desk) as (session, peer):
        await peer.says(2, "x", "Reset", {})
        await asyncio.sleep(1)
        session.transport._lost = ConnectionLost("as if a write had failed")  # the reader has not noticed yet
        await asyncio.sleep(2)
        assert session.counts == {"answer lost": 1}


@simulated
async def test_cancelling_run_ends_everything() -> None:
    """Whoever runs the session may stop it: handlers end, pending calls end, the cancellation goes on."""
    desk = Desk(for_ever)
    async with conversation(desk) as (first, _):
        await first.close()
    pipe = FakePipe()
    session = Session(Transport(pipe), desk, ids=numbers())
    running = asyncio.create_task(session.run())
    calling = asyncio.create_task(session.call(BEAT))
    pipe.arrive('[2,"x","Reset",{}]')
    await quiet()
    running.cancel()
    with pytest.raises(ConnectionLost):
        await calling
    await asyncio.wait([running])
    assert running.cancelled()
    assert desk.ended == [("x", "cancelled")]
    await session.close()
