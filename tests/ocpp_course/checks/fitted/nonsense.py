"""What a learner's own names may hold: everything that no exercise speaks of means something else here."""

from __future__ import annotations

from typing import Any

BEYOND = {
    "transport": ["closed", "lost", "has_room", "pipe", "name", "bytes_sent", "bytes_received", "frames_sent"],
    "pending": ["drop", "spoil", "counts", "notes"],
    "session": ["transport", "pending", "counts", "tally", "ended_at", "wait_closed", "close", "spawn", "identity"],
    "outbox": ["entries", "limit", "drops", "in_flight"],
    "ledger": ["meter_values", "register", "registrations", "readings"],
    "heartbeat": ["clock_offset", "sent", "now"],
    "machine": ["table", "on_change"],
}
"""By piece, what the stack needs and the exercises do not ask for."""


def nonsense(piece: str, plain: type) -> Any:
    """The class, with something else under each of those names."""
    return type(plain.__name__, (plain,), dict.fromkeys(BEYOND[piece], object()))
