"""The drill of capstone 5: three broken charge points, which each do one thing wrong; it earns no points."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from ocpp_lab.errors import ConnectionLost
from ocpp_lab.messages import HeartbeatRequest

from ..kit import Kit
from ..result import Result
from ..run import run_step
from ..step import Step
from .ours import ChargePoint
from .town import BEAT, Town

KEY = "winter"
"""The password at the beginning."""


class Night:
    """What a drill can do to a charge point, and what it can see."""

    def __init__(self, town: Town) -> None:
        self._town = town

    async def later(self, seconds: float) -> None:
        """So much time passes."""
        await self._town.later(seconds)

    def cut(self) -> None:
        """The connection is lost, if there is one."""
        self._town.session.cut()

    def change_key(self, key: str) -> None:
        """From now on both sides have this password."""
        self._town.door = self._town.charge_point.password = key

    def sent(self, action: str) -> int:
        """How many calls of this action have come, on all connections."""
        return len(self._town.sent(action))

    @property
    def state(self) -> str:
        """That of the charge point."""
        return str(self._town.charge_point.state)


class _BootsAgain(ChargePoint):
    async def _serve(self, session: Any, proved: Any) -> None:
        self.registration = None
        await super()._serve(session, proved)


class _BeatsOn(ChargePoint):
    """Each connection has one heartbeat more, which goes on on the next one."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.beats: list[asyncio.Task[None]] = []

    async def _serve(self, session: Any, proved: Any) -> None:
        try:
            await super()._serve(session, proved)
        except ConnectionLost:
            self.beats.append(asyncio.create_task(self._beat(), name="old heartbeat"))
            raise

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            if self.state == "online":
                await asyncio.gather(self.submit(HeartbeatRequest()), return_exceptions=True)

    async def stop(self) -> None:
        await super().stop()
        for beat in self.beats:
            beat.cancel()


class _OldKey(ChargePoint):
    def __init__(self, dial: Any, *, password: str | None = None, **options: Any) -> None:
        super().__init__(lambda now: dial(password), password=password, **options)


async def house_drill(night: Night) -> None:
    """Three cuts, the last with a new key: no second boot, one heartbeat an interval, and online."""
    for key in (KEY, KEY, "spring"):
        night.change_key(key)
        night.cut()
        await night.later(60)
    assert night.state == "online", f"expected it back online, it is {night.state}"
    assert night.sent("BootNotification") == 1, f"expected 1 boot, came {night.sent('BootNotification')}"
    before = night.sent("Heartbeat")
    await night.later(200)
    assert 9 <= night.sent("Heartbeat") - before <= 11, "expected 10 heartbeats in 10 intervals"


step = Step("5.drill", "your drill", ("drill",), points=0, minutes=15, reference=lambda: house_drill)


def drilled(drill: Any) -> Result:
    """Try a drill on a right charge point and on three broken ones."""
    return run_step(step, (drill,))


async def _failure(my: Any, kit: Kit, kind: type[ChargePoint]) -> str:
    """What the drill says of such a charge point; "" if it passes."""
    town = Town(SimpleNamespace(ChargePoint=kind), kit)
    await town.begin(password=KEY)
    try:
        await my.drill(Night(town))
    except AssertionError as error:
        return str(error) or "an assert failed"
    finally:
        await town.end()
    return ""


@step.check("the drill passes on a right charge point")
async def passes_good(my: Any, kit: Kit) -> str:
    """A drill that fails on a right charge point is switched off within a week."""
    said = await _failure(my, kit, ChargePoint)
    kit.require(not said, said[:60], "the drill fails on a right charge point; a drill asks only for what is promised.")
    return "it passes"


@step.check("the drill fails: A boots again on each connection")
async def catches_boots(my: Any, kit: Kit) -> str:
    """An accepted charge point that did not restart does not boot again (J-spec 5.4)."""
    said = "A boots again on each new connection, and the drill passes; cut, wait, and count the boots."
    kit.require(await _failure(my, kit, _BootsAgain), "it passes", said)
    return "caught"


@step.check("the drill fails: B lets an old heartbeat go on")
async def catches_beats(my: Any, kit: Kit) -> str:
    """There is one heartbeat in each interval, on one connection."""
    said = "on B an old heartbeat goes on, and the drill passes; cut, then count the heartbeats of ten intervals."
    kit.require(await _failure(my, kit, _BeatsOn), "it passes", said)
    return "caught"


@step.check("the drill fails: C dials with its first password for ever")
async def catches_old_key(my: Any, kit: Kit) -> str:
    """A new AuthorizationKey is used from the next connection on (whitepaper A01)."""
    said = "C never takes a new password, and the drill passes; change the key, cut, wait, and look at the state."
    kit.require(await _failure(my, kit, _OldKey), "it passes", said)
    return "caught"
