"""The strip that stands still: each fault where it acts, and the same in words."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from ocpp_course.lab.board import Reading, card
from ocpp_course.lab.lamp import lamp
from ocpp_course.lab.pen import pill
from ocpp_course.lab.scene import LEFT, RIGHT, Scene, inner, svg
from ocpp_lab.connection import CONNECTION

GOOD = Scene("CP_1", "online")


def test_it_is_well_formed_and_says_in_words_what_it_shows() -> None:
    full = Scene(
        "CP<1>", "waiting", False, 3, 9, {"ignore": "3×", "delay": "0.5 s", "half-open": ""},
        frozenset({"to_central_system"}), {"calls": 4, "timeout": 1}, "no connection", "cheap",
    )  # fmt: skip
    drawn = svg(full)
    root = ElementTree.fromstring(drawn)
    assert root.attrib["aria-label"] == str(full)
    assert str(full) == (
        "CP<1> is waiting; queue 3, outbox 9; 4 calls, 0 results, 0 errors, 1 timeouts, 0 lost, 0 stray; "
        "on: ignore, delay, half-open"
    )
    assert "cheap" in drawn and "no connection" in drawn and " id=" not in drawn


def test_a_connection_is_whole_dark_or_torn() -> None:
    assert f"M{LEFT} 44H{RIGHT}" in inner(GOOD)
    dark = inner(Scene("CP_1", "online", dark=frozenset({"to_central_system"})))
    assert dark.count('stroke-dasharray="4 7"') == 1 and f"M{LEFT} 44H380" in dark and f"M{RIGHT} 88H{LEFT}" in dark
    torn = inner(Scene("CP_1", "waiting", False))
    assert "s-lost" in torn and "no connection" in torn
    refused = inner(Scene("CP_1", "waiting", False, faults={"refuse": "2×"}))
    assert "refuse 2×" in refused and "no connection" not in refused


def test_several_faults_in_one_place_are_one_badge() -> None:
    drawn = inner(Scene("CP_1", "online", faults={"delay": "1 s", "garbage": "", "wrong id": ""}))
    assert "delay 1 s · 2 more" in drawn and drawn.count("f-on-fault") == 1 + 0 and "garbage" not in drawn


def test_queue_and_outbox_fill() -> None:
    empty, full = inner(GOOD), inner(Scene("CP_1", "online", queue=4, outbox=60))
    cells = 'width="5" height="7"'
    assert empty.count(cells) == full.count(cells) == 12
    assert full.count('class="f-result s-none" x=') - empty.count('class="f-result s-none" x=') == 4


def test_one_is_no_plural() -> None:
    page = svg(Scene("CP_1", "online", counts={"calls": 1, "result": 1, "error": 2}))
    said = re.sub(r"<[^>]*>", "|", page)
    assert "|1||call|" in said and "|1||result|" in said and "|2||errors|" in said


@pytest.mark.parametrize("state", CONNECTION)
def test_a_state_has_the_same_lamp_on_the_wire_on_the_board_and_in_the_ladder(state: str) -> None:
    assert pill(59, 58, state, lamp(state), "middle") in inner(Scene("CP_1", state))
    shown = card("CP_1", {f'ocpp_connection_state{{state="{state}"}}': 1.0}, [Reading(0.0, 0.0, None, [])], 30)
    look = pill(0, 9, state, lamp(state))
    assert re.sub(r' x="[^"]*"', "", look) in re.sub(r' x="[^"]*"', "", shown)
