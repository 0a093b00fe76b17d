"""START: complete as Markdown, dressed by one style sheet and one script, in step with the table of the night."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from ocpp_course.lab import start
from ocpp_course.lab.night import NIGHT
from ocpp_course.lab.sheet import FOLDER
from ocpp_course.lab.vector import script
from tests.house import ROOT
from tools import start as tool


class Read(HTMLParser):
    """Links, pictures and what is open at the end of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")
        if tag == "img":
            self.pictures.append(dict(attrs))
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_leads_to_every_notebook_and_exercise() -> None:
    read = Read(start.page())
    wanted = {f"{folder}/{each.stem}.ipynb" for each in NIGHT for folder in ("notebooks", "exercises")}
    beside = {f"notebooks/{stem}.ipynb" for stem in ("00_asyncio_warm_up", "trace_viewer", "detective")}
    assert set(read.links) == wanted | beside
    assert read.open == []


@pytest.mark.parametrize("target", sorted(set(Read(start.page()).links)))
def test_a_link_of_the_page_leads_somewhere(target: str) -> None:
    assert (ROOT / target).is_file()


def test_every_picture_is_a_file_and_says_what_it_shows() -> None:
    pictures = Read(start.page()).pictures
    assert len(pictures) == 1 + len(NIGHT)
    for each in pictures:
        assert (ROOT / str(each["src"])).is_file()
        assert re.search(r"\w", str(each["alt"]))


def test_the_page_is_one_block_that_needs_no_style_and_no_script() -> None:
    page = start.page()
    assert "\n\n" not in page  # a blank line would end the block of HTML
    assert not re.search(r"<(style|script|svg)|style=|\bid=", page)  # taken out of what is not trusted


def test_nine_hours_make_nine_cards() -> None:
    nine = (*NIGHT, *(replace(NIGHT[0], number=number, name=f"More {number}") for number in (7, 8, 9)))
    page = start.page(nine)
    assert page.count('class="card"') == 9
    assert page.count("<tr>") == 3
    assert "of 180 points" in page and "of 9 lamps" in page
    assert "notebooks/09_more_9.ipynb" in page


def test_the_dress_shows_no_word_of_its_own() -> None:
    html = start.dress()._repr_html_()
    assert re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL) == '<div class="ol dress"></div>'
    assert "http" not in re.sub(r"base64,[\w+/=]+", "", html)
    assert not re.search(r"^\s*//", script("start"), re.M)


def test_what_the_script_and_the_style_look_for_is_on_the_page() -> None:
    made = {"on", "off", "here", "passed", "bar", "tag", "done", "next", "pill", "up", "dress"}  # by scripts, or in SVG
    page = set(" ".join(re.findall(r'class="([^"]+)"', start.page())).split())
    sought = set(re.findall(r"querySelector(?:All)?\('[^']*?\.([a-z]+)", script("start")))
    assert sought <= page | made
    styled = set(re.findall(r"\.([a-z]+)", (FOLDER / "start.css").read_text(encoding="utf-8")))
    assert styled - {"ol", "jp"} <= page | made


def test_every_picture_is_in_step() -> None:
    for name, text in tool.files().items():
        if name.endswith(".svg"):
            assert (ROOT / name).read_text(encoding="utf-8") == text, f"{name} is old: `make start`"


def test_start_is_in_step() -> None:
    """Cell by cell: JupyterLab saves an opened notebook with the version of its Python."""
    have, wanted = (json.loads(text)["cells"] for text in (start_as_saved(), tool.notebook()))
    assert [essence(cell) for cell in have] == [essence(cell) for cell in wanted], "START.ipynb is old: `make start`"


def start_as_saved() -> str:
    return (ROOT / "START.ipynb").read_text(encoding="utf-8")


def essence(cell: dict[str, Any]) -> tuple[str, str, list[str]]:
    shown = ["".join(output["data"]["text/html"]) for output in cell.get("outputs", [])]
    return cell["cell_type"], "".join(cell["source"]), shown


def test_start_has_two_cells_and_keeps_its_look_folded() -> None:
    look, page = json.loads(start_as_saved())["cells"]
    assert look["metadata"]["jupyter"]["source_hidden"]
    assert page["metadata"]["editable"] is False
