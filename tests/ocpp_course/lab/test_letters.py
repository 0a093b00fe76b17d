"""A text fits where it is said to fit."""

from __future__ import annotations

import itertools

import matplotlib
import pytest
from PIL import ImageFont

from ocpp_course.lab.letters import lines, width

FONTS = f"{matplotlib.get_data_path()}/fonts/ttf"


@pytest.mark.parametrize(
    "text", ["BootNotification · id…0001 · 3.0 ms", "connection closed with 1001", "€ 4.20, “Über” 東"]
)
@pytest.mark.parametrize(("font", "bold"), [("DejaVuSans", False), ("DejaVuSans-Bold", True)])
def test_a_width_is_that_of_the_font(text: str, font: str, bold: bool) -> None:
    """To a few hundredths: kerning is not in the table, and a foreign letter is a guess."""
    true = ImageFont.truetype(f"{FONTS}/{font}.ttf", 100).getlength(text)
    assert width(text, 100, bold=bold) == pytest.approx(true, rel=0.06)
    assert width(text, 10) == pytest.approx(width(text, 100) / 10)


def test_lines_are_as_long_as_there_is_room() -> None:
    text = "Four calls, four ends; two of them no peer ever sent"
    made = lines(text, 200, 15)
    assert " ".join(made) == text
    assert all(width(line, 15) <= 200 for line in made)
    assert all(width(f"{a} {b.split()[0]}", 15) > 200 for a, b in itertools.pairwise(made))


def test_a_word_that_is_too_long_has_a_line_of_its_own() -> None:
    assert lines(f"a {'b' * 90} c", 100, 15) == ["a", "b" * 90, "c"]
    assert lines("", 100, 15) == []
