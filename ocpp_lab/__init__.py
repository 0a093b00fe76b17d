"""OCPP 1.6-J, small and whole: messages, router, transport, session, charge point, central system.

The map, bottom to top: a room imports only from rooms that stand before it here, and a test says so. The numbers are
the milestones of the course that build the room. docs/architecture.md draws the map. ::

    the wire
        errors           the exception tree, drawn at the top of the file                     1
        clock            the one place that asks for the real date                            1
        credentials      HTTP Basic as OCPP means it                                          1
        backoff          a generator of waiting times, seeded                                 3
        bounded          a dict that forgets its oldest, for keys that a peer invents         -
        memory_network   servers and connections in memory, where there are no sockets        -
        browser_tab      what a Python in a browser tab lacks, put in first           -
        frames           Call, CallResult, CallError to text and back                         1
        messages         the typed payloads by feature profile; ACTIONS, all on one screen    2
        tolerance        what real devices get wrong, mended and counted, if so chosen        2
        codec            typed payload to JSON and back; a violation becomes the right code   2
        pipe             send, iterate, close: over a WebSocket or in memory                  1
        transport        texts over a pipe: one writer, one queue, counters                   1
    the conversation
        states           state machines as tables, one engine for all of them                 3, 5
        router           which coroutine answers which request, typed                         2
        tally            what was counted, as numbers that outlive every session              6
        pending          unique id to future: resolve, expire, fail all, name the strays      4
        lane             one own call on the wire, until its reply or its time is up          4
        dispatcher       the peer's calls: a task each, so many at a time, an end for all     1, 4
        session          RPC over one transport: one call in flight, timeouts, answers        1, 4
        heartbeat        keep the cadence, adopt the interval, measure the clock skew         1
    what must not get lost
        group            what answers write in one turn, on the disk at once, or not at all    3
        database         one sqlite file: its version, its lock, all or nothing               3
        store            everything of a charge point that survives a power cut               3
        outbox           transaction messages: durable, in order, retried                     3
        transaction_ids  the real transaction id, put in at the instant of sending            3
        security         whom a certificate names; security profiles and events               -
        connection       the reconnect loop and its states: dial, boot, online, wait, again   3, 5
    what goes wrong and what is seen
        trace            what passed and when, in a bounded ring                              6
        trace_file       the same as a file, an event a line: written live, read again        6
        timeline         samples on a timer, for plots                                        6
        faults           what a central system does wrong on purpose                          all
        chaos_proxy      a TCP proxy between both ends: late, slow, cut, half-open            all
    the two ends
        file_transfer    files that go and come beside the connection, over HTTP               -
        smart_charging   which limit holds, as pure functions: install, clear, composite, obey  -
        station          the thing in the car park: who may charge, and whose session it is   -
        charge_point     its life on the connection, and one file per feature profile         5
        central_system   the door, the desk of each connection, the ledger, the operator      1, 5
    the whole at work
        exposition       the page that Prometheus scrapes                                     6
        metrics          what happened, in numbers, for Prometheus                            6
        simulation       the same stack on a simulated clock and network, by seed             3, 5
        logs             anybody's log: read, paired, and what was wrong in it                -
        cli              both ends on the command line                                        -
        __main__         python -m ocpp_lab                                                   -

The public names follow, by room. `import ocpp_lab.messages as m` has the 39 operations.
"""

from . import browser_tab as browser_tab  # before all others: it makes up for what a browser tab lacks
from . import messages
from .backoff import backoff
from .central_system import CentralSystem, Ledger, Listener, Policy, Registered
from .chaos_proxy import ChaosProxy
from .charge_point import ChargePoint, ChargingOptions, Connecting, Decisions, Pieces, Security, Surroundings
from .codec import decode_payload, encode_payload
from .connection import CONNECTION, keep_connected
from .errors import (
    CallFailed,
    CallTimeout,
    CallWithdrawn,
    ConnectionLost,
    Forbidden,
    FrameError,
    HandshakeRefused,
    IllegalTransition,
    MalformedReply,
    NotAccepted,
    NotConnected,
    OcppError,
    PayloadError,
    StoreFailed,
)
from .faults import Fault, Faults
from .frames import Call, CallError, CallResult, Frame, decode, encode
from .heartbeat import Heartbeat
from .messages import ACTIONS, Request, Response
from .metrics import Metrics, watch_central_system, watch_charge_point
from .outbox import Entry, Outbox, verdict
from .pending import Pending
from .pipe import Pipe, WebSocketPipe, pipe_pair
from .router import Router
from .session import Session, current_session
from .states import Machine
from .store import Store
from .tally import Tally
from .timeline import Sample, Timeline
from .trace import Event, Trace
from .trace_file import TraceFile, read_trace
from .transaction_ids import TransactionIds
from .transport import Transport

# fmt: off
__all__ = [
    # errors
    "OcppError", "FrameError", "PayloadError", "CallFailed", "MalformedReply", "CallTimeout", "CallWithdrawn",
    "ConnectionLost", "NotConnected", "HandshakeRefused", "NotAccepted", "StoreFailed", "Forbidden",
    "IllegalTransition",
    # the wire
    "Call", "CallResult", "CallError", "Frame", "encode", "decode",
    "messages", "ACTIONS", "Request", "Response", "encode_payload", "decode_payload",
    # the connection
    "Pipe", "WebSocketPipe", "pipe_pair", "Transport", "Trace", "Event", "TraceFile", "read_trace",
    # the conversation
    "Router", "Pending", "Session", "current_session", "Heartbeat",
    # staying connected
    "backoff", "Machine", "CONNECTION", "keep_connected",
    # what must not get lost
    "Store", "Outbox", "Entry", "verdict", "TransactionIds",
    # the two ends
    "ChargePoint", "Security", "Connecting", "ChargingOptions", "Pieces", "Decisions", "Surroundings",
    "CentralSystem", "Registered", "Listener", "Policy", "Ledger", "Fault", "Faults", "ChaosProxy",
    # the numbers
    "Metrics", "watch_charge_point", "watch_central_system", "Tally", "Timeline", "Sample",
]
# fmt: on
