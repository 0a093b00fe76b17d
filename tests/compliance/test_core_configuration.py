"""Core, configuration, cache, data transfer and triggers (core 5.3, 5.4, 5.6, 5.8, 5.17, 9)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_lab import messages as m
from tests.compliance.script import Refused, ScriptedCentralSystem, at_charge_point
from tests.pair import simulated

REQUIRED = [
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
    "LocalAuthListEnabled",
    "LocalAuthListMaxLength",
    "SendLocalListMaxLength",
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "MaxChargingProfilesInstalled",
]
"""What core 9 requires of a charge point with all profiles."""


async def read(script: ScriptedCentralSystem, *keys: str) -> dict[str, Any]:
    return await script.says("GetConfiguration", **({"key": list(keys)} if keys else {}))


async def change(script: ScriptedCentralSystem, key: str, value: str) -> str:
    return str((await script.says("ChangeConfiguration", key=key, value=value))["status"])


@simulated(seed=1)
async def test_every_required_key_is_there() -> None:
    """Core 9."""
    async with at_charge_point() as (script, _):
        found = {each["key"] for each in (await read(script))["configurationKey"]}
        assert not set(REQUIRED) - found


@simulated(seed=1)
async def test_the_profiles_are_told() -> None:
    """Core 9.1, 3.3."""
    async with at_charge_point() as (script, _):
        [entry] = (await read(script, "SupportedFeatureProfiles"))["configurationKey"]
        assert set(entry["value"].split(",")) == {
            "Core",
            "FirmwareManagement",
            "LocalAuthListManagement",
            "Reservation",
            "SmartCharging",
            "RemoteTrigger",
        }


@simulated(seed=1)
async def test_unknown_keys_are_named() -> None:
    """Core 5.8."""
    async with at_charge_point() as (script, _):
        answer = await read(script, "HeartbeatInterval", "NoSuchKey")
        assert [each["key"] for each in answer["configurationKey"]] == ["HeartbeatInterval"]
        assert answer["unknownKey"] == ["NoSuchKey"]


@simulated(seed=1)
@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("NoSuchKey", "1", "NotSupported"),
        ("NumberOfConnectors", "3", "Rejected"),
        ("HeartbeatInterval", "-1", "Rejected"),
        ("MeterValuesSampledData", "Banana", "Rejected"),
        ("MeterValuesSampledData", "Energy.Active.Import.Register,Power.Active.Import", "Accepted"),
        ("MeterValuesAlignedData", "Voltage", "Accepted"),
        ("StopTxnSampledData", "Energy.Active.Import.Register", "Accepted"),
        ("ConnectorPhaseRotation", "banana", "Rejected"),
        ("ConnectorPhaseRotation", "0.RST,1.RST,2.RTS", "Accepted"),
        ("ClockAlignedDataInterval", "900", "Accepted"),
        ("ResetRetries", "2", "Accepted"),
        ("UnlockConnectorOnEVSideDisconnect", "false", "Accepted"),
        ("MaxEnergyOnInvalidId", "500", "Accepted"),
        ("MinimumStatusDuration", "2", "Accepted"),
    ],
)
async def test_what_can_be_changed(key: str, value: str, status: str) -> None:
    """Core 5.3, 9.1: a value that is not possible is Rejected, and the old one stays."""
    async with at_charge_point() as (script, _):
        assert await change(script, key, value) == status
        answer = await read(script, key)
        if status == "Accepted":
            assert answer["configurationKey"][0]["value"] == value
        elif status == "Rejected":
            assert answer["configurationKey"][0].get("value") != value


@simulated(seed=1)
async def test_a_change_outlives_a_reset() -> None:
    """Core 5.3, 5.14."""
    async with at_charge_point() as (script, _):
        assert await change(script, "ConnectionTimeOut", "77") == "Accepted"
        await script.says("Reset", type="Hard")
        await script.boots()
        assert (await read(script, "ConnectionTimeOut"))["configurationKey"][0]["value"] == "77"


@simulated(seed=1)
async def test_clear_cache() -> None:
    """Core 5.4: with a cache Accepted, and the tag is asked for again; without one Rejected (core errata 3.23)."""
    keys = {"AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "true"}
    async with at_charge_point(keys=keys) as (script, charge_point):
        await script.starts(charge_point)
        charge_point.charging.unplug(1)
        await script.hears("StopTransaction")
        assert (await script.says("ClearCache"))["status"] == "Accepted"
        charge_point.charging.plug_in(1)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        charge_point.configuration["AuthorizationCacheEnabled"] = "false"
        assert (await script.says("ClearCache"))["status"] == "Rejected"


@simulated(seed=1)
async def test_data_of_an_unknown_vendor() -> None:
    """Core 5.6."""
    async with at_charge_point() as (script, _):
        assert (await script.says("DataTransfer", vendorId="org.example"))["status"] == "UnknownVendorId"


@simulated(seed=1)
async def test_data_of_a_known_vendor() -> None:
    """Core 5.6, 4.3: what the vendor says goes back; and the charge point may send, too."""

    def echo(request: m.DataTransferRequest) -> m.DataTransferResponse:
        return m.DataTransferResponse(status="Accepted", data=request.data)

    async with at_charge_point(vendors={"org.example": echo}) as (script, charge_point):
        answer = await script.says("DataTransfer", vendorId="org.example", messageId="m", data="hello")
        assert answer == {"status": "Accepted", "data": "hello"}
        assert (await charge_point.vendor_messages.send("org.example", "m", "hi")).status == "Accepted"
        assert await script.hears("DataTransfer") == {"vendorId": "org.example", "messageId": "m", "data": "hi"}


# --- TriggerMessage ---------------------------------------------------------------------------------------------------


async def trigger(script: ScriptedCentralSystem, message: str, **more: Any) -> str:
    return str((await script.says("TriggerMessage", requestedMessage=message, **more))["status"])


@simulated(seed=1)
async def test_trigger_a_heartbeat() -> None:
    """Core 5.17."""
    async with at_charge_point() as (script, _):
        assert await trigger(script, "Heartbeat") == "Accepted"
        await asyncio.sleep(1)
        assert len(script.apart["Heartbeat"]) == 1


@simulated(seed=1)
async def test_trigger_the_status_of_one_and_of_all() -> None:
    """Core 5.17: without a connector all are told."""
    async with at_charge_point() as (script, _):
        assert await trigger(script, "StatusNotification", connectorId=2) == "Accepted"
        await script.hears_status(2, "Available")
        await script.hears_no("StatusNotification", seconds=5)
        assert await trigger(script, "StatusNotification") == "Accepted"
        for connector in (0, 1, 2):
            await script.hears_status(connector, "Available")


@simulated(seed=1)
async def test_trigger_meter_values_without_a_transaction() -> None:
    """Core 5.17, 7.31: context Trigger, and no transactionId."""
    async with at_charge_point() as (script, _):
        assert await trigger(script, "MeterValues", connectorId=1) == "Accepted"
        values = await script.hears("MeterValues")
        assert "transactionId" not in values
        assert {each["context"] for each in values["meterValue"][0]["sampledValue"]} == {"Trigger"}


@simulated(seed=1)
async def test_trigger_meter_values_in_a_transaction() -> None:
    """Core 5.17, 4.7: with its transactionId."""
    async with at_charge_point() as (script, charge_point):
        transaction = await script.starts(charge_point)
        assert await trigger(script, "MeterValues", connectorId=1) == "Accepted"
        assert (await script.hears("MeterValues"))["transactionId"] == transaction


@simulated(seed=1)
@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("DiagnosticsStatusNotification", {"status": "Idle"}),
        ("FirmwareStatusNotification", {"status": "Idle"}),
    ],
)
async def test_trigger_what_a_job_does(message: str, said: dict[str, str]) -> None:
    """Core 4.4, 4.5, 5.17: Idle only because it was asked for."""
    async with at_charge_point() as (script, _):
        assert await trigger(script, message) == "Accepted"
        assert await script.hears(message) == said


@simulated(seed=1)
async def test_trigger_an_unknown_connector() -> None:
    """Core 5.17: Rejected."""
    async with at_charge_point() as (script, _):
        assert await trigger(script, "StatusNotification", connectorId=9) == "Rejected"


@simulated(seed=1)
async def test_trigger_the_status_of_the_charge_point() -> None:
    """Core 5.17: with connectorId 0 it is that of the charge point itself, and no other."""
    async with at_charge_point() as (script, _):
        assert await trigger(script, "StatusNotification", connectorId=0) == "Accepted"
        assert (await script.hears_status(0, "Available"))["errorCode"] == "NoError"
        await script.hears_no("StatusNotification", seconds=10)


@simulated(seed=1)
@pytest.mark.parametrize("connector", [0, 1, 9])
async def test_trigger_what_has_no_connector(connector: int) -> None:
    """Core 5.17: a connectorId that is not relevant to the message is ignored."""
    async with at_charge_point() as (script, _):
        assert await trigger(script, "FirmwareStatusNotification", connectorId=connector) == "Accepted"
        assert (await script.hears("FirmwareStatusNotification"))["status"] == "Idle"


@simulated(seed=1)
@pytest.mark.parametrize("action", ["TriggerMessage", "ExtendedTriggerMessage"])
@pytest.mark.parametrize("wanted", ["StopTransaction", "Teapot", "statusNotification"])
async def test_trigger_an_unknown_message(action: str, wanted: str) -> None:
    """Core 5.17, 7.44; whitepaper 6.15: NotImplemented is a status, and no CallError."""
    async with at_charge_point() as (script, _):
        assert await script.says(action, requestedMessage=wanted, connectorId=1) == {"status": "NotImplemented"}
        await script.hears_no(seconds=10)


@simulated(seed=1)
async def test_trigger_a_boot_after_an_accepted_one() -> None:
    """Core errata 3.35: recommended to be Rejected."""
    async with at_charge_point() as (script, _):
        assert await trigger(script, "BootNotification") == "Rejected"
        await script.hears_no("BootNotification", seconds=10)


@simulated(seed=1)
async def test_an_unknown_action() -> None:
    """J-spec 4.2.3: NotImplemented."""
    async with at_charge_point() as (script, _):
        try:
            await script.says("Dance")
        except Refused as refused:
            assert refused.code == "NotImplemented"
        else:
            raise AssertionError("it was answered")
