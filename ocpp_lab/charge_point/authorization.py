"""Who may charge: the cache of tags, and the decision with and without asking the central system (core 3.5, 4.1)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from ..codec import encode_payload
from ..errors import ConnectionLost, NotConnected, OcppError, StoreFailed
from ..messages import AuthorizationStatus, AuthorizeRequest, IdTagInfo
from ..store import Store, store_at
from .configuration import Configuration

log = logging.getLogger(__name__)

_FORGET = "DELETE FROM tags WHERE rowid IN (SELECT rowid FROM tags ORDER BY rowid DESC LIMIT -1 OFFSET ?)"
MOST_TAGS = 5000
"""Tags in the cache, some 400 kB."""


class AuthorizationCache:
    """What the central system said of tags the last time, in sqlite; it survives a power cut (core 3.5.1).

    Of the newest 5,000: with RemoteStartTransaction a central system may invent tags, so the one goes of which it has
    said nothing for longest.

    Everything that reads or writes the file raises `StoreFailed` if it cannot.
    """

    def __init__(self, store: Store | str = ":memory:") -> None:
        self._store = store_at(store)

    def learn(self, id_tag: str, info: IdTagInfo) -> None:
        """Every idTagInfo that comes, in whichever answer, updates the cache."""
        expires = info.expiry_date.isoformat() if info.expiry_date else None
        with self._store.transaction():
            self._store.execute("INSERT OR REPLACE INTO tags VALUES (?,?,?)", (id_tag.casefold(), info.status, expires))
            self._store.execute(_FORGET, (MOST_TAGS,))

    def status(self, id_tag: str, now: datetime) -> AuthorizationStatus | None:
        """What is known of a tag now; None if nothing. An Accepted tag past its date is Expired."""
        rows = self._store.execute("SELECT status, expires FROM tags WHERE id_tag = ?", (id_tag.casefold(),))
        if not rows:
            return None
        [(status, expires)] = rows
        expired = expires is not None and datetime.fromisoformat(expires) <= now
        return "Expired" if status == "Accepted" and expired else status

    def clear(self) -> None:
        """Forget every tag."""
        self._store.execute("DELETE FROM tags")

    def close(self) -> None:
        """Close the file, whoever else keeps something in it."""
        self._store.close()


def without_asking(
    cached: AuthorizationStatus | None,
    *,
    online: bool,
    pre_authorize: bool,
    authorize_offline: bool,
    allow_unknown: bool,
) -> AuthorizationStatus | None:
    """The decision that can be taken here; None means: ask the central system.

    Online, a known good tag may start at once (``LocalPreAuthorize``, core 3.5). Offline, a known tag is decided by the
    cache (``LocalAuthorizeOffline``, core 3.5, 9.1.12), an unknown one by ``AllowOfflineTxForUnknownId`` (core 3.5.4).
    """
    if online:
        return "Accepted" if pre_authorize and cached == "Accepted" else None
    if cached is None:
        return "Accepted" if allow_unknown else "Invalid"
    return cached if authorize_offline else "Invalid"


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
    ) -> None:
        self.cache = cache
        self.configuration = configuration
        self.call = call
        self.online = online
        self.now = now

    async def authorize(self, id_tag: str) -> AuthorizationStatus:
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
            return self._decide(id_tag, online=False) or "Invalid"
        except OcppError as error:
            log.info("! Authorize: %s", error)
            return "Invalid"
        self._remember(id_tag, response.id_tag_info)
        status: AuthorizationStatus = response.id_tag_info.status
        return status

    def _remember(self, id_tag: str, info: IdTagInfo) -> None:
        try:
            self.cache.learn(id_tag, info)
        except StoreFailed:
            log.exception("! the cache did not learn a tag")

    def _decide(self, id_tag: str, *, online: bool) -> AuthorizationStatus | None:
        on = self.configuration.enabled
        try:
            cached = self.cache.status(id_tag, self.now()) if on("AuthorizationCacheEnabled") else None
        except StoreFailed:
            log.exception("! the cache could not be read")
            return None if online else "Invalid"
        return without_asking(
            cached,
            online=online,
            pre_authorize=on("LocalPreAuthorize"),
            authorize_offline=on("LocalAuthorizeOffline"),
            allow_unknown=on("AllowOfflineTxForUnknownId"),
        )
