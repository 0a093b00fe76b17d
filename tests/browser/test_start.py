"""START in real JupyterLab: dressed where it is trusted, complete where it is not, points from a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.course import course, trust
from tests.browser.lab import use_theme
from tests.browser.server import LabServer
from tests.house import ROOT

pytestmark = pytest.mark.browser

PICTURES = ROOT / "screenshots"
WIDTHS = {"wide": 1100, "narrow": 700, "zoom_200": 550}
FITS = """page => {
    const cards = [...page.querySelectorAll('.card')]
    const right = Math.max(...cards.map(card => card.getBoundingClientRect().right))
    const cut = [...page.querySelectorAll('.card, .links a')].filter(each => each.scrollWidth > each.clientWidth + 1)
    return Math.abs(right - page.getBoundingClientRect().right) < 2 && cut.length === 0
}"""
"""The cards fill the page and no more, and no word is cut off."""
PASSED = {f"{milestone}.{step}": {"how": "mine", "points": 4} for milestone in (1, 2) for step in range(1, 6)}
BEGUN = {"3.1": {"how": "mine", "points": 2}, "3.2": {"how": "reference", "points": 2}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    with LabServer(course(tmp_path_factory.mktemp("course") / "with spaces")) as server:
        yield server


@pytest.fixture
def errors(page: Page) -> list[str]:
    """What the browser complains of while the test runs."""
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.append(f"page error: {error}"))
    return seen


def begin(page: Page, server: LabServer, progress: dict[str, Any] | None = None, theme: str = "Light") -> None:
    """START as JupyterLab shows it to somebody with this progress."""
    if progress is not None:
        write_progress(server, progress)
    page.goto(f"{server.url}lab/tree/START.ipynb?token={server.token}&reset")
    page.get_by_role("heading", name="One bad Friday night").wait_for(timeout=60_000)
    use_theme(page, theme)
    page.evaluate("window.jupyterapp.shell.collapseLeft()")


def write_progress(server: LabServer, progress: dict[str, Any]) -> None:
    kept = server.root / "exercises" / "my_stack"
    kept.mkdir(exist_ok=True)
    (kept / "progress.json").write_text(json.dumps(progress))


def test_untrusted_it_is_complete(page: Page, server: LabServer, errors: list[str]) -> None:
    begin(page, server)
    assert page.locator(".card h2").count() == 6
    loaded = "() => [...document.querySelectorAll('.card img')].every(each => each.complete && each.naturalWidth > 0)"
    page.wait_for_function(loaded, timeout=60_000)
    expect(page.locator(".go")).to_have_text("Begin at 17:40")
    assert page.locator(".jp-OutputArea style, .jp-OutputArea script").count() == 0
    page.screenshot(path=PICTURES / "START-untrusted.png")
    page.locator(".card").nth(1).get_by_text("Read").click()
    page.get_by_role("heading", name="2. Dispatch and router").wait_for(timeout=60_000)
    assert errors == []


def test_a_fresh_learner_begins_at_the_first_lamp(page: Page, server: LabServer, errors: list[str]) -> None:
    trust(server, "START.ipynb")
    begin(page, server)
    expect(page.locator(".card").first).to_contain_text("you are here")
    expect(page.locator(".card").first).to_contain_text("0 of 20 points")
    page.locator(".go").click()
    page.get_by_role("heading", name="1. Smoke tests").wait_for(timeout=60_000)
    assert errors == []


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_progress_lights_lamps_without_a_kernel(page: Page, server: LabServer, errors: list[str], theme: str) -> None:
    trust(server, "START.ipynb")
    begin(page, server, PASSED | BEGUN, theme)
    expect(page.locator(".sum")).to_contain_text("42 of 120 points")
    expect(page.locator(".sum")).to_contain_text("2 of 6 lamps lit")
    expect(page.locator(".go")).to_have_text("Go on at 19:02")
    assert page.locator(".card").filter(has_text="done").count() == 2
    for name, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 1300})
        assert page.locator(".ol.start").evaluate(FITS), name
        page.screenshot(path=PICTURES / f"START-{theme.lower()}-{name}.png")
    assert errors == []


def test_a_step_that_passes_meanwhile_is_seen_on_coming_back(page: Page, server: LabServer) -> None:
    trust(server, "START.ipynb")
    begin(page, server, BEGUN)
    expect(page.locator(".sum")).to_contain_text("2 of 120 points")
    page.locator(".card").nth(2).get_by_text("Build").click()
    page.get_by_role("heading", name="Exercise 3").wait_for(timeout=60_000)
    write_progress(server, BEGUN | {"3.3": {"how": "mine", "points": 3}})
    page.get_by_role("tab", name="START.ipynb").click()
    expect(page.locator(".sum")).to_contain_text("5 of 120 points")


def test_the_keyboard_reaches_every_link_and_shows_where_it_is(page: Page, server: LabServer) -> None:
    trust(server, "START.ipynb")
    begin(page, server, BEGUN)
    expect(page.locator(".sum")).to_contain_text("2 of 120 points")
    links = page.locator(".start a:visible")
    links.first.focus()
    reached = []
    for _ in range(links.count()):
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        page.keyboard.press("Tab")
    assert reached == [text.strip() for text in links.all_text_contents()]
    page.screenshot(path=PICTURES / "START-keyboard.png")
    links.first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="1. Smoke tests").wait_for(timeout=60_000)


def test_an_exercise_shows_its_hour_and_leads_back(page: Page, server: LabServer, errors: list[str]) -> None:
    page.goto(f"{server.url}lab/tree/exercises/03_session_reconnect.ipynb?token={server.token}&reset")
    page.get_by_role("heading", name="Exercise 3").wait_for(timeout=60_000)
    picture = page.locator(".jp-RenderedMarkdown img").first
    expect(picture).to_have_attribute("alt", "19:02 on Friday night. The router reboots while a driver starts.")
    page.wait_for_function("() => document.querySelector('.jp-RenderedMarkdown img').naturalWidth === 1100")
    page.screenshot(path=PICTURES / "exercise-head.png")
    page.locator(".jp-RenderedMarkdown a", has_text="START").first.click()
    page.get_by_role("heading", name="One bad Friday night").wait_for(timeout=60_000)
    assert errors == []


def test_a_broken_progress_file_changes_nothing(page: Page, server: LabServer, errors: list[str]) -> None:
    trust(server, "START.ipynb")
    write_progress(server, {})
    (server.root / "exercises" / "my_stack" / "progress.json").write_text("{half")
    begin(page, server)
    expect(page.locator(".card .nums").first).to_contain_text("20 points")
    expect(page.locator(".go")).to_have_text("Begin at 17:40")
    assert errors == []


def test_it_opens_under_a_path_with_spaces(server: LabServer) -> None:
    """All of this file did: a guard for the fixture."""
    assert " " in str(server.source)
    assert Path(server.root, "START.ipynb").is_file()
