"""The commands of the course: how far one is, a fresh exercise, grading."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from ocpp_lab.cli.inputs import BadInput

from ..checks.board import Board, board
from ..checks.shelf import Shelf
from ..checks.step import MILESTONES
from ..checks.workbook import exercise
from ..grading import Graded, Limits, Report, find, grade, story, table, walls


def exercises_folder() -> Path:
    """The folder ``exercises``, here or above."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        for place in (folder, folder / "exercises"):
            if place.name == "exercises" and place.is_dir():
                return place
    raise BadInput(f"expected the folder exercises here or above {here}, came none; go into your clone of the project")


def milestone_of(word: str) -> str:
    """``3``, ``03`` or ``03_session_reconnect.ipynb`` to "3"."""
    number = Path(word).name.partition("_")[0].lstrip("0")
    if number not in MILESTONES:
        raise BadInput(f"expected a milestone from 01 to 0{len(MILESTONES)}, came {word!r}")
    return number


def your_board() -> Board:
    """What `ocpp-lab progress` shows."""
    shelf = Shelf.here() or Shelf(exercises_folder() / "my_stack")
    return board(shelf.progress())


def reset(word: str) -> str:
    """Write a fresh exercise; the old one is kept beside it under a new name. Returns what was done."""
    milestone, folder = milestone_of(word), exercises_folder()
    name = f"0{milestone}_{MILESTONES[milestone]}"
    source = folder.parent / "solutions" / f"{name}.py"
    if not source.is_file():
        raise BadInput(
            f"expected {source.name} in the folder solutions beside exercises, came none; it is made from that"
        )
    fresh = json.dumps(exercise(source), indent=1, ensure_ascii=False) + "\n"
    path = folder / f"{name}.ipynb"
    kept = ""
    if path.exists():
        aside = _free_name(path)
        path.rename(aside)
        kept = f"; yours is kept as {aside.name}"
    path.write_text(fresh, encoding="utf-8")
    return f"{path.name} is fresh{kept}"


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.stem}.mine-{number}.ipynb")).exists():
        number += 1
    return aside


def run_grading(
    paths: list[Path],
    *,
    jobs: int,
    seed: int,
    seconds: float,
    json_file: Path | None,
    csv_file: Path | None,
    bar: Callable[[Iterable[tuple[str, Path]]], Callable[[Graded], object]],
) -> str:
    """Grade what is found in these files and folders, write the reports, and return the text to show."""
    found = find(paths or [exercises_folder()])
    if not found:
        raise BadInput(f"expected notebooks (*.ipynb) in {', '.join(map(str, paths))}, came none")
    for file in (json_file, csv_file):
        if file and not file.parent.is_dir():
            raise BadInput(f"expected a folder to write {file} into, came none; make it first")
    walls_here = walls()
    with suppress(ImportError):
        from .. import lab  # noqa: F401  (notebooks do so first; it takes longer than to judge them, and so it is shared)
    report, tell = Report(json_file, csv_file, isolation=str(walls_here)), bar(found)

    def is_done(one: Graded) -> None:
        report.add(one)
        tell(one)

    graded = grade(found, jobs=jobs, seed=seed, limits=Limits(seconds=seconds), walls=walls_here, progress=is_done)
    report.end(graded)
    shown = story(graded[0]) if len(graded) == 1 else table(graded)
    return f"{shown}\n(sandbox: {walls_here})"


def cores() -> int:
    """How many processes this machine can run side by side."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
