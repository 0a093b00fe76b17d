"""What the peer of a `Bench` got, how the reader ended, and what it told the pending calls then."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import ConnectionLost, FrameError
from ocpp_lab.frames import decode

from ..kit import Kit
from .bench import Bench

ANOTHER_ID = "an answer carries the id of its call, and nothing else says whose it is."


async def settled(kit: Kit, bench: Bench, unique_id: str, seconds: float, got: str, diagnosis: str) -> Any:
    """The reply to a call of the peer. Refuses the answer if it does not come within so many seconds."""
    end = kit.time + seconds
    while not bench.replies_to(unique_id) and kit.time < end:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    kit.require(bench.replies_to(unique_id) or not bench.strangers(), "another id", ANOTHER_ID)
    kit.require(bench.replies_to(unique_id), got, diagnosis)
    return bench.replies_to(unique_id)[0]


def lives_on(kit: Kit, bench: Bench, kind: type[Exception], said: str) -> None:
    """Refuse the answer if `run` has ended by an error of this kind, or without one."""
    if not bench.reading.done():
        return
    error = None if bench.reading.cancelled() else bench.reading.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    other = f"`run` ended with {type(error).__name__} while the connection was there."
    kit.require(False, "`run` has ended", said if error is None or isinstance(error, kind) else other)


def error_of(text: str) -> FrameError:
    """What `decode` says of a text that is no frame."""
    try:
        decode(text)
    except FrameError as error:
        return error
    raise AssertionError(text)


def what_fail_all_gets(bench: Bench) -> list[Any]:
    """The errors that `pending.fail_all` gets from now on. Callers are told ConnectionLost, whatever it gets."""
    given: list[Any] = []
    fail_all = bench.pending.fail_all

    def noted(error: Any) -> Any:
        given.append(error)
        return fail_all(error if isinstance(error, ConnectionLost) else ConnectionLost())

    bench.pending.fail_all = noted  # type: ignore[method-assign]
    return given
