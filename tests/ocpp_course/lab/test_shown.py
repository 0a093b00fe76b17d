"""What is alive leaves a picture, which is the same whatever kernel it came from."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import ipywidgets as W
import pytest

from ocpp_course.lab import pen
from ocpp_course.lab.palette import DARK, LIGHT
from ocpp_course.lab.sheet import sheet
from ocpp_course.lab.shown import NOTE, WIDTH, Part, Shown, still


class Thing(Shown):
    def __init__(self) -> None:
        self.box = W.VBox([W.Button()]).add_class("ol-panel")

    def parts(self) -> list[Part]:
        return [Part(30, pen.words(5, 20, "hello & <you>")), Part(40, pen.pill(5, 5, "online", "up"))]

    def __repr__(self) -> str:
        return "Thing: it <stands>"


def test_an_output_holds_widget_picture_and_words() -> None:
    bundle = Thing()._repr_mimebundle_()
    assert bundle["text/html"].endswith(NOTE)
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == "Thing: it <stands>"
    assert 'alt="Thing: it &lt;stands&gt;"' in bundle["text/html"] and "<script" not in bundle["text/html"]


def test_a_picture_is_one_well_formed_image_with_both_themes() -> None:
    data = re.search(r"base64,([A-Za-z0-9+/=]+)", still(Thing().parts(), "a thing"))
    assert data
    root = ElementTree.fromstring(base64.b64decode(data[1]))
    assert (root.get("width"), root.get("height")) == (str(WIDTH), "72")
    style = "".join(node.text or "" for node in root.iter() if node.tag.endswith("style"))
    assert LIGHT.ink in style and DARK.ink in style and "prefers-color-scheme:dark" in style


def test_frozen_it_is_its_own_picture_in_place() -> None:
    thing = Thing()
    thing.freeze()
    assert [type(child) for child in thing.box.children] == [W.HTML]
    assert thing.picture() == thing.box.children[0].value and "ol-panel" not in thing.box._dom_classes


def test_whoever_has_no_parts_says_so() -> None:
    with pytest.raises(NotImplementedError):
        Shown().parts()


def test_every_paint_has_a_rule_in_live_outputs() -> None:
    """A shape whose class nobody knows is black in both themes."""
    from ocpp_course.lab.scene import Scene, inner

    drawn = inner(Scene("a", "online", faults={"ignore": "", "delay": "", "half-open": ""}))
    drawn += inner(Scene("a", "failed", False)) + inner(Scene("a", "booting"))
    rules, alone = sheet("pen"), pen.colours()
    used = {name for names in re.findall(r'class="([^"]+)"', drawn) for name in names.split()} - {"sign"}
    assert {name for name in used if f".ol .{name}{{" not in rules} == set()
    assert {name for name in used if f".{name}{{" not in alone} == set()
