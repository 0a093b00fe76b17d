"""`Screen`: lines to whatever stands behind a descriptor, of which none may hold up the loop."""

from __future__ import annotations

import asyncio
import io
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

from ocpp_lab.cli import screen as module
from ocpp_lab.cli.screen import Screen

LINE = "x" * 99 + "\n"


class Watched:
    """A screen, and what it was told: how often that nobody reads any more."""

    def __init__(self, out: TextIO) -> None:
        self.closed = 0
        self.screen = Screen(out, lambda count: f"{count} missing\n", self._count)

    def _count(self) -> None:
        self.closed += 1

    def write(self, *lines: str) -> None:
        for line in lines:
            self.screen.write(line)


@contextmanager
def pipe(encoding: str = "utf-8") -> Iterator[tuple[int, TextIO]]:
    """A descriptor to read from, and a file to write into, as the standard output is one."""
    here, there = os.pipe()
    os.set_blocking(here, False)
    with open(there, "w", encoding=encoding) as out:
        try:
            yield here, out
        finally:
            os.close(here)


def opened(where: int | Path | str) -> TextIO:
    return open(where, "w")


def taken(fd: int) -> str:
    """All that is there now."""
    said = b""
    try:
        while chunk := os.read(fd, 65_536):
            said += chunk
    except BlockingIOError:
        pass
    return said.decode()


async def flows(fd: int, end: str) -> str:
    """What comes until it ends so; the loop runs meanwhile."""
    said = ""
    async with asyncio.timeout(10):
        while not said.endswith(end):
            await asyncio.sleep(0)
            said += taken(fd)
    return said


async def test_a_line_is_there_at_once() -> None:
    """What has room is not kept for later: a program that dies next has said it."""
    with pipe() as (here, out):
        watched = Watched(out)
        watched.write("one\n", "two\n")
        assert taken(here) == "one\ntwo\n"
        watched.screen.close()


async def test_a_full_pipe_keeps_the_oldest_and_counts_the_rest() -> None:
    """Nobody reads: it returns all the same, keeps a bounded amount, and says what is missing where it is missing."""
    with pipe() as (here, out):
        watched = Watched(out)
        watched.write(*(f"{n:08} {LINE}" for n in range(10_000)))
        dropped = watched.screen.dropped
        assert 5_000 < dropped < 10_000
        said = await flows(here, f"{dropped} missing\n")
        assert said == "".join(f"{n:08} {LINE}" for n in range(10_000 - dropped)) + f"{dropped} missing\n"
        watched.write("new\n")
        assert taken(here) == "new\n"
        watched.screen.close()


async def test_what_is_dropped_is_said_once_for_all() -> None:
    """A reader that takes a line now and then does not see a notice between any two of them."""
    with pipe() as (here, out):
        watched = Watched(out)
        watched.write(*[LINE] * 5_000)
        said = ""
        for _ in range(100):
            said += os.read(here, 1_000).decode()
            await asyncio.sleep(0)
            watched.write(LINE)
        said += await flows(here, "missing\n")
        assert said.count("missing") == 1
        assert said.count("x") // 99 + watched.screen.dropped == 5_100
        watched.screen.close()


async def test_a_reader_that_has_gone() -> None:
    """`| head`: told once, and nothing is written any more."""
    here, there = os.pipe()
    with opened(there) as out:
        watched = Watched(out)
        watched.write("one\n")
        assert watched.closed == 0
        os.close(here)
        watched.write("two\n", "three\n")
        assert watched.closed == 1
        watched.screen.close()


async def test_a_reader_that_goes_while_lines_wait() -> None:
    here, there = os.pipe()
    with opened(there) as out:
        watched = Watched(out)
        watched.write(*[LINE] * 2_000)
        os.close(here)
        async with asyncio.timeout(10):
            while not watched.closed:  # noqa: ASYNC110 (the loop is what tells it)
                await asyncio.sleep(0)
        watched.screen.close()
        assert watched.closed == 1


async def test_at_the_end_the_reader_gets_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What still waits is given up then: nobody can wait for a paused terminal for ever."""
    monkeypatch.setattr(module, "LAST_LINES", 0.05)
    with pipe() as (here, out):
        watched = Watched(out)
        watched.write(*[LINE] * 2_000)
        watched.screen.close()
        watched.write("after the end\n")
        assert set(taken(here)) == set(LINE)


async def test_lines_that_wait_are_shown_before_the_end() -> None:
    with pipe() as (here, out):
        watched = Watched(out)
        watched.write(*[LINE] * 1_500, "the last one\n")
        reading = asyncio.create_task(asyncio.to_thread(_all_of, here, "the last one\n"))
        await asyncio.sleep(0)
        watched.screen.close()
        assert await reading == LINE * 1_500 + "the last one\n"


def _all_of(fd: int, end: str) -> str:
    os.set_blocking(fd, True)
    said = ""
    while not said.endswith(end):
        said += os.read(fd, 65_536).decode()
    return said


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()


async def test_the_file_of_others_is_left_as_it_is() -> None:
    """The shell and its other programs have the same open file: it waits for them as before. Nothing stays open."""
    before = descriptors()
    with pipe() as (_, out):
        watched = Watched(out)
        watched.write(*[LINE] * 2_000)
        if before:  # without /proc a pipe cannot be opened once more, and the next test holds
            assert os.get_blocking(out.fileno())
        watched.screen.close()
        assert os.get_blocking(out.fileno())
    assert descriptors() == before


async def test_what_cannot_be_opened_once_more_is_put_back() -> None:
    """A socket, as a service manager gives one."""
    ours, theirs = socket.socketpair()
    with ours, theirs, opened(os.dup(ours.fileno())) as out:
        watched = Watched(out)
        watched.write(*[LINE] * 10_000)  # and is not held up
        assert watched.screen.dropped
        watched.screen.close()
        assert os.get_blocking(out.fileno())


async def test_a_file_gets_all_of_it_at_once(tmp_path: Path) -> None:
    with opened(tmp_path / "story") as out:
        watched = Watched(out)
        watched.write(*[LINE] * 10_000)
        assert (tmp_path / "story").stat().st_size == 1_000_000
        watched.screen.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
async def test_a_full_disk_ends_it() -> None:
    """/dev/full takes nothing."""
    out = opened("/dev/full")
    watched = Watched(out)
    watched.write("one\n", "two\n")
    assert watched.closed == 1
    with pytest.raises(OSError, match="No space"):
        out.close()


def test_what_is_no_descriptor_is_written_to() -> None:
    """And without a loop nothing is kept for later."""
    out = io.StringIO()
    Watched(out).write("one\n")
    assert out.getvalue() == "one\n"


async def test_letters_that_it_does_not_have() -> None:
    with pipe(encoding="ascii") as (here, out):
        watched = Watched(out)
        watched.write("connecting → booting\n")
        assert taken(here) == "connecting \\u2192 booting\n"
        watched.screen.close()
