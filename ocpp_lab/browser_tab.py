"""What a Python in a browser tab lacks, put in before anything else is imported: `prepare`. Elsewhere nothing is done.

There are no sockets, threads, processes or signals, and only a little stack. So servers and connections are in memory,
and JSON that is nested deeply is refused before a parser sees it: there it would end the interpreter, not the parser.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from typing import Any

from .memory_network import MemoryNetwork

PAGE = 65_536
"""Bytes; the page of WebAssembly's memory."""

MAX_DEPTH = 400
"""Levels of JSON in a tab. OCPP needs six; a parser there ends the interpreter between one and three thousand."""


IN_A_TAB: bool = str(sys.platform) == "emscripten"
"""Whether this Python runs in a browser tab (Pyodide)."""


def prepare(loop: asyncio.AbstractEventLoop) -> None:
    """Make up for what is missing, in this interpreter and in its one event loop."""
    if resource := sys.modules.get("resource"):  # the kernel's own stand-in is empty, and prometheus_client asks it
        vars(resource).setdefault("getpagesize", lambda: PAGE)
    vars(time).setdefault("thread_time", time.process_time)  # with one thread it is the same
    loop.set_exception_handler(_log)  # that of the tab prints at once, under whatever cell runs, and stops
    MemoryNetwork(loop).install()


def too_deep(text: str) -> bool:
    """Whether a parser in a tab may not see this text. Brackets inside strings count too; OCPP has few of them."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = 0
    for character in text:
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif character in "]}":
            depth -= 1
    return False


def _log(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    logging.getLogger("asyncio").error("%s", context.get("message"), exc_info=context.get("exception"))


if IN_A_TAB:
    prepare(asyncio.get_event_loop())
