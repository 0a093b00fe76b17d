"""The page on performance: what it says is what the numbers say, and it can be made from the numbers alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import boot_storm, fairness_chapter, live
from benchmarks.chapter import Chapter, markdown, plain, spread, verdict
from benchmarks.entries import ENTRIES
from benchmarks.growth import line, points
from benchmarks.hour import Hour
from benchmarks.machine import Machine, machine
from benchmarks.page import FOLDER, NUMBERS, PAGE, draw, drawn, write
from benchmarks.pair import Window
from benchmarks.reconnect_storm import Storm
from benchmarks.results import Results, load, save
from benchmarks.stack import Stack
from benchmarks.throughput import CASES
from tests.house import ROOT

P99 = {"memory": 0.010, "file": 0.040, "slow": 0.060}
"""Seconds: 4 times that of memory, and one slow commit more than the file's."""

MACHINE = Machine(
    day="2026-01-31",
    processor="Abacus",
    cores=2,
    load=0.25,
    system="Linux x86_64",
    python="CPython 3.13.0",
    packages={"websockets": "15.0"},
    commit=0.0045,
)


def _window(ledger: str, size: int, number: int, **other: Any) -> live.Window:
    figures: dict[str, Any] = {
        "seconds": 10.0,
        "cpu": size / 50_000,
        "memory": 40_000_000 + 30_000 * size,
        "p50": 0.001,
        "p99": P99[ledger],
        "worst": P99[ledger] * 2,
        "heartbeats": size,
        "readings": size // 6,
        "commits": size // 6,
        "late": 0.002,
    }
    return live.Window(ledger, size, number, **figures | other)


def _live(**other: Any) -> list[live.Window]:
    return [_window(ledger, size, n, **other) for ledger in live.LEDGERS for size in (1000, 5000) for n in range(2)]


def _storms() -> list[boot_storm.Storm]:
    took = {"memory": 3.3, "file": 18.3}
    return [
        boot_storm.Storm(ledger, 2000, number, [seconds / 2, seconds], seconds, 2000, 0, 7)
        for ledger, seconds in took.items()
        for number in range(2)
    ]


def _stack() -> Stack:
    windows = {
        f"{letter} {kind} {connections}": [Window(1234.56789, 99.0)] * 3
        for letter in ("a", "b", "b′", "b″", "c", "d", "e", "f", "g")
        for kind, connections in CASES
    }
    return Stack(
        rounds=3,
        seconds=0.1,
        windows=windows,
        watched=windows,
        memory={"a": 16e3, "c": 24e3, "d": 20e3},
        imports={"ocpp_lab": 0.3, "dependencies": 0.2},
        hour=Hour(ours=0.05, bare=0.02, ratio=2.5, frames=77),
        storms={0: Storm(peak=199, dials=600, online=21.0, cpu=3.0)},
    )


def _results() -> Results:
    return Results(MACHINE, False, {"live": _live(), "storm": _storms(), "stack": _stack()})


# -- numbers


def test_a_straight_line_is_found() -> None:
    """Two more for each step from five on; a point beside it lowers R², a level line has no error."""
    fit = line([(0, 5.0), (1, 7.0), (2, 9.0)])
    assert (fit.slope, fit.intercept, fit.r_squared) == pytest.approx((2.0, 5.0, 1.0))
    assert fit.at(10) == pytest.approx(25.0)
    assert line([(0, 0.0), (1, 2.0), (2, 1.0)]).r_squared == pytest.approx(0.25)
    assert line([(0, 3.0), (1, 3.0)]) == (0.0, 3.0, 1.0)


def test_growth_is_read_from_all_windows_of_a_ledger() -> None:
    fit = line(points(_live(), "file", "memory"))
    assert (fit.slope, fit.intercept) == pytest.approx((30_000, 40_000_000))


def test_rounds_are_compared_within_themselves() -> None:
    """A noisy round slows both and changes no ratio, in whatever order the windows were taken."""
    p99 = {"memory": [0.01, 0.1], "file": [0.02, 0.2], "slow": [0.05, 0.23]}
    found = [_window(ledger, 1000, n, p99=values[n]) for ledger, values in p99.items() for n in (1, 0)]
    assert live.times_memory(found, "file", 1000) == pytest.approx([2.0, 2.0])
    assert live.commits_more(found, 1000, "p99") == pytest.approx([1.5, 1.5])


def test_words_for_numbers() -> None:
    assert spread([3.0, 1.0, 2.5], " ×") == "2.50 × (1.00 to 3.00)"
    assert verdict(5.0, 5.0) == "goal at most 5: met"
    assert verdict(1.51, 1.5) == "goal at most 1.5: not met"


# -- chapters


def test_a_chapter_is_told_twice() -> None:
    """On the terminal with its columns in line, on the page as Markdown; one without a table has none."""
    chapter = Chapter("A title", ["It is so."], "How.", [["N", "ledger"], ["1,000", "file"]], "some text")
    assert plain(chapter) == "A title\n\n    N   ledger\n1,000     file\n\nsome text\n\n- It is so."
    told = markdown(chapter, {"performance/x.png": "what it shows"})
    assert "## A title\n\n- It is so.\n\n![what it shows](performance/x.png)" in told
    assert "| N | ledger |\n| ---: | ---: |\n| 1,000 | file |" in told
    assert "```text\nsome text\n```" in told and told.endswith("How.")
    assert "|" not in markdown(Chapter("A title", [], "How."), {})


def test_goals_are_judged() -> None:
    """4 × and one commit meet theirs, 5.5 × does not."""
    [latency, growth], [storm] = ENTRIES["live"].chapters(_live()), ENTRIES["storm"].chapters(_storms())
    assert "4.00 × (4.00 to 4.00) at 1,000" in latency.findings[1] and "goal at most 5: met" in latency.findings[1]
    assert "2.00 (2.00 to 2.00) at 5,000; goal at most 1.5: not met" in latency.findings[2]
    assert "1.00 (1.00 to 1.00) at 5,000; goal at most 1.5: met" in latency.findings[3]
    assert "2.00% of a core for 1,000" in growth.findings[0] and "30.0 MB" in growth.findings[2]
    assert "5.55 × (5.55 to 5.55); goal at most 1.5: not met" in storm.findings[0]


def test_the_worst_size_is_judged() -> None:
    """A goal that is met at 1,000 only is not met."""
    found = [_window(ledger, size, 0, p99=P99[ledger] * (size / 1000)) for ledger in P99 for size in (1000, 2000)]
    found[3] = _window("file", 2000, 0, p99=0.2)
    [latency, _] = ENTRIES["live"].chapters(found)
    assert "goal at most 5: not met" in latency.findings[1]


def test_one_size_has_no_growth() -> None:
    """No line goes through one point."""
    assert len(ENTRIES["live"].chapters([window for window in _live() if window.charge_points == 1000])) == 1


def test_a_machine_without_time_is_told_of() -> None:
    """A crowd that calls late measures itself."""
    assert not [told for told in ENTRIES["live"].chapters(_live(late=0.09))[0].findings if "too busy" in told]
    [told] = [told for told in ENTRIES["live"].chapters(_live(late=38.0))[0].findings if "too busy" in told]
    assert "38.0 s at 1,000, 38.0 s at 5,000" in told


def test_commits_are_those_of_all_rounds() -> None:
    [latency, _] = ENTRIES["live"].chapters(_live(readings=83, commits=20))
    rows = [dict(zip((latency.table or [])[0], row, strict=True)) for row in (latency.table or [])[1:]]
    assert [row["ledger"] for row in rows] == ["memory", "file", "slow"] * 2
    assert {row["commits / readings"] for row in rows} == {"40 / 166"}
    assert (rows[-1]["p99"], rows[-1]["memory"], rows[-1]["CPU of a core"]) == ("60 ms", "190 MB", "10.0%")


def test_fairness_has_its_place() -> None:
    """Its numbers come from elsewhere; 8 × is too long, 4 % fewer answers is little enough."""
    found = SimpleNamespace(alone=0.001, beside=0.008, times=8.0, unfair_beside=0.4, unfair_times=400.0, answers=0.96)
    [chapter] = fairness_chapter.chapters(found)
    assert "8.0 × as long as alone; goal at most 5: not met" in chapter.findings[0]
    assert (
        "4.0% fewer answers for a CPU second, a loss of 10% being the limit; goal at most 0.1: met"
        in chapter.findings[1]
    )
    assert (chapter.table or [])[1] == ["with fairness", "1.0 ms", "8.0 ms", "8.0"]
    assert "beside five, unfair 400 ms" in chapter.draw()["fairness"].alt


# -- the file and the page


def test_numbers_survive_the_file(tmp_path: Path) -> None:
    """All entries, their types and keys; to five digits."""
    save(_results(), tmp_path / "results.json")
    read = load(tmp_path / "results.json")
    assert read.machine == MACHINE and read.found["live"] == _live() and read.found["storm"] == _storms()
    assert read.found["stack"].found().windows["b″", CASES[0]] == [Window(1234.6, 99.0)] * 3
    assert read.found["stack"].storms[0].peak == 199


def test_a_part_can_be_kept(tmp_path: Path) -> None:
    save(Results(MACHINE, True, {"storm": _storms()}), tmp_path / "results.json")
    assert [chapter.title for chapter in load(tmp_path / "results.json").chapters()] == [
        "Storm: 2,000 dial and boot at once"
    ]


def test_the_page_is_written_and_drawn_again(tmp_path: Path) -> None:
    """With what was measured, on what, its pictures and their alternative texts; the numbers alone make it again."""
    write(_results(), tmp_path)
    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    for chapter in _results().chapters():
        assert f"## {chapter.title}" in page
    for word in ("Abacus", "2026-01-31", "4.5 ms", "a full run", "5,000 live: p99 with a file is 4.00"):
        assert word in page
    pictures = sorted(path.name for path in (tmp_path / FOLDER).glob("*.png"))
    assert pictures == ["growth.png", "latency.png", "ratios.png", "storm.png"]
    assert all(f"]({FOLDER}/{name})" in page for name in pictures) and "![]" not in page
    shutil.copytree(tmp_path / FOLDER, tmp_path / "again" / FOLDER, ignore=shutil.ignore_patterns("*.png"))
    draw(tmp_path / "again")
    assert (tmp_path / "again" / PAGE).read_text(encoding="utf-8") == page
    assert len(list((tmp_path / "again" / FOLDER).glob("*.png"))) == 4


def test_the_committed_page_is_that_of_the_committed_numbers(tmp_path: Path) -> None:
    """Nobody writes a better number into it: `python -m benchmarks --draw` makes it anew."""
    (tmp_path / FOLDER).mkdir()
    shutil.copy(ROOT / "docs" / FOLDER / NUMBERS, tmp_path / FOLDER / NUMBERS)
    assert drawn(tmp_path) == (ROOT / "docs" / PAGE).read_text(encoding="utf-8")
    assert {path.name for path in (tmp_path / FOLDER).iterdir()} == {
        path.name for path in (ROOT / "docs" / FOLDER).iterdir()
    }


def test_the_machine_is_described_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.machine.FOLDER", tmp_path)
    here = machine()
    assert here.cores >= 1 and here.commit > 0 and here.python.count(".") == 2
    assert not [text for text in (here.processor, here.system, here.python) if "/" in text]
    assert list(tmp_path.iterdir()) == []
