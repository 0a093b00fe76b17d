"""What is put in for a browser tab, tried with a loop and modules of our own."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sqlite3
import subprocess
import sys
import time
import types
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ocpp_lab import CentralSystem, ChargePoint, FrameError, Store, StoreFailed, browser_tab, decode
from ocpp_lab.browser_tab import MAX_DEPTH, PAGE, prepare, too_deep
from tests.house import ROOT


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The kernel's empty `resource`; what `prepare` changes is as before after the test."""
    resource = types.ModuleType("resource")
    monkeypatch.setitem(sys.modules, "resource", resource)
    monkeypatch.setattr(time, "thread_time", time.thread_time)
    monkeypatch.setattr(json.JSONDecoder, "raw_decode", json.JSONDecoder.raw_decode)
    monkeypatch.setattr(msgspec.json, "decode", msgspec.json.decode)
    monkeypatch.setattr(sqlite3, "connect", sqlite3.connect)
    return resource


async def test_both_ends_talk_without_a_socket(restored: types.ModuleType) -> None:
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    prepare(loop)
    loop.set_exception_handler(handler)
    async with CentralSystem() as central_system, ChargePoint(central_system.url, "CP_1") as charge_point:
        async with asyncio.timeout(5):
            await charge_point.wait_for("online")
        port = int(central_system.url.rpartition(":")[2])
    assert port >= 49_152 and "create_server" in vars(loop)
    del loop.create_server, loop.create_connection  # type: ignore[attr-defined]


def test_what_the_kernel_and_pyodide_lack_is_there(restored: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "thread_time")
    loop = asyncio.new_event_loop()
    prepare(loop)
    loop.close()
    assert restored.getpagesize() == PAGE
    assert time.thread_time is time.process_time


def test_what_is_there_stays(restored: types.ModuleType) -> None:
    def theirs() -> int:
        return 4096

    restored.getpagesize = theirs  # type: ignore[attr-defined]
    loop = asyncio.new_event_loop()
    prepare(loop)
    loop.close()
    assert restored.getpagesize is theirs
    assert time.thread_time is not time.process_time


def test_what_a_task_raises_unheard_is_logged(restored: types.ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    prepare(loop)
    with caplog.at_level(logging.ERROR, "asyncio"):
        loop.call_exception_handler({"message": "nobody listened", "exception": ValueError("lost")})
    loop.close()
    [record] = caplog.records
    assert record.getMessage() == "nobody listened" and record.exc_info and str(record.exc_info[1]) == "lost"


class Hasty(asyncio.SelectorEventLoop):
    """Does with a task that has ended what Pyodide's loop does."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = 0

    def _decrement_in_progress(self, task: asyncio.Task[object] | None = None) -> None:
        self.ended += 1
        if task and (error := task.exception()):
            self.call_exception_handler({"exception": error})

    def begin(self, coroutine: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
        task = self.create_task(coroutine)
        task.add_done_callback(self._decrement_in_progress)
        return task


def test_the_exception_of_a_task_is_kept_in_it(restored: types.ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever awaits it gets it; nobody is told before, and everybody if the task is lost."""

    async def fail() -> None:
        raise ConnectionError("cut off")

    loop = Hasty()
    prepare(loop)
    with caplog.at_level(logging.ERROR, "asyncio"):
        task = loop.begin(fail())
        loop.run_until_complete(asyncio.sleep(0.01))
        assert (task.done(), loop.ended, caplog.records) == (True, 1, [])
        del task
        gc.collect()
    loop.close()
    [record] = caplog.records
    assert record.getMessage() == "Task exception was never retrieved"


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        ("[" * MAX_DEPTH, False),
        ("[" * (MAX_DEPTH + 1), True),
        ('{"a":' * (MAX_DEPTH + 1), True),
        ("[" * 300 + "{" * 300, True),
        ("[]" * 100_000, False),
        ("]" * 1_000 + "[" * (MAX_DEPTH + 1), False),
        ('["' + "[" * 1_000 + r'\""]', False),
        ("", False),
    ],
)
def test_too_deep(text: str, deep: bool) -> None:
    assert too_deep(text) is deep


def test_a_tab_refuses_what_is_too_deep_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = '[2,"17","DataTransfer",' + '{"a":' * 500 + "0" + "}" * 500 + "]"
    decode(deep)  # here it is no trouble
    monkeypatch.setattr(browser_tab, "IN_A_TAB", True)
    with pytest.raises(FrameError, match="nested too deeply") as caught:
        decode(deep)
    assert (caught.value.code, caught.value.unique_id) == ("FormationViolation", None)


def test_parsers_say_so_before_they_are_lost(restored: types.ModuleType) -> None:
    """As they do where there is a stack: with RecursionError, which a learner's answer has to expect."""
    loop = asyncio.new_event_loop()
    prepare(loop)
    loop.close()
    deep = "[" * 500 + "]" * 500
    for parse in (json.loads, json.JSONDecoder().decode, msgspec.json.decode):
        with pytest.raises(RecursionError, match="at most 400 levels"):
            parse(deep)
    with pytest.raises(RecursionError, match="at most 400 levels"):
        msgspec.json.decode(deep.encode())
    assert json.loads('{"a": [1, "[["]}') == msgspec.json.decode(b'{"a": [1, "[["]}') == {"a": [1, "[["]}
    assert msgspec.json.decode("[1]", type=list[int]) == [1]
    with pytest.raises(json.JSONDecodeError):
        json.loads("[" * 20)


def test_a_database_is_not_where_the_browser_keeps_files(
    restored: types.ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = tmp_path / "drive"
    kept.mkdir()
    monkeypatch.setattr(browser_tab, "DRIVE", f"{kept}/")
    loop = asyncio.new_event_loop()
    prepare(loop)
    loop.close()
    monkeypatch.chdir(kept)
    for path in ("here.db", kept / "here.db", b"here.db"):
        with pytest.raises(
            sqlite3.OperationalError, match=r"here.db lies .* take a temporary folder: tempfile.mkdtemp"
        ):
            sqlite3.connect(path)
    with pytest.raises(sqlite3.OperationalError, match="temporary folder"):
        sqlite3.connect(database="here.db", timeout=0)
    with pytest.raises(StoreFailed, match="temporary folder"):
        Store("here.db")
    assert list(kept.iterdir()) == []
    for store in (":memory:", str(tmp_path / "there.db")):
        Store(store).close()


def test_elsewhere_nothing_is_done() -> None:
    asked = "browser_tab.IN_A_TAB, 'create_server' in vars(loop), loop.get_exception_handler()"
    code = f"import asyncio; from ocpp_lab import browser_tab; loop = asyncio.new_event_loop(); print({asked})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.split() == ["False", "False", "None"]
