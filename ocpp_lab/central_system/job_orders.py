"""`JobOrders`: have a charge point fetch firmware, or bring diagnostics and logs (core 5.9, 5.19; whitepaper 5.9)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .. import messages as m
from ..errors import Forbidden
from .job_book import JobKind
from .order_end import OrderEnd
from .ordering import Ordering
from .orders import Settle


class JobBegun(NamedTuple):
    """A job: its ``number`` in the book, the ``status`` of the answer (answered if it has none), the file's name."""

    number: int
    status: str
    file: str | None
    request_id: int | None


class JobOrders(Ordering):
    """How far each job is stands in the book of `Records.jobs`. ``retries`` and ``retry_interval`` (s) are how often
    the charge point tries again, and when."""

    async def update_firmware(
        self,
        identity: str,
        location: str,
        retrieve: datetime | None = None,
        *,
        retries: int | None = None,
        retry_interval: int | None = None,
    ) -> JobBegun:
        """Have it fetch and install firmware, from ``retrieve`` on, by default now (core 5.19)."""
        _check(location, retries, retry_interval)
        request = m.UpdateFirmwareRequest(
            location=location,
            retrieve_date=retrieve or self._now(),
            retries=retries,
            retry_interval=retry_interval,
        )
        return await self._begin(identity, "firmware", location, request)

    async def update_signed_firmware(
        self,
        identity: str,
        location: str,
        certificate: str,
        signature: str,
        retrieve: datetime | None = None,
        *,
        install: datetime | None = None,
        retries: int | None = None,
        retry_interval: int | None = None,
    ) -> JobBegun:
        """The same with a signature, and the certificate (PEM) to check it with (whitepaper 5.21)."""
        _check(location, retries, retry_interval)
        request = m.SignedUpdateFirmwareRequest(
            request_id=self._records.jobs.next_id(),
            retries=retries,
            retry_interval=retry_interval,
            firmware=m.FirmwareType(
                location=location,
                retrieve_date_time=retrieve or self._now(),
                install_date_time=install,
                signing_certificate=certificate,
                signature=signature,
            ),
        )
        return await self._begin(identity, "signed firmware", location, request, request.request_id)

    async def get_diagnostics(
        self,
        identity: str,
        location: str,
        *,
        start: datetime | None = None,
        stop: datetime | None = None,
        retries: int | None = None,
        retry_interval: int | None = None,
    ) -> JobBegun:
        """Have it bring diagnostics of this span of time to this folder (core 5.9). No file: there is nothing."""
        _check(location, retries, retry_interval, start, stop)
        request = m.GetDiagnosticsRequest(
            location=location, start_time=start, stop_time=stop, retries=retries, retry_interval=retry_interval
        )
        return await self._begin(identity, "diagnostics", location, request)

    async def get_log(
        self,
        identity: str,
        location: str,
        log_type: m.LogEnumType = "DiagnosticsLog",
        *,
        oldest: datetime | None = None,
        latest: datetime | None = None,
        retries: int | None = None,
        retry_interval: int | None = None,
    ) -> JobBegun:
        """Have it bring a log to this folder (whitepaper 5.9)."""
        _check(location, retries, retry_interval, oldest, latest)
        request = m.GetLogRequest(
            log_type=log_type,
            request_id=self._records.jobs.next_id(),
            retries=retries,
            retry_interval=retry_interval,
            log=m.LogParametersType(remote_location=location, oldest_timestamp=oldest, latest_timestamp=latest),
        )
        return await self._begin(identity, "log", location, request, request.request_id)

    async def _begin(
        self, identity: str, kind: JobKind, location: str, request: m.Request[Any], request_id: int | None = None
    ) -> JobBegun:
        number = 0

        def ask() -> Settle:
            nonlocal number
            number = self._records.jobs.ask(identity, kind, location, self._now(), request_id)
            return settle

        def settle(outcome: OrderEnd) -> None:
            nothing = isinstance(outcome.answer, m.GetDiagnosticsResponse) and outcome.answer.file_name is None
            self._records.jobs.settle(number, outcome, _file_of(outcome.answer), nothing=nothing)

        answer = await self._orders.send(identity, request, ask)
        return JobBegun(number, OrderEnd.of(answer).said, _file_of(answer), request_id)


def _file_of(answer: Any) -> str | None:
    """The name of the file that will come; None if nobody has said."""
    match answer:
        case m.GetLogResponse(filename=name) | m.GetDiagnosticsResponse(file_name=name):
            return name
    return None


def _check(
    location: str,
    retries: int | None,
    retry_interval: int | None,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> None:
    if not urlsplit(location).scheme:
        raise Forbidden(f"expected a location with its scheme, such as http://host/folder/, came {location!r} (core 8)")
    if min(retries or 0, retry_interval or 0) < 0:
        raise Forbidden(f"expected retries and interval of 0 or more, came {retries} and {retry_interval} (core 8)")
    if start and stop and start >= stop:
        raise Forbidden(f"expected a span of time, came one from {start} to {stop} (core 5.9)")
