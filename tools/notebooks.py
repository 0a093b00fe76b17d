"""Make notebooks/name.ipynb from notebooks/name.py: convert, execute, tidy.

Usage: notebooks.py [FILE.py | NN ...]. Without arguments: all of them.

The .py (Jupytext py:percent) is the source; the .ipynb holds the same cells with the outputs of one clean run. Never
save one from a browser: late prints of background tasks land in other cells there, and the tests then fail.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ocpp_course.checks.workbook import METADATA
from ocpp_course.saving import WIDGET
from tools.picture import for_github

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
CELL_TIMEOUT = 60
FOLDERS = re.compile(r"(?:~|/)[\w./+-]*/([\w-]+/[\w-]+\.py)")  # all but the last folder of a path in a traceback
NO_SOURCE = {"remove_source": True}
"""Under "transient" in a cell's metadata: nbconvert, which shows code that JupyterLab hides, leaves it out. The code of
a question holds its answer."""


def main(arguments: list[str]) -> int:
    sources = find(arguments)
    if not sources:
        sys.exit(f"no notebook source found for {' '.join(arguments) or FOLDER}; expected notebooks/name.py")
    failed = [source for source in sources if not make(source)]
    return 1 if failed else 0


def find(arguments: list[str]) -> list[Path]:
    if not arguments:
        return sorted(FOLDER.glob("*.py"))
    return [path for argument in arguments for path in _named(argument)]


def _named(argument: str) -> list[Path]:
    return [Path(argument)] if argument.endswith(".py") else sorted(FOLDER.glob(f"{argument}*.py"))


def make(source: Path) -> bool:
    """Write the executed notebook beside its source. False, and the old one stays, if a cell fails."""
    start = time.perf_counter()
    notebook = read(source)
    try:
        execute(notebook, source.parent)
    except CellExecutionError as error:
        print(f"{source.name}: FAILED, the notebook is not written\n{error}", flush=True)
        return False
    tidy(notebook)
    target = source.with_suffix(".ipynb")
    target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    print(f"{target.name}: {len(notebook.cells)} cells, {time.perf_counter() - start:.1f} s", flush=True)
    return True


def read(source: Path) -> NotebookNode:
    """The source's cells, with stable ids: an unchanged cell keeps its id, so that a diff shows what changed."""
    notebook = jupytext.read(source, fmt="py:percent")
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(METADATA)
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[digest] += 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return notebook


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run all cells in a new kernel of this Python, in ``folder``; only a cell tagged raises-exception may raise."""
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    notebook.metadata.language_info = nbformat.from_dict(METADATA["language_info"])


def tidy(notebook: NotebookNode) -> None:
    """Take out what differs between two runs or two machines: counts, times, widgets, folders in tracebacks.

    Pictures that are SVGs get a PNG, which GitHub shows.

    Of a widget its picture and its text stay: its id is random, JupyterLab shows none from a notebook that it does not
    trust (which every clone is), and a panel without a kernel behind it would not answer a click. `ocpp_course.saving`
    does the same when JupyterLab saves.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        cell.execution_count = number
        cell.metadata.pop("execution", None)
        if cell.source.startswith("# Question"):
            cell.metadata.transient = nbformat.from_dict(NO_SOURCE)
        cell.outputs = _joined(cell.outputs)
        for output in cell.outputs:
            _tidy_output(output, number)


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Prints in a row are one text: how many pieces they come in depends on how busy the machine was."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _tidy_output(output: NotebookNode, number: int) -> None:
    if output.output_type == "execute_result":
        output.execution_count = number
    if output.output_type == "error":
        output.traceback = [FOLDERS.sub(r"\1", line) for line in output.traceback]
    data = output.get("data", {})
    data.pop(WIDGET, None)
    if "text/html" in data:
        data["text/html"] = for_github(data["text/html"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
