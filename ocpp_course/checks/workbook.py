"""The two notebooks that are made from an authoring file: the exercise with stubs, the solution with our answers."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .authoring import Authored, parse_cell

NOT_COMPARED = "nbval-ignore-output"
"""In an exercise every output is the learner's own."""
_HEAD = re.compile(r"^# %%(?P<markdown> \[markdown\])?(?: tags=\[(?P<tags>[^\]]*)\])?$")
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {  # without it JupyterLab asks which kernel to use; the version is left out because it differs
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


@dataclass(frozen=True)
class Cell:
    """One cell of an authoring file (Jupytext's py:percent)."""

    markdown: bool
    tags: tuple[str, ...]
    source: str


def cells(path: Path) -> Iterator[Cell]:
    """The cells of a file. Raises ValueError for a head that is not understood."""
    head: re.Match[str] | None = None
    lines: list[str] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), "# %%"]:
        if not line.startswith("# %%"):
            lines.append(line)
            continue
        if head:
            yield _cell(head, lines)
        if not (head := _HEAD.match(line)):
            raise ValueError(
                f"{path.name}: expected '# %%', '# %% [markdown]' or tags=[\"…\"] behind it, came {line!r}"
            )
        lines = []


def _cell(head: re.Match[str], lines: list[str]) -> Cell:
    if head["markdown"]:
        lines = [re.sub(r"^# ?", "", line) for line in lines]
    tags = re.findall(r'"([^"]+)"', head["tags"] or "")
    return Cell(bool(head["markdown"]), tuple(tags), "\n".join(lines).strip("\n"))


def exercise(path: Path) -> dict[str, Any]:
    """The learner's notebook, never run."""
    return _notebook(path, lambda step: step.stub, leave_out="solution-only", tags=[NOT_COMPARED])


def solution(path: Path) -> dict[str, Any]:
    """Ours, not run yet."""
    return _notebook(path, lambda step: step.answer, leave_out="exercise-only", tags=[])


def _notebook(path: Path, text_of: Callable[[Authored], str], *, leave_out: str, tags: list[str]) -> dict[str, Any]:
    made = [_made(cell, text_of, tags) for cell in cells(path) if leave_out not in cell.tags]
    seen: Counter[str] = Counter()
    for cell in made:  # an unchanged cell keeps its id, so that a diff shows what changed
        digest = hashlib.sha256(f"{cell['cell_type']}\n{cell['source']}".encode()).hexdigest()[:8]
        seen[digest] += 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return {"cells": made, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def _made(cell: Cell, text_of: Callable[[Authored], str], tags: list[str]) -> dict[str, Any]:
    own = [tag for tag in cell.tags if tag not in ("scaffold", "solution-only", "exercise-only")]
    if cell.markdown:
        return {"cell_type": "markdown", "metadata": {"tags": own} if own else {}, "source": cell.source}
    source, purpose = _filled(cell.source, text_of)
    metadata = {"ocpp_lab": purpose} | ({"tags": own + tags} if own + tags else {})
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": source}


def _filled(source: str, text_of: Callable[[Authored], str]) -> tuple[str, dict[str, str]]:
    """What stands in a code cell, and what it is for: grading reads that from the cell's metadata."""
    if step := parse_cell(source):
        points = "1 point" if step.points == 1 else f"{step.points} points"
        head = f"# Step {step.number} · {points} · about {step.minutes} minutes"
        return f"{head}\n{text_of(step)}", {"role": "answer", "step": step.number}
    if found := re.match(r'check\("([^"]+)"', source):
        return source, {"role": "check", "step": found[1]}
    return source, {"role": "scaffold"}
