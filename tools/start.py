"""Make START.ipynb, the pictures of the night, and the head and foot in the source of each notebook and exercise.

Usage: start.py. Everything comes from ocpp_course/lab/night.py. START is not run: its first cell holds its look.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from ocpp_course.checks.workbook import METADATA
from ocpp_course.lab import heads, road, start, tiles
from ocpp_course.lab.night import NIGHT, WARM_UP

ROOT = Path(__file__).resolve().parent.parent
DRESSING = """\
# Dresses the page below, and shows the points of your exercises. The page is complete without it.
from ocpp_course.lab import start

start.dress()"""


FOOT = re.compile(r"\n# %% \[markdown\]\n# \| before \|[^\n]*\n# \|[^\n]*\n# \|[^\n]*\n*\Z")


def main() -> int:
    whole, dressed_again = files(), sources()
    for name, text in (whole | dressed_again).items():
        (ROOT / name).parent.mkdir(exist_ok=True)
        (ROOT / name).write_text(text, encoding="utf-8")
    print(f"START, {len(whole) - 1} pictures, heads and feet of {len(dressed_again)} sources")
    return 0


def files() -> dict[str, str]:
    """What is made, by its path in the repository."""
    pictures = {"night": road.road(NIGHT), "00": road.warm_up_header(NIGHT)}
    pictures |= {f"{each.number:02}": road.header(each, NIGHT) for each in NIGHT}
    pictures |= {f"tile_{each.number}": tiles.tile(each.number) for each in NIGHT}
    return {"START.ipynb": notebook()} | {f"notebooks/pictures/{name}.svg": svg for name, svg in pictures.items()}


def sources() -> dict[str, str]:
    """The sources of notebooks and exercises, with the head and the foot that the night gives them."""
    name = f"notebooks/{WARM_UP}.py"
    made = {name: dressed(_read(name), heads.warm_up_head(), heads.warm_up_foot())}
    for hour in NIGHT:
        notebook, exercise = f"notebooks/{hour.stem}.py", f"solutions/{hour.stem}.py"
        made[notebook] = dressed(_read(notebook), heads.notebook_head(hour), heads.notebook_foot(hour))
        made[exercise] = dressed(_read(exercise), heads.exercise_head(hour), heads.exercise_foot(hour))
    return made


def dressed(text: str, head: Sequence[str], foot: Sequence[str]) -> str:
    """A source with another head, which is all before its title, and another foot, which is its last cell."""
    begin, title = "# %% [markdown]\n", text.index("\n# # ") + 1
    if not text.startswith(begin):
        raise ValueError(f"expected a source that begins with {begin!r}, came {text[:40]!r}")
    body = FOOT.sub("", text[title:]).rstrip("\n")
    return f"{begin}{_comment(head)}{body}\n\n{begin}{_comment(foot)}"


def _comment(lines: Sequence[str]) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


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
