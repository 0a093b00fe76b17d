"""`Gate`: the one way out for own calls. It asks, at the instant of sending, whether this call may go out now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ..connection import ConnectionState
from ..errors import CallFailed, CallWithdrawn, NotAccepted, NotConnected
from ..messages import RegistrationStatus, Request, Response
from .amnesia import Amnesia
from .boot_interval import BootInterval
from .registration import may_send


class Speaks(Protocol):
    """What calls go through: a `Session`."""

    timeout: float
    """Seconds that a call waits."""

    async def call[R: Response](self, request: Request[R], *, timeout: float | None = None) -> R: ...


class Beats(Protocol):
    """What keeps the cadence: a `Heartbeat`."""

    interval: float
    """Seconds; setting it takes effect at once."""

    def touch(self) -> None: ...


class Way(Protocol):
    """The connection of this moment, as the gate needs it: an `Uplink`."""

    session: Any
    call: Callable[..., Coroutine[Any, Any, Any]]
    heartbeat: Any
    lane: asyncio.Lock
    booting: asyncio.Lock
    proved: Callable[[], None]

    def forget(self) -> None: ...
    def spawn(self, work: Coroutine[Any, Any, object], what: str) -> None: ...
    def once(self, what: str, work: Callable[[], Coroutine[Any, Any, object]]) -> bool: ...
    def boot_now(self) -> None: ...
    def give_up(self) -> None: ...
    async def close(self, code: int, why: str) -> None: ...


class Gate:
    """Whoever wants to say something to the central system says it here, whatever connection there is.

    ``state()`` is the state of the connection. ``timeout`` (s) is how long a call waits, on every connection from now
    on. ``amnesia`` says how long to wait before booting again at a central system that has forgotten us.
    """

    def __init__(
        self, identity: str, state: Callable[[], ConnectionState], *, timeout: float, amnesia: Amnesia
    ) -> None:
        self.identity = identity
        self.state = state
        self.timeout = timeout
        self.amnesia = amnesia
        self.registration: RegistrationStatus | None = None
        """What the newest boot got. None before it is answered, after a reset, and once the central system has
        forgotten us."""
        self.boot_interval = BootInterval()
        """Begun by the answer to a boot; ended by the next boot, by a trigger for it, and by a reset."""
        self.rebooting: Callable[[str], object] = lambda why: None
        """Told of every reboot, before it."""
        self.way: Way | None = None
        """The connection of this moment, None while there is none; set by whoever dials."""

    async def call[R: Response](
        self,
        request: Request[R],
        *,
        timeout: float | None = None,
        triggered: bool = False,
        wanted: Callable[[], bool] = lambda: True,
    ) -> R:
        """Send a request and return its response; raises what `Session.call` does.

        In addition `NotConnected` if there is no connection or this one is given up, and `NotAccepted` if it may not be
        sent before the boot is accepted (core 4.2). ``triggered``: the central system asked for it, so it may be sent
        while Pending. ``timeout`` in seconds. ``wanted()`` is asked at the instant of sending, for other calls go
        first: what is not wanted any more ends with `CallWithdrawn`.
        """
        way = self.way
        if way is None:
            raise NotConnected(f"{request.action} was not sent: {self.identity} is {self.state()}")
        if triggered:
            async with way.booting:
                pass
        async with way.lane:  # the gate is asked at the instant of sending: while we waited, a boot may have come due
            if self.state() == "closing":
                raise NotConnected(f"{request.action} was not sent: {self.identity} has given up this connection")
            if may_send(request.action, self.registration, triggered=triggered) != "send":
                raise NotAccepted(f"{request.action} may not be sent while the registration is {self.registration}")
            if not wanted():
                raise CallWithdrawn(f"{request.action} was not sent: it is not wanted any more")
            if way.heartbeat is not None:
                way.heartbeat.touch()
            try:
                response: R = await way.call(request, timeout=timeout)
            except CallFailed as error:
                if error.code == "SecurityError" and self.state() == "online":
                    # It does not know us any more. To boot again then is our choice: J-errata 3.8 only recommends this
                    # code to a central system that meets a charge point whose boot it has not accepted.
                    self.registration = None
                    way.forget()
                raise
        way.proved()
        return response

    def later(self, work: Coroutine[Any, Any, object], what: str) -> None:
        """Do something once the running handler has answered, as a child of this connection."""
        if self.way:
            self.way.spawn(work, what)
        else:
            work.close()

    def once(self, what: str, work: Callable[[], Coroutine[Any, Any, object]]) -> bool:
        """Do something once the running handler has answered. False: the same is still to be begun, or nobody asks."""
        return self.way is not None and self.way.once(what, work)

    async def reboot(self, why: str) -> None:
        """Go down and come back: a charge point that restarted boots again (core 4.2)."""
        self.rebooting(why)
        self.registration = None
        self.amnesia.end()
        self.boot_interval.end()
        await self.hang_up(why)

    def hush(self) -> None:
        """Nothing of our own is said any more on this connection."""
        if self.way:
            self.way.give_up()

    async def hang_up(self, why: str) -> None:
        """Say goodbye on this connection; the next dial follows."""
        if self.way:
            await self.way.close(1001, why)

    def boot_now(self) -> None:
        """Do not wait out the interval before the next BootNotification, not even if this connection ends before it."""
        self.boot_interval.end()
        self.amnesia.end()
        if self.way:
            self.way.boot_now()

    @property
    def silence(self) -> float:
        """Seconds in which a connection is of no use.

        After Rejected nothing may be said and nothing is answered until the interval is over, and the central system
        may close what we open; after Pending the connection should be kept (core 4.2).
        """
        return self.boot_interval.left if self.registration == "Rejected" else 0.0

    # -- keys that take effect at once

    def set_timeout(self, seconds: float) -> None:
        """From now on calls wait so long, those of this connection too (core errata 3.82, MessageTimeout)."""
        self.timeout = seconds
        if self.way:
            self.way.session.timeout = seconds

    def set_heartbeat_interval(self, seconds: float) -> None:
        """The heartbeat of this connection, if its boot was accepted; the next connection reads the key (core 9.1)."""
        if self.way and self.way.heartbeat is not None:
            self.way.heartbeat.interval = seconds
