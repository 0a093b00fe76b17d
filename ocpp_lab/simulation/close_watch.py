"""`CloseWatch`: everything that is expected of a charge point whose pieces are all ours."""

from __future__ import annotations

import asyncio

from ..central_system.records import Records
from ..messages import StartTransactionRequest
from .alarm_watch import AlarmWatch
from .book import Record
from .limit_watch import LimitWatch
from .list_watch import ListWatch
from .presence import Presence
from .reservation_watch import ReservationWatch
from .site import ChargePointSite

JOBS_END = "a file job ends, and its end is told"
CLOSED = "nobody begins while firmware is installed"
REOPENED = "after an update everybody may come again"


class CloseWatch:
    """Of one charge point, from now on. ``worst_wait`` (s) is the longest wait between two dials."""

    def __init__(self, site: ChargePointSite, worst_wait: float) -> None:
        self.site = site
        self._presence = Presence(site, worst_wait)
        self._limits = LimitWatch(site)
        self._lists = ListWatch(site)
        self._reservations = ReservationWatch(site)
        self._alarms = AlarmWatch(site)
        site.book.listeners.append(self._written)
        if site.up:
            self._reservations.begin(site.charge_point)
            self._alarms.begin(site.charge_point)

    async def watch(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as looks:
            looks.create_task(self._presence.watch(), name=f"presence {self.site.name}")
            looks.create_task(self._limits.watch(), name=f"limits {self.site.name}")

    def _written(self, record: Record) -> None:
        """Errata 3.49, L01.FR.06: a start is none of the things that happen then."""
        starts = isinstance(record.request, StartTransactionRequest) and self.site.up
        job = self.site.charge_point.file_jobs.firmware.lane.job if starts else None
        self._expect(job is None or job.status != "Installing", CLOSED, f"{record.request} while {job}")

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
        self._expect(not self.left, JOBS_END, self.left)
        charge_point = self.site.charge_point
        for number, session in charge_point.charging.bays.sessions.items():
            wanted, is_so = charge_point.transactions.operative(number), session.facts.operative
            self._expect(wanted == is_so, REOPENED, f"connector {number}: operative {is_so}, commanded {wanted}")
        self._lists.compare(records.lists)
        self._alarms.compare(records.events)

    def _expect(self, holds: object, invariant: str, message: str) -> None:
        self.site.ground.invariants.expect(holds, invariant, message, self.site.name)
