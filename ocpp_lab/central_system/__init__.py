"""The central system (CSMS): accepts charge points by identity, answers them, calls them, keeps the ledger."""

from .answers import Answers, Policy
from .central_system import MAX_SIZE, CentralSystem
from .ledger import Ledger
from .recording import Recording

__all__ = ["MAX_SIZE", "Answers", "CentralSystem", "Ledger", "Policy", "Recording"]
