"""Metrics: what was counted, under names that Prometheus understands, at one page and in tests."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from contextlib import suppress
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from ocpp_lab import (
    ACTIONS,
    CONNECTION,
    CallFailed,
    CentralSystem,
    ChargePoint,
    Metrics,
    OcppError,
    Outbox,
    watch_central_system,
    watch_charge_point,
)
from ocpp_lab import messages as m
from ocpp_lab.central_system.answers import MOST_CONNECTORS
from ocpp_lab.frames import ERROR_CODES
from tests import own_side
from tests.fakes import NOON
from tests.pair import central_system_alone, charge_point_alone, cut, heal, on, pair, serving, simulated_now
from tests.simulated import simulated

OPTIONS: dict[str, Any] = {"now": simulated_now, "delays": lambda: itertools.repeat(10.0), "ping_interval": 30}
BEAT = m.HeartbeatRequest()
OLD = "0f" * 16


def samples(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """What Prometheus' own parser reads; a series that comes twice is an error there, and here."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            series = found.setdefault(sample.name, {})
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in series, f"{sample.name}{labels} comes twice"
            series[labels] = sample.value
    return found


# Names and shape ------------------------------------------------------------------------------------------------------


@simulated
async def test_names_after_prometheus_conventions() -> None:
    """Prefix, base units, ``_total`` for counters and for nothing else, a help text; and it parses."""
    async with pair(**OPTIONS) as (server, point):
        both = watch_charge_point(point), watch_central_system(server)
        await point.wait_for("online")
        await asyncio.sleep(700)
        for metrics in both:
            samples(metrics.text())
            for family in metrics.registry.collect():
                assert re.fullmatch(r"ocpp_[a-z0-9_]+", family.name) and family.documentation
                assert not re.search(r"_(ms|millis|milliseconds|minutes|kb|kilobytes)(_|$)", family.name)
                if family.type == "counter":
                    assert all(sample.name == f"{family.name}_total" for sample in family.samples)
                else:
                    assert not family.name.endswith("_total")
                labels = {label for sample in family.samples for label in sample.labels}
                assert labels <= {
                    "action",
                    "outcome",
                    "direction",
                    "type",
                    "code",
                    "fate",
                    "reason",
                    "state",
                    "status",
                    "le",
                }


@simulated
async def test_what_the_issue_asks_for_is_there_from_the_start() -> None:
    """Also at 0: a series that begins with the first fault has no rate for it."""
    async with charge_point_alone(**OPTIONS) as point:
        found = set(samples(watch_charge_point(point).text()))
        assert found >= {
            "ocpp_frames_total", "ocpp_frame_bytes_total", "ocpp_call_seconds_bucket", "ocpp_stray_replies_total",
            "ocpp_calls_withdrawn_total", "ocpp_calls_parked_total", "ocpp_answers_failed_total",
            "ocpp_connections_overloaded_total",
            "ocpp_write_queue_depth", "ocpp_write_queue_depth_max", "ocpp_writes_in_flight", "ocpp_bad_frames_total",
            "ocpp_outbox_depth", "ocpp_outbox_oldest_age_seconds", "ocpp_outbox_drops_total", "ocpp_pending_calls",
            "ocpp_heartbeats_sent_total", "ocpp_heartbeats_answered_total", "ocpp_reconnect_seconds_bucket",
            "ocpp_connection_state", "ocpp_connected_seconds_total", "ocpp_connection_losses_total",
            "ocpp_failed_connections_total", "ocpp_store_failures_total", "ocpp_missed_readings_total",
            "ocpp_owed_messages",
        }  # fmt: skip


@simulated
async def test_value_and_snapshot() -> None:
    """By name and labels; what is not there is 0; the snapshot's keys are those of the exposition."""
    async with pair(**OPTIONS) as (_, point):
        metrics = watch_charge_point(point)
        await point.wait_for("online")
        await asyncio.sleep(1)
        boots = {"action": "BootNotification", "outcome": "result"}
        assert metrics.value("ocpp_calls_total", **boots) == 1
        assert metrics.value("ocpp_calls_total", action="Reset", outcome="lost") == 0 == metrics.value("no_such_name")
        assert metrics.snapshot()['ocpp_calls_total{action="BootNotification",outcome="result"}'] == 1
        lines = {line.rpartition(" ")[0] for line in metrics.text().splitlines() if not line.startswith("#")}
        assert {key.replace(" ", "") for key in metrics.snapshot()} == {line.replace(" ", "") for line in lines}


@simulated
async def test_the_buckets_see_the_default_timeout() -> None:
    """29 s and 31 s differ, or every timeout is one bucket."""
    metrics = Metrics()
    for seconds in (0.002, 29, 31):
        metrics.observe_call("timeout", seconds)
    assert metrics.value("ocpp_call_seconds_bucket", outcome="timeout", le="30.0") == 2
    assert metrics.value("ocpp_call_seconds_bucket", outcome="timeout", le="60.0") == 3


@simulated
async def test_two_ends_two_registries() -> None:
    """Both in one process, and neither counts into the other; a registry of one's own is used."""
    own = CollectorRegistry()
    async with pair(**OPTIONS) as (server, point):
        here, there = watch_charge_point(point, own), watch_central_system(server)
        await point.wait_for("online")
        await point.call(BEAT)
        await server["CP_1"].call(m.ClearCacheRequest())
        assert here.registry is own and there.registry is not own
        await asyncio.sleep(10)
        assert own.get_sample_value("ocpp_calls_started_total", {"action": "Heartbeat"}) == 1
        assert there.value("ocpp_calls_started_total", action="Heartbeat") == 0
        assert here.value("ocpp_calls_started_total", action="ClearCache") == 0
        assert there.value("ocpp_calls_started_total", action="ClearCache") == 1
        out = here.value("ocpp_frame_bytes_total", direction="out")
        assert out == there.value("ocpp_frame_bytes_total", direction="in") > 0


# Labels are bounded ---------------------------------------------------------------------------------------------------


@simulated
async def test_a_hostile_peer_chooses_no_labels() -> None:
    """Its codes and its actions: ten and one more, and none."""
    codes = itertools.count()

    class Hostile(ChargePoint):
        async def answer(self, call: Any) -> Any:
            from ocpp_lab import CallError

            return CallError(call.unique_id, f'odd "code"\n{next(codes)}')

    async with central_system_alone(now=simulated_now) as server:
        metrics = watch_central_system(server)
        point: Any = await on("cp", _started(Hostile))
        await point.wait_for("online")
        for _ in range(100):
            with suppress(CallFailed):
                await server["CP_1"].call(m.ClearCacheRequest())
        for n in range(100):
            await point.uplink.transport.send(json.dumps([2, f"u{n}", f"Action{n}", {}]))
        await asyncio.sleep(1)
        assert samples(metrics.text())["ocpp_call_errors_total"] == {(("code", "other"),): 100}
        assert len(metrics.snapshot()) < 200 and "Action7" not in metrics.text()
        assert set(server.tally.errors) <= ERROR_CODES | {"other"}
        await on("cp", point.stop())


async def _started(make: Any) -> ChargePoint:
    return await make("ws://cs:9000", "CP_1", **OPTIONS).start()  # type: ignore[no-any-return]


@simulated
async def test_actions_that_are_none_share_one_series() -> None:
    """Once each: a series that comes twice spoils the whole page for Prometheus."""
    async with charge_point_alone(**OPTIONS) as point:
        metrics = watch_charge_point(point)
        for action in ("Mine", "Yours", "Heartbeat"):
            point.tally.started[action] += 1
            point.tally.ended[action, "result"] += 1
        found = samples(metrics.text())
        assert found["ocpp_calls_started_total"] == {(("action", "other"),): 2, (("action", "Heartbeat"),): 1}
        assert metrics.value("ocpp_calls_total", action="other", outcome="result") == 2
        assert "other" not in ACTIONS


@simulated
async def test_statuses_of_invented_connectors() -> None:
    """A peer that invents connectors costs a bounded amount of memory; the ones that were known stay current."""
    async with pair(**OPTIONS) as (server, point):
        await point.wait_for("online")
        for connector in [*range(1, MOST_CONNECTORS + 50)]:
            await point.call(_status(connector, "Available"))
        await point.call(_status(7, "Faulted"))
        await point.call(_status(10**6, "Faulted"))
        known = server.answers.statuses
        assert len(known) == MOST_CONNECTORS and ("CP_1", 10**6) not in known
        assert known["CP_1", 7].status == "Faulted"
        async with charge_point_alone("CP_2", **OPTIONS) as other:
            await other.wait_for("online")
            await other.call(_status(1, "Available"))
            assert known["CP_2", 1].status == "Available"


def _status(connector: int, status: Any) -> m.StatusNotificationRequest:
    return m.StatusNotificationRequest(connector_id=connector, error_code="NoError", status=status)


# Calls that are too many, or too late ---------------------------------------------------------------------------------


@simulated
async def test_what_a_session_could_not_do_as_asked() -> None:
    """A bug in a handler, calls that had to wait for one, a connection that was closed for it: one number each."""

    class Slow(ChargePoint):
        async def answer(self, call: Any) -> Any:
            if call.action == "ClearCache":
                raise KeyError("a bug")
            with suppress(OcppError):
                await self.call(BEAT)
            await asyncio.sleep(1e6)

    async with central_system_alone(now=simulated_now) as server:
        point: Any = await on("cp", _started(Slow))
        metrics = watch_charge_point(point)
        await point.wait_for("online")
        server.faults.ignore("Heartbeat")
        with pytest.raises(CallFailed, match="InternalError"):
            await server["CP_1"].call(m.ClearCacheRequest())
        for number in range(66):
            await server["CP_1"].transport.send(json.dumps([2, f"u{number}", "Reset", {}]))
        await point.wait_for("waiting")
        assert metrics.value("ocpp_answers_failed_total") == 1
        assert metrics.value("ocpp_calls_parked_total") == 2
        assert metrics.value("ocpp_connections_overloaded_total") == 1
        assert metrics.value("ocpp_calls_withdrawn_total") == point.tally.totals()["withdrawn"] == 0
        await on("cp", point.stop())


# The charge point's own -----------------------------------------------------------------------------------------------


@simulated
async def test_state_is_one_hot() -> None:
    """1 for the state that is, 0 for all others, in every state."""
    async with charge_point_alone(**OPTIONS) as point:
        metrics = watch_charge_point(point)

        def hot() -> list[str]:
            values = samples(metrics.text())["ocpp_connection_state"]
            assert set(values.values()) == {0, 1} and len(values) == len(CONNECTION)
            return [labels[0][1] for labels, value in values.items() if value]

        await point.wait_for("waiting")
        assert hot() == ["waiting"]
        server = await serving(now=simulated_now)
        await point.wait_for("online")
        assert hot() == ["online"]
        await on("cs", server.stop())
    assert hot() == ["stopped"]


@simulated
async def test_an_outage_in_numbers() -> None:
    """Depth and age of what waits, state, dials, time to reconnect, the clock: what a night looks like afterwards."""
    async with central_system_alone(now=simulated_now, ping_interval=30) as server:
        async with charge_point_alone(**OPTIONS) as point:
            metrics = watch_charge_point(point)
            await point.wait_for("online")
            point.configuration["AllowOfflineTxForUnknownId"] = "true"
            await asyncio.sleep(650)
            assert metrics.value("ocpp_heartbeats_sent_total") == metrics.value("ocpp_heartbeats_answered_total") == 2
            assert metrics.value("ocpp_clock_offset_seconds") == pytest.approx(0, abs=0.1)
            cut()
            await point.wait_for("waiting")
            point.charging.plug_in(1)
            point.charging.start(1, "TAG_A")
            await asyncio.sleep(100)
            assert metrics.value("ocpp_outbox_depth") == len(point.outbox) > 1
            assert metrics.value("ocpp_outbox_oldest_age_seconds") == pytest.approx(100)
            heal()
            await point.wait_for("online")
            await asyncio.sleep(20)
            assert metrics.value("ocpp_outbox_depth") == metrics.value("ocpp_outbox_oldest_age_seconds") == 0
            assert metrics.value("ocpp_reconnect_seconds_count") == metrics.value("ocpp_connection_losses_total") == 1
            assert 100 < metrics.value("ocpp_reconnect_seconds_sum") < 130
            assert metrics.value("ocpp_dials_total", outcome="connected") == 2
            assert metrics.value("ocpp_dials_total", outcome="unreachable") > 0
            assert metrics.value("ocpp_connected_seconds_total") == pytest.approx(point.uptime.connected_seconds)
            assert metrics.value("ocpp_connected_charge_points") == 0  # that is the other end's
            assert watch_central_system(server).value("ocpp_connected_charge_points") == 1


@simulated
async def test_drops_by_reason() -> None:
    """Given up after so many attempts, or thinned out of an outbox that overflows."""
    outbox = Outbox(limit=10)
    async with pair(outbox=outbox, **OPTIONS) as (server, point):
        metrics = watch_charge_point(point)
        await point.wait_for("online")
        point.configuration["TransactionMessageAttempts"] = "1"
        server.faults.call_error("StartTransaction", times=1)
        point.submit(m.StartTransactionRequest(connector_id=1, id_tag="A", meter_start=0, timestamp=NOON))
        await asyncio.sleep(10)
        value = [m.MeterValue(timestamp=NOON, sampled_value=[m.SampledValue(value="1")])]
        for _ in range(20):
            point.submit(m.MeterValuesRequest(connector_id=1, transaction_id=1, meter_value=value))
        assert metrics.value("ocpp_outbox_drops_total", reason="attempts") == outbox.drops["attempts"] == 1
        assert metrics.value("ocpp_outbox_drops_total", reason="overflow") == outbox.drops["overflow"] > 5
        assert metrics.value("ocpp_call_errors_total", code="InternalError") == 1
        await asyncio.sleep(100)
    outbox.close()


async def test_what_was_undone_in_numbers() -> None:
    """`test_central_groups` has ledgers fail; here is only that it is told."""
    metrics = watch_central_system(central_system := CentralSystem())
    central_system.groups.failures = 2
    assert metrics.value("ocpp_groups_undone_total") == 2


@simulated
async def test_our_own_side_in_numbers() -> None:
    """A disk that fails for a minute: what was refused, what was missed, what is owed, and how often we were failed."""
    async with own_side.online({"MeterValueSampleInterval": "10"}) as (_, point):
        metrics = watch_charge_point(point)
        await own_side.begin(point)
        with own_side.broken(point):
            await asyncio.sleep(25)
            point.charging.unplug(1)
            assert metrics.value("ocpp_owed_messages") == 1
            assert metrics.value("ocpp_missed_readings_total") == point.metering.missed == 2
            assert metrics.value("ocpp_store_failures_total") > 2
        await asyncio.sleep(30)
        assert metrics.value("ocpp_owed_messages") == 0
        assert metrics.value("ocpp_failed_connections_total") == point.life.failures
        refused = metrics.value("ocpp_store_failures_total")
    metrics.text()
    assert metrics.value("ocpp_store_failures_total") == refused, "a closed file has no failures"


@simulated
@pytest.mark.parametrize("closed", [True, False])
async def test_a_stopped_charge_point_can_still_be_read(closed: bool) -> None:
    """Its counters stay; what waits can be said as long as somebody keeps its outbox open."""
    outbox = None if closed else Outbox()
    async with pair(outbox=outbox, **OPTIONS) as (_, point):
        metrics = watch_charge_point(point)
        await point.wait_for("online")
        await point.call(BEAT)
        await asyncio.sleep(10)
        before = metrics.snapshot()
    after = metrics.snapshot()
    samples(metrics.text())
    assert after['ocpp_connection_state{state="stopped"}'] == 1
    assert after["ocpp_heartbeats_answered_total"] == 1 and 'ocpp_outbox_drops_total{reason="attempts"}' in after
    assert ("ocpp_outbox_depth" in after) is not closed
    counters = {key for key in before if "_total" in key}
    assert all(after[key] >= before[key] for key in counters)
    if outbox:
        outbox.close()


@simulated
async def test_the_page_balances_during_a_call() -> None:
    """Started = ended by all outcomes + pending, also while one is in flight and after its timeout."""
    async with pair(timeout=20, **OPTIONS) as (server, point):
        metrics = watch_charge_point(point)
        await point.wait_for("online")
        await asyncio.sleep(1)
        server.faults.ignore("Heartbeat", times=1)
        calling = asyncio.create_task(point.call(BEAT))
        for pending in (1, 0):
            await asyncio.sleep(10.5)
            found = samples(metrics.text())
            ended = sum(found["ocpp_calls_total"].values())
            assert sum(found["ocpp_calls_started_total"].values()) == ended + pending
            assert metrics.value("ocpp_pending_calls") == pending
        with pytest.raises(OcppError):
            await calling
        assert metrics.value("ocpp_calls_total", action="Heartbeat", outcome="timeout") == 1
        assert metrics.value("ocpp_call_seconds_sum", outcome="timeout") == pytest.approx(20)


# The page, over loopback ----------------------------------------------------------------------------------------------


async def get(server: CentralSystem, target: str, method: str = "GET", headers: str = "") -> tuple[int, str, str]:
    """Status, content type and body, by a client that knows no more than HTTP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    content_type = re.search(r"(?im)^content-type: *(.*?)\r?$", head)
    return int(head.split()[1]) if head else 0, content_type[1] if content_type else "", body


async def test_the_page_that_prometheus_scrapes() -> None:
    """``GET /metrics`` on the port of the WebSockets: the right content type, and text that parses."""
    async with CentralSystem() as server, ChargePoint(server.url, "CP_1") as point:
        metrics = watch_central_system(server)
        await point.wait_for("online")
        await asyncio.gather(server["CP_1"].call(m.ClearCacheRequest()), point.call(BEAT))
        status, content_type, body = await get(server, "/metrics")
        assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
        found = samples(body)
        assert found["ocpp_connected_charge_points"] == {(): 1}
        assert found["ocpp_calls_total"][("action", "ClearCache"), ("outcome", "result")] == 1
        assert set(found) == {key.partition("{")[0] for key in metrics.snapshot()}
        assert (await get(server, "/metrics?name[]=x"))[0] == 200
        assert await get(server, "/healthz") == (200, "text/plain; charset=utf-8", "ok\n")


async def test_a_page_is_for_a_plain_get_only() -> None:
    """POST is no GET; other paths are no pages; and without `watch_central_system` there is none."""
    async with CentralSystem() as server:
        assert (await get(server, "/metrics"))[0] == 426
        watch_central_system(server)
        for method in ("POST", "HEAD", "DELETE"):
            status, _, body = await get(server, "/metrics", method)
            assert status != 200 and "ocpp_" not in body
        for target in ("/", "/metrics/", "/ocpp/metrics", "/Metrics"):
            status, _, body = await get(server, target)
            assert status >= 400 and "ocpp_" not in body
        upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        status, _, body = await get(server, "/metrics", headers=upgrade)  # half a handshake is no plain GET either
        assert status >= 400 and "ocpp_" not in body


async def test_a_charge_point_named_metrics() -> None:
    """It connects, and the page is still there."""
    async with CentralSystem() as server:
        watch_central_system(server)
        async with ChargePoint(server.url, "metrics") as point:
            await point.wait_for("online")
            assert "metrics" in server
            assert (await get(server, "/metrics"))[0] == 200


async def test_refused_handshakes() -> None:
    """By status, on the page and in what the charge point counts."""
    delays = {"delays": lambda: itertools.repeat(30.0)}
    async with CentralSystem(passwords={"CP_1": OLD}) as server:
        metrics = watch_central_system(server)
        for identity in ("CP_1", "CP_2"):
            async with ChargePoint(server.url, identity, **delays) as point:
                await point.wait_for("waiting")
        assert metrics.value("ocpp_handshakes_refused_total", status="401") == 1
        assert metrics.value("ocpp_handshakes_refused_total", status="404") == 1
