"""`Commits`: counts what the disk is asked to keep, and can make it slow.

It stands where a test would make a disk fail: the seam ``before`` of a ledger, which is told of every statement.
"""

from __future__ import annotations

import time

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class Commits:
    """``ledger.before = Commits()``. ``delay`` (s) may be changed at any time: each commit then takes so much longer.

    The delay blocks the process, as a disk does that takes its time over ``fsync``.
    """

    def __init__(self) -> None:
        self.count = 0
        self.delay = 0.0
        self._open = False  # a BEGIN was seen, and no end of it: nothing is asked of the disk before COMMIT

    def __call__(self, sql: str) -> None:
        word = sql.split(None, 1)[0].upper()
        if word == "BEGIN":
            self._open = True
        elif word == "ROLLBACK":
            self._open = False
        elif word in ("COMMIT", "END") or (word in WRITES and not self._open):
            self._open = False
            self.count += 1
            if self.delay:
                time.sleep(self.delay)
