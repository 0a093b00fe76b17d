"""What the central system may ask of a charge point: one room for each feature profile, and the router before them."""

from __future__ import annotations

from typing import Any, Final, get_args

from .. import messages as m
from ..frames import Call, CallError, CallResult
from ..router import Router
from ..security import has_cryptography
from .chores import Chores
from .core import Core
from .delivery import Delivery
from .extended_trigger import ExtendedTrigger
from .file_jobs import FileJobs
from .gate import Gate
from .guard import Guard
from .memory import Memory
from .premises import Premises
from .remote_start import RemoteStart
from .remote_trigger import RemoteTrigger
from .resets import Resets

_TRIGGERS: Final[dict[str, Any]] = {
    "TriggerMessage": m.MessageTrigger,
    "ExtendedTriggerMessage": m.MessageTriggerEnumType,
}
"""By action, the messages that can be asked for."""


class OrderRouter(Router):
    """A router that lets a message be asked for that nobody knows: that has an answer of its own, which is no error."""

    async def answer(self, call: Call) -> CallResult | CallError:
        """See `Router.answer`. A requestedMessage that is unknown gets the status NotImplemented (core 5.17)."""
        if _wants_the_unknown(call):
            return CallResult(call.unique_id, {"status": "NotImplemented"})
        return await super().answer(call)


def _wants_the_unknown(call: Call) -> bool:
    known = _TRIGGERS.get(call.action)
    wanted = call.payload.get("requestedMessage") if known and isinstance(call.payload, dict) else None
    return isinstance(wanted, str) and wanted not in get_args(known)


def orders(
    memory: Memory,
    premises: Premises,
    gate: Gate,
    delivery: Delivery,
    chores: Chores,
    file_jobs: FileJobs,
    guard: Guard,
    *,
    lenient: bool = False,
) -> Router:
    """A router with all handlers; ``lenient``: see `Connecting`."""
    router = OrderRouter("ChargePoint", lenient=lenient)
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
            premises.profiles,
            has_room=lambda: len(memory.outbox) < memory.outbox.limit,
        )
    )
    trigger = RemoteTrigger(
        gate,
        premises.connectors,
        memory.transactions,
        memory.transaction_ids,
        premises.metering.readings,
        premises.statuses,
        waits=delivery.waits,
        file_jobs=file_jobs.triggers,
    )
    router.include(trigger)
    router.include(
        ExtendedTrigger(
            gate,
            trigger.on_trigger_message,
            guard.ask,
            log_status=file_jobs.uploads.log_status,
            firmware_status=file_jobs.firmware.signed_status,
        )
    )
    router.include(premises.vendor_messages)
    router.include(premises.local_auth_list)
    router.include(premises.reserving)
    router.include(premises.smart_charging)
    router.include(file_jobs.uploads)
    router.include(file_jobs.firmware)
    if has_cryptography():  # or nothing is known of certificates here, and that is what is answered
        router.include(guard.certificates)
    return router
