"""Every call has one end, in the trace and in its caller's chair."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_course.lab import OUTCOMES, calls, timed
from ocpp_lab import CallFailed, CallTimeout, ConnectionLost, Event, MalformedReply, NotAccepted, NotConnected
from ocpp_lab.messages import BootNotificationResponse, HeartbeatResponse

CALL = '[2,"1","Heartbeat",{}]'
RESULT = '[3,"1",{"status":"Accepted"}]'


def story(*lines: tuple[str, str]) -> list[Event]:
    return [Event(float(at), "CP_1", mark, text) for at, (mark, text) in enumerate(lines)]


@pytest.mark.parametrize(
    ("end", "outcome", "seconds"),
    [
        ([("<", RESULT)], "result", 1),
        ([("<", '[4,"1","InternalError","",{}]')], "CallError", 1),
        ([("!", '[4,"1","Timeout","",{}]')], "timeout", 1),
        ([("!", '[4,"1","ConnectionClosed","",{}]')], "lost", 1),
        ([("<", RESULT), ("!", f"malformed reply: {RESULT}")], "malformed", 1),
        ([("!", '[4,"1","Timeout","",{}]'), ("<", RESULT), ("!", f"late reply: {RESULT}")], "timeout", 1),
        ([("<", RESULT), ("<", RESULT), ("!", f"repeated reply: {RESULT}")], "result", 1),
        ([("<", '[3,"9",{}]'), ("!", 'orphan reply: [3,"9",{}]')], "waiting", 2),
    ],
)
def test_a_call_in_a_trace_ends_once(end: list[tuple[str, str]], outcome: str, seconds: float) -> None:
    found = calls(story((">", CALL), *end))
    assert [(each.action, each.outcome, each.seconds) for each in found] == [("Heartbeat", outcome, seconds)]
    assert outcome in OUTCOMES


def test_the_same_id_again_is_another_call() -> None:
    """Unique ids are unique per connection only (J-spec 4.1.4)."""
    found = calls(story((">", CALL), ("<", RESULT), (">", CALL), ("!", '[4,"1","Timeout","",{}]')))
    assert [each.outcome for each in found] == ["result", "timeout"]


def test_what_the_peer_calls_is_not_ours() -> None:
    assert calls(story(("<", CALL), (">", RESULT))) == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (CallFailed("InternalError"), "CallError"),
        (MalformedReply("no"), "malformed"),
        (CallTimeout(), "timeout"),
        (ConnectionLost(), "lost"),
        (NotConnected("no"), "not sent"),
        (NotAccepted("no"), "not sent"),
    ],
)
async def test_a_caller_is_told_every_outcome_without_an_exception(error: Exception, outcome: str) -> None:
    async def fail() -> None:
        raise error

    ended = await timed(fail(), "Heartbeat")
    assert (ended.outcome, ended.detail) == (outcome, str(error))
    assert outcome in OUTCOMES


async def test_a_response_names_its_action_and_status() -> None:
    async def boot() -> BootNotificationResponse:
        from ocpp_lab.clock import utc_now

        return BootNotificationResponse(status="Rejected", current_time=utc_now(), interval=1)

    ended = await timed(boot())
    assert (ended.action, ended.detail, ended.outcome) == ("BootNotification", "Rejected", "result")


async def test_the_time_counts_from_the_start() -> None:
    async def beat() -> HeartbeatResponse | None:
        await asyncio.sleep(0.02)
        return None

    assert (await timed(beat())).seconds >= 0.02
    assert (await timed(beat(), started=asyncio.get_running_loop().time() - 5)).seconds >= 5


async def test_a_bug_is_not_an_outcome() -> None:
    async def bug() -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await timed(bug())
