"""`CloseWatch`: everything that is expected of a charge point whose pieces are all ours."""

from __future__ import annotations

import asyncio

from ..central_system.records import Records
from .alarm_watch import AlarmWatch
from .limit_watch import LimitWatch
from .list_watch import ListWatch
from .presence import Presence
from .reservation_watch import ReservationWatch
from .site import ChargePointSite

JOBS_END = "a file job ends, and its end is told"


class CloseWatch:
    """Of one charge point, from now on. ``worst_wait`` (s) is the longest wait between two dials."""

    def __init__(self, site: ChargePointSite, worst_wait: float) -> None:
        self.site = site
        self._presence = Presence(site, worst_wait)
        self._limits = LimitWatch(site)
        self._lists = ListWatch(site)
        self._reservations = ReservationWatch(site)
        self._alarms = AlarmWatch(site)
        if site.up:
            self._reservations.begin(site.charge_point)
            self._alarms.begin(site.charge_point)

    async def watch(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as looks:
            looks.create_task(self._presence.watch(), name=f"presence {self.site.name}")
            looks.create_task(self._limits.watch(), name=f"limits {self.site.name}")

    @property
    def left(self) -> str:
        """What still has to end: alarms that are to be told, and files that are on their way; "" if nothing.

        Firmware that is to be fetched later, as the charge point's clock says, may take any time.
        """
        charge_point = self.site.charge_point
        jobs, waiting = charge_point.file_jobs, charge_point.guard.events.waiting()
        lanes = (jobs.uploads.diagnostics, jobs.uploads.log_lane, jobs.firmware.lane)
        busy = [f"{lane.name} is {lane.job.status}" for lane in lanes if lane.job and lane.busy and lane.job.status]
        told = [f"{len(jobs.notices)} statuses of files wait"] if len(jobs.notices) else []
        return ", ".join([*busy, *told, *([f"{waiting} security events wait"] if waiting else [])])

    def compare(self, records: Records) -> None:
        """In the end: the central system's books say what is true."""
        self.site.ground.invariants.expect(not self.left, JOBS_END, self.left, self.site.name)
        self._lists.compare(records.lists)
        self._alarms.compare(records.events)
