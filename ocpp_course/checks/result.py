"""`Result`: what the checks say: a table, a diagnosis, the frames that show it. The same text every time."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

from .beside import Beside
from .step import Step

State = Literal["passed", "wrong", "unwritten", "reference"]
VERDICT = "application/vnd.ocpp-lab.verdict+json"
"""Kind of output in which a notebook's runner finds the verdict."""
WIDTH = 44
MARKS = {True: "✓", False: "✗"}
GREEN, RED = "#00755e", "#b34700"  # dark enough on white; the mark says the same without colour


@dataclass(frozen=True)
class Row:
    """One check: what the contract promises and what came. ``diagnosis`` and ``ladder`` only if it failed.

    ``slips`` are mistakes in the learner's own lines that were seen meanwhile. If the first is ``certain``, it is the
    diagnosis, and no lesson is given.
    """

    name: str
    expected: str
    got: str
    ok: bool
    diagnosis: str = ""
    ladder: str = ""
    slips: tuple[str, ...] = ()
    certain: bool = False
    outranks: bool = False
    """It is told even if an earlier check failed for another reason."""


@dataclass(frozen=True)
class Result:
    """``state`` is "passed", "wrong", "unwritten", or "reference": the package's own piece was handed in.

    The last expression of a cell shows it. ``notes`` are lines below it, about what was kept. ``first`` are sentences
    that come before all others: about the kernel, not the answer. ``beside`` shows our answer beside the learner's.
    """

    step: Step
    state: State
    rows: tuple[Row, ...] = ()
    notes: list[str] = field(default_factory=list)
    first: tuple[str, ...] = ()
    beside: list[Beside] = field(default_factory=list)
    builds_on: bool = False
    """It has lines of its own on top of the package's piece. They are not judged: its names may be in their way."""

    @property
    def points(self) -> int:
        """What it earns: all of the step's points or none."""
        return self.step.points if self.state == "passed" else 0

    @property
    def failed(self) -> Row | None:
        """The first check that failed, in the order listed; before it one that saw a slip which outranks lessons."""
        wrong = [row for row in self.rows if not row.ok]
        return next((row for row in wrong if row.outranks), wrong[0] if wrong else None)

    @property
    def diagnosis(self) -> str:
        """What is wrong and why, in one line that begins with the check's name; "" if nothing is."""
        return f"{self.failed.name}: {self.failed.diagnosis}" if self.failed else ""

    @property
    def slips(self) -> tuple[str, ...]:
        """What a learner reads first, if the answer is wrong: slips, each a sentence or two."""
        row = self.failed
        return self.first + row.slips if row and self.state == "wrong" else ()

    @property
    def first_line(self) -> str:
        """The first sentence about what is wrong."""
        return self.slips[0] if self.slips else self.diagnosis

    @property
    def headline(self) -> str:
        passed = sum(row.ok for row in self.rows)
        number = self.step.number.replace(".capstone", " capstone")
        match self.state:
            case "passed":
                what = f"✓ all {len(self.rows)} checks, {_points(self.step.points)}"
            case "unwritten":
                what = "not written yet"
            case "reference" if self.builds_on:
                what = (
                    "it grows from the package's own piece, so it is not judged, and earns no points; first pass the "
                    "step that it grows from"
                )
            case "reference":
                what = "this is the package's own piece: it works, and earns no points"
            case _:
                what = f"✗ {passed} of {len(self.rows)} checks"
        return f"{number} · {self.step.title} · {what}"

    def __repr__(self) -> str:
        lines = [self.headline]
        for slip in self.slips:
            lines += ["", *textwrap.wrap(f"→ {slip}", 110, subsequent_indent="  "), ""]
        if self.state not in ("unwritten", "reference"):
            lines += _table(self.rows)
        lines += self._story() + self.notes + [repr(each) for each in self.beside]
        return "\n".join(lines)

    def _story(self) -> list[str]:
        row = self.failed
        if row is None or self.state == "unwritten":
            return []
        told = [] if row.certain else textwrap.wrap(f"→ {self.diagnosis}", 110, subsequent_indent="  ")
        lines = ["", *told] if told else []
        return lines + (["", row.ladder] if row.ladder else [])

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{_marked_up(self.headline)}</b></p>"]
        parts += [_told(_marked_up(slip)) for slip in self.slips]
        if self.state not in ("unwritten", "reference"):
            parts.append(_html_table(self.rows))
        row = self.failed
        if row and self.state != "unwritten":
            if not row.certain:
                parts.append(_told(f"<b><code>{escape(row.name)}</code></b>: {_marked_up(row.diagnosis)}"))
            if row.ladder:
                parts.append(f"<details open><summary>The frames</summary><pre>{escape(row.ladder)}</pre></details>")
        parts += [f"<p>{_marked_up(note)}</p>" for note in self.notes]
        parts += [each._repr_html_() for each in self.beside]
        return "\n".join(parts)

    def verdict(self) -> dict[str, Any]:
        """The result as plain data; ``slip`` only if there is one."""
        return {
            "step": self.step.number,
            "state": self.state,
            "points": self.points,
            "of": self.step.points,
            "diagnosis": self.diagnosis,
        } | ({"slip": self.slips[0]} if self.slips else {})

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self._repr_html_(), VERDICT: self.verdict()}


def _told(html: str) -> str:
    return f'<p style="border-left:4px solid {RED};padding-left:.7em;max-width:48em">{html}</p>'


def _points(number: int) -> str:
    return f"{number} point" if number == 1 else f"{number} points"


def _table(rows: tuple[Row, ...]) -> list[str]:
    """Columns *check | expected | got | ✓/✗*; long cells wrap."""
    name = max([len("check"), *(len(row.name) for row in rows)])
    lines = [f"  {'check':<{name}}  {'expected':<{WIDTH}}  got"]
    for row in rows:
        expected = textwrap.wrap(row.expected, WIDTH) or [""]
        got = textwrap.wrap(row.got, WIDTH) or [""]
        for number in range(max(len(expected), len(got))):
            mark, title = (MARKS[row.ok], row.name) if number == 0 else (" ", "")
            left = expected[number] if number < len(expected) else ""
            right = got[number] if number < len(got) else ""
            lines.append(f"{mark} {title:<{name}}  {left:<{WIDTH}}  {right}".rstrip())
    return lines


def _html_table(rows: tuple[Row, ...]) -> str:
    heads = "".join(
        f'<th scope="col" style="text-align:left">{head}</th>' for head in ("check", "expected", "got", "✓/✗")
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(map(_html_row, rows))}</tbody></table>"


def _html_row(row: Row) -> str:
    left = 'style="text-align:left;max-width:28em;white-space:normal"'
    mark = f'<b style="color:{GREEN if row.ok else RED}">{MARKS[row.ok]}</b>'
    cells = f"<td {left}>{_marked_up(row.expected)}</td><td {left}>{_marked_up(row.got)}</td><td>{mark}</td>"
    return f'<tr><th scope="row" {left}><code>{escape(row.name)}</code></th>{cells}</tr>'


def _marked_up(text: str) -> str:
    """Escaped, with what stands in backquotes as code."""
    pieces = escape(text).split("`")
    if len(pieces) % 2 == 0:
        return escape(text)
    return "".join(f"<code>{piece}</code>" if odd % 2 else piece for odd, piece in enumerate(pieces))
