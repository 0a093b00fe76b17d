"""`backoff`: how long to wait before dialling again, in seconds.

OCPP 1.6 defines no back-off, and asks for one only after HTTP 404 (J-errata 3.3). WebSocket itself wants one after an
abnormal closure (RFC 6455 7.2.3); we take one after every loss. This is the formula of OCPP 2.0.1 part 4, 5.3, as
libocpp computes it, whose names and defaults we keep (repository EVerest/EVerest, ``get_reconnect_backoff_ms`` in
``lib/everest/ocpp/lib/ocpp/common/websocket/websocket_base.cpp``).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random


def backoff(rng: Random, *, wait_minimum: int = 3, repeat_times: int = 3, random_range: int = 10) -> Iterator[float]:
    """Waits without end: minimum + r, then ``repeat_times`` times double the last + r, then the last for ever.

    r is a fresh whole number of seconds from 0 to ``random_range``, both included. Without jitter: 3, 6, 12, 24, 24 …
    """
    wait = wait_minimum + rng.randint(0, random_range)
    yield float(wait)
    for _ in range(repeat_times):
        wait = 2 * wait + rng.randint(0, random_range)
        yield float(wait)
    while True:
        yield float(wait)
