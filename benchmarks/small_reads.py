"""(b″) Like (b), but asks the operating system for as few bytes at a time as ours does; asyncio asks for 256 KiB."""

from __future__ import annotations

from ocpp_lab import pipe

from . import plain, wire

wire.READ_SIZE = pipe.READ_SIZE  # only here: every contender has processes of its own

serve = plain.serve
Caller = plain.Caller
