"""`StateWatch`: wait for a state without missing one that lasts no longer than an instant."""

from __future__ import annotations

import asyncio
from typing import Any


class StateWatch[State: str]:
    """Told of every new state; wakes who waits for it."""

    def __init__(self) -> None:
        self._waiters: list[tuple[tuple[State, ...], asyncio.Future[State]]] = []

    def changed(self, state: State) -> None:
        """This is the state now."""
        for waiter in [waiter for waiter in self._waiters if state in waiter[0]]:
            self._waiters.remove(waiter)
            if not waiter[1].done():
                waiter[1].set_result(state)

    async def wait_for(self, states: tuple[State, ...], life: asyncio.Future[Any] | None) -> State | None:
        """The first of these states that comes; None if ``life`` ends before."""
        arrived: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        waiter = (states, arrived)
        self._waiters.append(waiter)
        try:
            watched: list[asyncio.Future[Any]] = [arrived] if life is None else [arrived, life]
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return arrived.result() if arrived.done() else None
