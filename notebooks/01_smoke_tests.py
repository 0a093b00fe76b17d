# %% [markdown]
# ![17:40 on Friday night. CP_1 calls home, and nobody answers.](pictures/01.svg)
#
# [START](../START.ipynb) · [← Warm-up](00_asyncio_warm_up.ipynb) · **About 60 minutes, in two sittings** · [exercise 1, 2 h 25](../exercises/01_smoke_tests.ipynb) · [18:15 Dispatch and router →](02_dispatch_and_router.ipynb)
#
# # 1. Smoke tests: did anybody hear me, and how long do I wait?
#
# Friday, 17:40. Charge point `CP_1` stands at a motorway service area, behind a cellular router. Its power comes on. It
# calls home, and nobody answers. Then it sends a thousand messages at once, and is cut off. At 18:00 nobody can say
# what became of its calls.
#
# We let that happen on this machine, with real WebSockets. Then we build the five tests that would have told us.
#
# If `async` and `await` are new to you, begin with the [warm-up](00_asyncio_warm_up.ipynb): it takes 30 minutes and
# shows all of asyncio that this notebook uses.
#
# > **Words of this course.** OCPP is the protocol between charge points and the system of their operator.
# > - *core*: "OCPP 1.6 edition 2", the main document. It says what may be asked and answered.
# > - *J-spec*: "OCPP-J 1.6". It says how that travels as JSON over a WebSocket.
# > - *errata*: the official corrections, core errata and J-errata.
# > - *whitepaper*: the security whitepaper, which adds passwords, certificates and logs to 1.6.
# > - *connection*: the WebSocket between both ends. *Peer*: the other end.
# > - *pending*: a call that waits for its answer. It is *in flight* once it was sent.
# >
# > A number in brackets is a section: (J-spec 4.1.3). A box **In the field** tells what real devices do.

# %%
import asyncio
import json
from functools import partial
from itertools import pairwise, repeat

from IPython.display import display

from ocpp_course import lab
from ocpp_lab import Call, CentralSystem, ChargePoint, FrameError, Pending, Policy, Transport, decode, encode
from ocpp_lab import messages as m
from ocpp_lab.central_system.door import choose_subprotocol, identity_of
from ocpp_lab.charge_point.dial import dial

guard = lab.Guard()
guard

# %% [markdown]
# ## 1. The two ends and the wire
#
# The **central system** (CSMS) is the server of the operator. The **charge point** is the client. The charge point
# dials, because a router often stands in front of it, and a router lets nobody in. The end of the URL is the *identity*
# of the charge point. First the charge point says what it is; that is its *boot*. Once the central system has accepted
# the boot, the charge point reports the status of each *connector*, the thing that a car is plugged into. Connector 0
# stands for the whole charge point.
#
# Both ends run in this kernel. They talk over *loopback*, the network inside one machine. To save your time, timeouts
# are 0.5 s instead of 30, and a charge point that lost its connection dials again after 0.1 s instead of 3 to 13.

# %%
central_system = await CentralSystem(receive_buffer=4096).start()
charge_point = await ChargePoint(
    central_system.url, "CP_1", connectors=2, timeout=0.5, send_buffer=4096, delays=lambda: repeat(0.1)
).start()
await lab.until(lambda: charge_point.tally.ended["StatusNotification", "result"] == 3)
print("CP_1 is", charge_point.state, "at", central_system.url)

# %%
boot, *reports = lab.calls(charge_point.trace)
said = f"CP_1 is accepted after {boot.seconds * 1000:.1f} ms, then reports {len(reports)} statuses"
lab.ladder(charge_point, central_system, title=said)

# %% [markdown]
# The picture is a *ladder*: each vertical line is one end, each arrow one message, and time runs downwards.
#
# > **In the field.** The URL is written by hand into each charge point. So it comes with a path in front of the
# > identity, in lower case, or with a slash at its end. We take the last part as it is, and to us `cp_1` is not `CP_1`.
# > Now and then two charge points carry the same identity. Our central system keeps the newer connection and closes the
# > older one with "replaced". Both charge points dial again, so they push each other out for ever, and it looks like
# > a bad network. And a client may forget to offer the subprotocol `ocpp1.6`. Then we do what J-spec 3.2 says: the
# > WebSocket opens without a subprotocol, and we close it at once.

# %%
paths = ("/CP_1", "/ocpp/1.6/CP_1", "/cp_1", "/CP%201", "/CP_1/")
offers = (["ocpp2.0.1", "ocpp1.6"], ["ocpp2.0.1"], [])
identities = {f"`{path}`": [identity_of(path) or lab.bad("none")] for path in paths}
display(lab.grid(identities, ["identity"], corner="path of the URL"))
chosen = {" and ".join(offer) or "none": [choose_subprotocol(offer) or lab.bad("we close")] for offer in offers}
display(lab.grid(chosen, ["chosen"], corner="subprotocols offered"))
lab.source(identity_of)

# %% [markdown]
# `lab.source` shows lines of the package itself, here those that have just printed the five answers. There are a few of
# them in each notebook. You will find the rest in the file whose name stands above them.
#
# ## 2. Three frames, and nothing else
#
# A message on the wire is called a *frame*. It is a JSON array, and its first element says of which kind it is: 2 is a
# *Call*, 3 a *CallResult*, 4 a *CallError* (J-spec 4.1.3). The second element is the *unique id*. An answer carries the
# id of its call. Everything else is no frame, and the decoder says why.

# %%
for text in [
    '[2,"17","Heartbeat",{}]',
    '[3,"17",{"currentTime":"2025-06-06T17:40:00Z"}]',
    '[4,"17","InternalError","database is down",{}]',
]:
    print(decode(text))

# %%
for text in ['[2,"17","Heartbeat"]', '[2,17,"Heartbeat",{}]', '[7,"17",{}]', '{"boot": true}']:
    try:
        decode(text)
    except FrameError as problem:
        print(f"{text:24}{problem}")

# %% [markdown]
# ## 3. A boot that trusts the world
#
# This panel makes the central system misbehave. The picture above it shows each frame that leaves one end, and what
# becomes of it. Press *send a Heartbeat*, then switch *ignore* on and press it again. Or do the same from Python:
# `panel.toggle("ignore")`.

# %%
panel = lab.FaultPanel(central_system, charge_point=charge_point)
wire = lab.Wire(charge_point, central_system)
lab.Bench(wire, panel)

# %% [markdown]
# Here is the first firmware, four reasonable lines of code. A *pipe* is one end of a connection: it can send a text and
# iterate over the texts that arrive. With a healthy central system this firmware works. (The next cell is folded,
# because it only prepares: `on_a_new_connection` dials as `CP_0`, runs some work, and closes.)


# %% jupyter={"source_hidden": true}
# Prepares `on_a_new_connection`: one experiment as CP_0, and what came of it.
async def on_a_new_connection(work):
    pipe = await dial(f"{central_system.url}/CP_0")
    try:
        return await work(pipe)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        await pipe.close()
        await lab.until(lambda: "CP_0" not in central_system)


# %%
async def naive_boot(pipe):
    await pipe.send('[2,"1","BootNotification",{"chargePointVendor":"Lab","chargePointModel":"Zero"}]')
    async for text in pipe:
        return json.loads(text)[2]["status"]


print("booted:", await on_a_new_connection(naive_boot))

# %% [markdown]
# Now the same firmware meets three faults. Below a cell that asks you something stands a card: choose first, then see
# what happened. (The grey bar above such a cell hides the question, because its answer stands there.)

# %% jupyter={"source_hidden": true}
# Question 1. The answer stands here: choose in the card below first.
q1 = lab.predict(
    "*ignore* is on: the central system reads and says nothing. What does `naive_boot` print?",
    {
        "a": ("`booted: None`", "Only a loop that ends without a frame returns None, and nobody ends this one."),
        "b": (
            "`booted: TimeoutError`",
            "Who would raise it? `naive_boot` sets no timeout, and TCP knows none for silence.",
        ),
        "c": "nothing, ever",
        "d": ("`booted: Rejected`", "Rejected is an answer, and no answer comes."),
    },
    answer="c",
    because="A read without a timeout waits for a frame that nobody will send. The connection is fine, so nothing ends "
    "the wait.",
)
patience = "we lost patience; naive_boot would still wait"

# %%
guard.after = 1
with q1:
    panel.toggle("ignore")
    try:
        async with asyncio.timeout(1.6):  # our patience, not the firmware's
            print("booted:", await on_a_new_connection(naive_boot))
    except TimeoutError:
        print(patience)

# %% [markdown]
# Did you open the card? Its line about waiting comes from the guard, which watches for cells that wait long. *Interrupt*
# would end such a cell too. Then two more experiments. In the first a *CallError* comes. In the second the central
# system closes the connection.

# %% jupyter={"source_hidden": true}
# Question 2. The answer stands here: choose in the card below first.
q2 = lab.predict(
    "Whom does `naive_boot` blame, first for a CallError, then for a closed connection?",
    {
        "a": (
            "the peer, then the connection",
            "Nothing in those four lines looks at the kind of a frame, or at the end of a connection.",
        ),
        "b": "Python, then nobody: it believes that it booted",
        "c": ("the connection, both times", "In the first experiment the connection is good, and an answer came."),
        "d": ("nobody: it tries again, both times", "There is no second attempt in those four lines."),
    },
    answer="b",
    because="The third element of a CallError is its code, a text, and Python cannot look up a status in it. When the "
    "connection is closed, the loop ends without a frame, and the function returns None.",
)

# %%
guard.after = 5
panel.clear()
with q2:
    panel.toggle("CallError")
    print("a CallError came · booted:", await on_a_new_connection(naive_boot))
    panel.clear()
    central_system.faults.close("BootNotification", times=1)
    print("closed · booted:", await on_a_new_connection(naive_boot))

# %% [markdown]
# Neither message helps the person who reads the log. One blames Python, although the peer said no. The other one is no
# error at all.
#
# ## 4. A call has four ends
#
# The four ends are *result*, *error*, *timeout* and *loss*. The peer sends a result or an error. **You must produce the
# other two yourself**, because otherwise the caller waits for ever. Our charge point does so. `lab.timed` writes down
# how each call ends. For the fourth end we cut the connection while a call waits, long before its own timeout.


# %%
async def heartbeat(timeout=None):
    return await lab.timed(charge_point.call(m.HeartbeatRequest(), timeout=timeout), "Heartbeat")


start = lab.now()
four = [await heartbeat()]
for fault in ("CallError", "ignore"):
    panel.toggle(fault)
    four.append(await heartbeat())
    panel.clear()
lab.ends(four)


# %% jupyter={"source_hidden": true}
# Prepares `cut`: press a button while a Heartbeat waits for its answer, and go on when CP_1 is back.
async def cut(button):
    before = charge_point.session
    panel.toggle("ignore")
    waiting = asyncio.create_task(heartbeat(timeout=30))
    await asyncio.sleep(0.2)
    panel.press(button)
    await panel.settle()
    panel.clear()
    await lab.until(lambda: charge_point.state == "online" and charge_point.session not in (before, None))
    return await waiting


# %%
four.append(await cut("close 1001"))
lab.ends(four, "Four calls, four ends")

# %%
lab.ladder(charge_point, central_system, since=start, title="Four calls, four ends; two of them no peer ever sent")

# %% [markdown]
# A timeout and a loss are *indefinite*: the central system may have acted on the call, or not. A CallError is
# *definite*: the central system did not act. The button *abort* cuts the TCP connection without a goodbye. The caller
# learns of that just as fast.

# %%
aborted = await cut("abort")
display(lab.ends([aborted]))
lab.facts({"the caller knew within 1 s, and not after its 30 s": aborted.seconds < 1})

# %% [markdown]
# The third end is made here. A caller awaits `call`, which is a future. The reader of the connection puts the answer
# there. If no answer comes, a timer puts the error there. Whatever happens, the timer ends and the call is forgotten:

# %%
lab.source(Pending.expect)

# %% [markdown]
# ## 5. From boot to heartbeat
#
# The answer to a boot carries an *interval* (core 4.2): the charge point shall give a sign of life that often. That
# sign is the *Heartbeat*. We set the interval to 1 s on the panel. Then the operator resets `CP_1`, so that it boots
# again.

# %%
panel.set(interval=1)
start = lab.now()
session = await central_system.connected("CP_1")
print(await session.call(m.ResetRequest(type="Soft")))
await lab.until(lambda: sum(at > start for at in central_system.heartbeats) == 3)
beats = [at for at in central_system.heartbeats if at > start]
print("seconds between heartbeats:", [round(b - a) for a, b in pairwise(beats)])

# %%
said = f"A heartbeat every {beats[1] - beats[0]:.2f} s, as the answer to the boot asked"
lab.ladder(charge_point, central_system, since=beats[0] - 0.01, title=said)

# %%
# The central system may call too, at any time: it slows the heartbeat down again.
await central_system["CP_1"].call(m.ChangeConfigurationRequest(key="HeartbeatInterval", value="300"))

# %% [markdown]
# ## 6. An action nobody knows
#
# A call names an *action*, that is, what the peer shall do. OCPP has no action `MakeCoffee`, so the answer is
# *NotImplemented*. It has `Reset`, but a charge point never sends it, so the answer is *NotSupported*. Either way the
# answer carries the id of the call, and the connection lives on.


# %%
async def ask(pipe, text):
    await pipe.send(text)
    async for answer in pipe:
        return decode(answer)


for action in ("MakeCoffee", "Reset", "Heartbeat"):
    answer = await on_a_new_connection(partial(ask, text=f'[2,"17","{action}",{{}}]'))
    print(type(answer).__name__, getattr(answer, "code", ""), getattr(answer, "description", ""))

# %% [markdown]
# *A good place for a break: the first sitting ends here.*
#
# ## 7. The flood
#
# `CP_1` was offline, and now has 1,000 small frames to send. On the panel we press *stop reading*, so the central
# system reads nothing. The first firmware starts all sends at once. (We use the pipe directly, because a session would
# send one call at a time.)

# %%
frames = [encode(Call(f"flood-{n}", "DataTransfer", {"vendorId": "Lab", "data": "x" * 60})) for n in range(1000)]

transport = charge_point.session.transport
panel.set(seconds=8)
panel.toggle("stop reading")
sends = [asyncio.create_task(transport.pipe.send(frame)) for frame in frames]
await asyncio.sleep(0.2)
in_flight = sum(not send.done() for send in sends)
panel.toggle("stop reading", False)
await asyncio.gather(*sends)
lab.facts({"more than 500 sends were in flight at once": in_flight > 500})

# %% [markdown]
# A thousand tasks wait, each with its own text in memory, and nothing limits their number. Our `Transport` has one
# queue and one writer instead. `send` returns when the text is *queued*, which is before it is written.

# %% jupyter={"source_hidden": true}
# Question 3. The answer stands here: choose in the card below first.
q3 = lab.predict(
    "1,000 frames are sent through our `Transport`, and the peer does not read for 0.5 s. How many writes are in "
    "flight then, and how deep is the queue?",
    {
        "a": ("1,000 and 0", "So it was with the first firmware. Here one writer takes the texts out of the queue."),
        "b": "1 and nearly 1,000",
        "c": ("1 and 0", "Where would the other 999 be? Nobody reads them."),
        "d": ("it raises", "The queue has room for 1,000 texts. If it were full, `send` would wait."),
    },
    answer="b",
    because="There is one writer, and it waits with one frame in its hand. All others wait in the queue.",
)

# %%
probes = {name: partial(getattr, transport, name) for name in ("queue_depth", "writes_in_flight")}
panel.set(seconds=0.5)
with q3:
    async with lab.Sampler(probes, interval=0.005) as sampler:
        await asyncio.sleep(0.1)
        start = lab.now()
        panel.toggle("stop reading")
        await asyncio.gather(*(transport.send(frame) for frame in frames))
        quick = lab.now() - start < 0.4
        await lab.until(lambda: not transport.queue_depth and not transport.writes_in_flight)
    one = transport.max_writes_in_flight == 1
    display(lab.facts({"all are queued, and no caller waits": quick, "never more than one is on the wire": one}))
    display(lab.queue_depth(sampler, spans=[(start, start + 0.5, "the central system does not read")]))

# %% [markdown]
# The queue has a limit of 1,000 texts. When it is full, `send` waits until there is room. So a slow peer costs time,
# and not memory. And there is never a second writer, because a new one is started only when the last one has ended:

# %%
lab.source(Transport._enqueue)

# %% [markdown]
# ## 8. Cut off with three calls pending
#
# An end should have one own call in flight and no more (J-spec 4.1.1 says SHOULD NOT). Our charge point keeps to that.
# Three tasks call at once: one call is on the wire, and two wait for their turn. Then the central system closes the
# connection.

# %% jupyter={"source_hidden": true}
# Question 4. The answer stands here: choose in the card below first.
q4 = lab.predict(
    "What do the three callers get, and when?",
    {
        "a": (
            "three timeouts, after 30 s",
            "Nobody can answer on a connection that has ended, so there is nothing to wait for.",
        ),
        "b": ("three times *lost*, at once", "Two of the three calls never left this machine, and we know that."),
        "c": "one *lost*, two *not sent*, at once",
        "d": (
            "the answers, because they are sent again after the reconnect",
            "Whether to send a call again is for its caller to decide: the peer may have acted on the first one.",
        ),
    },
    answer="c",
    because="The call on the wire is lost, and nobody knows whether the peer acted. The two others never left, and "
    "their callers are told so.",
)

# %%
authorize = m.AuthorizeRequest(id_tag="TAG_A")
panel.toggle("ignore")
calls = [asyncio.create_task(lab.timed(charge_point.call(authorize, timeout=30), "Authorize")) for _ in range(3)]
await asyncio.sleep(0.2)
with q4:
    panel.press("close 1001")
    await panel.settle()
    panel.clear()
    three = await asyncio.gather(*calls)
    display(lab.ends(three))

# %% [markdown]
# *Not sent* is good news. It is definite, because nothing left this machine, so it is safe to try again.

# %%
said = f"The call that was cut off failed after {three[0].seconds:.1f} s, not after its 30 s timeout"
lab.latency(four + three, said, timeout=30)

# %% [markdown]
# ## 9. Five smoke tests
#
# Each test gets a new central system and a new charge point. Each asserts something that a broken stack cannot fake.
# `make test` runs stricter tests of the same names, in `tests/integration/test_smoke.py`.


# %%
async def run(*tests):
    for test in tests:
        async with CentralSystem(policy=Policy(interval=1)) as fresh, ChargePoint(fresh.url, "CP_1") as point:
            await lab.until(lambda: len(fresh.answers.statuses) == 2)
            await test(fresh, point)
        print("passed", test.__name__)


async def boot_accepted_then_heartbeat(central_system, charge_point):
    assert central_system.last_boot_id and charge_point.registration == "Accepted"
    await lab.until(lambda: central_system.heartbeats, timeout=2)


await run(boot_accepted_then_heartbeat)


# %%
async def unknown_action_yields_not_implemented(central_system, charge_point):
    pipe = await dial(f"{central_system.url}/CP_0")
    await naive_boot(pipe)
    answer = await ask(pipe, '[2,"17","MakeCoffee",{}]')
    assert (answer.unique_id, answer.code) == ("17", "NotImplemented")
    assert (await ask(pipe, '[2,"18","Heartbeat",{}]')).unique_id == "18"
    await pipe.close()


async def timeout_no_server_reply_local_timeout_error(central_system, charge_point):
    central_system.faults.ignore("Authorize")
    ended = await lab.timed(charge_point.call(authorize, timeout=0.1))
    assert ended.outcome == "timeout" and 0.1 <= ended.seconds < 1


await run(unknown_action_yields_not_implemented, timeout_no_server_reply_local_timeout_error)


# %%
async def back_pressure_thousand_small_frames_serialized_writes(central_system, charge_point):
    transport = charge_point.session.transport
    await asyncio.gather(*(transport.send(frame) for frame in frames))
    await lab.until(lambda: sum("flood-" in event.text for event in central_system.received) == 1000)
    assert transport.max_writes_in_flight == 1


async def close_flow_server_close_resolves_pendings(central_system, charge_point):
    central_system.faults.ignore("Authorize")
    calls = [asyncio.create_task(lab.timed(charge_point.call(authorize, timeout=30))) for _ in range(3)]
    await lab.until(lambda: "Authorize" in central_system.received[-1].text)
    await central_system["CP_1"].close(1001)
    ended = await asyncio.wait_for(asyncio.gather(*calls), 1)
    assert [each.outcome for each in ended] == ["lost", "not sent", "not sent"]


await run(back_pressure_thousand_small_frames_serialized_writes, close_flow_server_close_resolves_pendings)

# %% [markdown]
# Your turn. What each fault does to a frame, you see best with your own Heartbeats. Switch two faults on: which one acts?

# %%
your_wire = lab.Wire(charge_point, central_system)
lab.Bench(your_wire, panel)

# %% [markdown]
# **Check yourself.** A click on a question shows the answer.
#
# <details><summary>Who may close, and what must the other side do with its pending calls?</summary>
# Either side may. The other side then ends all its pending calls at once, with an error.</details>
# <details><summary>May a server send a call while a client waits for a reply?</summary>
# Yes. Crossing calls are legal and must be served (J-spec 4.1.1).</details>
# <details><summary>Does a timeout prove that the peer did nothing?</summary>
# No. It is indefinite: the reply may be lost, or late.</details>

# %% [markdown]
# **To think about.** These questions have no answers here.
#
# - A charge point behind a mobile network has a timeout of 30 s. What gets worse with 5 s, and what with 300 s?
# - The queue has 1,000 places. The peer reads one frame a second. How old is a frame when it leaves? Is it still of
#   use?
# - Which of the five smoke tests would pass against a central system that answers every call with the same text?
# - A call is *lost*. Which actions of OCPP would you simply call again, and which never?

# %% [markdown]
# ## 10. Design note: libocpp
#
# libocpp, the C++ stack of EVerest, is built alike: one worker thread, one call in flight, and answers that do not wait
# in the queue of calls (`message_queue.hpp`, `push_call_result`). Its timeout grows with each attempt: 30 s plus the
# attempt's number times `TransactionMessageRetryInterval`, a key that says how long to wait between two attempts. Our
# timeout is an argument, the key `MessageTimeout` of core errata 3.82. libocpp had one real bug here: a socket write
# slower than 1 s paused the queue for ever (EVerest pull/1713). With us a slow write is only a wait, and when the
# connection is lost, everything that waits is told.
#
# ## 11. Leave nothing behind
#
# All of it is still alive, so that you can press what you like. Every task has a parent that ends it: the button closes
# everything, and counts the tasks that are left. The end of the kernel ends it too.

# %%
closing = lab.Closing(guard, wire, your_wire, panel, charge_point, central_system)
closing

# %% [markdown]
# | before | now build it yourself | after |
# | :--- | :---: | ---: |
# | [← Warm-up](00_asyncio_warm_up.ipynb) | [**Exercise 1**<br>6 steps · 2 h 25 · 20 points](../exercises/01_smoke_tests.ipynb) | [18:15 →<br>Dispatch and router](02_dispatch_and_router.ipynb) |
