"""The words of an exercise notebook: `check`, `hint`, `solution`, `use_reference`, `mine`, `progress`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from . import answer, authoring
from .authoring import one_or_all
from .beside import Beside, more_than
from .blame import blame
from .board import Board, board
from .grown import beneath
from .kernel import listen
from .note import Note
from .result import Result
from .run import run_step
from .shelf import Shelf
from .step import MILESTONES, Step, step, steps

_here: dict[str, tuple[Any, ...]] = {}
"""What passed, or was taken from the package, in this Python."""
_replaced: WeakKeyDictionary[type, str] = WeakKeyDictionary()
"""Classes that passed here, each with its step, after which another answer passed."""

listen()


def check(number: str, *pieces: Any, seed: int = 0) -> Result:
    """Judge an answer: ``check("4.1", Pending)``. A cell's last line shows what is right, what is wrong, and why.

    What passes is kept in ``my_stack`` beside the exercises. Never raises what the answer raises; TypeError or
    ValueError, with what was expected, for a step that does not exist or a wrong number of things.
    """
    this = step(number)
    result = run_step(this, pieces, seed=seed)
    if result.state == "wrong" and not this.capstone:
        result = replace(result, first=(*result.first, *beneath(this, pieces, _here, _replaced)))
    shelf = Shelf.here()
    if result.state == "passed":
        _passed(this, pieces, result, shelf)
    elif result.state == "reference" and shelf:
        shelf.note(number, how="reference", points=0)
    elif result.state == "wrong" and this.capstone:
        result.notes.extend(blame(this, result, pieces, seed=seed, kept=partial(_is_kept, shelf)))
    return result


def _passed(this: Step, pieces: tuple[Any, ...], result: Result, shelf: Shelf | None) -> None:
    """Keep it, say what comes next, and show our answer beside it."""
    remember(this.number, pieces)
    if shelf is None:
        return
    kept = "" if this.capstone else f"{shelf.keep(this, pieces)} "
    result.notes.append(f"{kept}{_next(this.number)}")
    if trouble := shelf.note(this.number, how="mine", points=result.points):
        result.notes.append(trouble)
    with suppress(FileNotFoundError):  # the solutions are not here
        if code := _authored(this.number).answer:
            result.beside.append(Beside(this.number, answer.source(pieces) or "", code, more_than(this, pieces)))


def _next(number: str) -> str:
    """Where to go on."""
    numbers = [each.number for milestone in MILESTONES for each in steps(milestone)]
    rest = numbers[numbers.index(number) + 1 :]
    return f"Next: {rest[0].replace('.capstone', ' capstone')}." if rest else "That was the last step of the course."


def _is_kept(shelf: Shelf | None, this: Step, name: str, piece: Any) -> bool:
    """Whether this very piece passed its step, in this Python or earlier; true if nothing is known."""
    if this.number in _here:
        return piece in _here[this.number] or _same(shelf, this, piece)
    return _same(shelf, this, piece)


def _same(shelf: Shelf | None, this: Step, piece: Any) -> bool:
    path = shelf.module_path(this.number) if shelf else None
    source = answer.source((piece,))
    if path is None or not path.is_file() or source is None:
        return this.number not in _here
    return source.strip() in path.read_text(encoding="utf-8")


def remember(number: str, pieces: tuple[Any, ...]) -> None:
    """What `mine` gives from now on in this process."""
    for old, new in zip(_here.get(number, pieces), pieces, strict=True):
        if isinstance(old, type) and old is not new and answer.source((old,)) != answer.source((new,)):
            _replaced[old] = number
    _here[number] = pieces


def use_reference(number: str) -> Any:
    """The package's piece for a step, to go on with: ``Pending = use_reference("4.1")``. It earns no points.

    Several names give a tuple: ``CONNECTION, Machine = use_reference("3.2")``. If yours has passed, `mine`
    goes on to give yours.
    """
    pieces = step(number).references()
    if not is_mine(number):
        _here[number] = pieces
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
    try:
        hints = _hints(number)
    except FileNotFoundError as error:
        return Note(f"No hint: {error}.")
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
    """Our answer to a step: at once if yours has passed; else behind a button, or if you say that you are ``sure``."""
    try:
        code = _authored(number).answer
    except FileNotFoundError as error:
        return Note(f"No solution: {error}.")
    shelf = Shelf.here()
    if not (sure or _has_passed(number, shelf)):
        again = f'solution("{number}", sure=True)'
        said = f'This shows our answer to step {number}. A hint is smaller: hint("{number}"). To see it: {again}'
        return Note(said, code, button=f"Show our answer to step {number}")
    if shelf:
        shelf.note(number, solution_seen=True)
    return Note(f"Our answer to step {number}; yours may look different.", code)


def _has_passed(number: str, shelf: Shelf | None) -> bool:
    known = shelf.progress().get(number, {}).get("how") if shelf else None
    return known == "mine" or (number in _here and is_mine(number))


def _hints(number: str) -> list[str]:
    this = step(number)
    if not this.capstone:
        return _authored(number).hints
    names = ", ".join(this.names)
    earlier = ", ".join(dict.fromkeys(each.number for each in steps(number[0]) if not each.capstone))
    return [
        f"A capstone runs pieces that passed before. Check the steps of your pieces again ({earlier}): a piece in this "
        "kernel may be older, or newer, than the one that passed.",
        f"The lines below the table say which piece it is. To try it yourself, hand in the package's piece for one of "
        f"{names}, as `use_reference` of its step gives it: the piece without which the check passes is the one.",
        "Read the frames below the table from their end. Find the first frame that should not be there, or that is "
        "missing, and ask which line of your piece sends it.",
    ]


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
