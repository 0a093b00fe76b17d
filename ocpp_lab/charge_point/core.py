"""What a charge point does when told to: the Core profile (core 5), but for charging itself, which is `Charging`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import messages as m
from ..errors import CallFailed

if TYPE_CHECKING:
    from .charge_point import ChargePoint


class Core:
    """Configuration, availability, reset, unlock, data transfer."""

    def __init__(self, charge_point: ChargePoint) -> None:
        self.charge_point = charge_point

    async def on_get_configuration(self, request: m.GetConfigurationRequest) -> m.GetConfigurationResponse:
        configuration = self.charge_point.configuration
        limit = int(configuration["GetConfigurationMaxKeys"])
        if request.key and len(request.key) > limit:
            raise CallFailed(
                "PropertyConstraintViolation", f"key: expected at most {limit} keys, came {len(request.key)}"
            )
        found, unknown = configuration.read(request.key)
        return m.GetConfigurationResponse(configuration_key=found or None, unknown_key=unknown or None)

    async def on_change_configuration(self, request: m.ChangeConfigurationRequest) -> m.ChangeConfigurationResponse:
        return m.ChangeConfigurationResponse(status=self.charge_point.configuration.change(request.key, request.value))

    async def on_change_availability(self, request: m.ChangeAvailabilityRequest) -> m.ChangeAvailabilityResponse:
        """Connector 0 means the charge point and all its connectors; in use means later: Scheduled (core 5.2)."""
        charge_point = self.charge_point
        if request.connector_id not in charge_point.connectors:
            return m.ChangeAvailabilityResponse(status="Rejected")
        affected = list(charge_point.connectors) if request.connector_id == 0 else [request.connector_id]
        done = [self._make_available(connector, request.type == "Operative") for connector in affected]
        return m.ChangeAvailabilityResponse(status="Accepted" if all(done) else "Scheduled")

    def _make_available(self, connector: int, operative: bool) -> bool:
        """False if it has to wait until the connector is free."""
        charge_point = self.charge_point
        socket = charge_point.connectors[connector]
        charge_point.transactions.save_operative(connector, operative)
        if operative:
            if socket.status == "Unavailable":
                socket.become("Preparing" if socket.car else "Available")  # the cable is still in (core 4.9, H2)
            return True
        if socket.status in ("Available", "Finishing", "Reserved"):
            socket.become("Unavailable")
        return socket.status in ("Unavailable", "Faulted")

    async def on_clear_cache(self, request: m.ClearCacheRequest) -> m.ClearCacheResponse:
        """Rejected without a cache (core errata 3.23)."""
        if not self.charge_point.configuration.enabled("AuthorizationCacheEnabled"):
            return m.ClearCacheResponse(status="Rejected")
        self.charge_point.cache.clear()
        return m.ClearCacheResponse(status="Accepted")

    async def on_data_transfer(self, request: m.DataTransferRequest) -> m.DataTransferResponse:
        return m.DataTransferResponse(status="UnknownVendorId")

    async def on_reset(self, request: m.ResetRequest) -> m.ResetResponse:
        """Answer first, then end the transactions, go down and boot again (core 5.14)."""
        self.charge_point.after_answer(self._reset(request.type), "Reset")
        return m.ResetResponse(status="Accepted")

    async def _reset(self, kind: m.ResetType) -> None:
        # What the outbox cannot deliver now it delivers after the boot.
        self.charge_point.charging.stop_all("HardReset" if kind == "Hard" else "SoftReset")
        await self.charge_point.reboot(f"{kind} reset")

    async def on_unlock_connector(self, request: m.UnlockConnectorRequest) -> m.UnlockConnectorResponse:
        """Ends the transaction first (core 5.18); an unknown connector is NotSupported (core errata 3.85)."""
        if request.connector_id not in self.charge_point.connectors:
            return m.UnlockConnectorResponse(status="NotSupported")
        self.charge_point.charging.stop(request.connector_id, "UnlockCommand")
        return m.UnlockConnectorResponse(status="Unlocked")
