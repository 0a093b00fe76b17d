"""`Endpoint`: what is asked of a socket, for a transport that has none: its name, and the size of its buffers."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

Address = tuple[str, int]


class Endpoint:
    """Under ``get_extra_info("socket")``, and in a server's ``sockets``.

    ``buffers(receive, bytes)`` is told of SO_RCVBUF and SO_SNDBUF; ``rude`` is set by SO_LINGER with no time: then the
    end is a reset. Every other option is accepted and does nothing.
    """

    family, type, proto = socket.AF_INET, socket.SOCK_STREAM, 0

    def __init__(self, name: Address, buffers: Callable[[bool, int], None]) -> None:
        self.rude = False
        self._name = name
        self._buffers = buffers

    def getsockname(self) -> Address:
        """The host and port of this end."""
        return self._name

    def setsockopt(self, level: int, option: int, value: int | bytes) -> None:
        """The three options that change how a connection behaves."""
        if level != socket.SOL_SOCKET:
            return
        if option in (socket.SO_RCVBUF, socket.SO_SNDBUF) and isinstance(value, int):
            self._buffers(option == socket.SO_RCVBUF, value)
        elif option == socket.SO_LINGER and isinstance(value, bytes):
            self.rude = struct.unpack("ii", value) == (1, 0)
