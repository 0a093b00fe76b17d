"""`JobLane`: one kind of file job, one at a time: it outlives the connection, and a power cut begins it again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from ..errors import StoreFailed
from ..file_transfer import TransferFailed
from .chores import Chores
from .job_statuses import ENDS, JobRequest, notification
from .kept_jobs import KeptJob, KeptJobs
from .notices import Notices

log = logging.getLogger(__name__)

RETRIES: Final = 3
"""How often a transfer is tried again if nobody says (core 6.25, 6.55)."""
RETRY_WAIT: Final = 60.0
"""Seconds between two attempts if nobody says."""
MOST_RETRIES: Final = 100
SHORTEST_RETRY_WAIT: Final = 1.0
"""Seconds; with 0 a server that refuses would be asked as fast as it can refuse."""
LONGEST_RETRY_WAIT: Final = 86_400.0


class JobLane:
    """``work(lane, request)`` does a whole job; it tells each state by `tell`, and as the last one of `ENDS`."""

    def __init__(
        self,
        name: str,
        kept: KeptJobs,
        notices: Notices,
        chores: Chores,
        work: Callable[[JobLane, JobRequest], Coroutine[Any, Any, None]],
    ) -> None:
        self.name = name
        self.kept = kept
        self.notices = notices
        self.chores = chores
        self.work = work
        self.job = kept.read(name)
        """The newest one, whether it runs or is over; None if there never was any. Set by `begin` and `tell`."""
        self._task: asyncio.Task[Any] | None = None  # that does the job; from `begin` or `recover` on

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return self.job is not None and self.job.status not in ENDS

    def begin(self, request: JobRequest, name: str = "") -> None:
        """A new job; one that runs is cancelled. Raises `StoreFailed` if it cannot be written down: nothing changes."""
        job = KeptJob(request, name=name)
        self.kept.save(self.name, job)
        self.job = job
        self._start()

    def recover(self) -> None:
        """Go on after a power cut: a job that was not over begins again, and an end that nobody heard is told."""
        if self.busy:
            self._start()
        elif self.job is not None and self.job.status is not None and not self.job.told:
            self._tell(self.job)

    def _start(self) -> None:
        assert self.job is not None
        before, self._task = self._task, None
        if before is not None:
            before.cancel()
        self._task = self.chores.start(self._run(self.job.request, before), self.name)

    async def _run(self, request: JobRequest, before: asyncio.Task[Any] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        await self.work(self, request)

    def tell(self, status: str) -> None:
        """The job has a new state. One that cannot be written down is told all the same."""
        assert self.job is not None
        self.job = self.job._replace(status=status, told=False)
        self._save(self.job)
        self._tell(self.job)

    def _tell(self, job: KeptJob) -> None:
        assert job.status is not None
        self.notices.add(notification(job.request, job.status), lambda: self._answered(job))

    def _answered(self, job: KeptJob) -> None:
        if self.job == job:
            self.job = job._replace(told=True)
            self._save(self.job)

    def _save(self, job: KeptJob) -> None:
        try:
            self.kept.save(self.name, job)
        except StoreFailed:
            log.exception("! %s: its state %s could not be written down", self.name, job.status)


async def repeated[T](attempt: Callable[[], Awaitable[T]], retries: int | None, interval: int | None) -> T:
    """The result of the first attempt that succeeds, of 1 + ``retries``, ``interval`` seconds apart.

    Raises the `TransferFailed` of the last one, and at once one that every attempt would meet.
    """
    left = RETRIES if retries is None else min(max(retries, 0), MOST_RETRIES)
    wait = RETRY_WAIT if interval is None else min(max(interval, SHORTEST_RETRY_WAIT), LONGEST_RETRY_WAIT)
    while True:
        try:
            return await attempt()
        except TransferFailed as error:
            if not left or error.is_final:
                raise
            log.warning("! a file did not get through, again in %g s: %s", wait, error)
        left -= 1
        await asyncio.sleep(wait)
