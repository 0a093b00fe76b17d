"""Two pictures with sliders: what a back-off does to a fleet, and what timeout and buckets do to a percentile."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from random import Random

from ocpp_lab.backoff import backoff
from ocpp_lab.metrics import CALL_BUCKETS

from .pen import words
from .percentiles import quantile
from .shown import WIDTH
from .sliders import Drawing, Knob, Sliders

LEFT, RIGHT = 44, WIDTH - 16


# -- back-off: waves and hill

FLEET, AWAY, SECONDS = 200, 20, 140
"""Charge points, seconds that their central system is away, and seconds that are drawn."""
FLOOR, TALL = 196, 140
"""Of the bars: their base line, and the height of all charge points in one second (px)."""


def back_off_sliders() -> Sliders:
    """Dials per second of a fleet after its central system was away for 20 s, by minimum, repeats and random range.

    The waits are those of `backoff`; nothing else takes time here, and a dial after the 20 s succeeds.
    """
    knobs = (
        Knob("minimum", (1, 3, 10, 30), 1, "{} s".format),
        Knob("repeats", (0, 1, 3, 5), 2),
        Knob("random range", (0, 2, 10, 30), 0, "{} s".format),
    )
    return Sliders(knobs, storm, paints=("s-quiet bars", "s-result bars"), ground=_seconds(), height=232)


def storm(minimum: int, repeats: int, random_range: int) -> Drawing:
    """One back-off: how many dial in each second, in vain and with success."""
    vain, back = Counter[int](), Counter[int]()
    for number in range(1, FLEET + 1):
        rng = Random(f"0:waits CP_{number}")  # the very chance of `outages` under seed 0
        waits = backoff(rng, wait_minimum=minimum, repeat_times=repeats, random_range=random_range)
        at = 0.0
        while (at := at + next(waits)) < AWAY:
            vain[int(at)] += 1
        back[int(at)] += 1
    peak, last = max((vain + back).values()), max(back)
    finding = f"At most {peak} dials in one second; the last one is back {last - AWAY} s after the central system"
    return Drawing(finding, (_bars(vain), _bars(back)))


def _bars(counts: Counter[int]) -> str:
    step = (RIGHT - LEFT) / SECONDS
    drawn = takewhile(lambda second: second < SECONDS, sorted(counts))
    return "".join(f"M{LEFT + step * (at + 0.5):.0f} {FLOOR}v-{TALL * counts[at] / FLEET:.0f}" for at in drawn)


def _seconds() -> str:
    step = (RIGHT - LEFT) / SECONDS
    there = LEFT + step * AWAY
    out = f'<path class="s-edge" d="M{LEFT} {FLOOR}H{RIGHT}"/>'
    for second in range(0, SECONDS, 20):
        out += words(LEFT + step * second, FLOOR + 15, f"{second}", 11, "dim", anchor="middle")
    out += words(RIGHT, FLOOR + 29, "seconds since all connections were lost", 11, "dim", anchor="end")
    for count in (0, 100, 200):
        out += words(LEFT - 6, FLOOR + 4 - TALL * count / FLEET, f"{count}", 11, "dim", anchor="end")
    out += words(14, FLOOR + 29, "dials per second", 11, "dim")
    dash = f'<path class="s-ink" stroke-dasharray="4 3" d="M{there:.0f} 44V{FLOOR}"/>'
    return out + dash + words(there + 5, 54, "the central system is back", 11, "ink")


# -- percentiles

CALLS = 10_000
BOTTOM, HIGH = 196, 130
"""Of the heaps: their base line, and the height of all calls in one bucket (px); a logarithm, so that one call in ten
thousand can be seen."""
SHORTEST, LONGEST = 0.001, 60.0
LAYOUTS: dict[str, Sequence[float]] = {
    "ours, 16": CALL_BUCKETS,
    "0.1, 1, 10 s": (0.1, 1.0, 10.0),
    "up to 1 s": tuple(bound for bound in CALL_BUCKETS if bound <= 1),
    "up to 1 s, then 60": (*(bound for bound in CALL_BUCKETS if bound <= 1), 60.0),
}


def percentile_sliders() -> Sliders:
    """The p99 of the same calls, by the timeout of their callers and the buckets that count them."""
    answers = _night(Random(99))
    knobs = (
        Knob("timeout", (1, 2.5, 5, 10, 20, 30, 60), 5, "{:g} s".format),
        Knob("buckets", tuple(LAYOUTS), 0),
    )

    def draw(timeout: float, layout: str) -> Drawing:
        return heaps(answers, timeout, LAYOUTS[layout])

    paints = ("f-result s-raise", "s-ink marks", "s-timeout marks dashed")
    return Sliders(knobs, draw, paints=paints, ground=_times(), height=232)


def _night(chance: Random) -> list[float]:
    """How long each call would take: nearly all a few ms; some wait for a busy database; some are never answered."""
    quick = [chance.lognormvariate(math.log(0.004), 0.6) for _ in range(CALLS - 180)]
    return quick + [chance.uniform(2, 40) for _ in range(110)] + [math.inf] * 70


def heaps(answers: Sequence[float], timeout: float, bounds: Sequence[float]) -> Drawing:
    """What these buckets keep of the calls, and the percentile that is read from them."""
    lasted = sorted(min(answer, timeout) for answer in answers)
    counted = [(bound, float(sum(each <= bound for each in lasted))) for bound in (*bounds, math.inf)]
    read, true = quantile(counted, 0.99), lasted[math.ceil(0.99 * len(lasted)) - 1]
    finding = f"p99 read from the buckets: {_told(read)}; of the calls themselves: {_told(true)}"
    return Drawing(finding, (_heaps(counted), f"M{_x(read):.0f} 44V{BOTTOM}", f"M{_x(true):.0f} 44V{BOTTOM}"))


def _heaps(counted: Sequence[tuple[float, float]]) -> str:
    out, low, below = "", SHORTEST / 2, 0.0
    for bound, count in counted:
        high = LONGEST * 1.6 if math.isinf(bound) else bound
        if (inside := count - below) > 0:
            tall = HIGH * math.log10(1 + inside) / math.log10(1 + CALLS)
            out += f"M{_x(low):.0f} {BOTTOM}V{BOTTOM - tall:.0f}H{_x(high):.0f}V{BOTTOM}z"
        low, below = high, count
    return out


def _x(seconds: float) -> float:
    span = math.log(LONGEST * 1.6 / (SHORTEST / 2))
    return LEFT + (RIGHT - LEFT) * math.log(max(seconds, SHORTEST / 2) / (SHORTEST / 2)) / span


def _told(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} milliseconds"


def _times() -> str:
    out = f'<path class="s-edge" d="M{LEFT} {BOTTOM}H{RIGHT}"/>'
    for seconds, word in ((0.001, "1 ms"), (0.01, "10 ms"), (0.1, "100 ms"), (1, "1 s"), (10, "10 s"), (60, "60 s")):
        out += words(_x(seconds), BOTTOM + 15, word, 11, "dim", anchor="middle")
    for count in (1, 100, 10_000):
        tall = HIGH * math.log10(1 + count) / math.log10(1 + CALLS)
        out += words(LEFT - 6, BOTTOM + 4 - tall, f"{count:,}", 10, "dim", anchor="end")
    out += words(14, BOTTOM + 29, "calls in each bucket, on a scale of powers of ten", 11, "dim")
    return out + words(
        RIGHT, BOTTOM + 29, "solid: p99 from the buckets · dashed: of the calls", 11, "dim", anchor="end"
    )
