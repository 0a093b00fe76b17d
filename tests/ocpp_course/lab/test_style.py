"""A plot can be read on a light and on a dark page, and costs nothing before it is drawn."""

from __future__ import annotations

import itertools
import math
import re
import subprocess
import sys

import pytest

from ocpp_course import lab
from ocpp_course.lab.looks import FAINT, INK, OUTCOMES
from ocpp_course.lab.sheet import FOLDER
from ocpp_course.lab.style import WIDE, WIDTH
from tests.house import ROOT
from tests.ocpp_course.lab.test_palette import SEEN, contrast, oklab

INKS = {name: look.colour for name, look in OUTCOMES.items()} | {"ink": INK, "faint": FAINT}

Rows = tuple[tuple[float, float, float], ...]
HALF_ROUND: Rows = (  # CSS filter effects, hue-rotate(180deg): cos = -1, sin = 0
    (0.213 - 0.787, 0.715 + 0.715, 0.072 + 0.072),
    (0.213 + 0.213, 0.715 - 0.285, 0.072 + 0.072),
    (0.213 + 0.213, 0.715 + 0.715, 0.072 - 0.928),
)


def turned_round(colour: str) -> str:
    """As the style of css/plot.css shows a colour on a dark page."""
    found = re.search(r"invert\(([\d.]+)\) hue-rotate\(180deg\)", (FOLDER / "plot.css").read_text())
    assert found
    amount = float(found[1])
    light = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    dark = [value * (1 - amount) + (1 - value) * amount for value in light]
    seen = [min(1.0, max(0.0, sum(m * value for m, value in zip(row, dark, strict=True)))) for row in HALF_ROUND]
    return "#" + "".join(f"{round(255 * value):02x}" for value in seen)


@pytest.mark.parametrize("name", INKS)
def test_every_ink_is_readable_on_both_pages(name: str) -> None:
    assert contrast(INKS[name], "#ffffff") >= 4.5
    assert contrast(turned_round(INKS[name]), turned_round("#ffffff")) >= 4.5


def test_an_error_and_a_loss_can_be_told_apart_on_both_pages() -> None:
    for page in (str, turned_round):
        error, lost = (oklab(page(INKS[name]), "normal") for name in ("CallError", "lost"))
        assert 100 * math.dist(error, lost) >= 15


@pytest.mark.parametrize("kind", SEEN)
def test_any_two_outcomes_can_be_told_apart(kind: str) -> None:
    colours = sorted({look.colour for look in OUTCOMES.values()})
    for one, other in itertools.combinations(colours, 2):
        assert 100 * math.dist(oklab(one, kind), oklab(other, kind)) >= 6, (one, other)


def test_on_a_dark_page_the_paper_is_that_of_jupyterlab() -> None:
    assert turned_round("#ffffff") == "#111111"


def test_importing_lab_imports_no_matplotlib_and_a_plot_does() -> None:
    code = (
        "import sys; from ocpp_course import lab; print({'matplotlib', 'PIL', 'numpy'} & set(sys.modules));"
        "fig, ax = lab.subplots(); print(lab.figure(fig, 'x'), 'matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines() == ["set()", "Picture: x True"], done.stderr


def test_a_picture_keeps_its_words_and_its_width() -> None:
    fig, ax = lab.subplots(100, width=WIDE)
    lab.title(ax, "word " * 30)
    page = lab.figure(fig, 'an <alt> with "signs"')._repr_html_()
    assert 'alt="an &lt;alt&gt; with &quot;signs&quot;"' in page
    assert f"width:{WIDE}px;max-width:100%" in page
    assert page.count("<style>") == 1
    assert len(re.sub(r"base64,[^\"]*", "", page)) < 600


def test_a_title_takes_the_lines_that_its_figure_needs() -> None:
    narrow, wide = (lab.subplots(100, width=width)[0] for width in (WIDTH, WIDE))
    for fig in (narrow, wide):
        lab.title(fig.axes[0], "word " * 30)
    assert [fig.get_suptitle().count("\n") for fig in (narrow, wide)] == [1, 1]
    lab.title(narrow.axes[0], "word " * 18)
    lab.title(wide.axes[0], "word " * 18)
    assert [fig.get_suptitle().count("\n") for fig in (narrow, wide)] == [1, 0]


def test_a_figure_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="expected an alternative text"):
        lab.figure(lab.subplots()[0], alt=" ")
