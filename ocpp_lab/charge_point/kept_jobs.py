"""`KeptJobs`: the newest file job of each kind, in the file, so that a power cut does not end it; and the firmware."""

from __future__ import annotations

import json
from typing import NamedTuple

from .. import messages as m
from ..codec import decode_payload, encode_payload
from ..store import Store, store_at
from .job_statuses import JobRequest

_REQUESTS: dict[str, type[JobRequest]] = {
    "GetDiagnostics": m.GetDiagnosticsRequest,
    "GetLog": m.GetLogRequest,
    "UpdateFirmware": m.UpdateFirmwareRequest,
    "SignedUpdateFirmware": m.SignedUpdateFirmwareRequest,
}


class KeptJob(NamedTuple):
    """``status`` is the newest, None before the first; ``told`` whether the central system has answered it. ``name`` is
    that of the file that is uploaded."""

    request: JobRequest
    status: str | None = None
    told: bool = False
    name: str = ""


class KeptJobs:
    """By the lane of the job: one job of each kind. Everything that reads or writes the file raises `StoreFailed`."""

    def __init__(self, store: Store | str = ":memory:") -> None:
        self._store = store_at(store)

    def read(self, lane: str) -> KeptJob | None:
        """The newest job in this lane."""
        rows = self._store.execute("SELECT action, payload, status, told, name FROM file_jobs WHERE lane = ?", (lane,))
        if not rows:
            return None
        [(action, payload, status, told, name)] = rows
        return KeptJob(decode_payload(_REQUESTS[action], json.loads(payload)), status, bool(told), name)

    def save(self, lane: str, job: KeptJob) -> None:
        """From now on this is the job of this lane."""
        payload = bytes(encode_payload(job.request)).decode()
        self._store.execute(
            "INSERT OR REPLACE INTO file_jobs VALUES (?,?,?,?,?,?)",
            (lane, job.request.action, payload, job.status, job.told, job.name),
        )

    def installed(self, lane: str, job: KeptJob, version: str) -> None:
        """New firmware, and the status of the job that brought it: both, or neither."""
        with self._store.transaction():
            self.save(lane, job)
            self._store.execute("DELETE FROM firmware")
            self._store.execute("INSERT INTO firmware VALUES (?)", (version,))

    @property
    def version(self) -> str | None:
        """The version of the newest firmware that was installed from afar; None: there is only that of the factory."""
        rows = self._store.execute("SELECT version FROM firmware")
        return str(rows[0][0]) if rows else None

    def close(self) -> None:
        """Close the file, whoever else keeps something in it."""
        self._store.close()
