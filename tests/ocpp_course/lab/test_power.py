"""The power panel runs a real process, and its kill -9 is one."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

import pytest

from ocpp_course.lab import PowerPanel
from ocpp_course.lab.power import CHILD
from ocpp_lab import CentralSystem, ChargePoint, browser_tab

IN_A_TAB = pytest.mark.parametrize("in_a_tab", [False, True], ids=["process", "tab"])
"""Where there are no processes a power cut inside this one must come to the same."""


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 (there is no event for it)
            await asyncio.sleep(0.01)


def count(panel: PowerPanel, what: str) -> int:
    return Counter(said for said, _ in panel.said)[what]


@IN_A_TAB
async def test_a_process_is_killed_and_another_one_goes_on_from_its_file(
    tmp_path: Path, in_a_tab: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Core 4.8, 4.10: what a process said to be durable is in the ledger once, whatever killed the process."""
    monkeypatch.setattr(browser_tab, "IN_A_TAB", in_a_tab)
    path = tmp_path / "charge_point.db"
    async with CentralSystem() as central_system:
        panel = PowerPanel(central_system.url, path)
        assert (panel.on, panel.waiting(), panel.running()) == (False, 0, 0)
        for life in (1, 2):
            panel.press("power on")
            await panel.settle()
            assert panel.on and panel.lives == life
            started = count(panel, "start")
            await until(lambda started=started: count(panel, "start") > started + 1)
            panel.press("kill -9")
            await panel.settle()
            assert not panel.on and panel.exit_codes == [-9] * life
        async with ChargePoint(central_system.url, "CP_9", path=str(path), delays=lambda: repeat(0.02)) as last:
            await until(lambda: last.state == "online" and not len(last.outbox))
        assert (panel.waiting(), panel.running()) == (0, 0)
        rows = Counter(row["id_tag"] for row in central_system.ledger.rows())
        assert set(rows.values()) == {1}
        assert {tag for what, tag in panel.said if what == "start"} <= set(rows)
        await panel.close()


async def test_it_shows_what_lies_in_the_file_while_the_power_is_off(tmp_path: Path) -> None:
    async with CentralSystem() as central_system:
        central_system.faults.refuse()
        panel = PowerPanel(central_system.url, tmp_path / "charge_point.db")
        line = "PowerPanel: power: off · lives: 0 · said: nothing · messages in its file: 0 · transactions open: 0"
        assert panel._repr_mimebundle_()["text/plain"] == line
        panel.press("power on")
        await until(lambda: panel.said and panel.said[-1][0] == "sample")
        panel.press("kill -9")
        await panel.settle()
        assert panel.waiting() >= 2 and panel.running() <= 1
        assert f"power: off · lives: 1 · said: start {count(panel, 'start')}×" in panel.status.value
        await panel.close()


async def test_in_a_tab_it_says_that_it_is_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_tab, "IN_A_TAB", True)
    panel = PowerPanel("ws://127.0.0.1:9", tmp_path / "charge_point.db")
    assert panel.text.endswith(" · a browser tab has no processes: kill -9 is a power cut inside it")
    await panel.close()


@IN_A_TAB
async def test_closing_leaves_no_process(tmp_path: Path, in_a_tab: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_tab, "IN_A_TAB", in_a_tab)
    panel = PowerPanel("ws://127.0.0.1:9", tmp_path / "charge_point.db")
    panel.press("power on")
    await panel.settle()
    panel.press("power on")  # it is on: nothing happens
    await panel.close()
    assert (panel.on, panel.lives, panel.exit_codes) == (False, 1, [-9])
    assert all(button.disabled for button in panel.buttons.values())


async def test_the_process_ends_with_the_kernel(tmp_path: Path) -> None:
    """Whoever shuts a kernel down has pressed nothing: then nobody listens, and it goes without a traceback."""
    command = (sys.executable, "-P", str(CHILD), "ws://127.0.0.1:9", "CP_9", str(tmp_path / "a.db"), "1")
    child = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    assert child.stdout and child.stderr
    assert (await child.stdout.readline()).startswith(b"start")
    child.stdout._transport.close()  # type: ignore[attr-defined]
    assert await child.stderr.read() == b""
    assert await asyncio.wait_for(child.wait(), 20) == 0


async def test_an_unknown_label_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    panel = PowerPanel("ws://127.0.0.1:9", tmp_path / "charge_point.db")
    with pytest.raises(ValueError, match="expected one of power on, kill -9, came 'explode'"):
        panel.press("explode")
    await panel.close()
