"""The proxy's panel really drives a live network; its widgets do the work, also without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import repeat

import pytest

from ocpp_course.lab import ProxyPanel, calls
from ocpp_course.lab.proxy_panel import BUTTONS, TOGGLES
from ocpp_lab import CallTimeout, CentralSystem, ChaosProxy, ChargePoint, ConnectionLost
from ocpp_lab.messages import HeartbeatRequest

DEADLINE = 5.0
BEAT = HeartbeatRequest()


@asynccontextmanager
async def bench() -> AsyncIterator[tuple[ChaosProxy, ChargePoint, ProxyPanel]]:
    async with CentralSystem() as central_system, ChaosProxy(central_system.host, central_system.port) as proxy:
        async with ChargePoint(proxy.url, "CP_1", delays=partial(repeat, 0.02)) as charge_point:
            panel = ProxyPanel(proxy)
            await charge_point.wait_for("online")
            await until(lambda: sum(each.outcome == "result" for each in calls(charge_point.trace)) == 3)
            yield proxy, charge_point, panel
            panel.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 (there is no event for it)
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("label", BUTTONS)
async def test_a_button_hangs_up_and_the_charge_point_comes_back(label: str) -> None:
    async with bench() as (proxy, charge_point, panel):
        panel.press(label)
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        await charge_point.call(BEAT)
        assert proxy.connections == 2
        assert f"pressed: {label} 1×" in panel.text


async def test_refuse_keeps_it_away_until_it_is_switched_off() -> None:
    async with bench() as (proxy, charge_point, panel):
        panel.toggle("refuse")
        await charge_point.call(BEAT)  # open connections live on
        panel.press("reset")
        await until(lambda: proxy.refused >= 2)
        assert charge_point.state != "online"
        assert panel.text.startswith("on: refuse · connections: 0 · refused: ")
        panel.toggle("refuse", False)
        await charge_point.wait_for("online")


@pytest.mark.parametrize("direction", ["both", "to_central_system", "to_charge_point"])
async def test_half_open_swallows_in_the_direction_of_the_drop_down(direction: str) -> None:
    async with bench() as (proxy, charge_point, panel):
        panel.set(direction=direction)
        assert not proxy.dark
        panel.toggle("half-open")
        with pytest.raises(CallTimeout):
            await charge_point.call(BEAT, timeout=0.1)
        assert f"on: half-open {direction}" in panel.text
        assert "swallowed: 0 bytes" not in panel.text
        panel.toggle("half-open", False)
        assert not proxy.dark
        panel.press("reset")  # what lost bytes does not come back
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        await charge_point.call(BEAT)


async def test_the_drop_down_turns_a_hole_around() -> None:
    async with bench() as (proxy, _, panel):
        panel.toggle("half-open")
        assert len(proxy.dark) == 2
        panel.set(direction="to_charge_point")
        assert proxy.dark == {"to_charge_point"}


async def test_sliders_change_what_is_in_force() -> None:
    async with bench() as (proxy, charge_point, panel):
        panel.set(latency=0.5, bandwidth=1024)
        assert (proxy.latency, proxy.bandwidth) == (0.5, 1024.0)
        with pytest.raises(CallTimeout):
            await charge_point.call(BEAT, timeout=0.1)
        assert "on: latency 0.5 s, bandwidth 1024 bytes/s" in panel.text
        panel.set(latency=0, bandwidth=0)
        assert (proxy.latency, proxy.bandwidth) == (0.0, None)
        await charge_point.call(BEAT)


async def test_a_button_ends_the_pending_call() -> None:
    async with bench() as (proxy, charge_point, panel):
        panel.toggle("half-open")
        pending = asyncio.create_task(charge_point.call(BEAT, timeout=30))
        await until(lambda: proxy.bytes_swallowed.total())
        panel.clear()
        panel.press("cut")
        with pytest.raises(ConnectionLost):
            await pending


async def test_the_widgets_follow_a_script() -> None:
    """What is begun from Python is seen, and can be switched off."""
    async with bench() as (proxy, charge_point, panel):
        await proxy.play([(0.0, "refuse"), (0.0, "half_open", "to_charge_point"), (0.0, "latency", 0.25)])
        await until(lambda: panel.toggles["half-open"].value and panel.toggles["refuse"].value)
        assert panel.direction.value == "to_charge_point"
        assert panel.latency.value == 0.25
        assert "half-open to_charge_point, refuse, latency 0.25 s" in panel.status.value
        proxy.latency = 0.5  # and at once, not only at the next look
        panel.clear()
        assert (proxy.dark, proxy.refusing, proxy.latency) == (frozenset(), False, 0.0)
        await charge_point.call(BEAT)


async def test_closing_it_leaves_a_good_network() -> None:
    async with bench() as (proxy, charge_point, panel):
        for label in TOGGLES:
            panel.toggle(label)
        panel.set(latency=4, bandwidth=64)
        panel.close()
        assert (proxy.dark, proxy.refusing, proxy.latency, proxy.bandwidth) == (frozenset(), False, 0.0, None)
        assert all(widget.disabled for widget in (*panel.toggles.values(), *panel.buttons.values(), panel.latency))
        await charge_point.call(BEAT)


async def test_as_text_it_is_one_line() -> None:
    async with bench() as (_, _, panel):
        bundle = panel._repr_mimebundle_()
        line = "ProxyPanel: on: no fault · connections: 1 · refused: 0 · swallowed: 0 bytes · pressed: nothing"
        assert bundle["text/plain"] == line
        assert "application/vnd.jupyter.widget-view+json" in bundle


async def test_an_unknown_label_is_refused_with_the_known_ones() -> None:
    async with bench() as (_, _, panel):
        with pytest.raises(ValueError, match=r"expected one of half-open, refuse, came 'explode'"):
            panel.toggle("explode")
