"""`Night`: a log written by hand, exchange by exchange, as a central system would have logged it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from ocpp_lab.logs import Finding, diagnose, read

BEGIN = datetime(2031, 3, 14, 20, 0, tzinfo=UTC)
ACCEPTED = {"idTagInfo": {"status": "Accepted"}}
SILENCE = object()
"""No answer."""


def stamp(seconds: float, zone: str = "Z") -> str:
    """A time in a payload."""
    return (BEGIN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S") + zone


class Night:
    """``now`` is the second of the night; each call goes on by a little."""

    def __init__(self, *, boot: bool = True, quiet: bool = False) -> None:
        self.lines: list[str] = []
        self.now = 0.0
        self._ids = (f"n{number}" for number in count(1))
        if boot:
            self.boot()
        if not quiet:
            for connector in (0, 1, 2):
                self.status(connector, "Available")

    # -- lines

    def say(self, sender: str, frame: Any, at: float | None = None) -> None:
        """One frame; text stays as it is."""
        self.now = self.now if at is None else at
        time = (BEGIN + timedelta(seconds=self.now)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        text = frame if isinstance(frame, str) else json.dumps(frame, separators=(",", ":"))
        self.lines.append(
            f"{time} INFO (MainThread) [ocpp] CP_1: {'receive message' if sender == 'cp' else 'send'} {text}"
        )

    def words(self, text: str) -> None:
        """A line without a frame."""
        time = (BEGIN + timedelta(seconds=self.now)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        self.lines.append(f"{time} INFO (MainThread) [custom_components.ocpp] {text}")

    def reconnect(self) -> None:
        """The connection is lost, and another begins."""
        self.words("Charge point CP_1 disconnected, code 1006")
        self.now += 5
        self.words("Charge point CP_1 connected")

    # -- exchanges

    def cp(
        self, action: str, payload: Any, answer: Any = None, *, after: float = 0.2, unique_id: str | None = None
    ) -> str:
        """A call of the charge point, and its answer."""
        return self._call("cp", "cs", action, payload, answer, after, unique_id)

    def cs(
        self, action: str, payload: Any, answer: Any = None, *, after: float = 0.2, unique_id: str | None = None
    ) -> str:
        """A call of the central system, and its answer."""
        return self._call("cs", "cp", action, payload, answer, after, unique_id)

    def _call(
        self, one: str, other: str, action: str, payload: Any, answer: Any, after: float, unique_id: str | None
    ) -> str:
        unique_id = unique_id or next(self._ids)
        self.now += 1
        self.say(one, [2, unique_id, action, payload])
        self.now += after
        if isinstance(answer, str):
            self.say(other, [4, unique_id, answer, "", {}])
        elif answer is not SILENCE:
            self.say(other, [3, unique_id, answer or {}])
        return unique_id

    # -- what happens in every night

    def boot(self, status: str = "Accepted", interval: int = 300) -> None:
        """A boot."""
        told = {"status": status, "currentTime": stamp(self.now + 1), "interval": interval}
        self.cp("BootNotification", {"chargePointVendor": "Acme", "chargePointModel": "Wall"}, told)

    def beat(self, times: int = 1, every: float = 60.0) -> None:
        """Heartbeats."""
        for _ in range(times):
            self.now += every
            self.cp("Heartbeat", {}, {"currentTime": stamp(self.now + 1)})

    def status(self, connector: int, status: str, answer: Any = None, at: str | None = None) -> None:
        """A StatusNotification."""
        payload = {"connectorId": connector, "errorCode": "NoError", "status": status}
        self.cp("StatusNotification", payload | {"timestamp": at or stamp(self.now + 1)}, answer)

    def start(
        self, number: int = 7, connector: int = 1, meter: int = 1000, tag: str = "CARD", answer: Any = None, **more: Any
    ) -> dict[str, Any]:
        """A StartTransaction; returns its payload, for a repeat."""
        payload = {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": stamp(self.now + 1)} | more
        self.cp("StartTransaction", payload, ACCEPTED | {"transactionId": number} if answer is None else answer)
        return payload

    def read(self, wh: float, number: int | None = 7, connector: int = 1, **more: Any) -> None:
        """MeterValues with a reading of the register."""
        sampled = {"value": f"{wh:g}", "context": "Sample.Periodic"} | more
        payload: dict[str, Any] = {"connectorId": connector, "meterValue": [{"timestamp": stamp(self.now + 1),
                                                                           "sampledValue": [sampled]}]}  # fmt: skip
        self.cp("MeterValues", payload if number is None else payload | {"transactionId": number})

    def stop(self, number: int = 7, meter: int = 3000, answer: Any = None, **more: Any) -> dict[str, Any]:
        """A StopTransaction; returns its payload."""
        payload = {
            "transactionId": number,
            "meterStop": meter,
            "timestamp": stamp(self.now + 1),
            "reason": "Local",
        } | more
        self.cp("StopTransaction", payload, ACCEPTED if answer is None else answer)
        return payload

    def charge(self, number: int = 7, connector: int = 1, meter: int = 1000, tag: str = "CARD") -> None:
        """A whole transaction, as it should be."""
        self.status(connector, "Preparing")
        self.start(number, connector, meter, tag)
        self.status(connector, "Charging")
        for wh in (500, 900, 1500):
            self.now += 60
            self.read(meter + wh, number, connector)
        self.stop(number, meter + 2000)
        self.status(connector, "Finishing")
        self.status(connector, "Available")

    # -- what is found

    @property
    def text(self) -> str:
        """The log."""
        return "\n".join(self.lines)

    def findings(self) -> list[Finding]:
        """What is wrong in it."""
        return diagnose(read(self.text))

    def rules(self) -> set[str]:
        """The names of what is wrong in it."""
        return {finding.rule for finding in self.findings()}
