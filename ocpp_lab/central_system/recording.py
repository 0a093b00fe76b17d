"""`Recording`: what a central system needs of a ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..messages import MeterValuesRequest, RegistrationStatus, StartTransactionRequest, StopTransactionRequest


class Recording(Protocol):
    """Keeps what charge points report. What is kept is durable on return, and a repeat changes nothing.

    Raises `PayloadError` for what it will never be able to keep. Any other error says that nothing was kept now.
    """

    def start(self, identity: str, request: StartTransactionRequest) -> int:
        """The transaction id for this start; the same one again for a repeat."""

    def stop(self, identity: str, request: StopTransactionRequest) -> None:
        """End a transaction; the first stop wins. Also for an id that it never gave, which is no error."""

    def meter_values(self, identity: str, request: MeterValuesRequest) -> None:
        """Keep a reading, in a transaction or outside."""

    def register(self, identity: str, status: RegistrationStatus) -> None:
        """What the newest BootNotification of this identity got."""

    def registrations(self) -> Mapping[str, RegistrationStatus]:
        """What each identity got last, also before a restart; asked once, when the central system is made."""
