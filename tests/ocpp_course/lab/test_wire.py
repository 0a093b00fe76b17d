"""The live wire follows real ends: it draws what happened, seldom, and leaves when it is closed."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable
from itertools import repeat

import pytest

from ocpp_course.lab import Bench, FaultPanel, ProxyPanel, Wire
from ocpp_lab import CallTimeout, CentralSystem, ChaosProxy, ChargePoint
from ocpp_lab.messages import HeartbeatRequest


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (there is no event for it)
            await asyncio.sleep(0.01)


def slots(wire: Wire) -> str:
    return "".join(slot.value for slot in wire._slots)


async def test_frames_fly_as_they_happen_and_nothing_is_drawn_while_nothing_does() -> None:
    async with CentralSystem() as central_system, ChargePoint(central_system.url, "CP_1", timeout=0.3) as charge_point:
        await until(lambda: len(central_system.answers.statuses) == 2 and charge_point.state == "online")
        await until(lambda: not charge_point.session.pending.counts or charge_point.session.transport.queue_depth == 0)
        wire = Wire(charge_point, central_system)
        await charge_point.call(HeartbeatRequest())
        await until(lambda: "Heartbeat" in slots(wire))
        assert re.search(r'ol-t up"><span class="ol-f call "[^>]*>Heartbeat', slots(wire))
        central_system.faults.ignore("Heartbeat")
        with pytest.raises(CallTimeout):
            await charge_point.call(HeartbeatRequest())
        await until(lambda: "timed out" in slots(wire))
        assert "ol-f call hole" in slots(wire)
        await until(lambda: "ignore 1×" in wire._scene.value and "1 timeouts" in wire._scene.value)
        assert "% of the loop" in wire._scene.value and "drawn, not measured" in wire._scene.value
        assert 0 < wire.spent < 1
        await asyncio.sleep(0.25)
        drawn = wire.drawn
        await asyncio.sleep(0.35)
        assert wire.drawn == drawn
        wire.close()
        central_system.faults.clear()
        await charge_point.call(HeartbeatRequest())
        assert wire.flights.take() == [] and "<figure" in wire.box.children[0].value


async def test_it_follows_a_charge_point_that_is_started_again() -> None:
    async with CentralSystem() as central_system:
        lives = [await ChargePoint(central_system.url, "CP_1").start()]
        wire = Wire(lambda: lives[-1], central_system)
        await lives[0].wait_for("online")
        await lives[0].stop()
        await until(lambda: "stopped" in wire._scene.value)
        lives.append(await ChargePoint(central_system.url, "CP_1").start())
        await lives[1].wait_for("online")
        await until(lambda: "CP_1 is online" in wire._scene.value)
        await until(lambda: "BootNotification" in slots(wire))
        wire.close()
        await lives[1].stop()


async def test_faults_of_the_network_are_drawn_on_the_connection() -> None:
    async with CentralSystem() as central_system:
        async with ChaosProxy(central_system.host, central_system.port) as proxy:
            async with ChargePoint(proxy.url, "CP_1", delays=lambda: repeat(0.05)) as charge_point:
                await charge_point.wait_for("online")
                wire = Wire(charge_point, central_system, proxy)
                proxy.half_open("to_central_system")
                proxy.latency, proxy.bandwidth = 0.5, 64
                seen = wire.look()
                assert seen.faults == {"half-open": "to central system", "latency": "0.5 s", "bandwidth": "64 bytes/s"}
                assert seen.dark == {"to_central_system"}
                central_system["CP_1"].transport.pipe.stop_reading()  # type: ignore[attr-defined]
                central_system.faults.ignore("Heartbeat", times=0)
                central_system.faults.delay(identity="CP_2", seconds=1)
                assert "stop reading" in wire.look().faults
                assert not {"ignore", "delay"} & set(wire.look().faults), "used up, or for somebody else"
                proxy.heal()
                proxy.refuse()
                proxy.reset()
                await charge_point.wait_for("waiting")
                assert not wire.look().connected and "refuse" in wire.look().faults
                wire.close()


async def test_a_bench_shows_wire_and_panels_in_one_output() -> None:
    async with CentralSystem() as central_system, ChargePoint(central_system.url, "CP_1") as charge_point:
        await charge_point.wait_for("online")
        async with ChaosProxy(central_system.host, central_system.port) as proxy:
            pieces = (
                Wire(charge_point, central_system, proxy),
                FaultPanel(central_system, charge_point=charge_point),
                ProxyPanel(proxy),
            )
            bench = Bench(*pieces)
            bundle = bench._repr_mimebundle_()
            assert set(bundle) >= {"text/html", "text/plain", "application/vnd.jupyter.widget-view+json"}
            assert all(piece.box in bench.box.children for piece in pieces)
            assert bundle["text/plain"].splitlines() == [
                "Wire: CP_1 is online; on: no fault",
                "FaultPanel: on: no fault",
                "ProxyPanel: on: no fault",
            ]
            pictures = [*map(base64.b64decode, re.findall(r"base64,([A-Za-z0-9+/=]+)", bundle["text/html"]))]
            assert len(pictures) == 3 and b"send a Heartbeat" in pictures[1]
            for piece in pieces:
                piece.close()
            with pytest.raises(ValueError, match="at least one piece"):
                Bench()
