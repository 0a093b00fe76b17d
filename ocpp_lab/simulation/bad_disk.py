"""`BadDisk`: the disk of one simulated machine, which refuses to be written for a while."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Protocol

from ..database import writes

FULL = "database or disk is full"
LOCKED = "database is locked"

Spell = tuple[float, float]
"""From when to when (s) something was bad."""


class OnDisk(Protocol):
    """What lies on a disk: a `Store`, a `Ledger`, any `Database`."""

    before: Callable[[str], None]
    """Told of every statement before it runs; an `sqlite3.Error` that it raises is the failure of that statement."""


def shares(spells: list[Spell], since: float, until: float) -> list[float]:
    """The seconds of each spell that lie between these instants, of those that have any there."""
    return [min(end, until) - max(begin, since) for begin, end in spells if begin < until and since < end]


class BadDisk:
    """Lies under whatever database the machine has open (`put_under`); reads always work. ``time`` tells the second."""

    def __init__(self, time: Callable[[], float]) -> None:
        self.refused = 0
        """Statements that failed so far, over all lives of the machine."""
        self.spells: list[Spell] = []
        """When it was bad; `heal` adds one."""
        self._time = time
        self._why = ""  # what sqlite says of it; "" while it is good
        self._since = 0.0  # since when it is bad
        self._spared = 0  # statements that still work before it begins to fail
        self._inside = False  # a transaction was begun: it holds the lock
        self._alarm: Callable[[], object] | None = None  # rings once, when one is begun

    def put_under(self, file: OnDisk) -> None:
        """From now on this file lies on it."""
        self._inside = False
        file.before = self._before

    def fail(self, why: str, *, spared: int = 0) -> None:
        """Refuse every statement that writes, after so many; for the reason `FULL` or `LOCKED`."""
        self._why, self._spared, self._since = why, spared, self._time()

    def heal(self) -> None:
        """It is good again; fine if it was."""
        if self._why:
            self.spells.append((self._since, self._time()))
            self._why = ""

    def at_next_write(self, act: Callable[[], object] | None) -> None:
        """Have ``act()`` called once, when the next transaction begins; None: do not."""
        self._alarm = act

    @property
    def bad(self) -> bool:
        """Whether it refuses now."""
        return bool(self._why)

    def bad_between(self, since: float, until: float) -> list[float]:
        """For how many seconds between these instants, spell by spell."""
        now = [(self._since, self._time())] if self._why else []
        return shares([*self.spells, *now], since, until)

    def _before(self, sql: str) -> None:
        if not writes(sql):
            return
        verb = sql.split(None, 1)[0].upper()
        if self._why and self._refuses(verb):
            self.refused += 1
            raise sqlite3.OperationalError(self._why)
        if verb in ("BEGIN", "COMMIT"):
            self._inside = verb == "BEGIN"
        if verb == "BEGIN" and (alarm := self._alarm):
            self._alarm = None
            alarm()

    def _refuses(self, verb: str) -> bool:
        if verb == "BEGIN":
            self._inside = False  # the one before was undone
        if verb == "BEGIN" if self._why == FULL else self._inside:
            return False  # to begin takes no room; and who holds the lock is not locked out
        self._spared -= 1
        return self._spared < 0
