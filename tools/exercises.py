"""Make the exercise and the solution notebook of a milestone from solutions/NN_name.py, the only source of both.

Usage: exercises.py [--no-run] [N | NN | FILE.py ...]. Without names: all of them.

- exercises/NN_name.ipynb: stubs in the place of answers, never run.
- solutions/NN_name.ipynb: our answers, executed, with the outputs of one clean run. --no-run leaves it as it is.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nbformat
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).resolve().parent))
from notebooks import execute, tidy
from ocpp_course.checks import workbook

ROOT = Path(__file__).resolve().parent.parent
SOLUTIONS, EXERCISES = ROOT / "solutions", ROOT / "exercises"


def main(arguments: list[str]) -> int:
    words = [word for word in arguments if word != "--no-run"] or [""]
    sources = [path for word in words for path in _named(word)]
    if not sources:
        sys.exit(f"no source found for {' '.join(arguments)}; expected solutions/NN_name.py")
    done = [make(source, run="--no-run" not in arguments) for source in sources]
    return 0 if all(done) else 1


def _named(word: str) -> list[Path]:
    if word.endswith(".py"):
        return [Path(word)]
    return sorted(SOLUTIONS.glob(f"{word.zfill(2)}*_*.py" if word else "[0-9][0-9]_*.py"))


def make(source: Path, *, run: bool = True) -> bool:
    """Write both notebooks. False if a cell of the solution fails; its notebook then stays as it was."""
    start = time.perf_counter()
    _write(nbformat.from_dict(workbook.exercise(source)), EXERCISES / f"{source.stem}.ipynb")
    if run:
        solved = nbformat.from_dict(workbook.solution(source))
        try:
            execute(solved, source.parent)
        except CellExecutionError as error:
            print(f"{source.name}: FAILED, the solution notebook is not written\n{error}", flush=True)
            return False
        tidy(solved)
        _write(solved, SOLUTIONS / f"{source.stem}.ipynb")
    print(f"{source.stem}: {time.perf_counter() - start:.1f} s", flush=True)
    return True


def _write(notebook: NotebookNode, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
