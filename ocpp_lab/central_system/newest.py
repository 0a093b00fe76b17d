"""`Newest`: of the rows that a peer may invent, the newest are kept. What is real business never meets it."""

from __future__ import annotations

from typing import NamedTuple

from ..bounded import Bounded
from ..database import Database

_OF_ONE = """
DELETE FROM {table} WHERE rowid IN (
    SELECT rowid FROM {table} WHERE identity = ? AND {which} ORDER BY rowid DESC LIMIT -1 OFFSET ?
)
"""
_OF_ALL = """
DELETE FROM {table} WHERE {which} AND rowid <= (
    SELECT max(rowid) FROM (
        SELECT rowid, row_number() OVER newest AS rows, sum({size}) OVER newest AS characters
        FROM {table} WHERE {which} WINDOW newest AS (ORDER BY rowid DESC)
    ) WHERE rows > ? OR characters > ?
)
"""


MOST_COUNTED = 10_000
"""Identities whose rows we have counted; of others sqlite has to, which takes longer."""


class Most(NamedTuple):
    """So many rows of each identity, of all together, and so many characters in all of them."""

    of_one: int
    of_all: int
    characters: int


class Newest:
    """Of the rows of a table for which ``which`` is true the newest: at most so many of one, of all, and so many
    characters, as SQL's ``size`` counts them.

    To look costs more than to write, so rows go when there are a tenth too many; with ``slack=0`` at once. The table
    needs a column ``identity``, and an index that begins with it.
    """

    def __init__(
        self,
        database: Database,
        table: str,
        most: Most,
        which: str = "1",
        *,
        size: str = "length(payload)",
        slack: float = 0.1,
    ) -> None:
        self.most = most
        self.slack = slack
        self._db = database
        self._count_one = f"SELECT count(*) FROM {table} WHERE identity = ? AND {which}"
        self._of_one = _OF_ONE.format(table=table, which=which)
        self._of_all = _OF_ALL.format(table=table, which=which, size=size)
        # By identity, how many rows it has at most: a repeat that added none is counted.
        self._rows: Bounded[str, int] = Bounded(MOST_COUNTED)
        # Since we looked at all of them, rows and characters that were added. At first so many that we look at once.
        self._added = most.of_all, most.characters

    def trim(self, identity: str, size: int) -> None:
        """This identity has added a row of such a size: what is too much goes. Raises `StoreFailed`.

        Belongs into the `Database.transaction` in which the row was added.
        """
        rows = self._rows[identity] + 1 if identity in self._rows else self._count(identity)
        if rows > self.most.of_one * (1 + self.slack):
            self._db.execute(self._of_one, (identity, self.most.of_one))
            rows = self.most.of_one
        self._rows[identity] = rows
        self._trim_all(size)

    def _trim_all(self, size: int) -> None:
        rows, characters = self._added[0] + 1, self._added[1] + size
        if rows > self.most.of_all * self.slack or characters > self.most.characters * self.slack:
            self._db.execute(self._of_all, self.most[1:])
            rows = characters = 0
        self._added = rows, characters

    def _count(self, identity: str) -> int:
        [(count,)] = self._db.execute(self._count_one, (identity,))
        return int(count)
