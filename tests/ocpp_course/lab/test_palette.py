"""Colours can be read, and told apart by everybody; the style of an output stays inside it."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest

from ocpp_course.lab.icons import PATHS, icon
from ocpp_course.lab.looks import OUTCOMES
from ocpp_course.lab.palette import DARK, FAULT, LIGHT, MEANING_OF, MEANINGS, ON_FAULT, SIGNS, Theme
from ocpp_course.lab.sheet import FOLDER, sheet

Colour = tuple[float, float, float]

# How a colour is seen, linear RGB to linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
SEEN: dict[str, tuple[Colour, Colour, Colour]] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


TO_CONES: tuple[Colour, Colour, Colour] = (
    (0.41222147, 0.53633254, 0.05144599),
    (0.2119035, 0.68069955, 0.10739696),
    (0.08830246, 0.28171884, 0.6299787),
)
TO_OKLAB: tuple[Colour, Colour, Colour] = (
    (0.21045426, 0.79361779, -0.00407205),
    (1.9779985, -2.42859221, 0.45059371),
    (0.02590404, 0.78277177, -0.80867577),
)


def linear(colour: str) -> Colour:
    def one(byte: float) -> float:
        return byte / 12.92 if byte <= 0.04045 else ((byte + 0.055) / 1.055) ** 2.4

    red, green, blue = (one(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return red, green, blue


def contrast(a: str, b: str) -> float:
    """As WCAG 2 has it."""
    dark, light = sorted(sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(x), strict=True)) for x in (a, b))
    return (light + 0.05) / (dark + 0.05)


def oklab(colour: str, kind: str) -> Colour:
    rgb = [min(1.0, max(0.0, sum(m * c for m, c in zip(row, linear(colour), strict=True)))) for row in SEEN[kind]]
    cones = [sum(m * c for m, c in zip(row, rgb, strict=True)) ** (1 / 3) for row in TO_CONES]
    light, a, b = (sum(m * c for m, c in zip(row, cones, strict=True)) for row in TO_OKLAB)
    return light, a, b


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_meaning_is_readable_as_text_on_both_papers(theme: Theme) -> None:
    for meaning in (*MEANINGS, "ink", "dim"):
        for paper in (theme.paper, theme.soft):
            assert contrast(getattr(theme, meaning), paper) >= 4.5, (meaning, paper)
    assert contrast(FAULT, ON_FAULT) >= 4.5


@pytest.mark.parametrize("kind", SEEN)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_any_two_meanings_can_be_told_apart(theme: Theme, kind: str) -> None:
    for one, other in itertools.combinations(MEANINGS, 2):
        distance = math.dist(oklab(getattr(theme, one), kind), oklab(getattr(theme, other), kind))
        assert 100 * distance >= 6, (one, other)


def test_every_meaning_has_a_sign_of_its_own() -> None:
    assert SIGNS.keys() == MEANINGS.keys()
    assert len(set(SIGNS.values())) == len(SIGNS)


OUTPUTS = sorted(set(FOLDER.glob("*.css")) - {FOLDER / "page.css"})  # which is a page of its own, and no output in one


@pytest.mark.parametrize("file", OUTPUTS, ids=lambda path: path.stem)
def test_a_style_stays_inside_its_output(file: Path) -> None:
    css = re.sub(r"/\*.*?\*/|@keyframes [^{]+\{(?:[^{}]*\{[^{}]*\})*\s*\}", "", file.read_text(), flags=re.DOTALL)
    css = re.sub(r"@(?:media|container)[^{]*\{", "", css)
    selectors = [part.strip() for rule in re.findall(r"([^{}]+)\{", css) for part in re.split(r",(?![^(]*\))", rule)]
    assert selectors
    assert [s for s in selectors if s and ".ol" not in s] == []
    assert "http" not in css, "nothing is loaded from outside"


def test_a_sheet_is_one_small_style() -> None:
    style = sheet()
    assert style.startswith("<style>.ol{color-scheme:light dark;--paper:light-dark(#ffffff,#111418)")
    assert "$" not in style
    assert "/*" not in style
    assert len(style) < 3_500


@pytest.mark.parametrize("name", PATHS)
def test_a_sign_has_no_text_and_takes_its_colour_from_around_it(name: str) -> None:
    assert "<text" not in icon(name)
    assert not re.search(r"#[0-9a-f]{3}", icon(name))


def test_an_unknown_sign_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"expected one of the signs charge point, .* came 'chargepoint'"):
        icon("chargepoint")


def test_every_outcome_of_a_figure_has_its_meaning() -> None:
    assert MEANING_OF.keys() == OUTCOMES.keys()
    assert set(MEANING_OF.values()) <= MEANINGS.keys()
