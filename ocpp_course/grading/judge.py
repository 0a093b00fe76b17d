"""`judge`: run a submission's answers in this process and check each step. Only ever called inside the sandbox."""

from __future__ import annotations

import ast
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..checks import Result, authoring, course, run_step, steps
from ..checks.step import Step
from .integrity import Seal
from .submission import Cell, Submission, check_call

CELL_SECONDS = 5.0
"""A cell only defines things: one that takes longer is stopped, and the next one runs."""
SAFE_IN_SCAFFOLD = (ast.Import, ast.ImportFrom)
"""Of a cell that is not the learner's, only imports are run: the rest starts servers and panels."""


def judge(submission: Submission, *, seed: int = 0) -> Iterator[dict[str, Any]]:
    """One dict for each step: ``step``, ``state``, ``points``, ``of``, ``diagnosis``, ``seconds``."""
    judged = _Judged(submission, seed)
    for cell in submission.cells:
        if cell.role == "check":
            yield from judged.check(cell)
        else:
            judged.run(cell)
    yield from judged.rest()


class _Judged:
    """The names that a submission has defined so far, and what is still to be judged."""

    def __init__(self, submission: Submission, seed: int) -> None:
        self.seed = seed
        self.left: dict[str, Step] = {each.number: each for each in steps(submission.milestone)}
        self.names: dict[str, Any] = {"__name__": "__submission__"}
        self.after: dict[str, dict[str, Any]] = {}  # the names as they were after a step's answer
        self.errors: dict[str, str] = {}
        self.seal = Seal()
        self.number = 0

    def run(self, cell: Cell) -> None:
        self.number += 1
        code = _runnable(cell)
        try:
            with _at_most(CELL_SECONDS):
                authoring.run(code, f"<cell {self.number}>", self.names)
        except BaseException as error:  # also SystemExit: it costs this step and no other
            self.errors[cell.step or "own"] = f"{type(error).__name__}: {error}"[:300]
        if cell.role == "answer":
            self.after[cell.step] = dict(self.names)

    def check(self, cell: Cell) -> Iterator[dict[str, Any]]:
        """Judge the step that a check cell names, with the things that it hands in."""
        step = self.left.pop(cell.step, None)
        if step:
            call = check_call(cell.source)
            handed = [each.id for each in (call.args[1:] if call else []) if isinstance(each, ast.Name)]
            names = tuple(handed) if len(handed) == len(step.names) else step.names
            yield self._judge(step, names, self.names)

    def rest(self) -> Iterator[dict[str, Any]]:
        """Steps whose check cell is gone."""
        for step in list(self.left.values()):
            yield self._judge(step, step.names, self.after.get(step.number, self.names))

    def _judge(self, step: Step, handed: tuple[str, ...], names: dict[str, Any]) -> dict[str, Any]:
        begin = time.perf_counter()
        verdict = self._verdict(step, handed, names)
        verdict["seconds"] = round(time.perf_counter() - begin, 3)
        verdict["note"] = f"its cell ended with {error}" if (error := self.errors.get(step.number)) else ""
        if changed := self.seal.broken():
            said = f"the answers change {changed}, which belongs to the checker; from here on nothing counts."
            verdict |= {"state": "tampered", "points": 0, "diagnosis": said}
        return verdict

    def _verdict(self, step: Step, handed: tuple[str, ...], names: dict[str, Any]) -> dict[str, Any]:
        none = {"step": step.number, "points": 0, "of": step.points, "diagnosis": ""}
        if missing := [name for name in handed if name not in names]:
            error = self.errors.get(step.number, "")
            state = "wrong" if error else "unwritten"
            return none | {"state": state, "diagnosis": error or f"nothing defines `{missing[0]}`."}
        try:
            pieces = tuple(names[name] for name in handed)
            result: Result = run_step(step, pieces, seed=self.seed)
        except BaseException as error:  # an answer that breaks the checker costs its own points
            return none | {"state": "wrong", "diagnosis": f"it broke its check: {type(error).__name__}: {error}"[:300]}
        if result.state == "passed":
            course.remember(step.number, pieces)  # `mine` of a later step finds it
        return result.verdict()


class Overdue(BaseException):
    """A cell took too long."""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise Overdue(f"it was stopped after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)  # again and again: it may catch everything
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _runnable(cell: Cell) -> str:
    """The code of a cell without what cannot run outside a notebook: magics, live cells, all but imports of ours."""
    lines = [line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    text = "\n".join(lines)
    if cell.role == "answer":
        return text
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text  # it fails in its turn, and is told
    if cell.role == "scaffold":
        body = [node for node in body if isinstance(node, SAFE_IN_SCAFFOLD)]
    elif any(isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith) for each in body for node in _top(each)):
        return ""
    return ast.unparse(ast.Module(body, []))


def _top(node: ast.AST) -> Iterator[ast.AST]:
    """A statement and what is in it, but not what is inside its functions."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _top(child)
