# %% [markdown]
# ![19:02 on Friday night. The router reboots while a driver starts.](pictures/03.svg)
#
# [START](../START.ipynb) · [← 18:15 Dispatch and router](02_dispatch_and_router.ipynb) · **About 75 minutes, in two sittings** · [exercise 3, 2 h 45](../exercises/03_session_reconnect.ipynb) · [20:20 Call correlation →](04_call_correlation.ipynb)
#
# # 3. Session reconnect: what survives when the connection dies in the middle of a sentence?
#
# Friday, 19:02. A driver plugs in at `CP_1`. The cellular router reboots while StartTransaction is on the wire. Did the
# central system hear it? If the charge point takes it for lost, 20 kWh are free. If it says it again, two invoices go
# out.
#
# You need notebook [1](01_smoke_tests.ipynb). It showed that a lost call is *indefinite*: nobody knows whether the peer
# acted. Here we live with that. We cut real connections, and then pull the plug of a real process. What takes minutes
# runs under *simulation*: the same code on a simulated clock and network, and we say so each time.
#
# In brackets stands where OCPP says it: *J-spec* is OCPP-J 1.6, the JSON transport; *core* is OCPP 1.6 edition 2;
# *errata* are their official corrections; *whitepaper* is the security whitepaper.

# %%
import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from itertools import islice, repeat
from random import Random
from tempfile import TemporaryDirectory

from IPython.display import display

from ocpp_lab import CONNECTION, CentralSystem, ChaosProxy, ChargePoint, ConnectionLost, Faults, IllegalTransition
from ocpp_course import lab
from ocpp_lab import Ledger, Machine, OcppError, Outbox, backoff, verdict
from ocpp_lab import messages as m
from ocpp_lab.simulation import explore, simulate

guard = lab.Guard(after=30)
guard

# %% [markdown]
# ## 1. The cut
#
# Between both ends stands a `ChaosProxy`. It carries bytes and knows nothing of OCPP. This panel makes the proxy
# misbehave as networks do. *cut* ends the connection politely, *reset* ends it without a goodbye. *half-open* swallows
# bytes, so that neither end sees a close. *refuse* turns new connections away.
#
# The central system keeps its transactions in a *ledger*. This ledger writes an invoice for each start that it hears.
# Most of us would write it like this at first.


# %%
class Invoices(Ledger):
    """A row for each StartTransaction; its number is the transaction id."""

    def start(self, identity, request):
        self.table.append({"id": len(self.table) + 1, "tag": request.id_tag, "Wh": None})
        return len(self.table)

    def stop(self, identity, request):
        for row in self.table:
            if row["id"] == request.transaction_id:
                row["Wh"] = request.meter_stop


invoices = Invoices()
invoices.table = []
central_system = await CentralSystem(ledger=invoices).start()
proxy = await ChaosProxy(central_system.host, central_system.port).start()
panel = lab.ProxyPanel(proxy)
panel

# %% [markdown]
# `CP_0` is a charge point that dials again 50 ms after a loss, and does nothing else about the loss. A Heartbeat waits
# for its answer, and we press *cut*. (The first folded cell prepares `back` and `cut_at`, which you will meet below.)


# %% jupyter={"source_hidden": true}
# Prepares `back`: wait for the next connection. And `cut_at`: cut while StartTransaction is sent.
async def back(charge_point, old):
    await lab.until(lambda: charge_point.state == "online" and charge_point.session not in (old, None))


async def cut_at(direction, charge_point, begin):
    def at_the_send(event):
        if event.mark == ">" and '"StartTransaction"' in event.text:
            charge_point.trace.listener = None
            panel.set(direction=direction)
            panel.toggle("half-open")

    charge_point.trace.listener = at_the_send
    old, swallowed = charge_point.session, proxy.bytes_swallowed[direction]
    begun = asyncio.create_task(begin())
    await lab.until(lambda: proxy.bytes_swallowed[direction] > swallowed)
    panel.press("cut")
    panel.clear()
    answer = await begun
    await back(charge_point, old)
    return answer


# %% jupyter={"source_hidden": true}
# Question 1. The answer stands here: choose in the card below first.
q1 = lab.predict(
    "When does the caller of the Heartbeat know, and what does `CP_0` send first on the new connection?",
    {
        "a": ("at once, a BootNotification", "It was accepted before, and nothing about it has changed since."),
        "b": "at once, nothing",
        "c": (
            "after 30 s, a BootNotification",
            "30 s is the timeout of the call. But the end of the connection ends all its calls.",
        ),
        "d": (
            "at once, the Heartbeat again",
            "A lost Heartbeat is not worth sending twice. It is for the caller to decide.",
        ),
    },
    answer="b",
    because="The connection ends, and with it each call on it. A charge point that was accepted, and has not changed, "
    "should not boot again (J-spec 5.4): it *resumes*.",
)
known = "the caller knew within 1 s"
found = "Lost after {:.0f} ms; the new connection begins without a BootNotification"

# %%
zero = await ChargePoint(proxy.url, "CP_0", delays=lambda: repeat(0.05)).start()
await lab.until(lambda: zero.tally.ended["StatusNotification", "result"] == 2)
start, old = lab.now(), zero.session
central_system.faults.ignore("Heartbeat", times=1)
waiting = asyncio.create_task(lab.timed(zero.call(m.HeartbeatRequest()), "Heartbeat"))
await lab.until(lambda: central_system.faults.applied)
with q1:
    panel.press("cut")
    ended = await waiting
    await back(zero, old)
    display(lab.ends([ended]))
    boots = zero.tally.started["BootNotification"]
    display(lab.facts({known: ended.seconds < 1, "boots since the power came on": boots}))
    said = found.format(ended.seconds * 1000)
    display(lab.ladder(zero, central_system, since=start, title=said, identity="CP_0"))

# %% [markdown]
# Both ends see the loss, each for itself, and neither end knows what the other one has seen.
#
# > **In the field.** That rule is the specification, and not what you will see. Many charge points boot on every
# > connection, and some boot only after a power cut. Many central systems wait for a boot, and do not talk to a charge
# > point that sends none. Some charge points answer no call before their boot is accepted. So accept a boot at any
# > time. A central system that misses one asks for it with a TriggerMessage; notebook [5](05_lifecycle_loop.ipynb),
# > section 3 does so. A charge point that gets SecurityError to everything it says had better boot.
#
# ## 2. A program that gives up
#
# The first firmware thinks: *the connection is gone, nothing can be done.* The driver charges all the same. Here is a
# whole transaction of this firmware: a start, and 20,000 Wh later a stop with the id that came back from the start.


# %%
async def naive_send(request):
    try:
        return await zero.call(request)
    except OcppError:
        return None  # offline, cannot help it


def starting():
    return m.StartTransactionRequest(connector_id=1, id_tag="TAG_A", timestamp=datetime.now(UTC), meter_start=0)


def stopping(answer):
    number = answer.transaction_id if answer else -1  # no answer, no id
    return m.StopTransactionRequest(transaction_id=number, timestamp=datetime.now(UTC), meter_stop=20_000)


answer = await naive_send(starting())
await naive_send(stopping(answer))
lab.invoices(invoices.table)

# %% [markdown]
# While the network is good this works. Now the router reboots while StartTransaction is on the wire. `cut_at` does that
# with the buttons of our panel. In the instant in which the message is sent, one direction goes dark. Once the bytes
# are swallowed, *cut* is pressed.

# %% jupyter={"source_hidden": true}
# Question 2. The answer stands here: choose in the card below first.
q2 = lab.predict(
    "StartTransaction is lost on its way to the central system. Which invoices are there when the driver has left?",
    {
        "a": "none",
        "b": ("one, never ended", "The central system has not heard the start, so it opened nothing."),
        "c": ("one, with 20 kWh", "The stop did arrive, but with the id −1. Which invoice should it end?"),
    },
    answer="a",
    because="20 kWh for free. The central system never heard of the start. The StopTransaction went out with the id −1,"
    " and no transaction has that id.",
)

# %%
invoices.table.clear()
with q2:
    answer = await cut_at("to_central_system", zero, lambda: naive_send(starting()))
    await naive_send(stopping(answer))
    display(lab.invoices(invoices.table))

# %% [markdown]
# ## 3. A program that never gives up
#
# The second firmware sends again until somebody answers, and it dials again *at once*. This time the request arrives,
# and only its reply is swallowed.

# %% jupyter={"source_hidden": true}
# Question 3. The answer stands here: choose in the card below first.
q3 = lab.predict(
    "One driver takes 20 kWh. Which invoices are there afterwards?",
    {
        "a": ("one, with 20 kWh", "So it would be if the central system recognised the second start as a repeat."),
        "b": "two, and one of them never ended",
        "c": ("two, both with 20 kWh", "There is one stop, with one id. It ends one invoice."),
    },
    answer="b",
    because="The central system heard two starts and opened an invoice for each. The stop carries the id of the second "
    "one, so the first stays open for ever.",
)
found = "{} copies of one StartTransaction arrived, and each became an invoice"


# %%
async def eager_send(request):
    while True:
        try:
            return await eager.call(request)
        except OcppError:
            await asyncio.sleep(0)  # again, for ever


eager = await ChargePoint(proxy.url, "CP_E", delays=lambda: repeat(0)).start()
await lab.until(lambda: eager.tally.ended["StatusNotification", "result"] == 2)
invoices.table.clear()
start = lab.now()
with q3:
    answer = await cut_at("to_charge_point", eager, lambda: eager_send(starting()))
    await eager_send(stopping(answer))
    starts = sum("StartTransaction" in event.text for event in central_system.received if event.at > start)
    display(lab.invoices(invoices.table, f"{len(invoices.table)} invoices for one driver who took 20 kWh"))
    said = found.format(starts)
    display(lab.ladder(eager, central_system, since=start, title=said, identity="CP_E", study="StartTransaction"))

# %% [markdown]
# Both programs are reasonable, and both are wrong. In both cases the charge point saw the same thing: its call was
# *lost*.
#
# There is one more problem. The router needs a while to reboot, and meanwhile it refuses all connections.

# %% jupyter={"source_hidden": true}
# Question 4. The answer stands here: choose in the card below first.
q4 = lab.predict(
    "`CP_E` dials again *at once*. How often is that in a second?",
    {
        "a": ("once", "Nothing makes it wait a second."),
        "b": ("ten times", "That would be a wait of 0.1 s after each dial. There is none."),
        "c": "hundreds of times",
    },
    answer="c",
    because="A refused dial over loopback takes a few milliseconds, and the next one follows at once.",
)

# %%
refused, start = proxy.refused, lab.now()
with q4:
    panel.toggle("refuse")
    panel.press("reset")
    await lab.until(lambda: proxy.refused >= refused + 200)
    each = (lab.now() - start) / 200
    print(f"200 dials, one every {each * 1000:.1f} ms")
    display(lab.facts({"more than 20 dials a second": each < 0.05}))
panel.clear()
await lab.until(lambda: eager.state == zero.state == "online")

# %% [markdown]
# That is one charge point. Section 7 has two hundred of them.
#
# ## 4. Four moments
#
# A connection can die at four moments of a call: before the request is sent, while the request is on the wire, after
# the central system has acted, or after the reply has come. Two programs and four moments make eight nights. In how
# many of them is there exactly one invoice, with all the energy?


# %% jupyter={"source_hidden": true}
# Prepares `at`: let the connection die at one of the four moments of what `begin` sends.
async def at(moment, charge_point, begin):
    old = charge_point.session
    if moment == "before the send":
        panel.press("cut")
        await charge_point.wait_for("waiting")
        answer = await begin()
    elif moment == "after the reply":
        answer = await begin()
        panel.press("cut")
    else:
        return await cut_at(DARK[moment], charge_point, begin)
    await back(charge_point, old)
    return answer


DARK = {"on the wire": "to_central_system", "after the effect": "to_charge_point"}
MOMENTS = ["before the send", *DARK, "after the reply"]

# %% jupyter={"source_hidden": true}
# Question 5. The answer stands here: choose in the card below first.
q5 = lab.predict(
    "Eight nights: two programs, and four moments at which the connection dies. In how many of them is the ledger "
    "right?",
    {
        "a": ("in two: *after the reply*", "The program that never gives up is also right where nothing had arrived."),
        "b": "in four",
        "c": (
            "in six",
            "Think of the program that gives up: a start that did not arrive, or whose answer was lost, makes no "
            "good invoice.",
        ),
        "d": ("in seven: only *twice* is wrong", "Free energy is wrong too."),
    },
    answer="b",
    because="The program that gives up is right once: after the reply. The other one is right three times. Only *after "
    "the effect* does it write two invoices.",
)


# %%
def judged(table):
    ended = [row for row in table if row["Wh"]]
    if len(table) > 1:
        return lab.twice("twice", f"{len(table)} invoices")
    return lab.good("once") if ended else lab.bad("lost", "never ended" if table else "20 kWh free")


programs, matrix = {"gives up": (zero, naive_send), "never gives up": (eager, eager_send)}, {}
with q5:
    for name, (charge_point, send) in programs.items():
        for moment in MOMENTS:
            invoices.table.clear()
            answer = await at(moment, charge_point, lambda send=send: send(starting()))
            await send(stopping(answer))
            matrix.setdefault(name, []).append(judged(invoices.table))
    right = sum(cell.kind == "good" for row in matrix.values() for cell in row)
    display(lab.grid(matrix, MOMENTS, corner="program", title=f"Right in {right} of 8 nights, and not in the same"))

# %% [markdown]
# Which of the four moments can the charge point tell apart? *Before the send* is definite: nothing left this machine,
# and the error says so. *After the reply* there is no question left. The two moments in the middle look the same to the
# charge point, and no timeout and no check sum changes that. So one end alone cannot solve the problem. Each end has to
# do its part:
#
# - The charge point writes the message down before it sends it. It strikes the message out only when it was answered,
#   and sends it again until then.
# - The central system recognises a message that comes again.
#
# But first, the connection itself.
#
# ## 5. The state table
#
# A connection is a loop over a table. This picture is drawn from `CONNECTION`, the table that runs.

# %%
lab.diagram(CONNECTION)

# %% [markdown]
# For each box you have to ask: what if the connection dies here? Seven states carry a mark for that. Three of the boxes
# are there because a state should always be true. *closing*: this end has given the connection up, but the connection
# has not ended yet. *failed*: a bug of our own ended the connection, and the charge point waits and dials again.
# *forgotten*: the central system says that it does not know this charge point any more, so nothing is sent until it has
# booted again. The exercise builds the other eight states. The next cell fires *lost*, then *stop*, then *connect* at a
# machine that is `booting`.

# %% jupyter={"source_hidden": true}
# Question 6. The answer stands here: choose in the card below first.
q6 = lab.predict(
    "What does a machine in the state `stopped` say to the event *connect*?",
    {
        "a": ("nothing: it stays `stopped`", "Then a bug somewhere else would stay hidden."),
        "b": ("it connects", "The table has no such arrow, and the table is the whole truth."),
        "c": "an error that names what is allowed",
    },
    answer="c",
    because="An event that has no arrow in its state is a bug. It raises `IllegalTransition`, and the state stays what "
    "it was.",
)

# %%
machine = Machine(CONNECTION, "booting")
with q6:
    print("booting, lost →", machine.fire("lost"), "· stop →", machine.fire("stop"))
    try:
        machine.fire("connect")
    except IllegalTransition as error:
        print(error)
await lab.until(lambda: zero.state == "online")
resumed = sum("(resumed)" in event.text for event in zero.trace)
been = {"boots": zero.tally.started["BootNotification"]}
been |= {"after every loss it resumed, and did not boot": resumed == zero.uptime.losses}
await eager.stop()
await zero.stop()
lab.facts(been, "What `CP_0` has been through")

# %% [markdown]
# ## 6. Back-off
#
# After a loss, a charge point waits before it dials again, and after each dial in vain it waits longer. That is called
# *back-off*. OCPP 1.6 asks for "an appropriate back-off" in one case only, after HTTP 404 (J-errata 3.3), and does not
# say how long it should be. The WebSocket protocol under OCPP wants a back-off after each abnormal closure (RFC 6455
# 7.2.3). So we back off after every loss. We take the formula of OCPP 2.0.1, as libocpp computes it:
#
# - The first wait is 3 s, the *minimum*, plus r.
# - The next three waits are each twice the wait before, plus r.
# - All later waits are as long as the fourth one.
#
# For each of the first four waits, r is drawn anew: a whole number of seconds from 0 to the *random range*. The
# difference that chance makes is called *jitter*. The shortest and the longest wait that chance allows are the
# *envelope* of a wait.
#
# We print some waits first. Then we watch charge points as they wait. That takes minutes, so it runs under simulation:
# the real `ChargePoint` and the real WebSocket library, on a simulated clock and network. For seven minutes the central
# system turns 20 charge points away, once with random range 0 and once with 10. What they recorded tells how long each
# of them waited before each dial.

# %% jupyter={"source_hidden": true}
# Question 7. The answer stands here: choose in the card below first.
q7 = lab.predict(
    "The minimum is 3 s, there are three repeats, and the random range is 0. How long is the fifth wait?",
    {
        "a": ("15 s", "The waits are doubled, and not made 3 s longer each time."),
        "b": "24 s",
        "c": (
            "48 s",
            "That would be a fourth doubling, and there are three. All later waits are as long as the fourth one.",
        ),
    },
    answer="b",
    because="3, 6, 12, 24, and from then on 24: the wait is doubled three times, and then stays.",
)

# %%
with q7:
    waits = {"random range 0": [round(wait) for wait in islice(backoff(Random(1), random_range=0), 6)]}
    waits |= {"random range 10, by chance": [round(wait) for wait in islice(backoff(Random(1)), 6)]}
    waits |= {"the shortest that chance allows": [envelope[0] for envelope in lab.envelope(6)]}
    waits |= {"the longest": [envelope[-1] for envelope in lab.envelope(6)]}
    display(lab.grid(waits, [f"wait {number}" for number in range(1, 7)], corner="seconds"))
    few = simulate(partial(lab.outages, charge_points=20, seconds=420, ranges=[0, 10]))
    display(lab.reconnects(few[10], few[0], rows=5))

# %% [markdown]
# With each doubling, the jitter of the earlier waits is doubled too. So the fourth wait may take from 24 to 174 s: its
# envelope is 150 s wide. The whole formula is a *generator*, which yields one wait after the other:

# %%
lab.source(backoff)

# %% [markdown]
# One question is open: when do the waits begin at 3 s again? Think of a central system that accepts the connection, and
# closes it when the boot arrives.

# %% jupyter={"source_hidden": true}
# Question 8. The answer stands here: choose in the card below first.
q8 = lab.predict(
    "Which are the first five waits, without jitter?",
    {
        "a": (
            "3, 3, 3, 3, 3",
            "So it is if the waits begin anew with each WebSocket that opens. Then the charge point dials every 3 "
            "s, for ever.",
        ),
        "b": "3, 6, 12, 24, 24",
        "c": ("3, 6, 3, 6, 3", "What should make every second dial a success?"),
    },
    answer="b",
    because="An open WebSocket does not prove that the central system works. The waits begin anew only after an "
    "accepted boot or an answered call.",
)


# %%
async def lets_in_and_drops(world):
    other = await world.start_central_system()
    other.faults.close("BootNotification")
    charge_point = await world.start_charge_point("CP_1", delays=lambda: backoff(Random(1), random_range=0))
    await asyncio.sleep(80)
    return lab.dials(charge_point.trace)


with q8:
    print("waits:", *(round(dial.wait) for dial in simulate(lets_in_and_drops)))

# %% [markdown]
# ## 7. The storm
#
# There are 200 charge points. Their central system restarts, and is away for 20 seconds. (This is simulated, with the
# same code for each charge point.) All connections are lost in the same instant.

# %% jupyter={"source_hidden": true}
# Question 9. The answer stands here: choose in the card below first.
q9 = lab.predict(
    "What is the largest number of dials in one second, without jitter and with random range 10?",
    {
        "a": (
            "200 and 100",
            "The first waits are whole numbers from 3 to 13 s. 200 charge points spread over eleven seconds.",
        ),
        "b": "200 and about 25",
        "c": ("20 and 20", "Without jitter all of them wait for the same time."),
    },
    answer="b",
    because="Without jitter all 200 wait 3 s, and dial in the same second. With it they spread over eleven seconds, "
    "about 18 in each, and by chance some more in one of them.",
)

# %%
with q9:
    many = simulate(partial(lab.outages, charge_points=200, seconds=20, ranges=[0, 10]))
    fleet = {f"random range {wide}": story for wide, story in many.items()}
    came = {name: [len({dial.identity for dial in story})] for name, story in fleet.items()}
    display(lab.grid(came, ["charge points that came back"]))
    display(lab.storm(fleet, back=20, until=80))

# %% [markdown]
# Your turn: move the sliders. They show the same fleet with other waits, from the formula alone. Waves become a hill when
# the random range grows. What does a longer minimum cost, and whom?

# %%
lab.back_off_sliders()

# %% [markdown]
# Jitter does nothing for the charge point that has it, because that charge point only waits longer. Jitter helps the
# other charge points, and the central system that they all call.
#
# *A good place for a break: the first sitting ends here.*
#
# ## 8. The outbox
#
# Now to the message. StartTransaction, StopTransaction and the MeterValues between them are *transaction messages*:
# they must not be lost. Our `CP_1` keeps them in an *outbox*, a table in a sqlite file. It writes each message there
# before it sends it, and strikes it out when it was answered. The operator has a new release too: its central system
# uses the `Ledger` of our package, behind the same proxy.
#
# Then the router goes down. A driver comes, charges and leaves.

# %%
await central_system.stop()
central_system = await CentralSystem().start()
proxy.host, proxy.port = central_system.host, central_system.port
folder = TemporaryDirectory()
path = f"{folder.name}/CP_1.db"
one = await ChargePoint(proxy.url, "CP_1", path=path, delays=lambda: repeat(0.05)).start()
await lab.until(lambda: one.tally.ended["StatusNotification", "result"] == 2)


def rows_in_the_file():
    with closing(sqlite3.connect(path)) as file:
        return file.execute("SELECT key, action, failures FROM outbox ORDER BY key").fetchall()


def in_the_file(rows, title):
    shown = {f"{key}": [action, failures] for key, action, failures in rows}
    return lab.grid(shown, ["message", "failures"], corner="key", title=f"{title}: {len(rows)} messages")


in_the_file(rows_in_the_file(), f"`CP_1` is {one.state}")

# %%
async with lab.Sampler({"waiting": lambda: len(one.outbox)}, interval=0.01) as sampler:
    panel.toggle("refuse")
    panel.press("reset")
    dark = lab.now()
    one.charging.plug_in(1)
    one.charging.start(1, "TAG_A")
    for _ in range(5):
        await asyncio.sleep(0.1)
        one.charging.sample(1, "Trigger")
    one.charging.stop(1, "Local")
    one.charging.unplug(1)
    queued = rows_in_the_file()
    panel.clear()
    light = lab.now()
    await lab.until(lambda: not len(one.outbox))
display(in_the_file(queued, "In the file while the router was down"))
in_the_file(rows_in_the_file(), "Afterwards")

# %% [markdown]
# The driver was served although there was no connection. Each row was on the disk before the code went on:

# %%
lab.source(Outbox.put)

# %% [markdown]
# > **In the field.** Drivers come in three ways. Some show the card first, some start with an app
# > (RemoteStartTransaction), some plug the cable in first. Your charge point has to serve all three. It gives up
# > waiting after `ConnectionTimeOut`, a configuration key. If the cable is in by then, the status is *Finishing*, not
# > *Available*: the place is taken, and the next card would pay for this car (core errata 3.20). One card may start at
# > two connectors at once: a central system that does not want that answers *ConcurrentTx*. Two cards of one family or
# > company share a *parent tag*, so that one may stop what the other one started. And sometimes the cable stays locked
# > after all that, and a driver stands in the rain and calls the hotline.
#
# The network comes back.

# %% jupyter={"source_hidden": true}
# Question 10. The answer stands here: choose in the card below first.
q10 = lab.predict(
    "In which order do the messages arrive?",
    {
        "a": (
            "StopTransaction first, because it is urgent",
            "It needs the transaction id, and only the answer to the start tells that.",
        ),
        "b": "as they happened",
        "c": (
            "in any order",
            "Then a meter value might come before its transaction. The outbox sends its oldest message, waits for "
            "the answer, and only then takes the next.",
        ),
    },
    answer="b",
    because="The outbox is a queue: the oldest message goes first, and the next one only when that was answered.",
)
found = "they arrived in the order of the file"

# %% jupyter={"source_hidden": true}
# Prepares `outbox_over_time`, which draws how many messages waited while the router was down.
fig, ax = lab.subplots(height=270)
times, depth = sampler.series("waiting")
look = lab.OUTCOMES["waiting"]
ax.axvspan(0, light - dark, color=lab.SHADE, linewidth=0)
ax.annotate("nobody is let in", ((light - dark) / 2, 7.6), ha="center", fontsize=8.6)
seconds = [at - dark for at in times]
ax.fill_between(seconds, depth, step="post", facecolor=lab.FILL, edgecolor=lab.EDGE, hatch=look.hatch, linewidth=0)
ax.step(seconds, depth, where="post", color=look.colour)
ax.set(xlabel="time since the connection was lost (s)", ylabel="messages in the outbox", ylim=(0, 8.4))
took = max(at for at, name, value in sampler.samples if value) - light
said = f"{len(queued)} transaction messages queued in the dark, all delivered in order"
lab.title(ax, f"{said} {took * 1000:.0f} ms after the network was back")
alt = f"Messages in the outbox over time. {said}. The depth climbs step by step, then falls to 0."
outbox_over_time = lab.figure(fig, alt=alt)

# %%
with q10:
    calls = [event for event in central_system.received if event.at > light and event.text.startswith("[2")]
    got = [event.frame.action for event in calls if event.frame.action in m.TRANSACTION_ACTIONS]
    display(lab.facts({found: got == [action for _, action, _ in queued]}))
    display(outbox_over_time)

# %% [markdown]
# How often is a message sent before the charge point throws it away? The configuration key `TransactionMessageAttempts`
# says how often, for example 3. What counts as one of these attempts?
#
# | what happened | an attempt? |
# |---|---|
# | the dial was refused, or the connection was lost | no |
# | the central system answered with a CallError | yes, except SecurityError: then we boot again |
# | it answered with something that cannot be read | yes |
# | it did not answer in time, but it answers a Heartbeat that we send then | yes |
# | it does not answer that Heartbeat either | no: the connection is dead, so we close it and dial again |

# %%
lab.source(verdict)

# %% [markdown]
# `verdict` is the same table in code; its `attempts` and `retry_interval` are configuration keys. *halt* means: keep
# the message, and send it again on the next connection, or after the next boot.
#
# **That silence counts is our choice.** The specification lets a charge point skip a message only if the central system
# repeatedly *reports* that it failed to process it (core 3.7.1), and for JSON that is a CallError (J-errata 3.2). But a
# message that is never answered would block all messages behind it for ever. Core 4.8, 4.10 and core errata 3.18 can be
# read in our way, and libocpp does the same. That an unreadable answer counts is our choice too.
#
# What becomes of an answer that comes after the timeout? `CP_2` waits 0.3 s for an answer. The central system writes a
# start into its ledger at once, but answers only after 0.5 s. The driver leaves before that, so the stop waits in the
# outbox, behind the start. The stop has to carry the transaction id, and only the answer to the start tells that id.
# The next attempt to send the start would be due after 60 s.

# %% jupyter={"source_hidden": true}
# Question 11. The answer stands here: choose in the card below first.
q11 = lab.predict(
    "How often is the start sent, and which id does the stop carry?",
    {
        "a": (
            "twice, and the id of the second answer",
            "The late answer comes long before the next attempt, and it belongs to this start.",
        ),
        "b": "once, and the id of the late answer",
        "c": (
            "once, and −1: the call is over",
            "The call is over, but the message still waits in the outbox. What the late answer says is true.",
        ),
    },
    answer="b",
    because="The late answer carries the unique id of the call that carried this start, so it cannot be the answer to "
    "another message. The outbox learns the transaction id from it, and strikes the start out.",
)
found = "The start timed out; its answer came all the same, and the stop went out with the id"


# %%
def heads(charge_point):
    return [(entry.request.action, [entry.failures]) for entry in charge_point.outbox.entries()]


two = await ChargePoint(proxy.url, "CP_2", timeout=0.3, delays=lambda: repeat(0.05)).start()
await lab.until(lambda: two.tally.ended["StatusNotification", "result"] == 2)
central_system.faults.delay("StartTransaction", seconds=0.5, times=1)
start = lab.now()
two.charging.plug_in(1)
two.charging.start(1, "TAG_L")
two.charging.stop(1, "Local")
with q11:
    await lab.until(lambda: two.outbox.head().failures)
    display(lab.grid(dict(heads(two)), ["failures"], corner="in the outbox after the timeout"))
    await lab.until(lambda: not len(two.outbox), timeout=5)
    [row] = [row for row in central_system.ledger.rows() if row["identity"] == "CP_2"]
    told = {"afterwards in the outbox": len(heads(two)), "starts sent": two.tally.started["StartTransaction"]}
    told |= {"the stop ended the transaction of that start": row["reason"] == "Local"}
    display(lab.facts(told))
    display(lab.ladder(two, central_system, since=start, title=found, identity="CP_2"))
await two.stop()

# %% [markdown]
# First the call ended with a timeout. The Heartbeat after it was answered, so the central system lives, and one attempt
# was used up. Then the answer to the start came, and the stop went out without waiting for the next attempt.
#
# We could also have thrown that answer away and sent the start again. That would be worse, because not every central
# system recognises a repeat. One that does not would have a second transaction, which nobody ever ends. So a late
# answer is used as long as its message is still in the outbox. If several answers come, the first one wins. An answer
# that comes after its connection has ended cannot be used, because unique ids belong to one connection.
#
# ## 9. kill −9
#
# A charge point can die too. The next one is a process of its own. It charges without end, and prints a line of text
# whenever something is on the disk. *kill −9* ends the process wherever it is, and no code of the process runs any
# more.
#
# We kill it three times: while all is well, while its replies are swallowed, and while all its dials are refused. Each
# of its lives starts from the file that the last one left behind.

# %% jupyter={"source_hidden": true}
# Prepares a process of its own, and `live_and_die`: power on, perhaps some trouble, then kill −9.
victim = lab.PowerPanel(proxy.url, f"{folder.name}/CP_9.db")
display(victim)


async def live_and_die(trouble=None):
    rows = len(central_system.ledger.rows())
    victim.press("power on")
    if trouble:
        await lab.until(lambda: len(central_system.ledger.rows()) > rows, timeout=30)
        panel.toggle(trouble)
    begun = len(victim.said)
    await lab.until(lambda: len(victim.said) > begun + 15, timeout=30)
    victim.press("kill -9")
    await victim.settle()
    panel.clear()


# %%
await live_and_die()
panel.set(direction="to_charge_point")
await live_and_die("half-open")
panel.toggle("refuse")
await live_and_die()
deaths = {f"life {number}": [f"exit code {code}"] for number, code in enumerate(victim.exit_codes, start=1)}
lab.grid(deaths | {"messages wait in its file": [victim.waiting() > 0]})

# %% [markdown]
# Now `CP_9` lives once more, here in the kernel, and sends all that is left in the file. What does the ledger say then
# of the transactions that the killed processes began?

# %% jupyter={"source_hidden": true}
# Question 12. The answer stands here: choose in the card below first.
q12 = lab.predict(
    "How many of them are missing in the ledger, and how many are there twice?",
    {
        "a": ("the three that ran when it died are missing", "Each start was on the disk before the code went on."),
        "b": (
            "none missing, some twice",
            "On the wire, yes: an answer that was swallowed means a second copy. The ledger recognises it.",
        ),
        "c": "none missing, none twice",
        "d": ("one missing, none twice", "Which one? The file is written before anything is sent."),
    },
    answer="c",
    because="What was begun was on the disk, so nothing is missing. What was sent twice is recognised by the ledger, so"
    " nothing is there twice.",
)

# %%
with q12:
    last = await ChargePoint(proxy.url, "CP_9", path=str(victim.path), delays=lambda: repeat(0.05)).start()
    await lab.until(lambda: last.state == "online" and not len(last.outbox), timeout=30)
    rows = Counter(row["id_tag"] for row in central_system.ledger.rows() if row["identity"] == "CP_9")
    begun = {tag for what, tag in victim.said if what == "start"}
    stopped = {tag for what, tag in victim.said if what == "stop"}
    reasons = {row["id_tag"]: row["reason"] for row in central_system.ledger.rows()}
    calls = [event for event in central_system.received if event.identity == "CP_9" and event.text.startswith("[2")]
    copies = Counter(event.text.split(",", 2)[2] for event in calls if event.frame.action in m.TRANSACTION_ACTIONS)
    found = {"transactions missing": len(begun - set(rows)), "there twice": sum(n > 1 for n in rows.values())}
    found |= {"never ended": list(reasons.values()).count(None)}
    found |= {"reasons of their ends": " or ".join(sorted(set(reasons.values())))}
    found |= {"what its driver stopped has the reason Local": all(reasons[tag] == "Local" for tag in stopped)}
    display(lab.facts(found | {"on the wire some messages came twice": max(copies.values()) > 1}))
await last.stop()

# %% [markdown]
# A transaction that ran when the process was killed was ended by the next life, with the reason *PowerLoss* and the last
# meter reading on the disk. With `resume_transactions=True` it would go on.
#
# ## 10. The ledger
#
# Some messages arrived twice. Why are their transactions not in the ledger twice? Each copy has a new unique id, so the
# ledger looks at the *event*: identity, connector, tag, time, meter. A message with the same event is a repeat. It gets
# the same answer, and there is still one row. OCPP 1.6 says nothing about repeats, so this rule is ours.
#
# The four moments again, now with our outbox in the charge point and our ledger in the central system.

# %% jupyter={"source_hidden": true}
# Question 13. The answer stands here: choose in the card below first.
q13 = lab.predict(
    "How many copies of a start arrive, and how many rows has the ledger then?",
    {
        "a": (
            "always one copy, one row",
            "*After the effect* the answer was lost, so the charge point cannot know that its start arrived. It "
            "sends it again.",
        ),
        "b": "one copy, one row; but after the effect two copies, one row",
        "c": (
            "one copy, one row; but after the effect two copies, two rows",
            "That was section 3. This ledger recognises an event that comes again.",
        ),
    },
    answer="b",
    because="A message is sent again until it was answered, so after the effect there are two copies. They tell of the "
    "same event, so there is one row.",
)


# %%
async def begin():
    one.charging.plug_in(1)
    one.charging.start(1, "TAG_B")
    await lab.until(lambda: not len(one.outbox))


def seen():
    calls = [event.text for event in central_system.received if event.text.startswith("[2")]
    starts = [text.partition('"StartTransaction"')[2] for text in calls if '"StartTransaction"' in text]
    return Counter(copies=len(starts), events=len(set(starts)), rows=len(central_system.ledger.rows()))


with q13:
    told = {}
    for moment in MOMENTS:
        before = seen()
        await at(moment, one, begin)
        one.charging.stop(1, "Local")
        one.charging.unplug(1)
        await lab.until(lambda: not len(one.outbox))
        new = seen() - before
        reason = central_system.ledger.rows()[-1]["reason"]
        told[moment] = [new["copies"], new["events"], lab.once(new["rows"], f"ended: {reason}")]
    display(lab.grid(told, ["copies on the wire", "events", "in the ledger"], corner="the connection died"))
request = starting()
first, second = [await one.call(request) for _ in range(2)]
lab.facts({"asked twice, the ledger gave the same transaction id": first.transaction_id == second.transaction_id})

# %% [markdown]
# That is what we can promise: **at least once on the wire, exactly once in the ledger**. No connection delivers exactly
# once by itself. It takes a sender that does not forget, and a receiver that remembers.
#
# > **In the field.** The ledger can tell two events apart only if the clock and the meter of the charge point are
# > right. A charge point without a battery for its clock begins each life in 1970, and its meter may begin at 0.

# %%
ledger = Ledger()
in_1970 = {"id_tag": "TAG_A", "timestamp": datetime(1970, 1, 1, tzinfo=UTC)}
days = {}
for day, wh in (("Monday", 20_000), ("Tuesday", 35_000)):
    number = ledger.start("CP_8", m.StartTransactionRequest(connector_id=1, meter_start=0, **in_1970))
    ledger.stop("CP_8", m.StopTransactionRequest(transaction_id=number, meter_stop=wh, **in_1970))
    days[day] = [f"{wh / 1000:.0f}", number, len(ledger.rows()), len(ledger.second_stops())]
ledger.close()
lab.grid(days, ["kWh taken", "transaction", "rows", "second stops"], corner="driver of")

# %% [markdown]
# Two drivers, one transaction. The ledger noticed on Tuesday only that a transaction which had ended was stopped again,
# with another meter reading. It keeps that second stop apart, for a person to look at.
#
# > **In the field.** There are more of these. Some clocks tell whole seconds, so two quick starts have one time. Meters
# > are replaced, or start again at 0, and then `meterStop` is less than `meterStart`. Stops arrive days later, when a
# > technician has repaired the modem. Our charge point takes the time from the central system, and gives each event a
# > later timestamp than the one before, also across a power cut.
#
# ## 11. Replay by seed
#
# A colleague makes the outbox simpler: *each failure is an attempt, and a lost connection is a failure too.* On some
# nights that throws a transaction away. How do we find such a night? In simulation one number, the *seed*, decides
# everything that happens by chance. This central system cuts the connection at about half of all StartTransactions, by
# chance. We try one seed after the other.


# %%
class Impatient(Outbox):
    async def drain(self, call, probe, **options):
        try:
            await super().drain(call, probe, **options)
        except ConnectionLost:
            if self.failed(key := self.head().key) >= options["attempts"]:
                self.delete(key)
            raise


async def night(world, outbox=Outbox):
    world.net.set_defaults(latency=(0.05, 0.05))
    other = await world.start_central_system(faults=Faults(seed=world.seed))
    other.faults.abort("StartTransaction", probability=0.5)
    charge_point = await world.start_charge_point("CP_1", outbox=outbox)
    charge_point.charging.plug_in(1)
    charge_point.charging.start(1, "TAG_A")
    await asyncio.sleep(300)
    world.expect(len(other.ledger.rows()) == 1, "every transaction is in the ledger", "none there", "CP_1")


ours = explore(night, range(20)).ok
failure = explore(partial(night, outbox=Impatient), range(20)).failure
again = explore(partial(night, outbox=Impatient), [failure.seed]).failure
display(lab.facts({"our outbox keeps all its promises on 20 nights": ours, "the simpler one broke": failure.invariant}))
display(lab.facts({"on the night with the seed": failure.seed, "tried again, it fails alike": again == failure}))
print("In one line:", failure.replay)
story = failure.ladder.replace("the connection was ", "")
print(*(line for line in story.splitlines() if "StartTransaction" in line or "lost" in line), sep="\n")

# %% [markdown]
# The simulated world checks its rules all the time. It complained as soon as an attempt was used up although nobody had
# refused anything, and so before a transaction was thrown away. The same seed gives the same frames again, so you can
# look at a failure as often as you like. `make chaos` does this to the package itself, with 10,000 seeds, power cuts
# and half-open connections.
#
# Your turn: `CP_1` charges and reads its meter each second. Press *refuse* and then *reset*, wait, and take *refuse*
# back. Or press *half-open*, and wait: nobody closes the connection, so the charge point notices only by the missing
# answer to a ping, after up to 65 s. In section 9 you can switch the process on again.

# %%
one.charging.plug_in(1)
one.charging.start(1, "TAG_C")
session = await central_system.connected("CP_1")
await session.call(m.ChangeConfigurationRequest(key="MeterValueSampleInterval", value="1"))
await lab.until(lambda: not len(one.outbox))
losses = one.uptime.losses
probes = {"messages in the outbox": lambda: len(one.outbox), "connections lost": lambda: one.uptime.losses - losses}
watch = lab.Watch(probes, "CP_1")
wire = lab.Wire(one, central_system, proxy)
lab.Bench(wire, panel, watch)

# %% [markdown]
# **Check yourself.** A click on a question shows the answer.
#
# <details><summary>The connection was lost three times during one StartTransaction; TransactionMessageAttempts is 3.
# Drop the message?</summary> No. A loss is no reported failure; a CallError is one (core 3.7.1, J-errata 3.2). We also
# count an unreadable reply, and the silence of a peer that answers a Heartbeat. That is our choice.</details>
# <details><summary>A StartTransaction timed out, and its answer comes while the retry waits. Send it again?</summary>
# No. The answer carries the id of its call, and so belongs to that message. Learn the transaction id, and strike the
# message out.</details>
# <details><summary>Does a reconnect need a BootNotification?</summary>
# Not if the charge point was accepted before and has not changed (J-spec 5.4).</details>
# <details><summary>Why a new unique id on a resend?</summary> Ids are unique per connection only, and on the old
# connection the call with the old id may have been answered.</details>
# <details><summary>For whom is jitter?</summary>
# For the other charge points. The one that has it waits longer.</details>

# %% [markdown]
# **To think about.** These questions have no answers here.
#
# - The outbox is full, and still no connection. Which message would you give up first: a start, a stop, a meter value?
# - A central system has no ledger that recognises repeats, and you may not change it. What would you change in the
#   charge point?
# - 10,000 charge points lose their mobile network at once. Which random range do they need, and what does it cost one
#   driver?
# - The disk of the charge point is full, so nothing can be written down. May it still let a driver charge?
#
# ## 12. Design note: libocpp
#
# The formula of section 6 is libocpp's `get_reconnect_backoff_ms`, in the repository EVerest/EVerest; the old
# repository, EVerest/libocpp, does not have it. In libocpp the waits begin anew with every WebSocket that opens; with
# us they begin anew when a boot was accepted or a call answered. libocpp too writes a message down when it is queued,
# and strikes it out on a CallResult or when its attempts are used up. There every timeout uses one attempt up. With us
# only the timeout of a peer that lives does, because otherwise a central system that hangs would empty the outbox.
#
# The nights of this notebook happened. A pong timeout closed the socket and nobody dialled again (libocpp issues/1175,
# EVerest issues/1808). StopTransaction went out twice after a reboot (libocpp issues/907, mended by pull/1030). The
# statuses right after a reconnect were thrown away, because the queue had not begun to send again (pull/357). A retry
# lost its transaction because its id had changed (pull/688).
#
# Leave nothing behind. All of it is still alive; the button closes it, and counts the tasks that are left.

# %%
closing = lab.Closing(guard, wire, watch, panel, victim, one, proxy, central_system, folder)
closing

# %% [markdown]
# | before | now build it yourself | after |
# | :--- | :---: | ---: |
# | [← 18:15<br>Dispatch and router](02_dispatch_and_router.ipynb) | [**Exercise 3**<br>7 steps · 2 h 45 · 20 points](../exercises/03_session_reconnect.ipynb) | [20:20 →<br>Call correlation](04_call_correlation.ipynb) |
