"""The central system (CSMS): accepts charge points by identity, answers them, calls them, keeps the ledger."""

from ..pipe import MAX_SIZE
from .answers import Answers
from .central_system import CentralSystem
from .ledger import Ledger
from .operator import Operator
from .policy import Policy
from .recording import Recording
from .records import Records

__all__ = ["MAX_SIZE", "Answers", "CentralSystem", "Ledger", "Operator", "Policy", "Recording", "Records"]
