"""A figure with sliders is whole without a script, and the same in every run."""

from __future__ import annotations

import base64
import json
import re
from xml.etree import ElementTree

from ocpp_course.lab.sliders import Drawing, Knob, Sliders


def sliders() -> Sliders:
    knobs = (Knob("wide", (1, 2, 3), 1, "{} px".format), Knob("way", ("left", "right"), 0))
    return Sliders(
        knobs,
        lambda wide, way: Drawing(f"{wide} to the {way}", (f"M0 0h{wide}",)),
        paints=("s-result bars",),
        ground="<g/>",
        height=100,
    )


def test_the_picture_is_where_the_sliders_begin() -> None:
    html = sliders()._repr_html_()
    assert 'alt="wide 2 px, way left: 2 to the left"' in html and html.count("<script>") == 1
    image = re.search(r"svg\+xml;base64,([A-Za-z0-9+/=]+)", html)
    assert image
    root = ElementTree.fromstring(base64.b64decode(image[1]))
    assert [path.get("d") for path in root.iter("{http://www.w3.org/2000/svg}path")] == ["M0 0h2"]
    assert repr(sliders()) == "Sliders: wide 2 px, way left: 2 to the left"


def test_every_place_is_in_it_and_nothing_else_is_needed() -> None:
    html = sliders()._repr_html_()
    data = re.search(r'data-all="([A-Za-z0-9+/=]+)"', html)
    assert data
    told = json.loads(base64.b64decode(data[1]))
    assert told["frames"] == {
        f"{a},{b}": [f"{wide} to the {way}", f"M0 0h{wide}"]
        for a, wide in enumerate((1, 2, 3))
        for b, way in enumerate(("left", "right"))
    }
    assert told["knobs"] == [["wide", ["1 px", "2 px", "3 px"], 1], ["way", ["left", "right"], 0]]
    assert html == sliders()._repr_html_()
    assert not re.search(r"https?://(?!www\.w3\.org)|\bid=|getElementById", html + json.dumps(told))
