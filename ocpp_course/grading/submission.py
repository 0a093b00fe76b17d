"""`Submission`: a notebook that somebody handed in, read without trusting it."""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checks import MILESTONES

LARGEST = 20_000_000
"""Bytes of a notebook that are still read."""
OLD_NAMES = re.compile(r"\bocpp_lab(?=\.(?:checks|lab)\b| import lab$)", re.M)
"""How notebooks of an earlier edition call the course; they are graded like new ones."""


class Unreadable(Exception):
    """No notebook; says what was expected, what came, what to do."""


@dataclass(frozen=True)
class Cell:
    """``role`` is "answer", "check", "scaffold", or "own": a cell that the learner added."""

    role: str
    step: str
    source: str


@dataclass(frozen=True)
class Submission:
    """``name`` is how the report calls it."""

    name: str
    milestone: str
    cells: tuple[Cell, ...]


def find(paths: list[Path]) -> list[tuple[str, Path]]:
    """The notebooks in these files and folders, by the name that the report gives them. No link is followed."""
    found: list[tuple[str, Path]] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in each.parts)
            found += [(str(each.relative_to(path)), each) for each in inside]
        else:
            found.append((path.name, path))
    return found


def opened(path: Path) -> int:
    """A descriptor of the notebook. Raises `Unreadable`, before a byte is read, if it is no plain file or too large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Unreadable(f"expected a notebook, came nothing at {path.name}; is the name right?") from None
    except OSError as error:
        what = "a link" if error.errno == errno.ELOOP else str(error.strerror)
        raise Unreadable(f"expected a notebook that can be read, came: {what}; ask for the file itself") from None
    facts = os.fstat(descriptor)
    if stat.S_ISREG(facts.st_mode) and facts.st_size <= LARGEST:
        return descriptor
    os.close(descriptor)
    if stat.S_ISREG(facts.st_mode):
        raise Unreadable(
            f"expected at most {LARGEST:,} bytes, came {facts.st_size:,}; clear its outputs and hand in again"
        )
    raise Unreadable("expected a notebook, came a folder, a pipe or a device of that name; ask for the file itself")


def read(name: str, data: bytes) -> Submission:
    """Raises `Unreadable`."""
    cells = tuple(_cell(each) for each in _code_cells(data))
    return Submission(name, _milestone(name, cells), cells)


def _code_cells(data: bytes) -> list[dict[str, Any]]:
    try:
        notebook = json.loads(data.decode())
        return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise Unreadable("expected the JSON of a notebook, came something else; save it in JupyterLab again") from None


def _cell(cell: dict[str, Any]) -> Cell:
    source = cell.get("source", "")
    text = "".join(str(line) for line in source) if isinstance(source, list) else str(source)
    text = OLD_NAMES.sub("ocpp_course", text)
    metadata = cell.get("metadata")
    told = metadata.get("ocpp_lab", {}) if isinstance(metadata, dict) else {}
    told = told if isinstance(told, dict) else {}
    if number := checked(text):
        return Cell("check", number, text)
    role, number = str(told.get("role", "")), str(told.get("step", ""))
    if role not in ("answer", "scaffold"):
        found = re.match(r"# Step (\d\.\d) ", text)
        return Cell("answer", found[1], text) if found else Cell("own", "", text)
    return Cell(role, number, text)


def checked(text: str) -> str:
    """The step that a cell checks: "4.1" of ``check("4.1", Pending)``; "" if it checks none."""
    call = check_call(text)
    return call.args[0].value if call else ""  # type: ignore[attr-defined]


def check_call(text: str) -> ast.Call | None:
    """The call of `check` in a cell that does nothing else."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    match body:
        case [ast.Expr(ast.Call(func=ast.Name("check"), args=[ast.Constant(str()), *_]) as call)]:
            return call
    return None


def _milestone(name: str, cells: tuple[Cell, ...]) -> str:
    for cell in cells:
        if cell.step.partition(".")[0] in MILESTONES:
            return cell.step.partition(".")[0]
    found = re.search(r"0([1-6])_", Path(name).name)
    if not found:
        raise Unreadable("expected an exercise of this course, came a notebook without any of its steps")
    return found[1]
