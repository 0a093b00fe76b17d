"""`Vector`: a picture that is text, one SVG that fits light and dark, in a figure with its alternative text.

Where scripts run (JupyterLab, a page made by nbconvert) one of ``js/`` puts the SVG itself in place of the image: it
then follows the theme of the page, and a ladder can be stepped through. Where none run the image stays, complete.
"""

from __future__ import annotations

import base64
import html
import re
from functools import cache
from pathlib import Path

from . import letters
from .sheet import rules

FOLDER = Path(__file__).parent / "js"
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What a peer may send and an SVG may not hold."""
TITLE, TITLE_LINE = 15, 21
"""CSS pixels: the letters of a finding, and from one of its lines to the next."""


class Vector:
    """An SVG as a notebook shows it. ``alt`` is compared by `pytest --nbval`, so it holds facts and no times.

    ``script`` names the file of ``js/`` that makes it live.
    """

    def __init__(self, svg: str, alt: str, width: int, script: str = "vector") -> None:
        self.svg = svg
        self.alt = alt
        self.width = width
        self.script = script

    def picture(self) -> str:
        """The figure as static HTML: no script, nothing that changes."""
        image = embedded(self.svg, self.alt, self.width)
        return f'<figure class="ol-{self.script}" style="margin:0">{image}</figure>'

    def _repr_html_(self) -> str:
        return self.picture().replace("</figure>", f"<script>{script(self.script)}</script></figure>")

    def live(self) -> str:
        """The SVG itself, to be put into a page that it takes its theme from: the value of a widget."""
        return self.svg.replace(' still"', '"', 1)

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"

    def save(self, path: str | Path) -> None:
        """Write the SVG to a file. Raises ValueError for a name that promises another kind of picture."""
        if Path(path).suffix != ".svg":
            raise ValueError(f"expected a file name that ends in .svg, came {path}; this picture is an SVG")
        Path(path).write_text(self.svg, encoding="utf-8")


def svg(parts: str, size: tuple[int, int], alt: str, *styles: str) -> str:
    """A whole SVG on a card of its own: ``parts``, drawn on so many CSS pixels, styled by files of ``css/``.

    The first of the ``styles`` is also the picture's class, for their rules reach all over the page.
    The image of it is light everywhere; ``still`` is the class that says so, and the script takes it off. Styles whose
    name ends in ``_live`` are for who steps through it; a still picture can do without.
    """
    width, height = size
    still = [name for name in styles if not name.endswith("_live")]
    live = [name for name in styles if name.endswith("_live")]
    style = f"<style>{rules('tokens', 'vector', *still)}</style>"
    style += f'<style class="live">{rules(*live)}</style>' if live else ""
    parts = f'<rect class="card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10"/>{parts}'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ol vec {styles[0]} still" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escaped(alt)}">{style}'
        f'<g class="ink">{parts}</g></svg>'
    )


def embedded(svg: str, alt: str, width: int) -> str:
    """An SVG as an ``<img>`` that holds all of it."""
    data = base64.b64encode(svg.encode()).decode()
    look = f'width="{width}" style="max-width:100%;height:auto"'  # GitHub drops the style and keeps the width
    return f'<img alt="{html.escape(alt)}" {look} src="data:image/svg+xml;base64,{data}">'


def escaped(text: str) -> str:
    """Any text as it may stand in an SVG."""
    return html.escape(NO_XML.sub("�", text))


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """One line of text; ``kind`` is its class."""
    ends = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{kind}" x="{number(x)}" y="{number(y)}"{ends}>{escaped(words)}</text>'


def heading(finding: str, width: int) -> tuple[str, int]:
    """A finding at the top of a picture so wide, in as many lines as it needs; and the CSS pixels that they take."""
    lines = letters.lines(finding, width - 32, TITLE, bold=True)
    return "".join(text(16, 30 + TITLE_LINE * n, line, "finding") for n, line in enumerate(lines)), TITLE_LINE * len(
        lines
    )


def number(value: float) -> str:
    """A coordinate, to a tenth of a CSS pixel."""
    return f"{value:.1f}".removesuffix(".0")


@cache
def script(name: str) -> str:
    """A file of ``js/`` without its comments and indentation, as it stands in an output. Raises FileNotFoundError."""
    source = (FOLDER / f"{name}.js").read_text(encoding="utf-8")
    lines = [line.strip() for line in source.splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("//"))
