"""Anybody's OCPP log: read it, pair it, and say what was wrong. ::

    from ocpp_lab.logs import diagnose, read

    log = read(Path("night.log"))
    for finding in diagnose(log):
        print(finding.side, finding.lines, finding.what)

`read` finds the frames, whoever wrote the log; `exchanges`, `transactions` and `statuses` say what they tell together;
`diagnose` asks every rule. A log of any length: `chapters` and `merge`.
"""

from .diagnose import diagnose, merge
from .exchanges import Exchange, exchanges
from .finding import Finding
from .log import Log, LoggedConnection, Viewpoint
from .reader import chapters, frames, read
from .seen import Seen
from .statuses import LoggedStatus, statuses
from .transactions import LoggedTransaction, Reading, transactions

__all__ = [
    "read",
    "chapters",
    "frames",
    "diagnose",
    "merge",
    "exchanges",
    "transactions",
    "statuses",
    "Log",
    "Seen",
    "Viewpoint",
    "LoggedConnection",
    "Exchange",
    "LoggedTransaction",
    "Reading",
    "LoggedStatus",
    "Finding",
]
