"""Keys whose change has an effect at once. Other keys take effect where they are read."""

from __future__ import annotations

from collections.abc import Callable

from .dial import Dialler
from .gate import Gate
from .metering import Metering


def live_keys(gate: Gate, dialler: Dialler, metering: Metering) -> dict[str, Callable[[str], None]]:
    """By key, what its new value does; see `Configuration.effects`."""

    def new_authorization_key(value: str) -> None:
        dialler.password = value  # what SecurityProfile says follows at the next dial
        gate.later(gate.hang_up("new AuthorizationKey"), "AuthorizationKey")

    return {
        "AuthorizationKey": new_authorization_key,
        "HeartbeatInterval": lambda value: gate.set_heartbeat_interval(float(value)),
        "MessageTimeout": lambda value: gate.set_timeout(float(value)),
        "ClockAlignedDataInterval": lambda value: metering.new_grid(),
        "MeterValueSampleInterval": lambda value: metering.new_interval(),
        "WebSocketPingInterval": lambda value: dialler.set_ping_interval(float(value)),
    }
