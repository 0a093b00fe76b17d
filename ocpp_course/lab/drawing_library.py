"""Whether matplotlib is here; what stands for a plot where it is not: in a browser tab that could not fetch it.

A site carries no matplotlib: it is as large as all the rest. The tab fetches it from Pyodide's own distribution when
the first plot is drawn. A reader who cannot reach that gets a line in place of each plot, and everything else works.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from ocpp_lab import browser_tab

NAME = "matplotlib"
UNREACHED = (
    "No plot: this browser could not fetch matplotlib from Pyodide's own distribution. Everything else works; restart"
    " the kernel to try again."
)
ON_ITS_WAY = "No plot yet: matplotlib is on its way into this tab. Run this cell again in half a minute."

_fetching: list[asyncio.Future[object]] = []
_asked = False
"""It was fetched, or that was tried; once in the life of a kernel is enough."""


def missing() -> str:
    """Why no plot can be drawn, as a line for its reader; "" if it can be. The first call in a tab may take seconds."""
    if not browser_tab.IN_A_TAB or find_spec(NAME):
        return ""
    global _asked
    if not _asked:
        _asked = True
        fetching = importlib.import_module("pyodide_js").loadPackage(NAME)
        ffi = importlib.import_module("pyodide.ffi")
        if not ffi.can_run_sync():  # this browser cannot hold a function of Python until something has come
            _fetching.append(asyncio.ensure_future(fetching))
            return ON_ITS_WAY
        try:
            ffi.run_sync(fetching)
        except ffi.JsException:
            return UNREACHED
        importlib.invalidate_caches()
    return "" if find_spec(NAME) else UNREACHED


class Blank:
    """Stands for a figure or its axes: whatever is asked of it is blank too, and nothing is drawn.

    It may be unpacked into as many as it has ``rows``.
    """

    def __init__(self, rows: int = 1) -> None:
        self.rows = rows

    def __getattr__(self, name: str) -> Blank:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Blank:
        return self

    def __getitem__(self, key: object) -> Blank:
        return self

    def __iter__(self) -> Iterator[Blank]:
        return iter([Blank() for _ in range(self.rows)])
