"""`Quarantine`: transaction messages that were refused, as they came. Somebody charged, whatever was wrong with it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..database import Database
from ..frames import Call, encode
from .newest import Most, Newest

MOST_SET_ASIDE = Most(of_one=100, of_all=1000, characters=16_000_000)


class Quarantine:
    """The table ``quarantine``. The newest 100 messages of each charge point are kept, of all together the newest
    1,000, and no more than 16 million characters: whoever is refused may send as much as it likes.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._newest = Newest(database, "quarantine", MOST_SET_ASIDE, size="size", slack=0)

    def set_aside(self, identity: str, call: Call, reason: str, at: datetime) -> None:
        """Keep one, once: sent again it has another unique id, and is the same message. Raises `StoreFailed`."""
        digest = hashlib.sha256(msgspec.json.encode([call.action, call.payload])).hexdigest()
        if self._db.execute("SELECT 1 FROM quarantine WHERE identity = ? AND hash = ?", (identity, digest)):
            return
        text = encode(call)
        row = (identity, at.astimezone(UTC).isoformat(timespec="milliseconds"), call.action, reason, text)
        with self._db.transaction():
            self._db.execute(
                "INSERT INTO quarantine (identity, at, action, reason, text, size, hash) VALUES (?,?,?,?,?,?,?)",
                (*row, len(text), digest),
            )
            self._newest.trim(identity, len(text))

    def records(self) -> list[dict[str, Any]]:
        """The messages, oldest first: ``identity``, ``at``, ``action``, ``reason``, ``text``."""
        return self._db.records("SELECT identity, at, action, reason, text FROM quarantine ORDER BY number")
