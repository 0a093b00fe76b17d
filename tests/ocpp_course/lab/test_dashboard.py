"""The board tells what the metrics say, draws seldom and cheaply, and stops."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from functools import partial
from itertools import repeat
from xml.etree import ElementTree

import pytest
from prometheus_client.core import GaugeMetricFamily

from ocpp_course.lab import Dashboard, figure, subplots, until
from ocpp_course.lab.board import HEIGHT, Reading, card, quantiles, state, summary
from ocpp_course.lab.dashboard import LOOK, REFRESH
from ocpp_lab import (
    CallFailed,
    CentralSystem,
    ChargePoint,
    Metrics,
    watch_central_system,
    watch_charge_point,
)
from ocpp_lab.messages import HeartbeatRequest
from tests.simulated import simulated

BEAT = HeartbeatRequest()


def gauge(metrics: Metrics, name: str, value: list[float]) -> None:
    metrics.watch(lambda: iter([GaugeMetricFamily(name, "x", value=value[0])]))


def images(board: Dashboard) -> list[ElementTree.Element]:
    """The cards, as a strict parser reads them."""
    return list(ElementTree.fromstring(f"<page>{board.board.value}</page>"))


def words(image: ElementTree.Element) -> str:
    return " | ".join(text.text or "" for text in image.iter("text"))


# What it says ---------------------------------------------------------------------------------------------------------


async def test_a_live_charge_point_and_its_central_system() -> None:
    """State, connections lost, dials by outcome, errors by code, percentiles: as they happen."""
    async with CentralSystem() as server, ChargePoint(server.url, "CP_1", delays=partial(repeat, 0.02)) as point:
        board = Dashboard({"CP_1": watch_charge_point(point), "central system": watch_central_system(server)})
        await point.wait_for("online")
        server.faults.call_error("Heartbeat", code="GenericError", times=1)
        with pytest.raises(CallFailed):
            await point.call(BEAT)
        server.faults.refuse(times=1)
        await server["CP_1"].close(1001)
        await point.wait_for("waiting")
        await point.wait_for("online")
        await until(lambda: "dials: connected 2" in board.text and "CP_1: online" in board.text)
        ours, theirs = board.text.splitlines()
        assert ours.startswith("CP_1: online · write queue 0 · outbox 0 · p50 ")
        assert "error 1" in ours and "errors by code: GenericError 1" in ours
        assert "connections lost: 1" in ours and "dials: connected 2, refused_503 1" in ours
        assert (
            theirs.startswith("central system: 1 connected · write queue 0") and "handshakes refused: 503 1" in theirs
        )
        await until(lambda: "dials: connected 2" in board.board.value)
        board.draw()
        assert [image.get("aria-label") for image in images(board)] == board.text.splitlines()
        assert "errors by code: GenericError 1" in words(images(board)[0])
        board.close()


@simulated
async def test_an_outage_is_seen_while_nothing_is_sent() -> None:
    """Depth is sampled on a timer: it climbs in the chart although nobody sends; the percentiles are recent ones."""
    metrics, waiting = Metrics(), [0.0]
    gauge(metrics, "ocpp_outbox_depth", waiting)
    board = Dashboard({"CP_1": metrics}, window=30)
    metrics.observe_call("result", 29)
    for depth in range(33):
        await asyncio.sleep(1)
        waiting[0] = float(depth + 1)
    await asyncio.sleep(1)
    depths = [reading.waiting for reading in board.readings["CP_1"]]
    assert set(range(5, 34)) <= set(depths) and len(depths) == 30 / LOOK + 1
    assert "outbox: now 33, most 33" in words(images(board)[0])
    assert "no call ended in 30 s" in words(images(board)[0])  # that of 29 s was before
    metrics.observe_call("result", 0.002)
    await asyncio.sleep(1)
    assert "p50 1.8 ms" in board.text
    board.close()


@simulated
async def test_a_peak_between_two_looks_is_told() -> None:
    metrics = Metrics()
    gauge(metrics, "ocpp_write_queue_depth", [0.0])
    gauge(metrics, "ocpp_write_queue_depth_max", [900.0])
    board = Dashboard({"CP_1": metrics})
    assert "write queue: now 0, most ever 900" in words(images(board)[0])
    board.close()


def test_a_card_is_drawn_from_readings_alone() -> None:
    """Pure: the newest at the right edge, older ones to the left; a wait beyond 60 s is told as such."""
    slow = [(30.0, 0.0), (60.0, 0.0), (float("inf"), 4.0)]
    readings = [Reading(at, depth, None, slow if at else [(60.0, 0.0)]) for at, depth in ((0, 0), (10, 8), (30, 2))]
    image = ElementTree.fromstring(card("CP_1", {}, readings, 30))
    line = image.find("polyline")
    assert line is not None
    xs = [float(point.partition(",")[0]) for point in (line.get("points") or "").split()]
    ys = [float(point.partition(",")[2]) for point in (line.get("points") or "").split()]
    assert xs == sorted(xs) and (xs[0], xs[-1]) == (12, 240)
    assert min(ys) == 50 and max(ys) == 102 < HEIGHT
    assert quantiles(readings) == {"p50": 60, "p95": 60, "p99": 60}
    assert "more than 60 s" in words(image) and "outbox" not in words(image)
    assert summary("CP_1", {}, readings).startswith("CP_1: 0 connected · write queue 2 · p50 more than 60 s")


def test_a_name_is_text_and_no_markup() -> None:
    image = ElementTree.fromstring(card('<b>"x"</b>', {}, [Reading(0, 0, None, [])], 30))
    assert '<b>"x"</b>' in words(image) and (image.get("aria-label") or "").startswith('<b>"x"</b>')
    assert not image.findall("b")


@pytest.mark.parametrize("name", ["online", "waiting", "stopped", "booting"])
def test_the_state_is_the_one_that_is_1(name: str) -> None:
    snapshot = {f'ocpp_connection_state{{state="{each}"}}': float(each == name) for each in ("online", "booting", name)}
    assert state(snapshot) == name
    assert name in words(ElementTree.fromstring(card("CP_1", snapshot, [Reading(0, 0, 0, [])], 30)))


# When it draws, and what that costs -----------------------------------------------------------------------------------


@simulated
async def test_it_draws_at_most_four_times_a_second_and_keeps_a_bounded_record() -> None:
    board = Dashboard({"CP_1": Metrics()}, window=5)
    await asyncio.sleep(100)
    assert 390 < board.drawings <= 100 / REFRESH + 1
    assert len(board.readings["CP_1"]) == 5 / LOOK + 1
    board.close()


@simulated
async def test_nothing_is_sent_to_the_browser_while_nothing_changes() -> None:
    """A board that stands still is the same text: a widget sends changes only."""
    board, sent = Dashboard({"CP_1": Metrics()}), []
    await asyncio.sleep(40)  # the window is full: nothing moves in from the right any more
    board.board.observe(lambda change: sent.append(change.new), "value")
    await asyncio.sleep(10)
    assert not sent
    board.close()


@simulated
async def test_close_ends_it_and_start_goes_on() -> None:
    metrics, depth = Metrics(), [0.0]
    gauge(metrics, "ocpp_write_queue_depth", depth)
    board = Dashboard({"CP_1": metrics})
    await asyncio.sleep(1)
    board.close()
    board.close()
    drawings, shown, depth[0] = board.drawings, board.board.value, 7
    await asyncio.sleep(10)
    assert (board.drawings, board.board.value) == (drawings, shown)
    await asyncio.sleep(board.window)
    board.start()
    await asyncio.sleep(1)
    assert "write queue: now 7" in board.board.value
    line = images(board)[0].find("polyline")
    assert line is not None and not (line.get("points") or "").startswith("12.0,")  # what is older is not drawn
    board.start()  # once more: still one pair of timers
    drawings = board.drawings
    await asyncio.sleep(10)
    assert board.drawings - drawings <= 10 / REFRESH
    board.close()


@simulated
async def test_a_probe_that_fails_stops_nothing() -> None:
    """What was read last stays on the board, which says that it is old."""
    metrics, broken = Metrics(), [False]

    def collect() -> Iterator[GaugeMetricFamily]:
        if broken[0]:
            raise RuntimeError("closed")
        yield GaugeMetricFamily("ocpp_outbox_depth", "x", value=3)

    metrics.watch(collect)
    board = Dashboard({"CP_1": metrics})
    broken[0] = True
    await asyncio.sleep(1)
    assert board.text.startswith("CP_1 (not read: closed): ") and "outbox 3" in board.text
    assert "not read: closed" in words(images(board)[0])
    drawings, broken[0] = board.drawings, False
    await asyncio.sleep(1)
    assert board.drawings > drawings and board.text.startswith("CP_1: ")
    broken[0] = True
    with pytest.raises(RuntimeError, match="closed"):
        Dashboard({"CP_1": metrics})
    board.close()


@simulated
async def test_a_stopped_charge_point_stays_readable() -> None:
    point = ChargePoint("ws://cs:9000", "CP_1")
    board = Dashboard({"CP_1": watch_charge_point(point)})
    await point.stop()
    await asyncio.sleep(1)
    assert board.text.startswith("CP_1: stopped")
    board.close()


async def test_a_drawing_is_cheap_beside_a_picture() -> None:
    """The reason for SVG: the loop is free again before anybody notices."""
    clock = asyncio.get_running_loop().time
    point = ChargePoint("ws://127.0.0.1:9", "CP_1")
    board = Dashboard({"CP_1": watch_charge_point(point)})
    cheap, dear = [], []
    for _ in range(5):
        board.record()
        begun = clock()
        board.draw()
        drawn = clock()
        figure(subplots()[0], alt="an empty figure")
        cheap.append(drawn - begun)
        dear.append(clock() - drawn)
    assert min(cheap) < min(dear) / 5
    board.close()
    await point.stop()


async def test_it_shows_itself_and_is_the_same_text_in_every_run() -> None:
    board = Dashboard({"CP_1": Metrics(), "central system": Metrics()})
    bundle = board._repr_mimebundle_()
    assert bundle["text/plain"] == repr(board) == "Dashboard: CP_1, central system; drawn at most 4 times a second"
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert not re.search(r"<script|on\w+=", board.board.value)
    board.close()


async def test_it_has_no_colour_of_its_own_so_it_follows_the_theme() -> None:
    board = Dashboard({"CP_1": Metrics()})
    assert "#" not in board.board.value and 'class="f-ink"' in board.board.value
    assert 'alt="Dashboard: CP_1; drawn' in board.picture()
    board.close()


async def test_a_board_for_nobody_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="expected at least one end"):
        Dashboard({})
