"""`Business`: what the operator of a simulated central system asks of charge points, one thing after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol

from .. import messages as m
from ..central_system.tags import KnownTag
from ..charge_point.firmware_image import make_image
from ..errors import OcppError
from .disk import Disk
from .site import CentralSystemSite, ChargePointSite

GROUP = "FAMILY"
"""The parent of two tags where somebody reserves; see `group_of`."""
FAMILY = ("tag_b", "TAG_C")
ALARM = "TamperDetectionActivated"
TROUBLE = 0.5
"""The part of the orders that are new business; the others are everyday."""


def group_of(id_tag: str) -> str | None:
    """The group of a tag, as every policy and list of a chaos has it."""
    return GROUP if id_tag in FAMILY else None


def known_tag(id_tag: str, status: m.AuthorizationStatus = "Accepted") -> m.IdTagInfo:
    """What a central system says of it."""
    return m.IdTagInfo(status=status, parent_id_tag=group_of(id_tag))


class Market(Protocol):
    """What it needs to know: whom there is to deal with, and where files can lie."""

    @property
    def sites(self) -> Mapping[str, ChargePointSite]: ...

    @property
    def central_system_site(self) -> CentralSystemSite: ...

    @property
    def disk(self) -> Disk: ...


class Business:
    """``kinds`` are what it may ask for: names of `profile.BUSINESS`. ``tags`` are the drivers'."""

    def __init__(self, market: Market, kinds: tuple[str, ...], tags: tuple[str, ...], rng: Random) -> None:
        self.market = market
        self.kinds = kinds
        self.tags = tags
        self.done: Counter[str] = Counter()
        """How often each kind was asked for, and had an answer; `deal` counts."""
        self._rng = rng
        self._reserved: list[int] = []  # ids that were asked for
        self._profile = 0  # the newest chargingProfileId; counts up
        self._asks: dict[str, Callable[[str], Awaitable[Any]]] = {
            "reservations": self._reserve_or_cancel,
            "lists": self._send_list,
            "profiles": self._limit,
            "keys": self._change_key,
            "jobs": self._begin_job,
            "alarms": self._ring,
        }
        if "jobs" in kinds:
            self._write_images()

    async def deal(self, identity: str) -> None:
        """Ask one thing of this charge point; that it is away, or says no, is everyday."""
        kind = self._rng.choice(self.kinds)
        try:
            await self._asks[kind](identity)
        except OcppError:
            return
        self.done[kind] += 1

    @property
    def _operator(self) -> Any:
        return self.market.central_system_site.central_system.operator

    async def _ask(self, order: Any) -> Any:
        return await self.market.central_system_site.do(order)

    @property
    def _now(self) -> datetime:
        return self.market.central_system_site.clock.now()

    # -- reservations

    async def _reserve_or_cancel(self, identity: str) -> None:
        if self._reserved and self._rng.random() < 0.3:
            await self._ask(self._operator.cancel_reservation(identity, self._rng.choice(self._reserved)))
            return
        until = self._now + timedelta(seconds=self._rng.uniform(20.0, 400.0))
        connector, tag = self._rng.choice([0, 1, 1, 2, 2]), self._rng.choice(self.tags)
        parent = self._rng.choice([None, group_of(tag)])
        again = self._rng.choice(self._reserved) if self._reserved and self._rng.random() < 0.2 else None
        order = self._operator.reserve(identity, connector, tag, until, parent=parent, reservation_id=again)
        if answer := await self._ask(order):
            self._reserved.append(answer.reservation_id)

    # -- lists

    async def _send_list(self, identity: str) -> None:
        if self._rng.random() < 0.15:
            await self._ask(self._operator.list_version(identity))
            return
        chosen = [*self.tags, "GUEST_1", "GUEST_2", "GUEST_3"]
        wanted: dict[str, KnownTag] = {tag: self._entry(tag) for tag in chosen if self._rng.random() < 0.6}
        full, at_most = self._rng.random() < 0.3, self._rng.choice([None, 1, 3])
        await self._ask(self._operator.send_list(identity, wanted, full=full, at_most=at_most))

    def _entry(self, tag: str) -> m.IdTagInfo:
        return known_tag(tag, self._rng.choice(["Accepted", "Accepted", "Blocked", "Invalid"]))

    # -- limits

    async def _limit(self, identity: str) -> None:
        if self._rng.random() < 0.25:
            await self._ask(self._operator.clear_profiles(identity, **self._some_fields()))
            return
        purpose: Any = self._rng.choice(["TxDefaultProfile", "ChargePointMaxProfile", "TxProfile", "TxProfile"])
        connector = 0 if purpose == "ChargePointMaxProfile" else self._rng.choice([1, 2])
        connector = self._rng.choice([0, connector]) if purpose == "TxDefaultProfile" else connector
        await self._ask(self._operator.set_profile(identity, connector, self._charging_profile(purpose)))

    def _some_fields(self) -> dict[str, Any]:
        draw = self._rng.random()
        if draw < 0.4 and self._profile:
            return {"id": self._rng.randint(1, self._profile)}
        return {"connector_id": self._rng.choice([0, 1, 2])} if draw < 0.8 else {}

    def _charging_profile(self, purpose: m.ChargingProfilePurposeType) -> m.ChargingProfile:
        """Of a few minutes, in steps of half a minute; or for as long as it lasts."""
        self._profile += 1
        unit: Any = self._rng.choice(["A", "A", "W"])
        relative = purpose != "ChargePointMaxProfile" and self._rng.random() < 0.4
        return m.ChargingProfile(
            charging_profile_id=self._profile,
            stack_level=self._rng.randint(0, 3),
            charging_profile_purpose=purpose,
            charging_profile_kind="Relative" if relative else "Absolute",
            charging_schedule=m.ChargingSchedule(
                duration=self._rng.choice([None, 120, 300]),
                start_schedule=None if relative else self._now - timedelta(seconds=self._rng.choice([0, 30])),
                charging_rate_unit=unit,
                charging_schedule_period=[self._period(number, unit) for number in range(self._rng.randint(1, 4))],
            ),
        )

    def _period(self, number: int, unit: str) -> m.ChargingSchedulePeriod:
        amps = self._rng.choice([0.0, 6.0, 8.0, 10.0, 13.5, 16.0])
        limit = amps if unit == "A" else amps * 690.0
        return m.ChargingSchedulePeriod(
            start_period=30 * number, limit=limit, number_phases=self._rng.choice([None, None, 1, 3])
        )

    # -- keys, files, alarms

    async def _change_key(self, identity: str) -> None:
        await self._ask(self._operator.change_key(identity, self._rng.randbytes(self._rng.choice([16, 20])).hex()))

    async def _begin_job(self, identity: str) -> None:
        """A server that is there, one that is not, or a file that is damaged."""
        how = {"retries": self._rng.choice([0, 1, 3]), "retry_interval": self._rng.choice([1, 20, 60])}
        folder = f"file://{self.market.disk.folder}"
        nowhere = self._rng.random() < 0.4
        if self._rng.random() < 0.5:
            location = "http://cs:81/diagnostics" if nowhere else folder
            await self._ask(self._operator.get_diagnostics(identity, location, **how))
            return
        location = "http://cs:81/firmware" if nowhere else f"{folder}/{self._rng.choice(['good', 'good', 'bad'])}.bin"
        retrieve = self._now + timedelta(seconds=self._rng.choice([0.0, 40.0]))
        await self._ask(self._operator.update_firmware(identity, location, retrieve, **how))

    def _write_images(self) -> None:
        image = make_image("2.0.0")
        for name, content in {"good": image, "bad": image[:-1]}.items():
            self.market.disk.put(f"{name}.bin", content)

    async def _ring(self, identity: str) -> None:
        """Somebody opens the lid."""
        site = self.market.sites[identity]

        async def tell() -> None:
            site.charge_point.guard.tell(ALARM, f"number {self._rng.randrange(1 << 30)}")

        await site.do(tell())
