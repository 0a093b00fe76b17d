"""A report as its reader opens it: from the disk, alone, light and dark, with keys, on a narrow window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from ocpp_course.lab.explain import explain
from ocpp_course.lab.sample_log import sample_log
from tests.browser.accessibility import complaints

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    explain(sample_log(), name="sample.log").save(path)
    return path


@pytest.fixture
def opened(page: Page, report: Path) -> Page:
    """The page, which may ask for nothing but itself and complain of nothing."""
    said: list[str] = []

    def gate(route: Route) -> None:
        if not route.request.url.startswith(("file:", "data:")):
            said.append(f"asked for {route.request.url}")
        route.continue_()

    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.route("**/*", gate)
    page.goto(report.as_uri())
    page.locator(".ol.steps").first.wait_for(state="attached")
    assert said == []
    return page


def test_the_first_finding_is_open_and_its_proof_is_framed(opened: Page) -> None:
    findings = opened.locator("details.finding")
    assert findings.count() >= 2
    assert [each.get_attribute("open") is not None for each in findings.all()][:2] == [True, False]
    assert findings.first.locator(".step.marked:visible").count() >= 1
    assert opened.locator("figure img").count() == 0  # all are live


def test_it_is_read_and_stepped_with_keys_alone(opened: Page) -> None:
    second = opened.locator("details.finding").nth(1)
    second.locator("summary").focus()
    opened.keyboard.press("Enter")
    assert second.get_attribute("open") is not None
    opened.keyboard.press("Tab")
    while not opened.evaluate("document.activeElement.matches('.step, .steps button')"):
        opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowRight")
    assert second.locator(".count").inner_text().startswith("2 of ")
    assert "line" in second.locator(".when").inner_text()


@pytest.mark.parametrize("width", [1100, 700, 360])
def test_nothing_is_cut_off_on_a_narrow_window(opened: Page, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 900})
    assert opened.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(opened: Page, scheme: Any) -> None:
    opened.emulate_media(color_scheme=scheme)
    opened.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    said = complaints(opened, ["main", "footer"])
    assert not said, "\n".join(said)
    paper = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(17, 20, 24)")


def test_nothing_moves_for_who_wants_no_motion(opened: Page) -> None:
    opened.emulate_media(reduced_motion="reduce")
    opened.locator(".steps .f").first.click()
    assert opened.evaluate("document.getAnimations().length") == 0


def test_without_scripts_it_is_complete(page: Page, report: Path) -> None:
    """As in a mail program, or on a page that forbids them."""
    text = report.read_text(encoding="utf-8").replace("<script>", "<template>").replace("</script>", "</template>")
    page.set_content(text)
    image = page.locator("details.finding figure img").first
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 640
    assert str(image.get_attribute("alt")).startswith("Ladder diagram")
