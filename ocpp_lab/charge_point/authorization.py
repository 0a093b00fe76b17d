"""Who may charge: the cache of tags, and the decision with and without asking the central system (core 3.5, 4.1)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from ..codec import encode_payload
from ..errors import ConnectionLost, NotConnected, OcppError, StoreFailed
from ..messages import AuthorizationStatus, AuthorizeRequest, IdTagInfo
from ..station.decisions import Decisions
from ..station.rights import known
from ..store import Store, store_at
from .configuration import Configuration

log = logging.getLogger(__name__)

_FORGET = """
DELETE FROM tags WHERE rowid IN (
    SELECT rowid FROM tags ORDER BY status = 'Accepted' DESC, rowid DESC LIMIT -1 OFFSET ?
)
"""
MOST_TAGS = 5000
"""Tags in the cache, some 400 kB."""


class AuthorizationCache:
    """What the central system said of tags the last time, in sqlite; it survives a power cut (core 3.5.1).

    Of 5,000: with RemoteStartTransaction a central system may invent tags, so one that is not accepted goes first, and
    then the one of which it has said nothing for longest.

    Everything that reads or writes the file raises `StoreFailed` if it cannot.
    """

    def __init__(self, store: Store | str = ":memory:") -> None:
        self._store = store_at(store)

    def learn(self, id_tag: str, info: IdTagInfo) -> None:
        """Every idTagInfo that comes, in whichever answer, updates the cache."""
        expires = info.expiry_date.isoformat() if info.expiry_date else None
        with self._store.transaction():
            row = id_tag.casefold(), info.status, expires, info.parent_id_tag
            self._store.execute("INSERT OR REPLACE INTO tags VALUES (?,?,?,?)", row)
            self._store.execute(_FORGET, (MOST_TAGS,))

    def find(self, id_tag: str) -> IdTagInfo | None:
        """What was said of a tag, whatever the time; None if nothing."""
        rows = self._store.execute("SELECT status, expires, parent FROM tags WHERE id_tag = ?", (id_tag.casefold(),))
        if not rows:
            return None
        [(status, expires, parent)] = rows
        until = datetime.fromisoformat(expires) if expires else None
        return IdTagInfo(status=status, expiry_date=until, parent_id_tag=parent)

    def status(self, id_tag: str, now: datetime) -> AuthorizationStatus | None:
        """What is known of a tag now; None if nothing. An Accepted tag past its date is Expired."""
        info = known(None, self.find(id_tag), now)
        return info.status if info else None

    def clear(self) -> None:
        """Forget every tag."""
        self._store.execute("DELETE FROM tags")

    def close(self) -> None:
        """Close the file, whoever else keeps something in it."""
        self._store.close()


class Authorizer:
    """Decides over tags. ``call`` asks the central system, ``online()`` says whether that makes sense now."""

    def __init__(
        self,
        cache: AuthorizationCache,
        configuration: Configuration,
        call: Callable[[Any], Awaitable[Any]],
        *,
        online: Callable[[], bool],
        now: Callable[[], datetime],
        decisions: Decisions = Decisions(),
    ) -> None:
        self.cache = cache
        self.configuration = configuration
        self.call = call
        self.online = online
        self.now = now
        self.decisions = decisions
        self.listed: Callable[[str], IdTagInfo | None] = lambda id_tag: None
        """What the Local Authorization List says of a tag; set by whoever keeps one. Raises `StoreFailed`."""
        self.conflict: Callable[[str, IdTagInfo], None] = lambda id_tag, info: None
        """Told of what the central system said of a tag that is in the list; set by whoever keeps one."""

    async def ask(self, id_tag: str) -> IdTagInfo:
        """May this tag charge? Decided here if the configuration allows it, else by the central system.

        Whatever goes wrong is a no, for the driver stands there: "Invalid". Not so a cache that cannot be read while
        the central system can be asked, nor one that cannot be written: it only saves time.
        """
        request = AuthorizeRequest(id_tag=id_tag)
        try:
            encode_payload(request)  # whoever decides: what cannot be sent is no tag
            if decided := self._decide(id_tag, online=self.online()):
                return decided
            response = await self.call(request)
        except (ConnectionLost, NotConnected):
            return self._decide(id_tag, online=False) or IdTagInfo(status="Invalid")
        except OcppError as error:
            log.info("! Authorize: %s", error)
            return IdTagInfo(status="Invalid")
        info: IdTagInfo = response.id_tag_info
        try:
            self.learn(id_tag, info)
        except StoreFailed:
            log.exception("! the cache did not learn a tag")
        return info

    def known(self, id_tag: str) -> IdTagInfo | None:
        """What list and cache say of a tag now; None if nothing, or if the file cannot be read."""
        try:
            return self._known(id_tag)
        except StoreFailed:
            log.exception("! the cache could not be read")
            return None

    def learn(self, id_tag: str, info: IdTagInfo) -> None:
        """The central system said so. What is in the list is not added to the cache (core 3.5.3)."""
        if self.listed(id_tag) is None:
            self.cache.learn(id_tag, info)
        else:
            self.conflict(id_tag, info)

    def _known(self, id_tag: str) -> IdTagInfo | None:
        cached = self.cache.find(id_tag) if self.configuration.enabled("AuthorizationCacheEnabled") else None
        return known(self.listed(id_tag), cached, self.now())

    def _decide(self, id_tag: str, *, online: bool) -> IdTagInfo | None:
        on = self.configuration.enabled
        try:
            info = self._known(id_tag)
        except StoreFailed:
            log.exception("! the cache could not be read")
            return None if online else IdTagInfo(status="Invalid")
        status = self.decisions.decide(
            info,
            online=online,
            pre_authorize=on("LocalPreAuthorize"),
            authorize_offline=on("LocalAuthorizeOffline"),
            allow_unknown=on("AllowOfflineTxForUnknownId"),
        )
        return IdTagInfo(status=status, parent_id_tag=info.parent_id_tag if info else None) if status else None
