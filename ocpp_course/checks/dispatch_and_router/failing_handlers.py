"""2.6: a handler is somebody's code, and it fails."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ocpp_lab import messages as m
from ocpp_lab.errors import CallFailed, CallTimeout, PayloadError
from ocpp_lab.frames import CallError, CallResult, encode
from ocpp_lab.router import Router

from ..kit import Kit, short
from ..step import Step, Wrong
from .payloads import text
from .witnesses import SLIPS, answered, call_for, on, refused

step = Step("2.6", "Handlers that fail", ("Router",), points=3, minutes=20, reference=lambda: Router)

RESET, VERSION = m.ACTIONS["Reset"], m.ACTIONS["GetLocalListVersion"]
LEFT = "the exception left `answer` and would end the reader."


def failing(my: Any, error: BaseException, ran: list[Any] | None = None) -> Any:
    """A charge point's router: Reset is answered, GetLocalListVersion raises. Its requests are in ``ran``."""

    async def raises(request: Any) -> Any:
        if ran is not None:
            ran.append(request)
        raise error

    async def resets(request: Any) -> Any:
        return m.ResetResponse(status="Accepted")

    router = my.Router("ChargePoint")
    router.on(VERSION.request)(on(VERSION, raises))
    router.on(RESET.request)(on(RESET, resets))
    return router


def surprises(kit: Kit, said: str) -> list[Exception]:
    """What no handler means to raise."""
    found = [KeyError(said), ValueError(said), OSError(said), CallTimeout(said), RuntimeError(said), TypeError(said)]
    kit.rng.shuffle(found)
    return found + odd_ones(said)


def odd_ones(said: str) -> list[Exception]:
    """Exceptions with a meaning to Python or to asyncio. From a handler they are exceptions as any other."""
    group = ExceptionGroup(said, [ValueError(said)])
    return [TimeoutError(said), group, RecursionError(said), StopAsyncIteration(said), asyncio.QueueEmpty(said)]


def left(error: Exception) -> str:
    """What is said if it left `answer`."""
    if type(error) in map(type, odd_ones("")):
        name = type(error).__name__
        return f"the handler raised {name}, and it left `answer`: catch whatever `Exception` a handler raises."
    return LEFT


@contextmanager
def listening() -> Iterator[list[logging.LogRecord]]:
    """What is logged in the meantime, on any logger."""
    records: list[logging.LogRecord] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    handler = Listener()
    loggers = (logging.getLogger(), logging.getLogger("ocpp_lab"))
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield records
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


@step.check("PayloadError and CallFailed of a handler: their own code and description")
async def own_code(my: Any, kit: Kit) -> str:
    """A handler that knows what is wrong says so itself (J-spec 4.2.3)."""
    details = {"limit": kit.rng.randrange(100)}
    meant: tuple[tuple[Any, Any], ...] = (
        (PayloadError("PropertyConstraintViolation", said := text(kit.rng, 12)), {}),
        (CallFailed("SecurityError", said, details), details),
        (CallFailed("NotSupported", said), {}),
        (CallFailed("GenericError"), {}),
    )
    for error, wanted in meant:
        frame = await refused(kit, failing(my, error), call_for(kit, VERSION.name, {}), LEFT, raised=error)
        told = f"the handler said {error.code} and meant it."
        kit.require(frame.code == error.code, frame.code, told)
        kit.require(frame.description == error.description, "another description", "its description goes along.")
        kit.require(frame.details == wanted, "other details", "the details of a CallFailed go along; else {}.")
    return "theirs"


@step.check("after a handler has failed, the next call is answered")
async def next_call_lives(my: Any, kit: Kit) -> str:
    """One bad handler must not end the reader: every later call would go unanswered (J-spec 4.1)."""
    for error in surprises(kit, "db-3"):
        ran: list[Any] = []
        router = failing(my, error, ran)
        for time in (1, 2):
            try:
                await router.answer(call_for(kit, VERSION.name, {}))
            except Exception as came:
                if isinstance(came, SLIPS) and came is not error:
                    raise
                raise Wrong(short(f"{type(came).__name__} left it: {came}"), left(error)) from None
            got = f"{len(ran)} runs for {time} call{'s' * (time > 1)}"
            kit.require(len(ran) == time, got, f"{got}; a handler runs once for each call, also after it has failed.")
        frame = await answered(kit, router, call_for(kit, RESET.name))
        kit.require(isinstance(frame, CallResult), "a CallError", "this handler is fine.")
    return "answered"


@step.check("anything else: InternalError")
async def internal(my: Any, kit: Kit) -> str:
    """InternalError: the receiver failed while it handled the request (J-spec 4.2.3)."""
    for error in surprises(kit, "db-3"):
        frame = await refused(kit, failing(my, error), call_for(kit, VERSION.name, {}), left(error), raised=error)
        said = f"{type(error).__name__} is nothing that the handler meant for the peer: InternalError."
        kit.require(frame.code == "InternalError", frame.code, said)
    return "InternalError"


@step.check("nothing of the exception is in the frame")
async def nothing_leaked(my: Any, kit: Kit) -> str:
    """The peer cannot use the text of an exception, and may be hostile."""
    secret = f"/srv/ocpp/{kit.rng.getrandbits(40):010x}.py"
    told = set()
    for error in surprises(kit, secret):
        reply = await failing(my, error).answer(call_for(kit, VERSION.name, {}))
        said = "`str(error)` went to the peer, with a file path in it."
        kit.require(secret not in encode(reply), "the exception's text", said)
        told.add((reply.description, str(reply.details)))
    said = "the text for the peer differs from exception to exception; use a fixed one, or none."
    kit.require(len(told) == 1, "a text that depends on the exception", said)
    return "nothing"


@step.check("it is logged on `ocpp_lab` or below, with its traceback")
async def logged(my: Any, kit: Kit) -> str:
    """Who runs the stack must see what failed, and where."""
    for error in surprises(kit, "db-3"):
        with listening() as records:
            await failing(my, error).answer(call_for(kit, VERSION.name, {}))
        said = "the peer knows it failed and you do not; log the traceback."
        kit.require(records, "nothing", said)
        there = {record.name for record in records if not re.match(r"ocpp_lab(\.|$)", record.name)}
        kit.require(
            not there, f"on {', '.join(there)}", "log it on `ocpp_lab` or below: who runs the stack looks there."
        )
        kit.require(any(_tells(record) for record in records), "a line without traceback", said)
    return "logged"


def _tells(record: logging.LogRecord) -> bool:
    return bool(record.exc_info and record.exc_info[1]) or "Traceback" in record.getMessage()


@step.check("a cancelled handler is cancelled")
async def cancel_passes(my: Any, kit: Kit) -> str:
    """When the session ends, its handlers are cancelled; CancelledError is no failure."""

    async def hangs(request: Any) -> Any:
        await asyncio.sleep(3600)

    router = my.Router("ChargePoint")
    router.on(VERSION.request)(on(VERSION, hangs))
    task = asyncio.create_task(router.answer(call_for(kit, VERSION.name, {})))
    await kit.quiet()
    kit.require(not task.done(), "it did not wait for its handler", "`answer` is over when its handler is.")
    task.cancel()
    await asyncio.wait([task], timeout=60)
    kit.require(task.done(), "it went on", "`answer` was cancelled, and goes on; CancelledError must pass through.")
    said = "a cancelled handler answered InternalError; shutdown would hang."
    if not task.cancelled() and (error := task.exception()):
        said = f"`answer` was cancelled, and raised {type(error).__name__}; CancelledError must pass through."
    elif not task.cancelled() and getattr(task.result(), "code", "") != "InternalError":
        said = "`answer` was cancelled, and returned as if all were well; CancelledError must pass through."
    kit.require(task.cancelled(), "it answered", said)
    return "cancelled"


@step.check("a reply of ours that is no good is still InternalError")
async def own_reply(my: Any, kit: Kit) -> str:
    """A PayloadError of our own reply is not the peer's fault (J-spec 4.2.3)."""

    for response in (m.ResetResponse(status="Sfot"), None, m.ClearCacheResponse(status="Accepted")):  # type: ignore[arg-type]

        async def resets(request: Any, response: Any = response) -> Any:
            return response

        router = my.Router("ChargePoint")
        router.on(RESET.request)(on(RESET, resets))
        sent = "the handler returned what is no ResetResponse, and it went out as one."
        frame = await refused(kit, router, call_for(kit, RESET.name), LEFT, sent)
        said = f"{frame.code} blames the peer for our own reply; that is InternalError."
        kit.require(frame.code == "InternalError", frame.code, said)
    bad = await refused(kit, router, call_for(kit, RESET.name, {"type": "Sfot"}), LEFT)
    kit.require(bad.code == "PropertyConstraintViolation", bad.code, "this payload was the peer's fault.")
    assert isinstance(bad, CallError)
    return "InternalError"


@step.check("an action without a handler: as in 2.5")
async def nobody_home(my: Any, kit: Kit) -> str:
    """NotImplemented and NotSupported are no failures of a handler (J-spec 4.2.3)."""
    for name, code, why in (
        ("MakeCoffee", "NotImplemented", "OCPP does not know it"),
        ("ClearCache", "NotSupported", "nobody handles it here"),
    ):
        gone = f"{name} has no handler, and an exception left `answer`; as in 2.5 the answer is {code}."
        frame = await refused(kit, failing(my, KeyError("db-3")), call_for(kit, name, {}), gone)
        said = f"{name} got {frame.code}: {why}, so the answer is {code}, as in 2.5. What does your class begin with?"
        kit.require(frame.code == code, f"{name}: {frame.code}", said)
    return "NotImplemented, NotSupported"
