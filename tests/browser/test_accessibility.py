"""START and two notebooks through axe-core, light and dark: readable, and everything has a name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.accessibility import complaints
from tests.browser.course import course, trust
from tests.browser.lab import LabNotebook, use_theme
from tests.browser.server import LabServer

pytestmark = pytest.mark.browser

THEMES = ("Light", "Dark")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    with LabServer(course(tmp_path_factory.mktemp("accessible") / "course")) as server:
        trust(server, "START.ipynb")
        yield server


def look(page: Page) -> None:
    """Fails with what is wrong in each theme, as a list to read."""
    said = []
    for theme in THEMES:
        use_theme(page, theme)
        said += [f"{theme}: {each}" for each in complaints(page)]
    if said:
        pytest.fail("\n".join([f"{len(said)} things that not everybody can read or operate:", *said]), pytrace=False)


def test_start_is_accessible(page: Page, server: LabServer) -> None:
    page.goto(f"{server.url}lab/tree/START.ipynb?token={server.token}&reset")
    page.locator(".ol.start .card.here").wait_for(timeout=60_000)
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    look(page)


@pytest.mark.parametrize("name", ["01_smoke_tests", "03_session_reconnect"])
def test_a_notebook_is_accessible(page: Page, server: LabServer, name: str) -> None:
    notebook = LabNotebook(page, server)
    notebook.open(f"notebooks/{name}.ipynb")
    notebook.run_all()
    look(page)


SPOILT = {
    '<p style="color:#999;background:#fff">hard to read</p>': "color-contrast",
    '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">': "image-alt",
    '<a href="https://example.org"></a>': "link-name",
    "<button></button>": "button-name",
    '<input type="range">': "label",
}


def test_what_breaks_a_rule_is_found_and_named(page: Page) -> None:
    for html, rule in SPOILT.items():
        page.set_content(
            f'<html lang="en"><main class="jp-OutputArea-output"><p>ours</p>{html}</main><button></button>'
        )
        assert [line.split(":")[0] for line in complaints(page)] == [rule]
