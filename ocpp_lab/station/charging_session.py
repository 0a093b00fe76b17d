"""`ChargingSession`: what goes on at one connector, from the first touch to the free place (core 3.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..messages import AuthorizationStatus, ChargePointErrorCode
from .connector import Connector
from .facts import Facts, Happening, happens, status_of
from .status import told

EV_SIDE = "EV side disconnected"
"""The info that goes with the status when a car is pulled from its end of the cable (core 4.9)."""


class Holder(NamedTuple):
    """A tag and its group, as far as it is known."""

    tag: str
    parent: str | None = None


class ChargingSession:
    """The facts of one connector, and their effects on it: its status, and its contactor.

    It decides nothing and writes nothing down: `after` says what would come of an event; who wrote down what has to be
    written lets it `take` that. What comes of an event is for ``happens`` to say.
    """

    def __init__(self, connector: Connector, happens: Callable[..., list[Facts]] = happens) -> None:
        self.connector = connector
        self.happens = happens
        self.facts = Facts(operative=connector.operative)
        """What is known; `take` sets it."""
        self.holder: Holder | None = None
        """Whose tag waits or runs, or ran last while its cable is still in; None while there is no such tag."""
        self.denied: AuthorizationStatus | None = None
        """What the central system said of the tag that runs, if it is not accepted after all; set by `deny`."""
        self.error_code: ChargePointErrorCode = "NoError"
        """Of the fault that there is; set by `break_down`, and meaningless without one."""
        self.error_info: str | None = None
        """What else is to be said of it; None if nothing is."""
        self._pauses: set[str] = set()  # why we offer nothing

    @property
    def running(self) -> tuple[str, str | None] | None:
        """Tag and group of the transaction that runs here, for `rights.presented`."""
        return (self.holder.tag, self.holder.parent) if self.facts.phase == "running" and self.holder else None

    def after(self, event: Happening, tag: str | None = None, *, stop_on_unplug: bool = True) -> list[Facts]:
        """What would come of an event; see `facts.happens`. Nothing changes."""
        return self.happens(self.facts, event, tag, stop_on_unplug=stop_on_unplug)

    def take(self, chain: list[Facts], *, info: str | None = None) -> None:
        """It came so: every status on the way is told, and energy flows or does not. ``info`` goes with the first one
        that says that a transaction waits or is over."""
        for number, link in enumerate(chain, 1):
            if link.phase == "running" and self.facts.phase != "running":
                link = link._replace(takes=not self.connector.full)  # core 4.9, B4
            if link.phase == "running" and self._pauses:
                link = link._replace(offers=False)
            self.facts = link
            if link.phase == "over" and not link.cable:
                continue  # nothing has to be pulled, so nobody is finishing (core 4.9: C1, C8, D1, D8, E1, E8)
            if link.phase == "free" and number < len(chain):
                continue  # somebody is here already (core 4.9: H2, I2)
            info = self._tell(info)
        self._forget()
        self._obey()

    def restore(self, facts: Facts) -> None:
        """What a power cut left goes on."""
        self.facts = facts._replace(offers=facts.offers and not self._pauses)
        self.connector.restore(status_of(self.facts))
        self._obey()

    def _tell(self, info: str | None) -> str | None:
        """Returns the info if it was not told."""
        for status in told(self.connector.status, status_of(self.facts)):
            fits = status in ("SuspendedEV", "SuspendedEVSE", "Finishing")
            if status == "Faulted":
                self.connector.become(status, error_code=self.error_code, info=self.error_info)
            else:
                self.connector.become(status, info=info if fits else None)
            info = None if fits else info
        return info

    def _forget(self) -> None:
        """What belongs to nobody any more."""
        if self.facts.phase != "running":
            self.denied = None
            self._pauses &= {"limit"}
        if self.facts.tag is None and self.facts.phase != "over":
            self.holder = None

    def _obey(self) -> None:
        facts = self.facts
        flows = facts.phase == "running" and facts.cable and facts.offers and not facts.fault
        if flows != self.connector.closed:
            (self.connector.close_contactor if flows else self.connector.open_contactor)()

    # -- what we do to the energy

    def pause(self, why: str) -> None:
        """Offer nothing, until every reason is gone."""
        self._pauses.add(why)
        self.take(self.after("we pause"))

    def expect(self, why: str, paused: bool) -> None:
        """Whether a transaction that begins next offers nothing, for this reason."""
        (self._pauses.add if paused else self._pauses.discard)(why)

    def go_on(self, why: str) -> None:
        """This reason is gone."""
        self._pauses.discard(why)
        if not self._pauses:
            self.take(self.after("we go on"))

    def break_down(self, error_code: ChargePointErrorCode, info: str | None = None) -> None:
        """A fault: no energy, until it is repaired; a transaction is not ended by it."""
        self.error_code, self.error_info = error_code, info
        self.take(self.after("fault"))
        self.connector.become("Faulted", error_code=error_code, info=info)  # a second fault beside the first
