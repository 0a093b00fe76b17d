"""`Note`: a few lines for the learner, and perhaps some code, in colours where a page can show them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from .coloured import coloured


@dataclass(frozen=True)
class Note:
    """The last expression of a cell shows it. With a ``button`` the code is shown by a click, and never as text."""

    text: str
    code: str = ""
    button: str = ""

    def __repr__(self) -> str:
        return f"{self.text}\n\n{self.code}" if self.code and not self.button else self.text

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self.text.splitlines())
        if not self.code:
            return lines
        return lines + (_behind(self.button, coloured(self.code)) if self.button else coloured(self.code))


def _behind(label: str, html: str) -> str:
    """A button that needs no script and no kernel."""
    look = "display:inline-block;cursor:pointer;padding:.3em .8em;border:1px solid currentColor;border-radius:4px"
    return f'<details><summary role="button" style="{look}">{escape(label)}</summary>{html}</details>'
