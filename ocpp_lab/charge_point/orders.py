"""What the central system may ask of a charge point: one room for each feature profile, and the router before them."""

from __future__ import annotations

from ..router import Router
from .chores import Chores
from .core import Core
from .delivery import Delivery
from .gate import Gate
from .memory import Memory
from .premises import Premises
from .remote_start import RemoteStart
from .remote_trigger import RemoteTrigger
from .resets import Resets


def orders(
    memory: Memory, premises: Premises, gate: Gate, delivery: Delivery, chores: Chores, *, lenient: bool = False
) -> Router:
    """A router with all handlers; ``lenient``: see `Connecting`."""
    router = Router("ChargePoint", lenient=lenient)
    router.include(
        Core(
            memory.configuration,
            premises.connectors,
            memory.transactions,
            memory.cache,
            premises.charging,
            Resets(
                premises.bays,
                chores,
                delivered=delivery.emptied,
                hush=gate.hush,
                reboot=lambda why: gate.reboot(why),
                patience=lambda: gate.timeout if gate.state() == "online" else 0.0,
            ),
        )
    )
    router.include(
        RemoteStart(
            premises.charging,
            chores,
            has_room=lambda: len(memory.outbox) < memory.outbox.limit,
        )
    )
    router.include(
        RemoteTrigger(
            gate,
            premises.connectors,
            memory.transactions,
            memory.transaction_ids,
            premises.metering.readings,
            premises.statuses,
            waits=delivery.waits,
        )
    )
    return router
