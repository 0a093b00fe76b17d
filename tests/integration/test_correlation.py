"""Milestone 4 over real loopback: whose answer is this? A plain peer that answers as it likes, at both ends of ours."""

from __future__ import annotations

import asyncio
import logging
from random import Random
from typing import Any

import pytest

from ocpp_lab import CallFailed, CallTimeout, CentralSystem, ChargePoint, MalformedReply, encode
from ocpp_lab import messages as m
from ocpp_lab.frames import Call
from tests.integration.wire import AT_ONCE, ENDS, Peer, facing, facing_charge_point, until

A_THOUSAND = 1000

# What either end may ask the other, and a good answer to it.
REQUESTS: dict[str, tuple[m.Request[Any], Any]] = {
    "central system": (m.GetLocalListVersionRequest(), {"listVersion": 7}),
    "charge point": (m.AuthorizeRequest(id_tag="TAG"), {"idTagInfo": {"status": "Blocked"}}),
}


class Asking:
    """A call of ours that is on the wire: the peer holds its id and has not answered yet."""

    def __init__(self, end: str, peer: Peer) -> None:
        self.request, self.good = REQUESTS[end]
        self.peer = peer

    async def begins(self, timeout: float = 30.0) -> str:
        """Its unique id, as the peer read it."""
        self.call = asyncio.create_task(self.peer.session.call(self.request, timeout=timeout))
        kind, unique_id, action, _ = await self.peer.hear()
        assert (kind, action) == (2, self.request.action)
        return str(unique_id)


@pytest.mark.parametrize("end", ENDS)
async def test_duplicate_replies(end: str) -> None:
    """J-spec 4.1.4: one call, one reply. The second is counted as repeated and changes nothing."""
    async with ENDS[end]() as peer:
        asking = Asking(end, peer)
        unique_id = await asking.begins()
        await peer.say(3, unique_id, asking.good)
        await peer.say(3, unique_id, asking.good)
        await peer.say(4, unique_id, "GenericError", "", {})
        first = await asking.call
        await peer.is_served()
        assert isinstance(first, asking.request.response_type)
        assert peer.session.pending.counts["repeated"] == 2
        assert peer.session.pending.counts["failed"] == 0


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("payload", [{"surprise": True}, {}, {"listVersion": "7", "idTagInfo": []}])
async def test_mismatched_type(end: str, payload: Any) -> None:
    """A CallResult that is not the response of the action that is pending ends the call as indefinite, and only it."""
    async with ENDS[end]() as peer:
        asking = Asking(end, peer)
        await peer.say(3, await asking.begins(), payload)
        with pytest.raises(MalformedReply) as malformed:
            await asking.call
        assert malformed.value.definite is False
        assert f"{asking.request.action}Response" in str(malformed.value)
        assert peer.session.pending.counts["malformed"] == 1
        await peer.is_served()
        await peer.say(3, await asking.begins(), asking.good)
        assert isinstance(await asking.call, asking.request.response_type)


# J-spec 4.2.2 and 4.2.3: three elements, five elements; what is spoilt but names its call ends that call.
SPOILT = {
    "no payload": lambda uid: [3, uid],
    "one element too many": lambda uid: [3, uid, {}, {}],
    "payload is an array": lambda uid: [3, uid, [1]],
    "error without details": lambda uid: [4, uid, "GenericError", ""],
    "error with a sixth element": lambda uid: [4, uid, "GenericError", "", {}, 1],
    "error code is a number": lambda uid: [4, uid, 500, "", {}],
    "details is a string": lambda uid: [4, uid, "GenericError", "", "none"],
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("spoilt", SPOILT)
async def test_malformed_reply(end: str, spoilt: str, caplog: pytest.LogCaptureFixture) -> None:
    """A CallResult or CallError of the wrong shape is counted, logged, never answered, and ends the call it names."""
    async with ENDS[end]() as peer:
        asking = Asking(end, peer)
        with caplog.at_level(logging.WARNING, "ocpp_lab"):
            await peer.say(*SPOILT[spoilt](await asking.begins()))
            with pytest.raises(MalformedReply, match="expected"):
                await asking.call
        await peer.is_served()
        assert peer.session.counts["bad frame"] == 1
        assert "bad frame" in caplog.text


@pytest.mark.parametrize("end", ENDS)
async def test_call_error_reaches_the_caller(end: str) -> None:
    """J-spec 4.2.3: code, description and details arrive; correct English is understood as the code that is meant."""
    async with ENDS[end]() as peer:
        asking = Asking(end, peer)
        await peer.say(4, await asking.begins(), "OccurrenceConstraintViolation", "why", {"field": "x"})
        with pytest.raises(CallFailed) as failed:
            await asking.call
        error = failed.value
        assert (error.code, error.description, error.details) == (
            "OccurenceConstraintViolation",
            "why",
            {"field": "x"},
        )
        await peer.is_served()


@pytest.mark.parametrize("end", ENDS)
async def test_late_reply(end: str) -> None:
    """A reply that comes after its call timed out is counted as late; the next call is not taken for it."""
    async with ENDS[end]() as peer:
        asking = Asking(end, peer)
        unique_id = await asking.begins(timeout=0.02)
        with pytest.raises(CallTimeout):
            await asking.call
        next_id = await asking.begins()
        await peer.say(3, unique_id, asking.good)
        await peer.is_served()
        assert not asking.call.done()
        assert peer.session.pending.counts["late"] == 1
        await peer.say(3, next_id, asking.good)
        await asking.call


@pytest.mark.parametrize("end", ENDS)
async def test_reply_after_cancellation(end: str) -> None:
    """A cancelled caller leaves nothing behind: its reply is late, and the lane is free for the next call."""
    async with ENDS[end]() as peer:
        asking = Asking(end, peer)
        unique_id = await asking.begins()
        asking.call.cancel()
        await asyncio.wait([asking.call])
        assert len(peer.session.pending) == 0
        await peer.say(3, unique_id, asking.good)
        await peer.say(3, await asking.begins(), asking.good)
        await asking.call
        assert peer.session.pending.counts["late"] == 1


@pytest.mark.parametrize("end", ENDS)
async def test_orphans(end: str) -> None:
    """A reply to nobody's call is counted as an orphan and disturbs neither the pending call nor the session."""
    async with ENDS[end]() as peer:
        asking = Asking(end, peer)
        unique_id = await asking.begins()
        await peer.say(3, "nobody's", asking.good)
        await peer.say(4, "nobody's either", "GenericError", "", {})
        await peer.say(3, unique_id.upper() + "x", asking.good)
        await peer.is_served()
        assert peer.session.pending.counts["orphan"] == 3
        assert not asking.call.done()
        await peer.say(3, unique_id, asking.good)
        await asking.call


@pytest.mark.parametrize("end", ENDS)
async def test_crossing_calls(end: str) -> None:
    """J-spec 4.1.1: a call that crosses ours is served at once, also under the very id of ours."""
    async with ENDS[end]() as peer:
        asking = Asking(end, peer)
        unique_id = await asking.begins()
        for _ in range(3):
            reply = await peer.ask(unique_id, peer.valid, {})
            assert reply[:2] == [3, unique_id]
        assert not asking.call.done()
        await peer.say(3, unique_id, asking.good)
        assert isinstance(await asking.call, asking.request.response_type)


async def test_one_own_call_in_flight() -> None:
    """J-spec 4.1.1: however many callers there are, the next call leaves when the one before it has ended."""
    async with CentralSystem() as central_system, facing(central_system) as peer:
        requests = [m.GetConfigurationRequest(key=[str(n)]) for n in range(20)]
        calls = [asyncio.create_task(peer.session.call(request)) for request in requests]
        for n in range(20):
            _, unique_id, _, payload = await peer.hear()
            assert payload == {"key": [str(n)]}  # in the order in which they were made
            await peer.is_served()  # nothing else was sent meanwhile
            await peer.say(3, unique_id, {})
        await asyncio.gather(*calls)


async def test_many_charge_points_are_called_at_the_same_time() -> None:
    """J-errata 3.4: one call in flight for each connection, not for the whole central system."""
    async with CentralSystem() as central_system, asyncio.TaskGroup() as group:
        names = [f"CP_{n}" for n in range(10)]
        points = [await ChargePoint(central_system.url, name, delays=AT_ONCE).start() for name in names]
        sessions = [await central_system.connected(name) for name in names]
        calls = [group.create_task(session.call(m.GetConfigurationRequest())) for session in sessions]
        await asyncio.wait(calls)
        for point in points:
            await point.stop()


async def test_thousand_pending_resolved_out_of_order() -> None:
    """A thousand calls pending on one line, answered in any order: each gets its own answer, whoever asked when."""
    async with facing_charge_point() as peer:
        pending, transport = peer.session.pending, peer.session.transport
        ids = [f"call-{n}" for n in range(A_THOUSAND)]
        futures = [pending.open(unique_id, m.DataTransferResponse) for unique_id in ids]
        waiting = [asyncio.create_task(pending.expect(future, 30.0)) for future in futures]
        for unique_id in ids:
            await transport.send(encode(Call(unique_id, "DataTransfer", {"vendorId": "pending"})))
        heard = [(await peer.hear())[1] for _ in ids]
        assert heard == ids
        Random(16).shuffle(heard)
        assert heard != ids
        for unique_id in heard:
            await peer.say(3, unique_id, {"status": "Accepted", "data": unique_id})
        answers = await asyncio.gather(*waiting)
        assert [answer.data for answer in answers] == ids
        assert len(pending) == 0
        await until(lambda: pending.counts["resolved"] >= A_THOUSAND)
        assert not pending.counts.keys() & {"orphan", "late", "repeated", "malformed"}
