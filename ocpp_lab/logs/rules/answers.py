"""Rules about calls and their replies: none, two, a stranger's, too many at once (J-spec 4.1, 4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from ..case import Case, result
from ..exchanges import LONG_ENOUGH, Exchange, seconds
from ..pairing import OTHER
from ..rule import Hit, RuleSet, named
from ..seen import Seen, Side

ANSWERS = RuleSet()
_SIDES: tuple[Side, ...] = get_args(Side)
_BY_ID = ("04_call_correlation", "3. A map by id")


@ANSWERS.rule("never-answered", "J-spec 4.1.1", ("04_call_correlation", "4. Late"), 70)
def never_answered(case: Case) -> Iterator[Hit]:
    """A call without any answer, though others of its direction are answered and the log runs on."""
    for each in case.exchanges:
        call = each.call
        if each.fate != "timed out" or call.sender is None or _may_be_silent(case, call):
            continue
        if not case.tells_connections and _answered_as_a_rule(case, call):
            continue  # one may have been lost there, unseen, and the reply with it
        later = _answered_later(case, call)
        if later is None:
            continue  # nothing proves that it arrived: the link may have died in that direction
        if call.at and later.reply and case.lasts(later.reply) <= LONG_ENOUGH:
            continue  # it may have been held up on the way till then, and there was no time for the answer
        yield Hit(
            [call, later.call],
            f"The {call.sender}'s {named(call)} was never answered, though the connection went on for"
            f" {_how_long(case, call)} and the later {named(later.call)} was answered on it.",
            OTHER[call.sender],
            f"Look why {call.action or 'it'} has no answer: each call must get a CallResult or a CallError, whatever"
            " goes wrong in its handler. A handler that calls its peer must not be awaited by the reader.",
            group=f"{call.sender} {call.action}",
        )


def _answered_as_a_rule(case: Case, call: Seen) -> bool:
    """Whether two of three such calls have an answer: whoever answers them all but now and then has a handler."""
    same = [each for each in case.calls(call.action or "") if each.call.sender == call.sender]
    answered = sum(each.fate in ("answered", "error") for each in same)
    return answered > 0 and 3 * answered >= 2 * len(same)


def _answered_later(case: Case, call: Seen) -> Exchange | None:
    """A later call of the same end, answered on the same connection: what was sent before it had arrived."""
    for each in case.exchanges_after(call):
        if each.call.connection != call.connection:
            return None
        if each.call.sender == call.sender and each.fate in ("answered", "error"):
            return each if case.same_connection(call, each.call) else None
    return None


@ANSWERS.rule("deaf-from-here", "J-spec 4.1.1", ("05_lifecycle_loop", "6. Half-open: nobody says goodbye"), 65)
def deaf_from_here(case: Case) -> Iterator[Hit]:
    """An end that answered goes on calling, for minutes, and answers nothing any more on that connection."""
    for side in _SIDES:
        silent: list[Seen] = []
        for each in case.exchanges:
            if each.call.sender != side:
                continue
            same = bool(silent) and silent[0].connection == each.call.connection
            silent = [*(silent if same else ()), each.call] if each.fate == "timed out" else []
            if any(_may_be_silent(case, call) for call in silent):
                silent = []
            if len(silent) >= 3 and case.lasts(silent[0]) > DEAF:
                others = [one for one in case.sent_by(OTHER[side]) if _while(silent, one)]
                if len(others) >= 3:
                    yield _deaf(side, silent)
                    break


DEAF = 180.0
"""Seconds without an answer, beyond what a ping would have noticed."""


def _while(silent: list[Seen], other: Seen) -> bool:
    return other.kind == 2 and other.connection == silent[0].connection and other.index > silent[0].index


def _deaf(side: Side, silent: list[Seen]) -> Hit:
    return Hit(
        silent[:4],
        f"From {named(silent[0])} on no call of the {side} is answered, while the {OTHER[side]} goes on calling on that"
        " connection.",
        OTHER[side],
        "One direction is dead: a reader that waits for something, or a link that lost one way. Pings would close it.",
        "likely",
        group=side,
    )


def _may_be_silent(case: Case, call: Seen) -> bool:
    """A charge point whose boot is not accepted need not answer, and is owed nothing (core 4.2)."""
    boots = [each for each in case.calls("BootNotification") if each.call.index < call.index]
    if not boots:
        return False
    newest = boots[-1]
    answered = newest.reply is not None and newest.reply.index < call.index
    status = result(newest).get("status") if answered else None
    return status != "Accepted" and not (status == "Pending" and call.sender == "central system")


def _how_long(case: Case, call: Seen) -> str:
    lasts = case.lasts(call)
    return f"{lasts:.0f} s" if lasts else "several calls"


@ANSWERS.rule("one-direction-only", "J-spec 4.1.1", ("01_smoke_tests", "4. A call has four ends"), 60)
def one_direction_only(case: Case) -> Iterator[Hit]:
    """No call of one end is answered in the whole log: half-deaf, or a log of one direction."""
    for side in _SIDES:
        calls = [each for each in case.exchanges if each.call.sender == side]
        if len(calls) < 4 or any(each.reply is not None for each in calls) or _short(case, calls[0].call):
            continue
        if any(each.kind in (3, 4) for each in case.unclear):
            continue
        others = case.sent_by(OTHER[side])
        answers = [each for each in others if each.kind in (3, 4)]
        if answers:
            continue  # replies are there, but none fits: that is another rule
        if others and any(each.kind in (3, 4) for each in case.seen):
            yield Hit(
                [each.call for each in calls[:4]],
                f"None of {len(calls)} calls of the {side} is answered, though the {OTHER[side]} sends calls itself.",
                OTHER[side],
                f"Either the {OTHER[side]} reads nothing, or this log leaves replies out. See on the other end, or in a"
                " capture of the network, whether the replies are sent.",
                "likely",
            )
        else:
            yield Hit(
                [each.call for each in calls[:4]],
                f"The log has {len(calls)} calls of the {side}, and no reply that the {OTHER[side]} sent.",
                "the log",
                "Log both directions; or, if this is all, the other end is deaf: see in its log whether the calls"
                " arrive.",
                "likely",
                weight=40,
            )


def _short(case: Case, first: Seen) -> bool:
    return bool(first.at and case.end and (case.end - first.at).total_seconds() < LONG_ENOUGH)


@ANSWERS.rule("reply-to-nothing", "J-spec 4.1.4", ("04_call_correlation", "6. For nobody"), 50)
def reply_to_nothing(case: Case) -> Iterator[Hit]:
    """A reply with an id that no call has, well after the log began."""
    if case.gaps:
        yield Hit(
            case.gaps[:4],
            f"{len(case.gaps)} replies fit no call, as that in line {case.gaps[0].line}, and no call waits for one:"
            " lines are missing in this log.",
            "the log",
            "Show all lines between two instants, without a filter: what is missing hides what was wrong.",
            "likely",
            weight=15,
        )
        return
    for index, reply in enumerate(case.seen):
        if reply.kind not in (3, 4) or reply.index in case.pairs.call_of or reply.sender is None:
            continue
        if index < 20 or reply.condition in ("broken", "elided") or reply.unique_id is None or reply.raw is not None:
            continue
        if _young(case, index) or _unread_call(case, index, OTHER[reply.sender]):
            continue
        if reply.unique_id in ("-1", "", "0") and reply.kind == 4:
            continue  # an answer to something whose id could not be read
        if own := _own_call(case, index):
            yield _error_to_itself(reply, own)
            continue
        if not any(
            each.kind == 2 and each.sender == OTHER[reply.sender] for each in case.seen[max(0, index - 20) : index]
        ):
            continue  # calls of that direction are not in this log at all
        yield Hit(
            [reply],
            f'A reply of the {reply.sender} with the unique id "{reply.unique_id}" (line {reply.line}) fits no call:'
            f" the {OTHER[reply.sender]} sent none with that id in the whole log before it.",
            reply.sender,
            "A reply has to carry the unique id of its call, character by character. Look whether ids are cut, changed"
            " to numbers, or mixed up between connections.",
            "proved" if case.waited_for(index) else "likely",
        )


def _young(case: Case, index: int) -> bool:
    """Whether its call may have been before the log."""
    reply, first = case.seen[index], case.seen[0]
    after = seconds(first, reply)
    return index < 100 if after is None else after < 2 * LONG_ENOUGH


def _unread_call(case: Case, index: int, sender: Side) -> bool:
    reply = case.seen[index]
    for each in case.unclear:
        after = seconds(each, reply)
        may_be = each.index < reply.index and each.kind in (2, None) and each.sender in (None, sender)
        if may_be and (after is None or after < 4 * LONG_ENOUGH):
            return True
    return False


def _own_call(case: Case, index: int) -> Seen | None:
    """A call of the same end under that id, which is not answered yet."""
    reply = case.seen[index]
    for each in reversed(case.seen[max(0, index - 50) : index]):
        if each.kind == 2 and each.unique_id == reply.unique_id:
            return each if each.sender == reply.sender else None
    return None


def _error_to_itself(reply: Seen, own: Seen) -> Hit:
    return Hit(
        [own, reply],
        f"The {reply.sender} answered its own call: {named(own)}, then a reply under the same id (line {reply.line}).",
        reply.sender or "the log",
        "A CallError answers the peer's calls only. Whoever cannot read a reply has nobody to tell (J-spec 4.2.3).",
        group="own call",
    )


@ANSWERS.rule("answered-twice", "J-spec 4.1.4", ("04_call_correlation", "5. Twice"), 40)
def answered_twice(case: Case) -> Iterator[Hit]:
    """A second reply to a call that has its answer, on the same connection."""
    for index, call in case.pairs.repeats.items():
        reply, asked = case.log.seen[index], case.log.seen[call]
        if reply.identity != case.identity or reply.sender is None or reply.sender == asked.sender:
            continue
        if not case.same_connection(asked, reply) or "broken" in (reply.condition, asked.condition):
            continue
        first = case.log.seen[case.pairs.reply_of[call]]
        if first.connection != reply.connection or first.direction_word != reply.direction_word:
            continue
        yield Hit(
            [asked, first, reply],
            f"{named(asked)} was answered twice: in line {first.line} and in line {reply.line}.",
            reply.sender,
            "One call, one reply. Look for a handler that answers and then fails, or for a message that two parts of"
            " the"
            " program answer.",
        )


@ANSWERS.rule("late-after-reconnect", "J-spec 4.1.4", ("04_call_correlation", "9. The connection is lost"), 25)
def late_after_reconnect(case: Case) -> Iterator[Hit]:
    """A reply on a new connection to a call on an old one: ids belong to a connection."""
    for index, call in case.pairs.call_of.items():
        reply, asked = case.log.seen[index], case.log.seen[call]
        if reply.identity != case.identity or reply.sender is None or index in case.pairs.repeats:
            continue
        if asked.connection < reply.connection and _is_known(case, reply.connection):
            yield Hit(
                [asked, reply],
                f"The reply to {named(asked)} came on another connection (line {reply.line}): that connection was"
                " over.",
                reply.sender,
                "Forget calls with their connection: on a new one their unique ids mean nothing, and may be used"
                " again.",
            )


def _is_known(case: Case, number: int) -> bool:
    """Whether the log itself tells of the beginning of a connection, or of the end of the one before."""
    return any(each.number == number and each.opening for each in case.connections)


@ANSWERS.rule("second-call-too-early", "J-spec 4.1.1", ("04_call_correlation", "8. One in flight"), 30)
def second_call_too_early(case: Case) -> Iterator[Hit]:
    """A call while the one before it awaits its answer. Calls of both ends may cross; those of one may not."""
    waiting: dict[Side, Seen] = {}
    for seen in case.seen:
        if seen.kind != 2:
            call = case.pairs.call_of.get(seen.index)
            for side, open_call in list(waiting.items()):
                if call == open_call.index:
                    del waiting[side]
            continue
        if seen.sender is None:
            continue
        before = waiting.get(seen.sender)
        if before is not None and _overlaps(case, before, seen):
            yield Hit(
                [before, seen],
                f"The {seen.sender} sent {named(seen)} while its {named(before)} had no answer yet.",
                seen.sender,
                "Send one call at a time on a connection: queue the next one until the reply came or the time is up.",
                group=seen.sender,
            )
        waiting[seen.sender] = seen


def _overlaps(case: Case, before: Seen, seen: Seen) -> bool:
    """Beyond the doubt that threads of a logger leave: the answer is there, and came clearly later."""
    index = case.pairs.reply_of.get(before.index)
    if index is None or before.connection != seen.connection or case.log.seen[index].connection != seen.connection:
        return False
    waited, until = seconds(before, seen), seconds(seen, case.log.seen[index])
    own = case.log.viewpoint.side == seen.sender
    if waited is None or until is None:
        return own and index - seen.index > 3
    return waited < 5 and until >= 0.1 and (own or _not_held_up(case, before))


def _not_held_up(case: Case, call: Seen) -> bool:
    """In the log of who receives: whether the sender was heard shortly before. After a silence all that was held up on
    the way comes at once, and what looks like two calls in a moment may be two timeouts apart."""
    for other in reversed(case.log.seen[max(0, call.index - 40) : call.index]):
        if other.identity == case.identity and other.sender == call.sender:
            passed = seconds(other, call)
            if passed is not None and passed >= 0.05:
                return passed < 20 and other.connection == call.connection
    return False
