"""`CoreOrders`: start, stop, unlock, reset, configure, trigger: the operator's everyday (core 5)."""

from __future__ import annotations

from typing import Any, get_args

from .. import messages as m
from ..credentials import AUTHORIZATION_KEY
from ..errors import Forbidden
from ..security.upgrade import SECURITY_PROFILES
from .operator_session import SECURITY_PROFILE
from .ordering import Ordering, check_key
from .orders import Settle
from .profile_rules import check_profile


class CoreOrders(Ordering):
    """Of the Core profile, with DataTransfer and Remote Trigger."""

    async def remote_start(
        self, identity: str, id_tag: str, connector_id: int | None = None, *, profile: m.ChargingProfile | None = None
    ) -> m.RemoteStartTransactionResponse:
        """Start charging for this tag (core 5.11). A ``profile`` is a TxProfile without transactionId (core 5.16.2)."""
        if profile is not None:
            check_profile(connector_id, profile, remote=True)
        request = m.RemoteStartTransactionRequest(id_tag=id_tag, connector_id=connector_id, charging_profile=profile)

        def ask() -> Settle:
            if profile is None:
                return lambda outcome: None
            book = self._records.profiles
            number = book.ask(identity, connector_id, profile, self._now(), id_tag)
            return lambda outcome: book.settle(number, outcome)

        return await self._orders.send(identity, request, ask)

    async def remote_stop(self, identity: str, transaction_id: int) -> m.RemoteStopTransactionResponse:
        """Stop this transaction (core 5.12). Raises `Forbidden` if it is known to be another charge point's."""
        known = self._ledger.transaction(transaction_id)
        if known and known["identity"] != identity:
            where = f"{transaction_id} runs at {known['identity']}, not at {identity}"
            raise Forbidden(f"expected a transaction of that charge point (core 5.12), but {where}")
        return await self._orders.send(identity, m.RemoteStopTransactionRequest(transaction_id=transaction_id))

    async def unlock(self, identity: str, connector_id: int) -> m.UnlockConnectorResponse:
        """Free a cable that is stuck; a transaction there is ended first (core 5.18)."""
        return await self._orders.send(identity, m.UnlockConnectorRequest(connector_id=connector_id))

    async def reset(self, identity: str, kind: m.ResetType = "Soft") -> m.ResetResponse:
        """Have it restart (core 5.14)."""
        return await self._orders.send(identity, m.ResetRequest(type=kind))

    async def availability(
        self, identity: str, connector_id: int, kind: m.AvailabilityType
    ) -> m.ChangeAvailabilityResponse:
        """Put a connector, or with 0 all, in or out of service (core 5.2)."""
        return await self._orders.send(identity, m.ChangeAvailabilityRequest(connector_id=connector_id, type=kind))

    async def configure(self, identity: str, key: str, value: str) -> m.ChangeConfigurationResponse:
        """Set one configuration key (core 5.3). Raises `Forbidden` for a SecurityProfile below the one that it has to
        use, which is not for OCPP (whitepaper A00.FR.005), and for an AuthorizationKey that is none (A00.FR.205)."""
        if key.casefold() == AUTHORIZATION_KEY.casefold():
            check_key(value)
        have = self._required.least(identity)
        if key.casefold() == SECURITY_PROFILE.casefold() and value in SECURITY_PROFILES and int(value) < have:
            raise Forbidden(
                f"{identity} has to use security profile {have}: no message lowers it (whitepaper A00.FR.005)"
            )
        return await self._orders.send(identity, m.ChangeConfigurationRequest(key=key, value=value))

    async def configuration(self, identity: str, *keys: str) -> m.GetConfigurationResponse:
        """Read these configuration keys, or all (core 5.8)."""
        return await self._orders.send(identity, m.GetConfigurationRequest(key=list(keys) or None))

    async def clear_cache(self, identity: str) -> m.ClearCacheResponse:
        """Have it forget the tags in its cache (core 5.4)."""
        return await self._orders.send(identity, m.ClearCacheRequest())

    async def trigger(
        self, identity: str, message: str, connector_id: int | None = None, *, extended: bool = False
    ) -> m.TriggerMessageResponse | m.ExtendedTriggerMessageResponse:
        """Have it send this message (core 5.17). ``extended`` asks by ExtendedTriggerMessage (whitepaper 5.5),
        the only way for LogStatusNotification and SignChargePointCertificate.

        Raises `Forbidden` for a BootNotification after an accepted boot (core errata 3.40).
        """
        if message == "BootNotification" and self._orders.known.get(identity) == "Accepted":
            raise Forbidden(f"{identity} was accepted: it is not asked to boot again (core errata 3.40)")
        plain = message in get_args(m.MessageTrigger)
        if not plain and message not in get_args(m.MessageTriggerEnumType):
            known = sorted({*get_args(m.MessageTrigger), *get_args(m.MessageTriggerEnumType)})
            raise Forbidden(f"expected one of {', '.join(known)}, came {message:.50} (core 5.17)")
        kind: Any = m.TriggerMessageRequest if plain and not extended else m.ExtendedTriggerMessageRequest
        answer: Any = await self._orders.send(identity, kind(requested_message=message, connector_id=connector_id))
        return answer  # type: ignore[no-any-return]

    async def transfer(
        self, identity: str, vendor: str, message: str | None = None, data: str | None = None
    ) -> m.DataTransferResponse:
        """Send a vendor's own message (core 5.6)."""
        return await self._orders.send(identity, m.DataTransferRequest(vendor_id=vendor, message_id=message, data=data))
