"""Has moved: old notebooks that import it are told what to write instead."""

raise ImportError(
    "the checks have moved to ocpp_course; write: from ocpp_course import check, hint, mine, progress, solution"
)
