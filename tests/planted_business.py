"""Bugs on purpose in what an operator asks for: reservations, lists, limits, keys, files, alarms; for `planted`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from ocpp_lab import CentralSystem, StoreFailed
from ocpp_lab import messages as m
from ocpp_lab.credentials import AUTHORIZATION_KEY
from ocpp_lab.simulation import chaos
from ocpp_lab.simulation.chaos import Talkative
from ocpp_lab.smart_charging import Allowed, Installed, Profiles, offers

# Reservations ---------------------------------------------------------------------------------------------------------


class ReservationsForgotten(Talkative):
    """They are in memory only: after a power cut nobody knows whose place it is."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        with suppress(StoreFailed):
            self.memory.store.execute("DELETE FROM reservations")


class AnybodyMay(Talkative):
    """Nobody looks whose place it is when a tag is accepted."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        bays = self.charging.bays
        bays.may_use = lambda connector, tag, parent: (True, None)  # type: ignore[method-assign]


class ServesTwice(Talkative):
    """A reservation goes on when its driver has begun, until its time is up."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.charging.bays.reservations.used = lambda reservation_id: None  # type: ignore[method-assign]


# Lists ----------------------------------------------------------------------------------------------------------------


class DifferenceForAll(Talkative):
    """What has changed is taken for the whole list."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        update = self.memory.local_list.update

        def whole(request: m.SendLocalListRequest) -> Any:
            given = [each for each in request.local_authorization_list or [] if each.id_tag_info]
            differs = request.update_type == "Differential" and given
            changed = {"update_type": "Full", "local_authorization_list": given} if differs else {}
            return update(msgspec.structs.replace(request, **changed))

        self.memory.local_list.update = whole  # type: ignore[method-assign]


class ListForgotten(Talkative):
    """The list is in memory only."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        with suppress(StoreFailed):
            self.memory.store.execute("DELETE FROM local_list")


# Limits ---------------------------------------------------------------------------------------------------------------


class NextTransactionObeys(Talkative):
    """A new limit holds for the next transaction, and not for the one that runs."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._premises.smart_charging.changed = asyncio.Event()  # which nobody waits for


class LimitsForgotten(Talkative):
    """After a power cut the profiles are in the file, and nobody reads them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.memory.profiles._take([], {}, {})


class LimitsUnwritten(Talkative):
    """A profile is Accepted, obeyed, and in no file."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        kept = self.memory.profiles

        def keep(installed: Iterable[Installed], owners: Mapping[int, str], promises: Any = None) -> None:
            kept._take(list(installed), owners, kept.promises if promises is None else promises)

        kept.keep = keep  # type: ignore[method-assign]


def each_for_itself(
    stack: list[Installed], running: Mapping[int, datetime], at: datetime, **options: Any
) -> tuple[dict[int, Allowed], datetime | None]:
    """The limit of the charge point is taken for that of each connector."""
    limits, ends = dict[int, Allowed](), list[datetime]()
    for number, started in running.items():
        alone, until = offers(stack, {number: started}, at, **options)
        limits |= alone
        ends += [until] if until else []
    return limits, min(ends, default=None)


# Keys, files, alarms --------------------------------------------------------------------------------------------------


class KeyUnwritten(Talkative):
    """A new AuthorizationKey is used, and is in no file: after a power cut it is the old one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        configuration, change = self.configuration, self.configuration.change

        def changed(name: str, value: str) -> Any:
            if name != AUTHORIZATION_KEY:
                return change(name, value)
            return "Accepted" if configuration._take(configuration.keys[name], value) else "RebootRequired"

        configuration.change = changed  # type: ignore[method-assign]


class OldKeyShut(CentralSystem):
    """The old key opens nothing any more from the moment at which a new one is sent."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        keyring, offer = self._keyring, self._keyring.offer

        def hasty(identity: str, key: Any) -> Any:
            offered = offer(identity, key)
            keyring.accepted(identity, offered)
            return offered

        keyring.offer = hasty  # type: ignore[method-assign]


class JobsEndWithThePower(Talkative):
    """Nobody goes on with a file that was on its way when the power went."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.file_jobs.recover = lambda: None  # type: ignore[method-assign]


class AlarmOnce(Talkative):
    """A security event is struck out when it is sent, not when it is answered."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        events, drain = self.guard.events, self.guard.events.drain

        async def hasty(call: Any) -> None:
            async def strike_out(request: Any) -> Any:
                self.memory.store.execute(
                    "UPDATE security_events SET waits = 0 WHERE number ="
                    " (SELECT number FROM security_events WHERE waits ORDER BY number LIMIT 1)"
                )
                return await call(request)

            await drain(strike_out)

        events.drain = hasty  # type: ignore[method-assign]


class StaysClosed(Talkative):
    """Drivers are kept away from new firmware, and for ever."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._premises.closing_time.reopen = lambda: None  # type: ignore[method-assign]


BUSINESS_BUGS: dict[str, Any] = {
    "reservations are forgotten at a power cut": partial(chaos, charge_point=ReservationsForgotten),
    "nobody looks whose place it is": partial(chaos, charge_point=AnybodyMay),
    "a reservation serves twice": partial(chaos, charge_point=ServesTwice),
    "a differential update is taken for a full one": partial(chaos, charge_point=DifferenceForAll),
    "the local list is forgotten at a power cut": partial(chaos, charge_point=ListForgotten),
    "a new limit is obeyed by the next transaction": partial(chaos, charge_point=NextTransactionObeys),
    "nobody reads the limits after a power cut": partial(chaos, charge_point=LimitsForgotten),
    "a limit is accepted and not written": partial(chaos, charge_point=LimitsUnwritten),
    "the limit of all is that of each": partial(chaos, profiles=Profiles(offers=each_for_itself)),
    "nobody may come after an update": partial(chaos, charge_point=StaysClosed),
    "a new key is not written": partial(chaos, charge_point=KeyUnwritten),
    "the old key is shut when a new one is sent": partial(chaos, central_system=OldKeyShut),
    "a file job ends with the power": partial(chaos, charge_point=JobsEndWithThePower),
    "a security event is struck out before its answer": partial(chaos, charge_point=AlarmOnce),
}
