"""The Local Auth List Management profile: what the central system may do to the list, and whether it is consistent
with what it says elsewhere (core 3.5.2, 5.10, 5.15)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from .. import messages as m
from .configuration import Configuration
from .local_list import LocalList, disagree
from .or_else import or_else


class LocalAuthList:
    """Tells the version of the list and takes updates, unless LocalAuthListEnabled says that there is none.

    ``conflict(id_tag)`` is called when the central system says of a listed tag what the list does not; ``now()`` tells
    the time.
    """

    def __init__(
        self,
        local_list: LocalList,
        configuration: Configuration,
        *,
        conflict: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        self.local_list = local_list
        self.configuration = configuration
        self.conflict = conflict
        self.now = now

    def listed(self, id_tag: str) -> m.IdTagInfo | None:
        """What the list says of a tag, None without one. Raises `StoreFailed` if it cannot be read."""
        return self.local_list.listed(id_tag) if self._enabled else None

    def compare(self, id_tag: str, info: m.IdTagInfo) -> None:
        """The central system said this of a tag."""
        listed = self.listed(id_tag)
        if listed is not None and disagree(listed, info, self.now()):
            self.conflict(id_tag)

    async def on_get_version(self, request: m.GetLocalListVersionRequest) -> m.GetLocalListVersionResponse:
        """0 for an empty list, -1 for none (core 6.28)."""
        version = self.local_list.version if self._enabled else -1
        return m.GetLocalListVersionResponse(list_version=version)

    @or_else(m.SendLocalListResponse(status="Failed"))
    async def on_send(self, request: m.SendLocalListRequest) -> m.SendLocalListResponse:
        """Written down before it is answered; a list that cannot be written has Failed, and the old one holds."""
        status = self.local_list.update(request) if self._enabled else "NotSupported"
        return m.SendLocalListResponse(status=status)

    @property
    def _enabled(self) -> bool:
        return self.configuration.enabled("LocalAuthListEnabled")
