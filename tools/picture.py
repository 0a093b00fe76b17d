"""Pictures for GitHub: the SVGs in a notebook's outputs, each with a PNG of itself in front.

GitHub shows a PNG in an ``<img>`` and no SVG there. So the PNG comes into ``src``, and the SVG beside it, compressed,
into ``data-svg``, where a script finds it if scripts run. The font is DejaVu Sans as matplotlib ships it, and no other
is looked at, so the same SVG becomes the same picture on every machine.
"""

from __future__ import annotations

import base64
import io
import re
import zlib
from importlib.util import find_spec
from pathlib import Path

import resvg_py
from PIL import Image

from ocpp_course.lab.palette import LIGHT

SHARPNESS = 1.5
"""Pixels of the picture for each CSS pixel: it stands where no script runs; everywhere else the SVG itself does."""
COLOURS = 24
"""Enough for ink, its edges and a handful of hues; a picture takes a third of the room that it would with all."""
ALWAYS = (LIGHT.paper, LIGHT.soft, LIGHT.rule, "#dcebff")
"""So close to each other that they would become one; the last is that of a lamp half lit, as in css/tokens.css."""

IMAGE = re.compile(r'src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)"')
LIVE = re.compile(r'<style class="live">.*?</style>', re.DOTALL)
THEMES = re.compile(r"light-dark\(((?:[^(),]|\([^()]*\))*),(?:[^()]|\([^()]*\))*\)")
TOKEN = re.compile(r"--([\w-]+):\s*([^;}]+)[;}]")
USE = re.compile(r"var\(--([\w-]+)(?:,\s*((?:[^()]|\([^()]*\))*))?\)")


def for_github(html: str) -> str:
    """The output with a PNG in place of each SVG image, and the SVG beside it."""
    return IMAGE.sub(_both, html)


def _both(found: re.Match[str]) -> str:
    svg = base64.b64decode(found[1])
    return f'src="data:image/png;base64,{_text(png(svg.decode()))}" data-svg="{_text(_deflated(svg))}"'


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _deflated(data: bytes) -> bytes:
    """As a browser's DecompressionStream("deflate-raw") reads it."""
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(data) + packer.flush()


def png(svg: str) -> bytes:
    """The light picture of an SVG of the course, on white at the corners of its card."""
    drawn = resvg_py.svg_to_bytes(
        svg_string=plain(svg),
        zoom=SHARPNESS,
        background="#ffffff",
        skip_system_fonts=True,
        font_files=fonts(),
        font_family="DejaVu Sans",
        sans_serif_family="DejaVu Sans",
        monospace_family="DejaVu Sans Mono",
    )
    with Image.open(io.BytesIO(bytes(drawn))) as image:
        small = _few_colours(image.convert("RGB"))
    out = io.BytesIO()
    small.save(out, format="PNG", optimize=True)
    return out.getvalue()


def _few_colours(image: Image.Image) -> Image.Image:
    found = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE).getpalette() or []
    colours = [int(colour[at : at + 2], 16) for colour in ALWAYS for at in (1, 3, 5)]
    colours += [
        byte for at in range(0, 3 * COLOURS, 3) if min(found[at : at + 3]) < 0xF0 for byte in found[at : at + 3]
    ]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours + colours[:3] * (256 - len(colours) // 3))
    return image.quantize(palette=palette, dither=Image.Dither.NONE)


def fonts() -> list[str]:
    """The files of DejaVu Sans that come with matplotlib."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("expected matplotlib, whose fonts the pictures are made with; `make env` installs it")
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    return [str(path) for path in sorted(folder.glob("DejaVuSans*.ttf")) if "Display" not in path.name]


def plain(svg: str) -> str:
    """The SVG without what only browsers know: variables (the light value is put in) and the rules of the live one."""
    svg = LIVE.sub("", svg)
    light = THEMES.sub(r"\1", svg)
    tokens = dict(TOKEN.findall(light))
    for _ in range(4):  # a token may be made of another one
        light = USE.sub(lambda found: tokens.get(found[1]) or found[2] or "none", light)
    return light
