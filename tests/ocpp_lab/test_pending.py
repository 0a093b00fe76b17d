"""`Pending`: whose answer is this? By unique id, and every call ends exactly once (DESIGN.md, milestone 4)."""

from __future__ import annotations

import asyncio
import logging
from random import Random
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply
from ocpp_lab.frames import CallError, CallResult
from ocpp_lab.pending import Pending
from tests.fakes import NOON, heartbeat_response
from tests.simulated import clock, quiet, simulated

GOOD = heartbeat_response()


def _start(pending: Pending, unique_id: str, timeout: float = 30) -> asyncio.Task[m.HeartbeatResponse]:
    """Open a call and await it in a task."""
    future = pending.open(unique_id, m.HeartbeatResponse)
    return asyncio.create_task(pending.expect(future, timeout), name=f"caller {unique_id}")


# By id ----------------------------------------------------------------------------------------------------------------


@simulated
async def test_a_thousand_out_of_order() -> None:
    """J-spec 4.1.4: a reply belongs to the call with its id, whatever the order."""
    pending = Pending()
    futures = {str(n): pending.open(str(n), m.StartTransactionResponse) for n in range(1000)}
    order = list(futures)
    Random(7).shuffle(order)
    for unique_id in order:
        payload = {"transactionId": int(unique_id), "idTagInfo": {"status": "Accepted"}}
        assert pending.settle(CallResult(unique_id, payload)) == "resolved"
    for unique_id, future in futures.items():
        response = await pending.expect(future, 30)
        assert response == m.StartTransactionResponse(
            transaction_id=int(unique_id), id_tag_info=m.IdTagInfo(status="Accepted")
        )
    assert len(pending) == 0
    assert pending.counts == {"resolved": 1000}


@simulated
async def test_the_answer_is_typed() -> None:
    pending = Pending()
    calling = _start(pending, "1")
    pending.settle(CallResult("1", GOOD))
    assert await calling == m.HeartbeatResponse(current_time=NOON)


@simulated
async def test_an_id_that_is_pending_cannot_be_opened_again() -> None:
    """J-spec 4.1.4: unique per connection. The first call is unhurt."""
    pending = Pending()
    calling = _start(pending, "1")
    with pytest.raises(ValueError, match="'1', which is pending"):
        pending.open("1", m.HeartbeatResponse)
    assert len(pending) == 1
    pending.settle(CallResult("1", GOOD))
    assert (await calling).current_time == NOON


# Errors and wrong shapes ----------------------------------------------------------------------------------------------


@simulated
async def test_a_call_error_fails_its_call() -> None:
    """J-spec 4.2.3: code, description and details reach the caller; others stay pending."""
    pending = Pending()
    failing, other = _start(pending, "1"), _start(pending, "2")
    assert pending.settle(CallError("1", "GenericError", "no", {"a": 1})) == "failed"
    with pytest.raises(CallFailed) as failed:
        await failing
    assert (failed.value.code, failed.value.description, failed.value.details) == ("GenericError", "no", {"a": 1})
    assert len(pending) == 1
    pending.settle(CallResult("2", GOOD))
    await other


@pytest.mark.parametrize("payload", [{}, {"currentTime": 5}, {"currentTime": "yesterday"}, {"extra": 1}])
@simulated
async def test_a_reply_of_the_wrong_shape_fails_its_call_at_once(payload: Any) -> None:
    """The answer came; waiting for the timeout would tell nobody anything. Indefinite: the peer may have acted."""
    pending = Pending()
    calling, other = _start(pending, "1"), _start(pending, "2")
    assert pending.settle(CallResult("1", payload)) == "malformed"
    with pytest.raises(MalformedReply, match="HeartbeatResponse"):
        await calling
    assert clock() == 0
    assert len(pending) == 1 and not other.done()
    pending.settle(CallResult("2", GOOD))
    await other
    assert pending.counts == {"malformed": 1, "resolved": 1}


@simulated
async def test_a_reply_that_is_no_frame_fails_its_call_at_once() -> None:
    """Its id could be told, so its caller is told (`FrameError.reply_to`)."""
    pending = Pending()
    calling = _start(pending, "1")
    assert pending.spoil("1", "four elements") == "malformed"
    with pytest.raises(MalformedReply, match="four elements"):
        await calling
    assert pending.spoil("1", "again") == "repeated"
    assert pending.spoil("9", "who?") == "orphan"


# Timeouts and cancellation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "wins"), [(29.999, True), (30.001, False)])
@simulated
async def test_the_deadline(after: float, wins: bool) -> None:
    """At ``timeout`` − 1 ms the reply wins; 1 ms past it, it is late and raises nowhere."""
    pending = Pending()
    calling = _start(pending, "1", timeout=30)
    await asyncio.sleep(after)
    assert pending.settle(CallResult("1", GOOD)) == ("resolved" if wins else "late")
    if wins:
        await calling
    else:
        with pytest.raises(CallTimeout):
            await calling


@simulated
async def test_a_timeout_forgets_the_call_at_its_instant() -> None:
    """`CallTimeout` after ``timeout`` s, not a bare TimeoutError; it carries the synthesised CallError "Timeout"."""
    pending = Pending()
    calling = _start(pending, "1", timeout=30)
    with pytest.raises(CallTimeout) as expired:
        await calling
    assert clock() == 30
    assert len(pending) == 0
    assert isinstance(expired.value.call_error, CallError)
    assert (expired.value.call_error.unique_id, expired.value.call_error.code) == ("1", "Timeout")
    assert pending.counts == {"timeout": 1}


@simulated
async def test_each_call_has_its_own_deadline() -> None:
    pending = Pending()
    ended: dict[str, float] = {}

    async def call(unique_id: str, timeout: float) -> None:
        with pytest.raises(CallTimeout):
            await pending.expect(pending.open(unique_id, m.HeartbeatResponse), timeout)
        ended[unique_id] = clock()

    await asyncio.gather(call("a", 30), call("b", 0.25), call("c", 5.5))
    assert ended == {"a": 30, "b": 0.25, "c": 5.5}


@simulated
async def test_the_timer_of_a_call_that_has_ended_ends_no_other() -> None:
    """Its answer came in the instant of its timeout, and its id was opened anew before its caller knew."""
    pending = Pending()
    calling, newer = _start(pending, "1", timeout=5), []

    def answer_and_open_again() -> None:
        pending.settle(CallResult("1", GOOD))
        newer.append(pending.open("1", m.HeartbeatResponse))

    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(5, answer_and_open_again)
    await asyncio.gather(calling, return_exceptions=True)
    await quiet()
    assert not newer[0].done() and len(pending) == 1


@simulated
async def test_a_cancelled_caller_leaves_nothing() -> None:
    """It stays cancelled, its entry is gone at once, and the reply that comes then is late."""
    pending = Pending()
    calling = _start(pending, "1")
    await quiet()
    calling.cancel()
    await quiet()
    assert calling.cancelled()
    assert len(pending) == 0
    assert pending.settle(CallResult("1", GOOD)) == "late"
    assert pending.counts == {"cancelled": 1, "late": 1}


@pytest.mark.parametrize("reply", [CallResult("1", GOOD), CallResult("1", {}), CallError("1", "GenericError")])
@simulated
async def test_a_reply_in_the_instant_of_a_cancellation_is_late(reply: CallResult | CallError) -> None:
    """The caller is cancelled and does not know yet; its future is done, so the reply ends nothing."""
    pending = Pending()
    calling = _start(pending, "1")
    await quiet()
    calling.cancel()
    assert pending.settle(reply) == "late"
    await quiet()
    assert calling.cancelled() and len(pending) == 0
    assert pending.counts == {"cancelled": 1, "late": 1}


@simulated
async def test_a_call_dropped_before_it_was_sent_is_forgotten() -> None:
    pending = Pending()
    future = pending.open("1", m.HeartbeatResponse)
    pending.drop(future)
    assert len(pending) == 0 and future.cancelled()
    pending.drop(future)  # again is fine
    assert pending.counts == {"cancelled": 1}


@simulated
async def test_an_answer_that_is_faster_than_its_caller() -> None:
    """The reply may be there before anybody awaits it."""
    pending = Pending()
    future = pending.open("1", m.HeartbeatResponse)
    pending.settle(CallResult("1", GOOD))
    assert (await pending.expect(future, 30)).current_time == NOON
    lost = pending.open("2", m.HeartbeatResponse)
    pending.settle(CallError("2", "GenericError"))
    with pytest.raises(CallFailed):
        await pending.expect(lost, 30)


# Replies that fit nobody ----------------------------------------------------------------------------------------------


async def _end(pending: Pending, frame: CallResult | CallError) -> None:
    calling = _start(pending, frame.unique_id)
    pending.settle(frame)
    await asyncio.gather(calling, return_exceptions=True)


@simulated
async def test_late_repeated_and_orphan_are_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    """A slow peer, a peer that says it twice and a peer that is confused need different repairs."""
    caplog.clear()  # of the seed before
    pending = Pending()
    await _end(pending, CallResult("answered", GOOD))
    await _end(pending, CallError("refused", "GenericError"))
    await _end(pending, CallResult("malformed", {}))
    await asyncio.gather(_start(pending, "expired", timeout=1), return_exceptions=True)
    gone = _start(pending, "cancelled")
    await quiet()
    gone.cancel()
    await quiet()
    wanted = {
        "answered": "repeated",
        "refused": "repeated",
        "malformed": "repeated",
        "expired": "late",
        "cancelled": "late",
        "never-opened": "orphan",
    }
    with caplog.at_level(logging.WARNING, logger="ocpp_lab"):
        assert {name: pending.settle(CallResult(name, GOOD)) for name in wanted} == wanted
        assert {name: pending.settle(CallError(name, "GenericError")) for name in wanted} == wanted
    assert len(caplog.records) == 12
    assert {name: pending.counts[name] for name in ("repeated", "late", "orphan")} == {
        "repeated": 6,
        "late": 4,
        "orphan": 2,
    }


@pytest.mark.parametrize("remember", [0, 1, 10])
@simulated(seeds=1)
async def test_only_so_many_ended_ids_are_remembered(remember: int) -> None:
    """The newest ones: an id that is pushed out is an orphan, and memory is bounded."""
    pending = Pending(remember=remember)
    for n in range(1000):
        await _end(pending, CallResult(str(n), GOOD))
    assert pending.settle(CallResult(str(1000 - remember - 1), GOOD)) == "orphan"
    for n in range(1000 - remember, 1000):
        assert pending.settle(CallResult(str(n), GOOD)) == "repeated"
    assert all(len(kept) <= max(remember, 10) for kept in vars(pending).values() if hasattr(kept, "__len__"))


@simulated
async def test_an_id_opened_anew_is_a_new_call() -> None:
    """Whatever became of the old one: the reply resolves the new one, and is repeated only after that."""
    pending = Pending()
    await asyncio.gather(_start(pending, "1", timeout=1), return_exceptions=True)
    calling = _start(pending, "1")
    assert pending.settle(CallResult("1", GOOD)) == "resolved"
    await calling
    assert pending.settle(CallResult("1", GOOD)) == "repeated"


# The line is gone -----------------------------------------------------------------------------------------------------


@simulated
async def test_fail_all_ends_every_call_now() -> None:
    """At the instant of the loss, not after the timeouts; each caller with an exception of its own."""
    pending = Pending()
    calls = [_start(pending, str(n)) for n in range(1000)]
    await asyncio.sleep(1)
    assert pending.fail_all(ConnectionLost("cut", code=1001, reason="bye")) == 1000
    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert clock() == 1
    assert len(pending) == 0
    assert len(set(map(id, errors))) == 1000
    for n, error in enumerate(errors):
        assert isinstance(error, ConnectionLost)
        assert (str(error), error.code, error.reason) == ("cut", 1001, "bye")
        assert (error.call_error.unique_id, error.call_error.code) == (str(n), "ConnectionClosed")
    assert pending.counts == {"lost": 1000}


@simulated
async def test_after_the_end_nothing_is_opened() -> None:
    """A call opened then would wait for ever."""
    pending = Pending()
    assert pending.fail_all(ConnectionLost("cut")) == 0
    with pytest.raises(ConnectionLost, match="cut"):
        pending.open("1", m.HeartbeatResponse)
    assert pending.settle(CallResult("1", GOOD)) == "orphan"


@simulated
async def test_fail_all_leaves_alone_what_has_ended() -> None:
    """One had its answer, one was cancelled a moment ago: no InvalidStateError, and the rest still ends."""
    pending = Pending()
    answered, cancelled, waiting = (_start(pending, name) for name in ("answered", "cancelled", "waiting"))
    await quiet()
    pending.settle(CallResult("answered", GOOD))
    cancelled.cancel()
    assert pending.fail_all(ConnectionLost("cut")) == 1, "it tells how many it ended"
    ends = await asyncio.gather(answered, cancelled, waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [m.HeartbeatResponse, asyncio.CancelledError, ConnectionLost]


@simulated
async def test_done_callbacks_may_come_back() -> None:
    """A callback that settles and opens while everything fails does not break the loop."""
    pending = Pending()
    futures = [pending.open(str(n), m.HeartbeatResponse) for n in range(10)]
    refused: list[Exception] = []

    def again(future: asyncio.Future[Any]) -> None:
        pending.settle(CallResult("9", GOOD))
        try:
            pending.open("new", m.HeartbeatResponse)
        except ConnectionLost as error:
            refused.append(error)

    for future in futures:
        future.add_done_callback(again)
    assert pending.fail_all(ConnectionLost()) == 10
    await quiet()
    assert len(refused) == 10 and len(pending) == 0


@simulated
async def test_nobody_has_to_listen() -> None:
    """A call whose caller went away without a word leaves no "exception was never retrieved" behind."""
    pending = Pending()
    pending.open("1", m.HeartbeatResponse)
    pending.open("2", m.HeartbeatResponse)
    pending.open("3", m.HeartbeatResponse)
    pending.settle(CallError("1", "GenericError"))
    pending.settle(CallResult("2", {}))
    pending.fail_all(ConnectionLost())  # the harness fails the test if anybody complains
    await quiet()


@simulated
async def test_another_error_can_end_all_of_them_too() -> None:
    """The contract of milestone 4: `fail_all` takes any error, and `open` raises the same."""
    pending = Pending()
    future = pending.open("1", m.HeartbeatResponse)
    assert pending.fail_all(RuntimeError("shut down")) == 1
    for wants_to in (lambda: future.result(), lambda: pending.open("2", m.HeartbeatResponse)):
        with pytest.raises(RuntimeError, match="shut down"):
            wants_to()


# Late results ---------------------------------------------------------------------------------------------------------


async def _timed_out(pending: Pending, unique_id: str, told: list[Any]) -> None:
    with pytest.raises(CallTimeout) as silence:
        await _start(pending, unique_id, timeout=1)
    silence.value.on_late_result(told.append)


@simulated
async def test_a_late_result_is_told_to_whoever_asked() -> None:
    """Typed, once, and only to the one whose call it was; it counts as late all the same."""
    pending, first, second = Pending(), [], []
    await _timed_out(pending, "1", first)
    await _timed_out(pending, "2", second)
    assert [pending.settle(CallResult("2", GOOD)) for _ in range(2)] == ["late", "late"]
    assert (first, second) == ([], [m.HeartbeatResponse(current_time=NOON)])
    assert pending.counts == {"timeout": 2, "late": 2}


@simulated
async def test_whoever_cannot_use_it_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    pending, told = Pending(), []
    with pytest.raises(CallTimeout) as silence:
        await _start(pending, "1", timeout=1)
    silence.value.on_late_result(lambda response: 1 / 0)
    silence.value.on_late_result(told.append)
    assert pending.settle(CallResult("1", GOOD)) == "late"
    assert len(told) == 1
    assert "division by zero" in caplog.text


@simulated
async def test_a_result_in_the_instant_of_the_timeout() -> None:
    """It comes after the time was up and before the caller has heard of it: it is not lost."""

    class Sudden(Pending):
        def _expire(self, *call: Any) -> None:
            super()._expire(*call)
            assert self.settle(CallResult("1", GOOD)) == "late"

    told: list[Any] = []
    await _timed_out(Sudden(), "1", told)
    await quiet()
    assert told == [m.HeartbeatResponse(current_time=NOON)]


@pytest.mark.parametrize("first", ["CallError", "malformed", "spoilt"])
@simulated
async def test_the_first_late_reply_counts(first: str) -> None:
    """What is no result tells nothing new, and what comes behind it is a repeat."""
    pending, told = Pending(), []
    await _timed_out(pending, "1", told)
    if first == "spoilt":
        assert pending.spoil("1", "five elements") == "late"
    else:
        assert pending.settle(CallError("1", "InternalError") if first == "CallError" else CallResult("1")) == "late"
    assert pending.settle(CallResult("1", GOOD)) == "late"
    await quiet()
    assert told == []


@pytest.mark.parametrize("why", ["the end", "forgotten", "used again"])
@simulated
async def test_a_late_result_that_comes_too_late(why: str) -> None:
    """Of a connection that is over, of a call that is no longer remembered, of an id that is another call's now."""
    pending, told = Pending(remember=3), []
    await _timed_out(pending, "1", told)
    if why == "the end":
        pending.fail_all(ConnectionLost())
    elif why == "forgotten":
        for number in range(2, 5):
            await _timed_out(pending, str(number), told)
    else:
        calling = _start(pending, "1")
    for _ in range(2):
        pending.settle(CallResult("1", GOOD))
    await quiet()
    assert told == []
    if why == "used again":
        assert (await calling).current_time == NOON
    assert len(pending._late) <= 3


@pytest.mark.parametrize("remember", [0, 2])
@simulated
async def test_late_results_are_not_waited_for_for_ever(remember: int) -> None:
    """As many as are remembered, whoever is silent."""
    pending, told = Pending(remember=remember), []
    for number in range(20):
        await _timed_out(pending, str(number), told)
    assert len(pending._late) == remember
    for number in range(20):
        pending.settle(CallResult(str(number), GOOD))
    await quiet()
    assert len(told) == remember and not pending._late
