"""What every notebook must satisfy, as rules that read its JSON and yield complaints.

nbval alone is not enough: it skips a cell that was never run, so a notebook without outputs passes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.house import ROOT

type Notebook = dict[str, Any]
type Cell = dict[str, Any]
type Rule = Callable[[Notebook], Iterator[str]]

CELLS = range(25, 66)
MAX_LINES = 30
WORDS_PER_CODE_LINE = (4.0, 12.0)
RAISES = {"raises-exception", "nbval-raises-exception"}
FOLDERS = ("home", "root", "Users", "usr", "opt", "tmp", "var", "work", "mnt", "private")
SITTINGS = {"one": 1, "two": 2, "three": 3}
HOW_LONG = re.compile(r"\*\*About \d+ minutes?(?:, in (\w+) sittings?)?")
SITTING_ENDS = "*A good place for a break"
FILE_NAMED = re.compile(r"`([\w./-]+\.py)`")
PART_NAMED = re.compile(r"`([A-Z]\w+)\.(\w+)\b")
A_CONNECTION = re.compile(  # called a line; lines of text, of source and of a plot are lines
    r"\b(?:a|the)\s+line\s+(?:is|was|went|goes|dies|died|does|looks|lives)\b"
    r"|\b(?:dead|lost|good|idle|silent|cellular|new|old)\s+lines?\b|\blines?\s+(?:lost|died)\b"
    r"|\b(?:cut|cuts|needs|spoil|spoils|floods?|on|across|over)\s+the\s+line\b(?!\s+(?:of|that))",
    re.IGNORECASE,
)
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


def hidden(cell: Cell) -> bool:
    """Whether JupyterLab folds the code away: it is machinery, and its output is what the reader came for."""
    return bool(cell["metadata"].get("jupyter", {}).get("source_hidden"))


def asks(cell: Cell) -> bool:
    """Whether the cell holds the text of a prediction, folded away because its answer stands there.

    It counts neither as prose nor as code: nobody reads it where it stands.
    """
    return hidden(cell) and source(cell).startswith("# Question")


def words_per_code_line(notebook: Notebook) -> float:
    code = [cell for cell in code_cells(notebook) if not asks(cell)]
    words = sum(len(source(cell).split()) for cell in prose_cells(notebook))
    lines = sum(bool(line.strip()) for cell in code for line in source(cell).split("\n"))
    return words / max(lines, 1)


def number_of_cells(notebook: Notebook) -> Iterator[str]:
    if (cells := sum(not asks(cell) for cell in notebook["cells"])) not in CELLS:
        yield f"{cells} cells; expected {CELLS.start} to {CELLS.stop - 1}"


def keeps_its_answers_out_of_pages(notebook: Notebook) -> Iterator[str]:
    """`jupyter nbconvert --to html` shows what JupyterLab hides, but for this."""
    for cell in notebook["cells"]:
        if asks(cell) and not cell["metadata"].get("transient", {}).get("remove_source"):
            yield f"{name(cell)} shows its answer in a page of nbconvert: `make notebooks`"


def counted_from_one(notebook: Notebook) -> Iterator[str]:
    counts = [cell["execution_count"] for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts {counts}; expected 1, 2, 3, … of one clean run: `make notebooks`"


def says_something(notebook: Notebook) -> Iterator[str]:
    for cell in code_cells(notebook):
        if not cell["outputs"] and not hidden(cell):
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


def hidden_code_says_what_it_prepares(notebook: Notebook) -> Iterator[str]:
    for cell in code_cells(notebook):
        if hidden(cell) and not source(cell).startswith("# "):
            yield f"{name(cell)} is hidden; expected a first comment that says what it prepares"


def says_how_long_it_takes(notebook: Notebook) -> Iterator[str]:
    first, *others = [source(cell) for cell in prose_cells(notebook)]
    told = HOW_LONG.search(first)
    if told is None:
        yield "the first cell says not how long it takes; expected **About 50 minutes, in one sitting**"
        return
    sittings, breaks = SITTINGS[told[1] or "one"], sum(text.count(SITTING_ENDS) for text in others)
    if breaks != sittings - 1:
        yield f"{sittings} sittings and {breaks} places for a break; expected one less than sittings"


def names_what_exists(notebook: Notebook) -> Iterator[str]:
    """Files of this project, and parts of what `ocpp_lab` exports: prose does not follow when they are renamed."""
    import inspect

    import ocpp_lab

    for cell in prose_cells(notebook):
        for file in FILE_NAMED.findall(source(cell)):
            if not any((ROOT / folder / file).is_file() for folder in (".", "ocpp_lab", "ocpp_course")):
                yield f"{name(cell)} names the file {file}, and there is none"
        for owner, part in PART_NAMED.findall(source(cell)):
            thing = getattr(ocpp_lab, owner, None)
            if thing is not None and not re.search(rf"\b{part}\b", inspect.getsource(thing)):
                yield f"{name(cell)} names {owner}.{part}, and there is none"


def calls_it_a_connection(notebook: Notebook) -> Iterator[str]:
    for cell in notebook["cells"]:
        for found in A_CONNECTION.finditer(source(cell)):
            yield f"{name(cell)} says {found[0]!r}; what both ends share is a connection"


def keeps_its_answers_folded(notebook: Notebook) -> Iterator[str]:
    """A prediction whose answer stands in plain sight above its card is none."""
    for cell in code_cells(notebook):
        if "lab.predict(" in source(cell) and not asks(cell):
            yield f"{name(cell)} shows the answer of its question; expected a hidden cell that begins with # Question"
    for cell in prose_cells(notebook):
        if re.search(r"\*\*Predict\b", source(cell)):
            yield f"{name(cell)} asks for a prediction; expected a card, `with lab.predict(…):`"


def leaves_questions(notebook: Notebook) -> Iterator[str]:
    prose = "\n".join(source(cell) for cell in prose_cells(notebook))
    if "**Check yourself.**" in prose and "**To think about.**" not in prose:
        yield "questions with answers, and none without; expected **To think about.** behind them"


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
    hidden_code_says_what_it_prepares,
    says_how_long_it_takes,
    names_what_exists,
    calls_it_a_connection,
    keeps_its_answers_folded,
    keeps_its_answers_out_of_pages,
    leaves_questions,
]

LESSON = {number_of_cells, prose_and_code_in_balance, says_how_long_it_takes}
OF_A_TOOL = [rule for rule in RULES if rule not in LESSON]
"""What a notebook without a number keeps: a tool or a game, and no lesson."""


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


def _essence(cell: Cell) -> tuple[str, str, list[str], bool]:
    return cell["cell_type"], source(cell), cell["metadata"].get("tags", []), hidden(cell)
