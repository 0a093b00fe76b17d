"""Security as decisions: whom a certificate names, which profile comes next, what happened and must be told.

Certificates and signatures are the business of the package ``cryptography`` (the extra ``security``). It is loaded when
something of it is used for the first time, so whoever uses none need not have it; without it, an ImportError says how
to get it. Use what is here by the name of the room: ``security.trouble(…)``.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .contexts import KeyAndChain, client_context, server_context
from .events import CRITICAL, PUSHED, SecurityEvents
from .levels import Levels
from .peer import chain_of, out_of_date
from .upgrade import Upgrade, after_dial, answer_upgrade, settled

if TYPE_CHECKING:
    from .authority import Authority, request_trouble
    from .certificates import from_der, hash_data, read_certificates, root_trouble, trouble
    from .firmware import signature_trouble, signing_certificate_trouble
    from .requests import candidates, new_request, signed, validity

_WHERE = {
    "Authority": "authority",
    "candidates": "requests",
    "from_der": "certificates",
    "hash_data": "certificates",
    "new_request": "requests",
    "read_certificates": "certificates",
    "request_trouble": "authority",
    "root_trouble": "certificates",
    "signature_trouble": "firmware",
    "signed": "requests",
    "signing_certificate_trouble": "firmware",
    "trouble": "certificates",
    "validity": "requests",
}


def has_cryptography() -> bool:
    """Whether certificates can be read here at all."""
    return find_spec("cryptography") is not None


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return vars(importlib.import_module(f".{_WHERE[name]}", __name__))[name]
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        raise ImportError(f"{name} needs the package {missing}: pip install 'ocpp-lab[security]'") from error


__all__ = [
    "CRITICAL",
    "PUSHED",
    "Authority",
    "KeyAndChain",
    "Levels",
    "SecurityEvents",
    "Upgrade",
    "after_dial",
    "answer_upgrade",
    "candidates",
    "chain_of",
    "client_context",
    "from_der",
    "has_cryptography",
    "hash_data",
    "new_request",
    "out_of_date",
    "read_certificates",
    "request_trouble",
    "root_trouble",
    "server_context",
    "settled",
    "signature_trouble",
    "signed",
    "signing_certificate_trouble",
    "trouble",
    "validity",
]
