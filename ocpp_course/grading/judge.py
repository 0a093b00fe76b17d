"""`judge`: run a submission's answers in this process and check each step. Only ever called inside the sandbox."""

from __future__ import annotations

import ast
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ..checks import authoring, course, run_step, steps
from ..checks.step import Step
from .submission import Cell, Submission, check_call
from .vault import Vault

CELL_SECONDS = 5.0
"""A cell only defines things: one that takes longer is stopped, and the next one runs."""
MOST = 4_000
"""Characters of a diagnosis that are told."""
SAFE_IN_SCAFFOLD = (ast.Import, ast.ImportFrom)
"""Of a cell that is not the learner's, only imports are run: the rest starts servers and panels."""


def judge(submission: Submission, vault: Vault, *, seed: int = 0) -> None:
    """Tell the vault of each step: ``step``, ``state``, ``passed``: the checks that did, ``diagnosis``, ``note``."""
    judged = _Judged(submission, vault, seed)
    for cell in submission.cells:
        if cell.role == "check":
            judged.check(cell)
        else:
            judged.run(cell)
    judged.rest()


class _Judged:
    """The names that a submission has defined so far, and what is still to be judged."""

    def __init__(self, submission: Submission, vault: Vault, seed: int) -> None:
        self.vault = vault
        self.seed = seed
        self.left = {each.number: _copy(each) for each in steps(submission.milestone)}
        self.names: dict[str, Any] = {"__name__": "__submission__"}
        self.after: dict[str, dict[str, Any]] = {}  # the names as they were after a step's answer
        self.errors: dict[str, str] = {}
        self.number = 0

    def run(self, cell: Cell) -> None:
        self.number += 1
        code = _runnable(cell)
        try:
            with _at_most(CELL_SECONDS):
                authoring.run(code, f"<cell {self.number}>", self.names)
        except BaseException as error:  # also SystemExit: it costs this step and no other
            self.errors[cell.step or "own"] = _told(error)
        if cell.role == "answer":
            self.after[cell.step] = dict(self.names)

    def check(self, cell: Cell) -> None:
        """Judge the step that a check cell names, with the things that it hands in."""
        step = self.left.pop(cell.step, None)
        if step:
            call = check_call(cell.source)
            handed = [each.id for each in (call.args[1:] if call else []) if isinstance(each, ast.Name)]
            names = tuple(handed) if len(handed) == len(step.names) else step.names
            self._judge(step, names, self.names)

    def rest(self) -> None:
        """Steps whose check cell is gone."""
        for step in list(self.left.values()):
            self._judge(step, step.names, self.after.get(step.number, self.names))

    def _judge(self, step: Step, handed: tuple[str, ...], names: dict[str, Any]) -> None:
        error = self.errors.get(step.number, "")
        note = f"its cell ended with {error}" if error else ""
        if missing := [name for name in handed if name not in names]:
            state, diagnosis = "wrong" if error else "unwritten", error or f"nothing defines `{missing[0]}`."
            self.vault.say(step=step.number, state=state, diagnosis=diagnosis, note=note)
            return
        try:
            pieces = tuple(names[name] for name in handed)
            result = run_step(step, pieces, seed=self.seed)
            passed, state, diagnosis = [row.name for row in result.rows if row.ok], result.state, result.diagnosis
        except BaseException as broke:  # an answer that breaks the checker costs its own points
            passed, state, diagnosis = [], "wrong", f"it broke its check: {_told(broke)}"
        if state == "passed":
            course.remember(step.number, pieces)  # `mine` of a later step finds it
        self.vault.say(step=step.number, state=state, passed=passed, diagnosis=diagnosis[:MOST], note=note)


def _copy(step: Step) -> Step:
    """One that an answer does not find: whatever it does to the step that it imports, this one keeps its checks."""
    return replace(step, checks=[replace(check) for check in step.checks])


def _told(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:300]
    except BaseException:  # its own __str__ fails
        return type(error).__name__


class Overdue(BaseException):
    """A cell took too long."""


def stop_the_cell(*_: object) -> None:
    """What answers the alarm (`Vault.answer_alarms`)."""
    raise Overdue(f"it was stopped after {CELL_SECONDS:g} s")


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)  # again and again: it may catch everything
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


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
