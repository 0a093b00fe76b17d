"""A power cut inside this process: the file is as it was then, and the other end hears no word."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ocpp_course.lab.inside import KILLED, Inside
from ocpp_lab import CentralSystem, Store


async def said(life: Inside, what: str, times: int) -> list[str]:
    """Its lines, up to so many of a kind."""
    lines: list[str] = []
    async with asyncio.timeout(20):
        while sum(line.startswith(what) for line in lines) < times:
            lines.append((await life.stdout.readline()).decode().strip())
    return lines


async def test_what_lay_in_the_file_then_is_what_the_next_life_finds(tmp_path: Path) -> None:
    path = tmp_path / "charge_point.db"
    life = Inside("ws://127.0.0.1:9", "CP_9", path, 1)
    lines = await said(life, "stop", 1)
    assert lines[0] == "start TAG_1.1" and lines[-1] == "stop TAG_1.1"
    before = {file: file.read_bytes() for file in (path, tmp_path / f"{path.name}-wal")}
    life.kill()
    life.kill()  # it is off already
    assert await life.wait() == KILLED
    assert {file: file.read_bytes() for file in before} == before
    assert await life.stdout.read() == b"", "it said more after its end"
    store = Store(str(path))
    assert store.execute("SELECT count(*) FROM outbox")[0][0] >= 2
    store.close()


async def test_the_other_end_hears_no_close(tmp_path: Path) -> None:
    async with CentralSystem() as central_system:
        life = Inside(central_system.url, "CP_9", tmp_path / "a.db", 1)
        async with asyncio.timeout(20):
            while not central_system.ledger.rows():  # noqa: ASYNC110 (there is no event for it)
                await asyncio.sleep(0.01)
        life.kill()
        await life.wait()
        async with asyncio.timeout(5):
            while "CP_9" in central_system:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        [end] = [event.text for event in central_system.trace if event.text.startswith("disconnected")]
        assert end == "disconnected: the connection was lost without a close frame"


async def test_one_that_cannot_live_dies_by_itself(tmp_path: Path) -> None:
    life = Inside("ws://127.0.0.1:9", "CP_9", tmp_path / "no folder" / "a.db", 1)
    assert await life.stdout.read() == b""
    assert await life.wait() == 1
    life.kill()
    assert await life.wait() == 1
