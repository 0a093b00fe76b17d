"""What the central system may ask of a charge point: one room for each feature profile, and the router before them."""

from __future__ import annotations

from ..router import Router
from .core import Core
from .delivery import Delivery
from .gate import Gate
from .memory import Memory
from .premises import Premises
from .remote_start import RemoteStart
from .remote_trigger import RemoteTrigger


def orders(memory: Memory, premises: Premises, gate: Gate, delivery: Delivery) -> Router:
    """A router with all handlers."""
    router = Router("ChargePoint")
    router.include(
        Core(
            memory.configuration,
            premises.connectors,
            memory.transactions,
            memory.cache,
            premises.charging,
            later=gate.later,
            reboot=gate.reboot,
        )
    )
    router.include(
        RemoteStart(
            premises.connectors,
            memory.transactions,
            memory.transaction_ids,
            memory.configuration,
            premises.authorizer,
            premises.charging,
            later=gate.later,
        )
    )
    router.include(
        RemoteTrigger(
            gate,
            premises.connectors,
            memory.transactions,
            premises.metering,
            premises.statuses,
            waits=delivery.waits,
        )
    )
    return router
