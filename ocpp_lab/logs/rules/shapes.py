"""Rules about a frame by itself: its id, its shape, its code (J-spec 4.1.4, 4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from ...frames import ERROR_CODES, CallError
from ..case import Case
from ..exchanges import seconds
from ..rule import Hit, RuleSet, named
from ..seen import Seen, Side

SHAPES = RuleSet()


@SHAPES.rule("id-used-again", "J-spec 4.1.4", ("04_call_correlation", "3. A map by id"), 45)
def id_used_again(case: Case) -> Iterator[Hit]:
    """Two calls of one end under one unique id on one connection."""
    newest: dict[tuple[Side, str], Seen] = {}
    for seen in case.seen:
        if seen.kind != 2 or seen.sender is None or seen.unique_id is None or seen.condition in ("broken", "elided"):
            continue
        before = newest.get((seen.sender, seen.unique_id))
        newest[seen.sender, seen.unique_id] = seen
        if before is None or not case.same_connection(before, seen):
            continue
        gap = seconds(before, seen)
        known = any(each.opening for each in case.connections) or len(case.connections) > 1
        if not known and (gap is None or gap > 600):
            continue  # a counter may have begun anew, on a connection that the log does not tell of
        yield Hit(
            [before, seen],
            f'The {seen.sender} used the unique id "{seen.unique_id}" for {named(before)} and for {named(seen)}.',
            seen.sender,
            "A new unique id for every call, a repeated one too: a late reply to the first would be taken for the"
            " second's.",
            group=seen.sender,
        )


@SHAPES.rule("wrong-shape", "J-spec 4.2", ("01_smoke_tests", "2. Three frames, and nothing else"), 65)
def wrong_shape(case: Case) -> Iterator[Hit]:
    """JSON that is meant as a frame and breaks the rules for one."""
    for seen in case.seen:
        if seen.raw is None or seen.condition == "elided" or not seen.problem or seen.sender is None:
            continue
        if seen.kind in (3, 4) and "unique id" in seen.problem and not _own_id(case, seen):
            continue  # it has to repeat the id of its call: whoever sent that chose it
        yield Hit(
            [seen],
            f"The {seen.sender} sent what is no legal frame (line {seen.line}): {seen.problem}.",
            seen.sender,
            "A Call has 4 elements, a CallResult 3, a CallError 5; the id is text of at most 36 characters.",
            group=f"{seen.kind} {seen.problem[:40]}",
        )


def _own_id(case: Case, reply: Seen) -> bool:
    """Whether its call had a legal id of the same words: then the number is of the reply's own making."""
    return any(each.call.unique_id == reply.unique_id and each.call.frame is not None for each in case.exchanges)


@SHAPES.rule("not-json", "J-spec 4.1.2", ("02_dispatch_and_router", "4. Whose fault, and which code"), 55)
def not_json(case: Case) -> Iterator[Hit]:
    """A frame that is cut: on the wire, if its receiver complained; by the logger, if it was answered well."""
    for seen in case.seen:
        if seen.condition != "broken" or seen.kind != 2 or seen.sender is None:
            continue
        index = case.pairs.reply_of.get(seen.index)
        reply = case.log.seen[index].frame if index is not None else None
        if isinstance(reply, CallError) and reply.code in ("FormationViolation", "ProtocolError", "GenericError"):
            yield Hit(
                [seen, case.log.seen[index or 0]],
                f"{named(seen)} is no JSON, and the other end said so: {reply.code}.",
                seen.sender,
                "Look at the buffer that it is written into: it is cut, or a quote in a text is not escaped.",
            )


@SHAPES.rule("unknown-error-code", "J-spec 4.2.3", ("02_dispatch_and_router", "4. Whose fault, and which code"), 20)
def unknown_error_code(case: Case) -> Iterator[Hit]:
    """A CallError with a code that OCPP-J does not have."""
    for seen in case.seen:
        frame = seen.frame
        if isinstance(frame, CallError) and frame.code not in ERROR_CODES and seen.sender:
            yield Hit(
                [seen],
                f'The {seen.sender} answered with the error code "{frame.code:.40}" (line {seen.line}), which OCPP-J'
                " does not have.",
                seen.sender,
                "Use one of the ten codes, spelt as the specification spells them.",
                group=frame.code,
            )
