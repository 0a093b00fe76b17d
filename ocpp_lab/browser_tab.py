"""What a Python in a browser tab lacks, put in before anything else is imported: `prepare`. Elsewhere nothing is done.

There are no sockets, threads, processes or signals, and only a little stack. So servers and connections are in memory,
and JSON that is nested deeply is refused before a parser sees it: there it would end the interpreter, not the parser.
The files that a browser keeps are none for sqlite: what it writes there is lost or damaged.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from .memory_network import MemoryNetwork

PAGE = 65_536
"""Bytes; the page of WebAssembly's memory."""

MAX_DEPTH = 400
"""Levels of JSON in a tab. OCPP needs six; a parser there ends the interpreter between one and three thousand."""


DRIVE = "/drive/"
"""The folder of what the browser keeps, which is also what its reader sees in the file browser."""

_TASK_ENDED = "_decrement_in_progress"
"""What Pyodide's loop calls with each task that has ended. It counts, and then it asks the task for its exception."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


IN_A_TAB: bool = str(sys.platform) == "emscripten"
"""Whether this Python runs in a browser tab (Pyodide)."""


def prepare(loop: asyncio.AbstractEventLoop) -> None:
    """Make up for what is missing, in this interpreter and in its one event loop."""
    if resource := sys.modules.get("resource"):  # the kernel's own stand-in is empty, and prometheus_client asks it
        vars(resource).setdefault("getpagesize", lambda: PAGE)
    vars(time).setdefault("thread_time", time.process_time)  # with one thread it is the same
    loop.set_exception_handler(_log)  # that of the tab prints at once, under whatever cell runs, and stops
    if _TASK_ENDED in dir(loop):  # Pyodide tells the exception of a task at once, also if somebody awaits it later
        vars(loop)[_TASK_ENDED] = partial(_without_task, vars(type(loop))[_TASK_ENDED], loop)
    MemoryNetwork(loop).install()
    _guard_parsers()
    vars(sqlite3)["connect"] = _connects(sqlite3.connect)


def too_deep(text: str) -> bool:
    """Whether a parser in a tab may not see this text."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif character in "]}":
            depth -= 1
    return False


def _guard_parsers() -> None:
    """`json` and `msgspec.json.decode` raise RecursionError for what is too deep, as they do where there is a stack."""
    json.JSONDecoder.raw_decode = _guarded(json.JSONDecoder.raw_decode, 1)  # type: ignore[method-assign]
    vars(msgspec.json)["decode"] = _guarded(msgspec.json.decode, 0)


def _guarded[**P, T](parse: Callable[P, T], place: int) -> Callable[P, T]:
    """The parser, which looks first at the text that is its positional argument at ``place``."""

    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        text: Any = args[place]
        if too_deep(text if isinstance(text, str) else bytes(text).decode(errors="replace")):
            raise RecursionError(f"expected JSON of at most {MAX_DEPTH} levels: a browser tab has no stack for more")
        return parse(*args, **kwargs)

    return guarded


def _connects[**P, T](connect: Callable[P, T]) -> Callable[P, T]:
    """`sqlite3.connect`, which refuses what the browser keeps with an OperationalError that says where else to go."""

    def connects(*args: P.args, **kwargs: P.kwargs) -> T:
        path = os.fsdecode(args[0] if args else kwargs["database"])  # type: ignore[arg-type]
        if path != ":memory:" and not kwargs.get("uri") and os.path.abspath(path).startswith(DRIVE):
            raise sqlite3.OperationalError(
                f"{path} lies where a browser tab cannot keep a database; take a temporary folder: tempfile.mkdtemp()"
            )
        return connect(*args, **kwargs)

    return connects


def _without_task(ended: Callable[[Any], None], loop: asyncio.AbstractEventLoop, task: object = None) -> None:
    """Count a task that has ended, and leave its exception in it until somebody awaits it or the task is lost."""
    ended(loop)


def _log(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    logging.getLogger("asyncio").error("%s", context.get("message"), exc_info=context.get("exception"))


if IN_A_TAB:
    prepare(asyncio.get_event_loop())
