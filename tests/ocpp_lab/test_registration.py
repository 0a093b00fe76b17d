"""Accepted, Pending, Rejected: who may say what, and the boot itself (core 4.2; DESIGN.md, milestone 5)."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.charge_point.registration import boot, may_send, may_serve
from ocpp_lab.errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotConnected
from ocpp_lab.messages import ACTIONS, TRANSACTION_ACTIONS
from tests.fakes import NOON, boot_request
from tests.simulated import clock, simulated

OWN = [name for name, action in ACTIONS.items() if action.sent_by("ChargePoint")]
INCOMING = [name for name, action in ACTIONS.items() if action.sent_by("CentralSystem")]


# The gate -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("triggered", [False, True])
@pytest.mark.parametrize("registration", ["Accepted", "Pending", "Rejected", None])
@pytest.mark.parametrize("action", OWN)
def test_what_may_be_sent(action: str, registration: str | None, triggered: bool) -> None:
    """The whole table. None: the boot is not answered yet.

    Boot always. Accepted: all. Pending: what was triggered. Rejected and None: nothing. What may not go now is kept if
    it is a transaction message (core 3.7), refused otherwise.
    """
    free = action == "BootNotification" or registration == "Accepted" or (registration == "Pending" and triggered)
    kept = action in ("StartTransaction", "StopTransaction", "MeterValues")
    assert may_send(action, registration, triggered=triggered) == ("send" if free else "queue" if kept else "refuse")


def test_the_transaction_messages() -> None:
    assert {"StartTransaction", "StopTransaction", "MeterValues"} == TRANSACTION_ACTIONS


@pytest.mark.parametrize("registration", ["Accepted", "Pending", "Rejected", None])
@pytest.mark.parametrize("action", INCOMING)
def test_what_is_served(action: str, registration: str | None) -> None:
    """Core 4.2: Rejected SHALL NOT answer; Pending answers all but RemoteStart and RemoteStop.

    Before the boot is answered we do as in Pending: the central system may configure us early.
    """
    remote = action in ("RemoteStartTransaction", "RemoteStopTransaction")
    by_registration = {
        "Accepted": "serve",
        "Rejected": "silent",
        "Pending": "refuse" if remote else "serve",
        None: "refuse" if remote else "serve",
    }
    assert may_serve(action, registration) == by_registration[registration]


# The boot -------------------------------------------------------------------------------------------------------------


def answer(status: Any, interval: int = 300) -> m.BootNotificationResponse:
    return m.BootNotificationResponse(status=status, current_time=NOON, interval=interval)


class Central:
    """Something that calls, and answers by a script; the last line of it for ever. Records when it was called."""

    def __init__(self, *script: m.BootNotificationResponse | Exception, latency: float = 0.0) -> None:
        self.script = itertools.chain(script, itertools.repeat(script[-1]))
        self.latency = latency
        self.boots: list[float] = []

    async def call(self, request: Any) -> Any:
        assert request == boot_request()
        self.boots.append(clock())
        assert len(self.boots) < 100, "it boots without end"
        await asyncio.sleep(self.latency)
        outcome = next(self.script)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@simulated
async def test_accepted_at_once() -> None:
    central = Central(answer("Accepted", 77))
    response = await boot(central.call, boot_request())
    assert response == answer("Accepted", 77)
    assert (central.boots, clock()) == ([0], 0)


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
@simulated
async def test_not_accepted_waits_the_interval(status: str) -> None:
    """Core 4.2: again after ``interval`` seconds, each time the newest one; Rejected today may be Accepted later."""
    central = Central(answer(status, 120), answer(status, 7), answer("Accepted"))
    assert (await boot(central.call, boot_request())).status == "Accepted"
    assert central.boots == [0, 120, 127]


@pytest.mark.parametrize("interval", [0, -1, -86_400])
@simulated
async def test_an_interval_of_nothing_is_no_flood(interval: int) -> None:
    """Core 4.2: 0 leaves the choice to us, and we take ``retry_interval``; below 0 makes no more sense than that."""
    central = Central(answer("Pending", interval), answer("Rejected", interval), answer("Accepted"))
    await boot(central.call, boot_request(), retry_interval=45)
    assert central.boots == [0, 45, 90]


@simulated
async def test_the_default_wait_is_a_minute() -> None:
    central = Central(answer("Rejected", 0), CallTimeout(), answer("Accepted"))
    await boot(central.call, boot_request())
    assert central.boots == [0, 60, 120]


@pytest.mark.parametrize("failure", [CallFailed("InternalError"), CallTimeout(), MalformedReply("no status")], ids=repr)
@simulated
async def test_a_boot_that_failed_is_tried_again(failure: Exception) -> None:
    """One lost or unreadable answer must not need a visit; the wait counts from the failure."""
    central = Central(failure, failure, answer("Accepted"), latency=10)
    assert (await boot(central.call, boot_request(), retry_interval=45)).status == "Accepted"
    assert central.boots == [0, 55, 110]


@pytest.mark.parametrize("failure", [ConnectionLost(), NotConnected("over"), TypeError("a bug")], ids=repr)
@simulated
async def test_a_loss_leaves(failure: Exception) -> None:
    """Only a new connection can help, and a bug is a bug: no retry on a dead connection."""
    central = Central(answer("Pending", 5), failure)
    with pytest.raises(type(failure)):
        await boot(central.call, boot_request())
    assert central.boots == [0, 5]


@simulated
async def test_every_answer_is_told_before_the_wait() -> None:
    """What the registration is counts from the answer on."""
    told: list[tuple[float, str]] = []
    central = Central(answer("Pending", 10), CallTimeout(), answer("Rejected", 20), answer("Accepted"))
    await boot(
        central.call,
        boot_request(),
        retry_interval=30,
        on_answer=lambda response: told.append((clock(), response.status)),
    )
    assert told == [(0, "Pending"), (40, "Rejected"), (60, "Accepted")]


@simulated
async def test_the_wait_can_be_cut_short() -> None:
    """TriggerMessage for BootNotification: whoever waits decides how long."""
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(1)

    central = Central(answer("Pending", 600), CallTimeout(), answer("Accepted"))
    await boot(central.call, boot_request(), retry_interval=45, wait=wait)
    assert (waits, central.boots) == ([600, 45], [0, 1, 2])


@pytest.mark.parametrize("moment", [5, 50])
@simulated
async def test_cancelled_it_ends_at_once(moment: float) -> None:
    """During the call and during the wait."""
    central = Central(answer("Rejected", 600), latency=10)
    booting = asyncio.create_task(boot(central.call, boot_request()))
    await asyncio.sleep(moment)
    booting.cancel()
    await asyncio.wait([booting])
    assert booting.cancelled() and clock() == moment and central.boots == [0]
