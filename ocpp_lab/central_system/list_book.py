"""`ListBook`: which local list each charge point has, as far as we know (core 3.5, 5.15)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from ..codec import decode_payload, to_object
from ..database import Database
from ..messages import IdTagInfo
from .ledger_values import instant


class KeptList(NamedTuple):
    """``version`` is the newest number that was sent. Not ``sure``: an answer was lost, or the charge point has
    another version; then only a full list helps."""

    version: int
    sure: bool
    entries: Mapping[str, IdTagInfo]


NO_LIST = KeptList(0, True, {})
"""A charge point that was never sent one. It may come with a list of its own: so the first is always full."""


class ListBook:
    """The table ``lists``, a row for each charge point. Raises `StoreFailed`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, identity: str) -> KeptList | None:
        """What was kept last; None if nothing was ever sent."""
        rows = self._db.execute("SELECT version, sure, entries FROM lists WHERE identity = ?", (identity,))
        if not rows:
            return None
        version, sure, entries = rows[0]
        tags = msgspec.json.decode(entries).items()
        return KeptList(version, bool(sure), {tag: decode_payload(IdTagInfo, info) for tag, info in tags})

    def keep(self, identity: str, kept: KeptList, at: datetime) -> None:
        """From now on it has this one."""
        entries = msgspec.json.encode({tag: to_object(info) for tag, info in kept.entries.items()}).decode()
        row = (identity, kept.version, int(kept.sure), entries, instant(at))
        self._db.execute("INSERT OR REPLACE INTO lists (identity, version, sure, entries, at) VALUES (?,?,?,?,?)", row)

    def doubt(self, identity: str) -> None:
        """It says that its list is in conflict with what we answer (core 3.5.2): the next one is sent whole."""
        if self._db.execute("SELECT 1 FROM lists WHERE identity = ? AND sure", (identity,)):
            self._db.execute("UPDATE lists SET sure = 0 WHERE identity = ?", (identity,))

    def versions(self) -> dict[str, int]:
        """The newest version by identity."""
        return {row["identity"]: row["version"] for row in self._db.records("SELECT * FROM lists ORDER BY identity")}
