"""`Dispatcher`: every call of the peer has an end, and too many of them cost the peer, not us (decisions 2, 9, 13)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextvars import ContextVar
from random import Random
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.dispatcher import MOST_PARKED
from ocpp_lab.errors import CallTimeout, ConnectionLost, OcppError, StoreFailed
from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.pipe import pipe_pair
from ocpp_lab.session import Session, current_session
from ocpp_lab.transport import Transport
from tests.fakes import Desk, Peer, conversation, for_ever, heartbeat_response, slowly
from tests.simulated import clock, quiet, simulated

GOOD = heartbeat_response()
BEAT = m.HeartbeatRequest()
INTERNAL_ERROR = ["InternalError", "", {}]


async def call_back(call: Call) -> None:
    """What a handler may do: ask its peer something before it answers."""
    await current_session().call(BEAT)


class Heard:
    """What the peer hears, in the background; it answers our calls after ``seconds``, or not at all."""

    def __init__(self, peer: Peer, seconds: float | None = 0.0) -> None:
        self.peer = peer
        self.seconds = seconds
        self.answers: list[tuple[float, Any]] = []
        """The replies to its own calls, with times."""
        self.listening = asyncio.create_task(self._listen(), name="peer")

    async def _listen(self) -> None:
        async with asyncio.TaskGroup() as group:
            while (frame := await self.peer.hears()) is not None:
                if frame[0] != 2:
                    self.answers.append((clock(), frame))
                elif self.seconds is not None:
                    group.create_task(self._reply(frame[1], self.seconds))

    async def _reply(self, unique_id: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.peer.says(3, unique_id, GOOD)

    @property
    def ids(self) -> list[str]:
        return [frame[1] for _, frame in self.answers]

    async def asks(self, *numbers: int, payload: Any = None) -> None:
        for number in numbers:
            await self.peer.says(2, f"p{number}", "Reset", payload or {})


async def over(session: Session, heard: Heard) -> None:
    await session.wait_closed()
    await quiet()
    await heard.listening


# Calls that call back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [66, 64 + MOST_PARKED])
@simulated
async def test_handlers_that_call_back(count: int) -> None:
    """More of them than handlers: the reader reads on for the reply that the first waits for; all are answered."""
    desk = Desk(call_back)
    async with conversation(desk) as (session, peer):
        heard = Heard(peer, seconds=0.1)
        await heard.asks(*range(count))
        await asyncio.sleep(count * 0.1 + 1)
        assert heard.ids == desk.began == [f"p{number}" for number in range(count)]
        assert desk.most_at_once == 64 and session.counts == {"answered": count, "parked": count - 64}
        await session.close()
        await heard.listening


@simulated
async def test_a_call_that_begins_while_the_reader_waits() -> None:
    """All handlers are taken and the reader has stopped. One of them now asks the peer: the reader must go on."""

    async def later(call: Call) -> None:
        await asyncio.sleep(5)
        await call_back(call)

    async with conversation(Desk(later), max_handlers=2) as (session, peer):
        heard = Heard(peer, seconds=1)
        await heard.asks(0, 1, 2, 3)
        await asyncio.sleep(4)
        assert session.transport.frames_received == 3  # one is in the reader's hand
        await asyncio.sleep(20)
        assert sorted(heard.ids) == ["p0", "p1", "p2", "p3"]
        assert session.counts["overloaded"] == 0
        await session.close()
        await heard.listening


@simulated
async def test_parked_calls_are_served_in_their_order() -> None:
    """Good ones and bad ones: whoever came first is answered first, as handlers end."""
    gate = asyncio.Semaphore(0)

    async def when_told(call: Call) -> None:
        await gate.acquire()

    async with conversation(Desk(when_told), max_handlers=1) as (session, peer):
        heard = Heard(peer, seconds=None)
        calling = asyncio.create_task(session.call(BEAT, timeout=1000))
        await quiet()
        await heard.asks(0, 1)
        await peer.pipe.send('[2,"bad"]')
        await heard.asks(2, 1)
        await quiet()
        assert heard.ids == [] and session.counts["parked"] == 4
        for _ in range(3):
            gate.release()
            await quiet()
        assert [(frame[0], frame[1]) for _, frame in heard.answers] == [
            (3, "p0"),
            (3, "p1"),
            (4, "bad"),
            (3, "p2"),
            (4, "p1"),  # a call with this id was waiting
        ]
        assert session.counts["duplicate id"] == 1
        await session.close()
        with pytest.raises(ConnectionLost):
            await calling
        await heard.listening


@simulated
async def test_a_parked_call_sees_nothing_of_another_ones_context() -> None:
    """It is started by the end of another's handler. What that one had set, for itself, is none of its business."""
    mark: ContextVar[str] = ContextVar("mark", default="")
    seen: list[tuple[str, str]] = []

    async def marks(call: Call) -> None:
        seen.append((call.unique_id, mark.get()))
        assert current_session() is session
        mark.set(call.unique_id)

        async def nothing() -> None:
            await asyncio.sleep(1)

        current_session().spawn(nothing(), "something else")
        await asyncio.sleep(2)

    async with conversation(Desk(marks), max_handlers=3) as (session, peer):
        heard = Heard(peer, seconds=None)
        calling = asyncio.create_task(session.call(BEAT, timeout=1000))
        await quiet()
        await heard.asks(*range(7))
        await asyncio.sleep(30)
        assert [marked for _, marked in seen] == [""] * 7 and len(heard.answers) == 7
        await session.close()
        with pytest.raises(ConnectionLost):
            await calling
        await heard.listening


# Bounds ---------------------------------------------------------------------------------------------------------------


@simulated
async def test_without_a_call_of_ours_nothing_is_parked() -> None:
    """Then it is back-pressure: what is not served stays on the line, and is answered in the end."""
    async with conversation(Desk(slowly(1)), max_handlers=4) as (session, peer):
        heard = Heard(peer)
        await heard.asks(*range(40))
        await asyncio.sleep(0.5)
        assert session.transport.frames_received == 5
        await asyncio.sleep(20)
        assert len(heard.answers) == 40 and session.counts == {"answered": 40}
        await session.close()
        await heard.listening


@simulated
async def test_reading_stops_again_when_our_call_is_over() -> None:
    """What was parked meanwhile is served; what comes now waits on the line."""
    async with conversation(Desk(slowly(100)), max_handlers=2, timeout=500) as (session, peer):
        heard = Heard(peer, seconds=1)
        calling = asyncio.create_task(session.call(BEAT))
        await quiet()
        await heard.asks(*range(5))
        await calling
        await heard.asks(*range(5, 20))
        await asyncio.sleep(50)
        assert session.counts["parked"] == 3
        assert session.transport.frames_received == 1 + 5 + 1
        await asyncio.sleep(1200)
        assert sorted(heard.ids) == sorted(f"p{number}" for number in range(20))
        await session.close()
        await heard.listening


@pytest.mark.parametrize(
    ("payload", "parked"), [({}, MOST_PARKED), ({"data": "x" * 200_000}, 5)], ids=["calls", "characters"]
)
@simulated
async def test_more_than_can_be_parked(payload: Any, parked: int) -> None:
    """A flood while a call of ours is in flight: 256 calls or 1 MiB wait, then the connection is closed, and why."""
    desk = Desk(for_ever)
    async with conversation(desk, max_handlers=8, timeout=300) as (session, peer):
        heard = Heard(peer, seconds=None)
        calling = asyncio.create_task(session.call(BEAT))
        await quiet()
        with pytest.raises(ConnectionLost):
            await heard.asks(*range(100_000), payload=payload)
        await over(session, heard)
        assert (peer.pipe.close_code, peer.pipe.close_reason) == (
            1008,
            f"too many calls, {parked} wait behind a call of ours",
        )
        assert clock() == 0 and desk.most_at_once == 8
        assert session.transport.frames_received <= 8 + parked + 20  # while it closes a few are thrown away
        assert session.counts["overloaded"] == 1 and session.counts["parked"] == parked
        with pytest.raises(ConnectionLost):
            await calling
        assert len(desk.began) == 8, "what was parked is forgotten at the end"


@simulated
async def test_one_long_call_is_not_too_many() -> None:
    """However long it is: the bound is for what waits beside others."""
    async with conversation(Desk(slowly(1)), max_handlers=1) as (session, peer):
        heard = Heard(peer, seconds=None)
        calling = asyncio.create_task(session.call(BEAT))
        await quiet()
        await heard.asks(0)
        await heard.asks(1, payload={"data": "x" * 3_000_000})
        await asyncio.sleep(5)
        assert heard.ids == ["p0", "p1"]
        await session.close()
        with pytest.raises(ConnectionLost):
            await calling
        await heard.listening


@pytest.mark.parametrize(("seconds", "at"), [(20, 50), (1e5, 30)])
@simulated
async def test_no_handler_ends(seconds: float, at: float) -> None:
    """Parked calls wait ``timeout`` seconds for one of them, counted from the last that ended; then 1008, and why."""

    async def hangs(call: Call) -> None:
        await asyncio.sleep(seconds if call.unique_id == "p0" else 1e5)

    async with conversation(Desk(hangs), max_handlers=2, timeout=30) as (session, peer):
        heard = Heard(peer, seconds=None)
        calling = asyncio.create_task(session.call(BEAT, timeout=1000))
        await quiet()
        await heard.asks(0, 1, 2, 3, 4)
        await over(session, heard)
        assert clock() == at and heard.ids == (["p0"] if seconds < at else [])
        assert (peer.pipe.close_code, peer.pipe.close_reason) == (1008, "too many calls, none had an end in 30 s")
        with pytest.raises(ConnectionLost):
            await calling


@simulated
async def test_the_timeout_in_force_counts() -> None:
    """It may change while the session lives (core errata 3.82)."""
    async with conversation(Desk(for_ever), max_handlers=1, timeout=30) as (session, peer):
        heard = Heard(peer)
        session.timeout = 7.0
        await heard.asks(0, 1)
        await over(session, heard)
        assert clock() == 7 and peer.pipe.close_reason == "too many calls, none had an end in 7 s"


@simulated
async def test_progress_puts_the_end_off() -> None:
    """Handlers that take 20 s each, one after the other, with a timeout of 30: nobody is closed."""
    async with conversation(Desk(slowly(20)), max_handlers=1, timeout=30) as (session, peer):
        heard = Heard(peer, seconds=None)
        calling = asyncio.create_task(session.call(BEAT, timeout=1000))
        await quiet()
        await heard.asks(*range(20))
        await asyncio.sleep(450)
        assert len(heard.answers) == 20 and session.counts["overloaded"] == 0
        await session.close()
        with pytest.raises(ConnectionLost):
            await calling
        await heard.listening


# No call without an end -----------------------------------------------------------------------------------------------


class Answers:
    """A router that may say, or raise, anything."""

    def __init__(self, what: Any) -> None:
        self.what = what

    async def answer(self, call: Call) -> Any:
        if call.unique_id == "good":
            return CallResult(call.unique_id)
        if isinstance(self.what, BaseException):
            raise self.what
        return self.what(call) if callable(self.what) else self.what


@pytest.mark.parametrize(
    "what",
    [
        KeyError("a bug"),
        StoreFailed("the disk is full"),
        ConnectionLost("that of somebody else"),
        CallTimeout("of another call"),
        ExceptionGroup("several", [ValueError()]),
        asyncio.CancelledError(),
        TimeoutError(),
        {"status": "Accepted"},
        "Accepted",
        lambda call: call,
        lambda call: CallResult(call.unique_id, {"at": object()}),
        lambda call: CallError(call.unique_id, "GenericError", "", {1j: 2}),
    ],
    ids=repr,
)
@simulated
async def test_whatever_is_raised_is_an_internal_error(what: Any, caplog: pytest.LogCaptureFixture) -> None:
    """J-spec 4.2.3, decision 13: by the router, by what stands before it, by the encoding of its reply."""
    async with conversation(Answers(what)) as (session, peer):
        with caplog.at_level(logging.ERROR, logger="ocpp_lab"):
            await peer.says(2, "bad", "Reset", {})
            assert await peer.hears() == [4, "bad", *INTERNAL_ERROR]
        assert "answering Reset failed" in caplog.text
        assert ("Traceback" in caplog.text) == (not isinstance(what, StoreFailed)), "a full disk is no bug"
        await peer.says(2, "good", "Reset", {})
        assert await peer.hears() == [3, "good", {}]
        await peer.says(2, "bad", "Reset", {})
        assert (await peer.hears())[:2] == [4, "bad"], "its id is free again"
        assert session.counts == {"answer failed": 2, "answered": 3}
        assert session.tally.frames["out", "error"] == 2


@simulated
async def test_a_handler_that_is_cancelled() -> None:
    """By whom ever: the cancellation goes on, and its call has an end all the same."""
    async with conversation(Desk(for_ever)) as (session, peer):
        await peer.says(2, "x", "Reset", {})
        await quiet()
        [handler] = [task for task in asyncio.all_tasks() if "answers Reset" in task.get_name()]
        handler.cancel()
        assert await peer.hears() == [4, "x", *INTERNAL_ERROR]
        await asyncio.wait([handler])
        assert handler.cancelled()
        await peer.says(2, "x", "Reset", {})
        await quiet()
        assert session.counts == {"answer failed": 1, "answered": 1}


@simulated
async def test_a_router_that_closes_the_session_and_says_nothing() -> None:
    """It may: what it could not answer well is better asked again. Its close is the last that is heard."""

    class Closes:
        async def answer(self, call: Call) -> None:
            await current_session().close(1011, "cannot write")

    async with conversation(Closes()) as (session, peer):
        await peer.says(2, "x", "StopTransaction", {})
        assert await peer.hears() is None
        assert (peer.pipe.close_code, peer.pipe.close_reason) == (1011, "cannot write")
        await session.wait_closed()
        assert session.counts == {}


@simulated
async def test_a_parked_call_is_not_acted_on_while_this_end_closes() -> None:
    """Its turn comes when nothing can be sent any more: to act would leave the peer in doubt."""
    desk = Desk(slowly(5))
    async with conversation(desk, max_handlers=1) as (session, peer):
        heard = Heard(peer, seconds=None)
        calling = asyncio.create_task(session.call(BEAT))
        await quiet()
        await heard.asks(0, 1, 2)
        await asyncio.sleep(1)
        session.transport._lost = ConnectionLost("as if a write had failed")  # the reader has not noticed yet
        await asyncio.sleep(20)
        assert desk.began == ["p0"] and session.counts["answer lost"] == 1
        await session.close()
        with pytest.raises(ConnectionLost):
            await calling
        await heard.listening


@simulated
async def test_a_transport_that_breaks(caplog: pytest.LogCaptureFixture) -> None:
    """It may be anybody's. What it raises is logged, once; the call was answered, so there is no second answer."""

    class Breaks(Transport):
        broken = 0

        async def send(self, text: str) -> None:
            if '"x"' in text:
                self.broken += 1
                raise RuntimeError("a bug in the transport")
            await super().send(text)

    near, far = pipe_pair()
    session, peer = Session(Breaks(near), Desk()), Peer(far)
    running = asyncio.create_task(session.run())
    with caplog.at_level(logging.ERROR, logger="ocpp_lab"):
        await peer.says(2, "x", "Reset", {})
        await peer.says(2, "y", "Reset", {})
        assert await peer.hears() == [3, "y", {}]
    assert "a bug in the transport" in caplog.text and session.transport.broken == 1
    assert session.counts == {"answered": 1}
    await session.close()
    await running


@simulated
async def test_a_bug_in_what_was_spawned(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody awaits it, so it is logged; the session lives."""

    async def broken() -> None:
        await asyncio.sleep(1)
        raise KeyError("a bug beside the reader")

    async with conversation(Desk()) as (session, peer):
        session.spawn(broken(), "something")
        with caplog.at_level(logging.ERROR, logger="ocpp_lab"):
            await asyncio.sleep(2)
        assert "peer something failed" in caplog.text and "a bug beside the reader" in caplog.text
        await peer.says(2, "x", "Reset", {})
        assert await peer.hears() == [3, "x", {}]


@simulated
async def test_after_the_end_nothing_is_started() -> None:
    ran: list[str] = []

    async def work() -> None:
        ran.append("work")

    async with conversation(Desk()) as (session, _):
        await session.close()
        await session.wait_closed()
        await quiet()
        session.spawn(work(), "too late")
        await quiet()
    assert ran == []


@simulated(seeds=60)
async def test_every_call_has_one_end_whatever_happens() -> None:
    """Handlers that wait, call back or break, and a peer that sends too much: one reply for each call."""
    rng = Random(asyncio.get_running_loop().seed)  # type: ignore[attr-defined]

    async def somehow(call: Call) -> None:
        await asyncio.sleep(rng.choice([0, 0, 0.5, 3]))
        match rng.randrange(6):
            case 0 | 1 | 2:
                await call_back(call)
            case 3:
                raise ValueError("a bug")

    desk = Desk(somehow)
    async with conversation(desk, max_handlers=rng.choice([1, 2, 5]), timeout=500) as (session, peer):
        heard = Heard(peer, seconds=rng.choice([0.0, 0.5, 2.0]))
        own = []
        for number in range(120):
            if rng.random() < 0.1:
                await peer.pipe.send(f'[2,"p{number}"]')
            else:
                await heard.asks(number)
            if rng.random() < 0.1:
                own.append(asyncio.create_task(session.call(BEAT)))
            await asyncio.sleep(rng.choice([0, 0, 0, 1]))
        await asyncio.sleep(3000)
        assert session.counts["overloaded"] == 0
        assert Counter(heard.ids) == {f"p{number}": 1 for number in range(120)}
        assert desk.began == sorted(desk.began, key=lambda unique_id: int(unique_id[1:]))
        assert not session._dispatcher._parked and not session._dispatcher._serving
        assert session._dispatcher._characters == 0 and session._dispatcher._patience is None
        assert all(each.exception() is None or isinstance(each.exception(), OcppError) for each in own)
        assert session.tally.imbalance() == {}
        await session.close()
        await heard.listening
