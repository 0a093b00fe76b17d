# %% [markdown]
# ![21:30 on Friday night. Each part passed its tests. Together they call a dead connection online.](pictures/05.svg)
#
# [START](../START.ipynb) · [← 20:20 Call correlation](04_call_correlation.ipynb) · **About 75 minutes, in two sittings** · [exercise 5, 2 h 45](../exercises/05_lifecycle_loop.ipynb) · [23:55 Integration and metrics →](06_integration_and_metrics.ipynb)
#
# # 5. Lifecycle loop: how do the parts live, die and come back as one?
#
# Friday, 21:30. The operator restarts the central system. A router at the motorway swallows every byte and closes
# nothing. At 21:41 the power fails for a moment. Each part of `CP_1` passed its tests. But put together by hand, the
# parts send four times as many heartbeats as they should, stay "online" on a dead connection, and dial with an old
# password.
#
# You need notebook [4](04_call_correlation.ipynb), and the outbox of notebook [3](03_session_reconnect.ipynb).
#
# Notebooks 1 to 4 built the parts. Here we watch their life as a whole: dial, boot, live, die, come back, resume. At
# the end you can say for each fact of a charge point whether it lives as long as a connection, a process, or a file.
#
# What takes minutes or hours runs under *simulation*: the same code, on a simulated clock and network. `simulate` runs
# a scenario in a world of its own, and the same *seed*, a number, always gives the same world. The rest is live, on
# this machine.
#
# In brackets stands where OCPP says it: *J-spec* is OCPP-J 1.6, the JSON transport; *core* is OCPP 1.6 edition 2;
# *errata* are their official corrections; *whitepaper* is the security whitepaper.

# %%
import asyncio
from contextlib import suppress
from functools import partial
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory

from IPython.display import display

from ocpp_lab import CONNECTION, Call, CentralSystem, ChaosProxy, ChargePoint, OcppError, Policy, Router, Session
from ocpp_course import lab
from ocpp_lab import Heartbeat, Timeline, Trace, Transport
from ocpp_lab import messages as m
from ocpp_lab.station.car import Car
from ocpp_lab.charge_point.dial import Dialler, dial
from ocpp_lab.charge_point.registration import may_send, may_serve
from ocpp_lab.charge_point.uplink import Uplink
from ocpp_lab.simulation import World, simulate

guard = lab.Guard(after=60)
guard

# %% [markdown]
# ## 1. The naive life
#
# This life is a loop: dial, boot, start the heartbeat, wait for the end of the connection, and begin again. A heartbeat
# that fails is no reason to stop, so `call` swallows errors. Each line of the code is reasonable.


# %%
class NaiveLife:
    def __init__(self, url, trace):
        self.url, self.trace = url, trace

    async def call(self, request):
        with suppress(OcppError):
            return await self.session.call(request)

    async def heartbeat(self, interval):
        while True:
            await asyncio.sleep(interval)
            await self.call(m.HeartbeatRequest())

    async def run(self):
        while True:
            pipe = await dial(self.url, note=partial(self.trace.note, "CP_1"))
            self.session = Session(Transport(pipe), Router("ChargePoint"))
            asyncio.create_task(self.session.run(), name="CP_1 reader")  # noqa: RUF006 (naive: nobody keeps it)
            answer = await self.call(lab.example(m.BootNotificationRequest))
            asyncio.create_task(self.heartbeat(answer.interval), name="CP_1 heartbeat")  # noqa: RUF006
            await self.session.wait_closed()


print("a life of", len([name for name in vars(NaiveLife) if not name.startswith("__")]), "functions")

# %% [markdown]
# The central system wants a heartbeat every 20 s. We cut the connection three times, and count the heartbeats for ten
# minutes after each cut. (The first folded cell prepares that.)


# %% jupyter={"source_hidden": true}
# Prepares `three_cuts`: cut the connection three times, and count the heartbeats a minute after each cut.
async def three_cuts(world: World, begin):
    central_system = await world.start_central_system(policy=Policy(interval=20))
    trace, rates = await begin(world), []
    for cuts in range(4):
        if cuts:
            central_system["CP_1"].transport.pipe.abort()
        await asyncio.sleep(30)
        since = world.time
        await asyncio.sleep(600)
        rates.append(round(lab.heartbeats_per_minute(trace, since, world.time)))
    beating = [task for task in asyncio.all_tasks() if task.get_name() == "CP_1 heartbeat"]
    if not world.sites:
        world.net.host("CP_1").crash()  # or its tasks would outlive the world
    return rates, len(beating)


# %% jupyter={"source_hidden": true}
# Question 1. The answer stands here: choose in the card below first.
q1 = lab.predict(
    "The central system asks for 3 heartbeats a minute. How many come after the third cut?",
    {
        "a": ("3", "Who ends the heartbeat of the connection that was cut?"),
        "b": ("9", "Three cuts, but four connections: each of them started a heartbeat."),
        "c": "12",
    },
    answer="c",
    because="Each connection started a heartbeat task, and nobody ended the old ones. An old one does not even fail, "
    "because it uses `self.session`, and that is the new session.",
)


# %%
async def naive(world: World):
    trace = Trace()
    world.net.host("CP_1").create_task(NaiveLife("ws://cs:9000/CP_1", trace).run())
    return trace


with q1:
    naive_rates, beating = simulate(partial(three_cuts, begin=naive), seed=1)
    cuts = ["no cut", "one cut", "two cuts", "three cuts"]
    display(lab.grid({"heartbeats a minute": naive_rates}, cuts, corner="after"))
    display(lab.facts({"heartbeat tasks that run": beating}))

# %% [markdown]
# Four tasks beat for one charge point. With many charge points like this one, the central system gets four times as many
# heartbeats as it asked for.
#
# ## 2. What lives per connection, and what outlives it
#
# | lives as long as | what | kept in |
# |---|---|---|
# | the connection | session, pending calls, heartbeat, draining the outbox | `Uplink` (`charge_point/uplink.py`) |
# | the process | registration, back-off, which statuses were told | `ChargePoint`, `keep_connected` (`connection.py`) |
# | the file | outbox, transaction ids, running transactions, meters, changed keys | sqlite |
#
# Each connection has one *TaskGroup*. Every task that needs the connection is a child of that group, and ends with it.
# The reader is the first child. When the reader finds that the connection is lost, it raises, and the group ends all
# the others:

# %%
lab.source(Uplink.live)

# %% [markdown]
# Now live: `CP_1` dials through a `ChaosProxy`, which carries bytes until we tell it otherwise. After a loss `CP_1`
# dials again after 0.5 s. When it closes a connection, it waits 0.5 s for the goodbye of the other end, and not 5 s.
# (The folded cell prepares `power_on`.)

# %% jupyter={"source_hidden": true}
# Prepares both ends, the proxy between them, and `power_on`: a charge point with a file and a password comes to life.
KEY, NEW_KEY = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
central_system = await CentralSystem(passwords={"CP_1": KEY}, identities={"CP_1", "CP_2"}).start()
proxy = await ChaosProxy(central_system.host, central_system.port).start()
folder, trace = TemporaryDirectory(), Trace()


def quick(pipe):
    pipe.websocket.close_timeout = 0.5
    return Transport(pipe, name="CP_1")


async def power_on():
    global charge_point
    path = str(Path(folder.name) / "CP_1.db")
    options = {"password": KEY, "trace": trace, "transport": quick, "delays": lambda: repeat(0.5)}
    charge_point = await ChargePoint(proxy.url, "CP_1", connectors=2, path=path, **options).start()
    await charge_point.wait_for("online")


await power_on()
await lab.until(lambda: len(central_system.answers.statuses) == 3)
print("CP_1 is", charge_point.state)

# %% [markdown]
# We cut the connection and wait until `CP_1` is online again. What survives, of its parts and of its tasks?
#
# (We use `wait_for`, which is told of every state, in `charge_point/state_watch.py`. A loop that looks every 5 ms would
# miss a boot that takes 2 ms.)

# %% jupyter={"source_hidden": true}
# Question 2. The answer stands here: choose in the card below first.
q2 = lab.predict(
    "How many tasks of `CP_1` survive the cut?",
    {
        "a": (
            "all: life, reader, online, heartbeat, statuses, outbox",
            "All but one are children of the group of that connection, and end with it.",
        ),
        "b": "one",
        "c": ("none", "Then who dials again?"),
    },
    answer="b",
    because="The loop of `keep_connected` lives on, because it is the one that dials again. All others belong to the "
    "connection.",
)

# %%
PARTS = ("session", "heartbeat", "registration", "configuration", "outbox", "transaction_ids", "transactions")
NAMES = ("life", "reader", "online", "heartbeat", "statuses", "outbox")


def tasks():
    return {t.get_name().removeprefix("CP_1 "): t for t in asyncio.all_tasks() if t.get_name().startswith("CP_1 ")}


parts, before = {name: getattr(charge_point, name) for name in PARTS}, tasks()
with q2:
    proxy.cut()
    await charge_point.wait_for("waiting")
    await charge_point.wait_for("online")
    await lab.until(lambda: charge_point.heartbeat)
    after = tasks()
    fates = {f"`{part}`": ["kept" if getattr(charge_point, part) is old else "new"] for part, old in parts.items()}
    display(lab.grid(fates, ["after the cut"], corner="part"))
    print("tasks that survived:", *[name for name in NAMES if before[name] is after[name]])

# %% [markdown]
# Everything else was made anew for the new connection, or given to it on purpose. How many heartbeats a minute does that
# make? The same three cuts, with our charge point:


# %%
async def ours(world: World):
    return (await world.start_charge_point("CP_1")).trace


our_rates, beating = simulate(partial(three_cuts, begin=ours), seed=1)
print("heartbeat tasks that run:", beating)
finding = f"Each naive reconnect adds a heartbeat, up to {naive_rates[-1]} a minute; ours keeps {our_rates[-1]}"
lab.cadence({"naive": naive_rates, "ours": our_rates}, finding)

# %% [markdown]
# ## 3. Boot: accepted, pending, rejected
#
# The states of a connection are a table. `Machine` runs the table. An event that the table does not have in a state
# raises an error.

# %%
edges = {state: ", ".join(f"{event} → {new}" for event, new in edges.items()) for state, edges in CONNECTION.items()}
lab.grid({f"`{state}`": [text or "the end"] for state, text in edges.items()}, ["event → next state"], corner="state")

# %% [markdown]
# The answer to a boot is *Accepted*, *Pending* or *Rejected*; that is the *registration*. Pending means: we know you,
# but we want to configure you first. The central system may call then. The charge point may not, except for a message
# that the central system asked for with TriggerMessage (core 4.2). `CP_2` is Pending after its boot. A driver comes all
# the same.

# %% jupyter={"source_hidden": true}
# Question 3. The answer stands here: choose in the card below first.
q3 = lab.predict(
    "Which of these leaves the charge point while it is Pending?",
    {
        "a": ("the Authorize of the driver", "It fails at once, because a driver stands there and should not wait."),
        "b": (
            "the StartTransaction of the driver",
            "It waits in the outbox, because energy flows and has to be paid for.",
        ),
        "c": "the StatusNotification that the central system triggers",
        "d": ("none of them", "The central system asked for one of them itself."),
    },
    answer="c",
    because="While it is Pending, a charge point sends what it was asked for with TriggerMessage, and nothing else, "
    "until its next boot is due (core 4.2).",
)

# %%
central_system.policy.registrations["CP_2"] = "Pending"
second = await ChargePoint(central_system.url, "CP_2").start()
await second.wait_for("pending")
second.charging.plug_in(1)
second.charging.start(1, "TAG_B")
with q3:
    own = await lab.timed(second.call(m.AuthorizeRequest(id_tag="TAG_B")), "Authorize")
    display(lab.ends([own]))
    ask = central_system["CP_2"].call
    await ask(m.TriggerMessageRequest(requested_message="StatusNotification", connector_id=1))
    await lab.until(lambda: ("CP_2", 1) in central_system.answers.statuses)
    told = {"the triggered StatusNotification said": central_system.answers.statuses["CP_2", 1].status}
    remote = await ask(m.RemoteStartTransactionRequest(id_tag="TAG_B"))
    told |= {"a RemoteStartTransaction was answered": remote.status}
    waiting = [entry.request.action for entry in second.outbox.entries()]
    display(lab.facts(told | {"in the outbox waits": ", ".join(waiting)}))

# %% [markdown]
# Then the operator has configured everything. It triggers a boot with TriggerMessage, because the next boot would be due
# only after 300 s.

# %%
start = lab.now()
del central_system.policy.registrations["CP_2"]
await ask(m.TriggerMessageRequest(requested_message="BootNotification"))
await second.wait_for("online")
await lab.until(lambda: second.tally.ended["StatusNotification", "result"] == 3 and not len(second.outbox))
calls = [call.action for call in lab.calls(second.trace) if call.started > start]
told = {"sent first": calls[0], "calls after it": len(calls) - 1}
display(lab.facts(told | {"among them": ", ".join(sorted(set(calls) & m.TRANSACTION_ACTIONS))}))
title = f"Accepted: after the boot come {calls.count('StatusNotification')} statuses, and the outbox drains"
lab.ladder(second.trace, central_system, since=start, title=title, identity="CP_2")

# %% [markdown]
# > **In the field.** A central system may lose its memory, for example when its database is restored from a backup. The
# > charge point resumes after the reconnect, does not boot, and has nothing to say. Many central systems show such a
# > charge point as "offline" until somebody drives there. Ours asks: if no boot came within a second from a charge
# > point that it does not know, it sends a TriggerMessage (core 5.17), and answers everything else with SecurityError.
#
# In what the next cell prints, `>` is sent by the charge point, `<` comes from the central system, and `=` is a change
# of state.


# %%
async def no_memory(world: World):
    await world.start_central_system()
    charge_point = await world.start_charge_point("CP_1", connectors=1)
    await asyncio.sleep(60)
    world.central_system_site.crash()
    await charge_point.wait_for("waiting")
    await world.central_system_site.start(forget="everything")
    await charge_point.wait_for("online")
    online = world.time
    await asyncio.sleep(400)
    for event in charge_point.trace:
        if event.at >= online and "Status" not in event.text:
            print(f"{event.at - online:5.1f} s {event.mark} {event.text[:88]}")


simulate(no_memory, seed=1)

# %% [markdown]
# Our charge point says *Rejected*: it was accepted, and an accepted boot is better not repeated on request (core errata
# 3.35). A charge point of another maker may boot now. Ours boots when its next heartbeat gets the answer SecurityError,
# because that proves that it was forgotten.
#
# ## 4. The gate is a function
#
# May this message be sent now? For each registration there is one answer, and a function of a few lines gives it
# (`charge_point/registration.py`). In the table, *None* means that the boot was not answered yet.

# %%
registrations = {"None": None, "Pending": "Pending", "Rejected": "Rejected", "Accepted": "Accepted"}
await second.stop()


def row(decide, action, **options):
    cells = {"refuse": lab.bad("refuse"), "queue": "queue", "silent": "silent"}
    decisions = [decide(action, registration, **options) for registration in registrations.values()]
    return [cells.get(decision, lab.good(decision)) for decision in decisions]


sent = ("BootNotification", "StartTransaction", "Authorize", "StatusNotification")
rows = {action: row(may_send, action) for action in sent}
rows["… triggered"] = row(may_send, "StatusNotification", triggered=True)
display(lab.grid(rows, registrations, corner="to send"))
served = {action: row(may_serve, action) for action in ("ChangeConfiguration", "RemoteStartTransaction")}
lab.grid(served, registrations, corner="to serve")

# %% [markdown]
# To send: *refuse* means an error at once, and nothing is sent; *queue* means that the message waits in the outbox. To
# serve: *refuse* means an answer with the status `Rejected`. A charge point whose registration is Rejected is silent,
# and does not even answer with an error. Because the gate is a function without memory, a test can walk through the
# whole table.

# %%
lab.source(may_send)

# %% [markdown]
# ## 5. The heartbeat: an interval of inactivity
#
# The interval is 300 s. A charge point that sends meter values every 240 s shows with each of them that it lives. It
# may then skip its heartbeat (core 4.6).

# %% jupyter={"source_hidden": true}
# Question 4. The answer stands here: choose in the card below first.
q4 = lab.predict(
    "How many heartbeats does a busy charge point send in two and a half days?",
    {
        "a": ("none", "A heartbeat has a second use: its answer tells the time."),
        "b": "2",
        "c": (
            "720",
            "That is one every 300 s, which an idle charge point sends. The busy one is never silent for that long.",
        ),
    },
    answer="b",
    because="One heartbeat a day is sent whatever else is said, because its answer tells the time (J-spec 5.3).",
)


# %%
async def long_weekend(world: World, busy):
    await world.start_central_system(policy=Policy(interval=300), ping_interval=None)
    keys = {"MeterValueSampleInterval": 240}
    charge_point = await world.start_charge_point("CP_1", ping_interval=None, configuration=keys)
    await charge_point.wait_for("online")
    if busy:
        charge_point.charging.plug_in(1, Car(wanted=1e9))
        charge_point.charging.start(1, "TAG_A")
    await asyncio.sleep(60 * 3600)
    return [call.started / 3600 for call in lab.life(charge_point.trace).heartbeats]


with q4:
    idle, busy = (simulate(partial(long_weekend, busy=busy), seed=1) for busy in (False, True))
    when = ", ".join(f"hour {hour:.0f}" for hour in busy)
    display(lab.grid({"idle": [len(idle), None], "busy": [len(busy), when]}, ["heartbeats", "sent at"]))

# %% [markdown]
# The only other answer that tells the time is that to a boot, and a charge point that stays accepted does not boot. `Heartbeat`
# (`heartbeat.py`) knows when the next beat is due: an interval after the last call, or a day after the last beat,
# whichever is earlier.

# %%
lab.source(Heartbeat._due)

# %% [markdown]
# > **In the field.** Clocks drift, and are set. Some charge points send local time without an offset, so that in summer
# > every transaction is two hours wrong. (We read a time without offset as UTC, and count it.) A clock that was set
# > while a driver charged gives a stop before its start. Our charge point does not set the clock of its machine. It
# > keeps an offset over it, from the answers to boots and heartbeats, and does not believe a jump of more than ten
# > years. No event gets an earlier timestamp than the one before, also when the clock is set back.
#
# ## 6. Half-open: nobody says goodbye
#
# When an end closes the connection, the other end is told. When a router swallows the bytes, or a machine has no power,
# nobody is told: nothing comes, and that looks like an idle connection. So a charge point asks. It sends a WebSocket
# *ping* every `WebSocketPingInterval`, here 60 s, and the other end has to answer with a *pong* within 5 s. (The folded
# cell prepares `noticed`: how many seconds pass from the death to the state *waiting*.)

# %% jupyter={"source_hidden": true}
# Prepares `noticed`: something dies in a simulated world; how many seconds later does the charge point know?
PING, PONG, GOODBYE = 60, 5, 5


async def noticed(world: World, cause, ping=PING):
    await world.start_central_system(policy=Policy(interval=300))
    charge_point = await world.start_charge_point("CP_1", ping_interval=ping)
    await charge_point.wait_for("online")
    await asyncio.sleep(200 + world.seed % PING)  # each seed dies at another second between two pings
    session, died = world.central_system["CP_1"], world.time
    match cause:
        case "close 1001":
            world.begin(session.close(1001), "close")
        case "reset":
            session.transport.pipe.abort()
        case "half-open":
            world.silence("cs", "CP_1")
        case "power cut":
            world.central_system_site.crash()
        case "the program hangs":
            world.central_system.faults.ignore()
    with suppress(TimeoutError):
        await asyncio.wait_for(charge_point.wait_for("waiting"), 600)
    return world.time - died


# %% jupyter={"source_hidden": true}
# Question 5. The answer stands here: choose in the card below first.
q5 = lab.predict(
    "Every byte is swallowed from now on. For how long does the charge point stay ‘online’ at most?",
    {
        "a": ("5 s", "That is the time for the pong. But when was the next ping due?"),
        "b": "about 65 s, and a little more",
        "c": ("until its next heartbeat, up to 300 s", "It need not wait for that: the ping comes sooner."),
        "d": ("for ever", "So it is with pings switched off."),
    },
    answer="b",
    because="The next ping may be due in 60 s, and the pong may take 5 s. Then we close politely, and nobody answers "
    "that either, which takes 5 s more.",
)

# %%
CAUSES = ("close 1001", "reset", "half-open", "power cut")
with q5:
    times = {cause: [simulate(partial(noticed, cause=cause), seed) for seed in range(0, PING, 3)] for cause in CAUSES}
    told, silence = times["close 1001"] + times["reset"], times["half-open"] + times["power cut"]
    finding = f"A close or a reset is noticed at once, silence only after up to {max(silence):.0f} s"
    display(lab.detection(times, finding, limits={"ping interval + pong timeout + closing": PING + PONG + GOODBYE}))

# %%
never = simulate(partial(noticed, cause="half-open", ping=0))
hangs = simulate(partial(noticed, cause="the program hangs"))
seen = {"closed or reset: noticed within 1 s": max(told) < 1}
seen |= {"silent: noticed within 65 s": max(silence) < 65, "silent: noticed within 70 s": max(silence) < 70}
seen |= {"silent, pings switched off: noticed within 10 minutes": never < 600}
lab.facts(seen | {"only the program hangs, and pings are answered: noticed within 10 minutes": hangs < 600})

# %% [markdown]
# With a shorter interval we notice sooner, and it costs more bytes. With pings switched off (0), nobody ever notices
# that an idle connection is dead.
#
# > **In the field.** Mobile networks and load balancers forget a connection on which nothing passed for a while, often
# > after 30 to 350 s, and mostly tell nobody. A ping keeps the connection alive only if its interval is shorter than
# > that. J-errata 3.9 names another bound: shorter than attempts times retry interval, or a transaction message may use
# > up its attempts on a dead connection. And a pong proves little. It comes from the WebSocket library, or from a proxy
# > in front of the central system, also when the program behind it hangs. That is the last row of the table. Only the
# > answer to a call proves that the program lives.
#
# *A good place for a break: the first sitting ends here.*
#
# ## 7. A transaction across a cut
#
# A driver starts while the connection is dead, charges for half an hour, and leaves. Nobody has given the transaction
# an id yet.

# %% jupyter={"source_hidden": true}
# Question 6. The answer stands here: choose in the card below first.
q6 = lab.predict(
    "Which `transactionId` does the StopTransaction have, in the outbox and on the wire?",
    {
        "a": ("−1, and −1", "−1 goes out only if the central system refuses the start for good (core errata 3.18)."),
        "b": "−1, and the real one",
        "c": ("none, and the real one", "The field is required, and the message is written down whole."),
    },
    answer="b",
    because="In the file stands a place holder. The id is put into the message when the message is sent, because the "
    "answer to the start is known by then.",
)


# %%
async def offline_charge(world: World, refused=False):
    central_system = await world.start_central_system()
    keys = {"TransactionMessageAttempts": 1, "MeterValueSampleInterval": 0}
    charge_point = await world.start_charge_point("CP_1", configuration=keys)
    await charge_point.wait_for("online")
    world.cut("CP_1")
    charge_point.charging.plug_in(1)
    charge_point.charging.start(1, "TAG_A")
    await asyncio.sleep(1800)
    charge_point.charging.stop(1, "Local")
    waits = [getattr(entry.request, "transaction_id", "a start and") for entry in charge_point.outbox.entries()]
    if refused:
        central_system.faults.call_error("StartTransaction")
    world.heal()
    await asyncio.sleep(600)
    calls = [event.frame for event in charge_point.trace if event.mark == ">" and isinstance(event.frame, Call)]
    wire = [call.payload["transactionId"] for call in calls if call.action == "StopTransaction"]
    ledger = central_system.ledger
    return waits, wire, [row["meter_stop"] for row in ledger.rows()], len(ledger.orphans())


with q6:
    rows = {}
    for refused in (False, True):
        waits, wire, energy, orphans = simulate(partial(offline_charge, refused=refused), seed=1)
        cells = [f"{waits[-1]}", f"{wire[0]}", f"{energy[0]:,} Wh" if energy else "no row", orphans]
        rows["refused for good" if refused else "accepted"] = cells
    columns = ["id in the outbox", "id on the wire", "in the ledger", "orphans"]
    display(lab.grid(rows, columns, corner="the start was"))

# %% [markdown]
# 11 kW for half an hour are 5,500 Wh. The id is put in by `transaction_ids.py`. If the central system refuses the start
# for good, the stop is sent with the id −1 (core errata 3.18). Such a stop belongs to no transaction of the central
# system, but it says how much energy was taken. So the central system keeps it apart, as an *orphan*.
#
# ## 8. Power loss
#
# A power cut is a crash: nobody says goodbye, and only what was on the disk is left. A charge point that has restarted
# always boots again (core 4.2).

# %% jupyter={"source_hidden": true}
# Question 7. The answer stands here: choose in the card below first.
q7 = lab.predict(
    "A transaction runs when the power fails. What becomes of it, unless the charge point is built otherwise?",
    {
        "a": ("it is lost", "Its start and its meter readings are on the disk."),
        "b": "it ends, with the reason PowerLoss",
        "c": ("it goes on", "So it is with `resume_transactions=True`: the second row of the table."),
    },
    answer="b",
    because="The next life finds the transaction in the file, and ends it with the last reading that was written down.",
)


# %%
async def blackout(world: World, resume):
    central_system = await world.start_central_system()
    options = {"resume_transactions": resume, "configuration": {"MeterValueSampleInterval": 60}}
    charge_point = await world.start_charge_point("CP_1", **options)
    charge_point.charging.plug_in(1)
    charge_point.charging.start(1, "TAG_A")
    await asyncio.sleep(1000)
    world.sites["CP_1"].crash()
    await asyncio.sleep(600)
    charge_point = await world.sites["CP_1"].start()
    await asyncio.sleep(1000)
    charge_point.charging.stop(1, "Local")
    await asyncio.sleep(10)
    boots = sum(event.text.count('"BootNotification"') for event in charge_point.trace if event.mark == ">")
    rows = central_system.ledger.rows()
    return boots, [(row["meter_start"], row["meter_stop"], row["reason"]) for row in rows]


with q7:
    ends = {}
    for resume in (False, True):
        boots, [(first, last, reason)] = simulate(partial(blackout, resume=resume), seed=1)
        ends[f"{resume}"] = [boots, first, last, reason]
    display(lab.grid(ends, ["boots", "from (Wh)", "to (Wh)", "reason"], corner="`resume_transactions`"))

# %% [markdown]
# Either way there is one row. The meter was read last at 960 s. The energy of the 40 s from then to the blackout was in
# no file, so without resuming nobody pays for it. Each reading costs one write to the disk, and you decide how often
# that is.
#
# ## 9. A new AuthorizationKey
#
# Live again. The `AuthorizationKey` is the password of a charge point. The central system gives `CP_1` a new one. The
# charge point accepts it, closes the connection and dials again.

# %% jupyter={"source_hidden": true}
# Question 8. The answer stands here: choose in the card below first.
q8 = lab.predict(
    "How often does the central system refuse it with HTTP 401?",
    {
        "a": "never",
        "b": ("once", "The new key is on the disk before the answer goes out."),
        "c": ("for ever", "So it is with a program that reads the key once, when it starts."),
    },
    answer="a",
    because="Our charge point reads the key anew at each dial.",
)

# %%
dials, old = charge_point.uptime.dials.copy(), charge_point.uplink
with q8:
    answer = await central_system["CP_1"].call(m.ChangeConfigurationRequest(key="AuthorizationKey", value=NEW_KEY))
    await lab.until(lambda: charge_point.uplink not in (None, old) and charge_point.state == "online")
    told = {"the new key was": answer.status}
    told |= {f"dials since that ended {how}": count for how, count in (charge_point.uptime.dials - dials).items()}
    boots = sum('"BootNotification"' in event.text for event in trace if event.mark == ">")
    display(lab.facts(told | {"boots in this life": boots}))

# %% [markdown]
# It reads the key in the first line of this function.

# %%
lab.source(Dialler.dial)

# %% [markdown]
# `CP_1` did not boot again either, because it was accepted before, and nothing that a boot says has changed (J-spec
# 5.4). What if the central system has forgotten it? Then it answers a call with SecurityError, as J-errata 3.8
# recommends before a boot is accepted. Our charge point then boots. That is our choice, because SecurityError says no
# more than that there is some security issue (J-spec 4.2.3). If the central system says it again after every boot, our
# charge point boots less and less often, by the same back-off as for dials.
#
# > **In the field.** The key travels as hexadecimal text and is used as the bytes it stands for (J-errata 3.10). Some
# > charge points dial with the hexadecimal text; our central system takes both. Some answer *RebootRequired*, and use
# > the new key only after their next reboot, so the old key has to open the door until the new one was seen. A charge
# > point that is told to use TLS, and cannot, should fall back to what worked before, or somebody has to drive there.
# > And one day a certificate expires, for all charge points in the same night.
#
# ## 10. Twenty-four hours
#
# Here is one day of `CP_1`, simulated. Drivers come and go. Six times something dies, and the seed decides what and
# when: a *reset* or a *half-open* of the connection, a *restart* of the central system, or a *power cut* of the charge
# point. Each is mended after 20 minutes. (The folded cells prepare the drivers, the trouble, and the day.)


# %% jupyter={"source_hidden": true}
# Prepares the drivers: they come at random times, and stay for half an hour to an hour and a half.
KINDS = ("reset", "half-open", "restart", "power cut")


async def visit(charging, seconds, begun):
    charging.plug_in(1)
    begun.append(charging.start(1, "TAG_A"))
    await asyncio.sleep(seconds)
    charging.stop(1, "Local")
    charging.unplug(1)


async def drivers(world, begun):
    site, rng = world.sites["CP_1"], world.rng("drivers")
    while True:
        await asyncio.sleep(rng.uniform(1200, 5400))
        await site.do(visit(site.charge_point.charging, rng.uniform(1800, 5400), begun))


# %% jupyter={"source_hidden": true}
# Prepares the trouble: six times a day something dies, and 20 minutes later it works again.
async def trouble(world, marks):
    rng, machines = world.rng("trouble"), (world.central_system_site, world.sites["CP_1"])
    for kind in rng.sample(KINDS * 2, 6):
        await asyncio.sleep(rng.uniform(5400, 10_800))
        marks.append((world.time, kind))
        match kind:
            case "reset":
                world.charge_point("CP_1").uplink.transport.pipe.abort()
            case "half-open":
                world.silence("cs", "CP_1")
            case "restart":
                machines[0].crash()
            case "power cut":
                machines[1].crash()
        await asyncio.sleep(1200)
        world.set_latency("CP_1", 0.01, 0.05)
        for machine in machines:
            if not machine.up:
                await machine.start()


# %% jupyter={"source_hidden": true}
# Prepares one day and its picture, and draws the day of the seed that the slider shows.
async def day(world: World):
    await world.start_central_system()
    await world.start_charge_point("CP_1", configuration={"MeterValueSampleInterval": 300})
    site, begun, marks = world.sites["CP_1"], [], []
    async with Timeline({"outbox": lambda: len(site.charge_point.outbox)}, interval=30) as outbox:
        world.begin(drivers(world, begun), "drivers")
        await trouble(world, marks)
        await asyncio.sleep(86_400 - world.time)
    return lab.life(site.trace, outbox), marks, len(begun), len(world.central_system.ledger.rows())


def draw(seed, one):
    lived, marks, begun, booked = one
    said = f"{len(lived.deaths)} deaths, {len(lived.returns)} returns, {lived.emptied} times an empty outbox; "
    said += f"{begun} transactions, {booked} booked"
    return lab.states(lived, finding=said, marks=marks, width=760, alt=f"The state strip of 24 hours: {said}.")


slider = lab.SeedSlider(partial(simulate, day), draw, seed=21)
slider

# %% [markdown]
# This picture is a *state strip*: its colour is the state of the charge point over the day. An empty box is a charge
# point without power, and each ▼ is a death. Move the slider: each seed gives another day, and the same seed always
# gives the same day. What is true of all days? We ask three of them.

# %%
days = {}
for seed in range(3):
    lived, marks, begun, booked = simulate(day, seed)
    survived = len(lived.deaths) == len(lived.returns) == lived.emptied == len(marks)
    days[f"{seed}"] = [len(marks), survived, begun, begun == booked]
columns = ["deaths", "each has its return and an empty outbox", "transactions", "all booked, once"]
lab.grid(days, columns, corner="seed")

# %% [markdown]
# ## 11. The state strip, live
#
# Now with buttons. With *close 1001* the central system says goodbye. *reset* and *half-open* harm the connection.
# *restart* stops the charge point, and starts it from the same file. The central system first sets short intervals. The
# new keys act at once, and the interval of `panel.set(interval=1)` from the next boot on.


# %%
async def restart():
    await charge_point.stop()
    await power_on()


async def plug_in():
    for connector in (1, 2):
        with suppress(OcppError):
            charge_point.charging.plug_in(connector, Car(wanted=1e6))
            charge_point.charging.start(connector, "TAG_A")


panel, proxy_panel = lab.FaultPanel(central_system), lab.ProxyPanel(proxy)
buttons = lab.Buttons({"restart": restart, "plug in and start": plug_in})
panel.set(interval=1)
for key, value in {"HeartbeatInterval": 1, "MeterValueSampleInterval": 2, "WebSocketPingInterval": 2}.items():
    await central_system["CP_1"].call(m.ChangeConfigurationRequest(key=key, value=str(value)))
display(panel, proxy_panel, buttons)

# %% jupyter={"source_hidden": true}
# Prepares `die`: press, wait for the death and the return, for an empty outbox, and for a heartbeat.
outbox = lab.Sampler({"outbox": lambda: len(charge_point.outbox)})
sampling = asyncio.create_task(outbox.run(), name="sampler")
marks, start = [], lab.now()


async def die(kind, press, lift=None):
    marks.append((lab.now(), kind))
    press()
    if kind == "restart":
        await buttons.settle()
    else:
        await charge_point.wait_for("waiting")
    if lift:
        lift()
    await charge_point.wait_for("online")
    await lab.until(lambda: charge_point.heartbeat and charge_point.heartbeat.answered, timeout=30)
    await lab.until(lambda: not len(charge_point.outbox), timeout=30)
    outbox.read()


# %% jupyter={"source_hidden": true}
# Question 9. The answer stands here: choose in the card below first.
q9 = lab.predict(
    "Both connectors charge, and `CP_1` dies four times: *close*, *reset*, *half-open*, *restart*. How often does "
    "it boot?",
    {
        "a": ("never", "A restart is a new life: only what is in the file is left."),
        "b": "once",
        "c": ("four times", "A charge point that was accepted before does not boot on a new connection (J-spec 5.4)."),
    },
    answer="b",
    because="The first three deaths are deaths of a connection, and the charge point resumes. After the restart it boots.",
)

# %%
buttons.press("plug in and start")
await buttons.settle()
await die("close 1001", partial(panel.press, "close 1001"))
await die("reset", partial(proxy_panel.press, "reset"))
await die("half-open", partial(proxy_panel.toggle, "half-open"), partial(proxy_panel.toggle, "half-open", False))
await die("restart", partial(buttons.press, "restart"))
print("deaths:", *[kind for _, kind in marks], "· now:", charge_point.state)

# %%
lived = lab.life(trace, outbox, since=start)
boots = [call for call in lab.calls(trace) if call.action == "BootNotification" and call.started > start]
rows = [row for row in central_system.ledger.rows() if row["identity"] == "CP_1"]
with q9:
    reasons = {f"transaction {number} ended with": row["reason"] for number, row in enumerate(rows, start=1)}
    display(lab.facts({"boots": len(boots)} | reasons))
    display(lab.states(lived, marks=marks))

# %% [markdown]
# *close* and *reset* cost half a second each, which is our back-off. During
# *half-open* the strip stays blue, the colour of *online*, although nothing gets through: the charge point does not
# know better, and only the growing outbox shows it. When it is back, the central system first says goodbye to the old
# connection, which takes 1 s. Then the outbox drains. The restart ended both transactions with PowerLoss. After it the
# charge point dialled with the new key, because the key is in its file, although `power_on` still passes the old one.
#
# Your turn. Press *plug in and start*, then let things die as you like. The states of section 3 are the diagram here:
# the current one is lit, the last change flashes, and a back-off counts down. The strip at the end is drawn again every
# 2 s. If you leave *half-open* on, each dial takes 10 s to fail.

# %%
strip = lab.LiveStrip(trace, outbox, marks=lambda: proxy.events)
wire = lab.Wire(lambda: charge_point, central_system, proxy)
live = lab.diagram(lambda: charge_point)
lab.Bench(wire, buttons, proxy_panel, live, panel, strip)

# %% [markdown]
# **Check yourself.** A click on a question shows the answer.
#
# <details><summary>Online again: what is sent first?</summary>
# No boot, if the charge point was accepted before (J-spec 5.4). It sends the status of the connectors that changed. The
# outbox drains in order, and other calls may overtake its messages.</details>
# <details><summary>In Pending, may the central system reset the charge point?</summary>
# Yes. Only remote start and stop are barred.</details>
# <details><summary>Which clock does the heartbeat interval measure?</summary>
# Inactivity: the time since the last own call. It is no fixed beat.</details>
# <details><summary>The strip is blue. Is the connection good?</summary>
# It was good at the last pong. Until the next pong is overdue, nobody knows.</details>

# %% [markdown]
# **To think about.** These questions have no answers here.
#
# - 20,000 charge points send a ping each minute over a mobile network that is paid by the megabyte. Which interval
#   would you choose, and what does a driver notice of your choice?
# - Which facts of your own charge point live in a process today, and should live in a file?
# - A charge point loses power for one second, ten times in one hour. What should it do with the transaction that runs?
# - The central system is Pending for three days, by mistake. What do drivers see, and what waits in the outbox?
#
# ## 12. Design note: libocpp
#
# libocpp dials again from `ConnectivityManager::on_websocket_stopped_connecting`, as long as `wants_to_be_connected`
# (in the repository EVerest/EVerest; in the old one, EVerest/libocpp, that class serves OCPP 2 only). Our loop has no
# such flag. It ends when its task is cancelled, so no state can forget to dial. The heartbeat of libocpp is a fixed
# timer that never skips; ours skips heartbeats that would tell nothing new. After every reconnect libocpp sends the
# status of every connector; ours sends those that changed (there is an option for all). `try_resume_transactions` of
# libocpp ends a transaction with PowerLoss, as ours does. libocpp starts all of this from several threads; here one
# TaskGroup is the whole connection.
#
# The deaths of tonight happened. A pong timeout closed the socket, and nobody dialled again (libocpp issues/1175). No
# return after a password change (libocpp issues/826, in its OCPP 2.0.1 half). A StopTransaction with −1 after an
# offline start (libocpp issues/495). A boot dropped on overflow, and then a deadlock (EVerest pull/1987). A boot that
# was not repeated after a timeout (libocpp issues/307, pull/431).
#
# Leave nothing behind. All of it is still alive; the button closes it, and counts the tasks that are left.

# %%
shown = (wire, live, strip, slider, panel, proxy_panel, buttons)
closing = lab.Closing(guard, *shown, sampling, lambda: charge_point.stop(), proxy, central_system, folder)
closing

# %% [markdown]
# | before | now build it yourself | after |
# | :--- | :---: | ---: |
# | [← 20:20<br>Call correlation](04_call_correlation.ipynb) | [**Exercise 5**<br>7 steps · 2 h 45 · 20 points](../exercises/05_lifecycle_loop.ipynb) | [23:55 →<br>Integration and metrics](06_integration_and_metrics.ipynb) |
