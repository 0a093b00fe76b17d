"""A diagram shows the table and nothing else: every edge once, as an arrow, a mark, and a word."""

from __future__ import annotations

from itertools import combinations
from xml.etree.ElementTree import Element, fromstring

import pytest

from ocpp_course.lab import diagram
from ocpp_course.lab.edges import BOX, COLUMN, ROW, SIGNS, shapes
from ocpp_course.lab.plan import plan
from ocpp_course.lab.state_picture import Moment, state_picture
from ocpp_lab import CONNECTION
from ocpp_lab.states import Table

LAMP = {"off": {"push": "on"}, "on": {"push": "off", "break": "broken", "burn": "broken"}, "broken": {}}
SVG = "{http://www.w3.org/2000/svg}"
TABLES = {"lamp": LAMP, "connection": CONNECTION}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_edge_is_drawn_once(table: Table) -> None:
    """DESIGN.md, decision 4: diagrams are generated."""
    made = plan(table)
    drawn = [(source, event, target) for (source, target), events in made.arrows.items() for event in events]
    drawn += [(source, event, target) for event, (target, sources) in made.marks.items() for source in sources]
    assert sorted(drawn) == sorted((s, event, target) for s, row in table.items() for event, target in row.items())


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_state_has_a_place_of_its_own(table: Table) -> None:
    """No two boxes touch."""
    places = plan(table).places
    assert set(places) == set(table)
    for (x1, y1), (x2, y2) in combinations(places.values(), 2):
        assert abs(x1 - x2) * COLUMN > BOX[0] or abs(y1 - y2) * ROW > BOX[1]


def test_what_leads_to_one_state_from_everywhere_is_a_mark() -> None:
    """Those of a connection: *closed*, *failed*, *lost*, *stop*. Two events between two states share one arrow."""
    marks = plan(CONNECTION).marks
    assert {event: (target, len(sources)) for event, (target, sources) in marks.items()} == {
        "closed": ("closing", 5), "failed": ("failed", 8), "lost": ("waiting", 7), "stop": ("stopped", 10),
    }  # fmt: skip
    assert not plan(LAMP).marks
    assert plan(LAMP).arrows["on", "broken"] == ["break", "burn"]


def test_the_first_state_stands_left_and_the_others_follow_it() -> None:
    columns = {state: column for state, (column, _) in plan(CONNECTION).places.items()}
    assert columns["disconnected"] == 0 < columns["connecting"] < columns["booting"] < columns["pending"]
    assert columns["waiting"] < columns["connecting"]


def test_the_alternative_text_says_every_edge() -> None:
    said = diagram(LAMP).alt
    assert "3 states, 4 edges" in said
    assert "From off: push to on." in said
    assert "From on: push to off; break to broken; burn to broken." in said
    assert "From broken: nothing." in said


def test_another_table_gives_another_picture() -> None:
    mended = LAMP | {"broken": {"mend": "off"}}
    assert diagram(LAMP, "The same title").svg != diagram(mended, "The same title").svg
    assert diagram(LAMP, "A title", alt="Some words").alt == "Some words"


# --- drawn --------------------------------------------------------------------------------------------------------


def groups(svg: str, kind: str) -> list[Element]:
    """The groups of this class."""
    return [group for group in fromstring(svg).iter(f"{SVG}g") if kind in (group.get("class") or "").split()]


def words(element: Element) -> list[str]:
    return [text.text or "" for text in element.iter(f"{SVG}text")]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_picture_holds_every_state_and_every_arrow(table: Table) -> None:
    made, svg = plan(table), diagram(table).svg
    assert sorted(word for state in groups(svg, "state") for word in words(state)) == sorted(table)
    assert [words(edge) for edge in groups(svg, "edge")] == list(made.arrows.values())
    inside = sum(len(sources) for _, sources in made.marks.values())
    assert len(groups(svg, "mark")) == inside + len(made.marks), "each mark is explained once"


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_everything_is_on_the_card(table: Table) -> None:
    root = fromstring(diagram(table).svg)
    wide, high = float(root.get("width", 0)), float(root.get("height", 0))
    for rect in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(rect.get(name, 0)) for name in ("x", "y", "width", "height"))
        assert x >= 0 and x + w <= wide and y >= 0 and y + h <= high
    assert all(
        0 <= float(text.get("x", -1)) <= wide and 0 <= float(text.get("y", -1)) <= high
        for text in root.iter(f"{SVG}text")
    )


def test_an_arrow_never_hides_behind_a_box() -> None:
    """One that leads past a state goes around it, and one that leads back to its own state is a loop: both are bent."""
    ring = {"a": {"on": "b"}, "b": {"x": "c1", "y": "c2", "z": "c3"}, "c1": {}, "c2": {"y": "c2"}, "c3": {"up": "c1"}}
    bent = [words(edge) for edge in groups(diagram(ring).svg, "edge") if "C" in (edge[0].get("d") or "")]
    assert bent == [["y"], ["up"]]


def test_each_event_that_is_a_mark_has_its_own_sign() -> None:
    """What is an outcome has that of the palette."""
    chosen = shapes(["closed", "failed", "lost", "stop"])
    assert chosen["lost"] == "lost"
    assert len(set(chosen.values())) == 4 and set(chosen.values()) <= SIGNS.keys()


# --- at work ------------------------------------------------------------------------------------------------------


def test_the_state_that_it_is_in_is_lit_and_no_other() -> None:
    svg = state_picture(CONNECTION, moment=Moment("booting")).svg
    assert [words(state) for state in groups(svg, "on")] == [["booting"]]
    assert len(groups(svg, "off")) == len(CONNECTION) - 1
    assert not groups(svg, "last")
    assert not groups(state_picture(CONNECTION).svg, "on"), "a table by itself is nowhere"


def test_the_last_edge_flashes_be_it_an_arrow_or_a_mark() -> None:
    by_arrow = state_picture(CONNECTION, moment=Moment("booting", ("connecting", "opened", "booting"))).svg
    assert [words(edge) for edge in groups(by_arrow, "last")] == [["opened"]]
    by_mark = state_picture(CONNECTION, moment=Moment("waiting", ("online", "lost", "waiting"))).svg
    assert [group.get("class") for group in groups(by_mark, "last")] == ["mark lost last"]


def test_a_back_off_says_what_is_left_of_it() -> None:
    svg = state_picture(CONNECTION, moment=Moment("waiting", wait=4.0, left=1.0)).svg
    bars = {rect.get("class"): float(rect.get("width", 0)) for rect in fromstring(svg).iter(f"{SVG}rect")}
    assert bars["rest"] == bars["whole"] / 4
    assert "dials in 1 s" in words(fromstring(svg))
    assert "dials in" not in state_picture(CONNECTION, moment=Moment("online")).svg
