"""`Console`: the operator's side. A line typed is a verb, or a call as it is; the answer comes in the story."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..central_system import CentralSystem
from ..codec import decode_payload
from ..errors import CallFailed, CallTimeout, ConnectionLost, NotConnected, OcppError, PayloadError
from ..messages import ACTIONS, Request, Response
from .completion import completed, endings
from .verb import Verb, as_typed, identity_named, some
from .verbs import OPERATOR_VERBS, verb_named

log = logging.getLogger(__name__)

EXAMPLE = 'CP_1 Reset {"type": "Soft"}'
MOST_WORDS = 30  # that a line may go on with, shown at once

REDRAWN = "\r\x1b[K"
"""To the beginning of the line, and what is in it is gone."""


class Console:
    """Does what is typed at a central system. Each line is a task in ``group``; ``say(mark, text)`` tells what came of
    it, and ``show(text)`` gets what the line becomes by a Tab."""

    def __init__(
        self,
        central_system: CentralSystem,
        group: asyncio.TaskGroup,
        say: Callable[[str, str], None],
        show: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.central_system = central_system
        self.group = group
        self.say = say
        self.show = show

    def tab(self, line: str) -> str:
        """Tab was pressed behind this: what the line is now."""
        words = endings(line, self.central_system.sessions)
        longer = completed(line, words)
        if longer == line and words:
            self.show("\n")
            self.say("=", some(words, MOST_WORDS))
        self.show(f"{REDRAWN}{longer}")
        return longer

    def typed(self, line: str) -> None:
        """A line was typed."""
        try:
            verb = self._verb(line)
            if verb is not None:
                values = verb.read(line.split()[1:], self.central_system.sessions)
                self.group.create_task(self._do(verb, values), name=f"console {verb.name}")
                return
            identity, request = parse(line)
            identity = identity_named(identity, self.central_system.sessions)
        except ValueError as problem:
            self.say("!", str(problem))
            return
        self.group.create_task(self._call(identity, request), name=f"console {request.action}")

    def _verb(self, line: str) -> Verb | None:
        """The verb that the line begins with; None if it is a call: then an identity comes first."""
        first, *others = line.split(maxsplit=2)
        if (others and others[0] in ACTIONS) or (
            first in map(as_typed, self.central_system.sessions) and first not in OPERATOR_VERBS
        ):
            return None
        return OPERATOR_VERBS[verb_named(first)]

    async def _do(self, verb: Verb, values: Sequence[Any]) -> None:
        with self._telling(verb.name):
            for line in await verb.run(self.central_system, values):
                self.say("=", line)

    async def _call(self, identity: str, request: Request[Response]) -> None:
        with self._telling(request.action):
            await self.central_system[identity].call(request)

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Say what went wrong, if the trace does not: nothing that is typed ends the central system."""
        try:
            yield
        except NotConnected as problem:
            said = str(problem)  # a session that is over says the rest itself
            self.say("!", said if "was not sent" in said else f"{what} was not sent: {said}")
        except (CallFailed, CallTimeout, ConnectionLost):
            pass  # a CallError, a timeout, a loss: the trace tells of each
        except (OcppError, ValueError) as problem:
            self.say("!", f"{what}: {problem}")
        except Exception as bug:
            self.say("!", f"{what} failed: {bug!r}")
            log.exception("! what was typed could not be done")


def parse(line: str) -> tuple[str, Request[Response]]:
    """``CP_1 Reset {"type": "Soft"}`` to identity and typed request; raises ValueError with what to type instead."""
    words = line.split(maxsplit=2)
    if len(words) < 2:
        raise ValueError(f"expected an identity, an action and its payload, such as: {EXAMPLE}")
    identity, name, text = (*words, "{}")[:3]
    action = ACTIONS.get(name)
    if action is None or not action.sent_by("CentralSystem"):
        known = ", ".join(each.name for each in ACTIONS.values() if each.sent_by("CentralSystem"))
        raise ValueError(f"expected an action that a central system may send, came {name:.50}; there are: {known}")
    try:
        return identity, decode_payload(action.request, json.loads(text))
    except json.JSONDecodeError as problem:
        raise ValueError(f"{name}: expected a JSON object as payload: {problem}; such as: {EXAMPLE}") from None
    except (PayloadError, RecursionError) as problem:
        raise ValueError(f"{name}: {problem}") from None
