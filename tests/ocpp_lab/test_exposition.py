"""The page that Prometheus scrapes: byte for byte what prometheus_client writes."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.core import GaugeMetricFamily

from ocpp_lab import messages as m
from ocpp_lab import watch_central_system, watch_charge_point
from ocpp_lab.exposition import exposition
from ocpp_lab.metrics import Durations, Metrics
from tests.pair import pair, simulated_now
from tests.simulated import simulated


@simulated
async def test_the_pages_of_both_ends() -> None:
    """Twice, for the second time is written from memory; with other numbers."""
    async with pair(now=simulated_now, delays=lambda: itertools.repeat(10.0), ping_interval=30) as (server, point):
        both = watch_charge_point(point), watch_central_system(server)
        for _ in range(2):
            for metrics in both:
                assert metrics.text() == generate_latest(metrics.registry).decode()
            await point.wait_for("online")
            await point.call(m.HeartbeatRequest())
            await asyncio.sleep(1000)


def test_what_others_put_into_the_registry() -> None:
    """Instants of creation stand at the end of a family, times behind a number, and a label may be anything."""
    registry = CollectorRegistry()
    Histogram("own_seconds", "Their\nown", ["who"], registry=registry).labels('a "b"\n\\c é').observe(0.3)
    Counter("own", "c", ["z", "a"], registry=registry).labels("1", "2").inc(1e30)
    Gauge("own_gauge", "g", registry=registry).set(float("nan"))
    Info("own_info", "i", registry=registry).info({"version": "1"})

    class Timed:
        def collect(self) -> list[GaugeMetricFamily]:
            family = GaugeMetricFamily("own_timed", "t")
            family.add_metric([], 1.5, timestamp=12.5)
            return [family]

    registry.register(Timed())
    for _ in range(2):
        assert exposition(registry) == generate_latest(registry).decode()


def test_durations_count_as_a_histogram_does() -> None:
    """At a bound, below it, above all, and not at all."""
    registry = CollectorRegistry()
    theirs, ours = Histogram("h", "h", buckets=(0.5, 1, 2), registry=registry), Durations((0.5, 1, 2))
    for seconds in (0.0, 0.5, 0.500001, 1, 2, 2.5, 60):
        theirs.observe(seconds)
        ours.observe(seconds)
    for bound, count in ours.buckets():
        assert registry.get_sample_value("h_bucket", {"le": bound}) == count
    assert registry.get_sample_value("h_sum") == ours.seconds


@simulated
async def test_two_ends_cannot_share_a_registry() -> None:
    """Their series have the same names, and a page may have each once."""
    registry = CollectorRegistry()
    Metrics(registry)
    with pytest.raises(ValueError, match="ocpp_call_seconds"):
        Metrics(registry)
