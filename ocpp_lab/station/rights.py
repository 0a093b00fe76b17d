"""Whose place it is, and who may charge: pure decisions over tags, groups and reservations (core 3.4, 3.5, 3.10, 5.13).

Tags and the tags of their groups are compared without regard to case (core 7.28).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from ..messages import AuthorizationStatus, IdTagInfo


def same(one: str | None, other: str | None) -> bool:
    """Whether both are there, and are the same tag or the same group."""
    return one is not None and other is not None and one.casefold() == other.casefold()


# -- may this tag charge?


def known(listed: IdTagInfo | None, cached: IdTagInfo | None, now: datetime) -> IdTagInfo | None:
    """What is known of a tag now: what the Local Authorization List says, else the cache (core 3.5.3); None if nothing.

    From its expiry date on, an Accepted entry is Expired; its group stays. Other statuses stay what they are.
    """
    info = cached if listed is None else listed
    if info is None or info.status != "Accepted" or info.expiry_date is None or now < info.expiry_date:
        return info
    return msgspec.structs.replace(info, status="Expired")


def decide(
    info: IdTagInfo | None, *, online: bool, pre_authorize: bool, authorize_offline: bool, allow_unknown: bool
) -> AuthorizationStatus | None:
    """The decision that can be taken here; None means: ask the central system. ``info`` is what is `known`.

    Online, a good tag may start at once (``LocalPreAuthorize``, core 3.5.1); a bad one is asked for, it may be good by
    now. Offline, a tag of which nothing is known is let in by ``AllowOfflineTxForUnknownId``; a bad one never is (core
    3.5.4). A good one is let in by ``LocalAuthorizeOffline`` (core 9.1.12), and wherever strangers are (our reading:
    who is known to be good is not worse off than a stranger).
    """
    if online:
        return "Accepted" if pre_authorize and info is not None and info.status == "Accepted" else None
    if info is None:
        return "Accepted" if allow_unknown else "Invalid"
    if info.status != "Accepted":
        return info.status
    return "Accepted" if authorize_offline or allow_unknown else "Invalid"


TagEffect = Literal["stop", "ask", "start", "refuse"]
"""What a tag that is held to a reader brings about."""


def presented(tag: str, info: IdTagInfo | None, running: tuple[str, str | None] | None) -> TagEffect:
    """What a presented tag brings about. ``info``: what is known of it, None as long as nobody was asked.

    ``running``: tag and group of the transaction that runs here. Its own tag stops it without a question (core 3.4,
    4.1); another one of its group stops it if it is accepted. A group is compared with a group, never with a tag (core
    3.10), and who has none is in no group.
    """
    if running and same(tag, running[0]):
        return "stop"
    if info is None:
        return "ask"
    if info.status != "Accepted":
        return "refuse"
    if running is None:
        return "start"
    return "stop" if same(info.parent_id_tag, running[1]) else "refuse"


# -- whose place is it?


class Reservation(NamedTuple):
    """``connector`` is kept for ``tag``, and for the group ``parent``, as long as ``now < until``; 0 is any connector.

    ``id`` is the central system's (core 5.13).
    """

    id: int
    connector: int
    tag: str
    parent: str | None
    until: datetime


def may_use(
    connector: int,
    tag: str,
    parent: str | None,
    reservations: Iterable[Reservation],
    free: Iterable[int],
    now: datetime,
) -> tuple[bool, int | None]:
    """Whether an accepted tag may begin here, and the id of the reservation that this uses up, if any (core 5.13).

    ``free``: the connectors with nobody, this one included. A reservation of this connector is used by whom it fits,
    and keeps out everybody else. Then one of connector 0 that fits is used. Everybody else must leave a connector that
    is free and not reserved for each reservation of connector 0. Several fit: the own tag's before the group's, then
    the lowest id.
    """
    living = [each for each in reservations if now < each.until]
    here = [each for each in living if each.connector == connector]
    anywhere = [each for each in living if each.connector == 0]
    for kept in (here, anywhere):
        if (own := _first_fit(kept, tag, parent)) is not None:
            return True, own.id
        if kept is here and here:
            return False, None
    others = set(free) - {connector} - {each.connector for each in living}
    return len(others) >= len(anywhere), None


def _first_fit(reservations: Sequence[Reservation], tag: str, parent: str | None) -> Reservation | None:
    fitting = [each for each in reservations if same(each.tag, tag) or same(each.parent, parent)]
    return min(fitting, key=lambda each: (not same(each.tag, tag), each.id), default=None)
