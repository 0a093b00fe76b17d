"""What a charge point does when told to: the Core profile (core 5), but for remote start and stop."""

from __future__ import annotations

from collections.abc import Mapping

from .. import messages as m
from ..errors import CallFailed
from ..station.connector import Connector
from .authorization import AuthorizationCache
from .charging import Charging
from .configuration import Configuration
from .or_else import or_else
from .resets import Resets
from .transactions import Transactions


class Core:
    """Configuration, availability, reset, unlock.

    What cannot be written down is not done and gets a no: see `or_else`.
    """

    def __init__(
        self,
        configuration: Configuration,
        connectors: Mapping[int, Connector],
        transactions: Transactions,
        cache: AuthorizationCache,
        charging: Charging,
        resets: Resets,
    ) -> None:
        self.configuration = configuration
        self.connectors = connectors
        self.transactions = transactions
        self.cache = cache
        self.charging = charging
        self.resets = resets

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
        """Connector 0 means the charge point and all its connectors (core 5.2).

        Scheduled while somebody uses one: it goes on, nothing begins behind it, and it is Unavailable as soon as the
        cable has been pulled, or at the stop if there is none (core 4.9, C8, F8).
        """
        if request.connector_id not in self.connectors:
            return m.ChangeAvailabilityResponse(status="Rejected")
        affected = list(self.connectors) if request.connector_id == 0 else [request.connector_id]
        operative = request.type == "Operative"
        with self.transactions.together():
            for number in affected:
                self.transactions.save_operative(number, operative)
        done = [self._make_available(self.connectors[number], operative) for number in affected]
        return m.ChangeAvailabilityResponse(status="Accepted" if all(done) else "Scheduled")

    def _make_available(self, connector: Connector, operative: bool) -> bool:
        """False if it has to wait until the connector is free."""
        if connector.number:
            return self.charging.bays.withdraw(connector.number, operative=operative)
        connector.operative = operative
        if not operative:
            self.charging.bays.end_reservations(0, "Unavailable")
        if connector.status != "Faulted":
            connector.become("Available" if operative else "Unavailable")
        return True

    @or_else(m.ClearCacheResponse(status="Rejected"))
    async def on_clear_cache(self, request: m.ClearCacheRequest) -> m.ClearCacheResponse:
        """Rejected without a cache (core errata 3.23)."""
        if not self.configuration.enabled("AuthorizationCacheEnabled"):
            return m.ClearCacheResponse(status="Rejected")
        self.cache.clear()
        return m.ClearCacheResponse(status="Accepted")

    @or_else(m.ResetResponse(status="Rejected"))
    async def on_reset(self, request: m.ResetRequest) -> m.ResetResponse:
        """Answered, then done: see `Resets`. A soft one is Rejected if a stop could not be written down."""
        self.resets.begin(request.type)
        return m.ResetResponse(status="Accepted")

    @or_else(m.UnlockConnectorResponse(status="UnlockFailed"))
    async def on_unlock_connector(self, request: m.UnlockConnectorRequest) -> m.UnlockConnectorResponse:
        """Ends the transaction first; UnlockFailed if it cannot, or the lock does not open (core 5.18). NotSupported,
        and nothing is ended, for a fixed cable, which has no lock, and if unknown (core errata 3.85)."""
        place = self.connectors.get(request.connector_id)
        if place is None or not place.number or place.cable == "fixed":
            return m.UnlockConnectorResponse(status="NotSupported")
        opened = self.charging.unlock(place.number)
        return m.UnlockConnectorResponse(status="Unlocked" if opened else "UnlockFailed")
