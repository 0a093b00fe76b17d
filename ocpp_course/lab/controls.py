"""What can be pressed, in the look of the course: toggles, buttons, sliders, in rows with a head, on a card.

Every piece has a fixed size, so nothing jumps under the mouse when a count grows. `drawn` and `said` are the same card
as a picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from textwrap import wrap
from typing import Any

import ipywidgets as W

from .icons import PATHS, mask
from .pen import box, sign, wide, words
from .sheet import sheet
from .shown import WIDTH, Part

HEAD, GAP, LINE, EDGE = 96, 6, 34, 12
"""Pixels: of a row's head, between two controls, from one line of controls to the next, at the card's edges."""


def toggle(label: str, tip: str) -> W.ToggleButton:
    """A switch, with room for how often it acted."""
    made = W.ToggleButton(description=label, tooltip=tip, layout=_width(wide(label, 12.5, 500) + 74))
    return _signed(made, label)


def button(label: str, tip: str, *, name: str = "", main: bool = False) -> W.Button:
    """Something that happens once. ``name``: of its sign, if it is not the label's."""
    made = W.Button(description=label, tooltip=tip, layout=_width(wide(label, 12.5, 700) + 52))
    return _signed(made.add_class("go") if main else made, name or label)


def slider(label: str, value: float, *, most: float, step: float, digits: str, width: int = 236) -> W.FloatSlider:
    """From 0 in steps of a power of two: the browser's slider calculates with floats and sends back what it got, and a
    value that it changes by 1e-16 would arrive late and undo what Python has set meanwhile."""
    return W.FloatSlider(
        value,
        min=0,
        max=most,
        step=step,
        readout_format=digits,
        description=label,
        layout=_width(width),
        style=_described(label),
    )


def whole(label: str, value: int, *, least: int, most: int, step: int = 1, width: int = 236) -> W.IntSlider:
    """A slider of whole numbers."""
    return W.IntSlider(
        value, min=least, max=most, step=step, description=label, layout=_width(width), style=_described(label)
    )


def choice(label: str, options: Iterable[str], width: int = 222) -> W.Dropdown:
    """A drop-down."""
    return W.Dropdown(options=list(options), description=label, layout=_width(width), style=_described(label))


def row(head: str, things: Iterable[W.Widget]) -> W.Box:
    """Controls that belong together, and what they are for."""
    name = W.HTML(escape(head)).add_class("ol-head")
    return W.Box([name, W.Box([*things]).add_class("ol-things")]).add_class("ol-row")


def status() -> W.HTML:
    """The line that says what is on. A live region, because a toggle button does not tell a screen reader its state."""
    return W.HTML().add_class("ol-said")


def card(*pieces: W.Widget) -> W.VBox:
    """The pieces in a frame, with their style."""
    style = W.HTML(sheet("pen", "panel") + _signs(), layout=W.Layout(display="none"))
    return W.VBox([style, *pieces]).add_class("ol").add_class("ol-panel")


def count(of: W.ToggleButton, label: str, times: int) -> None:
    """Show how often a fault acted."""
    shown = f"{label} {min(times, 99)}×" if times else label
    if of.description != shown:  # only a change is sent to the browser
        of.description = shown


def mark(widget: W.DOMWidget, name: str, on: bool) -> None:
    """Give a widget a class, or take it."""
    if on:
        widget.add_class(name)
    elif name in widget._dom_classes:
        widget.remove_class(name)


def tell(where: W.HTML, text: str, *, trouble: str = "") -> None:
    """Set a status line; ``trouble`` is what went wrong: it comes first, because there is room for two lines only."""
    failed = f'<b class="lost">{escape(trouble)}</b> · ' if trouble else ""
    shown = f'<p role="status" class="ol-status" title="{escape(text)}">{failed}{escape(text)}</p>'
    if where.value != shown:
        where.value = shown


# -- the same as a picture


def drawn(of: W.Box) -> Part:
    """A row of controls as it stands."""
    head, things = of.children
    x, y, out = float(HEAD), 8.0, [words(EDGE, 27, head.value, 12, "ink", 600)]
    for thing in things.children:
        width = float(str(thing.layout.width or "0").removesuffix("px"))
        if x + width > WIDTH - EDGE and x > HEAD:
            x, y = float(HEAD), y + LINE
        out.append(_drawn(thing, x, y, width))
        x += width + GAP
    return Part(y + 28 + 8, "".join(out))


def said(text: str) -> Part:
    """A status line as it stands."""
    lines = wrap(text, 112)[:2] or [""]
    told = "".join(words(EDGE, 20 + 17 * number, line, 12, "dim") for number, line in enumerate(lines))
    return Part(44, box(0, 0, WIDTH, 44, 0, "soft") + told)


def _drawn(thing: Any, x: float, y: float, width: float) -> str:
    if isinstance(thing, W.ToggleButton | W.Button):
        on = isinstance(thing, W.ToggleButton) and thing.value
        main = "go" in thing._dom_classes
        waits = "waits" in thing._dom_classes
        fill, edge, ink = (
            _WAITS
            if waits
            else ("fault", "fault", "on-fault")
            if on
            else ("result", "none", "on-up")
            if main
            else _PLAIN
        )
        names = [name for name in map(str, thing._dom_classes) if name.startswith("i-")]
        of_sign = _BY_CLASS.get(names[0], "") if names else ""
        shape = sign(of_sign, x + 9, y + 6, 15, ink) if of_sign else ""
        text = words(x + (29 if of_sign else 12), y + 18.5, thing.description, 12.5, ink, 700 if on else 500)
        return box(x, y, width, 28, 7, fill, edge) + shape + text
    if isinstance(thing, W.Dropdown):
        at = x + wide(thing.description, 12) + 8
        return (
            words(x, y + 18.5, thing.description, 12, "dim")
            + box(at, y, x + width - at, 28, 7, "none", "edge")
            + words(at + 8, y + 18.5, str(thing.value), 12.5)
        )
    if isinstance(thing, W.FloatSlider | W.IntSlider):
        share = (thing.value - thing.min) / (thing.max - thing.min)
        left, room = x + wide(thing.description, 12) + 12, width - wide(thing.description, 12) - 72
        value = format(thing.value, thing.readout_format)
        return (
            words(x, y + 18.5, thing.description, 12, "dim")
            + box(left, y + 12, room, 4, 2, "rule")
            + f'<circle class="f-raise s-edge" cx="{left + 7 + share * (room - 14):.1f}" cy="{y + 14}" r="7"/>'
            + words(x + width - 50, y + 18.5, value, 12)
        )
    return ""


_PLAIN = ("none", "edge", "ink")
_WAITS = ("none", "fault", "ink")
_BY_CLASS = {"i-" + name.replace(" ", "-"): name for name in PATHS}


def _signed[T: W.DOMWidget](widget: T, name: str) -> T:
    if name in PATHS:
        widget.add_class("i-" + name.replace(" ", "-"))
    return widget


def _width(pixels: float) -> W.Layout:
    return W.Layout(width=f"{pixels:.0f}px")


def _described(label: str) -> dict[str, str]:
    return {"description_width": f"{wide(label, 12, 700) + 12:.0f}px"}


@cache
def _signs() -> str:
    """A sign before a button's words: a mask, so that it takes the colour of the words."""
    rules = [
        f".ol .{cls}::before{{-webkit-mask-image:{(u := mask(n, 1.9))};mask-image:{u}}}" for cls, n in _BY_CLASS.items()
    ]
    return f"<style>{''.join(rules)}</style>"
