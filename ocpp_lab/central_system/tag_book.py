"""`TagBook`: what an operator decided about tags while the central system ran (core 7.2)."""

from __future__ import annotations

from ..database import Database
from ..messages import AuthorizationStatus


class TagBook:
    """The table ``tags``, a row for each, however its case (core 7.28). Raises `StoreFailed`.

    A `Policy` does not read it: whoever makes one says which tags it begins with.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def keep(self, id_tag: str, status: AuthorizationStatus) -> None:
        """From now on it is worth this."""
        self._db.execute("INSERT OR REPLACE INTO tags (tag, status) VALUES (?,?)", (id_tag, status))

    def all(self) -> dict[str, AuthorizationStatus]:
        """By tag, as it was spelt last."""
        return {row["tag"]: row["status"] for row in self._db.records("SELECT * FROM tags ORDER BY rowid")}
