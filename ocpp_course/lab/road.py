"""The road at night: a street lamp for each milestone, lit when it is passed. START shows all of it, a header its part.

Plain SVG with a sky of its own, so one file fits light, dark, GitHub and a notebook that is not trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from .night import Hour
from .pen import wide

WIDTH, GROUND = 1100, 40
"""Pixels; ``GROUND`` is the height of the road at the bottom."""
LONGEST = 560
"""Of a sentence, before it runs into the lamp; a longer one is written smaller."""
SKY = ((0.0, "#d98a5a"), (0.1, "#a5627a"), (0.26, "#4d4a7c"), (0.5, "#1f2b4d"), (0.8, "#111a30"), (1.0, "#0d1526"))
"""Where the night has which colour, from dusk to the small hours."""
GLOW, UNLIT, POLE = "#ffdf9a", "#aab6d3", "#7f8bab"
FONT = "system-ui,-apple-system,Segoe UI,Roboto,Noto Sans,sans-serif"


def road(hours: Sequence[Hour], height: int = 220) -> str:
    """The whole night. START's script lights its lamps and moves the car: groups ``on``, ``off`` and ``here``."""
    ground, step = height - GROUND, (WIDTH - 60) / len(hours)
    lamps = [_lamp(36 + place * step, ground, 58, each.time, lit=place == 0) for place, each in enumerate(hours)]
    here = f'<g class="here" transform="translate(36 0)">{_post(44, ground - 1)}{_car(80, ground - 3)}</g>'
    title = f"The motorway at night: {len(hours)} street lamps, one for each milestone"
    return _scene(height, title, (0.0, 1.0), [*lamps, here])


def header(hour: Hour, hours: Sequence[Hour], height: int = 132) -> str:
    """The part of the night around one hour, with the time and what happens."""
    ground, place = height - GROUND, hours.index(hour)
    part = (place / (len(hours) + 1), (place + 2) / (len(hours) + 1))
    pieces = [_lamp(616, ground, 58, hour.time, lit=True), _post(660, ground - 1), _car(696, ground - 3)]
    pieces += [_lamp(856, ground, 58, after.time, lit=False) for after in hours[place + 1 : place + 2]]
    title = f"{hour.time} on the motorway: the lamp of this hour is lit, and a car charges"
    return _scene(height, title, part, [*pieces, _words(hour.time, "Friday night", hour.happens)])


def warm_up_header(hours: Sequence[Hour], height: int = 132) -> str:
    """The road before the night begins: no lamp is lit, and the car is on its way."""
    ground = height - GROUND
    pieces = [_lamp(856, ground, 58, hours[0].time, lit=False), _post(900, ground - 1), _car(560, ground - 3)]
    words = _words("Warm-up", "Friday", "Half an hour before the night begins.")
    return _scene(height, "The road at dusk: no lamp is lit yet, and a car comes", (0.0, 0.3), [*pieces, words])


def _scene(height: int, title: str, part: tuple[float, float], pieces: Sequence[str]) -> str:
    ground = height - GROUND
    whole = f'width="{WIDTH}" height="{height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {whole} role="img" '
        f'aria-label="{title}" font-family="{FONT}"><defs>{_sky(part)}{_LIGHTS}'
        f'<clipPath id="round"><rect {whole} rx="12"/></clipPath></defs><g clip-path="url(#round)">'
        f'<rect {whole} fill="url(#sky)"/><g fill="#fff">{_stars(ground, part)}</g>'
        f'<path d="{_hills(ground)}" fill="#131c31" opacity=".9"/>'
        f'<rect y="{ground}" width="{WIDTH}" height="{GROUND}" fill="#0a101e"/>'
        f'<path d="M0 {ground + 3}H{WIDTH}" stroke="#52607f" stroke-width="1.5"/>{"".join(pieces)}</g></svg>\n'
    )


_LIGHTS = (
    '<linearGradient id="cone" x2="0" y2="1"><stop stop-color="#ffdf9a" stop-opacity=".42"/>'
    '<stop offset="1" stop-color="#ffdf9a" stop-opacity="0"/></linearGradient>'
    '<linearGradient id="beam"><stop stop-color="#fff4d0" stop-opacity=".55"/>'
    '<stop offset="1" stop-color="#fff4d0" stop-opacity="0"/></linearGradient>'
    '<linearGradient id="shade"><stop stop-color="#0d1526" stop-opacity=".78"/>'
    '<stop offset="1" stop-color="#0d1526" stop-opacity="0"/></linearGradient>'
)


def _sky(part: tuple[float, float]) -> str:
    begin, end = part
    inner = [(at, colour) for at, colour in SKY if begin < at < end]
    stops = [(begin, _colour(begin)), *inner, (end, _colour(end))]
    drawn = (f'<stop offset="{(at - begin) / (end - begin):.3f}" stop-color="{colour}"/>' for at, colour in stops)
    return f'<linearGradient id="sky">{"".join(drawn)}</linearGradient>'


def _colour(at: float) -> str:
    """The sky's colour at a place of the night, 0 to 1."""
    for (begin, first), (end, second) in pairwise(SKY):
        if begin <= at <= end:
            share = (at - begin) / (end - begin)
            pairs = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
            return "#" + "".join(f"{round(a * (1 - share) + b * share):02x}" for a, b in pairs)
    return SKY[-1][1]


def _stars(ground: int, part: tuple[float, float]) -> str:
    chance, (begin, end) = Random(7), part
    drawn = []
    for _ in range(WIDTH // 9):
        x, y, size = chance.uniform(0, WIDTH), chance.uniform(6, ground - 46), chance.choice((0.7, 0.9, 1.3))
        bright = max(0.0, min(0.85, (begin + (end - begin) * x / WIDTH) * 1.3 - 0.15))
        if bright:
            drawn.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{size}" opacity="{bright:.2f}"/>')
    return "".join(drawn)


def _hills(ground: int) -> str:
    chance = Random(11)
    waves = (
        f"Q{x + 60} {ground - chance.uniform(14, 44):.0f} {x + 120} {ground - 6}" for x in range(0, WIDTH + 20, 120)
    )
    return f"M0 {ground}{''.join(waves)}V{ground}Z"


def _lamp(x: float, ground: int, height: int, label: str, *, lit: bool) -> str:
    """Both looks are in the file, one of them not shown, so that a script can light the lamp."""
    top, middle = ground - height, x + 15
    text = f'<text x="{middle:g}" y="{ground + 25}" text-anchor="middle" font-size="15" font-weight="600"'
    bulb = f'<rect x="{x + 8:g}" y="{top - 2}" width="15" height="5.5" rx="2.7"'
    on = (
        f'<path d="M{middle:g} {top + 5}L{x - 24:g} {ground + 5}H{x + 58:g}Z" fill="url(#cone)"/>'
        f'<circle cx="{middle:g}" cy="{top + 3}" r="13" fill="{GLOW}" opacity=".26"/>'
        f'{bulb} fill="{GLOW}"/>{text} fill="{GLOW}">{label}</text>'
    )
    off = f'{bulb} fill="#64708c"/>{text} fill="{UNLIT}">{label}</text>'
    pole = f'<path d="M{x:g} {ground + 3}V{top + 8}q0-8 8-8h7" fill="none" stroke="{POLE}" stroke-width="2.6" />'
    shown = ("", ' display="none"') if lit else (' display="none"', "")
    return f'{pole}<g class="on"{shown[0]}>{on}</g><g class="off"{shown[1]}>{off}</g>'


def _car(x: float, y: float) -> str:
    wheel = 'cy="1" r="4.8" fill="#10182b" stroke="#cdd6e6" stroke-width="1.6"'
    return (
        f'<g transform="translate({x:g} {y:g})"><path d="M52-9 128-17V8L52-2Z" fill="url(#beam)"/>'
        '<path d="M0-4q0-7 8-8l6-8q2-3 6-3h13q4 0 7 3l7 8q7 1 7 8v4H0Z" fill="#e8edf3"/>'
        '<path d="m17-12 4.5-7h6v7zm13.5-7h3q2 0 3.5 2l4 5H30.5z" fill="#24304f"/>'
        f'<circle cx="12" {wheel}/><circle cx="42" {wheel}/></g>'
    )


def _post(x: float, y: float) -> str:
    """CP_1 in the night."""
    return (
        f'<g transform="translate({x:g} {y:g})" fill="none" stroke="#e8edf3" stroke-width="2" stroke-linecap="round" '
        'stroke-linejoin="round"><path d="M2 3V-30a3 3 0 0 1 3-3H17a3 3 0 0 1 3 3V3M-1 3H23" fill="#1f2b4d"/>'
        '<path d="M6-27H16v6H6Z" fill="#6cb8ff" stroke="#6cb8ff"/><path d="m12-17-3.4 5h4.4l-1.6 5" stroke="#ffdf9a"/>'
        '<path d="M20-20h3a2 2 0 0 1 2 2v9a2.5 2.5 0 0 0 5 0v-13"/></g>'
    )


def _words(big: str, small: str, sentence: str) -> str:
    """On a shade, because dusk is bright. The sentence stands in the notebook's text as well."""
    size = 17 if wide(sentence, 17) < LONGEST else 15
    return (
        f'<rect width="620" height="132" fill="url(#shade)"/><text x="28" y="46" font-size="34" font-weight="700" '
        f'fill="#fff" letter-spacing="-.5">{big}<tspan dx="14" font-size="17" font-weight="600" letter-spacing="0" '
        f'fill="{GLOW}">{small}</tspan></text><text x="28" y="78" font-size="{size}" fill="#e3e9f5">{sentence}</text>'
    )
