"""`Tags`: a dict of tags that also finds them without regard to case, at once (core 7.28)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from datetime import datetime
from typing import Self

import msgspec

from ..messages import AuthorizationStatus, IdTagInfo

KnownTag = AuthorizationStatus | IdTagInfo
"""What is known of a tag: all of it, or a status alone, which is short for an `IdTagInfo` that says no more."""


class Tags(MutableMapping[str, KnownTag]):
    """As good as a dict, and gives back what was put in. Whatever is done to it goes through its five methods, which
    keep the second index in step."""

    def __init__(self, tags: Mapping[str, KnownTag]) -> None:
        self._tags: dict[str, KnownTag] = {}  # as they are spelt, in the order in which they came
        # The tags as they are spelt, by how they compare; of those that differ only in case the newest is last.
        self._spellings: dict[str, list[str]] = {}
        self.update(tags)

    def find(self, id_tag: str) -> IdTagInfo | None:
        """What is known of a tag, however its case; None if that is nothing."""
        spellings = self._spellings.get(id_tag.casefold())
        return whole(self._tags[spellings[-1]]) if spellings else None

    def __getitem__(self, tag: str) -> KnownTag:
        return self._tags[tag]

    def __setitem__(self, tag: str, status: KnownTag) -> None:
        if tag not in self._tags:
            self._spellings.setdefault(tag.casefold(), []).append(tag)
        self._tags[tag] = status

    def __delitem__(self, tag: str) -> None:
        del self._tags[tag]
        spellings = self._spellings[tag.casefold()]
        spellings.remove(tag)
        if not spellings:
            del self._spellings[tag.casefold()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tags)

    def __len__(self) -> int:
        return len(self._tags)

    def clear(self) -> None:
        """Remove all, in one go."""
        self._tags.clear()
        self._spellings.clear()

    def __ior__(self, tags: Mapping[str, KnownTag]) -> Self:
        self.update(tags)
        return self

    def __repr__(self) -> str:
        return repr(self._tags)


def whole(known: KnownTag) -> IdTagInfo:
    """The same as an `IdTagInfo`."""
    return known if isinstance(known, IdTagInfo) else IdTagInfo(status=known)


def at_instant(info: IdTagInfo, now: datetime) -> IdTagInfo:
    """The same as of now: from its expiryDate on an accepted tag is Expired (core 7.27)."""
    over = info.status == "Accepted" and info.expiry_date is not None and info.expiry_date <= now
    return msgspec.structs.replace(info, status="Expired") if over else info
