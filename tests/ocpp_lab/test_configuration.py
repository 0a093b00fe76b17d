"""`Configuration`: the keys of a charge point, read and changed from afar (core 5.3, 5.8, 9; J-spec 7; whitepaper)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocpp_lab.charge_point.configuration import Configuration
from ocpp_lab.messages import KeyValue
from tests.fakes import power_cut
from tests.house import ROOT

REQUIRED = {  # core 9.1, for the Core profile
    "AuthorizeRemoteTxRequests",
    "ClockAlignedDataInterval",
    "ConnectionTimeOut",
    "ConnectorPhaseRotation",
    "GetConfigurationMaxKeys",
    "HeartbeatInterval",
    "LocalAuthorizeOffline",
    "LocalPreAuthorize",
    "MeterValuesAlignedData",
    "MeterValuesSampledData",
    "MeterValueSampleInterval",
    "NumberOfConnectors",
    "ResetRetries",
    "StopTransactionOnEVSideDisconnect",
    "StopTransactionOnInvalidId",
    "StopTxnAlignedData",
    "StopTxnSampledData",
    "SupportedFeatureProfiles",
    "TransactionMessageAttempts",
    "TransactionMessageRetryInterval",
    "UnlockConnectorOnEVSideDisconnect",
}
READ_ONLY = {
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "ConnectorPhaseRotationMaxLength",
    "ConnectorSwitch3to1PhaseSupported",
    "GetConfigurationMaxKeys",
    "LocalAuthListMaxLength",
    "MaxChargingProfilesInstalled",
    "MeterValuesAlignedDataMaxLength",
    "MeterValuesSampledDataMaxLength",
    "NumberOfConnectors",
    "ReserveConnectorZeroSupported",
    "SendLocalListMaxLength",
    "StopTransactionMaxMeterValues",
    "StopTxnAlignedDataMaxLength",
    "StopTxnSampledDataMaxLength",
    "SupportedFeatureProfiles",
    "SupportedFileTransferProtocols",
    "AdditionalRootCertificateCheck",
    "CertificateSignedMaxChainSize",
    "CertificateStoreMaxLength",
}
KEY = "0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"


def heard(configuration: Configuration, told: list[tuple[str, str]]) -> Configuration:
    """Every key has an effect: it tells."""
    for name in configuration.keys:
        configuration.effects[name] = lambda value, name=name: told.append((name, value))  # type: ignore[misc]
    return configuration


def test_the_required_keys_exist() -> None:
    """Core 9.1."""
    assert Configuration().keys.keys() >= REQUIRED
    assert {name for name, key in Configuration().keys.items() if key.access == "R"} == READ_ONLY


def test_every_default_is_a_value_that_could_be_set() -> None:
    """But the empty AuthorizationKey, which means: none."""
    bad = {name for name, key in Configuration().keys.items() if not key.valid(key.value)}
    assert bad == {"AuthorizationKey"}


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("HeartbeatInterval", "60", "Accepted"),
        ("HeartbeatInterval", "0", "Rejected"),  # it would beat without end
        ("HeartbeatInterval", "-5", "Rejected"),
        ("HeartbeatInterval", "1.5", "Rejected"),
        ("HeartbeatInterval", "soon", "Rejected"),
        ("HeartbeatInterval", "", "Rejected"),
        ("HeartbeatInterval", "٣٠", "Rejected"),  # digits, but not of JSON
        ("HeartbeatInterval", "9" * 40, "Rejected"),
        ("heartbeatinterval", "60", "Accepted"),  # CiString: case-insensitive (core 7.17)
        ("MeterValueSampleInterval", "0", "Accepted"),  # 0 is off
        ("MeterValuesSampledData", "Energy.Active.Import.Register", "Accepted"),
        ("MeterValuesSampledData", "Voltage.L1,Current.Import,SoC", "Accepted"),
        ("MeterValuesSampledData", "Energy.Active.Import.Register,Temperature", "Rejected"),  # core 3.16.4
        ("MeterValuesAlignedData", "", "Accepted"),
        ("MeterValuesAlignedData", "Power", "Rejected"),
        ("StopTxnSampledData", "Energy.Active.Import.Register", "Accepted"),
        ("StopTxnSampledData", "SoC.L1", "Rejected"),
        ("StopTxnAlignedData", "Power.Offered", "Accepted"),
        ("StopTxnAlignedData", "RPM", "Rejected"),
        ("StopTxnAlignedData", "SoC,Frequency", "Rejected"),  # the schema of StopTransaction has no Hertz
        ("MeterValuesAlignedData", "SoC,Frequency", "Accepted"),
        ("StopTransactionMaxMeterValues", "5", "Rejected"),
        ("MeterValuesSampledDataMaxLength", "5", "Rejected"),
        ("ClockAlignedDataInterval", "0", "Accepted"),
        ("ClockAlignedDataInterval", "900", "Accepted"),
        ("ClockAlignedDataInterval", "86401", "Rejected"),
        ("ClockAlignedDataInterval", "-900", "Rejected"),
        ("ConnectorPhaseRotation", "0.Unknown", "Accepted"),
        ("ConnectorPhaseRotation", "0.RST, 1.RST, 2.RTS", "Accepted"),  # core 9.1.7, with its spaces
        ("ConnectorPhaseRotation", "banana", "Rejected"),
        ("ConnectorPhaseRotation", "", "Rejected"),
        ("ConnectorPhaseRotation", "1.RSR", "Rejected"),
        ("ConnectorPhaseRotation", "RST", "Rejected"),
        ("ConnectorPhaseRotation", "1.RST,1.RTS", "Rejected"),
        ("ResetRetries", "0", "Accepted"),
        ("ResetRetries", "3", "Accepted"),
        ("ResetRetries", "-1", "Rejected"),
        ("UnlockConnectorOnEVSideDisconnect", "false", "Accepted"),
        ("UnlockConnectorOnEVSideDisconnect", "never", "Rejected"),
        ("MaxEnergyOnInvalidId", "500", "Accepted"),
        ("MinimumStatusDuration", "3", "Accepted"),
        ("SecurityProfile", "2", "Rejected"),  # it tells the profile in use
        ("HeartbeatInterval", "86400", "Accepted"),  # a day, and no more
        ("HeartbeatInterval", "86401", "Rejected"),
        ("MessageTimeout", "3600", "Accepted"),
        ("MessageTimeout", "3601", "Rejected"),
        ("TransactionMessageAttempts", "100", "Accepted"),
        ("TransactionMessageAttempts", "101", "Rejected"),
        ("TransactionMessageAttempts", "0", "Rejected"),
        ("TransactionMessageRetryInterval", "0", "Accepted"),
        ("TransactionMessageRetryInterval", "3600", "Accepted"),
        ("TransactionMessageRetryInterval", "3601", "Rejected"),
        ("WebSocketPingInterval", "0", "Accepted"),
        ("WebSocketPingInterval", "-1", "Rejected"),  # J-spec 7
        ("LocalPreAuthorize", "true", "Accepted"),
        ("LocalPreAuthorize", "FALSE", "Accepted"),
        ("LocalPreAuthorize", "yes", "Rejected"),
        ("AuthorizationKey", KEY, "Accepted"),
        ("AuthorizationKey", KEY.lower(), "Accepted"),
        ("AuthorizationKey", "ab" * 16, "Accepted"),  # 16 to 20 bytes (whitepaper A00.FR.205)
        ("AuthorizationKey", "ab" * 15, "Rejected"),
        ("AuthorizationKey", "ab" * 21, "Rejected"),
        ("AuthorizationKey", "x" * 40, "Rejected"),
        ("SecurityProfile", "1", "Rejected"),  # nobody is here who could dial with it
        *((key, "1", "Rejected") for key in sorted(READ_ONLY)),
        ("NoSuchKey", "1", "NotSupported"),
        ("", "1", "NotSupported"),
    ],
)
def test_change(key: str, value: str, status: str) -> None:
    """Core 5.3: unknown key → NotSupported; read-only key or bad value → Rejected, and nothing changes."""
    told: list[tuple[str, str]] = []
    configuration = heard(Configuration(), told)
    before = {name: each.value for name, each in configuration.keys.items()}
    assert configuration.change(key, value) == status
    changed = {name: each.value for name, each in configuration.keys.items() if each.value != before[name]}
    if status == "Accepted":
        [(name, new)] = told
        assert name.lower() == key.lower() and name in configuration.keys
        assert configuration[name] == new == value
        assert changed.keys() <= {name}
    else:
        assert (changed, told) == ({}, [])


def test_a_key_that_can_be_changed_is_read_by_somebody() -> None:
    """Core 5.3: Accepted means that it is in force. What nobody reads takes its own value and no other."""
    sources = {path.stem: path.read_text("utf-8") for path in (ROOT / "ocpp_lab" / "charge_point").glob("*.py")}
    others = "".join(text for name, text in sources.items() if name != "keys")
    some = ["true", "false", *map(str, range(3)), "60", "Voltage", "1.RST", KEY]
    idle = {
        name
        for name, key in Configuration().keys.items()
        if key.access != "R" and any(key.valid(value) for value in some if value != key.value) and name not in others
    }
    assert not idle, "nobody reads them: let a change be Rejected, or give it an effect"


def test_reading_all_keys() -> None:
    """Core 5.8: no key named means all; a write-only key is not among them (J-spec 6.2.2)."""
    configuration = Configuration()
    configuration.change("AuthorizationKey", KEY)
    for names in (None, []):
        found, unknown = configuration.read(names)
        assert {each.key for each in found} == configuration.keys.keys() - {"AuthorizationKey"}
        assert unknown == []
        assert KEY not in repr(found)


def test_reading_some_keys() -> None:
    """In the order asked for; what is unknown is named back as it was asked for."""
    found, unknown = Configuration().read(["ResetRetries", "Nonsense", "NumberOfConnectors"])
    assert found == [
        KeyValue(key="ResetRetries", readonly=False, value="0"),
        KeyValue(key="NumberOfConnectors", readonly=True, value="1"),
    ]
    assert unknown == ["Nonsense"]
    [in_our_spelling], none = Configuration().read(["resetRETRIES"])
    assert (in_our_spelling.key, none) == ("ResetRetries", [])


def test_a_write_only_key_exists_and_says_nothing() -> None:
    """Asked for by name, it is known, can be written, and its value stays here."""
    configuration = Configuration()
    configuration.change("AuthorizationKey", KEY)
    found, unknown = configuration.read(["AuthorizationKey"])
    assert (found, unknown) == ([KeyValue(key="AuthorizationKey", readonly=False, value=None)], [])


def test_our_own_side_sets_what_it_likes() -> None:
    """Read-only is meant for the central system; nobody is told."""
    told: list[tuple[str, str]] = []
    configuration = heard(Configuration(NumberOfConnectors=2, HeartbeatInterval=60), told)
    configuration["GetConfigurationMaxKeys"] = "10"
    assert (configuration["NumberOfConnectors"], configuration["GetConfigurationMaxKeys"]) == ("2", "10")
    assert configuration.seconds("HeartbeatInterval") == 60.0
    assert told == []
    with pytest.raises(KeyError):
        configuration["NoSuchKey"] = "1"


def test_two_charge_points_share_no_key() -> None:
    one, two = Configuration(), Configuration()
    one.change("HeartbeatInterval", "1")
    assert two["HeartbeatInterval"] == "300"


def test_changes_survive_a_restart(tmp_path: Path) -> None:
    """Core 5.3: what was Accepted is in force, also after a power cut; our own settings are not written."""
    path = str(tmp_path / "cp.db")
    before = Configuration(path)
    assert before.change("heartbeatINTERVAL", "77") == "Accepted"
    assert before.change("AuthorizationKey", KEY) == "Accepted"
    assert before.change("ResetRetries", "many") == "Rejected"
    before["MeterValueSampleInterval"] = "5"
    told: list[tuple[str, str]] = []
    after = heard(Configuration(power_cut(path), HeartbeatInterval=60), told)
    assert after["HeartbeatInterval"] == "60" and not told  # not before its owner is ready
    after.restore()
    assert (after["HeartbeatInterval"], after["AuthorizationKey"]) == ("77", KEY)
    assert (after["ResetRetries"], after["MeterValueSampleInterval"]) == ("0", "60")
    assert sorted(told) == [("AuthorizationKey", KEY), ("HeartbeatInterval", "77")]


def test_what_a_key_cannot_be_any_more_is_left_out(tmp_path: Path) -> None:
    """A file of another version: a key that is gone, and a value that is not valid now."""
    path = str(tmp_path / "cp.db")
    before = Configuration(path)
    before._store.execute("INSERT INTO configuration VALUES ('Gone', '1'), ('HeartbeatInterval', 'soon')")
    after = Configuration(path)
    after.restore()
    assert after["HeartbeatInterval"] == "300" and "Gone" not in after.keys
