"""The commands of the two ends of a connection, with their options."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from .. import messages as m
from ..central_system import Ledger, Policy
from ..codec import encode_payload
from ..errors import PayloadError, StoreFailed
from ..heartbeat import A_DAY
from ..pipe import MAX_SIZE
from ..session import CALL_TIMEOUT
from .app import one_line_errors
from .inputs import (
    BadInput,
    identities,
    one_of,
    positive,
    read_password,
    read_passwords,
    server_tls,
    within,
)
from .run import run_central_system, run_charge_point
from .secure import security_options

MAX_CONNECTORS = 1000  # ours; each is a StatusNotification at every boot
LEAST_SIZE, MOST_SIZE = 1_000, 2**30  # bytes; ours: below the first no boot passes, above the second nothing is meant

ends = typer.Typer()
"""`central-system` and `charge-point`."""


# The types of the options that both commands have.
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="How long a call of ours waits for its answer.")]
MaxSize = Annotated[
    int, typer.Option(metavar="BYTES", help="The largest frame that is read; a larger one ends the connection.")
]
LenientFlag = Annotated[
    bool,
    typer.Option("--lenient", help='Let pass, and count, unknown fields and integers that come as "1" or 1.0.'),
]
TraceFlag = Annotated[bool, typer.Option("--trace", help="Show frames as they are on the wire.")]
TraceFileOption = Annotated[
    Path | None,
    typer.Option("--trace-file", metavar="FILE", help="Also write all frames and states to it, a JSON object a line."),
]


def _file(text: str) -> Any:
    return typer.Option(metavar="FILE", help=text)


@ends.command("central-system")
def central_system(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0: everywhere.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", help="0 takes a free one.")] = 9000,
    identity: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Let in this charge point; repeat it for more. Default: everybody."),
    ] = None,
    password_file: Annotated[
        Path | None, _file("Lines of identity:key, # for comments. A key is text, or hex of 16 to 20 bytes.")
    ] = None,
    cert: Annotated[Path | None, _file("Certificate (PEM), for wss://; needs --key.")] = None,
    key: Annotated[Path | None, _file("Private key (PEM) of the certificate.")] = None,
    interval: Annotated[
        int, typer.Option(metavar="SECONDS", help="Heartbeat interval that a boot is answered with.")
    ] = 300,
    registration: Annotated[
        str,
        typer.Option(
            metavar="Accepted|Pending|Rejected",
            help="Status that a boot is answered with; boot, typed, changes it for one.",
        ),
    ] = "Accepted",
    unknown_tag: Annotated[
        str,
        typer.Option(
            metavar="Accepted|Blocked|Expired|Invalid|ConcurrentTx", help="What the tag of a driver is answered with."
        ),
    ] = "Accepted",
    timeout: Timeout = CALL_TIMEOUT,
    ledger: Annotated[
        Path | None, _file("Keep what must outlast a restart in this sqlite file. Default: in memory.")
    ] = None,
    no_require_boot: Annotated[
        bool, typer.Option("--no-require-boot", help="Also answer calls that come before an accepted boot.")
    ] = False,
    metrics: Annotated[bool, typer.Option("--metrics", help="Serve /metrics and /healthz on the same port.")] = False,
    max_size: MaxSize = MAX_SIZE,
    lenient: LenientFlag = False,
    trace: TraceFlag = False,
    trace_file: TraceFileOption = None,
) -> None:
    """Be a central system, until Ctrl-C.

    Charge points connect to ws://ADDRESS:PORT/NAME. Without --password-file
    anybody who reaches it can be any charge point.

    While it runs, type what its charge points shall do: help shows how.

    \b
    Examples:
      ocpp-lab central-system --interval 5
      ocpp-lab central-system --host 0.0.0.0 --password-file keys.txt \\
               --cert server.pem --key server.key
      ocpp-lab central-system --trace-file night.jsonl
      start CP_1 TAG_A 1                          (typed while it runs)
      CP_1 Reset {"type": "Soft"}                 (any call, as it is)
    """
    with one_line_errors():
        policy = Policy(
            registration=one_of(registration, m.RegistrationStatus, "--registration"),
            interval=within(interval, 0, A_DAY, "--interval"),
            unknown_tag=one_of(unknown_tag, m.AuthorizationStatus, "--unknown-tag"),
        )
        options: dict[str, Any] = {
            "host": host,
            "port": within(port, 0, 65535, "--port"),
            "identities": identities(identity or ()) or None,
            "passwords": read_passwords(password_file, identity) if password_file else None,
            "ssl": server_tls(cert, key),
            "policy": policy,
            "timeout": positive(timeout, "--timeout"),
            "require_boot": not no_require_boot,
            "max_size": within(max_size, LEAST_SIZE, MOST_SIZE, "--max-size"),
            "lenient": lenient,
        }
        with closing(_open_ledger(ledger)) as book:
            policy.id_tags.update(cast(dict[str, m.AuthorizationStatus], book.records.tags.all()))
            policy.registrations.update(cast(dict[str, m.RegistrationStatus], book.records.boots.all()))
            asyncio.run(run_central_system(raw=trace, file=trace_file, metrics=metrics, ledger=book, **options))


@ends.command("charge-point")
def charge_point(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the central system is; the identity is appended.")],
    identity: Annotated[str, typer.Option(metavar="NAME", help="Who this charge point is.")] = "CP_1",
    connectors: Annotated[int, typer.Option(metavar="NUMBER", help="How many connectors it has.")] = 1,
    fixed_cable: Annotated[
        bool, typer.Option("--fixed-cable", help="Its cables are fixed: drivers bring none, and there is no lock.")
    ] = False,
    password_file: Annotated[Path | None, _file("One line with the key: text, or hex of 16 to 20 bytes.")] = None,
    ca: Annotated[
        Path | None, _file("Certificate (PEM) to trust, for wss://. Default: those of this computer.")
    ] = None,
    security_profile: Annotated[
        int | None,
        typer.Option(metavar="0|1|2|3", help="Security profile to begin with. Default: by URL and password."),
    ] = None,
    other_endpoint: Annotated[
        list[str] | None,
        typer.Option("--endpoint", metavar="PROFILE=URL", help="Where it dials with another profile; repeat for more."),
    ] = None,
    cert: Annotated[Path | None, _file("Its own certificate (PEM), for security profile 3; needs --key.")] = None,
    key: Annotated[Path | None, _file("Private key (PEM) of its own certificate.")] = None,
    vendor: Annotated[str, typer.Option(metavar="TEXT", help="chargePointVendor of its boot.")] = "OCPP Lab",
    model: Annotated[str, typer.Option(metavar="TEXT", help="chargePointModel of its boot.")] = "One",
    path: Annotated[
        Path | None, _file("Keep what must survive a power cut in this sqlite file. Default: in memory.")
    ] = None,
    auto: Annotated[
        bool,
        typer.Option("--auto", help="A driver comes and goes by himself at each connector, every 1 to 20 minutes."),
    ] = False,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="What the driver of --auto does.")] = 1,
    timeout: Timeout = CALL_TIMEOUT,
    max_size: MaxSize = MAX_SIZE,
    lenient: LenientFlag = False,
    trace: TraceFlag = False,
    trace_file: TraceFileOption = None,
) -> None:
    """Be a charge point, until Ctrl-C.

    It connects, boots, sends heartbeats, answers the central system, and comes
    back after a loss.

    While it runs, type what a driver does, and Enter: plug 1, tag 1 TAG_A,
    unplug 1, fault 1 GroundFailure, status. help lists all.

    \b
    Examples:
      ocpp-lab charge-point ws://127.0.0.1:9000 --identity CP_1 --connectors 2
      ocpp-lab charge-point wss://csms.example/ocpp --identity CP_1 \\
               --password-file key.txt --ca ca.pem
      ocpp-lab charge-point ws://127.0.0.1:9000 --auto --path cp_1.sqlite
    """
    with one_line_errors():
        options: dict[str, Any] = {
            "path": str(path) if path else ":memory:",
            "connectors": within(connectors, 1, MAX_CONNECTORS, "--connectors"),
            "cable": "fixed" if fixed_cable else "socket",
            "boot": _boot(vendor, model),
            **security_options(
                url,
                profile=security_profile,
                endpoints=other_endpoint or (),
                password=read_password(password_file, identity) if password_file else None,
                ca=ca,
                cert=cert,
                key=key,
            ),
            "timeout": positive(timeout, "--timeout"),
            "max_size": within(max_size, LEAST_SIZE, MOST_SIZE, "--max-size"),
            "lenient": lenient,
        }
        drives = seed if auto else None
        asyncio.run(run_charge_point(url, identity, raw=trace, file=trace_file, auto=drives, **options))


def _boot(vendor: str, model: str) -> m.BootNotificationRequest:
    request = m.BootNotificationRequest(charge_point_vendor=vendor, charge_point_model=model)
    try:
        encode_payload(request)
    except PayloadError as problem:
        raise BadInput(f"--vendor and --model: {problem.description}") from None
    return request


def _open_ledger(path: Path | None) -> Ledger:
    try:
        return Ledger(str(path)) if path else Ledger()
    except StoreFailed as error:
        raise BadInput(f"--ledger {error}") from None
