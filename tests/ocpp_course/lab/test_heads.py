"""Heads and feet: in every source, true, and with links that lead somewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ocpp_course.lab import heads
from ocpp_course.lab.night import NIGHT, Hour
from tests.house import ROOT
from tools import start as tool

LINK = re.compile(r"\]\(([^)#]+)\)")
SOURCES = sorted(tool.sources())


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_has_the_head_and_foot_of_its_hour(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == tool.sources()[name], f"{name} is old: `make start`"


@pytest.mark.parametrize("name", SOURCES)
def test_every_link_of_a_source_leads_to_a_file(name: str) -> None:
    """Solutions are sources of exercises, and both stand one folder below the root."""
    prose = re.findall(r"^# .*$", (ROOT / name).read_text(encoding="utf-8"), re.M)
    links = [link for line in prose for link in LINK.findall(line) if "://" not in link]
    assert len(links) >= 4
    for link in links:
        assert (ROOT / Path(name).parent / link).is_file(), f"{name} links to {link}"


@pytest.mark.parametrize("name", SOURCES)
def test_a_title_asks(name: str) -> None:
    title = re.search(r"^# # (.*(?:\n# (?=\w).*)?)$", (ROOT / name).read_text(encoding="utf-8"), re.M)
    assert title
    assert title[1].endswith("?")


def test_every_notebook_and_exercise_is_dressed() -> None:
    there = {path for folder in ("notebooks", "solutions") for path in (ROOT / folder).glob("[0-9][0-9]_*.py")}
    assert {ROOT / name for name in SOURCES} == there


def test_a_head_says_where_one_is() -> None:
    _, _, line, _ = heads.notebook_head(NIGHT[2])
    assert re.sub(r"\]\([^)]*\)", "]", line) == (
        "[START] · [← 18:15 Dispatch and router] · **About 75 minutes, in two sittings** · [exercise 3, 2 h 45] · "
        "[20:20 Call correlation →]"
    )


@pytest.mark.parametrize("make", [heads.notebook_head, heads.exercise_head, heads.notebook_foot, heads.exercise_foot])
@pytest.mark.parametrize("hour", NIGHT, ids=lambda each: each.stem)
def test_the_ends_of_the_night_have_no_dead_link(make: object, hour: Hour) -> None:
    assert callable(make)
    text = "\n".join(make(hour))
    assert "None" not in text and "[]" not in text and "··" not in text.replace(" ", "")


def test_a_seventh_hour_joins() -> None:
    longer = (*NIGHT, replace(NIGHT[0], number=7, time="00:30", name="The charging session"))
    assert "00:30 The charging session →" in heads.notebook_head(NIGHT[5], longer)[2]
    assert "← 23:55" in heads.notebook_head(longer[6], longer)[2]


def test_dressing_again_changes_nothing_and_keeps_the_rest() -> None:
    text = "# %% [markdown]\n# old\n#\n# # Title?\n#\n# Text.\n\n# %%\n1\n"
    once = tool.dressed(text, ["head", ""], ["| before | after |", "|---|---|", "| a | b |"])
    assert once == (
        "# %% [markdown]\n# head\n#\n# # Title?\n#\n# Text.\n\n# %%\n1\n\n"
        "# %% [markdown]\n# | before | after |\n# |---|---|\n# | a | b |\n"
    )
    assert tool.dressed(once, ["head", ""], ["| before | after |", "|---|---|", "| a | b |"]) == once
    with pytest.raises(ValueError, match="expected a source that begins with"):
        tool.dressed("import this\n# # Title\n", [], [])
