"""`Charging`: from plug to invoice: plug in, authorise, start, meter, stop, unplug (core 3.6, 4.8, 4.10).

Every message of a transaction goes through the outbox, online or not. What happens to the line is no business of ours.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .. import messages as m
from ..codec import encode_payload
from ..errors import ConnectionLost, IllegalTransition, NotConnected, OcppError
from ..outbox import Entry, Outbox
from .authorization import without_asking
from .connector import Car, Connector
from .patience import Patience
from .transactions import Transaction

if TYPE_CHECKING:
    from .charge_point import ChargePoint

log = logging.getLogger(__name__)

MILLISECOND, SECOND = timedelta(milliseconds=1), timedelta(seconds=1)


class Charging:
    """The driver's side of a charge point, and what the central system may do to a transaction."""

    def __init__(self, charge_point: ChargePoint) -> None:
        self.charge_point = charge_point
        self.patience = Patience(charge_point)
        self._meters: dict[int, asyncio.Task[None]] = {}
        self._last_start: dict[int, datetime] = {}

    # -- the driver

    def plug_in(self, connector: int, car: Car | None = None) -> None:
        """A cable is plugged in. Raises `IllegalTransition` if this connector takes none now."""
        socket = self._socket(connector)
        goes_on = self.charge_point.transactions.on(connector) and socket.car is None  # see `unplug`
        if not goes_on and (socket.car or socket.status not in ("Available", "Reserved")):
            raise IllegalTransition(socket.status, "plug in", ["unplug"] if socket.car else [])
        socket.car = car or Car()
        if not goes_on:
            socket.become("Preparing")
        elif socket.status == "SuspendedEV":
            socket.become("Charging")
            self._let_flow(socket)

    async def present(self, connector: int, id_tag: str) -> m.AuthorizationStatus:
        """A tag is held to the reader: starts a transaction, or stops the one that this tag started."""
        charge_point = self.charge_point
        running = charge_point.transactions.on(connector)
        if running and running.id_tag.casefold() == id_tag.casefold():
            self.stop(connector, "Local", id_tag)
            return "Accepted"
        status = await self.authorize(id_tag)
        if status == "Accepted" and not self._why_not(connector):  # asked now: the answer took its time
            self.start(connector, id_tag)
        return status

    async def authorize(self, id_tag: str) -> m.AuthorizationStatus:
        """May this tag charge? Decided here if the configuration allows it, else by the central system."""
        charge_point, request = self.charge_point, m.AuthorizeRequest(id_tag=id_tag)
        try:
            encode_payload(request)  # whoever decides: what cannot be sent is no tag
            if decided := self._decide(id_tag, online=charge_point.state == "online"):
                return decided
            response = await charge_point.call(request)
        except (ConnectionLost, NotConnected):
            return self._decide(id_tag, online=False) or "Invalid"
        except OcppError as error:
            log.info("! Authorize: %s", error)
            return "Invalid"  # the driver stands there: no answer is a no
        charge_point.cache.learn(id_tag, response.id_tag_info)
        return response.id_tag_info.status

    def _decide(self, id_tag: str, *, online: bool) -> m.AuthorizationStatus | None:
        charge_point = self.charge_point
        on = charge_point.configuration.enabled
        return without_asking(
            charge_point.cache.status(id_tag, charge_point.now()) if on("AuthorizationCacheEnabled") else None,
            online=online,
            pre_authorize=on("LocalPreAuthorize"),
            authorize_offline=on("LocalAuthorizeOffline"),
            allow_unknown=on("AllowOfflineTxForUnknownId"),
        )

    def unplug(self, connector: int) -> None:
        """The cable is pulled: ends the transaction, or only pauses it (StopTransactionOnEVSideDisconnect)."""
        charge_point, socket = self.charge_point, self._socket(connector)
        if charge_point.configuration.enabled("StopTransactionOnEVSideDisconnect"):
            self.stop(connector, "EVDisconnected")
        socket.open_contactor()
        socket.car = None
        if charge_point.transactions.on(connector):
            if socket.status == "Charging":
                socket.become("SuspendedEV")
        elif socket.status not in ("Unavailable", "Faulted"):
            self.set_free(connector)

    def set_free(self, connector: int) -> None:
        """Available, or Unavailable if that was commanded meanwhile (core 5.2)."""
        operative, socket = self.charge_point.transactions.operative(connector), self._socket(connector)
        if operative or socket.status == "Preparing":  # from which no edge leads to Unavailable (core 4.9)
            socket.become("Available")
        if not operative:
            socket.become("Unavailable")

    # -- transactions

    def start(self, connector: int, id_tag: str) -> str:
        """Begin a transaction; returns our name for it. Durable on return."""
        charge_point, socket = self.charge_point, self._socket(connector)
        if allowed := self._why_not(connector):
            raise IllegalTransition(socket.status, "start", allowed)
        name, now, meter = charge_point.new_name(), self._instant_of_start(connector), int(socket.energy)
        request = m.StartTransactionRequest(connector_id=connector, id_tag=id_tag, timestamp=now, meter_start=meter)
        encode_payload(request)  # a tag that cannot be sent leaves no trace
        if socket.status == "Finishing":
            socket.become("Preparing")  # again, without a new plug (core 4.9, F2)
        socket.become("Charging")
        charge_point.transactions.open(name, connector, id_tag, now, meter)
        charge_point.submit(request, name)
        self._let_flow(socket)
        return name

    def _instant_of_start(self, connector: int) -> datetime:
        """Now, or a millisecond after the last start here: two in the same one would look like one sent twice."""
        now, last = self.charge_point.now(), self._last_start.get(connector)
        if last and -SECOND < now - last < MILLISECOND:  # further back, somebody has set the clock
            now = last + MILLISECOND
        self._last_start[connector] = now
        return now

    def _why_not(self, connector: int) -> list[str]:
        """What has to happen before a transaction can start here; nothing if it can."""
        socket = self._socket(connector)
        if self.charge_point.transactions.on(connector):
            return ["stop"]
        if socket.status in ("Unavailable", "Faulted"):
            return ["Available"]
        return [] if socket.car else ["plug in"]

    def stop(self, connector: int, reason: m.Reason, id_tag: str | None = None) -> None:
        """End the transaction of a connector. Durable on return; nothing happens if there is none."""
        charge_point, socket = self.charge_point, self._socket(connector)
        transaction = charge_point.transactions.on(connector)
        if transaction is None:
            return
        if meter := self._meters.pop(connector, None):
            meter.cancel()
        socket.open_contactor()
        now, energy = self._read(transaction)
        self._write_stop(transaction, now, energy, reason, id_tag)
        if socket.status in ("Charging", "SuspendedEV", "SuspendedEVSE"):
            socket.become("Finishing")

    def stop_all(self, reason: m.Reason) -> None:
        """End every transaction (reset, emergency stop)."""
        for connector in self.charge_point.connectors:
            if connector:
                self.stop(connector, reason)

    def recover(self, *, resume: bool) -> None:
        """After a power cut: go on with the transactions that ran, or close them with their newest reading."""
        charge_point = self.charge_point
        outbox: Any = charge_point.outbox
        ours = isinstance(outbox, Outbox)  # the one built in the exercises shows its head only
        queued = {(entry.transaction, entry.request.action) for entry in (outbox.entries() if ours else [])}
        for transaction in charge_point.transactions:
            name = transaction.name
            started = not ours or (name, "StartTransaction") in queued or charge_point.ids.get(name) is not None
            if (name, "StopTransaction") in queued or not started:
                charge_point.transactions.strike_out(name)  # its stop is written down; or its start never was
            elif resume and transaction.connector in charge_point.connectors:
                self._resume(transaction)
            else:
                self._write_stop(transaction, transaction.seen, transaction.meter_seen, "PowerLoss", None)

    def _resume(self, transaction: Transaction) -> None:
        socket = self._socket(transaction.connector)
        socket.car = socket.car or Car()
        socket.become("Charging")
        self._let_flow(socket)

    def _write_stop(
        self, transaction: Transaction, at: datetime, meter: int, reason: m.Reason, id_tag: str | None
    ) -> None:
        at = max(at, transaction.started) if transaction.started - at < SECOND else at  # see `_instant_of_start`
        request = m.StopTransactionRequest(
            transaction_id=-1, timestamp=at, meter_stop=meter, reason=reason, id_tag=id_tag
        )  # the real id is put in when it is sent
        self.charge_point.submit(request, transaction.name)
        self.charge_point.transactions.strike_out(transaction.name)

    # -- meter

    def _let_flow(self, socket: Connector) -> None:
        socket.close_contactor()
        self._watch_meter(socket.number)

    def new_sample_interval(self) -> None:
        """MeterValueSampleInterval was changed: count from now."""
        for connector in list(self._meters):
            self._watch_meter(connector)

    def _watch_meter(self, connector: int) -> None:
        if old := self._meters.get(connector):
            old.cancel()
        task = asyncio.create_task(self._read_meter(connector), name=f"{self.charge_point.identity} meter {connector}")
        self._meters[connector] = task

    async def _read_meter(self, connector: int) -> None:
        """A reading every MeterValueSampleInterval seconds, and the status when the car is full."""
        interval = self.charge_point.configuration.seconds("MeterValueSampleInterval")
        socket = self._socket(connector)
        loop = asyncio.get_running_loop()
        next_sample = loop.time() + interval
        while True:
            full = socket.seconds_to_full
            wait = [next_sample - loop.time()] if interval > 0 else []
            if full is not None:
                wait.append(full)
            if not wait:
                return
            await asyncio.sleep(max(min(wait), 0.0))
            if socket.full and socket.status == "Charging":
                socket.become("SuspendedEV")
            if interval > 0 and loop.time() >= next_sample - 1e-9:
                next_sample += interval
                self.sample(connector, "Sample.Periodic")

    def sample(self, connector: int, context: m.ReadingContext) -> None:
        """Read the meter of a running transaction and write the reading down."""
        charge_point = self.charge_point
        transaction = charge_point.transactions.on(connector)
        if transaction is None:
            return
        now, energy = self._read(transaction)
        value = m.SampledValue(value=str(energy), context=context, measurand="Energy.Active.Import.Register", unit="Wh")
        reading = m.MeterValue(timestamp=now, sampled_value=[value])
        request = m.MeterValuesRequest(connector_id=connector, transaction_id=-1, meter_value=[reading])
        charge_point.submit(request, transaction.name)

    def _read(self, transaction: Transaction) -> tuple[datetime, int]:
        """Read the meter and write down what a power cut would leave us with."""
        charge_point, socket = self.charge_point, self._socket(transaction.connector)
        now, energy = charge_point.now(), socket.energy
        charge_point.transactions.save_register(transaction.connector, energy)
        charge_point.transactions.read(transaction.name, now, int(energy))
        return now, int(energy)

    def read_all(self) -> None:
        """The last readings before the power goes."""
        for transaction in self.charge_point.transactions:
            if transaction.connector in self._meters:
                self._read(transaction)

    # -- answers to what the outbox sent

    def answered(self, entry: Entry, response: Any) -> None:
        """The central system answered a transaction message."""
        info = getattr(response, "id_tag_info", None)
        if info and (id_tag := getattr(entry.request, "id_tag", None)):
            self.charge_point.cache.learn(id_tag, info)
        if isinstance(response, m.StartTransactionResponse) and entry.transaction:
            self.charge_point.ids.learn(entry.transaction, response.transaction_id)
            if response.id_tag_info.status != "Accepted":
                self._deauthorize(entry.transaction)

    def given_up(self, entry: Entry) -> None:
        """The central system refused a transaction message too often."""
        if isinstance(entry.request, m.StartTransactionRequest) and entry.transaction:
            self.charge_point.ids.give_up(entry.transaction)

    def _deauthorize(self, name: str) -> None:
        """The tag is not accepted after all: stop, or only cut the energy (core 4.8, StopTransactionOnInvalidId)."""
        running = next((t for t in self.charge_point.transactions if t.name == name), None)
        if running is None:
            return
        if self.charge_point.configuration.enabled("StopTransactionOnInvalidId"):
            self.stop(running.connector, "DeAuthorized")
        else:
            socket = self._socket(running.connector)
            socket.open_contactor()
            socket.become("SuspendedEVSE")

    # -- the central system

    async def on_remote_start(self, request: m.RemoteStartTransactionRequest) -> m.RemoteStartTransactionResponse:
        """Accepted if a connector is ready; the transaction begins after the answer (core 5.11)."""
        charge_point = self.charge_point
        wanted = [request.connector_id] if request.connector_id else [c for c in charge_point.connectors if c]
        ready = [c for c in wanted if c in charge_point.connectors and charge_point.connectors[c].ready]
        if not ready:
            return m.RemoteStartTransactionResponse(status="Rejected")
        charge_point.after_answer(self._start_remotely(ready[0], request.id_tag), "RemoteStartTransaction")
        return m.RemoteStartTransactionResponse(status="Accepted")

    async def _start_remotely(self, connector: int, id_tag: str) -> None:
        ask = self.charge_point.configuration.enabled("AuthorizeRemoteTxRequests")
        if (not ask or await self.authorize(id_tag) == "Accepted") and not self._why_not(connector):
            self.start(connector, id_tag)

    async def on_remote_stop(self, request: m.RemoteStopTransactionRequest) -> m.RemoteStopTransactionResponse:
        """Accepted if that transaction runs here (core 5.12)."""
        charge_point = self.charge_point
        # Among those that run: a central system that lost its memory gives old ids again.
        ours = (t for t in charge_point.transactions if charge_point.ids.get(t.name) == request.transaction_id)
        running = next(ours, None)
        if running is None:
            return m.RemoteStopTransactionResponse(status="Rejected")
        charge_point.after_answer(self._stop_remotely(running.connector), "RemoteStopTransaction")
        return m.RemoteStopTransactionResponse(status="Accepted")

    async def _stop_remotely(self, connector: int) -> None:
        self.stop(connector, "Remote")

    def end(self) -> None:
        """No more meter readings: the power is off."""
        for meter in self._meters.values():
            meter.cancel()
        self._meters.clear()
        self.patience.end()

    def _socket(self, connector: int) -> Connector:
        known = self.charge_point.connectors
        if connector == 0 or connector not in known:
            raise ValueError(f"expected a connector from 1 to {len(known) - 1}, came {connector}")
        return known[connector]
