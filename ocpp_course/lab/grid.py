"""`grid`: a result as a table of words, signs and colour; `good`, `bad` and `twice` are cells with a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from .markup import marked
from .palette import SIGNS
from .sheet import sheet

WIDEST = 34
"""Letters that stand in one line of a cell; longer words are broken."""

_DRAWN = {
    "good": '<circle cx="12" cy="12" r="9.5" fill="currentColor" stroke="none"/>'
    '<path d="m7.8 12.3 3 3 5.500-6" stroke="var(--raise)" stroke-width="2.2"/>',
    "bad": '<circle cx="12" cy="12" r="8.5" stroke-dasharray="4 3.2" stroke-width="2"/>',
    "twice": '<circle cx="8.5" cy="12" r="6.5" fill="currentColor" stroke="none"/>'
    '<circle cx="15.5" cy="12" r="6.5" stroke-width="2" fill="var(--raise)"/>',
}
"""A full disc with a tick, a hole, two that overlap: told apart without their colours."""


class Verdict(NamedTuple):
    """A cell that judges. ``kind`` is good, bad, twice, or a key of `palette.SIGNS`; ``more`` is said small."""

    kind: str
    words: str
    more: str = ""

    def __str__(self) -> str:
        return f"{self.words} ({self.more})" if self.more else self.words


def good(words: str, more: str = "") -> Verdict:
    """As it should be: a green tick."""
    return Verdict("good", words, more)


def bad(words: str, more: str = "") -> Verdict:
    """Lost, missing, not as it should be: a broken ring."""
    return Verdict("bad", words, more)


def twice(words: str, more: str = "") -> Verdict:
    """There more than once: two rings."""
    return Verdict("twice", words, more)


class grid:
    """``grid({"row": [cell, …]}, ["column", …], title="The finding")``.

    A cell is text, a number, a `Verdict`, None (nothing), or True and False: then it is a tick with "yes", or a ring
    with "no". Numbers stand to the right. ``corner`` heads the first column; ``foot`` is a last row, for sums. Raises
    ValueError if a row has more or fewer cells than there are columns.
    """

    def __init__(
        self,
        rows: Mapping[str, Sequence[Any]],
        columns: Sequence[str] = ("",),
        *,
        title: str = "",
        corner: str = "",
        foot: Sequence[str] = (),
    ) -> None:
        for name, row in [*rows.items(), *([("foot", foot[1:])] if foot else [])]:
            if len(row) != len(columns):
                raise ValueError(f"expected {len(columns)} cells in row {name!r}, one for each column, came {len(row)}")
        self.rows = {name: [_cell(value) for value in row] for name, row in rows.items()}
        self.columns, self.title, self.corner, self.foot = list(columns), title, corner, list(foot)

    def __repr__(self) -> str:
        """The same words in columns, for a terminal and for `pytest --nbval`."""
        table = [[self.corner, *self.columns], *([name, *map(_text, row)] for name, row in self.rows.items())]
        table = [row for row in [*table, self.foot] if any(row)]
        widths = [max(len(row[column]) for row in table) for column in range(len(self.columns) + 1)]
        right = [False, *self._numeric()]
        lines = ["  ".join(map(_aligned, row, widths, right)).rstrip() for row in table]
        return "\n".join(([self.title] if self.title else []) + lines)

    def _numeric(self) -> list[bool]:
        """Of each column: whether it holds numbers and nothing else."""
        columns = list(zip(*self.rows.values(), strict=True)) or [()] * len(self.columns)
        return [any(map(_is_number, cells)) and all(c is None or _is_number(c) for c in cells) for cells in columns]

    def _repr_html_(self) -> str:
        right = self._numeric()
        caption = f"<caption>{marked(self.title)}</caption>" if self.title else ""
        head = "".join(_heading(words, number) for words, number in zip(self.columns, right, strict=True))
        corner = f'<th scope="col">{marked(self.corner)}</th>' if self.corner else "<td></td>"
        top = f"<thead><tr>{corner}{head}</tr></thead>" if any(self.columns) else ""
        body = "".join(
            f'<tr><th scope="row">{marked(name)}</th>{"".join(map(_html, row, right))}</tr>'
            for name, row in self.rows.items()
        )
        sums = "".join(map(_html, self.foot[1:], right))
        foot = f'<tfoot><tr><th scope="row">{marked(self.foot[0])}</th>{sums}</tr></tfoot>' if self.foot else ""
        table = f"<table>{caption}{top}<tbody>{body}</tbody>{foot}</table>"
        return f'<div class="ol grid">{sheet("grid")}{table}</div>'


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return good("yes") if value else bad("no")
    return value


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return value.removeprefix("€ ").replace(",", "").replace(".", "", 1).isdigit()
    return isinstance(value, int | float)


def _text(value: Any) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _aligned(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def _heading(words: str, number: bool) -> str:
    return f'<th scope="col"{" class=n" if number else ""}>{marked(words)}</th>'


def _html(value: Any, number: bool) -> str:
    if isinstance(value, Verdict):
        more = f" <small>{marked(value.more)}</small>" if value.more else ""
        words = f"<span>{marked(value.words)}{more}</span>"
        return f'<td class="{value.kind}"><span class="v">{_sign(value.kind)} {words}</span></td>'
    kind = "n" if number else "long" if len(_text(value)) > WIDEST else ""
    return f"<td{f' class={kind}' if kind else ''}>{marked(_text(value))}</td>"


def _sign(kind: str) -> str:
    if kind in _DRAWN:
        return f'<svg class="i" viewBox="0 0 24 24" aria-hidden="true">{_DRAWN[kind]}</svg>'
    return f'<span class="sign" aria-hidden="true">{escape(SIGNS[kind])}</span>'
