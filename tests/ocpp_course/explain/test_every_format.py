"""Whoever wrote the log: it is shown as text, as JSON and as a page, and says the same without its names."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ocpp_course.explain.anonymise import anonymised
from ocpp_course.explain.as_json import as_json
from ocpp_course.explain.details import details
from ocpp_course.explain.digest import Digest, digest
from ocpp_course.explain.ink import Ink
from ocpp_course.explain.summary import summary
from ocpp_course.lab.report import fragment
from ocpp_lab.logs import read
from tests.ocpp_lab.logs.conversation import FORMATS, NAME, Said, conversation
from tests.ocpp_lab.logs.envelopes import ENVELOPES

ALL = FORMATS | ENVELOPES


def evening() -> list[Said]:
    """The conversation, and its first StartTransaction once more, under a new id, though it was answered."""
    said = conversation()
    start = next(one for one in said if one.frame[0] == 2 and one.frame[2] == "StartTransaction")
    again = [2, "once-more", *start.frame[2:]]
    last = said[-1]
    later = last.at + timedelta(seconds=2)
    answer = [3, "once-more", {"transactionId": 9, "idTagInfo": {"status": "Accepted"}}]
    return [*said, start._replace(frame=again, at=later), last._replace(frame=answer, at=later)]


def told(name: str) -> Digest:
    return digest(name, [read(ALL[name].render(evening()))])


def test_the_evening_has_something_wrong_in_it() -> None:
    [finding] = told("SteVe").findings
    assert finding.side == "charge point"


@pytest.mark.parametrize("name", ALL)
def test_a_log_of_each_format_is_shown(name: str) -> None:
    made = told(name)
    lines = [*summary(made, Ink(False, 90)), *details(made, Ink(False, 90))]
    assert max(map(len, lines)) <= 90
    assert "1 finding: " in "\n".join(lines) and "at fault" in "\n".join(lines)
    html = fragment([made])
    assert 'class="step marked"' not in html  # the ladder is an image until its script runs
    assert html.count("<details") == 1 and "Ladder diagram" in html
    assert json.loads(json.dumps(as_json(made)))["frames"]["total"] == len(evening())


@pytest.mark.parametrize("name", ALL)
def test_it_says_the_same_without_its_names(name: str) -> None:
    lines = ALL[name].render(evening()).splitlines(keepends=True)
    shown = "".join(anonymised(lines, read(lines)))
    assert "CARD-42" not in shown
    assert NAME not in shown or ALL[name].name is not True
    again = digest(name, [read(shown.splitlines(keepends=True))])
    before = told(name)
    assert [each.rule for each in again.findings] == [each.rule for each in before.findings]
    assert [each.energy for each in again.charges] == [each.energy for each in before.charges]
