"""The five smoke tests, as the house writes them: each asserts what a lying stack cannot fake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

from ocpp_lab.errors import CallTimeout, ConnectionLost, NotConnected
from ocpp_lab.frames import Call, CallError, CallResult, encode
from ocpp_lab.messages import AuthorizeRequest

from .bench import Bench


async def _until(condition: Callable[[], object], seconds: float, expected: str) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition():
        assert loop.time() < deadline, f"expected {expected} within {seconds:g} s"
        await asyncio.sleep(0.05)


def _actions(bench: Bench) -> list[str]:
    return [frame.action for event in bench.central_system.received if isinstance(frame := event.frame, Call)]


async def boot_accepted_then_heartbeat(bench: Bench) -> None:
    """One boot, and only then heartbeats, in the cadence that its answer asked for."""
    await bench.start(interval=10, timeout=5)
    await _until(lambda: len(bench.central_system.heartbeats) >= 4, 60, "four heartbeats")
    actions, beats = _actions(bench), bench.central_system.heartbeats
    assert actions[0] == "BootNotification", f"expected a boot first, came {actions[0]}"
    assert actions.count("BootNotification") == 1, f"expected one boot, came {actions.count('BootNotification')}"
    for earlier, later in pairwise(beats):
        assert abs(later - earlier - 10) < 1, f"expected a heartbeat after 10 s, came one after {later - earlier:.1f} s"


async def timeout_no_server_reply(bench: Bench) -> None:
    """A call without answer ends with CallTimeout, in time, and leaves nothing behind."""
    await bench.start(interval=300, timeout=2)
    rule = bench.central_system.faults.ignore("Authorize")
    started = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(10):
            response = await bench.charge_point.call(AuthorizeRequest(id_tag="TAG_A"))
    except CallTimeout:
        pass
    else:
        raise AssertionError(f"expected CallTimeout, came {response!r}")
    took = asyncio.get_running_loop().time() - started
    assert 1.5 < took < 3, f"expected the timeout after 2 s, it came after {took:.1f} s"
    assert bench.charge_point.pending == 0, f"expected nothing pending, came {bench.charge_point.pending}"
    bench.central_system.faults.remove(rule)
    await bench.charge_point.call(AuthorizeRequest(id_tag="TAG_A"))


async def unknown_action_yields_not_implemented(bench: Bench) -> None:
    """The answer is NotImplemented, under the id of the question, and the session lives on."""
    await bench.start(interval=300, timeout=5)
    answer = await bench.ask(Call("17", "MakeCoffee", {}))
    assert isinstance(answer, CallError) and answer.code == "NotImplemented", f"expected NotImplemented, came {answer}"
    assert answer.unique_id == "17", f"expected an answer to 17, came one to {answer.unique_id}"
    again = await bench.ask(Call("18", "Heartbeat", {}))
    assert isinstance(again, CallResult) and again.unique_id == "18", f"expected a result for 18, came {again}"


async def back_pressure_thousand_frames(bench: Bench) -> None:
    """1,000 texts at once: each arrives, and never are two on the wire."""
    await bench.start(interval=300, timeout=5)
    flood = [encode(Call(f"flood-{number}", "Heartbeat", {})) for number in range(1000)]
    await asyncio.gather(*map(bench.charge_point.send, flood))
    await asyncio.sleep(10)
    arrived = sum("flood-" in event.text for event in bench.central_system.received)
    assert arrived == 1000, f"expected 1,000 texts, came {arrived:,}"
    most = bench.charge_point.max_writes_in_flight
    assert most == 1, f"expected one write in flight, came {most:,}"


async def server_close_resolves_pendings(bench: Bench) -> None:
    """Three pending calls end at the close, and not at their timeout."""
    await bench.start(interval=300, timeout=30)
    bench.central_system.faults.ignore("Authorize")
    request = AuthorizeRequest(id_tag="TAG_A")
    calls = [asyncio.create_task(bench.charge_point.call(request)) for _ in range(3)]
    await asyncio.sleep(1)
    await bench.central_system["CP_1"].close(1001)
    await asyncio.wait(calls, timeout=2)
    for call in calls:
        assert call.done(), "expected every call to end at the close, one still waits"
        error = call.exception()
        assert isinstance(error, ConnectionLost | NotConnected), f"expected ConnectionLost, came {error!r}"
