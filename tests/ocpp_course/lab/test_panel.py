"""The fault panel really drives a live central system; its widgets do the work, also without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ocpp_course.lab import FaultPanel, calls
from ocpp_course.lab.panel import BUTTONS, HEARTBEAT, NOT_LISTENING, TOGGLES
from ocpp_lab import CallFailed, CallTimeout, CentralSystem, ChargePoint, ConnectionLost, MalformedReply
from ocpp_lab.faults import Fault
from ocpp_lab.messages import AuthorizeRequest, HeartbeatRequest


@asynccontextmanager
async def bench() -> AsyncIterator[tuple[CentralSystem, ChargePoint, FaultPanel]]:
    async with CentralSystem() as central_system:
        async with ChargePoint(central_system.url, "CP_1", timeout=0.2) as charge_point:
            panel = FaultPanel(central_system)
            await charge_point.wait_for("online")
            await asyncio.wait_for(_statuses(charge_point), 5)
            yield central_system, charge_point, panel
            panel.close()


async def _statuses(charge_point: ChargePoint) -> None:
    """Wait out the StatusNotifications after the boot; the panel's faults are not for them."""
    while sum(each.outcome == "result" for each in calls(charge_point.trace)) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("label", "error"),
    [
        ("ignore", CallTimeout),
        ("CallError", CallFailed),
        ("wrong id", CallTimeout),
        ("wrong payload", MalformedReply),
        ("garbage", CallTimeout),
        ("delay", CallTimeout),
        ("stop reading", CallTimeout),
    ],
)
async def test_a_toggle_breaks_calls_and_mends_them(label: str, error: type[Exception]) -> None:
    async with bench() as (_, charge_point, panel):
        panel.toggle(label)
        assert f"on: {label}" in panel.text
        with pytest.raises(error):
            await charge_point.call(HeartbeatRequest())
        panel.toggle(label, False)
        await charge_point.call(HeartbeatRequest(), timeout=5)
        assert "on: no fault" in panel.text


async def test_answer_twice_is_heard_as_one_result_and_one_repeat() -> None:
    async with bench() as (_, charge_point, panel):
        panel.toggle("answer twice")
        await charge_point.call(HeartbeatRequest())
        await charge_point.call(HeartbeatRequest())
        assert charge_point.session is not None
        assert charge_point.session.pending.counts["repeated"] >= 1


@pytest.mark.parametrize("label", BUTTONS)
async def test_a_button_ends_the_connection_and_the_pending_call(label: str) -> None:
    async with bench() as (_, charge_point, panel):
        panel.set(action="Heartbeat")
        panel.toggle("ignore")
        pending = asyncio.create_task(charge_point.call(HeartbeatRequest(), timeout=30))
        await asyncio.sleep(0.02)
        panel.press(label)
        await panel.settle()
        with pytest.raises(ConnectionLost):
            await pending
        assert f"pressed: {label} 1×" in panel.text


async def test_refuse_shuts_the_door() -> None:
    async with bench() as (central_system, charge_point, panel):
        panel.toggle("refuse")
        panel.press("abort")
        await panel.settle()
        await charge_point.wait_for("waiting")
        async with ChargePoint(central_system.url, "CP_2") as other:
            await other.wait_for("waiting")
        assert "refuse 1×" in panel.text


async def test_the_drop_down_limits_a_fault_to_an_action_also_afterwards() -> None:
    async with bench() as (_, charge_point, panel):
        panel.toggle("CallError")
        panel.set(action="Authorize")
        await charge_point.call(HeartbeatRequest())
        with pytest.raises(CallFailed):
            await charge_point.call(AuthorizeRequest(id_tag="TAG_A"))
        assert "on: CallError Authorize" in panel.text


async def test_sliders_change_what_is_in_force() -> None:
    async with bench() as (central_system, _, panel):
        panel.toggle("delay")
        panel.set(seconds=0.5, interval=7)
        assert central_system.faults.rules[0].options == {"seconds": 0.5}
        assert central_system.policy.interval == 7


async def test_stop_reading_ends_by_itself() -> None:
    async with bench() as (_, charge_point, panel):
        panel.set(seconds=0.25)
        panel.toggle("stop reading")
        await charge_point.call(HeartbeatRequest(), timeout=5)  # answered once reading goes on
        assert panel.toggles["stop reading"].value is False


async def test_a_fault_can_be_for_one_charge_point_only() -> None:
    async with CentralSystem() as central_system:
        async with ChargePoint(central_system.url, "CP_1") as one, ChargePoint(central_system.url, "CP_2") as two:
            await one.wait_for("online")
            await two.wait_for("online")
            panel = FaultPanel(central_system, "CP_1")
            panel.set(action="Heartbeat")
            panel.toggle("CallError")
            await two.call(HeartbeatRequest())
            with pytest.raises(CallFailed):
                await one.call(HeartbeatRequest())
            panel.press("abort")
            await one.wait_for("waiting")
            assert two.state == "online"
            panel.close()


async def test_the_status_line_follows_without_being_asked() -> None:
    async with bench() as (central_system, _, panel):
        panel.press("abort")
        await panel.settle()
        async with asyncio.timeout(2):
            while "connected: nobody" not in panel.status.value:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert central_system.sessions == {}


async def test_closing_it_leaves_a_central_system_without_faults() -> None:
    async with bench() as (central_system, _, panel):
        for label in TOGGLES:
            panel.toggle(label)
        panel.close()
        assert central_system.faults.rules == []
        assert all(toggle.disabled for toggle in panel.toggles.values())


async def test_what_goes_wrong_is_said_on_the_panel() -> None:
    async with bench() as (central_system, charge_point, panel):
        await charge_point.stop()
        await central_system.stop()
        panel.press("abort")
        assert "nobody is connected: there is nothing to end" in panel.status.value
        late = FaultPanel(central_system)
        assert NOT_LISTENING in late.status.value
        late.close()
        panel.rules["garbage"] = Fault("garbage")  # so that switching it on fails
        panel.central_system.faults.garbage = None  # type: ignore[method-assign,assignment]
        with pytest.raises(TypeError):
            panel.toggle("garbage")
        assert "failed: TypeError" in panel.status.value


async def test_of_two_faults_the_first_acts_and_the_panel_says_so() -> None:
    async with bench() as (_, charge_point, panel):
        panel.toggle("CallError")
        panel.toggle("ignore")
        assert "CallError was on first, so it acts; ignore waits" in panel.text
        assert "waits" in panel.toggles["ignore"]._dom_classes
        with pytest.raises(CallFailed):
            await charge_point.call(HeartbeatRequest())
        panel.toggle("CallError", False)
        assert "waits" not in panel.text and "waits" not in panel.toggles["ignore"]._dom_classes
        with pytest.raises(CallTimeout):
            await charge_point.call(HeartbeatRequest())
        panel._refresh()
        assert panel.toggles["ignore"].description == "ignore 1×"


async def test_a_heartbeat_may_be_sent_and_its_end_is_told() -> None:
    async with bench() as (central_system, charge_point, panel):
        with pytest.raises(ValueError, match="expected one of"):
            panel.press(HEARTBEAT)  # nobody gave it a charge point
        own = FaultPanel(central_system, charge_point=lambda: charge_point)
        own.press(HEARTBEAT)
        await own.settle()
        assert own.trouble == "" and "pressed: send a Heartbeat 1×" in own.text
        own.toggle("ignore")
        own.press(HEARTBEAT)
        await own.settle()
        assert "Heartbeat: timeout" in own.status.value
        own.press("all off")
        assert "on: no fault" in own.text
        own.close()


async def test_as_text_it_is_one_line_without_numbers_that_vary() -> None:
    async with bench() as (_, _, panel):
        bundle = panel._repr_mimebundle_()
        assert (
            bundle["text/plain"] == "FaultPanel: on: no fault · connected: CP_1 · applied: nothing · pressed: nothing"
        )
        assert "application/vnd.jupyter.widget-view+json" in bundle


async def test_an_unknown_label_is_refused_with_the_known_ones() -> None:
    async with bench() as (_, _, panel):
        with pytest.raises(ValueError, match=r"expected one of close 1001, abort, all off, came 'explode'"):
            panel.press("explode")
