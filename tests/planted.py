"""Bugs on purpose, each a small switch in a subclass: what `explore` must find. Modelled on real ones.

``python -m tests.planted --find`` looks for the first seed that finds each, and prints the table for
`tests.test_planted_bugs`. Where a bug comes from is said in its docstring.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from ocpp_lab import (
    CallFailed,
    CallTimeout,
    CentralSystem,
    ConnectionLost,
    Ledger,
    OcppError,
    Pending,
    Session,
    StoreFailed,
)
from ocpp_lab import messages as m
from ocpp_lab.connection import keep_connected
from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.group import Written, at_once
from ocpp_lab.outbox import Entry, Outbox
from ocpp_lab.simulation import Report, chaos, explore, storm
from ocpp_lab.simulation.chaos import Talkative
from tests.planted_business import BUSINESS_BUGS
from tests.scenarios import wrong_clocks

MOST_SEEDS = 500

# The outbox -----------------------------------------------------------------------------------------------------------


class _Failing(Outbox):
    """Handles a failure in another way than ours."""

    async def _failed_to_send(self, entry: Entry, error: Any, probe: Any, *rest: Any) -> None:
        await super()._failed_to_send(entry, error, probe, *rest)


class LossConsumes(_Failing):
    """A disconnection consumes an attempt (MicroOcpp pull/345; curriculum 3.7)."""

    async def _failed_to_send(self, entry: Entry, error: Any, probe: Any, *rest: Any) -> None:
        if isinstance(error, ConnectionLost):
            await super()._failed_to_send(entry, CallFailed("GenericError"), probe, *rest)
            raise error
        await super()._failed_to_send(entry, error, probe, *rest)


class SecurityErrorConsumes(_Failing):
    """So does the answer of a central system that lost its memory."""

    async def _failed_to_send(self, entry: Entry, error: Any, probe: Any, *rest: Any) -> None:
        if isinstance(error, CallFailed) and error.code == "SecurityError":
            await super()._failed_to_send(entry, CallFailed("GenericError"), probe, *rest)
            raise error
        await super()._failed_to_send(entry, error, probe, *rest)


class HangingConsumes(_Failing):
    """Every timeout counts, as in libocpp (`handle_timeout_or_callerror`): a hanging peer empties the outbox."""

    async def _failed_to_send(self, entry: Entry, error: Any, probe: Any, *rest: Any) -> None:
        async def nobody_asked() -> bool:
            return True

        await super()._failed_to_send(entry, error, nobody_asked, *rest)


class SwallowedBlocks(_Failing):
    """A timeout is always taken for a loss: a message that is swallowed each time blocks the lane for ever."""

    async def _failed_to_send(self, entry: Entry, error: Any, probe: Any, *rest: Any) -> None:
        if isinstance(error, CallTimeout):
            raise error
        await super()._failed_to_send(entry, error, probe, *rest)


class DelayFromCreation(_Failing):
    """The wait before a retry counts from when the message was written (libocpp: ``timestamp += interval``)."""

    async def _failed_to_send(self, entry: Entry, error: Any, probe: Any, *rest: Any) -> None:
        await super()._failed_to_send(entry, error, probe, *rest)
        created = getattr(self, "created", {}).get(entry.key, 0.0)
        if entry.key in self._not_before:
            self._not_before[entry.key] = created + rest[1] * (entry.failures + 1)

    def put(self, request: Any, transaction: str | None = None) -> int:
        key = super().put(request, transaction)
        self.__dict__.setdefault("created", {})[key] = asyncio.get_running_loop().time()
        return key


class RetryGoesToTheEnd(_Failing):
    """A message that failed is queued again behind all others."""

    async def _failed_to_send(self, entry: Entry, error: Any, probe: Any, *rest: Any) -> None:
        await super()._failed_to_send(entry, error, probe, *rest)
        if entry.key in self._not_before and len(self) > 1:
            self._store.execute("UPDATE outbox SET key = (SELECT max(key) + 1 FROM outbox) WHERE key = ?", (entry.key,))


class DeletedBeforeReply(Outbox):
    """The row goes when the message is sent, not when it is answered."""

    async def drain(self, call: Any, probe: Any, **options: Any) -> None:
        async def delete_and_call(request: Any) -> Any:
            assert self.in_flight is not None
            self.delete(self.in_flight)
            return await call(request)

        await super().drain(delete_and_call, probe, **options)


class NeverPatched(Outbox):
    """StopTransaction goes out with -1 after an offline start (libocpp issues/495)."""

    async def drain(self, call: Any, probe: Any, **options: Any) -> None:
        await super().drain(call, probe, **(options | {"prepare": None}))


class FirstAfterReconnectLost(Outbox):
    """What is sent first on a new connection is lost (libocpp pull/457)."""

    halted = False

    async def drain(self, call: Any, probe: Any, **options: Any) -> None:
        if self.halted and (entry := self.head()):
            self.delete(entry.key)
        self.halted = False
        try:
            await super().drain(call, probe, **options)
        except ConnectionLost:
            self.halted = True
            raise


class NeverGivesUp(Outbox):
    """TransactionMessageAttempts is not looked at: a refused message blocks the lane for ever."""

    async def drain(self, call: Any, probe: Any, **options: Any) -> None:
        await super().drain(call, probe, **(options | {"attempts": 10**9}))


# The session ----------------------------------------------------------------------------------------------------------


class SameIdAgain(Session):
    """A resend keeps the unique id of the first copy (libocpp pull/298)."""

    async def _exchange(self, call: Call, response_type: type[Any], limit: float) -> Any:
        if call.action in m.TRANSACTION_ACTIONS:
            payload = msgspec.json.decode(call.payload)
            payload.pop("transactionId", None)
            known = self.router.__dict__.setdefault("first_ids", {})
            first = known.setdefault(msgspec.json.encode(payload), call.unique_id)
            call = Call(first, call.action, call.payload)
        return await super()._exchange(call, response_type, limit)


class BootDropped(Session):
    """A BootNotification finds the queue full and is thrown away; its caller waits for ever (EVerest pull/1987)."""

    async def call(self, request: Any, *, timeout: float | None = None) -> Any:
        outbox = getattr(self.router, "outbox", None)
        if isinstance(request, m.BootNotificationRequest) and outbox is not None and len(outbox) >= outbox.limit:
            await asyncio.get_running_loop().create_future()
        return await super().call(request, timeout=timeout)


class ReaderAwaits(Session):
    """The reader awaits the handler (mobilityhouse/ocpp): a handler that calls its peer waits for ever."""

    async def _receive(self, text: str | bytes) -> None:
        from ocpp_lab.frames import decode

        frame = None if isinstance(text, bytes) or not text.startswith("[2") else decode(text)
        if isinstance(frame, Call):
            await self._dispatcher.answer(frame)
        else:
            await super()._receive(text)


class NotCleared(Pending):
    """The call in flight is not ended when the line is: it waits out its timeout (libocpp pull/560)."""

    def fail_all(self, error: Exception) -> int:
        self._error = error
        return 0


class AnyReplyWillDo(Pending):
    """A reply resolves whichever call is pending; replies may come late, twice, or for nobody."""

    def settle(self, frame: CallResult | CallError) -> Any:
        pending = next(iter(self._entries), frame.unique_id)
        return super().settle(msgspec.structs.replace(frame, unique_id=pending))


# The charge point -----------------------------------------------------------------------------------------------------


class NobodyRedials(Talkative):
    """A pong timeout closes the socket and nobody dials again (libocpp issues/1175, EVerest issues/1808)."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        connect = self.life._connect

        async def hang(pipe: Any, proved: Any) -> None:
            try:
                await connect(pipe, proved)
            except ConnectionLost as lost:
                if lost.code == 1011:
                    await asyncio.get_running_loop().create_future()
                raise

        self.life._connect = hang  # type: ignore[method-assign]


class StopsAgain(Talkative):
    """After a power cut a transaction is closed whose stop is written down already (libocpp issues/907)."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.transactions.strike_out = lambda name: None  # type: ignore[method-assign]


class LateIgnored(Talkative):
    """A result that comes after the timeout is thrown away: the same start three times, and a stop with -1."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.delivery._answered_late = lambda entry, response: None  # type: ignore[method-assign]


class LateStrikesTheHead(Talkative):
    """A late result strikes out whatever is the head of the outbox now."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.delivery._answered_late = self._strike  # type: ignore[method-assign]

    def _strike(self, entry: Entry, response: Any) -> None:
        if head := self.outbox.head():
            self.outbox.settle(head, response)


class AnswerForgotten(Talkative):
    """A message that was answered while the file failed is sent again on the next connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        connect = self.life._connect

        async def forgetting(pipe: Any, proved: Any) -> None:
            self.delivery._answered = None, None
            await connect(pipe, proved)

        self.life._connect = forgetting  # type: ignore[method-assign]


class MeterDies(Talkative):
    """A reading that cannot be written ends the task that takes them, and nobody hears of it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        metering = self.metering
        metering._try_to_read = metering.readings.take  # type: ignore


class StartsFirst(Talkative):
    """A start acts, and is written down afterwards."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        bays, write = self.charging.bays, self.charging.bays._write_start

        def hasty(session: Any, facts: Any, holder: Any) -> Any:
            if session.connector.status == "Preparing":
                session.connector.become("Charging")
            return write(session, facts, holder)

        bays._write_start = hasty  # type: ignore[method-assign]


class StopsFirst(Talkative):
    """A stop acts, and is written down afterwards."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        bays = self.charging.bays

        def hasty(connector: int, reason: Any, id_tag: str | None = None) -> None:
            if transaction := self.transactions.on(connector):
                bays._over(bays.session(connector), reason)
                bays.stops.write([transaction], reason, id_tag)

        self.charging.stop = bays.stop = hasty  # type: ignore[method-assign]


class NothingOwed(Talkative):
    """A cable is pulled while the file fails: nobody writes down later that the transaction has ended."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.charging.owed.add = lambda connector, write, why: self.transactions.over.add(connector)  # type: ignore


class AcceptsFirst(Talkative):
    """RemoteStartTransaction is Accepted before the start is written down, and then it cannot be."""

    async def answer(self, call: Call) -> CallResult | CallError | None:
        payload: Any = call.payload
        connector = payload.get("connectorId", 0)
        ready = call.action == "RemoteStartTransaction" and connector in self.connectors
        ready = ready and self.charging.may_start(connector)
        reply = await super().answer(call)
        return CallResult(call.unique_id, {"status": "Accepted"}) if ready else reply


class OnlineForEver(Talkative):
    """A bug below the connection ends the life, and the state says online for ever."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        life = self.life

        async def bare(work: Any) -> Any:
            return await work

        async def run() -> None:
            try:
                await keep_connected(life._dial, life._serve, life._waits, fire=life.machine.fire)
            except StoreFailed:
                return

        life._unless_it_fails = bare  # type: ignore[method-assign]
        life.run = run  # type: ignore[method-assign,assignment]
        self._ended = lambda life: None  # type: ignore[method-assign]


class IntervalForgotten(Talkative):
    """The interval that came with Pending or Rejected ends with the connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        connect = self.life._connect

        async def forgetting(pipe: Any, proved: Any) -> None:
            self.life.duties.boot_interval.end()
            await connect(pipe, proved)

        self.life._connect = forgetting  # type: ignore[method-assign]


class NoEnd(Talkative):
    """A handler whose own call fails says nothing."""

    async def answer(self, call: Call) -> CallResult | CallError | None:
        if call.action == "DataTransfer":
            try:
                await self.call(m.HeartbeatRequest())
            except OcppError:
                return None
        return await super(Talkative, self).answer(call)


class TimeGoesBack(Talkative):
    """A timestamp is what the clock says, also when it has been set back, or stands still."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.clock.stamp = self.clock.now  # type: ignore[method-assign]


class TimeForgotten(Talkative):
    """After a power cut nobody knows which timestamps were given; the clock may be behind them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.clock._newest = None


# The ledger -----------------------------------------------------------------------------------------------------------


class NoMemory(Ledger):
    """Every start is a new transaction: the driver of a repeat pays twice."""

    def __init__(self, path: str = ":memory:") -> None:
        super().__init__(path)
        (table,) = self.query("SELECT sql FROM sqlite_master WHERE name = 'transactions'")
        head, unique, _ = table["sql"].partition(",\n    UNIQUE")
        if unique:
            self._db.execute("DROP TABLE transactions")
            self._db.execute(f"{head})")

    def start(self, identity: str, request: m.StartTransactionRequest) -> int:
        event = (identity, request.connector_id, request.id_tag, _instant(request.timestamp), request.meter_start)
        sql = "INSERT INTO transactions (identity, connector, id_tag, started, meter_start) VALUES (?,?,?,?,?)"
        return self._db.insert(sql, event)


class TwoForOne(Ledger):
    """A start with the same meter reading is taken for a repeat: the next driver gets the last one's transaction."""

    def start(self, identity: str, request: m.StartTransactionRequest) -> int:
        event = (identity, request.connector_id, request.id_tag, request.meter_start)
        sql = "SELECT id FROM transactions WHERE (identity, connector, id_tag, meter_start) = (?,?,?,?)"
        found = self.query(sql, *event)
        return int(found[0]["id"]) if found else super().start(identity, request)


class FullIsAFailure(Ledger):
    """A message that a full disk cannot keep gets InternalError: after a few of them a charge point gives it up."""

    def start(self, identity: str, request: m.StartTransactionRequest) -> int:
        try:
            return super().start(identity, request)
        except StoreFailed as error:
            raise RuntimeError("a bug") from error


class AnswersAllTheSame(Ledger):
    """A stop that a full disk cannot keep is answered: the charge point forgets it. It has no part in a group, or that
    would tell on it."""

    def stop(self, identity: str, request: m.StopTransactionRequest) -> None:
        with suppress(StoreFailed), at_once():
            super().stop(identity, request)


# The central system ---------------------------------------------------------------------------------------------------


class _Unasked(Written):
    """An answer that waits for nothing that was written for it."""

    async def durable(self) -> None:
        return


class AnsweredBeforeCommitted(CentralSystem):
    """An answer leaves in the turn in which it was written; the commit comes in the next, or never."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.groups.answer = lambda: _Unasked(self.groups)  # type: ignore[method-assign]


class _Deaf(Written):
    """It waits until the group is over, and does not ask how it ended."""

    async def durable(self) -> None:
        with suppress(StoreFailed):
            await super().durable()

    def check(self) -> None:
        return


class OneFailsAlone(CentralSystem):
    """A statement fails, and only its own answer says so: what the others wrote was undone with it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.groups.answer = lambda: _Deaf(self.groups)  # type: ignore[method-assign]


def _instant(timestamp: Any) -> str:
    return str(timestamp.isoformat(timespec="milliseconds"))


BUGS: dict[str, Any] = {
    "in-flight call not cleared at disconnect": partial(chaos, pending=NotCleared),
    "disconnection consumes an attempt": partial(chaos, outbox=LossConsumes),
    "SecurityError consumes an attempt": partial(chaos, outbox=SecurityErrorConsumes),
    "a hanging central system consumes attempts": partial(chaos, outbox=HangingConsumes),
    "a swallowed message blocks the lane": partial(storm, outbox=SwallowedBlocks),
    "retry delay counted from creation": partial(chaos, outbox=DelayFromCreation),
    "same unique id on resend": partial(chaos, session=SameIdAgain),
    "row deleted before the reply": partial(chaos, outbox=DeletedBeforeReply),
    "transactionId never patched": partial(chaos, outbox=NeverPatched),
    "ledger without de-duplication": partial(chaos, ledger=NoMemory),
    "ledger that takes two different starts for one": partial(chaos, ledger=TwoForOne),
    "boot dropped on overflow": partial(storm, session=BootDropped),
    "pong timeout closes but nobody redials": partial(chaos, charge_point=NobodyRedials),
    "first message after reconnect lost": partial(chaos, outbox=FirstAfterReconnectLost),
    "reader awaits the handler": partial(chaos, session=ReaderAwaits),
    # Beyond the list.
    "a retry goes to the end of the queue": partial(chaos, outbox=RetryGoesToTheEnd),
    "a message is never given up": partial(storm, outbox=NeverGivesUp),
    "any reply resolves the pending call": partial(chaos, pending=AnyReplyWillDo),
    "a transaction is stopped again after a power cut": partial(chaos, charge_point=StopsAgain),
    # When our own side fails.
    "a late result is ignored": partial(chaos, charge_point=LateIgnored),
    "a late result strikes out the head, whatever it is": partial(chaos, charge_point=LateStrikesTheHead),
    "a message that was answered while the file failed is sent again": partial(chaos, charge_point=AnswerForgotten),
    "the meter's task dies unheard": partial(chaos, charge_point=MeterDies),
    "a start acts before it is written": partial(chaos, charge_point=StartsFirst),
    "a stop acts before it is written": partial(chaos, charge_point=StopsFirst),
    "an end that could not be written is forgotten": partial(chaos, charge_point=NothingOwed),
    "a remote start is accepted before it is written": partial(chaos, charge_point=AcceptsFirst),
    "online after a bug below the connection": partial(chaos, charge_point=OnlineForEver),
    "the interval of Pending is forgotten at reconnect": partial(chaos, charge_point=IntervalForgotten),
    "a handler that fails says nothing": partial(chaos, charge_point=NoEnd),
    "InternalError on a full ledger": partial(chaos, ledger=FullIsAFailure),
    "a full ledger answers all the same": partial(chaos, ledger=AnswersAllTheSame),
    "timestamps go back with the clock": partial(chaos, charge_point=TimeGoesBack),
    "answered before the group is committed": partial(chaos, central_system=AnsweredBeforeCommitted),
    "one statement fails, the rest of its group is answered": partial(chaos, central_system=OneFailsAlone),
    "a restart forgets the newest timestamp": partial(wrong_clocks, charge_point=TimeForgotten),
    # What an operator asks for.
    **BUSINESS_BUGS,
}


def find(name: str, seeds: Any = range(MOST_SEEDS)) -> Report:
    """Explore with this bug in the stack."""
    return explore(BUGS[name], seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--find", action="store_true", help="print the table bug -> seed, invariant")
    parser.add_argument("--seeds", type=int, default=MOST_SEEDS)
    parser.add_argument("names", nargs="*", help="only bugs whose name contains one of these")
    options = parser.parse_args()
    for name in BUGS:
        if options.names and not any(part in name for part in options.names):
            continue
        failure = find(name, range(options.seeds)).failure
        found = f'({failure.seed}, "{failure.invariant}")' if failure else f"None, within {options.seeds} seeds"
        print(f'    "{name}": {found},', flush=True)
        if not options.find and failure:
            print(failure, flush=True)


if __name__ == "__main__":
    logging.disable()  # the bugs are told with their tracebacks, again and again
    main()
