"""`Authored`: one step as it is written in ``solutions/NN_name.py``, the only source of exercises and answers.

The file is a notebook in py:percent. A cell with these marks is an answer cell::

    ### STEP 4.1 · 2 points · 6 minutes
    ### HINT What does the frame carry that the call had too?
    ### HINT …
    import asyncio                      what the learner gets too

    ### BEGIN SOLUTION
    class Pending: ...                  ours
    ### STUB                            what the learner gets, if it cannot be made from ours
    ### WRONG oldest-first -> any-order: this resolves whichever call is oldest; replies may come in any order.
    class Pending(Pending): ...         a mistake: it runs after ours and changes what is wrong with it
    ### RIGHT linear-list
    class Pending: ...                  another right answer
    ### END SOLUTION

A mark may go on in the next lines, which begin with ``###`` and three spaces.
"""

from __future__ import annotations

import ast
import linecache
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .step import MILESTONES, Step, step

STEP = re.compile(r"^### STEP (\d\.(?:\d|capstone)) · (\d+) points? · (\d+) minutes$", re.M)
_MARK = re.compile(r"^### (BEGIN SOLUTION|STUB|WRONG|RIGHT|END SOLUTION|HINT|STEP)\b ?(.*)$")
_MORE = re.compile(r"^###   +(.*)$")


@dataclass(frozen=True)
class Variant:
    """Another answer. ``diagnosis`` is what a wrong one must be told, and "" for a right one."""

    name: str
    code: str
    diagnosis: str = ""

    @property
    def check(self) -> str:
        """The check that must refuse it."""
        return self.diagnosis.partition(":")[0]


@dataclass
class Authored:
    """``head`` is what learner and solution share (imports), ``stub`` what the learner fills in."""

    number: str
    points: int
    minutes: int
    head: str = ""
    solution: str = ""
    own_stub: str = ""
    hints: list[str] = field(default_factory=list)
    wrong: list[Variant] = field(default_factory=list)
    right: list[Variant] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """Our answer as a cell."""
        return _join(self.head, self.solution)

    @property
    def stub(self) -> str:
        """The learner's cell: signatures and docstrings, nothing behind them."""
        return _join(self.head, self.own_stub or make_stub(self.solution, self.number))

    def cell(self, variant: Variant) -> str:
        """Another answer as a cell: it builds on ours or replaces it."""
        return _join(self.answer, variant.code)


def _join(*parts: str) -> str:
    return "\n\n\n".join(part.strip("\n") for part in parts if part.strip())


def parse_cell(text: str) -> Authored | None:
    """The step in a cell, None if it has none. Raises ValueError with the line that is no good."""
    if not (found := STEP.search(text)):
        if re.search(r"^### (STEP|BEGIN SOLUTION|WRONG|RIGHT)", text, re.M):
            raise ValueError(f"expected '### STEP n.m · P points · M minutes' in the cell that begins {text[:60]!r}")
        return None
    step = Authored(found[1], int(found[2]), int(found[3]))
    parts = _parts(text)
    for mark, said, code in parts:
        _put(step, mark, said, code)
    if parts[-1][0] != "END SOLUTION":
        raise ValueError(f"expected '### END SOLUTION' at the end of step {step.number}, came {parts[-1][0]!r}")
    return step


def _parts(text: str) -> list[tuple[str, str, str]]:
    """The cell cut at its marks: the mark, what it says, the code below it."""
    parts: list[tuple[str, str, list[str]]] = []
    for line in text.splitlines():
        if found := _MARK.match(line):
            parts.append((found[1], found[2], []))
        elif parts and not parts[-1][2] and (more := _MORE.match(line)):
            parts[-1] = (parts[-1][0], f"{parts[-1][1]} {more[1]}", [])
        elif parts:
            parts[-1][2].append(line)
    return [(mark, said, "\n".join(lines).strip("\n")) for mark, said, lines in parts]


def _put(step: Authored, mark: str, said: str, code: str) -> None:
    match mark:
        case "STEP":
            step.head = _join(step.head, code)
        case "HINT":
            step.hints.append(said)
            step.head = _join(step.head, code)
        case "BEGIN SOLUTION":
            step.solution = code
        case "STUB":
            step.own_stub = code
        case "RIGHT":
            step.right.append(Variant(said, code))
        case "WRONG":
            name, arrow, diagnosis = said.partition(" -> ")
            if not arrow or ": " not in diagnosis:
                raise ValueError(f"expected '### WRONG name -> check: diagnosis' in step {step.number}, came {said!r}")
            step.wrong.append(Variant(name, code, diagnosis))


def make_stub(solution: str, number: str) -> str:
    """Signatures and docstrings of the public functions and classes, with a ``NotImplementedError`` for a body."""
    lines = solution.splitlines()
    parts = []
    for node in ast.parse(solution).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not node.name.startswith("_"):
                parts.append(_stub_function(node, lines, number))
            case ast.ClassDef() if not node.name.startswith("_"):
                parts.append(_stub_class(node, lines, number))
    return "\n\n\n".join(parts)


def _stub_class(node: ast.ClassDef, lines: list[str], number: str) -> str:
    methods = [
        _stub_function(each, lines, number)
        for each in node.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        and (not each.name.startswith("_") or each.name.startswith("__"))
    ]
    return "\n\n".join([_head_of(node, lines), *methods])


def _stub_function(node: Any, lines: list[str], number: str) -> str:
    indent = " " * (node.body[0].col_offset if node.body[0].lineno > node.lineno else node.col_offset + 4)
    return f'{_head_of(node, lines)}\n{indent}raise NotImplementedError("step {number}")'


def _head_of(node: Any, lines: list[str]) -> str:
    """Decorators, signature and docstring, as they are written."""
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    told = isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)
    last = node.body[0].end_lineno if told else max(node.body[0].lineno - 1, node.lineno)
    head = lines[first - 1 : last]
    while head and not head[-1].strip():
        head.pop()
    if not told and node.body[0].lineno == node.lineno:  # def f(): return 1
        head[-1] = head[-1][: node.body[0].col_offset].rstrip()
    return "\n".join(head)


# --- the file -----------------------------------------------------------------------------------------------------


def read(path: Path) -> dict[str, Authored]:
    """The steps of one authoring file, by number."""
    cells = re.split(r"^# %%.*$", path.read_text(encoding="utf-8"), flags=re.M)
    found = [step for step in map(parse_cell, cells) if step]
    return {step.number: step for step in found}


def path_in(folder: Path, milestone: str) -> Path:
    """The authoring file of a milestone in the folder ``solutions``."""
    return folder / f"0{milestone}_{MILESTONES[milestone]}.py"


def load(steps: dict[str, Authored], number: str, variant: Variant | None = None) -> dict[str, Any]:
    """What is defined when all solutions up to this step have run, and then a variant of it in the place of ours."""
    names = before(steps, number)
    _answer(steps[number], variant, names)
    return names


def before(steps: dict[str, Authored], number: str, variants: dict[str, Variant] | None = None) -> dict[str, Any]:
    """What is defined when all solutions before this step have run, ``variants`` in the place of some of ours.

    ``mine("1.3")`` in a cell is what was answered to that step.
    """
    if number not in steps:
        raise ValueError(f"expected one of the steps {', '.join(steps)}, came {number!r}")
    made: dict[str, Any] = {}
    names: dict[str, Any] = {"__name__": f"answer_{number.replace('.', '_')}", "mine": made.__getitem__}
    for each in steps.values():
        if each.number == number:
            break
        _answer(each, (variants or {}).get(each.number), names)
        made[each.number] = one_or_all(pieces(step(each.number), names))
    return names


def _answer(each: Authored, variant: Variant | None, names: dict[str, Any]) -> None:
    name = variant.name if variant else "ours"
    run(each.cell(variant) if variant else each.answer, f"<{each.number} {name}>", names)


def run(code: str, filename: str, names: dict[str, Any]) -> None:
    """Run a cell outside a notebook; its source can be looked up under its file name."""
    code = textwrap.dedent(code)
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    exec(compile(code, filename, "exec", dont_inherit=True), names)


def pieces(step: Step, names: dict[str, Any]) -> tuple[Any, ...]:
    """What a step hands in, from what is defined."""
    return tuple(names[name] for name in step.names)


def one_or_all(pieces: tuple[Any, ...]) -> Any:
    """A step's only piece, or all of them."""
    return pieces[0] if len(pieces) == 1 else pieces
