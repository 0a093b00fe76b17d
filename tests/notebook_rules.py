"""What every notebook must satisfy, as rules that read its JSON and yield complaints.

nbval alone is not enough: it skips a cell that was never run, so a notebook without outputs passes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

type Notebook = dict[str, Any]
type Cell = dict[str, Any]
type Rule = Callable[[Notebook], Iterator[str]]

CELLS = range(25, 47)
MAX_LINES = 30
WORDS_PER_CODE_LINE = (4.0, 8.0)
RAISES = {"raises-exception", "nbval-raises-exception"}
FOLDERS = ("home", "root", "Users", "usr", "opt", "tmp", "var", "work", "mnt", "private")
ABSOLUTE_PATH = re.compile(rf"(?<![\w.:/~-])/(?:{'|'.join(FOLDERS)})/[\w.]")


def source(cell: Cell) -> str:
    return "".join(cell["source"])


def code_cells(notebook: Notebook) -> list[Cell]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def prose_cells(notebook: Notebook) -> list[Cell]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]


def may_raise(cell: Cell) -> bool:
    return bool(RAISES & set(cell["metadata"].get("tags", []))) or "# NBVAL_RAISES_EXCEPTION" in source(cell)


def name(cell: Cell) -> str:
    """How a complaint names a cell: by its first line, because numbers change when a cell is added."""
    return repr(source(cell).strip().split("\n")[0][:60])


def texts(output: dict[str, Any]) -> Iterator[str]:
    """Every text that a reader sees of an output; pixels are left out."""
    yield "".join(output.get("text", ""))
    yield "\n".join(output.get("traceback", []))
    for mime, content in output.get("data", {}).items():
        if mime.startswith("text/"):
            yield re.sub(r"base64,[A-Za-z0-9+/=]+", "base64,", "".join(content))


def words_per_code_line(notebook: Notebook) -> float:
    words = sum(len(source(cell).split()) for cell in prose_cells(notebook))
    lines = sum(bool(line.strip()) for cell in code_cells(notebook) for line in source(cell).split("\n"))
    return words / max(lines, 1)


def number_of_cells(notebook: Notebook) -> Iterator[str]:
    if (cells := len(notebook["cells"])) not in CELLS:
        yield f"{cells} cells; expected {CELLS.start} to {CELLS.stop - 1}"


def counted_from_one(notebook: Notebook) -> Iterator[str]:
    counts = [cell["execution_count"] for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts {counts}; expected 1, 2, 3, … of one clean run: `make notebooks`"


def says_something(notebook: Notebook) -> Iterator[str]:
    for cell in code_cells(notebook):
        if not cell["outputs"]:
            yield f"{name(cell)} has no output; every code cell shows a finding"


def no_error_stored(notebook: Notebook) -> Iterator[str]:
    for cell in code_cells(notebook):
        failed = [output for output in cell["outputs"] if output["output_type"] == "error"]
        if failed and not may_raise(cell):
            yield f"{name(cell)} raised {failed[0]['ename']}; tag it raises-exception if that is the lesson"
        if may_raise(cell) and not failed:
            yield f"{name(cell)} is tagged raises-exception and raised nothing"


def cells_are_short(notebook: Notebook) -> Iterator[str]:
    for cell in notebook["cells"]:
        if (lines := len(source(cell).split("\n"))) > MAX_LINES:
            yield f"{name(cell)} has {lines} lines; expected {MAX_LINES} at most"


def prose_and_code_in_balance(notebook: Notebook) -> Iterator[str]:
    ratio, (low, high) = words_per_code_line(notebook), WORDS_PER_CODE_LINE
    if not low <= ratio <= high:
        yield f"{ratio:.1f} words of prose for each line of code; expected {low:g} to {high:g}"


def images_have_alternative_text(notebook: Notebook) -> Iterator[str]:
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            if {"image/png", "image/jpeg", "image/svg+xml"} & set(output.get("data", {})):
                yield f"{name(cell)} shows a bare image; JupyterLab gives it no alt text: use <figure><img alt=…>"
            yield from (f"{name(cell)}: {lack}" for text in texts(output) for lack in _without_alt(text))
    for cell in prose_cells(notebook):
        yield from (f"{name(cell)}: {lack}" for lack in _without_alt(source(cell)))


def _without_alt(text: str) -> Iterator[str]:
    for tag in re.findall(r"<img\b[^>]*>", text):
        if not re.search(r"""\balt=("[^"]*\w[^"]*"|'[^']*\w[^']*')""", tag):
            yield f"{tag[:60]} has no alt text"
    yield from (f"{image} has no alt text" for image in re.findall(r"!\[\s*\]\([^)]*\)", text))


def no_path_of_a_machine(notebook: Notebook) -> Iterator[str]:
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            for text in texts(output):
                yield from (f"{name(cell)} shows the path {found}…" for found in ABSOLUTE_PATH.findall(text))


def opens_without_a_question(notebook: Notebook) -> Iterator[str]:
    metadata = notebook["metadata"]
    if (
        metadata.get("kernelspec", {}).get("name") != "python3"
        or metadata.get("language_info", {}).get("name") != "python"
    ):
        yield "no kernelspec python3 or no language_info: JupyterLab would ask which kernel to use"


RULES: list[Rule] = [
    number_of_cells,
    counted_from_one,
    says_something,
    no_error_stored,
    cells_are_short,
    prose_and_code_in_balance,
    images_have_alternative_text,
    no_path_of_a_machine,
    opens_without_a_question,
]


def in_step(notebook: Notebook, py: Path) -> Iterator[str]:
    """Complaints about cells that differ between the notebook and its py:percent source."""
    import jupytext  # here, because importing it takes 2 s that only this rule needs

    wanted = [_essence(cell) for cell in jupytext.read(py, fmt="py:percent")["cells"]]
    have = [_essence(cell) for cell in notebook["cells"]]
    if len(wanted) != len(have):
        yield f"{len(have)} cells, its source {py.name} has {len(wanted)}: `make notebooks`"
    for ours, theirs in zip(have, wanted, strict=False):
        if ours != theirs:
            yield f"{ours[1][:60]!r} differs from {theirs[1][:60]!r} in {py.name}: `make notebooks`"


def _essence(cell: Cell) -> tuple[str, str, list[str]]:
    return cell["cell_type"], source(cell), cell["metadata"].get("tags", [])
