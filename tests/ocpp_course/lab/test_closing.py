"""The button that ends a notebook's work: in order, all of it, whatever fails; and it counts."""

from __future__ import annotations

import asyncio

from ocpp_course.lab import Closing, FaultPanel, Guard
from ocpp_lab import CentralSystem, ChargePoint


async def test_a_click_closes_all_and_tells_what_is_left() -> None:
    guard = Guard()
    central_system = await CentralSystem().start()
    charge_point = await ChargePoint(central_system.url, "CP_1").start()
    await charge_point.wait_for("online")
    panel = FaultPanel(central_system)
    closing = Closing(guard, panel, charge_point, central_system)
    assert "still alive" in closing.picture() and "still alive" in closing.status.value
    closing.press()
    async with asyncio.timeout(10):
        while not closing.closed or "Closed." not in closing.status.value:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert charge_point.state == "stopped" and not central_system.sessions
    assert await closing.close() == []


async def test_each_thing_ends_in_its_own_way_and_in_order() -> None:
    ended: list[str] = []

    class Folder:
        def cleanup(self) -> None:
            ended.append("folder")

    async def stop() -> None:
        ended.append("function")

    task = asyncio.create_task(asyncio.sleep(100), name="sampler")
    assert await Closing(Guard(), stop, Folder(), task).close() == []
    assert ended == ["function", "folder"] and task.cancelled()


async def test_what_cannot_be_closed_is_named_and_the_rest_is_closed() -> None:
    ended: list[str] = []

    def fails() -> None:
        raise OSError("the disk is full")

    closing = Closing(Guard(), fails, object(), lambda: ended.append("last"))
    assert await closing.close() == []
    assert "the disk is full" in closing.status.value and "has none of close, stop" in closing.status.value
    assert ended == ["last"]
    assert await closing.close() == [] and ended == ["last"]


async def test_a_task_that_nobody_ended_is_named() -> None:
    forgotten = asyncio.create_task(asyncio.sleep(100), name="forgotten heartbeat")
    closing = Closing(Guard())
    assert await closing.close() == ["forgotten heartbeat"]
    assert "Tasks left: 1: forgotten heartbeat. Was a cell run twice?" in closing.status.value
    forgotten.cancel()
