"""One conversation in the words of many loggers: the same is read of all."""

from __future__ import annotations

import pytest

from ocpp_lab.frames import decode
from ocpp_lab.logs import read
from tests.ocpp_lab.logs.conversation import FORMATS, NAME, conversation
from tests.ocpp_lab.logs.envelopes import ENVELOPES

SAID = conversation()
ALL = FORMATS | ENVELOPES


@pytest.mark.parametrize("name", ALL)
def test_everything_is_read(name: str) -> None:
    log = read(ALL[name].render(SAID))
    assert [seen.frame for seen in log.seen] == [decode(one.text) for one in SAID]


@pytest.mark.parametrize("name", ALL)
def test_who_sent_what(name: str) -> None:
    log = read(ALL[name].render(SAID))
    assert [seen.sender for seen in log.seen] == [one.sender for one in SAID]
    assert {seen.connection for seen in log.seen} == {0}


@pytest.mark.parametrize("name", ALL)
def test_when_and_who(name: str) -> None:
    expected = ALL[name]
    log = read(expected.render(SAID))
    assert log.identities == [NAME if expected.name is True else expected.name or None]
    if expected.at is None:
        assert {seen.at for seen in log.seen} == {None}
        return
    first = log.seen[0].at
    assert first is not None
    for seen, one in zip(log.seen, SAID, strict=True):
        assert seen.at is not None
        assert abs((seen.at - first - (one.at - SAID[0].at)).total_seconds()) <= expected.at + 0.31
