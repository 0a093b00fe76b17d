"""6.3: who looks when nothing happens."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from ocpp_lab.timeline import Timeline

from ..kit import Kit
from ..step import Step, Wrong


class Gone(Exception):
    """What a probe looked into is gone; an answer cannot know this class."""


step = Step("6.3", "`Sampler`: on a timer", ("Sampler",), points=3, minutes=20, reference=lambda: Timeline)

EXACT = 1e-3
NAN = "nan is no high water; nothing is higher than it."
SLEEPS = "sleep until the next grid instant."
NOTHING = "`run` has looked at nothing."
TRIPLE = "each of `samples` is (loop time, name, value)."
TROUBLE = (AttributeError, RuntimeError, KeyError, ZeroDivisionError, OSError, ValueError, Gone)


async def started(sampler: Any) -> asyncio.Task[Any]:
    """It runs. Refused if it goes on to look although no time passes."""
    task: asyncio.Task[Any] = asyncio.create_task(sampler.run())
    samples = []
    for _ in range(3):
        for _ in range(5):
            await asyncio.sleep(0)
        samples.append(len(sampler.samples))
    if samples[0] < samples[1] < samples[2]:
        task.cancel()
        said = "it looks again and again in the same instant; sleep until the next look is due."
        raise Wrong(f"{samples[2]} samples in 0 s", said)
    return task


@asynccontextmanager
async def running(sampler: Any) -> AsyncIterator[Any]:
    task = await started(sampler)
    try:
        yield sampler
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def of(sampler: Any, name: str) -> list[tuple[float, float]]:
    """Instants and values of one probe."""
    return [(at, value) for at, whose, value in sampler.samples if whose == name]


def is_number(value: object) -> bool:
    return isinstance(value, float | int)


def clean(kit: Kit, sampler: Any, name: str) -> list[float]:
    """The values of a probe that are no nan; refused if one is no number."""
    values = [value for _, value in of(sampler, name)]
    odd = [value for value in values if not is_number(value)]
    kit.require(not odd, f"{odd[:1]!r:.30}", "a value is a number; one that is missing is `math.nan`, or left out.")
    return [value for value in values if not math.isnan(value)]


@step.check("60 s of silence, every 0.25 s: 240 samples, each with its instant")
async def on_a_timer(my: Any, kit: Kit) -> str:
    """An outage is the time in which nobody sends; that is when the depth matters."""
    waiting = kit.rng.randrange(5, 90)
    seen: list[float] = []
    await asyncio.sleep(kit.rng.uniform(50.0, 90.0))  # the loop's clock does not begin with `run`

    def depth() -> float:
        seen.append(kit.time)
        return waiting

    async with running(my.Sampler({"depth": depth, "other": lambda: 1.5})) as sampler:
        sampler.note("depth", 1)
        begun = kit.time
        await asyncio.sleep(60.0)
        odd = [each for each in sampler.samples if len(each) != 3 or not is_number(each[0]) or is_number(each[1])]
        kit.require(not odd, "something else", TRIPLE)
        backwards = sampler.samples and sampler.samples[0][0] > sampler.samples[-1][0]
        kit.require(not backwards, "the newest comes first", "oldest first.")
        found = of(sampler, "depth")
        frozen = "no sample for the whole outage: the plot froze when it mattered."
        kit.require(len(found) > 1, f"{len(found)} samples", frozen)
        often = "look each `interval` seconds: in 60 s that is 240 times."
        kit.require(235 <= len(found) <= 245, f"{len(found)} samples", often)
        as_told = "a sample has the value that its probe gave."
        kit.require({value for _, value in found} == {waiting}, "other values than the probe's", as_told)
        kit.require(len(of(sampler, "other")) in (len(found) - 1, len(found), len(found) + 1), "one probe is left out")
        kit.require(seen, "the probe was never asked", "ask the probe at each look.")
        kit.require(
            seen[0] - begun < EXACT, f"the first after {seen[0] - begun:g} s", "look once at the start, then wait."
        )
        late = [at for (at, _), real in zip(found, seen, strict=False) if abs(at - real) > EXACT]
        kit.require(not late, "other instants", "`samples` holds the time of the loop: `loop.time()`.")
        before, fresh = len(sampler.samples), my.Sampler({"depth": depth})
        said = "a new sampler shares them with another one: make `samples` and `high_water` in `__init__`."
        kit.require(not fresh.samples, f"{len(fresh.samples)} samples at first", said)
        kit.require(not fresh.high_water, "a high water at first", said)
        kit.require(len(sampler.samples) == before, f"{len(sampler.samples)} left of {before}", said)
    return "240"


@step.check("look 1,000 is due 999 intervals after the first, though looking takes time")
async def no_drift(my: Any, kit: Kit) -> str:
    """Each look costs a little time; sleeping a whole interval after it adds all of that up."""
    loop: Any = kit.loop
    interval = kit.rng.choice((0.1, 0.25, 0.5))

    def slow() -> float:
        loop._now += interval / 10  # as if this turn had taken so long
        return 1.0

    async with running(my.Sampler({"slow": slow}, interval=interval)) as sampler:
        await asyncio.sleep(1100 * interval)
        instants = [at for at, _ in of(sampler, "slow")]
        kit.require(len(instants) > 500, f"{len(instants)} samples", SLEEPS if instants else NOTHING)
        number = min(1000, len(instants)) - 1
        off = instants[number] - (instants[0] + number * interval)
        kit.require(abs(off) < 0.5 * interval, f"{abs(off) / interval:.0f} intervals off", SLEEPS)
    return "on the grid"


@step.check("a peak between two samples is in `high_water`; a lower note is not")
async def peaks(my: Any, kit: Kit) -> str:
    """What lasts 10 ms falls between two looks; whoever knows of it says so with `note`."""
    top = kit.rng.randrange(800, 1000)
    depth = {"now": 3.0}
    async with running(my.Sampler({"depth": lambda: depth["now"]}, interval=1.0)) as sampler:
        await asyncio.sleep(5.3)
        sampler.note("depth", top)
        await asyncio.sleep(3.0)
        got = sampler.high_water.get("depth")
        kit.require(
            got == top, f"{got}, not {top}", "`note` told of a peak between two looks: it belongs in `high_water`."
        )
        sampler.note("depth", 2)
        sampler.note("unsampled", math.nan)
        sampler.note("unsampled", 7)
        depth["now"] = top + 50.0
        await asyncio.sleep(2.0)
        depth["now"] = 1.0
        await asyncio.sleep(2.0)
        kit.require(sampler.high_water.get("depth") == top + 50, "a sampled peak is missing", "samples are peaks too.")
        noted = sampler.high_water.get("unsampled", 0.0)
        kit.require(not math.isnan(noted), "nan", NAN)
        kit.require(noted == 7, f"{noted:g}, not 7", "`note` counts for a name that no probe has, too.")
        kit.require(top not in clean(kit, sampler, "depth"), "the note is among the samples", "a note is no sample.")
    await _below_zero(my, kit)
    return f"high water {top}"


async def _below_zero(my: Any, kit: Kit) -> None:
    """A signal strength in dBm, a temperature in winter."""
    highest = float(-kit.rng.randrange(40, 60))
    async with running(my.Sampler({"signal": lambda: highest}, interval=1.0)) as sampler:
        await asyncio.sleep(3.5)
        sampler.note("noise", highest - 30)
        got = [sampler.high_water.get(name) for name in ("signal", "noise")]
        said = "every value was below 0, and so is the highest of them."
        kit.require(got == [highest, highest - 30], f"{got[0]} of {highest:g}", said)


@step.check("one probe raises: nan or nothing for it, all of the others")
async def bad_probe(my: Any, kit: Kit) -> str:
    """A probe looks into something that may be gone: a closed transport, a connection that is not there yet."""
    gone = {"now": False}
    trouble = kit.rng.sample(TROUBLE, len(TROUBLE))

    def broken() -> float:
        if gone["now"]:
            trouble.append(trouble.pop(0))
            raise trouble[0]("gone")
        return 4.0

    def later() -> float:
        if len(of(sampler, "first")) < 4:
            raise AttributeError("not there yet")
        return 3.0

    probes = {"first": lambda: 1.0, "broken": broken, "later": later, "last": lambda: 2.0}
    sampler = my.Sampler(probes, interval=1.0)
    task = await started(sampler)
    await asyncio.sleep(5.5)
    gone["now"] = True
    before = len(of(sampler, "last"))
    await asyncio.sleep(20.0)
    blinded = "one broken probe blinded all."
    if task.done():
        error = task.exception()
        if error is not None and error.args not in (("gone",), ("not there yet",)):
            raise error
        kit.require(False, f"run ended with {type(error).__name__}", blinded)
    kit.require(sampler.samples, "0 samples", NOTHING)
    kit.require(len(of(sampler, "first")) >= 24, "the first stopped", blinded)
    kit.require(len(of(sampler, "last")) >= before + 19, "the last stopped", blinded)
    kit.require(
        len(clean(kit, sampler, "broken")) <= 6, "values of the broken one", "what raised has no value; leave nan."
    )
    for name, high in (("broken", 4.0), ("later", 3.0)):
        got = sampler.high_water.get(name)
        stuck = NAN if got is not None and math.isnan(got) else "the highest value that the probe gave."
        kit.require(got == high, f"high water {got}, not {high:g}", stuck)
    gone["now"] = False
    await asyncio.sleep(5.0)
    kit.require(len(clean(kit, sampler, "broken")) >= 9, "it stays away", "a probe that works again is read again.")
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return "others go on"


@step.check("the newest `keep` samples remain, of all probes together")
async def bounded(my: Any, kit: Kit) -> str:
    """A night has 115,200 samples a probe, and a year more; what is kept has a bound."""
    keep = kit.rng.randrange(50, 150)
    async with running(my.Sampler({"depth": lambda: kit.time}, interval=0.25, keep=keep)) as sampler:
        await asyncio.sleep(200.1)
        found = [at for at, _ in of(sampler, "depth")]
        said = "a night of samples was kept; drop the oldest beyond `keep`."
        kit.require(len(found) <= keep, f"{len(found)} of 801", said if len(found) <= 801 else None)
        newest = "the newest are gone; drop the oldest."
        kit.require(found, "0 samples", NOTHING)
        kit.require(found[-1] > 199.0, "the newest are missing", newest)
        kit.require(len(found) >= keep - 1, f"{len(found)} of {keep}", "drop one for each that comes, and no more.")
        kit.require(found == sorted(found), "not the oldest first", "oldest first.")
    two = {"depth": lambda: 1.0, "other": lambda: 2.0}
    async with running(my.Sampler(two, interval=0.25, keep=keep)) as sampler:
        await asyncio.sleep(100.1)
        together = "`keep` is for all probes together."
        kit.require(len(sampler.samples) <= keep, f"{len(sampler.samples)} of two probes", together)
    many = {f"probe {number}": lambda: 1.0 for number in range(100)}
    async with running(my.Sampler(many)) as sampler:
        await asyncio.sleep(25.3)  # 10,200 samples
        kept = len(sampler.samples)
        kit.require(kept == 10_000, f"{kept:,} by default", "`keep` is 10,000 if nobody says.")
    return f"keep={keep}: {keep} remain"


@step.check("`run` ends when it is cancelled")
async def cancel(my: Any, kit: Kit) -> str:
    """Who is cancelled ends, at once, and says so."""
    looks: list[float] = []

    def probe() -> float:
        looks.append(kit.time)
        return 1.0

    sampler = my.Sampler({"depth": probe}, interval=5.0)
    task = await started(sampler)
    await asyncio.sleep(12.0)
    if task.done():
        task.result()
        kit.require(False, "`run` returned", "`run` goes on until it is cancelled.")
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=1.0)
    said = "it was cancelled and goes on; do not catch CancelledError, or raise it again."
    kit.require(done, "it goes on", said)
    kit.require(task.cancelled(), "it returned", "let CancelledError through: who awaits `run` must see it.")
    before = len(looks)
    await asyncio.sleep(20.0)
    kit.require(len(looks) == before, "it still looks", said)
    return "at once"
