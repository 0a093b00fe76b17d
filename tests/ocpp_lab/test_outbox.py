"""`Outbox`: written down before it is sent, struck out only when it was answered (core 3.7, 4.8, 4.10)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.errors import (
    CallFailed,
    CallTimeout,
    CallWithdrawn,
    ConnectionLost,
    MalformedReply,
    NotAccepted,
    NotConnected,
    OcppError,
    PayloadError,
    StoreFailed,
)
from ocpp_lab.outbox import Entry, Outbox, verdict
from tests.fakes import NOON, power_cut
from tests.house import scaled
from tests.simulated import clock, run_simulated, simulated


def start(number: int = 0) -> m.StartTransactionRequest:
    return m.StartTransactionRequest(connector_id=1, id_tag="TAG_A", meter_start=number, timestamp=NOON)


def stop(number: int = 0) -> m.StopTransactionRequest:
    return m.StopTransactionRequest(transaction_id=-1, meter_stop=number, timestamp=NOON + timedelta(hours=1))


def meter(number: int = 0) -> m.MeterValuesRequest:
    reading = m.MeterValue(timestamp=NOON, sampled_value=[m.SampledValue(value=str(number), unit="Wh")])
    return m.MeterValuesRequest(connector_id=1, transaction_id=-1, meter_value=[reading])


def number_of(request: Any) -> int:
    match request:
        case m.StartTransactionRequest(meter_start=number) | m.StopTransactionRequest(meter_stop=number):
            return number
        case m.MeterValuesRequest(meter_value=[m.MeterValue(sampled_value=[m.SampledValue(value=value)])]):
            return int(value)
    raise AssertionError(f"no transaction message: {request}")


def numbers(outbox: Outbox) -> list[int]:
    return [number_of(entry.request) for entry in outbox.entries()]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "outbox.sqlite")


@pytest.fixture
def outbox(path: str) -> Iterator[Outbox]:
    box = Outbox(path)
    yield box
    box.close()


# On paper -------------------------------------------------------------------------------------------------------------


def test_it_is_on_the_disk_when_put_returns(outbox: Outbox, path: str) -> None:
    """The file and its WAL, copied at that instant and opened elsewhere, contain the entry."""
    for number in range(3):
        key = outbox.put(start(number), f"T{number}")
        elsewhere = Outbox(power_cut(path))
        assert numbers(elsewhere) == list(range(number + 1))
        assert elsewhere.entries()[-1] == Entry(key, start(number), f"T{number}", 0)
        elsewhere.close()


def test_first_in_first_out_across_reopening(path: str) -> None:
    """Core 3.7: in the order in which they happened, whoever opens the file."""
    for number in range(5):
        box = Outbox(path)
        box.put([start, meter, stop][number % 3](number))
        box.close()
    box = Outbox(path)
    order = []
    while entry := box.head():
        order.append(number_of(entry.request))
        box.delete(entry.key)
    assert order == [0, 1, 2, 3, 4]
    assert (len(box), box.head(), box.entries()) == (0, None, [])
    box.close()


def test_what_comes_back_is_what_was_put(outbox: Outbox) -> None:
    """Equal and of its type, with the milliseconds of its timestamp; a message without a transaction has none."""
    exact = NOON + timedelta(milliseconds=123)
    requests = [start(7), stop(8), meter(9), m.StopTransactionRequest(transaction_id=5, meter_stop=1, timestamp=exact)]
    for request in requests:
        outbox.put(request)
    found = outbox.entries()
    assert [entry.request for entry in found] == requests
    assert [type(entry.request) for entry in found] == [type(request) for request in requests]
    assert {entry.transaction for entry in found} == {None}


def test_keys_are_never_given_twice(path: str) -> None:
    """Or a late delete would hit another message; not even after the last one was deleted and the file reopened."""
    seen = []
    for number in range(4):
        box = Outbox(path)
        seen.append(box.put(start(number)))
        box.delete(seen[-1])
        box.delete(seen[-1])  # fine if it is gone
        box.close()
    assert len(set(seen)) == 4


def test_failures_survive(path: str) -> None:
    """A restart must not grant three more attempts; what is gone has no failures."""
    box = Outbox(path)
    one, two = box.put(start(1)), box.put(start(2))
    assert [box.failed(one), box.failed(one), box.failed(two)] == [1, 2, 1]
    copy = Outbox(power_cut(path))
    assert [entry.failures for entry in copy.entries()] == [2, 1]
    copy.close()
    assert box.failed(4711) == 0
    box.close()


def test_two_paths_two_boxes(tmp_path: Path) -> None:
    boxes = [Outbox(str(tmp_path / name)) for name in "ab"]
    boxes += [Outbox(), Outbox()]
    for number, box in enumerate(boxes):
        box.put(start(number))
    assert [numbers(box) for box in boxes] == [[0], [1], [2], [3]]
    for box in boxes:
        box.close()


def test_what_is_not_fit_to_send_is_not_taken(outbox: Outbox) -> None:
    """It would stand at the head for ever."""
    with pytest.raises(PayloadError, match="idTag"):
        outbox.put(m.StartTransactionRequest(connector_id=1, id_tag="x" * 21, meter_start=0, timestamp=NOON))
    assert len(outbox) == 0


# Overflow -------------------------------------------------------------------------------------------------------------


def test_overflow_thins_out_meter_values_only() -> None:
    """Every second one goes, Start and Stop never; what went is counted."""
    box = Outbox(limit=6)
    for request in (start(0), meter(1), meter(2), meter(3), meter(4), stop(5)):
        box.put(request)
    assert not box.drops
    box.put(start(6))
    assert numbers(box) == [0, 1, 3, 5, 6]
    assert box.drops == {"overflow": 2}
    box.close()


def test_overflow_without_meter_values_is_soft() -> None:
    """Nothing can go, so the bound is exceeded: a lost transaction is worse than a long queue."""
    box = Outbox(limit=2)
    for number in range(5):
        box.put(start(number))
    assert numbers(box) == [0, 1, 2, 3, 4]
    assert not box.drops
    box.close()


@simulated
async def test_overflow_spares_the_one_in_flight() -> None:
    """Its answer strikes it out; it must not be counted as dropped."""
    box, sent = Outbox(limit=4), []
    for number in range(4):
        box.put(meter(number))

    async def call(request: Any) -> Any:
        sent.append(number_of(request))
        if len(sent) == 1:
            assert box.in_flight == box.entries()[0].key
            box.put(meter(4))
        return m.MeterValuesResponse()

    await box.drain(call, alive, attempts=3, retry_interval=60)
    assert (sent, box.drops["overflow"], box.in_flight) == ([0, 1, 3], 2, None)
    box.close()


@simulated
async def test_overflow_spares_the_head_that_waits() -> None:
    """It goes first when its wait is over, so it must still be there; what is counted as dropped is never sent."""
    box, script = Outbox(limit=3), Script(CallFailed("InternalError"))
    box.put(meter(0))
    draining = asyncio.create_task(box.drain(script.call, never, attempts=3, retry_interval=60))
    await asyncio.sleep(10)
    for number in (1, 2, 3):
        box.put(meter(number))
    await draining
    assert script.sent == [(0, 0), (60, 0), (60, 2)]
    assert box.drops == {"overflow": 2}
    box.close()


# The verdict ----------------------------------------------------------------------------------------------------------

REPORTED = [CallFailed("InternalError"), CallFailed("FormationViolation"), MalformedReply("no transactionId")]


def decide(error: Exception, failures: int = 0, *, alive: bool = True, attempts: int = 3) -> tuple[str, float]:
    return verdict(error, failures, alive=alive, attempts=attempts, retry_interval=60.0)


@pytest.mark.parametrize("error", [*REPORTED, CallTimeout()], ids=repr)
def test_sixty_then_twice_then_no_more(error: Exception) -> None:
    """Core 3.7.1: 3 attempts, 60 s: wait 60, wait 120, give up. Silence of a peer that lives counts as well."""
    assert [decide(error, failures) for failures in range(4)] == [
        ("retry", 60),
        ("retry", 120),
        ("drop", 0),
        ("drop", 0),
    ]


@pytest.mark.parametrize("error", [*REPORTED, CallTimeout()], ids=repr)
def test_attempts_count_all_sends(error: Exception) -> None:
    """With one attempt the first failure is the last."""
    assert decide(error, attempts=1) == ("drop", 0)
    assert decide(error, attempts=2) == ("retry", 60)


@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.parametrize(
    "error", [ConnectionLost(), NotConnected("offline"), CallFailed("SecurityError", "who are you?")], ids=repr
)
def test_what_nobody_refused_costs_nothing(error: Exception, alive: bool) -> None:
    """A lost connection refused nothing; SecurityError (J-errata 3.8) says that the peer does not know us, no more."""
    assert {decide(error, failures, alive=alive, attempts=1) for failures in range(5)} == {("halt", 0)}


@pytest.mark.parametrize("alive", [True, False])
def test_what_never_left_costs_nothing(alive: bool) -> None:
    """The call was taken back from our own write queue: nobody was silent."""
    assert {decide(CallWithdrawn(), failures, alive=alive, attempts=1) for failures in range(5)} == {("halt", 0)}


def test_silence_of_a_dead_line_costs_nothing() -> None:
    """A central system that hangs must not empty the outbox."""
    assert {decide(CallTimeout(), failures, alive=False, attempts=1) for failures in range(5)} == {("halt", 0)}


@pytest.mark.parametrize(
    "error", [TypeError("a bug"), NotAccepted("not now"), PayloadError("TypeConstraintViolation", "")]
)
def test_other_errors_are_not_ours_to_judge(error: Exception) -> None:
    """A bug that is retried is a bug that is hidden."""
    with pytest.raises(type(error)) as same:
        decide(error)
    assert same.value is error


# Draining -------------------------------------------------------------------------------------------------------------


class Script:
    """A peer that answers by a script, then well. Records when it was sent which message (s, number)."""

    def __init__(self, *outcomes: Exception, latency: float = 0.0) -> None:
        self.outcomes = list(outcomes)
        self.latency = latency
        self.sent: list[tuple[float, int]] = []
        self.at_once = self.most_at_once = 0

    async def call(self, request: Any) -> Any:
        self.sent.append((clock(), number_of(request)))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.latency)
        finally:
            self.at_once -= 1
        if self.outcomes:
            raise self.outcomes.pop(0)
        return m.MeterValuesResponse()


async def alive() -> bool:
    return True


async def dead() -> bool:
    return False


async def never() -> bool:
    raise AssertionError("nobody was silent, so nobody is to be asked")


@simulated
async def test_it_is_struck_out_after_the_result(path: str) -> None:
    """While the call is in flight the row is on the disk; `on_result` acts before it goes."""
    box = Outbox(path)
    key = box.put(start(1), "T1")
    seen: list[tuple[str, int]] = []

    def on_disk() -> int:
        elsewhere = Outbox(power_cut(path))
        try:
            return len(elsewhere)
        finally:
            elsewhere.close()

    async def call(request: Any) -> Any:
        seen.append(("in flight", on_disk()))
        return m.MeterValuesResponse()

    def on_result(entry: Entry, response: Any) -> None:
        assert (entry.key, entry.transaction, response) == (key, "T1", m.MeterValuesResponse())
        seen.append(("result", on_disk()))

    await box.drain(call, never, attempts=3, retry_interval=60, on_result=on_result)
    assert [*seen, ("after", on_disk())] == [("in flight", 1), ("result", 1), ("after", 0)]
    box.close()


@simulated
async def test_order_is_strict() -> None:
    """Core 3.7: while the head waits for its next attempt, nothing behind it goes."""
    box, script = Outbox(), Script(CallFailed("InternalError"), CallFailed("InternalError"))
    for number in range(3):
        box.put(meter(number))
    await box.drain(script.call, never, attempts=3, retry_interval=60)
    assert script.sent == [(0, 0), (60, 0), (180, 0), (180, 1), (180, 2)]
    assert (len(box), box.drops) == (0, {})
    box.close()


@simulated
async def test_a_message_that_fails_too_often_is_given_up() -> None:
    """Core 3.7.1: after the last attempt the next one goes, without a wait; told, counted, gone."""
    box, script = Outbox(), Script(*[CallFailed("InternalError")] * 3)
    told: list[Entry] = []
    for number in range(2):
        box.put(start(number), f"T{number}")
    await box.drain(script.call, never, attempts=3, retry_interval=60, on_drop=told.append)
    assert script.sent == [(0, 0), (60, 0), (180, 0), (180, 1)]
    assert [(entry.transaction, number_of(entry.request)) for entry in told] == [("T0", 0)]
    assert (len(box), box.drops) == (0, {"attempts": 1})
    box.close()


@simulated
@pytest.mark.parametrize(
    ("error", "probe"),
    [
        (ConnectionLost(), never),
        (NotConnected("offline"), never),
        (CallFailed("SecurityError"), never),
        (CallTimeout(), dead),
        (CallWithdrawn(), never),
    ],
    ids=["lost", "not connected", "forgotten", "dead", "withdrawn"],
)
async def test_halt_keeps_the_message(error: OcppError, probe: Any, path: str) -> None:
    """The error leaves, the entry stays as it was, and the next drain begins with it."""
    box = Outbox(power_cut(path))  # a fresh file for each seed
    for number in range(2):
        box.put(start(number))
    for _ in range(5):
        with pytest.raises(type(error)) as halt:
            await box.drain(Script(error).call, probe, attempts=1, retry_interval=60)
        assert halt.value is error
    assert [(number_of(e.request), e.failures) for e in box.entries()] == [(0, 0), (1, 0)]
    assert (box.drops, box.in_flight) == ({}, None)
    script = Script()
    await box.drain(script.call, never, attempts=1, retry_interval=60)
    assert [number for _, number in script.sent] == [0, 1]
    box.close()


@simulated
async def test_a_message_that_is_swallowed_does_not_block_the_lane() -> None:
    """Core 4.8: silence of a peer that lives consumes attempts; each time it is asked."""
    box, script, asked = Outbox(), Script(*[CallTimeout()] * 3, latency=30.0), []

    async def probe() -> bool:
        asked.append(clock())
        assert box.in_flight is not None
        return True

    for number in range(2):
        box.put(meter(number))
    await box.drain(script.call, probe, attempts=3, retry_interval=60)
    assert script.sent == [(0, 0), (90, 0), (240, 0), (270, 1)]
    assert asked == [30, 120, 270]
    assert box.drops == {"attempts": 1}
    box.close()


@simulated
async def test_the_wait_counts_from_the_failure() -> None:
    """Not from the creation, or after an hour offline all retries would fire at once; it outlives the connection."""
    box = Outbox()
    box.put(meter(0))
    await asyncio.sleep(3600)
    script = Script(CallFailed("InternalError"), latency=5)
    draining = asyncio.create_task(box.drain(script.call, never, attempts=3, retry_interval=60))
    await asyncio.sleep(20)
    draining.cancel()  # the line died, 15 s after the failure
    await asyncio.wait([draining])
    again = Script()
    await box.drain(again.call, never, attempts=3, retry_interval=60)
    assert (script.sent, again.sent) == ([(3600, 0)], [(3665, 0)])
    box.close()


@simulated
async def test_late_comers_are_sent() -> None:
    """What is put while it drains goes too, before the drain is over."""
    box, script = Outbox(), Script(latency=1)
    box.put(meter(0))
    draining = asyncio.create_task(box.drain(script.call, never, attempts=3, retry_interval=60))
    for number in (1, 2, 3):
        await asyncio.sleep(0.7)
        box.put(meter(number))
    await draining
    assert [number for _, number in script.sent] == [0, 1, 2, 3]
    assert len(box) == 0
    box.close()


@simulated
async def test_one_drain_at_a_time() -> None:
    """A fast reconnect must not send a message that is in flight already."""
    box, script = Outbox(), Script(latency=1)
    for number in range(4):
        box.put(meter(number))
    options: dict[str, Any] = {"attempts": 3, "retry_interval": 60}
    await asyncio.gather(*[box.drain(script.call, never, **options) for _ in range(3)])
    assert [number for _, number in script.sent] == [0, 1, 2, 3]
    assert script.most_at_once == 1
    box.close()


@simulated
async def test_the_request_is_made_at_the_instant_of_sending() -> None:
    """What could not be known at the put is put in now, at every attempt; the entry stays as it was written."""
    box, script = Outbox(), Script(CallFailed("InternalError"))
    box.put(start(7))
    ids = itertools.count(100)

    def prepare(entry: Entry) -> Any:
        assert number_of(entry.request) == 7
        return start(next(ids))

    await box.drain(script.call, never, attempts=3, retry_interval=60, prepare=prepare)
    assert [number for _, number in script.sent] == [100, 101]
    box.close()


@simulated
async def test_a_bug_leaves_and_keeps_the_message() -> None:
    box = Outbox()
    box.put(start())
    with pytest.raises(TypeError):
        await box.drain(Script(TypeError("a bug")).call, never, attempts=1, retry_interval=60)
    assert len(box) == 1
    box.close()


# Settled by a late answer ---------------------------------------------------------------------------------------------

GOOD = m.MeterValuesResponse()


@simulated
async def test_settled_while_it_waits_for_its_next_attempt() -> None:
    """The wait is over at once; the message is acted upon, struck out, and not sent again."""
    box, script = Outbox(), Script(CallFailed("InternalError"))
    answered: list[int] = []
    for number in range(2):
        box.put(meter(number))
    head = box.head()
    assert head
    draining = asyncio.create_task(box.drain(script.call, never, attempts=3, retry_interval=60))
    await asyncio.sleep(10)
    assert box.settle(head, GOOD, lambda entry, response: answered.append(entry.key)) is True
    await draining
    assert (script.sent, answered, len(box)) == ([(0, 0), (10, 1)], [head.key], 0)
    box.close()


@simulated
async def test_settled_while_nobody_drains() -> None:
    """Between two connections of a drain, or before the first: the next drain finds it gone, and waits for nothing."""
    box, script = Outbox(), Script(CallFailed("InternalError"), ConnectionLost())
    for number in range(2):
        box.put(meter(number))
    head = box.head()
    assert head
    with pytest.raises(ConnectionLost):
        await box.drain(script.call, never, attempts=3, retry_interval=60)
    assert box.settle(head, GOOD) is True
    await box.drain(script.call, never, attempts=3, retry_interval=60)
    assert script.sent == [(0, 0), (60, 0), (60, 1)]
    box.close()


@pytest.mark.parametrize("alive", [True, False])
@simulated
async def test_settled_while_the_peer_is_probed(alive: bool) -> None:
    """Whatever the probe says then: it was answered, so nothing is consumed, and nothing halts."""
    box, script = Outbox(), Script(CallTimeout())
    for number in range(2):
        box.put(meter(number))
    head = box.head()
    assert head

    async def probe() -> bool:
        await asyncio.sleep(5)
        assert box.settle(head, GOOD)
        return alive

    await box.drain(script.call, probe, attempts=1, retry_interval=60)
    assert (script.sent, len(box), box.drops) == ([(0, 0), (5, 1)], 0, {})
    box.close()


@pytest.mark.parametrize("outcome", [None, CallTimeout(), CallFailed("InternalError"), ConnectionLost()], ids=repr)
@simulated
async def test_settled_while_its_second_copy_is_on_the_wire(outcome: Exception | None) -> None:
    """The first answer counts. What becomes of the copy is acted upon by nobody, and fails nobody else."""
    script = Script(CallFailed("InternalError"), *([outcome] if outcome else []), latency=5)
    box, answered = Outbox(), []
    for number in range(2):
        box.put(meter(number))
    head = box.head()
    assert head

    def on_result(entry: Entry, response: Any) -> None:
        answered.append(number_of(entry.request))

    options: dict[str, Any] = {"attempts": 3, "retry_interval": 60, "on_result": on_result}
    draining = asyncio.create_task(box.drain(script.call, never, **options))
    await asyncio.sleep(66)  # failed at 5, sent again at 65
    assert box.settle(head, GOOD, on_result) is True
    assert box.settle(head, GOOD, on_result) is False
    await draining
    assert (script.sent, answered, box.drops) == ([(0, 0), (65, 0), (70, 1)], [0, 1], {})
    box.close()


@simulated
async def test_only_the_head_can_be_settled() -> None:
    """An answer to what is gone, or to what was never sent, strikes out nothing: that would be another message."""
    box = Outbox()
    for number in range(3):
        box.put(meter(number))
    first, second, _ = box.entries()
    assert box.settle(second, GOOD, pytest.fail) is False
    box.delete(first.key)
    assert box.settle(first, GOOD, pytest.fail) is False
    assert numbers(box) == [1, 2]
    box.close()


@simulated
async def test_an_answer_that_cannot_be_acted_upon_strikes_out_nothing() -> None:
    """Written first: if what it teaches cannot be kept, the message stays and is sent again."""
    box = Outbox()
    box.put(meter(0))
    head = box.head()
    assert head

    def full(entry: Entry, response: Any) -> None:
        raise StoreFailed("the disk is full")

    with pytest.raises(StoreFailed):
        box.settle(head, GOOD, full)
    assert numbers(box) == [0]
    box.close()


@simulated(seeds=60)
async def test_answers_in_any_order() -> None:
    """Late by any measure, twice, or never in time: each message is acted upon once, in order, and struck out."""
    rng = Random(asyncio.get_running_loop().seed)  # type: ignore[attr-defined]
    box, acted = Outbox(), []
    late: set[asyncio.Task[None]] = set()

    def on_result(entry: Entry, response: Any) -> None:
        acted.append(number_of(entry.request))

    async def settle(entry: Entry, seconds: float) -> None:
        await asyncio.sleep(seconds)
        box.settle(entry, GOOD, on_result)

    async def call(request: Any) -> Any:
        head = box.head()
        assert head and number_of(head.request) == number_of(request)
        seconds = rng.choice([1, 29, 31, 40, 95, 130, 250])
        if seconds > 30:
            late.add(asyncio.create_task(settle(head, seconds)))
            await asyncio.sleep(30)
            raise CallTimeout
        await asyncio.sleep(seconds)
        return GOOD

    async def probe() -> bool:
        await asyncio.sleep(rng.choice([0.1, 5, 30]))
        return True

    for number in range(10):
        box.put(meter(number))
    await box.drain(call, probe, attempts=100, retry_interval=20, on_result=on_result)
    await asyncio.wait(late)
    assert acted == list(range(10)) and (len(box), box.drops) == (0, {})
    box.close()


STEPS = 14


@pytest.mark.parametrize("step", range(STEPS))
def test_killed_anywhere(step: int, tmp_path: Path) -> None:
    """Killed at every await: reopened, nothing is lost, nothing out of order; at most the one in flight repeats."""
    for seed in range(scaled(2, 10)):
        run_simulated(_killed_after(step * 0.5 + 0.25, str(tmp_path / f"outbox{seed}")), seed=seed)


async def _killed_after(seconds: float, path: str) -> None:
    box = Outbox(path)
    acted: list[int] = []
    learnt: list[int] = []

    async def call(request: Any) -> Any:
        await asyncio.sleep(0.5)  # on the way
        if len(acted) == 1:
            acted.append(-1)
            raise CallFailed("InternalError")
        acted.append(number_of(request))
        await asyncio.sleep(0.5)  # on the way back
        return m.MeterValuesResponse()

    def on_result(entry: Entry, response: Any) -> None:
        learnt.append(number_of(entry.request))

    options: dict[str, Any] = {"attempts": 3, "retry_interval": 0.5, "on_result": on_result}
    for number in range(5):
        box.put(meter(number))
    draining = asyncio.create_task(box.drain(call, alive, **options))
    await asyncio.sleep(seconds)
    left = power_cut(path)
    draining.cancel()
    await asyncio.wait([draining])
    box.close()
    reopened = Outbox(left)
    assert numbers(reopened) == list(range(len(learnt), 5))
    await reopened.drain(call, alive, **options)
    heard = [number for number in acted if number >= 0]
    assert [number for number, _ in itertools.groupby(heard)] == [0, 1, 2, 3, 4]
    assert len(heard) <= 6 and len(learnt) == 5
    reopened.close()


@simulated
async def test_killed_between_result_and_delete(path: str) -> None:
    """It was answered and acted upon: it repeats, and what `on_result` learns twice is harmless."""
    box = Outbox(path)
    box.put(start(1), "T1")
    cuts: list[str] = []
    options: dict[str, Any] = {"attempts": 3, "retry_interval": 60}
    await box.drain(Script().call, never, **options, on_result=lambda entry, response: cuts.append(power_cut(path)))
    reopened = Outbox(cuts[0])
    assert numbers(reopened) == [1]
    reopened.close()
    box.close()
