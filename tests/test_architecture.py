"""docs/architecture.svg: in step with the imports, and readable: nothing overlaps, lines lead down and only cross."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import matplotlib
import pytest
from PIL import ImageFont

from tests.house import ROOT
from tools import architecture, rooms

SVG = "{http://www.w3.org/2000/svg}"
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"  # DejaVu Sans, the widest that the picture asks for


# --- in step with the code ----------------------------------------------------------------------------------------


def test_the_picture_is_in_step() -> None:
    assert architecture.main(["--check"]) == 0, "run `make map`"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of what is drawn, that may be changed."""
    for package in rooms.PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder, names in {"docs": "architecture.*", "notebooks": "*.py"}.items():
        (tmp_path / folder).mkdir()
        for path in (ROOT / folder).glob(names):
            shutil.copy(path, tmp_path / folder)
    return tmp_path


def add(path: Path, line: str) -> None:
    """To the end of a file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


@pytest.mark.parametrize(
    ("file", "line", "stale"),
    [
        ("ocpp_lab/backoff.py", "from .errors import OcppError", ["svg"]),
        ("ocpp_lab/cli/run.py", "if TYPE_CHECKING:\n    from ..chaos_proxy import ChaosProxy", ["svg"]),
        ("ocpp_course/lab/nowhere.py", "", []),
        ("ocpp_course/nowhere/__init__.py", "", ["svg"]),
        ("ocpp_lab/errors.py", "class Tired(OcppError): ...", ["md"]),
        ("ocpp_lab/session.py", "import asyncio", []),
    ],
)
def test_what_changes_is_noticed(
    house: Path, capsys: pytest.CaptureFixture[str], file: str, line: str, stale: list[str]
) -> None:
    """An import, a room, an exception; but not what is drawn nowhere."""
    (house / file).parent.mkdir(exist_ok=True)
    add(house / file, line)
    assert architecture.main(["--check"], house) == bool(stale)
    assert re.findall(r"architecture\.(\w+) is not in step", capsys.readouterr().out) == stale


def test_another_word_in_the_map_is_noticed(house: Path) -> None:
    room, path = rooms.stack()[0], house / "ocpp_lab" / "__init__.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(room.purpose, "something else"), encoding="utf-8")
    assert architecture.main(["--check"], house) == 1


def test_drawing_it_anew_helps(house: Path) -> None:
    add(house / "ocpp_lab" / "backoff.py", "from .errors import OcppError")
    assert architecture.main([], house) == 0
    assert architecture.main(["--check"], house) == 0
    assert "backoff imports errors" in (house / architecture.PICTURE).read_text(encoding="utf-8")


def test_every_run_draws_the_same() -> None:
    """Whatever order sets have: that of strings differs from process to process."""
    code = (
        "from tools import architecture; print(hash(architecture.made(architecture.rooms.ROOT)[architecture.PICTURE]))"
    )
    code = code.replace("print(hash(", "print(repr(")
    drawn = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, cwd=ROOT
        ).stdout
        for seed in ("1", "2")
    }
    assert len(drawn) == 1


# --- what is in it ------------------------------------------------------------------------------------------------


@cache
def picture() -> ElementTree.Element:
    return ElementTree.fromstring((ROOT / architecture.PICTURE).read_text(encoding="utf-8"))


def test_every_room_is_drawn_once() -> None:
    drawn = [match[1] for match in map(re.compile(r"r-(\w+)").search, _classes()) if match]
    assert sorted(drawn) == sorted(room.name for room in rooms.stack())


def _classes() -> Iterator[str]:
    return (element.get("class", "") for element in picture().iter())


def test_each_line_is_an_import_and_thinning_loses_none() -> None:
    """Who follows the lines down from a room comes to all that it imports, and to nothing that it does not."""
    names = {room.name for room in rooms.stack()}
    imported = {
        room.removeprefix("ocpp_lab."): {other.removeprefix("ocpp_lab.") for other in others} & names
        for room, others in rooms.graph().items()
        if room.startswith("ocpp_lab.")
    }
    lines = {name: {line.target for line in _lines() if name in line.sources} for name in names}
    for name in names:
        assert lines[name] <= imported[name]
        assert rooms.below(lines, {name}) == rooms.below(imported, {name})


def test_it_says_itself_in_words() -> None:
    """For who cannot see it: a title, and a description with every room."""
    title, description = (picture().findtext(f"{SVG}{tag}", "") for tag in ("title", "desc"))
    assert len(title) > 20
    assert all(room.name in description for room in rooms.stack())
    assert "transport imports pipe" in description


def test_it_needs_nothing_else_and_is_small() -> None:
    text = (ROOT / architecture.PICTURE).read_text(encoding="utf-8")
    assert len(text) < 80_000
    assert "prefers-color-scheme:dark" in text
    assert not re.search(r"<script|<image|href=|url\(|@import|\bid=", text)


def test_both_themes_colour_the_same_things() -> None:
    style = picture().findtext(f"{SVG}style", "")
    light, dark = style.split("@media(prefers-color-scheme:dark){")
    painted = [set(re.findall(r"([^{}\n]+)\{(?:fill|stroke):#", part)) for part in (light, dark.split("\n}\n")[0])]
    assert painted[0] == painted[1] and len(painted[0]) > 20


# --- whether it can be read ---------------------------------------------------------------------------------------


class Line(NamedTuple):
    """One line of the picture: what it leads to, which rooms it comes from, and its corners."""

    target: str
    sources: frozenset[str]
    points: list[tuple[float, float]]


class Box(NamedTuple):
    what: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, other: Box) -> bool:
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


@cache
def _lines() -> list[Line]:
    found = []
    for path in picture().iter(f"{SVG}path"):
        kind = path.get("class", "")
        if (target := re.search(r"\bt-(\w+)", kind)) and "head" not in kind:
            found.append(Line(target[1], frozenset(re.findall(r"\bf-(\w+)", kind)), _corners(path.get("d", ""))))
    assert len(found) > 40
    return found


def _corners(path: str) -> list[tuple[float, float]]:
    """Where the line turns: the ends, and the control points of its round corners."""
    points = re.findall(r"([MLQ])([\d.]+) ([\d.]+)", path)
    ends = [points[0], *(point for point in points if point[0] == "Q"), points[-1]]
    return [(float(x), float(y)) for _, x, y in ends]


@cache
def _boxes() -> list[Box]:
    """The boxes of rooms, those of the course too."""
    found = []
    for group in picture().iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        if rect is not None:
            x, y, wide, high = (float(rect.get(name, "")) for name in ("x", "y", "width", "height"))
            words = group.findtext(f"{SVG}text", "")
            found.append(Box(words, x, y, x + wide, y + high))
    assert len(found) > 30
    return found


@cache
def _texts() -> list[Box]:
    """What every text covers, measured in DejaVu Sans."""
    return [_measured(element) for element in picture().iter(f"{SVG}text")]


def _measured(element: Any) -> Box:
    words, kind = element.text or "", element.get("class", "").split()
    size = 18 if "title" in kind else 12 if "small" in kind else 11 if "number" in kind else 13
    bold = "-Bold" if {"title", "number"} & set(kind) else ""
    wide = ImageFont.truetype(FONTS / f"DejaVuSans{bold}.ttf", 100).getlength(words) * size / 100
    x, y = float(element.get("x")), float(element.get("y"))
    left = x - wide / 2 if "mid" in kind else x
    return Box(words, left, y - 0.78 * size, left + wide, y + 0.24 * size)


def test_the_sizes_that_are_measured_are_those_of_the_style() -> None:
    style = picture().findtext(f"{SVG}style", "")
    assert re.search(r"text\{font:13px", style)
    for rule in (r"\.small\{font-size:12px", r"\.title\{font-size:18px", r"\.number\{[^}]*font-size:11px"):
        assert re.search(rule, style)


def test_no_text_overlaps_another() -> None:
    assert [(a.what, b.what) for a, b in combinations(_texts(), 2) if a.overlaps(b)] == []


def test_no_text_leaves_the_picture_or_its_box() -> None:
    width, height = (float(picture().get(name, "")) for name in ("width", "height"))
    page = Box("page", 0, 0, width, height)
    assert [text.what for text in _texts() if not page.holds(text)] == []
    cut = [(text.what, box.what) for text in _texts() for box in _boxes() if text.overlaps(box) and not box.holds(text)]
    assert cut == []


def test_no_box_overlaps_another() -> None:
    assert [(a.what, b.what) for a, b in combinations(_boxes(), 2) if a.overlaps(b)] == []


def test_all_lines_lead_down() -> None:
    assert [line for line in _lines() if any(a[1] > b[1] for a, b in pairwise(line.points))] == []
    assert [line for line in _lines() if line.points[0][1] >= line.points[-1][1]] == []


def _strokes(line: Line) -> list[Box]:
    """Its straight pieces, as wide as an eye needs to tell two lines."""
    near = 3.0
    return [
        Box(line.target, min(x0, x1) - near, min(y0, y1) - near, max(x0, x1) + near, max(y0, y1) + near)
        for (x0, y0), (x1, y1) in pairwise(line.points)
    ]


def test_no_line_runs_through_a_box_or_a_text() -> None:
    """They touch the boxes that they join, from above and from below."""
    hit = []
    for line in _lines():
        for stroke in _strokes(line):
            inside = Box(stroke.what, stroke.left, stroke.top + 4, stroke.right, stroke.bottom - 4)
            hit += [(line, thing.what) for thing in [*_boxes(), *_texts()] if inside.overlaps(thing)]
    assert hit == []


def test_lines_to_different_rooms_only_cross() -> None:
    """Two that run side by side are far enough apart to be two."""
    along = []
    for one, other in combinations(_lines(), 2):
        for a in _strokes(one):
            for b in _strokes(other):
                if one.target != other.target and a.overlaps(b) and _upright(a) == _upright(b):
                    along.append((one.target, other.target, a))
    assert along == []


def _upright(stroke: Box) -> bool:
    return stroke.right - stroke.left < stroke.bottom - stroke.top
