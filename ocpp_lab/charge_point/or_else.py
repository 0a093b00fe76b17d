"""`or_else`: what a handler answers when our own file fails.

The deed was not done, for it is written before it is done. So the peer is told no, by the status that its response has
for that, and the connection lives; InternalError is for what has no such status.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ..errors import StoreFailed
from ..messages import Request, Response

log = logging.getLogger(__name__)


def or_else[Desk, Asked: Request[Any], Said: Response](
    answer: Said,
) -> Callable[[Callable[[Desk, Asked], Awaitable[Said]]], Callable[[Desk, Asked], Coroutine[Any, Any, Said]]]:
    """Decorates a handler: its `StoreFailed` is logged, and becomes this answer."""

    def decorate(
        handler: Callable[[Desk, Asked], Awaitable[Said]],
    ) -> Callable[[Desk, Asked], Coroutine[Any, Any, Said]]:
        @functools.wraps(handler)
        async def handle(desk: Desk, request: Asked) -> Said:
            try:
                return await handler(desk, request)
            except StoreFailed:
                log.exception("! %s was not done: our own file failed", request.action)
                return answer

        return handle

    return decorate
