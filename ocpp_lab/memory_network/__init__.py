"""Servers and connections of an event loop in memory, for a Python that has no sockets: a browser tab.

Only `create_server` and `create_connection` of the loop are replaced, so everything above them is what it is elsewhere:
`websockets` with its handshake, its pings and close frames, the door, the chaos proxy, the page of metrics. What TCP
does to them is done here too: bytes in order, bounded buffers that make a writer wait, a half-close, a reset. ::

    net = MemoryNetwork(asyncio.get_running_loop())
    net.install()
"""

from .network import MemoryNetwork

__all__ = ["MemoryNetwork"]
