"""Keys whose change has an effect at once, or at the next dial. Other keys take effect where they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .dial import pings

if TYPE_CHECKING:
    from .charge_point import ChargePoint


def take_effect(charge_point: ChargePoint, key: str, value: str) -> None:
    """The central system changed a key, now or in an earlier life."""
    match key:
        case "HeartbeatInterval" if charge_point.heartbeat:
            charge_point.heartbeat.interval = float(value)
        case "MeterValueSampleInterval":
            charge_point.charging.new_sample_interval()
        case "MessageTimeout":
            charge_point.timeout = float(value)
            if charge_point.session:
                charge_point.session.timeout = charge_point.timeout
        case "WebSocketPingInterval":
            charge_point.dial_options |= pings(float(value))  # from the next dial on
        case "AuthorizationKey":
            charge_point.password = value
            if charge_point.line:
                charge_point.after_answer(charge_point.line.close(1001, "new AuthorizationKey"), "AuthorizationKey")
