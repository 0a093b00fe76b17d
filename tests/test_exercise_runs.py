"""`pytest --nbval` on an exercise: unwritten is skipped, wrong fails with the check's words, the last line counts.

Live cells promise no more than the contracts: they run on right answers in any style.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ocpp_course.checks.authoring import Authored
from tests import submissions
from tests.house import ROOT
from tests.ocpp_course.checks.answers import authored


def clone(folder: Path) -> Path:
    """As much of a clone as one exercise needs."""
    (folder / "exercises").mkdir()
    (folder / "notebooks").mkdir()
    shutil.copy(ROOT / "conftest.py", folder)
    shutil.copy(ROOT / "notebooks" / "sanitize.cfg", folder / "notebooks")
    return folder


def grade(notebook: dict[str, Any], path: Path) -> subprocess.CompletedProcess[str]:
    path.write_text(json.dumps(notebook))
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "--nbval", "-p", "no:cacheprovider", str(path)]
    return subprocess.run(command, capture_output=True, text=True, cwd=path.parent.parent, timeout=300)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A clone with two right steps and a wrong one, run as a learner would. Live cells are left out: they are slow."""
    folder = clone(tmp_path_factory.mktemp("clone"))
    notebook = submissions.answered("4.1", "4.2")
    step = authored("4")["4.3"]
    kept = []
    for cell in notebook["cells"]:
        purpose = cell["metadata"].get("ocpp_lab", {})
        if purpose == {"role": "answer", "step": "4.3"}:
            cell["source"] = step.cell(step.wrong[0])
        if cell["cell_type"] == "code" and (purpose["role"] != "scaffold" or "import check" in "".join(cell["source"])):
            kept.append(cell)
    notebook["cells"] = kept
    done = grade(notebook, folder / "exercises" / f"{submissions.EXERCISE}.ipynb")
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_last_line_counts_the_steps(said: list[str]) -> None:
    assert said[-1] == "04_call_correlation: 2 of 7 steps done"


def test_what_is_not_written_is_skipped(said: list[str]) -> None:
    assert any(line.startswith("SKIPPED") and "step 4.5: not written yet" in line for line in said)


def test_what_is_wrong_fails_with_the_checks_words(said: list[str]) -> None:
    """No raw diff of outputs."""
    text = " ".join(" ".join(said).split())
    assert f"→ {authored('4')['4.3'].wrong[0].diagnosis}" in text
    assert "Cell outputs differ" not in text
    assert "1 failed" in text


DRILL = re.compile(r"^(?:async def )?drill\b", re.M)
GROWN = re.compile(r'^class \w+\(mine\("(\d\.\d)"\)\)', re.M)


def grown(steps: dict[str, Authored], answer: str) -> str:
    """A cell with the answers that it grows from written into it: ours, whose private names it may use."""
    for number in GROWN.findall(answer):
        below = grown(steps, steps[number].answer)
        name = re.findall(r"^class (\w+)", below, re.M)[-1]
        answer = f"{below}\n\n\n{answer}".replace(f'mine("{number}")', name)
    return answer


def finished(path: Path, style: int) -> dict[str, Any]:
    """The exercise, every cell answered: the steps in another style than ours, what has one way only as we do it."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    ours = json.loads((ROOT / "solutions" / path.name).read_text(encoding="utf-8"))
    drills = [
        text for cell in ours["cells"] if cell["cell_type"] == "code" and DRILL.search(text := "".join(cell["source"]))
    ]
    steps = authored(path.stem[1])
    for cell in notebook["cells"]:
        purpose = cell["metadata"].get("ocpp_lab", {})
        if purpose.get("role") == "answer":
            step = steps[purpose["step"]]
            cell["source"] = grown(steps, step.cell(step.right[style])) if step.right else step.answer
        elif purpose.get("role") == "scaffold" and DRILL.search("".join(cell["source"])):
            cell["source"] = drills.pop(0)
    return notebook


@pytest.mark.soak
@pytest.mark.parametrize("style", [0, -1], ids=["one-style", "another-style"])
@pytest.mark.parametrize("path", sorted((ROOT / "exercises").glob("0*.ipynb")), ids=lambda path: path.stem)
def test_other_right_answers_live(path: Path, style: int, tmp_path: Path) -> None:
    """Every cell of a finished exercise runs, with answers that share no private name with ours."""
    done = grade(finished(path, style), clone(tmp_path) / "exercises" / path.name)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.fullmatch(rf"{path.stem}: (\d+) of (\d+) steps done, and the capstone", done.stdout.splitlines()[-1])
    assert counted and counted[1] == counted[2]
    assert "SKIPPED" not in done.stdout
