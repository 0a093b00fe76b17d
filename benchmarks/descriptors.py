"""How many files and sockets a process may have open: every connection is one, at each of its ends."""

from __future__ import annotations

import resource

SPARE = 100
"""Of a process's descriptors: its pipes, its event loop, its database, and what Python opens."""


def allow(connections: int) -> None:
    """Raise this process's limit to the hard one; its children inherit it.

    Raises `SystemExit` with a message if that is not enough for so many connections.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if problem := too_few(connections, hard):
        raise SystemExit(problem)


def too_few(connections: int, hard: int) -> str:
    """What to tell whoever wants so many connections at that hard limit; "" if it is enough."""
    needed = connections + SPARE
    if hard == resource.RLIM_INFINITY or hard >= needed:
        return ""
    return (
        f"expected a hard limit of {needed:,} open files for {connections:,} connections, came {hard:,}:"
        " let an administrator raise it (`ulimit -Hn`, limits.conf), or measure fewer with --quick"
    )
