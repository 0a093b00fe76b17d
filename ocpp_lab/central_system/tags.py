"""`Tags`: a dict of tags that also finds them without regard to case, at once (core 7.28)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Self

from ..messages import AuthorizationStatus


class Tags(MutableMapping[str, AuthorizationStatus]):
    """As good as a dict. Whatever is done to it goes through its five methods, which keep the second index in step."""

    def __init__(self, tags: Mapping[str, AuthorizationStatus]) -> None:
        self._tags: dict[str, AuthorizationStatus] = {}  # as they are spelt, in the order in which they came
        # The tags as they are spelt, by how they compare; of those that differ only in case the newest is last.
        self._spellings: dict[str, list[str]] = {}
        self.update(tags)

    def status_of(self, id_tag: str, unknown: AuthorizationStatus) -> AuthorizationStatus:
        """What is known of a tag, however its case; if that is nothing, ``unknown``."""
        spellings = self._spellings.get(id_tag.casefold())
        return self._tags[spellings[-1]] if spellings else unknown

    def __getitem__(self, tag: str) -> AuthorizationStatus:
        return self._tags[tag]

    def __setitem__(self, tag: str, status: AuthorizationStatus) -> None:
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

    def __ior__(self, tags: Mapping[str, AuthorizationStatus]) -> Self:
        self.update(tags)
        return self

    def __repr__(self) -> str:
        return repr(self._tags)
