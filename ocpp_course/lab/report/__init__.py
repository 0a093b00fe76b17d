"""What a log tells, as a page: findings, a ladder around each, transactions as bars, connectors as strips.

`ocpp_course.explain` has the same in words.
"""

from .page import fragment, page, proof

__all__ = ["fragment", "page", "proof"]
