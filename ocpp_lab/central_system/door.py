"""Who knocks, and in which protocol: pure functions over a request (J-spec 3.1.1, 3.2); and what plain GETs find."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import unquote

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Response
from websockets.typing import Subprotocol

from ..pipe import SUBPROTOCOL


def identity_of(path: str) -> str | None:
    """The identity in a request path: its last segment, percent-decoded (J-spec 3.1.1); None if there is none.

    A colon cannot be part of it: HTTP Basic could not tell where the user ends.
    """
    try:
        identity = unquote(path.partition("?")[0].rpartition("/")[2], errors="strict")
    except UnicodeDecodeError:
        return None
    return identity if identity and identity.isprintable() and ":" not in identity else None


def choose_subprotocol(offered: Sequence[str]) -> Subprotocol | None:
    """The subprotocol if it is on offer. None: finish the handshake without one, then close (J-spec 3.2)."""
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


def show(connection: ServerConnection, content_type: str, text: str) -> Response:
    """A page, in place of a handshake."""
    response = connection.respond(HTTPStatus.OK, text)
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = content_type
    return response
