"""`Bench`: live picture and panels in one cell: what is pressed and what it changes are on one screen."""

from __future__ import annotations

from . import controls
from .shown import Shown


class Bench(Shown):
    """``lab.Bench(wire, panel, proxy_panel)`` as the last line of a cell. They may be shown elsewhere too.

    It owns nothing: whoever made a piece closes it, and then its picture stands here.
    """

    def __init__(self, *pieces: Shown) -> None:
        if not pieces:
            raise ValueError("expected at least one piece, such as a panel, came none")
        self.pieces = pieces
        self.box = controls.card(*(piece.box for piece in pieces)).add_class("ol-bench")

    def picture(self) -> str:
        """That of each piece, one below the other."""
        return "".join(piece.picture() for piece in self.pieces)

    def __repr__(self) -> str:
        return "\n".join(piece.alt for piece in self.pieces)
