# %% [markdown]
# ![23:55 on Friday night. 2 GB of logs, one average, and both say that all is well.](../notebooks/pictures/06.svg)
#
# [START](../START.ipynb) · [notebook 6](../notebooks/06_integration_and_metrics.ipynb) · **5 steps and a capstone, about 2 h 10, 20 points**
#
# # Exercise 6. Integration and metrics: what happened tonight?
#
# **23:55.** Four hundred reconnects, two complaints, 2 GB of logs. Somebody asks: what happened tonight? Nobody can say,
# because nobody counted.
#
# You write the instruments of a charge point, read percentiles from their buckets, and prove that their books balance. In
# the end you name a fault from two pages of numbers.
#
# - **Before:** notebook [6](../notebooks/06_integration_and_metrics.ipynb), and exercise [4](04_call_correlation.ipynb).
# - **Level:** you can write a class and a function over a dict. 6.3 needs a task that sleeps (`asyncio.sleep`); the other
#   steps need no asyncio. You need no Prometheus.
# - **Points:** five steps and a capstone, 20 points. **Time:** about 2 hours 10 minutes, an estimate. Each step says its
#   own. Take it in three sittings; between them everything that passed is kept.
#
# | sitting | steps | about |
# |---|---|---|
# | 1 | 6.1 `Instruments`, 6.2 `quantile` | 40 minutes |
# | 2 | 6.3 `Sampler`, 6.4 `imbalance` | 40 minutes |
# | 3 | 6.5 `diagnose`, capstone | 50 minutes |

# %% tags=["scaffold"]
from ocpp_course import lab
from ocpp_course import check, hint, mine, progress, solution, use_reference

guard = lab.Guard()
guard

# %% [markdown]
# Run a stub cell, then the cell below it: it says what is right, what is wrong, and why.
# Stuck? `hint("6.1")` gives one hint more each time. `solution("6.1")` shows our answer.
# `Instruments = use_reference("6.1")` takes the package's piece, for no points.
#
# In brackets stands where OCPP says it: *J-spec* is OCPP-J 1.6, the JSON transport; *core* is OCPP 1.6 edition 2;
# *errata* are their official corrections; *whitepaper* is the security whitepaper. A *connection* is one WebSocket
# between the charge point and the central system.

# %% [markdown]
# ## 6.1 `Instruments`: names and units
#
# A charge point tells its instruments three things: a frame passed, a call started, a call ended. *Prometheus* is a
# program that asks for the numbers from time to time, and stores them. It reads them from a *registry*, which is handed
# in. Each name with one set of values for its labels is a *series*: one number that changes in time. A *counter* only
# goes up, a *gauge* goes up and down, a *histogram* counts how many values were at most as large as each of its bounds.
#
# | series | kind | labels |
# |---|---|---|
# | `ocpp_frames_total` | counter | `direction`, `kind` |
# | `ocpp_frame_bytes_total` | counter, bytes of UTF-8 | `direction` |
# | `ocpp_calls_started_total` | counter | `action` |
# | `ocpp_calls_total` | counter | `action`, `outcome` |
# | `ocpp_call_seconds` | histogram, in seconds | `outcome` |
#
# - The first bound of the histogram is 1 ms or less, and 30 s, the timeout, is one of them. Between 1 ms and 10 s each
#   decade has at least two bounds.
# - An action that is not in `ACTIONS` counts as `other`: a peer can invent ten thousand, and each would be a series.
# - Two charge points in one process have two registries. Nothing may be shared, so make each series in `__init__`, with
#   `registry=registry`.
#
# `prometheus.Counter("ocpp_frames", …)` adds the `_total` itself; a histogram makes `_bucket`, `_sum` and
# `_count` of its name.

# %%
### STEP 6.1 · 4 points · 20 minutes
### HINT The table says what each series is: four counters and a histogram. Make the five in `__init__` and keep each as an
###      attribute; the three methods only count.
### HINT `prometheus.Counter(name, help, labels, registry=registry)`, then `counter.labels(…).inc()`; `prometheus.Histogram(…, buckets=…)`,
###      then `histogram.labels(…).observe(seconds)`.
### HINT `action if action in ACTIONS else "other"`; and the length of `text.encode()` is the number of bytes.
import prometheus_client as prometheus

from ocpp_lab.messages import ACTIONS


### BEGIN SOLUTION
class Instruments:
    """What one charge point, or one central system, counts."""

    def __init__(self, registry: prometheus.CollectorRegistry) -> None:
        """All series are made in `registry`, and nowhere else."""
        bounds = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
        self.frames = prometheus.Counter("ocpp_frames", "Frames", ["direction", "kind"], registry=registry)
        self.bytes = prometheus.Counter("ocpp_frame_bytes", "Bytes", ["direction"], registry=registry)
        self.started = prometheus.Counter("ocpp_calls_started", "Calls sent", ["action"], registry=registry)
        self.ended = prometheus.Counter("ocpp_calls", "Calls ended", ["action", "outcome"], registry=registry)
        self.seconds = prometheus.Histogram(
            "ocpp_call_seconds", "Latency", ["outcome"], buckets=bounds, registry=registry
        )

    def frame(self, direction: str, kind: str, text: str) -> None:
        """A frame passed: `direction` "in" or "out", `kind` "call", "result" or "error", `text` as on the wire."""
        self.frames.labels(direction, kind).inc()
        self.bytes.labels(direction).inc(len(text.encode()))

    def call_started(self, action: str) -> None:
        """An own call left."""
        self.started.labels(self._known(action)).inc()

    def call_ended(self, action: str, outcome: str, seconds: float) -> None:
        """It ended: `outcome` is "result", "error", "timeout", "lost" or "cancelled", after so many `seconds`."""
        self.ended.labels(self._known(action), outcome).inc()
        self.seconds.labels(outcome).observe(seconds)

    def _known(self, action):
        return action if action in ACTIONS else "other"


### WRONG id-label -> bounded-labels: one series per call; 10,000 calls, 10,000 series.
class Instruments(Instruments):
    def __init__(self, registry):
        super().__init__(registry)
        self.each = prometheus.Counter("ocpp_frames_by_id", "Frames", ["unique_id"], registry=registry)

    def frame(self, direction, kind, text):
        super().frame(direction, kind, text)
        if text.count('"') > 1:
            self.each.labels(text.split('"')[1]).inc()


### WRONG any-action -> bounded-labels: a hostile peer invents actions, and each is a series; count what is not in
###       ACTIONS as "other".
class Instruments(Instruments):
    def _known(self, action):
        return action


### WRONG len-text -> bytes-not-chars: é is two bytes on the wire.
class Instruments(Instruments):
    def frame(self, direction, kind, text):
        self.frames.labels(direction, kind).inc()
        self.bytes.labels(direction).inc(len(text))


### WRONG global-registry -> two-registries: two charge points in one process count into one.
FRAMES = prometheus.Counter("ocpp_frames", "Frames", ["direction", "kind"], registry=None)


class Instruments(Instruments):
    def __init__(self, registry):
        super().__init__(registry)
        registry.unregister(self.frames)
        registry.register(FRAMES)
        self.frames = FRAMES


### WRONG default-buckets -> sees-30s: everything above 10 s is one bucket; the timeout is 30.
class Instruments(Instruments):
    def __init__(self, registry):
        super().__init__(registry)
        registry.unregister(self.seconds)
        self.seconds = prometheus.Histogram("ocpp_call_seconds", "Latency", ["outcome"], registry=registry)


### WRONG milliseconds -> units-in-names: base units: seconds.
class Instruments(Instruments):
    def call_ended(self, action, outcome, seconds):
        super().call_ended(action, outcome, seconds * 1000)


### WRONG gauges -> units-in-names: `ocpp_calls_started_total` is to be a counter.
class Instruments(Instruments):
    def __init__(self, registry):
        super().__init__(registry)
        registry.unregister(self.started)
        self.started = prometheus.Gauge("ocpp_calls_started_total", "Calls sent", ["action"], registry=registry)


### WRONG one-big-bucket -> sees-30s: 29 s and 31 s are in one bucket; 30 s, the timeout, is one of the bounds.
class Instruments(Instruments):
    def __init__(self, registry):
        super().__init__(registry)
        registry.unregister(self.seconds)
        bounds = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60)
        self.seconds = prometheus.Histogram("ocpp_call_seconds", "s", ["outcome"], buckets=bounds, registry=registry)


### WRONG powers-of-ten -> sees-30s: at least two bounds in each decade; with one, a percentile is a guess.
class Instruments(Instruments):
    def __init__(self, registry):
        super().__init__(registry)
        registry.unregister(self.seconds)
        bounds = (0.001, 0.01, 0.1, 1, 10, 30, 60)
        self.seconds = prometheus.Histogram("ocpp_call_seconds", "s", ["outcome"], buckets=bounds, registry=registry)


### WRONG good-ones-only -> units-in-names: every end is observed in the histogram, under its own outcome.
class Instruments(Instruments):
    def call_ended(self, action, outcome, seconds):
        self.ended.labels(self._known(action), outcome).inc()
        if outcome == "result":
            self.seconds.labels(outcome).observe(seconds)


### RIGHT custom-collector
class Instruments:
    """Plain dicts, read when somebody scrapes."""

    def __init__(self, registry):
        from collections import Counter as Numbers

        self.counts, self.seconds = Numbers(), {}
        registry.register(self)

    def describe(self):
        return []

    def frame(self, direction, kind, text):
        self.counts["ocpp_frames", ("direction", direction), ("kind", kind)] += 1
        self.counts["ocpp_frame_bytes", ("direction", direction)] += len(text.encode("utf-8"))

    def call_started(self, action):
        self.counts["ocpp_calls_started", ("action", action if action in ACTIONS else "other")] += 1

    def call_ended(self, action, outcome, seconds):
        action = action if action in ACTIONS else "other"
        self.counts["ocpp_calls", ("action", action), ("outcome", outcome)] += 1
        below, total = self.seconds.setdefault(outcome, (dict.fromkeys(self.bounds(), 0), [0.0]))
        total[0] += seconds
        for bound in below:
            below[bound] += seconds <= bound

    def bounds(self):
        return [0.0005 * 2**n for n in range(15)] + [30.0, 120.0, float("inf")]

    def collect(self):
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
        from prometheus_client.utils import floatToGoString

        families = {}
        for (name, *labels), count in self.counts.items():
            keys, values = zip(*labels, strict=True)
            family = families.setdefault(name, CounterMetricFamily(name, name, labels=keys))
            family.add_metric(values, count)
        yield from families.values()
        latency = HistogramMetricFamily("ocpp_call_seconds", "latency", labels=["outcome"])
        for outcome, (below, total) in self.seconds.items():
            latency.add_metric([outcome], [(floatToGoString(b), n) for b, n in below.items()], total[0])
        yield latency


### RIGHT keywords-and-table
FOUR = {
    "frames": ("ocpp_frames_total", ("direction", "kind")),
    "sizes": ("ocpp_frame_bytes_total", ("direction",)),
    "started": ("ocpp_calls_started_total", ("action",)),
    "ended": ("ocpp_calls_total", ("action", "outcome")),
}


class Instruments:
    def __init__(self, registry):
        for attribute, (name, labels) in FOUR.items():
            setattr(self, attribute, prometheus.Counter(name, "counted", labels, registry=registry))
        bounds = [m * 10**e for e in (-3, -2, -1, 0) for m in (1, 2, 5)] + [10, 15, 30, 60, 120]
        self.latency = prometheus.Histogram(
            "ocpp_call", "latency", ("outcome",), unit="seconds", buckets=bounds, registry=registry
        )

    def frame(self, direction, kind, text):
        self.frames.labels(direction=direction, kind=kind).inc()
        self.sizes.labels(direction=direction).inc(len(bytes(text, "utf-8")))

    def call_started(self, action):
        self.started.labels(action=action if action in ACTIONS else "other").inc()

    def call_ended(self, action, outcome, seconds):
        self.ended.labels(action=action if action in ACTIONS else "other", outcome=outcome).inc()
        self.latency.labels(outcome=outcome).observe(seconds)


### END SOLUTION

# %%
check("6.1", Instruments)

# %% [markdown]
# ## 6.2 `quantile`: from buckets
#
# "99 of 100 calls were faster than …": that is the quantile for `q` = 0.99. All that is left of the calls are the
# *buckets* of a histogram. They are cumulative: `(0.5, 30)` says that 30 calls took 0.5 s or less, and the calls of the
# buckets before are among these 30. The last bound is `inf`, and its count is the number of all calls.
#
# - The rank is `q` × all calls. The first bucket whose count reaches the rank holds the quantile.
# - Inside the bucket draw a straight line from its lower edge to its bound. The lower edge is the bound before it, and 0
#   for the first one.
# - The bucket up to `inf` has no upper end. If the quantile is there, answer the last finite bound.
# - No calls, or no buckets: `nan`. A `q` outside 0 … 1: `ValueError`, also without any call.
# - The rank need not be a whole number; do not round it. The list that is handed in stays as it is.

# %%
### STEP 6.2 · 3 points · 20 minutes
### HINT The rank is q × all calls. The counts only go up from bucket to bucket: find the first that reaches the rank.
### HINT Walk along with two numbers of the bucket before: its bound `low` and its count `below`.
### HINT `low + (bound - low) * (rank - below) / (count - below)`; skip buckets that add no call, or you divide by 0.
import math


### BEGIN SOLUTION
def quantile(buckets: list[tuple[float, int]], q: float) -> float:
    """Seconds within which the share `q` of the calls ended; `buckets` are (upper bound in s, cumulative count).

    `nan` if there was no call. Raises `ValueError` for a `q` below 0 or above 1.
    """
    if not 0 <= q <= 1:
        raise ValueError(f"expected q from 0 to 1, came {q}")
    if not buckets or buckets[-1][1] == 0:
        return math.nan
    rank, low, below = q * buckets[-1][1], 0.0, 0
    for bound, count in buckets:
        if count >= rank and count > below:
            if bound == math.inf:
                break
            return low + (bound - low) * (rank - below) / (count - below)
        if bound != math.inf:
            low, below = bound, count
    return low


### WRONG per-bucket-counts -> hand-made: the counts are cumulative already.
ours = quantile


def quantile(buckets, q):
    total, summed = 0, []
    for bound, count in buckets:
        total += count
        summed.append((bound, total))
    return ours(summed, q)


### WRONG upper-bound -> hand-made: interpolate inside the bucket.
def quantile(buckets, q):
    if not 0 <= q <= 1:
        raise ValueError(q)
    if not buckets or buckets[-1][1] == 0:
        return math.nan
    return next(bound for bound, count in buckets if count >= q * buckets[-1][1])


### WRONG mean -> within-bucket: a mean is no quantile.
def quantile(buckets, q):
    if not 0 <= q <= 1:
        raise ValueError(q)
    total, low, below = 0.0, 0.0, 0
    for bound, count in buckets:
        middle = low if bound == math.inf else (low + bound) / 2
        total, low, below = total + (count - below) * middle, bound, count
    return total / below if below else math.nan


### WRONG always-the-median -> within-bucket: the answer is the same for q = 0.1 and for q = 0.6.
ours = quantile


def quantile(buckets, q):
    return ours(buckets, 0.5)


### WRONG returns-inf -> inf-bucket: answer the last finite bound; all we know is 'more'.
ours = quantile


def quantile(buckets, q):
    finite = [count for bound, count in buckets if bound != math.inf]
    answer = ours(buckets, q)
    return math.inf if finite and q * buckets[-1][1] > finite[-1] else answer


### WRONG zero-when-empty -> empty: no calls is not 0 s.
ours = quantile


def quantile(buckets, q):
    answer = ours(buckets, q)
    return 0.0 if math.isnan(answer) else answer


### WRONG percent -> bad-q: q is a share from 0 to 1; raise ValueError for anything else.
ours = quantile


def quantile(buckets, q):
    return ours(buckets, min(max(q, 0.0), 1.0))


### WRONG bisect-right -> interpolates: the first bucket whose count reaches the rank, not the first that is beyond it.
ours = quantile


def quantile(buckets, q):
    from bisect import bisect_right

    if not 0 < q < 1 or not buckets or not buckets[-1][1]:
        return ours(buckets, q)
    counts = [count for _, count in buckets]
    at = bisect_right(counts, q * counts[-1])
    low, below = buckets[at - 1] if at else (0.0, 0)
    high, count = buckets[at]
    return low if high == math.inf else low + (high - low) * max(0, q * counts[-1] - below) / (count - below)


### WRONG beyond-the-rank -> interpolates: the first bucket whose count reaches the rank, not the first that is beyond it.
def quantile(buckets, q):
    if not 0 <= q <= 1:
        raise ValueError(q)
    if not buckets or buckets[-1][1] == 0:
        return math.nan
    rank, low, below = q * buckets[-1][1], 0.0, 0
    for bound, count in buckets:
        if count > rank:
            return low if bound == math.inf else low + (bound - low) * (rank - below) / (count - below)
        low, below = bound, count
    return low


### WRONG whole-rank -> interpolates: do not round the rank: `q` × all calls need not be a whole number.
def quantile(buckets, q):
    if not 0 <= q <= 1:
        raise ValueError(q)
    if not buckets or buckets[-1][1] == 0:
        return math.nan
    rank, low, below = math.ceil(q * buckets[-1][1]), 0.0, 0
    for bound, count in buckets:
        if count >= rank and count > below:
            return low if bound == math.inf else low + (bound - low) * (rank - below) / (count - below)
        if bound != math.inf:
            low, below = bound, count
    return low


### WRONG no-return -> hand-made: 3 s is the last bound; the first bucket that reaches the rank ends at 2 s. Is a `return`
###       missing there?
def quantile(buckets, q):
    if not 0 <= q <= 1:
        raise ValueError(q)
    if not buckets or buckets[-1][1] == 0:
        return math.nan
    rank, low, below = q * buckets[-1][1], 0.0, 0
    for bound, count in buckets:
        if count >= rank:
            if bound == math.inf:
                return low
            low + (bound - low) * (rank - below) / (count - below)
        low, below = bound, count


### WRONG eats-the-list -> hand-made: the list that was handed in has changed; leave it as it is.
ours = quantile


def quantile(buckets, q):
    answer = ours(buckets, q)
    while len(buckets) > 1 and buckets[0][0] < answer:
        buckets.pop(0)
    return answer


### WRONG empty-first -> bad-q: a `q` outside 0 … 1 raises ValueError, also if there was no call.
ours = quantile


def quantile(buckets, q):
    return ours(buckets, q) if buckets else math.nan


### WRONG returned-error -> bad-q: raise the error; do not return it.
ours = quantile


def quantile(buckets, q):
    try:
        return ours(buckets, q)
    except ValueError as error:
        return error


### RIGHT bisect
def quantile(buckets, q):
    from bisect import bisect_left

    if q < 0 or q > 1:
        raise ValueError("q")
    counts = [count for _, count in buckets]
    if not counts or not counts[-1]:
        return float("nan")
    rank = q * counts[-1]
    at = bisect_left(counts, max(rank, 1e-12))
    low = buckets[at - 1][0] if at else 0.0
    if buckets[at][0] == float("inf"):
        return low
    below = counts[at - 1] if at else 0
    return low + (buckets[at][0] - low) * (rank - below) / (counts[at] - below)


### RIGHT pairwise
def quantile(buckets, q):
    from itertools import pairwise

    if not (0.0 <= q <= 1.0):
        raise ValueError("a share")
    edges = [(0.0, 0), *sorted(buckets)]
    rank = q * edges[-1][1]
    for (low, below), (high, count) in pairwise(edges):
        if below <= rank <= count and count > below:
            share = (rank - below) / (count - below)
            return low if math.isinf(high) else low + share * (high - low)
    return math.nan


### END SOLUTION

# %%
check("6.2", quantile)

# %% [markdown]
# ## 6.3 `Sampler`: on a timer
#
# Suppose that the depth of a queue is noted whenever something is sent. In an outage nobody sends, so nobody notes it,
# and the plot stays flat while messages wait. So somebody has to look at fixed times, also while nothing happens. A
# `Sampler` does: every `interval` seconds it calls its *probes*, which are functions that return a number, and it keeps
# what they return.
#
# - `samples` is a list (or deque) of `(loop time, name, value)`, oldest first. It is one for all probes; of all samples
#   the newest `keep` stay.
# - Looking takes time. The looks stay on a grid all the same: look 1,000 is due 999 intervals after the first look. At
#   each look all probes are asked.
# - `high_water[name]` is the highest value of a probe so far; it may be below 0. A peak of 10 ms falls between two looks.
#   Whoever knows of such a peak calls `note(name, value)`; the name need not be that of a probe. A note is no sample, and
#   can only raise the high water.
# - A probe may raise any `Exception`. Then its value is `math.nan`, or its sample is left out. The other probes are asked
#   all the same, and this one is asked again the next time. `nan` is never a high water, neither from a probe nor from a
#   note.

# %%
### STEP 6.3 · 3 points · 20 minutes
### HINT `run` is a loop without end: it asks all probes, and then it sleeps until the next look is due.
### HINT Remember when the next look is due: `next_at += self.interval`, and sleep until then, not for an interval.
### HINT `self.high_water[name] = max(self.high_water.get(name, value), value)`, in `note`, unless `math.isnan(value)`; and
###      each sample is noted too.
import asyncio
import math
from collections import deque
from collections.abc import Callable


### BEGIN SOLUTION
class Sampler:
    """`samples` of some probes, on a timer, and the `high_water` of each."""

    def __init__(self, probes: dict[str, Callable[[], float]], *, interval: float = 0.25, keep: int = 10_000) -> None:
        """`probes` by name; `interval` in seconds; `keep` is how many samples stay at most."""
        self.probes, self.interval = probes, interval
        self.samples: deque[tuple[float, str, float]] = deque(maxlen=keep)
        self.high_water: dict[str, float] = {}

    def note(self, name: str, value: float) -> None:
        """Tell of a value between two looks."""
        if not math.isnan(value):
            self.high_water[name] = max(self.high_water.get(name, value), value)

    async def run(self) -> None:
        """Look every `interval` seconds, the first time at once, until cancelled."""
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            at = loop.time()
            for name, probe in self.probes.items():
                try:
                    value = probe()
                    self.note(name, value)
                except Exception:
                    value = math.nan
                self.samples.append((at, name, value))
            next_at += self.interval
            await asyncio.sleep(next_at - loop.time())


### WRONG on-send -> on-a-timer: no sample for the whole outage: the plot froze when it mattered.
class Sampler(Sampler):
    def note(self, name, value):
        super().note(name, value)
        self.samples.append((asyncio.get_running_loop().time(), name, value))

    async def run(self):
        await asyncio.Event().wait()


### WRONG wall-clock -> on-a-timer: `samples` holds the time of the loop: `loop.time()`.
class Sampler(Sampler):
    async def run(self):
        import time

        while True:
            for name, probe in self.probes.items():
                try:
                    self.note(name, value := probe())
                except Exception:
                    value = math.nan
                self.samples.append((time.time(), name, value))
            await asyncio.sleep(self.interval)


### WRONG forgets-the-next -> on-a-timer: it looks again and again in the same instant; sleep until the next look is due.
class Sampler(Sampler):
    async def run(self):
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            for name, probe in self.probes.items():
                value = probe()
                self.note(name, value)
                self.samples.append((loop.time(), name, value))
            await asyncio.sleep(next_at - loop.time())


### WRONG drifts -> no-drift: sleep until the next grid instant.
class Sampler(Sampler):
    async def run(self):
        loop = asyncio.get_running_loop()
        while True:
            at = loop.time()
            for name, probe in self.probes.items():
                try:
                    self.note(name, value := probe())
                except Exception:
                    value = math.nan
                self.samples.append((at, name, value))
            await asyncio.sleep(self.interval)


### WRONG last-value-only -> peaks: `note` told of a peak between two looks: it belongs in `high_water`.
class Sampler(Sampler):
    def note(self, name, value):
        self.high_water[name] = value


### WRONG samples-only -> peaks: `note` told of a peak between two looks: it belongs in `high_water`.
class Sampler(Sampler):
    def note(self, name, value):
        if any(sample[1:] == (name, value) for sample in list(self.samples)[-1:]):
            super().note(name, value)


### WRONG from-zero -> peaks: every value was below 0, and so is the highest of them.
class Sampler(Sampler):
    def note(self, name, value):
        self.high_water[name] = max(self.high_water.get(name, 0.0), value)


### WRONG none-for-a-broken-probe -> bad-probe: a value is a number; one that is missing is `math.nan`, or left out.
class Sampler(Sampler):
    def __init__(self, probes, **options):
        self.asked = probes
        super().__init__({}, **options)

    async def run(self):
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            for name, probe in self.asked.items():
                try:
                    self.note(name, value := probe())
                except Exception:
                    value = None
                self.samples.append((loop.time(), name, value))
            next_at += self.interval
            await asyncio.sleep(next_at - loop.time())


### WRONG probed-notes-only -> peaks: `note` counts for a name that no probe has, too.
class Sampler(Sampler):
    def note(self, name, value):
        if name in self.probes:
            super().note(name, value)


### WRONG dies-of-probe -> bad-probe: one broken probe blinded all.
class Sampler(Sampler):
    async def run(self):
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            for name, probe in self.probes.items():
                value = probe()
                self.note(name, value)
                self.samples.append((loop.time(), name, value))
            next_at += self.interval
            await asyncio.sleep(next_at - loop.time())


### WRONG unbounded -> bounded: a night of samples was kept; drop the oldest beyond `keep`.
class Sampler(Sampler):
    def __init__(self, probes, *, interval=0.25, keep=10_000):
        super().__init__(probes, interval=interval)
        self.samples = []


### WRONG stops-when-full -> bounded: the newest are gone; drop the oldest.
class Sampler(Sampler):
    class First(list):
        keep = 0

        def append(self, sample):
            if len(self) < self.keep:
                super().append(sample)

    def __init__(self, probes, *, interval=0.25, keep=10_000):
        super().__init__(probes, interval=interval)
        self.samples = self.First()
        self.samples.keep = keep


### WRONG waits-first -> on-a-timer: look once at the start, then wait.
class Sampler(Sampler):
    async def run(self):
        await asyncio.sleep(self.interval)
        await super().run()


### WRONG expected-errors-only -> bad-probe: one broken probe blinded all.
class Sampler(Sampler):
    async def run(self):
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            for name, probe in self.probes.items():
                try:
                    self.note(name, value := probe())
                except (AttributeError, KeyError, RuntimeError, ValueError):
                    value = math.nan
                self.samples.append((loop.time(), name, value))
            next_at += self.interval
            await asyncio.sleep(next_at - loop.time())


### WRONG nan-sticks -> peaks: nan is no high water; nothing is higher than it.
class Sampler(Sampler):
    def note(self, name, value):
        self.high_water[name] = max(self.high_water.get(name, value), value)

    async def run(self):
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            for name, probe in self.probes.items():
                try:
                    value = probe()
                except Exception:
                    value = math.nan
                self.note(name, value)
                self.samples.append((loop.time(), name, value))
            next_at += self.interval
            await asyncio.sleep(next_at - loop.time())


### WRONG of-the-class -> on-a-timer: a new sampler shares them with another one: make `samples` and `high_water` in
###       `__init__`.
class Sampler(Sampler):
    high_water = {}  # noqa: RUF012
    samples = deque(maxlen=10_000)  # noqa: RUF012

    def __init__(self, probes, *, interval=0.25, keep=10_000):
        self.probes, self.interval = probes, interval


### WRONG keep-of-each -> bounded: `keep` is for all probes together.
class Sampler:
    def __init__(self, probes, *, interval=0.25, keep=10_000):
        self.every = interval
        self.rows = {name: (probe, deque(maxlen=keep)) for name, probe in probes.items()}
        self.high_water = {}

    @property
    def samples(self):
        return sorted((at, name, value) for name, (_, row) in self.rows.items() for at, value in row)

    def note(self, name, value):
        if value > self.high_water.get(name, -math.inf):
            self.high_water[name] = value

    async def run(self):
        now = asyncio.get_running_loop().time
        begun, number = now(), 0
        while True:
            for name, (probe, row) in self.rows.items():
                with __import__("contextlib").suppress(Exception):
                    at, value = now(), float(probe())
                    row.append((at, value))
                    self.note(name, value)
            number += 1
            await asyncio.sleep(max(0.0, begun + number * self.every - now()))


### RIGHT async-generator
class Sampler:
    def __init__(self, probes, *, interval=0.25, keep=10_000):
        self.look = {name: self._safe(probe) for name, probe in probes.items()}
        self.interval, self.keep = interval, keep
        self.samples, self.high_water = [], {}

    @staticmethod
    def _safe(probe):
        def value():
            try:
                return float(probe())
            except Exception:
                return None

        return value

    def note(self, name, value):
        if value > self.high_water.get(name, float("-inf")):
            self.high_water[name] = value

    async def instants(self):
        time = asyncio.get_running_loop().time
        due = time()
        while True:
            yield time()
            while due <= time():
                due += self.interval
            await asyncio.sleep(due - time())

    async def run(self):
        from contextlib import aclosing

        async with aclosing(self.instants()) as instants:
            async for at in instants:
                fresh = [(at, name, look()) for name, look in self.look.items()]
                fresh = [sample for sample in fresh if sample[2] is not None]
                self.samples = [*self.samples, *fresh][-self.keep :]
                for _, name, value in fresh:
                    self.note(name, value)


### RIGHT call-at
class Sampler:
    """The loop's own timers, one after the other."""

    def __init__(self, probes, *, interval=0.25, keep=10_000):
        self.probes, self.interval, self.keep = probes, interval, keep
        self.samples, self.high_water = [], {}

    def note(self, name, value):
        if not math.isnan(value):
            self.high_water[name] = max(value, self.high_water.get(name, value))

    def look(self, at):
        for name in self.probes:
            try:
                value = self.probes[name]()
            except Exception:
                value = float("nan")
            self.note(name, value)
            self.samples.append((at, name, value))
        del self.samples[: -self.keep]

    async def run(self):
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            turn = asyncio.Event()
            timer = loop.call_at(due, turn.set)
            try:
                await turn.wait()
            finally:
                timer.cancel()
            self.look(loop.time())
            due += self.interval


### END SOLUTION

# %%
check("6.3", Sampler)

# %% [markdown]
# ## 6.4 `imbalance`: the books
#
# Every call that starts has one end: a result, an error, a timeout, the loss of the connection, or a cancellation. So for
# each action this holds:
#
# started = result + error + timeout + lost + cancelled + pending
#
# If it does not hold, somebody has forgotten to count an end, or has counted one twice. `imbalance` finds the actions for
# which it does not hold.
#
# - `snapshot` has every series as it stands on the page, and its value:
#   `ocpp_calls_started_total{action="Heartbeat"}` and `ocpp_calls_total{action="Heartbeat",outcome="result"}`.
# - Other series are on the page too, and some look alike: `ocpp_call_seconds_count` counts the same calls once more, and
#   `ocpp_calls_created` is an instant. Only the two names above count here.
# - The labels may come in any order, and there may be more of them. If there is a label `charge_point`, an action has one
#   series for each charge point: add them up.
# - A series that is not there is 0. `pending` says how many calls of an action are under way; an action that is not in it
#   has none.

# %%
### STEP 6.4 · 3 points · 20 minutes
### HINT There is one equation for each action. So keep a dict from action to number, go through the series, and add to
###      the number of the action that the series names.
### HINT `key.partition("{")` gives the name and the labels; `re.findall(r'(\w+)="([^"]*)"', labels)` gives pairs.
### HINT `balance[action] += value` for a start, `-=` for an end and for what is pending
###      (a `collections.defaultdict(float)` begins at 0); return those that are not 0.
import re


### BEGIN SOLUTION
def imbalance(snapshot: dict[str, float], pending: dict[str, int]) -> dict[str, float]:
    """By action: started minus ended minus `pending`, only where it is not 0; {} if all is well.

    A positive number is calls that never ended, a negative one is ends that had no start. Both dicts stay as they are.
    """
    balance = {action: -calls for action, calls in pending.items()}
    for key, value in snapshot.items():
        name, _, labels = key.partition("{")
        if name in ("ocpp_calls_started_total", "ocpp_calls_total"):
            action = dict(re.findall(r'(\w+)="([^"]*)"', labels))["action"]
            change = value if name == "ocpp_calls_started_total" else -value
            balance[action] = balance.get(action, 0) + change
    return {action: calls for action, calls in balance.items() if calls}


### WRONG forgets-cancelled -> balanced: cancelled calls have an end too.
ours = imbalance


def imbalance(snapshot, pending):
    return ours({key: value for key, value in snapshot.items() if "cancelled" not in key}, pending)


### WRONG count-as-ends -> balanced: `ocpp_call_seconds_count` counts the same calls once more; only `ocpp_calls_total`
###       is an end.
ours = imbalance


def imbalance(snapshot, pending):
    books = dict(snapshot)
    for key, value in snapshot.items():
        if key.startswith("ocpp_call_seconds_count{") and "action=" in key:
            books[key.replace("ocpp_call_seconds_count", "ocpp_calls_total").replace("}", ',more="1"}')] = value
    return ours(books, pending)


### WRONG two-labels-only -> label-order: there may be more labels than `action` and `outcome`; here `charge_point`.
ours = imbalance


def imbalance(snapshot, pending):
    return ours({key: value for key, value in snapshot.items() if "charge_point" not in key}, pending)


### WRONG sum-over-all -> finds-leak: one action's leak hid behind another's double.
ours = imbalance


def imbalance(snapshot, pending):
    found = ours(snapshot, pending)
    return found if sum(found.values()) else {}


### WRONG search-action -> label-order: the label "transaction" ends in "action" too; match the whole name of a label.
def imbalance(snapshot, pending):
    found = {action: -calls for action, calls in pending.items()}
    for key, value in snapshot.items():
        if key.startswith(("ocpp_calls_started_total{", "ocpp_calls_total{")):
            action = re.search(r'action="([^"]*)"', key)[1]
            found[action] = found.get(action, 0) + (value if "started" in key else -value)
    return {action: calls for action, calls in found.items() if calls}


### WRONG last-series-wins -> label-order: two series of one action: add them up.
ours = imbalance


def imbalance(snapshot, pending):
    books = {}
    for key, value in snapshot.items():
        name, _, labels = key.partition("{")
        labels = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        kept = ",".join(f'{label}="{labels[label]}"' for label in ("action", "outcome") if label in labels)
        books[f"{name}{{{kept}}}"] = value
    return ours(books, pending)


### WRONG pending-if-seen -> pending-counts: what is pending counts for an action without a series, too.
ours = imbalance


def imbalance(snapshot, pending):
    seen = " ".join(snapshot)
    return ours(snapshot, {action: calls for action, calls in pending.items() if f'action="{action}"' in seen})


### WRONG known-actions-only -> missing-series: `other` has books too: what a peer invents is counted there.
ours = imbalance


def imbalance(snapshot, pending):
    return {action: calls for action, calls in ours(snapshot, pending).items() if action != "other"}


### WRONG ended-minus-started -> finds-leak: the sign is turned round: it is started minus ended, so a call without an end
###       counts as +1.
ours = imbalance


def imbalance(snapshot, pending):
    return {action: -calls for action, calls in ours(snapshot, pending).items()}


### WRONG changes-pending -> pending-counts: `pending` was changed; leave what is handed in as it is.
ours = imbalance


def imbalance(snapshot, pending):
    answer = ours(snapshot, pending)
    for action in pending:
        pending[action] = -pending[action]
    return answer


### WRONG abs -> finds-double: the sign tells leak from double.
ours = imbalance


def imbalance(snapshot, pending):
    return {action: abs(calls) for action, calls in ours(snapshot, pending).items()}


### WRONG keyerror -> missing-series: a series nobody touched is 0.
def imbalance(snapshot, pending):
    found = {}
    for key, value in snapshot.items():
        if key.startswith("ocpp_calls_started_total{"):
            action = re.search(r'action="([^"]*)"', key)[1]
            for outcome in ("result", "error", "timeout", "lost", "cancelled"):
                value -= snapshot[f'ocpp_calls_total{{action="{action}",outcome="{outcome}"}}']
            if value - pending.get(action, 0):
                found[action] = value - pending.get(action, 0)
    return found


### WRONG ignores-pending -> pending-counts: a call that is pending has started and not ended; it is no leak.
ours = imbalance


def imbalance(snapshot, pending):
    return ours(snapshot, {})


### WRONG fixed-label-order -> label-order: parse labels, not positions.
def imbalance(snapshot, pending):
    from collections import Counter

    balance = Counter()
    for key, value in snapshot.items():
        if key.startswith("ocpp_calls_started_total{"):
            balance[key.split('"')[1]] += value
        elif key.startswith("ocpp_calls_total{"):
            balance[key.split('"')[1]] -= value
    balance.subtract(pending)
    return {action: calls for action, calls in balance.items() if calls}


### WRONG tells-all -> balanced: an action that balances is left out; only differences are told.
ours = imbalance


def imbalance(snapshot, pending):
    actions = {action for key in snapshot for action in re.findall(r'ocpp_calls.*action="(\w+)"', key)}
    return dict.fromkeys(actions, 0) | ours(snapshot, pending)


### RIGHT two-counters
def imbalance(snapshot, pending):
    from collections import Counter

    started, gone = Counter(), Counter(pending)
    for key, value in snapshot.items():
        if match := re.fullmatch(r'ocpp_calls(_started)?_total\{(?:.*,)?action="([^"]*)".*\}', key):
            (started if match[1] else gone)[match[2]] += value
    return {a: started[a] - gone[a] for a in {*started, *gone} if started[a] != gone[a]}


### RIGHT parsed-rows
def imbalance(snapshot, pending):
    rows = []
    for key, value in snapshot.items():
        name, brace, rest = key.partition("{")
        labels = dict(pair.split("=", 1) for pair in rest.rstrip("}").split(",")) if brace else {}
        rows.append((name, labels.get("action", "").strip('"'), value))
    sums = {}
    for name, action, value in [*rows, *(("pending", action, n) for action, n in pending.items())]:
        sign = {"ocpp_calls_started_total": 1, "ocpp_calls_total": -1, "pending": -1}.get(name, 0)
        if sign:
            sums[action] = sums.get(action, 0) + sign * value
    return {action: total for action, total in sums.items() if abs(total) > 1e-9}


### END SOLUTION

# %%
check("6.4", imbalance)

# %% [markdown]
# ## 6.5 `diagnose`: what happened tonight
#
# Two snapshots of one charge point, half an hour or so apart, and nothing else. One of eight words is the answer:
#
# | word | what it was |
# |---|---|
# | `healthy` | a normal night |
# | `peer-silent` | the central system leaves calls unanswered; the connection is good |
# | `peer-slow` | it answers all of them, but every answer takes 3 s or more |
# | `peer-refuses` | it answers calls with CallErrors |
# | `link-cut` | the connection dies during calls; each time the next dial succeeds |
# | `half-open` | for minutes nothing comes back; calls, pings and dials reach nobody |
# | `link-stalled` | the central system reads no more; what we write waits at our end |
# | `credentials` | the key was changed on one side only; the connection went down once, and each dial is refused |
#
# The keys of a snapshot are written as in 6.4. A series that was never touched is not there; that is so for each bucket of
# a histogram, too. Whatever is not there is 0. These series tell enough:
#
# | series | what it says |
# |---|---|
# | `ocpp_calls_total{action,outcome}` | calls that ended, with `outcome` result, error, timeout, lost, cancelled |
# | `ocpp_call_seconds_sum{outcome}`, `…_count{outcome}`, `…_bucket{le,outcome}` | how long they took |
# | `ocpp_dials_total{outcome}` | attempts to connect: `connected`; `unreachable`; `refused_401`, the key is wrong; `refused_503`, the central system is busy, and the key is good; … |
# | `ocpp_connection_losses_total` | open connections that died |
# | `ocpp_write_queue_depth`, `ocpp_writes_in_flight` | gauges: texts that wait for the writer; writes that the network does not take |
#
# - Names that end in `_total`, `_count`, `_sum` or `_bucket` are counters. They count since the process began, perhaps
#   for weeks. If one of them is lower in `after` than in `before`, or is not there any more, then the process was
#   restarted in between. *All* counters began again at 0 then, also those that are higher now than before.
# - All other series are gauges: they are true at the instant of the snapshot. Take them from `after`.
# - A call has failed if it ended with error, timeout or lost. A cancelled call is no failure: its caller took it back.
# - Less than 2 calls in 100 failed, no answer was slow, fewer than three texts wait, and no dial got 401: `healthy`, even
#   if a connection was lost or a dial was unreachable. A night without any call is `healthy`, too.
# - There is one fault at a time. `peer-silent`, `peer-refuses`, `link-cut` and `half-open` make 5 calls in 100 fail at
#   least, perhaps all of them, of any action. With `credentials`, `link-stalled` and `peer-slow` perhaps no call fails.
# - A healthy answer takes less than 1 s. With `peer-slow` every answer takes 3 s or more.
# - On a stalled connection the gauge `ocpp_write_queue_depth` is 3 at least. Up to 2 is no fault. Do not add the other
#   gauge to it.
# - `seconds` is the time between the two snapshots: from 60 to 3600. The number of calls in that time may be large or
#   small, so judge shares of the calls.
#
# Here is one hour of each word, as a start. Your function must hold for other hours, in which the fault is weaker or
# stronger.

# %% tags=["scaffold"]
from ocpp_course.checks.integration_and_metrics.hours import VERDICTS, example

for word in VERDICTS:
    before, after = example(word)
    calls, dials = ({}, {})
    for counts, name in ((calls, "ocpp_calls_total"), (dials, "ocpp_dials_total")):
        for how, change in lab.labelled(lab.moved(before, after), name, "outcome").items():
            counts[how] = int(change)
    print(f"{word:13} calls {calls} · dials {dials} · waiting texts {after.get('ocpp_write_queue_depth', 0):.0f}")

# %%
### STEP 6.5 · 3 points · 25 minutes
### HINT Look at the eight lines above. For each word write down which numbers are large in its line and small in all
###      others. One or two numbers are enough.
### HINT First the differences, summed over all actions: by name and outcome. Then shares: ends of one kind by all ends.
### HINT Ask first for what explains the rest: credentials (refused_401), then the connection (writes that wait; lost
###      connections, and were the dials after them connected or unreachable?), then the peer (timeouts, errors, seconds for each result).
import re


### BEGIN SOLUTION
def diagnose(before: dict[str, float], after: dict[str, float], seconds: float) -> str:
    """The word for what happened between the snapshots `before` and `after`, `seconds` apart."""

    counters = [key for key in before if key.partition("{")[0].endswith(("_total", "_count", "_sum", "_bucket"))]
    restarted = any(after.get(key, 0.0) < before[key] for key in counters)

    def moved(name, outcome=""):
        total = 0.0
        for key, now in after.items():
            if key.partition("{")[0] == name and (not outcome or f'outcome="{outcome}"' in key):
                total += now if restarted else now - before.get(key, 0.0)
        return total

    calls = moved("ocpp_calls_total")
    timeouts, errors, results = (moved("ocpp_calls_total", how) for how in ("timeout", "error", "result"))
    if moved("ocpp_dials_total", "refused_401"):
        return "credentials"
    if after.get("ocpp_write_queue_depth", 0) >= 3:
        return "link-stalled"
    if moved("ocpp_connection_losses_total") > 0.03 * calls:
        reached = moved("ocpp_dials_total", "connected")
        return "half-open" if moved("ocpp_dials_total", "unreachable") > reached else "link-cut"
    if timeouts > 0.03 * calls:
        return "peer-silent"
    if errors > 0.03 * calls:
        return "peer-refuses"
    if moved("ocpp_call_seconds_sum", "result") > 1.5 * results:
        return "peer-slow"
    return "healthy"


### WRONG absolute-values -> differences: what was counted before the first snapshot is not of tonight.
ours = diagnose


def diagnose(before, after, seconds):
    return ours({}, after, seconds)


### WRONG any-timeout -> healthy: two in ten thousand is a Friday, not a fault.
ours = diagnose


def diagnose(before, after, seconds):
    said = ours(before, after, seconds)
    timeouts = [after[key] - before.get(key, 0) for key in after if "ocpp_calls_total" in key and "timeout" in key]
    return "peer-silent" if said == "healthy" and any(timeouts) else said


### WRONG timeouts-mean-cut -> each-fault: silent peer and cut connection differ: look at lost calls and at the dials.
ours = diagnose


def diagnose(before, after, seconds):
    said = ours(before, after, seconds)
    return "link-cut" if said == "peer-silent" else said


### WRONG negative-diff -> restart: the counter restarted; count from 0.
ours = diagnose


def diagnose(before, after, seconds):
    # "A counter cannot go back": where it did, nothing was counted.
    return ours({key: min(value, after.get(key, 0)) for key, value in before.items()}, after, seconds)


### WRONG each-counter-alone -> restart: one counter went back, so all of them began again at 0.
ours = diagnose


def diagnose(before, after, seconds):
    # A counter is a counter: where it did not go back, take the difference.
    return ours({key: value if value <= after.get(key, 0) else 0 for key, value in before.items()}, after, seconds)


### WRONG any-refusal -> healthy: `refused_503` is a busy central system, and no matter of the key; that is `refused_401`.
ours = diagnose


def diagnose(before, after, seconds):
    refused = [key for key in after if key.startswith("ocpp_dials_total") and "refused" in key]
    if any(after[key] > before.get(key, 0) for key in refused):
        return "credentials"
    return ours(before, after, seconds)


### WRONG bucket-missing -> shares: a bucket that is not on the page holds no call: it is 0.
ours = diagnose


def diagnose(before, after, seconds):
    said = ours(before, after, seconds)
    return (
        "healthy"
        if said == "peer-slow" and 'ocpp_call_seconds_bucket{le="1.0",outcome="result"}' not in after
        else said
    )


### WRONG cancelled-is-failed -> shares: 10 calls in 100 were cancelled by their callers: that is no failure.
ours = diagnose


def diagnose(before, after, seconds):
    taken_back = {key: value for key, value in after.items() if 'outcome="cancelled"' in key and "_calls_total" in key}
    errors = {key.replace("cancelled", "error"): value for key, value in taken_back.items()}
    return ours(before, after | {key: value + after.get(key, 0) for key, value in errors.items()}, seconds)


### WRONG both-gauges -> shares: `ocpp_write_queue_depth` is 2; on a stalled connection it is 3 at least.
ours = diagnose


def diagnose(before, after, seconds):
    queue, flying = "ocpp_write_queue_depth", "ocpp_writes_in_flight"
    return ours(before, after | {queue: after.get(queue, 0) + after.get(flying, 0)}, seconds)


### WRONG two-waiting -> shares: `ocpp_write_queue_depth` is 2; on a stalled connection it is 3 at least.
ours = diagnose


def diagnose(before, after, seconds):
    return "link-stalled" if after.get("ocpp_write_queue_depth", 0) >= 2 else ours(before, after, seconds)


### WRONG reconnects-only -> each-fault: a wrong key also loses the connection; look at the outcomes of the dials.
ours = diagnose


def diagnose(before, after, seconds):
    said = ours(before, after, seconds)
    return "link-cut" if said in ("credentials", "half-open") else said


### WRONG one-seed -> each-fault: right at one strength only.
ours = diagnose


def diagnose(before, after, seconds):
    def change(name, outcome):
        return sum(after[key] - before.get(key, 0) for key in after if name in key and outcome in key)

    said = ours(before, after, seconds)
    if said == "peer-refuses":  # 57 of 286 in the example
        calls = change("ocpp_calls_total", "")
        return said if 0.15 < change("ocpp_calls_total", "error") / calls < 0.25 else "peer-silent"
    return said


### WRONG per-second -> rates: judge shares of the calls: the same night, counted longer or at a quieter
###       place, was another.
ours = diagnose


def diagnose(before, after, seconds):
    said = ours(before, after, seconds)
    restarted = any(
        after.get(key, 0) < value for key, value in before.items() if re.search("_(total|count|sum|bucket)", key)
    )
    lost, then = (each.get("ocpp_connection_losses_total", 0) for each in (after, {} if restarted else before))
    often = (lost - then) / seconds > 1 / 200
    return "healthy" if said == "link-cut" and not often else said


### WRONG one-in-ten -> shares: 6 calls in 100 fail; a fault hits 5 in 100 at least, of whatever action.
ours = diagnose


def diagnose(before, after, seconds):
    def change(outcome):
        return sum(after[key] - before.get(key, 0) for key in after if "ocpp_calls_total" in key and outcome in key)

    said = ours(before, after, seconds)
    return "healthy" if said == "peer-refuses" and change("error") < 0.1 * change("") else said


### WRONG divides-by-nothing -> healthy: no call at all is no fault, and 0 divides nothing.
ours = diagnose


def diagnose(before, after, seconds):
    calls = sum(after[key] - before.get(key, 0) for key in after if "ocpp_calls_total" in key)
    return ours(before, after, seconds * calls / calls)


### WRONG gauge-difference -> differences: a gauge is what it is now: take it from `after`, and no difference.
ours = diagnose


def diagnose(before, after, seconds):
    queue = "ocpp_write_queue_depth"
    return ours(before, after | {queue: after.get(queue, 0) - before.get(queue, 0)}, seconds)


### RIGHT scored
def diagnose(before, after, seconds):
    change = {}
    gauges = ("ocpp_write_queue_depth", "ocpp_writes_in_flight")
    if any(
        after.get(key, 0.0) < was for key, was in before.items() if re.search("_(total|count|sum|bucket)({|$)", key)
    ):
        before = {key: before[key] for key in gauges if key in before}
    for key, now in after.items():
        name, _, labels = key.partition("{")
        outcome = dict(re.findall(r'(\w+)="([^"]*)"', labels)).get("outcome", "")
        change[name, outcome] = change.get((name, outcome), 0.0) + now - before.get(key, 0.0)
    ends = {how: change.get(("ocpp_calls_total", how), 0.0) for how in ("result", "error", "timeout", "lost")}
    dials = {how: change.get(("ocpp_dials_total", how), 0.0) for how in ("connected", "unreachable", "refused_401")}
    calls = sum(ends.values()) or 1.0
    lost = change.get(("ocpp_connection_losses_total", ""), 0.0) / calls > 0.025
    seconds_each = change.get(("ocpp_call_seconds_sum", "result"), 0.0) / (ends["result"] or 1.0)
    scores = {
        "credentials": 100 * (dials["refused_401"] > 0),
        "link-stalled": 50 * (after.get("ocpp_write_queue_depth", 0.0) > 2),
        "half-open": 20 * (lost and dials["unreachable"] > dials["connected"]),
        "link-cut": 19 * lost,
        "peer-silent": 10 * (ends["timeout"] / calls > 0.025),
        "peer-refuses": 9 * (ends["error"] / calls > 0.025),
        "peer-slow": 8 * (seconds_each > 2),
        "healthy": 1,
    }
    return max(scores, key=scores.get)


### RIGHT decision-list
RULES = [
    ("credentials", lambda d, now: d("dials", "refused_401") > 0),
    ("link-stalled", lambda d, now: now.get("ocpp_writes_in_flight") and now["ocpp_write_queue_depth"] > 2),
    ("half-open", lambda d, now: d("connection_losses") > 0.02 * d("calls") < d("dials", "unreachable")),
    ("link-cut", lambda d, now: d("connection_losses") > 0.02 * d("calls")),
    ("peer-silent", lambda d, now: d("calls", "timeout") > 0.02 * d("calls")),
    ("peer-refuses", lambda d, now: d("calls", "error") > 0.02 * d("calls")),
    ("peer-slow", lambda d, now: d("call_seconds", "result", le="1") < 0.5 * d("calls", "result")),
]


def went_back(before, after):
    names = {key: key.split("{")[0].rsplit("_", 1)[-1] for key in before}
    return any(
        names[key] in ("total", "count", "sum", "bucket") and after.get(key, 0) < value for key, value in before.items()
    )


def diagnose(before, after, seconds):
    before = {} if went_back(before, after) else before

    def d(what, outcome=None, le=None):
        name = f"ocpp_{what}_{'bucket' if le else 'total'}"
        found = 0.0
        for key, value in after.items():
            labels = dict(re.findall(r'(\w+)="([^"]*)"', key))
            fits = key.split("{")[0] == name and outcome in (None, labels.get("outcome"))
            if fits and (le is None or float(labels["le"]) == float(le)):
                found += value - before.get(key, 0)
        return found

    return next((word for word, rule in RULES if rule(d, after)), "healthy")


### END SOLUTION

# %%
check("6.5", diagnose)

# %% [markdown]
# ## Capstone: your instruments in a bad night
#
# A charge point has no argument for instruments, and needs none: they go in with its session and its transport.
# `Instrumented` counts each call of the session and each text under the transport, and tells your `Instruments`. Where a
# step is not done yet, the package's goes in.
#
# Both ends are live, with a `FaultPanel` for the central system and a `ProxyPanel` for the connection.

# %% tags=["scaffold"]
import asyncio

from IPython.display import display

from ocpp_lab import CentralSystem, ChaosProxy, ChargePoint, OcppError
from ocpp_lab import messages as m
from ocpp_course.checks.integration_and_metrics.instrumented import Instrumented

YourInstruments, your_quantile, YourSampler, your_imbalance = (mine(f"6.{n}") for n in range(1, 5))
counted = Instrumented(YourInstruments)
central_system = await CentralSystem().start()
proxy = await ChaosProxy(central_system.host, central_system.port).start()
charge_point = await ChargePoint(
    proxy.url,
    "CP_1",
    timeout=0.3,
    delays=lambda: iter(lambda: 0.05, None),
    session=counted.session(),
    transport=counted.transport(),
).start()
await charge_point.wait_for("online")
await lab.until(lambda: not counted.pending())
panel, line_panel = lab.FaultPanel(central_system), lab.ProxyPanel(proxy)
display(panel, line_panel)

# %% [markdown]
# Fourteen calls: ten good ones, one *ignore*, one *CallError*, one *reset*, and one that its caller cancels. Write down
# your **prediction** first: how many of the fourteen end with each of the five outcomes? What does your `imbalance` say
# while the last call is under way, and what after it?

# %% tags=["scaffold"]
from contextlib import suppress

AUTHORIZE = m.AuthorizeRequest(id_tag="TAG_A")


async def authorize():
    with suppress(OcppError):
        await charge_point.call(AUTHORIZE)


def ends():
    """How many Authorize have ended, by outcome."""
    page = {key: value for key, value in counted.page().items() if 'action="Authorize"' in key}
    counts = lab.labelled(page, "ocpp_calls_total", "outcome")
    return {how: int(counts.get(how, 0)) for how in ("result", "error", "timeout", "lost", "cancelled")}


for _ in range(10):
    await authorize()
for fault in ("ignore", "CallError"):
    panel.set(action="Authorize")
    panel.toggle(fault)
    await authorize()
    panel.toggle(fault, False)
print("outcomes so far:", ends())

# %% [markdown]
# Now the two that never get an answer: one loses its connection, one its caller.

# %% tags=["scaffold"]
panel.toggle("ignore")
old, call = charge_point.session, asyncio.create_task(authorize())
await lab.until(lambda: counted.pending())
line_panel.press("reset")
await call
await lab.until(lambda: charge_point.state == "online" and charge_point.session not in (old, None))
call = asyncio.create_task(charge_point.call(AUTHORIZE))
await lab.until(lambda: counted.pending())
print("under way:", counted.pending(), "· your imbalance:", your_imbalance(counted.page(), counted.pending()))
call.cancel()
await asyncio.wait([call])
print("outcomes of all fourteen:", ends())
print("your imbalance:", your_imbalance(counted.page(), counted.pending()))

# %% [markdown]
# More than half of the calls were fast; the p99 that your `quantile` finds shows the timeout.

# %% tags=["scaffold"]
latency = lab.buckets(counted.page())
print("p50 within 0.1 s:", your_quantile(latency, 0.5) < 0.1, "· p99 over 0.1 s:", your_quantile(latency, 0.99) > 0.1)

# %% [markdown]
# Your `Sampler` looks while nobody sends: *ignore* is still on, and one call waits for its timeout.

# %% tags=["scaffold"]
sampler = YourSampler({"pending": lambda: sum(counted.pending().values())}, interval=0.02)
looking = asyncio.create_task(sampler.run())
await authorize()
looking.cancel()
await asyncio.wait([looking])
seen = [value for _, name, value in sampler.samples]
print("looked while the call waited:", seen.count(1) > 5, "· most at a time:", int(sampler.high_water["pending"]))
panel.toggle("ignore", False)

# %% [markdown]
# Your turn: **choose** a fault on one of the panels, **predict** which of your series will move, switch it on, and run this
# cell.

# %% tags=["scaffold"]
earlier = counted.page()
for _ in range(3):
    await authorize()
moved = lab.moved(earlier, counted.page(), "ocpp_calls_started_total", "ocpp_calls_total", "ocpp_frames_total")
print(lab.short(moved))

# %% [markdown]
# ### Your drill
#
# Three colleagues have written a `diagnose`, too. Each has one mistake:
#
# - **A** does not look at `before`: it takes what is in `after`, as if the process had begun tonight.
# - **B** calls it `peer-silent` as soon as a single call timed out.
# - **C** takes what is in `after` for a counter that went back, and the difference for each other counter.
#
# A and C name the eight hours above correctly, so nobody has noticed; B misses the healthy one. **Choose** one, and **predict**: on which two pages does it err?
#
# <details><summary>A</summary>
# On any quiet night after a bad one. The week before has left many timeouts in <code>before</code>, and the same number
# in <code>after</code>.</details>
# <details><summary>B</summary>
# On a large quiet night: thousands of calls, and one timeout among them.</details>
# <details><summary>C</summary>
# After a restart, if tonight's number has passed yesterday's already: then this counter did not go back.</details>
#
# Now break them. `drill` has a pair of snapshots for each, on which it says another word than is right. A few series are
# enough. It earns no points; `drilled` says what does not work yet.

# %% tags=["scaffold"]
from ocpp_course.checks.integration_and_metrics import drilled

# %% tags=["exercise-only"]
drill = {}  # "A": (before, after), "B": …, "C": …

# %% tags=["solution-only"]
DONE = 'ocpp_calls_total{action="Authorize",outcome="result"}'
LATE = 'ocpp_calls_total{action="Authorize",outcome="timeout"}'
drill = {
    "A": ({DONE: 1000.0, LATE: 400.0}, {DONE: 2000.0, LATE: 400.0}),
    "B": ({DONE: 1000.0}, {DONE: 9000.0, LATE: 1.0}),
    "C": ({DONE: 50_000.0, LATE: 90.0}, {DONE: 900.0, LATE: 91.0}),
}

# %% tags=["scaffold"]
drilled(drill)

# %% [markdown]
# ### The last check
#
# It is a simulation: fifty nights of chaos with your instruments, and eight hours that nobody has seen for
# your `diagnose`. `ocpp-lab run-mine`, in a terminal, then runs all that you wrote in this course: your stack with your
# instruments, live, against a foreign central system, and in a hundred nights.


# %%
### STEP 6.capstone · 4 points · 25 minutes
# Nothing to write: the check takes your `Instruments` of 6.1, `imbalance` of 6.4 and `diagnose` of 6.5.
### BEGIN SOLUTION
### WRONG tells-nothing -> named: this hour was healthy; `diagnose` says peer-silent.
def diagnose(before, after, seconds):
    return "peer-silent"


### END SOLUTION

# %%
check("6.capstone", Instruments, imbalance, diagnose)

# %% [markdown]
# **Check yourself.** A click on a question shows the answer.
#
# <details><summary>Counter or gauge for reconnects?</summary>
# A counter. Rates come from differences, and no look is missed.</details>
# <details><summary>Why is a unique id no label?</summary>
# Each value is a time series of its own: one for every call, kept for ever.</details>
# <details><summary>Timeouts 0, lost 40: network or database?</summary>
# The network. Lost means that the connection died; a slow database leaves the connection alone.</details>
# <details><summary><code>imbalance</code> says {"Heartbeat": -1}. What was done wrong?</summary>
# One Heartbeat has two ends. Perhaps its timeout was counted, and then its late reply.</details>
# <details><summary>The p95 of two charge points is 1 s and 3 s. What is it for both together?</summary>
# Unknown. Add the buckets, then ask again: counts add up, percentiles do not.</details>
#
# **Further questions.** They have no answers here. Take one to a colleague, or into your own stack.
#
# - Prometheus asks each 15 s, and a charge point dies 10 s after it was asked. What is lost, and does it matter?
# - 5,000 charge points, ten actions, five outcomes: how many series is that in one central system? Which label would you
#   give up first?
# - At which number would you wake somebody at night? Which of the eight words should wake nobody?
# - A central system answers each StartTransaction within 50 ms, and writes it to its database an hour later. Which of
#   your instruments sees that?
# - Two faults at once: the central system is slow, and the key is wrong. What does your `diagnose` say, and what should a
#   page show instead of one word?

# %% [markdown] tags=["solution-only"]
# ## Beside the package
#
# In the package a `Tally` counts (`ocpp_lab/tally.py`), as plain numbers that outlive every session, and `Metrics`
# (`ocpp_lab/metrics.py`) shows them when somebody scrapes. Only the histograms are told of each event. The label that is
# `kind` here is `type` there. Its start and end are the two methods of a context manager, so no way out goes uncounted.
#
# `ocpp_lab/timeline.py` is the same sampler; a late turn is not made up for by a burst. The quantile is beside the plots,
# in `ocpp_course/lab/percentiles.py`. `Tally.imbalance` reads the numbers themselves; a scrape could be of two instants.
#
# libocpp has no counters; it has a log of every message, with the secrets in them, and lines for debugging.

# %% [markdown]
# All of it is still alive: press what you like above. The button closes it, and counts the tasks that are left.

# %% tags=["scaffold"]
closing = lab.Closing(guard, panel, line_panel, charge_point, proxy, central_system)
closing

# %% [markdown]
# | before | how far you are | after |
# | :--- | :---: | ---: |
# | [← Notebook 6<br>Integration and metrics](../notebooks/06_integration_and_metrics.ipynb) | [**START**<br>your lamps and points](../START.ipynb) | the night is over |
