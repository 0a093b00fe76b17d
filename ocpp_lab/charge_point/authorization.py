"""Who may charge: the cache of tags, and the decision without asking anybody (core 3.5, 4.1)."""

from __future__ import annotations

from datetime import datetime

from ..messages import AuthorizationStatus, IdTagInfo
from ..store import open_store

_SCHEMA = "CREATE TABLE IF NOT EXISTS tags (id_tag TEXT PRIMARY KEY, status TEXT NOT NULL, expires TEXT);"


class AuthorizationCache:
    """What the central system said of tags the last time, in sqlite; it survives a power cut (core 3.5.3)."""

    def __init__(self, path: str = ":memory:") -> None:
        self._db = open_store(self, path, _SCHEMA)

    def learn(self, id_tag: str, info: IdTagInfo) -> None:
        """Every idTagInfo that comes, in whichever answer, updates the cache."""
        expires = info.expiry_date.isoformat() if info.expiry_date else None
        self._db.execute("INSERT OR REPLACE INTO tags VALUES (?,?,?)", (id_tag.casefold(), info.status, expires))

    def status(self, id_tag: str, now: datetime) -> AuthorizationStatus | None:
        """What is known of a tag now; None if nothing. An Accepted tag past its date is Expired."""
        row = self._db.execute("SELECT status, expires FROM tags WHERE id_tag = ?", (id_tag.casefold(),)).fetchone()
        if row is None:
            return None
        expired = row[1] is not None and datetime.fromisoformat(row[1]) <= now
        return "Expired" if row[0] == "Accepted" and expired else row[0]

    def clear(self) -> None:
        self._db.execute("DELETE FROM tags")

    def close(self) -> None:
        self._db.close()


def without_asking(
    cached: AuthorizationStatus | None,
    *,
    online: bool,
    pre_authorize: bool,
    authorize_offline: bool,
    allow_unknown: bool,
) -> AuthorizationStatus | None:
    """The decision that can be taken here; None means: ask the central system.

    Online, a known good tag may start at once (``LocalPreAuthorize``). Offline, a known tag is decided by the cache
    (``LocalAuthorizeOffline``), an unknown one by ``AllowOfflineTxForUnknownId`` (core 3.5.3, 3.5.4).
    """
    if online:
        return "Accepted" if pre_authorize and cached == "Accepted" else None
    if cached is None:
        return "Accepted" if allow_unknown else "Invalid"
    return cached if authorize_offline else "Invalid"
