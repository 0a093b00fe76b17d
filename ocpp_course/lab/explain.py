"""`explain`: what anybody's log tells, in a notebook: findings with a ladder around each, transactions, connectors."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from ocpp_course.explain.details import details
from ocpp_course.explain.digest import Digest, digest
from ocpp_course.explain.ink import Ink
from ocpp_course.explain.summary import summary
from ocpp_lab.logs import Finding, chapters

from .report import fragment, page

NAMELESS = "log"
"""What a log is called that is no file."""


class Explained:
    """What a log tells. ``findings`` are the rules' own, the heaviest first; ``digest`` has the rest."""

    def __init__(self, told: Digest) -> None:
        self.digest = told

    @property
    def findings(self) -> list[Finding]:
        """The heaviest first."""
        return self.digest.findings

    def _repr_html_(self) -> str:
        return fragment([self.digest])

    def __repr__(self) -> str:
        ink = Ink(False, 100)
        return "\n".join([*summary(self.digest, ink), *details(self.digest, ink)])

    def save(self, path: str | Path) -> None:
        """Write the page that ``ocpp-lab explain --html`` writes. Raises OSError, and ValueError for another kind."""
        if Path(path).suffix not in (".html", ".htm"):
            raise ValueError(f"expected a file name that ends in .html, came {path}; a report is a page")
        Path(path).write_text(page([self.digest]), encoding="utf-8")


def explain(
    log: str | Path | Iterable[str], *, identity: str | None = None, since: datetime | None = None, name: str = ""
) -> Explained:
    """Read a log, a file or its text, and show what it tells.

    ``identity`` picks one charge point; ``since`` leaves out what happened before; ``name`` is what to call the log.
    Raises OSError for a file that cannot be read.
    """
    is_file = isinstance(log, Path) or (isinstance(log, str) and "\n" not in log)
    if is_file and not Path(str(log)).is_file():
        raise FileNotFoundError(f"expected a file, came {str(log)[:200]!r}; there is none of that name here")
    lines = log.splitlines(keepends=True) if isinstance(log, str) and not is_file else log
    told = digest(name or (str(log) if is_file else NAMELESS), chapters(Path(str(log)) if is_file else lines))
    return Explained(told.only(identity, since) if identity or since else told)
