"""One style for every figure: what a colour means, how large a letter is, and how a picture gets its alternative text.

Colour means outcome (curriculum, section 8), each with a marker of its own, so that nothing is told by colour alone.
The set is that of Okabe and Ito, which colour-blind readers tell apart.
"""

from __future__ import annotations

import base64
import html
import io
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

WIDTH = 760
"""CSS pixels; a notebook in JupyterLab is a little wider."""

PER_INCH = 100
"""CSS pixels that one inch of a figure becomes on the page."""

SHARPNESS = 2
"""Pixels of the picture for each CSS pixel: sharp on screens of double density."""

INK, FAINT, RULE = "#262626", "#6b6b6b", "#d9d9d9"

STATES = {"up": "#0072B2", "waiting": "#BDBDBD", "booting": "#F0E442", "pending": "#F0E442", "failed": "#D55E00"}
"""Colours of a connection's states."""


class Look(NamedTuple):
    """How an outcome is drawn."""

    colour: str
    marker: str
    hatch: str = ""
    hollow: bool = False


OUTCOMES: dict[str, Look] = {
    "result": Look("#0072B2", "o"),
    "CallError": Look("#E69F00", "s", "//"),
    "malformed": Look("#E69F00", "s", "\\\\", hollow=True),
    "timeout": Look("#D55E00", "X", "xx"),
    "lost": Look("#000000", "v", "..."),
    "late": Look("#CC79A7", "D", "++", hollow=True),
    "repeated": Look("#CC79A7", "D", "++", hollow=True),
    "orphan": Look("#CC79A7", "D", "++", hollow=True),
    "not sent": Look("#8C8C8C", "o", "---", hollow=True),
    "waiting": Look("#8C8C8C", "|", "///"),
}
"""Every way a call or a reply can end. *malformed*: the result came and cannot be read. *not sent*: nothing left."""

RC: Any = {  # its keys are a type of their own in matplotlib's stubs
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "hatch.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "lines.markersize": 7,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
}


class _Margins(ConstrainedLayoutEngine):
    """Everything in its place, and air around it."""

    def __init__(self) -> None:
        super().__init__(w_pad=0.1, h_pad=0.06)


class Picture:
    """A figure as a notebook shows it. ``alt`` is compared by `pytest --nbval`, so it holds facts and no times."""

    def __init__(self, png: bytes, alt: str, width: int) -> None:
        self.png = png
        self.alt = alt
        self.width = width

    def _repr_html_(self) -> str:
        # JupyterLab gives a bare PNG no alternative text; only an <img> of our own has one.
        data = base64.b64encode(self.png).decode()
        style = f"width:{self.width}px;max-width:100%;height:auto"
        image = f'<img alt="{html.escape(self.alt)}" style="{style}" src="data:image/png;base64,{data}">'
        return f'<figure style="margin:0">{image}</figure>'

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"

    def save(self, path: str | Path) -> None:
        """Write the PNG to a file."""
        Path(path).write_bytes(self.png)


def subplots(height: int = 300, *, rows: int = 1, width: int = WIDTH, **options: Any) -> tuple[Figure, Any]:
    """A figure of so many CSS pixels in this style, and its axes. pyplot does not know it: nothing has to be closed."""
    with matplotlib.rc_context(RC):
        fig = Figure(figsize=(width / PER_INCH, height / PER_INCH), layout=_Margins())
        return fig, fig.subplots(rows, **options)


def wrapped(finding: str) -> list[str]:
    """A title in lines that fit the width of a figure."""
    return textwrap.wrap(finding, 80)


def title(ax: Axes, finding: str) -> None:
    """The finding above a plot, from the left edge of the figure, in lines that fit."""
    fig = ax.figure.figure
    fig.suptitle("\n".join(wrapped(finding)), x=0.012, ha="left", fontsize=11.5, fontweight="bold", color=INK)


def figure(fig: Figure, alt: str) -> Picture:
    """The figure, drawn once, with its alternative text: the finding and the counts, and nothing that varies."""
    if not alt.strip():
        raise ValueError("expected an alternative text that says what the figure shows, came an empty one")
    fig.set_dpi(PER_INCH * SHARPNESS)
    canvas = FigureCanvasAgg(fig)
    with matplotlib.rc_context(RC):
        canvas.draw()  # type: ignore[no-untyped-call]
    return Picture(_png(canvas), alt, round(fig.get_figwidth() * PER_INCH))


def _png(canvas: FigureCanvasAgg) -> bytes:
    """In 128 colours: a third of the size, so that notebooks with outputs stay small in git."""
    pixels = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
    image = Image.frombuffer("RGBA", canvas.get_width_height(), pixels, "raw", "RGBA", 0, 1)
    png = io.BytesIO()
    image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(png, format="PNG", optimize=True)
    return png.getvalue()
