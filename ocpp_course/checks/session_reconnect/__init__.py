"""Milestone 3: what survives when the connection dies in the middle of a message?"""

from __future__ import annotations

from ..step import Step
from . import capstone, draining, durable, ledgers, reconnecting, table, verdicts, waits

STEPS: list[Step] = [
    waits.step,
    table.step,
    reconnecting.step,
    durable.step,
    verdicts.step,
    draining.step,
    ledgers.step,
    capstone.step,
]
