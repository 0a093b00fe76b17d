"""Grading of submissions in bulk: each on a copy, in a process shut in, by the checks of the installed package.

What it does not protect against: an answer runs in the same process as the checks that judge it. `Seal` notices
changed functions; whoever takes the checker's memory apart on purpose can still claim points. Read what is suspicious.
"""

from .grade import Graded, grade
from .report import story, table, write_csv, write_json
from .sandbox import Limits, Walls, walls
from .submission import Submission, Unreadable, find, read

__all__ = [
    "grade",
    "Graded",
    "find",
    "read",
    "Submission",
    "Unreadable",
    "Limits",
    "Walls",
    "walls",
    "table",
    "story",
    "write_json",
    "write_csv",
]
