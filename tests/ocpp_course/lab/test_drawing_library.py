"""What is shown in place of a plot in a browser tab; the browser's own modules are played here."""

from __future__ import annotations

import asyncio
import sys
import types
from typing import Any

import pytest

from ocpp_course import lab
from ocpp_course.lab import drawing_library as room
from ocpp_lab import browser_tab


class JsException(Exception):
    """As Pyodide's."""


class Tab:
    """A browser tab: ``reached`` if Pyodide's distribution answers, ``waits`` if it can hold a function meanwhile."""

    def __init__(self) -> None:
        self.reached = self.waits = True
        self.here = False
        self.asked: list[str] = []

    def load(self, name: str) -> Any:
        self.asked.append(name)
        return self.come() if self.waits else asyncio.get_running_loop().create_future()

    def come(self) -> None:
        self.here = self.reached

    def run_sync(self, came: None) -> None:
        if not self.reached:
            raise JsException("Failed to fetch")


@pytest.fixture
def tab(monkeypatch: pytest.MonkeyPatch) -> Tab:
    tab = Tab()
    js, ffi = types.ModuleType("pyodide_js"), types.ModuleType("pyodide.ffi")
    vars(js).update(loadPackage=tab.load)
    vars(ffi).update(can_run_sync=lambda: tab.waits, run_sync=tab.run_sync, JsException=JsException)
    monkeypatch.setitem(sys.modules, "pyodide_js", js)
    monkeypatch.setitem(sys.modules, "pyodide.ffi", ffi)
    monkeypatch.setattr(browser_tab, "IN_A_TAB", True)
    monkeypatch.setattr(room, "find_spec", lambda name: tab.here or None)
    monkeypatch.setattr(room, "_asked", False)
    monkeypatch.setattr(room, "_fetching", [])
    return tab


def test_elsewhere_nothing_is_fetched() -> None:
    assert room.missing() == ""


def test_the_first_plot_fetches_it(tab: Tab) -> None:
    assert room.missing() == ""
    assert lab.figure(*_drawn()).png
    assert tab.asked == ["matplotlib"]


def test_without_it_a_line_and_what_the_plot_would_show(tab: Tab) -> None:
    tab.reached = False
    picture = lab.figure(*_drawn())
    assert picture.png == b""
    assert repr(picture) == f"Picture: {room.UNREACHED} two calls & an end"
    assert "two calls &amp; an end</p>" in picture._repr_html_()
    assert tab.asked == ["matplotlib"]


def test_a_plot_that_draws_itself_is_a_line_too(tab: Tab) -> None:
    tab.reached = False
    assert lab.outcomes([]).alt == room.UNREACHED


async def test_where_nothing_can_wait_for_it_the_reader_comes_again(tab: Tab) -> None:
    tab.waits = False
    assert room.missing() == room.ON_ITS_WAY
    tab.here = True
    assert room.missing() == ""
    assert tab.asked == ["matplotlib"]


def _drawn() -> tuple[Any, str]:
    fig, axes = lab.subplots(rows=3)
    for ax, _ in zip(axes, range(3), strict=True):
        ax.plot([1, 2], [3, 4], label="calls")
    axes[0].set_ylim(0, None)
    lab.title(axes[0], f"{1000 * 2} calls")
    return fig, "two calls & an end"
