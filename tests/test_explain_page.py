"""docs/explain.md is in step with the rules, has an example of each, and can be linked to."""

from __future__ import annotations

import re

import pytest

from ocpp_lab.logs.rules import ALL_RULES
from tests.house import ROOT
from tools import explain_page

PAGE = explain_page.PAGE.read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([\w-]+)\n(.*?)(?=^## )", PAGE, re.M | re.S))


def test_the_page_is_in_step() -> None:
    assert explain_page.main(["--check"]) == 0, "run `make findings`"


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_each_finding_has_an_anchor_and_an_example(rule: object) -> None:
    name = getattr(rule, "name", "")
    assert f"](#{name})" in PAGE
    section = SECTIONS[name]
    assert " * " in section.partition("```text")[2].partition("```")[0], "nothing in the example proves it"
    assert "**What to do.**" in section and len(section.split()) > 30


def test_it_says_what_to_turn_on() -> None:
    for software in ("SteVe", "Home Assistant", "evcc", "MicroOcpp", "EVerest", "mobilityhouse"):
        assert software in PAGE.partition("## A log without frames")[2]


def test_a_heading_that_a_finding_sends_to_is_in_its_notebook() -> None:
    for rule in ALL_RULES:
        stem, heading = rule.taught
        source = (ROOT / "notebooks" / f"{stem}.py").read_text(encoding="utf-8")
        assert re.search(rf"^# #+ {re.escape(heading)}", source, re.M), f"{rule.name}: {stem} has no {heading!r}"


def test_a_rule_without_a_night_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(explain_page.STORIES, "register", lambda night: None)
    with pytest.raises(LookupError, match="expected a finding register in its own night"):
        explain_page.page()
