"""The Local Auth List Management profile: who may charge while the charge point is offline (core 3.5)."""

from __future__ import annotations

from typing import Literal

from .base import IdTagInfo, IdToken, Payload, Request, Response

UpdateStatus = Literal["Accepted", "Failed", "NotSupported", "VersionMismatch"]
UpdateType = Literal["Differential", "Full"]


class AuthorizationData(Payload, kw_only=True):
    """One entry of the list; in a differential update, no id_tag_info means delete (core 7.1)."""

    id_tag: IdToken
    id_tag_info: IdTagInfo | None = None


class GetLocalListVersionResponse(Response, kw_only=True):
    """The version of the charge point's list: 0 if it is empty, -1 if there is none (core 6.28, 5.10)."""

    list_version: int


class GetLocalListVersionRequest(Request[GetLocalListVersionResponse]):
    """Which version of the local list does the charge point have? (core 6.27, 5.10)"""


class SendLocalListResponse(Response, kw_only=True):
    """Says whether the list has been taken over (core 6.42, 5.15)."""

    status: UpdateStatus


class SendLocalListRequest(Request[SendLocalListResponse], kw_only=True):
    """Replace the local list, or change it (core 6.41, 5.15)."""

    list_version: int
    local_authorization_list: list[AuthorizationData] | None = None
    update_type: UpdateType
