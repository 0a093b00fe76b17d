"""What a central system answers out of the box, and the policy that decides it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from .. import messages as m
from ..router import Router
from ..session import current_session
from .ledger import Ledger

MOST_CONNECTORS = 1000
"""Connectors of one charge point whose status is remembered: the numbers come from the peer, who may invent them."""


@dataclass
class Policy:
    """The decisions of a central system, settable while it runs.

    ``registration`` and ``interval`` (s) are what a BootNotification gets; ``registrations`` overrides the first for
    one identity. ``id_tags`` knows the tags; what it does not know gets ``unknown_tag``.
    """

    registration: m.RegistrationStatus = "Accepted"
    interval: int = 300
    registrations: dict[str, m.RegistrationStatus] = field(default_factory=dict)
    id_tags: dict[str, m.AuthorizationStatus] = field(default_factory=dict)
    unknown_tag: m.AuthorizationStatus = "Accepted"

    def register(self, identity: str) -> m.RegistrationStatus:
        """What this charge point's next BootNotification gets."""
        return self.registrations.get(identity, self.registration)

    def authorize(self, id_tag: str) -> m.IdTagInfo:
        """What is known of this tag. Tags are compared without regard to case (core 7.28)."""
        known = {tag.casefold(): status for tag, status in self.id_tags.items()}
        return m.IdTagInfo(status=known.get(id_tag.casefold(), self.unknown_tag))


class Answers:
    """The handlers of all requests that a charge point may send, but SignCertificate."""

    def __init__(
        self,
        policy: Policy,
        ledger: Ledger,
        now: Callable[[], datetime],
    ) -> None:
        self.policy = policy
        self.ledger = ledger
        self.now = now
        self.statuses: dict[tuple[str, int], m.StatusNotificationRequest] = {}
        """The newest status by identity and connector, of at most `MOST_CONNECTORS` of each."""
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

    async def on_start(self, request: m.StartTransactionRequest) -> m.StartTransactionResponse:
        # Always answered, whatever the tag is worth: the car is plugged in and energy may flow (core 4.8).
        transaction_id = self.ledger.start(current_session().identity, request)
        return m.StartTransactionResponse(
            transaction_id=transaction_id, id_tag_info=self.policy.authorize(request.id_tag)
        )

    async def on_stop(self, request: m.StopTransactionRequest) -> m.StopTransactionResponse:
        self.ledger.stop(current_session().identity, request)
        info = self.policy.authorize(request.id_tag) if request.id_tag else None
        return m.StopTransactionResponse(id_tag_info=info)

    async def on_meter_values(self, request: m.MeterValuesRequest) -> m.MeterValuesResponse:
        if keep := getattr(self.ledger, "meter_values", None):  # the ledger built in the exercises has none
            keep(current_session().identity, request)
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
