"""`Recording`: what a central system needs of a ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from ..credentials import SealedKey
from ..frames import Call
from ..messages import MeterValuesRequest, RegistrationStatus, StartTransactionRequest, StopTransactionRequest
from ..security import Levels
from .records import Records


class Recording(Protocol):
    """Keeps what charge points report. What is kept is durable on return, and a repeat changes nothing. (A `Ledger`
    makes an exception of what is written for an answer, and the answer waits; another one need not know of that.)

    Raises `PayloadError` for what it will never be able to keep, and `StoreFailed` if its file fails: nothing was kept
    now. Then the charge point gets no answer, and sends its message again. `sqlite3.Error` is taken for `StoreFailed`.
    Any other error is a bug, and reported to the charge point as one (InternalError).
    """

    @property
    def records(self) -> Records:
        """The operator's books."""

    def transaction(self, transaction_id: int) -> Mapping[str, Any] | None:
        """What is known of a transaction, by the columns of `Ledger`: ``identity``, ``connector``, ``stopped``, …; None
        if nothing is."""

    def transaction_on(self, identity: str, connector_id: int) -> Mapping[str, Any] | None:
        """The newest open transaction on this connector; None if none is known."""

    def open_transactions(self, identity: str | None = None) -> Sequence[Mapping[str, Any]]:
        """The transactions that are known not to have ended, of one charge point or of all, oldest first."""

    def charges_elsewhere(self, transaction_id: int) -> bool:
        """Whether the tag of this transaction was charging another car when it began; False if that is not known."""

    def start(self, identity: str, request: StartTransactionRequest) -> int:
        """The transaction id for this start; the same one again for a repeat."""

    def stop(self, identity: str, request: StopTransactionRequest) -> None:
        """End a transaction; the first stop wins. Also for an id that it never gave, which is no error."""

    def meter_values(self, identity: str, request: MeterValuesRequest) -> None:
        """Keep a reading, in a transaction or outside."""

    def set_aside(self, identity: str, call: Call, reason: str, at: datetime) -> None:
        """Keep a transaction message as it came, because it was refused."""

    def register(self, identity: str, status: RegistrationStatus) -> None:
        """What the newest BootNotification of this identity got."""

    def registrations(self) -> Mapping[str, RegistrationStatus]:
        """What each identity got last, also before a restart; asked once, when the central system is made."""

    def forget(self, identity: str) -> None:
        """Its registration need not be known any more: it is not connected, and too many others have come since."""

    def keep_keys(self, identity: str, keys: Sequence[SealedKey]) -> None:
        """The keys of this identity from now on, in this order, in the place of those it had; none: forget it."""

    def keys(self) -> Mapping[str, Sequence[SealedKey]]:
        """The keys of each identity, also before a restart; asked once, when the central system is made."""

    def keep_profiles(self, identity: str, levels: Levels) -> None:
        """The security profiles that this identity may use from now on."""

    def profiles(self) -> Mapping[str, Levels]:
        """Those of each identity, also before a restart; asked once, when the central system is made."""

    def keep_certificate(self, identity: str, chain: str, at: datetime) -> int:
        """A certificate (PEM) was signed for this identity, and is about to be sent; returns its number."""

    def certificate_answered(self, number: int, status: str) -> None:
        """What CertificateSigned got."""
