"""`Sliders`: a drawing for each place of some sliders, made beforehand, so that it works without a kernel.

Where scripts run, the sliders are live. Elsewhere (GitHub, a notebook that is not trusted) stands the drawing of the
place where they begin.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import product
from typing import Any, NamedTuple

from .pen import box, colours, words
from .sheet import sheet
from .shown import THEMES, WIDTH
from .vector import embedded, script


class Knob(NamedTuple):
    """One slider: its name, its values, where it begins, and how a value is said."""

    name: str
    values: Sequence[Any]
    start: int
    say: Callable[[Any], str] = str


class Drawing(NamedTuple):
    """One place of the sliders: the finding, and the ``d`` of each path."""

    finding: str
    paths: Sequence[str]


class Sliders:
    """``draw(*values)`` is called for each combination, now. ``paints``: the classes of the paths that it returns;
    ``ground``: SVG that is the same for all, such as axes; ``height`` in pixels."""

    def __init__(
        self, knobs: Sequence[Knob], draw: Callable[..., Drawing], *, paints: Sequence[str], ground: str, height: int
    ) -> None:
        self.knobs = knobs
        self.paints = paints
        self.ground = ground
        self.height = height
        places = product(*(range(len(knob.values)) for knob in knobs))
        self.drawings: Mapping[tuple[int, ...], Drawing] = {
            place: draw(*(knob.values[at] for knob, at in zip(knobs, place, strict=True))) for place in places
        }
        self.start = tuple(knob.start for knob in knobs)

    @property
    def alt(self) -> str:
        """What is seen before a slider is moved, in words."""
        at = ", ".join(f"{knob.name} {knob.say(knob.values[knob.start])}" for knob in self.knobs)
        return f"{at}: {self.drawings[self.start].finding}"

    def __repr__(self) -> str:
        return f"Sliders: {self.alt}"

    def _svg(self, head: str = "") -> str:
        first = self.drawings[self.start]
        paths = "".join(f'<path class="d {paint}" d="{d}"/>' for paint, d in zip(self.paints, first.paths, strict=True))
        title = words(14, 26, first.finding, 14, "ink", 700).replace('class="', 'class="finding ', 1)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" role="img" '
            f'viewBox="0 0 {WIDTH} {self.height}" aria-label="{escape(first.finding)}">{head}'
            f"{box(0.5, 0.5, WIDTH - 1, self.height - 1, 10, 'raise', 'rule')}{title}{self.ground}{paths}</svg>"
        )

    def _repr_html_(self) -> str:
        return (
            f'{THEMES}<figure class="ol ol-sliders" style="margin:0" data-all="{self._all()}">'
            f"{embedded(self._svg(colours()), self.alt, WIDTH)}"
            f"<script>{script('sliders')}</script></figure>"
        )

    def _all(self) -> str:
        told = {
            "style": sheet("pen", "sliders"),
            "svg": self._svg(),
            "knobs": [[knob.name, [knob.say(value) for value in knob.values], knob.start] for knob in self.knobs],
            "frames": {",".join(map(str, place)): [one.finding, *one.paths] for place, one in self.drawings.items()},
        }
        return base64.b64encode(json.dumps(told, separators=(",", ":")).encode()).decode()
