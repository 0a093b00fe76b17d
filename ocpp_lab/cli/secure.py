"""What the command line says of a charge point's security: profile, endpoints, certificates; each checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .inputs import BadInput, client_tls, endpoint, within

PROOFS = {1: ("ws://", "--password-file"), 2: ("wss://", "--password-file"), 3: ("wss://", "--cert and --key")}
"""By security profile, how its URL begins, and what proves who dials (whitepaper 2.1)."""


def security_options(
    url: str,
    *,
    profile: int | None,
    endpoints: Sequence[str],
    password: str | None,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
) -> dict[str, Any]:
    """The options of a charge point that belong to its security. Raises `BadInput`."""
    endpoint(url)
    others = dict(map(_other, endpoints))
    if (cert is None) != (key is None):
        raise BadInput("--cert and --key: expected both or none, came one; add the other")
    if profile is not None:
        _check(within(profile, 0, 3, "--security-profile"), url, password=password, own=cert is not None)
    simple = profile is None and not others and cert is None
    return {
        "password": password,
        "ssl": client_tls(url, ca) if simple else None,
        "security_profile": profile,
        "endpoints": others or None,
        "roots": () if simple or ca is None else (_text(ca, "--ca"),),
        "own_certificate": None
        if cert is None or key is None
        else (_text(key, "--key").encode(), _text(cert, "--cert")),
    }


def _check(profile: int, url: str, *, password: str | None, own: bool) -> None:
    if profile not in PROOFS:
        return
    begins, proof = PROOFS[profile]
    if not url.startswith(begins):
        raise BadInput(f"--security-profile {profile}: expected a URL with {begins}, came {url}; change one of them")
    if not (own if profile == 3 else password):
        raise BadInput(f"--security-profile {profile}: expected {proof}, came none; add it")


def _other(text: str) -> tuple[int, str]:
    profile, _, url = text.partition("=")
    if profile not in ("0", "1", "2", "3") or not url:
        raise BadInput(f"--endpoint: expected PROFILE=URL such as 2=wss://127.0.0.1:9001, came {text!r}; correct it")
    return int(profile), endpoint(url)


def _text(path: Path, option: str) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise BadInput(f"{option} {path}: expected a PEM file that can be read, came: {why}; check it") from None
