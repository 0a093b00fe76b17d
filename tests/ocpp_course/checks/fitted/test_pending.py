"""A learner's pending calls in the stack: every end and every stray has its name, though it counts nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_course import fit
from ocpp_lab import CallError, CallFailed, CallResult, CallTimeout, ConnectionLost, MalformedReply, Session, Transport
from ocpp_lab import messages as m
from ocpp_lab.pipe import pipe_pair
from tests.fakes import FakePipe, Peer, Silent, heartbeat_response, numbers
from tests.learner import MyPending
from tests.ocpp_course.checks.fitted.nonsense import nonsense
from tests.simulated import clock, quiet, simulated

GOOD = heartbeat_response()
Own = nonsense("pending", MyPending)


def fresh() -> Any:
    return fit(pending=Own)["pending"]()


def start(pending: Any, unique_id: str, timeout: float = 30.0) -> asyncio.Task[Any]:
    return asyncio.create_task(pending.expect(pending.open(unique_id, m.HeartbeatResponse), timeout))


@simulated
async def test_each_end_is_counted() -> None:
    """Read from the call's future, and from how the wait for it ended."""
    pending = fresh()
    calls = {name: start(pending, name, 5) for name in ("good", "refused", "spoilt", "silent", "left", "cut off")}
    await quiet()
    assert len(pending) == 6
    assert pending.settle(CallResult("good", GOOD)) == "resolved"
    assert pending.settle(CallError("refused", "GenericError")) == "failed"
    assert pending.settle(CallResult("spoilt", {"surprise": 1})) == "malformed"
    calls["left"].cancel()
    with pytest.raises(CallTimeout):
        await calls["silent"]
    again = start(pending, "cut off again", 100)
    await quiet()
    assert pending.fail_all(ConnectionLost("cut")) == 1
    ends = await asyncio.gather(*calls.values(), again, return_exceptions=True)
    assert [type(end) for end in ends[1:3]] == [CallFailed, MalformedReply] and isinstance(ends[-1], ConnectionLost)
    names = ["resolved", "failed", "malformed", "cancelled", "timeout", "lost"]
    assert {name: pending.counts[name] for name in names} == dict.fromkeys(names, 1) | {"timeout": 2}
    assert len(pending) == 0


@simulated
async def test_a_stray_has_its_true_name() -> None:
    """This piece says "orphan" to every reply that fits nothing. A slow peer and a confused one need other repairs."""
    pending = fresh()
    for name, frame in (("answered", CallResult("answered", GOOD)), ("refused", CallError("refused", "GenericError"))):
        calling = start(pending, name)
        pending.settle(frame)
        await asyncio.gather(calling, return_exceptions=True)
    with pytest.raises(CallTimeout):
        await start(pending, "slow", 1)
    wanted = {"answered": "repeated", "refused": "repeated", "slow": "late", "never": "orphan"}
    assert {name: pending.settle(CallResult(name, GOOD)) for name in wanted} == wanted
    assert [pending.counts[name] for name in ("repeated", "late", "orphan")] == [2, 1, 1]
    anew = start(pending, "slow")
    await quiet()
    assert pending.settle(CallResult("slow", GOOD)) == "resolved"
    await anew


@simulated
async def test_only_so_many_are_remembered() -> None:
    pending = fresh()
    for number in range(300):
        pending.open(str(number), m.HeartbeatResponse)
        pending.settle(CallResult(str(number), GOOD))
    assert pending.settle(CallResult("43", GOOD)) == "orphan"
    assert pending.settle(CallResult("44", GOOD)) == "repeated"


@simulated
async def test_a_reply_in_the_instant_of_a_cancellation_is_late() -> None:
    """The future is done, by its caller who went away. This time a piece that looks whether it is done (step 4.3)."""

    class Careful(MyPending):
        def settle(self, frame: Any) -> str:
            future, _ = self._calls.get(frame.unique_id, (None, None))
            if future and future.done():
                del self._calls[frame.unique_id]
                return "unknown"
            return super().settle(frame)

    pending = fit(pending=Careful)["pending"]()
    calling = start(pending, "1")
    await quiet()
    calling.cancel()
    assert pending.settle(CallResult("1", GOOD)) == "late"
    await asyncio.gather(calling, return_exceptions=True)
    assert pending.counts == {"cancelled": 1, "late": 1} and len(pending) == 0


@simulated
async def test_a_reply_that_cannot_be_read_ends_its_call_at_once() -> None:
    """Through a session of ours: the id of the cut-off reply can be told."""
    near, far = pipe_pair()
    session, peer = Session(Transport(near), Silent(), fresh(), ids=numbers()), Peer(far)
    running = asyncio.create_task(session.run())
    calling = asyncio.create_task(session.call(m.HeartbeatRequest()))
    await peer.hears()
    await peer.pipe.send('[3,"1"]')
    with pytest.raises(MalformedReply):
        await calling
    assert clock() == 0 and session.pending.counts["malformed"] == 1
    await peer.pipe.send('[3,"nobody"]')
    await quiet()
    assert session.pending.counts["orphan"] == 1
    await session.close()
    await running


@simulated
async def test_a_call_that_was_never_sent_is_forgotten() -> None:
    """A caller goes away while the queue is full. The piece knows of no `drop`, and forgets it all the same."""
    pipe = FakePipe()
    pipe.stall()
    session = Session(Transport(pipe, limit=1), Silent(), fresh(), ids=numbers())
    running = asyncio.create_task(session.run())
    for text in ("on its way", "in the queue"):
        await session.transport.send(text)
    calling = asyncio.create_task(session.call(m.HeartbeatRequest()))
    await quiet()
    assert len(session.pending) == 1
    calling.cancel()
    await quiet()
    assert len(session.pending) == 0 and session.pending.counts == {"cancelled": 1}
    assert session.pending.settle(CallResult("1", GOOD)) == "late"
    pipe.flow()
    await session.close()
    await running


@simulated
async def test_calls_that_the_piece_does_not_end_stay_pending() -> None:
    """Nothing is made up: `len` is the piece's own, and what was not ended is not counted as lost."""

    class Forgets(MyPending):
        def fail_all(self, error: Exception) -> int:
            return 0

    pending = fit(pending=Forgets)["pending"]()
    call = pending.open("1", m.HeartbeatResponse)
    pending.fail_all(ConnectionLost("cut"))
    assert len(pending) == 1 and pending.counts["lost"] == 0 and not call.done()
