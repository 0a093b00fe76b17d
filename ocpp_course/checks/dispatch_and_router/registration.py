"""2.3: what can be known of a handler is checked when it is registered."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ocpp_lab import messages as m
from ocpp_lab.router import Router

from ..kit import Kit
from ..step import Step, Wrong
from .witnesses import ROLES, annotated, received_by

step = Step("2.3", "`Router.on`: registration", ("Router",), points=3, minutes=20, reference=lambda: Router)

CALLED = "nothing is called when it is registered"
DECORATOR = "`on` takes the request type alone, and returns a function that takes the handler and gives it back."


def handler(name: str = "handler", request_type: Any = None, response_type: Any = None) -> Any:
    """A coroutine function; annotated if types are given."""

    async def work(request: Any) -> Any:
        raise AssertionError(CALLED)

    annotated(work, name, request_type, response_type)
    work.__annotations__ = {key: value for key, value in work.__annotations__.items() if value is not None}
    return work


def accepted(kit: Kit, router: Any, request_type: Any, work: Any, diagnosis: str) -> Any:
    """What the decorator returned."""
    try:
        register = router.on(request_type)
        kit.require(callable(register), f"`on` returned {register!r:.40}", DECORATOR)
        return register(work)
    except TypeError as error:
        if error.__traceback__ and error.__traceback__.tb_next is None:  # the call itself does not fit
            raise Wrong(f"TypeError: {error}", DECORATOR) from None
        raise Wrong(f"TypeError: {error}", diagnosis) from None


def refused(kit: Kit, router: Any, request_type: Any, work: Any, got: str, diagnosis: str) -> None:
    """TypeError with a text, at `on` or when the handler is decorated."""
    try:
        register = router.on(request_type)
        if not callable(register):  # to call it would be a TypeError too
            raise Wrong(f"`on` returned {register!r:.40}", DECORATOR)
        register(work)
    except Wrong:
        raise
    except TypeError as error:
        kit.require(str(error), "a TypeError without a text", "an error says what was expected and what came.")
    except Exception as error:
        if str(error) == CALLED:
            raise Wrong("the handler ran", "the handler was called; look at the function without calling it.") from None
        raise Wrong(type(error).__name__, f"raise TypeError, not {type(error).__name__}.") from None
    else:
        raise Wrong(got, diagnosis)


def fitting(role: m.Role, kit: Kit) -> m.Action:
    """An action that may reach this role, drawn."""
    return kit.rng.choice([action for action in received_by(role) if action.sender != "both"])


def typed(name: str, action: m.Action) -> Any:
    """A handler that is annotated as it should be."""
    return handler(name, action.request, action.response)


def quoted(name: str, takes: m.Action, returns: m.Action) -> Any:
    """A handler with annotations in quotes, as all are under ``from __future__ import annotations``."""
    return handler(name, f"m.{takes.request.__name__}", f"m.{returns.response.__name__}")


def method(request_type: Any, response_type: Any) -> Any:
    """A handler that is a method, annotated with these types."""

    class Desk:
        async def on_call(self, request: Any) -> Any:
            raise AssertionError(CALLED)

    annotated(Desk.on_call, "on_call", request_type, response_type)
    return Desk().on_call


def _wants_the_others(my: Any, role: m.Role) -> bool:
    """Whether a router of this role takes what its own side sends."""
    own = next(action for action in m.ACTIONS.values() if action.sender == role)
    try:
        my.Router(role).on(own.request)(typed("own", own))
    except Exception:
        return False
    return True


@step.check("two routers share nothing")
def independent(my: Any, kit: Kit) -> str:
    """Each side of each connection has handlers of its own: nothing is shared by all routers."""
    for role in ROLES:
        action = fitting(role, kit)
        said = f"a new router refuses its first handler, for {action.name}; is its table shared with others?"
        if _wants_the_others(my, role):
            said = "it refuses what the other side sends and takes what its own side sends; turn that round."
        accepted(kit, my.Router(role), action.request, typed("first", action), said)
        said = "both routers share one table; it belongs to the instance, not to the class."
        accepted(kit, my.Router(role), action.request, typed("second", action), said)
    return "nothing"


@step.check("the decorated function is still itself")
def returns_handler(my: Any, kit: Kit) -> str:
    """A decorator returns the function: it keeps its name, and a test can call it."""
    router = my.Router("ChargePoint")
    work = handler("on_reset", m.ResetRequest, m.ResetResponse)
    got = accepted(kit, router, m.ResetRequest, work, "this handler is right, and was refused.")
    said = "the name is now None and cannot be tested."
    kit.require(got is not None, "None", said)
    kit.require(got is work, "another function", "return the function that came; the name below is the handler's own.")
    return "itself"


@step.check("all that may arrive are accepted, with annotations or without")
def accepts(my: Any, kit: Kit) -> str:
    """Of 39 actions a charge point receives 26, a central system 14, one is of both (core 4, 5; whitepaper 5)."""
    for role in ROLES:
        plain, annotated_too = my.Router(role), my.Router(role)
        for action in received_by(role):
            said = f"{action.name} may reach a {role}; its handler was refused."
            accepted(kit, annotated_too, action.request, typed("typed", action), said)
            said = "a handler without annotations was refused; nothing is wrong with it."
            accepted(kit, plain, action.request, handler("plain"), said)
        action = fitting(role, kit)
        said = "quoted annotations were refused; they are the right types. `get_type_hints` resolves the quotes."
        accepted(kit, my.Router(role), action.request, quoted("quoted", action, action), said)
        said = "a method was refused; it is `async def`, and its annotations are right."
        accepted(kit, my.Router(role), action.request, method(action.request, action.response), said)
    return "all"


@step.check("TypeError for what is no request type")
def refuses_stranger(my: Any, kit: Kit) -> str:
    """A handler is registered for a request type, for it says action and response."""
    for stranger in (m.ResetResponse, "Reset", dict, None, m.ResetRequest(type="Soft"), int):
        said = "a handler for what is no Request type will never be called; refuse it."
        refused(kit, my.Router("ChargePoint"), stranger, handler(), "no error", said)
    return "TypeError"


@step.check("TypeError for a second handler of one action")
def refuses_second(my: Any, kit: Kit) -> str:
    """One action has one handler."""
    for role in ROLES:
        router, action = my.Router(role), fitting(role, kit)
        router.on(action.request)(typed("first", action))
        said = "a second handler for one action was taken without a word; say so when it is registered."
        refused(kit, router, action.request, typed("second", action), "no error", said)
    return "TypeError"


@step.check("TypeError for what never arrives here: Reset at a central system")
def refuses_direction(my: Any, kit: Kit) -> str:
    """Who may send is fixed (core 4, 5; whitepaper 5): 13 of 39 never reach a charge point, 25 no central system."""
    for role in ROLES:
        router = my.Router(role)
        for action in sorted(m.ACTIONS.values(), key=lambda each: each.name != "Reset"):
            if action.sender != role:
                continue
            who = "central system" if role == "CentralSystem" else "charge point"
            said = f"a {who} never receives {action.name}; that handler would never run."
            refused(kit, router, action.request, typed("late", action), f"{action.name} was accepted", said)
    return "TypeError"


@step.check("TypeError for a function that is not `async`")
def refuses_sync(my: Any, kit: Kit) -> str:
    """Handlers are awaited."""

    def blocking(request: Any) -> Any:
        raise AssertionError("nothing is called when it is registered")

    for work in (annotated(blocking, "blocking", m.ResetRequest, m.ResetResponse), lambda request: None):
        said = "a function that cannot be awaited was taken; its first call would fail. Check when it is registered."
        refused(kit, my.Router("ChargePoint"), m.ResetRequest, work, "no error", said)
    return "TypeError"


@step.check("TypeError if the annotations say another type")
def refuses_annotation(my: Any, kit: Kit) -> str:
    """A handler that is written for another request, or gives another response, is a mistake that can be seen."""
    for role in ROLES:
        right, other = kit.rng.sample(received_by(role), 2)
        cases = (
            ("parameter", handler("takes_another", other.request, right.response)),
            ("return value", handler("returns_another", right.request, other.response)),
            ("parameter", handler("takes_another", other.request)),
            ("parameter", quoted("takes_another", other, right)),
            ("return value", quoted("returns_another", right, other)),
        )
        for which, work in cases:
            said = f"the annotation of the {which} says another type; this handler was written for something else."
            refused(kit, my.Router(role), right.request, work, f"a wrong {which} was accepted", said)
        for which, takes, returns in (
            ("parameter", other.request, right.response),
            ("return value", right.request, other.response),
        ):
            said = f"the handler is a method, and its {which} is annotated with another type; check methods too."
            work = method(takes, returns)
            refused(kit, my.Router(role), right.request, work, f"a method's wrong {which} was accepted", said)
    return "TypeError"


@step.check("a registration that fails changes nothing")
def changes_nothing(my: Any, kit: Kit) -> str:
    """Who registers a wrong handler mends it and registers it again."""
    for role in ROLES:
        router, (right, other) = my.Router(role), kit.rng.sample(received_by(role), 2)
        wrong = (lambda request: None, handler("returns_another", right.request, other.response))
        for work in wrong:
            with suppress(TypeError):
                router.on(right.request)(work)
        said = "a handler that was refused is in the table all the same; check first, then register."
        accepted(kit, router, right.request, typed("right", right), said)
    return "nothing"
