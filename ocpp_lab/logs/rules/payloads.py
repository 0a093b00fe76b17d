"""Rules about what stands in a frame: against its declaration, in the wrong direction, in another version."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ...codec import NO_OFFSET_NOTE, decode_payload, decode_reply
from ...errors import PayloadError
from ...frames import Call, CallError, CallResult
from ...messages import ACTIONS
from ..case import Case
from ..mending import ELIDED
from ..pairing import OTHER
from ..rule import Hit, RuleSet, named
from ..seen import Seen
from ..versions import LATER
from ..voting import LEGAL

PAYLOADS = RuleSet()
_WHOSE = ("02_dispatch_and_router", "4. Whose fault, and which code")
_DECLARED = ("02_dispatch_and_router", "3. Declare the wire once")
_UNSURE = {"comma", "broken line", "typographic quotes", "words"}
"""Mends after which a payload is not held against its sender."""
_HEXA = re.compile(r"\s|\*{2,}|\.\.\.|…")


def judged(seen: Seen) -> bool:
    """Whether the payload in the log is the one on the wire."""
    return seen.frame is not None and seen.condition in ("whole", "mended") and not _UNSURE & set(seen.mended)


@PAYLOADS.rule("payload", "J-errata 3.1", _WHOSE, 60)
def payload(case: Case) -> Iterator[Hit]:
    """A payload that breaks its declaration, of which field and how."""
    for seen in case.seen:
        if not judged(seen) or seen.sender is None or isinstance(seen.frame, CallError) or seen.action not in ACTIONS:
            continue
        problem = _problem(seen)
        if problem is None or ELIDED.search(seen.text):
            continue
        _, code, description = problem
        told = _complaint(case, seen)
        kind = "request" if seen.kind == 2 else "response"
        yield Hit(
            [seen],
            f"The {seen.sender}'s {seen.action} {kind} in line {seen.line} breaks the schema:"
            f" {description:.300}{told}.",
            seen.sender,
            f"Correct that field. The specification's code for it is {code}.",
            group=f"{seen.action} {kind} {re.sub(r'\\d+', '', description)[:60]}",
            weight=35 if code == "FormationViolation" else 60,
        )


def _complaint(case: Case, seen: Seen) -> str:
    index = case.pairs.reply_of.get(seen.index) if seen.kind == 2 else None
    reply = case.log.seen[index].frame if index is not None else None
    if isinstance(reply, CallError):
        return f" (it was answered with {reply.code})"
    return " (it was answered all the same)" if isinstance(reply, CallResult) else ""


def _problem(seen: Seen) -> tuple[str, str, str] | None:
    action = ACTIONS[seen.action or ""]
    declared = action.request if isinstance(seen.frame, Call) else action.response
    try:
        decode_payload(declared, seen.payload)
    except PayloadError as error:
        if _HEXA.search(_blamed_value(error.description)):
            return None  # a blank in a name, or a masked value: the logger's work
        return seen.action or "", error.code, error.description
    return None


def _blamed_value(description: str) -> str:
    """The name of a field that is not declared, or the value that is refused: where loggers leave their traces."""
    field, _, rest = description.partition(":")
    return field + (rest.rpartition(", came ")[2] if "one of" in rest else "")


@PAYLOADS.rule("time-without-zone", "core 3.15", _DECLARED, 15, least=2)
def time_without_zone(case: Case) -> Iterator[Hit]:
    """A timestamp without an offset: whoever reads it has to guess."""
    for seen in case.seen:
        if seen.sender is None or not judged(seen) or isinstance(seen.frame, CallError) or seen.action not in ACTIONS:
            continue
        if not _has_bare_time(seen.text):
            continue
        notes: Counter[str] = Counter()
        action = ACTIONS[seen.action]
        try:
            if seen.kind == 2:
                decode_payload(action.request, seen.payload, notes, lenient=True)
            else:
                decode_reply(action.response, seen.payload, notes, lenient=True)
        except PayloadError:
            continue
        if notes[NO_OFFSET_NOTE]:
            yield Hit(
                [seen],
                f"The {seen.sender} sends times without Z or an offset (line {seen.line}): they may be local or UTC.",
                seen.sender,
                "Send UTC with a Z at the end, as in 2031-03-14T07:59:50Z.",
                group=seen.sender,
            )


_BARE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?![\d.:Z+-])", re.IGNORECASE)


@lru_cache(maxsize=64)
def _has_bare_time(text: str) -> bool:
    return _BARE_TIME.search(text) is not None


@PAYLOADS.rule("unknown-action", "J-spec 4.2.1", ("02_dispatch_and_router", "7. No handler: two codes"), 40)
def unknown_action(case: Case) -> Iterator[Hit]:
    """An action that OCPP 1.6 does not have: a misspelt one, or another version's."""
    lower = {name.lower(): name for name in ACTIONS}
    for seen in case.seen:
        action = seen.action
        if seen.kind != 2 or not action or action in ACTIONS or not judged(seen) or seen.sender is None:
            continue
        if action in LATER:
            do = "The two ends speak different versions: offer and choose the subprotocol ocpp1.6 at both."
        elif action.lower() in lower:
            do = f"Actions are case-sensitive: it is {lower[action.lower()]}."
        else:
            do = "An operation that 1.6 does not know is a DataTransfer with a vendorId of its own."
        yield Hit(
            [seen],
            f"The {seen.sender} called {action:.60} (line {seen.line}), an action that OCPP 1.6 does not have.",
            seen.sender,
            do,
            group=action,
        )


@PAYLOADS.rule("wrong-direction", "core 4", ("02_dispatch_and_router", "1. The whole protocol on one screen"), 50)
def wrong_direction(case: Case) -> Iterator[Hit]:
    """A call that the other end may send only."""
    if not case.log.viewpoint.certain:
        return
    for seen in case.seen:
        if seen.kind != 2 or not judged(seen) or seen.sender is None or seen.action not in LEGAL:
            continue
        if LEGAL[seen.action] == seen.sender or _is_echo(case, seen):
            continue
        yield Hit(
            [seen],
            f"The {seen.sender} sent {named(seen)}, which only a {OTHER[seen.sender]} may send.",
            seen.sender,
            "Look at which role that program plays: it calls what it should answer.",
            "likely",
            group=seen.action,
        )


def _is_echo(case: Case, seen: Seen) -> bool:
    """Whether the same frame stands near by in the other direction: then it is the log that says it twice."""
    near = (case.log.seen[index] for index in range(max(0, seen.index - 10), min(len(case.log.seen), seen.index + 10)))
    return any(each is not seen and each.text == seen.text for each in near)


@PAYLOADS.rule("core-not-supported", "core 3.3", ("02_dispatch_and_router", "7. No handler: two codes"), 40)
def core_not_supported(case: Case) -> Iterator[Hit]:
    """An operation of the Core profile, which is required, is refused as unknown. Of other profiles that is legal."""
    for each in case.exchanges:
        call, reply = each.call, each.reply
        frame: Any = reply.frame if reply else None
        if not isinstance(frame, CallError) or frame.code not in ("NotImplemented", "NotSupported") or reply is None:
            continue
        action = ACTIONS.get(each.action)
        if action is None or action.profile != "Core" or reply.sender is None or LEGAL.get(action.name) == reply.sender:
            continue
        if is_bad(call) or action.name == "DataTransfer":
            continue
        yield Hit(
            [call, reply],
            f"The {reply.sender} answered {named(call)} with {frame.code}, and that operation belongs to the Core"
            " profile.",
            reply.sender,
            f"Implement {action.name}: the Core profile is not optional.",
            group=action.name,
        )


def is_bad(call: Seen) -> bool:
    """Whether a call breaks its declaration, or may do so: it cannot be read."""
    return not judged(call) or _problem(call) is not None
