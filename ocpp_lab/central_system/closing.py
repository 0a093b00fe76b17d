"""`errors_of`: end many things, whichever of them fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

log = logging.getLogger(__name__)


async def errors_of(works: Iterable[Coroutine[Any, Any, object]]) -> list[Exception]:
    """Do all of them at the same time, and return what went wrong; the log has it with its traceback."""
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    for error in errors:
        log.error("! %s", error, exc_info=error)
    return errors
