"""Trace viewer and detective in JupyterLab: a file is dropped, a ladder is stepped through, somebody is accused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from ocpp_course.lab import sample_log
from ocpp_course.lab.detective.puzzle import Puzzle
from tests.browser.accessibility import complaints
from tests.browser.lab import LabNotebook, use_theme
from tests.browser.server import LabServer
from tests.house import ROOT

pytestmark = pytest.mark.browser

DROP = """([name, text]) => {
    const zone = document.querySelector('.ol.drop')
    const carried = new DataTransfer()
    carried.items.add(new File([text], name, {type: 'text/plain'}))
    for (const kind of ['dragover', 'drop'])
        zone.dispatchEvent(new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true}))
}"""
"""What a browser does when a person drops a file there."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab over both notebooks, made from their sources."""
    from tools import notebooks

    folder = tmp_path_factory.mktemp("tools")
    for name in ("trace_viewer.py", "detective.py"):
        shutil.copy(ROOT / "notebooks" / name, folder)
        assert notebooks.make(folder / name)
    with LabServer(folder) as server:
        yield server


def opened(page: Page, server: LabServer, name: str) -> LabNotebook:
    notebook = LabNotebook(page, server)
    notebook.open(name)
    notebook.run_all()
    return notebook


def everybody_can_read(page: Page) -> None:
    """In both themes."""
    for theme in ("Light", "Dark"):
        use_theme(page, theme)
        assert not (said := complaints(page)), "\n".join([theme, *said])


def test_a_file_is_dropped_and_explained(page: Page, server: LabServer) -> None:
    notebook = opened(page, server, "trace_viewer.ipynb")
    notebook.wait_for_text("sample.log: ")
    path: Path = server.home / "mine.log"
    path.write_text(sample_log().replace("CP_1", "BOX_7"), encoding="utf-8")
    page.evaluate(DROP, ["mine.log", path.read_text(encoding="utf-8")])
    notebook.wait_for_text("mine.log: ")
    page.locator(".ol.report .steps").first.wait_for()
    assert page.locator(".ol.report h2").inner_text() == "mine.log"
    assert "BOX_7" in page.locator(".ol.report details.finding").first.inner_text()
    assert notebook.trouble() == []
    everybody_can_read(page)


def test_a_file_is_chosen_with_the_button(page: Page, server: LabServer, tmp_path: Path) -> None:
    notebook = opened(page, server, "trace_viewer.ipynb")
    (tmp_path / "chosen.log").write_text(sample_log(), encoding="utf-8")
    with page.expect_file_chooser() as asked:
        page.locator(".widget-upload").click()
    asked.value.set_files(tmp_path / "chosen.log")
    notebook.wait_for_text("chosen.log: ")
    assert notebook.trouble() == []


def test_an_evening_is_solved_with_keys_alone(page: Page, server: LabServer) -> None:
    notebook = opened(page, server, "detective.ipynb")
    fault, side = Puzzle(1, 1).answer
    steps = page.locator(".ol.steps .step")
    steps.first.wait_for()
    steps.first.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.locator(".ol.steps .count").inner_text().startswith("5 of ")
    for label, value in (("what is wrong", fault), ("whose fault", side)):
        page.get_by_label(label).focus()
        page.get_by_label(label).select_option(value)
    page.get_by_role("button", name="accuse").focus()
    page.keyboard.press("Enter")
    notebook.wait_for_text("Right: ")
    assert "Score 3: 1 of 1 solved." in page.locator(".ol-status").first.inner_text()
    page.locator(".ol.report .step.marked").first.wait_for(state="attached")
    everybody_can_read(page)
    page.get_by_role("button", name="another evening").press("Enter")
    notebook.wait_for_text("Evening 2, level 1")
    assert page.locator(".ol.report").count() == 0
    assert notebook.trouble() == []
