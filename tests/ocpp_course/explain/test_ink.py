"""Text for a terminal: in columns, wrapped, and harmless."""

from __future__ import annotations

from ocpp_course.explain.ink import Ink, clean, columns, many


def test_nothing_of_a_log_reaches_the_terminal_as_a_command() -> None:
    assert clean("CP\x1b[2J\x9b1m\r\nnext\u202etfel") == "CP�[2J�1m  next�tfel"


def test_colour_only_where_it_is_wanted() -> None:
    assert Ink(False, 80)("bad", "heavy") == "bad"
    assert Ink(True, 80)("bad", "heavy") == "\x1b[1;31mbad\x1b[0m"
    assert Ink(True, 80)("", "heavy") == ""


def test_a_paragraph_keeps_its_indent_and_its_width() -> None:
    lines = Ink(False, 60).wrapped("word " * 40, 16, "   seen")
    assert lines[0].startswith("   seen         word")
    assert all(line.startswith(" " * 16) for line in lines[1:])
    assert max(map(len, lines)) <= 60


def test_columns_stand_under_each_other_and_numbers_to_the_right() -> None:
    assert columns([["a", "1.0"], ["long", "10.0"]], right=(1,)) == ["a      1.0", "long  10.0"]
    assert columns([]) == []


def test_one_and_many() -> None:
    assert (many(1, "frame"), many(0, "frame"), many(1204, "frame")) == ("1 frame", "0 frames", "1,204 frames")
