"""`FileJobs`: everything that a charge point does with files: diagnostics and logs go, firmware comes (core 8)."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from .. import messages as m
from ..file_transfer import FileTransfer
from ..security import SecurityEvents
from ..trace import Trace
from .chores import Chores
from .errands import Work
from .event_clock import EventClock
from .firmware import ClosingTime, Firmware
from .gate import Gate
from .guard import Guard
from .kept_jobs import KeptJobs
from .notices import Notices
from .options import Connecting
from .uploads import TimedLines, Uploads


class Sender(NamedTuple):
    """Whose files they are: the charge point and how it says what it is; its ``trace`` is its diagnostics. ``ssl`` is
    for https (None: the authorities that the system knows)."""

    identity: str
    boot: m.BootNotificationRequest
    trace: Trace
    connecting: Connecting
    ssl: tls.SSLContext | None = None


class FileJobs:
    """The three lanes of jobs, and what tells of them. ``guard`` has the security log and knows certificates.

    Raises `StoreFailed` if the file cannot be read.
    """

    def __init__(
        self,
        sender: Sender,
        kept: KeptJobs,
        gate: Gate,
        chores: Chores,
        clock: EventClock,
        closing_time: ClosingTime,
        guard: Guard,
    ) -> None:
        identity, boot, trace, connecting, ssl = sender
        self.gate = gate
        self.notices = Notices(gate.call, retry_interval=connecting.retry_interval)
        clock_set = asyncio.Event()  # who waits for an instant waits anew
        clock.when_set.append(clock_set.set)
        transfer = FileTransfer(hosts=connecting.file_hosts, folder=connecting.file_folder, ssl=ssl)
        diagnostics = story(trace, identity, asyncio.get_running_loop().time, clock.now)
        self.uploads = Uploads(
            identity,
            {"DiagnosticsLog": diagnostics, "SecurityLog": security_log(guard.events)},
            transfer,
            kept,
            self.notices,
            chores,
            clock.now,
        )
        self.firmware = Firmware(
            boot,
            transfer,
            kept,
            self.notices,
            chores,
            guard.maker,
            closing_time,
            reboot=gate.reboot,
            now=clock.now,
            clock_set=clock_set,
        )
        self.works: dict[str, Work] = {"file jobs": self.notices.run}
        """What runs beside a connection while its boot is accepted."""

    def recover(self) -> None:
        """Go on with what a power cut interrupted."""
        self.uploads.recover()
        self.firmware.lane.recover()

    @property
    def triggers(self) -> dict[str, Work]:
        """By the action that may be triggered, what tells the status of that moment."""
        uploads, firmware = self.uploads, self.firmware
        return {
            "DiagnosticsStatusNotification": self._telling(uploads.diagnostics_status),
            "FirmwareStatusNotification": self._telling(firmware.status),
            "LogStatusNotification": self._telling(uploads.log_status),
            "SignedFirmwareStatusNotification": self._telling(firmware.signed_status),
        }

    def _telling(self, status: Callable[[], m.Request[Any]]) -> Work:
        return lambda: self.gate.call(status(), triggered=True)


def story(trace: Trace, identity: str, time: Callable[[], float], now: Callable[[], datetime]) -> TimedLines:
    """The diagnostics of a charge point: what its trace has of it, with dates for the loop's seconds."""

    def lines() -> list[tuple[datetime, str]]:
        here, seconds = now(), time()
        return [
            (here + timedelta(seconds=event.at - seconds), f"{event.mark} {event.text}")
            for event in trace
            if event.identity == identity
        ]

    return lines


def security_log(events: SecurityEvents) -> TimedLines:
    """What was noted, a line each (N01.FR.05)."""
    return lambda: [(event.at, " ".join(filter(None, (event.type, event.info)))) for event in events.log()]
