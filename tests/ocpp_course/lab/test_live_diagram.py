"""A diagram of a charge point that lives says what it is doing, and leaves a picture behind."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from collections.abc import Iterator
from itertools import repeat

from ocpp_course import lab
from ocpp_course.lab.live_diagram import FLASH, REFRESH
from ocpp_lab import ChargePoint
from tests.pair import pair
from tests.simulated import simulated


def waits() -> Iterator[float]:
    return repeat(8.0)


@simulated
async def test_the_current_state_is_lit_and_the_last_edge_is_new() -> None:
    charge_point = ChargePoint("ws://127.0.0.1:9/", "CP_1", delays=waits)
    diagram = lab.diagram(charge_point)
    assert (diagram.moment().state, diagram.moment().edge) == ("disconnected", None)
    async with charge_point:
        await charge_point.wait_for("waiting")
        assert diagram.moment().edge == ("connecting", "lost", "waiting")
        await asyncio.sleep(FLASH + REFRESH)
        assert diagram.moment().edge is None
        assert 'class="state on"' in diagram.shown.value
    diagram.close()


@simulated
async def test_a_back_off_counts_down() -> None:
    charge_point = ChargePoint("ws://127.0.0.1:9/", "CP_1", delays=waits)
    diagram = lab.diagram(charge_point)
    async with charge_point:
        await charge_point.wait_for("waiting")
        await asyncio.sleep(2)
        told = [diagram.shown.value]
        await asyncio.sleep(3)
        told.append(diagram.shown.value)
        left = [int(re.findall(r"dials in (\d+) s", shown)[0]) for shown in told]
        assert left[0] in (6, 7) and left[1] in (3, 4)
        assert 7.9 <= diagram.moment().wait <= 8.1
    diagram.close()


@simulated
async def test_a_back_off_is_drawn_once_a_second() -> None:
    """Between that the browser moves the bar, and a flash goes on where it was."""
    sent: list[str] = []
    charge_point = ChargePoint("ws://127.0.0.1:9/", "CP_1", delays=waits)
    diagram = lab.diagram(charge_point)
    async with charge_point:
        await charge_point.wait_for("waiting")
        diagram.shown.observe(lambda change: sent.append(change["new"]), names="value")
        await asyncio.sleep(7.5)
        assert len(sent) <= 11
        assert any('style="--ago:-' in shown and "--left:7.0s" in shown for shown in sent)
    diagram.close()


@simulated
async def test_of_a_function_it_shows_who_lives_now() -> None:
    lives = [ChargePoint("ws://127.0.0.1:9/", name) for name in ("CP_1", "CP_2")]
    diagram = lab.diagram(lambda: lives[0])
    assert "CP_1 is disconnected" in diagram.shown.value
    lives.pop(0)
    await asyncio.sleep(2 * REFRESH)
    assert "CP_2 is disconnected" in diagram.shown.value
    diagram.close()


@simulated
async def test_what_did_not_change_is_not_sent_again() -> None:
    sent: list[str] = []
    async with pair() as (_, charge_point):
        await charge_point.wait_for("online")
        diagram = lab.diagram(charge_point)
        await asyncio.sleep(FLASH + REFRESH)
        diagram.shown.observe(lambda change: sent.append(change["new"]), names="value")
        await asyncio.sleep(60)
        assert not sent
        diagram.close()


@simulated
async def test_closed_it_looks_no_more_and_its_picture_stays() -> None:
    async with pair() as (_, charge_point):
        await charge_point.wait_for("online")
        diagram = lab.diagram(charge_point)
        diagram.close()
    shown = diagram.shown.value
    await asyncio.sleep(2)
    assert diagram.shown.value == shown
    assert charge_point.state == "stopped" and "CP_1 is online" in shown


@simulated
async def test_the_picture_is_static_and_says_the_state() -> None:
    charge_point = ChargePoint("ws://127.0.0.1:9/", "CP_1")
    diagram = lab.diagram(charge_point)
    picture = diagram.picture()
    assert '<figure class="ol"' in picture and "<script" not in picture
    drawn = b64decode(re.findall('base64,([^"]+)', picture)[0]).decode()
    assert "light-dark(" in drawn and 'still"' not in drawn  # it takes the theme of the page
    assert 'alt="State diagram. CP_1 is disconnected.' in picture
    assert repr(diagram) == diagram._repr_mimebundle_()["text/plain"] == "LiveDiagram: CP_1 is disconnected"
    diagram.close()
