"""The road at night: whole SVG files that need nothing from outside, with a lamp for each milestone."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from ocpp_course.lab import road
from ocpp_course.lab.night import NIGHT, Hour
from ocpp_course.lab.pen import wide

SVG = "{http://www.w3.org/2000/svg}"


def parts(svg: str, kind: str) -> list[ElementTree.Element]:
    return [each for each in ElementTree.fromstring(svg).iter(f"{SVG}g") if each.get("class") == kind]


def shown(svg: str) -> list[bool]:
    return [each.get("display") != "none" for each in parts(svg, "on")]


def test_the_road_has_a_lamp_for_each_milestone_and_begins_at_the_first() -> None:
    svg = road.road(NIGHT)
    assert shown(svg) == [True, False, False, False, False, False]
    assert len(parts(svg, "off")) == len(NIGHT)
    assert len(parts(svg, "here")) == 1
    assert all(each.time in svg for each in NIGHT)


def test_three_more_milestones_fit() -> None:
    more = (*NIGHT, *(replace(NIGHT[0], number=number, time=f"0{number}:00") for number in (7, 8, 9)))
    assert len(shown(road.road(more))) == 9
    places = [float(each.get("x", "0")) for each in ElementTree.fromstring(road.road(more)).iter(f"{SVG}text")]
    assert max(places) < road.WIDTH - 30


@pytest.mark.parametrize("hour", NIGHT, ids=lambda each: each.stem)
def test_a_header_lights_its_own_hour(hour: Hour) -> None:
    svg = road.header(hour, NIGHT)
    assert shown(svg) == [True, False][: len(shown(svg))]
    assert hour.time in svg and hour.happens in svg


@pytest.mark.parametrize("hour", NIGHT, ids=lambda each: each.stem)
def test_the_sentence_of_a_header_ends_before_the_lamp(hour: Hour) -> None:
    texts = list(ElementTree.fromstring(road.header(hour, NIGHT)).iter(f"{SVG}text"))
    sentence = next(each for each in texts if each.text == hour.happens)
    assert 28 + wide(hour.happens, float(sentence.get("font-size", "0"))) < 590


def test_before_the_night_no_lamp_is_lit() -> None:
    assert shown(road.warm_up_header(NIGHT)) == [False]


def test_a_picture_is_the_same_each_time_and_loads_nothing() -> None:
    for draw in (lambda: road.road(NIGHT), lambda: road.header(NIGHT[2], NIGHT)):
        assert draw() == draw()
        assert "href" not in draw() and draw().count("http") == 1  # the name of SVG itself


def test_the_sky_changes_without_a_step() -> None:
    assert road._colour(0.0) == "#d98a5a"
    assert road._colour(1.0) == "#0d1526"
    assert road._colour(0.05) == "#bf766a"
