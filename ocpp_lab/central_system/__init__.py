"""The central system (CSMS): accepts charge points by identity, answers them, calls them, keeps the ledger."""

from ..pipe import MAX_SIZE
from .answers import Answers
from .central_system import CentralSystem
from .ledger import Ledger
from .operator import Operator
from .policy import Policy
from .ports import Listener
from .recording import Recording
from .records import Records
from .registry import Registered

__all__ = [
    "MAX_SIZE",
    "Answers",
    "CentralSystem",
    "Ledger",
    "Listener",
    "Operator",
    "Policy",
    "Recording",
    "Records",
    "Registered",
]
