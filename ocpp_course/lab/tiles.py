"""The picture on each card of START: what the milestone is about, in the signs of the course, on a tile of night."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from .icons import PATHS
from .palette import DARK
from .road import FONT

NIGHT_PAPER, HALF, ON_UP = "#131c31", "#1b3a66", "#0b1420"
WIDE, HIGH = 320, 96


def tile(number: int) -> str:
    """The SVG file of a milestone's card. Raises LookupError for one that has no picture."""
    if number not in PICTURES:
        raise LookupError(f"expected a milestone of {[*PICTURES]}, came {number}; draw its picture in tiles.py")
    whole = f'width="{WIDE}" height="{HIGH}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" {whole} font-family="{FONT}">'
        f'<rect {whole} fill="{NIGHT_PAPER}"/>{PICTURES[number]()}</svg>\n'
    )


def _sign(name: str, x: float, y: float, size: float = 30, colour: str = DARK.ink) -> str:
    move = f"translate({x - size / 2:g} {y - size / 2:g}) scale({size / 24:g})"
    look = f'fill="none" color="{colour}" stroke="{colour}" stroke-width="1.5" stroke-linecap="round"'
    return f'<g transform="{move}" {look} stroke-linejoin="round">{PATHS[name]}</g>'


def _ends() -> str:
    return _sign("charge point", 34, 48) + _sign("central system", 286, 48)


def _stroke(path: str, colour: str = DARK.edge, more: str = "") -> str:
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-linecap="round" {more}/>'


def _pill(x: float, y: float, wide: float, text: str, fill: str, ink: str, edge: str) -> str:
    return (
        f'<rect x="{x:.0f}" y="{y - 9:.0f}" width="{wide:g}" height="18" rx="9" fill="{fill}" stroke="{edge}" '
        f'stroke-width="1.4"/><text x="{x + wide / 2:.0f}" y="{y + 3.6:.1f}" text-anchor="middle" font-size="10.5" '
        f'font-weight="600" fill="{ink}">{text}</text>'
    )


def _smoke_tests() -> str:
    cross = f'<path d="m191 53 10 10m0-10-10 10" stroke="{DARK.timeout}" stroke-width="2.6" stroke-linecap="round"/>'
    rows = (
        (18, DARK.result, 250, f'<circle cx="250" cy="18" r="5" fill="{DARK.result}"/>'),
        (38, DARK.error, 250, f'<rect x="245" y="33" width="10" height="10" rx="1.5" fill="{DARK.error}"/>'),
        (58, DARK.timeout, 196, cross),
        (78, DARK.lost, 150, f'<path d="M143 73h14l-7 11z" fill="{DARK.lost}"/>'),
    )
    return _ends() + "".join(_stroke(f"M66 {y}H{end - 9}", colour) + mark for y, colour, end, mark in rows)


def _router() -> str:
    drawn = _pill(22, 48, 70, "[2, id, …]", DARK.ink, NIGHT_PAPER, DARK.ink)
    for y, wide in ((18, 64), (38, 86), (58, 52), (78, 74)):
        found = y == 38
        fill, edge = (DARK.result, DARK.result) if found else (NIGHT_PAPER, DARK.edge)
        drawn += _stroke(f"M98 48C140 48 140 {y} 176 {y}", DARK.result if found else "#3a4866")
        drawn += f'<rect x="182" y="{y - 7.5}" width="{wide}" height="15" rx="4" fill="{fill}" stroke="{edge}"/>'
    middle = 'text-anchor="middle" font-size="10" font-weight="600"'
    return f'{drawn}<text x="225" y="41.6" {middle} fill="{ON_UP}">Authorize</text>'


def _reconnect() -> str:
    box = "".join(
        f'<rect x="58" y="{y}" width="30" height="9" rx="2.5" fill="{fill}" stroke="{DARK.result}"/>'
        for y, fill in ((32, HALF), (44, HALF), (56, DARK.result))
    )
    ends = _stroke("M96 60H150q6 0 8 6l3 9") + _stroke("M264 60H206q-6 0-8 6l-3 9")
    sparks = _stroke("M163 82l-3 6", DARK.lost) + _stroke("M192 82l3 6", DARK.lost)
    return _ends() + box + ends + _sign("cut", 178, 44, 28, DARK.lost) + sparks


def _correlation() -> str:
    crossed = ((24, 72, DARK.result), (48, 24, DARK.error), (72, 48, DARK.timeout))
    paths = "".join(_stroke(f"M66 {a}C150 {a} 180 {b} 250 {b}", colour) for a, b, colour in crossed)
    dots = "".join(
        f'<circle cx="64" cy="{a}" r="5" fill="{colour}"/>'
        f'<circle cx="254" cy="{b}" r="5" fill="{NIGHT_PAPER}" stroke="{colour}" stroke-width="2"/>'
        for a, b, colour in crossed
    )
    return _ends() + paths + dots


def _life() -> str:
    ring = '<ellipse cx="160" cy="48" rx="104" ry="32" fill="none" stroke="#3a4866" stroke-width="1.8"/>'
    drawn = ring + _stroke("M160 16A104 32 0 0 1 264 48", DARK.result)
    states = (
        ("booting", 58, HALF, DARK.ink, DARK.result),
        ("online", 54, DARK.result, ON_UP, DARK.result),
        ("lost", 40, NIGHT_PAPER, DARK.lost, DARK.lost),
        ("waiting", 56, NIGHT_PAPER, DARK.dim, DARK.edge),
    )
    for place, (word, wide, *look) in enumerate(states):
        angle = math.pi * (place - 1) / 2
        drawn += _pill(160 + 104 * math.cos(angle) - wide / 2, 48 + 32 * math.sin(angle), wide, word, *look)
    return drawn


def _metrics() -> str:
    heights = (6, 22, 54, 62, 40, 24, 13, 8, 5, 3, 3, 2, 2, 9, 14, 6)
    bars = "".join(
        f'<rect x="{36 + place * 15.5}" y="{80 - high}" width="12" height="{high}" rx="1.5" '
        f'fill="{DARK.timeout if place > 12 else DARK.result}"/>'
        for place, high in enumerate(heights)
    )
    mark = _stroke("M32 81H288") + _stroke("M237 14V81", DARK.ink, 'stroke-dasharray="3 4"')
    words = 'text-anchor="end" font-size="11" font-weight="600"'
    return f'{bars}{mark}<text x="231" y="22" {words} fill="{DARK.ink}">p99</text>'


PICTURES: Mapping[int, Callable[[], str]] = {
    1: _smoke_tests, 2: _router, 3: _reconnect, 4: _correlation, 5: _life, 6: _metrics,
}  # fmt: skip
