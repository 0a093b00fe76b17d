"""What GitHub shows is drawn from the SVG that the notebook shows, the same on every machine."""

from __future__ import annotations

import base64
import io
import re
import zlib
from configparser import ConfigParser

import pytest
from PIL import Image

from ocpp_course.lab.palette import LIGHT
from ocpp_course.lab.vector import Vector, svg, text
from tests.house import ROOT
from tools import picture

CARD = svg(
    '<rect class="life up" x="20" y="20" width="60" height="60"/>', (100, 100), "a blue square", "ladder", "ladder_live"
)


def pixels(png: bytes) -> Image.Image:
    with Image.open(io.BytesIO(png)) as image:
        return image.convert("RGB")


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def test_colours_are_those_of_the_light_theme() -> None:
    image = pixels(picture.png(CARD))
    assert image.size == (150, 150)
    assert image.getpixel((75, 75)) == pytest.approx(rgb(LIGHT.result), abs=3)
    assert image.getpixel((10, 10)) == rgb(LIGHT.paper)


def test_no_variable_is_left() -> None:
    plain = picture.plain(CARD)
    assert not re.search(r"var\(|light-dark\(|class=\"live\"", plain)
    assert "@" not in plain


def test_letters_are_drawn_with_the_font_that_we_bring() -> None:
    """resvg leaves out what it has no font for."""
    wide = pixels(picture.png(svg(text(4, 60, "mmmmmm"), (100, 100), "six letters", "ladder")))
    dark = [x for x in range(150) for y in range(60, 95) if sum(wide.getpixel((x, y)) or (0,)) < 300]  # type: ignore[arg-type]
    assert max(dark) - min(dark) > 90


def test_the_png_stands_in_front_and_the_svg_beside_it() -> None:
    shown = Vector(CARD, "a blue square", 100, "ladder")._repr_html_()
    made = picture.for_github(f"<p>before</p>{shown}")
    [(png, packed)] = re.findall(
        r'<img alt="a blue square"[^>]* src="data:image/png;base64,([^"]+)" data-svg="([^"]+)">', made
    )
    assert base64.b64decode(png).startswith(b"\x89PNG")
    assert zlib.decompress(base64.b64decode(packed), wbits=-15).decode() == CARD
    assert re.sub(r'src="[^"]+"( data-svg="[^"]+")?', "", made) == re.sub(r'src="[^"]+"', "", f"<p>before</p>{shown}")
    assert picture.for_github(made) == made


def test_what_is_no_svg_is_left_alone() -> None:
    html = '<img alt="x" src="data:image/png;base64,AAAA"><svg viewBox="0 0 1 1"></svg>'
    assert picture.for_github(html) == html


def overlooked(html: str) -> str:
    """As nbval reads an output, with the rules of our sanitizer."""
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "notebooks" / "sanitize.cfg", encoding="utf-8")
    for rule in config.sections():
        html = re.sub(config[rule]["regex"], config[rule]["replace"], html)
    return html


def test_a_made_notebook_and_a_kernel_say_the_same_to_nbval() -> None:
    """But another alternative text is another text."""
    shown = Vector(CARD, "a blue square", 100, "ladder")._repr_html_()
    assert overlooked(picture.for_github(shown)) == overlooked(shown)
    assert overlooked(shown.replace("blue", "red")) != overlooked(shown)
    assert overlooked(shown) == (
        '<figure class="ol-ladder" style="margin:0"><img alt="a blue square" width="100" '
        'style="max-width:100%;height:auto" src="PICTURE">SCRIPT</figure>'
    )
