"""All rules. Each is a pure function over one `Case`; its docstring is what it looks for."""

from ..rule import Rule
from .answers import ANSWERS
from .clocks import CLOCKS
from .commands import COMMANDS
from .energy import ENERGY_RULES
from .life import LIFE
from .money import MONEY
from .outbox import OUTBOX
from .payloads import PAYLOADS
from .profiles import PROFILES
from .shapes import SHAPES

ALL_RULES: tuple[Rule, ...] = tuple(
    rule
    for rules in (MONEY, ENERGY_RULES, OUTBOX, ANSWERS, SHAPES, PAYLOADS, COMMANDS, PROFILES, LIFE, CLOCKS)
    for rule in rules.all
)
"""In the order in which they are asked."""

__all__ = ["ALL_RULES"]
