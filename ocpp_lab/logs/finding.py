"""`Finding`: what is wrong in a log, whose fault it is, how sure that is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .seen import Side

Blamed = Side | Literal["the link", "the log"]
"""Who has to do something about it: one of the ends, what lies between them, or whoever writes the log."""
Certainty = Literal["proved", "likely", "the log ends before it could be known"]
"""*proved*: the frames leave no other reading. *likely*: they fit, and something that is not in the log could explain
them too."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. It stands for all times that it happened, unless the cases are of different kinds."""

    rule: str
    """Its name, as in ``never-answered``: the same for ever, to link to."""
    identity: str | None
    """Of which charge point."""
    lines: tuple[int, ...]
    """Where to look, the first of all cases first; at most a few of each."""
    what: str
    """What is seen, in a sentence or two, with the numbers."""
    side: Blamed
    certainty: Certainty
    do: str
    """What to do about it."""
    section: str
    """Of the specification: ``core 4.8``."""
    taught: tuple[str, str]
    """Where the course teaches it: notebook and heading, as ``("04_call_correlation", "5. Twice")``; or an exercise."""
    weight: int = 50
    """100 costs money or data, 50 is a bug that shows, 10 is harmless."""
    seen: tuple[int, ...] = ()
    """Places in `Log.seen`, to draw a ladder around; beside ``lines``."""
    times: int = 1
    """How often it happened."""

    @property
    def sort_key(self) -> tuple[int, int, str]:
        """Heavy ones first, then in the order of the log."""
        return -self.weight, self.lines[0] if self.lines else 0, self.rule
