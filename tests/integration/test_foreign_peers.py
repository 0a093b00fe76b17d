"""Somebody else's stack at the other end: the PyPI package ``ocpp``, as charge point and as central system.

Every action that either side may send, both ways. Its error codes differ from the specification's (it swaps
NotImplemented and NotSupported), so of an error only its being one is asserted.
"""

from __future__ import annotations

from typing import Any

import pytest
from ocpp.charge_point import camel_to_snake_case, snake_to_camel_case
from ocpp.exceptions import OCPPError
from ocpp.v16 import call

from ocpp_lab import ACTIONS, CallFailed, CallResult, CentralSystem, ChargePoint, Event, Router
from ocpp_lab.codec import decode_payload, to_object
from tests.integration.foreign import (
    Accepting,
    Quiet,
    as_json,
    facing_theirs,
    foreign_central_system,
    foreign_charge_point,
    handling,
    payloads,
    replies,
    theirs,
)
from tests.integration.wire import ACCEPTED, until
from tests.schemas import PAYLOADS, full_payload, officially_valid

FROM_CHARGE_POINT = [name for name, action in ACTIONS.items() if action.sent_by("ChargePoint")]
FROM_CENTRAL_SYSTEM = [name for name, action in ACTIONS.items() if action.sent_by("CentralSystem")]


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_the_payloads_are_valid_and_survive_renaming(name: str) -> None:
    for payload in payloads(name):
        assert officially_valid(name, payload)
        assert snake_to_camel_case(camel_to_snake_case(payload)) == payload


# Our side -------------------------------------------------------------------------------------------------------------


def handle(router: Router, action: str, answers: list[Any], heard: list[Any]) -> None:
    """Make our router answer an action with these payloads, one after the other, and write down what came."""

    async def answer(request: Any) -> Any:
        heard.append(request)
        return decode_payload(ACTIONS[action].response, answers.pop(0))

    router.add(ACTIONS[action].request, answer, replace=True)


def last_answer(events: list[Event]) -> Any:
    """The payload of the newest CallResult that our side sent."""
    results = [event.frame for event in events if event.mark == ">" and isinstance(event.frame, CallResult)]
    return results[-1].payload


# Their charge point, our central system -------------------------------------------------------------------------------


@pytest.mark.parametrize("action", FROM_CHARGE_POINT)
async def test_their_charge_point_calls_us(action: str) -> None:
    """Core 4: what it sends arrives typed and whole at the handler, and our answer arrives there."""
    heard: list[Any] = []
    router = Router("CentralSystem")
    handle(router, action, payloads(f"{action}Response"), heard)
    async with CentralSystem(router=router, require_boot=False) as central_system:
        async with foreign_charge_point(central_system) as peer:
            for request, answer in zip(payloads(action), payloads(f"{action}Response"), strict=True):
                result = await peer.call(theirs(call, action, request), suppress=False)
                assert as_json(result) == answer
                assert isinstance(heard[-1], ACTIONS[action].request)
                assert to_object(heard[-1]) == request
    assert len(heard) == 3


@pytest.mark.parametrize("action", FROM_CHARGE_POINT)
async def test_their_charge_point_gets_our_own_answers(action: str) -> None:
    """Once it has booted, all that it may send is answered out of the box."""
    async with CentralSystem() as central_system, foreign_charge_point(central_system) as peer:
        booted = await peer.call(theirs(call, "BootNotification", full_payload("BootNotification")), suppress=False)
        assert booted.status == "Accepted"
        for request in payloads(action):
            asked = theirs(call, action, request)
            result = await peer.call(asked, suppress=False)
            assert as_json(result) == last_answer(list(central_system.trace))


@pytest.mark.parametrize("action", FROM_CENTRAL_SYSTEM)
async def test_we_call_their_charge_point(action: str) -> None:
    """Core 5: what we send arrives whole at their handler, and its answer arrives here, typed."""
    heard: list[Any] = []
    answering = handling({action: payloads(f"{action}Response")}, heard)
    async with CentralSystem() as central_system, foreign_charge_point(central_system, answering):
        for request, answer in zip(payloads(action), payloads(f"{action}Response"), strict=True):
            result = await central_system["CP_1"].call(decode_payload(ACTIONS[action].request, request))
            assert isinstance(result, ACTIONS[action].response)
            assert to_object(result) == answer
            assert heard[-1] == request
    assert len(heard) == 3


@pytest.mark.parametrize("action", FROM_CENTRAL_SYSTEM)
async def test_we_call_what_their_charge_point_does_not_handle(action: str) -> None:
    """J-spec 4.2.3: a CallError comes, and it is definite."""
    async with CentralSystem() as central_system, foreign_charge_point(central_system):
        with pytest.raises(CallFailed) as refused:
            await central_system["CP_1"].call(decode_payload(ACTIONS[action].request, full_payload(action)))
        assert refused.value.definite


async def test_their_charge_point_is_told_that_it_must_boot() -> None:
    """J-errata 3.8: before its boot is accepted it gets an error, and is asked to boot."""
    heard: list[Any] = []
    answering = handling({"TriggerMessage": [{"status": "Accepted"}]}, heard)
    async with CentralSystem() as central_system, foreign_charge_point(central_system, answering) as peer:
        with pytest.raises(OCPPError):
            await peer.call(call.Heartbeat(), suppress=False)
        await until(lambda: heard, "the TriggerMessage")
        assert heard == [{"requestedMessage": "BootNotification"}]


# Our charge point, their central system -------------------------------------------------------------------------------


@pytest.mark.parametrize("action", FROM_CHARGE_POINT)
async def test_we_call_their_central_system(action: str) -> None:
    """Core 4: what we send arrives whole at their handler, and its answer arrives here, typed."""
    heard: list[Any] = []
    before = {"BootNotification": [ACCEPTED], "StatusNotification": [{}, {}]}.get(
        action, []
    )  # what we say by ourselves
    answering = handling({action: before + payloads(f"{action}Response")}, heard, Accepting)
    async with facing_theirs(answering) as (charge_point, _):
        for request, answer in zip(payloads(action), payloads(f"{action}Response"), strict=True):
            result = await charge_point.call(decode_payload(ACTIONS[action].request, request))
            assert isinstance(result, ACTIONS[action].response)
            assert to_object(result) == answer
            assert heard[-1] == request
    assert len(heard) == len(before) + 3


UNHANDLED = [action for action in FROM_CHARGE_POINT if action not in ("BootNotification", "StatusNotification")]


@pytest.mark.parametrize("action", UNHANDLED)
async def test_we_call_what_their_central_system_does_not_handle(action: str) -> None:
    """J-spec 4.2.3: a CallError comes, and it is definite."""
    async with facing_theirs() as (charge_point, _):
        with pytest.raises(CallFailed) as refused:
            await charge_point.call(decode_payload(ACTIONS[action].request, full_payload(action)))
        assert refused.value.definite


async def test_our_boot_is_refused_by_their_central_system() -> None:
    """Core 4.2: a CallError to the boot is no acceptance; the charge point waits and does not come online."""
    async with foreign_central_system(Quiet) as (url, _), ChargePoint(url, "CP_1") as charge_point:
        await until(lambda: replies(charge_point), "an answer to the boot")
        assert charge_point.state == "booting"
        assert charge_point.registration is None


@pytest.mark.parametrize("action", FROM_CENTRAL_SYSTEM)
async def test_their_central_system_calls_us(action: str) -> None:
    """Core 5: what it sends arrives typed and whole at the handler, and our answer arrives there."""
    heard: list[Any] = []
    async with facing_theirs() as (charge_point, peer):
        handle(charge_point.router, action, payloads(f"{action}Response"), heard)
        for request, answer in zip(payloads(action), payloads(f"{action}Response"), strict=True):
            result = await peer.call(theirs(call, action, request), suppress=False)
            assert as_json(result) == answer
            assert isinstance(heard[-1], ACTIONS[action].request)
            assert to_object(heard[-1]) == request
    assert len(heard) == 3


@pytest.mark.parametrize("action", FROM_CENTRAL_SYSTEM)
async def test_their_central_system_gets_our_own_answers(action: str) -> None:
    """What the charge point acts on is answered; the rest gets a CallError."""
    async with facing_theirs() as (charge_point, peer):
        asked = theirs(call, action, full_payload(action))
        if action in charge_point.router.actions:
            result = await peer.call(asked, suppress=False)
            assert as_json(result) == last_answer(list(charge_point.trace))
        else:
            with pytest.raises(OCPPError):
                await peer.call(asked, suppress=False)


async def test_all_of_them_are_acted_on() -> None:
    """So that the test above cannot shrink to errors alone: all 26 that a central system may send."""
    assert len(FROM_CENTRAL_SYSTEM) == 26
    assert set(FROM_CENTRAL_SYSTEM) <= ChargePoint("ws://127.0.0.1:9", "CP_1").router.actions
