# %% [markdown]
# # 2. Dispatch and router: which code answers this text, and what if none does?
#
# Friday, 18:15. The operator deploys a new release of the central system. It sends `CP_1` a Reset with a typo, then a
# ChangeConfiguration without its key. From then on `CP_1` answers nothing at all. It is online, and deaf.
#
# Notebook [1](01_smoke_tests.ipynb) brought frames across the line. Here we follow a *Call*,
# `[2, id, action, payload]`, to the code that answers it: with a *CallResult*, `[3, id, payload]`, or with a
# *CallError*, `[4, id, code, description, {}]`.
#
# In brackets stands where OCPP says it: *J-spec* is OCPP-J 1.6, the JSON transport; *core* is OCPP 1.6 edition 2;
# *errata* are their official corrections; *whitepaper* is the security whitepaper.

# %%
import asyncio
import json
import logging.handlers
import traceback
from functools import partial
from textwrap import fill, indent
from typing import Annotated, Literal

from IPython.display import display
from msgspec import Meta

from ocpp_lab import ACTIONS, Call, CentralSystem, ChargePoint, PayloadError, Router, Session, Trace, Transport
from ocpp_course import lab
from ocpp_lab import decode, decode_payload, encode, encode_payload
from ocpp_lab import messages as m
from ocpp_lab.charge_point.dial import dial

guard = lab.Guard()
guard

# %% [markdown]
# ## 1. The whole protocol on one screen
#
# OCPP 1.6 has 28 operations; its security whitepaper adds 11. Each has a name, the *action*, and two payloads: a
# request and a response. And each says who may ask. Only DataTransfer goes both ways.

# %%
for sender in ("ChargePoint", "CentralSystem", "both"):
    names = [action.name for action in ACTIONS.values() if action.sender == sender]
    print(f"{len(names)} sent by {sender}:\n{indent(fill(', '.join(names), 96), '  ')}")

# %% [markdown]
# ## 2. One long `if`
#
# This is the firmware of that night, and it looks reasonable. Its reader takes the next text when the last one is
# answered. (A *pipe* can send a text and iterate over those that arrive.)

# %%
config = {}


async def naive_answer(text):
    _, uid, action, payload = json.loads(text)
    if action == "Reset":
        return [3, uid, {"status": "Accepted"}]
    elif action == "ChangeConfiguration":
        config[payload["key"]] = payload["value"]
        return [3, uid, {"staus": "Accepted"}]
    return [4, uid, "NotImplemented", "", {}]


async def naive_reader(pipe):
    async for text in pipe:
        await pipe.send(json.dumps(await naive_answer(text)))


print(await naive_answer('[2,"17","Reset",{"type":"Soft"}]'))

# %% [markdown]
# It goes on the line as `CP_0`, against a live central system whose calls time out after 0.5 s, not 30. The demo was one
# correct Reset, and it passed.

# %%
central_system = await CentralSystem(timeout=0.5).start()
trace = Trace()


async def as_cp_0(read, work):
    """CP_0 dials and reads with `read`; the central system does its `work` with it. Returns what came of that."""
    pipe = await dial(f"{central_system.url}/CP_0", note=partial(trace.note, "CP_0"))
    reader = asyncio.create_task(read(pipe))
    done = await work(await central_system.connected("CP_0"))
    await pipe.close()
    [end] = await asyncio.gather(reader, return_exceptions=True)
    await lab.until(lambda: "CP_0" not in central_system)
    if end:
        print("the reader died:", repr(end))
    return done


async def demo(session):
    return await session.call(m.ResetRequest(type="Soft"))


print("the demo:", await as_cp_0(naive_reader, demo))

# %% [markdown]
# The release of that night makes four calls; `lab.timed` writes down how each ends. For two of them it has classes of
# its own, written in a hurry: any text is a type of Reset, and ChangeConfiguration has no key.


# %%
class ResetRequest(m.Request[m.ResetResponse], kw_only=True):
    type: str


class ChangeConfigurationRequest(m.Request[m.ChangeConfigurationResponse], kw_only=True):
    value: str


async def release(session):
    requests = [
        m.ChangeConfigurationRequest(key="HeartbeatInterval", value="60"),
        ResetRequest(type="Sfot"),
        ChangeConfigurationRequest(value="60"),
        m.ResetRequest(type="Soft"),
    ]
    return [await lab.timed(session.call(request), request.action) for request in requests]


for careless in (ResetRequest(type="Sfot"), ChangeConfigurationRequest(value="60")):
    print(encode(Call("17", careless.action, encode_payload(careless))))

# %% [markdown]
# **Predict.** The first and the last of the four are correct. To which does the central system get a correct answer?
#
# (a) to all but the third · (b) to the first and the last · (c) to the first only · (d) to none

# %%
night = await as_cp_0(naive_reader, release)
for each in night:
    print(f"{each.action:20} {each.outcome:10} {each.detail}")


def ladder(ended, title):
    end = ended[-1].started + ended[-1].seconds
    return lab.ladder(trace, central_system, since=ended[0].started, until=end, title=title)


unread = sum(each.outcome != "result" for each in night)
ladder(night, f"Four calls: {unread} without a readable answer, one accepted that deserved an error")

# %% [markdown]
# To none. The first reply has a typo of its own, `staus`: the firmware does not check what it sends, so its *peer* has
# to. There is no Reset of type `Sfot`, and it was accepted. The missing key raised `KeyError` and ended the reader. The
# last call, a correct one, was never read: the open circle. The WebSocket stays open, so the line looks healthy.
#
# ## 3. Declare the wire once
#
# The specification gives each payload as a table: name, type, length, required or not. A class can be that table. The
# release went wrong at `type: str`. The next class says all: an enumeration, a length, a date, two optional fields.
#
# `m.Payload` writes `parent_id_tag` as `parentIdTag` on the wire and lets no undeclared field pass (J-errata 3.1). The
# package declares all 78 payloads so. A declaration works both ways: it would have kept the `Sfot` at home.


# %%
class IdTagInfo(m.Payload, kw_only=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
    parent_id_tag: Annotated[str, Meta(max_length=20)] | None = None
    expiry_date: m.Timestamp | None = None


def refusal(work, *arguments):
    try:
        return work(*arguments)
    except PayloadError as error:
        return error


print(refusal(decode_payload, IdTagInfo, {"status": "Accepted", "parentIdTag": "GROUP_1"}))
print("in: ", refusal(decode_payload, IdTagInfo, {"status": "Expired", "expiryDate": "yesterday"}).description)
print("out:", refusal(encode_payload, m.ResetRequest(type="Sfot")).description)

# %% [markdown]
# ## 4. Whose fault, and which code
#
# A CallError carries a code, and the code says whose fault it was. Five codes are for payloads (J-spec 4.2.3). We send
# four of them. **Predict** which one each of these gets: *a field is missing*, *a field nobody declared*, *a wrong
# type*, *too long*.
#
# (a) TypeConstraintViolation · (b) OccurenceConstraintViolation · (c) PropertyConstraintViolation ·
# (d) FormationViolation

# %%
violations = {
    "missing": {},
    "undeclared": {"idTag": "TAG_A", "pin": 1234},
    "wrong type": {"idTag": 4711},
    "too long": {"idTag": "TAG_A" * 5},
}
for kind, payload in violations.items():
    error = refusal(decode_payload, m.AuthorizeRequest, payload)
    print(f"{kind:12}{error.code:30}{error.description}")

# %% [markdown]
# `Occurence` has one r, and `Formation` should be `Format`. Both are misspelt in the specification and stay so in 1.6
# (J-errata 5.1, 5.2), because other stacks compare texts. We send the misspelt ones and understand both.
#
# **The specification is ambiguous here.** It names the codes, but not which violation gets which. The fifth code is
# *ProtocolError*: the payload is incomplete. So a missing field may get that from others, and `Occurence…` from us. Is
# `kwh` for `kWh` a wrong type or a wrong value? Three errata decide a few cases of smart charging (core errata 3.24,
# 3.38, 3.39): a bad unit, enumeration or connector there is a PropertyConstraintViolation. In all others stacks differ.
# So rely on there *being* an error. The code is a hint; the description names the field, however deep it lies.

# %%
print(decode('[4,"17","OccurrenceConstraintViolation","",{}]').code)
sampled = {"timestamp": "2025-06-06T18:15:00Z", "sampledValue": [{"value": "1", "unit": "kwh"}]}
error = refusal(decode_payload, m.MeterValuesRequest, {"connectorId": 1, "meterValue": [sampled]})
print(f"{error.code}\n{fill(error.description, 96)}")

# %% [markdown]
# ## 5. A router
#
# A `Router` maps a request type to one coroutine, its *handler*. The type says which action it is and what must come
# back. `answer` takes a Call and returns the frame to send. Handlers that share something belong into a class: methods
# named `on_…` are registered, each for the type in its annotation.
#
# Then the same night again. A `Session` reads, gives each Call to the router, and sends what it returns.

# %%
router = Router("ChargePoint")


@router.on(m.ResetRequest)
async def on_reset(request: m.ResetRequest) -> m.ResetResponse:
    return m.ResetResponse(status="Accepted" if request.type == "Soft" else "Rejected")


for kind in ("Soft", "Hard", "Sfot"):
    print(encode(await router.answer(Call("17", "Reset", {"type": kind}))))


# %%
class Settings:
    def __init__(self):
        self.values = {}

    async def on_change(self, request: m.ChangeConfigurationRequest) -> m.ChangeConfigurationResponse:
        self.values[request.key] = request.value
        return m.ChangeConfigurationResponse(status="Accepted")


router.include(Settings())
print("handled:", *sorted(router.actions))


# %%
async def session_reader(pipe):
    await Session(Transport(pipe), router).run()


night = await as_cp_0(session_reader, release)
right = sum(each.outcome == "result" for each in night)
ladder(night, f"The same four calls: {right} results, {len(night) - right} errors that name the fault, no silence")

# %% [markdown]
# ## 6. Found when you start it, not at three in the morning
#
# Whatever can be known about a handler is checked when it is registered. Four mistakes that would otherwise wait for
# the first call:


# %%
async def heartbeat(request: m.HeartbeatRequest) -> m.HeartbeatResponse: ...
async def wrong_return(request: m.ClearCacheRequest) -> m.ResetResponse: ...
def not_async(request: m.ClearCacheRequest) -> m.ClearCacheResponse: ...


mistakes = {on_reset: m.ResetRequest, heartbeat: m.HeartbeatRequest}
mistakes |= {not_async: m.ClearCacheRequest, wrong_return: m.ClearCacheRequest}
for handler, request_type in mistakes.items():
    try:
        router.add(request_type, handler)
    except TypeError as error:
        print(fill(f"- {error}", 96, subsequent_indent="  "))

# %% [markdown]
# ## 7. Nobody home: two codes
#
# *NotImplemented* is for what OCPP does not know. *NotSupported* is for what it knows and we do not serve (J-spec
# 4.2.3). **Predict** which one each of these gets: `MakeCoffee`, `reset`, `UnlockConnector`, `Heartbeat`. The payload
# is wrong each time, too.

# %%
for action in ("MakeCoffee", "reset", "UnlockConnector", "Heartbeat"):
    reply = await router.answer(Call("17", action, {"connectorId": "one"}))
    print(f"{action:18}{reply.code:18}{reply.description}")

# %% [markdown]
# Actions are case-sensitive (J-spec 4.2.1). And nobody complained of the payload: what is not served has no rules for
# one. Now all 39 over the line, each from either side. Both routers handle every action that may reach them, and each
# handler notes its own action and the type it was given.

# %%
reached = []


def witness(action):
    async def handler(request):
        reached.append((action.name, type(request)))
        return lab.example(action.response)

    return handler


routers = {role: Router(role) for role in ("ChargePoint", "CentralSystem")}
for role, each in routers.items():
    for action in ACTIONS.values():
        if action.sender != role:
            each.add(action.request, witness(action))
print({role: len(each.actions) for role, each in routers.items()})

# %%
async with CentralSystem(router=routers["CentralSystem"], require_boot=False) as other:
    session = Session(Transport(await dial(f"{other.url}/CP_0")), routers["ChargePoint"])
    reader = asyncio.create_task(session.run())
    sides = {"ChargePoint": session, "CentralSystem": await other.connected("CP_0")}
    every = [(action, side) for action in sorted(ACTIONS.values(), key=lambda each: each.sender) for side in sides]
    ended = [await lab.timed(sides[side].call(lab.example(action.request)), action.name) for action, side in every]
    await session.close()
    await reader
wanted = [(action.name, action.request) for action, side in every if action.sent_by(side)]
print("reached exactly the handlers that were meant, with their types:", reached == wanted)
print("from the wrong side:", *{each.detail.partition(":")[0] for each in ended if each.outcome != "result"})

# %%
fig, ax = lab.subplots(height=720)
for outcome in ("result", "CallError"):
    rows, columns = zip(*(divmod(n, 2) for n, each in enumerate(ended) if each.outcome == outcome), strict=True)
    look = lab.OUTCOMES[outcome]
    label = f"{outcome} ({len(rows)})"
    ax.barh(rows, 1, left=columns, color=look.colour, hatch=look.hatch, edgecolor="white", label=label)
ax.set_yticks(range(len(ACTIONS)), [each.action for each in ended[::2]], fontsize=8)
ax.set(xticks=(0.5, 1.5), xticklabels=("sent by the charge point", "sent by the central system"))
ax.set(ylim=(len(ACTIONS) - 0.4, -0.6), xlim=(0, 2))
fig.legend(loc="outside lower left", ncols=2, frameon=False)
lab.title(ax, f"Each of {len(set(reached) & set(wanted))} actions reached its own handler and no other")
lab.figure(fig, alt=f"{len(ended)} calls, each action from both sides: {len(reached)} results and, else, {label}.")

# %% [markdown]
# ## 8. A handler that raises, a slow one, two at once
#
# A handler is somebody's code, and it fails. The peer cannot use a traceback, and it may be hostile. So it gets
# *InternalError*, and the log gets the rest.

# %%
log = logging.handlers.BufferingHandler(100)
logging.getLogger("ocpp_lab.router").addHandler(log)


async def on_version(request: m.GetLocalListVersionRequest) -> m.GetLocalListVersionResponse:
    raise OSError("db-3 refuses user ocpp, password letmein")


router.add(m.GetLocalListVersionRequest, on_version, replace=True)  # so that you can run this cell again
print("to the peer:", encode(await router.answer(Call("17", "GetLocalListVersion", {}))))
record = log.buffer[-1]
print("to the log: ", record.levelname, record.getMessage())
print("            ", repr(record.exc_info[1]), "in", traceback.extract_tb(record.exc_info[2])[-1].name)

# %% [markdown]
# Now a slow one: collecting diagnostics takes 0.5 s here, and minutes in real life. 20 quick calls come behind it, 5 ms
# apart. A polite peer has one call in flight (J-spec 4.1.1) and would wait. This one does not, and must do no harm.
#
# **Predict.** Two readers use the same router. One awaits each handler before it reads on, as in section 2. The other
# is our `Session`. How long does the *first* of the 20 quick calls take with each?
#
# (a) 0.5 s, 0.5 s · (b) 0.5 s, a few ms · (c) 25 ms, a few ms


# %%
async def on_diagnostics(request: m.GetDiagnosticsRequest) -> m.GetDiagnosticsResponse:
    await asyncio.sleep(0.5)
    return m.GetDiagnosticsResponse(file_name="log.zip")


async def push(session, unique_id, request):
    """A call that does not wait for its turn."""
    future = session.pending.open(unique_id, request.response_type)
    await session.transport.send(encode(Call(unique_id, request.action, encode_payload(request))))
    return await session.pending.expect(future, timeout=5)


async def rush(session):
    calls = []
    for n, request in enumerate([lab.example(m.GetDiagnosticsRequest)] + 20 * [m.ResetRequest(type="Soft")]):
        calls.append(asyncio.create_task(lab.timed(push(session, f"{n}", request), request.action)))
        await asyncio.sleep(0.005)
    return await asyncio.gather(*calls)


router.add(m.GetDiagnosticsRequest, on_diagnostics, replace=True)
print("served:", *sorted(router.actions))


# %%
async def waiting_reader(pipe):
    async for text in pipe:
        await pipe.send(encode(await router.answer(decode(text))))


in_turn = await as_cp_0(waiting_reader, rush)
beside = await as_cp_0(session_reader, rush)
fig, ax = lab.subplots(height=300)
blue = lab.OUTCOMES["result"].colour
for ended, label, face in ((in_turn, "the reader awaits each handler", "white"), (beside, "Session reads on", blue)):
    first = sum(each.started + each.seconds < ended[0].started + ended[0].seconds for each in ended[1:])
    print(f"{label}: {first} of 20 quick calls were answered before the slow one")
    times = [each.started - ended[0].started for each in ended]
    ax.plot(times, [each.seconds for each in ended], "o", color=blue, markerfacecolor=face, label=label)
ax.annotate("the slow call, with both", (0, beside[0].seconds), (8, 7), textcoords="offset points")
ax.set(xlabel="when the call was made (s)", ylabel="time until its answer (s)", ylim=(-0.03, 0.6))
fig.legend(loc="outside lower left", ncols=2, frameon=False)
worst = 1000 * max(each.seconds for each in beside[1:])
lab.title(ax, f"A {beside[0].seconds:.1f} s handler delays itself, not the 20 calls behind it ({worst:.1f} ms at most)")
lab.figure(fig, alt="Latency of one slow call and 20 quick ones: the waiting reader delays all, the session only one.")

# %% [markdown]
# Side by side has a price. This handler asks the meter before it takes the connector. **Predict**: two RemoteStart come
# at once, for one connector. Who charges?
#
# (a) TAG_A · (b) TAG_B · (c) both · (d) nobody

# %%
taken = []
starter = Router("ChargePoint")


@starter.on(m.RemoteStartTransactionRequest)
async def on_start(request: m.RemoteStartTransactionRequest) -> m.RemoteStartTransactionResponse:
    if taken:
        return m.RemoteStartTransactionResponse(status="Rejected")
    await asyncio.sleep(0.01)  # asks the meter
    taken.append(request.id_tag)
    return m.RemoteStartTransactionResponse(status="Accepted")


both = [starter.answer(Call(tag, "RemoteStartTransaction", {"idTag": tag})) for tag in ("TAG_A", "TAG_B")]
print(*map(encode, await asyncio.gather(*both)), sep="\n")

# %% [markdown]
# While one handler awaits, others run. Decide first, then wait: `taken.append` belongs above the `await`. In a central
# system this is the normal case: one handler, thousands of charge points.
#
# ## 9. Replies are dispatched too
#
# A reply goes to the caller with its id, checked against the response type of its request. Here is a charge point that
# calls, and a panel that spoils the answers. The line below it counts what `CP_1` heard on this
# connection.

# %%
charge_point = await ChargePoint(central_system.url, "CP_1", timeout=0.5).start()


def heard(what):
    session = charge_point.session
    return session.pending.counts[what] + session.counts[what] if session else 0


await lab.until(lambda: heard("resolved") == 3)
panel = lab.FaultPanel(central_system)
counts = ("resolved", "malformed", "bad frame", "timeout", "repeated")
watch = lab.Watch({what: partial(heard, what) for what in counts}, "CP_1 heard")
display(panel, watch)

# %% [markdown]
# **Predict** for each fault what the caller of an Authorize gets. *wrong payload*: a CallResult that is no answer to
# Authorize. *garbage*: a text that is no frame. *answer twice*: the right answer, two times.
#
# (a) its answer · (b) an error, at once · (c) an error, after the timeout

# %%
panel.set(action="Authorize")
spoilt = []
for fault in ("wrong payload", "garbage", "answer twice"):
    panel.toggle(fault)
    spoilt.append(await lab.timed(charge_point.call(m.AuthorizeRequest(id_tag="TAG_A")), fault))
    panel.clear()
    print(f"{fault:16}{spoilt[-1].outcome:12}{spoilt[-1].detail}")
await lab.until(lambda: heard("repeated"))
print(watch.text)
said = f"Wrong payload fails at once, garbage after {spoilt[1].seconds:.1f} s, a second copy is just counted"
lab.ladder(charge_point, central_system, since=spoilt[0].started, title=said)

# %% [markdown]
# *garbage* carries no id, so nobody can tell whose answer it was: its caller waits out the timeout. A bad reply is
# never answered with a CallError; those are for Calls (J-spec 4.2.3).
#
# Your turn: from now on `CP_1` sends a Heartbeat each second. Press a fault above and watch the counts.

# %%
panel.set(action="any call")
await central_system["CP_1"].call(m.ChangeConfigurationRequest(key="HeartbeatInterval", value="1"))

# %% [markdown]
# **Check yourself.** A click on a question shows the answer.
#
# <details><summary>The action is <code>reset</code>, in lower case. Which code?</summary>
# NotImplemented. Actions are case-sensitive (J-spec 4.2.1), so OCPP knows no such action.</details>
# <details><summary>We handle the action, but it came from the wrong side. Which code?</summary>
# NotSupported. And the router refuses such a handler when it is registered.</details>
# <details><summary>Why does InternalError carry no traceback?</summary>
# The peer cannot use it and may be hostile. We log it.</details>
# <details><summary>A handler returns a status that is not in the enumeration. What does the peer get?</summary>
# InternalError. Our reply is checked before it is sent, and the fault is ours.</details>
#
# ## 10. Design note: libocpp
#
# libocpp has a table of allowed messages for each feature profile (`supported_message_types_from_central_system`) and
# one switch over them (`handle_message`). We have one table, and handlers that somebody else can write. Its receiving
# thread handles one message at a time; our reader starts a handler and reads on. It answers most violations with
# FormationViolation and sends the text of the exception along; we sort by kind, and an unexpected exception stays here.
# Both refuse a TriggerMessage for an unknown message with a CallError, although core 5.17 has a status for it.
#
# The night of this notebook happened: a Reset of type `Had` stopped the charge point's whole software (libocpp
# issues/649, pull/618). Fuzzing found more of the kind in its OCPP 2.0.1 half (libocpp issues/1104, issues/1129).
#
# ## 11. Leave nothing behind

# %%
watch.close()
panel.close()
await charge_point.stop()
await central_system.stop()
left = await guard.stop()
print("tasks left:", len(left), *left)
