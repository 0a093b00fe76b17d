"""`Boots`: nobody boots without end: an interval is waited out, and what follows a refusal backs off (core 4.2)."""

from __future__ import annotations

from typing import Any

from ..frames import Call, CallResult
from .invariants import Invariants

PATIENT = "boots wait"
MOST_BOOTS, WINDOW = 8, 30.0
"""Boots that nobody triggered, and seconds: more of them are a storm. Dials back off, and a boot may follow each."""

LONGEST_RESET = 60.0
"""Seconds: a soft one waits for the answers to its stops, and that is bounded by the timeout of a call."""


class Boots:
    """Of one charge point, over all lives."""

    def __init__(self, identity: str, invariants: Invariants) -> None:
        self.identity = identity
        self.invariants = invariants
        self._not_before = 0.0  # what a Pending or Rejected said, until it is over
        self._triggered = 0  # boots that were asked for and not sent yet
        self._sent: list[float] = []  # when the newest ones left that nobody asked for
        self._answered_at = -1.0  # when the newest answer came
        self._reset_until = 0.0  # a reset that was asked for may still be done until then
        self._asked: set[str] = set()  # unique ids of boots

    def left(self, call: Call, at: float) -> None:
        """A BootNotification leaves."""
        self._asked.add(call.unique_id)
        if self._triggered:
            self._triggered, self._not_before = 0, 0.0  # which ends the interval, whatever comes of this boot
            return
        if at < self._not_before - 1e-6:
            self._broken(f"a boot left {self._not_before - at:.3f} s too early")
        self._sent = [*(then for then in self._sent if then > at - WINDOW), at]
        if len(self._sent) > MOST_BOOTS:
            self._broken(f"{len(self._sent)} boots in {WINDOW:g} s")

    def answered(self, result: CallResult, at: float) -> None:
        """A CallResult came; perhaps to a boot."""
        payload: Any = result.payload
        if result.unique_id in self._asked and isinstance(payload, dict):
            waits = payload.get("status") in ("Pending", "Rejected") and isinstance(payload.get("interval"), int)
            self._not_before = at + payload["interval"] if waits else 0.0
            self._answered_at = at

    def closing(self, at: float) -> None:
        """The connection is given up; an answer that came in this very instant was not heard. It may be for the reset
        that was asked for, which ends the interval when it is done."""
        if self._answered_at == at or at < self._reset_until:
            self._not_before = 0.0

    def asked(self, call: Call, at: float) -> None:
        """The central system asks for something; perhaps for a boot, now or after a reset."""
        payload: Any = call.payload
        if call.action == "Reset":
            self._not_before, self._reset_until = 0.0, at + LONGEST_RESET
        if call.action == "TriggerMessage" and payload.get("requestedMessage") == "BootNotification":
            self._triggered = 1

    def rebooting(self) -> None:
        """It restarts of itself, for a Reset or with new firmware, and boots as it likes."""
        self._not_before = 0.0

    def power_went(self) -> None:
        """A new life boots as it likes."""
        self._not_before, self._triggered = 0.0, 0
        self._sent.clear()

    def _broken(self, why: str) -> None:
        self.invariants.broken(PATIENT, why, self.identity)
