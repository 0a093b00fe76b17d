"""Every notebook in real JupyterLab: run all, operate the panel, see the effect on the page, keep the pictures."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.lab import LabNotebook
from tests.browser.server import LabServer
from tests.house import ROOT

pytestmark = pytest.mark.browser

NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))

# Notebook: (what is done, with what, the text that then appears on the page), in this order. The kinds are those of
# LabNotebook: press, tick, slide (LABEL=VALUE), choose (LABEL=OPTION).
EFFECTS: dict[str, list[tuple[str, str, str]]] = {
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
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_its_panel_works(page: Page, server: LabServer, name: str) -> None:
    notebook = LabNotebook(page, server)
    notebook.open(f"{name}.ipynb")
    notebook.run_all(but_last=True)
    pictures = ROOT / "screenshots"
    notebook.screenshot(pictures / f"{name}.png")
    for number, (kind, what, effect) in enumerate(EFFECTS[name], start=1):
        notebook.do(kind, what)
        notebook.wait_for_text(effect)
        notebook.screenshot_around(effect, pictures / f"{name}-{kind}_{number}.png")
    notebook.run_last()
    assert notebook.trouble() == []


def test_every_notebook_has_an_effect_to_look_for() -> None:
    assert set(EFFECTS) == set(NOTEBOOKS)
    assert all(effects for name, effects in EFFECTS.items() if not name.startswith("00_"))
