"""`read_at`: the frame at a place of a line, which may be long, and have thousands of them."""

from __future__ import annotations

import re

from ..frames import Frame
from .mending import CANDIDATE, Piece, cheap
from .sighted import read_frame

WINDOW = 8_000
"""Characters that a frame is looked for in first, on a line that is longer."""
MOST_WITHIN = 64
"""What looks like a frame in the texts of another one."""


def read_at(text: str, found: re.Match[str]) -> tuple[Frame | None, Piece | None]:
    """The frame that begins where `CANDIDATE` was found; a piece that is None if more lines may complete it."""
    start = found.start()
    if len(text) - start > WINDOW:
        piece = cheap(text[start : start + WINDOW])
        if piece is not None and piece.condition != "elided":
            return None, piece
    frame, piece = read_frame(text[start:])
    if piece is None or piece.condition in ("broken", "elided"):
        end = _next_of_its_kind(text, found)
        if end > 0:  # it was cut, and the next one begins there
            frame, piece = read_frame(text[start:end])
            piece = piece or Piece("broken", None, end - start)
    return frame, piece


def _next_of_its_kind(text: str, found: re.Match[str]) -> int:
    """Where the next frame begins that is quoted as this one is, or -1. One within its texts has a backslash more."""
    depth, place = found.group().count("\\"), found.end()
    for _ in range(MOST_WITHIN):
        other = CANDIDATE.search(text, place)
        if other is None:
            return -1
        if other.group().count("\\") <= depth:
            return other.start()
        place = other.end()
    return -1
