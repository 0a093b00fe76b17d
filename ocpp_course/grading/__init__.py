"""Grading of submissions in bulk: each in a process shut in, by the checks of the installed package.

``job`` starts and hears one, ``sandbox`` shuts it in (``landlock``, ``seccomp``), ``vault`` speaks for the checker in
it, ``graded`` believes as little as can be. What it does not protect against stands in docs/instructors.md.
"""

from .grade import grade
from .graded import Graded
from .report import Report, story, table
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
    "Report",
]
