"""What is not the answer's fault but its surroundings': a cell that failed, so that an older class is judged; a changed
`asyncio.sleep`, `random` or clock."""

from __future__ import annotations

import ast
import asyncio
import datetime
import random
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

from . import answer
from .step import Step

WATCHED: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (asyncio, ("sleep", "wait_for", "wait", "gather", "timeout", "create_task", "Event", "Queue", "Lock", "Future")),
    (random, ("random", "uniform", "randint", "choice", "Random")),
    (time, ("time", "monotonic", "perf_counter", "sleep")),
    (datetime, ("datetime", "timedelta")),
)
"""What an answer builds on, by module."""
_BEFORE = {(module.__name__, name): getattr(module, name) for module, names in WATCHED for name in names}


_ended: dict[int, bool] = {}
"""Whether a cell came to its end, by its number; filled by `listen`."""


def listen() -> None:
    """From now on notice which cells of this notebook fail; nothing to do where there is none."""
    shell = _shell()
    if shell is not None and _note not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _note)


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _note(result: Any) -> None:
    if result.execution_count is not None:
        _ended[result.execution_count] = bool(result.success)


def changed() -> str:
    """What is not any more what Python made it, as ``asyncio.sleep``; "" if all is."""
    for module, names in WATCHED:
        for name in names:
            if getattr(module, name, None) is not _BEFORE[module.__name__, name]:
                return f"{module.__name__}.{name}"
    return ""


def trouble(step: Step, pieces: tuple[Any, ...]) -> Iterator[str]:
    """Sentences about the kernel that come before all others."""
    if name := changed():
        yield f"Something has changed `{name}` in this kernel, so no check tells the truth. Restart the kernel."
    for name, piece in zip(step.names, pieces, strict=True):
        newest = _failed(name) if callable(piece) else ""
        judged = answer.source((piece,)) if newest else None
        if newest and judged and newest.strip() not in judged:
            yield _older(name, newest)


def _failed(name: str) -> str:
    """The cell that ran last of those that define a name, if it failed; else ""."""
    defines = re.compile(rf"^\s*(class|(async +)?def) +{re.escape(name)}\b", re.M)
    cells = vars(sys.modules["__main__"]).get("In", [])
    number = next((n for n in reversed(range(len(cells))) if defines.search(cells[n])), None)
    if number is None or (_ended.get(number, True) and _can_be_read(cells[number])):
        return ""
    return str(cells[number])


def _can_be_read(cell: str) -> bool:
    try:
        compile(cell, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:
        return False
    return True


def _older(name: str, newest: str) -> str:
    older = f"an older `{name}` is judged here"
    try:
        ast.parse(newest)
    except SyntaxError as error:
        at = f"line {error.lineno}" + (f": `{error.text.strip()}`" if error.text and error.text.strip() else "")
        return f"The newest cell of `{name}` has a {type(error).__name__} ({error.msg}) in {at}; {older}."
    return f"The newest cell of `{name}` did not come to its end, so {older}. Run it again, and read its error."
