"""A ladder in a browser: live where scripts run, an image where none do, the same from a kernel and from a notebook."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from ocpp_course.lab import ladder
from ocpp_course.lab.vector import Vector
from ocpp_lab import Event
from tools.picture import for_github

pytestmark = pytest.mark.browser


def cp(at: float, mark: str, text: str) -> Event:
    return Event(at, "CP_1", mark, text)


STORY = [
    cp(1.0, "=", "booting → online (accepted)"),
    cp(1.1, ">", '[2,"beat-0001","Heartbeat",{}]'),
    cp(1.2, "<", '[3,"beat-0001",{"currentTime":"2025-06-06T20:20:00Z"}]'),
    cp(1.3, ">", '[2,"boot-0002","BootNotification",{"chargePointModel":"<b>One</b>"}]'),
    cp(1.4, "<", '[4,"boot-0002","InternalError","no room",{}]'),
    cp(1.5, "<", "{garbage"),
    cp(1.6, "=", "online → waiting (lost)"),
]
LADDER = ladder(STORY, title="A night")
FORMS = {"kernel": LADDER._repr_html_(), "notebook": for_github(LADDER._repr_html_())}


def shown(page: Page, html: str) -> Page:
    """The output on a page of its own, its scripts done."""
    page.set_content(f"<!doctype html><body>{html}</body>")
    page.locator(".ol.steps").first.wait_for()
    return page


def count(page: Page) -> str:
    return page.locator(".count").inner_text()


def parts(page: Page) -> list[tuple[str, ...]]:
    """The frame that is told, each part with its name."""
    return [tuple(part.locator("i, b").all_inner_texts()) for part in page.locator(".part").all()]


@pytest.mark.parametrize("form", FORMS)
def test_it_is_live_where_scripts_run(page: Page, form: str) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    shown(page, FORMS[form])
    assert page.locator("figure img").count() == 0
    assert page.locator("svg .step").count() == 8
    assert (count(page), page.locator(".what").inner_text()) == ("all", "8 steps")
    assert not errors


def test_without_scripts_the_image_stays(page: Page) -> None:
    page.set_content(FORMS["notebook"].replace("<script>", "<template>").replace("</script>", "</template>"))
    image = page.locator("figure img")
    assert image.get_attribute("alt") == LADDER.alt
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 960


def test_a_picture_that_cannot_be_read_stays_an_image(page: Page) -> None:
    """And the page goes on."""
    page.set_content(FORMS["notebook"].replace('data-svg="', 'data-svg="AAAA'))
    page.wait_for_timeout(300)
    assert page.locator("figure img").count() == 1


def test_buttons_slider_and_keys_step(page: Page) -> None:
    shown(page, FORMS["kernel"])
    page.get_by_role("button", name="Step on").click()
    page.get_by_role("button", name="Step on").click()
    assert (count(page), page.locator("svg .past").count(), page.locator("svg .now").count()) == ("2 of 8", 2, 1)
    page.get_by_role("button", name="Step back").click()
    page.get_by_role("slider").fill("6")
    assert count(page) == "6 of 8"
    page.locator("svg .step").nth(3).focus()
    for key, expected in [("ArrowRight", "7 of 8"), ("Home", "1 of 8"), ("End", "8 of 8"), ("Escape", "all")]:
        page.keyboard.press(key)
        assert count(page) == expected
    assert page.get_by_role("slider").get_attribute("aria-valuetext") == "all of it"


def test_every_part_of_a_frame_has_its_name(page: Page) -> None:
    shown(page, FORMS["kernel"])
    steps = page.locator("svg .step")
    steps.nth(1).hover()
    assert parts(page) == [
        ("message type id", "2 Call"), ("unique id", '"beat-0001"'), ("action", '"Heartbeat"'), ("payload", "{}"),
    ]  # fmt: skip
    steps.nth(2).focus()
    assert [name for name, _ in parts(page)] == ["message type id", "unique id", "payload"]
    steps.nth(4).click()
    assert count(page) == "5 of 8"
    assert parts(page) == [
        ("message type id", "4 CallError"), ("unique id", '"boot-0002"'), ("error code", '"InternalError"'),
        ("error description", '"no room"'), ("error details", "{}"),
    ]  # fmt: skip
    steps.nth(5).click()
    assert parts(page) == [("no frame", "{garbage")]


def test_what_a_peer_sends_is_text(page: Page) -> None:
    shown(page, FORMS["kernel"])
    page.locator("svg .step").nth(3).click()
    assert "<b>One</b>" in page.locator(".json").inner_text()
    assert page.locator(".json b b").count() == 0


def test_the_lamp_says_the_state(page: Page) -> None:
    shown(page, FORMS["kernel"])
    page.get_by_role("slider").fill("2")
    assert page.locator(".lamp .pill.up").inner_text() == "online"
    page.get_by_role("slider").fill("8")
    assert page.locator(".lamp .pill").inner_text() == "waiting"


def test_it_plays_to_its_end_and_can_be_paused(page: Page) -> None:
    page.clock.install()
    shown(page, FORMS["kernel"])
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(2000)
    assert count(page) == "3 of 8"
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(5000)
    assert count(page) == "3 of 8"
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(10_000)
    assert count(page) == "8 of 8"
    assert page.get_by_role("button", name="Play").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_theme_and_its_image_is_a_light_card(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    paper = "rgb(255, 255, 255)" if scheme == "light" else "rgb(17, 20, 24)"
    shown(page, FORMS["kernel"])
    assert page.locator("svg .card").evaluate("card => getComputedStyle(card).fill") == paper
    page.set_content(LADDER.svg)
    assert page.locator("svg .card").evaluate("card => getComputedStyle(card).fill") == "rgb(255, 255, 255)"


def test_nothing_moves_for_who_wants_no_motion(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    shown(page, FORMS["kernel"])
    page.get_by_role("button", name="Step on").click()
    assert page.evaluate("document.getAnimations().length") == 0
    page.emulate_media(reduced_motion="no-preference")


def test_two_on_a_page_know_nothing_of_each_other(page: Page) -> None:
    shown(page, FORMS["kernel"] + FORMS["notebook"])
    page.locator(".ol.steps").nth(1).wait_for()
    page.locator(".ol.steps").nth(1).get_by_role("button", name="Step on").click()
    assert page.locator(".count").all_inner_texts() == ["all", "1 of 8"]


def test_a_picture_without_steps_becomes_its_svg(page: Page) -> None:
    page.set_content(Vector(LADDER.svg, LADDER.alt, 640)._repr_html_())
    page.locator("figure svg.vec").wait_for()
    assert page.locator("figure img").count() == 0
