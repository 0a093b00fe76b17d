"""`Session.call` whose caller goes away, or whose time is up in our own queue (J-spec 4.1.1; DESIGN.md, decision 3)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.errors import CallTimeout, CallWithdrawn, NotConnected, OcppError
from ocpp_lab.pending import Pending
from ocpp_lab.pipe import MemoryPipe, pipe_pair
from ocpp_lab.session import Session
from ocpp_lab.transport import Transport
from tests.fakes import Desk, Peer, Silent, conversation, heartbeat_response, numbers
from tests.simulated import clock, quiet, simulated

GOOD = heartbeat_response()
BEAT = m.HeartbeatRequest()


class Sluice:
    """A pipe that takes nothing while it is ``shut``: its one write waits, and whatever comes behind it."""

    def __init__(self, pipe: MemoryPipe) -> None:
        self.pipe = pipe
        self._open = asyncio.Event()
        self._open.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pipe, name)

    def shut(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def offer(self, text: str) -> bool:
        return False

    async def send(self, text: str) -> None:
        await self._open.wait()
        await self.pipe.send(text)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        async for text in self.pipe:
            yield text


class Heard:
    """A peer that only listens; ``calls`` is what came, with times."""

    def __init__(self, pipe: MemoryPipe) -> None:
        self.pipe = pipe
        self.calls: list[tuple[float, Any]] = []

    async def listen(self) -> None:
        async for text in self.pipe:
            self.calls.append((clock(), json.loads(text)))

    @property
    def ids(self) -> list[str]:
        return [frame[1] for _, frame in self.calls]

    async def answers(self, unique_id: str) -> None:
        await self.pipe.send(json.dumps([3, unique_id, GOOD]))


@asynccontextmanager
async def stalled(limit: int = 1000, **options: Any) -> AsyncIterator[tuple[Session, Sluice, Heard]]:
    """A session on a connection that takes nothing: one text is being written, the others wait."""
    near, far = pipe_pair()
    sluice, heard = Sluice(near), Heard(far)
    session = Session(Transport(sluice, limit=limit), Silent(), ids=numbers(), **options)
    tasks = [asyncio.create_task(session.run()), asyncio.create_task(heard.listen())]
    await quiet()
    sluice.shut()
    await session.transport.send('[3, "being written", {}]')
    await quiet()
    try:
        yield session, sluice, heard
    finally:
        sluice.open()
        await session.close()
        await asyncio.wait(tasks)


# The caller goes away -------------------------------------------------------------------------------------------------


@simulated
async def test_callers_with_little_patience() -> None:
    """J-spec 4.1.1: each is free after 50 ms; the wire carries one call all the same; the next follows its reply."""
    async with conversation() as (session, peer):
        serving = asyncio.create_task(peer.serves(lambda frame: GOOD, after=10))
        for _ in range(3):
            begun = clock()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await session.call(BEAT)
            assert clock() == pytest.approx(begun + 0.05)
        await session.call(BEAT)
        assert peer.most_unanswered == 1
        assert [(at, frame[1]) for at, frame in peer.heard] == [(0, "1"), (10, "2")]
        assert session.pending.counts == {"cancelled": 1, "late": 1, "resolved": 1}
        assert session.tally.imbalance() == {} and session.tally.frames["out", "call"] == 2
        await session.close()
        await serving


@pytest.mark.parametrize(
    ("reply", "at"),
    [
        ((3, "1", GOOD), 12),
        ((4, "1", "GenericError", "", {}), 12),
        ((3, "1", {"surprise": True}), 12),
        ((3, "1", {}, "too many"), 12),
        ((3, "nobody's", GOOD), 20),
        (None, 20),
    ],
    ids=str,
)
@simulated
async def test_any_reply_with_that_id_or_its_time(reply: tuple[Any, ...] | None, at: float) -> None:
    """Whatever the reply is: the peer is done with that call. A reply to something else says nothing about it."""
    async with conversation(timeout=30) as (session, peer):
        calling = asyncio.create_task(session.call(BEAT, timeout=20))
        await peer.hears()
        waiting = asyncio.create_task(session.call(BEAT))
        await asyncio.sleep(5)
        calling.cancel()
        await asyncio.wait([calling])
        assert clock() == 5
        await asyncio.sleep(7)
        if reply:
            await peer.says(*reply)
        assert (await peer.hears())[1] == "2" and clock() == at
        await peer.says(3, "2", GOOD)
        await waiting
        assert session.tally.imbalance() == {}


@simulated
async def test_a_reply_in_the_instant_of_the_cancellation() -> None:
    """The caller goes away with its answer in the hand: the wire is free, and stays so for whoever comes next."""

    class Sudden(Pending):
        def settle(self, frame: Any) -> Any:
            fate = super().settle(frame)
            calling.cancel()  # before the caller wakes up
            return fate

    async with conversation(pending=Sudden(), timeout=30) as (session, peer):
        calling = asyncio.create_task(session.call(BEAT))
        await peer.hears()
        await peer.says(3, "1", GOOD)
        await asyncio.wait([calling])
        assert calling.cancelled() and session.pending.counts == {"resolved": 1}
        following = asyncio.create_task(session.call(BEAT))
        assert (await peer.hears())[1] == "2" and clock() == 0
        await peer.says(3, "2", GOOD)
        await following


@pytest.mark.parametrize("who", ["peer", "run"])
@simulated
async def test_the_end_frees_whoever_waits_behind_it(who: str) -> None:
    """Nothing of theirs was sent: `NotConnected`, at once, and no timer is left."""
    near, far = pipe_pair()
    session = Session(Transport(near), Silent(), ids=numbers())
    running, peer = asyncio.create_task(session.run()), Peer(far)
    calling = asyncio.create_task(session.call(BEAT))
    await peer.hears()
    waiting = asyncio.create_task(session.call(BEAT))
    await asyncio.sleep(1)
    calling.cancel()
    await asyncio.sleep(1)
    if who == "peer":
        await far.close(1001)
    else:
        running.cancel()
    await asyncio.wait([running])
    with pytest.raises(NotConnected):
        await waiting
    assert clock() == 2
    await session.close()


@simulated
async def test_cancelled_after_the_end() -> None:
    """The session is over before its caller is cancelled: nothing waits for a reply that cannot come."""
    async with conversation() as (session, peer):
        calling = asyncio.create_task(session.call(BEAT))
        await peer.hears()
        await peer.pipe.close()
        await session.wait_closed()
        calling.cancel()
        await asyncio.wait([calling])
        with pytest.raises(NotConnected):
            await session.call(BEAT)


@simulated(seeds=20)
async def test_cancelled_in_the_instant_of_the_end() -> None:
    """Whichever comes first: nothing waits for a reply that nobody reads any more, and no timer is left."""
    near, far = pipe_pair()
    session = Session(Transport(near), Silent(), ids=numbers())
    running = asyncio.create_task(session.run())
    calling = asyncio.create_task(session.call(BEAT))
    await Peer(far).hears()
    await quiet()
    calling.cancel()
    running.cancel()
    await asyncio.wait([running, calling])
    with pytest.raises(NotConnected):
        await session.call(BEAT)
    assert clock() == 0
    await session.close()


@simulated
async def test_cancelled_while_the_queue_is_full() -> None:
    """Nothing was queued: the next caller has the lane at once, and of the first nothing is ever sent."""
    async with stalled(limit=1) as (session, sluice, heard):
        await session.transport.send('[3, "queued", {}]')
        calling = asyncio.create_task(session.call(BEAT))
        await asyncio.sleep(1)
        calling.cancel()
        await asyncio.wait([calling])
        following = asyncio.create_task(session.call(BEAT))
        await asyncio.sleep(1)
        sluice.open()
        await quiet()
        assert heard.ids == ["being written", "queued", "2"]
        await heard.answers("2")
        await following
        assert session.counts == {"withdrawn": 1} and session.tally.frames["out", "call"] == 1
        assert session.tally.ended == {("Heartbeat", "cancelled"): 1, ("Heartbeat", "result"): 1}


@simulated
async def test_cancelled_while_its_call_waits_in_the_queue() -> None:
    """It is taken back: the next call goes out at once, and the accounts know of one frame."""
    async with stalled() as (session, sluice, heard):
        calling = asyncio.create_task(session.call(BEAT))
        await asyncio.sleep(1)
        assert session.transport.queue_depth == 1
        calling.cancel()
        await asyncio.wait([calling])
        assert session.transport.queue_depth == 0
        following = asyncio.create_task(session.call(BEAT))
        await quiet()
        assert session.transport.queue_depth == 1 and clock() == 1
        sluice.open()
        await quiet()
        assert heard.ids == ["being written", "2"]
        await heard.answers("2")
        await following
        assert session.counts == {"withdrawn": 1} and session.tally.frames["out", "call"] == 1
        assert session.pending.counts == {"cancelled": 1, "resolved": 1} and session.tally.imbalance() == {}


@simulated
async def test_cancelled_while_its_call_is_being_written() -> None:
    """Nobody can take it back, or say how much of it has left: the wire is busy with it until its reply."""
    async with stalled() as (session, sluice, heard):
        sluice.open()
        await quiet()
        sluice.shut()
        calling = asyncio.create_task(session.call(BEAT))
        await asyncio.sleep(1)
        assert (session.transport.writes_in_flight, session.transport.queue_depth) == (1, 0)
        calling.cancel()
        following = asyncio.create_task(session.call(BEAT))
        await asyncio.sleep(1)
        sluice.open()
        await asyncio.sleep(10)
        assert heard.ids == ["being written", "1"] and session.counts == {}
        await heard.answers("1")
        await quiet()
        assert heard.calls[-1] == (12, [2, "2", "Heartbeat", {}])
        await heard.answers("2")
        await following
        assert session.tally.frames["out", "call"] == 2 and session.tally.imbalance() == {}


# Its time is up -------------------------------------------------------------------------------------------------------


@simulated
async def test_a_timeout_in_our_own_queue_is_definite() -> None:
    """The call is taken back and never sent, however long the line stays stalled: it is known that nobody acted."""
    trouble: list[str] = []
    async with stalled(timeout=30, trouble=trouble.append) as (session, sluice, heard):
        with pytest.raises(CallWithdrawn, match="no answer within 30 s; it was taken back") as withdrawn:
            await session.call(BEAT)
        assert clock() == 30 and withdrawn.value.definite
        assert (withdrawn.value.call_error.unique_id, withdrawn.value.call_error.code) == ("1", "Timeout")
        assert [json.loads(told)[:3] for told in trouble] == [[4, "1", "Timeout"]]
        assert session.transport.queue_depth == 0
        sluice.open()
        await asyncio.sleep(1)
        assert heard.ids == ["being written"]
        assert session.tally.ended == {("Heartbeat", "timeout"): 1} and session.tally.frames == {}
        assert session.pending.counts == {"timeout": 1} and session.counts == {"withdrawn": 1}


@simulated
async def test_a_timeout_of_what_is_being_written_is_not() -> None:
    async with stalled(timeout=30) as (session, sluice, heard):
        sluice.open()
        await quiet()
        sluice.shut()
        with pytest.raises(CallTimeout) as silence:
            await session.call(BEAT)
        assert not isinstance(silence.value, CallWithdrawn) and not silence.value.definite
        sluice.open()
        await asyncio.sleep(1)
        assert heard.ids == ["being written", "1"] and session.tally.frames["out", "call"] == 1


@simulated
async def test_a_queue_that_stays_full_is_definite_too() -> None:
    async with stalled(limit=1, timeout=30) as (session, sluice, heard):
        await session.transport.send('[3, "queued", {}]')
        with pytest.raises(CallWithdrawn, match="stayed full for 30 s"):
            await session.call(BEAT)
        sluice.open()
        await asyncio.sleep(1)
        assert heard.ids == ["being written", "queued"] and clock() == 31


@simulated
async def test_others_in_the_queue_stay_in_it() -> None:
    """Only that one text is taken back, and a sender that found the queue full gets its place."""
    async with stalled(limit=2, timeout=30) as (session, sluice, heard):
        await session.transport.send('[3, "before", {}]')
        calling = asyncio.create_task(session.call(BEAT))
        await quiet()
        behind = asyncio.create_task(session.transport.send('[3, "behind", {}]'))
        await asyncio.sleep(1)
        assert not behind.done()
        calling.cancel()
        await behind
        sluice.open()
        await quiet()
        assert heard.ids == ["being written", "before", "behind"]


# Whatever happens -----------------------------------------------------------------------------------------------------


class Noting(Transport):
    """Notes when a text was queued: the time of its call counts from then."""

    def __init__(self, pipe: Any, **options: Any) -> None:
        super().__init__(pipe, **options)
        self.queued: dict[str, float] = {}

    async def send(self, text: str) -> None:
        await super().send(text)
        self.queued[json.loads(text)[1]] = clock()


class Judge(Heard):
    """Answers as it likes, and says when a call came although another was unanswered and had time left."""

    def __init__(self, pipe: MemoryPipe, rng: Random, transport: Noting, limit: float) -> None:
        super().__init__(pipe)
        self.rng = rng
        self.transport = transport
        self.limit = limit
        self.unanswered: set[str] = set()
        self.too_early: list[str] = []

    async def listen(self) -> None:
        async with asyncio.TaskGroup() as group:
            async for text in self.pipe:
                frame = json.loads(text)
                if frame[0] == 2:
                    self._came(frame[1])
                    group.create_task(self._reply(frame[1]))

    def _came(self, unique_id: str) -> None:
        for other in self.unanswered:
            if clock() < self.transport.queued.get(other, 0.0) + self.limit - 0.001:
                self.too_early.append(f"{unique_id} at {clock()}: {other} was queued at {self.transport.queued[other]}")
        self.calls.append((clock(), unique_id))
        self.unanswered.add(unique_id)

    async def _reply(self, unique_id: str) -> None:
        await asyncio.sleep(self.rng.choice([0, 0, 0.5, 2, 6]))
        replies: list[tuple[Any, ...]] = [(3, unique_id, GOOD)] * 3
        replies += [(4, unique_id, "GenericError", "", {}), (3, unique_id, {"surprise": 1}), (3, unique_id)]
        if self.rng.random() < 0.8:
            self.unanswered.discard(unique_id)
            await self.pipe.send(json.dumps(self.rng.choice(replies)))


@simulated(seeds=60)
async def test_at_most_one_on_the_wire_whatever_happens() -> None:
    """Stalls, silence, bad replies, callers that go away at any instant: one call is on the wire, and all add up."""
    rng, limit = Random(asyncio.get_running_loop().seed), 5.0  # type: ignore[attr-defined]
    near, far = pipe_pair()
    sluice = Sluice(near)
    transport = Noting(sluice, limit=rng.choice([1, 2, 1000]))
    judge = Judge(far, rng, transport, limit)
    session = Session(transport, Desk(), ids=numbers(), timeout=limit)
    tasks = [asyncio.create_task(session.run()), asyncio.create_task(judge.listen())]
    callers = []
    for _ in range(80):
        callers.append(asyncio.create_task(session.call(BEAT)))
        if rng.random() < 0.5:
            asyncio.get_running_loop().call_later(rng.choice([0, 0.5, 1, 2, 5, 20]), callers[-1].cancel)
        if rng.random() < 0.2:
            rng.choice([sluice.shut, sluice.open])()
        if rng.random() < 0.3:
            await far.send(json.dumps([2, f"p{rng.random()}", "Reset", {}]))
        await asyncio.sleep(rng.choice([0, 0, 0.5, 1, 3]))
    sluice.open()
    await asyncio.wait(callers)
    ends = [None if each.cancelled() else each.exception() for each in callers]
    assert all(end is None or isinstance(end, OcppError) for end in ends)
    await asyncio.sleep(10)
    judge.rng = Random(3)  # which begins with a good answer at once
    assert judge.too_early == []
    heard = [unique_id for _, unique_id in judge.calls]
    assert len(heard) == len(set(heard)) == session.tally.frames["out", "call"]
    assert session.tally.imbalance() == {} and len(session.pending) == 0 and not session._lane.locked()
    withdrawn = sum(isinstance(end, CallWithdrawn) for end in ends)
    assert session.counts["withdrawn"] >= withdrawn
    await session.close()
    await asyncio.wait(tasks)
