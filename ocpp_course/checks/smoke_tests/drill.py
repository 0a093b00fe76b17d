"""The drill of capstone 1: three more broken stacks, which the five smoke tests let pass; it earns no points."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.transport import Transport

from ..kit import Kit
from ..result import Result
from ..run import run_step
from ..step import Step
from .bench import Bench, must_catch, must_pass
from .stacks import Stack, disguised

NUMBER = 100
"""Texts of a connection that go out as they should; then one does not."""


class _Counting(Transport):
    handed = 0

    async def send(self, text: str) -> None:
        self.handed += 1
        await super().send(text)


class _Swaps(_Counting):
    """One text overtakes another."""

    _late: str | None = None

    async def send(self, text: str) -> None:
        if self.handed == NUMBER and self._late is None:
            self._late = text
            return
        await super().send(text)
        if self.handed == NUMBER + 1 and self._late is not None:
            await super().send(self._late)


class _Repeats(_Counting):
    """One text goes out twice."""

    async def send(self, text: str) -> None:
        await super().send(text)
        if self.handed == NUMBER:
            await super().send(text)


class _Cuts(Transport):
    """A long text loses its end."""

    async def send(self, text: str) -> None:
        await super().send(text if len(text) < 2000 else f"{text[:2000]}")


def _with(kind: type[Transport]) -> Stack:
    return Stack(pieces={"transport": disguised(type("Broken", (kind,), {}), Transport)})


async def house_drill(bench: Bench) -> None:
    """A flood whose texts are numbered, the last of them long: each arrives as it was, once, in its place."""
    await bench.start(interval=300, timeout=5)
    texts = [f'[2,"drill-{n}","Heartbeat",{{}}]' for n in range(200)]
    texts.append(f'[2,"drill-long","DataTransfer",{{"vendorId":"Lab","data":"{"x" * 5000}"}}]')
    for text in texts:
        await bench.charge_point.send(text)
    await asyncio.sleep(10)
    came = [event.text for event in bench.central_system.received if "drill-" in event.text]
    assert came == texts, f"expected {len(texts)} texts in their order, came {len(came)}"


step = Step("1.drill", "your drill", ("drill",), points=0, minutes=15, reference=lambda: house_drill)


def drilled(drill: Any) -> Result:
    """Try a drill on right stacks and on three broken ones."""
    return run_step(step, (drill,))


@step.check("the drill passes on a right stack, also on a slow one", seconds=8)
async def passes_good(my: Any, kit: Kit) -> str:
    """A drill that fails on a right stack is switched off within a week."""
    await must_pass(my.drill, kit)
    return "it passes"


@step.check("the drill fails: one text overtakes another", seconds=8)
async def catches_overtaking(my: Any, kit: Kit) -> str:
    """Texts arrive in the order in which they were sent."""
    said = f"on that stack one text overtakes another, after {NUMBER} others; send more, and compare the order."
    await must_catch(my.drill, kit, _with(_Swaps), said)
    return "caught"


@step.check("the drill fails: one text arrives twice", seconds=8)
async def catches_repeats(my: Any, kit: Kit) -> str:
    """A text goes out once."""
    said = f"on that stack one text goes out twice, after {NUMBER} others; send more, and count each."
    await must_catch(my.drill, kit, _with(_Repeats), said)
    return "caught"


@step.check("the drill fails: a long text loses its end", seconds=8)
async def catches_cut_texts(my: Any, kit: Kit) -> str:
    """A text arrives as it was sent, however long it is."""
    said = "on that stack a text of more than 2,000 characters loses its end; send a long one, and compare it whole."
    await must_catch(my.drill, kit, _with(_Cuts), said)
    return "caught"
