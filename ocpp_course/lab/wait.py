"""The clock of every trace, and waiting for something that no event announces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LOOK = 0.005
"""Seconds between two looks."""


def now() -> float:
    """Loop time in seconds, the clock of every trace."""
    return asyncio.get_running_loop().time()


async def until(condition: Callable[[], object], *, timeout: float = 10.0) -> None:
    """Wait until the condition holds; TimeoutError after ``timeout`` seconds."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110 (a probe has no event)
            await asyncio.sleep(LOOK)
