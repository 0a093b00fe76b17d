"""`KnownTags`: what this charge point knows of a tag without asking: the list first, then the cache (core 3.5.3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from ..errors import StoreFailed
from ..messages import IdTagInfo
from .authorization import AuthorizationCache
from .configuration import Configuration
from .local_list import LocalList, disagree

log = logging.getLogger(__name__)


class KnownTags:
    """List and cache, as far as the configuration has them in use.

    ``conflict(id_tag)`` is called when the central system says of a listed tag what the list does not.
    """

    def __init__(
        self,
        local_list: LocalList,
        cache: AuthorizationCache,
        configuration: Configuration,
        *,
        conflict: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        self.local_list = local_list
        self.cache = cache
        self.configuration = configuration
        self.conflict = conflict
        self.now = now

    def listed(self, id_tag: str) -> IdTagInfo | None:
        """What the list says, None without one. Raises `StoreFailed` if it cannot be read."""
        return self.local_list.listed(id_tag) if self.configuration.enabled("LocalAuthListEnabled") else None

    def learn(self, id_tag: str, info: IdTagInfo) -> None:
        """An answer told what the central system thinks of a tag.

        What is listed is never copied into the cache (core 3.5.3). Nothing is raised: a cache only saves time.
        """
        try:
            if listed := self.listed(id_tag):
                if disagree(listed, info, self.now()):
                    self.conflict(id_tag)
            else:
                self.cache.learn(id_tag, info)
        except StoreFailed:
            log.exception("! nothing was learnt of a tag")
