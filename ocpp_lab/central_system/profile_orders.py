"""`ProfileOrders`: limits for charge points and their transactions (core 3.13, 5.5, 5.7, 5.16)."""

from __future__ import annotations

import msgspec

from .. import messages as m
from ..errors import Forbidden
from .ledger_values import fits
from .order_end import OrderEnd
from .ordering import Ordering
from .orders import Settle
from .profile_rules import check_profile


class ProfileOrders(Ordering):
    """What is installed where is in the book of `Records.profiles`."""

    async def set_profile(
        self, identity: str, connector_id: int, profile: m.ChargingProfile
    ) -> m.SetChargingProfileResponse:
        """Install a profile, or replace one (core 5.16). A TxProfile gets the id of the transaction that runs there, if
        it has none; raises `Forbidden` if none runs (core 5.16.4)."""
        check_profile(connector_id, profile)
        if profile.charging_profile_purpose == "TxProfile":
            profile = msgspec.structs.replace(profile, transaction_id=self._running(identity, connector_id, profile))
        request = m.SetChargingProfileRequest(connector_id=connector_id, cs_charging_profiles=profile)

        def ask() -> Settle:
            number = self._records.profiles.ask(identity, connector_id, profile, self._now())
            return lambda outcome: self._records.profiles.settle(number, outcome)

        return await self._orders.send(identity, request, ask)

    def _running(self, identity: str, connector_id: int, profile: m.ChargingProfile) -> int:
        """The transaction that this TxProfile is for. One that the ledger does not know may run all the same."""
        transaction_id = profile.transaction_id
        if transaction_id is None:
            running = self._ledger.transaction_on(identity, connector_id)
            if running is None:
                where = f"{identity}, connector {connector_id}"
                raise Forbidden(f"expected a transaction for a TxProfile, but none runs at {where} (core 5.16.4)")
            return int(running["id"])
        known = self._ledger.transaction(transaction_id)
        if known and (known["stopped"] or (known["identity"], known["connector"]) != (identity, connector_id)):
            raise Forbidden(f"transaction {transaction_id} has ended, or runs elsewhere (core 3.13.1)")
        return transaction_id

    async def clear_profiles(
        self,
        identity: str,
        *,
        id: int | None = None,
        connector_id: int | None = None,
        purpose: m.ChargingProfilePurposeType | None = None,
        stack_level: int | None = None,
    ) -> m.ClearChargingProfileResponse:
        """Remove the profile with this id, or all that match the other fields; without any, all (core errata 3.25).

        Raises `Forbidden` for an id together with other fields, which would be ignored (core errata 3.26). Unknown
        means that there is no such profile there: it is gone here as well.
        """
        others = [connector_id, purpose, stack_level]
        if id is not None and any(other is not None for other in others):
            raise Forbidden("expected an id, or other fields: with an id those are ignored (core errata 3.26)")
        if not fits(*(each for each in (id, connector_id, stack_level) if each is not None)):
            raise Forbidden("expected numbers of 64 bits, which is what can be recorded (core 6.13)")
        request = m.ClearChargingProfileRequest(
            id=id, connector_id=connector_id, charging_profile_purpose=purpose, stack_level=stack_level
        )

        def settle(outcome: OrderEnd) -> None:
            if outcome.said in ("Accepted", "Unknown"):
                self._records.profiles.cleared(identity, request)

        return await self._orders.send(identity, request, lambda: settle)

    async def composite(
        self, identity: str, connector_id: int, duration: int, unit: m.ChargingRateUnitType | None = None
    ) -> m.GetCompositeScheduleResponse:
        """Ask what results from all profiles, for the next ``duration`` s (core 5.7). Raises `Forbidden` for none."""
        if duration <= 0:
            raise Forbidden(f"expected a duration above 0 s, came {duration} (core 5.7)")
        return await self._orders.send(
            identity,
            m.GetCompositeScheduleRequest(connector_id=connector_id, duration=duration, charging_rate_unit=unit),
        )
