"""What a charge point sends away as a file: diagnostics and logs (core 4.4, 5.9, whitepaper N01).

A file of text, a line for each event with its time. It is made when it is sent, so that it is as new as can be.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import quote

from .. import messages as m
from ..file_transfer import FileTransfer, TransferFailed
from .chores import Chores
from .job_lane import JobLane, repeated
from .job_statuses import LOG_FAILURES, JobRequest
from .kept_jobs import KeptJobs
from .notices import Notices
from .or_else import or_else

log = logging.getLogger(__name__)

TimedLines = Callable[[], Iterable[tuple[datetime, str]]]
"""The lines of a log, oldest first, each with its time."""

MOST_OF_A_LOG: Final = 4_000_000
"""Bytes of a file that is sent; of more the newest."""


class Uploads:
    """``logs`` gives the lines of each log; ``identity`` is in the names of the files."""

    def __init__(
        self,
        identity: str,
        logs: Mapping[m.LogEnumType, TimedLines],
        transfer: FileTransfer,
        kept: KeptJobs,
        notices: Notices,
        chores: Chores,
        now: Callable[[], datetime],
    ) -> None:
        self.identity = identity
        self.logs = logs
        self.transfer = transfer
        self.now = now
        self.diagnostics = JobLane("diagnostics", kept, notices, chores, self._send)
        self.log_lane = JobLane("log", kept, notices, chores, self._send)

    def recover(self) -> None:
        """Go on with what a power cut interrupted."""
        self.diagnostics.recover()
        self.log_lane.recover()

    @or_else(m.GetDiagnosticsResponse())
    async def on_get_diagnostics(self, request: m.GetDiagnosticsRequest) -> m.GetDiagnosticsResponse:
        """The name of the file, and then the upload; neither if there is nothing of that span of time (core 5.9)."""
        if not self._content(_wanted(request)):
            return m.GetDiagnosticsResponse()
        name = self._name("diagnostics")
        self.diagnostics.begin(request, name)
        return m.GetDiagnosticsResponse(file_name=name)

    @or_else(m.GetLogResponse(status="Rejected"))
    async def on_get_log(self, request: m.GetLogRequest) -> m.GetLogResponse:
        """A new one cancels the one that runs (N01.FR.11)."""
        if not self._content(_wanted(request)):
            return m.GetLogResponse(status="Rejected")
        name, busy = self._name(request.log_type), self.log_lane.busy
        self.log_lane.begin(request, name)
        return m.GetLogResponse(status="AcceptedCanceled" if busy else "Accepted", filename=name)

    def diagnostics_status(self) -> m.DiagnosticsStatusNotificationRequest:
        """What is told when it is triggered (core 4.4)."""
        return m.DiagnosticsStatusNotificationRequest(status="Uploading" if self.diagnostics.busy else "Idle")

    def log_status(self) -> m.LogStatusNotificationRequest:
        """What is told when it is triggered; without a requestId only if nothing is being uploaded (N01.FR.12)."""
        match self.log_lane.job:
            case job if self.log_lane.busy and job is not None and isinstance(job.request, m.GetLogRequest):
                return m.LogStatusNotificationRequest(status="Uploading", request_id=job.request.request_id)
        return m.LogStatusNotificationRequest(status="Idle")

    async def _send(self, lane: JobLane, request: JobRequest) -> None:
        assert lane.job is not None
        name, wanted = lane.job.name, _wanted(request)
        lane.tell("Uploading")
        try:
            await repeated(
                lambda: self.transfer.send(wanted.location, name, self._content(wanted)),
                request.retries,
                request.retry_interval,
            )
        except TransferFailed as error:
            log.warning("! %s was not uploaded: %s", name, error)
            lane.tell(_failed(request, error))
        else:
            lane.tell("Uploaded")

    def _name(self, what: str) -> str:
        return f"{quote(self.identity, safe='')[:100]}_{what}_{self.now().astimezone(UTC):%Y%m%dT%H%M%SZ}.txt"

    def _content(self, wanted: _Wanted) -> bytes:
        lines = [
            f"{at.isoformat(timespec='milliseconds')} {text}\n"
            for at, text in self.logs[wanted.log]()
            if (wanted.oldest is None or at >= wanted.oldest) and (wanted.latest is None or at <= wanted.latest)
        ]
        return "".join(lines).encode(errors="replace")[-MOST_OF_A_LOG:]


class _Wanted(NamedTuple):
    """Which part of which log, and where it shall go."""

    location: str
    log: m.LogEnumType
    oldest: datetime | None
    latest: datetime | None


def _wanted(request: JobRequest) -> _Wanted:
    match request:
        case m.GetLogRequest(log=log):
            return _Wanted(log.remote_location, request.log_type, log.oldest_timestamp, log.latest_timestamp)
        case m.GetDiagnosticsRequest():
            return _Wanted(request.location, "DiagnosticsLog", request.start_time, request.stop_time)
    raise ValueError(f"expected a GetDiagnostics or a GetLog, came {request.action}")


def _failed(request: JobRequest, error: TransferFailed) -> str:
    if isinstance(request, m.GetLogRequest):
        return LOG_FAILURES.get(error.failure, "UploadFailure")
    return "UploadFailed"
