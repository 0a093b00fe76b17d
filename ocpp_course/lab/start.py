"""START: the night as a page of cards. `page` is complete as Markdown; `dress` makes it beautiful where styles may run.

An untrusted notebook and GitHub show the Markdown: headings, pictures from files, links. A trusted one also runs the
output of the cell above it: a style sheet, and a script that asks JupyterLab, without a kernel, for
``exercises/my_stack/progress.json`` and lights the lamps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from .icons import mask
from .night import NIGHT, POINTS, WARM_UP, Hour, spoken
from .sheet import sheet
from .vector import script

PICTURES = "notebooks/pictures"
IN_A_ROW = 3
INTRODUCTION = (
    "A charge point at a motorway service area, a central system that is deployed on a Friday, and everything that "
    "OCPP has to survive between them. Read what went wrong, break it yourself, then build the part that survives."
)


def page(hours: Sequence[Hour] = NIGHT) -> str:
    """The Markdown of START, of a learner who has not begun. HTML without a blank line, so that it stays one block."""
    return "\n".join(['<div class="ol start">', *_hero(hours), _sums(hours), *_cards(hours), _beside(), "</div>"])


def _hero(hours: Sequence[Hour]) -> Iterator[str]:
    first = hours[0]
    warm_up = f'<a href="notebooks/{WARM_UP}.ipynb">Half an hour of warm-up</a>'
    yield f'<div class="hero"><div class="say"><h1>One bad Friday night</h1><p>{INTRODUCTION}</p>'
    yield f'<p><a class="go" href="notebooks/{first.stem}.ipynb"><b>Begin at {first.time}</b></a> '
    yield f'<span class="or">New to <code>await</code>? {warm_up}</span></p></div>'
    alt = f"The motorway at night: {len(hours)} street lamps, one for each milestone, from {first.time} on"
    yield f'<img class="road" src="{PICTURES}/night.svg" width="1100" alt="{alt}"></div>'


def _sums(hours: Sequence[Hour]) -> str:
    reading = spoken(sum(each.reading for each in hours))
    building = spoken(sum(each.building for each in hours))
    told = (
        f"<b>0</b> of {POINTS * len(hours)} points",
        f"<b>0</b> of {len(hours)} lamps lit",
        f"notebooks about <b>{reading}</b>, exercises about <b>{building}</b>",
        "nothing leaves this machine",
    )
    return f'<p class="sum">{" · ".join(f"<span>{each}</span>" for each in told)}</p>'


def _cards(hours: Sequence[Hour]) -> Iterator[str]:
    """A table, because that stands in rows without any style too."""
    yield '<table class="cards">'
    for begin in range(0, len(hours), IN_A_ROW):
        yield f"<tr>{''.join(map(_card, hours[begin : begin + IN_A_ROW]))}</tr>"
    yield "</table>"


def _beside() -> str:
    """What is no hour of the night."""
    told = (
        ("trace_viewer", "A log of your own", "drop it, and see what went wrong: SteVe, evcc, Home Assistant, …"),
        ("detective", "Detective", "an evening with one fault: which, and whose? Three levels, no end"),
    )
    links = (f'<a href="notebooks/{stem}.ipynb"><b>{name}</b></a>: <span>{more}</span>' for stem, name, more in told)
    return "".join(f'<p class="beside">{link}</p>' for link in links)


def _card(hour: Hour) -> str:
    picture = f'<img src="{PICTURES}/tile_{hour.number}.svg" width="320" alt="{escape(hour.picture)}">'
    read = _link("read", f"notebooks/{hour.stem}.ipynb", "Read", hour.reading)
    build = _link("build", f"exercises/{hour.stem}.ipynb", "Build", hour.building)
    return (
        f'<td class="card" width="33%" align="left" valign="top">{picture}<div class="body">'
        f'<p class="top"><b>{hour.time}</b> <span>{hour.number} · {escape(hour.name)}</span></p>'
        f"<h2>{escape(hour.question)}</h2>"
        f'<p class="what">{escape(hour.happens)} {escape(hour.goal)}</p>'
        f'<p class="nums"><span>{hour.steps} steps, a capstone</span> · <span class="points">{POINTS} points</span></p>'
        f'<p class="links">{read} {build}</p></div></td>'
    )


def _link(kind: str, target: str, words: str, minutes: int) -> str:
    return f'<a class="{kind}" href="{target}"><b>{words}</b> <small>{spoken(minutes)}</small></a>'


class Dress:
    """What the first cell of START shows: nothing but a style sheet and a script for the page below."""

    def __repr__(self) -> str:
        return "the look of this page"

    def _repr_html_(self) -> str:
        return f'<div class="ol dress">{sheet("start")}{_signs()}<script>{script("start")}</script></div>'


def dress() -> Dress:
    """The last expression of START's first cell."""
    return Dress()


def _signs() -> str:
    """The signs of the links, as masks: Markdown may hold no SVG."""
    rules = (
        f".ol.start .{kind}:{where} {{mask-image: {mask(sign, 1.7)}}}"
        for kind, where, sign in (
            ("go", "after", "next"),
            ("read", "before", "notebook"),
            ("build", "before", "exercise"),
            ("done", "before", "tick"),
        )
    )
    return f"<style>{' '.join(rules)}</style>"
