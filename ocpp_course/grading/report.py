"""What grading found: as a table for eyes, as JSON, as CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from .graded import Graded

MARKS = {"passed": "✓", "wrong": "✗", "unwritten": "·", "reference": "○", "tampered": "!", "not judged": "?"}
LEGEND = "✓ right · ✗ wrong · · not written · ○ the package's own · ! changed the checker · ? not judged"
FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
CLOSING = "\n]}\n"
COLUMNS = ("name", "milestone", "step", "state", "points", "of", "seconds", "diagnosis", "note", "problem")


def table(graded: list[Graded]) -> str:
    """One line for each submission, with a mark for each step; problems below."""
    width = max([len("submission"), *(len(each.name) for each in graded)], default=10)
    lines = [f"{'submission':<{width}}  points  steps"]
    for each in graded:
        marks = " ".join(MARKS.get(step["state"], "?") for step in each.steps)
        lines.append(f"{each.name:<{width}}  {each.points:>3}/{each.of:<2}  {marks}".rstrip())
        if each.problem:
            lines.append(f"{'':<{width}}  {each.problem}")
    return "\n".join([*lines, LEGEND])


def story(graded: Graded) -> str:
    """One submission in full: every step with its diagnosis."""
    lines = [f"{graded.name}: {graded.points} of {graded.of} points"]
    for step in graded.steps:
        told = "; ".join(text for text in (step["diagnosis"], step.get("note", "")) if text)
        said = f"  {told}" if told else ""
        lines.append(f"  {MARKS.get(step['state'], '?')} {step['step']:<10} {step['points']}/{step['of']}{said}")
    return "\n".join([*lines, *([graded.problem] if graded.problem else [])])


class Report:
    """The files that grading writes, as it goes: after each submission both are whole. ``None`` writes none.

    Rows come in the order in which submissions are done; `end` puts them into the order handed in. OSError if a file
    cannot be written.
    """

    def __init__(self, json_file: Path | None, csv_file: Path | None, *, isolation: str) -> None:
        self._json, self._csv, self._isolation = json_file, csv_file, isolation
        self._empty = True
        self.end([])

    def add(self, graded: Graded) -> None:
        """One more that is done."""
        if self._json:
            with self._json.open("r+", encoding="utf-8") as file:
                end = self._json.stat().st_size - len(CLOSING)
                file.seek(end)
                file.write(("" if self._empty else ",") + _as_json(graded) + CLOSING)
        if self._csv:
            with self._csv.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, COLUMNS).writerows(_rows(graded))
        self._empty = False

    def end(self, graded: list[Graded]) -> None:
        """Write both anew, with these; each is replaced whole or not at all."""
        self._empty = not graded
        if self._json:
            head = f'{{"isolation": {json.dumps(self._isolation)}, "submissions": ['
            _replace(self._json, head + ",".join(map(_as_json, graded)) + CLOSING)
        if self._csv:
            with io.StringIO(newline="") as text:
                rows = csv.DictWriter(text, COLUMNS)
                rows.writeheader()
                rows.writerows(row for each in graded for row in _rows(each))
                _replace(self._csv, text.getvalue())


def _as_json(graded: Graded) -> str:
    return "\n" + json.dumps(graded.as_dict(), indent=1, ensure_ascii=False)


def _replace(path: Path, text: str) -> None:
    """A place that is no plain file (a pipe, a device) is written to as it is."""
    fresh = path.with_name(f".{path.name}.new")
    if path.exists() and not path.is_file():
        fresh = path
    with fresh.open("w", newline="", encoding="utf-8") as file:
        file.write(text)
    if fresh != path:
        fresh.replace(path)


def _rows(graded: Graded) -> list[dict[str, object]]:
    """One for each step; a submission without steps has one row that says why."""
    shared = {"name": graded.name, "milestone": graded.milestone, "problem": graded.problem}
    return [{key: _harmless(value) for key, value in (shared | step).items()} for step in graded.steps or [{}]]


def _harmless(value: object) -> object:
    """A spreadsheet takes a text that begins like this for a formula; names and diagnoses are other people's."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value
