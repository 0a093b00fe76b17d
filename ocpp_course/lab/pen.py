"""Shapes of our own pictures, as SVG text. What they are painted with is a word of the look, never a colour.

A shape has classes: ``f-ink`` is filled with the ink, ``s-rule`` drawn with the colour of rules. `colours` says what
those are in a picture that stands alone; in a live output ``css/pen.css`` says it, with the tokens.
"""

from __future__ import annotations

from html import escape

from .icons import PATHS
from .palette import DARK, FAULT, LIGHT, ON_FAULT, Theme

FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"


def words(
    x: float, y: float, text: str, size: float = 12, paint: str = "ink", weight: int = 400, anchor: str = "start"
) -> str:
    """A line of text; ``y`` is its base line."""
    look = f'font-size="{size:g}" font-weight="{weight}" text-anchor="{anchor}"'
    return f'<text class="f-{paint}" x="{x:g}" y="{y:g}" {look}>{escape(text)}</text>'


def box(x: float, y: float, w: float, h: float, r: float = 0, fill: str = "none", edge: str = "none") -> str:
    """A rectangle with round corners."""
    return f'<rect class="f-{fill} s-{edge}" x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{r:g}"/>'


def sign(name: str, x: float, y: float, size: float = 14, paint: str = "ink", stroke: float = 1.9) -> str:
    """One of our signs; ``x`` and ``y`` are its upper left corner."""
    place = f'transform="translate({x:g} {y:g}) scale({size / 24:.3f})"'
    return f'<g class="sign c-{paint}" {place} stroke-width="{stroke:g}">{PATHS[name]}</g>'


def wide(text: str, size: float = 12, weight: int = 400) -> float:
    """About how wide a text is: nobody lays it out for us in an image."""
    narrow = sum(letter in " .,:;iltfrjI|'()" for letter in text)
    return (
        size * (0.60 * (len(text) - narrow) + 0.36 * narrow) * (1.13 if weight >= 700 else 1.05 if weight >= 600 else 1)
    )


def pill(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    """A word in a rounded frame; ``kind`` "", half, up, bad."""
    fill, edge, ink = {
        "": ("none", "edge", "dim"),
        "half": ("half", "result", "ink"),
        "up": ("result", "result", "on-up"),
        "bad": ("none", "lost", "lost"),
    }[kind]
    width = wide(text, 11, 600) + 18
    left = x - width / 2 if anchor == "middle" else x
    return box(left, y, width, 20, 10, fill, edge) + words(
        left + width / 2, y + 14, text, 11, ink, 600 if kind == "up" else 400, "middle"
    )


def badge(x: float, y: float, name: str, text: str, anchor: str = "start") -> str:
    """A fault that is on: amber, with its sign."""
    width = wide(text, 11, 700) + 34
    left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
    return (
        box(left - 2, y - 2, width + 4, 26, 8, "raise")
        + box(left, y, width, 22, 6, "fault")
        + sign(name, left + 6, y + 4, 14, "on-fault", 2)
        + words(left + 24, y + 15, text, 11, "on-fault", 700)
    )


def colours() -> str:
    """The ``<style>`` of a picture that stands alone: light, and dark where the reader asked for dark."""
    return (
        f"<style>svg{{font-family:{FONT};font-variant-numeric:tabular-nums}}"
        ".bars{fill:none;stroke-width:4}.marks{fill:none;stroke-width:2}.dashed{stroke-dasharray:5 4}"
        ".sign{fill:none;stroke:currentColor;stroke-linecap:round;stroke-linejoin:round}"
        f"{_rules(LIGHT, '#ffffff', '#dcebff', '#ffffff')}"
        f"@media(prefers-color-scheme:dark){{{_rules(DARK, '#0b1420', '#15304f', '#171b21')}}}</style>"
    )


def _rules(theme: Theme, on_up: str, half: str, raised: str) -> str:
    paints = theme._asdict() | {
        "on-up": on_up, "half": half, "raise": raised, "fault": FAULT, "on-fault": ON_FAULT, "none": "none",
    }  # fmt: skip
    return "".join(
        f".f-{name}{{fill:{value}}}.s-{name}{{stroke:{value}}}.c-{name}{{color:{value}}}"
        for name, value in paints.items()
    )
