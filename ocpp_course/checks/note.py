"""`Note`: a few lines for the learner, and perhaps some code."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Note:
    """The last expression of a cell shows it."""

    text: str
    code: str = ""

    def __repr__(self) -> str:
        return f"{self.text}\n\n{self.code}" if self.code else self.text

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self.text.splitlines())
        return lines + (f"<pre>{escape(self.code)}</pre>" if self.code else "")
