"""A diagram shows the table and nothing else: every edge once, as an arrow, a mark, and a word."""

from __future__ import annotations

import io
from itertools import combinations

import pytest
from PIL import Image

from ocpp_course.lab import diagram
from ocpp_course.lab.diagram import BOX, COLUMN, ROW, plan
from ocpp_lab import CONNECTION
from ocpp_lab.states import Table

LAMP = {"off": {"push": "on"}, "on": {"push": "off", "break": "broken", "burn": "broken"}, "broken": {}}
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
    assert diagram(LAMP, "The same title").png != diagram(mended, "The same title").png
    with Image.open(io.BytesIO(diagram(mended).png)) as image:
        assert image.width == 1520
