"""Make START.ipynb and the pictures of the night: notebooks/pictures/*.svg.

Usage: start.py. Everything comes from ocpp_course/lab/night.py. START is not run: its first cell holds its look.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat

from ocpp_course.checks.workbook import METADATA
from ocpp_course.lab import road, start, tiles
from ocpp_course.lab.night import NIGHT

ROOT = Path(__file__).resolve().parent.parent
DRESSING = """\
# Dresses the page below, and shows the points of your exercises. The page is complete without it.
from ocpp_course.lab import start

start.dress()"""


def main() -> int:
    for name, text in files().items():
        (ROOT / name).parent.mkdir(exist_ok=True)
        (ROOT / name).write_text(text, encoding="utf-8")
    print(f"START.ipynb and {len(files()) - 1} pictures")
    return 0


def files() -> dict[str, str]:
    """What is made, by its path in the repository."""
    pictures = {"night": road.road(NIGHT), "00": road.warm_up_header(NIGHT)}
    pictures |= {f"{each.number:02}": road.header(each, NIGHT) for each in NIGHT}
    pictures |= {f"tile_{each.number}": tiles.tile(each.number) for each in NIGHT}
    return {"START.ipynb": notebook()} | {f"notebooks/pictures/{name}.svg": svg for name, svg in pictures.items()}


def notebook() -> str:
    """START's text: the cell with the look, then the page. Two cells, so that both are always in the browser's page."""
    look = start.dress()
    data = {"text/plain": repr(look), "text/html": look._repr_html_()}
    cells = [_code(DRESSING, data), _markdown(start.page())]
    made = nbformat.from_dict({"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5})
    return f"{nbformat.writes(made)}\n"


def _code(source: str, data: dict[str, str]) -> dict[str, Any]:
    output = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}
    metadata = {"jupyter": {"source_hidden": True}}
    return {
        "cell_type": "code", "id": "look", "source": source, "metadata": metadata, "execution_count": 1,
        "outputs": [output],
    }  # fmt: skip


def _markdown(source: str) -> dict[str, Any]:
    """Not editable: a double click on the page would show its HTML."""
    return {"cell_type": "markdown", "id": "page", "source": source, "metadata": {"editable": False}}


if __name__ == "__main__":
    sys.exit(main())
