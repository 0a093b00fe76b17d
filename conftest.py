"""Settings of `pytest --nbval` for every notebook, and how it grades an exercise.

They take effect only when nbval is loaded: the package tests run with ``-p no:nbval``, which saves 2 s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["pytester"]  # for the tests of our own plugins; pytest accepts it nowhere but here

CELL_TIMEOUT = 60
"""Seconds. nbval's own default is 2000, also for a kernel that died."""
VERDICT = "application/vnd.ocpp-lab.verdict+json"
"""Kind of output in which `check` says what it found; see ocpp_course/checks/result.py."""

_states: dict[str, dict[str, str]] = {}
"""Of each exercise notebook: the state of each step."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("nbval"):
        return
    config.option.nbval_cell_timeout = CELL_TIMEOUT
    config.option.nbval_current_env = True  # this Python, not whatever a kernel named python3 may be
    config.option.nbval_sanitize_with = str(Path(__file__).parent / "notebooks" / "sanitize.cfg")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Behind each walkthrough that ends with a `lab.Closing`: press it, and count the tasks that are left.

    The notebook itself leaves everything alive, for its reader to press.
    """
    if not config.pluginmanager.hasplugin("nbval"):
        return
    for place in range(len(items) - 1, -1, -1):
        cell = getattr(items[place], "cell", None)
        last = place + 1 == len(items) or items[place + 1].path != items[place].path
        if cell is not None and last and "closing = lab.Closing(" in cell.source:
            items.insert(place + 1, _closes(items[place]))


def _closes(last: Any) -> pytest.Item:
    from nbformat.v4 import new_code_cell, new_output  # it is there when nbval is

    source = (
        "left = await closing.close()\nprint('tasks left:', len(left), *left, '· trouble:', closing.trouble or 'none')"
    )
    told = new_output("stream", name="stdout", text="tasks left: 0 · trouble: none\n")  # type: ignore[no-untyped-call]
    cell = new_code_cell(source, outputs=[told], execution_count=1)  # type: ignore[no-untyped-call]
    number, options = last.cell_num + 1, {"check": True}
    made: pytest.Item = type(last).from_parent(
        last.parent, name="leaves nothing", cell_num=number, cell=cell, options=defaultdict(bool, options)
    )
    return made


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """A check cell of an exercise: not written yet is skipped, a wrong answer fails with the check's own words."""
    outcome = yield
    found = _verdict(item) if call.when == "call" else None
    if found is None:
        return
    verdict, said = found
    report = outcome.get_result()
    _states.setdefault(item.path.stem, {})[verdict["step"]] = verdict["state"]
    match verdict["state"]:
        case "passed":
            pass
        case "wrong":
            report.outcome, report.longrepr = "failed", said
        case state:
            why = "not written yet" if state == "unwritten" else "the package's own piece: no points"
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, f"step {verdict['step']}: {why}")


def _verdict(item: pytest.Item) -> tuple[dict[str, Any], str] | None:
    """What `check` said in an exercise's cell, as data and as text; None for any other cell."""
    if item.path.parent.name != "exercises":
        return None
    for output in getattr(item, "test_outputs", None) or []:
        data = output.get("data", {})
        if VERDICT in data:
            return data[VERDICT], data.get("text/plain", "")
    return None


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line: how far the exercises are."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    for name, states in sorted(_states.items()):
        steps = [state for number, state in states.items() if number[2:].isdigit()]  # no capstone, and no drill
        tops = [state for number, state in states.items() if number.endswith("capstone")]
        capstone = ", and the capstone" if "passed" in tops else ""
        if terminal:
            terminal.write_line(f"{name}: {steps.count('passed')} of {len(steps)} steps done{capstone}")
