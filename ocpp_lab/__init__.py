"""OCPP 1.6-J, small and whole: messages, router, transport, session, charge point, central system.

The public names, by room, bottom to top. `import ocpp_lab.messages as m` has the 39 operations.
"""

from . import messages
from .backoff import backoff
from .central_system import CentralSystem, Ledger, Policy
from .chaos_proxy import ChaosProxy
from .charge_point import ChargePoint
from .codec import decode_payload, encode_payload
from .connection import CONNECTION, keep_connected
from .errors import (
    CallFailed,
    CallTimeout,
    ConnectionLost,
    FrameError,
    HandshakeRefused,
    IllegalTransition,
    MalformedReply,
    NotAccepted,
    NotConnected,
    OcppError,
    PayloadError,
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
from .tally import Tally
from .timeline import Sample, Timeline
from .trace import Event, Trace
from .transaction_ids import TransactionIds
from .transport import Transport

# fmt: off
__all__ = [
    # errors
    "OcppError", "FrameError", "PayloadError", "CallFailed", "MalformedReply", "CallTimeout", "ConnectionLost",
    "NotConnected", "HandshakeRefused", "NotAccepted", "IllegalTransition",
    # the wire
    "Call", "CallResult", "CallError", "Frame", "encode", "decode",
    "messages", "ACTIONS", "Request", "Response", "encode_payload", "decode_payload",
    # the line
    "Pipe", "WebSocketPipe", "pipe_pair", "Transport", "Trace", "Event",
    # the conversation
    "Router", "Pending", "Session", "current_session", "Heartbeat",
    # staying connected
    "backoff", "Machine", "CONNECTION", "keep_connected",
    # what must not get lost
    "Outbox", "Entry", "verdict", "TransactionIds",
    # the two ends
    "ChargePoint", "CentralSystem", "Policy", "Ledger", "Fault", "Faults", "ChaosProxy",
    # the numbers
    "Metrics", "watch_charge_point", "watch_central_system", "Tally", "Timeline", "Sample",
]
# fmt: on
