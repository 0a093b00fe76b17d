"""Registering handlers: all that can be known then is an error then, with a text that says what to do."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.frames import Call, CallResult
from ocpp_lab.messages import Payload, Request
from ocpp_lab.router import Router
from tests.fakes import NOON


async def good(request: m.HeartbeatRequest) -> m.HeartbeatResponse:
    return m.HeartbeatResponse(current_time=NOON)


def not_async(request: m.HeartbeatRequest) -> m.HeartbeatResponse:
    return m.HeartbeatResponse(current_time=NOON)


async def takes_another(request: m.AuthorizeRequest) -> m.HeartbeatResponse:
    raise AssertionError


async def returns_another(request: m.HeartbeatRequest) -> m.AuthorizeResponse:
    raise AssertionError


async def returns_optional(request: m.HeartbeatRequest) -> m.HeartbeatResponse | None:
    raise AssertionError


async def takes_nothing() -> m.HeartbeatResponse:
    raise AssertionError


async def takes_two(request: m.HeartbeatRequest, session: Any) -> m.HeartbeatResponse:
    raise AssertionError


async def misspelt(request: HeartbeatReqest) -> m.HeartbeatResponse:  # type: ignore[name-defined]  # noqa: F821
    raise AssertionError


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        (not_async, r"not_async: expected a coroutine function; write `async def`"),
        (takes_another, r"takes_another: expected to take HeartbeatRequest, is annotated with .*AuthorizeRequest"),
        (returns_another, r"returns_another: expected to return HeartbeatResponse, is .*AuthorizeResponse"),
        (returns_optional, r"returns_optional: expected to return HeartbeatResponse, is annotated with .*None"),
        (takes_nothing, r"takes_nothing: expected one parameter, the request"),
        (takes_two, r"takes_two: expected one parameter, the request"),
        (misspelt, r"misspelt: cannot read its annotations: .*HeartbeatReqest"),
        (None, r"None: expected a coroutine function"),
        (42, r"42: expected a coroutine function"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_handler_that_cannot_work(handler: Any, says: str) -> None:
    """Found when it is registered, not at three in the morning; the router stays as it was."""
    router = Router("CentralSystem")
    with pytest.raises(TypeError, match=says):
        router.on(m.HeartbeatRequest)(handler)
    assert router.actions == frozenset()


class NotInOcpp(Request[m.HeartbeatResponse]):
    """A request that OCPP 1.6 does not have."""


@pytest.mark.parametrize(
    ("request_type", "says"),
    [
        (m.HeartbeatResponse, r"expected a Request type such as ResetRequest, came .*HeartbeatResponse"),
        (m.HeartbeatRequest(), r"expected a Request type"),
        ("Heartbeat", r"expected a Request type such as ResetRequest, came 'Heartbeat'"),
        (None, r"expected a Request type"),
        (Payload, r"expected a Request type"),
        (Request, r"expected one of the 39 requests of OCPP 1.6, came Request"),
        (NotInOcpp, r"expected one of the 39 requests of OCPP 1.6, came NotInOcpp"),
        (m.ResetRequest, r"Reset is sent by a CentralSystem and never received by one"),
    ],
)
def test_what_no_central_system_receives(request_type: Any, says: str) -> None:
    """The decorator refuses before it sees the handler."""
    with pytest.raises(TypeError, match=says):
        Router("CentralSystem").on(request_type)


@pytest.mark.parametrize("action", [a for a in m.ACTIONS.values() if a.sender == "ChargePoint"], ids=lambda a: a.name)
def test_what_no_charge_point_receives(action: m.Action) -> None:
    """Core 4: operations that only a charge point initiates."""
    with pytest.raises(TypeError, match=f"{action.name} is sent by a ChargePoint"):
        Router("ChargePoint").on(action.request)


def test_an_unknown_role() -> None:
    with pytest.raises(ValueError, match="expected the role 'ChargePoint' or 'CentralSystem', came 'CSMS'"):
        Router("CSMS")  # type: ignore[arg-type]


def test_a_second_handler_is_refused() -> None:
    """The first one is named; ``replace=True`` is the way to take its place."""

    async def other(request: m.HeartbeatRequest) -> m.HeartbeatResponse:
        raise AssertionError

    router = Router("CentralSystem")
    router.add(m.HeartbeatRequest, good)
    with pytest.raises(TypeError, match=r"Heartbeat is already handled by good; pass replace=True"):
        router.add(m.HeartbeatRequest, other)


async def test_replacing_a_handler() -> None:
    async def other(request: m.HeartbeatRequest) -> m.HeartbeatResponse:
        replaced.append(True)
        return await good(request)

    replaced: list[bool] = []
    router = Router("CentralSystem")
    router.add(m.HeartbeatRequest, good)
    router.add(m.HeartbeatRequest, other, replace=True)
    assert isinstance(await router.answer(Call("1", "Heartbeat")), CallResult)
    assert replaced == [True]


def test_routers_share_nothing() -> None:
    one, two = Router("CentralSystem"), Router("CentralSystem")
    one.add(m.HeartbeatRequest, good)
    assert two.actions == frozenset()
    two.add(m.HeartbeatRequest, good)


async def test_annotations_may_be_left_out_or_any() -> None:
    """A notebook cell without annotations works; what is said must be true."""

    async def bare(request):  # type: ignore[no-untyped-def]
        return m.HeartbeatResponse(current_time=NOON)

    async def loose(request: Any) -> Any:
        return m.HeartbeatResponse(current_time=NOON)

    async def with_extras(request: m.HeartbeatRequest, *, verbose: bool = False) -> m.HeartbeatResponse:
        return m.HeartbeatResponse(current_time=NOON)

    for handler in (bare, loose, with_extras, functools.partial(with_extras, verbose=True)):
        router = Router("CentralSystem")
        router.add(m.HeartbeatRequest, handler)
        assert isinstance(await router.answer(Call("1", "Heartbeat")), CallResult)


# A class of handlers --------------------------------------------------------------------------------------------------


class FrontDesk:
    """Two handlers; what does not begin with on_ is its own business."""

    def __init__(self) -> None:
        self.tags: list[str] = []

    async def on_beat(self, request: m.HeartbeatRequest) -> m.HeartbeatResponse:
        return m.HeartbeatResponse(current_time=NOON)

    async def on_tag(self, request: m.AuthorizeRequest) -> m.AuthorizeResponse:
        self.tags.append(request.id_tag)
        return m.AuthorizeResponse(id_tag_info=m.IdTagInfo(status="Accepted"))

    def helper(self) -> None: ...


async def test_a_class_of_handlers() -> None:
    """The annotation says what each answers, its name does not matter; they share the object."""
    desk, router = FrontDesk(), Router("CentralSystem")
    router.include(desk)
    assert router.actions == {"Heartbeat", "Authorize"}
    await router.answer(Call("1", "Authorize", {"idTag": "TAG_A"}))
    assert desk.tags == ["TAG_A"]


def _desk(**methods: Any) -> Any:
    return type("BadDesk", (), methods)()


async def _on_boot(self: Any, request) -> None: ...  # type: ignore[no-untyped-def]


async def _on_reset(self: Any, request: m.ResetRequest) -> m.ResetResponse:
    raise AssertionError


def _on_beat(self: Any, request: m.HeartbeatRequest) -> m.HeartbeatResponse:
    raise AssertionError


async def _on_number(self: Any, request: int) -> None: ...


@pytest.mark.parametrize(
    ("desk", "says"),
    [
        (_desk(), "expected methods named on_… on BadDesk, found none"),
        (_desk(on_boot=_on_boot), "_on_boot: expected a parameter `request: SomeRequest`; annotate it"),
        (_desk(on_reset=_on_reset), "Reset is sent by a CentralSystem"),
        (_desk(on_beat=_on_beat), "_on_beat: expected a coroutine function"),
        (_desk(on_number=_on_number), "expected a Request type"),
        (_desk(on_a=FrontDesk.on_beat, on_b=FrontDesk.on_beat), "Heartbeat is already handled by FrontDesk.on_beat"),
    ],
    ids=["empty", "no annotation", "direction", "not async", "no request", "twice"],
)
def test_a_class_that_cannot_work(desk: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        Router("CentralSystem").include(desk)
