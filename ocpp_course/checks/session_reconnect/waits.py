"""3.1: waits that grow, with jitter from a seed."""

from __future__ import annotations

import random
from itertools import combinations, islice, pairwise
from random import Random
from typing import Any

from ocpp_lab.backoff import backoff

from ..kit import Kit
from ..step import Step

step = Step("3.1", "`backoff`: waits that grow", ("backoff",), points=2, minutes=15, reference=lambda: backoff)

SEEDS = 500
ALIKE = "different seeds gave the same waits, so all charge points would dial in the same second; draw r from `rng`."
ENVELOPE = ((3, 13), (6, 36), (12, 82), (24, 174))
EXACT = 1e-9


def first(my: Any, number: int, rng: Random, **keys: int) -> list[float]:
    """The first waits, or all if it ends early."""
    return list(islice(my.backoff(rng, **keys), number))


def told(waits: list[Any]) -> str:
    return ", ".join(f"{wait:g}" if isinstance(wait, int | float) else repr(wait) for wait in waits)


def same(left: list[float], right: list[float]) -> bool:
    """Equal but for the noise of floats."""
    return len(left) == len(right) and all(abs(a - b) < EXACT for a, b in zip(left, right, strict=True))


def draws(my: Any, kit: Kit, number: int) -> list[list[float]]:
    """The first waits of many charge points, with the default keys."""
    start = kit.rng.randrange(10**6)
    return [first(my, number, Random(start + seed)) for seed in range(SEEDS)]


@step.check("`random_range=0`: 3, 6, 12, 24, 24, 24")
def no_jitter(my: Any, kit: Kit) -> str:
    """Each wait doubles the one before, RepeatTimes times; then the last one repeats (OCPP 2.0.1 part 4, 5.3)."""
    made = my.backoff(Random(0), random_range=0)
    several = "`backoff` gives an iterator of waits: `yield` them, one after the other."
    kit.require(hasattr(made, "__iter__"), f"a {type(made).__name__}", several)
    waits = first(my, 6, Random(0), random_range=0)
    ends = f"it gave {len(waits)} waits and ended; a charge point never gives up, so the last wait repeats for ever."
    kit.require(len(waits) == 6, told(waits), ends)
    strange = [wait for wait in waits if not isinstance(wait, int | float)]
    kit.require(not strange, f"{strange[:1]}", "a wait is a number of seconds.")
    few = "3, 6, 12, 12; RepeatTimes counts the doublings, so the fourth wait is 24."
    kit.require(not same(waits, [3, 6, 12, 12, 12, 12]), told(waits), few)
    many = "the fourth wait is doubled once more; `repeat_times` is 3, so 24 repeats."
    kit.require(not same(waits[:5], [3, 6, 12, 24, 48]), told(waits), many)
    kit.require(same(waits, [3, 6, 12, 24, 24, 24]), told(waits))
    return told(waits)


@step.check("3…13, 6…36, 12…82, 24…174; the first reaches both ends")
def envelope(my: Any, kit: Kit) -> str:
    """r is a whole number of seconds from 0 to the range, both included, drawn afresh for each wait."""
    drawn = draws(my, kit, 4)
    for number, (low, high) in enumerate(ENVELOPE):
        waits = [waits[number] for waits in drawn]
        came = f"wait {number + 1}: {min(waits):g}…{max(waits):g}"
        said = f"wait {number + 1} is twice the wait before it plus r, with an r from 0 to 10: {low} to {high} s."
        if number == 0:
            said = f"the first wait is `wait_minimum` plus r, with an r from 0 to 10: {low} to {high} s."
        kit.require(low <= min(waits) and max(waits) <= high, came, said)
        whole = "r is a whole number of seconds; draw an integer."
        kit.require(all(float(wait).is_integer() for wait in waits), f"wait {number + 1} has fractions", whole)
    firsts = {waits[0] for waits in drawn}
    kit.require(firsts != {3}, "the first is always 3", "the first wait has its r too: `wait_minimum` + r.")
    kit.require(len(firsts) > 1, f"the first is always {max(firsts):g}", ALIKE)
    kit.require(max(firsts) == 13, f"3…{max(firsts):g}", "10 never comes; the range includes both ends.")
    kit.require(min(firsts) == 3, f"{min(firsts):g}…13", "0 never comes; the range includes both ends.")
    kit.require(len(firsts) == 11, f"{len(firsts)} of 11 values", "some whole numbers between the ends never come.")
    return "all inside, both ends reached"


@step.check("`wait - 2 * previous` lies in 0…10, drawn afresh")
def doubles_the_wait(my: Any, kit: Kit) -> str:
    """What is doubled is the wait before, its jitter included (OCPP 2.0.1 part 4, 5.3)."""
    pairs = list(combinations(range(4), 2))
    fresh, ends = dict.fromkeys(pairs, 0), [set[float]() for _ in range(4)]
    for waits in draws(my, kit, 4):
        jitters = [after - 2 * before for before, after in pairwise(waits)]
        if not all(0 <= jitter <= 10 for jitter in jitters):
            kit.require(False, told(waits), _not_doubled(waits))
        drawn = [waits[0] - 3, *jitters]
        for one, other in pairs:
            fresh[one, other] += drawn[one] != drawn[other]
        for number, jitter in enumerate(drawn):
            ends[number].add(jitter)
    bare = [number + 1 for number, seen in enumerate(ends) if seen == {0}]
    kit.require(not bare, "no r", f"wait {bare[0] if bare else 0} has no r; each of the first four gets a fresh one.")
    kit.require(all(fresh.values()), "the same r again", "one r serves several waits; draw a fresh one for each.")
    for seen in ends:
        said = f"{0 if 0 not in seen else 10} never comes; the range includes both ends."
        kit.require({0, 10} <= seen, f"{min(seen):g}…{max(seen):g}", said)
    return "2·previous + r"


def _not_doubled(waits: list[float]) -> str:
    """What the first four waits were made of, if that can be told."""
    if all(0 <= wait - 3 * 2**number <= 10 for number, wait in enumerate(waits)):
        return "the jitter of earlier waits is doubled too (2·previous + r)."
    before, after = next((b, a) for b, a in pairwise(waits) if not 0 <= a - 2 * b <= 10)
    return f"after {before:g} s comes 2 · {before:g} + r with an r from 0 to 10; {after:g} is none of these."


@step.check("the fourth wait repeats, to the second")
def flat_after(my: Any, kit: Kit) -> str:
    """After the last doubling the wait stays as it is: no new jitter (OCPP 2.0.1 part 4, 5.3)."""
    for waits in draws(my, kit, 12):
        flat = same(waits[3:], [waits[3]] * 9)
        near = all(abs(wait - 2 * waits[2]) <= 10 or abs(wait - waits[3]) <= 10 for wait in waits[3:])
        jitters = "the flat part still jitters; from here it repeats the last value."
        kit.require(flat or not near, told(waits[:7]), jitters)
        kit.require(flat, told(waits[:7]), f"from the fourth wait on, {waits[3]:g} repeats; here it changes.")
    return "constant from the fourth on"


@step.check("an iterator without end")
def lazy(my: Any, kit: Kit) -> str:
    """A charge point never gives up, so the waits never end; after HTTP 404 that is a SHALL (J-errata 3.3)."""
    made = my.backoff(Random(1))
    kit.require(hasattr(made, "__next__"), f"a {type(made).__name__}", "this is no iterator: `next(…)` fails on it.")
    many = sum(1 for _ in islice(made, 5000))
    kit.require(many == 5000, f"it ends after {many}", "the waits end, and the charge point is never seen again.")
    return "5,000 and more"


@step.check("same seed, same waits; the module `random` is left alone")
def uses_rng(my: Any, kit: Kit) -> str:
    """Chance comes from outside, so that a run can be repeated from its seed."""
    before = random.getstate()
    seed = kit.rng.randrange(10**6)
    one, again, other = (first(my, 8, Random(number), random_range=10**6) for number in (seed, seed, seed + 1))
    said = "two runs with one seed differ; a failure could not be replayed."
    kit.require(same(one, again), "they differ", said)
    kit.require(random.getstate() == before, "it was used", "others draw from the module `random`; use `rng`.")
    kit.require(not same(one, other), "one list for two seeds", ALIKE)
    two = (my.backoff(Random(number), random_range=10**6) for number in (seed, seed + 1))
    mixed = [wait for wait, _ in islice(zip(*two, strict=True), 8)]
    kit.require(
        same(mixed, one),
        "two in turn differ",
        "two iterators that are used in turn disturb each other; each keeps its own last wait.",
    )
    return "repeatable"


@step.check("minimum 1, times 0, range 0: 1, 1, 1; and other keys")
def other_keys(my: Any, kit: Kit) -> str:
    """The three numbers are configuration keys; an operator sets them as they like."""
    waits = first(my, 3, Random(0), wait_minimum=1, repeat_times=0, random_range=0)
    kit.require(same(waits, [1, 1, 1]), told(waits), _other("1/0/0"))
    drawn = [{key: kit.rng.randrange(top) for key, top in KEYS.items()} for _ in range(20)]
    for keys in [{"wait_minimum": 600, "repeat_times": 12, "random_range": 60}, *drawn]:
        waits = first(my, keys["repeat_times"] + 4, Random(kit.rng.random()), **keys)
        kit.require(_fits(waits, **keys), f"{_keys(keys)}: {told(waits)}", _other(_keys(keys)))
    return "1, 1, 1"


def _other(keys: str) -> str:
    return f"the waits follow the formula with the keys 3/3/10 (minimum/times/range), and with {keys} they do not."


KEYS = {"wait_minimum": 30, "repeat_times": 7, "random_range": 25}


def _fits(waits: list[float], wait_minimum: int, repeat_times: int, random_range: int) -> bool:
    jitters = [waits[0] - wait_minimum] + [after - 2 * before for before, after in pairwise(waits[: repeat_times + 1])]
    flat = waits[repeat_times:]
    return all(0 <= jitter <= random_range for jitter in jitters) and same(flat, flat[:1] * len(flat))


def _keys(keys: dict[str, int]) -> str:
    return "/".join(map(str, keys.values()))
