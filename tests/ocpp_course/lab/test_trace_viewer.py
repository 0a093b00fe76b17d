"""A file that is dropped is shown; whatever it holds is text."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocpp_course.lab import TraceViewer, explain, sample_log

SAMPLE = sample_log()


def test_a_log_is_explained_by_its_name_and_by_its_text(tmp_path: Path) -> None:
    path = tmp_path / "night.log"
    path.write_text(SAMPLE, encoding="utf-8")
    named, told = explain(path), explain(SAMPLE, name=str(path))
    assert [each.what for each in named.findings] == [each.what for each in told.findings] != []
    assert repr(named) == repr(told)
    assert explain(str(path)).digest.frames == named.digest.frames
    assert "night.log" in named._repr_html_()


def test_it_can_be_cut_down_and_saved(tmp_path: Path) -> None:
    whole = explain(SAMPLE)
    late = explain(SAMPLE, identity="CP_1", since=whole.digest.last)
    assert len(late.digest.charges) < len(whole.digest.charges)
    whole.save(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(ValueError, match=r"ends in \.html, came .*\.pdf"):
        whole.save(tmp_path / "report.pdf")
    with pytest.raises(FileNotFoundError, match=r"expected a file, came 'no-such.log'"):
        explain("no-such.log")


def test_a_dropped_file_is_shown() -> None:
    viewer = TraceViewer()
    assert viewer.explained is None and "No log yet" in viewer.status.value
    viewer._dropped({"new": ({"name": "<b>night.log", "content": memoryview(SAMPLE.encode())},)})
    assert viewer.explained is not None and viewer.explained.findings
    assert "&lt;b&gt;night.log: " in viewer.status.value
    assert viewer._shown.text == repr(viewer.explained)


def test_bytes_that_are_no_text_are_read_as_far_as_they_go() -> None:
    told = TraceViewer().read("x", b'\xff\x80\n[2,"1","Heartbeat",{}]\n')
    assert told.digest.frames == 1


def test_the_sample_is_there_at_once_and_stays_where_no_widget_lives() -> None:
    viewer = TraceViewer(SAMPLE, name="sample.log")
    bundle = viewer._repr_mimebundle_()
    assert "sample.log" in bundle["text/html"] and "details" in bundle["text/html"]
    assert bundle["text/plain"] == repr(viewer.explained)


def test_a_log_without_frames_says_what_to_turn_on() -> None:
    told = TraceViewer().read("prose.txt", "it does not work\n")
    assert "SteVe" in repr(told) and not told.findings
