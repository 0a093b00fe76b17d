"""Random orders to a charge point that obeys, refuses, fails, or obeys in silence: the records never miss what it has.

Where every answer came, they are what it has. Where some were lost, they may hold more, and say of which it is unsure.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from ocpp_lab import OcppError
from tests.house import scaled
from tests.operated import DATE, operated, profile
from tests.pair import simulated

LATER = DATE + timedelta(hours=1)
TAGS = ("A", "B", "C")


class Obeying:
    """A charge point as the specification has it, and the humour it is in."""

    def __init__(self, chance: Random, silence: bool) -> None:
        self.chance = chance
        self.silence = silence
        self.reservations: set[int] = set()
        self.profiles: dict[int, tuple[int, int]] = {}  # by id, connector and level
        self.entries: dict[str, str] = {}
        self.version = 0

    async def live(self, peer: Any) -> None:
        while True:
            _, unique_id, action, payload = await peer.hear()
            match self.chance.choices(["obeys", "refuses", "fails", "is silent"], [6, 2, 1, 2 * self.silence])[0]:
                case "obeys":
                    await peer.say(3, unique_id, getattr(self, action)(payload))
                case "refuses":
                    await peer.say(3, unique_id, self.refusal(action, payload))
                case "fails":
                    await peer.say(4, unique_id, "InternalError", "", {})
                case _:
                    getattr(self, action)(payload)

    def refusal(self, action: str, payload: Any) -> Any:
        if action == "SendLocalList":
            return {"status": self.chance.choice(["Failed", "VersionMismatch"])}
        if action in ("CancelReservation", "ClearChargingProfile"):
            return getattr(self, action)(payload)  # a no of theirs would mean that there is nothing (core 5.1, 5.5)
        return {"status": "Occupied" if action == "ReserveNow" else "Rejected"}

    def ReserveNow(self, payload: Any) -> Any:
        self.reservations.add(payload["reservationId"])
        return {"status": "Accepted"}

    def CancelReservation(self, payload: Any) -> Any:
        had = payload["reservationId"] in self.reservations
        self.reservations.discard(payload["reservationId"])
        return {"status": "Accepted" if had else "Rejected"}

    def SetChargingProfile(self, payload: Any) -> Any:
        wanted = payload["csChargingProfiles"]
        place = payload["connectorId"], wanted["stackLevel"]
        self.profiles = {number: where for number, where in self.profiles.items() if where != place}
        self.profiles[wanted["chargingProfileId"]] = place
        return {"status": "Accepted"}

    def ClearChargingProfile(self, payload: Any) -> Any:
        def matches(number: int, place: tuple[int, int]) -> bool:
            if "id" in payload:
                return bool(number == payload["id"])
            given = payload.get("connectorId", place[0]), payload.get("stackLevel", place[1])
            return place == given

        gone = [number for number, place in self.profiles.items() if matches(number, place)]
        for number in gone:
            del self.profiles[number]
        return {"status": "Accepted" if gone else "Unknown"}

    def SendLocalList(self, payload: Any) -> Any:
        if payload["updateType"] == "Full":
            self.entries.clear()
        elif payload["listVersion"] <= self.version:
            return {"status": "VersionMismatch"}
        for each in payload.get("localAuthorizationList", []):
            self.entries.pop(each["idTag"], None)
            if "idTagInfo" in each:
                self.entries[each["idTag"]] = each["idTagInfo"]["status"]
        self.version = payload["listVersion"] if self.entries else 0
        return {"status": "Accepted"}


async def order(operator: Any, chance: Random) -> None:
    """One of the operator's, whatever it is good for."""
    number, connector, level = chance.randint(1, 3), chance.randint(0, 2), chance.randint(0, 1)
    match chance.randrange(6):
        case 0:
            await operator.reserve("CP_1", connector, "TAG", LATER, reservation_id=number)
        case 1:
            await operator.cancel_reservation("CP_1", number)
        case 2 | 3:
            await operator.set_profile("CP_1", connector, profile(id=number, level=level))
        case 4:
            fields: Any = chance.choice([{"id": number}, {"connector_id": connector}, {"stack_level": level}, {}])
            await operator.clear_profiles("CP_1", **fields)
        case 5:
            tags: Any = {tag: chance.choice(["Accepted", "Blocked"]) for tag in TAGS if chance.random() < 0.7}
            await operator.send_list("CP_1", tags, at_most=chance.choice([None, 1]))


@simulated(seeds=scaled(30, 300))
@pytest.mark.parametrize("silence", [False, True])
async def test_the_records_never_miss_what_is_there(silence: bool) -> None:
    loop: Any = asyncio.get_running_loop()
    chance = Random(f"{loop.seed} {silence}")
    async with operated(timeout=1.0) as (operator, peer):
        theirs = Obeying(chance, silence)
        living = asyncio.create_task(theirs.live(peer))
        for _ in range(30):
            with suppress(OcppError):
                await order(operator, chance)
            records = peer.ours.ledger.records
            kept = {row["reservation"] for row in records.reservations.living("CP_1", DATE)}
            installed = {row["profile"] for row in records.profiles.installed("CP_1")}
            assert theirs.reservations <= kept and set(theirs.profiles) <= installed
            if not silence:
                assert theirs.reservations == kept and set(theirs.profiles) == installed
            known = records.lists.of("CP_1")
            if known and known.sure:
                assert {tag: info.status for tag, info in known.entries.items()} == theirs.entries
        living.cancel()
