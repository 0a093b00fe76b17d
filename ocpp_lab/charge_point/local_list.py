"""`LocalList`: the tags of which the central system sent a list, for the time when nobody can be asked (core 3.5.2).

The list is the central system's word: nothing but a SendLocalList changes it, and it beats the cache (core 3.5.3).
List and version are one transaction of the store.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ..messages import AuthorizationData, IdTagInfo, SendLocalListRequest, UpdateStatus
from ..store import Store, store_at

MOST_LISTED = 10_000
"""Tags in the list, some 800 kB: LocalAuthListMaxLength (core 9.2.2)."""
MOST_IN_ONE = 1_000
"""Entries of one SendLocalList: SendLocalListMaxLength (core 9.2.3). So many are written in some 10 ms."""

_VALID = ("Accepted", "ConcurrentTx")
"""A tag that charges elsewhere is valid all the same (core 3.5.2)."""


class _TooLong(Exception):
    """The list would be longer than `MOST_LISTED`; leaves the transaction, so that nothing has changed."""


class LocalList:
    """The entries by tag, whose case does not matter (core 7.28), and the version; both survive a power cut.

    Everything that reads or writes the file raises `StoreFailed` if it cannot; then nothing has changed.
    """

    def __init__(self, store: Store | str = ":memory:") -> None:
        self._store = store_at(store)

    @property
    def version(self) -> int:
        """The version that came with the newest update; 0 while the list is empty (core 6.28)."""
        rows = self._store.execute("SELECT version FROM local_list_version")
        return int(rows[0][0]) if rows and len(self) else 0

    def __len__(self) -> int:
        """How many tags are listed."""
        return int(self._store.execute("SELECT count(*) FROM local_list")[0][0])

    def listed(self, id_tag: str) -> IdTagInfo | None:
        """What the list says of a tag, as it was sent: whether it has expired meanwhile is not looked at."""
        rows = self._store.execute(
            "SELECT status, expires, parent FROM local_list WHERE id_tag = ?", (id_tag.casefold(),)
        )
        if not rows:
            return None
        [(status, expires, parent)] = rows
        expiry = datetime.fromisoformat(expires) if expires else None
        return IdTagInfo(status=status, expiry_date=expiry, parent_id_tag=parent)

    def update(self, request: SendLocalListRequest) -> UpdateStatus:
        """Replace the list or change it, and say what came of it (core 5.15). Unless Accepted, nothing has changed."""
        if said := trouble(request, self.version):
            return said
        entries = request.local_authorization_list or []
        full = request.update_type == "Full"
        try:
            with self._store.transaction():
                if full:
                    self._store.execute("DELETE FROM local_list")
                self._enter(entries)
                if len(self) > MOST_LISTED:
                    raise _TooLong
                self._store.execute("DELETE FROM local_list_version")
                self._store.execute(
                    "INSERT INTO local_list_version VALUES (?)", (0 if full and not entries else request.list_version,)
                )
        except _TooLong:
            return "Failed"
        return "Accepted"

    def _enter(self, entries: Iterable[AuthorizationData]) -> None:
        for entry in entries:
            tag, info = entry.id_tag.casefold(), entry.id_tag_info
            if info is None:  # only in a differential update: see `trouble`
                self._store.execute("DELETE FROM local_list WHERE id_tag = ?", (tag,))
                continue
            expires = info.expiry_date.isoformat() if info.expiry_date else None
            self._store.execute(
                "INSERT OR REPLACE INTO local_list VALUES (?,?,?,?)", (tag, info.status, expires, info.parent_id_tag)
            )

    def close(self) -> None:
        """Close the file, whoever else keeps something in it."""
        self._store.close()


def trouble(request: SendLocalListRequest, version: int) -> UpdateStatus | None:
    """What speaks against an update of a list that has this ``version``; None if nothing does.

    Versions -1 and 0 mean something else (core errata 3.52), so they cannot be given, but with the empty full list,
    which has version 0 anyhow. A full update may go down, a differential one must go up (core 5.15), or a change is
    lost unseen. A full list has an idTagInfo for each tag (core 7.1).
    """
    entries = request.local_authorization_list or []
    full = request.update_type == "Full"
    if full and not entries:
        return None
    if len(entries) > MOST_IN_ONE or request.list_version <= 0:
        return "Failed"
    if full:
        return "Failed" if any(entry.id_tag_info is None for entry in entries) else None
    return "VersionMismatch" if request.list_version <= version else None


def disagree(listed: IdTagInfo, came: IdTagInfo, now: datetime) -> bool:
    """Whether the list and an answer of the central system say different things of a tag: valid, or not (core 3.5.2).

    A tag of the list that has expired meanwhile is not valid any more.
    """
    expired = listed.expiry_date is not None and listed.expiry_date <= now
    return (listed.status in _VALID and not expired) != (came.status in _VALID)
