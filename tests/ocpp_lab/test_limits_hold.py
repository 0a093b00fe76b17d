"""Random drivers and an operator with random profiles: no limit is ever exceeded, second by second (core 3.13)."""

from __future__ import annotations

import asyncio
import itertools
from random import Random
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.smart_charging import Allowed, Installed, Profiles, Rules, clear, ended, install, offers
from ocpp_lab.station.connector import Car
from tests.house import scaled
from tests.pair import cut, heal, simulated, simulated_now
from tests.profiles import oracle, profile
from tests.simulated import clock, run_simulated
from tests.smart_site import Site, site

NO_LIMIT = Allowed(1e9, 3)


class Book:
    """What the operator knows: his own account of the profiles and transactions, kept beside the charge point's."""

    def __init__(self, here: Site, rng: Random) -> None:
        self.here = here
        self.rng = rng
        self.stack: list[Installed] = []
        self.running: dict[int, tuple[int, Any]] = {}
        self.ids = itertools.count(1)

    async def act(self) -> None:
        """Something happens."""
        match self.rng.choice(["start", "start", "stop", "set", "set", "set", "clear", "blink"]):
            case "start":
                await self.start(self.rng.choice([1, 2]))
            case "stop" if self.running:
                self.stop(self.rng.choice(list(self.running)))
            case "set":
                await self.set()
            case "clear":
                request = m.ClearChargingProfileRequest(stack_level=self.rng.randint(0, 2))
                status, self.stack = clear(self.stack, request)
                assert await self.here.clear(stack_level=request.stack_level) == status
            case "blink":
                cut()
                await asyncio.sleep(self.rng.uniform(0, 3))
                heal()

    async def start(self, connector: int) -> None:
        if connector in self.running:
            return
        charging = self.here.charge_point.charging
        charging.plug_in(connector, Car(wanted=1e9, power=self.rng.choice([7_360.0, 22_080.0])))
        await charging.present(connector, f"TAG_{connector}")
        [transaction] = [each for each in charging.transactions if each.connector == connector]
        await asyncio.sleep(2)
        number = self.here.charge_point.transaction_ids.get(transaction.name)
        assert number is not None
        self.running[connector] = number, transaction.started

    def stop(self, connector: int) -> None:
        del self.running[connector]
        self.stack = ended(self.stack, connector)
        self.here.stop(connector)

    async def set(self) -> None:
        purposes: list[m.ChargingProfilePurposeType] = ["TxProfile", "TxDefaultProfile", "ChargePointMaxProfile"]
        purpose, connector = self.rng.choice(purposes), self.rng.choice([0, 1, 2])
        relative = purpose != "ChargePointMaxProfile" and self.rng.random() < 0.3
        limits = [0.0, 5.0, 6.0, 9.0, 16.0, 25.0, 40.0]
        one = profile(
            *((at, self.rng.choice(limits), self.rng.choice([1, 3])) for at in (0, self.rng.randint(1, 60))),
            id=next(self.ids),
            level=self.rng.randint(0, 2),
            purpose=purpose,
            kind="Relative" if relative else "Absolute",
            start=round(clock()) + self.rng.randint(-30, 30),
            duration=self.rng.choice([None, self.rng.randint(10, 120)]),
        )
        ids = {number: id for number, (id, _) in self.running.items()}
        status, self.stack = install(self.stack, Installed(connector, one), ids, Rules())
        assert await self.here.set(connector, one) == status

    def check(self) -> None:
        """What flows now is at most what the oracle allows, and all together at most the maximum."""
        at, total = simulated_now(), 0.0
        for number, (_, started) in self.running.items():
            place = self.here.charge_point.connectors[number]
            [top] = oracle(self.stack, number, at, 1, started)
            amps = max(place.meter.currents)
            assert amps <= top.amps + 1e-6 and place.power <= top.amps * 230 * top.phases + 1e-3, (number, at, top)
            assert place.status == ("SuspendedEVSE" if (place.offered or 0) < 6 else "Charging"), (
                number,
                place.offered,
            )
            total += amps
        maximum = [
            each for each in self.stack if each.connector == 0 and each.profile.charging_profile_purpose[0] == "C"
        ]
        assert total <= oracle(maximum, 0, at, 1, None, NO_LIMIT)[0].amps + 1e-6


async def night(number: int, **pieces: Any) -> None:
    """Sixty things that happen, and a look at every second; AssertionError if a limit was exceeded."""
    rng = Random(number)
    async with site(delays=lambda: itertools.repeat(0.5), **pieces) as here:
        book = Book(here, rng)
        for _ in range(60):
            await here.charge_point.wait_for("online")
            await book.act()
            for _ in range(rng.randint(1, 20)):
                await asyncio.sleep(1.001 - clock() % 1)
                book.check()


@simulated(seed=1, limit=1e5)
@pytest.mark.parametrize("number", range(scaled(6, 100)))
async def test_no_limit_is_exceeded(number: int) -> None:
    await night(number)


# Bugs on purpose ------------------------------------------------------------------------------------------------------


def everybody_gets_all(stack: Any, running: Any, at: Any, **options: Any) -> Any:
    """The maximum is looked at for each car alone (core 3.13.3)."""
    alone = {number: offers(stack, {number: started}, at, **options) for number, started in running.items()}
    untils = [until for _, until in alone.values() if until is not None]
    return {number: limits[number] for number, (limits, _) in alone.items()}, min(untils, default=None)


def deaf_to_transactions(stack: Any, running: Any, at: Any, **options: Any) -> Any:
    """A TxProfile is not looked at."""
    return offers(
        [each for each in stack if each.profile.charging_profile_purpose != "TxProfile"], running, at, **options
    )


def top_level_always(stack: Any, running: Any, at: Any, **options: Any) -> Any:
    """Of each connector and purpose only the highest level counts, also where it says nothing."""
    tops = {(each.connector, each.profile.charging_profile_purpose): each for each in sorted(stack, key=level)}
    return offers(list(tops.values()), running, at, **options)


def level(each: Installed) -> int:
    return each.profile.stack_level


def no_zero(stack: Any, running: Any, at: Any, **options: Any) -> Any:
    """A limit of 0 is taken for no limit."""
    limits, until = offers(stack, running, at, **options)
    return {number: limit if limit.amps else Allowed(32.0, 3) for number, limit in limits.items()}, until


def by_level_only(stack: Any, new: Installed, running: Any, rules: Any, **options: Any) -> Any:
    """A profile replaces that of its level and purpose on every connector (core 3.13.1)."""
    status, after = install(stack, new, running, rules, **options)
    key = level(new), new.profile.charging_profile_purpose
    return status, [e for e in after if e == new or (level(e), e.profile.charging_profile_purpose) != key]


def for_ever(stack: list[Installed], connector: int) -> list[Installed]:
    """A TxProfile outlives its transaction (core 7.10)."""
    return stack


def truthy(stack: Any, request: Any) -> Any:
    """Level 0 is taken for "not given"."""
    return clear(stack, m.ClearChargingProfileRequest(stack_level=request.stack_level or None))


async def polling(look: Any, offer: Any, changed: Any, now: Any) -> None:
    """A look every 30 seconds."""
    while True:
        offer(look(now())[0])
        await asyncio.sleep(30)


async def deaf(look: Any, offer: Any, changed: Any, now: Any) -> None:
    """The next change is a timer, and a new profile waits for it."""
    while True:
        limits, until = look(now())
        offer(limits)
        await asyncio.sleep(5 if until is None else max(0.001, (until - now()).total_seconds()))


async def once(look: Any, offer: Any, changed: Any, now: Any) -> None:
    """Only what changes is obeyed, and no instant."""
    while True:
        changed.clear()
        offer(look(now())[0])
        await changed.wait()


BUGS: dict[str, dict[str, Any]] = {
    "everybody gets all": {"offers": everybody_gets_all},
    "deaf to transactions": {"offers": deaf_to_transactions},
    "top level always": {"offers": top_level_always},
    "no zero": {"offers": no_zero},
    "by level only": {"install": by_level_only},
    "for ever": {"ended": for_ever},
    "truthy": {"clear": truthy},
    "polling": {"obey": polling},
    "deaf": {"obey": deaf},
    "once": {"obey": once},
}


@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_is_found(bug: str) -> None:
    """By one of the first 20 nights."""
    for number in range(20):
        try:
            run_simulated(night(number, profiles=Profiles(**BUGS[bug])), seed=1, limit=1e5)
        except AssertionError:
            return
    pytest.fail(f"nobody noticed: {bug}")
