"""What the syntax tree of a cell proves: forgotten awaits without false alarms; what is raised or caught on purpose."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from ocpp_course.checks.syntax import catches_all, is_raised_on_purpose, swallows_cancellation, unawaited

CELL = """
import asyncio
from asyncio import sleep as nap

async def f(): ...
async def stream():
    yield 1
def plain(): ...

class Piece:
    async def close(self): ...
    def open(self): ...
    async def work(self, f2, group):
        {line}
"""

FORGOTTEN = {
    "asyncio.sleep(1)": "asyncio.sleep(…)",
    "nap(1)": "nap(…)",
    "f()": "f(…)",
    "self.close()": "self.close(…)",
    "Piece.close(self)": "Piece.close(…)",
    "pending.expect(future, 1)": "pending.expect(…)",
    "f() + 1": "f(…)",
    "if f(): pass": "f(…)",
    "while not f(): pass": "f(…)",
    "for x in f(): pass": "f(…)",
    "x = [y for y in f()]": "f(…)",
    "x = f().status": "f(…)",
    "x = f()[0]": "f(…)",
    "x = f() == 3": "f(…)",
    "x = f'{f()}'": "f(…)",
    "x = f() or 3": "f(…)",
    "assert f()": "f(…)",
}
FINE = [
    "await f()",
    "asyncio.create_task(f())",
    "group.create_task(self.close())",
    "x = asyncio.gather(f(), nap(1))",
    "await asyncio.wait_for(f(), 3)",
    "return f()",
    "return x or f()",
    "x = f(); await x",
    "todo = [f(), nap(1)]; await asyncio.gather(*todo)",
    "x = lambda: f()",
    "await (nap(1) if x else f())",
    "async for x in stream(): pass",
    "x = [y async for y in stream()]",
    "f().close()",
    "plain()",
    "self.open()",
    "f2()",
    "asyncio.run_coroutine_threadsafe(f(), loop)",
    "f = plain; f()",
    "def f(): ...\n        f()",
    "asyncio.gather(f())",
    "x.close()",
    "queue.get_nowait()",
    "asyncio = f2; asyncio.sleep(1)",
]


def found(line: str) -> list[str]:
    names: dict[str, Any] = {}
    exec(compile(CELL.format(line="pass"), "<cell>", "exec"), names)
    return [each.called for each in unawaited(ast.parse(CELL.format(line=line)), names)]


@pytest.mark.parametrize("line", FORGOTTEN)
def test_a_forgotten_await_is_found(line: str) -> None:
    assert found(line) == [FORGOTTEN[line]]


@pytest.mark.parametrize("line", FINE)
def test_no_false_alarm(line: str) -> None:
    assert found(line) == []


def test_a_forgotten_await_in_a_function_in_a_function() -> None:
    assert found("async def g(): ...\n        g()") == ["g(…)"]


TRY = """
try:
    work()
except {what}:
    {then}
"""


@pytest.mark.parametrize(
    ("what", "then", "all_caught", "swallowed"),
    [
        ("Exception", "pass", True, False),
        ("BaseException", "pass", True, True),
        ("(ValueError, BaseException)", "pass", True, True),
        ("BaseException", "raise", True, False),
        ("BaseException", "break", True, False),
        ("KeyError", "pass", False, False),
        ("asyncio.CancelledError", "pass", False, False),
    ],
)
def test_who_catches_what(what: str, then: str, all_caught: bool, swallowed: bool) -> None:
    cell = ast.parse(f"while True:\n{TRY.replace(chr(10), chr(10) + ' ').format(what=what, then=then)}")
    assert (catches_all(cell, 4) is not None) == all_caught
    assert (swallows_cancellation(cell, 4) is not None) == swallowed
    assert swallows_cancellation(ast.parse(TRY.replace(" {what}", "").format(then="pass")), 3) is not None


def test_what_is_raised_on_purpose() -> None:
    cell = ast.parse("def f(x):\n    if x:\n        raise KeyError(\n            x)\n    assert x\n    return {}[x]\n")
    assert [is_raised_on_purpose(cell, line) for line in range(2, 7)] == [False, True, True, True, False]
