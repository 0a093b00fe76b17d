"""The page of a report: whole, harmless, and with the facts in its pictures."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from ocpp_course.explain.charge import Charge
from ocpp_course.explain.digest import Digest, Station, StatusChange
from ocpp_course.lab.report import fragment, page
from ocpp_course.lab.report.axis import Axis
from ocpp_course.lab.report.finding_ladder import Story, finding_ladder
from ocpp_course.lab.report.timeline import timeline
from tests.ocpp_course.explain.made import BEGIN, digest, finding

EVIL = '<script>alert(1)</script><img src="https://example.org/x">'


def told() -> Digest:
    """One transaction on connector 1, one that is open on connector 2."""
    made = digest(finding(4, weight=100), calls=40)
    made.stations = {"CP_1": Station("CP_1", frames=80, connections=1, transactions=2, energy=7210.0)}
    at = [BEGIN + timedelta(seconds=n) for n in (10, 40, 50)]
    made.charges = [
        Charge("CP_1", 1, "TAG", 1701, at[0], at[1], 0, 7210.0, "Local", 5),
        Charge("CP_1", 2, None, None, at[2], None, 0, None, None, 9),
    ]
    made.changes = [
        StatusChange("CP_1", 0, "Available", "NoError", at[0], 1),
        StatusChange("CP_1", 1, "Charging", "NoError", at[0], 2),
        StatusChange("CP_1", 1, "Faulted", "GroundFailure", at[1], 3),
    ]
    return made


# --- the page -----------------------------------------------------------------------------------------------------


def test_a_page_is_whole_and_asks_nobody_for_anything() -> None:
    html = page([told()])
    assert html.startswith("<!DOCTYPE html>") and html.rstrip().endswith("</html>")
    assert "default-src 'none'" in html
    assert not re.search(r"""(?:src|href)=["']?(?!data:)[a-z]+:""", html)
    assert html.count("</script>") == 2 and html.count("Something is wrong.") == 1


def test_what_a_log_says_is_text_wherever_it_stands() -> None:
    made = told()
    made.findings = [finding(4, what=EVIL, do=EVIL, identity="CP_1")]
    made.source, made.format, made.viewpoint, made.notes = EVIL, EVIL, EVIL, [EVIL]
    made.charges = [each._replace(id_tag=EVIL, reason=EVIL) for each in made.charges]
    made.changes = [each._replace(status=EVIL, error_code=EVIL) for each in made.changes]
    made.stations = {EVIL: Station(EVIL), "CP_1": Station("CP_1")}
    html = page([made])
    assert EVIL not in html and '<img src="https' not in html
    assert "alert(1)" in html


def test_a_log_without_frames_says_what_to_turn_on() -> None:
    empty = Digest("prose.txt", lines=3, advice="Turn on <this>.")
    assert "Turn on &lt;this&gt;." in fragment([empty])


def test_several_logs_are_several_sections() -> None:
    assert fragment([told(), told()]).count("<section>") == 2


def test_a_finding_says_all_that_it_knows() -> None:
    html = fragment([told()])
    for wanted in ("Mend it.", "core 4.8", "line 5", "notebook 4", "the charge point", "proved", "some-rule"):
        assert wanted in html


def test_nothing_wrong_is_said_too() -> None:
    assert "Nothing wrong was found." in fragment([digest()])


def test_two_transactions_with_one_id_are_two_rows() -> None:
    made = told()
    made.charges = [made.charges[0], made.charges[0]._replace(line=77)]
    html = fragment([made])
    assert html.count('<th scope="row">1701') == 2


# --- pictures -----------------------------------------------------------------------------------------------------


def test_a_ladder_frames_what_proves_and_names_its_line() -> None:
    made = told()
    shown = made.excerpt_of(made.findings[0])
    assert shown is not None
    picture = finding_ladder(shown)
    assert picture.svg.count("marked") == picture.svg.count("(marked)") + 2  # the step, and its rule in the style
    assert picture.svg.count('class="step marked"') == 1
    assert "20:20:04.000 · line 5" in picture.svg and ">20:20:04<" in picture.svg
    assert picture.alt.startswith("Ladder diagram") and "Heartbeat" in picture.alt


def test_a_log_without_times_is_told_by_its_lines() -> None:
    made = digest(finding(4), timed=False)
    shown = made.excerpt_of(made.findings[0])
    assert shown is not None
    picture = finding_ladder(shown)
    assert 'data-t="line 5"' in picture.svg
    assert "later" not in picture.svg and " ms" not in picture.svg.partition("</style>")[2]


def test_frames_left_out_and_a_new_connection_are_drawn() -> None:
    made = digest(finding(2, 30), calls=20)
    shown = made.excerpt_of(made.findings[0])
    assert shown is not None
    for each in shown.seen[-3:]:
        each.connection = 1
    svg = finding_ladder(shown).svg
    assert "more frames, not drawn" in svg
    assert "connection ended, and a new one begins" in svg


def test_who_sent_it_decides_the_way() -> None:
    made = digest(finding(4))
    shown = made.excerpt_of(made.findings[0])
    assert shown is not None
    shown.seen[0].sender = None
    marks = [event.mark for event in Story(shown).events]
    assert marks == ["<", ">", "<", ">", "<"]


def test_bars_and_strips_say_what_they_are() -> None:
    made = told()
    picture = timeline(made, made.stations["CP_1"])
    assert picture is not None
    assert "transaction 1701 7.21 kWh Local; transaction ? ? still open" in picture.alt
    assert "connector 1: Charging, Faulted" in picture.alt
    assert "<title>1701 · 7.21 kWh · TAG · Local</title>" in picture.svg
    assert "<title>Faulted (GroundFailure) from 20:20:40</title>" in picture.svg
    assert picture.svg.count('class="bar"') == picture.svg.count('class="bar open"') == 1
    assert picture.svg.count('class="spot"') == 1


def test_without_times_or_statuses_there_is_no_picture_over_time() -> None:
    made = told()
    assert timeline(made, Station("CP_9")) is None
    made.first = None
    assert timeline(made, made.stations["CP_1"]) is None


@pytest.mark.parametrize("seconds", [1, 5, 50, 600, 86_400, 40 * 86_400, 4000 * 86_400])
def test_an_axis_has_few_ticks_in_order(seconds: int) -> None:
    first = datetime(2026, 6, 6, 20, 20, tzinfo=UTC)
    axis = Axis(first, first + timedelta(seconds=seconds), 100, 700)
    places = [x for x, _ in axis.ticks()]
    assert 1 <= len(places) <= 9
    assert places == sorted(places) and places[0] >= 100 and places[-1] <= 700


def test_an_axis_keeps_what_is_outside_at_its_edge() -> None:
    axis = Axis(BEGIN, BEGIN + timedelta(seconds=10), 100, 700)
    assert axis.x(BEGIN - timedelta(days=1)) == 100
    assert axis.x(BEGIN + timedelta(days=1)) == 700
