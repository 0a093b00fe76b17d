"""What is written in ``solutions/`` is read as it is meant, and what is generated is in step with it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ocpp_course.checks import workbook
from ocpp_course.checks.authoring import parse_cell
from tests.house import ROOT

SOURCES = sorted((ROOT / "solutions").glob("[0-9][0-9]_*.py"))

CELL = '''### STEP 4.9 · 2 points · 5 minutes
### HINT First idea,
###   told in two lines.
### HINT Second.
import asyncio

### BEGIN SOLUTION
HELPER = 3


class Box:
    """What it is for."""

    limit: int = 5

    def __init__(self, size: int = 3) -> None:
        self.size = size

    @property
    def full(self) -> bool:
        """Whether it is."""
        return self._look()

    def _look(self) -> bool:
        return True


async def fill(
    box: Box,
    *,
    times: int,
) -> None:
    """Fill it, ``times`` times."""
    await asyncio.sleep(times)


def short(): return 1


### WRONG never-full -> full: a box
###   is full at 3.
class Box(Box):
    full = False


### RIGHT other
class Box:
    pass


### END SOLUTION
'''

STUB = '''import asyncio


class Box:
    """What it is for."""

    def __init__(self, size: int = 3) -> None:
        raise NotImplementedError("step 4.9")

    @property
    def full(self) -> bool:
        """Whether it is."""
        raise NotImplementedError("step 4.9")


async def fill(
    box: Box,
    *,
    times: int,
) -> None:
    """Fill it, ``times`` times."""
    raise NotImplementedError("step 4.9")


def short():
    raise NotImplementedError("step 4.9")'''


def test_a_cell_is_cut_at_its_marks() -> None:
    step = parse_cell(CELL)
    assert step is not None
    assert (step.number, step.points, step.minutes) == ("4.9", 2, 5)
    assert step.hints == ["First idea, told in two lines.", "Second."]
    assert [(each.name, each.diagnosis, each.check) for each in step.wrong] == [
        ("never-full", "full: a box is full at 3.", "full")
    ]
    assert [each.name for each in step.right] == ["other"]
    assert step.answer.startswith("import asyncio\n\n\nHELPER = 3")
    assert "WRONG" not in step.answer
    assert step.cell(step.wrong[0]).endswith("class Box(Box):\n    full = False")


def test_a_stub_keeps_signatures_and_docstrings_and_nothing_else() -> None:
    step = parse_cell(CELL)
    assert step is not None
    assert step.stub == STUB
    own = parse_cell(CELL.replace("### WRONG", "### STUB\nBOX = {}\n\n\n### WRONG"))
    assert own is not None
    assert own.stub == "import asyncio\n\n\nBOX = {}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("### STEP 4.9 · 2", "### STEP 4.9 - 2", "expected '### STEP n.m"),
        ("### END SOLUTION", "", "expected '### END SOLUTION'"),
        (" -> full: a box", " a box", "expected '### WRONG name -> check: diagnosis'"),
    ],
)
def test_a_slip_of_the_author_is_told(old: str, new: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_cell(CELL.replace(old, new))


def test_a_cell_without_a_step_is_none() -> None:
    assert parse_cell("print(1)") is None


# --- the files


def load(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def bare(notebook: dict[str, Any]) -> list[tuple[str, str, Any]]:
    return [(cell["cell_type"], cell["source"], cell["metadata"]) for cell in notebook["cells"]]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_both_notebooks_are_in_step_with_their_source(path: Path) -> None:
    """`make exercises` was run after the last change."""
    exercise = load(ROOT / "exercises" / f"{path.stem}.ipynb")
    assert bare(exercise) == bare(workbook.exercise(path))
    assert [cell["id"] for cell in exercise["cells"]] == [cell["id"] for cell in workbook.exercise(path)["cells"]]
    solved = load(ROOT / "solutions" / f"{path.stem}.ipynb")
    texts = [(kind, source) for kind, source, _ in bare(solved)]
    assert texts == [(kind, source) for kind, source, _ in bare(workbook.solution(path))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_an_exercise_gives_nothing_away(path: Path) -> None:
    """No mark, no solution, no output; every answer cell is followed by its check."""
    exercise = load(ROOT / "exercises" / f"{path.stem}.ipynb")
    assert not any("###" in cell["source"] and "SOLUTION" in cell["source"] for cell in exercise["cells"])
    code = [cell for cell in exercise["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    purposes = [cell["metadata"]["ocpp_lab"] for cell in code]
    for here, following in pairwise(purposes):
        if here["role"] == "answer":
            assert following == {"role": "check", "step": here["step"]}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_solution_was_run_and_every_check_passed(path: Path) -> None:
    """nbval would pass a notebook that was never run."""
    for cell in load(ROOT / "solutions" / f"{path.stem}.ipynb")["cells"]:
        if cell["cell_type"] == "code":
            assert cell["execution_count"], cell["source"][:80]
            assert not any(output["output_type"] == "error" for output in cell["outputs"])
        if cell["metadata"].get("ocpp_lab", {}).get("role") == "check":
            (output,) = cell["outputs"]
            assert output["data"]["application/vnd.ocpp-lab.verdict+json"]["state"] == "passed"
