"""`Metrics`: what happened tonight, in numbers, for Prometheus and for people (prometheus_client).

One registry for each charge point and each central system. Numbers are plain attributes, read at every scrape; only
the two histograms are told of every event. No unique id is ever a label: one series a call fills the disk.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from .central_system import CentralSystem
from .charge_point import ChargePoint
from .codec import FORGIVEN
from .connection import CONNECTION
from .errors import StoreFailed
from .exposition import exposition, number
from .messages import ACTIONS, MeterValuesRequest
from .tally import OUTCOMES, Tally

CALL_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
"""Seconds, from loopback to beyond the default timeout of 30 s."""

RECONNECT_BUCKETS = (1, 3, 6, 13, 24, 36, 82, 174, 600, 3600)
"""Seconds, at the edges of the back-off's envelope."""

Series = Iterator[Metric]


class Durations:
    """How often something took how long, in plain numbers: prometheus_client's own `Histogram` takes two locks for each
    event. ``bounds`` are in seconds, in order."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.names = [number(bound) for bound in (*bounds, float("inf"))]
        self.counts = [0] * (len(bounds) + 1)  # the last is for what took longer
        self.seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Something took so many seconds; a bound belongs to what lies below it."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.seconds += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """For each bound, how often something took at most so long."""
        return list(zip(self.names, accumulate(self.counts), strict=True))


class Metrics:
    """The registry of one end, and two ways to read it: ``value`` in tests, ``text`` for a scrape."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        # All of them from the start: a series that begins with the first fault has no rate for it.
        self._calls = {outcome: Durations(CALL_BUCKETS) for outcome in OUTCOMES}
        self.watch(lambda: _durations("ocpp_call_seconds", "Time from send to end", self._calls), sole=True)

    def value(self, name: str, **labels: str) -> float:
        """One sample, as it is now; 0 if there is none."""
        return self.registry.get_sample_value(name, labels) or 0.0

    def snapshot(self) -> dict[str, float]:
        """Every sample, by its name as it stands in the exposition: ``name{label="value",…}``."""
        return {_key(s.name, s.labels): s.value for family in self.registry.collect() for s in family.samples}

    def text(self) -> str:
        """The page that Prometheus scrapes."""
        return exposition(self.registry)

    def observe_call(self, outcome: str, seconds: float) -> None:
        """A call ended so after so many seconds; a `Tally` tells."""
        self._calls[outcome].observe(seconds)

    def watch(self, collect: Callable[[], Series], *, sole: bool = False) -> None:
        """Ask this function for series at every scrape. With ``sole`` it raises ValueError if the registry has them
        already: of another end."""
        self.registry.register(_Collector(collect, sole))


class _Collector:
    def __init__(self, collect: Callable[[], Series], sole: bool) -> None:
        self.collect = collect
        self.sole = sole

    def describe(self) -> Iterable[Metric]:
        return self.collect() if self.sole else ()  # or the registry would collect once at registration


def watch_charge_point(charge_point: ChargePoint, registry: CollectorRegistry | None = None) -> Metrics:
    """Metrics of a charge point, from now on."""
    metrics = Metrics(registry)
    reconnects = Durations(RECONNECT_BUCKETS)
    metrics.watch(lambda: _durations("ocpp_reconnect_seconds", "Time from loss to online", {"": reconnects}))
    charge_point.tally.observe = metrics.observe_call
    charge_point.uptime.observe = reconnects.observe
    metrics.watch(lambda: _of_tally(charge_point.tally))
    metrics.watch(lambda: _forgiven(charge_point.tally, charge_point.router.notes))
    metrics.watch(lambda: _of_charge_point(charge_point))
    return metrics


def watch_central_system(central_system: CentralSystem, registry: CollectorRegistry | None = None) -> Metrics:
    """Metrics of a central system, from now on; served at ``/metrics`` and ``/healthz`` of its own port."""
    metrics = Metrics(registry)
    central_system.tally.observe = metrics.observe_call
    metrics.watch(lambda: _of_tally(central_system.tally))
    metrics.watch(lambda: _forgiven(central_system.tally, central_system.notes))
    metrics.watch(lambda: _of_central_system(central_system))
    central_system.pages["/metrics"] = lambda: (CONTENT_TYPE_PLAIN_0_0_4, metrics.text())
    central_system.pages["/healthz"] = lambda: ("text/plain; charset=utf-8", "ok\n")
    return metrics


def _durations(name: str, help: str, by_outcome: Mapping[str, Durations]) -> Series:
    """The outcome "" is no label."""
    family = HistogramMetricFamily(name, help, labels=["outcome"] if "" not in by_outcome else [])
    for outcome, durations in by_outcome.items():
        family.add_metric([outcome] if outcome else [], durations.buckets(), durations.seconds)
    yield family


def _of_tally(tally: Tally) -> Series:
    frames = _counter("ocpp_frames", "Frames", ["direction", "type"])
    for direction in ("in", "out"):
        for kind in ("call", "result", "error"):
            frames.add_metric([direction, kind], tally.frames[direction, kind])
    yield frames
    totals, peaks = tally.totals(), tally.peaks()
    size = _counter("ocpp_frame_bytes", "Bytes of frames, as UTF-8", ["direction"])
    for direction in ("in", "out"):
        size.add_metric([direction], totals[f"bytes {direction}"])
    yield size
    yield from _calls(tally)
    strays = _counter("ocpp_stray_replies", "Replies that fitted no pending call, or not its type", ["fate"])
    for fate in ("late", "repeated", "orphan", "malformed"):
        strays.add_metric([fate], totals[fate])
    yield strays
    yield _single_counter("ocpp_bad_frames", "Texts that were no frame", totals["bad frame"])
    withdrawn = "Own calls that were taken back from the write queue"
    yield _single_counter("ocpp_calls_withdrawn", withdrawn, totals["withdrawn"])
    yield _single_counter("ocpp_calls_parked", "Calls of the peer that waited for a handler", totals["parked"])
    yield _single_counter("ocpp_answers_failed", "InternalErrors by a fault of our own", totals["answer failed"])
    overloaded = "Connections closed because too many calls of the peer had no end"
    yield _single_counter("ocpp_connections_overloaded", overloaded, totals["overloaded"])
    yield _gauge("ocpp_pending_calls", "Own calls that await their answers", tally.pending())
    depth = sum(session.transport.queue_depth for session in tally.sessions)
    yield _gauge("ocpp_write_queue_depth", "Texts that wait for the writer", depth)
    yield _gauge("ocpp_write_queue_depth_max", "The same, at its highest", peaks["queue depth"])
    flying = sum(session.transport.writes_in_flight for session in tally.sessions)
    yield _gauge("ocpp_writes_in_flight", "Writes that the connection has not taken yet", flying)
    yield _gauge("ocpp_writes_in_flight_max", "The same of one connection, at its highest", peaks["writes in flight"])


def forgiven(tally: Tally, notes: Counter[str]) -> Counter[str]:
    """What was let pass: in replies, which sessions count, and in requests, which are the ``notes`` of a `Router`."""
    totals = tally.totals()
    return Counter({what: totals[f"forgiven {what}"] + notes[what] for what in FORGIVEN})


def _forgiven(tally: Tally, notes: Counter[str]) -> Series:
    counter = _counter("ocpp_forgiven_payloads", "Payloads that broke their declaration and were let pass", ["reason"])
    for what, count in forgiven(tally, notes).items():
        counter.add_metric([what], count)
    yield counter


def _calls(tally: Tally) -> Series:
    started = _counter("ocpp_calls_started", "Own calls sent", ["action"])
    for action, count in _grouped(tally.started).items():
        started.add_metric([action], count)
    yield started
    ended = _counter("ocpp_calls", "Own calls that ended", ["action", "outcome"])
    for outcome in OUTCOMES:
        by_action = {action: count for (action, how), count in tally.ended.items() if how == outcome}
        for action, count in _grouped(by_action).items():
            ended.add_metric([action, outcome], count)
    yield ended
    errors = _counter("ocpp_call_errors", "CallErrors received", ["code"])
    for code, count in tally.errors.items():
        errors.add_metric([code], count)
    yield errors


def _of_charge_point(charge_point: ChargePoint) -> Series:
    uptime, outbox = charge_point.uptime, charge_point.outbox
    dials = _counter("ocpp_dials", "Attempts to connect", ["outcome"])
    for outcome, count in uptime.dials.items():
        dials.add_metric([outcome], count)
    yield dials
    state = GaugeMetricFamily("ocpp_connection_state", "1 for the state of the connection", labels=["state"])
    for name in CONNECTION:
        state.add_metric([name], float(name == charge_point.state))
    yield state
    yield _single_counter("ocpp_connection_losses", "Open connections that were lost", uptime.losses)
    yield _single_counter("ocpp_connected_seconds", "Time spent online", uptime.connected_seconds)
    with suppress(StoreFailed):  # closed: the charge point has ended, and what it counted can still be read
        yield _gauge("ocpp_outbox_depth", "Transaction messages that wait", len(outbox))
        yield _gauge("ocpp_outbox_oldest_age_seconds", "How long the oldest of them waits", _oldest_age(charge_point))
    drops = _counter("ocpp_outbox_drops", "Transaction messages given up", ["reason"])
    for reason in ("attempts", "overflow"):
        drops.add_metric([reason], outbox.drops[reason])
    yield drops
    yield from _own_side(charge_point)
    sent, answered = charge_point.tally.started["Heartbeat"], charge_point.tally.ended["Heartbeat", "result"]
    yield _single_counter("ocpp_heartbeats_sent", "Heartbeats sent", sent)
    yield _single_counter("ocpp_heartbeats_answered", "Heartbeats answered", answered)
    heartbeat = charge_point.heartbeat
    if heartbeat is not None and (offset := heartbeat.clock_offset) is not None:
        yield _gauge("ocpp_clock_offset_seconds", "The central system's clock minus ours", offset)


def _own_side(charge_point: ChargePoint) -> Series:
    """What went wrong here, and is nobody else's fault."""
    yield _single_counter("ocpp_failed_connections", "Connections ended by a bug of ours", charge_point.life.failures)
    refused = charge_point.memory.store.failures
    yield _single_counter("ocpp_store_failures", "Statements that our own file refused", refused)
    yield _single_counter("ocpp_missed_readings", "Readings that could not be written", charge_point.metering.missed)
    owed = len(charge_point.charging.owed)
    yield _gauge("ocpp_owed_messages", "Messages of what has happened, to be written as soon as the file works", owed)


def _oldest_age(charge_point: ChargePoint) -> float:
    """Seconds since what the oldest waiting message tells of."""
    if (entry := charge_point.outbox.head()) is None:
        return 0.0
    request: Any = entry.request
    at = request.meter_value[0].timestamp if isinstance(request, MeterValuesRequest) else request.timestamp
    return float((charge_point.clock.now() - at).total_seconds())


def _of_central_system(central_system: CentralSystem) -> Series:
    yield _gauge("ocpp_connected_charge_points", "Charge points connected", len(central_system.sessions))
    refused = _counter("ocpp_handshakes_refused", "Handshakes refused", ["status"])
    for status, count in central_system.refused.items():
        refused.add_metric([str(status)], count)
    yield refused
    undone = "Times that all that was written in one turn was undone, because the ledger failed"
    yield _single_counter("ocpp_groups_undone", undone, central_system.groups.failures)
    turned_away = _counter("ocpp_turned_away", "Connections that were not let in", ["reason"])
    for kind, count in central_system.doorbell.kinds.items():
        turned_away.add_metric([kind], count)
    yield turned_away


def _grouped(counts: Mapping[str, int]) -> Counter[str]:
    """Counts by action; what is no action of OCPP is "other", once: nobody may invent labels, or repeat a series."""
    grouped: Counter[str] = Counter()
    for action, count in counts.items():
        grouped[action if action in ACTIONS else "other"] += count
    return grouped


def _counter(name: str, help: str, labels: list[str]) -> CounterMetricFamily:
    return CounterMetricFamily(name, help, labels=labels)


def _single_counter(name: str, help: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, help, value=value)


def _gauge(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help, value=value)


def _key(name: str, labels: dict[str, Any]) -> str:
    inside = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name
