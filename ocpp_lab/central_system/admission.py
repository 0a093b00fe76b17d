"""Who is let in: one decision over who knocks, how, and when (whitepaper A00; J-spec 6.2.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple

from .. import security
from ..security import Levels
from .registry import Registered


class Knock(NamedTuple):
    """``identity`` from the URL; ``secure``: over TLS; ``chain``: the certificates that it showed there (DER, the leaf
    first), ``roots``: those that this port trusts; ``header``: its Authorization; ``at``: the instant."""

    identity: str
    secure: bool
    chain: Sequence[bytes]
    roots: Sequence[bytes]
    header: str | None
    at: datetime

    @property
    def profile(self) -> int:
        """The security profile that it uses; 0 over TLS is TLS and nothing else."""
        if self.chain:
            return 3
        if self.header is None:
            return 0
        return 2 if self.secure else 1


class Refusal(NamedTuple):
    """What is answered, and why."""

    status: HTTPStatus
    why: str


def refusal(
    knock: Knock, known: Registered, levels: Levels, opens: Callable[[str | None, str], bool]
) -> Refusal | None:
    """Why it is not let in; None: it is. ``opens(header, identity)`` is asked last, and only about a password.

    A port has the profiles of its transport: 0 and 1 share one, whether a password is needed is a question of keys.
    """
    of_port = (3,) if knock.chain else (2,) if knock.secure else (0, 1)
    if not any(map(levels.lets_in, of_port)):
        return Refusal(HTTPStatus.FORBIDDEN, f"expected security profile {levels.taken}, came {max(of_port)}")
    if knock.chain:
        why = certificate_trouble(knock, known)
        return Refusal(HTTPStatus.FORBIDDEN, f"certificate: {why}") if why else None
    if knock.header is None and levels.taken in (1, 2):
        return Refusal(HTTPStatus.UNAUTHORIZED, "wrong or missing password")
    if not opens(knock.header, knock.identity):
        return Refusal(HTTPStatus.UNAUTHORIZED, "wrong or missing password")
    return None


def certificate_trouble(knock: Knock, known: Registered) -> str | None:
    """Why its certificate does not name it; None: it does (whitepaper A00.FR.403 to A00.FR.405)."""
    if not known.serial or not known.owner:
        return "nobody has registered its serial number and owner"
    try:
        chain, roots = security.from_der(knock.chain), security.from_der(knock.roots)
    except ValueError:
        return "unreadable"
    return security.trouble(chain, roots, serial=known.serial, owners={known.owner}, at=knock.at)
