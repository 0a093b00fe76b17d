"""`Ordering`: what all verbs of an operator have in common."""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import datetime

from ..errors import Forbidden
from .orders import Orders
from .policy import Policy
from .recording import Recording
from .registry import RequiredProfiles
from .signing import Signing


class Ordering:
    """Every verb raises `Forbidden` for what the specification does not allow, `NotConnected`, `StoreFailed` before
    anything is sent, and what `Session.call` raises; an answer that refuses is returned. Times are aware."""

    def __init__(
        self,
        orders: Orders,
        ledger: Recording,
        policy: Policy,
        now: Callable[[], datetime],
        signing: Signing,
        required: RequiredProfiles,
    ) -> None:
        self._orders = orders
        self._ledger = ledger
        self._records = ledger.records
        self._policy = policy
        self._now = now
        self._signing = signing
        self._required = required


def check_key(key: str) -> None:
    """Raises `Forbidden` for what is no AuthorizationKey (whitepaper A00.FR.205)."""
    if not (32 <= len(key) <= 40 and len(key) % 2 == 0 and set(key) <= set(string.hexdigits)):
        came = f"{len(key)} characters"
        raise Forbidden(f"expected 16 to 20 bytes as 32 to 40 hex digits, came {came} (whitepaper A00.FR.205)")
