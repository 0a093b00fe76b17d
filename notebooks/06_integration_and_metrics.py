# %% [markdown]
# ![23:55 on Friday night. 2 GB of logs, one average, and both say that all is well.](pictures/06.svg)
#
# [START](../START.ipynb) · [← 21:30 Lifecycle loop](05_lifecycle_loop.ipynb) · **About 60 minutes, in two sittings** · [exercise 6, 2 h 10](../exercises/06_integration_and_metrics.ipynb)
#
# # 6. Integration and metrics: what happened tonight?
#
# Friday, 23:55. The operator asks what happened tonight. There are logs, 2 GB of them. The firmware has one counter and
# one average. Both say that all is well.
#
# You need notebook [1](01_smoke_tests.ipynb), and notebook [3](03_session_reconnect.ipynb) explains the outbox.
#
# At the end you can count so that nothing is hidden, read percentiles, read the page of numbers that a live central
# system serves, and find a fault by its numbers. OCPP itself says nothing about any of this.

# %%
import asyncio
import time
from contextlib import suppress
from functools import partial
from itertools import repeat

from IPython.display import display
from prometheus_client import CollectorRegistry, Counter, generate_latest

from ocpp_course import lab
from ocpp_lab import CentralSystem, ChaosProxy, ChargePoint, OcppError, Timeline, Transport, encode
from ocpp_lab import Call, watch_central_system, watch_charge_point
from ocpp_lab import messages as m
from ocpp_lab.tally import outcome_of
from ocpp_lab.simulation import simulate

guard = lab.Guard()
guard

# %% [markdown]
# ## 1. Numbers that lie
#
# One hour of that night matters. We live through it again in *simulation*: the real stack on a simulated clock and
# network, so that an hour takes a second. Drivers hold 500 cards to the reader, one after the other. The firmware
# counts the calls, as many programs do. And whenever it sends something, it notes how many messages wait in the outbox.

# %%
stats, noted = {"sent": 0, "ok": 0, "average": 0.0}, []
SLOW, SILENT, REFUSED = set(range(10, 500, 20)), {33, 77, 123, 400}, {35, 79, 125}
authorize = m.AuthorizeRequest(id_tag="TAG_A")


async def counted_call(charge_point, request):
    stats["sent"] += 1
    start = lab.now()
    reply = await charge_point.call(request)
    stats["ok"] += 1
    stats["average"] = (stats["average"] + lab.now() - start) / 2
    return reply


class Noting(Transport):
    """A transport that notes the depth of the outbox when it sends."""

    async def send(self, text):
        noted.append((lab.now(), len(self.outbox)))
        await super().send(text)


lab.facts({"cards": 500, "slow": len(SLOW), "never answered": len(SILENT), "refused": len(REFUSED)}, "The plan")

# %% [markdown]
# The number of the card decides what goes wrong. For one card in twenty the database is slow. Some calls are never
# answered, and some are refused. For 330 s the router is dead, while a car is charging and a meter value is due every
# 10 s. (The folded cell prepares that hour.)


# %% jupyter={"source_hidden": true}
# Prepares the hour: 500 cards, planned faults, and a router that is dead for 330 s.
async def hour(world):
    central_system = await world.start_central_system()
    charge_point = await world.start_charge_point(
        "CP_1", transport=Noting, delays=lambda: repeat(11.0), configuration={"MeterValueSampleInterval": 10}
    )
    Noting.outbox, faults = charge_point.outbox, central_system.faults
    world.set_latency("CP_1", 0.0008, 0.0012)
    metrics, outage = watch_charge_point(charge_point), []
    await charge_point.wait_for("online")
    charge_point.charging.plug_in(1)
    charge_point.charging.start(1, "TAG_A")
    asyncio.get_running_loop().call_at(1400, lambda: (outage.append(world.time), world.cut()))
    asyncio.get_running_loop().call_at(1730, lambda: (world.heal(), outage.append(world.time)))
    async with Timeline({"outbox": partial(len, charge_point.outbox)}, interval=1) as timeline:
        for card in range(500):
            if card in SLOW:
                faults.delay("Authorize", seconds=29, times=1)
            elif card in SILENT | REFUSED:
                (faults.ignore if card in SILENT else faults.call_error)("Authorize", times=1)
            with suppress(OcppError):  # it is in the log
                await counted_call(charge_point, authorize)
            await asyncio.sleep(5)
    return timeline, outage, metrics.snapshot()


# %%
timeline, (cut, healed), night = simulate(hour, seed=6)
said = {"sent": stats["sent"], "ok": stats["ok"], "without a fate": stats["sent"] - stats["ok"]}
lab.facts(said | {"average": f"{stats['average'] * 1000:.0f} ms"}, "What the firmware says of its hour")

# %% [markdown]
# The average is some ms. A few dozen calls are *without a fate*: they were counted when they began, and nobody knows
# how they ended. We come back to them.
#
# The firmware also noted how many messages waited in the outbox, and we draw that. (The folded cell prepares the plot.)

# %% jupyter={"source_hidden": true}
# Prepares `depth_of_the_outbox`, a plot of it as the firmware noted it and as a timer sampled it.
fig, axes = lab.subplots(height=360, rows=2, width=lab.WIDE, sharex=True, sharey=True)
depths = {"noted on each send": noted, "sampled every second": list(zip(*timeline.series("outbox"), strict=True))}
waiting = max(depth for _, depth in depths["sampled every second"])
hidden = max(depth for at, depth in noted if cut < at < healed)
for ax, (how, points) in zip(axes, depths.items(), strict=True):
    times, values = zip(*points, strict=True)
    minutes, look = [at / 60 for at in times], lab.OUTCOMES["waiting"]
    ax.fill_between(minutes, values, step="post", facecolor=lab.FILL, hatch=look.hatch, edgecolor=lab.EDGE, linewidth=0)
    ax.step(minutes, values, where="post", color=lab.OUTCOMES["result"].colour)
    ax.axvspan(cut / 60, healed / 60, color=lab.SHADE, zorder=0)
    ax.set(ylabel="messages", ylim=(0, None))
    ax.set_title(f"{how}; shaded: the router is dead", fontsize=9.5, loc="left")
axes[1].set_xlabel("time (minutes)")
lab.title(axes[0], f"Sampling on send saw {hidden} of {waiting:.0f} waiting messages until the network was back")
alt = f"Outbox depth over an hour, noted on send and on a timer: {hidden} against {waiting:.0f} messages."
depth_of_the_outbox = lab.figure(fig, alt=alt)

# %% jupyter={"source_hidden": true}
# Question 1. The answer stands here: choose in the card below first.
q1 = lab.predict(
    "The router was dead for 330 s, and a meter value was due every 10 s. What does the plot of the firmware show "
    "meanwhile?",
    {
        "a": ("a ramp", "The messages did pile up. But when did the firmware look?"),
        "b": "nothing new until the network is back, then a needle",
        "c": ("zero, before and after", "When the network is back, the firmware sends and looks again."),
    },
    answer="b",
    because="The firmware notes only when it sends, and it cannot send. So the plot stands still exactly when it "
    "matters. The needle comes when all messages are sent within moments.",
)

# %%
with q1:
    display(depth_of_the_outbox)

# %% [markdown]
# A program that notes only when it sends is blind exactly when it matters. `Timeline`, in the lower plot, samples on a
# timer, whether something happens or not:

# %%
lab.source(Timeline.run)

# %% [markdown]
# The small humps are real too. There is only one call at a time, so three meter values wait behind a slow Authorize.
#
# Our stack counted in the same hour. Where a call ends, the stack counts that end, whatever it was:

# %%
rows = {f"`{name}`": [int(value)] for name, value in night.items() if "Authorize" in name}
started = night['ocpp_calls_started_total{action="Authorize"}']
rows["never left the machine: there was no connection"] = [int(stats["sent"] - started)]
lab.grid(rows, ["calls"])

# %% [markdown]
# So most of the calls without a fate were *not sent*. That is definite, and the driver may try again. Some timed out,
# and then nobody knows whether the central system acted. You would tell a customer something else in these two cases,
# but `sent += 1` cannot tell them apart.
#
# The counter of the firmware has a second fault. An exception skips the statement `stats["ok"] += 1` and the one after
# it, so only good ends are counted, and only their times. And `(average + x) / 2` forgets: ten calls later, a wait of
# 29 s has shrunk to 28 ms.
#
# ## 2. Counter, gauge, histogram
#
# *Prometheus* is a program that collects such numbers; it fetches them from time to time, which is called a *scrape*.
# It knows three kinds of numbers. Here is a live `CP_1` that has all three. From now on everything happens in real
# time, over loopback. Between both ends stands a proxy that can harm the connection.

# %%
central_system = await CentralSystem(receive_buffer=4096).start()
proxy = await ChaosProxy(central_system.host, central_system.port).start()
charge_point = await ChargePoint(
    proxy.url, "CP_1", connectors=2, timeout=0.3, send_buffer=4096, delays=lambda: repeat(0.05)
).start()
metrics, server_metrics = watch_charge_point(charge_point), watch_central_system(central_system)
await lab.until(lambda: charge_point.tally.ended["StatusNotification", "result"] == 3)
for kind in ("counter", "gauge", "histogram"):
    names = [family.name for family in metrics.registry.collect() if family.type == kind]
    print(f"{kind}:", *names, sep="\n    ")

# %% [markdown]
# - A **counter** only grows, until its process restarts. One value says little. The difference of two values is a rate.
# - A **gauge** goes up and down. Its value is true at the instant when you look, and says nothing about the time
#   between two looks. So where peaks are short, ours have a second gauge with the highest value, `_max`.
# - A **histogram** is a row of counters, one for each upper bound. It keeps how the times are distributed, and forgets
#   the single calls.
#
# ## 3. Names and labels
#
# The name of a number says what is counted, and in which base unit: seconds or bytes, never ms or KB. The name of a
# counter ends in `_total`. *Labels* split one number into several *series*, for example one for each action.

# %%
page = metrics.text().splitlines()
for name in ("ocpp_calls_total", "ocpp_frame_bytes_total", "ocpp_connection_losses_total", "ocpp_outbox_oldest_age"):
    print(*(line for line in page if name in line and "bytes_total{" not in line), sep="\n")

# %% [markdown]
# It is tempting to add the unique id as a label: then every call could be looked up. Let 1,000 Heartbeats be answered.

# %% jupyter={"source_hidden": true}
# Question 2. The answer stands here: choose in the card below first.
q2 = lab.predict(
    "How many series do they make: with the labels action and outcome, and with the unique id as well?",
    {
        "a": ("1 and 1", "A series is one combination of values. Each call has an id of its own."),
        "b": "1 and 1,000",
        "c": (
            "1,000 and 1,000",
            "All calls have the same action and the same outcome, so they are counted in one series.",
        ),
    },
    answer="b",
    because="Each combination of values is a series of its own, and a collector keeps every series that it has ever seen.",
)

# %%
made = {}
for labels in (["action", "outcome"], ["action", "outcome", "unique_id"]):
    registry = CollectorRegistry()
    calls = Counter("ocpp_calls", "Own calls that ended", labels, registry=registry)
    for number in range(1000):
        values = {"action": "Heartbeat", "outcome": "result", "unique_id": f"id-{number}"}
        calls.labels(**{name: values[name] for name in labels}).inc()
    series = [line for line in generate_latest(registry).decode().splitlines() if line.startswith("ocpp_calls_total")]
    made[", ".join(labels)] = [len(series)]
with q2:
    display(lab.grid(made, ["series"], corner="labels"))

# %% [markdown]
# So a label should have few values, and the peer must not be able
# to choose them: an unknown action or error code becomes `other`. Ids belong into the log.
#
# ## 4. The accounts balance
#
# Every call that starts has exactly one counted end. So at any instant, for each action:
#
# *started = result + error + timeout + lost + cancelled + pending*
#
# If the two sides differ, there is a bug, in the stack or in the counting. Here five calls end in five ways: a result, a
# CallError, a timeout, a loss. The fifth call is cancelled, because its driver walks away. A homemade counter counts
# beside ours.

# %% jupyter={"source_hidden": true}
# Question 3. The answer stands here: choose in the card below first.
q3 = lab.predict(
    "How many of the five ends does the homemade counter miss?",
    {
        "a": ("none", "Look at what `suppress` lets pass."),
        "b": "one",
        "c": (
            "four: all but the good one",
            "A CallError, a timeout and a loss are OcppErrors. They are suppressed, and then counted.",
        ),
    },
    answer="b",
    because="To be cancelled is an end too. `CancelledError` is no `OcppError`, so it skips the line that counts.",
)

# %%
homemade = {"started": 0, "ended": 0}


async def homemade_call(request):
    homemade["started"] += 1
    with suppress(OcppError):
        await charge_point.call(request)
    homemade["ended"] += 1


for fault in ("none", "call_error", "ignore", "close", "ignore"):
    if fault != "none":
        getattr(central_system.faults, fault)("Authorize", times=1)
    session, call = charge_point.session, asyncio.create_task(homemade_call(authorize))
    if homemade["ended"] == 4:  # the driver walks away, and the firmware cancels
        await lab.until(lambda: charge_point.tally.pending())
        call.cancel()
    await asyncio.wait([call])
    if fault == "close":
        await lab.until(lambda old=session: charge_point.state == "online" and charge_point.session not in (None, old))

ours = {end: count for (action, end), count in charge_point.tally.ended.items() if action == "Authorize"}
rows = {"homemade": [homemade["started"], homemade["ended"], None]}
rows["ours"] = [charge_point.tally.started["Authorize"], sum(ours.values()), ", ".join(ours)]
with q3:
    display(lab.grid(rows, ["started", "ended", "the ends"], corner="counter"))
    display(lab.facts({"our accounts balance": not charge_point.tally.imbalance()}))

# %% [markdown]
# Our `Tally` counts in the `__exit__` of a context manager, which runs whatever way the call ends. Tests of this project
# check the balance after every chaos scenario. This is how an exception, or none, becomes the name of an end:

# %%
lab.source(outcome_of)

# %% [markdown]
# ## 5. Percentiles, from buckets
#
# Back to the hour of section 1. Its histogram has 16 bounds, which are called *buckets*, from 1 ms to 60 s. So the
# highest bound is above the timeout of 30 s. The picture shows all that is left of the calls. The 99th *percentile*,
# p99, is the time in which 99 of 100 calls ended.

# %%
counted = dict(lab.buckets(night))
total, fast = counted[float("inf")], counted[0.0025]
slow = total - counted[20.0]
lab.histogram(
    night,
    f"{total:.0f} calls in {len(counted)} buckets: two heaps, far apart",
    alt=f"Calls by bucket of latency: {fast:.0f} of {total:.0f} within 2.5 ms, {slow:.0f} beyond 20 s.",
)

# %% [markdown]
# This is how to read a percentile. Add the counts up, bucket by bucket, until the share is reached. Inside that bucket
# draw a straight line, because more is not known:

# %%
lab.source(lab.quantile)

# %% [markdown]
# And these are the percentiles of our hour.

# %% jupyter={"source_hidden": true}
# Question 4. The answer stands here: choose in the card below first.
q4 = lab.predict(
    "Read it from the picture: within which time did 99 of 100 calls end?",
    {
        "a": ("2 ms", "That is most of them, but not 99 of 100."),
        "b": ("1.1 s, the mean", "No call took as long as the mean. It lies between the two heaps."),
        "c": ("5 s", "Between the two heaps there is nothing."),
        "d": "nearly 30 s",
    },
    answer="d",
    because="More than one call in 100 is in the right heap, so the share of 99 % is reached only there.",
)

# %%
cards = lab.buckets(night, "result")
mean = sum(lab.labelled(night, "ocpp_call_seconds_sum", "outcome").values()) / total
marks = {f"p{q}": lab.quantile(lab.buckets(night), q / 100) for q in (50, 95, 99)} | {"mean": mean}
found = {f"answered within {bound:g} s": int(count) for bound, count in cards if bound in (0.001, 0.0025, 20, 30)}
found |= {"p99 is over 20 s": marks["p99"] > 20}
found |= {"p99 of the answered calls is over 20 s": lab.quantile(cards, 0.99) > 20}
found |= {"median of no call at all": f"{lab.quantile(lab.buckets(night, 'cancelled'), 0.5)}"}
said = f"Half of the calls took {marks['p50'] * 1000:.0f} ms, one in {total / slow:.0f} over 20 s; "
alt = "The same histogram with lines at the median, the 95th and 99th percentile, and the mean, where no call lies."
with q4:
    display(lab.facts(found))
    display(lab.histogram(night, f"{said}the mean of {mean:.1f} s is neither", alt=alt, marks=marks))

# %% [markdown]
# No call took as long as the mean. The calls that timed out are counted too, with their 30 s. If you left them out, the
# night would look better the more calls fail.
#
# The bounds decide what a histogram can tell. The bounds that most libraries use end at 10 s. With those nobody could
# tell our 29 s from a timeout.
#
# Your turn: move the sliders. They show 10,000 calls, of which 180 were slow or never answered. When does the p99 that is
# read from the buckets lie, and in which direction?

# %%
lab.percentile_sliders()

# %% [markdown]
# *A good place for a break: the first sitting ends here.*
#
# ## 6. The page
#
# The central system serves its own numbers on its own port, under `/metrics`. Under `/healthz` it says whether it
# lives. A scrape is a plain HTTP GET. Here we write that request by hand.


# %%
async def get(path):
    reader, writer = await asyncio.open_connection(central_system.host, central_system.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {central_system.host}\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    kind = next(line for line in head.splitlines() if line.lower().startswith("content-type"))
    print(head.splitlines()[0], "·", kind)
    return body


HIDDEN = ("#", "_bucket", "_created", "_sum", "bytes")  # help, and what differs from run to run
print(await get("/healthz"))
for _ in range(3):
    await central_system["CP_1"].call(m.ClearCacheRequest())
body = await get("/metrics")
print(*(line for line in body.splitlines() if not any(word in line for word in HIDDEN)), sep="\n")

# %% [markdown]
# Read such a page once with your own eyes. `frames`, in and out, says who talks. `calls`, by action and outcome, counts
# only what this end has asked: three times ClearCache. `pending`, `write_queue` and `writes_in_flight` say what is
# under way.
#
# `/healthz` says that the process answers, and no more. A charge point has no such port, because it stands behind a
# router. What it counts is read in its process, or sent in some other way.
#
# ## 7. A board
#
# Here are two panels and a board. The first panel makes the central system misbehave. The second one harms the
# connection. The board shows both ends. It looks at the metrics ten times a second, and draws at most four times a
# second.

# %%
panel, proxy_panel = lab.FaultPanel(central_system), lab.ProxyPanel(proxy)
board = lab.Dashboard({"CP_1": metrics, "central system": server_metrics})
display(panel, proxy_panel, board)

# %% [markdown]
# Now we switch on one fault after the other. Each is on for two calls, and a third call follows when it is off again.
# We print the numbers that have changed. (The first folded cell prepares that.)

# %% jupyter={"source_hidden": true}
# Prepares `under`: two calls under a fault and one after it; `changed` has the numbers that have changed.
FATES = [
    f"ocpp_{name}_total"
    for name in ("calls", "call_errors", "stray_replies", "bad_frames", "connection_losses", "dials")
]


changed = {}


async def one_call():
    old, ended = charge_point.session, await lab.timed(charge_point.call(authorize))
    if ended.outcome == "lost":
        await lab.until(lambda: charge_point.state == "online" and charge_point.session not in (None, old))


async def under(name, begin, end=lambda: None):
    before, strays = metrics.snapshot(), charge_point.tally.totals()["late"]
    begin()
    for _ in range(2):
        await one_call()
    end()
    await one_call()
    if name == "delay":
        await lab.until(lambda: charge_point.tally.totals()["late"] == strays + 2)
    changed[name] = [lab.short(lab.moved(before, metrics.snapshot(), *FATES))]


# %% jupyter={"source_hidden": true}
# Question 5. The answer stands here: choose in the card below first.
q5 = lab.predict(
    "*delay* and *ignore* both end in a timeout. Which numbers tell them apart?",
    {
        "a": ("the latency", "Both calls take as long as the timeout."),
        "b": "the stray replies",
        "c": ("the connections lost", "Neither of the two harms the connection."),
        "d": ("the CallErrors", "A timeout is no answer of the peer."),
    },
    answer="b",
    because="After *delay* the answer comes, too late, and is counted as a late reply. After *ignore* nothing ever comes.",
)

# %%
panel.set(action="Authorize", seconds=0.5)
with q5:
    for fault in ("ignore", "delay", "CallError", "answer twice", "wrong id", "wrong payload", "garbage"):
        await under(fault, partial(panel.toggle, fault), partial(panel.toggle, fault, False))
    display(lab.grid(changed, ["what has changed"], corner="fault of the answers"))


# %%
def refuse():
    central_system.faults.refuse(times=2)
    central_system.faults.close(times=1)


def heal():
    proxy_panel.toggle("half-open", False)
    proxy_panel.press("reset")  # what lost bytes does not come back


changed.clear()
await under("close 1001", partial(central_system.faults.close, times=1))
await under("reset", partial(proxy_panel.press, "reset"))
await under("refuse", refuse)
await under("half-open", partial(proxy_panel.toggle, "half-open"), heal)
display(lab.grid(changed, ["what has changed"], corner="fault of the connection"))
lab.facts({"after all of them, the accounts balance": not charge_point.tally.imbalance()})

# %% [markdown]
# *ignore* and *half-open* look alike at first, with two timeouts each. But a half-open connection does not
# recover, so it is lost in the end. After *delay* there are late replies, after *wrong id* orphans, after *garbage* bad
# frames. For each fault some numbers change, and others must not change. Together they tell the fault.
#
# The write queue has not changed yet. Now the central system asks 300 questions, and the network is slow: with
# *bandwidth* the proxy carries 16 KB/s.


# %%
async def question(session, number):
    request = m.GetConfigurationRequest()
    future = session.pending.open(f"question-{number}", request.response_type)
    await session.transport.send(encode(Call(f"question-{number}", request.action, {})))
    return await session.pending.expect(future, timeout=30)


proxy_panel.set(bandwidth=16_384)
session = central_system["CP_1"]
questions = [asyncio.create_task(question(session, number)) for number in range(300)]
await lab.until(lambda: board.readings["CP_1"][-1].queue > 20)
seen = {"the board saw a queue, and never more than one write": metrics.value("ocpp_writes_in_flight_max") == 1}
proxy_panel.set(bandwidth=0)
seen |= {"questions answered": len(await asyncio.gather(*questions))}
lab.facts(seen | {"texts in the queue now": int(metrics.value("ocpp_write_queue_depth"))})

# %% [markdown]
# The answers wait in the queue of `CP_1`, behind one write that the slow network does not take. No call failed, and no
# connection was lost. Without a gauge nobody would see this, until the memory is full.
#
# ## 8. Watching disturbs
#
# The board and the stack share one event loop. While the board draws, nothing else runs, and each call waits. For a
# while we make one call after the other, as fast as we can: first unwatched, then with the board, then while a task
# draws a small figure with matplotlib, again and again with pauses of 0.25 s.

# %%
ended, painted = [], []


async def painter():
    while True:
        begun = time.perf_counter()
        fig, ax = lab.subplots(width=300, height=150)
        ax.plot([call.seconds for call in ended[-100:]])
        lab.figure(fig, alt="The newest calls")
        painted.append(time.perf_counter() - begun)
        await asyncio.sleep(0.25)


async def calls_until(enough):
    ended.clear()
    while not enough():
        ended.append(await lab.timed(charge_point.call(m.HeartbeatRequest(), timeout=5)))
    return list(ended)


board.close()
end = lab.now() + 0.8
runs = {"nobody watches": await calls_until(lambda: lab.now() > end)}
lab.facts({"unwatched, each call was answered": all(call.outcome == "result" for call in runs["nobody watches"])})

# %%
drawn = board.drawings
board.start()
runs["our board"] = await calls_until(lambda: board.drawings >= drawn + 3)
board.close()
painting = asyncio.create_task(painter())
runs["a figure, painted on the loop"] = await calls_until(lambda: len(painted) >= 3)
painting.cancel()
worst = [max(call.seconds for call in ended) * 1000 for ended in runs.values()]
lab.facts({"runs": len(runs), "each has more than 20 calls": min(map(len, runs.values())) > 20})

# %% jupyter={"source_hidden": true}
# Prepares `three_runs`, a plot of how long each call took in each of them.
board.start()
fig, axes = lab.subplots(height=400, rows=3, width=lab.WIDE, sharex=True, sharey=True)
for ax, (who, ended), slowest in zip(axes, runs.items(), worst, strict=True):
    begun, look = ended[0].started, lab.OUTCOMES["result"]
    when, took = [call.started - begun for call in ended], [call.seconds * 1000 for call in ended]
    ax.scatter(when, took, s=5, color=look.colour)
    ax.set_yscale("log")
    ax.set_yticks([1, 10, 100], ["1 ms", "10 ms", "100 ms"])
    ax.set_title(f"{who}: the slowest of {len(ended)} calls took {slowest:.0f} ms", fontsize=9.5, loc="left")
axes[2].set_xlabel("when the call was made (s)")
cost = [max(slowest - worst[0], 0) for slowest in worst]
finding = f"Watching four times a second cost {cost[1]:.0f} ms in the worst case, painting {cost[2]:.0f} ms"
lab.title(axes[0], finding)
alt = "Latency of each call in three runs: unwatched and with the board alike, with a painter a few far slower."
three_runs = lab.figure(fig, alt=alt)

# %% jupyter={"source_hidden": true}
# Question 6. The answer stands here: choose in the card below first.
q6 = lab.predict(
    "A normal call takes about 1 ms. How long does the slowest call take in each of the three runs?",
    {
        "a": (
            "about the same in all three",
            "While something is drawn, the event loop stands still, and so does the call that waits for its turn.",
        ),
        "b": ("5, 10 and 15 ms", "A figure of matplotlib costs far more than a page of SVG text."),
        "c": "a few ms, a few ms, and over 50 ms",
    },
    answer="c",
    because="Our board is a page of SVG text, which is quick to write. matplotlib needs tens of milliseconds for one "
    "figure, and some call waits for all of them.",
)

# %%
with q6:
    found = {"a call waited for the painter": worst[2] / 1000 >= min(painted)}
    found |= {"one figure costs more than ten drawings of the board": min(painted) > 10 * min(board.drawing_seconds)}
    display(lab.facts(found), three_runs)

# %% [markdown]
# The median does not show the difference, but the slowest call does. It is quicker still to record first, and to draw
# when the run is over. The other figures here are made like that.
#
# ## 9. Found by its numbers
#
# Here is a simulated hour of a charge point that you have not seen. In its second half it has one of six faults:
# *peer-silent, peer-slow, peer-refuses, link-cut, half-open, credentials*. Or it is *healthy*. We have two *snapshots*,
# that is, all its numbers at two instants: one before the second half, and one after it.

# %%
case = lab.Case(5)
print(case)
print(*lab.short(lab.moved(case.before, case.after, *FATES)).split(" · "), sep="\n")

# %% [markdown]
# What is printed is the difference of the two snapshots, because what was counted before does not matter here. Which
# fault was it? The card tells you, and shows all seven cases. In each row look for two numbers that are high, and for
# one that is not.

# %% jupyter={"source_hidden": true}
# Question 7. The answer stands here: choose in the card below first.
q7 = lab.predict(
    "Which fault did this charge point have, in its second half hour?",
    {
        "a": ("*healthy*", "Twelve calls were lost, and twelve connections."),
        "b": ("*peer-silent* or *peer-slow*", "Then no connection would be lost: the network would be good."),
        "c": ("*peer-refuses*", "Then there would be CallErrors. Here the peer said no to nothing."),
        "d": "*link-cut*",
        "e": ("*half-open*", "Then most dials would reach nobody."),
        "f": ("*credentials*", "Then the dials would end with 401. Here each of them succeeded."),
    },
    answer="d",
    because="Twelve calls and twelve connections were lost, and after each loss a dial succeeded.",
)

# %%
ENDS, rows = ("result", "error", "timeout", "lost"), {}
for name in lab.Case.faults:
    one = lab.Case(1, name)
    change = lab.moved(one.before, one.after)
    ends, dials = (lab.labelled(change, f"ocpp_{what}_total", "outcome") for what in ("calls", "dials"))
    p95 = lab.quantile(lab.between(lab.buckets(one.before), lab.buckets(one.after)), 0.95)
    losses = int(change.get("ocpp_connection_losses_total", 0))
    told = ", ".join(f"{how} {count:.0f}" for how, count in dials.items())
    rows[name] = [*(int(ends.get(end, 0)) for end in ENDS), None if p95 != p95 else round(p95), losses, told or "none"]
with q7:
    print("it was:", case.answer)
    columns = ["results", "errors", "timeouts", "lost", "p95 (s)", "connections lost", "dials"]
    display(lab.grid(rows, columns, title="All seven cases"))

# %% [markdown]
# - *peer-silent*: timeouts, and no connection lost. The network is good, but the central system does not answer.
# - *peer-slow*: only the percentile changes. No error counter ever shows this fault.
# - *link-cut*: lost calls, and after each loss a dial that succeeds.
# - *half-open*: connections that were lost by silence, and dials that reach nobody.
# - *credentials*: one loss, and then 401 for ever. If you counted reconnects only, you would blame the network.
# - *healthy*: two timeouts among many results happen on any day. The share matters, and not the number.
#
# Your turn: try other numbers in `lab.Case(…)` and diagnose before you look at `answer`. With frames in the place of
# numbers this is a game without end: [Detective](detective.ipynb). And press faults: from now on
# `CP_1` sends a Heartbeat each second, and the board shows what becomes of them.

# %%
panel.set(action="any call", seconds=0.5)
await central_system["CP_1"].call(m.ChangeConfigurationRequest(key="HeartbeatInterval", value="1"))
wire = lab.Wire(charge_point, central_system, proxy)
lab.Bench(wire, panel, proxy_panel, board)

# %% [markdown]
# **Check yourself.** A click on a question shows the answer.
#
# <details><summary>Counter or gauge for reconnects?</summary>
# A counter. Rates come from differences, and no look is missed.</details>
# <details><summary>Why is a unique id no label?</summary>
# Each value is a time series of its own: one for every call, kept for ever.</details>
# <details><summary>Timeouts 0, lost 40: network or database?</summary>
# The network. Lost means that the connection ended. A slow database does not end a connection.</details>
# <details><summary>The p95 of two charge points is 1 s and 3 s. What is it for both together?</summary> Unknown. Add
# the buckets of both, and read the percentile from the sum: counts can be added, percentiles cannot.</details>

# %% [markdown]
# **To think about.** These questions have no answers here.
#
# - You may keep ten numbers of each charge point, and no more. Which ten, and which question could you no longer
#   answer?
# - At which number would you wake somebody at night? And what would make that alarm false, on which day of the week?
# - The counters of a charge point begin at 0 after each restart, and it restarts ten times a day. What goes wrong with
#   your rates?
# - The central system and the charge point count the same calls, and their numbers differ. Which differences are
#   normal?
#
# ## 10. Design note: libocpp
#
# libocpp, the C++ stack of EVerest, has no counters at all. It has `MessageLogging`, which writes every message, and
# debug lines with the size of its queues. What it logs includes secrets, so it is for debugging only. Its users
# complain of logs that are inconsistent and incomplete (EVerest issues/2240).
#
# We count, and let a collector scrape. Numbers that change often are plain attributes, which are read only when
# somebody looks. Only the histograms are told of each event. No password is ever a label, and none is in a log.
#
# Leave nothing behind. All of it is still alive; the button closes it, and counts the tasks that are left.

# %%
closing = lab.Closing(guard, wire, board, panel, proxy_panel, charge_point, proxy, central_system)
closing

# %% [markdown]
# | before | now build it yourself | after |
# | :--- | :---: | ---: |
# | [← 21:30<br>Lifecycle loop](05_lifecycle_loop.ipynb) | [**Exercise 6**<br>5 steps · 2 h 10 · 20 points](../exercises/06_integration_and_metrics.ipynb) | [START](../START.ipynb) |
