"""What a charge point does when told to: the Core profile (core 5), but for remote start and stop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from .. import messages as m
from ..errors import CallFailed
from ..station.connector import Connector
from .authorization import AuthorizationCache
from .charging import Charging
from .configuration import Configuration
from .or_else import or_else
from .transactions import Transactions


class Core:
    """Configuration, availability, reset, unlock, data transfer.

    ``later(work, what)`` runs once the handler has answered; ``reboot(why)`` goes down and comes back. What cannot be
    written down is not done and gets a no: see `or_else`.
    """

    def __init__(
        self,
        configuration: Configuration,
        connectors: Mapping[int, Connector],
        transactions: Transactions,
        cache: AuthorizationCache,
        charging: Charging,
        *,
        later: Callable[[Coroutine[Any, Any, object], str], None],
        reboot: Callable[[str], Coroutine[Any, Any, None]],
    ) -> None:
        self.configuration = configuration
        self.connectors = connectors
        self.transactions = transactions
        self.cache = cache
        self.charging = charging
        self.later = later
        self.reboot = reboot

    async def on_get_configuration(self, request: m.GetConfigurationRequest) -> m.GetConfigurationResponse:
        limit = int(self.configuration["GetConfigurationMaxKeys"])
        if request.key and len(request.key) > limit:
            raise CallFailed(
                "PropertyConstraintViolation", f"key: expected at most {limit} keys, came {len(request.key)}"
            )
        found, unknown = self.configuration.read(request.key)
        return m.GetConfigurationResponse(configuration_key=found or None, unknown_key=unknown or None)

    @or_else(m.ChangeConfigurationResponse(status="Rejected"))
    async def on_change_configuration(self, request: m.ChangeConfigurationRequest) -> m.ChangeConfigurationResponse:
        return m.ChangeConfigurationResponse(status=self.configuration.change(request.key, request.value))

    @or_else(m.ChangeAvailabilityResponse(status="Rejected"))
    async def on_change_availability(self, request: m.ChangeAvailabilityRequest) -> m.ChangeAvailabilityResponse:
        """Connector 0 means the charge point and all its connectors; in use means later: Scheduled (core 5.2)."""
        if request.connector_id not in self.connectors:
            return m.ChangeAvailabilityResponse(status="Rejected")
        affected = list(self.connectors) if request.connector_id == 0 else [request.connector_id]
        operative = request.type == "Operative"
        with self.transactions.together():
            for number in affected:
                self.transactions.save_operative(number, operative)
        for number in affected:
            self.connectors[number].operative = operative
        done = [self._make_available(self.connectors[number], operative) for number in affected]
        return m.ChangeAvailabilityResponse(status="Accepted" if all(done) else "Scheduled")

    def _make_available(self, connector: Connector, operative: bool) -> bool:
        """False if it has to wait until the connector is free."""
        if operative:
            if connector.status == "Unavailable":
                connector.become("Preparing" if connector.car else "Available")  # the cable is still in (core 4.9, H2)
            return True
        if connector.status in ("Available", "Finishing", "Reserved"):
            connector.become("Unavailable")
        return connector.status in ("Unavailable", "Faulted")

    @or_else(m.ClearCacheResponse(status="Rejected"))
    async def on_clear_cache(self, request: m.ClearCacheRequest) -> m.ClearCacheResponse:
        """Rejected without a cache (core errata 3.23)."""
        if not self.configuration.enabled("AuthorizationCacheEnabled"):
            return m.ClearCacheResponse(status="Rejected")
        self.cache.clear()
        return m.ClearCacheResponse(status="Accepted")

    async def on_data_transfer(self, request: m.DataTransferRequest) -> m.DataTransferResponse:
        return m.DataTransferResponse(status="UnknownVendorId")

    @or_else(m.ResetResponse(status="Rejected"))
    async def on_reset(self, request: m.ResetRequest) -> m.ResetResponse:
        """End the transactions, answer, go down and boot again; the stops go out after the answer (core 5.14).

        A soft reset ends transactions gracefully, so it is Rejected if one cannot be written down, and none has ended.
        A hard one is the last resort for a charge point that does not work, and need not be graceful: it is always
        done, and what cannot be written is owed (core errata 3.36).
        """
        if request.type == "Soft":
            self.charging.stop_all("SoftReset")
        else:
            self.charging.end_all("HardReset")
        # What the outbox cannot deliver now it delivers after the boot.
        self.later(self.reboot(f"{request.type} reset"), "Reset")
        return m.ResetResponse(status="Accepted")

    @or_else(m.UnlockConnectorResponse(status="UnlockFailed"))
    async def on_unlock_connector(self, request: m.UnlockConnectorRequest) -> m.UnlockConnectorResponse:
        """Ends the transaction first, or is UnlockFailed (core 5.18); NotSupported if unknown (core errata 3.85)."""
        if request.connector_id not in self.connectors:
            return m.UnlockConnectorResponse(status="NotSupported")
        self.charging.stop(request.connector_id, "UnlockCommand")
        return m.UnlockConnectorResponse(status="Unlocked")
