"""`StateWatch`: wait for a state without missing one that lasts no longer than an instant."""

from __future__ import annotations

import asyncio


class StateWatch[State: str]:
    """Told of every new state; wakes who waits for it."""

    def __init__(self) -> None:
        # Who waits, and for which states; put in and taken out by `wait_for`, taken out by `changed` too.
        self._waiters: list[tuple[tuple[State, ...], asyncio.Future[State]]] = []

    def changed(self, state: State) -> None:
        """This is the state now."""
        for waiter in [waiter for waiter in self._waiters if state in waiter[0]]:
            self._waiters.remove(waiter)
            if not waiter[1].done():
                waiter[1].set_result(state)

    async def wait_for(self, *states: State) -> State:
        """The first of these states that comes. The state of this moment does not count."""
        arrived: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        waiter = (states, arrived)
        self._waiters.append(waiter)
        try:
            return await arrived
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
