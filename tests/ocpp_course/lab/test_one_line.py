"""An error that has a plain reason is one line, and still an error; any other keeps its traceback."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from ocpp_course.lab import one_line
from ocpp_course.lab.one_line import AGAIN, told
from ocpp_lab import CentralSystem, NotConnected


def raised(code: str, **names: Any) -> BaseException:
    """What a cell raises."""
    try:
        exec(compile(code, "/tmp/ipykernel_1/1.py", "exec"), names)
    except BaseException as error:
        return error
    raise AssertionError("it raised nothing")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, asyncio.CancelledError])
def test_an_interrupt_says_where_and_that_the_rest_goes_on(kind: type[BaseException]) -> None:
    line = told(raised("a = 1\nraise kind()", kind=kind))
    assert line and line.startswith("Interrupted (this cell, line 2). What runs in the background goes on")


def test_an_error_of_the_stack_is_its_own_words_and_the_line_of_the_cell() -> None:
    code = "def ask():\n    raise Lost('CP_1 is not connected')\nask()"
    assert told(raised(code, Lost=NotConnected)) == "NotConnected: CP_1 is not connected (ask, line 2)"


async def test_a_second_start_says_what_to_do() -> None:
    async with CentralSystem() as central_system:
        with pytest.raises(RuntimeError) as caught:
            await central_system.start()
    line = told(caught.value)
    assert line and "listens already" in line and line.endswith(AGAIN)


def test_a_bug_keeps_its_traceback() -> None:
    assert told(raised("raise RuntimeError('dictionary changed size')")) is None


@pytest.fixture
def shell() -> Iterator[tuple[InteractiveShell, list[list[str]]]]:
    shell, shown = InteractiveShell(), list[list[str]]()
    shell._showtraceback = lambda kind, error, lines: shown.append(lines)
    one_line.install(shell)
    yield shell, shown
    shell.history_manager.end_session()


def test_a_cell_shows_it_and_has_failed(shell: tuple[InteractiveShell, list[list[str]]]) -> None:
    """So that *Run all* stops there."""
    ipython, shown = shell
    result = ipython.run_cell("raise KeyboardInterrupt")
    assert isinstance(result.error_in_exec, KeyboardInterrupt)
    assert len(shown[0]) == 1 and shown[0][0].startswith("Interrupted")
    ipython.run_cell("raise RuntimeError('a bug')")
    assert len(shown[1]) > 1 and "a bug" in "".join(shown[1])
