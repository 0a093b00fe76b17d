"""A learner's session in the stack: what it does is counted and told as ours counts and tells it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from ocpp_course import fit
from ocpp_lab import Pending, Session, Tally, Transport, current_session
from ocpp_lab import messages as m
from ocpp_lab.pipe import pipe_pair
from tests.fakes import Desk, FakePipe, Peer, Silent, heartbeat_response, numbers
from tests.learner import MyPending, MySession
from tests.ocpp_course.checks.fitted.nonsense import nonsense
from tests.simulated import clock, quiet, simulated

BEAT = m.HeartbeatRequest()
MAKES: dict[str, Any] = {
    "ours": lambda *pieces, **options: Session(*pieces, **options),
    "theirs": fit(session=nonsense("session", MySession))["session"],
}
PENDINGS: dict[str, Any] = {"ours": Pending, "theirs": fit(pending=MyPending)["pending"]}


@asynccontextmanager
async def conversation(make: Any, router: Any = None, pending: Any = Pending, **options: Any) -> AsyncIterator[Any]:
    """A running session, its peer, and what trouble was told."""
    near, far = pipe_pair()
    said: list[str] = []
    options = {"ids": numbers(), "timeout": 30.0, "trouble": said.append, "identity": "CP_1", **options}
    session = make(Transport(near), router or Silent(), pending(), **options)
    running = asyncio.create_task(session.run())
    await quiet()
    try:
        yield session, Peer(far), said
    finally:
        await session.close()
        await running


async def ends(session: Any, **options: Any) -> str:
    try:
        await session.call(BEAT, **options)
    except Exception as error:
        return type(error).__name__
    return "result"


async def a_bad_hour(make: Any, pending: Any) -> dict[str, Any]:
    """Good answers, refusals, silence, strays, no frames, calls of the peer; returns all that is known after it."""
    tally = Tally()
    async with conversation(make, Desk(), pending, tally=tally) as (session, peer, said):
        outcomes = []
        for reply in ([3, heartbeat_response()], [4, "InternalError", "", {}], [3, {"strange": 1}], None):
            calling = asyncio.create_task(ends(session, timeout=5))
            call = await peer.hears()
            assert session.last_call_at == pytest.approx(clock(), abs=0.001)
            assert (tally.imbalance(), tally.pending()) == ({"Heartbeat": 1}, 1)
            if reply:
                await peer.says(reply[0], call[1], *reply[1:])
            outcomes.append(await calling)
        for unique_id in ("1", "4", "nobody"):
            await peer.says(3, unique_id, heartbeat_response())
        await peer.pipe.send("kein Rahmen: ß")
        await peer.says(2, "p1", "Reset", {"type": "Soft"})
        assert await peer.hears() == [3, "p1", {}]
        calling = asyncio.create_task(ends(session))
        await peer.hears()
        await quiet()
        await peer.pipe.close(1001, "bye")
        outcomes.append(await calling)
        outcomes.append(await ends(session))
        await session.wait_closed()
        await quiet()
        return {
            "outcomes": outcomes,
            "ended at": pytest.approx(session.ended_at, abs=0.001),
            "counts": +session.counts,
            "fates": session.pending.counts,
            "frames": tally.frames,
            "started": tally.started,
            "ended": tally.ended,
            "errors": tally.errors,
            "totals": +tally.totals(),
            "imbalance": tally.imbalance(),
            "sessions": list(tally.sessions),
            "said": [text.split(" (")[0] for text in said],
        }


@pytest.mark.parametrize("pending", PENDINGS)
@simulated
async def test_the_same_hour_has_the_same_books(pending: str) -> None:
    """Frames, calls and their ends, strays, bytes, trouble: with a session of the exercises as with ours."""
    ours, theirs = [await a_bad_hour(make, PENDINGS[pending]) for make in MAKES.values()]
    assert ours["outcomes"] == [
        "result",
        "CallFailed",
        "MalformedReply",
        "CallTimeout",
        "ConnectionLost",
        "NotConnected",
    ]
    for what in ours:
        if what not in ("ended at", "said"):
            assert theirs[what] == ours[what], what
    assert Counter(map(_kind, theirs["said"])) == Counter(map(_kind, ours["said"]))
    assert theirs["imbalance"] == {} and theirs["sessions"] == []


def _kind(text: str) -> str:
    """What was told, without the words."""
    for kind in ("Timeout", "ConnectionClosed", "late", "repeated", "orphan", "malformed", "bad frame"):
        if kind in text:
            return kind
    return text


@pytest.mark.parametrize("make", MAKES)
@simulated
async def test_one_id_twice(make: str) -> None:
    """While the first is handled: counted. After its answer the id may be used again."""
    desk = Desk(lambda call: asyncio.sleep(5))
    async with conversation(MAKES[make], desk) as (session, peer, _):
        await peer.says(2, "p", "Reset", {})
        await quiet()
        await peer.says(2, "p", "Reset", {})  # the smallest session of the exercises handles both
        await asyncio.sleep(6)
        await peer.says(2, "p", "Reset", {})
        await asyncio.sleep(6)
        assert session.counts["duplicate id"] == 1


@pytest.mark.parametrize("make", MAKES)
@simulated
async def test_handlers_know_their_session(make: str) -> None:
    seen: list[Any] = []

    async def look(call: Any) -> None:
        seen.append(current_session())

    async with conversation(MAKES[make], Desk(look)) as (session, peer, _):
        await peer.says(2, "p", "Reset", {})
        await peer.hears()
        assert seen == [session]


@pytest.mark.parametrize("make", MAKES)
@simulated
async def test_waiting_for_the_end_hurts_nobody(make: str) -> None:
    """A waiter may be cancelled, or run out of time; the others, and the session, go on."""
    async with conversation(MAKES[make]) as (session, peer, _):
        one, other = (asyncio.create_task(session.wait_closed()) for _ in range(2))
        await quiet()
        one.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                await session.wait_closed()
        assert clock() == 3 and session.ended_at is None and not other.done()
        calling = asyncio.create_task(ends(session))
        await peer.hears()
        await peer.pipe.close()
        await other
        assert len(session.pending) == 0 and session.ended_at == pytest.approx(3, abs=0.001)
        assert await calling == "ConnectionLost"
        await session.wait_closed()


@pytest.mark.parametrize("make", MAKES)
@simulated
async def test_what_is_spawned_ends_with_the_session(make: str) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append("cancelled")

    async with conversation(MAKES[make]) as (session, peer, _):
        session.spawn(work(), "work")
        await quiet()
        await peer.pipe.close()
        await session.wait_closed()
        await quiet()
        assert ended == ["cancelled"]


@pytest.mark.parametrize("make", MAKES)
@simulated
async def test_an_answer_that_comes_too_late_to_be_sent(make: str) -> None:
    """The connection is closed on our side, and still read."""
    desk = Desk(lambda call: asyncio.sleep(5))
    pipe = FakePipe(close_time=10)
    session = MAKES[make](Transport(pipe), desk, Pending())
    running = asyncio.create_task(session.run())
    pipe.arrive('[2,"p","Reset",{}]')
    await quiet()
    await session.close(timeout=20)
    await running
    assert desk.ended == [("p", "answered")]
    assert (session.counts["answered"], session.counts["answer lost"]) == (0, 1)


@simulated
async def test_a_call_that_nobody_ends_shows() -> None:
    """A session that sends and never waits, and forgets `fail_all`: the accounts do not balance, and the call waits."""

    class Forgetful(MySession):
        async def call(self, request: Any, *, timeout: float | None = None) -> Any:
            self._pending.open(next(self._ids), request.response_type)

        async def run(self) -> None:
            async for _ in self._transport:
                pass

    tally = Tally()
    async with conversation(fit(session=Forgetful)["session"], tally=tally) as (session, peer, _):
        await session.call(BEAT)
        await peer.pipe.close()
        await session.wait_closed()
        assert tally.imbalance() == {"Heartbeat": 1} and len(session.pending) == 1


@simulated
async def test_a_session_that_is_killed_leaves_no_call_open() -> None:
    """As when the power goes: what was under way was cancelled."""
    tally = Tally()
    near, far = pipe_pair()
    session = MAKES["theirs"](Transport(near), Silent(), Pending(), ids=numbers(), tally=tally)
    running = asyncio.create_task(session.run())
    await quiet()
    calling = asyncio.create_task(ends(session))
    await Peer(far).hears()
    running.cancel()
    await asyncio.wait([running])
    assert tally.imbalance() == {} and not tally.sessions
    calling.cancel()
    await asyncio.wait([calling])
    assert sum(tally.ended.values()) == 1
    await session.close()


@simulated
async def test_there_is_no_bound_on_what_is_served() -> None:
    """A hundred calls are read, none is answered, and the session is not closed for it, as ours would be."""
    release = asyncio.Event()

    async def hang(call: Any) -> None:
        await release.wait()

    async with conversation(MAKES["theirs"], Desk(hang), timeout=5) as (session, peer, _):
        for number in range(100):
            await peer.says(2, f"p{number}", "Reset", {})
        await asyncio.sleep(60)
        assert (len(session.serving), session.counts["overloaded"], session.ended_at) == (100, 0, None)
        release.set()
        assert len([await peer.hears() for _ in range(100)]) == 100
        assert (len(session.serving), session.counts["answered"]) == (0, 100)
