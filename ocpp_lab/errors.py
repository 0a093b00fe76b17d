"""What can go wrong, whose fault it is, and whether the peer may have acted.

::

    OcppError
    ├── FrameError          the text is no frame                         the peer's fault
    ├── PayloadError        a payload breaks its declaration             whoever wrote it
    ├── CallFailed          the peer answered with a CallError           definite, reported
    ├── MalformedReply      a CallResult of the wrong shape came         indefinite, reported
    ├── CallTimeout         no answer in time                            indefinite
    │   └── CallWithdrawn     taken back from our own write queue          definite
    ├── ConnectionLost      the connection died with calls pending             indefinite
    ├── NotConnected        nothing left this machine                    definite
    │   └── HandshakeRefused  the door was shut                          definite
    ├── NotAccepted         may not be sent before the boot is accepted  definite
    ├── StoreFailed         our own file failed; nothing was done        definite, ours
    ├── Forbidden           the specification forbids to send it         definite, ours
    └── IllegalTransition   the state table has no such edge             our own bug

*Definite*: it is known whether the peer acted (it did not). *Indefinite*: it may have acted, or not; only asking
again tells. *Reported*: the peer's answer shows that it failed, which counts as a failed attempt (core 3.7.1). For JSON
that is a CallError (J-errata 3.2); that an unreadable answer counts too is our choice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

Act = Callable[[Any], object]
"""What is done with a response."""


class OcppError(Exception):
    """Root of everything this package raises on purpose."""

    definite: ClassVar[bool | None] = None
    """True: the peer did not act. False: nobody can know. None: no call was concerned."""

    reported: ClassVar[bool] = False
    """True if the peer itself reported the failure."""


class FrameError(OcppError):
    """The text is no frame (J-spec 4.1.3, 4.2).

    ``unique_id`` is set only if the text is recognisably a Call, so that somebody waits for the CallError.
    ``reply_to`` is set if it is a spoilt CallResult or CallError whose id can be told; those are never answered.
    """

    def __init__(self, code: str, unique_id: str | None, description: str, *, reply_to: str | None = None) -> None:
        super().__init__(code, unique_id, description)
        self.code = code
        self.unique_id = unique_id
        self.description = description
        self.reply_to = reply_to

    def __str__(self) -> str:
        return f"{self.code}: {self.description}"


class PayloadError(OcppError):
    """A payload breaks its declaration. ``description`` names the field by its wire path and what was expected."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description

    def __str__(self) -> str:
        return f"{self.code}: {self.description}"


class CallFailed(OcppError):
    """The peer answered with a CallError (J-spec 4.2.3). Definite: it says that it did not act."""

    definite = True
    reported = True

    def __init__(self, code: str, description: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__(code, description, details or {})
        self.code = code
        self.description = description
        self.details = details or {}

    def __str__(self) -> str:
        return f"{self.code}: {self.description}" if self.description else self.code


class MalformedReply(OcppError):
    """A CallResult came whose payload is not the response that was asked for. Indefinite: the peer may have acted."""

    definite = False
    reported = True


class CallTimeout(OcppError):
    """No answer in time. ``call_error`` is the synthesised CallError "Timeout". Indefinite.

    ``late(act)`` has the act called if the response comes after all; it is from whoever reads the replies, a `Pending`.
    """

    definite = False

    def __init__(
        self, message: str = "no answer in time", call_error: Any = None, late: Callable[[Act], None] | None = None
    ) -> None:
        super().__init__(message)
        self.call_error = call_error
        self._late = late

    def on_late_result(self, act: Act) -> None:
        """Have ``act(response)`` called if the answer comes after all, on the same connection; once, and never now.

        It is called in the turn of the event loop in which the answer is read: what settles the call is not sent again.

        A CallError that comes late, and what cannot be read, is no answer here: that call has counted as silence.
        """
        if self._late is not None:
            self._late(act)


class CallWithdrawn(CallTimeout):
    """Time was up in our own write queue, or what was asked is known by now; the call was taken back.

    Nothing left this machine, and nothing will: this timeout is definite. The first says that the peer reads nothing.
    """

    definite = True


class ConnectionLost(OcppError):
    """The connection died. ``code`` and ``reason`` are those of the WebSocket close, None if there was none.

    Raised out of a pending call it is indefinite, and ``call_error`` is the synthesised CallError "ConnectionClosed".
    """

    definite = False

    def __init__(
        self,
        message: str = "the connection was lost",
        *,
        code: int | None = None,
        reason: str = "",
        call_error: Any = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.call_error = call_error

    def again(self, call_error: Any = None) -> ConnectionLost:
        """The same loss as a fresh exception: one connection dies, every caller gets an exception of its own."""
        return ConnectionLost(str(self), code=self.code, reason=self.reason, call_error=call_error)


class NotConnected(OcppError):
    """There is no connection; nothing left this machine. Definite."""

    definite = True


class HandshakeRefused(NotConnected):
    """The central system did not let us in. ``status`` is the HTTP status: 401, 404, 5xx; 101 if it accepted without
    agreeing on a subprotocol (J-spec 3.2)."""

    def __init__(self, status: int, description: str = "") -> None:
        super().__init__(f"HTTP {status}" + (f": {description}" if description else ""))
        self.status = status
        self.description = description


class NotAccepted(OcppError):
    """This call may not be sent before the boot is accepted (core 4.2). Definite."""

    definite = True


class StoreFailed(OcppError):
    """Our own file could not be opened, read or written; what was about to be done was not done. Definite.

    The cause (``__cause__``) is sqlite's error, if there was one: a full disk, a locked file, a broken database.
    """

    definite = True


class Forbidden(OcppError, ValueError):
    """The specification forbids to send this, here and now; nothing was sent. Definite. Names the section."""

    definite = True


class IllegalTransition(OcppError):
    """The state table has no such edge; the state is unchanged."""

    def __init__(self, state: str, event: str, allowed: list[str]) -> None:
        super().__init__(
            f"in state {state!r} the event {event!r} cannot happen; expected one of: {', '.join(allowed) or 'none'}"
        )
        self.state = state
        self.event = event
        self.allowed = allowed
