"""`chaos`: drivers charge while everything goes wrong; then it is calm, and everything must settle."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

from .. import messages as m
from ..backoff import backoff
from ..central_system import CentralSystem, Ledger, Policy
from ..charge_point import ChargePoint
from ..charge_point.keys import ENERGY
from ..errors import OcppError
from ..frames import Call, CallError, CallResult
from ..outbox import Outbox
from .accounts import BLOCKED, Accounts
from .business import FAMILY, TROUBLE, Business, known_tag
from .close_watch import CloseWatch
from .driver import Driver
from .ends import Ends
from .mischief import Mischief
from .own_side import MOST_PENDING
from .profile import RAIN, STORM, Profile
from .weather import Weather
from .world import World

TAGS = ("TAG_A", "tag_b", "TAG_C", BLOCKED)
WAIT_MINIMUM, REPEAT_TIMES, RANDOM_RANGE = 3, 3, 10
WORST_WAIT = 8 * WAIT_MINIMUM + 15 * RANDOM_RANGE
"""The longest wait of that back-off: 174 s."""
PING = 20.0
ONLINE_LIMIT = 2 * PING + 15 + WORST_WAIT + 15 + 30 + 60 + 30 + MOST_PENDING
"""Seconds of calm until everybody is online: a dead connection is noticed (ping, pong timeout, close), the last long
wait, a dial, a boot whose answer was lost in the chaos (timeout, and the wait after it), and the interval that came
with a boot that was not accepted."""
AFTERMATH = 60.0
"""Seconds of calm in which delayed replies of the chaos may still come, and a dead connection is found to be dead."""
SETTLE_LIMIT = 3600.0
ANSWER_LIMIT = 5.0
NOBODY_OUT = "a key change locks nobody out"


class Talkative(ChargePoint):
    """A charge point whose DataTransfer handler calls its peer before it answers, as a handler may."""

    async def answer(self, call: Call) -> CallResult | CallError | None:
        """The router's answer; to a DataTransfer, after a Heartbeat of our own."""
        if call.action == "DataTransfer":
            with suppress(OcppError):
                await self.call(m.HeartbeatRequest())
        return await super().answer(call)


async def chaos(
    world: World,
    profile: Profile = RAIN,
    *,
    charge_point: Callable[..., ChargePoint] = Talkative,
    central_system: Callable[..., CentralSystem] = CentralSystem,
    outbox: Callable[..., Any] = Outbox,
    ledger: Callable[[str], Any] = Ledger,
    **pieces: Any,
) -> Counter[str]:
    """The scenario. Other pieces come by argument, as for `ChargePoint`; returns what happened, counted."""
    rng = world.rng("chaos")
    mischief = Mischief(world.rng("mischief"), profile)
    policy = Policy(interval=rng.choice([20, 60, 300]), id_tags={BLOCKED: "Blocked"})
    world.net.set_defaults(latency=(0.005, rng.choice([0.02, 0.2, 1.0])))
    chance = world.rng("business")  # each seed has some business of its own
    business = Business(world, tuple(kind for kind in profile.business if chance.random() < 0.4), TAGS, chance)
    await world.start_central_system(
        make=central_system,
        ledger=ledger,
        policy=_with_groups(policy) if "reservations" in business.kinds else policy,
        faults=mischief,
        ping_interval=PING,
        passwords=_keys(profile) if "keys" in business.kinds else None,
    )
    if profile.strict:
        world.central_system_site.watch.mischief = mischief
    make_outbox = partial(outbox, limit=profile.limit) if profile.limit != RAIN.limit else outbox
    for number in range(1, profile.charge_points + 1):
        options = _options(world, profile, rng, f"CP_{number}") | _equipment(world, business.kinds, f"CP_{number}")
        await world.start_charge_point(f"CP_{number}", make=charge_point, outbox=make_outbox, **(options | pieces))
    watches = [CloseWatch(site, WORST_WAIT + 30) for site in world.sites.values()] if profile.strict else []
    for each in watches:
        each.site.watch.strict = True
        world.begin(each.watch(), f"close watch {each.site.name}")
    drivers = [
        Driver(
            site,
            connector,
            world.rng(f"driver {site.name} {connector}"),
            TAGS,
            partial(_ask, world, site.name),
            roams=bool(profile.business),
            limited="profiles" in business.kinds,
        )
        for site in world.sites.values()
        for connector in range(1, profile.connectors + 1)
    ]
    weather = Weather(world, profile, world.rng("weather"))
    await _rage(world, profile, drivers, weather, business)
    mischief.active = False
    await weather.calm()
    await _settle(world, drivers, watches)
    _check(world, profile, drivers, mischief)
    for each in watches:
        each.compare(world.central_system_site.ledger.records)
    return _counted(world, mischief, business)


async def storm(world: World, **pieces: Any) -> Counter[str]:
    """Chaos with more failures than attempts and a small outbox."""
    return await chaos(world, STORM, **pieces)


def _options(world: World, profile: Profile, rng: Random, identity: str) -> dict[str, Any]:
    waits, meters = world.rng(f"waits {identity}"), world.rng(f"meters {identity}")
    return {
        "connectors": profile.connectors,
        "ping_interval": PING,
        "resume_transactions": rng.random() < 0.3,
        "report_all": rng.random() < 0.3,
        "delays": lambda: backoff(
            waits, wait_minimum=WAIT_MINIMUM, repeat_times=REPEAT_TIMES, random_range=RANDOM_RANGE
        ),
        "configuration": {
            "TransactionMessageAttempts": profile.attempts,
            "TransactionMessageRetryInterval": f"{profile.retry_interval:g}",
            "MeterValueSampleInterval": rng.choice([10, 15, 30]),
            "ClockAlignedDataInterval": meters.choice([0, 20, 60, 77]),
            "StopTxnSampledData": meters.choice(["", ENERGY]),
            "StopTxnAlignedData": meters.choice(["", ENERGY]),
            "AllowOfflineTxForUnknownId": rng.choice(["true", "false"]),
            "AuthorizationCacheEnabled": rng.choice(["true", "false"]),
            "LocalPreAuthorize": rng.choice(["true", "false"]),
            "StopTransactionOnInvalidId": rng.choice(["true", "false"]),
            "StopTransactionOnEVSideDisconnect": rng.choice(["true", "true", "false"]),
            "UnlockConnectorOnEVSideDisconnect": rng.choice(["true", "true", "false"]),
            "MaxEnergyOnInvalidId": rng.choice([0, 0, 200]),
            "ConnectionTimeOut": rng.choice([20, 60]),
        },
    }


def _with_groups(policy: Policy) -> Policy:
    """Two of the tags are of one family; each of them charges as many cars as it likes."""
    policy.id_tags.update({tag: known_tag(tag) for tag in FAMILY})
    policy.one_car = "no tag"
    return policy


def _keys(profile: Profile) -> dict[str, str]:
    return {f"CP_{number}": f"{number:032x}" for number in range(1, profile.charge_points + 1)}


def _equipment(world: World, business: tuple[str, ...], identity: str) -> dict[str, Any]:
    """What a charge point needs for that business."""
    options: dict[str, Any] = {}
    if "keys" in business:
        options["password"] = f"{int(identity.removeprefix('CP_')):032x}"
    if "alarms" in business:
        options["security_events"] = True
    if "jobs" in business:
        options["file_folder"] = world.disk.folder
    return options


async def _rage(world: World, profile: Profile, drivers: list[Driver], weather: Weather, business: Business) -> None:
    users = [world.begin(driver.live(), f"driver {driver.site.name} {driver.connector}") for driver in drivers]
    users += [world.begin(weather.blow(), "weather"), world.begin(_operate(world, business), "operator")]
    await asyncio.sleep(profile.seconds)
    for user in users:
        user.cancel()
    for user, outcome in zip(users, await asyncio.gather(*users, return_exceptions=True), strict=True):
        if not isinstance(outcome, asyncio.CancelledError):
            raise outcome if isinstance(outcome, BaseException) else RuntimeError(f"{user.get_name()} ended")
    await asyncio.sleep(0.01)  # a machine that is being switched on gets there


async def _operate(world: World, business: Business) -> None:
    """The operator of the central system asks for this and that."""
    rng, which = world.rng("operator"), world.rng("which business")
    while True:
        await asyncio.sleep(rng.uniform(5.0, 60.0))
        identity = rng.choice(list(world.sites))
        if business.kinds and which.random() < TROUBLE:
            world.begin(business.deal(identity), "business")
            continue
        session = world.central_system.sessions.get(identity)
        request: m.Request[Any] = rng.choice(
            [
                m.TriggerMessageRequest(requested_message="MeterValues"),
                m.TriggerMessageRequest(requested_message="StatusNotification"),
                m.TriggerMessageRequest(requested_message="Heartbeat"),
                m.GetConfigurationRequest(),
                m.DataTransferRequest(vendor_id="chaos"),
                m.UnlockConnectorRequest(connector_id=1),
                m.ChangeAvailabilityRequest(connector_id=rng.choice([1, 2]), type="Inoperative"),
                m.ResetRequest(type=rng.choice(["Soft", "Hard"])),
            ]
        )
        if session and world.central_system_site.up:
            world.begin(_command(world, session, request), f"operator {request.action}")


async def _ask(world: World, identity: str, request: m.Request[Any]) -> None:
    """A driver's app asks the central system to do it."""
    session = world.central_system.sessions.get(identity)
    if session is not None:
        await _command(world, session, request)


async def _command(world: World, session: Any, request: m.Request[Any]) -> None:
    try:
        await world.central_system_site.do(session.call(request))
    except OcppError:
        return


async def _settle(world: World, drivers: list[Driver], watches: list[CloseWatch]) -> None:
    """Everybody comes back online in time, everybody drives away, every outbox empties, every call is answered."""
    calm_since, refused = world.time, world.central_system.refused.get(401, 0)
    await asyncio.sleep(AFTERMATH)
    for identity in world.sites:
        try:
            async with asyncio.timeout_at(calm_since + ONLINE_LIMIT):
                await world.charge_point(identity).wait_for("online")
        except (TimeoutError, OcppError) as error:
            state = world.charge_point(identity).state
            invariant = NOBODY_OUT if world.central_system.refused.get(401, 0) > refused else "back online in time"
            world.broken(invariant, f"{state} after {ONLINE_LIMIT:g} s of calm ({error!r})", identity)
            return
    for driver in drivers:
        driver.remember()
        await driver.leave()
    for identity in world.sites:  # readings by the clock never end
        charge_point = world.charge_point(identity)
        charge_point.configuration["ClockAlignedDataInterval"] = "0"
        charge_point.metering.new_grid()
    await _until_settled(world, watches)
    for identity in world.sites:
        left = len(world.charge_point(identity).outbox)
        world.expect(not left, "everything settles", f"{left} messages wait after {SETTLE_LIMIT:g} s of calm", identity)
        await world.charge_point(identity).wait_for("online")  # it may boot with its new firmware
        await _probe(world, identity)
    await _until_settled(world, watches)  # who was probed may have heard that its clock is wrong, which is an event


async def _until_settled(world: World, watches: list[CloseWatch]) -> None:
    deadline = world.time + SETTLE_LIMIT
    while _is_unsettled(world, watches) and world.time < deadline:  # noqa: ASYNC110
        await asyncio.sleep(10)


def _is_unsettled(world: World, watches: list[CloseWatch]) -> bool:
    messages = any(len(world.charge_point(identity).outbox) for identity in world.sites)
    return messages or any(each.left for each in watches)


async def _probe(world: World, identity: str) -> None:
    """In calm a call is answered at once, even if its handler calls back."""
    session = world.central_system.sessions.get(identity)
    deadline = world.time + SETTLE_LIMIT
    while session and len(session.pending) and world.time < deadline:  # noqa: ASYNC110 - asked while it was rejected
        await asyncio.sleep(1)
    started = world.time
    answer: Any = None
    if session is not None:
        try:
            answer = await world.central_system_site.do(session.call(m.DataTransferRequest(vendor_id="chaos")))
        except OcppError as error:
            answer = error
    took = world.time - started
    served = isinstance(answer, m.DataTransferResponse) and took < ANSWER_LIMIT
    world.expect(served, "calls cross", f"DataTransfer in calm: {answer!r} after {took:.1f} s", identity)


def _check(world: World, profile: Profile, drivers: list[Driver], mischief: Mischief) -> None:
    central_system = world.central_system_site.watch
    for site in world.sites.values():
        _check_ends(world, site.watch.ends, site.name, lambda unique_id: False)
        on_purpose = partial(mischief.without_end, site.name)
        _check_ends(world, central_system.ends.get(site.name, Ends()), site.name, on_purpose)
        site.book.close(site.charge_point)
        ledger, resumed = world.central_system_site.ledger, site.options["resume_transactions"]
        accounts = Accounts(site.name, site.book, ledger, world.invariants, resumed=resumed)
        if profile.strict:
            accounts.check_answers(central_system.answered)
            accounts.check_meters(site.charge_point.configuration.seconds("MeterValueSampleInterval"), site.excuses)
        accounts.check()
        accounts.check_deeds([deed for driver in drivers if driver.site is site for deed in driver.deeds])
        lossless = profile.failures < profile.attempts and not profile.poison
        given_up = site.book.drops["attempts"] if lossless else 0
        world.expect(not given_up, "nothing is given up without need", f"{given_up} messages were", site.name)


def _check_ends(world: World, ends: Ends, identity: str, on_purpose: Callable[[str], bool]) -> None:
    open_ones = ends.older_than(world.time - AFTERMATH)
    left = [f"{action} {unique_id}" for unique_id, action in open_ones.items() if not on_purpose(unique_id)]
    world.expect(not left, "no call without an end", f"unanswered: {', '.join(left)}", identity)


def _counted(world: World, mischief: Mischief, business: Business) -> Counter[str]:
    counted: Counter[str] = Counter({f"fault {kind}": times for kind, times in mischief.applied.items()})
    counted.update({f"business {kind}": times for kind, times in business.done.items()})
    for site in world.sites.values():
        counted["calls"] += len(site.watch.sent)
        counted["messages"] += len(site.book.records)
        counted["lives"] += site.starts
        counted.update({f"dropped: {reason}": times for reason, times in site.book.drops.items()})
    return counted
