"""`Router`: which coroutine answers which request, typed.

All that can be known when a handler is registered is checked then, not at three in the morning: unknown action, wrong
direction, second handler, no coroutine, wrong annotation. `answer` turns every outcome into a frame, but one: a
`StoreFailed` goes on to who asked.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from types import FunctionType, MethodType
from typing import Any, get_type_hints
from weakref import WeakKeyDictionary

from .codec import decode_payload, encode_payload
from .errors import CallFailed, PayloadError, StoreFailed
from .frames import Call, CallError, CallResult
from .messages import ACTIONS, Request, Response, Role

log = logging.getLogger(__name__)

Handler = Callable[[Any], Awaitable[Any]]

_READ: WeakKeyDictionary[FunctionType, dict[str, Any]] = WeakKeyDictionary()
"""The annotations of a handler: reading them is a third of what it costs to build a charge point."""


class Router:
    """The handlers of one role. A central system's router answers what charge points send, and the other way round.

    ``lenient``: what `tolerance` mends in a request is let pass, and counted in ``notes``. Raises ValueError for
    another role.
    """

    def __init__(self, role: Role, *, lenient: bool = False) -> None:
        if role not in ("ChargePoint", "CentralSystem"):
            raise ValueError(f"expected the role 'ChargePoint' or 'CentralSystem', came {role!r}")
        self.role: Role = role
        self.lenient = lenient
        self.notes: Counter[str] = Counter()
        """What the codec let pass in requests: ``"timestamp without offset"``, ``"unknown field"``, …"""
        self._handlers: dict[str, tuple[type[Request[Any]], Handler]] = {}  # by action; only `add` puts one in

    def on[H: Handler](self, request_type: type[Request[Any]]) -> Callable[[H], H]:
        """Register by decorator: ``@router.on(ResetRequest)`` above ``async def on_reset(request)``.

        Raises TypeError with the reason.
        """

        def register(handler: H) -> H:
            self.add(request_type, handler)
            return handler

        self._check_request(request_type)
        return register

    def include(self, desk: object) -> None:
        """Register every method named ``on_…`` of an object; the annotation of its parameter says what it answers.

        Raises TypeError with the reason, also if there is no such method.
        """
        methods: list[Any] = [m for name, m in inspect.getmembers(desk, callable) if name.startswith("on_")]
        if not methods:
            raise TypeError(f"expected methods named on_… on {type(desk).__name__}, found none")
        for method in methods:
            request_type = _annotations(method).get("request")
            if request_type is None:
                raise TypeError(f"{_name(method)}: expected a parameter `request: SomeRequest`; annotate it")
            self.add(request_type, method)

    def add(self, request_type: type[Request[Any]], handler: Handler, *, replace: bool = False) -> None:
        """Register one handler; ``replace`` lets it take the place of another. Raises TypeError with the reason."""
        self._check_request(request_type)
        action = request_type.action
        if action in self._handlers and not replace:
            old = self._handlers[action][1]
            raise TypeError(f"{action} is already handled by {_name(old)}; pass replace=True to take its place")
        _check_handler(request_type, handler)
        self._handlers[action] = (request_type, handler)

    def _check_request(self, request_type: Any) -> None:
        if not (isinstance(request_type, type) and issubclass(request_type, Request)):
            raise TypeError(f"expected a Request type such as ResetRequest, came {request_type!r}")
        action = ACTIONS.get(getattr(request_type, "action", ""))
        if action is None:
            raise TypeError(f"expected one of the {len(ACTIONS)} requests of OCPP 1.6, came {request_type.__name__}")
        if action.sender == self.role:
            raise TypeError(
                f"{action.name} is sent by a {self.role} and never received by one; that handler would never run"
            )

    @property
    def actions(self) -> frozenset[str]:
        """The actions that somebody handles."""
        return frozenset(self._handlers)

    async def answer(self, call: Call) -> CallResult | CallError:
        """The reply to a call. Raises `StoreFailed` if a handler does, and nothing else but CancelledError.

        Our own file failed, and nothing was done. To say so (InternalError) is right for most calls, and fatal for a
        transaction message: after a few of them a charge point gives it up (core 3.7.1). Who stands above knows.
        """
        route = self._handlers.get(call.action)
        if route is None:
            return self._nobody_home(call)
        request_type, handler = route
        try:
            request = decode_payload(request_type, call.payload, self.notes, lenient=self.lenient)
        except PayloadError as problem:
            return CallError(call.unique_id, problem.code, problem.description)
        try:
            response = await handler(request)
            if not isinstance(response, request_type.response_type):
                raise TypeError(f"expected {request_type.response_type.__name__}, came {type(response).__name__}")
            return CallResult(call.unique_id, _checked(response))
        except (PayloadError, CallFailed) as meant:
            return CallError(call.unique_id, meant.code, meant.description, getattr(meant, "details", {}))
        except StoreFailed:
            raise
        except Exception:
            # The peer cannot use the traceback and may be hostile: it goes to our log, not onto the wire.
            log.exception("! handler for %s failed: %s", call.action, _name(handler))
            return CallError(call.unique_id, "InternalError")

    def _nobody_home(self, call: Call) -> CallError:
        """J-spec 4.2.3: NotImplemented is what OCPP does not know, NotSupported what it knows and we do not serve."""
        action = ACTIONS.get(call.action)
        if action is None:
            return CallError(call.unique_id, "NotImplemented", f"OCPP 1.6 has no action {call.action!r:.60}")
        if action.sender == self.role:
            return CallError(call.unique_id, "NotSupported", f"{call.action} is sent by a {self.role}, not to one")
        return CallError(call.unique_id, "NotSupported", f"{call.action} has no handler here")


def _checked(response: Response) -> Any:
    try:
        return encode_payload(response)
    except PayloadError as ours:
        # A PayloadError would be sent as the peer's fault; a reply that breaks its declaration is our own.
        raise ValueError(f"the handler's answer is not fit to send: {ours.description}") from None


def _check_handler(request_type: type[Request[Any]], handler: Any) -> None:
    if not inspect.iscoroutinefunction(handler):
        raise TypeError(f"{_name(handler)}: expected a coroutine function; write `async def`")
    try:
        [name, *_] = inspect.signature(handler).bind(request_type).arguments
    except TypeError as error:
        raise TypeError(f"{_name(handler)}: expected one parameter, the request: {error}") from None
    hints = _annotations(handler)
    taken, returned = hints.get(name, request_type), hints.get("return", request_type.response_type)
    for what, wanted, came in (("take", request_type, taken), ("return", request_type.response_type, returned)):
        if came is not wanted and came is not Any:
            raise TypeError(f"{_name(handler)}: expected to {what} {wanted.__name__}, is annotated with {came!r}")


def _annotations(handler: Any) -> dict[str, Any]:
    while isinstance(handler, functools.partial):
        handler = handler.func
    function = handler.__func__ if isinstance(handler, MethodType) else handler
    try:
        if not isinstance(function, FunctionType):
            return get_type_hints(handler)
        if function not in _READ:
            _READ[function] = get_type_hints(function)
        return _READ[function]
    except NameError as error:
        raise TypeError(
            f"{_name(handler)}: cannot read its annotations: {error}; import that type in its module"
        ) from None


def _name(handler: Any) -> str:
    return getattr(handler, "__qualname__", repr(handler))
