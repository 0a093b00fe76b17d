"""What an idle connection costs in the server, in resident memory."""

from __future__ import annotations

from .descriptors import allow
from .pair import Pair
from .progress import Progress

CONTENDERS = ("a", "c", "d")
CONNECTIONS = 1000
WARM_UP = 5000
"""Round trips over one connection before we look: they fill what is bounded and shared, such as our ring of recorded
frames, which belongs to the central system and not to a connection."""


def memory(progress: Progress) -> dict[str, float]:
    """Bytes per connection. Each made two round trips before it went idle, so that nothing is left to be made later."""
    allow(CONNECTIONS)
    found = {}
    for letter in CONTENDERS:
        with Pair(letter) as pair:
            pair.dial(1)
            pair.client.ask("trips", "heartbeat", WARM_UP)
            before = pair.server.ask("memory")
            pair.dial(CONNECTIONS)
            pair.client.ask("trips", "heartbeat", 2)
            found[letter] = (pair.server.ask("memory") - before) / CONNECTIONS
            progress.step(f"memory of {letter}")
    return found
