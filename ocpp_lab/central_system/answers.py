"""What a central system answers out of the box, and the policy that decides it."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Container, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec

from .. import messages as m
from ..bounded import Bounded
from ..errors import StoreFailed
from ..router import Router
from ..session import current_session
from .job_book import JobKind
from .policy import Policy
from .recording import Recording
from .tags import at_instant

log = logging.getLogger(__name__)

MOST_CONNECTORS = 1000
"""Connectors of one charge point whose status is remembered: the numbers come from the peer, who may invent them."""
MOST_STATUSES = 50_000
"""Statuses that are remembered, but for those of who is connected: without passwords a peer may invent identities too.
At its longest one takes about 900 bytes."""


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
        self.after_start: Callable[[str, int, m.StartTransactionRequest], Coroutine[Any, Any, None]] | None = None
        """Set by whoever wants it: run with identity, transaction id and request, after the answer to a start, again if
        that is repeated. A TxProfile that is sent earlier is rejected, for its id is not known there (core 5.16.1);
        and the request may be hours old."""

    async def on_boot(self, request: m.BootNotificationRequest) -> m.BootNotificationResponse:
        status = self.policy.register(current_session().identity)
        return m.BootNotificationResponse(status=status, current_time=self.now(), interval=self.policy.interval)

    async def on_heartbeat(self, request: m.HeartbeatRequest) -> m.HeartbeatResponse:
        return m.HeartbeatResponse(current_time=self.now())

    async def on_authorize(self, request: m.AuthorizeRequest) -> m.AuthorizeResponse:
        # Never ConcurrentTx, which is for starts (core 7.2): the driver may want to stop.
        return m.AuthorizeResponse(id_tag_info=at_instant(self.policy.authorize(request.id_tag), self.now()))

    async def on_status(self, request: m.StatusNotificationRequest) -> m.StatusNotificationResponse:
        identity, records = current_session().identity, self.ledger.records
        with _own_file():
            if request.error_code == "LocalListConflict":
                records.lists.doubt(identity)
            if request.status in ("Faulted", "Unavailable"):
                records.reservations.failed(identity, request.connector_id)
        self._remember(identity, request)
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
        session = current_session()
        with _own_file():
            transaction_id = self.ledger.start(session.identity, request)
            self._settle(session.identity, transaction_id, request)
        info = self._judge(transaction_id, request.id_tag)
        if self.after_start:
            session.spawn(self.after_start(session.identity, transaction_id, request), "after a start")
        return m.StartTransactionResponse(transaction_id=transaction_id, id_tag_info=info)

    def _settle(self, identity: str, transaction_id: int, request: m.StartTransactionRequest) -> None:
        """What the operator arranged before: a reservation has served, the profile of a remote start has its id."""
        records = self.ledger.records
        if request.reservation_id is not None:
            records.reservations.used(identity, request.reservation_id, transaction_id)
        records.profiles.begun(identity, request.connector_id, request.id_tag, transaction_id)

    async def on_stop(self, request: m.StopTransactionRequest) -> m.StopTransactionResponse:
        identity = current_session().identity
        with _own_file():
            self.ledger.stop(identity, request)
            self.ledger.records.profiles.ended(identity, request.transaction_id)
        return m.StopTransactionResponse(id_tag_info=self._authorize(request.id_tag) if request.id_tag else None)

    def _judge(self, transaction_id: int, id_tag: str) -> m.IdTagInfo:
        """What a start is answered: also whether this tag is charging another car (core 7.2)."""
        info = self._authorize(id_tag)
        if info is None:
            return m.IdTagInfo(status="Invalid")
        if info.status == "Accepted" and self.policy.one_at_a_time(id_tag):
            with _own_file():
                if self.ledger.charges_elsewhere(transaction_id):
                    return msgspec.structs.replace(info, status="ConcurrentTx")
        return info

    def _authorize(self, id_tag: str) -> m.IdTagInfo | None:
        """What the policy says of a tag whose transaction is kept already; None if it fails.

        To report that (InternalError) would have the charge point send its message again, in vain, and then destroy it.
        """
        try:
            return at_instant(self.policy.authorize(id_tag), self.now())
        except Exception:
            log.exception("! the policy failed over a tag")
            return None

    async def on_meter_values(self, request: m.MeterValuesRequest) -> m.MeterValuesResponse:
        with _own_file():
            self.ledger.meter_values(current_session().identity, request)
        return m.MeterValuesResponse()

    async def on_data_transfer(self, request: m.DataTransferRequest) -> m.DataTransferResponse:
        with _own_file():
            self.ledger.records.transfers.told(current_session().identity, request, self.now())
        vendor = self.policy.vendors.get(request.vendor_id)
        return vendor(request) if vendor else m.DataTransferResponse(status="UnknownVendorId")

    async def on_diagnostics(
        self, request: m.DiagnosticsStatusNotificationRequest
    ) -> m.DiagnosticsStatusNotificationResponse:
        self._note("diagnostics", request.status)
        return m.DiagnosticsStatusNotificationResponse()

    async def on_firmware(self, request: m.FirmwareStatusNotificationRequest) -> m.FirmwareStatusNotificationResponse:
        self._note("firmware", request.status)
        return m.FirmwareStatusNotificationResponse()

    async def on_signed_firmware(
        self, request: m.SignedFirmwareStatusNotificationRequest
    ) -> m.SignedFirmwareStatusNotificationResponse:
        self._note("signed firmware", request.status, request.request_id)
        return m.SignedFirmwareStatusNotificationResponse()

    async def on_log_status(self, request: m.LogStatusNotificationRequest) -> m.LogStatusNotificationResponse:
        self._note("log", request.status, request.request_id)
        return m.LogStatusNotificationResponse()

    def _note(self, kind: JobKind, status: str, request_id: int | None = None) -> None:
        with _own_file():
            self.ledger.records.jobs.told(current_session().identity, kind, status, self.now(), request_id)

    async def on_security_event(
        self, request: m.SecurityEventNotificationRequest
    ) -> m.SecurityEventNotificationResponse:
        with _own_file():
            self.ledger.records.events.told(current_session().identity, request)
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
