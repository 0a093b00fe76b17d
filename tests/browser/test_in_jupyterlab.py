"""Every notebook in real JupyterLab: run all, operate the panel, see the effect on the page, keep the pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.lab import LabNotebook
from tests.browser.server import LabServer
from tests.house import ROOT

pytestmark = pytest.mark.browser

NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
"""The tools, trace viewer and detective, are operated in test_trace_viewer."""

# Notebook: (what is done, with what, the text that then appears on the page), in this order. The kinds are those of
# LabNotebook: press, tick, slide (LABEL=VALUE), choose (LABEL=OPTION). A count that goes on climbing is a pattern.
EFFECTS: dict[str, list[tuple[str, str, str | re.Pattern[str]]]] = {
    "00_asyncio_warm_up": [],  # it has no panel
    "01_smoke_tests": [
        ("press", "ignore", "on: ignore any call"),
        ("choose", "action=Heartbeat", "on: ignore Heartbeat"),
        ("press", "ignore", "on: no fault"),
        ("slide", "seconds=2.5", "2.5"),
        ("press", "delay", "on: delay Heartbeat by 2.5 s"),
        ("press", "close 1001", "pressed: close 1001"),
        ("press", "abort", "abort 2×"),
    ],
    "02_dispatch_and_router": [  # a Heartbeat each second meets the fault; the run itself has counted each of them once
        ("press", "wrong payload", re.compile(r"malformed ([2-9]|\d\d)")),
        ("press", "wrong payload", "on: no fault"),
        ("press", "garbage", re.compile(r"bad frame ([2-9]|\d\d)")),
        ("press", "garbage", "on: no fault"),
        ("press", "answer twice", re.compile(r"repeated ([2-9]|\d\d)")),
        ("press", "close 1001", "pressed: close 1001 1×"),
    ],
    "03_session_reconnect": [  # CP_1 reads its meter each second; what cannot be sent stays in its outbox
        ("press", "refuse", "on: refuse"),
        ("press", "reset", re.compile(r"in the outbox ([2-9]|\d\d) · connections lost 1")),
        ("press", "refuse", "in the outbox 0 · connections lost 1"),
        ("choose", "direction=to_central_system", "on: no fault"),
        ("press", "half-open", "on: half-open to_central_system"),
        ("press", "half-open", "on: no fault"),
        ("press", "cut", "connections lost 2"),
        ("slide", "latency (s)=0.5", "on: latency 0.5 s"),
        ("press", "power on", re.compile(r"power: on · lives: 4 · said: start \d\d")),
        ("press", "kill -9", "power: off · lives: 4"),
    ],
    "04_call_correlation": [  # as above; the run itself has counted 3 late, 16 repeated, 2 orphans and 8 malformed
        ("press", "delay", re.compile(r"late ([4-9]|\d\d)")),
        ("press", "delay", "on: no fault"),
        ("press", "answer twice", re.compile(r"repeated (1[7-9]|[2-9]\d)")),
        ("press", "answer twice", "on: no fault"),
        ("press", "wrong id", re.compile(r"orphan ([3-9]|\d\d)")),
        ("press", "wrong id", "on: no fault"),
        ("press", "wrong payload", re.compile(r"malformed (9|\d\d)")),
        ("press", "close 1001", "pressed: close 1001 1×"),
    ],
    "05_lifecycle_loop": [  # the run itself has pressed each button once; the live strip tells of the last 60 s
        ("slide", "seed=7", "seed 7: The state strip of 24 hours: 6 deaths, 6 returns"),
        ("press", "reset", "reset 2×"),
        ("press", "plug in and start", re.compile(r"online · [1-9]\d* deaths?, [1-9]")),
        ("press", "half-open", "on: half-open both"),
        ("press", "half-open", "on: no fault"),
        ("press", "restart", "restart 2×"),
        ("press", "close 1001", "pressed: close 1001 2×"),
    ],
    "06_integration_and_metrics": [  # as above, read off the board; the run itself lost 5 lines
        ("press", "CallError", re.compile(r"InternalError ([4-9]|\d\d)")),
        ("press", "CallError", "on: no fault"),
        ("press", "wrong id", re.compile(r"orphan ([3-9]|\d\d)")),
        ("press", "wrong id", "on: no fault"),
        ("press", "reset", re.compile(r"connections lost: ([6-9]|\d\d)")),
        ("press", "close 1001", re.compile(r"connections lost: ([7-9]|\d\d)")),
        ("press", "half-open", "on: half-open both"),
    ],
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_its_panel_works(page: Page, server: LabServer, name: str) -> None:
    notebook = LabNotebook(page, server)
    notebook.open(f"{name}.ipynb")
    notebook.run_all()
    pictures = ROOT / "screenshots"
    notebook.screenshot(pictures / f"{name}.png")
    for number, (kind, what, effect) in enumerate(EFFECTS[name], start=1):
        notebook.do(kind, what)
        notebook.wait_for_text(effect)
        notebook.screenshot_around(effect, pictures / f"{name}-{kind}_{number}.png")
    assert notebook.trouble() == []
    if EFFECTS[name]:
        notebook.press("close everything")
        notebook.wait_for_text("Tasks left: none")


def test_a_saved_notebook_keeps_pictures_and_needs_no_kernel(page: Page, server: LabServer) -> None:
    """Tomorrow there is no kernel behind them: no "model not found", and every panel still has its picture."""
    notebook = LabNotebook(page, server)
    notebook.open("04_call_correlation.ipynb")
    notebook.run_all()
    saved = notebook.save()
    assert '"application/vnd.jupyter.widget-view+json"' not in saved.read_text(encoding="utf-8")
    notebook.shut_down()
    notebook.open("04_call_correlation.ipynb")
    notebook.settle()
    assert notebook.trouble() == [] and "not found" not in notebook.text
    assert notebook.widgets.locator('img[alt^="Wire: CP_1 is online"]').count() == 1


def test_sliders_need_no_kernel(page: Page, tmp_path: Path) -> None:
    """They are moved with the keyboard here; the kernel is gone by then."""
    from tools import notebooks

    source = tmp_path / "00_sliders.py"
    source.write_text("# %%\nfrom ocpp_course import lab\n\nlab.back_off_sliders()\n", encoding="utf-8")
    assert notebooks.make(source)
    with LabServer(tmp_path) as server:
        notebook = LabNotebook(page, server)
        notebook.open("00_sliders.ipynb")
        notebook.run_all()
        notebook.shut_down()
        notebook.wait_for_text("At most 200 dials in one second")
        page.locator(".ol-knobs input").nth(2).focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        notebook.wait_for_text("At most 25 dials in one second")


def test_every_notebook_has_an_effect_to_look_for() -> None:
    assert set(EFFECTS) == set(NOTEBOOKS)
    assert all(effects for name, effects in EFFECTS.items() if not name.startswith("00_"))
