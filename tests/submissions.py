"""Notebooks that a class might hand in: right, half done, wrong, broken, hostile."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.house import ROOT
from tests.ocpp_course.checks.answers import authored

EXERCISE = "04_call_correlation"
type Notebook = dict[str, Any]


def fresh() -> Notebook:
    """The exercise as it is in the clone."""
    notebook: Notebook = json.loads((ROOT / "exercises" / f"{EXERCISE}.ipynb").read_text(encoding="utf-8"))
    return notebook


def answered(*numbers: str, tail: str = "") -> Notebook:
    """Our answers in these steps; in all of them if none is named. ``tail`` goes below the first."""
    notebook, steps = fresh(), authored("4")
    chosen = numbers or tuple(steps)
    for cell in notebook["cells"]:
        purpose = cell["metadata"].get("ocpp_lab", {})
        if purpose.get("role") == "answer" and purpose["step"] in chosen:
            cell["source"] = steps[purpose["step"]].answer
            if purpose["step"] == chosen[0]:
                cell["source"] += f"\n\n{tail}\n"
    return notebook


def wrong(number: str, name: str, *, tail: str = "") -> Notebook:
    """One known mistake, with ``tail`` below it."""
    notebook, step = fresh(), authored("4")[number]
    variant = next(each for each in step.wrong if each.name == name)
    for cell in notebook["cells"]:
        if cell["metadata"].get("ocpp_lab") == {"role": "answer", "step": number}:
            cell["source"] = step.cell(variant) + f"\n\n{tail}\n"
    return notebook


def without_metadata() -> Notebook:
    """Copied by hand into another notebook: no tags, and the checks under other names."""
    notebook = copy.deepcopy(answered("4.1"))
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    return notebook


TAMPER = """
import ocpp_course.checks.kit
ocpp_course.checks.kit.Kit.require = lambda self, *told: None
"""
HOSTILE: dict[str, str] = {
    "endless": "while True: pass",
    "forks": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "deletes": "import shutil, os\nshutil.rmtree({precious!r})",
    "prints": "for _ in range(100): print('x' * 1_000_000)",
    "calls-home": "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=3)",
    "leaves": "import os\nos._exit(0)",
    "tampers": TAMPER,
    "eats-memory": "x = bytearray(3_000_000_000)",
}
"""What stands below a right answer of 4.1."""


def write(notebook: Notebook, folder: Path, name: str) -> Path:
    path = folder / f"{name}_{EXERCISE}.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def a_class(folder: Path, number: int) -> None:
    """So many submissions of every kind, in files named after their authors."""
    makers: list[Callable[[], Notebook]] = [
        answered,
        lambda: answered("4.1", "4.2"),
        fresh,
        *(lambda name=each.name: wrong("4.1", name) for each in authored("4")["4.1"].wrong),  # type: ignore[misc]
    ]
    for each in range(number):
        write(makers[each % len(makers)](), folder, f"student-{each:03}")
