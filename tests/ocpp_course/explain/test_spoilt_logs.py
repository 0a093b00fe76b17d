"""Whatever a log holds: it is shown in every form, and nothing raises."""

from __future__ import annotations

import json
from random import Random

import pytest

from ocpp_course.explain.anonymise import anonymised
from ocpp_course.explain.as_json import as_json
from ocpp_course.explain.details import details
from ocpp_course.explain.digest import digest
from ocpp_course.explain.ink import CONTROL, Ink
from ocpp_course.explain.summary import summary
from ocpp_course.lab import sample_log
from ocpp_course.lab.report import page
from ocpp_lab.logs import read
from tests.house import SOAK
from tests.ocpp_lab.logs.conversation import FORMATS, conversation

SEEDS = range(400 if SOAK else 40)
SAMPLES = [sample_log(), *(FORMATS[name].render(conversation()) for name in sorted(FORMATS))]
PIECES = (
    "0001-01-01T00:00:00Z",
    "9999-12-31 23:59:59",
    "1970-01-01",
    "\x1b[31m",
    "\x00",
    "\u202e",
    "</script><b>",
    '"',
    "\\",
    "[2,",
    '[3,"x",{}]',
    "-1",
    "1e999",
    "99999999999999999999",
    "NaN",
    "null",
    "{}",
    "chargeBoxId=",
    "\n",
    " ",
    "é",
    "&quot;",
    '"idTag":"',
    '"connectorId":-7,',
    '"connectorId":99999999,',
    '"meterStart":-5,',
    '"transactionId":null,',
)


def spoilt(chance: Random) -> str:
    """One of the samples, with pieces put in, taken out and doubled."""
    text = chance.choice(SAMPLES)
    for _ in range(chance.randint(1, 30)):
        at, length = chance.randrange(len(text)), chance.choice([0, 1, 5, 40, 200])
        put = chance.choice([*PIECES, text[at : at + length] * 2, ""])
        text = text[:at] + put + text[at + length :] or "x"
    return text


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_shown_in_every_form(seed: int) -> None:
    lines = spoilt(Random(seed)).splitlines(keepends=True)
    log = read(lines)
    told = digest("spoilt.log", [log])
    shown = [*summary(told, Ink(False, 90)), *details(told, Ink(False, 90))]
    assert not any(CONTROL.search(line) for line in shown)
    json.dumps(as_json(told))
    html = page([told])
    assert html.count("<script>") == html.count("</script>") == 2
    assert "</script><b>" not in html.replace("</script></div>", "")
    list(anonymised(lines, log))
