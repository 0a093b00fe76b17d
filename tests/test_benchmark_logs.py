"""The benchmark of logs measures what it says: logs of that size, in which everything is found and nothing is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.chapter import plain
from benchmarks.logs import FORMATS, LogRead, write
from benchmarks.logs_chapter import chapters
from ocpp_lab.logs import diagnose, exchanges, read


@pytest.mark.parametrize("name", FORMATS)
def test_its_logs_are_right(tmp_path: Path, name: str) -> None:
    path = tmp_path / "night.log"
    write(path, name, 1)
    log = read(path)
    assert 1_000_000 <= path.stat().st_size < 1_100_000
    assert log.identities == ["CP_1", "CP_2", "CP_0"] and log.format == name
    assert {exchange.fate for exchange in exchanges(log)} == {"answered"}
    assert diagnose(log) == []


def test_its_chapter_says_whether_the_goal_is_met() -> None:
    found = [LogRead("SteVe", 200.0, 500_000, seconds, 50.0, 150.0, 80.0, 0) for seconds in (10.0, 25.0)]
    told = plain(chapters(found)[0])
    assert "20.0 MB/s" in told and "not met" in told and "70 MB of memory" in told
