"""`Chapter`: what is told of one thing that was measured, on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ocpp_course.lab import Picture

Table = list[list[str]]
"""Rows of cells; the first row is the head."""


class Chapter(NamedTuple):
    """``findings`` are sentences made from the numbers; ``how`` says how they were taken; ``text`` stands as it is.

    ``draw`` makes the pictures by name. They are made only for the page: drawing is slow, and a terminal shows none.
    """

    title: str
    findings: list[str]
    how: str
    table: Table | None = None
    text: str = ""
    draw: Callable[[], dict[str, Picture]] = dict


def plain(chapter: Chapter) -> str:
    """For a terminal."""
    parts = [chapter.title, "\n".join(_aligned(chapter.table or [])), chapter.text.strip("\n")]
    parts.append("\n".join(f"- {finding}" for finding in chapter.findings))
    return "\n\n".join(filter(None, parts))


def _aligned(table: Table) -> Iterator[str]:
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    for row in table:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield "   ".join([first, *others]).rstrip()


def markdown(chapter: Chapter, pictures: dict[str, str]) -> str:
    """For the page. ``pictures``: the alternative text of each picture by where it lies."""
    parts = [f"## {chapter.title}", "\n".join(f"- {finding}" for finding in chapter.findings)]
    parts += [f"![{alt}]({path})" for path, alt in pictures.items()]
    parts.append("\n".join(_piped(chapter.table or [])))
    parts.append(f"```text\n{chapter.text.strip()}\n```" if chapter.text else "")
    parts.append(chapter.how)
    return "\n\n".join(filter(None, parts))


def _piped(table: Table) -> Iterator[str]:
    for number, row in enumerate(table):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield "|" + " ---: |" * len(row)


# -- words for numbers


def spread(values: list[float], unit: str = "") -> str:
    """The median of the rounds, and the least and the most of them."""
    least, most = (f"{value:.2f}" for value in (min(values), max(values)))
    return f"{median(values):.2f}{unit} ({least} to {most})"


def verdict(value: float, goal: float) -> str:
    """Whether it is as small as it should be."""
    return f"goal at most {goal:g}: {'met' if value <= goal else 'not met'}"
