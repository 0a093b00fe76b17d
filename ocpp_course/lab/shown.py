"""`Shown`: what is alive in a notebook, and leaves a picture behind where it cannot live.

A widget needs its kernel. So each output of one holds three things: the widget; a picture of how it stood, for GitHub,
for a notebook that is not trusted, and for tomorrow (`ocpp_course.saving` drops the widget when JupyterLab saves); and
a line of text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import ipywidgets as W

from .pen import box, colours
from .vector import embedded

WIDTH = 760
THEMES = (
    '<style>[data-jp-theme-light="true"] .ol{color-scheme:light}[data-jp-theme-light="false"] .ol{color-scheme:dark}'
    "</style>"
)
"""An image follows the theme of JupyterLab by this, and that of the reader's machine without."""

NOTE = '<p style="margin:2px 0;font-size:11px">A picture. Run this cell, and it is alive.</p>'
"""Where the widget is not: in a file, and in a notebook without a kernel."""


class Part(NamedTuple):
    """A piece of a picture: so high (px), with so much SVG in it."""

    height: float
    svg: str


class Shown:
    """Somebody with a ``box`` of widgets, ``parts`` of a picture, and an ``alt`` that is the same in every run."""

    box: W.DOMWidget

    @property
    def alt(self) -> str:
        """What the picture shows, in words. Compared between runs, as the picture is not."""
        return repr(self)

    def parts(self) -> list[Part]:
        """How it stands now, from top to bottom."""
        raise NotImplementedError

    def picture(self) -> str:
        """How it stands now, as HTML that needs neither kernel nor script."""
        return still(self.parts(), self.alt)

    def freeze(self) -> None:
        """Show the picture in the place of the widgets, wherever they are shown."""
        self.box.children = [W.HTML(self.picture())]
        self.box.remove_class("ol-panel")  # the picture has its own frame

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**options)
        return bundle | {"text/html": self.picture() + NOTE, "text/plain": repr(self)}


def still(parts: Sequence[Part], alt: str) -> str:
    """One image of these pieces, one above the other, in a frame."""
    height = sum(part.height for part in parts) + 2
    drawn, y = [], 1.0
    for number, part in enumerate(parts):
        rule = f'<path class="s-rule" d="M1 {y:g}h{WIDTH - 2}"/>' if number else ""
        drawn.append(f'<g transform="translate(0 {y:g})">{part.svg}</g>{rule}')
        y += part.height
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}" '
        f'viewBox="0 0 {WIDTH} {height:g}">{colours()}'
        f'<clipPath id="c"><rect x="1" y="1" width="{WIDTH - 2}" height="{height - 2:g}" rx="10"/></clipPath>'
        f'{box(0.5, 0.5, WIDTH - 1, height - 1, 10, "raise")}<g clip-path="url(#c)">{"".join(drawn)}</g>'
        f"{box(0.5, 0.5, WIDTH - 1, height - 1, 10, 'none', 'rule')}</svg>"
    )
    return image(svg, alt, WIDTH)


def image(svg: str, alt: str, width: int) -> str:
    """An SVG that knows both themes, as an image that takes the one of the page."""
    return f'{THEMES}<figure class="ol" style="margin:0">{embedded(svg, alt, width)}</figure>'
