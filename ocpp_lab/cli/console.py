"""`Console`: the operator's side. A line typed is a verb, or a call as it is; the answer comes in the story."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from ..central_system import CentralSystem
from ..codec import decode_payload
from ..errors import MalformedReply, NotConnected, OcppError, PayloadError, StoreFailed
from ..messages import ACTIONS, Request, Response
from .completion import completed, endings
from .verb import Verb, as_typed, identity_named, some
from .verbs import OPERATOR_VERBS, verb_named

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
        try:
            for line in await verb.run(self.central_system, values):
                self.say("=", line)
        except (ValueError, StoreFailed, MalformedReply) as problem:  # of the last the trace says only that it came
            self.say("!", f"{verb.name}: {problem}")
        except NotConnected as problem:
            self.say("!", f"{verb.name} was not sent: {problem}")
        except OcppError:
            pass  # a CallError, a timeout, a loss: the trace tells of each

    async def _call(self, identity: str, request: Request[Response]) -> None:
        try:
            await self.central_system[identity].call(request)
        except NotConnected as problem:
            self.say("!", f"{request.action} was not sent: {problem}")
        except (StoreFailed, MalformedReply) as problem:
            self.say("!", f"{request.action}: {problem}")
        except OcppError:
            pass  # the same


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
