"""6.1: what is counted, under which names, in which units."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry

from ocpp_lab.messages import ACTIONS

from ..kit import Kit, short
from ..step import Step
from .ours import Instruments

step = Step(
    "6.1", "`Instruments`: names and units", ("Instruments",), points=4, minutes=20, reference=lambda: Instruments
)

FAMILIES = ("ocpp_frames", "ocpp_frame_bytes", "ocpp_calls_started", "ocpp_calls", "ocpp_call_seconds")
OUTCOMES = ("result", "error", "timeout", "lost", "cancelled")
MANY = 10_000
ALL_IN_ONE = "two charge points in one process count into one."
KINDS = dict.fromkeys(FAMILIES[:4], "counter") | {FAMILIES[4]: "histogram"}
TIMEOUT = 30.0
DECADES = (0.001, 0.01, 0.1, 1.0, 10.0)
APART = (0.0004, 0.003, 0.2, 4.0, 29.0, 31.0)
"""Seconds that must fall into six buckets."""


class Page:
    """A learner's instruments, and what a scrape of their registry reads."""

    def __init__(self, my: Any) -> None:
        self.registry = CollectorRegistry()
        self.instruments = my.Instruments(self.registry)

    def samples(self) -> list[Any]:
        families = self.registry.collect()
        return [each for family in families for each in family.samples if not each.name.endswith("_created")]

    def value(self, name: str, **labels: str) -> float:
        """0 for what is not there."""
        return self.registry.get_sample_value(name, labels) or 0.0

    def use(self) -> None:
        """Everything once, so that every family has a series."""
        self.instruments.frame("in", "call", "[]")
        self.instruments.call_started("Heartbeat")
        self.instruments.call_ended("Heartbeat", "result", 0.002)

    def buckets(self, outcome: str) -> list[tuple[float, float]]:
        found = [each for each in self.samples() if each.name == "ocpp_call_seconds_bucket"]
        mine = [(float(each.labels["le"]), each.value) for each in found if each.labels.get("outcome") == outcome]
        return sorted(mine)

    def bucket_of(self, seconds: float) -> float:
        """The upper bound of the bucket in which a call of so many seconds lands."""
        before = dict(self.buckets("lost"))
        self.instruments.call_ended("Heartbeat", "lost", seconds)
        grown = [bound for bound, count in self.buckets("lost") if count > before.get(bound, 0.0)]
        return min(grown, default=math.nan)


@step.check("each charge point counts into its own registry")
def two_registries(my: Any, kit: Kit) -> str:
    """A process may hold many charge points; each has a registry of its own."""
    before = everywhere()
    try:
        one, other = Page(my), Page(my)
        one.use()
    except ValueError as error:
        kit.require("uplicated" not in str(error), "the second one cannot be made", ALL_IN_ONE)
        raise
    twice = other.value("ocpp_frames_total", direction="in", kind="call")
    kit.require(not twice, "the other counted too", ALL_IN_ONE)
    kit.require(everywhere() == before, "they are in prometheus_client's global registry", ALL_IN_ONE)
    other.use()
    counts = [page.value("ocpp_frames_total", direction="in", kind="call") for page in (one, other)]
    kit.require(counts[0] == counts[1], f"{counts[0]:g} and {counts[1]:g} frames", ALL_IN_ONE)
    return "apart"


def everywhere() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What the global registry counts under our names: answers that were handed in before may have left some."""
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in REGISTRY.collect()
        if family.name in FAMILIES
        for each in family.samples
    }


@step.check("five names, base units: bytes and seconds")
def units_in_names(my: Any, kit: Kit) -> str:
    """A name ends in its unit, a counter in `_total`; seconds and bytes, not their multiples (Prometheus' naming)."""
    page = Page(my)
    page.use()
    names = {each.name for each in page.samples()}
    odd = [name for name in names if any(word in name for word in ("milli", "_ms", "kilo", "_kb"))]
    kit.require(not odd, short(", ".join(sorted(odd))), "base units in the names: seconds and bytes.")
    wanted = [f"{name}_total" for name in FAMILIES[:4]] + ["ocpp_call_seconds_sum", "ocpp_call_seconds_bucket"]
    missing = [name for name in wanted if name not in names]
    kit.require(not missing, f"no {', no '.join(missing)}"[:60], f"the registry has no series {', '.join(missing)}.")
    for family in page.registry.collect():
        kind = KINDS.get(family.name.removesuffix("_total"), family.type)
        kit.require(family.type == kind, f"{family.name} is a {family.type}", f"`{family.name}` is to be a {kind}.")
    page.instruments.call_ended("Authorize", "timeout", 30.0)
    total = page.value("ocpp_call_seconds_sum", outcome="timeout")
    observed = "every end is observed in the histogram, under its own outcome."
    kit.require(total, "30 s read 0", observed)
    kit.require(abs(total - 30_000) > 1, "30 s read 30000", "base units: seconds.")
    kit.require(abs(total - 30) < 1e-9, f"30 s read {total:g}")
    return "seconds, bytes"


@step.check("what was drawn is what is read")
def values(my: Any, kit: Kit) -> str:
    """Each event counts once, under its own labels."""
    page = Page(my)
    wanted: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def expect(name: str, by: float = 1.0, **labels: str) -> None:
        key = (name, tuple(sorted(labels.items())))
        wanted[key] = wanted.get(key, 0.0) + by

    for _ in range(kit.rng.randrange(200, 300)):
        action, outcome = kit.rng.choice(sorted(ACTIONS)), kit.rng.choice(OUTCOMES)
        direction, kind = kit.rng.choice(("in", "out")), kit.rng.choice(("call", "result", "error"))
        seconds, text = kit.rng.uniform(0.0, 40.0), "x" * kit.rng.randrange(300)
        page.instruments.frame(direction, kind, text)
        page.instruments.call_started(action)
        expect("ocpp_frames_total", direction=direction, kind=kind)
        expect("ocpp_frame_bytes_total", len(text), direction=direction)
        expect("ocpp_calls_started_total", action=action)
        if kit.rng.random() < 0.8:
            page.instruments.call_ended(action, outcome, seconds)
            expect("ocpp_calls_total", action=action, outcome=outcome)
            expect("ocpp_call_seconds_count", outcome=outcome)
            expect("ocpp_call_seconds_sum", seconds, outcome=outcome)
    for (name, labels), value in wanted.items():
        got = page.value(name, **dict(labels))
        shown = f"{name}{{{', '.join(word for _, word in labels)}}}"
        kit.require(abs(got - value) < 1e-6, short(f"{shown}: {got:g}, not {value:g}"))
    read = {(each.name, tuple(sorted(each.labels.items()))): each.value for each in page.samples()}
    extra = [name for (name, labels), value in read.items() if value and (name, labels) not in wanted]
    extra = [name for name in extra if name in {known for known, _ in wanted}]
    kit.require(not extra, f"{len(extra)} series more", "a label has a value that no event had.")
    return f"{len(wanted)} series agree"


@step.check("é counts two bytes, 🔌 four")
def bytes_not_chars(my: Any, kit: Kit) -> str:
    """Frames are UTF-8 on the wire (J-spec 4.1.2, RFC 6455 5.6)."""
    page = Page(my)
    text = '[2,"1","DataTransfer",{"vendorId":"é🔌"}]' + "é" * kit.rng.randrange(1, 50)
    page.instruments.frame("out", "call", text)
    got = page.value("ocpp_frame_bytes_total", direction="out")
    kit.require(got != len(text), f"{got:g} characters", "é is two bytes on the wire.")
    kit.equal(got, float(len(text.encode())))
    return f"{got:g} bytes, {len(text)} characters"


@step.check("10,000 frames and strange actions: few series")
def bounded_labels(my: Any, kit: Kit) -> str:
    """Nobody outside may make a time series: a label has few values, known before."""
    page = Page(my)
    page.use()
    few = len(page.samples())
    for number in range(MANY):
        page.instruments.frame("in", "call", f'[2,"{number}","Heartbeat",{{}}]')
    after = len(page.samples())
    each = "one series per call; 10,000 calls, 10,000 series."
    more = "10,000 frames of one kind add no series; a label has a few values, known before."
    kit.require(after - few < 100, f"{after} series", each if after - few >= MANY else more)
    for number in range(MANY // 10):
        page.instruments.call_started(f"Evil{number}")
        page.instruments.call_ended(f"Evil{number}", "error", 0.001)
    grown = len(page.samples()) - after
    invented = 'a hostile peer invents actions, and each is a series; count what is not in ACTIONS as "other".'
    kit.require(grown < 100, f"{grown} series more", invented)
    other = page.value("ocpp_calls_started_total", action="other")
    as_other = 'an action that is not in ACTIONS counts as "other": its start, and its end.'
    kit.require(other == MANY // 10, f'"other" counted {other:g} of 1,000 starts', as_other)
    ended = page.value("ocpp_calls_total", action="other", outcome="error")
    kit.require(ended == MANY // 10, f'"other" counted {ended:g} of 1,000 ends', as_other)
    return f"{len(page.samples())} series"


@step.check("29 s and 31 s in different buckets; 0.4 ms and 3 ms too")
def sees_30s(my: Any, kit: Kit) -> str:
    """The bounds reach from a call on loopback to beyond the timeout of 30 s."""
    page = Page(my)
    bounds = [page.bucket_of(seconds) for seconds in APART]
    top = "everything above 10 s is one bucket; the timeout is 30."
    found = [bound for bound, _ in page.buckets("lost")]
    kit.require(found, "no bucket", "a call that was lost took its time, too: observe each end.")
    highest = max((bound for bound in found if not math.isinf(bound)), default=0.0)
    alike = (
        "29 s and 31 s are in one bucket; 30 s, the timeout, is one of the bounds." if TIMEOUT not in found else None
    )
    kit.require(bounds[-2] < bounds[-1], "29 s and 31 s are alike", top if highest <= 10.0 else alike)
    for (low, high), (one, other) in zip(pairwise(APART), pairwise(bounds), strict=True):
        said = f"{low:g} s and {high:g} s are in one bucket; more bounds between 1 ms and 30 s."
        kit.require(one < other, f"{low:g} s and {high:g} s are alike", said)
    kit.require(any(abs(bound - TIMEOUT) < 1e-6 for bound in found), "no bound of 30 s", "30 is one of the bounds.")
    kit.require(
        found[0] <= DECADES[0] + 1e-9, f"the first bound is {found[0]:g} s", "the first bound is 1 ms, or less."
    )
    for low, high in pairwise(DECADES):
        inside = sum(low - 1e-9 <= bound < high - 1e-9 for bound in found)
        coarse = "at least two bounds in each decade; with one, a percentile is a guess."
        kit.require(inside >= 2, f"{inside} from {low:g} s up to {high:g} s", coarse)
    return "apart"
