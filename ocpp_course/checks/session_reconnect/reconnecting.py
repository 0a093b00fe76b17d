"""3.3: dial, serve, wait, again: scripted connections under the loop that keeps a charge point connected."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.connection import keep_connected
from ocpp_lab.errors import CallTimeout, ConnectionLost, HandshakeRefused, IllegalTransition

from ..kit import Kit
from ..step import Step
from .plays import (
    GOES_ON,
    EmptyPipe,
    Play,
    Proved,
    Scene,
    end,
    last_long,
    lose,
    prove_and_end,
    prove_and_lose,
    stay,
    stopped,
)

step = Step(
    "3.3",
    "`keep_connected`: the loop",
    ("keep_connected",),
    points=3,
    minutes=25,
    reference=lambda: keep_connected,
)

MANY = 300
"""Cuts in a row. A loop that calls itself is 300 calls deep by then, and at 1,000 Python gives up."""
MOMENT = 0.001
NO_PROOF = "{} is no proof; only `proved()` starts the waits afresh."
AS_TOLD = "the waits are those of `delays()`, one after the other."


def told(waits: list[float]) -> str:
    return ", ".join(f"{wait:g}" for wait in waits) + " s"


@step.check("1, 2, 4, 8 s; a wait after a polite close too; 300 cuts are no problem")
async def waits_as_told(my: Any, kit: Kit) -> str:
    """A charge point that lost its connection dials again, after a wait (RFC 6455 7.2.3), and for ever."""
    play = Play(kit, OSError("no route"), OSError("no route"), ConnectionLost(), OSError("no route"), end, lose)
    waits = await play.until(my, 6)
    said = "a peer that closes politely is still gone; wait."
    kit.require(waits[4] >= 1 - MOMENT, f"{waits[4]:g} s after a polite close", said)
    anew = "each wait was the first of a new iterator; go on with the one that you have."
    kit.require(not near(waits[:4], [1, 1, 1, 1]), told(waits[:4]), anew)
    kit.require(near(waits[:4], [1, 2, 4, 8]), told(waits[:4]), AS_TOLD)
    play = Play(kit, OSError("no route"))
    await play.until(my, MANY, seconds=10**6)
    grown = play.depths[-1] - play.depths[1]
    kit.require(grown < MANY // 3, f"{grown} calls deeper", "after 1,000 cuts the stack overflows.")
    return told(waits[:4])


def near(waits: list[float], wanted: list[float]) -> bool:
    return len(waits) == len(wanted) and all(abs(a - b) <= MOMENT for a, b in zip(waits, wanted, strict=True))


@step.check("after a proof the next waits are 1, 2, 4 s again")
async def resets_on_proof(my: Any, kit: Kit) -> str:
    """A connection that proved itself is no part of the trouble before it; the next waits start afresh."""
    for good in (prove_and_lose, prove_and_end):
        play = Play(kit, OSError(), OSError(), OSError(), good, OSError())
        waits = await play.until(my, 8)
        said = "`proved()` was called; the waits after it are those of a fresh iterator, from its first on."
        if near(waits, [1, 2, 4, 8, 16, 32, 64]):
            said = "`proved()` was called, and the waits went on growing; the next is the first of a fresh iterator."
        kit.require(near(waits, [1, 2, 4, 1, 2, 4, 8]), told(waits), said)
    return "1, 2, 4, 1, 2, 4 s"


@step.check("opened and lost at once, six times: 1, 2, 4, 8, 16 s")
async def no_reset_on_open(my: Any, kit: Kit) -> str:
    """A connection that opens has proved nothing yet: the central system may accept and drop all night."""
    waits = await Play(kit, lose).until(my, 6)
    said = "a central system that accepts and drops gets hammered every 3 s; reset when the connection proved itself."
    kit.require(near(waits, [1, 2, 4, 8, 16]), told(waits), said if near(waits, [1] * 5) else AS_TOLD)
    for scene, what in ((end, "a polite close"), (last_long, "a long life")):
        play = Play(kit, scene, scene, scene, lose)
        other = await play.until(my, 4)
        kit.require(near(other, [1, 2, 4]), told(other), NO_PROOF.format(what) if 1 in other[1:] else AS_TOLD)
        kit.require(play.whole, f"{what} came early", "`serve` ends when the connection does; nobody cuts it short.")
    return told(waits)


@step.check("cancelled while it dials, serves or waits: over within 0 s")
async def stops_now(my: Any, kit: Kit) -> str:
    """Whoever stops a charge point does not wait out its back-off; and cancellation goes through."""

    async def never(pipe: EmptyPipe, proved: Proved) -> None:
        await asyncio.Event().wait()

    moments = {"serving": Play(kit, never), "waiting": Play(kit, *[OSError()] * 5), "dialling": Play(kit, never)}
    moments["dialling"].dial = _for_ever  # type: ignore[method-assign, assignment]
    for moment, play in moments.items():
        task = play.begin(my)
        await asyncio.sleep(8.5)  # the fourth wait is from 7 to 15 s
        begun = kit.time
        task.cancel()
        await asyncio.wait([task], timeout=1000)
        if not task.done():
            await stopped(task)
            kit.require(False, f"{moment}: it goes on", GOES_ON)
        said = f"cancelled while it was {moment}, it went on for {kit.time - begun:g} s; it ends at once."
        if moment == "waiting":
            said = "stopping waited out the back-off."
        kit.require(kit.time - begun < MOMENT, f"{moment}: {kit.time - begun:g} s", said)
        ended = f"cancelled while it was {moment}, it ended without CancelledError; let that through."
        kit.require(task.cancelled(), f"{moment}: no CancelledError", ended)
    return "0 s, three times"


@step.check("HTTP 401, 404, 503 and others: dialled again after a wait")
async def retries_404(my: Any, kit: Kit) -> str:
    """After HTTP 404 a charge point SHALL try again with back-off (J-errata 3.3); ours does after any refusal."""
    for status in (404, 401, 503, kit.rng.choice([400, 403, 429, 500, 502]), 101):
        try:
            waits = await Play(kit, HandshakeRefused(status), stay).until(my, 2)
        except HandshakeRefused:
            said = f"HTTP {status} ended it; whatever the status, it is tried again after a wait."
            unknown = "unknown today, provisioned tomorrow; retry with back-off."
            kit.require(False, f"HTTP {status} ended it", unknown if status == 404 else said)
        kit.require(near(waits, [1]), f"HTTP {status}: {told(waits)}", AS_TOLD)
    waits = await Play(kit, *[HandshakeRefused(503)] * 4, stay).until(my, 5)
    said = NO_PROOF.format("a refusal") if 1 in waits[1:] else AS_TOLD
    kit.require(near(waits, [1, 2, 4, 8]), told(waits), said)
    return "all tried again"


@step.check("TypeError from `serve`, ValueError from `dial`, and others: raised")
async def bugs_escape(my: Any, kit: Kit) -> str:
    """Only the troubles of a connection are survived; a bug has to be seen."""
    bugs = (TypeError("a bug"), IllegalTransition("online", "opened", ["lost"]), CallTimeout("a bug"))
    said = "a programming error became an endless reconnect loop."
    for scene, kind in [(_raises(bug), type(bug)) for bug in bugs] + [(ValueError("a bug"), ValueError)]:
        task = (play := Play(kit, scene, stay)).begin(my)
        await asyncio.wait([task], timeout=100)
        if not task.done():
            await stopped(task)
            play.was_awaited()
            kit.require(False, f"{kind.__name__}: it goes on", said)
        error = None if task.cancelled() else task.exception()
        another = "raise the bug itself, not another error."
        kit.require(isinstance(error, kind), f"{kind.__name__} became {type(error).__name__}", another)
    return "raised"


def _raises(error: Exception) -> Scene:
    async def scene(pipe: EmptyPipe, proved: Proved) -> None:
        raise error

    return scene


@step.check("each pipe is closed before the next dial, and at the end")
async def one_pipe(my: Any, kit: Kit) -> str:
    """A charge point has one connection. Which of two counts OCPP 1.6 does not say; here it is the newest."""
    said = "it dialled while the pipe before was open; these are two connections of one identity. Close it first."
    play = Play(kit, lose, end, prove_and_lose, OSError(), stay, closing=0.5)
    await play.until(my, 5)
    kit.require(not play.overlaps, f"{play.overlaps} dials beside an open pipe", said)
    kit.require(
        all(pipe.closed for pipe in play.pipes), "the last pipe is open", "it was cancelled, and left its pipe open."
    )
    task = (play := Play(kit, lose, stay)).begin(my)
    await asyncio.sleep(0.5)
    kit.require(all(pipe.closed for pipe in play.pipes), "open in the wait", "close the dead pipe first, then wait.")
    await stopped(task)
    play = Play(kit, _raises(TypeError("a bug")))
    task = play.begin(my)
    await asyncio.wait([task], timeout=100)
    await stopped(task)
    kit.require(all(pipe.closed for pipe in play.pipes), "open after a bug", "a bug ended it, and its pipe is open.")
    return "one at a time"


@step.check("a late `proved()` of an old connection changes nothing")
async def own_proof(my: Any, kit: Kit) -> str:
    """An answer may still be handled when its connection is over. It proves nothing about the connection after it."""
    kept: list[Proved] = []

    async def keep(pipe: EmptyPipe, proved: Proved) -> None:
        kept.append(proved)
        raise ConnectionLost

    async def prove_the_first(pipe: EmptyPipe, proved: Proved) -> None:
        kept[0]()
        raise ConnectionLost

    waits = await Play(kit, keep, lose, prove_the_first, lose).until(my, 5)
    said = "the first connection's `proved()` was called while the third was up, and the waits started afresh."
    afresh = waits[:2] == [1, 2] and 1 in waits[2:]
    said = f"{said} It counts for its own connection only." if afresh else AS_TOLD
    kit.require(near(waits, [1, 2, 4, 8]), told(waits), said)
    return told(waits)


async def _for_ever() -> EmptyPipe:
    await asyncio.Event().wait()
    return EmptyPipe()
