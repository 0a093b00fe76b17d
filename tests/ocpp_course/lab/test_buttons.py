"""A button awaits its work, one after the other, and says what went wrong."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_course.lab import Buttons


async def test_a_press_awaits_the_work_and_is_counted() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("begun")
        await asyncio.sleep(0.01)
        done.append("ended")

    buttons = Buttons({"restart": work})
    buttons.press("restart")
    buttons.press("restart")
    await buttons.settle()
    assert done == ["begun", "ended"] * 2
    assert repr(buttons) == buttons._repr_mimebundle_()["text/plain"] == "Buttons: restart · pressed: restart 2×"
    assert "restart 2×" in buttons.status.value
    await buttons.close()
    assert buttons.buttons["restart"].disabled


async def test_closing_waits_for_what_was_clicked() -> None:
    """Or a restart would start a machine after the notebook has stopped all of them."""
    begun, go_on, done = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await go_on.wait()
        done.append("restarted")

    buttons = Buttons({"restart": work})
    buttons.press("restart")
    await begun.wait()
    closing = asyncio.create_task(buttons.close())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    await closing
    assert done == ["restarted"] and "Closed" in buttons.status.value


async def test_what_a_work_raises_is_shown_and_raised() -> None:
    async def work() -> None:
        raise OSError("no power")

    buttons = Buttons({"restart": work})
    buttons.press("restart")
    with pytest.raises(OSError, match="no power"):
        await buttons.settle()
    await asyncio.sleep(0)
    assert "no power" in buttons.status.value


async def test_an_unknown_label_is_named() -> None:
    with pytest.raises(ValueError, match="expected one of restart, came 'stop'"):
        Buttons({"restart": asyncio.Event().wait}).press("stop")
