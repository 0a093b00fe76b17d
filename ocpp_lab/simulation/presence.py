"""`Presence`: looks again and again whether the state of a charge point is the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from ..connection import ConnectionState
from .site import ChargePointSite

TRUTH = "the state never lies"
PERIOD = 1.7
"""Seconds between two looks."""
SOON = 0.01
"""Seconds in which everything has run that is due now: what is a lie for longer is one."""
CLOSING, DIALLING = 60.0, 60.0
"""The most seconds in these states: a goodbye is not answered, a dial is not."""


class Presence:
    """Of one charge point. ``worst_wait`` (s) is the longest wait between two dials."""

    def __init__(self, site: ChargePointSite, worst_wait: float) -> None:
        self.site = site
        self._limits: Mapping[ConnectionState, float] = {
            "waiting": worst_wait,
            "failed": worst_wait,
            "closing": CLOSING,
            "connecting": DIALLING,
        }

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(PERIOD)
            if self._lie():
                await asyncio.sleep(SOON)
                if lie := self._lie():
                    self.site.ground.invariants.broken(TRUTH, lie, self.site.name)
                    return

    def _lie(self) -> str:
        """What is untrue now; "" if nothing is."""
        if not self.site.up:
            return ""
        charge_point = self.site.charge_point
        state = charge_point.state
        if state == "online":
            return self._nobody_home()
        for_so_long = asyncio.get_running_loop().time() - self.site.watch.state_since
        limit = self._limits.get(state)
        return f"{state} for {for_so_long:.1f} s" if limit is not None and for_so_long > limit else ""

    def _nobody_home(self) -> str:
        uplink = self.site.charge_point.uplink
        if uplink is None:
            return "online, and there is no connection"
        if uplink.session.ended_at is not None:
            return "online, and nobody reads"
        return "online, and the transport is closed" if uplink.transport.closed else ""
