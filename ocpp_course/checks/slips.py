"""`slips`: what went wrong in the learner's own lines, before any lesson: exceptions, forgotten awaits, lost returns.

A slip is told with its line and the source of that line. It is *certain* if it is a mistake whatever the step asks for;
then the lesson of the check that failed is not shown, because the slip may be all that is wrong.
"""

from __future__ import annotations

import gc
import inspect
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CoroutineType
from typing import Any

from . import signatures
from .earlier import kept_without, where_from
from .own import Own, kept_for
from .syntax import called_in, swallows_cancellation, unawaited
from .witness import Raised, Witness, is_certainly_wrong, words

COROUTINE = re.compile(r"<coroutine object |'coroutine' object|type coroutine|was never awaited")
_ORIGIN = re.compile(r'File "([^"]+)", line (\d+), in ')
_NEVER = re.compile(r"coroutine '([^']+)' was never awaited")
DEPTH = 1
"""Frames that Python remembers of the place where a coroutine was made; each costs time at each coroutine."""


@dataclass(frozen=True)
class Slip:
    """One sentence or two. ``certain``: it is a mistake whatever the step asks for.

    ``outranks``: it is told even if an earlier check failed too, and had another reason.
    """

    text: str
    certain: bool = True
    outranks: bool = False
    place: tuple[str, int] = ("", 0)
    """File and line; ("", 0) if it has none."""

    def before(self, other: Slip) -> bool:
        """Whether it stands higher in the same cell, and so may be the cause of the other."""
        return self.place[0] == other.place[0] and self.place[1] < other.place[1]


@dataclass(frozen=True)
class Made:
    """A coroutine that nobody awaited: its function, and the line that called that."""

    name: str
    filename: str = ""
    line: int = 0


@dataclass
class Seen:
    """What was seen during one check: exceptions, and coroutines that nobody awaited."""

    own: Own
    witness: Witness
    never: dict[Made, None] = field(default_factory=dict)
    """Each once, in the order in which they were found."""

    @staticmethod
    def by(own: Own) -> Seen:
        return Seen(own, Witness(own))

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Hear Python's warnings, and let it remember where each coroutine was made."""
        before = sys.get_coroutine_origin_tracking_depth()
        sys.set_coroutine_origin_tracking_depth(DEPTH)
        try:
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("default", RuntimeWarning)  # once for each line: it may run in a loop
                yield
        finally:
            sys.set_coroutine_origin_tracking_depth(before)
            texts = dict.fromkeys(str(each.message) for each in heard)  # a loop may have made thousands
            self.never |= dict.fromkeys(filter(None, map(_made, texts)))

    def find_unawaited(self) -> None:
        """Those that something still holds, a frame or a task: Python would warn of them too late."""
        for each in [each for each in gc.get_objects() if type(each) is CoroutineType]:  # a dead proxy has no class
            origin = each.cr_origin[0][:2] if each.cr_origin else ("", 0)
            if origin[0] in self.own.files and inspect.getcoroutinestate(each) == inspect.CORO_CREATED:
                self.never[Made(each.__qualname__, *origin)] = None
                each.close()


def _made(text: str) -> Made | None:
    """What a warning says; its last line of a file is where the coroutine was made."""
    if not (name := _NEVER.search(text)):
        return None
    origins = _ORIGIN.findall(text)
    return Made(name[1], origins[-1][0], int(origins[-1][1])) if origins else Made(name[1])


def slips(seen: Seen, step: Any, error: BaseException | None, got: str) -> list[Slip]:
    """The slips behind a check that failed with ``error``, and said ``got``; the first is told first."""
    raised = list(_of_exceptions(seen, step, error))
    missing = list(_of_coroutines(seen, ended=error is not None and not isinstance(error, Exception)))
    if raised and "coroutine" not in raised[0].text:
        causes = [each for each in missing if each.before(raised[0])]
        return causes + raised + [each for each in missing if each not in causes]
    calls = list(_of_calls(seen.own, step, error, seen.never))
    if not missing and not calls and COROUTINE.search(got):
        where = f"{raised[0].text} " if raised else ""
        missing = [Slip(f"{where}A coroutine came where a value was expected: an `await` is missing before a call.")]
    return missing + raised + calls + list(_others(seen, step, got, error))


# -- exceptions


def leaves(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, what it was raised from, and the members of groups down to the leaves."""
    left, seen = [error], set()
    while left:
        each = left.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, BaseExceptionGroup):
            left = [*each.exceptions, *left]
        else:
            yield each
        left += [each.__cause__, each.__context__]


def _of_exceptions(seen: Seen, step: Any, error: BaseException | None) -> Iterator[Slip]:
    reached = [raised for each in leaves(error) if (raised := seen.witness.of(each))]
    every = list(seen.witness.raised.values())
    certain = [
        each for each in every if each.certain and (not step.judges or each in reached or is_certainly_wrong(each.kind))
    ]
    perhaps = [each for each in every if not each.on_purpose and each.escaped and (each.ended or each in reached)]
    told = sorted(certain, key=lambda each: each not in reached) or perhaps[-1:]
    for each in told[:2]:
        yield Slip(
            _sentence(seen.own, step, each),
            certain=each.certain,
            outranks=each.certain and is_certainly_wrong(each.kind),
            place=(each.filename, each.line),
        )


def _sentence(own: Own, step: Any, raised: Raised) -> str:
    told = f"{raised.said} In `{raised.function}`, {own.at(raised.filename, raised.line)}."
    told = told.replace(raised.said, raised.said if raised.said.endswith((".", "?", "!")) else f"{raised.said}.", 1)
    if issubclass(raised.kind, NameError) and (name := re.search(r"name '(\w+)'", raised.said)):
        kept = kept_for(raised.filename)
        return f"{told} {kept_without(name[1], kept) if kept else where_from(name[1], step)}".rstrip()
    return told


# -- coroutines


def _of_coroutines(seen: Seen, *, ended: bool) -> Iterator[Slip]:
    """Forgotten awaits: those that Python warned of, then those that the syntax proves."""
    told: dict[tuple[str, int], Slip] = {}
    for filename, line, called in [*_in_the_tree(seen.own), *([] if ended else _warned(seen))]:
        source = seen.own.source(filename, line)
        text = f"`{called}` in line {line} is not awaited: `{source}`. Without `await` it does not run."
        told.setdefault((filename, line), Slip(text, outranks=True, place=(filename, line)))
    yield from told.values()


def _in_the_tree(own: Own) -> Iterator[tuple[str, int, str]]:
    for filename, cell in own.cells.items():
        for each in unawaited(cell, own.names):
            yield filename, each.line, each.called


def _warned(seen: Seen) -> Iterator[tuple[str, int, str]]:
    """Where the coroutines were made that nobody awaited, if that was in a line of the answer."""
    for each in seen.never:
        if each.filename in seen.own.files:
            called = called_in(seen.own.cells.get(each.filename), each.line, each.name.rpartition(".")[2])
            yield each.filename, each.line, f"{called}(…)"


# -- calls of the answer that do not fit it


def _of_calls(own: Own, step: Any, error: BaseException | None, never: Iterable[Made]) -> Iterator[Slip]:
    for each in leaves(error):
        if isinstance(each, TypeError | AttributeError):
            said = signatures.misfit(own, step, each)
            if said:
                yield Slip(said)
    for made in never:
        if said := signatures.async_for_nothing(own, step, made.name):
            yield Slip(said)


# -- others


def _others(seen: Seen, step: Any, got: str, error: BaseException | None) -> Iterator[Slip]:
    said = f"{got} {words(error) if error else ''}"
    if "None" in said and not step.judges:
        yield from (Slip(text, certain=False) for text in signatures.without_return(seen.own, step))
    yield from (Slip(text, certain=False) for text in signatures.shared_defaults(seen.own))
    yield from _swallowed(seen)


def _swallowed(seen: Seen) -> Iterator[Slip]:
    """A handler that caught a cancellation and went on."""
    for filename, line in sorted(seen.witness.cancelled):
        cell = seen.own.cells.get(filename)
        handler = swallows_cancellation(cell, line) if cell else None
        if handler is not None:
            where = seen.own.at(filename, handler.lineno)
            text = f"A cancellation (CancelledError) was caught and forgotten in {where}."
            yield Slip(f"{text} Catch `Exception`, which lets it through.", certain=False)
