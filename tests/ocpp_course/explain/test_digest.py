"""A log in one chapter or in many: the same is told of it, and what is kept is bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ocpp_course.explain import digest as room
from ocpp_course.explain.charge import Charge, joined, same
from ocpp_course.explain.digest import Digest, digest
from ocpp_course.explain.ink import Ink
from ocpp_course.explain.summary import summary
from ocpp_course.lab import sample_log
from ocpp_lab.logs import chapters, read

HOURS = 4


def long_log() -> str:
    """The sample, once in each hour, with ids of its own."""
    sample = sample_log()
    return "".join(_hour(sample, hour) for hour in range(HOURS))


def _hour(sample: str, hour: int) -> str:
    sample = sample.replace("01 12:", f"01 {hour:02}:").replace("01T12:", f"01T{hour:02}:").replace("1/1/", f"{hour}/")
    return sample.replace('"transactionId":', f'"transactionId":{hour + 1}')


def essence(told: Digest) -> dict[str, object]:
    """What has to be the same, however the log was cut."""
    station = told.stations["CP_1"]
    return {
        "lines": told.lines,
        "frames": told.frames,
        "span": (told.first, told.last),
        "station": (station.frames, station.boots, station.transactions, round(station.energy)),
        "charges": [(each.began, each.ended, each.energy, each.reason) for each in told.charges],
        "changes": [(each.connector, each.status, each.at) for each in told.changes],
    }


def test_a_log_in_pieces_tells_what_the_whole_one_tells() -> None:
    whole = digest("x", [read(long_log().splitlines(keepends=True))])
    assert len(whole.charges) == 3 * HOURS
    for log in pieces(long_log()):
        assert len(log.seen) < whole.frames
    assert essence(digest("x", pieces(long_log()))) == essence(whole)


def pieces(text: str) -> list[room.Log]:
    """Chapters of 150 lines that overlap by 30."""
    lines = text.splitlines(keepends=True)
    made = []
    for begin in range(0, len(lines), 120):
        part = read(lines[begin : begin + 150])
        for seen in part.seen:
            seen.line += begin
            seen.last_line += begin
        until = begin + part.lines
        made.append(room.Log(part.source, until, part.seen, connections=part.connections, first_line=begin + 1))
    return made


def test_thousands_of_transactions_are_counted_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_KEPT", 4)
    told = digest("x", [read(long_log())])
    assert len(told.charges) == len(told.changes) == 4
    assert told.stations["CP_1"].transactions == 3 * HOURS
    assert f"… {3 * HOURS} transactions, " in "\n".join(summary(told, Ink(False, 100)))


def test_a_transaction_that_two_chapters_share_is_one() -> None:
    one = Charge("CP_1", 1, "TAG", 7, None, None, 1000, 1400, None, 5)
    other = one._replace(meter_start=None, meter_end=2500, reason="Local")
    both = joined(one, other)
    assert (both.energy, both.reason, both.line) == (1500, "Local", 5)


def test_two_transactions_with_one_id_are_two() -> None:
    """As of a central system that gives every start the id -1."""
    begin = datetime(2026, 6, 6, 20, 20, tzinfo=UTC)
    one = Charge("CP_1", 1, "TAG", -1, begin, begin + timedelta(minutes=5), 1000, 1400, "Local", 5)
    assert same(one, one._replace(meter_start=None, began=None))
    assert not same(one, one._replace(began=begin + timedelta(hours=1), ended=None))
    assert not same(one, one._replace(identity="CP_2"))


def test_a_part_of_it_keeps_the_rest_untouched() -> None:
    told = digest("x", [read(sample_log())])
    assert told.last is not None
    late = told.only(since=told.last - timedelta(minutes=3))
    assert len(late.charges) == 1 and len(told.charges) == 3
    assert told.only("CP_9").stations == {}


def test_the_lines_of_a_log_in_chapters_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocpp_lab.logs.reader.A_CHAPTER", 40)
    monkeypatch.setattr("ocpp_lab.logs.reader.OVERLAP", 5)
    lines = [f'W1: send [2,"{number}","ClearCache",{{}}]' for number in range(200)]
    told = digest("x", chapters(lines))
    assert told.chapters > 2 and told.lines == 200


def test_a_log_without_frames_has_advice(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("nothing\n", encoding="utf-8")
    told = digest("x.log", chapters(tmp_path / "x.log"))
    assert "SteVe" in told.advice and told.frames == 0


def test_a_no_is_told_though_nobody_is_at_fault() -> None:
    """By kind, and only of calls that the log has; a yes and a code that nobody knows are not spelt out."""
    lines = [
        'W1: receive message [2,"1","Heartbeat",{}]',
        'W1: send [3,"1",{"currentTime":"2031-03-14T07:59:50Z"}]',
        'W1: send [2,"2","RemoteStartTransaction",{"idTag":"T","connectorId":1}]',
        'W1: receive message [3,"2",{"status":"Rejected"}]',
        'W1: send [2,"3","ClearCache",{}]',
        'W1: receive message [4,"3","NotSupported","",{}]',
        'W1: send [2,"4","ClearCache",{}]',
        'W1: receive message [4,"4","Sorry","",{}]',
        'W1: send [2,"5","ClearCache",{}]',
        'W1: receive message [3,"5",{"status":"Accepted"}]',
        'W1: receive message [3,"6",{"status":"Rejected"}]',
    ]
    told = digest("x", [read("\n".join(lines))])
    expected = {"RemoteStartTransaction Rejected": 1, "ClearCache NotSupported": 1, "ClearCache CallError": 1}
    assert told.stations["W1"].refused == expected
    assert any(
        line.startswith("refused: RemoteStartTransaction Rejected ×1, ") for line in summary(told, Ink(False, 200))
    )
