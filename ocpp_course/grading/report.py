"""What grading found: as a table for eyes, as JSON, as CSV."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from .grade import Graded

MARKS = {"passed": "✓", "wrong": "✗", "unwritten": "·", "reference": "○", "tampered": "!", "not judged": "?"}
LEGEND = "✓ right · ✗ wrong · · not written · ○ the package's own · ! changed the checker · ? not judged"
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


def write_json(graded: list[Graded], path: Path, *, isolation: str) -> None:
    """All that is known, with which protections held."""
    whole = {"isolation": isolation, "submissions": [each.as_dict() for each in graded]}
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_csv(graded: list[Graded], path: Path) -> None:
    """One row for each step of each submission; a submission without steps has one row that says why."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()
        for each in graded:
            shared = {"name": each.name, "milestone": each.milestone, "problem": each.problem}
            for step in each.steps or [{}]:
                rows.writerow({key: _harmless(value) for key, value in (shared | step).items()})


def _harmless(value: object) -> object:
    """A spreadsheet takes a text that begins like this for a formula; names and diagnoses are other people's."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
