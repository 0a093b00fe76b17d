"""A prediction in real JupyterLab: folded until somebody asks, by mouse and by keyboard, in light and in dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.lab import LabNotebook, use_theme
from tests.browser.server import LabServer

pytestmark = pytest.mark.browser

FILTER = "image => getComputedStyle(image).filter"


def test_what_happened_is_folded_until_it_is_asked_for(page: Page, server: LabServer) -> None:
    notebook = LabNotebook(page, server)
    notebook.open("00_asyncio_warm_up.ipynb")
    notebook.run_all()
    card = notebook.widgets.locator(".predict").first
    right, wrong, seen = card.locator(".right"), card.locator(".wrong").first, card.locator(".seen")
    assert not card.locator(".shown pre").is_visible()
    assert not right.locator(".why").is_visible()

    wrong.locator("summary").click()
    assert wrong.locator(".why").inner_text().startswith("No.")
    right.locator("summary").press("Enter")
    assert right.locator(".why").inner_text().startswith("Right.")
    seen.locator("summary").press("Space")
    assert card.locator(".shown pre").inner_text() == "coroutine"
    assert notebook.trouble() == []


def test_a_plot_turns_its_light_round_on_a_dark_page(page: Page, server: LabServer) -> None:
    notebook = LabNotebook(page, server)
    notebook.open("00_asyncio_warm_up.ipynb")
    notebook.run_all()
    image = notebook.widgets.locator(".ol.plot img").first
    seen = []
    for theme in ("Light", "Dark"):
        use_theme(page, theme)
        seen.append(image.evaluate(FILTER))
    assert seen == ["none", "invert(0.9333) hue-rotate(180deg)"]
