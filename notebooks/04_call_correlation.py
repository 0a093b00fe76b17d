# %% [markdown]
# # 4. Call correlation: whose answer is this?
#
# Friday, 20:20. The database of the central system is slow. Answers come late, crossed, and some come twice. The driver
# at connector 2 gets the transaction id of connector 1. A blocked card charges, because somebody else's *Accepted* was
# taken for its answer.
#
# Notebook [2](02_dispatch_and_router.ipynb) found the code for a call that comes in. Here we find the caller for an
# answer that comes in, and we ask what to do with an answer that nobody waits for.
#
# In brackets stands where OCPP says it: *J-spec* is OCPP-J 1.6, the JSON transport; *core* is OCPP 1.6 edition 2;
# *errata* are their official corrections; *whitepaper* is the security whitepaper.

# %%
import asyncio
import json
from collections import Counter, deque
from datetime import datetime
from functools import partial
from itertools import accumulate, count, repeat
from random import Random

from IPython.display import display

from ocpp_lab import Call, CentralSystem, ChargePoint, OcppError, Policy, Router, Session, Trace, Transport
from ocpp_course import lab
from ocpp_lab import decode, encode, encode_payload
from ocpp_lab import messages as m
from ocpp_lab.charge_point.dial import dial

guard = lab.Guard()
guard

# %% [markdown]
# ## 1. Four calls that cross
#
# This central system has no clock of its own: it is always 20:20, so that you see what we see. It knows one blocked
# card. Both ends number their calls 1, 2, 3 … to be easy to read; any
# text of up to 36 characters will do (J-spec 4.1.4).
#
# `on_a_line` dials as `CP_0` and lets some code work with a client there. A client calls; its `run` is the reader.

# %%
central_system = await CentralSystem(
    require_boot=False,
    policy=Policy(id_tags={"TAG_X": "Blocked"}),
    ids=map(str, count(1)),
    now=lambda: datetime.fromisoformat("2025-06-06T20:20:00Z"),
).start()
trace = Trace()


async def on_a_line(client_type, work):
    """Do some work with a client and its peer. Tells if the reader died meanwhile."""
    pipe = await dial(f"{central_system.url}/CP_0", note=partial(trace.note, "CP_0"))
    client = client_type(pipe)
    reader = asyncio.create_task(client.run())
    done = await work(client, await central_system.connected("CP_0"))
    await pipe.close()
    [end] = await asyncio.gather(reader, return_exceptions=True)
    await lab.until(lambda: "CP_0" not in central_system)
    if end:
        print("    the reader died:", repr(end))
    return done


def ladder(start, title):
    return lab.ladder(trace, central_system, since=start, title=title, identity="CP_0")


print("at", central_system.url)

# %% [markdown]
# The charge point makes two calls, the central system makes two. The database needs 0.2 s for the first. *delay* is one
# of the faults of notebook 1, set from Python.

# %%
router = Router("ChargePoint")


@router.on(m.ClearCacheRequest)
async def on_clear(request: m.ClearCacheRequest) -> m.ClearCacheResponse:
    return m.ClearCacheResponse(status="Accepted")


def ours(pipe):
    note = partial(trace.note, "CP_0", "!")
    return Session(Transport(pipe), router, ids=map(str, count(1)), timeout=0.3, trouble=note)


authorize, heartbeat = m.AuthorizeRequest(id_tag="TAG_A"), m.HeartbeatRequest()


async def four_calls(client, peer):
    calls = [client.call(authorize), client.call(heartbeat)] + [peer.call(m.ClearCacheRequest()) for _ in range(2)]
    return await asyncio.gather(*(lab.timed(call) for call in calls))


central_system.faults.delay("Authorize", seconds=0.2, times=1)
start = lab.now()
four = await on_a_line(ours, four_calls)
print(*(f"{each.action}: {each.outcome}" for each in four), sep="\n")
served = sum(each.started + each.seconds < four[0].started + four[0].seconds for each in four[2:])
ladder(start, f"Authorize waits {four[0].seconds * 1000:.0f} ms; meanwhile {served} calls of the peer are served")

# %% [markdown]
# Call 1 of the charge point and call 1 of the central system are both under way: an id is unique per *sender*. The
# Heartbeat left late. It waited in our own queue, behind the call in flight.
#
# ## 2. Answers in the order of the questions
#
# The firmware of that night keeps a queue of those who wait. What comes in goes to whoever waits longest. It even cleans
# up: who gives up, leaves the queue. A caller gets the whole frame, so that we see its id.


# %%
class ByOrder:
    def __init__(self, pipe):
        self.pipe, self.ids, self.waiting = pipe, map(str, count(1)), deque()

    async def call(self, request, timeout=0.5):
        future = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        await self.pipe.send(encode(Call(next(self.ids), request.action, encode_payload(request))))
        try:
            return await asyncio.wait_for(future, timeout)
        finally:
            if future in self.waiting:
                self.waiting.remove(future)

    async def run(self):
        async for text in self.pipe:
            self.waiting.popleft().set_result(json.loads(text))


async def demo(client, peer):
    return [await client.call(authorize), await client.call(heartbeat)]


print(*await on_a_line(ByOrder, demo), sep="\n")

# %% [markdown]
# The demo passed. Then the database slows down: the first call takes 0.7 s, longer than the timeout of 0.5 s; each
# later one takes 0.45 s. One call at a time, as the specification wants. TAG_X is the blocked card.
#
# **Predict.** Which call gets which answer?
#
# (a) call 1 times out, the others get theirs · (b) call 1 times out, the others get nothing · (c) call 1 times out,
# each other one gets the answer before its own

# %%
transaction = {"meter_start": 0, "timestamp": datetime.fromisoformat("2025-06-06T20:20:00Z")}
requests = {
    "StartTransaction, connector 1": m.StartTransactionRequest(connector_id=1, id_tag="TAG_A", **transaction),
    "StartTransaction, connector 2": m.StartTransactionRequest(connector_id=2, id_tag="TAG_B", **transaction),
    "Authorize TAG_X": m.AuthorizeRequest(id_tag="TAG_X"),
    "Heartbeat": heartbeat,
    "StatusNotification": lab.example(m.StatusNotificationRequest),
}


async def told(call):
    """What the caller is told: an answer, or an error."""
    try:
        return await call
    except (TimeoutError, OcppError) as error:
        return type(error).__name__


async def night(client, peer):
    central_system.faults.delay(seconds=0.7, times=1)
    central_system.faults.delay(seconds=0.45)
    return [await told(client.call(request)) for request in requests.values()]


start = lab.now()
got = await on_a_line(ByOrder, night)
for number, (name, answer) in enumerate(zip(requests, got, strict=True), start=1):
    print(f"{number} {name:30} {answer}")
central_system.faults.clear()

# %%
answers = [(f"{number}", answer[1]) for number, answer in enumerate(got, start=1) if answer != "TimeoutError"]
wrong = sum(asked != answered for asked, answered in answers)
ladder(start, f"{len(got) - len(answers)} call timed out; {wrong} of the {len(answers)} after it got another's answer")

# %% [markdown]
# The dashed arrows belong to the calls with their number; the firmware gave each to the next caller. Transaction 1
# belongs to TAG_A and was given to connector 2. The blocked card reads `Accepted`. No log shows an error. The ids
# were there all the time.
#
# While one call follows the other, nothing ends this: the queue stays one off. Now another fault, *answer twice*. **Predict** what the
# second copy does when nobody waits.
#
# (a) nothing · (b) it goes to the next caller · (c) it kills the reader


# %%
async def two_calls(client, peer):
    central_system.faults.answer_twice("Authorize", times=1)
    return [await told(client.call(authorize)), await told(client.call(heartbeat, timeout=0.2))]


print(*await on_a_line(ByOrder, two_calls), sep="\n")

# %% [markdown]
# It killed the reader, and from then on every call times out. Had somebody been waiting, it would have been (b).
#
# ## 3. A map by id
#
# The frame says to whom it belongs: its second element. So we keep a map from id to future.


# %%
class ById:
    def __init__(self, pipe):
        self.pipe, self.ids, self.waiting = pipe, map(str, count(1)), {}

    async def call(self, request, timeout=0.3):
        unique_id = next(self.ids)
        future = self.waiting[unique_id] = asyncio.get_running_loop().create_future()
        await self.pipe.send(encode(Call(unique_id, request.action, encode_payload(request))))
        try:
            return await asyncio.wait_for(future, timeout)
        finally:
            self.waiting.pop(unique_id, None)

    async def run(self):
        async for text in self.pipe:
            self.settle(decode(text))

    def settle(self, frame):
        self.waiting.pop(frame.unique_id).set_result(frame.payload)


print(*await on_a_line(ById, demo), sep="\n")

# %% [markdown]
# Four calls at once are what an end should not send (J-spec 4.1.1); here they show the map at work. The first is the
# slowest, so answers come back in reverse. **Predict**: does anybody get another's answer?


# %%
async def at_once(client, peer):
    for seconds in (0.2, 0.15, 0.1, 0.05):
        central_system.faults.delay(seconds=seconds, times=1)
    return await asyncio.gather(*(client.call(request) for request in list(requests.values())[:4]))


start = lab.now()
for name, answer in zip(requests, await on_a_line(ById, at_once), strict=False):
    print(f"{name:30} {answer}")
central_system.faults.clear()
order = [event.frame.unique_id for event in trace if event.at > start and event.mark == "<"]
ladder(start, f"Answers came in the order {', '.join(order)}, and each went to its own call")

# %% [markdown]
# Order is gone and nobody misses it. Both drivers have a transaction of their own, and TAG_X is blocked. And each start
# was asked for twice tonight and has the same id as before: this ledger recognises a repeat.
#
# So far the map is right. Four kinds of reply are left, and each has a name: *late, repeated, orphan, malformed*. This
# panel makes them; the line below counts what a charge point of ours, `CP_1`, has heard of each.

# %%
charge_point = await ChargePoint(central_system.url, "CP_1", timeout=0.3, delays=lambda: repeat(0.05)).start()
await lab.until(lambda: charge_point.tally.ended["StatusNotification", "result"] == 2)
NAMES = ("late", "repeated", "orphan", "malformed")


def heard(name):
    return charge_point.tally.totals()[name]


panel = lab.FaultPanel(central_system)
watch = lab.Watch({name: partial(heard, name) for name in NAMES}, "CP_1 heard")
display(panel, watch)

# %% [markdown]
# ## 4. Late
#
# The same experiment for each of the four, first with the map, then with our `Session`: an Authorize meets the fault,
# and a Heartbeat follows in peace. We print what the two callers were told, and what our session counted.
#
# **Predict** for an answer after 0.5 s, when the timeout is 0.3 s. What is the second caller told by the map?
#
# (a) its answer · (b) the late answer · (c) nothing: a timeout


# %%
async def spoilt(fault):
    async def work(client, peer):
        panel.toggle(fault)
        first = await told(client.call(authorize))
        panel.clear()
        if fault == "delay":
            await asyncio.sleep(0.3)  # now it comes
        second = await told(client.call(heartbeat))
        counts = getattr(getattr(client, "pending", None), "counts", {})
        for name, answer in (("Authorize", first), ("Heartbeat", second)):
            print(f"    {name}:", answer if isinstance(answer, dict | str) else type(answer).__name__)
        if counts:
            print("    counted:", *(f"{name} {counts[name]}" for name in NAMES if name in counts))

    for name, client_type in (("the map", ById), ("Session", ours)):
        print(name)
        await on_a_line(client_type, work)


panel.set(action="Authorize", seconds=0.5)
await spoilt("delay")

# %% [markdown]
# A late answer is an answer to a call that is over. The map had forgotten the id and raised `KeyError`, in the reader,
# far from the call that was slow. Our `Pending` remembers the last 256 ids that ended, and how. So it can tell *late*
# from what it never sent.
#
# Late means: the peer is slow. It acted, and we told our caller that nobody knows. The call is over and stays over, so
# the late answer is never the answer to *another* call. But it is true, and its id says what it belongs to. Whoever was
# told the timeout may ask for it: `CallTimeout.on_late_result`. The outbox does, because the answer to a
# StartTransaction holds the transaction id (notebook [3](03_session_reconnect.ipynb), section 8). Whoever has asked again
# meanwhile leaves it alone.
#
# ## 5. Twice
#
# **Predict** for *answer twice*: who is told something wrong, with the map, and with `Session`?
#
# (a) nobody, nobody · (b) the second caller, nobody · (c) the second caller, the second caller

# %%
await spoilt("answer twice")

# %% [markdown]
# The first copy ends the call. The second is *repeated*: its call had an answer already. It hints at a peer or a proxy
# that sends again what was received.
#
# ## 6. For nobody
#
# *wrong id*: the answer carries an id that this end never sent. **Predict** what the first caller is told by `Session`.
#
# (a) its answer · (b) an error at once · (c) a timeout

# %%
await spoilt("wrong id")

# %% [markdown]
# It may well be the answer to our call; nothing proves it. There is only one call in flight, so why not guess? Section 2
# is what guessing looks like. The caller waits out its timeout, and the reply is an *orphan*.
#
# ## 7. The wrong shape
#
# *wrong payload*: the id fits, the payload is no answer to an Authorize. **Predict** what the map tells its caller.
#
# (a) an error · (b) the payload, as if all were well · (c) a timeout

# %%
await spoilt("wrong payload")

# %% [markdown]
# The map hands it over. It breaks later, where somebody reads `["idTagInfo"]`. `Pending` keeps the response type with
# the future and checks. `MalformedReply` comes at once: waiting longer tells nobody anything. It is indefinite, for the
# peer did act.
#
# All four, as our session saw them. Only the caller concerned was told an error, and the Heartbeat after it was served.


# %%
async def all_four(client, peer):
    for fault in ("answer twice", "wrong id", "wrong payload", "delay"):
        panel.toggle(fault)
        await told(client.call(authorize))
        panel.clear()
    await lab.until(lambda: client.pending.counts["late"])
    return sum(client.pending.counts[name] for name in NAMES)


start = lab.now()
strays = await on_a_line(ours, all_four)
ladder(start, f"{strays} replies that were no good, each with a name; the reader lives")

# %% [markdown]
# ## 8. One in flight, and the peer's calls are served
#
# Before it starts for a remote command, a charge point may ask whether the card is good. So its handler makes a call,
# while a call of the peer waits for the handler. The first reader awaits its handlers; the peer waits up to 1 s.
#
# **Predict.** What does the central system get?
#
# (a) `Accepted`, at once · (b) `Accepted`, after the timeout of 0.3 s · (c) a CallError, after the timeout


# %%
def obey(client):
    """From now on the charge point asks, through this client, before it starts."""

    async def on_start(request: m.RemoteStartTransactionRequest) -> m.RemoteStartTransactionResponse:
        await client.call(m.AuthorizeRequest(id_tag=request.id_tag))
        return m.RemoteStartTransactionResponse(status="Accepted")

    router.add(m.RemoteStartTransactionRequest, on_start, replace=True)


class Awaiting(ById):
    async def run(self):
        async for text in self.pipe:
            frame = decode(text)
            if isinstance(frame, Call):
                await self.pipe.send(encode(await router.answer(frame)))
            else:
                self.settle(frame)


async def remote_start(client, peer):
    obey(client)
    return await lab.timed(peer.call(m.RemoteStartTransactionRequest(id_tag="TAG_A"), timeout=1))


obey(None)
print("the charge point answers", *sorted(router.actions))

# %%
start = lab.now()
deadlock = await on_a_line(Awaiting, remote_start)
print("the reader awaits:", deadlock.outcome, deadlock.detail)
waited = f"The handler waits {deadlock.seconds:.1f} s for an answer that its own reader does not read"
picture = ladder(start, waited)
free = await on_a_line(ours, remote_start)
print("Session:", free.outcome, free.detail, "· sooner than the timeout:", free.seconds < 0.3)
picture

# %% [markdown]
# The answer to Authorize lay in the socket all the time. The reader was the only one who could read it, and it waited
# for the handler, who waited for the answer. The timeout broke the circle, at the price of a failed start. `Session`
# starts a handler as a task of its own and reads on.
#
# Now more of both. `CP_0` starts ten calls at once, each 50 ms slow. Its peer sends eight that take 150 ms each and does
# not wait for its turn. **Predict** the most calls in flight: of `CP_0`, and of its peer.
#
# (a) 10 and 8 · (b) 1 and 1 · (c) 1 and several

# %%
work_seconds, begun, finished = 0.15, [], []


async def on_diagnostics(request: m.GetDiagnosticsRequest) -> m.GetDiagnosticsResponse:
    begun.append(request)
    await asyncio.sleep(work_seconds)
    finished.append(request)
    return m.GetDiagnosticsResponse()


router.add(m.GetDiagnosticsRequest, on_diagnostics, replace=True)


async def push(session, number):
    """A call that does not wait for its turn."""
    await asyncio.sleep(0.04 * number)
    request = lab.example(m.GetDiagnosticsRequest)
    future = session.pending.open(f"push-{number}", request.response_type)
    await session.transport.send(encode(Call(f"push-{number}", request.action, encode_payload(request))))
    return await session.pending.expect(future, timeout=30)


async def both_ways(client, peer):
    own = [lab.timed(client.call(authorize, timeout=1)) for _ in range(10)]
    return await asyncio.gather(*own, *(lab.timed(push(peer, n)) for n in range(8)))


central_system.faults.delay("Authorize", seconds=0.05, times=10)
start = lab.now()
print(Counter(f"{each.action}: {each.outcome}" for each in await on_a_line(ours, both_ways)))


# %%
def in_flight(story):
    """How many calls are under way, at each instant at which that changes."""
    ended = lab.calls(event for event in story if event.at >= start and event.identity == "CP_0")
    steps = [(each.started - start, 1) for each in ended]
    steps += [(each.started + each.seconds - start, -1) for each in ended]
    times, changes = zip(*sorted(steps), strict=True)
    return times, list(accumulate(changes))


fig, axes = lab.subplots(height=330, rows=2, sharex=True, sharey=True)
most = []
for ax, story, whose in zip(axes, (trace, central_system.trace), ("own calls", "the peer's calls"), strict=True):
    times, depth = in_flight(story)
    most.append(max(depth))
    look = lab.OUTCOMES["result" if ax is axes[0] else "waiting"]
    ax.fill_between(times, depth, step="post", facecolor=look.colour, alpha=0.25, hatch=look.hatch, linewidth=0)
    ax.step(times, depth, where="post", color=look.colour)
    ax.set(ylabel="in flight", ylim=(0, 8.5), yticks=range(0, 9, 2))
    ax.set_title(f"{whose}, at most {max(depth)}", fontsize=9.5, loc="left")
axes[1].set_xlabel("time (s)")
lab.title(axes[0], f"Never more than {most[0]} own call in flight, while up to {most[1]} of the peer's are served")
lab.figure(fig, alt=f"Calls in flight over time: own calls at most {most[0]}, and several of the peer's meanwhile.")

# %% [markdown]
# One at a time is what each end should keep to (J-spec 4.1.1). We do, by a lock from the send to the end of the call. So
# the timeout starts when the frame is sent: the tenth caller waited 0.5 s in our own queue, and the peer was not slow.
# The peer did not wait for its turn. That is a SHOULD NOT and no ban, so its calls are served.
#
# When does a call end whose caller goes away? An Authorize takes 0.2 s, and its caller is cancelled after 0.05 s. A
# Heartbeat waits behind it. **Predict** when the caller is free, and when the Heartbeat leaves.
#
# (a) both at once · (b) the caller at once, the Heartbeat after the answer to Authorize · (c) both after that answer


# %%
async def goes_away(client, peer):
    central_system.faults.delay("Authorize", seconds=0.2, times=1)
    caller = asyncio.create_task(told(client.call(authorize)))
    waiting = asyncio.create_task(lab.timed(client.call(heartbeat)))
    await asyncio.sleep(0.05)
    caller.cancel()
    [end] = await asyncio.gather(caller, return_exceptions=True)
    beats = [event for event in trace if event.at > start and event.mark == ">" and "Heartbeat" in event.text]
    print("the caller:", type(end).__name__, "· Heartbeats sent by then:", len(beats))
    print("Heartbeat:", (await waiting).outcome, "· a reply without a caller: late", client.pending.counts["late"])


start = lab.now()
await on_a_line(ours, goes_away)
ladder(start, "The caller left after 50 ms; the next call waited for the answer that nobody wants any more")

# %% [markdown]
# The peer knows nothing of our caller. It works on the Authorize as before, so that call is on the wire without an
# answer, and a Heartbeat beside it would be a second one. J-spec 4.1.1 knows two ends of a call: a reply, and that its
# time is up. So `Session` keeps the lane until one of the two has happened. To send at once would break a SHOULD NOT and
# no more; a peer that reads one call at a time would feel it. A call that is still in our own write queue is taken back.
#
# ## 9. The line is gone: all at once
#
# Five calls of the central system are being served for 30 s each. Then the charge point cuts the TCP connection.
# **Predict** how many of the five callers know after 0.1 s, and what becomes of the five handlers.
#
# (a) 1, they go on · (b) 5, they go on · (c) 5, they are cancelled

# %%
work_seconds = 30
begun.clear()
finished.clear()


async def cut(client, peer):
    pushed = [asyncio.create_task(lab.timed(push(peer, n / 4), "GetDiagnostics")) for n in range(5)]
    await asyncio.sleep(0.15)
    at = lab.now()
    client.transport.pipe.abort()
    five = await asyncio.gather(*pushed)
    print(*(f"{each.outcome}: {each.detail}" for each in five), sep="\n")
    print("all within 0.1 s:", max(each.started + each.seconds for each in five) - at < 0.1)
    print("one more:", await told(peer.call(m.ClearCacheRequest())))


await on_a_line(ours, cut)
print("handlers cut short:", len(begun) - len(finished))

# %% [markdown]
# An id belongs to one connection, so no answer can come any more: `Pending.fail_all` ends each call with an exception
# of its own. A handler has nobody left to answer. *One more* is definite: nothing was sent.
#
# Now the whole night, live: 200 calls of `CP_1`, one after the other, 40 of them spoilt by chance. The central system
# answers each card with its own name as the parent tag, so that a caller can tell its own answer.


# %%
async def on_authorize(request: m.AuthorizeRequest) -> m.AuthorizeResponse:
    return m.AuthorizeResponse(id_tag_info=m.IdTagInfo(status="Accepted", parent_id_tag=request.id_tag))


faults = {"delay": 3, "wrong_id": 2, "answer_twice": 16, "wrong_payload": 8, "call_error": 8, "close": 3}
plan = [fault for fault, times in faults.items() for _ in range(times)]
plan += [""] * (200 - len(plan))
Random(20).shuffle(plan)
anothers = []
central_system.router.add(m.AuthorizeRequest, on_authorize, replace=True)


async def ask(tag):
    answer = await charge_point.call(m.AuthorizeRequest(id_tag=tag))
    if answer.id_tag_info.parent_id_tag != tag:
        anothers.append(tag)
    return answer


print(Counter(fault or "none" for fault in plan))

# %%
before = {name: heard(name) for name in NAMES}
ended = []
for number, fault in enumerate(plan):
    if fault == "close":  # what is late would be lost with the line
        await lab.until(lambda past=plan[:number]: heard("late") - before["late"] == past.count("delay"))
    if fault:
        options = {"seconds": 0.5} if fault == "delay" else {}
        getattr(central_system.faults, fault)("Authorize", times=1, **options)
    await asyncio.sleep(0.003)  # a picture with room between its points
    session = charge_point.session
    ended.append(await lab.timed(ask(f"TAG_{number}"), "Authorize"))
    if ended[-1].outcome == "lost":
        await lab.until(lambda old=session: charge_point.state == "online" and charge_point.session not in (None, old))
await lab.until(lambda: heard("late") - before["late"] == faults["delay"])
central_system.faults.clear()
print("CP_1 heard:", {name: heard(name) - before[name] for name in NAMES})
print("callers with another's answer:", len(anothers), "· calls without an end:", charge_point.tally.imbalance())
ends = Counter(each.outcome for each in ended)
answered = ends["result"] + ends["CallError"] + ends["malformed"]
finding = f"Of {len(ended)} calls {answered} were answered, {ends['timeout']} timed out, {ends['lost']} lost; "
lab.latency(ended, finding + f"{len(anothers) or 'none'} got another's answer", timeout=0.3)

# %% [markdown]
# The accounts balance: each fault of the plan is one count, and each call has one end. The delayed ones and those for
# nobody lie on the line of the timeout; all others took milliseconds.
#
# Your turn: from now on `CP_1` sends a Heartbeat each second. Press a fault on the panel above and watch the counts.

# %%
panel.set(action="any call", seconds=0.75)
await central_system["CP_1"].call(m.ChangeConfigurationRequest(key="HeartbeatInterval", value="1"))

# %% [markdown]
# **Check yourself.** A click on a question shows the answer.
#
# <details><summary>A StartTransaction timed out; now its answer comes late. May we use it?</summary>
# For another call, never. For that message, yes: its id names the call that carried it, and it tells the transaction id.
# The silence was counted as a failed attempt (our choice: core 3.7.1 speaks of reported failures only), but a message
# that was answered is struck out and not sent again.</details>
# <details><summary>A caller is cancelled. May the next call go out at once?</summary>
# Better not: the first one is still without its answer at the peer. Wait for the reply or the timeout. (J-spec 4.1.1 is a
# SHOULD NOT, so exercise 4.6 takes both.)</details>
# <details><summary>May the id of the peer's call equal the id of mine?</summary>
# Yes. Ids are unique per sender, and a reply says by its type to whom it belongs.</details>
# <details><summary>When does the timeout of a call start?</summary>
# When the frame is sent, not while the call waits behind another one in our own queue.</details>
# <details><summary>Which of the four strays is worth an alarm?</summary>
# A count that grows. Late: the peer is slow. Orphan or malformed: one of you has a bug.</details>
#
# ## 10. Design note: libocpp
#
# libocpp holds exactly one message in flight, so correlation is one comparison (`MessageQueue::receive`). What does not
# match is one line in the log, without a name and without a count. Ours is a map, because a central system may meet
# peers that do not wait, and because a test can ask it. libocpp does not notice that an id comes in twice; we answer the
# second with a CallError while the first is being handled.
#
# The faults of this notebook happened. A send that was too slow paused the whole queue, and on a good line nothing woke
# it (EVerest pull/1713). A CallError of the peer became an internal error (libocpp issues/460). Messages that came twice
# under one id upset central systems (MicroOcpp pull/171).
#
# Leave nothing behind:

# %%
watch.close()
panel.close()
await charge_point.stop()
await central_system.stop()
left = await guard.stop()
print("tasks left:", len(left), *left)
