"""One style for every figure: how large a letter is, and how a picture gets its alternative text.

matplotlib is imported when the first plot is drawn: it takes longer than everything else here, and many notebooks
begin with panels. So it is imported inside functions, and a function that draws is `styled`.
"""

from __future__ import annotations

import base64
import html
import io
import textwrap
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import drawing_library
from .looks import FAINT, INK, OUTCOMES, PAPER, RULE, STATES, Look
from .sheet import bare

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

__all__ = [
    "FAINT", "INK", "OUTCOMES", "PER_INCH", "RC", "RULE", "STATES", "WIDE", "WIDTH", "Look", "Picture", "figure",
    "styled", "subplots", "title", "wrapped",
]  # fmt: skip

WIDTH, WIDE = 760, 1100
"""CSS pixels; a notebook in JupyterLab is a little wider. Much time on the axis takes the wide one."""

PER_INCH = 100
"""CSS pixels that one inch of a figure becomes on the page."""

SHARPNESS = 2
"""Pixels of the picture for each CSS pixel: sharp on screens of double density."""

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
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
}


def styled[**P, R](draw: Callable[P, R]) -> Callable[P, R]:
    """Make a function draw in this style; matplotlib is imported at its first call. Without it, a line is drawn."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        if why := drawing_library.missing():
            instead: R = _instead(draw.__name__, args, kwargs, why)
            return instead
        import matplotlib

        with matplotlib.rc_context(RC):
            return draw(*args, **kwargs)

    return drawn


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
        return f'<figure class="ol plot" style="margin:0">{bare("plot")}{image}</figure>'

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"

    def save(self, path: str | Path) -> None:
        """Write the PNG to a file."""
        Path(path).write_bytes(self.png)


class NoPicture(Picture):
    """A line in place of a figure, and what the figure would have shown, if that is known."""

    def __init__(self, why: str, alt: str = "") -> None:
        super().__init__(b"", f"{why} {alt}".strip(), 0)

    def _repr_html_(self) -> str:
        return f'<p class="ol">{html.escape(self.alt)}</p>'


def _instead(name: str, args: tuple[Any, ...], options: dict[str, Any], why: str) -> Any:
    match name:
        case "subplots":
            return drawing_library.Blank(), drawing_library.Blank(options.get("rows", 1))
        case "figure":
            return NoPicture(why, str(args[1]) if len(args) > 1 else "")
    return NoPicture(why)


@styled
def subplots(height: int = 300, *, rows: int = 1, width: int = WIDTH, **options: Any) -> tuple[Figure, Any]:
    """A figure of so many CSS pixels in this style, and its axes. pyplot does not know it: nothing has to be closed."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    margins = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06)  # everything in its place, and air around it
    fig = Figure(figsize=(width / PER_INCH, height / PER_INCH), layout=margins)
    return fig, fig.subplots(rows, **options)


def wrapped(finding: str, width: float = WIDTH) -> list[str]:
    """A title in lines that fit the width of a figure, in CSS pixels."""
    return textwrap.wrap(finding, round(width / 9.5))


def title(ax: Axes, finding: str) -> None:
    """The finding above a plot, from the left edge of the figure, in lines that fit."""
    if drawing_library.missing():
        return
    fig = ax.figure.figure
    width = fig.get_figwidth() * PER_INCH
    fig.suptitle(
        "\n".join(wrapped(finding, width)), x=9 / width, ha="left", fontsize=11.5, fontweight="bold", color=INK
    )


@styled
def figure(fig: Figure, alt: str) -> Picture:
    """The figure, drawn once, with its alternative text: the finding and the counts, and nothing that varies."""
    if not alt.strip():
        raise ValueError("expected an alternative text that says what the figure shows, came an empty one")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    fig.set_dpi(PER_INCH * SHARPNESS)
    canvas = FigureCanvasAgg(fig)
    canvas.draw()  # type: ignore[no-untyped-call]
    return Picture(_png(canvas), alt, round(fig.get_figwidth() * PER_INCH))


def _png(canvas: FigureCanvasAgg) -> bytes:
    """In 128 colours: a third of the size, so that notebooks with outputs stay small in git."""
    from PIL import Image

    pixels = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
    image = Image.frombuffer("RGBA", canvas.get_width_height(), pixels, "raw", "RGBA", 0, 1)
    png = io.BytesIO()
    image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(png, format="PNG", optimize=True)
    return png.getvalue()
