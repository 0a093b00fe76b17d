"""Which charging profiles may be sent: pure rules over one profile and its connector (core 3.13, 5.16, 7.8, 7.13)."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import Forbidden
from ..messages import ChargingProfile
from .ledger_values import fits


def check_profile(connector_id: int | None, profile: ChargingProfile, *, remote: bool = False) -> None:
    """Raises `Forbidden` with what is wrong with it. ``remote``: it goes with a RemoteStartTransaction."""
    wrongs = [*(_remote(profile) if remote else _placed(connector_id, profile)), *_whole(profile)]
    if wrongs:
        raise Forbidden(f"charging profile {profile.charging_profile_id}: {'; '.join(wrongs)}")


def _remote(profile: ChargingProfile) -> Iterator[str]:
    purpose = profile.charging_profile_purpose
    if purpose != "TxProfile":
        yield f"expected a TxProfile with a remote start, came a {purpose} (core 5.11)"
    if profile.transaction_id is not None:
        yield "expected no transactionId before there is a transaction (core 5.16.2)"


def _placed(connector_id: int | None, profile: ChargingProfile) -> Iterator[str]:
    purpose = profile.charging_profile_purpose
    if purpose == "TxProfile" and connector_id == 0:
        yield "expected a connector above 0 for a TxProfile (core 3.13.1)"
    if purpose == "ChargePointMaxProfile" and connector_id != 0:
        yield f"expected connector 0 for a ChargePointMaxProfile, came {connector_id} (core 3.13.1)"
    if purpose == "ChargePointMaxProfile" and profile.charging_profile_kind == "Relative":
        yield "a ChargePointMaxProfile is not Relative: no transaction is its start (core 7.9)"
    if purpose != "TxProfile" and profile.transaction_id is not None:
        yield f"expected no transactionId in a {purpose} (core 7.8)"


def _whole(profile: ChargingProfile) -> Iterator[str]:
    """What holds wherever it goes."""
    if not fits(profile.charging_profile_id, profile.stack_level, profile.transaction_id or 0):
        yield "expected numbers of 64 bits, which is what can be recorded (core 7.8)"
    schedule = profile.charging_schedule
    recurring = profile.charging_profile_kind == "Recurring"
    if recurring and profile.recurrency_kind is None:
        yield "expected Daily or Weekly with a Recurring profile (core 7.8)"
    if recurring and schedule.start_schedule is None:
        yield "expected a startSchedule from which a Recurring profile recurs (core 7.13)"
    if profile.charging_profile_kind == "Relative" and schedule.start_schedule is not None:
        yield "expected no startSchedule with a Relative profile (core 7.9)"
    if profile.valid_from and profile.valid_to and profile.valid_from >= profile.valid_to:
        yield "expected validFrom before validTo (core 7.8)"
    starts = [period.start_period for period in schedule.charging_schedule_period]
    if starts[:1] != [0]:
        yield f"expected the first period at 0 s, came {starts[:1]} (core 7.13)"
    if starts != sorted(set(starts)):
        yield "expected periods that begin one after the other (core 7.14)"
    if any(period.limit < 0 for period in schedule.charging_schedule_period):
        yield "expected limits of 0 or more (core 7.14)"
    if schedule.duration is not None and schedule.duration <= 0:
        yield f"expected a duration above 0 s, came {schedule.duration} (core 7.13)"
