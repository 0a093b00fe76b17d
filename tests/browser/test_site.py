"""`make site`: the workbook in a browser tab, from a static host, loopback only."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

import ocpp_lab
from tests.browser.committed import cell_of, differences
from tests.browser.site import SiteNotebook, SiteServer
from tests.house import ROOT

pytestmark = pytest.mark.browser

DISTRIBUTION = "/pyodide/v"
"""In the address of Pyodide's own distribution."""
MEGABYTES = 16.0
"""What may come, compressed, until the first output. How long that takes is printed: a machine may be busy."""


def test_notebook_1_runs_whole_and_says_what_is_committed(
    tab: SiteNotebook, site: SiteServer, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "notebooks/01_smoke_tests.ipynb"
    begun = time.monotonic()
    tab.open(name)
    tab.run_to_first_output()
    first = time.monotonic() - begun
    megabytes = site.megabytes
    tab.run_to_the_end()
    seconds = time.monotonic() - begun - first
    with capsys.disabled():
        print(f"\nfirst output after {first:.1f} s and {megabytes:.1f} MB, compressed; the rest took {seconds:.1f} s")
    assert megabytes < MEGABYTES
    assert tab.failed_cells() == []
    assert differences(name, tab.outputs()) == []
    tab.slide("seconds", 2.5)
    tab.press("delay")
    tab.wait_for_text("by 2.5 s")
    strangers = [url for url in tab.strangers() if DISTRIBUTION not in url]
    assert strangers == [], "only matplotlib may come from elsewhere"


def test_exercises_are_solved_and_mistakes_told_and_what_was_done_is_kept(tab: SiteNotebook) -> None:
    tab.open("exercises/01_smoke_tests.ipynb")
    assert tab.say("import prometheus_client") == "", "the kernel was not prepared"
    assert "check" in tab.say("from ocpp_course import check, lab\nget_ipython().complete('chec')[1]")
    tab.say("guard = lab.Guard()")
    tab.say("import json\ndef decode(text):\n    return json.loads(text)")
    assert "→ three-shapes: [2," in tab.say('check("1.1", decode)'), "the mistake is not told"
    tab.say("def decode(text):\n    while True:\n        pass")
    assert re.search("`decode`, line [23]", tab.say('check("1.1", decode)'))
    assert "RecursionError" in tab.say(
        "try:\n    json.loads('[' * 100_000)\nexcept RecursionError as error:\n    print(repr(error))"
    )
    assert "take a temporary folder" in tab.say("import sqlite3\nsqlite3.connect('mine.db')")
    for step in ("1.1", "1.2", "1.3"):
        tab.say(cell_of("answer", step))
        passed = tab.say(cell_of("check", step))
        assert f"Kept in my_stack/step_{step.replace('.', '_')}.py" in passed, passed
    tab.open("exercises/01_smoke_tests.ipynb")  # another page and another kernel
    board = tab.say("from ocpp_course import progress\nprogress()")
    assert board.count("✓") == 3 + 1, board  # and one in the legend


def test_pages_ask_nobody_else_and_lead_somewhere(site: SiteServer) -> None:
    pages = sorted((site.folder / "read").rglob("*.html"))
    assert len(pages) == len(list(ROOT.glob("*.ipynb")) + list(ROOT.glob("[ne]*/*.ipynb")))
    assert "url=read/START.html" in (site.folder / "index.html").read_text(encoding="utf-8")
    assert [complaint for page in pages for complaint in complaints(page)] == []


def complaints(page: Path) -> list[str]:
    """What a page asks of other hosts, and where it leads that is not there."""
    text = re.sub(r"(?s)<script\b.*?</script>", "", page.read_text(encoding="utf-8"))
    asked = re.findall(r"""(?:src|<link[^>]*href)=["'](https?:[^"']*)""", text)
    links = re.findall(r'(?:href|src)="(?!data:|https?:|#)([^"#?]+)', text)
    nowhere = [link for link in links if not (page.parent / link).exists()]
    return [f"{page.name} asks {url}" for url in asked] + [f"{page.name} leads to {link}" for link in nowhere]


def test_the_reference_leads_from_every_public_name_to_what_it_does(site: SiteServer) -> None:
    folder = site.folder / "reference"
    index = (folder / "index.html").read_text(encoding="utf-8")
    names = {name: link for link, name in re.findall(r'<a href="([^"]+#[^"]+)">(\w+)</a>', index)}
    assert set(names) == {*ocpp_lab.__all__} - {"messages"}
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.html"))}
    for name, link in names.items():
        page, _, place = link.partition("#")
        assert f'id="{place}"' in pages[folder / page], name
    assert [complaint for page in pages for complaint in complaints(page)] == []
    searched = (folder / "search.js").read_text(encoding="utf-8")
    for folder_of_this_machine in (sys.base_prefix, str(ROOT)):
        assert folder_of_this_machine not in "".join([*pages.values(), searched])


def test_the_reference_is_found_read_and_searched(tab: SiteNotebook) -> None:
    tab.page.goto(f"{tab.server.url}read/START.html")
    tab.page.get_by_role("link", name="Reference").click()
    tab.page.get_by_role("link", name="Session", exact=True).click()
    assert tab.page.locator("h1").inner_text() == "ocpp_lab.session"
    tab.page.get_by_role("searchbox").fill("outbox")
    tab.page.get_by_text("ocpp_lab.outbox.Outbox").first.wait_for()
    assert tab.strangers() == []


def test_a_page_reads_and_opens_live(tab: SiteNotebook) -> None:
    tab.page.goto(tab.server.url)
    tab.page.get_by_role("link", name="Begin at 17:40").first.wait_for()
    tab.page.goto(f"{tab.server.url}read/notebooks/01_smoke_tests.html")
    assert tab.page.locator("h1").count() == 1 and tab.page.locator("figure").count() > 2
    tab.page.get_by_role("link", name="Run it in this browser").click()
    tab.panel.locator(".jp-Cell").first.wait_for(timeout=60_000)
    assert tab.strangers() == []
