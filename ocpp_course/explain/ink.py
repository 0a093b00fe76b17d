"""`Ink`: text for a terminal: coloured or not, wrapped, and without what a log could do to the terminal."""

from __future__ import annotations

import re
import textwrap

COLOURS = {"bold": "1", "dim": "2", "heavy": "1;31", "bug": "33", "harmless": "36", "good": "32"}
"""What a word means to the terminal."""
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What moves the cursor, changes colours, or turns the direction of text."""


class Ink:
    """``ink(text, "heavy")`` paints a word, if there is colour. ``width`` is that of a line."""

    def __init__(self, colour: bool, width: int) -> None:
        self.colour = colour
        self.width = max(60, min(width, 110))

    def __call__(self, text: str, kind: str) -> str:
        return f"\x1b[{COLOURS[kind]}m{text}\x1b[0m" if self.colour and text else text

    def wrapped(self, text: str, indent: int, first: str = "") -> list[str]:
        """A paragraph whose lines begin ``indent`` from the left; the first one with these words instead."""
        room = " " * indent
        filled = textwrap.wrap(clean(text), self.width - indent, break_on_hyphens=False) or [""]
        return [first.ljust(indent) + filled[0], *(room + line for line in filled[1:])]

    def cut(self, text: str, room: int) -> str:
        """So many characters of it at most."""
        text = clean(text)
        return text if len(text) <= room else text[: max(room - 1, 0)] + "…"


def clean(text: str) -> str:
    """A text of anybody on one line, each control character as a visible sign."""
    return CONTROL.sub(lambda found: "�" if found[0] not in "\t\r\n" else " ", text)


def columns(rows: list[list[str]], right: tuple[int, ...] = ()) -> list[str]:
    """Rows under each other; the columns ``right`` stand at their right edge."""
    if not rows:
        return []
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(wide) if place in right else cell.ljust(wide)
            for place, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def many(count: int, what: str) -> str:
    """``1 frame``, ``1,204 frames``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
