"""`later_ones`: calls of OCPP 2.0.1 that were understood: it is a log of that version, and that is nobody's fault."""

from __future__ import annotations

from collections.abc import Sequence

from .pairing import Pairs
from .seen import Seen

LATER = frozenset(
    {
        *("TransactionEvent", "NotifyReport", "GetVariables", "SetVariables", "GetBaseReport", "NotifyEvent"),
        *("RequestStartTransaction", "RequestStopTransaction", "ClearedChargingLimit", "NotifyChargingLimit"),
        *("NotifyEVChargingNeeds", "ReportChargingProfiles", "SetNetworkProfile", "NotifyMonitoringReport"),
    }
)
"""Actions of OCPP 2.0.1."""
LATER_NOTE = "both ends speak OCPP 2.0.1: payloads are not judged"


def later_ones(seen: Sequence[Seen], pairs: Pairs) -> set[str | None]:
    """The charge points of which such a call has a result: both ends speak that version."""
    return {
        seen[call].identity
        for reply, call in pairs.call_of.items()
        if seen[reply].kind == 3 and (seen[call].action in LATER or _boots_later(seen[call]))
    }


def _boots_later(call: Seen) -> bool:
    return call.action == "BootNotification" and isinstance(call.payload.get("chargingStation"), dict)
