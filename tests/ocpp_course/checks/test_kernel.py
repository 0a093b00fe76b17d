"""What is said first about the kernel and about what was handed in, and how a name that is missing is explained."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from typing import Any

import pytest

from ocpp_course.checks import Step, kernel, run_step, step
from ocpp_course.checks.authoring import run
from ocpp_course.checks.earlier import where_from
from ocpp_course.checks.kit import Kit
from tests.ocpp_course.checks.answers import authored

ECHO = Step("4.9", "`echo`: the same", ("echo",), points=1, minutes=1, reference=lambda: ours)


def ours(thing: Any) -> Any:
    """What the step asks for."""
    return thing


@ECHO.check("3 gives 3")
def same(my: Any, kit: Kit) -> str:
    """What goes in comes out."""
    kit.equal(my.echo(3), 3, "the thing itself.")
    return "3"


def first(answer: Any, this: Step = ECHO) -> str:
    return run_step(this, (answer,)).first_line


def wrong(thing: Any) -> Any:
    return thing + 1


@pytest.mark.parametrize(("module", "name"), [(asyncio, "sleep"), (random, "random"), (time, "monotonic")])
def test_a_changed_kernel_is_said_first(module: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert first(wrong) == "same: the thing itself."
    before = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args: before(*args))
    assert first(wrong).startswith(f"Something has changed `{module.__name__}.{name}` in this kernel")
    assert "Restart the kernel" in first(wrong)


OLD = "class Pending:\n    def open(self, unique_id, response_type):\n        return 1\n"
FAILED = {
    "class Pending:\n    def open(self, unique_id:\n        return 2\n": (
        "The newest cell of `Pending` has a SyntaxError ('(' was never closed) in line 2: "
        "`def open(self, unique_id:`; an older `Pending` is judged here."
    ),
    "class Pending:\ndef open(self):\n    return 2\n": "has a IndentationError",
    "class Pending:\n    limit = undefined\n": "did not come to its end, so an older `Pending` is judged here",
}


@pytest.mark.parametrize("newest", FAILED)
def test_an_older_class_is_said_first(newest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell failed, so the name still means what an earlier cell made."""
    names: dict[str, Any] = {"__name__": "__main__"}
    run(OLD, "<an older cell>", names)
    check = 'check("4.1", Pending)'
    monkeypatch.setattr(kernel, "_ended", {1: True, 2: False, 3: True})
    monkeypatch.setattr(sys.modules["__main__"], "In", ["", OLD, newest, check], raising=False)
    assert FAILED[newest] in first(names["Pending"], step("4.1"))
    monkeypatch.setattr(sys.modules["__main__"], "In", ["", newest, OLD, check], raising=False)
    monkeypatch.setattr(kernel, "_ended", {1: False, 2: True, 3: True})
    assert "older" not in first(names["Pending"], step("4.1")), "this one ran last"


def test_a_name_that_was_given_back_is_no_older_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """``Pending = mine("4.1")`` after another attempt: that cell did come to its end."""
    names: dict[str, Any] = {"__name__": "__main__"}
    run(OLD, "<an older cell>", names)
    cells = ["", OLD, "class Pending:\n    pass\n", 'Pending = mine("4.1")', 'check("4.1", Pending)']
    monkeypatch.setattr(sys.modules["__main__"], "In", cells, raising=False)
    monkeypatch.setattr(kernel, "_ended", dict.fromkeys(range(5), True))
    assert "Pending` did not come to its end" not in str(run_step(step("4.1"), (names["Pending"],)))


def test_in_another_order_is_said() -> None:
    """With functions, and with a table in the place of a class."""
    names: dict[str, Any] = {"__name__": "__main__"}
    run(authored("5")["5.1"].answer, "<cell of 5.1>", names)
    said = run_step(step("5.1"), (names["may_serve"], names["may_send"])).first_line
    assert said.endswith('than the step asks for: `check("5.1", may_send, may_serve)`.')
    run(authored("3")["3.2"].answer, "<cell of 3.2>", names)
    assert "another order" in run_step(step("3.2"), (names["Machine"], names["CONNECTION"])).first_line


def pending() -> Any:
    names: dict[str, Any] = {"__name__": "__main__"}
    run(authored("4")["4.1"].answer, "<cell of 4.1>", names)
    return names["Pending"]


async def a_coroutine() -> None:
    """Nothing."""


@pytest.mark.parametrize(
    ("number", "made", "says"),
    [
        ("4.1", lambda: pending()(), "`Pending` is an instance. The step makes its own: hand in the class"),
        ("4.1", lambda: None, "`Pending` is None. Was it made by a function without `return`"),
        ("4.1", lambda: "Pending", "The step asks for the class `Pending`; came a str: Pending."),
        ("1.1", lambda: 17, "The step asks for the function `decode`; came an int: 17. Write it without parentheses."),
        ("1.1", lambda: a_coroutine(), "`decode` is a coroutine: it was called."),
    ],
)
def test_another_kind_of_thing_is_said(number: str, made: Any, says: str) -> None:
    result = run_step(step(number), (made(),))
    assert result.state == "wrong"
    assert says in result.first_line


@pytest.mark.parametrize(
    ("name", "number", "says"),
    [
        ("decode_payload", "4.1", 'the piece of step 2.2: run the cell of step 2.2, or `decode_payload = mine("2.2")`'),
        ("Pending", "4.6", 'the piece of step 4.5: run the cell of step 4.5, or `Pending = mine("4.5")`'),
        ("Pending", "4.1", "what this step asks for: run the cell of step 4.1"),
        ("CallFailed", "4.2", "`from ocpp_lab import CallFailed` brings it"),
        ("json", "1.1", "`import json`"),
        ("acton", "1.1", ""),
    ],
)
def test_a_missing_name_says_where_it_comes_from(name: str, number: str, says: str) -> None:
    assert says in where_from(name, step(number))
    assert bool(says) == bool(where_from(name, step(number)))


def test_a_coroutine_where_a_value_is_wanted_says_so() -> None:
    async def echo(thing: int) -> int:
        return thing

    def forgets(thing: int) -> Any:
        return echo(thing)

    assert "not awaited: `return echo(thing)`" in first(forgets)
    made = asyncio.sleep(0)
    assert "A coroutine came where a value was expected" in first(lambda thing: made)
    made.close()


def test_a_coroutine_is_not_taken_for_true() -> None:
    truth = Step("4.9", "`holds`", ("holds",), points=1, minutes=1, reference=lambda: ours)

    @truth.check("it holds")
    def holds(my: Any, kit: Kit) -> str:
        """It must hold."""
        kit.require(my.holds(), "no")
        return "yes"

    async def answer() -> bool:
        return False

    assert run_step(truth, (answer,)).state == "wrong"
    assert "coroutine" in first(answer, truth) or "is not awaited" in first(answer, truth)


async def group(thing: Any) -> Any:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(leaf(thing))
    return thing


async def leaf(thing: Any) -> None:
    thing.nothing()


async def callback(thing: Any) -> Any:
    asyncio.get_running_loop().call_soon(lambda: thing.nothing())
    await asyncio.sleep(1)
    return None


async def hidden(thing: Any) -> Any:
    try:  # noqa: SIM105 (as a learner writes it)
        await leaf(thing)
    except Exception:
        pass


async def handled(thing: Any) -> Any:
    try:
        await leaf(thing)
    except AttributeError:
        return thing + 1


async def on_purpose(thing: Any) -> Any:
    raise TypeError("as the step asks")


LATER = Step("4.9", "`echo`: later", ("echo",), points=1, minutes=1, reference=lambda: ours)


@LATER.check("3 gives 3")
async def same_later(my: Any, kit: Kit) -> str:
    """What goes in comes out."""
    try:
        came = await my.echo(3)
    except Exception:
        came = "nothing"
    kit.equal(came, 3, "a lesson about something else.")
    return "3"


@pytest.mark.parametrize("answer", [group, callback, hidden])
def test_an_exception_anywhere_is_unwrapped_to_its_line(answer: Any) -> None:
    """The check caught it, or never heard of it, and would teach something else."""
    said = first(answer, LATER)
    assert said.startswith("AttributeError: 'int' object has no attribute 'nothing'")
    assert "thing.nothing()" in said and "line " in said
    assert "lesson" not in repr(run_step(LATER, (answer,)))


@pytest.mark.parametrize("answer", [handled, on_purpose])
def test_an_exception_that_is_meant_is_no_slip(answer: Any) -> None:
    assert first(answer, LATER) == "same-later: a lesson about something else."
