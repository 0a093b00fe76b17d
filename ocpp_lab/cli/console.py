"""`Console`: the operator's side. A line typed is a verb, or a call to a charge point; its answer comes in the story.

No thread: the loop watches stdin, which may be a terminal or a pipe. A file or nothing at all is not listened to. In a
terminal Tab completes verbs and names.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Callable, Sequence
from typing import Any

from ..central_system import CentralSystem
from ..codec import decode_payload
from ..errors import NotConnected, OcppError, PayloadError, StoreFailed
from ..messages import ACTIONS, Request, Response
from .completion import completed, endings
from .tab_key import TabKey
from .verb import Verb, identity_named, some
from .verbs import OPERATOR_VERBS, verb_named

EXAMPLE = 'CP_1 Reset {"type": "Soft"}'
MAX_TYPED = 65_536  # bytes of one line
MOST_WORDS = 30  # that a line may go on with, shown at once


REDRAWN = "\r\x1b[K"
"""To the beginning of the line, and what is in it is gone."""


class Console:
    """Reads lines from ``fd`` while the loop runs. Each is a task in ``group``; ``say(mark, text)`` hears failures, and
    ``show(text)`` gets what the line becomes by a Tab."""

    def __init__(
        self,
        central_system: CentralSystem,
        group: asyncio.TaskGroup,
        say: Callable[[str, str], None],
        show: Callable[[str], None] = lambda text: None,
        fd: int = 0,
    ) -> None:
        self.central_system = central_system
        self.group = group
        self.say = say
        self.show = show
        self.fd = fd
        self._tab = TabKey(fd)
        self._completes = False  # Tab hands over what was typed: from `open` to `close`, in a terminal
        self._open = False  # the loop tells us when something was typed: from `open` to `close`
        self._rest = b""  # the beginning of a line whose end was not typed yet

    def open(self) -> bool:
        """Begin to listen; False if there is nothing that can be listened to."""
        try:
            kind = os.fstat(self.fd).st_mode
            if os.isatty(self.fd) or stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind):
                asyncio.get_running_loop().add_reader(self.fd, self._readable)
                self._open = True
                self._completes = os.isatty(self.fd) and not self._in_background() and self._tab.begin()
        except (OSError, NotImplementedError):  # stdin is closed; Windows cannot watch it
            pass
        return self._open

    def close(self) -> None:
        """Listen no more."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self.fd)
            if self._completes and not self._in_background():
                self._tab.end()

    def _readable(self) -> None:
        if self._in_background():
            # The terminal belongs to another program now, and reading from it would stop this one. Look again later.
            loop = asyncio.get_running_loop()
            self.close()
            loop.call_later(1.0, self.open)
            return
        data = os.read(self.fd, MAX_TYPED)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data:  # the end: a last line may lack its newline
            self.close()
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._typed(" ".join(line.decode(errors="replace").split("\t")).strip())
        if self._completes and self._rest.endswith(b"\t"):
            self._complete(self._rest.rstrip(b"\t").decode(errors="replace"))
        if len(self._rest) > MAX_TYPED:
            self._rest = b""
            self.say("!", f"a typed line is longer than {MAX_TYPED} bytes and was dropped")

    def _in_background(self) -> bool:
        return os.isatty(self.fd) and os.tcgetpgrp(self.fd) != os.getpgrp()

    def _complete(self, line: str) -> None:
        """Tab was pressed behind this."""
        words = endings(line, self.central_system.sessions)
        longer = completed(line, words)
        if longer == line and words:
            self.show("\n")
            self.say("=", some(words, MOST_WORDS))
        self._rest = longer.encode()
        self.show(f"{REDRAWN}{longer}")

    def _typed(self, line: str) -> None:
        if not line:
            return
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
        if (others and others[0] in ACTIONS) or (first in self.central_system and first not in OPERATOR_VERBS):
            return None
        return OPERATOR_VERBS[verb_named(first)]

    async def _do(self, verb: Verb, values: Sequence[Any]) -> None:
        try:
            for line in await verb.run(self.central_system, values):
                self.say("=", line)
        except (ValueError, StoreFailed) as problem:
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
