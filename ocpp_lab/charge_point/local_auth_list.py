"""What the central system may do to the local list: the Local Auth List Management profile (core 5.10, 5.15)."""

from __future__ import annotations

from .. import messages as m
from .configuration import Configuration
from .local_list import LocalList
from .or_else import or_else


class LocalAuthList:
    """Tells the version of the list and takes updates, unless LocalAuthListEnabled says that there is none."""

    def __init__(self, local_list: LocalList, configuration: Configuration) -> None:
        self.local_list = local_list
        self.configuration = configuration

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
