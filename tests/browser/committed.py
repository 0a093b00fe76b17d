"""What a notebook says in a browser tab, beside what is committed; and the cells of solutions."""

from __future__ import annotations

import re
from typing import Any

import nbformat

from tests.browser.site import text_of
from tests.house import ROOT

NOT_COMPARED = "nbval-ignore-output"
IN_A_TAB = [  # what varies, or is not the same in a tab: plots, processes, depth, and what is promised of Interrupt
    (r" · a browser tab has no processes: kill -9 is a power cut inside it", ""),
    (r"nested 900 levels deep: FrameError too        refused", "nested 100,000 levels deep: FrameError too    refused"),
    (r"an endless loop needs Restart kernel", "Interrupt works"),
    (r"Picture: .*", "Picture"),
    (r"(?m)^waiting .*$\n?", ""),
    # Whether a thousand frames are queued within 0.4 s: in a tab that is so on a machine that does nothing else.
    (r"(no caller waits +|while nobody reads: )\w+", r"\1?"),
]


def differences(name: str, came: list[list[dict[str, Any]]]) -> list[str]:
    """The source of each code cell whose outputs say something else than is committed, with both."""
    cells = [cell for cell in nbformat.read(ROOT / name, as_version=4).cells if cell.cell_type == "code"]
    pairs = zip(cells, _texts(came), _texts([cell.outputs for cell in cells]), strict=True)
    return [
        f"{cell.source}\n--- came\n{here}\n--- committed\n{there}"
        for cell, here, there in pairs
        if here != there and NOT_COMPARED not in cell.metadata.get("tags", [])
    ]


def _texts(cells: list[list[dict[str, Any]]]) -> list[str]:
    """Of each cell what its outputs say, without what varies: by the rules of notebooks/sanitize.cfg, and by ours."""
    rules = (ROOT / "notebooks" / "sanitize.cfg").read_text(encoding="utf-8")
    clean = [*re.findall(r"^regex: (.*)\nreplace: (.*)$", rules, re.MULTILINE), *IN_A_TAB]
    found = []
    for outputs in cells:
        text = "".join(text_of(output).rstrip("\n") + "\n" for output in outputs)
        for pattern, replacement in clean:
            text = re.sub(pattern, replacement, text)
        found.append(text.strip())
    return found


def cell_of(role: str, step: str) -> str:
    """A cell of exercise 1, solved: our answer to a step, or its check."""
    cells = nbformat.read(ROOT / "solutions" / "01_smoke_tests.ipynb", as_version=4).cells
    [found] = [cell for cell in cells if cell.metadata.get("ocpp_lab") == {"role": role, "step": step}]
    return str(found.source)
