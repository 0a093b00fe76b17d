"""What a charge point does when told to: the Core profile (core 5). Charging itself comes with the transactions."""

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
        """Connector 0 means the charge point and all its connectors (core 5.2)."""
        charge_point = self.charge_point
        if request.connector_id not in charge_point.connectors:
            return m.ChangeAvailabilityResponse(status="Rejected")
        status: m.ChargePointStatus = "Available" if request.type == "Operative" else "Unavailable"
        affected = list(charge_point.connectors) if request.connector_id == 0 else [request.connector_id]
        charge_point.after_answer(charge_point.report(dict.fromkeys(affected, status)), "ChangeAvailability")
        return m.ChangeAvailabilityResponse(status="Accepted")

    async def on_clear_cache(self, request: m.ClearCacheRequest) -> m.ClearCacheResponse:
        """Rejected: there is no authorisation cache (core errata 3.23)."""
        return m.ClearCacheResponse(status="Rejected")

    async def on_data_transfer(self, request: m.DataTransferRequest) -> m.DataTransferResponse:
        return m.DataTransferResponse(status="UnknownVendorId")

    async def on_reset(self, request: m.ResetRequest) -> m.ResetResponse:
        """Answer first, then go down and boot again (core 5.14)."""
        self.charge_point.after_answer(self.charge_point.reboot(f"{request.type} reset"), "Reset")
        return m.ResetResponse(status="Accepted")

    async def on_unlock_connector(self, request: m.UnlockConnectorRequest) -> m.UnlockConnectorResponse:
        """Unknown connector: NotSupported (core errata 3.85)."""
        known = request.connector_id in self.charge_point.connectors
        return m.UnlockConnectorResponse(status="Unlocked" if known else "NotSupported")
