"""`Session.run`: the reader never waits; the peer's calls are served, whatever they look like (J-spec 4.1, 4.2.3)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

import pytest

from ocpp_lab import messages as m
from ocpp_lab.frames import Call
from ocpp_lab.router import Router
from ocpp_lab.session import current_session
from tests.fakes import NOON, Desk, conversation, heartbeat_response, slowly
from tests.simulated import clock, quiet, simulated

GOOD = heartbeat_response()
BEAT = m.HeartbeatRequest()


# The reader never waits -----------------------------------------------------------------------------------------------


@simulated
async def test_crossing_calls_are_served() -> None:
    """J-spec 4.1.1: while our own call is unanswered the peer's are answered; answers bypass the queue of calls."""
    async with conversation(Desk()) as (session, peer):
        ours = asyncio.create_task(session.call(BEAT))
        waiting = asyncio.create_task(session.call(BEAT))
        assert (await peer.hears())[0] == 2
        await peer.says(2, "x", "Reset", {"type": "Soft"})
        assert await peer.hears() == [3, "x", {}]
        assert not ours.done() and not waiting.done()
        for unique_id in ("1", "2"):
            await peer.says(3, unique_id, GOOD)
            await quiet()
        await asyncio.gather(ours, waiting)


@simulated
async def test_both_sides_may_use_the_same_id() -> None:
    """J-spec 4.1.4: unique ids are unique per sender."""
    async with conversation(Desk()) as (session, peer):
        ours = asyncio.create_task(session.call(BEAT))
        assert (await peer.hears())[1] == "1"
        await peer.says(2, "1", "Reset", {"type": "Soft"})
        assert await peer.hears() == [3, "1", {}]
        await peer.says(3, "1", GOOD)
        assert (await ours).current_time == NOON


@simulated
async def test_a_handler_may_call_its_peer() -> None:
    """The reader reads on, so the reply that the handler waits for can come."""

    async def ask_back(call: Call) -> None:
        response = await current_session().call(BEAT)
        assert response.current_time == NOON

    async with conversation(Desk(ask_back)) as (_, peer):
        await peer.says(2, "x", "Reset", {"type": "Soft"})
        assert await peer.hears() == [2, "1", "Heartbeat", {}]
        await peer.says(3, "1", GOOD)
        assert await peer.hears() == [3, "x", {}]
        assert clock() == 0


@simulated
async def test_a_slow_handler_delays_nothing_but_itself() -> None:
    """Replies to our own calls and other calls of the peer go on."""
    desk = Desk(lambda call: asyncio.sleep(1000 if call.unique_id == "slow" else 0))
    async with conversation(desk) as (session, peer):
        await peer.says(2, "slow", "Reset", {})
        await peer.says(2, "fast", "Reset", {})
        assert await peer.hears() == [3, "fast", {}]
        ours = asyncio.create_task(session.call(BEAT))
        assert (await peer.hears())[1] == "1"
        await peer.says(3, "1", GOOD)
        await ours
        assert clock() == 0
        assert await peer.hears() == [3, "slow", {}]
        assert clock() == 1000


@simulated
async def test_twenty_pipelined_calls_are_all_answered() -> None:
    """Postel: a peer that ignores the one-in-flight rule is served all the same, each call once, side by side."""
    async with conversation(Desk(slowly(10))) as (session, peer):
        for number in range(20):
            await peer.says(2, f"p{number}", "Reset", {})
        answers = Counter([(await peer.hears())[1] for _ in range(20)])
        assert clock() == 10
        assert answers == {f"p{number}": 1 for number in range(20)}
        assert session.counts == {"answered": 20}


@simulated
async def test_a_router_that_says_nothing() -> None:
    """None means silence (a rejected charge point SHALL NOT answer, core 4.2); the id is free again."""
    async with conversation() as (session, peer):
        for _ in range(2):
            await peer.says(2, "x", "Reset", {})
            await quiet()
        assert session.counts == {}
        assert await peer.hears_nothing()


@simulated
async def test_a_router_that_breaks_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Its bug is logged, its call has an end (J-spec 4.2.3); the session lives and serves the next one."""

    async def break_once(call: Call) -> None:
        if call.unique_id == "x":
            raise KeyError("a bug in the router")

    async with conversation(Desk(break_once)) as (_, peer):
        with caplog.at_level(logging.ERROR, logger="ocpp_lab"):
            await peer.says(2, "x", "Reset", {})
            await peer.says(2, "y", "Reset", {})
            assert await peer.hears() == [4, "x", "InternalError", "", {}]
            assert await peer.hears() == [3, "y", {}]
    assert "a bug in the router" in caplog.text


@simulated
async def test_another_router_may_take_its_place() -> None:
    """From the next call on; what is under way is answered by the one that got it."""
    first, second = Desk(slowly(10)), Desk()
    async with conversation(first) as (session, peer):
        await peer.says(2, "x", "Reset", {})
        await quiet()
        session.router = second
        await peer.says(2, "y", "Reset", {})
        assert [(await peer.hears())[1] for _ in range(2)] == ["y", "x"]
        assert (first.began, second.began) == (["x"], ["y"]) and session.router is second


@simulated
async def test_work_after_the_answer() -> None:
    """`spawn`: what a handler wants done starts when it has answered (TriggerMessage: .conf first, core 5.17)."""

    async def later(call: Call) -> None:
        session = current_session()

        async def beat() -> None:
            await session.call(BEAT)

        session.spawn(beat(), "a triggered Heartbeat")

    async with conversation(Desk(later)) as (_, peer):
        await peer.says(2, "x", "TriggerMessage", {})
        assert await peer.hears() == [3, "x", {}]
        assert (await peer.hears())[2] == "Heartbeat"
        await peer.says(3, "1", GOOD)
        await quiet()


# Duplicate ids --------------------------------------------------------------------------------------------------------


@simulated
async def test_a_duplicate_id_in_progress() -> None:
    """J-spec 4.2.3: GenericError for the second; the first runs once and is answered normally."""
    desk = Desk(slowly(10))
    async with conversation(desk) as (session, peer):
        await peer.says(2, "x", "Reset", {})
        await peer.says(2, "x", "Reset", {})
        kind, unique_id, code, description, details = await peer.hears()
        assert (kind, unique_id, code, details) == (4, "x", "GenericError", {})
        assert "unique id" in description
        assert await peer.hears() == [3, "x", {}]
        assert clock() == 10
        assert desk.began == ["x"]
        assert session.counts["duplicate id"] == 1


@pytest.mark.parametrize("times", [1, 2])
@simulated
async def test_an_answered_id_may_be_used_again(times: int) -> None:
    """J-spec 4.1.4 wants it fresh; after the answer a repeat does no harm, also after a duplicate was refused."""
    desk = Desk(slowly(1))
    async with conversation(desk) as (_, peer):
        for _ in range(times):
            await peer.says(2, "x", "Reset", {})
        for _ in range(times):
            await peer.hears()
        await quiet()
        await peer.says(2, "x", "Reset", {})
        assert await peer.hears() == [3, "x", {}]
        assert desk.began == ["x", "x"]


# Frames that are no good ----------------------------------------------------------------------------------------------

IGNORED = [
    "",
    "not JSON",
    "42",
    "{}",
    "[]",
    "[2]",
    '[7,"x"]',
    '[2.0,"x","Reset",{}]',
    '["2","x","Reset",{}]',
    '[2,7,"Reset",{}]',
    '[2,null,"Reset",{}]',
    '[3,"x",7]',
    "[3,7,{}]",
    '[4,"x","GenericError"]',
    f'[3,"{"x" * 37}",{{}}]',
    "[" * 5000,
    '[2,"x","Reset",{"a":NaN}]',
    b"\x00\x01",
]
ANSWERED = [
    # a bad Call whose id can be told, and the code of its CallError
    ('[2,"x"]', "x", "FormationViolation"),
    ('[2,"x","Reset"]', "x", "FormationViolation"),
    ('[2,"x","Reset",{},1]', "x", "FormationViolation"),
    ('[2,"x","Reset",[]]', "x", "FormationViolation"),
    ('[2,"x","Reset","text"]', "x", "FormationViolation"),
    ('[2,"x",7,{}]', "x", "FormationViolation"),
    (f'[2,"{"x" * 37}","Reset",{{}}]', "x" * 37, "PropertyConstraintViolation"),
]


@pytest.mark.parametrize("text", IGNORED, ids=lambda text: str(text)[:25])
@simulated
async def test_what_is_no_call_is_not_answered(text: str | bytes) -> None:
    """J-spec 4.1.3, 4.2.3: counted and forgotten; the next good call is answered."""
    trouble: list[str] = []
    async with conversation(Desk(), trouble=trouble.append) as (session, peer):
        await peer.pipe.send(text)
        await peer.says(2, "next", "Reset", {})
        assert await peer.hears() == [3, "next", {}]
        assert session.counts == {"bad frame": 1, "answered": 1}
        assert trouble[0].startswith("bad frame: ")
        assert await peer.hears_nothing()


@pytest.mark.parametrize(("text", "unique_id", "code"), ANSWERED, ids=lambda text: str(text)[:25])
@simulated
async def test_a_bad_call_is_answered_under_its_id(text: str, unique_id: str, code: str) -> None:
    """Somebody waits for it; the session lives on and the next good call is answered."""
    async with conversation(Desk()) as (session, peer):
        await peer.pipe.send(text)
        heard = await peer.hears()
        assert heard[:3] == [4, unique_id, code]
        assert len(heard) == 5 and "expected" in heard[3]
        await peer.says(2, "next", "Reset", {})
        assert await peer.hears() == [3, "next", {}]
        assert session.counts == {"bad frame": 1, "answered": 2}


@simulated
async def test_null_as_payload_is_an_empty_object() -> None:
    """J-spec 4.2.1."""
    router = Router("CentralSystem")

    @router.on(m.HeartbeatRequest)
    async def on_heartbeat(request: m.HeartbeatRequest) -> m.HeartbeatResponse:
        return m.HeartbeatResponse(current_time=NOON)

    async with conversation(router) as (_, peer):
        await peer.says(2, "x", "Heartbeat", None)
        assert await peer.hears() == [3, "x", {"currentTime": "2030-06-01T12:00:00.000Z"}]
