"""6.2: percentiles from buckets."""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import pairwise
from random import Random
from typing import Any

from ..kit import Kit
from ..step import Step
from .ours import quantile

step = Step("6.2", "`quantile`: from buckets", ("quantile",), points=3, minutes=20, reference=lambda: quantile)

Buckets = list[tuple[float, int]]
INF = math.inf
HAND = [(1.0, 10), (2.0, 30), (3.0, 40), (INF, 40)]  # symmetric: even a mean is right at 0.5
ADDED_UP = (2.5, 4 / 3)
"""What comes out for p50 if the counts are summed up once more."""
BY_HAND = ((0.25, 1.0), (0.125, 0.5), (0.875, 2.5), (1.0, 3.0), (0.75, 2.0), (0.0625, 0.25), (0.375, 1.25))
EXACT = 1e-9
FIRST = "the first bucket whose count reaches the rank, not the first that is beyond it."


def asked(my: Any, kit: Kit, buckets: Buckets, q: float) -> float:
    """The answer, if it is a number at all."""
    got = my.quantile(buckets, q)
    kit.require(not isinstance(got, Exception), f"{type(got).__name__}, returned", "raise the error; do not return it.")
    kit.require(isinstance(got, float | int), repr(got)[:30], "answer a float.")
    return float(got)


def drawn(rng: Random) -> tuple[Buckets, list[float]]:
    """Seeded calls, fast ones and slow ones, and their cumulative buckets."""
    fast, share = rng.uniform(0.01, 0.5), rng.uniform(0.1, 0.4)
    count = rng.randrange(50, 400)
    calls = sorted(rng.expovariate(1 / (20.0 if rng.random() < share else fast)) for _ in range(count))
    bounds = sorted({round(rng.uniform(0.001, 60.0) ** 1.5 / 8, 3) for _ in range(12)} | {0.005, 0.05, 0.5, 5.0, 30.0})
    return cumulative(calls, [*bounds, INF]), calls


def cumulative(calls: list[float], bounds: list[float]) -> Buckets:
    return [(bound, sum(call <= bound for call in calls)) for bound in bounds]


@step.check("p50 of 10, 20, 10 calls up to 1, 2, 3 s is 1.5 s")
def hand_made(my: Any, kit: Kit) -> str:
    """Go up the cumulative counts until the rank is reached, then draw a straight line inside that bucket."""
    handed = list(HAND)
    seconds = asked(my, kit, handed, 0.5)
    kit.require(
        handed == HAND, f"{len(handed)} buckets left", "the list that was handed in has changed; leave it as it is."
    )
    kit.require(seconds != 2.0, "2 s", "interpolate inside the bucket.")
    said = "3 s is the last bound; the first bucket that reaches the rank ends at 2 s. Is a `return` missing there?"
    kit.require(seconds != 3.0, "3 s", said)
    again = any(abs(seconds - wrong) < 0.01 for wrong in ADDED_UP)
    summed = "the counts are cumulative already." if again else None
    kit.require(abs(seconds - 1.5) < EXACT, f"{seconds:g} s", summed)
    return "1.5 s"


@step.check("200 drawn samples: the true quantile lies in the same bucket")
def within_bucket(my: Any, kit: Kit) -> str:
    """Where in its bucket a call lay is lost; in which bucket is not."""
    for _ in range(200):
        buckets, calls = drawn(kit.rng)
        bounds = [bound for bound, _ in buckets]
        nth = kit.rng.randrange(len(calls))
        right = bisect_left(bounds, calls[nth])
        if right == len(bounds) - 1:
            continue  # the last bucket has its own check
        got = my.quantile(list(buckets), (nth + 0.5) / len(calls))
        low, high = bounds[right - 1] if right else 0.0, bounds[right]
        inside = low - EXACT <= got <= high + EXACT
        kit.require(inside, f"{got:g} s, not {low:g} to {high:g} s", _flat(my, buckets, got))
    return "always"


def _flat(my: Any, buckets: Buckets, got: float) -> str | None:
    """Why it is the same whatever q is; None if it is not."""
    if my.quantile(list(buckets), 0.1) != my.quantile(list(buckets), 0.6):
        return None
    steps = list(pairwise([(0.0, 0), *buckets]))
    middles = sum((low if math.isinf(high) else (low + high) / 2) * (n - below) for (low, below), (high, n) in steps)
    mean = abs(got - middles / buckets[-1][1]) < 1e-6
    return "a mean is no quantile." if mean else "the answer is the same for q = 0.1 and for q = 0.6."


@step.check("p25 1 s, p87.5 2.5 s; seven more by hand")
def interpolates(my: Any, kit: Kit) -> str:
    """A straight line from the lower edge of the bucket (0 for the first) to its upper bound."""
    answers = {q: asked(my, kit, list(HAND), q) for q, _ in BY_HAND}
    for q, wanted in BY_HAND:
        got = answers[q]
        kit.require(abs(got - wanted) < EXACT, f"q = {q:g}: {got:g} s, not {wanted:g} s", _by_hand(answers))
    skip = my.quantile([(1.0, 0), (2.0, 0), (4.0, 8), (INF, 8)], 0.5)
    kit.require(abs(skip - 3.0) < EXACT, f"{skip:g} s, not 3 s", "an empty bucket moves the lower edge all the same.")
    reached = my.quantile([(1.0, 5), (2.0, 5), (4.0, 10), (INF, 10)], 0.5)
    kit.require(abs(reached - 1.0) < EXACT, f"{reached:g} s, not 1 s", FIRST)
    for _ in range(50):
        low, high = sorted(kit.rng.uniform(0.01, 50.0) for _ in range(2))
        below, inside, above = (kit.rng.randrange(1, 90) for _ in range(3))
        total, rank = below + inside + above, below + inside * kit.rng.uniform(0.1, 0.9)
        buckets = [(low, below), (high, below + inside), (high + 9.0, total), (INF, total)]
        got, wanted = my.quantile(buckets, rank / total), low + (high - low) * (rank - below) / inside
        kit.require(abs(got - wanted) < 1e-6, f"{got:g} s, not {wanted:g} s")
    return "all agree"


def _by_hand(answers: dict[float, float]) -> str | None:
    """What is wrong with these; None if that cannot be told."""
    calls = HAND[-1][1]
    off = [q for q, wanted in BY_HAND if not abs(answers[q] - wanted) < EXACT]
    if all(q * calls in (10, 30, 40) for q in off):
        return FIRST
    for rounded in (math.ceil, round, int):
        if all(abs(answers[q] - quantile(HAND, rounded(q * calls) / calls)) < EXACT for q in answers):
            return "do not round the rank: `q` × all calls need not be a whole number."
    return None


@step.check("beyond the last finite bound: that bound")
def inf_bucket(my: Any, kit: Kit) -> str:
    """The last bucket has no upper end: all that is known is "more than"."""
    for top in (30.0, round(kit.rng.uniform(1, 100), 2)):
        got = my.quantile([(top / 2, 1), (top, 5), (INF, 10)], 0.9)
        said = "answer the last finite bound; all we know is 'more'."
        kit.require(not math.isinf(got), "inf", said)
        kit.require(not math.isnan(got), "nan", said)
        kit.require(abs(got - top) < EXACT, f"{got:g} s, not {top:g} s", said)
    return "the last finite bound"


@step.check("no observations: nan")
def empty(my: Any, kit: Kit) -> str:
    """Without a call there is no percentile; 0 s would be the best night ever."""
    for buckets in ([(1.0, 0), (2.0, 0), (INF, 0)], [(INF, 0)], []):
        try:
            got = my.quantile(buckets, kit.rng.uniform(0.1, 0.9))
        except (ValueError, ZeroDivisionError, IndexError) as error:
            kit.require(False, type(error).__name__, "no calls is no error; answer nan.")
        kit.require(isinstance(got, float | int), repr(got)[:30], "answer nan: `math.nan`, a float.")
        kit.require(math.isnan(got), f"{got:g} s", "no calls is not 0 s.")
    return "nan"


@step.check("a larger q gives no smaller answer")
def monotone(my: Any, kit: Kit) -> str:
    """99 of 100 calls need at least the time of 95 of 100; q = 0 and q = 1 are asked too."""
    for _ in range(30):
        buckets, _ = drawn(kit.rng)
        answers = [my.quantile(list(buckets), step / 50) for step in range(51)]
        falls = [one for one, other in pairwise(answers) if other < one - EXACT]
        kit.require(not falls, f"it falls after {falls[0]:g} s" if falls else "")
        first = next(low for low, count in buckets if count)
        kit.require(-EXACT <= answers[0] <= first, f"q = 0: {answers[0]:g} s")
    return "it never falls"


@step.check("q of −0.1 and 1.1: ValueError")
def bad_q(my: Any, kit: Kit) -> str:
    """A percentile is a share; 95 instead of 0.95 is a mistake that must not pass."""
    for q in (-0.1, 1.1, 95, -kit.rng.random() - 0.01):
        try:
            got = asked(my, kit, list(HAND), q)
        except ValueError:
            continue
        kit.require(False, f"q = {q:g}: {got:g} s", "q is a share from 0 to 1; raise ValueError for anything else.")
    try:
        got = asked(my, kit, [], 1.1)
    except ValueError:
        return "ValueError"
    said = "a `q` outside 0 … 1 raises ValueError, also if there was no call."
    kit.require(False, f"no call, q = 1.1: {got:g}", said)
    return "ValueError"
