"""`Board`: how far a learner is: milestones, steps, points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from .step import MILESTONES, Step, steps

MARKS = {"mine": "✓", "reference": "○", "": "·"}
LEGEND = "✓ yours · ○ the package's (no points) · · not yet"


@dataclass(frozen=True)
class Line:
    """One step on the board. ``how`` is "mine", "reference" or ""."""

    step: Step
    how: str
    points: int
    hints: int


@dataclass(frozen=True)
class Board:
    """All steps of the course, or of one milestone. The last expression of a cell shows it."""

    lines: tuple[Line, ...]

    @property
    def points(self) -> int:
        return sum(line.points for line in self.lines)

    @property
    def done(self) -> int:
        """Steps that are the learner's own."""
        return sum(line.how == "mine" for line in self.lines)

    @property
    def headline(self) -> str:
        most = sum(line.step.points for line in self.lines)
        return f"{self.done} of {len(self.lines)} steps done, {self.points} of {most} points"

    def _milestones(self) -> Iterator[tuple[str, list[Line]]]:
        for number, module in MILESTONES.items():
            mine = [line for line in self.lines if line.step.number.startswith(f"{number}.")]
            if mine:
                yield f"{number} {module.replace('_', ' ')}", mine

    def __repr__(self) -> str:
        rows = [self.headline]
        for title, lines in self._milestones():
            got, most = sum(line.points for line in lines), sum(line.step.points for line in lines)
            rows.append(f"\n{title:<32} {bar(got, most)} {got:>2}/{most}")
            rows += [_row(line) for line in lines]
        return "\n".join([*rows, "", LEGEND])

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{escape(self.headline)}</b></p><table><tbody>"]
        for title, lines in self._milestones():
            got, most = sum(line.points for line in lines), sum(line.step.points for line in lines)
            meter = f'<progress value="{got}" max="{most}" aria-label="{got} of {most} points"></progress>'
            parts.append(
                f'<tr><th scope="rowgroup" colspan="3" style="text-align:left">{escape(title)}</th>'
                f"<td>{meter} {got}/{most}</td></tr>"
            )
            parts += [_html_row(line) for line in lines]
        return "".join([*parts, f"</tbody></table><p>{LEGEND}</p>"])


def bar(got: int, most: int, width: int = 10) -> str:
    """``███░░░``"""
    full = round(width * got / most) if most else 0
    return "█" * full + "░" * (width - full)


def _row(line: Line) -> str:
    number = line.step.number.replace(".capstone", " capstone")
    hints = f"  {line.hints} hint{'s' if line.hints > 1 else ''}" if line.hints else ""
    return f"  {MARKS[line.how]} {number:<11} {line.step.title:<46} {line.points}/{line.step.points}{hints}".rstrip()


def _html_row(line: Line) -> str:
    left = 'style="text-align:left"'
    number = line.step.number.replace(".capstone", " capstone")
    hints = f"{line.hints} hint{'s' if line.hints != 1 else ''}" if line.hints else ""
    cells = f"<td {left}>{escape(number)}</td><td {left}>{escape(line.step.title)}</td>"
    return f"<tr><td>{MARKS[line.how]}</td>{cells}<td {left}>{line.points}/{line.step.points} {hints}</td></tr>"


def board(progress: dict[str, dict[str, Any]], milestone: str | None = None) -> Board:
    """The board of what is known of each step (`Shelf.progress`), for one milestone or all."""
    lines = []
    for number in [milestone] if milestone else MILESTONES:
        for step in steps(number):
            known = progress.get(step.number, {})
            how = known.get("how", "") if known.get("how") in MARKS else ""
            lines.append(Line(step, how, step.points if how == "mine" else 0, int(known.get("hints", 0))))
    return Board(tuple(lines))
