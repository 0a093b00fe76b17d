"""A browser for the tests of this folder; without one they are skipped, loudly, and fail where CI runs."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from tests.browser.lab import LabNotebook
from tests.browser.server import LabServer, browser_page, find_chromium
from tests.browser.site import SiteNotebook, SiteServer
from tests.house import ROOT


@pytest.fixture
def page() -> Iterator[Page]:
    if find_chromium() is None:
        complain = pytest.fail if os.environ.get("CI") else pytest.skip
        complain("no Chromium: nothing was looked at in a browser. Install chromium or set CHROMIUM=/path/to/it")
    with browser_page() as page:
        yield page


@pytest.fixture
def small(page: Page, tmp_path: Path) -> Iterator[LabNotebook]:
    """tests/data/00_small.py as a notebook, opened and run."""
    from tools import notebooks

    source = tmp_path / "00_small.py"
    source.write_text((ROOT / "tests" / "data" / "00_small.py").read_text(encoding="utf-8"), encoding="utf-8")
    assert notebooks.make(source)
    with LabServer(tmp_path) as server:
        notebook = LabNotebook(page, server)
        notebook.open("00_small.ipynb")
        notebook.run_all()
        yield notebook


@pytest.fixture(scope="module")
def server() -> Iterator[LabServer]:
    """JupyterLab over a copy of notebooks/."""
    with LabServer(ROOT / "notebooks") as server:
        yield server


@pytest.fixture(scope="session")
def site() -> Iterator[SiteServer]:
    """The site, made now and served from loopback; without npm, or the registries, it cannot be made."""
    from tools.site import __main__ as tool
    from tools.site.parts import NotFetched

    if shutil.which("npm") is None:
        complain = pytest.fail if os.environ.get("CI") else pytest.skip
        complain("no npm: the site was not made and not looked at. Install nodejs with npm")
    try:
        assert tool.main([]) == 0
    except NotFetched as error:
        pytest.skip(f"the site was not made and not looked at: {error}")
    with SiteServer(tool.SITE) as server:
        yield server


@pytest.fixture
def tab(page: Page, site: SiteServer) -> SiteNotebook:
    """A browser that reaches nothing but this host."""

    def gate(route: Route) -> None:
        if re.match(r"https?://127\.0\.0\.1[:/]", route.request.url):
            route.continue_()
        else:
            route.abort()

    page.context.route("**/*", gate)
    return SiteNotebook(page, site)
