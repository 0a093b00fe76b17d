"""`make site`: the workbook in a browser tab, from a static host, loopback only. Only in `make site-check`."""

from __future__ import annotations

import os
import re
import time
from typing import Any

import nbformat
import pytest

from tests.browser.site import SiteNotebook, SiteServer, text_of
from tests.house import ROOT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        os.environ.get("OCPP_LAB_SITE_CHECK") != "1",
        reason="`make site-check` makes the site and looks at it, and this not",
    ),
]

NOT_COMPARED = "nbval-ignore-output"
DISTRIBUTION = "/pyodide/v"
"""In the address of Pyodide's own distribution."""
IN_A_TAB = [  # what varies, or is not the same in a tab: plots, and what is promised of Interrupt
    (r"an endless loop needs Restart kernel", "Interrupt works"),
    (r"Picture: .*", "Picture"),
    (r"(?m)^waiting .*$\n?", ""),
]
MEGABYTES = 16.0
"""What may come, compressed, until the first output. How long that takes is printed: a machine may be busy."""


def texts(cells: list[list[dict[str, Any]]]) -> list[str]:
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


def test_notebook_1_runs_whole_and_says_what_is_committed(tab: SiteNotebook, site: SiteServer) -> None:
    name = "notebooks/01_smoke_tests.ipynb"
    committed = [cell for cell in nbformat.read(ROOT / name, as_version=4).cells if cell.cell_type == "code"]
    begun = time.monotonic()
    tab.open(name)
    tab.run_to_first_output()
    first = time.monotonic() - begun
    megabytes = site.megabytes
    tab.run_to_the_end()
    seconds = time.monotonic() - begun - first
    print(f"first output after {first:.1f} s and {megabytes:.1f} MB, compressed; the rest took {seconds:.1f} s")
    assert megabytes < MEGABYTES
    assert tab.failed_cells() == []
    came, wanted = texts(tab.outputs()), texts([cell.outputs for cell in committed])
    for cell, here, there in zip(committed, came, wanted, strict=True):
        if NOT_COMPARED not in cell.metadata.get("tags", []):
            assert here == there, cell.source
    tab.slide("seconds", 2.5)
    tab.press("delay")
    tab.wait_for_text("by 2.5 s")
    strangers = [url for url in tab.strangers() if DISTRIBUTION not in url]
    assert strangers == [], "only matplotlib may come from elsewhere"


def cell_of(role: str, step: str) -> str:
    """A cell of exercise 1, solved: our answer to a step, or its check."""
    cells = nbformat.read(ROOT / "solutions" / "01_smoke_tests.ipynb", as_version=4).cells
    [found] = [cell for cell in cells if cell.metadata.get("ocpp_lab") == {"role": role, "step": step}]
    return str(found.source)


def test_exercises_are_solved_and_mistakes_told_and_what_was_done_is_kept(tab: SiteNotebook) -> None:
    tab.open("exercises/01_smoke_tests.ipynb")
    assert tab.say("import prometheus_client") == "", "the kernel was not prepared"
    assert "check" in tab.say("from ocpp_course import check, lab\nget_ipython().complete('chec')[1]")
    tab.say("guard = lab.Guard()")
    tab.say("import json\ndef decode(text):\n    return json.loads(text)")
    assert "✗" in tab.say('check("1.1", decode)')
    tab.say("def decode(text):\n    while True:\n        pass")
    assert re.search("`decode`, line [23]", tab.say('check("1.1", decode)'))
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
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"""(?:src|<link[^>]*href)=["']https?:""", text), page
        for link in re.findall(r'(?:href|src)="(?!data:|https?:|#)([^"#?]+)', text):
            assert (page.parent / link).exists(), f"{page.name} leads to {link}"


def test_a_page_reads_and_opens_live(tab: SiteNotebook) -> None:
    tab.page.goto(tab.server.url)
    tab.page.get_by_role("link", name="Begin at 17:40").first.wait_for()
    tab.page.goto(f"{tab.server.url}read/notebooks/01_smoke_tests.html")
    assert tab.page.locator("h1").count() == 1 and tab.page.locator("figure").count() > 2
    tab.page.get_by_role("link", name="Run it in this browser").click()
    tab.panel.locator(".jp-Cell").first.wait_for(timeout=60_000)
    assert tab.strangers() == []
