"""`Session.call`: one own call in flight, and every call ends exactly once (J-spec 4.1; DESIGN.md, milestone 4)."""

from __future__ import annotations

import asyncio
import uuid
from itertools import islice
from random import Random
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotConnected, PayloadError
from ocpp_lab.frames import CallError, decode
from ocpp_lab.pending import Pending
from ocpp_lab.session import Session, current_session, random_ids
from ocpp_lab.transport import Transport
from tests.fakes import NOON, FakePipe, Peer, Silent, conversation, heartbeat_response, numbers
from tests.simulated import clock, quiet, simulated

GOOD = heartbeat_response()
BEAT = m.HeartbeatRequest()


def _authorized(frame: Any) -> Any:
    """An answer that tells which question it belongs to."""
    return {"idTagInfo": {"status": "Accepted", "parentIdTag": frame[3]["idTag"]}}


async def _ask(session: Session, tag: str, **options: Any) -> str | None:
    response = await session.call(m.AuthorizeRequest(id_tag=tag), **options)
    return response.id_tag_info.parent_id_tag


async def _ask_in_order(session: Session, *tags: str, **options: Any) -> list[asyncio.Task[Any]]:
    asking = []
    for tag in tags:
        asking.append(asyncio.create_task(_ask(session, tag, **options), name=tag))
        await quiet()
    return asking


@simulated
async def test_a_call_and_its_answer() -> None:
    """J-spec 4.2.1, 4.2.2: four elements out, three back, typed at both ends of the await."""
    async with conversation() as (session, peer):
        calling = asyncio.create_task(session.call(BEAT))
        assert await peer.hears() == [2, "1", "Heartbeat", {}]
        await peer.says(3, "1", GOOD)
        assert await calling == m.HeartbeatResponse(current_time=NOON)
        assert session.pending.counts == {"resolved": 1}


@simulated
async def test_an_answer_with_a_call_error() -> None:
    """J-spec 4.2.3: definite; code, description and details reach the caller."""
    async with conversation() as (session, peer):
        calling = asyncio.create_task(session.call(BEAT))
        await peer.hears()
        await peer.says(4, "1", "NotSupported", "no clock", {"a": 1})
        with pytest.raises(CallFailed) as failed:
            await calling
        told = failed.value
        assert (told.code, told.description, told.details) == ("NotSupported", "no clock", {"a": 1})


# One in flight --------------------------------------------------------------------------------------------------------


@simulated
async def test_one_own_call_in_flight_and_callers_in_their_order() -> None:
    """J-spec 4.1.1: the next call goes out when the one before has ended, not sooner."""
    async with conversation() as (session, peer):
        serving = asyncio.create_task(peer.serves(_authorized, after=10))
        asking = await _ask_in_order(session, *"abcde")
        assert await asyncio.gather(*asking) == list("abcde")
        assert peer.most_unanswered == 1
        assert [frame[3]["idTag"] for _, frame in peer.heard] == list("abcde")
        assert [at for at, _ in peer.heard] == [0, 10, 20, 30, 40]
        await session.close()
        await serving


@simulated
async def test_every_call_has_a_fresh_unique_id() -> None:
    """J-spec 4.1.4: also when the same request is sent again after a timeout."""
    async with conversation(timeout=1) as (session, peer):
        for expected in ("1", "2", "3"):
            with pytest.raises(CallTimeout):
                await session.call(BEAT)
            assert (await peer.hears())[1] == expected


def test_unique_ids_are_uuids() -> None:
    """J-spec 4.1.4: at most 36 characters, so that a UUID fits; never the same twice."""
    ids = list(islice(random_ids(), 100))
    assert len(set(ids)) == 100
    assert all(len(each) == 36 and uuid.UUID(each) for each in ids)


@simulated
async def test_the_timeout_counts_from_the_send() -> None:
    """The third of three slow calls is not timed out while it waits in our own queue."""
    async with conversation() as (session, peer):
        serving = asyncio.create_task(peer.serves(_authorized, after=20))
        asking = await _ask_in_order(session, *"abc", timeout=30)
        assert await asyncio.gather(*asking) == list("abc")
        assert clock() == 60
        await session.close()
        await serving


@pytest.mark.parametrize(("after", "wins"), [(29.999, True), (30.001, False)])
@simulated
async def test_the_default_timeout_is_thirty_seconds(after: float, wins: bool) -> None:
    """At ``timeout`` − 1 ms the answer wins; after it, it is late and hurts nobody."""
    async with conversation() as (session, peer):
        calling = asyncio.create_task(session.call(BEAT))
        await peer.hears()
        await asyncio.sleep(after)
        await peer.says(3, "1", GOOD)
        if wins:
            await calling
        else:
            with pytest.raises(CallTimeout):
                await calling
        await quiet()
        assert session.pending.counts == ({"resolved": 1} if wins else {"timeout": 1, "late": 1})


@pytest.mark.parametrize("end", ["timeout", "cancel", "CallError", "malformed", "spoilt"])
@simulated
async def test_the_lane_is_free_again(end: str) -> None:
    """However a call ends, the next one goes out at that instant; a caller that goes away ends none (J-spec 4.1.1)."""
    async with conversation(timeout=30) as (session, peer):
        first = asyncio.create_task(session.call(BEAT))
        await quiet()
        second = asyncio.create_task(_ask(session, "b"))
        assert await peer.hears() == [2, "1", "Heartbeat", {}]
        await asyncio.sleep(10)
        if end == "cancel":
            first.cancel()
        elif end == "CallError":
            await peer.says(4, "1", "GenericError", "", {})
        elif end == "malformed":
            await peer.says(3, "1", {"surprise": True})
        elif end == "spoilt":
            await peer.says(3, "1", {}, "too many")
        assert (await peer.hears())[2:] == ["Authorize", {"idTag": "b"}]
        assert clock() == (30 if end in ("timeout", "cancel") else 10)
        await peer.says(3, "2", {"idTagInfo": {"status": "Accepted"}})
        await second
        expected = {"timeout": CallTimeout, "cancel": asyncio.CancelledError, "CallError": CallFailed}
        [result] = await asyncio.gather(first, return_exceptions=True)
        assert type(result) is expected.get(end, MalformedReply)


@simulated
async def test_a_caller_that_gives_up_in_the_queue_never_sends() -> None:
    """Cancelled while it waits for its turn: nothing leaves, and those behind it keep theirs."""
    async with conversation() as (session, peer):
        serving = asyncio.create_task(peer.serves(_authorized, after=10))
        asking = await _ask_in_order(session, *"abc")
        asking[1].cancel()
        assert await asyncio.gather(asking[0], asking[2]) == ["a", "c"]
        assert [frame[3]["idTag"] for _, frame in peer.heard] == ["a", "c"]
        await session.close()
        await serving


@simulated
async def test_a_request_that_is_no_good_is_not_sent() -> None:
    """`PayloadError`: our own fault, found before it leaves; constructors do not validate."""
    async with conversation() as (session, peer):
        with pytest.raises(PayloadError, match="idTag"):
            await session.call(m.AuthorizeRequest(id_tag="x" * 21))
        calling = asyncio.create_task(session.call(BEAT))
        assert (await peer.hears())[2] == "Heartbeat"
        await peer.says(3, "1", GOOD)
        await calling


# Replies that are no good ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        [3, "1", {"currentTime": 5}],
        [3, "1", {}],
        [3, "1"],
        [3, "1", []],
        [3, "1", GOOD, "more"],
        [4, "1", "GenericError"],
        [4, "1", 7, "", {}],
    ],
)
@simulated
async def test_a_spoilt_reply_ends_its_call_at_once(reply: list[Any]) -> None:
    """Its id says whose it is: the caller is told now, not after the timeout; nothing is answered (J-spec 4.2.3)."""
    async with conversation() as (session, peer):
        calling = asyncio.create_task(session.call(BEAT))
        await peer.hears()
        await asyncio.sleep(1)
        await peer.says(*reply)
        with pytest.raises(MalformedReply):
            await calling
        assert clock() == 1
        assert len(session.pending) == 0
        assert await peer.hears_nothing()


@simulated
async def test_strays_are_named_counted_and_hurt_nobody() -> None:
    """Late, repeated, orphan: each with its own counter; the call in flight is unhurt, nothing is answered."""
    trouble: list[str] = []
    async with conversation(timeout=5, trouble=trouble.append) as (session, peer):
        with pytest.raises(CallTimeout):
            await session.call(BEAT)
        calling = asyncio.create_task(session.call(BEAT))
        assert [(await peer.hears())[1] for _ in range(2)] == ["1", "2"]
        await peer.says(3, "1", GOOD)
        await peer.says(4, "nobody", "GenericError", "", {})
        await peer.says(3, "2", GOOD)
        await peer.says(3, "2", GOOD)
        assert (await calling).current_time == NOON
        await quiet()
        assert session.pending.counts == {"timeout": 1, "late": 1, "orphan": 1, "resolved": 1, "repeated": 1}
        assert [told.partition(" ")[0] for told in trouble if "reply" in told] == ["late", "orphan", "repeated"]
        assert await peer.hears_nothing()


# The end --------------------------------------------------------------------------------------------------------------


@simulated
async def test_the_end_is_told_at_once() -> None:
    """In flight: `ConnectionLost` with the close's code, indefinite. Not yet sent: `NotConnected`, definite."""
    async with conversation() as (session, peer):
        asking = await _ask_in_order(session, *"abc")
        await asyncio.sleep(1)
        await peer.pipe.close(1001, "restarting")
        ends = await asyncio.gather(*asking, return_exceptions=True)
        assert clock() == 1
        assert [type(end) for end in ends] == [ConnectionLost, NotConnected, NotConnected]
        assert (ends[0].code, ends[0].reason) == (1001, "restarting")
        assert (ends[0].call_error.unique_id, ends[0].call_error.code) == ("1", "ConnectionClosed")
        with pytest.raises(NotConnected, match="Heartbeat was not sent"):
            await session.call(BEAT)
        assert session.ended_at == pytest.approx(clock(), abs=0.001) and len(session.pending) == 0
        assert session.pending.counts == {"lost": 1}


@simulated
async def test_after_our_own_close_nothing_is_sent() -> None:
    async with conversation() as (session, _):
        await session.close()
        with pytest.raises(NotConnected):
            await session.call(BEAT)


@simulated
async def test_a_timeout_and_a_loss_are_noted_as_synthesised_call_errors() -> None:
    """Plots and ladders are drawn from the trace alone: "Timeout" and "ConnectionClosed" stand in it as frames."""
    trouble: list[str] = []
    async with conversation(timeout=5, trouble=trouble.append) as (session, peer):
        with pytest.raises(CallTimeout) as expired:
            await session.call(BEAT)
        calling = asyncio.create_task(session.call(BEAT))
        await quiet()
        await peer.pipe.close()
        with pytest.raises(ConnectionLost) as lost:
            await calling
    frames = [decode(told) for told in trouble]
    assert frames == [expired.value.call_error, lost.value.call_error]
    assert [(each.unique_id, each.code) for each in frames if isinstance(each, CallError)] == [
        ("1", "Timeout"),
        ("2", "ConnectionClosed"),
    ]


@simulated
async def test_a_write_queue_that_stays_full_is_a_timeout_too() -> None:
    """A stalled connection must not hold a caller for ever; nothing of the call is left in the queue."""
    pipe = FakePipe()
    pipe.stall()
    transport = Transport(pipe, limit=1)
    session = Session(transport, Silent(), ids=numbers(), timeout=30)
    for text in ("written", "queued"):
        await transport.send(text)
    with pytest.raises(CallTimeout, match="write queue stayed full for 30 s"):
        await session.call(BEAT)
    assert clock() == 30
    pipe.flow()
    await session.close()
    assert pipe.sent == ["written", "queued"]
    assert len(session.pending) == 0


async def _moody(peer: Peer, rng: Random) -> None:
    """A peer that answers as it likes: well, late, badly, under another id, twice, or not at all."""
    while (frame := await peer.hears()) is not None:
        unique_id, answer = frame[1], _authorized(frame)
        await asyncio.sleep(rng.choice([0, 0, 1, 4.999, 6]))
        replies: list[tuple[Any, ...]] = [
            (4, unique_id, "GenericError", "", {}),
            (3, f"not-{unique_id}", answer),
            (3, unique_id, {"surprise": 1}),
            (3, unique_id),
        ]
        mood = rng.randrange(10)
        if mood < 9:
            await peer.says(*(replies[mood] if mood < len(replies) else (3, unique_id, answer)))
        if rng.random() < 0.2:
            await peer.says(3, unique_id, answer)


@simulated(seeds=20)
async def test_every_call_ends_exactly_once() -> None:
    """Whatever the peer does: each call gets its own answer or one error, and the counts add up."""
    rng = Random(asyncio.get_running_loop().seed)  # type: ignore[attr-defined]
    ids, pending = numbers(), Pending()
    async with conversation(pending=pending, ids=ids, timeout=5) as (session, peer):
        peering = asyncio.create_task(_moody(peer, rng))
        asking = await _ask_in_order(session, *map(str, range(60)))
        for task in rng.sample(asking, 5):
            asyncio.get_running_loop().call_later(rng.uniform(0, 99), task.cancel)
        await asyncio.sleep(rng.uniform(100, 200))
        await peer.pipe.close()
        ends = await asyncio.gather(*asking, return_exceptions=True)
        await asyncio.gather(peering, return_exceptions=True)
    assert all(str(tag) == end for tag, end in enumerate(ends) if isinstance(end, str)), "somebody got another's answer"
    opened = int(next(ids)) - 1
    ways = ("resolved", "failed", "malformed", "timeout", "cancelled", "lost")
    assert sum(pending.counts[way] for way in ways) == opened
    assert len(pending) == 0
    kinds = {"resolved": str, "failed": CallFailed, "malformed": MalformedReply, "timeout": CallTimeout}
    for way, kind in kinds.items():
        assert pending.counts[way] == sum(isinstance(end, kind) for end in ends), way
    assert pending.counts["lost"] == sum(isinstance(end, ConnectionLost) for end in ends) <= 1


def test_outside_of_a_handler_there_is_no_current_session() -> None:
    with pytest.raises(LookupError):
        current_session()
