"""`Policy`: what an operator has decided about boots and tags."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from .. import messages as m
from .tags import KnownTag, Tags

Vendor = Callable[[m.DataTransferRequest], m.DataTransferResponse]
"""What a vendor's own message is answered."""
OneCar = Literal["known tags", "all tags", "no tag"]
"""Which tags charge one car at a time."""


@dataclass
class Policy:
    """The decisions of a central system, settable while it runs.

    ``registration`` and ``interval`` (s) are what a BootNotification gets; ``registrations`` overrides the first for
    one identity. ``id_tags`` knows the tags: an `IdTagInfo`, with parent and expiry, or a status alone. What it does
    not know gets ``unknown_tag``. It may be set to a dict, which is copied: what shall change later is
    ``policy.id_tags`` itself.

    ``one_car``: which tags charge one car at a time; a start with one that charges elsewhere already is answered with
    ConcurrentTx (core 7.2). By default those that ``id_tags`` knows: each of them is somebody's card. Of a tag that
    nobody knows, and that is let in all the same, nobody can say how many carry it. ``vendors`` answer a DataTransfer,
    by vendorId; any other is unknown (core 4.3).
    """

    registration: m.RegistrationStatus = "Accepted"
    interval: int = 300
    registrations: dict[str, m.RegistrationStatus] = field(default_factory=dict)
    id_tags: MutableMapping[str, KnownTag] = field(default_factory=dict)
    unknown_tag: m.AuthorizationStatus = "Accepted"
    one_car: OneCar = "known tags"
    vendors: dict[str, Vendor] = field(default_factory=dict)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, Tags(value) if name == "id_tags" else value)

    def register(self, identity: str) -> m.RegistrationStatus:
        """What this charge point's next BootNotification gets."""
        return self.registrations.get(identity, self.registration)

    def authorize(self, id_tag: str) -> m.IdTagInfo:
        """What is known of this tag; whether it has expired is for who knows the time. Tags are compared without regard
        to case (core 7.28)."""
        return self._find(id_tag) or m.IdTagInfo(status=self.unknown_tag)

    def one_at_a_time(self, id_tag: str) -> bool:
        """Whether this tag may charge one car only."""
        return self.one_car == "all tags" or (self.one_car == "known tags" and self._find(id_tag) is not None)

    def _find(self, id_tag: str) -> m.IdTagInfo | None:
        return cast(Tags, self.id_tags).find(id_tag)
