"""Random mutations of valid frames: never an unhandled exception, never a hung session, the next call is answered.

All examples of one end go over one line, as in real life. A line that is closed, as RFC 6455 wants it for text that is
no UTF-8, is replaced by the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from websockets.exceptions import ConnectionClosed

from ocpp_lab import ACTIONS, CentralSystem, ChargePoint, ConnectionLost
from tests.house import scaled
from tests.integration.mutations import UNIQUE_ID, Sample, mutants
from tests.integration.wire import ACCEPTED, AT_ONCE, DEADLINE, Peer, PlainServer, facing

EXAMPLES = scaled(500, 5_000)  # at each of the two ends

ANSWERS: dict[str, Any] = {"BootNotification": ACCEPTED, "Heartbeat": {"currentTime": ACCEPTED["currentTime"]}}


class Alarm(logging.Handler):
    """Remembers what should not have happened: errors in the log, exceptions that nobody caught."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(self.format(record))

    def unheard(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.heard.append(f"{context['message']}: {context.get('exception')!r}")


class Bench:
    """One of our two ends, a plain peer, and one event loop for all examples."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.alarm = Alarm()
        self.stack = AsyncExitStack()
        self.tried = self.answered = self.refused = self.closed = 0
        self.peer: Peer

    async def connect(self) -> Peer:
        """The first line, or the next one."""
        raise NotImplementedError

    def run(self, sample: Sample, data: bytes) -> None:
        self.runner.run(self.try_out(sample, data))
        assert not self.alarm.heard, self.alarm.heard

    async def try_out(self, sample: Sample, data: bytes) -> None:
        """Send one mutant, while a call of its action is pending; then a valid call, which must be answered."""
        self.tried += 1
        try:
            with self.pending_call(sample):
                await self.peer.websocket.send(data, text=True)
                await self.is_alive()
        except (ConnectionClosed, ConnectionLost):
            self.closed += 1
            async with asyncio.timeout(DEADLINE):
                self.peer = await self.connect()
            await self.is_alive()

    @contextmanager
    def pending_call(self, sample: Sample) -> Iterator[None]:
        pending = self.peer.session.pending
        future = pending.open(UNIQUE_ID, ACTIONS[sample.action].response)
        try:
            yield
        finally:
            pending.drop(future)

    def must_have_met(self) -> None:
        """Were the mutants any good? Few of them need not meet with all three ends; thousands must."""
        met = (self.answered, self.refused, self.closed)
        assert scaled(any, all)(met), f"expected mutants that are answered, refused and closed on, came {met}"

    async def is_alive(self) -> None:
        """A valid call is answered. What comes before that answers the mutant, or is a call of our end."""
        unique_id = f"valid {self.tried}"
        await self.peer.say(2, unique_id, self.peer.valid, {})
        while (frame := await self.peer.hear())[1] != unique_id:
            match frame:
                case [2, str(call), str(action), dict()]:
                    await self.peer.say(3, call, ANSWERS.get(action, {}))
                case [3, str(), dict()]:
                    self.answered += 1
                case [4, str(), str(), str(), dict()]:
                    self.refused += 1
                case _:
                    raise AssertionError(f"expected a frame, came {frame}")
        assert frame[0] == 3


class CentralSystemBench(Bench):
    central_system: CentralSystem | None = None

    async def connect(self) -> Peer:
        if self.central_system is None:
            self.central_system = await self.stack.enter_async_context(CentralSystem())
        return await self.stack.enter_async_context(facing(self.central_system, boots=not self.tried))


class ChargePointBench(Bench):
    charge_point: ChargePoint | None = None

    async def connect(self) -> Peer:
        if self.charge_point is None:
            self.server = await self.stack.enter_async_context(PlainServer().listening())
            charge_point = ChargePoint(self.server.url, "CP_1", delays=AT_ONCE, ping_interval=None)
            self.charge_point = await self.stack.enter_async_context(charge_point)
        return await self.server.meets(self.charge_point)


@contextmanager
def running(kind: type[Bench]) -> Iterator[Bench]:
    with asyncio.Runner() as runner:
        bench = kind(runner)
        runner.get_loop().set_exception_handler(bench.alarm.unheard)
        logging.getLogger().addHandler(bench.alarm)
        try:
            bench.peer = runner.run(bench.connect())
            runner.run(bench.is_alive())
            yield bench
        finally:
            runner.run(bench.stack.aclose())
            logging.getLogger().removeHandler(bench.alarm)


@pytest.fixture(scope="module")
def central_system() -> Iterator[Bench]:
    with running(CentralSystemBench) as bench:
        yield bench
        bench.must_have_met()


@pytest.fixture(scope="module")
def charge_point() -> Iterator[Bench]:
    with running(ChargePointBench) as bench:
        yield bench
        bench.must_have_met()


@settings(max_examples=EXAMPLES)
@given(mutant=mutants("CentralSystem"))
def test_mutants_to_the_central_system(central_system: Bench, mutant: tuple[Sample, bytes]) -> None:
    """Whatever comes is answered, refused or ignored, and the session goes on; or its line is closed, and the next one
    goes on."""
    central_system.run(*mutant)


@settings(max_examples=EXAMPLES)
@given(mutant=mutants("ChargePoint"))
def test_mutants_to_the_charge_point(charge_point: Bench, mutant: tuple[Sample, bytes]) -> None:
    """The same for what a central system sends."""
    charge_point.run(*mutant)
