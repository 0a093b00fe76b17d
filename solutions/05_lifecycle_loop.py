# %% [markdown]
# ![21:30 on Friday night. Each part passed its tests. Together they call a dead connection online.](../notebooks/pictures/05.svg)
#
# [START](../START.ipynb) · [notebook 5](../notebooks/05_lifecycle_loop.ipynb) · **7 steps and a capstone, about 2 h 45, 20 points** · [exercise 6 →](06_integration_and_metrics.ipynb)
#
# # Exercise 5. Lifecycle loop: how do the parts live, die and come back as one?
#
# **21:30.** The central system restarts, a link goes half-open, the power blinks. Every part of `CP_1` is right. Glued
# by hand they are not: after three cuts three heartbeats beat, and a dead connection still counts as *online*.
#
# You write who may speak when, the boot, the heartbeat and the watch. Then you put them into one life: what lives on a
# connection dies with it, and what outlives it is handed on by name.
#
# - **Before:** notebook [5](../notebooks/05_lifecycle_loop.ipynb), exercises [3](03_session_reconnect.ipynb) and
#   [4](04_call_correlation.ipynb). What you have not written yet comes from the package.
# - **Level:** you can write a class, and you have used `asyncio.sleep`, `asyncio.timeout`, a task and an
#   `asyncio.Event`. 5.6 and 5.7 use `asyncio.TaskGroup`.
# - **Points:** seven steps and a capstone, 20 points. **Time:** about 2 hours 45 minutes, an estimate. Each step says
#   its own. Take it in four sittings; between them everything that passed is kept.
#
# | sitting | steps | about |
# |---|---|---|
# | 1 | 5.1 the gate, 5.2 `boot` | 35 minutes |
# | 2 | 5.3 `Heartbeat`, 5.4 `TransactionIds` | 40 minutes |
# | 3 | 5.5 `watch`, 5.6 `online` | 40 minutes |
# | 4 | 5.7 `ChargePoint`, capstone | 50 minutes |

# %% tags=["scaffold"]
from ocpp_course import lab
from ocpp_course import check, hint, mine, progress, solution, use_reference

guard = lab.Guard()
guard

# %% [markdown]
# Run a stub cell, then the cell below it: it says what is right, what is wrong, and why.
# Stuck? `hint("5.1")` gives one hint more each time. `solution("5.1")` shows our answer.
# `boot = use_reference("5.2")` takes the package's piece, for no points.
#
# In brackets stands where OCPP says it: *J-spec* is OCPP-J 1.6, the JSON transport; *core* is OCPP 1.6 edition 2;
# *errata* are their official corrections; *whitepaper* is the security whitepaper. A *connection* is one WebSocket
# between the charge point and the central system.

# %% [markdown]
# ## 5.1 The gate: `may_send`, `may_serve`
#
# A charge point that is not accepted yet may send nearly nothing (core 4.2). Its *registration* is the status in the
# last answer to its BootNotification: "Accepted", "Pending", "Rejected", or None if no answer came yet.
#
# A *gate* is a function that decides, and does nothing else: its answer depends on its arguments alone.
#
# What it may send:
#
# - BootNotification always.
# - Accepted: everything. Pending: only what the central system asked for with TriggerMessage (`triggered`).
#   Rejected, and None: nothing, triggered or not.
# - What may not go now: the transaction messages StartTransaction, StopTransaction and MeterValues wait ("queue"); any
#   other is refused to whoever wanted to send it ("refuse").
#
# How it answers calls of the central system:
#
# - Accepted: it serves all.
# - Pending: it serves all but RemoteStartTransaction and RemoteStopTransaction; those are answered with status Rejected
#   ("refuse").
# - Rejected: it does not answer at all ("silent").
#
# The check asks for every action, every registration, triggered and not. Four rows of that table:
#
# | action | registration | triggered | `may_send` |
# |---|---|---|---|
# | BootNotification | None | no | "send" |
# | StatusNotification | "Pending" | yes | "send" |
# | StartTransaction | "Pending" | no | "queue" |
# | Heartbeat | "Rejected" | no | "refuse" |

# %%
### STEP 5.1 · 2 points · 15 minutes
### HINT There are three kinds of action: the boot, the three transaction messages, and all others. Write a table with
###      these three rows and a column for each of the four registrations, then fill it from the text.
### HINT `TRANSACTION_MESSAGES = {"StartTransaction", "StopTransaction", "MeterValues"}`; the last line tells "queue" from
###      "refuse".
### HINT `if action == "BootNotification" or registration == "Accepted" or (registration == "Pending" and triggered):
###      return "send"`
from typing import Literal


### BEGIN SOLUTION
TRANSACTION_MESSAGES = {"StartTransaction", "StopTransaction", "MeterValues"}
REMOTE = {"RemoteStartTransaction", "RemoteStopTransaction"}


def may_send(action: str, registration: str | None, *, triggered: bool = False) -> Literal["send", "queue", "refuse"]:
    """Whether an own call may go out now, has to wait, or is refused. `triggered`: TriggerMessage asked for it."""
    if action == "BootNotification" or registration == "Accepted" or (registration == "Pending" and triggered):
        return "send"
    return "queue" if action in TRANSACTION_MESSAGES else "refuse"


def may_serve(action: str, registration: str | None) -> Literal["serve", "refuse", "silent"]:
    """Whether a call of the central system is served, answered with status Rejected, or not answered at all.

    What it says for the registration None is not checked.
    """
    if registration == "Rejected":
        return "silent"
    return "refuse" if registration == "Pending" and action in REMOTE else "serve"


### WRONG pending-sends-nothing -> pending-triggered: what TriggerMessage asked for must go out.
def may_send(action, registration, *, triggered=False):
    if action == "BootNotification" or registration == "Accepted":
        return "send"
    return "queue" if action in TRANSACTION_MESSAGES else "refuse"


### WRONG transactions-refused -> transactions-wait: a StartTransaction before Accepted is kept, not lost.
def may_send(action, registration, *, triggered=False):
    if action == "BootNotification" or registration == "Accepted" or (registration == "Pending" and triggered):
        return "send"
    return "refuse"


### WRONG triggered-beats-rejected -> whole-table: Rejected sends nothing, triggered or not (core 4.2).
def may_send(action, registration, *, triggered=False):
    if action == "BootNotification" or registration == "Accepted" or triggered:
        return "send"
    return "queue" if action in TRANSACTION_MESSAGES else "refuse"


### WRONG pending-silent -> remote-in-pending: in Pending the central system configures us; answer.
def may_serve(action, registration):
    return "serve" if registration == "Accepted" else "silent"


### WRONG rejects-politely -> rejected-silent: a rejected charge point SHALL NOT answer.
def may_serve(action, registration):
    if registration == "Rejected":
        return "refuse"
    return "refuse" if registration == "Pending" and action in REMOTE else "serve"


### WRONG boot-gated -> boot-goes: nothing else can get us accepted; a boot always goes.
def may_send(action, registration, *, triggered=False):
    if registration == "Accepted" or (registration == "Pending" and triggered):
        return "send"
    if action == "BootNotification" and registration is None:
        return "send"
    return "queue" if action in TRANSACTION_MESSAGES else "refuse"


### WRONG examples-only -> whole-table: right for the four rows shown, and not for every action, registration and trigger.
def may_send(action, registration, *, triggered=False):
    if action == "BootNotification":
        return "send"
    rows = {
        ("StatusNotification", "Pending", True): "send",
        ("StartTransaction", "Pending", False): "queue",
        ("Heartbeat", "Rejected", False): "refuse",
    }
    return rows.get((action, registration, triggered), "refuse")


### RIGHT match
def may_send(action, registration, *, triggered=False):
    match action, registration, triggered:
        case ("BootNotification", _, _) | (_, "Accepted", _) | (_, "Pending", True):
            return "send"
        case ("StartTransaction" | "StopTransaction" | "MeterValues", _, _):
            return "queue"
    return "refuse"


def may_serve(action, registration):
    match registration, action:
        case "Rejected", _:
            return "silent"
        case "Pending" | None, "RemoteStartTransaction" | "RemoteStopTransaction":
            return "refuse"
    return "serve"


### RIGHT sets
EVERYTHING = {"Authorize", "DataTransfer", "DiagnosticsStatusNotification", "FirmwareStatusNotification"}
EVERYTHING |= {"Heartbeat", "StatusNotification", "BootNotification"} | TRANSACTION_MESSAGES
SENDS = {
    ("Accepted", False): EVERYTHING,
    ("Accepted", True): EVERYTHING,
    ("Pending", True): EVERYTHING,
}


def may_send(action, registration, *, triggered=False):
    if action in SENDS.get((registration, triggered), set()) | {"BootNotification"}:
        return "send"
    return ("refuse", "queue")[action in TRANSACTION_MESSAGES]


### END SOLUTION

# %%
check("5.1", may_send, may_serve)

# %% [markdown]
# ## 5.2 `boot`: until accepted
#
# The first thing that a charge point sends is BootNotification, and it repeats it until the answer is Accepted. It never
# gives up. What came last says how long it waits before the next one:
#
# | what came | the wait |
# |---|---|
# | Pending or Rejected | `interval` s of the answer (above a day, a day will do); 0 leaves it to us: `retry_interval` s |
# | `CallFailed`, `CallTimeout`, `MalformedReply` | `retry_interval` s |
# | `ConnectionLost` | none: `boot` raises it, because another connection has to come first |
# | any other error | none: `boot` raises it, because it is a bug |
#
# A wait begins when the answer came, or the error. `await call(request)` always ends by itself, with an answer or an
# error, and it may take longer than `retry_interval`.
#
# `Call2` is our name for the type of `call`: a function to which you give a request, and whose result you await to get
# the response. Here it is the `call` of a session.

# %%
### STEP 5.2 · 2 points · 20 minutes
### HINT Write a loop that never ends by itself. In each turn: call, and find out how many seconds to wait. At its end
###      there is one `await asyncio.sleep(wait)`.
### HINT `wait = response.interval or retry_interval`
### HINT `except (CallFailed, CallTimeout, MalformedReply): wait = retry_interval`; at the end of the loop
###      `await asyncio.sleep(wait)`.
import asyncio
from collections.abc import Awaitable, Callable

from ocpp_lab import CallFailed, CallTimeout, ConnectionLost, MalformedReply
from ocpp_lab.messages import BootNotificationRequest, BootNotificationResponse, Request, Response

Call2 = Callable[[Request], Awaitable[Response]]


### BEGIN SOLUTION
async def boot(
    call: Call2,
    request: BootNotificationRequest,
    *,
    retry_interval: float = 60.0,
    on_answer: Callable[[BootNotificationResponse], None] | None = None,
) -> BootNotificationResponse:
    """`await call(request)` until the answer is Accepted; returns that answer.

    Waits as the table says, in seconds. `on_answer(response)`, if given, is told of each answer when it comes.
    """
    while True:
        try:
            response = await call(request)
        except (CallFailed, CallTimeout, MalformedReply):
            wait = retry_interval
        else:
            if on_answer:
                on_answer(response)
            if response.status == "Accepted":
                return response
            wait = response.interval or retry_interval
        await asyncio.sleep(wait)


### WRONG once -> retries-timeout: one lost answer and the charge point is dead until somebody visits.
async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    while True:
        response = await call(request)
        if on_answer:
            on_answer(response)
        if response.status == "Accepted":
            return response
        await asyncio.sleep(response.interval or retry_interval)


### WRONG malformed-fatal -> retries-malformed: an unreadable answer is no end (libocpp stops here until a restart):
###       wait, and boot again.
async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    while True:
        wait = retry_interval
        try:
            response = await call(request)
            if on_answer:
                on_answer(response)
            if response.status == "Accepted":
                return response
            wait = response.interval or retry_interval
        except (CallFailed, CallTimeout):
            pass
        await asyncio.sleep(wait)


### WRONG interval-zero-spins -> zero-no-flood: interval 0 means your own choice, not a flood (core 4.2).
async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    while True:
        try:
            response = await call(request)
        except (CallFailed, CallTimeout, MalformedReply):
            await asyncio.sleep(retry_interval)
            continue
        if on_answer:
            on_answer(response)
        if response.status == "Accepted":
            return response
        await asyncio.sleep(response.interval)


### WRONG rejected-raises -> waits-interval: Rejected today may be Accepted later.
class Refused(Exception):
    pass


async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    while True:
        wait = retry_interval
        try:
            response = await call(request)
        except (CallFailed, CallTimeout, MalformedReply):
            await asyncio.sleep(wait)
            continue
        if on_answer:
            on_answer(response)
        if response.status == "Rejected":
            raise Refused("the central system does not want us")
        if response.status == "Accepted":
            return response
        await asyncio.sleep(response.interval or wait)


### WRONG swallows-loss -> loss-leaves: retried on a dead connection; only a new one can help.
async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    while True:
        wait = retry_interval
        try:
            response = await call(request)
            if on_answer:
                on_answer(response)
            if response.status == "Accepted":
                return response
            wait = response.interval or retry_interval
        except (CallFailed, CallTimeout, MalformedReply, ConnectionLost):
            pass
        await asyncio.sleep(wait)


### WRONG accepts-pending -> accepted: returned at Pending.
async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    while True:
        wait = retry_interval
        try:
            response = await call(request)
            if on_answer:
                on_answer(response)
            if response.status != "Rejected":
                return response
            wait = response.interval or retry_interval
        except (CallFailed, CallTimeout, MalformedReply):
            pass
        await asyncio.sleep(wait)


### WRONG gives-up -> retries-timeout: it gave up; a charge point boots until it is accepted, however long that takes.
from contextlib import suppress


async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    for _ in range(10):
        wait = retry_interval
        with suppress(CallFailed, CallTimeout, MalformedReply):
            response = await call(request)
            if on_answer:
                on_answer(response)
            if response.status == "Accepted":
                return response
            wait = response.interval or retry_interval
        await asyncio.sleep(wait)
    raise CallTimeout


### WRONG from-the-send -> waits-interval: a wait begins when the answer came.
from contextlib import suppress


async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    time = asyncio.get_running_loop().time
    while True:
        begun, wait = time(), retry_interval
        with suppress(CallFailed, CallTimeout, MalformedReply):
            response = await call(request)
            if on_answer:
                on_answer(response)
            if response.status == "Accepted":
                return response
            wait = response.interval or retry_interval
        await asyncio.sleep(begun + wait - time())


### WRONG the-shorter-wait -> waits-interval: wait `interval` seconds after such an answer.
from contextlib import suppress


async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    while True:
        wait = retry_interval
        with suppress(CallFailed, CallTimeout, MalformedReply):
            response = await call(request)
            if on_answer:
                on_answer(response)
            if response.status == "Accepted":
                return response
            wait = min(response.interval, retry_interval) or retry_interval
        await asyncio.sleep(wait)


### WRONG ten-minutes-at-most -> waits-interval: `interval` may be hours: wait all of it.
from contextlib import suppress


async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    while True:
        wait = retry_interval
        with suppress(CallFailed, CallTimeout, MalformedReply):
            response = await call(request)
            if on_answer:
                on_answer(response)
            if response.status == "Accepted":
                return response
            wait = min(response.interval or retry_interval, 600)
        await asyncio.sleep(wait)


### WRONG gives-up-late -> retries-timeout: it gave up; a charge point boots until it is accepted, however long that
###       takes.
from contextlib import suppress


async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    for _ in range(1000):
        wait = retry_interval
        with suppress(CallFailed, CallTimeout, MalformedReply):
            response = await call(request)
            if on_answer:
                on_answer(response)
            if response.status == "Accepted":
                return response
            wait = response.interval or retry_interval
        await asyncio.sleep(wait)


### WRONG sticky-wait -> retries-timeout: what came last says how long to wait, and not what came before it.
async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    wait = retry_interval
    while True:
        try:
            response = await call(request)
        except (CallFailed, CallTimeout, MalformedReply):
            pass
        else:
            if on_answer:
                on_answer(response)
            if response.status == "Accepted":
                return response
            wait = response.interval or retry_interval
        await asyncio.sleep(wait)


### WRONG impatient -> retries-timeout: `call` ends by itself, with an answer or an error, and may take longer than
###       `retry_interval`.
_boot = boot


async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    async def in_time(request):
        try:
            return await asyncio.wait_for(call(request), retry_interval)
        except TimeoutError:
            raise CallTimeout from None

    return await _boot(in_time, request, retry_interval=retry_interval, on_answer=on_answer)


### WRONG calls-itself -> retries-timeout: each boot is one level deeper than the one before, and the levels run out; a
###       loop has no end.
async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    wait = retry_interval
    try:
        response = await call(request)
        if on_answer:
            on_answer(response)
        if response.status == "Accepted":
            return response
        wait = response.interval or retry_interval
    except (CallFailed, CallTimeout, MalformedReply):
        pass
    await asyncio.sleep(wait)
    return await boot(call, request, retry_interval=retry_interval, on_answer=on_answer)


### WRONG keeps-bugs -> loss-leaves: an error that the table does not name was kept; let it leave.
_boot = boot


async def boot(call, request, **options):
    async def calm(request):
        try:
            return await call(request)
        except ConnectionLost:
            raise
        except Exception as error:
            raise CallTimeout from error

    return await _boot(calm, request, **options)


### RIGHT next-wait
async def boot(call, request, *, retry_interval=60.0, on_answer=lambda response: None):
    async def ask():
        try:
            return await call(request)
        except (CallFailed, CallTimeout, MalformedReply):
            return None

    while (response := await ask()) is None or not accepted(response, on_answer):  # noqa: ASYNC110
        await asyncio.sleep(response.interval if response and response.interval > 0 else retry_interval)
    return response


def accepted(response, on_answer):
    if on_answer is not None:
        on_answer(response)
    return response.status == "Accepted"


### RIGHT generator-of-answers
async def answers(call, request, retry_interval):
    while True:
        wait = retry_interval
        try:
            response = await call(request)
        except Exception as error:
            if not isinstance(error, CallFailed | CallTimeout | MalformedReply):
                raise
        else:
            yield response
            wait = max(0, response.interval) or retry_interval
        event = asyncio.Event()
        try:  # noqa: SIM105
            await asyncio.wait_for(event.wait(), wait)
        except TimeoutError:
            pass


async def boot(call, request, *, retry_interval=60.0, on_answer=None):
    stream = answers(call, request, retry_interval)
    try:
        async for response in stream:
            if on_answer:
                on_answer(response)
            if response.status == "Accepted":
                return response
    finally:
        await stream.aclose()


### END SOLUTION

# %%
check("5.2", boot)

# %% [markdown]
# ## 5.3 `Heartbeat`: the sign of life
#
# The answer to the boot says how long the `interval` is. It is an interval of *inactivity*: when the charge point has
# sent no call of its own for so many seconds, it sends a heartbeat (core 4.6). Whoever sends another call says so with
# `touch()`. A heartbeat is a call of its own, too.
#
# The answer to a heartbeat tells the time; of the other answers only that to a boot does. So a charge point that is
# busy all day has to send one as well: at least one each `at_least` seconds (J-spec 5.3).
#
# - `interval` and `at_least` count from the instant in which something was *sent*, and not from its answer. At first
#   they count from the instant in which the `Heartbeat` object was made. If a heartbeat is overdue when `run` begins,
#   it goes out at once.
# - Each heartbeat counts for `at_least`, also one that `interval` asked for, and also one that was not answered.
# - `interval` may be set at any time. The wait under way is counted anew: the heartbeat is due at the last own call +
#   the new interval. If that is over already, it goes out at once.
# - There is one heartbeat at a time: the next one waits for the answer of the one before.
#
# The clock is that of the event loop, `asyncio.get_running_loop().time()`. In the check it runs much faster than the
# clock on the wall.

# %%
### STEP 5.3 · 2 points · 20 minutes
### HINT Keep two instants: of the last own call, and of the last heartbeat. From them compute when the next heartbeat is
###      due. Compute it again whenever something has changed.
### HINT `asyncio.Event`, set by `touch` and by the setter of `interval`, ends a wait that is too long or too short.
### HINT `due = min(last_call + interval, last_beat + at_least)`; wait for the event with a timeout of what is left until
###      then, and compute it again.
import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NoReturn

from ocpp_lab import CallFailed, CallTimeout, ConnectionLost, MalformedReply
from ocpp_lab.messages import HeartbeatRequest, Request, Response

Call2 = Callable[[Request], Awaitable[Response]]


### BEGIN SOLUTION
class Heartbeat:
    """A heartbeat after `interval` s without own call, and one at least every `at_least` s."""

    def __init__(
        self,
        call: Call2,
        interval: float,
        *,
        on_time: Callable[[datetime], None] | None = None,
        at_least: float = 86_400.0,
    ) -> None:
        """`await call(HeartbeatRequest())` sends one. `on_time(response.current_time)` is told of each answer."""
        self.call, self.on_time, self.at_least = call, on_time, at_least
        self.now = asyncio.get_running_loop().time
        self.last_call = self.last_beat = self.now()
        self.changed = asyncio.Event()
        self.interval = interval

    @property
    def interval(self) -> float:
        """Seconds."""
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        """Counts at once."""
        self._interval = seconds
        self.changed.set()

    def touch(self) -> None:
        """Another own call went out."""
        self.last_call = self.now()

    async def run(self) -> NoReturn:
        """Beat until cancelled. If `call` raises CallFailed, CallTimeout or MalformedReply, go on.

        Raises ConnectionLost, and any other error, when `call` does. Cancelled, it ends at once with CancelledError.
        """
        while True:
            while (left := min(self.last_call + self.interval, self.last_beat + self.at_least) - self.now()) > 0:
                self.changed.clear()
                try:
                    async with asyncio.timeout(left):
                        await self.changed.wait()
                except TimeoutError:
                    pass
            self.last_call = self.last_beat = self.now()
            try:
                response = await self.call(HeartbeatRequest())
            except (CallFailed, CallTimeout, MalformedReply):
                continue
            if self.on_time:
                self.on_time(response.current_time)


### WRONG fixed-timer -> touch-postpones: the interval is of inactivity (core 4.6).
class Heartbeat(Heartbeat):
    def touch(self):
        pass


### WRONG old-interval-first -> new-interval-now: the change waited an hour.
class Heartbeat(Heartbeat):
    async def run(self):
        while True:
            while (left := min(self.last_call + self.interval, self.last_beat + self.at_least) - self.now()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(left)
            self.last_call = self.last_beat = self.now()
            try:
                response = await self.call(HeartbeatRequest())
            except (CallFailed, CallTimeout, MalformedReply):
                continue
            if self.on_time:
                self.on_time(response.current_time)


### WRONG drifts -> cadence: each beat is late by the latency of all before; count from the send.
class Heartbeat(Heartbeat):
    def __init__(self, call, interval, **options):
        async def timed(request):
            try:
                return await call(request)
            finally:
                self.last_call = self.last_beat = self.now()

        super().__init__(timed, interval, **options)


### WRONG never-when-busy -> one-a-day: a busy charge point never learnt the time.
class Heartbeat(Heartbeat):
    def __init__(self, call, interval, *, on_time=None, at_least=86_400.0):
        super().__init__(call, interval, on_time=on_time, at_least=float("inf"))


### WRONG dies-of-timeout -> survives-failure: one unanswered heartbeat ended all.
class Heartbeat(Heartbeat):
    def __init__(self, call, interval, **options):
        async def strict(request):
            try:
                return await call(request)
            except CallTimeout as error:
                raise ConnectionLost("no answer") from error

        super().__init__(strict, interval, **options)


### WRONG beats-when-lost -> ends-on-loss: beating on a dead connection.
class Heartbeat(Heartbeat):
    def __init__(self, call, interval, **options):
        async def calm(request):
            try:
                return await call(request)
            except ConnectionLost as error:
                raise CallTimeout from error

        super().__init__(calm, interval, **options)


### WRONG from-the-run -> cadence: the first interval begins when `Heartbeat` was made.
class Heartbeat(Heartbeat):
    async def run(self):
        self.last_call = self.last_beat = self.now()
        await super().run()


### WRONG beats-at-once -> cadence: one heartbeat at a time: the next one waits for the answer.
from contextlib import suppress


class Heartbeat(Heartbeat):
    async def run(self):
        async with asyncio.TaskGroup() as group:
            while True:
                while (left := min(self.last_call + self.interval, self.last_beat + self.at_least) - self.now()) > 0:
                    self.changed.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.changed.wait(), left)
                self.last_call = self.last_beat = self.now()
                group.create_task(self.beat())

    async def beat(self):
        with suppress(CallFailed, CallTimeout, MalformedReply):
            response = await self.call(HeartbeatRequest())
            if self.on_time:
                self.on_time(response.current_time)


### WRONG without-pause -> cadence: a beat `interval` s after the one before, by the clock
###       `asyncio.get_running_loop().time()`.
class Heartbeat(Heartbeat):
    async def run(self):
        due = self.now() + self.interval
        while True:
            await asyncio.sleep(due - self.now())
            response = await self.call(HeartbeatRequest())
            if self.on_time:
                self.on_time(response.current_time)


### WRONG eager -> cadence: the first beat comes `interval` s after `Heartbeat` was made, and not at once.
class Heartbeat(Heartbeat):
    async def run(self):
        self.last_call -= self.interval
        await super().run()


### WRONG counts-from-the-change -> new-interval-now: a new interval counts from the last own call.
class Heartbeat(Heartbeat):
    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name == "interval" and hasattr(self, "last_call"):
            self.touch()


### WRONG dies-of-callerror -> survives-failure: one CallError ended all; the next heartbeat may be answered.
class Heartbeat(Heartbeat):
    def __init__(self, call, interval, **options):
        async def strict(request):
            try:
                return await call(request)
            except CallFailed as error:
                raise ConnectionLost("refused") from error

        super().__init__(strict, interval, **options)


### WRONG touch-forgotten -> touch-postpones: touched while a heartbeat was under way, and forgotten when its answer came.
class Heartbeat(Heartbeat):
    def __init__(self, call, interval, **options):
        async def timed(request):
            sent = self.now()
            try:
                return await call(request)
            finally:
                self.last_call = sent

        super().__init__(timed, interval, **options)


### WRONG never-cancelled -> cancel: cancellation was swallowed; let it through.
class Heartbeat(Heartbeat):
    def __init__(self, call, interval, **options):
        async def stubborn(request):
            try:
                return await call(request)
            except asyncio.CancelledError:
                raise CallTimeout from None

        super().__init__(stubborn, interval, **options)


### WRONG day-of-its-own -> one-a-day: each heartbeat carries the time, also one that `interval` asked for: `at_least`
###       counts from the last one.
class Heartbeat(Heartbeat):
    def __init__(self, call, interval, **options):
        async def daily(request):
            if self.now() < self.day + self.at_least:
                self.last_beat = self.day
            self.day = self.last_beat
            return await call(request)

        super().__init__(daily, interval, **options)
        self.day = self.now()


### WRONG day-when-answered -> survives-failure: `at_least` counts from the instant of the send, answered or not.
class Heartbeat(Heartbeat):
    def __init__(self, call, interval, **options):
        async def counted(request):
            before, self.last_beat = self.answered, self.now()
            try:
                response = await call(request)
            except CallTimeout:
                self.last_beat = before
                raise
            self.answered = self.last_beat
            return response

        super().__init__(counted, interval, **options)
        self.answered = self.now()


### WRONG reads-nothing -> new-interval-now: `interval` gave None; is a `return` missing?
class Heartbeat(Heartbeat):
    @property
    def interval(self):
        self._interval

    @interval.setter
    def interval(self, seconds):
        self._interval = seconds
        self.changed.set()

    async def run(self):
        while True:
            while (left := min(self.last_call + self._interval, self.last_beat + self.at_least) - self.now()) > 0:
                self.changed.clear()
                try:
                    async with asyncio.timeout(left):
                        await self.changed.wait()
                except TimeoutError:
                    pass
            self.last_call = self.last_beat = self.now()
            try:
                response = await self.call(HeartbeatRequest())
            except (CallFailed, CallTimeout, MalformedReply):
                continue
            if self.on_time:
                self.on_time(response.current_time)


### WRONG bug-kept -> ends-on-loss: only the three errors of the contract are no reason to stop.
class Heartbeat(Heartbeat):
    def __init__(self, call, interval, **options):
        async def calm(request):
            try:
                return await call(request)
            except ConnectionLost:
                raise
            except Exception as error:
                raise CallTimeout from error

        super().__init__(calm, interval, **options)


### RIGHT call-at
class Heartbeat:
    def __init__(self, call, interval, *, on_time=lambda time: None, at_least=86_400.0):
        self.call, self.on_time, self.at_least, self._interval = (
            call,
            on_time or (lambda time: None),
            at_least,
            interval,
        )
        self.loop = asyncio.get_running_loop()
        self.beat_at = self.call_at = self.loop.time()
        self.timer = None
        self.due = asyncio.Event()

    interval = property(lambda self: self._interval)

    @interval.setter
    def interval(self, seconds):
        self._interval = seconds
        self.arm()

    def touch(self):
        self.call_at = self.loop.time()
        self.arm()

    def arm(self):
        if self.timer:
            self.timer.cancel()
            self.timer = self.loop.call_at(
                min(self.call_at + self._interval, self.beat_at + self.at_least), self.due.set
            )

    async def run(self):
        self.timer = self.loop.call_soon(lambda: None)
        try:
            while True:
                self.arm()
                await self.due.wait()
                self.due.clear()
                self.touch()
                self.beat_at = self.call_at
                try:  # noqa: SIM105
                    self.on_time((await self.call(HeartbeatRequest())).current_time)
                except (CallFailed, CallTimeout, MalformedReply):
                    pass
        finally:
            self.timer.cancel()


### RIGHT wait-for
class Heartbeat:
    def __init__(self, call, interval, *, on_time=None, at_least=86_400.0):
        self.call, self.seconds, self.tell, self.day = call, interval, on_time, at_least
        self.woken = asyncio.Queue()
        self.sent = self.beaten = asyncio.get_event_loop().time()

    interval = property(lambda self: self.seconds)

    def __setattr__(self, name, value):
        object.__setattr__(self, "seconds" if name == "interval" else name, value)
        if name == "interval":
            self.woken.put_nowait(None)

    def touch(self):
        self.sent = asyncio.get_event_loop().time()
        self.woken.put_nowait(None)

    async def run(self):
        time = asyncio.get_event_loop().time
        while True:
            try:
                left = min(self.sent + self.seconds, self.beaten + self.day) - time()
                await asyncio.wait_for(self.woken.get(), max(left, 0))
            except TimeoutError:
                self.sent = self.beaten = time()
                outcome = (await asyncio.gather(self.call(HeartbeatRequest()), return_exceptions=True))[0]
                if isinstance(outcome, CallFailed | CallTimeout | MalformedReply):
                    continue
                if isinstance(outcome, BaseException):
                    raise outcome from None
                if self.tell:
                    self.tell(outcome.current_time)


### END SOLUTION

# %%
check("5.3", Heartbeat)

# %% [markdown]
# ## 5.4 `TransactionIds`: the real id, later
#
# The charge point is offline. A driver starts, charges and stops. Three messages wait in the outbox, and the second and
# the third need a transaction id, which only the answer to the first will bring. So each is written down under a name of
# our own for the transaction, and it gets the id in the instant in which it is sent.
#
# An outbox entry is the `Entry(key, request, transaction, failures)` of step 3.4. `entry.transaction` is our name, or
# None. `Outbox.drain` calls `prepare(entry)` before each send. After the send it calls `on_result` or `on_drop`; there
# the owner calls `learn` or `give_up`.
#
# - Only `entry.transaction` says whether a message belongs to a transaction of ours. What the request holds does not.
# - Two transactions may run at once, and each has an id of its own. An id may be 0.
# - An answer may come after `give_up`. Its id is learnt all the same. `give_up` after `learn` changes nothing.
# - What was learnt or given up survives a power cut. The outbox may be in the same file, so leave its tables alone.

# %%
### STEP 5.4 · 3 points · 20 minutes
### HINT The id is known when StartTransaction is answered, and needed when the other messages are sent. So `learn` only
###      writes it down, and `prepare` looks it up.
### HINT One table of sqlite leads from our name (`entry.transaction`) to the id. Commit each change.
### HINT `msgspec.structs.replace(entry.request, transaction_id=…)` makes the copy.
import sqlite3

import msgspec

from ocpp_lab import Entry, Request
from ocpp_lab.messages import MeterValuesRequest, StopTransactionRequest


### BEGIN SOLUTION
class TransactionIds:
    """Our names of transactions and the central system's ids, in sqlite. It may share its file with an outbox."""

    def __init__(self, path: str) -> None:
        """Open the file at `path`; it is made if there is none. What was learnt before is known."""
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("CREATE TABLE IF NOT EXISTS real_ids (name TEXT PRIMARY KEY, id INTEGER)")

    def learn(self, transaction: str, transaction_id: int) -> None:
        """StartTransaction was answered with this id. Durable on return; to learn it again is harmless."""
        self.db.execute("INSERT OR REPLACE INTO real_ids VALUES (?,?)", (transaction, transaction_id))

    def give_up(self, transaction: str) -> None:
        """StartTransaction was dropped: there will never be an id. Durable on return."""
        self.db.execute("INSERT OR IGNORE INTO real_ids VALUES (?,-1)", (transaction,))

    def prepare(self, entry: Entry) -> Request:
        """The request to send now. Never raises, and changes nothing that waits.

        StopTransaction and MeterValues with an `entry.transaction` come as a copy with the real id; it is -1 after
        `give_up`, and while nothing is known of that name (core errata 3.18). All others come as they are.
        """
        if entry.transaction is None or not isinstance(entry.request, StopTransactionRequest | MeterValuesRequest):
            return entry.request
        row = self.db.execute("SELECT id FROM real_ids WHERE name = ?", (entry.transaction,)).fetchone()
        return msgspec.structs.replace(entry.request, transaction_id=row[0] if row else -1)

    def close(self) -> None:
        """Close the file."""
        self.db.close()


### WRONG patch-at-put -> patched: at the put the id was not known; patch at the send.
class TransactionIds(TransactionIds):
    def __init__(self, path):
        super().__init__(path)
        self.prepared = {}

    def prepare(self, entry):
        if entry.key not in self.prepared:
            self.prepared[entry.key] = super().prepare(entry)
        return self.prepared[entry.key]


### WRONG last-id-wins -> two-at-once: connector 1's meter values went into connector 2's transaction.
class TransactionIds(TransactionIds):
    def learn(self, transaction, transaction_id):
        self.db.execute("DELETE FROM real_ids")
        super().learn("newest", transaction_id)

    def prepare(self, entry):
        return super().prepare(entry._replace(transaction=entry.transaction and "newest"))


### WRONG memory-only -> after-restart: the id was learnt before the power cut and forgotten.
class TransactionIds(TransactionIds):
    def __init__(self, path):
        super().__init__(":memory:")


### WRONG zero-for-none -> minus-one: 0 is not -1; the central system would look for transaction 0.
class TransactionIds(TransactionIds):
    def prepare(self, entry):
        request = super().prepare(entry)
        if getattr(request, "transaction_id", None) == -1:
            return msgspec.structs.replace(request, transaction_id=0)
        return request


### WRONG drops-orphans -> minus-one: a stop without a start is still sent; it carries the energy.
class TransactionIds(TransactionIds):
    def prepare(self, entry):
        request = super().prepare(entry)
        return None if getattr(request, "transaction_id", None) == -1 else request


### WRONG patches-all -> no-transaction: these values belong to no transaction.
class TransactionIds(TransactionIds):
    def prepare(self, entry):
        if entry.transaction is None and isinstance(entry.request, MeterValuesRequest):
            row = self.db.execute("SELECT id FROM real_ids ORDER BY rowid DESC").fetchone()
            return msgspec.structs.replace(entry.request, transaction_id=row[0] if row else -1)
        return super().prepare(entry)


### WRONG in-place -> copy: the stored request was changed; send a copy.
class TransactionIds(TransactionIds):
    def prepare(self, entry):
        prepared = super().prepare(entry)
        if hasattr(prepared, "transaction_id"):
            entry.request.transaction_id = prepared.transaction_id
        return entry.request


### WRONG or-minus-one -> patched: the id 0 was learnt; it is an id like any other.
class TransactionIds(TransactionIds):
    def prepare(self, entry):
        request = super().prepare(entry)
        if entry.transaction is None or not hasattr(request, "transaction_id"):
            return request
        return msgspec.structs.replace(request, transaction_id=request.transaction_id or -1)


### WRONG stop-gets-the-newest -> two-at-once: a stop got the id of another driver's transaction.
class TransactionIds(TransactionIds):
    def prepare(self, entry):
        request = super().prepare(entry)
        if entry.transaction is None or not isinstance(request, StopTransactionRequest):
            return request
        known = self.db.execute("SELECT id FROM real_ids ORDER BY rowid DESC").fetchone()
        return msgspec.structs.replace(request, transaction_id=known[0] if known else -1)


### WRONG given-up-for-good -> minus-one: an answer came after `give_up`: its id is learnt all the same.
class TransactionIds(TransactionIds):
    def learn(self, transaction, transaction_id):
        self.db.execute("INSERT OR IGNORE INTO real_ids VALUES (?,?)", (transaction, transaction_id))


### WRONG gives-up-what-is-known -> minus-one: `give_up` came after `learn`: the id stays.
class TransactionIds(TransactionIds):
    def give_up(self, transaction):
        self.learn(transaction, -1)


### WRONG of-the-class -> minus-one: another object, with another file, has learnt this id: keep what is known on `self`,
###       and not on the class.
class TransactionIds(TransactionIds):
    known = {}  # noqa: RUF012

    def learn(self, transaction, transaction_id):
        super().learn(transaction, transaction_id)
        self.known[transaction] = transaction_id

    def prepare(self, entry):
        request = super().prepare(entry)
        if entry.transaction not in self.known or getattr(request, "transaction_id", None) != -1:
            return request
        return msgspec.structs.replace(request, transaction_id=self.known[entry.transaction])


### WRONG learns-nothing -> patched: the id was learnt before the send, and is not in what is sent.
class TransactionIds(TransactionIds):
    def learn(self, transaction, transaction_id):
        pass


### WRONG only-the-stop -> patched: StopTransaction and MeterValues both get the id.
class TransactionIds(TransactionIds):
    def prepare(self, entry):
        return super().prepare(entry) if entry.request.action == "StopTransaction" else entry.request


### WRONG unknown-raises -> patched: `prepare` never raises: while nothing is known of a name, -1 is sent (core errata
###       3.18).
class TransactionIds(TransactionIds):
    def prepare(self, entry):
        known = dict(self.db.execute("SELECT name, id FROM real_ids"))
        if entry.transaction is None or not isinstance(entry.request, StopTransactionRequest | MeterValuesRequest):
            return entry.request
        return msgspec.structs.replace(entry.request, transaction_id=known[entry.transaction])


### WRONG json -> after-restart: an outbox in the same file has wiped it out; keep it in a table of its own.
import json
from pathlib import Path


class TransactionIds(TransactionIds):
    def __init__(self, path):
        super().__init__(":memory:")
        self.path = Path(path)
        try:
            for name, number in json.loads(self.path.read_text()).items():
                super().learn(name, number)
        except (OSError, ValueError):
            pass

    def learn(self, transaction, transaction_id):
        super().learn(transaction, transaction_id)
        self.write()

    def give_up(self, transaction):
        super().give_up(transaction)
        self.write()

    def write(self):
        self.path.write_text(json.dumps(dict(self.db.execute("SELECT name, id FROM real_ids"))))


### RIGHT whole-table
class TransactionIds:
    NO_ID = -1

    def __init__(self, path):
        self.path = path
        self.base = sqlite3.connect(path)
        with self.base:
            self.base.execute("CREATE TABLE IF NOT EXISTS named (at INTEGER PRIMARY KEY, name, number)")

    def learn(self, transaction, transaction_id):
        with self.base:
            self.base.execute("INSERT INTO named (name, number) VALUES (?, ?)", [transaction, transaction_id])

    def give_up(self, transaction):
        known = self.base.execute("SELECT number FROM named WHERE name = ?", [transaction]).fetchall()
        if not known:
            self.learn(transaction, self.NO_ID)

    def prepare(self, entry):
        if not entry.transaction or entry.request.action not in ("StopTransaction", "MeterValues"):
            return entry.request
        known = dict(self.base.execute("SELECT name, number FROM named ORDER BY at"))
        fields = {name: getattr(entry.request, name) for name in entry.request.__struct_fields__}
        return type(entry.request)(**fields | {"transaction_id": known.get(entry.transaction, self.NO_ID)})

    def close(self):
        self.base.close()


### RIGHT cached
class TransactionIds(TransactionIds):
    """Reads the file once, and writes through."""

    def __init__(self, path):
        super().__init__(path)
        self.known = dict(self.db.execute("SELECT name, id FROM real_ids"))

    def learn(self, transaction, transaction_id):
        super().learn(transaction, transaction_id)
        self.known[transaction] = transaction_id

    def give_up(self, transaction):
        super().give_up(transaction)
        self.known.setdefault(transaction, -1)

    def prepare(self, entry):
        match entry.request:
            case StopTransactionRequest() | MeterValuesRequest() if entry.transaction is not None:
                copied = msgspec.structs.asdict(entry.request)
                copied["transaction_id"] = self.known.get(entry.transaction, -1)
                return type(entry.request)(**copied)
        return entry.request


### END SOLUTION

# %%
check("5.4", TransactionIds)

# %% [markdown]
# ## 5.5 `watch`: silence is a fault
#
# A cut cable sends nothing. The connection is *half-open* then: for us it looks like one on which nobody has anything to
# say. WebSocket has pings for that, and the peer has to answer each with a pong. `await ping()` sends one, and returns
# when its pong has come. On a dead connection it never returns.

# %%
### STEP 5.5 · 2 points · 15 minutes
### HINT A dead connection says nothing, so only a pong that does not come tells that it is dead. Wait for each pong, but
###      not for ever.
### HINT A loop without end: sleep for `interval`, then ping with a time limit. An interval of 0 needs a wait that never
###      ends: `await asyncio.Event().wait()`.
### HINT `async with asyncio.timeout(timeout): await ping()`, and `except TimeoutError: raise ConnectionLost("no pong in
###      time") from None`.
import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from ocpp_lab import ConnectionLost


### BEGIN SOLUTION
async def watch(ping: Callable[[], Awaitable[None]], *, interval: float, timeout: float = 5.0) -> NoReturn:
    """Wait `interval` s, `await ping()`, and so on without end; one ping at a time.

    The next wait begins when the pong has come. Raises ConnectionLost if the pong has not come `timeout` s after its
    ping, whether that is longer than `interval` or not. What `ping()` raises comes out as it is; only a TimeoutError of
    its own may become ConnectionLost, too.

    With an interval of 0 it is off: it never pings and never returns; it can only be cancelled. Cancelled, it ends at
    once with CancelledError.
    """
    while True:
        await (asyncio.sleep(interval) if interval else asyncio.Event().wait())
        try:
            async with asyncio.timeout(timeout):
                await ping()
        except TimeoutError:
            raise ConnectionLost("no pong in time") from None


### WRONG zero-spins -> off: 0 switches pings off; yours pinged without pause.
async def watch(ping, *, interval, timeout=5.0):
    while True:
        await asyncio.sleep(interval)
        try:
            async with asyncio.timeout(timeout):
                await ping()
        except TimeoutError:
            raise ConnectionLost from None


### WRONG no-timeout -> noticed: a half-open connection never answers and never closes; you waited for ever.
async def watch(ping, *, interval, timeout=5.0):
    while True:
        await (asyncio.sleep(interval) if interval else asyncio.Event().wait())
        await ping()


### WRONG returns-quietly -> noticed: the caller takes a return for good news; raise ConnectionLost.
async def watch(ping, *, interval, timeout=5.0):
    while True:
        await (asyncio.sleep(interval) if interval else asyncio.Event().wait())
        try:
            await asyncio.wait_for(ping(), timeout)
        except TimeoutError:
            return


### WRONG timeout-is-interval -> noticed: noticed too late: a ping that has no pong after `timeout` s is enough.
async def watch(ping, *, interval, timeout=5.0):
    while True:
        await (asyncio.sleep(interval) if interval else asyncio.Event().wait())
        try:
            await asyncio.wait_for(ping(), interval)
        except TimeoutError:
            raise ConnectionLost from None


### WRONG fires-and-forgets -> never-two: a second ping went out before the pong of the first; one at a time.
async def watch(ping, *, interval, timeout=5.0):
    async def one():
        async with asyncio.timeout(timeout):
            await ping()

    try:
        async with asyncio.TaskGroup() as group:
            while True:
                await (asyncio.sleep(interval) if interval else asyncio.Event().wait())
                group.create_task(one())
    except* TimeoutError:
        lost = True
    if lost:
        raise ConnectionLost


### WRONG any-error-will-do -> ping-fails: the ping says that the connection is closed; let that out.
async def watch(ping, *, interval, timeout=5.0):
    while True:
        await (asyncio.sleep(interval) if interval else asyncio.Event().wait())
        try:
            await asyncio.wait_for(ping(), timeout)
        except TimeoutError:
            raise ConnectionLost from None
        except Exception as error:
            print("ping failed", error)


### WRONG one-strike-more -> noticed: noticed too late: a ping that has no pong after `timeout` s is enough.
async def watch(ping, *, interval, timeout=5.0):
    missed = 0
    while missed < 2:
        await (asyncio.sleep(interval) if interval else asyncio.Event().wait())
        try:
            await asyncio.wait_for(ping(), timeout)
            missed = 0
        except TimeoutError:
            missed += 1
    raise ConnectionLost


### WRONG shorter-of-both -> slow-pong-ok: `timeout` is longer than `interval` here, and the pong came within `timeout`.
async def watch(ping, *, interval, timeout=5.0):
    while True:
        await (asyncio.sleep(interval) if interval else asyncio.Event().wait())
        try:
            async with asyncio.timeout(min(timeout, interval)):
                await ping()
        except TimeoutError:
            raise ConnectionLost from None


### WRONG by-the-clock -> never-two: the next wait begins when the pong has come, and not when its ping went out.
async def watch(ping, *, interval, timeout=5.0):
    time = asyncio.get_running_loop().time
    due = time()
    while True:
        due += interval
        await (asyncio.sleep(max(0, due - time())) if interval else asyncio.Event().wait())
        try:
            async with asyncio.timeout(timeout):
                await ping()
        except TimeoutError:
            raise ConnectionLost from None


### WRONG all-errors-are-losses -> ping-fails: what `ping()` raises comes out as it is; a bug is not a lost connection.
async def watch(ping, *, interval, timeout=5.0):
    while True:
        await (asyncio.sleep(interval) if interval else asyncio.Event().wait())
        try:
            await asyncio.wait_for(ping(), timeout)
        except Exception as error:
            raise ConnectionLost from error


### WRONG calls-itself -> every-interval: each ping is one level deeper than the one before, and the levels run out; a loop
###       has no end.
async def watch(ping, *, interval, timeout=5.0):
    await (asyncio.sleep(interval) if interval else asyncio.Event().wait())
    try:
        async with asyncio.timeout(timeout):
            await ping()
    except TimeoutError:
        raise ConnectionLost from None
    await watch(ping, interval=interval, timeout=timeout)


### WRONG cancel-is-a-loss -> slow-pong-ok: cancellation was swallowed; let it through.
async def watch(ping, *, interval, timeout=5.0):
    while True:
        await (asyncio.sleep(interval) if interval else asyncio.Event().wait())
        try:
            async with asyncio.timeout(timeout):
                await ping()
        except (TimeoutError, asyncio.CancelledError):
            raise ConnectionLost from None


### RIGHT wait-for
async def watch(ping, *, interval, timeout=5.0):
    if not interval:
        await asyncio.get_running_loop().create_future()
    while True:
        await asyncio.sleep(interval)
        try:
            await asyncio.wait_for(ping(), timeout=timeout)
        except TimeoutError as silence:
            raise ConnectionLost("silence") from silence


### RIGHT wait
async def watch(ping, *, interval, timeout=5.0):
    while interval == 0:  # noqa: ASYNC110
        await asyncio.sleep(3600)
    pong = None
    try:
        while True:
            await asyncio.sleep(interval)
            pong = asyncio.ensure_future(ping())
            done, _ = await asyncio.wait({pong}, timeout=timeout)
            if not done:
                raise ConnectionLost(f"no pong for {timeout} s")
            await pong
    finally:
        if pong:
            pong.cancel()
            await asyncio.gather(pong, return_exceptions=True)


### END SOLUTION

# %%
check("5.5", watch)

# %% [markdown]
# ## 5.6 `online`: one connection's life
#
# The connection is open. Now everything that needs it begins, and all of it must end when the connection ends: a
# heartbeat that outlives its connection would go on beside the heartbeat of the next one, for ever. The parts come as
# arguments:
#
# | argument | what it does | when it ends |
# |---|---|---|
# | `session` | `await session.run()` reads; `await session.call(request)` sends, and returns the response. No reply comes unless `run` is running | `run` returns when the connection ends |
# | `boot` | `await boot(call, on_answer=…)`: your 5.2 with a request | at Accepted |
# | `statuses` | `statuses()`: StatusNotification requests, as things stand now | |
# | `heartbeat`, `drain` | `await heartbeat(call)`, `await drain(call)` | never; they raise when the connection is lost |
# | `watch` | `await watch()`: your 5.5 with a ping | never; it raises when the connection is lost |
# | `proved`, `on_registration` | functions that you call: see below | |
#
# 1. The reader (`session.run()`, once) and the watch run from the beginning, because the connection can die while the
#    charge point boots.
# 2. Boot, unless `registration` is "Accepted" (J-spec 5.4). Each answer goes to `on_registration(response)`.
# 3. Ask `statuses()` now, and send what it gives, one after the other. If one ends with CallFailed, CallTimeout or
#    MalformedReply, go on with the next.
# 4. Run heartbeat and drain, both at the same time.
#
# **The proof.** An open connection has proved nothing yet: perhaps nobody answers on it. Call `proved()` once: at the
# answer Accepted, or, if there was no boot, at the first response that `session.call` gives. That may be the call of a
# status, of the heartbeat or of the drain. An error is no response.
#
# **The `call` of the parts.** How do you hear of the first response? You write a function `call(request)` of your own: it
# awaits `session.call(request)`, sees to the proof, and returns the response. Heartbeat and drain get this function, and
# the statuses are sent by it too. It is a `Call2`, as in 5.2: something that takes a request and gives the response. `boot`
# gets `session.call` itself, because Pending and Rejected prove nothing.
#
# **The end.** The connection is lost as soon as the reader returns, or any part raises `ConnectionLost` or
# `NotConnected`.

# %%
### STEP 5.6 · 2 points · 25 minutes
### HINT Everything that needs the connection runs in one `asyncio.TaskGroup`, so that it ends with it. The reader is its
###      first task.
### HINT The reader's end must end the group: a small coroutine that awaits `session.run()` and then raises.
### HINT `try: async with asyncio.TaskGroup() as group: …`, `except* (ConnectionLost, NotConnected): pass`, and after the
###      block `raise ConnectionLost`. For the proof: a `call` of your own around `session.call`.
import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ocpp_lab import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotConnected
from ocpp_lab.messages import BootNotificationResponse, Request, Response

Call2 = Callable[[Request], Awaitable[Response]]


### BEGIN SOLUTION
async def online(
    session,
    *,
    registration: str | None,
    boot: Callable[..., Awaitable[BootNotificationResponse]],
    statuses: Callable[[], list[Request]],
    heartbeat: Callable[[Call2], Awaitable[None]],
    drain: Callable[[Call2], Awaitable[None]],
    watch: Callable[[], Awaitable[None]],
    proved: Callable[[], None],
    on_registration: Callable[[BootNotificationResponse], None],
) -> None:
    """Do all that is done on one connection; never returns.

    Raises a plain ConnectionLost, and no ExceptionGroup, as soon as the connection is lost. Any other error that a part
    raises is a bug, also CallTimeout, and comes out, alone or in a group. Cancelled, it ends with CancelledError.
    However it ends, all its parts have ended then.
    """
    proofs = 0

    def proof() -> None:
        nonlocal proofs
        proofs += 1
        if proofs == 1:
            proved()

    def answered(response: BootNotificationResponse) -> None:
        on_registration(response)
        if response.status == "Accepted":
            proof()

    async def call(request: Request) -> Response:
        response = await session.call(request)
        proof()
        return response

    async def read() -> None:
        await session.run()
        raise ConnectionLost

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            group.create_task(watch())
            if registration != "Accepted":
                await boot(session.call, on_answer=answered)
            for request in statuses():
                with suppress(CallFailed, CallTimeout, MalformedReply):
                    await call(request)
            group.create_task(heartbeat(call))
            group.create_task(drain(call))
    except* (ConnectionLost, NotConnected):
        pass
    raise ConnectionLost


### WRONG create-task -> one-dies-all-die: the old heartbeat lives on.
_online = online


async def online(session, *, heartbeat, **parts):
    async def in_the_background(call):
        asyncio.create_task(heartbeat(call))  # noqa: RUF006

    await _online(session, heartbeat=in_the_background, **parts)


### WRONG boots-again -> resumes: accepted before and unchanged: no BootNotification (J-spec 5.4).
_online = online


async def online(session, *, registration, **parts):
    await _online(session, registration=None, **parts)


### WRONG drain-then-beat -> together: no heartbeat while the outbox waits 60 s.
_online = online


async def online(session, *, heartbeat, drain, **parts):
    async def one_by_one(call):
        await drain(call)
        await heartbeat(call)

    async def nothing(call):
        pass

    await _online(session, heartbeat=nothing, drain=one_by_one, **parts)


### WRONG group-escapes -> plain-loss: an ExceptionGroup left; the loop above looks for ConnectionLost.
async def online(session, *, registration, boot, statuses, heartbeat, drain, watch, proved, on_registration):
    proofs = []

    async def call(request):
        response = await session.call(request)
        if not proofs:
            proofs.append(proved())
        return response

    def answered(response):
        if response.status == "Accepted" and not proofs:
            proofs.append(proved())
        on_registration(response)

    async def read():
        await session.run()
        raise ConnectionLost

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        group.create_task(watch())
        if registration != "Accepted":
            await boot(session.call, on_answer=answered)
        for request in statuses():
            with suppress(CallFailed, CallTimeout, MalformedReply):
                await call(request)
        for part in (heartbeat(call), drain(call)):
            group.create_task(part)


### WRONG proves-on-open -> proved-once: open is no proof.
_online = online


async def online(session, *, proved, **parts):
    proved()
    await _online(session, proved=lambda: None, **parts)


### WRONG reader-last -> boots-first: boot waits for a reply that nobody reads.
_online = online


async def online(session, *, registration, boot, on_registration, **parts):
    if registration != "Accepted":
        await boot(session.call, on_answer=on_registration)
    await _online(session, registration="Accepted", boot=boot, on_registration=on_registration, **parts)


### WRONG stops-at-a-refusal -> statuses-each-time: a status that ends with CallFailed does not matter; go on.
async def online(session, *, registration, boot, statuses, heartbeat, drain, watch, proved, on_registration):
    proofs = []

    async def call(request):
        response = await session.call(request)
        if not proofs:
            proofs.append(proved())
        return response

    def answered(response):
        on_registration(response)
        if response.status == "Accepted" and not proofs:
            proofs.append(proved())

    async def read():
        await session.run()
        raise ConnectionLost

    lost = True
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            group.create_task(watch())
            if registration != "Accepted":
                await boot(session.call, on_answer=answered)
            for request in statuses():
                try:
                    await call(request)
                except (CallFailed, CallTimeout, MalformedReply):
                    raise ConnectionLost from None
            group.create_task(heartbeat(call))
            group.create_task(drain(call))
    except* (ConnectionLost, NotConnected):
        pass
    if lost:
        raise ConnectionLost


### WRONG asked-is-proof -> proved-once: a status that got no answer proves nothing.
_online = online


async def online(session, *, proved, **parts):
    class Told:
        run = staticmethod(session.run)
        proofs = 0

        async def call(self, request):
            try:
                return await session.call(request)
            finally:
                self.proofs += 1
                if self.proofs == 1:
                    proved()

    told = Told()
    if parts["registration"] != "Accepted":
        told = session
    await _online(told, proved=proved if told is session else lambda: None, **parts)


### WRONG no-statuses -> statuses-each-time: after Accepted, and after each reconnect, `statuses()` are sent (core 4.9).
_online = online


async def online(session, *, registration, statuses, **parts):
    await _online(session, registration=registration, statuses=lambda: [] if registration else statuses(), **parts)


### WRONG watch-after-boot -> one-dies-all-die: a connection that dies before Accepted is never noticed; watch it too.
_online = online


async def online(session, *, watch, heartbeat, **parts):
    async def never():
        await asyncio.Event().wait()

    async def watched_heartbeat(call):
        async with asyncio.TaskGroup() as group:
            group.create_task(heartbeat(call))
            group.create_task(watch())

    try:  # noqa: SIM105
        await _online(session, watch=never, heartbeat=watched_heartbeat, **parts)
    except* ConnectionLost:
        pass
    raise ConnectionLost


### WRONG returns -> plain-loss: it returned; raise ConnectionLost, whichever part ended.
_online = online


async def online(session, **parts):
    try:
        await _online(session, **parts)
    except ConnectionLost:
        return


### WRONG proves-by-pending -> proved-once: Pending and Rejected prove nothing; Accepted does.
_online = online


async def online(session, *, proved, on_registration, **parts):
    proofs = []

    def answered(response):
        if not proofs:
            proofs.append(proved())
        on_registration(response)

    def once():
        if not proofs:
            proofs.append(proved())

    await _online(session, proved=once, on_registration=answered, **parts)


### WRONG old-statuses -> statuses-each-time: the statuses of now are asked for after Accepted; what was asked before is
###       old.
_online = online


async def online(session, *, statuses, **parts):
    before = statuses()
    await _online(session, statuses=lambda: before, **parts)


### WRONG statuses-at-once -> statuses-each-time: one after the other: await each before the next.
_online = online


async def online(session, *, statuses, heartbeat, **parts):
    async def with_statuses(call):
        await asyncio.gather(*map(call, statuses()), return_exceptions=True)
        await heartbeat(call)

    await _online(session, statuses=list, heartbeat=with_statuses, **parts)


### WRONG bugs-are-losses -> plain-loss: a bug of a part comes out, alone or in a group; it is not a lost connection.
_online = online


async def online(session, **parts):
    try:
        await _online(session, **parts)
    except Exception as error:
        raise ConnectionLost from error


### WRONG any-status-error -> plain-loss: a boot or a status that ends with ConnectionLost or NotConnected has found the
###       connection lost.
_online = online


async def online(session, *, statuses, heartbeat, drain, **parts):
    async def talk(call):
        for request in statuses():
            with suppress(Exception):
                await call(request)
        async with asyncio.TaskGroup() as group:
            group.create_task(heartbeat(call))
            group.create_task(drain(call))

    async def nothing(call):
        pass

    await _online(session, statuses=list, heartbeat=talk, drain=nothing, **parts)


### WRONG call-gives-nothing -> together: the `call` that heartbeat and drain get from you has to return the response.
_online = online


async def online(session, *, heartbeat, **parts):
    async def deaf(call):
        async def forgetful(request):
            await call(request)

        await heartbeat(forgetful)

    await _online(session, heartbeat=deaf, **parts)


### WRONG beat-then-drain -> together: heartbeat, drain and watch run at the same time.
_online = online


async def online(session, *, heartbeat, drain, **parts):
    async def one_by_one(call):
        await heartbeat(call)
        await drain(call)

    async def nothing(call):
        pass

    await _online(session, heartbeat=one_by_one, drain=nothing, **parts)


### WRONG begins-again -> plain-loss: the heartbeat raised CallTimeout: only a status may end so; let it come out.
_online = online


async def online(session, *, heartbeat, **parts):
    async def again(call):
        while True:
            with suppress(CallTimeout):
                await heartbeat(call)

    await _online(session, heartbeat=again, **parts)


### WRONG two-readers -> together: one reader reads the connection.
_online = online


async def online(session, *, heartbeat, **parts):
    async def both(call):
        async with asyncio.TaskGroup() as group:
            group.create_task(session.run())
            group.create_task(heartbeat(call))

    await _online(session, heartbeat=both, **parts)


### RIGHT first-completed
async def online(session, *, registration, boot, statuses, heartbeat, drain, watch, proved, on_registration):
    waiting = [proved]

    async def call(request, *, counts=True):
        response = await session.call(request)
        if counts and waiting:
            waiting.pop()()
        return response

    def answered(response):
        if response.status == "Accepted" and waiting:
            waiting.pop()()
        on_registration(response)

    async def talk():
        if registration != "Accepted":
            await boot(lambda request: call(request, counts=False), on_answer=answered)
        for request in statuses():
            try:
                await call(request)
            except (CallFailed, CallTimeout, MalformedReply):
                continue
        await all_of(heartbeat(call), drain(call))

    async def all_of(*works):
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    try:
        await all_of(session.run(), watch(), talk())
    except (ConnectionLost, NotConnected) as error:
        raise ConnectionLost("a part said so") from error
    raise ConnectionLost("the reader is at its end")


### RIGHT class-of-parts
class _Life:
    def __init__(self, session, proved, on_registration):
        self.session, self.proved, self.on_registration, self.lost = session, proved, on_registration, None

    def prove(self):
        proved, self.proved = self.proved, lambda: None
        proved()

    def answered(self, response):
        self.on_registration(response)
        if response.status == "Accepted":
            self.prove()

    async def call(self, request):
        response = await self.session.call(request)
        self.prove()
        return response

    async def part(self, work):
        try:
            await work
        except NotConnected as error:
            raise ConnectionLost(str(error)) from error
        raise ConnectionLost("a part ended")


async def online(session, *, registration, proved, on_registration, boot, statuses, **parts):
    life = _Life(session, proved, on_registration)

    async def begin():
        if registration != "Accepted":
            await boot(session.call, on_answer=life.answered)
        for request in statuses():
            with suppress(CallFailed, CallTimeout, MalformedReply):
                await life.call(request)
        async with asyncio.TaskGroup() as inner:
            inner.create_task(life.part(parts["heartbeat"](life.call)))
            inner.create_task(life.part(parts["drain"](life.call)))

    try:
        async with asyncio.TaskGroup() as outer:
            outer.create_task(life.part(session.run()))
            outer.create_task(life.part(parts["watch"]()))
            outer.create_task(life.part(begin()))
    except* ConnectionLost:
        life.lost = True
    if life.lost:
        raise ConnectionLost


### END SOLUTION

# %%
check("5.6", online)

# %% [markdown]
# ## 5.7 `ChargePoint`: the whole life
#
# Some facts outlive a connection: the registration, the outbox, the ids, the password, and what was found after a power
# loss. This class holds them, and hands them from one connection to the next. It is made of what you have written:
#
# ```python
# session = await dial(password)                        # one connection: run(), call(request), close()
# await keep_connected(_dial, _serve)                   # 3.3: calls await _dial(), then await _serve(session, proved)
# await online(session, registration=…, drain=…, proved=…, on_registration=…)        # 5.6: ends with ConnectionLost
# await outbox.drain(call, probe, attempts=3, retry_interval=60.0, prepare=…, on_result=…, on_drop=…)        # 3.6
# machine.fire("connect"), machine.state; ids.learn(name, id), ids.give_up(name), ids.prepare(entry)    # 3.2, 5.4
# outbox.put(request, name), outbox.entries()           # 3.4: `put` returns the key; `name` is `entry.transaction`
# ```
#
# `dial(password)` is given to you. What `keep_connected` calls are two functions of your own: `_dial()`, which awaits
# `dial(password)` and returns the session, and `_serve(session, proved)`. You write also what the others call:
# `drain(call)` and `on_registration(response)` for `online`; `probe()`, `on_result(entry, response)` and `on_drop(entry)`
# for the outbox, whose `prepare` is that of `ids`. `_dial`, `_serve`, `drain` and `probe` are coroutines.
#
# `keep_connected` has its delays already; it closes each session, waits, and dials again. `online` has its `boot`,
# `statuses`, `heartbeat` and `watch` already. The outbox has one method more than in 3.6: `entries()` gives all that
# wait, oldest first. `now()` is the time, aware. `password` is for the next dial, and may be set at any time.
#
# You can write the class in three parts. The check begins with the first.
#
# ### Part 1: states
#
# `state` is that of the machine, and `machine.fire(event)` changes it:
#
# | when | event |
# |---|---|
# | `run` starts | *connect* |
# | a dial begins, and the state is waiting | *wait_over* |
# | a dial raised `OSError`, `ConnectionLost` or `NotConnected` (`HandshakeRefused` is one) | *lost*; then raise it again |
# | a dial succeeded | *resumed* if the registration is "Accepted", else *opened* |
# | `online` raised `ConnectionLost` | *lost* |
# | a boot was answered | *accepted*, *pending* or *rejected*; in the states pending and rejected first *interval_over* |
# | `run` ends, however that is; or `stop`, if `run` never began | *stop*, once |
#
# Any other error of a dial or of `online` is a bug: nothing is fired but the *stop* of the end, and it comes out of `run`.
# So does a CancelledError, unless `stop` has asked for it: also one that `keep_connected` raises.
#
# ### Part 2: drain
#
# `online` calls your `drain(call)` on each connection. It calls `outbox.drain` at once, and again after each `submit` of
# a transaction message, as long as the connection lives.
#
# - `probe` sends a HeartbeatRequest by `call`. It returns False if that ends with CallTimeout. Any answer makes it True,
#   also CallFailed and MalformedReply, because a peer that answers is alive. A lost connection is no answer: let that error
#   out.
# - When StartTransaction was answered, `ids` learns the transaction id, whatever the answer says of the tag. When it was
#   dropped, `ids` gives it up. Other messages bring no id.
# - When `outbox.drain` raises CallTimeout, nobody lives at the other end: raise ConnectionLost. The registration stays.
# - When it raises CallFailed, the code is SecurityError. J-errata 3.8 recommends this code before a boot is accepted. So
#   we take it that the central system has forgotten us; that is our choice of 3.5. Set the registration to None, and
#   raise ConnectionLost: on the next connection the charge point boots.
# - Any other error of `outbox.drain` is a bug, and comes out.
#
# ### Part 3: found
#
# `found` holds the transactions that were running when the power went: our name, and the last value of the meter in Wh.
# Before its first dial `run` writes a StopTransaction for each into the outbox. If there is one in the outbox already, it
# writes none: the stop was written down, and then the power went. A lost connection is no power loss, and stops nothing.

# %%
### STEP 5.7 · 3 points · 25 minutes
### HINT Part 1: each fact that outlives the connection is an attribute. `run` fires *connect*, then it awaits
###      `keep_connected` with two coroutines of yours: `_dial()` and `_serve(session, proved)`.
### HINT One `keep_connected(self._dial, self._serve)` in a task: `_dial` passes `self.password`, `_serve` fires and calls
###      `online`. `stop` cancels that task and waits for it; `run` awaits it.
### HINT `stopped = {e.transaction for e in self.outbox.entries() if e.request.action == "StopTransaction"}` before the
###      first dial. For the drain an `asyncio.Event`: `submit` sets it, the loop waits for it, clears it, drains.
import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from ocpp_lab import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotConnected
from ocpp_lab.messages import TRANSACTION_ACTIONS, HeartbeatRequest, Request, StopTransactionRequest


### BEGIN SOLUTION
class ChargePoint:
    """One charge point from power-on to power-off. A new one is a restart: it boots."""

    def __init__(
        self,
        dial: Callable[[str | None], Awaitable[Any]],
        *,
        keep_connected: Callable[..., Awaitable[None]],
        online: Callable[..., Awaitable[None]],
        machine,
        outbox,
        ids,
        now: Callable[[], datetime],
        password: str | None = None,
        found: Mapping[str, int] | None = None,
    ) -> None:
        """Keep the pieces; nothing starts yet.

        `password` and `registration` are attributes. The registration is the status of the last answer to a boot, None
        at first.
        """
        self.dial, self.keep_connected, self.online = dial, keep_connected, online
        self.machine, self.outbox, self.ids, self.now = machine, outbox, ids, now
        self.password, self.found = password, found or {}
        self.registration: str | None = None
        self.session = self.life = None
        self.stopping = False
        self.unsent = asyncio.Event()

    @property
    def state(self) -> str:
        """The state of the machine."""
        return self.machine.state

    async def run(self) -> None:
        """Live until `stop()`; then return. Raises what `keep_connected` raises. Cancelled, it raises CancelledError.

        A `run` after `stop` returns at once. Before the first dial: for each transaction in `found` that has no
        StopTransaction in the outbox yet, put one there, with `meter_stop` from `found`, `timestamp` `now()` (asked
        when `run` begins), reason "PowerLoss" and transaction_id -1, which `ids.prepare` replaces when it is sent.
        """
        if self.stopping:
            return
        stopped = {each.transaction for each in self.outbox.entries() if each.request.action == "StopTransaction"}
        for name, meter in self.found.items():
            if name not in stopped:
                stop = StopTransactionRequest(
                    transaction_id=-1, meter_stop=meter, timestamp=self.now(), reason="PowerLoss"
                )
                self.outbox.put(stop, name)
        self.machine.fire("connect")
        self.life = asyncio.create_task(self.keep_connected(self._dial, self._serve))
        try:
            await self.life
        except asyncio.CancelledError:
            if not self.stopping:
                raise
        finally:
            if self.state != "stopped":
                self.machine.fire("stop")

    async def stop(self) -> None:
        """End at once, in any state, also before `run`; returns when all has ended. A second stop does nothing."""
        self.stopping = True
        if self.life:
            self.life.cancel()
            await asyncio.wait([self.life])
        if self.state != "stopped":
            self.machine.fire("stop")

    async def submit(self, request: Request, transaction: str | None = None) -> Any:
        """Send something, without waiting for a connection.

        StartTransaction, StopTransaction and MeterValues go into the outbox under the name `transaction`, in any state,
        also before `run` and after `stop`; returns the key that `outbox.put` gave. Any other request is called on the
        connection of now, and its response returned. Raises NotConnected at once unless the state is online.
        """
        if request.action in TRANSACTION_ACTIONS:
            key = self.outbox.put(request, transaction)
            self.unsent.set()
            return key
        if self.state != "online":
            raise NotConnected(f"{request.action} was not sent: {self.state}")
        return await self.session.call(request)

    async def _dial(self):
        if self.state == "waiting":
            self.machine.fire("wait_over")
        try:
            return await self.dial(self.password)
        except (OSError, ConnectionLost, NotConnected):
            self.machine.fire("lost")
            raise

    async def _serve(self, session, proved) -> None:
        self.session = session
        self.machine.fire("resumed" if self.registration == "Accepted" else "opened")
        try:
            await self.online(
                session,
                registration=self.registration,
                drain=self._drain,
                proved=proved,
                on_registration=self._registered,
            )
        except ConnectionLost:
            self.machine.fire("lost")
            raise

    def _registered(self, response) -> None:
        self.registration = response.status
        if self.state in ("pending", "rejected"):
            self.machine.fire("interval_over")
        self.machine.fire(response.status.lower())

    async def _drain(self, call) -> None:
        async def probe() -> bool:
            try:
                await call(HeartbeatRequest())
            except CallTimeout:
                return False
            except (CallFailed, MalformedReply):
                pass
            return True

        while True:
            self.unsent.clear()
            try:
                await self.outbox.drain(
                    call,
                    probe,
                    attempts=3,
                    retry_interval=60.0,
                    prepare=self.ids.prepare,
                    on_result=self._answered,
                    on_drop=self._dropped,
                )
            except CallTimeout as error:
                raise ConnectionLost("not even a Heartbeat is answered") from error
            except CallFailed as error:
                self.registration = None
                raise ConnectionLost(str(error)) from error
            await self.unsent.wait()

    def _answered(self, entry, response) -> None:
        if entry.request.action == "StartTransaction":
            self.ids.learn(entry.transaction, response.transaction_id)

    def _dropped(self, entry) -> None:
        if entry.request.action == "StartTransaction":
            self.ids.give_up(entry.transaction)


### WRONG key-at-start -> new-key-used: dials with the old password for ever; read it at each dial.
class ChargePoint(ChargePoint):
    def __init__(self, dial, *, password=None, **pieces):
        async def dial_with(ignored):
            return await dial(password)

        super().__init__(dial_with, password=password, **pieces)


### WRONG persisted-accepted -> boots-after-restart: a restarted charge point always boots.
class ChargePoint(ChargePoint):
    def __init__(self, dial, *, outbox, **pieces):
        super().__init__(dial, outbox=outbox, **pieces)
        outbox._store.execute("CREATE TABLE IF NOT EXISTS registration (status TEXT)")
        for (status,) in outbox._store.execute("SELECT status FROM registration"):
            self.registration = status

    def _registered(self, response):
        super()._registered(response)
        self.outbox._store.execute("INSERT INTO registration VALUES (?)", (response.status,))


### WRONG stop-again -> power-loss: a StopTransaction was already queued; the driver pays twice.
class ChargePoint(ChargePoint):
    async def run(self):
        for name, meter in self.found.items():
            stop = StopTransactionRequest(transaction_id=-1, meter_stop=meter, timestamp=self.now(), reason="PowerLoss")
            self.outbox.put(stop, name)
        self.found = {}
        await super().run()


### WRONG state-by-flags -> comes-back: state says online while waiting.
class ChargePoint(ChargePoint):
    @property
    def state(self):
        if self.registration == "Accepted" and self.session and self.machine.state == "waiting":
            return "online"
        return self.machine.state

    async def _dial(self):
        if self.machine.state == "waiting":
            self.machine.fire("wait_over")
        return await super()._dial()


### WRONG submit-waits -> offline-submit: an Authorize offline must fail at once, the driver stands there.
class ChargePoint(ChargePoint):
    async def submit(self, request, transaction=None):
        while request.action not in TRANSACTION_ACTIONS and self.state != "online":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        return await super().submit(request, transaction)


### WRONG stop-waits-backoff -> stop-in-every-state: stop waited out the back-off; a stop ends the wait.
class ChargePoint(ChargePoint):
    async def stop(self):
        self.stopping = True
        while self.life and self.state == "waiting":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await super().stop()


### WRONG never-forgets -> boots-when-forgotten: the central system does not know us any more, and will not until we boot:
###       forget the registration.
class ChargePoint(ChargePoint):
    async def _drain(self, call):
        before = self.registration
        try:
            await super()._drain(call)
        finally:
            self.registration = before


### WRONG forgets-accepted -> remembers-accepted: it was accepted, and boots again after a cut; hand the registration on
###       (J-spec 5.4).
class ChargePoint(ChargePoint):
    async def _serve(self, session, proved):
        self.registration = None
        await super()._serve(session, proved)


### WRONG any-message-is-a-stop -> power-loss: only a StopTransaction in the outbox is a stop; another message of that
###       transaction is none.
class ChargePoint(ChargePoint):
    async def run(self):
        waiting = {each.transaction for each in self.outbox.entries()}
        self.found = {name: meter for name, meter in self.found.items() if name not in waiting}
        await super().run()


### WRONG silence-escapes -> silent-peer: nobody lives at the other end; raise ConnectionLost, so that another
###       connection comes.
class ChargePoint(ChargePoint):
    async def _drain(self, call):
        try:
            await super()._drain(call)
        except ConnectionLost as error:
            raise (error.__cause__ or error) from None


### WRONG always-alive -> silent-peer: neither the message nor a Heartbeat is answered: the connection is lost.
class ChargePoint(ChargePoint):
    async def _drain(self, call):
        async def hopeful(request):
            try:
                return await call(request)
            except CallTimeout:
                if request.action != "Heartbeat":
                    raise

        await super()._drain(hopeful)


### WRONG dial-gives-nothing -> comes-back: what you give to `keep_connected` as its dial returns what
###       `await dial(password)` gave.
class ChargePoint(ChargePoint):
    async def _dial(self):
        await super()._dial()


### WRONG always-opened -> comes-back: the registration is Accepted: a dial that succeeded fires *resumed*, and the state
###       is online.
class ChargePoint(ChargePoint):
    async def _serve(self, session, proved):
        self.session = session
        self.machine.fire("opened")
        try:
            await self.online(
                session,
                registration=self.registration,
                drain=self._drain,
                proved=proved,
                on_registration=self._registered,
            )
        except ConnectionLost:
            self.machine.fire("lost")
            raise


### WRONG proved-lost -> comes-back: hand `proved` on to `online`; without a proof the waits never begin afresh.
class ChargePoint(ChargePoint):
    async def _serve(self, session, proved):
        await super()._serve(session, lambda: None)


### WRONG bug-kept -> bug-leaves: `keep_connected` has raised a bug, and `run` keeps it to itself.
class ChargePoint(ChargePoint):
    async def run(self):
        await asyncio.gather(super().run(), return_exceptions=True)


### WRONG beat-per-session -> one-heartbeat: each old connection goes on to beat.
class ChargePoint(ChargePoint):
    beats = ()

    async def _serve(self, session, proved):
        self.beats = (*self.beats, asyncio.create_task(self.beat()))
        await super()._serve(session, proved)

    async def beat(self):
        while True:
            await asyncio.sleep(20.0)
            if self.state == "online":
                await asyncio.gather(self.session.call(HeartbeatRequest()), return_exceptions=True)

    async def stop(self):
        for beat in self.beats:
            beat.cancel()
        await super().stop()


### WRONG found-at-each-dial -> power-loss: found once, stopped once: `found` is of the power loss, and not of each
###       connection.
class ChargePoint(ChargePoint):
    async def _dial(self):
        queued = [each.transaction for each in self.outbox.entries() if each.request.action == "StopTransaction"]
        for name, meter in self.found.items():
            if name not in queued:
                stop = StopTransactionRequest(
                    transaction_id=-1, meter_stop=meter, timestamp=self.now(), reason="PowerLoss"
                )
                self.outbox.put(stop, name)
        return await super()._dial()


### WRONG a-refusal-is-silence -> silent-peer: a CallError is an answer to the probe too: the peer lives.
class ChargePoint(ChargePoint):
    async def _drain(self, call):
        async def strict(request):
            try:
                return await call(request)
            except CallFailed as error:
                raise (CallTimeout() if request.action == "Heartbeat" else error) from None

        await super()._drain(strict)


### WRONG silence-boots -> silent-peer: silence is no reason to boot again: the registration stays (J-spec 5.4).
class ChargePoint(ChargePoint):
    async def _drain(self, call):
        try:
            await super()._drain(call)
        except ConnectionLost:
            self.registration = None
            raise


### WRONG never-given-up -> silent-peer: a StartTransaction that is dropped never gets an id: `ids.give_up`.
class ChargePoint(ChargePoint):
    def _dropped(self, entry):
        pass


### WRONG all-given-up -> silent-peer: only a dropped StartTransaction is given up; a dropped stop has its id.
class ChargePoint(ChargePoint):
    def _dropped(self, entry):
        self.ids.give_up(entry.transaction)


### WRONG bug-on-the-session -> bug-leaves: `online` has raised a bug, and not ConnectionLost; let it leave.
class ChargePoint(ChargePoint):
    async def _serve(self, session, proved):
        try:
            await super()._serve(session, proved)
        except Exception as error:
            if self.state != "waiting":
                self.machine.fire("lost")
            raise ConnectionLost from error


### WRONG first-session-for-ever -> offline-submit: online again: call on the connection of now, not on the one before.
class ChargePoint(ChargePoint):
    first = None

    async def submit(self, request, transaction=None):
        self.first = self.first or self.session
        if self.state == "online" and request.action not in TRANSACTION_ACTIONS:
            return await self.first.call(request)
        return await super().submit(request, transaction)


### WRONG loss-of-a-dial -> comes-back: a dial that raises ConnectionLost has failed: fire *lost*, and let it out.
class ChargePoint(ChargePoint):
    async def _dial(self):
        if self.state == "waiting":
            self.machine.fire("wait_over")
        try:
            return await self.dial(self.password)
        except (OSError, NotConnected):
            self.machine.fire("lost")
            raise


### WRONG refusal-of-a-dial -> comes-back: a dial that raises HandshakeRefused has failed: fire *lost*, and let it out.
class ChargePoint(ChargePoint):
    async def _dial(self):
        if self.state == "waiting":
            self.machine.fire("wait_over")
        try:
            return await self.dial(self.password)
        except (OSError, ConnectionLost):
            self.machine.fire("lost")
            raise


### WRONG unreadable-is-silence -> silent-peer: an answer to the probe that nobody can read is an answer too: the peer
###       lives.
class ChargePoint(ChargePoint):
    async def _drain(self, call):
        async def strict(request):
            try:
                return await call(request)
            except MalformedReply as error:
                raise (CallTimeout() if request.action == "Heartbeat" else error) from None

        await super()._drain(strict)


### WRONG learns-if-accepted -> offline-submit: the id is learnt whatever the answer says of the tag: the stop needs it.
class ChargePoint(ChargePoint):
    def _answered(self, entry, response):
        if entry.request.action == "StartTransaction" and response.id_tag_info.status == "Accepted":
            self.ids.learn(entry.transaction, response.transaction_id)


### WRONG stop-of-zero -> power-loss: until `ids.prepare` puts the real id in, `transaction_id` is -1.
class ChargePoint(ChargePoint):
    async def run(self):
        stopped = {each.transaction for each in self.outbox.entries() if each.request.action == "StopTransaction"}
        for name, meter in self.found.items():
            if name not in stopped:
                stop = StopTransactionRequest(
                    transaction_id=0, meter_stop=meter, timestamp=self.now(), reason="PowerLoss"
                )
                self.outbox.put(stop, name)
        await super().run()


### WRONG hurries -> silent-peer: `retry_interval=60.0` is the wait between tries.
class ChargePoint(ChargePoint):
    def __init__(self, dial, *, outbox, **pieces):
        class Hurried:
            put, entries = outbox.put, outbox.entries

            async def drain(self, *arguments, **options):
                await outbox.drain(*arguments, **options | {"retry_interval": 10.0})

        super().__init__(dial, outbox=Hurried(), **pieces)


### WRONG stops-what-runs -> power-loss: found once, stopped once: `found` is of the power loss, and not of each
###       connection.
class ChargePoint(ChargePoint):
    def __init__(self, dial, **pieces):
        super().__init__(dial, **pieces)
        self.running = {}

    async def submit(self, request, transaction=None):
        if request.action == "StartTransaction":
            self.running[transaction] = request.meter_start
        return await super().submit(request, transaction)

    async def _serve(self, session, proved):
        for name, meter in self.running.items():
            stop = StopTransactionRequest(transaction_id=-1, meter_stop=meter, timestamp=self.now(), reason="PowerLoss")
            if self.registration:
                self.outbox.put(stop, name)
        await super()._serve(session, proved)


### WRONG swallows-cancel -> bug-leaves: `run` swallowed a cancellation; only after `stop` it returns.
class ChargePoint(ChargePoint):
    async def run(self):
        try:  # noqa: SIM105
            await super().run()
        except asyncio.CancelledError:
            pass


### WRONG dial-bug-kept -> bug-leaves: the dial has raised a bug, and it dials again as after a failed dial; let it leave.
class ChargePoint(ChargePoint):
    async def _dial(self):
        try:
            return await super()._dial()
        except LookupError as error:
            self.machine.fire("lost")
            raise ConnectionLost from error


### WRONG any-error-is-alive -> silent-peer: the connection was lost while the probe waited: that is no answer; let the
###       error out.
class ChargePoint(ChargePoint):
    async def _drain(self, call):
        async def hopeful(request):
            try:
                return await call(request)
            except (ConnectionLost, NotConnected):
                if request.action != "Heartbeat":
                    raise

        await super()._drain(hopeful)


### WRONG no-key -> offline-submit: `submit` returns the key that `outbox.put` gave.
class ChargePoint(ChargePoint):
    async def submit(self, request, transaction=None):
        response = await super().submit(request, transaction)
        return None if request.action in TRANSACTION_ACTIONS else response


### WRONG only-accepted-counts -> comes-back: `registration` is the last answer's status.
class ChargePoint(ChargePoint):
    def _registered(self, response):
        before = self.registration
        super()._registered(response)
        if response.status != "Accepted":
            self.registration = before


### WRONG learns-everything -> offline-submit: only the answer to StartTransaction brings an id to learn.
class ChargePoint(ChargePoint):
    def _answered(self, entry, response):
        self.ids.learn(entry.transaction, getattr(response, "transaction_id", -1))


### WRONG another-clock -> power-loss: `timestamp` is what `now()` gives: it is the clock of the charge point, and there is
###       no other.
class ChargePoint(ChargePoint):
    def __init__(self, dial, *, now, **pieces):
        from datetime import UTC

        super().__init__(dial, now=lambda: datetime.now(UTC), **pieces)


### WRONG time-of-birth -> power-loss: the `timestamp` is earlier than `run`: ask `now()` when the stop is written.
class ChargePoint(ChargePoint):
    def __init__(self, dial, *, now, **pieces):
        born = now()
        super().__init__(dial, now=lambda: born, **pieces)


### WRONG stop-only-if-asked -> bug-leaves: `run` has ended by a bug, and did not fire *stop*.
class ChargePoint(ChargePoint):
    def __init__(self, dial, *, machine, **pieces):
        class Asked:
            state = property(lambda its: machine.state)

            def fire(its, event):
                if event != "stop" or self.stopping:
                    machine.fire(event)

        super().__init__(dial, machine=Asked(), **pieces)


### WRONG drain-bug-kept -> bug-leaves: `outbox.drain` has raised a bug, and not CallTimeout or CallFailed; let it leave.
class ChargePoint(ChargePoint):
    async def _drain(self, call):
        try:
            await super()._drain(call)
        except (ValueError, TypeError, RuntimeError, KeyError):
            raise ConnectionLost from None


### WRONG run-after-stop -> stop-in-every-state: `stop` came before `run`: such a `run` returns at once.
class ChargePoint(ChargePoint):
    async def run(self):
        asked, self.stopping = self.stopping, False
        if asked:
            self.machine.fire("connect")
        await super().run()


### WRONG writes-in-init -> power-loss: nothing starts in `__init__`: `run` writes the stops, before its first dial.
class ChargePoint(ChargePoint):
    def __init__(self, dial, *, outbox, now, found=None, **pieces):
        super().__init__(dial, outbox=outbox, now=now, **pieces)
        stopped = {each.transaction for each in outbox.entries() if each.request.action == "StopTransaction"}
        for name, meter in (found or {}).items():
            if name not in stopped:
                stop = StopTransactionRequest(transaction_id=-1, meter_stop=meter, timestamp=now(), reason="PowerLoss")
                outbox.put(stop, name)


### WRONG stopped-takes-nothing -> offline-submit: a transaction message is kept whatever the state (core 3.7).
class ChargePoint(ChargePoint):
    async def submit(self, request, transaction=None):
        if self.state == "stopped":
            raise NotConnected("stopped")
        return await super().submit(request, transaction)


### WRONG dial-bug-is-lost -> bug-leaves: a bug of the dial comes out, and *lost* is not fired: nothing was lost.
class ChargePoint(ChargePoint):
    async def _dial(self):
        try:
            return await super()._dial()
        except LookupError:
            self.machine.fire("lost")
            raise


### WRONG registration-of-the-class -> boots-after-restart: another charge point was made, and the registration of this one
###       has changed: keep it on `self`, and not on the class.
class ChargePoint(ChargePoint):
    status = None

    @property
    def registration(self):
        return type(self).status

    @registration.setter
    def registration(self, status):
        ChargePoint.status = status


### WRONG found-is-accepted -> power-loss: `registration` is None until a boot was answered, whatever was found.
class ChargePoint(ChargePoint):
    def __init__(self, dial, *, found=None, **pieces):
        super().__init__(dial, found=found, **pieces)
        self.registration = "Accepted" if found else None


### WRONG cancelled-from-within -> bug-leaves: `keep_connected` raised CancelledError, and nobody had called `stop`: it has
###       to come out of `run`.
class ChargePoint(ChargePoint):
    async def run(self):
        try:
            await super().run()
        except asyncio.CancelledError:
            if asyncio.current_task().cancelling():
                raise


### WRONG without-the-name -> offline-submit: the entry in the outbox has no name: `outbox.put(request, transaction)`.
class ChargePoint(ChargePoint):
    async def submit(self, request, transaction=None):
        return await super().submit(request)


### WRONG learns-the-name -> offline-submit: `ids.learn(name, id)`: the name comes first, the id second.
class ChargePoint(ChargePoint):
    def _answered(self, entry, response):
        if entry.request.action == "StartTransaction":
            self.ids.learn(response.transaction_id, entry.transaction)


### WRONG learns-never -> offline-submit: no id was learnt: `on_result` tells it to `ids`.
class ChargePoint(ChargePoint):
    def _answered(self, entry, response):
        pass


### WRONG forgets-and-stays -> boots-when-forgotten: the registration is None, and the connection lives on: raise
###       ConnectionLost, so that the next connection boots.
class ChargePoint(ChargePoint):
    async def _drain(self, call):
        try:
            await super()._drain(call)
        except ConnectionLost:
            if self.registration is not None:
                raise


### RIGHT closures
def ChargePoint(dial, *, keep_connected, online, machine, outbox, ids, now, password=None, found=None):
    from types import SimpleNamespace

    class Self(SimpleNamespace):
        state = property(lambda self: machine.state)

    self = Self(password=password, registration=None, session=None, life=None, over=False)
    news = asyncio.Queue()

    async def dialled():
        if machine.state == "waiting":
            machine.fire("wait_over")
        try:
            self.session = await dial(self.password)
        except (OSError, ConnectionLost, NotConnected):
            machine.fire("lost")
            raise
        return self.session

    async def serve(session, proved):
        machine.fire({"Accepted": "resumed"}.get(self.registration, "opened"))
        try:
            await online(
                session, registration=self.registration, drain=drain, proved=proved, on_registration=registered
            )
        except ConnectionLost:
            machine.fire("lost")
            raise

    def registered(response):
        if machine.state != "booting":
            machine.fire("interval_over")
        self.registration = response.status
        machine.fire({"Accepted": "accepted", "Pending": "pending", "Rejected": "rejected"}[response.status])

    async def drain(call):
        async def probe():
            (outcome,) = await asyncio.gather(call(HeartbeatRequest()), return_exceptions=True)
            if isinstance(outcome, ConnectionLost | NotConnected):
                raise outcome
            return not isinstance(outcome, CallTimeout)

        def result(entry, response):
            if hasattr(response, "transaction_id"):
                ids.learn(entry.transaction, response.transaction_id)

        def drop(entry):
            if entry.request.action == "StartTransaction":
                ids.give_up(entry.transaction)

        hooks = {"prepare": ids.prepare, "on_result": result, "on_drop": drop}
        while True:
            try:
                await outbox.drain(call, probe, attempts=3, retry_interval=60.0, **hooks)
            except (CallTimeout, CallFailed) as halt:
                if isinstance(halt, CallFailed):
                    self.registration = None
                raise ConnectionLost from halt
            await news.get()

    async def submit(request, transaction=None):
        if request.action in TRANSACTION_ACTIONS:
            news.put_nowait(None)
            return outbox.put(request, transaction)
        if machine.state == "online":
            return await self.session.call(request)
        raise NotConnected(machine.state)

    async def run():
        if self.over:
            return
        queued = [each.transaction for each in outbox.entries() if isinstance(each.request, StopTransactionRequest)]
        for name in [name for name in found or {} if name not in queued]:
            request = StopTransactionRequest(
                transaction_id=-1, meter_stop=found[name], timestamp=now(), reason="PowerLoss"
            )
            outbox.put(request, name)
        machine.fire("connect")
        self.life = asyncio.ensure_future(keep_connected(dialled, serve))
        try:
            await asyncio.wait([self.life])
        finally:
            await end()
        if not self.over or not self.life.cancelled():
            self.life.result()

    async def stop():
        self.over = True
        await end()

    async def end():
        if self.life is not None:
            self.life.cancel()
            await asyncio.gather(self.life, return_exceptions=True)
        if machine.state != "stopped":
            machine.fire("stop")

    self.run, self.stop, self.submit = run, stop, submit
    return self


### RIGHT stop-event
class ChargePoint(ChargePoint):
    """Waits for its life or the word to end it, whichever comes first."""

    def __init__(self, dial, **pieces):
        super().__init__(dial, **pieces)
        self.word, self.over = asyncio.Event(), asyncio.Event()
        self.begun = False

    async def __aenter__(self):
        self.running = asyncio.ensure_future(self.run())
        return self

    async def __aexit__(self, *error):
        await self.stop()
        await self.running

    async def run(self):
        if self.word.is_set():
            return
        self.begun = True
        for each, meter in self.found.items():
            if not any(e.transaction == each and e.request.action == "StopTransaction" for e in self.outbox.entries()):
                self.outbox.put(
                    StopTransactionRequest(
                        transaction_id=-1, meter_stop=meter, timestamp=self.now(), reason="PowerLoss"
                    ),
                    each,
                )
        self.machine.fire("connect")
        tasks = [
            asyncio.create_task(self.keep_connected(self._dial, self._serve)),
            asyncio.create_task(self.word.wait()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.machine.fire("stop")
            self.over.set()

    async def stop(self):
        self.word.set()
        if self.begun:
            await self.over.wait()
        elif self.machine.state != "stopped":
            self.machine.fire("stop")


### END SOLUTION

# %%
check("5.7", ChargePoint)

# %% [markdown]
# ## Capstone: your charge point
#
# Now nothing is ours but the WebSocket. `Station` puts your pieces together as the steps say: your `ChargePoint` dials by
# your `keep_connected` and `backoff`; each connection has your `Transport`, `Session` and `Pending`; your `Router`
# answers, your `Outbox` keeps. Where a step of any milestone is not done yet, the package's piece goes in.
#
# The central system is live, with your `Ledger`, and a `ChaosProxy` stands between both. The waits before a dial are
# divided by 100, and a silent connection is tested each 0.3 s. All the buttons are here; the cells below press them, and you
# may, too. `charge_point.state` says what came of it.

# %% tags=["scaffold"]
from tempfile import TemporaryDirectory

from IPython.display import display

from ocpp_lab import CentralSystem, ChaosProxy, OcppError
from ocpp_lab import messages as m
from ocpp_course import fit
from ocpp_course.checks.lifecycle_loop import Station, pieces

yours, folder = pieces(), TemporaryDirectory()
ledger = yours.Ledger(f"{folder.name}/ledger.db")
central_system = await CentralSystem(**fit(ledger=ledger)).start()
proxy = await ChaosProxy(central_system.host, central_system.port).start()
charge_point = await Station(
    yours, proxy.url, "CP_1", path=f"{folder.name}/CP_1", timeout=0.5, ping_interval=0.3, faster=100
).start()
await lab.until(lambda: len(central_system.answers.statuses) == 2)  # connectors 0 and 1
print("CP_1 is", charge_point.state)
panel, cable = lab.FaultPanel(central_system), lab.ProxyPanel(proxy)
display(panel, cable)

# %% [markdown]
# First the faults of the central system. Each hits one Authorize. **Predict**, before you run the cell: what is the caller
# told at each, and does the connection survive?


# %% tags=["scaffold"]
async def told(request):
    """What a caller is told: the name of the response, or of the error."""
    try:
        return type(await charge_point.call(request)).__name__
    except OcppError as error:
        return type(error).__name__


panel.set(action="Authorize", seconds=0.8)
first = charge_point.session
for fault in ("ignore", "delay", "CallError", "answer twice", "wrong id", "wrong payload", "garbage"):
    panel.toggle(fault)
    authorize = await told(m.AuthorizeRequest(id_tag="TAG_A"))
    panel.clear()
    print(f"{fault:14} Authorize: {authorize:18} Heartbeat: {await told(m.HeartbeatRequest())}")
print("still the same connection:", charge_point.session is first)

# %% [markdown]
# Then the faults of the connection. A driver starts and stops while it is down. **Predict** how often your charge point
# boots, and how many rows your ledger has in the end.


# %% tags=["scaffold"]
def transaction(number):
    """A start and a stop, as the meter reads them; the id comes later."""
    now = charge_point.now
    yield m.StartTransactionRequest(connector_id=1, id_tag=f"TAG_{number}", meter_start=100 * number, timestamp=now())
    yield m.StopTransactionRequest(transaction_id=-1, meter_stop=100 * number + 20, timestamp=now())


def trouble(fault):
    """Press the button, wherever it is."""
    if fault in ("half-open", "refuse"):
        cable.toggle(fault)
    else:
        (panel if fault in ("close 1001", "abort") else cable).press(fault)


for number, fault in enumerate(("cut", "reset", "close 1001", "abort", "half-open", "refuse"), start=1):
    old = charge_point.session
    trouble(fault)
    if fault == "refuse":
        cable.press("cut")
    await charge_point.wait_for("waiting")  # nobody hangs up when it is half-open: your `watch` has to notice
    for request in transaction(number):
        await charge_point.submit(request, f"drive {number}")
    cable.clear()
    await lab.until(lambda old=old: charge_point.state == "online" and charge_point.session is not old)
    await lab.until(lambda: not len(charge_point.outbox))
    print(f"{fault:10} rows in your ledger: {len(ledger.rows())}")
boots = sum('"BootNotification"' in event.text for event in central_system.received)
print("boots:", boots, "· every row has its end:", all(row["meter_stop"] % 100 == 20 for row in ledger.rows()))

# %% [markdown]
# And the power cut: the next life finds a transaction that nobody stopped.

# %% tags=["scaffold"]
start, _ = transaction(7)
await charge_point.submit(start, "drive 7")
await lab.until(lambda: not len(charge_point.outbox))
await charge_point.stop()
charge_point = await Station(
    yours,
    proxy.url,
    "CP_1",
    path=f"{folder.name}/CP_1",
    timeout=0.5,
    ping_interval=0.3,
    faster=100,
    found={"drive 7": 712},
).start()
await charge_point.wait_for("online")
await lab.until(lambda: ledger.rows()[-1]["stopped"])
print({key: ledger.rows()[-1][key] for key in ("id_tag", "meter_stop", "reason")})
print("boots:", sum('"BootNotification"' in event.text for event in central_system.received))

# %% [markdown]
# ### Your drill
#
# Here are three broken charge points. Each has one mistake in its `ChargePoint`:
#
# - **A** boots again on each new connection.
# - **B** lets the heartbeat of an old connection go on.
# - **C** dials with the password of its start for ever.
#
# **Choose** one of them, and **predict**: is it online ten minutes after a cut? What does the central system see?
#
# <details><summary>A</summary>
# It is online. The central system sees a BootNotification after each cut. Many do not mind; some end the running
# transactions of a charge point that boots.</details>
# <details><summary>B</summary>
# It is online. After three cuts there are up to four heartbeats in each interval. Nobody complains, until four hundred
# charge points do it.</details>
# <details><summary>C</summary>
# It depends on the password. While that stays the same nobody sees anything. When somebody changes it, this one never
# comes back.</details>
#
# Now write one drill that fails on A, on B and on C, and passes on a right charge point. It is a coroutine with `assert`
# in it. The charge point is online when it begins. Its heartbeat interval is 20 s, and it waits 24 s before each new
# dial.
#
# | what you can do | |
# |---|---|
# | `await night.later(seconds)` | time passes |
# | `night.cut()` | the connection is lost |
# | `night.change_key(new)` | both sides have a new password from now on |
# | `night.sent("Heartbeat")` | how many of these it has sent until now |
# | `night.state` | the state of the charge point |
#
# It earns no points. `drilled` tries it, and says what it does not catch yet.

# %% tags=["scaffold"]
from ocpp_course.checks.lifecycle_loop import drilled


# %% tags=["exercise-only"]
async def drill(night):
    """Fails on charge points A, B and C, and passes on a right one."""
    raise NotImplementedError("step 5.drill")


# %% tags=["solution-only"]
async def drill(night):
    """Three cuts, the last with a new key: no second boot, one heartbeat an interval, and online."""
    for key in ("winter", "winter", "spring"):
        night.change_key(key)
        night.cut()
        await night.later(60)
    assert night.state == "online", f"expected it back online, it is {night.state}"
    assert night.sent("BootNotification") == 1, f"expected 1 boot, came {night.sent('BootNotification')}"
    before = night.sent("Heartbeat")
    await night.later(200)
    beats = night.sent("Heartbeat") - before
    assert 9 <= beats <= 11, f"expected 10 heartbeats in 10 intervals, came {beats}"


# %% tags=["scaffold"]
drilled(drill)

# %% [markdown]
# ### The last check
#
# The last check is a simulation. Your own smoke tests of 1.5 and 1.6 run against your own charge point. Then come fifty
# nights: two drivers, lines that are cut or go silent, both machines lose their power, answers get lost or come twice. In
# the end it must be back online, with one heartbeat in each interval and an empty outbox. Each transaction must be in the
# ledger once and whole, and no task, connection or file may be left. A failure names the seed and shows the frames.

# %%
### STEP 5.capstone · 4 points · 25 minutes
# Nothing to write: the check takes your pieces of 5.1 to 5.7, and those of the milestones before from `my_stack`.
### BEGIN SOLUTION
### END SOLUTION

# %%
check("5.capstone", may_send, may_serve, boot, Heartbeat, TransactionIds, watch, online, ChargePoint)

# %% [markdown]
# **Check yourself.** A click on a question shows the answer.
#
# <details><summary>Online again: what is sent first?</summary>
# No boot if it was accepted (J-spec 5.4). StatusNotification for what changed, then the outbox drains in order, while
# other calls may overtake.</details>
# <details><summary>Pending: may the central system reset us?</summary>
# Yes. Only RemoteStartTransaction and RemoteStopTransaction are barred (core 4.2).</details>
# <details><summary>What does the heartbeat interval measure?</summary>
# Inactivity, and not a fixed beat (core 4.6).</details>
# <details><summary>Why does the watch run while we boot?</summary>
# A half-open connection answers no BootNotification, and never closes. Without the watch the charge point would repeat its
# boot on a dead connection for ever.</details>
# <details><summary>Why is the registration not written to the file?</summary>
# A restart may be an update: the central system wants to hear what it talks to now. A charge point that restarted boots
# (core 4.2).</details>
# <details><summary>The power goes between the put of StopTransaction and the moment in which the meter forgets the
# transaction. What happens?</summary>
# It is found open, and its stop is in the outbox already. So no second one is made.</details>
#
# **Further questions.** They have no answers here. Take one to a colleague, or into your own stack.
#
# - A central system waits for a BootNotification after every reconnect, and answers nothing else before it. Yours sends
#   none. How would you notice, and what would you change?
# - The meter of a charge point forgets its value when the power goes. What do you put into the StopTransaction?
# - Pings go to the proxy in front of the central system, and the proxy answers them. The program behind it hangs. Which
#   of your parts notices, and when?
# - Two charge points have the same identity, by mistake. What does the central system see, and what does each of them
#   do for the rest of the night?
# - After a fire in a data centre 10,000 charge points reconnect, and each sends its statuses and its outbox. In which
#   order would you let them speak, and who decides that?

# %% [markdown] tags=["solution-only"]
# ## Beside the package
#
# `ocpp_lab/charge_point/registration.py` and `ocpp_lab/heartbeat.py` are the same ideas; the package's boot may be called
# early by TriggerMessage, and its heartbeat measures the clock too. `ocpp_lab/transaction_ids.py` keeps the id as text,
# because the specification bounds no integer and sqlite does.
#
# `ocpp_lab/charge_point/line.py` is our `online`: one TaskGroup with reader, boot, heartbeat, statuses and outbox. A
# SecurityError leads back to the boot on the same connection; ours takes a new one. The pings are those of the WebSocket
# library, and run from the handshake on. `ocpp_lab/charge_point/charge_point.py` is our `ChargePoint`, with connectors,
# configuration and a router of its own.
#
# libocpp (repository EVerest/EVerest): `ConnectivityManager::on_websocket_stopped_connecting` dials again as long as
# it wants to be connected; the heartbeat is a fixed timer; StatusNotifications of all connectors follow each
# reconnect; `try_resume_transactions` closes with PowerLoss. Its users met a charge point that did not come back after
# a change of password (libocpp issues/826, OCPP 2.0.1), a transaction id of -1 after a start offline (issues/495), and
# a boot that was not repeated after a timeout (issues/307).

# %% [markdown]
# All of it is still alive: press what you like above. The button closes it, and counts the tasks that are left.

# %% tags=["scaffold"]
closing = lab.Closing(guard, panel, cable, lambda: charge_point.stop(), proxy, central_system, ledger, folder)
closing

# %% [markdown]
# | before | how far you are | after |
# | :--- | :---: | ---: |
# | [← Notebook 5<br>Lifecycle loop](../notebooks/05_lifecycle_loop.ipynb) | [**START**<br>your lamps and points](../START.ipynb) | [23:55 →<br>Integration and metrics](../notebooks/06_integration_and_metrics.ipynb) |
