"""`Router`: every action to its own handler, and a CallError that says whose fault it was (DESIGN.md, milestone 2)."""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.codec import decode_payload
from ocpp_lab.errors import CallFailed, PayloadError, StoreFailed
from ocpp_lab.frames import Call, CallError, CallResult, decode, encode
from ocpp_lab.messages import ACTIONS, Action, Request, Response, Role
from ocpp_lab.router import Router
from tests.fakes import NOON
from tests.schemas import full_payload
from tests.simulated import simulated

ROLES: tuple[Role, ...] = ("ChargePoint", "CentralSystem")


def _receives(role: Role, action: Action) -> bool:
    return action.sender != role


def _full_router(role: Role, seen: list[tuple[str, Request[Any]]]) -> Router:
    """A handler for everything that this role can receive; each writes down its name and what it got."""
    router = Router(role)

    def handler_of(action: Action) -> Any:
        async def handler(request: Any) -> Any:
            seen.append((action.name, request))
            return decode_payload(action.response, full_payload(f"{action.name}Response"))

        return handler

    for action in ACTIONS.values():
        if _receives(role, action):
            router.add(action.request, handler_of(action))
    return router


# The good path --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "name"), [(role, name) for role in ROLES for name, action in ACTIONS.items() if _receives(role, action)]
)
async def test_each_action_reaches_its_own_handler_and_no_other(role: Role, name: str) -> None:
    """All 39, each in the direction it is sent: typed in, typed out, under the caller's id."""
    seen: list[tuple[str, Request[Any]]] = []
    answer = await _full_router(role, seen).answer(Call("7", name, full_payload(name)))
    [(handler, request)] = seen
    assert handler == name
    assert type(request) is ACTIONS[name].request
    assert request == decode_payload(ACTIONS[name].request, full_payload(name))
    assert isinstance(answer, CallResult)
    wire = decode(encode(answer))  # camelCase and valid, as the peer will read it
    assert wire == CallResult("7", full_payload(f"{name}Response"))


def test_the_directions_cover_all_39_actions() -> None:
    """One action, DataTransfer, goes both ways (core 4.3, 5.6)."""
    both = [name for name, action in ACTIONS.items() if all(_receives(role, action) for role in ROLES)]
    assert both == ["DataTransfer"]
    assert len(ACTIONS) == 39 and all(any(_receives(role, action) for role in ROLES) for action in ACTIONS.values())


async def test_an_answer_with_nothing_to_say_is_an_empty_object() -> None:
    """J-spec 4.2.1; absent optional fields are left out, not null."""
    router = Router("CentralSystem")

    @router.on(m.StatusNotificationRequest)
    async def on_status(request: m.StatusNotificationRequest) -> m.StatusNotificationResponse:
        return m.StatusNotificationResponse()

    answer = await router.answer(Call("1", "StatusNotification", full_payload("StatusNotification")))
    assert encode(answer) == '[3,"1",{}]'


@pytest.mark.parametrize(
    ("payload", "code", "field"),
    [
        ({}, "OccurenceConstraintViolation", "idTag"),
        ({"idTag": "a", "extra": 1}, "FormationViolation", "extra"),
        ([], "FormationViolation", "payload"),
        ({"idTag": 5}, "TypeConstraintViolation", "idTag"),
        ({"idTag": "x" * 21}, "PropertyConstraintViolation", "idTag"),
        (None, "OccurenceConstraintViolation", "idTag"),
    ],
)
async def test_a_bad_payload_never_reaches_the_handler(payload: Any, code: str, field: str) -> None:
    """J-spec 4.2.3: the code of the violation; the description names the field. null reads as {}."""
    seen: list[tuple[str, Request[Any]]] = []
    answer = await _full_router("CentralSystem", seen).answer(Call("1", "Authorize", payload))
    assert isinstance(answer, CallError)
    assert (answer.unique_id, answer.code) == ("1", code)
    assert answer.description.startswith(f"{field}: expected")
    assert seen == []


# Nobody home ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("MakeCoffee", {}, "NotImplemented"),
        ("heartbeat", {}, "NotImplemented"),  # actions are case-sensitive (J-spec 4.2.1)
        ("Heartbeats", {}, "NotImplemented"),
        ("Heart", {}, "NotImplemented"),
        ("", {}, "NotImplemented"),
        ("MakeCoffee", "no object at all", "NotImplemented"),  # the action is looked at before the payload
        ("Authorize", {"idTag": "a"}, "NotSupported"),  # known, but nobody handles it
        ("Authorize", {"idTag": 5}, "NotSupported"),
        ("Reset", {"type": "Soft"}, "NotSupported"),  # the wrong direction
    ],
)
async def test_nobody_home(action: str, payload: Any, code: str) -> None:
    """J-spec 4.2.3: NotImplemented is what OCPP does not know, NotSupported what it knows and nobody serves here."""
    router = Router("CentralSystem")

    @router.on(m.HeartbeatRequest)
    async def on_heartbeat(request: m.HeartbeatRequest) -> m.HeartbeatResponse:
        return m.HeartbeatResponse(current_time=NOON)

    answer = await router.answer(Call("1", action, payload))
    assert isinstance(answer, CallError)
    assert (answer.unique_id, answer.code) == ("1", code)
    assert action in answer.description


@pytest.mark.parametrize("role", ROLES)
async def test_every_wrong_direction_is_not_supported(role: Role) -> None:
    """Every action of the 39 that only this role sends."""
    for action in ACTIONS.values():
        if not _receives(role, action):
            answer = await _full_router(role, []).answer(Call("1", action.name, full_payload(action.name)))
            assert isinstance(answer, CallError) and answer.code == "NotSupported", action.name


# Handlers that fail ---------------------------------------------------------------------------------------------------


def _router_that(outcome: Any) -> Router:
    """Its Authorize handler raises or returns this."""
    router = Router("CentralSystem")

    @router.on(m.AuthorizeRequest)
    async def on_authorize(request: m.AuthorizeRequest) -> Any:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return router


AUTHORIZE = Call("1", "Authorize", {"idTag": "a"})


@pytest.mark.parametrize(
    ("meant", "expected"),
    [
        (PayloadError("PropertyConstraintViolation", "idTag: no"), ("PropertyConstraintViolation", "idTag: no", {})),
        (CallFailed("SecurityError", "not you", {"a": 1}), ("SecurityError", "not you", {"a": 1})),
        (CallFailed("GenericError"), ("GenericError", "", {})),
    ],
)
async def test_a_handler_that_means_it(meant: Exception, expected: tuple[str, str, dict[str, Any]]) -> None:
    """Its own code, description and details go out as they are."""
    answer = await _router_that(meant).answer(AUTHORIZE)
    assert isinstance(answer, CallError)
    assert (answer.code, answer.description, answer.details) == expected


@pytest.mark.parametrize(
    "outcome",
    [
        ValueError("secret path /etc"),
        TimeoutError("secret"),
        AssertionError("secret"),
        None,  # forgot to return
        {"idTagInfo": {"status": "secret"}},
        m.HeartbeatResponse(current_time=NOON),
        m.AuthorizeResponse(id_tag_info=m.IdTagInfo(status="secret")),  # type: ignore[arg-type]
        m.AuthorizeResponse(id_tag_info=m.IdTagInfo(status="Accepted", parent_id_tag="secret" * 9)),
    ],
    ids=repr,
)
async def test_a_handler_that_fails(outcome: Any, caplog: pytest.LogCaptureFixture) -> None:
    """InternalError (J-spec 4.2.3), logged with its traceback; nothing of it leaks to the peer; the next call lives.

    An answer that is not fit to send is our own fault, not the peer's: constructors do not validate, so we do.
    """
    router = _router_that(outcome)
    with caplog.at_level(logging.ERROR, logger="ocpp_lab"):
        answer = await router.answer(AUTHORIZE)
    assert isinstance(answer, CallError)
    assert (answer.unique_id, answer.code) == ("1", "InternalError")
    assert "secret" not in encode(answer) and "Error:" not in encode(answer)
    [record] = caplog.records
    assert record.exc_info and record.name.startswith("ocpp_lab")
    assert "Authorize" in record.getMessage()
    assert (await router.answer(AUTHORIZE)).unique_id == "1"


async def test_a_file_that_fails_is_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """`StoreFailed` goes on to who asked: to report it may destroy a transaction (core 3.7.1). It is no bug either."""
    with pytest.raises(StoreFailed, match="full"):
        await _router_that(StoreFailed("the disk is full")).answer(AUTHORIZE)
    assert not caplog.records


@simulated
async def test_a_cancelled_handler_stays_cancelled() -> None:
    """It answers nothing: who shuts down must not wait for an InternalError."""
    router = Router("CentralSystem")

    @router.on(m.AuthorizeRequest)
    async def on_authorize(request: m.AuthorizeRequest) -> m.AuthorizeResponse:
        await asyncio.sleep(1000)
        raise AssertionError("never")

    answering = asyncio.create_task(router.answer(AUTHORIZE))
    await asyncio.sleep(1)
    answering.cancel()
    await asyncio.wait([answering])
    assert answering.cancelled()


@simulated
async def test_handlers_run_side_by_side() -> None:
    """A slow handler delays itself; two calls of one action may be handled at once."""
    router = Router("CentralSystem")

    @router.on(m.AuthorizeRequest)
    async def on_authorize(request: m.AuthorizeRequest) -> m.AuthorizeResponse:
        await asyncio.sleep(5)
        return m.AuthorizeResponse(id_tag_info=m.IdTagInfo(status="Accepted", parent_id_tag=request.id_tag))

    answers = await asyncio.gather(*(router.answer(Call(tag, "Authorize", {"idTag": tag})) for tag in "abc"))
    assert asyncio.get_running_loop().time() == 5
    for answer, tag in zip(answers, "abc", strict=True):
        assert isinstance(answer, CallResult)
        assert (answer.unique_id, decode(encode(answer)).payload["idTagInfo"]["parentIdTag"]) == (tag, tag)  # type: ignore[union-attr]


async def test_a_timestamp_without_offset_is_counted() -> None:
    """Read as UTC, because real charge points send it; the note says that one did."""
    seen: list[tuple[str, Request[Any]]] = []
    router = _full_router("CentralSystem", seen)
    payload = full_payload("StatusNotification") | {"timestamp": "2030-06-01T12:00:00"}
    assert isinstance(await router.answer(Call("1", "StatusNotification", payload)), CallResult)
    assert seen[0][1].timestamp == NOON  # type: ignore[attr-defined]
    assert router.notes == {"timestamp without offset": 1}


def test_response_is_the_base_of_every_answer() -> None:
    assert all(issubclass(action.response, Response) for action in ACTIONS.values())


def test_a_decorated_handler_is_still_itself() -> None:
    """It can be called and tested without the router."""
    router = Router("CentralSystem")

    async def on_heartbeat(request: m.HeartbeatRequest) -> m.HeartbeatResponse:
        return m.HeartbeatResponse(current_time=NOON)

    @functools.wraps(on_heartbeat)
    async def wrapped(request: m.HeartbeatRequest) -> m.HeartbeatResponse:
        return await on_heartbeat(request)

    assert router.on(m.HeartbeatRequest)(wrapped) is wrapped
    assert router.actions == {"Heartbeat"}
