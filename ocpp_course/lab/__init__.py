"""For notebooks only: a fault panel, ladder diagrams, plots, and a guard for the kernel's event loop.

::

    from ocpp_course import lab

    guard = lab.Guard()                      # first code cell: Interrupt works, a long wait says where
    panel = lab.FaultPanel(central_system)   # a cell's last line shows it; the same from Python:
    panel.set(action="Authorize", seconds=0.5)
    panel.toggle("ignore"); panel.toggle("ignore", False); panel.clear()
    panel.press("close 1001"); await panel.settle()

    panel = lab.ProxyPanel(proxy)            # the same for the line between both ends, a ChaosProxy
    panel.toggle("half-open"); panel.set(direction="to_charge_point", latency=0.5); panel.press("reset")

    panel = lab.PowerPanel(url, path)        # a charge point in a process of its own, and kill -9

    wire = lab.Wire(charge_point, central_system, proxy)    # frames fly as they happen, faults stand where they act
    lab.Bench(wire, panel)                   # in one cell: what is pressed, and what it changes

    start = lab.now()                        # loop time, the clock of every trace
    await lab.until(lambda: central_system.heartbeats)      # look until it holds
    ended = await lab.timed(charge_point.call(request))     # never raises OcppError: .outcome .seconds .detail
    ended = await asyncio.gather(*(lab.timed(charge_point.call(r)) for r in requests))

    lab.ladder(charge_point, central_system, since=start, title="The finding, with numbers")
    lab.ladder("night.jsonl")                # a file that Trace.save("night.jsonl") or --trace-file has written
    lab.ladder(charge_point.trace)           # one end is enough; lab.ladder(None, central_system) is the other
    lab.correlation(charge_point.trace, "order", "id", timeout=30)  # the same answers, given out in both ways
    lab.latency(ended, "The finding", timeout=30)           # or of a trace: lab.latency(lab.calls(charge_point.trace))
    lab.outcomes(ended)                      # one bar for each action

    probes = {"queue_depth": lambda: transport.queue_depth, "writes_in_flight": lambda: transport.writes_in_flight}
    async with lab.Sampler(probes, interval=0.01) as sampler:
        ...
    lab.queue_depth(sampler, spans=[(start, end, "the peer reads nothing")])

    lab.states(charge_point.trace, timeline, marks=proxy.events)    # a life as a strip; probe {"outbox": …}
    lab.LiveStrip(charge_point.trace, timeline)                     # the same, drawn every other second
    lab.SeedSlider(run, draw)                                       # run(seed) in a thread, draw(seed, result) below
    lab.Buttons({"restart": restart})                               # awaits restart() at each click

    turns = lab.Turns()                      # when each of several tasks had its turn on the one thread
    await asyncio.gather(turns.watch("A", work()), turns.watch("B", work()))
    turns.picture("The finding")

    lab.back_off_sliders(); lab.percentile_sliders()        # what if: drawn beforehand, so they need no kernel
    lab.diagram(CONNECTION)                  # a state table, drawn from itself
    live = lab.diagram(charge_point)         # the same at work: lit, flashing, counting down; live.close()
    fleet = simulate(partial(lab.outages, charge_points=200, seconds=60))   # dials by random range, here 0 and 10
    lab.reconnects(fleet[10], fleet[0])      # or of one: lab.reconnects(lab.dials(charge_point.trace))
    lab.storm({"random range 0": fleet[0], "random range 10": fleet[10]}, back=60)

    board = lab.Dashboard({"CP_1": watch_charge_point(charge_point), "central system": …})   # live; board.close()
    lab.moved(before, after, "ocpp_calls_total"); lab.short(…); lab.labelled(snapshot, "ocpp_dials_total", "outcome")
    lab.quantile(lab.buckets(snapshot, "result"), 0.95); lab.between(one, later); lab.histogram(snapshot, "…", alt="…")
    lab.Case(7)                              # two snapshots around an unnamed fault: .before .after .answer

    lab.explain("night.log")                 # anybody's log: findings, ladders, transactions; .save("x.html")
    lab.TraceViewer(lab.sample_log())        # the same for a file that is dropped on it
    lab.detective(7, level=2)                # an evening with one fault: whose, and which? endless, by seed

    with lab.predict("How many?", {"a": ("one", "why not"), "b": "two"}, answer="b", because="Both came."):
        ...                                  # a card; what is printed and displayed here is folded into it

    lab.grid({"row": [lab.good("once"), lab.bad("lost", "20 kWh free")]}, ["before", "after"], title="The finding")
    lab.facts({"nobody waits": True, "refused": 3})         # a sentence in each row; True is a tick
    lab.ends(ended); lab.invoices(rows)      # how calls ended; a ledger as bills; lab.once(count), lab.outcome("lost")

    lab.source(Transport.send)               # the package's own lines, with their file named
    lab.example(m.ReserveNowRequest)         # a small valid payload of any type
    watch = lab.Watch({"repeated": lambda: pending.counts["repeated"]}, "CP_1 heard")   # a line that follows; close it

    fig, ax = lab.subplots(height=300); ax.plot(…); lab.title(ax, "The finding"); lab.figure(fig, alt="…")

    lab.Closing(guard, panel, charge_point, central_system)     # last line of all: a button that closes them
    left = await closing.close()             # the same from Python: names of tasks left

What returns a `Picture` shows itself as the last line of a cell; `display(picture)` elsewhere; `picture.save("x.png")`.
A ladder is a `Vector`: an SVG that can be stepped through where scripts run; `picture.save("x.svg")`.
A title may hold times, because pixels are not compared; ``alt`` must be the same in every run, because it is.
An outcome is a key of `OUTCOMES`: its colour, marker and hatch are the same in every figure.
"""

from .bench import Bench
from .buttons import Buttons
from .calls import Ended, calls, timed
from .case import Case
from .closing import Closing
from .correlation import correlation
from .dashboard import Dashboard
from .detective import Detective, detective
from .diagram import diagram
from .dials import Dial, dials, envelope, outages
from .examples import example
from .explain import Explained, explain
from .grid import bad, good, grid, twice
from .guard import Guard, LoopBlocked, tasks_left
from .ladder import ladder
from .lifecycle import cadence, detection
from .live_strip import LiveStrip
from .looks import EDGE, FILL, OUTCOMES, SHADE
from .panel import FaultPanel
from .percentiles import between, buckets, histogram, quantile
from .plots import latency, outcomes, queue_depth
from .power import PowerPanel
from .predict import predict
from .proxy_panel import ProxyPanel
from .reconnects import reconnects, storm
from .sample_log import sample_log
from .sampler import Sample, Sampler
from .seed_slider import SeedSlider
from .snapshots import labelled, moved, short
from .source import Source, source
from .strip import heartbeats_per_minute, life, states
from .style import WIDE, Picture, figure, subplots, title
from .tables import ends, facts, invoices, once, outcome
from .trace_viewer import TraceViewer
from .turns import Turns
from .vector import Vector
from .wait import now, until
from .watch import Watch
from .what_if import back_off_sliders, percentile_sliders
from .wire import Wire

# fmt: off
__all__ = [
    "Guard", "LoopBlocked", "tasks_left",
    "Wire", "Bench", "FaultPanel", "ProxyPanel", "PowerPanel", "Watch", "Buttons", "SeedSlider", "LiveStrip",
    "Dashboard", "Case", "Closing",
    "explain", "Explained", "TraceViewer", "sample_log", "detective", "Detective",
    "now", "until", "timed", "calls", "Ended", "example", "Turns",
    "Sampler", "Sample",
    "predict", "grid", "good", "bad", "twice", "once", "facts", "ends", "outcome", "invoices",
    "ladder", "correlation", "latency", "outcomes", "queue_depth",
    "states", "life", "heartbeats_per_minute", "detection", "cadence",
    "Dial", "dials", "envelope", "outages", "reconnects", "storm", "diagram",
    "back_off_sliders", "percentile_sliders",
    "moved", "short", "labelled", "buckets", "between", "quantile", "histogram",
    "OUTCOMES", "SHADE", "FILL", "EDGE", "WIDE", "Picture", "Vector", "figure", "subplots", "title", "source", "Source",
]
# fmt: on
