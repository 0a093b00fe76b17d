"""The pictures of README and docs are there, small, and say what they show; every link of a page leads somewhere."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.house import ROOT, tracked
from tools import pictures
from tools.film import Film

PAGES = sorted(path for path in tracked() if path.suffix == ".md")
LINK = re.compile(r"\]\(([^)#\s]+)")
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    for link in LINK.findall(re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)):
        if "://" not in link and not link.startswith("mailto:"):
            assert (page.parent / link).exists(), f"{page.name} links to {link}: is `make pictures` due?"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_picture_of_a_page_says_what_it_shows(page: Path) -> None:
    for words, picture in PICTURE.findall(page.read_text(encoding="utf-8")):
        assert len(words.split()) >= 4, f"{page.name}: {picture}"


def test_the_picture_of_the_readme_is_600_pixels_high_at_most() -> None:
    with Image.open(pictures.TARGET / "course.png") as image:
        assert image.size == (pictures.WIDE, pictures.HIGH)
    assert pictures.HIGH <= 600


def test_the_film_is_short_and_small() -> None:
    file = pictures.TARGET / "course.webp"
    assert file.stat().st_size < pictures.FILM_LIMIT <= 2_000_000
    with Image.open(file) as film:
        assert 10 < film.n_frames < 200  # type: ignore[attr-defined]


def test_the_two_commands_stand_before_the_first_picture() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.index("make lab") < text.index("make test") < text.index("![")
    assert text[: text.index("make test")].count("\n") < 15


class Still:
    """A page that shows one colour after the other."""

    def __init__(self, *colours: str) -> None:
        self.colours = list(colours)

    def screenshot(self) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", (80, 40), self.colours.pop(0)).save(file, "PNG")
        return file.getvalue()


def film(*colours: str) -> Film:
    made = Film(Still(*colours), width=40)  # type: ignore[arg-type]
    for _ in colours:
        made.shot(0.5)
    return made


def test_a_frame_like_the_one_before_only_lasts_longer() -> None:
    made = film("red", "red", "blue")
    assert (len(made.frames), made.durations, made.seconds) == (2, [1000, 500], 1.5)
    assert made.frames[0].size == (40, 20)


def test_a_film_is_saved_within_its_limit(tmp_path: Path) -> None:
    size = film("red", "blue", "green").save(tmp_path / "film.webp", 5_000)
    assert size == (tmp_path / "film.webp").stat().st_size <= 5_000
    with Image.open(tmp_path / "film.webp") as saved:
        assert saved.n_frames == 3  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="expected 10 bytes at most, came"):
        film("red", "blue").save(tmp_path / "film.webp", 10)
    with pytest.raises(ValueError, match="shoot before you save"):
        film().save(tmp_path / "film.webp", 10)
