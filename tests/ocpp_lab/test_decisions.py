"""Somebody else's decisions in the place of ours: each is asked, and what it says is what comes of a touch."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from ocpp_lab import Decisions
from ocpp_lab.station import facts, grids, rights
from ocpp_lab.station.car import Car
from tests.pair import actions, pair, payloads, simulated


def counted(asked: Counter[str]) -> dict[str, Any]:
    """All of ours, each of which counts how often it is asked."""

    def counting(name: str, ours: Any) -> Any:
        def ask(*args: Any, **kwargs: Any) -> Any:
            asked[name] += 1
            return ours(*args, **kwargs)

        return ask

    ours = {
        "happens": facts.happens,
        "decide": rights.decide,
        "presented": rights.presented,
        "may_use": rights.may_use,
        "next_clock": grids.next_clock,
    }
    return {name: counting(name, function) for name, function in ours.items()}


@simulated
async def test_each_is_asked() -> None:
    """A visit of an hour, with readings by the clock; as options by their own names, and as a group."""
    for as_a_group in (False, True):
        asked: Counter[str] = Counter()
        mine = counted(asked)
        options = {"decisions": Decisions(**mine)} if as_a_group else mine
        async with pair(**options) as (central_system, charge_point):
            await charge_point.wait_for("online")
            assert charge_point.configuration.change("ClockAlignedDataInterval", "900") == "Accepted"
            charge_point.charging.plug_in(1, Car(wanted=5_000, power=11_000))
            assert await charge_point.charging.present(1, "TAG_1") == "Accepted"
            await asyncio.sleep(3600)
            assert await charge_point.charging.present(1, "TAG_1") == "Accepted"
            await asyncio.sleep(1)
            assert len(payloads(central_system, "StopTransaction")) == 1
        assert set(asked) == set(mine) and min(asked.values()) >= 1, asked


@simulated
async def test_what_it_says_counts() -> None:
    """Each of five that says no, or something else, changes what comes of the same visit."""

    def decide(info: Any, *, online: bool, **keys: bool) -> Any:
        return "Blocked"

    def may_use(connector: int, tag: str, *rest: Any) -> tuple[bool, int | None]:
        return tag == "TAG_2", None

    def presented(tag: str, info: Any, running: Any) -> Any:
        return "ask" if info is None else "refuse"  # nobody stops, not even with the own tag

    def happens(now: facts.Facts, event: facts.Happening, tag: str | None = None, **keys: Any) -> list[facts.Facts]:
        return [now] if event == "plug" else facts.happens(now, event, tag, **keys)  # feels no cable

    def next_clock(now: datetime, interval: int) -> datetime | None:
        return grids.next_clock(now + timedelta(days=1), interval)

    seen = {}
    for name, mine in {"ours": None, **{each.__name__: each for each in (decide, may_use, presented, happens)}}.items():
        async with pair(**({name: mine} if mine else {})) as (central_system, charge_point):
            await charge_point.wait_for("online")
            charge_point.charging.plug_in(1, Car(wanted=5_000, power=11_000))
            said = await charge_point.charging.present(1, "TAG_1")
            await asyncio.sleep(100)
            await charge_point.charging.present(1, "TAG_1")
            await asyncio.sleep(1)
            done = [each for each in actions(central_system) if each.endswith("Transaction")]
            seen[name] = (said, done)
    begun, ended = ["StartTransaction"], ["StartTransaction", "StopTransaction"]
    assert seen["ours"] == ("Accepted", ended)
    assert seen["decide"] == ("Blocked", [])
    assert seen["may_use"][0] != "Accepted" and seen["may_use"][1] == []
    assert seen["presented"] == ("Accepted", begun)
    assert seen["happens"] == ("Accepted", [])
    async with pair(next_clock=next_clock) as (central_system, charge_point):
        await charge_point.wait_for("online")
        charge_point.configuration.change("MeterValuesAlignedData", "Voltage")
        charge_point.configuration.change("ClockAlignedDataInterval", "900")
        await asyncio.sleep(3600)
        assert not payloads(central_system, "MeterValues")
