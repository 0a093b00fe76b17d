"""`FittedLedger`: a ledger of the exercises as a central system needs it (`central_system.Recording`)."""

from __future__ import annotations

from typing import Any

from ocpp_lab.codec import encode_payload
from ocpp_lab.messages import (
    MeterValuesRequest,
    RegistrationStatus,
    StartTransactionRequest,
    StopTransactionRequest,
)


class FittedLedger:
    """``piece`` is the learner's, which keeps the transactions: step 3.7.

    It knows nothing of meter values and registrations. Both are kept here, in memory, while this object lives. So a
    central system that restarts with a new one asks its charge points to boot again, which is legal (J-errata 3.8).
    """

    def __init__(self, piece: Any) -> None:
        self.piece = piece
        self._readings: dict[tuple[str, bytes], MeterValuesRequest] = {}  # by identity and payload: a repeat is one
        self._registrations: dict[str, RegistrationStatus] = {}

    def start(self, identity: str, request: StartTransactionRequest) -> int:
        number: int = self.piece.start(identity, request)
        return number

    def stop(self, identity: str, request: StopTransactionRequest) -> None:
        self.piece.stop(identity, request)

    def meter_values(self, identity: str, request: MeterValuesRequest) -> None:
        self._readings.setdefault((identity, bytes(encode_payload(request))), request)

    def readings(self, identity: str) -> list[MeterValuesRequest]:
        """The meter values of a charge point, in the order in which they came."""
        return [request for (whose, _), request in self._readings.items() if whose == identity]

    def register(self, identity: str, status: RegistrationStatus) -> None:
        self._registrations[identity] = status

    def registrations(self) -> dict[str, RegistrationStatus]:
        return dict(self._registrations)
