"""Controls keep their size, show counts, and are drawn as a picture as they stand."""

from __future__ import annotations

from xml.etree import ElementTree

import ipywidgets as W

from ocpp_course.lab import controls
from ocpp_course.lab.shown import Part


def test_a_count_changes_the_words_and_not_the_width() -> None:
    toggle = controls.toggle("ignore", "Says nothing.")
    width = toggle.layout.width
    for times, shown in ((0, "ignore"), (3, "ignore 3×"), (1000, "ignore 99×")):
        controls.count(toggle, "ignore", times)
        assert (toggle.description, toggle.layout.width) == (shown, width)
    assert toggle.tooltip == "Says nothing." and "i-ignore" in toggle._dom_classes


def test_a_class_is_given_and_taken_once() -> None:
    toggle = controls.toggle("ignore", "")
    controls.mark(toggle, "waits", False)
    controls.mark(toggle, "waits", True)
    controls.mark(toggle, "waits", True)
    assert toggle._dom_classes.count("waits") == 1
    controls.mark(toggle, "waits", False)
    assert "waits" not in toggle._dom_classes


def test_what_is_told_is_a_live_region_and_escaped() -> None:
    line = controls.status()
    controls.tell(line, "a < b", trouble="<gone>")
    assert 'role="status"' in line.value and "a &lt; b" in line.value and "&lt;gone&gt;" in line.value


def test_a_row_is_drawn_as_it_stands_and_wraps() -> None:
    toggles = [
        controls.toggle(name, "") for name in ("ignore", "delay", "CallError", "answer twice", "garbage", "refuse")
    ]
    toggles[1].value = True
    things: list[W.Widget] = [
        controls.choice("action", ["any call", "Heartbeat"]),
        controls.slider("seconds", 2.0, most=8, step=0.25, digits=".2f"),
        controls.whole("interval", 300, least=1, most=600),
        controls.button("go", "", main=True),
        *toggles,
    ]
    part = controls.drawn(controls.row("answers", things))
    assert isinstance(part, Part) and part.height > 2 * controls.LINE
    root = ElementTree.fromstring(f"<svg>{part.svg}</svg>")
    words = ["".join(text.itertext()) for text in root.iter("text")]
    assert words[0] == "answers" and {"any call", "2.00", "300", "delay"} <= set(words)
    assert part.svg.count("f-fault") == 1
    assert max(float(box.get("x", 0)) + float(box.get("width", 0)) for box in root.iter("rect")) <= 760


def test_a_long_status_is_two_lines_at_most() -> None:
    part = controls.said("word " * 200)
    assert part.svg.count("<text") == 2 and part.height == controls.said("short").height
