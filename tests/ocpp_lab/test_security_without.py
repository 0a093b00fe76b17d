"""Without the package `cryptography`: what needs it says so, and all else works (extra ``security``)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ocpp_lab import CallFailed
from ocpp_lab import messages as m
from tests.house import ROOT
from tests.pair import pair, simulated

WITHOUT = """
import sys
sys.modules["cryptography"] = None
import ocpp_lab
from ocpp_lab import security
assert security.settled(1).current == 1
assert security.SecurityEvents().log() == []
assert not security.has_cryptography(), "a package that cannot be imported is none"
try:
    security.trouble
except ImportError as error:
    print(error)
"""


def test_it_says_what_is_missing() -> None:
    said = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, cwd=ROOT)
    assert said.stdout == "trouble needs the package cryptography: pip install 'ocpp-lab[security]'\n", said.stderr


@simulated
async def test_a_charge_point_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates are NotSupported, and that is the truth; keys, profiles and events are as ever."""
    for room in ("charge_point.orders", "security"):
        monkeypatch.setattr(f"ocpp_lab.{room}.has_cryptography", lambda: False)
    async with pair() as (central_system, charge_point):
        await charge_point.wait_for("online")
        session = central_system["CP_1"]
        for request in (
            m.InstallCertificateRequest(certificate_type="ManufacturerRootCertificate", certificate="x"),
            m.GetInstalledCertificateIdsRequest(certificate_type="ManufacturerRootCertificate"),
            m.CertificateSignedRequest(certificate_chain="x"),
        ):
            with pytest.raises(CallFailed, match="NotSupported"):
                await session.call(request)  # type: ignore[arg-type]
        change = m.ChangeConfigurationRequest(key="CpoName", value="Lab CPO")
        assert (await session.call(change)).status == "Accepted"
        asked = m.ExtendedTriggerMessageRequest(requested_message="SignChargePointCertificate")
        assert (await session.call(asked)).status == "Rejected"
        key = m.ChangeConfigurationRequest(key="AuthorizationKey", value="0f" * 16)
        assert (await session.call(key)).status == "Accepted"
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        assert charge_point.guard.profile == 1
