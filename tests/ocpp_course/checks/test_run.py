"""How an answer is judged, whatever it does: right, wrong, unfinished, endless, asleep, broken, untidy."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

import pytest

from ocpp_course.checks import Step, run_step, step, steps
from ocpp_course.checks.kit import Kit
from ocpp_course.checks.result import VERDICT

DEMO = Step("4.9", "`answer`: three, after half a minute", ("answer",), points=2, minutes=3, reference=lambda: len)


@DEMO.check("3, after 30 s")
async def three(my: Any, kit: Kit) -> str:
    """The answer is three (J-spec 4)."""
    kit.equal(await my.answer(), 3, "two and one are three.")
    kit.require(kit.time == 30, f"after {kit.time:g} s", "wait 30 s.")
    return "3"


@DEMO.check("the same again")
async def again(my: Any, kit: Kit) -> str:
    """It answers every time."""
    return str(await my.answer())


def judged(answer: Any) -> str:
    return repr(run_step(DEMO, (answer,)))


async def right() -> int:
    await asyncio.sleep(30)
    return 3


async def too_early() -> int:
    return 3


async def four() -> int:
    return 4


async def never() -> int:
    await asyncio.get_running_loop().create_future()
    return 3


async def computes() -> int:
    while True:
        pass


enough = threading.Event()
"""Lets the thread of `swallows` end, which nothing else can: left behind, it would slow all tests after it."""


async def swallows() -> int:
    while not enough.is_set():
        try:
            while not enough.is_set():
                pass
        except BaseException:
            pass
    return 3


async def spins() -> int:
    while True:
        await asyncio.sleep(0)


async def spins_beside() -> int:
    """Another task of the answer waits, as a writer for its queue; its name is the first of all."""

    async def a_writer() -> None:
        await asyncio.get_running_loop().create_future()

    writer = asyncio.create_task(a_writer())
    while not writer.done():
        await asyncio.sleep(0)
    return 3


async def logs() -> int:
    """`logging.error`, the function, sets up a handler if there is none."""
    await asyncio.sleep(30)
    logging.error("trouble")
    return 3


async def breaks() -> int:
    return 1 // 0


async def leaves() -> int:
    await asyncio.sleep(30)
    global left
    left = asyncio.create_task(asyncio.sleep(99))
    return 3


async def unheard() -> int:
    await asyncio.sleep(30)
    asyncio.get_running_loop().call_soon(lambda: 1 // 0)
    return 3


async def stub() -> int:
    """The contract."""
    raise NotImplementedError("step 4.9")


def line(function: Any, number: int) -> str:
    """A line of a function, as its file counts it."""
    return f"`{function.__name__}`, line {function.__code__.co_firstlineno + number - 1} of its cell"


SAID = {
    right: "✓ all 4 checks, 2 points",
    too_early: "→ three: wait 30 s.",
    four: "→ three: two and one are three.",
    never: f"→ three: {line(never, 2)} waits for what never comes. The answer is three (J-spec 4).",
    computes: "→ loop-not-blocked: `computes`, line ",
    swallows: "→ loop-not-blocked: `swallows`, line ",
    spins: f"→ three: {line(spins, 3)} goes round and round and hardly waits",
    spins_beside: f"→ three: {line(spins_beside, 9)} goes round and round and hardly waits",
    logs: "✓ all 4 checks, 2 points",
    breaks: f"→ three: ZeroDivisionError: integer division or modulo by zero in {line(breaks, 2)}.",
    leaves: "→ nothing-left: a task of sleep (after three) remains when all is over",
    unheard: "→ nothing-left: an exception that nobody heard (ZeroDivisionError",
    stub: "not written yet",
}


@pytest.mark.parametrize("answer", SAID, ids=lambda answer: answer.__name__)
def test_every_kind_of_answer_gets_its_message(answer: Any) -> None:
    """Whatever the learner's code does, the message says what and where, and the next check works."""
    enough.clear()
    text = " ".join(judged(answer).split())
    enough.set()
    assert SAID[answer] in text
    assert "✓ all 4 checks" in judged(right)


def test_an_answer_that_logs_changes_nothing_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise each warning of the stack is printed from then on, in every cell after it."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a kernel; pytest has its own
    judged(logs)
    assert logging.getLogger().handlers == []


@pytest.mark.parametrize("answer", [right, four, never, spins, breaks, leaves], ids=lambda answer: answer.__name__)
def test_the_same_answer_gets_the_same_text(answer: Any) -> None:
    assert judged(answer) == judged(answer)


@pytest.mark.soak
def test_code_that_puts_the_thread_to_sleep_is_named() -> None:
    """`time.sleep` cannot be broken off; it is named within 5 s and left behind."""

    async def sleeps() -> int:
        time.sleep(8)
        return 3

    begin = time.monotonic()
    assert "puts the whole thread to sleep" in " ".join(judged(sleeps).split())
    assert time.monotonic() - begin < 5
    time.sleep(8)  # until the thread left behind has ended: the next test must not find it


def test_one_part_still_a_stub_is_told_by_name() -> None:
    pair = Step("4.9", "`both`", ("one", "two"), points=1, minutes=1, reference=lambda: (len, len))

    async def done() -> int:
        return 1

    assert "→ stub-written: `stub` still is the stub" in repr(run_step(pair, (done, stub)))
    assert run_step(pair, (stub, stub)).state == "unwritten"


def test_a_wrong_number_of_things_says_what_was_expected() -> None:
    with pytest.raises(TypeError, match=r'expected check\("4.9", answer\), came 2 thing'):
        run_step(DEMO, (right, four))


@pytest.mark.parametrize("number", ["4.42", "9.1", "four"])
def test_an_unknown_step_says_which_there_are(number: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        step(number)


def test_every_check_states_its_rule() -> None:
    for milestone in "123456":
        for each in steps(milestone):
            assert len({check.name for check in each.checks}) == len(each.checks)
            assert all(check.rule.endswith((".", ")")) and check.expected for check in each.checks), each.number

    with pytest.raises(TypeError, match="docstring"):
        DEMO.check("anything")(lambda my, kit: None)


def test_the_page_shows_what_the_text_shows() -> None:
    """HTML is escaped, and a runner of notebooks finds the verdict as data."""
    bundle = run_step(DEMO, (four,))._repr_mimebundle_()
    assert bundle[VERDICT] == {
        "step": "4.9",
        "state": "wrong",
        "points": 0,
        "of": 2,
        "diagnosis": "three: two and one are three.",
    }
    assert "<code>answer</code>" in bundle["text/html"]
    assert "✗" in bundle["text/html"]
    assert "four" not in bundle["text/html"]
