"""`Doorbell`: tells of those who knocked and were not let in, but lets no port scanner fill the screen."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

AT_ONCE = 20
EVERY = 1.0
"""Of each kind, so many are told of at once and then one every so many seconds; a fleet with a wrong key is seen whole,
and whoever knocks ten thousand times is one line a second. Ours."""


@dataclass(slots=True)
class _Credit:
    """How many of one kind may still be told of, as of loop time ``at``; how many were not since the last one."""

    at: float
    lines: float = AT_ONCE
    untold: int = 0


class Doorbell:
    """``note(identity, mark, text)`` is told who came and why they were not let in; ``kinds`` counts all of them.

    A kind is one of a few words of ours, never anything that a stranger said: both dictionaries stay small.
    """

    def __init__(self, note: Callable[[str, str, str], None]) -> None:
        self.note = note
        self.kinds: Counter[str] = Counter()
        self._credits: dict[str, _Credit] = {}  # by kind, from the first that rang; `ring` spends them

    def ring(self, kind: str, text: str, identity: str = "?") -> None:
        """Somebody was not let in."""
        self.kinds[kind] += 1
        now = asyncio.get_running_loop().time()
        credit = self._credits.setdefault(kind, _Credit(now))
        credit.lines = min(AT_ONCE, credit.lines + (now - credit.at) / EVERY)
        credit.at = now
        if credit.lines < 1:
            credit.untold += 1
            return
        credit.lines -= 1
        more = f" (and {credit.untold} more like this before)" if credit.untold else ""
        credit.untold = 0
        self.note(identity[:50], "!", f"{text}{more}")

    def rest(self) -> None:
        """Tell how many were not told of; nobody comes any more."""
        for kind, credit in self._credits.items():
            if credit.untold:
                self.note("?", "!", f"{credit.untold} more were turned away: {kind}")
                credit.untold = 0
