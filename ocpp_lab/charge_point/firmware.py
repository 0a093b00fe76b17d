"""New firmware: fetch, check, install, come back with it (core 4.5, 5.19, whitepaper L01)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, Protocol

from .. import messages as m
from ..errors import CallFailed, StoreFailed
from ..file_transfer import FileTransfer, TransferFailed
from .chores import Chores
from .firmware_image import version_of
from .job_lane import JobLane, repeated
from .job_statuses import JobRequest, firmware_status
from .kept_jobs import KeptJobs
from .notices import Notices
from .or_else import or_else

log = logging.getLogger(__name__)

INSTALL_TIME: Final = 5.0
"""Seconds that our charge point is busy with writing its new firmware."""
LAST_WORDS: Final = 10.0
"""Seconds that it waits before it reboots, so that what it does is told."""


class FirmwareTrust(Protocol):
    """Who decides whose firmware is good: what is known of certificates."""

    def demanded(self) -> bool:
        """Whether unsigned firmware is not taken any more."""

    def certificate_trouble(self, certificate: str) -> str | None:
        """Why this signing certificate (PEM) is not the manufacturer's; None: it is."""

    def signature_trouble(self, firmware: bytes, signature: str, certificate: str) -> str | None:
        """Why this is no signature of this firmware with the key of this certificate; None: it is."""

    def event(self, type: str, info: str) -> None:
        """Note a security event."""


class ClosingTime(Protocol):
    """Who can keep drivers away while the firmware is changed."""

    async def empty(self) -> None:
        """Let nobody begin, and wait until no transaction runs."""

    def reopen(self) -> None:
        """Everybody may begin again. Nothing happens if nobody was kept away."""


class Firmware:
    """``reboot(why)`` goes down and comes back; ``boot`` is what it says of itself then. ``now()`` looks at the clock,
    and ``clock_set`` is set whenever that was set."""

    def __init__(
        self,
        boot: m.BootNotificationRequest,
        transfer: FileTransfer,
        kept: KeptJobs,
        notices: Notices,
        chores: Chores,
        trust: FirmwareTrust,
        closing_time: ClosingTime,
        *,
        reboot: Callable[[str], Awaitable[None]],
        now: Callable[[], datetime],
        clock_set: asyncio.Event,
    ) -> None:
        self.boot = boot
        self.transfer = transfer
        self.kept = kept
        self.notices = notices
        self.trust = trust
        self.closing_time = closing_time
        self.reboot = reboot
        self.now = now
        self.clock_set = clock_set
        self.lane = JobLane("firmware", kept, notices, chores, self._update)
        if version := kept.version:
            boot.firmware_version = version

    @property
    def installing(self) -> bool:
        """Whether it is too late to cancel the update."""
        return self.lane.job is not None and self.lane.job.status in ("Installing", "InstallRebooting")

    # -- what the central system wants

    async def on_update_firmware(self, request: m.UpdateFirmwareRequest) -> m.UpdateFirmwareResponse:
        """The response cannot say no, so a CallError does: if signed firmware is demanded (L01.FR.20), and while one is
        being installed. An update that has not come so far is cancelled."""
        if self.trust.demanded():
            raise CallFailed("NotSupported", "expected SignedUpdateFirmware: only signed firmware is taken here")
        if self.installing:
            raise CallFailed("GenericError", "firmware is being installed; ask again when it is Installed")
        self.lane.begin(request)
        return m.UpdateFirmwareResponse()

    @or_else(m.SignedUpdateFirmwareResponse(status="Rejected"))
    async def on_signed_update_firmware(self, request: m.SignedUpdateFirmwareRequest) -> m.SignedUpdateFirmwareResponse:
        """The certificate is judged before anything is fetched (L01.FR.23); an update that runs is cancelled, as long
        as it can be (L01.FR.26, L01.FR.27)."""
        if trouble := self.trust.certificate_trouble(request.firmware.signing_certificate):
            self.trust.event("InvalidFirmwareSigningCertificate", trouble)
            return m.SignedUpdateFirmwareResponse(status="InvalidCertificate")
        if self.installing:
            return m.SignedUpdateFirmwareResponse(status="Rejected")
        busy = self.lane.busy
        self.lane.begin(request)
        return m.SignedUpdateFirmwareResponse(status="AcceptedCanceled" if busy else "Accepted")

    def status(self) -> m.FirmwareStatusNotificationRequest:
        """What is told when FirmwareStatusNotification is triggered (core 4.5)."""
        return m.FirmwareStatusNotificationRequest(
            status=firmware_status(self.lane.job.status if self.lane.job else None)
        )

    def signed_status(self) -> m.SignedFirmwareStatusNotificationRequest:
        """What is told when the signed one is triggered: the last status, but Idle after Installed (L01.FR.28,
        L01.FR.29)."""
        match self.lane.job:
            case job if job is not None and isinstance(job.request, m.SignedUpdateFirmwareRequest):
                if job.status not in (None, "Installed"):
                    return m.SignedFirmwareStatusNotificationRequest(
                        status=job.status,  # type: ignore[arg-type]  # one of them: see `_update`
                        request_id=job.request.request_id,
                    )
        return m.SignedFirmwareStatusNotificationRequest(status="Idle")

    # -- the job

    async def _update(self, lane: JobLane, request: JobRequest) -> None:
        self.closing_time.reopen()  # one that was cancelled may have kept drivers away
        try:
            image = await self._fetched(lane, request)
            if image is not None and self._is_genuine(lane, request, image):
                await self._install(lane, request, image)
        except Exception:
            self.closing_time.reopen()
            raise
        self.closing_time.reopen()

    async def _fetched(self, lane: JobLane, request: JobRequest) -> bytes | None:
        location, at = _source(request)
        if at > self.now():
            if isinstance(request, m.SignedUpdateFirmwareRequest):
                lane.tell("DownloadScheduled")  # L01.FR.13
            await self._until(at)
        lane.tell("Downloading")
        try:
            image = await repeated(lambda: self.transfer.fetch(location), request.retries, request.retry_interval)
        except TransferFailed as error:
            log.warning("! the firmware did not come: %s", error)
            lane.tell("DownloadFailed")
            return None
        lane.tell("Downloaded")
        return image

    def _is_genuine(self, lane: JobLane, request: JobRequest, image: bytes) -> bool:
        """Whether it is the manufacturer's, as far as anybody has signed it (L01.FR.04)."""
        if not isinstance(request, m.SignedUpdateFirmwareRequest):
            return True
        firmware = request.firmware
        if trouble := self.trust.signature_trouble(image, firmware.signature, firmware.signing_certificate):
            lane.tell("InvalidSignature")
            self.trust.event("InvalidFirmwareSignature", trouble)
            return False
        lane.tell("SignatureVerified")
        return True

    async def _install(self, lane: JobLane, request: JobRequest, image: bytes) -> None:
        signed = isinstance(request, m.SignedUpdateFirmwareRequest)
        at = request.firmware.install_date_time if isinstance(request, m.SignedUpdateFirmwareRequest) else None
        if at is not None and at > self.now():
            lane.tell("InstallScheduled")  # L01.FR.16
            await self._until(at)
        await self.closing_time.empty()
        lane.tell("Installing")
        await asyncio.sleep(INSTALL_TIME)
        version = version_of(image, _source(request)[0])
        if version is None:
            lane.tell("InstallVerificationFailed" if signed else "InstallationFailed")
            return
        if signed:
            lane.tell("InstallRebooting")  # L01.FR.15
        await self.notices.told(LAST_WORDS)
        await self._begin_anew(lane, version)

    async def _begin_anew(self, lane: JobLane, version: str) -> None:
        """Written down before we reboot: whatever happens then, the new firmware is there, and is told."""
        assert lane.job is not None
        try:
            self.kept.installed(lane.name, lane.job._replace(status="Installed", told=False), version)
        except StoreFailed:
            log.exception("! the firmware %s could not be installed", version)
            lane.tell("InstallationFailed")
            return
        self.boot.firmware_version = version
        await self.reboot(f"firmware {version}")
        lane.tell("Installed")
        self.trust.event("FirmwareUpdated", version)

    async def _until(self, instant: datetime) -> None:
        while (left := (instant - self.now()).total_seconds()) > 0:
            self.clock_set.clear()
            try:
                async with asyncio.timeout(left):
                    await self.clock_set.wait()
            except TimeoutError:
                pass


def _source(request: JobRequest) -> tuple[str, datetime]:
    """Where the firmware is, and from when on it may be fetched (core errata 3.63)."""
    match request:
        case m.SignedUpdateFirmwareRequest(firmware=firmware):
            return firmware.location, firmware.retrieve_date_time
        case m.UpdateFirmwareRequest():
            return request.location, request.retrieve_date
    raise ValueError(f"expected an UpdateFirmware or a SignedUpdateFirmware, came {request.action}")
