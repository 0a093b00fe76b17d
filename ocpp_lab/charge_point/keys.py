"""The configuration keys of a charge point, as one table (core 9, J-spec 7, whitepaper 7).

A key does what it says, or it cannot be changed: a value without effect is Rejected (core 5.3), and so is a number that
nobody can mean. Behind each key stands who reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from ..credentials import read_key
from ..heartbeat import A_DAY
from ..station.quantities import MOST_MEASURANDS, measurable, measurable_at_stop
from .local_list import MOST_IN_ONE, MOST_LISTED
from .phase_rotation import is_rotation

Access = Literal["R", "RW", "W"]


@dataclass
class Key:
    """One key. W: can be set and never read."""

    name: str
    value: str
    access: Access
    valid: Callable[[str], bool]


def _boolean(text: str) -> bool:
    return text.lower() in ("true", "false")


def _number(least: int, most: int) -> Callable[[str], bool]:
    """Both included. Nine digits are enough for whatever may be meant, and no trouble for whoever reads them."""
    return lambda text: text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most


def _text(text: str) -> bool:
    return True


def _organization(text: str) -> bool:
    """What can stand in a certificate: at most 64 characters (the upper bound of X.520); none: it is not set."""
    return len(text) <= 64 and text.isprintable()


def _only(possible: str) -> Callable[[str], bool]:
    """What this charge point can do, and nothing else: a bad value is Rejected (core 5.3)."""
    return lambda text: text == possible


def _hex_key(text: str) -> bool:
    """The key comes as hex text of 16 to 20 bytes, the range of the whitepaper (A00.FR.205)."""
    try:
        read_key(text)
    except ValueError:
        return False
    return True


ENERGY: Final = "Energy.Active.Import.Register"
"""The register of a meter: what is told unless somebody asks for more."""

ALL_PROFILES: Final = "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
"""All of core 3.3."""

_TABLE: tuple[tuple[str, str, Access, Callable[[str], bool]], ...] = (
    # Key, default, access, what a value must look like; durations in seconds. No duration is longer than a day: then
    # somebody mistyped, and a charge point that believes it may need a visit.
    #
    # Who may charge: read by `Authorizer` whenever a tag is presented.
    ("AllowOfflineTxForUnknownId", "false", "RW", _boolean),
    ("AuthorizationCacheEnabled", "false", "RW", _boolean),  # and by ClearCache
    ("LocalAuthorizeOffline", "true", "RW", _boolean),
    ("LocalPreAuthorize", "false", "RW", _boolean),
    ("AuthorizeRemoteTxRequests", "false", "RW", _boolean),  # `RemoteStart`, at each request
    #
    # The connection: `live_keys` tell whom it concerns, at the change.
    ("AuthorizationKey", "", "W", _hex_key),  # `Dialler`, from the next dial, which follows at once
    ("HeartbeatInterval", "300", "RW", _number(1, A_DAY)),  # `Heartbeat`; 0 would be a beat without end
    ("MessageTimeout", "30", "RW", _number(1, 3600)),  # `Gate`; a call that waits holds up all others for so long
    ("WebSocketPingInterval", "60", "RW", _number(0, A_DAY)),  # `Dialler`; 0 is off (J-spec 7)
    #
    # Security: whitepaper 7. `Guard` decides about a change of the profile, and dials.
    ("SecurityProfile", "0", "RW", _number(0, 3)),  # tells the profile of the newest connection; set at each dial
    ("CpoName", "", "RW", _organization),  # `Certificates`, whenever one is asked for or comes
    ("AdditionalRootCertificateCheck", "false", "R", _boolean),  # `Certificates`; set by `ChargePoint` when it is made
    ("CertificateSignedMaxChainSize", "10000", "R", _number(1, 10_000)),
    ("CertificateStoreMaxLength", "20", "R", _number(1, 1000)),
    #
    # Transaction messages: read by `Delivery` whenever it begins to empty the outbox. The wait is the interval times
    # the number of sends so far (core 3.7.1), and at least a second: with 0 and no bound for the attempts, a central
    # system that refused a message got it a thousand times a second. The most that can be set keeps what is behind a
    # refused message waiting for months; beyond that nobody can mean it.
    ("TransactionMessageAttempts", "3", "RW", _number(1, 100)),
    ("TransactionMessageRetryInterval", "60", "RW", _number(0, 3600)),
    #
    # Transactions.
    ("StopTransactionOnEVSideDisconnect", "true", "RW", _boolean),  # `Charging.unplug`
    ("UnlockConnectorOnEVSideDisconnect", "true", "RW", _boolean),  # `Bays`, at the end; R and false: a fixed cable
    ("StopTransactionOnInvalidId", "true", "RW", _boolean),  # `Allowance`, when a start is answered
    ("MaxEnergyOnInvalidId", "0", "RW", _number(0, 100_000)),  # Wh; `Allowance`, likewise
    ("MinimumStatusDuration", "0", "RW", _number(0, 3600)),  # `Statuses`, at each change
    ("ResetRetries", "0", "RW", _number(0, 100)),  # `Resets`, at each reset
    ("ConnectionTimeOut", "60", "RW", _number(0, A_DAY)),  # `Patience`, from the next Preparing; 0 waits for ever
    #
    # Meters: `Metering` is told of new intervals, and reads the lists at each reading. A list is of what our meters
    # measure (core 3.16.4); an empty one asks for nothing. An interval of 0 is off.
    ("MeterValueSampleInterval", "60", "RW", _number(0, A_DAY)),
    ("MeterValuesSampledData", ENERGY, "RW", measurable),
    ("MeterValuesSampledDataMaxLength", f"{MOST_MEASURANDS}", "R", _number(1, 100)),
    ("ClockAlignedDataInterval", "0", "RW", _number(0, A_DAY)),
    ("MeterValuesAlignedData", ENERGY, "RW", measurable),
    ("MeterValuesAlignedDataMaxLength", f"{MOST_MEASURANDS}", "R", _number(1, 100)),
    ("StopTxnSampledData", "", "RW", measurable_at_stop),
    ("StopTxnSampledDataMaxLength", f"{MOST_MEASURANDS}", "R", _number(1, 100)),
    ("StopTxnAlignedData", "", "RW", measurable_at_stop),
    ("StopTxnAlignedDataMaxLength", f"{MOST_MEASURANDS}", "R", _number(1, 100)),
    ("StopTransactionMaxMeterValues", "100", "R", _number(2, 10_000)),  # `MeterReadings`, at each reading and stop
    # How it is wired: asked for, and told. Its default and its length are set by `ChargePoint` when it is made.
    ("ConnectorPhaseRotation", "0.RST", "RW", partial(is_rotation, connectors=1000)),
    ("ConnectorPhaseRotationMaxLength", "2", "R", _number(1, 1001)),
    #
    # Local Auth List Management.
    ("LocalAuthListEnabled", "true", "RW", _boolean),  # `LocalAuthList`; an empty list says nothing
    ("LocalAuthListMaxLength", str(MOST_LISTED), "R", _text),  # `LocalList`
    ("SendLocalListMaxLength", str(MOST_IN_ONE), "R", _text),
    #
    # Reservation.
    ("ReserveConnectorZeroSupported", "true", "R", _boolean),  # `may_reserve`
    #
    # Smart Charging: read by `SmartCharging` at each request.
    ("ChargeProfileMaxStackLevel", "9", "R", _number(0, 1000)),
    ("ChargingScheduleAllowedChargingRateUnit", "Current,Power", "R", _text),
    ("ChargingScheduleMaxPeriods", "24", "R", _number(1, 1000)),
    ("MaxChargingProfilesInstalled", "20", "R", _number(1, 1000)),
    ("ConnectorSwitch3to1PhaseSupported", "true", "R", _boolean),  # `Connector.offer`
    #
    # Firmware Management: what `FileTransfer` speaks (core errata 3.88).
    ("SupportedFileTransferProtocols", "HTTP,HTTPS", "R", _text),
    #
    # What it is: set by `ChargePoint` when it is made.
    ("GetConfigurationMaxKeys", "50", "R", _number(1, 1000)),  # `Core`, at each GetConfiguration
    ("NumberOfConnectors", "1", "R", _number(1, 1000)),
    ("SupportedFeatureProfiles", ALL_PROFILES, "R", _text),
)


def fresh_keys() -> dict[str, Key]:
    """Every key with its default, by its name, in the order of the names."""
    return {
        name: Key(name, value, access, valid)
        for name, value, access, valid in sorted(_TABLE, key=lambda row: row[0].lower())
    }
