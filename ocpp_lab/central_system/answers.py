"""What a central system answers out of the box, and the policy that decides it."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Container, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from .. import messages as m
from ..bounded import Bounded
from ..errors import StoreFailed
from ..router import Router
from ..session import current_session
from .recording import Recording
from .tags import Tags

log = logging.getLogger(__name__)

MOST_CONNECTORS = 1000
"""Connectors of one charge point whose status is remembered: the numbers come from the peer, who may invent them."""
MOST_STATUSES = 50_000
"""Statuses that are remembered, but for those of who is connected: without passwords a peer may invent identities too.
At its longest one takes about 900 bytes."""


@dataclass
class Policy:
    """The decisions of a central system, settable while it runs.

    ``registration`` and ``interval`` (s) are what a BootNotification gets; ``registrations`` overrides the first for
    one identity. ``id_tags`` knows the tags; what it does not know gets ``unknown_tag``. It may be set to a dict, which
    is copied: what shall change later is ``policy.id_tags`` itself.
    """

    registration: m.RegistrationStatus = "Accepted"
    interval: int = 300
    registrations: dict[str, m.RegistrationStatus] = field(default_factory=dict)
    id_tags: MutableMapping[str, m.AuthorizationStatus] = field(default_factory=dict)
    unknown_tag: m.AuthorizationStatus = "Accepted"

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, Tags(value) if name == "id_tags" else value)

    def register(self, identity: str) -> m.RegistrationStatus:
        """What this charge point's next BootNotification gets."""
        return self.registrations.get(identity, self.registration)

    def authorize(self, id_tag: str) -> m.IdTagInfo:
        """What is known of this tag. Tags are compared without regard to case (core 7.28)."""
        return m.IdTagInfo(status=cast(Tags, self.id_tags).status_of(id_tag, self.unknown_tag))


class Answers:
    """The handlers of all requests that a charge point may send, but SignCertificate. ``connected``: who is, now."""

    def __init__(
        self,
        policy: Policy,
        ledger: Recording,
        now: Callable[[], datetime],
        connected: Container[str] = (),
    ) -> None:
        self.policy = policy
        self.ledger = ledger
        self.now = now
        self.statuses: dict[tuple[str, int], m.StatusNotificationRequest] = Bounded(
            MOST_STATUSES, stays=lambda key: key[0] in connected, gone=self._forget
        )
        """The newest status by identity and connector: the first `MOST_CONNECTORS` connectors of each, and of all
        `MOST_STATUSES`. Of more, the one goes that came longest ago from somebody who is not connected."""
        self._connectors: Counter[str] = Counter()  # by identity, how many are in there

    async def on_boot(self, request: m.BootNotificationRequest) -> m.BootNotificationResponse:
        status = self.policy.register(current_session().identity)
        return m.BootNotificationResponse(status=status, current_time=self.now(), interval=self.policy.interval)

    async def on_heartbeat(self, request: m.HeartbeatRequest) -> m.HeartbeatResponse:
        return m.HeartbeatResponse(current_time=self.now())

    async def on_authorize(self, request: m.AuthorizeRequest) -> m.AuthorizeResponse:
        return m.AuthorizeResponse(id_tag_info=self.policy.authorize(request.id_tag))

    async def on_status(self, request: m.StatusNotificationRequest) -> m.StatusNotificationResponse:
        self._remember(current_session().identity, request)
        return m.StatusNotificationResponse()

    def _remember(self, identity: str, request: m.StatusNotificationRequest) -> None:
        connector = (identity, request.connector_id)
        if connector not in self.statuses:
            if self._connectors[identity] >= MOST_CONNECTORS:
                return
            self._connectors[identity] += 1
        self.statuses[connector] = request

    def _forget(self, connector: tuple[str, int], status: m.StatusNotificationRequest) -> None:
        self._connectors[connector[0]] -= 1
        if not self._connectors[connector[0]]:
            del self._connectors[connector[0]]

    async def on_start(self, request: m.StartTransactionRequest) -> m.StartTransactionResponse:
        # Always answered, whatever the tag is worth: the car is plugged in and energy may flow (core 4.8).
        with _own_file():
            transaction_id = self.ledger.start(current_session().identity, request)
        info = self._authorize(request.id_tag) or m.IdTagInfo(status="Invalid")
        return m.StartTransactionResponse(transaction_id=transaction_id, id_tag_info=info)

    async def on_stop(self, request: m.StopTransactionRequest) -> m.StopTransactionResponse:
        with _own_file():
            self.ledger.stop(current_session().identity, request)
        return m.StopTransactionResponse(id_tag_info=self._authorize(request.id_tag) if request.id_tag else None)

    def _authorize(self, id_tag: str) -> m.IdTagInfo | None:
        """What the policy says of a tag whose transaction is kept already; None if it fails.

        To report that (InternalError) would have the charge point send its message again, in vain, and then destroy it.
        """
        try:
            return self.policy.authorize(id_tag)
        except Exception:
            log.exception("! the policy failed over a tag")
            return None

    async def on_meter_values(self, request: m.MeterValuesRequest) -> m.MeterValuesResponse:
        with _own_file():
            self.ledger.meter_values(current_session().identity, request)
        return m.MeterValuesResponse()

    async def on_data_transfer(self, request: m.DataTransferRequest) -> m.DataTransferResponse:
        return m.DataTransferResponse(status="UnknownVendorId")

    async def on_diagnostics(
        self, request: m.DiagnosticsStatusNotificationRequest
    ) -> m.DiagnosticsStatusNotificationResponse:
        return m.DiagnosticsStatusNotificationResponse()

    async def on_firmware(self, request: m.FirmwareStatusNotificationRequest) -> m.FirmwareStatusNotificationResponse:
        return m.FirmwareStatusNotificationResponse()

    async def on_signed_firmware(
        self, request: m.SignedFirmwareStatusNotificationRequest
    ) -> m.SignedFirmwareStatusNotificationResponse:
        return m.SignedFirmwareStatusNotificationResponse()

    async def on_log_status(self, request: m.LogStatusNotificationRequest) -> m.LogStatusNotificationResponse:
        return m.LogStatusNotificationResponse()

    async def on_security_event(
        self, request: m.SecurityEventNotificationRequest
    ) -> m.SecurityEventNotificationResponse:
        return m.SecurityEventNotificationResponse()

    def router(self, *, lenient: bool = False) -> Router:
        """A fresh router with these handlers."""
        router = Router("CentralSystem", lenient=lenient)
        router.include(self)
        return router


@contextmanager
def _own_file() -> Iterator[None]:
    """A ledger of somebody's own may speak sqlite's language."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreFailed(f"the ledger: {error}") from error
