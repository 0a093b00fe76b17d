"""The words of an exercise notebook: `check`, `hint`, `solution`, `use_reference`, `mine`, `progress`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import authoring
from .authoring import one_or_all
from .board import Board, board
from .note import Note
from .result import Result
from .run import run_step
from .shelf import Shelf
from .step import step

_here: dict[str, tuple[Any, ...]] = {}
"""What passed, or was taken from the package, in this Python."""


def check(number: str, *pieces: Any, seed: int = 0) -> Result:
    """Judge an answer: ``check("4.1", Pending)``. A cell's last line shows what is right, what is wrong, and why.

    What passes is kept in ``my_stack`` beside the exercises. Never raises what the answer raises; TypeError or
    ValueError, with what was expected, for a step that does not exist or a wrong number of things.
    """
    this = step(number)
    result = run_step(this, pieces, seed=seed)
    shelf = Shelf.here()
    if result.state == "passed":
        remember(number, pieces)
        if shelf:
            if not this.capstone:
                result.notes.append(shelf.keep(this, pieces))
            shelf.note(number, how="mine", points=result.points)
    elif result.state == "reference" and shelf:
        shelf.note(number, how="reference", points=0)
    return result


def remember(number: str, pieces: tuple[Any, ...]) -> None:
    """What `mine` gives from now on in this process."""
    _here[number] = pieces


def use_reference(number: str) -> Any:
    """The package's piece for a step, to go on with: ``Pending = use_reference("4.1")``. It earns no points.

    Several names give a tuple: ``CONNECTION, Machine = use_reference("3.2")``.
    """
    this = step(number)
    pieces = _here[number] = this.references()
    if shelf := Shelf.here():
        shelf.note(number, how="reference", points=0)
    return one_or_all(pieces)


def mine(number: str) -> Any:
    """The piece that you wrote in a step, from this notebook or from ``my_stack``; the package's, if there is none."""
    this = step(number)
    shelf = Shelf.here()
    pieces = _here.get(number) or (shelf.load(this) if shelf else None) or this.references()
    return one_or_all(pieces)


def is_mine(number: str) -> bool:
    """Whether `mine` gives what you wrote yourself."""
    shelf = Shelf.here()
    if number in _here:
        return _here[number] != step(number).references()
    return bool(shelf and shelf.module_path(number).is_file())


_hints_given: dict[str, int] = {}


def hint(number: str) -> Note:
    """One more hint for a step, up to three: the idea, where to look, nearly the code. After the last, all again."""
    hints = _authored(number).hints
    shelf = Shelf.here()
    seen = shelf.progress().get(number, {}).get("hints", 0) if shelf else _hints_given.get(number, 0)
    given = _hints_given[number] = min(seen + 1, len(hints))
    if shelf:
        shelf.note(number, hints=given)
    shown = hints if seen >= len(hints) else hints[given - 1 : given]
    first = 1 if seen >= len(hints) else given
    lines = [f"Hint {n} of {len(hints)}: {said}" for n, said in enumerate(shown, first)]
    more = f'For the next: hint("{number}").' if given < len(hints) else f'That is all; else solution("{number}").'
    return Note("\n".join([*lines, more]))


def solution(number: str, *, sure: bool = False) -> Note:
    """Our answer to a step, once you say that you are ``sure``."""
    authored = _authored(number)
    if not sure:
        again = f'solution("{number}", sure=True)'
        return Note(f'This shows our answer to step {number}. A hint is smaller: hint("{number}"). To see it: {again}')
    if shelf := Shelf.here():
        shelf.note(number, solution_seen=True)
    return Note(f"Our answer to step {number}; yours may look different.", code=authored.answer)


def _authored(number: str) -> authoring.Authored:
    """The step in the folder ``solutions``, beside the exercises or below this folder."""
    milestone = step(number).number.partition(".")[0]
    here = Path.cwd()
    for folder in (here.parent / "solutions", here / "solutions", here):
        path = authoring.path_in(folder, milestone)
        if path.is_file():
            return authoring.read(path)[number]
    raise FileNotFoundError(
        f"expected the folder solutions beside the folder of this notebook ({here}), came none; "
        "hints and solutions are read from it, so work in a clone of the project"
    )


def progress() -> Board:
    """How far you are: every step with its points."""
    shelf = Shelf.here()
    return board(shelf.progress() if shelf else {})
