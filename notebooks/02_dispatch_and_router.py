# %% [markdown]
# ![18:15 on Friday night. A typo in a release makes CP_1 deaf.](pictures/02.svg)
#
# [START](../START.ipynb) · [← 17:40 Smoke tests](01_smoke_tests.ipynb) · **About 50 minutes, in one sitting** · [exercise 2, 2 h 15](../exercises/02_dispatch_and_router.ipynb) · [19:02 Session reconnect →](03_session_reconnect.ipynb)
#
# # 2. Dispatch and router: which code answers this text, and what if none does?
#
# Friday, 18:15. The operator deploys a new release of the central system. The new release sends `CP_1` a Reset with a
# typo, then a ChangeConfiguration without its key. From then on `CP_1` answers nothing at all. It is online, and deaf.
#
# You need notebook [1](01_smoke_tests.ipynb). It brought frames across the connection. Here we follow a *Call*, `[2,
# id, action, payload]`, to the code that answers it. The answer is a *CallResult*, `[3, id, payload]`, or a
# *CallError*, `[4, id, code, description, {}]`. The *payload* is the JSON object with the fields of that action.
#
# In brackets stands where OCPP says it: *J-spec* is OCPP-J 1.6, the JSON transport; *core* is OCPP 1.6 edition 2;
# *errata* are their official corrections; *whitepaper* is the security whitepaper.

# %%
import asyncio
import json
import logging.handlers
import traceback
from collections import Counter
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
from ocpp_lab.dispatcher import Dispatcher

guard = lab.Guard()
guard

# %% [markdown]
# ## 1. The whole protocol on one screen
#
# OCPP 1.6 has 28 operations; its security whitepaper adds 11. Each has a name, the *action*, and two payloads: a
# request and a response. Each operation also says which end may ask. Only DataTransfer may be asked by both.

# %%
for sender in ("ChargePoint", "CentralSystem", "both"):
    names = [action.name for action in ACTIONS.values() if action.sender == sender]
    print(f"{len(names)} sent by {sender}:\n{indent(fill(', '.join(names), 96), '  ')}")

# %% [markdown]
# ## 2. One long `if`
#
# This is the firmware of that night, and it looks reasonable. Its reader takes the next text when the last text is
# answered. (A *pipe* is one end of a connection: it can send a text and iterate over the texts that arrive.)

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
# This firmware now connects as `CP_0` to a live central system, whose calls time out after 0.5 s instead of 30. Its
# makers tested it with a demo, one correct Reset. The demo passes here too. (The folded cell prepares `as_cp_0`: `CP_0`
# dials and reads with the reader that we name, and the central system does some work with it.)

# %% jupyter={"source_hidden": true}
# Prepares `as_cp_0`: dial, read with `read` while the central system does its `work`, close.
central_system = await CentralSystem(timeout=0.5).start()
trace = Trace()


async def as_cp_0(read, work):
    pipe = await dial(f"{central_system.url}/CP_0", note=partial(trace.note, "CP_0"))
    reader = asyncio.create_task(read(pipe))
    done = await work(await central_system.connected("CP_0"))
    await pipe.close()
    [end] = await asyncio.gather(reader, return_exceptions=True)
    await lab.until(lambda: "CP_0" not in central_system)
    if end:
        print("the reader died:", repr(end))
    return done


# %%
async def demo(session):
    return await session.call(m.ResetRequest(type="Soft"))


print("the demo:", await as_cp_0(naive_reader, demo))

# %% [markdown]
# The release of that night makes four calls; `lab.timed` writes down how each ends. For two of these calls the release
# has classes of its own, written in a hurry. In one of them any text is a type of Reset. In the other one
# ChangeConfiguration has no key.


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

# %% jupyter={"source_hidden": true}
# Question 1. The answer stands here: choose in the card below first.
q1 = lab.predict(
    "The first and the last of the four calls are correct. To which does the central system get a correct answer?",
    {
        "a": (
            "to all but the third",
            "The second is a Reset of type `Sfot`. An answer that accepts it is not correct.",
        ),
        "b": (
            "to the first and the last",
            "Look at the answer to the first: `staus`. And does anybody still read when the last one comes?",
        ),
        "c": ("to the first only", "Its answer has a typo of its own: `staus`."),
        "d": "to none",
    },
    answer="d",
    because="The first reply has a typo, `staus`. The second accepts a Reset of type `Sfot`. The missing key of the "
    "third raises `KeyError` and ends the reader, so nobody reads the fourth.",
)
found = "Four calls: {} without a readable answer, one accepted that deserved an error"


# %%
def ladder(ended, title):
    end = ended[-1].started + ended[-1].seconds
    return lab.ladder(trace, central_system, since=ended[0].started, until=end, title=title)


with q1:
    night = await as_cp_0(naive_reader, release)
    display(lab.ends(night))
    unread = sum(each.outcome != "result" for each in night)
    display(ladder(night, found.format(unread)))

# %% [markdown]
# (1) The firmware does not check what it sends, so its peer has to refuse it. (2) Nor does it check what it is asked to
# do. (3) One mistake in one message ended the reader, for all messages. (4) The last call was correct, but nobody read
# it any more. That is the open circle in the picture. The WebSocket stays open, so the connection looks healthy.
#
# ## 3. Declare the wire once
#
# The specification describes each payload by a table: name, type, length, required or not. A class can be that table.
# The class of the release said too little, with `type: str`. The next class says everything that the table says: an
# enumeration, a length, a date, two optional fields.
#
# `m.Payload`, its base class, writes `parent_id_tag` as `parentIdTag` on the wire, and refuses fields that are not
# declared (J-errata 3.1). The package declares all 78 payloads in this way. A declaration works in both directions: the
# central system would have noticed its own `Sfot` before it was sent.


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
# four of the five: `FormationViolation`, `OccurenceConstraintViolation`, `TypeConstraintViolation` and
# `PropertyConstraintViolation`. Here are four bad payloads of an Authorize.

# %% jupyter={"source_hidden": true}
# Question 2. The answer stands here: choose in the card below first.
q2 = lab.predict(
    "Which codes do they get, in this order: a field is missing, a field that nobody declared, a wrong type, too long?",
    {
        "a": "Occurence…, Formation…, Type…, Property…",
        "b": (
            "Formation…, Occurence…, Type…, Property…",
            "*Occurrence* is how often a field is there: a required field that is missing breaks it. A field that "
            "nobody declared is a matter of form.",
        ),
        "c": (
            "Property…, Formation…, Property…, Type…",
            "A wrong type has a code of its own. A text that is too long has the right type, and a value that is "
            "not allowed.",
        ),
        "d": ("Formation… for all four", "Many stacks do that. Then the peer does not learn what was wrong."),
    },
    answer="a",
    because="*Occurence*: how often a field is there. *Formation*: the form as a whole. *Type*: text, number, list. "
    "*Property*: the right type with a value that is not allowed.",
)

# %%
violations = {
    "missing": {},
    "undeclared": {"idTag": "TAG_A", "pin": 1234},
    "wrong type": {"idTag": 4711},
    "too long": {"idTag": "TAG_A" * 5},
}
with q2:
    errors = {kind: refusal(decode_payload, m.AuthorizeRequest, payload) for kind, payload in violations.items()}
    told = {kind: [f"`{error.code}`", error.description] for kind, error in errors.items()}
    display(lab.grid(told, ["code", "description"], corner="payload"))

# %% [markdown]
# `Occurence` has one r, and `Formation` should be `Format`. Both words are misspelt in the specification and stay so in
# 1.6 (J-errata 5.1, 5.2), because other stacks compare texts. We send the misspelt words and understand both spellings.
#
# **The specification is ambiguous here.** It names the codes, but it does not say which violation gets which code. The
# fifth code is *ProtocolError*: the payload is incomplete. So a missing field may get *ProtocolError* from other
# stacks, and `Occurence…` from ours. Is `kwh` for `kWh` a wrong type or a wrong value? Three errata decide a few cases
# of smart charging (core errata 3.24, 3.38, 3.39): there a bad unit, enumeration or connector is a
# PropertyConstraintViolation. In all other cases stacks differ. So rely on it that there *is* an error. Take the code
# as a hint. Read the description: ours names the field, however deep in the payload the field lies.

# %%
print(decode('[4,"17","OccurrenceConstraintViolation","",{}]').code)
sampled = {"timestamp": "2025-06-06T18:15:00Z", "sampledValue": [{"value": "1", "unit": "kwh"}]}
error = refusal(decode_payload, m.MeterValuesRequest, {"connectorId": 1, "meterValue": [sampled]})
print(f"{error.code}\n{fill(error.description, 96)}")

# %% [markdown]
# > **In the field.** To be strict costs money. A charge point of some vendor adds one field of its own to
# > StartTransaction. A strict central system answers with a CallError. The charge point sends the message again,
# > everything behind it waits, and after some attempts the charge point throws the message away. Somebody charged, and
# > there is no invoice. So: be strict in what you send, choose what you let pass, count it, and keep what you refuse.
#
# The next cell reads such a message twice: strictly, and with `lenient=True`, an option of both ends. *Lenient* drops
# unknown fields, and reads `"1"` and `100.0` as integers where an integer is declared. It does no more than that,
# because everything else would be a guess.

# %%
seen = {"connectorId": "1", "idTag": "TAG_A", "timestamp": "2025-06-06T18:15:00Z"}
seen |= {"meterStart": 100.0, "acmeBay": 7}
let_pass = Counter()
print("strict: ", fill(str(refusal(decode_payload, m.StartTransactionRequest, seen)), 96))
print("lenient:", decode_payload(m.StartTransactionRequest, seen, let_pass, lenient=True).meter_start, "Wh")
lab.grid({kind: [count] for kind, count in let_pass.items()}, ["times"], corner="let pass, and counted")

# %% [markdown]
# A transaction message that our central system refuses for its payload is kept as it came (`Ledger.quarantine`), so
# that somebody can still write the invoice.
#
# > **In the field.** What passes the declaration may still mislead you. A meter value without a unit is in Wh, and the
# > charge point may have meant kWh. One charge point reports the energy of all phases together, another one phase by
# > phase, and then you have to add. Power may be negative, because the car feeds in. A register may start again at 0
# > after a repair. Some send the readings in MeterValues, some only at the end, in the field `transactionData` of
# > StopTransaction, and some by the clock, every 15 minutes. So look at a reading before you bill it.
#
# ## 5. A router
#
# A `Router` maps a request type to one coroutine, which is called the *handler* of that type. The type says which
# action it is, and of which type the response must be. `Router.answer` takes a Call and returns the frame to send.
# Handlers that share something belong into one class: its methods named `on_…` are registered, each for the type in its
# annotation.
#
# Then the same night again. A `Session` reads from the connection, gives each Call to the router, and sends the answer.

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
# Whatever can be known about a handler is checked when the handler is registered. Here are four mistakes. Without that
# check each of them would show at the first call, perhaps at night.


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
# All of this happens in a few lines:

# %%
lab.source(Router.add)

# %% [markdown]
# ## 7. No handler: two codes
#
# A call may come in for which this end has no handler. Two codes are for that (J-spec 4.2.3). *NotImplemented* means:
# OCPP has no such action. *NotSupported* means: OCPP has this action, but this end does not serve it. The charge point
# now gets `MakeCoffee`, `reset`, `UnlockConnector` and `Heartbeat`. The payload is wrong in all four calls, too.

# %% jupyter={"source_hidden": true}
# Question 3. The answer stands here: choose in the card below first.
q3 = lab.predict(
    "Which of the four get *NotImplemented*?",
    {
        "a": ("`MakeCoffee` only", "Actions are case-sensitive (J-spec 4.2.1): is `reset` one of them?"),
        "b": "`MakeCoffee` and `reset`",
        "c": (
            "`MakeCoffee` and `UnlockConnector`",
            "OCPP has `UnlockConnector`. That we have no handler for it is our affair: *NotSupported*.",
        ),
        "d": (
            "none: the payload is wrong, so each gets FormationViolation",
            "The router looks at a payload only when there is a handler for it.",
        ),
    },
    answer="b",
    because="OCPP has neither of the two, because actions are case-sensitive (J-spec 4.2.1). It has `UnlockConnector`, "
    "without a handler here, and `Heartbeat`, which only a charge point sends: NotSupported.",
)

# %%
with q3:
    told = {}
    for action in ("MakeCoffee", "reset", "UnlockConnector", "Heartbeat"):
        reply = await router.answer(Call("17", action, {"connectorId": "one"}))
        told[f"`{action}`"] = [reply.code, reply.description]
    display(lab.grid(told, ["code", "description"], corner="action"))

# %% [markdown]
# No answer mentions the wrong payload, because the router looks at a payload only when there is a handler for it:

# %%
lab.source(Router._nobody_home)

# %% [markdown]
# Now we try all 39 actions, and each of them twice: once the charge point sends it, and once the central system. For
# that the router of each end gets a handler for every action that the other end may send. Each handler writes down
# which action it belongs to, and the type of the request that it was given. So we will see whether each call reached
# the handler that was meant.

# %% jupyter={"source_hidden": true}
# Prepares two routers whose handlers write down, in `reached`, what reached them.
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
lab.grid({role: [len(each.actions)] for role, each in routers.items()}, ["handlers"], corner="router of the")

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
codes = {each.detail.partition(":")[0] for each in ended if each.outcome != "result"}
met = {"each call reached the handler that was meant, with its own type": reached == wanted}
met |= {"what every call from the wrong side got": " or ".join(codes)}
lab.facts(met, f"Each of {len(set(reached) & set(wanted))} actions reached its own handler and no other")

# %% jupyter={"source_hidden": true}
# Counts what became of the 78 calls.
senders = {"ChargePoint": "only the charge point", "CentralSystem": "only the central system", "both": "both"}
counts = {}
for sender, words in senders.items():
    mine = [(side, each.outcome) for (action, side), each in zip(every, ended, strict=True) if action.sender == sender]
    counts[words] = [len(mine) // 2, *(" and ".join({end for s, end in mine if s == side}) for side in sides)]
rows = {who: [count, *map(lab.outcome, ends)] for who, (count, *ends) in counts.items()}
columns = ["actions", "sent by the charge point", "sent by the central system"]
lab.grid(rows, columns, corner="may be sent by", title=f"{len(ended)} calls, each action from both sides")

# %% [markdown]
# ## 8. A handler that raises, a slow one, two at once
#
# A handler is somebody's code, and one day it fails. The peer cannot use a traceback, and the peer may be hostile. So
# the peer gets *InternalError* and no more, and the traceback goes to our log.

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
# Now a slow handler: to collect diagnostics takes 0.5 s here, and minutes in real life. 20 quick calls come behind the
# slow one, 5 ms apart. A polite peer has one call in flight (J-spec 4.1.1) and would wait for the first answer. This
# peer does not wait, and it must do no harm. Two readers use the same router. The first reader awaits each handler
# before it reads on, as in section 2. The second one is our `Session`.


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


# %% jupyter={"source_hidden": true}
# Prepares `latencies`, which draws how long each call took with both readers, and the reader that waits.
async def waiting_reader(pipe):
    async for text in pipe:
        await pipe.send(encode(await router.answer(decode(text))))


def latencies(in_turn, beside):
    fig, ax = lab.subplots(height=300)
    blue = lab.OUTCOMES["result"].colour
    for ended, label, face in (
        (in_turn, "the reader awaits each handler", "white"),
        (beside, "Session reads on", blue),
    ):
        times = [each.started - ended[0].started for each in ended]
        ax.plot(times, [each.seconds for each in ended], "o", color=blue, markerfacecolor=face, label=label)
    ax.annotate("the slow call, with both", (0, beside[0].seconds), (8, 7), textcoords="offset points")
    ax.set(xlabel="when the call was made (s)", ylabel="time until its answer (s)", ylim=(-0.03, 0.6))
    fig.legend(loc="outside lower left", ncols=2, frameon=False)
    worst = 1000 * max(each.seconds for each in beside[1:])
    said = f"A {beside[0].seconds:.1f} s handler delays itself, not the 20 calls behind it ({worst:.1f} ms at most)"
    lab.title(ax, said)
    alt = "Latency of one slow call and 20 quick ones: the waiting reader delays all, the session only one."
    return lab.figure(fig, alt=alt)


# %% jupyter={"source_hidden": true}
# Question 4. The answer stands here: choose in the card below first.
q4 = lab.predict(
    "How long does the *first* of the 20 quick calls take, with the reader that waits and with `Session`?",
    {
        "a": ("0.5 s and 0.5 s", "`Session` reads the quick call while the slow handler sleeps."),
        "b": "0.5 s and a few ms",
        "c": (
            "25 ms and a few ms",
            "The quick calls come 5 ms apart, but the first reader reads none of them before the slow handler has "
            "ended.",
        ),
        "d": ("a few ms and a few ms", "The first reader awaits the slow handler. It reads nothing meanwhile."),
    },
    answer="b",
    because="The first reader reads the quick call only when the slow handler has ended. `Session` starts a task for "
    "each call and reads on.",
)


# %%
def overtook(ended):
    """How many of the quick calls were answered before the slow one."""
    return sum(each.started + each.seconds < ended[0].started + ended[0].seconds for each in ended[1:])


with q4:
    in_turn = await as_cp_0(waiting_reader, rush)
    beside = await as_cp_0(session_reader, rush)
    rows = {"awaits each handler": [overtook(in_turn)], "Session": [overtook(beside)]}
    display(lab.grid(rows, ["of 20 quick calls, answered before the slow one"], corner="reader"))
    display(latencies(in_turn, beside))

# %% [markdown]
# There is a limit to the tasks of a session, because each costs memory, and a second call with the id of one that is
# still being handled is refused:

# %%
lab.source(Dispatcher.serve)

# %% [markdown]
# That handlers run side by side has a price. The next handler asks the meter before it takes the connector.

# %% jupyter={"source_hidden": true}
# Question 5. The answer stands here: choose in the card below first.
q5 = lab.predict(
    "Two RemoteStartTransaction come at once, for one connector. Who charges?",
    {
        "a": ("TAG_A", "It comes first. But when TAG_B looks at `taken`, has TAG_A written it?"),
        "b": ("TAG_B", "It comes second, and finds the same thing as TAG_A."),
        "c": "both",
        "d": ("nobody", "No handler raises, and none waits for the other one."),
    },
    answer="c",
    because="While one handler awaits, the other one runs. Both look at `taken` before either has written it.",
)

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


with q5:
    both = [starter.answer(Call(tag, "RemoteStartTransaction", {"idTag": tag})) for tag in ("TAG_A", "TAG_B")]
    print(*map(encode, await asyncio.gather(*both)), sep="\n")

# %% [markdown]
# So decide first, and wait afterwards: `taken.append` belongs above the `await`. In a central system this is the normal
# case, because one handler serves thousands of charge points.
#
# ## 9. Replies are dispatched too
#
# A reply goes to the caller whose call has the same id. Before that the reply is checked against the response type of
# the request. Here is a charge point that calls, and a panel that spoils the answers. The text below the panel counts
# what `CP_1` heard on this connection.

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
# Now three faults meet an Authorize. *wrong payload*: a CallResult that is no answer to Authorize. *garbage*: a text
# that is no frame. *answer twice*: the right answer, two times.

# %% jupyter={"source_hidden": true}
# Question 6. The answer stands here: choose in the card below first.
q6 = lab.predict(
    "What does the caller get with *wrong payload*, with *garbage*, with *answer twice*?",
    {
        "a": "an error at once, an error after the timeout, its answer",
        "b": (
            "an error at once, each time",
            "*garbage* has no id, so nobody can tell whose answer it was. And with *answer twice* the right answer "
            "comes.",
        ),
        "c": (
            "an error after the timeout, each time",
            "A *wrong payload* carries the id of the call. Nothing better will come, so the caller need not wait.",
        ),
        "d": (
            "an error at once, an error at once, an error at once for the second copy",
            "Which call should *garbage* end? And a second copy finds a call that has its answer.",
        ),
    },
    answer="a",
    because="A wrong payload has the id of its call, so that call fails at once. Garbage has no id, so its call waits "
    "until the timeout. A second copy finds no call that waits, and is counted.",
)
found = "Wrong payload fails at once, garbage after {:.1f} s, a second copy is just counted"

# %%
panel.set(action="Authorize")
spoilt = []
with q6:
    for fault in ("wrong payload", "garbage", "answer twice"):
        panel.toggle(fault)
        spoilt.append(await lab.timed(charge_point.call(m.AuthorizeRequest(id_tag="TAG_A")), fault))
        panel.clear()
    await lab.until(lambda: heard("repeated"))
    display(lab.ends(spoilt))
    print(watch.text)
    said = found.format(spoilt[1].seconds)
    display(lab.ladder(charge_point, central_system, since=spoilt[0].started, title=said))

# %% [markdown]
# We do not answer a bad reply with a CallError, because a CallError answers a Call and nothing else (J-spec 4.2.3).
#
# Your turn: from now on `CP_1` sends a Heartbeat each second. Press a fault, and watch the frames and the counts.

# %%
panel.set(action="any call")
await central_system["CP_1"].call(m.ChangeConfigurationRequest(key="HeartbeatInterval", value="1"))
wire = lab.Wire(charge_point, central_system)
lab.Bench(wire, panel, watch)

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

# %% [markdown]
# **To think about.** These questions have no answers here.
#
# - Your router is lenient, and counts what it lets pass. At which count would you call the maker of the charge point?
# - A handler needs 40 s, and the peer's timeout is 30 s. What does each end believe afterwards? Who should change what?
# - Two releases of your central system run side by side, and only the new one knows an action. Which code does a charge
#   point get, and what may it conclude?
#
# ## 10. Design note: libocpp
#
# libocpp has a table of allowed messages for each feature profile (`supported_message_types_from_central_system`) and
# one switch over them (`handle_message`). We have one table, and handlers that somebody else can write. The receiving
# thread of libocpp handles one message at a time; our reader starts a handler and reads on. libocpp answers most
# violations with FormationViolation and sends the text of the exception along. We choose the code by the kind of
# violation, and the text of an unexpected exception stays in our log. Both stacks refuse a TriggerMessage for an
# unknown message with a CallError, although core 5.17 has a status for it.
#
# The night of this notebook happened: in libocpp, a text that was no value of its enumeration ended the charge point's
# whole software, until a CallError was sent instead (libocpp pull/618). Fuzzing found more of the kind in its OCPP
# 2.0.1 half (libocpp issues/1104, issues/1129).
#
# ## 11. Leave nothing behind
#
# All of it is still alive. The button closes it, and counts the tasks that are left.

# %%
closing = lab.Closing(guard, wire, watch, panel, charge_point, central_system)
closing

# %% [markdown]
# | before | now build it yourself | after |
# | :--- | :---: | ---: |
# | [← 17:40<br>Smoke tests](01_smoke_tests.ipynb) | [**Exercise 2**<br>6 steps · 2 h 15 · 20 points](../exercises/02_dispatch_and_router.ipynb) | [19:02 →<br>Session reconnect](03_session_reconnect.ipynb) |
