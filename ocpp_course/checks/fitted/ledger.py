"""`FittedLedger`: a ledger of the exercises as a central system needs it (`central_system.Recording`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any

import msgspec

from ocpp_lab.central_system.records import Records
from ocpp_lab.codec import encode_payload
from ocpp_lab.credentials import SealedKey
from ocpp_lab.frames import Call, encode
from ocpp_lab.messages import (
    MeterValuesRequest,
    RegistrationStatus,
    StartTransactionRequest,
    StopTransactionRequest,
)
from ocpp_lab.security import Levels

MOST_SET_ASIDE = 1000
MOST_READINGS = 20_000


class FittedLedger:
    """``piece`` is the learner's, which keeps the transactions: step 3.7.

    It knows nothing of meter values, refused messages, registrations, keys and certificates. They are kept here,
    in memory, while this object lives. So a central system that restarts with a new one asks its charge points to boot
    again (core 5.17), and knows the configured keys only.
    """

    def __init__(self, piece: Any) -> None:
        self.piece = piece
        self.records = Records()
        self._readings: dict[tuple[str, bytes], MeterValuesRequest] = {}  # by identity and payload, the newest 20,000
        self._set_aside: dict[tuple[str, bytes], dict[str, Any]] = {}  # by identity and what was said, the newest 1,000
        self._registrations: dict[str, RegistrationStatus] = {}
        self._keys: dict[str, Sequence[SealedKey]] = {}
        self._profiles: dict[str, Levels] = {}
        self._certificates: dict[int, str] = {}  # by number, what each was answered; the newest 1,000
        self._numbers = count(1)

    def transaction(self, transaction_id: int) -> None:
        """The learner's ledger is asked for nothing but its answers."""

    def transaction_on(self, identity: str, connector_id: int) -> None:
        """The same."""

    def open_transactions(self, identity: str | None = None) -> list[dict[str, Any]]:
        """The same."""
        return []

    def charges_elsewhere(self, transaction_id: int) -> bool:
        """The same: every tag may charge as many cars as it likes."""
        return False

    def start(self, identity: str, request: StartTransactionRequest) -> int:
        number: int = self.piece.start(identity, request)
        return number

    def stop(self, identity: str, request: StopTransactionRequest) -> None:
        self.piece.stop(identity, request)

    def meter_values(self, identity: str, request: MeterValuesRequest) -> None:
        self._readings.setdefault((identity, bytes(encode_payload(request))), request)  # a repeat is the same
        if len(self._readings) > MOST_READINGS:
            del self._readings[next(iter(self._readings))]

    def readings(self, identity: str) -> list[MeterValuesRequest]:
        """The meter values of a charge point, in the order in which they came."""
        return [request for (whose, _), request in self._readings.items() if whose == identity]

    def set_aside(self, identity: str, call: Call, reason: str, at: datetime) -> None:
        record = {"identity": identity, "at": at, "action": call.action, "reason": reason, "text": encode(call)}
        self._set_aside.setdefault((identity, msgspec.json.encode([call.action, call.payload])), record)
        if len(self._set_aside) > MOST_SET_ASIDE:
            del self._set_aside[next(iter(self._set_aside))]

    def quarantine(self) -> list[dict[str, Any]]:
        """The messages that were refused, oldest first."""
        return list(self._set_aside.values())

    def register(self, identity: str, status: RegistrationStatus) -> None:
        self._registrations[identity] = status

    def registrations(self) -> dict[str, RegistrationStatus]:
        return dict(self._registrations)

    def forget(self, identity: str) -> None:
        self._registrations.pop(identity, None)

    def keep_keys(self, identity: str, keys: Sequence[SealedKey]) -> None:
        self._keys[identity] = tuple(keys)

    def keys(self) -> dict[str, Sequence[SealedKey]]:
        return {identity: keys for identity, keys in self._keys.items() if keys}

    def keep_profiles(self, identity: str, levels: Levels) -> None:
        self._profiles[identity] = levels

    def profiles(self) -> dict[str, Levels]:
        return dict(self._profiles)

    def keep_certificate(self, identity: str, chain: str, at: datetime) -> int:
        number = next(self._numbers)
        self._certificates[number] = ""
        if len(self._certificates) > MOST_SET_ASIDE:
            del self._certificates[next(iter(self._certificates))]
        return number

    def certificate_answered(self, number: int, status: str) -> None:
        if number in self._certificates:
            self._certificates[number] = status
