"""What the central system may ask of a charge point: one room for each feature profile, and the router before them."""

from __future__ import annotations

from ..router import Router
from ..security import has_cryptography
from .core import Core
from .delivery import Delivery
from .extended_trigger import ExtendedTrigger
from .gate import Gate
from .guard import Guard
from .memory import Memory
from .premises import Premises
from .remote_start import RemoteStart
from .remote_trigger import RemoteTrigger


def orders(
    memory: Memory, premises: Premises, gate: Gate, delivery: Delivery, guard: Guard, *, lenient: bool = False
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
            once=gate.once,
            has_room=lambda: len(memory.outbox) < memory.outbox.limit,
        )
    )
    trigger = RemoteTrigger(
        gate,
        premises.connectors,
        memory.transactions,
        premises.metering,
        premises.statuses,
        waits=delivery.waits,
    )
    router.include(trigger)
    router.include(
        ExtendedTrigger(
            gate,
            trigger.on_trigger_message,
            guard.ask,
            log_status=lambda: guard.log_status(),
            firmware_status=lambda: guard.firmware_status(),
        )
    )
    if has_cryptography():  # or nothing is known of certificates here, and that is what is answered
        router.include(guard.certificates)
    return router
