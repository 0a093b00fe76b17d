"""`Beside`: after a pass, our answer beside the learner's, and what ours has that theirs need not."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from html import escape
from typing import Any

from .coloured import coloured
from .step import Step

MOST = 6
"""Names that are told."""


@dataclass(frozen=True)
class Beside:
    """Folded in a page, one line as text. ``more`` says what the package's piece has beyond the step."""

    number: str
    yours: str
    ours: str
    more: str = ""

    def __repr__(self) -> str:
        return " ".join(part for part in (f'Ours beside yours: solution("{self.number}").', self.more) if part)

    def _repr_html_(self) -> str:
        half = "flex:1 1 24em;min-width:0;overflow-x:auto"
        columns = "".join(
            f'<div style="{half}"><b>{title}</b>{coloured(code)}</div>'
            for title, code in (("Yours", self.yours), ("Ours", self.ours))
            if code
        )
        more = f"<p>{escape(self.more).replace('`', '')}</p>" if self.more else ""
        body = f'{more}<div style="display:flex;flex-wrap:wrap;gap:1em">{columns}</div>'
        return f"<details><summary>Our answer beside yours</summary>{body}</details>"


def more_than(step: Step, pieces: tuple[Any, ...]) -> str:
    """What the package's pieces have beyond the learner's: parameters and methods, each with what it is for."""
    told = [part for piece, ours in zip(pieces, step.references(), strict=True) if (part := _more(piece, ours))]
    return " ".join(told)


def _more(piece: Any, ours: Any) -> str:
    where = f"The package's `{getattr(ours, '__name__', '')}` ({getattr(ours, '__module__', '').replace('.', '/')}.py)"
    if isinstance(ours, type):
        names = [name for name in vars(ours) if not name.startswith("_") and not hasattr(piece, name)]
        told = [_purpose(name, inspect.getattr_static(ours, name)) for name in names[:MOST]]
        return f"{where} also has {'; '.join(told)}." if told else ""
    if inspect.isfunction(ours) and inspect.isfunction(piece):
        extra = [name for name in inspect.signature(ours).parameters if name not in inspect.signature(piece).parameters]
        return f"{where} also takes {', '.join(f'`{name}`' for name in extra)}." if extra else ""
    return ""


def _purpose(name: str, value: Any) -> str:
    first = (inspect.getdoc(value) or "").partition("\n")[0].partition(". ")[0].rstrip(".") if callable(value) else ""
    return f"`{name}` ({first[:1].lower()}{first[1:]})" if first else f"`{name}`"
