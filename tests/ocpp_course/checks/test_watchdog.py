"""The watchdog without a thread: loops are ended and named, only the answer's own time counts, nothing stays behind."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from typing import Any

import pytest

from ocpp_course.checks import Step, run_step
from ocpp_course.checks.authoring import run
from ocpp_course.checks.kit import Kit
from ocpp_course.checks.own import Own
from ocpp_course.checks.watchdog import TOOLS, Held, Hung, guarded
from ocpp_course.checks.witness import Witness

ALARM = hasattr(signal, "setitimer")


def endless() -> None:
    number = 0
    while True:
        number += 1


def endless_with_calls() -> None:
    def inner() -> int:
        return 1

    while inner():
        inner()


def catches_all() -> None:
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def sleeps() -> None:
    time.sleep(60)


def sleeps_often() -> None:
    for _ in range(1000):
        time.sleep(0.2)


def waits_in_a_library() -> None:
    threading.Event().wait()


def watched(answer: Any, seconds: float = 4.0) -> Any:
    own = Own((answer,))
    return guarded(answer, lambda: 0, own, seconds, Witness(own))


@pytest.mark.parametrize(
    ("answer", "place", "asleep"),
    [
        (endless, "`endless`, line ", False),
        (endless_with_calls, "`endless_with_calls", False),
        (catches_all, "`catches_all`", False),
        (sleeps, "`sleeps`, line ", True),
        (sleeps_often, "`sleeps_often`, line ", True),
    ],
)
def test_what_never_gives_way_is_ended_and_named(answer: Any, place: str, asleep: bool) -> None:
    threads = threading.active_count()
    with pytest.raises(Held) as held:
        watched(answer)
    assert held.value.place.startswith(place) and held.value.asleep == asleep
    assert threading.active_count() == threads, "it needs no thread, and leaves none"


@pytest.mark.skipif(not ALARM, reason="this system has no alarm")
def test_what_waits_in_somebody_elses_code_is_ended_by_the_alarm() -> None:
    with pytest.raises(Held) as held:
        watched(waits_in_a_library)
    line = waits_in_a_library.__code__.co_firstlineno + 1
    assert held.value.place == f"`waits_in_a_library`, line {line} of its cell" and held.value.asleep


def test_nothing_stays_registered() -> None:
    before = signal.getsignal(signal.SIGALRM) if ALARM else None
    with pytest.raises(Held):
        watched(endless)
    assert [sys.monitoring.get_tool(number) for number in TOOLS] == [None, None]
    assert not ALARM or (signal.getsignal(signal.SIGALRM) is before and signal.getitimer(signal.ITIMER_REAL)[0] == 0)


def test_a_check_inside_a_check_has_a_number_of_its_own() -> None:
    def a_check() -> str:
        with pytest.raises(Held):
            watched(endless)
        return "goes on"

    nothing = Own(())
    assert guarded(a_check, lambda: 0, nothing, 4.0, Witness(nothing)) == "goes on"


SLOW = Step("4.9", "`double`: called often", ("double",), points=1, minutes=1, reference=lambda: len)


@SLOW.check("right, however long the check itself computes")
def slow_check(my: Any, kit: Kit) -> str:
    """Only the answer's own time counts."""
    for number in range(4):
        begin = time.thread_time()
        while time.thread_time() - begin < 0.3:
            pass
        kit.equal(my.double(number), 2 * number)
    return "all"


def test_time_is_counted_only_inside_the_answer() -> None:
    names: dict[str, Any] = {}
    run("def double(number):\n    return 2 * number", "<a cell>", names)
    assert run_step(SLOW, (names["double"],)).state == "passed"


def test_a_check_that_computes_too_long_itself_is_no_fault_of_the_answer() -> None:
    names: dict[str, Any] = {}
    run("def answer(): pass", "<a cell>", names)

    def work() -> None:
        while True:
            names["answer"]()

    own = Own((names["answer"],))
    with pytest.raises(Hung):
        guarded(work, lambda: 0, own, 0.5, Witness(own))


async def test_a_running_loop_stands_still_meanwhile() -> None:
    """As in a notebook: the loop of the kernel runs already, and goes on afterwards."""
    running, task = asyncio.get_running_loop(), asyncio.current_task()

    def answer() -> str:
        return asyncio.run(asyncio.sleep(0, "from a loop of its own"))

    assert watched(answer) == "from a loop of its own"
    assert asyncio.get_running_loop() is running and asyncio.current_task() is task
