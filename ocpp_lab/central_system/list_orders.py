"""`ListOrders`: bring the local list of a charge point up to date (core 3.5, 5.10, 5.15)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .. import messages as m
from ..errors import Forbidden
from .list_book import NO_LIST, KeptList
from .list_plan import Update, updates
from .order_end import OrderEnd
from .ordering import Ordering
from .orders import Settle
from .tags import KnownTag, whole


class ListSent(NamedTuple):
    """What came of `ListOrders.send_list`: the newest version, the last status, and how many requests it took."""

    version: int
    status: m.UpdateStatus
    requests: int


class ListOrders(Ordering):
    """What each charge point has is in the book of `Records.lists`."""

    async def send_list(
        self,
        identity: str,
        tags: Mapping[str, KnownTag] | None = None,
        *,
        full: bool = False,
        at_most: int | None = None,
    ) -> ListSent:
        """Have it know these tags, and no others; by default those of the policy.

        Only what has changed is sent, under the next version; all of it if nothing sure is known of the list there, and
        after VersionMismatch or Failed (core 5.15). ``at_most``: entries of one request, its SendLocalListMaxLength;
        raises `Forbidden` for none.
        """
        if at_most is not None and at_most < 1:
            raise Forbidden(f"expected at_most of 1 or more, came {at_most}")
        wanted = {tag: whole(info) for tag, info in (self._policy.id_tags if tags is None else tags).items()}
        kept = self._records.lists.of(identity)
        sent, refused = await self._send_all(identity, updates(kept, wanted, full=full, at_most=at_most))
        if refused == "Differential" and sent.status in ("Failed", "VersionMismatch"):
            again, _ = await self._send_all(identity, updates(None, wanted, full=True, at_most=at_most))
            return again._replace(requests=sent.requests + again.requests)
        return sent

    async def _send_all(self, identity: str, plan: list[Update]) -> tuple[ListSent, m.UpdateType | None]:
        """One update after the other, until one is refused: then its kind is told too."""
        sent = ListSent((self._records.lists.of(identity) or NO_LIST).version, "Accepted", 0)
        for update in plan:
            version = sent.version + 1
            sent = ListSent(version, await self._send(identity, update, version), sent.requests + 1)
            if sent.status != "Accepted":
                return sent, update.kind
        return sent, None

    async def _send(self, identity: str, update: Update, version: int) -> m.UpdateStatus:
        request = m.SendLocalListRequest(
            list_version=version,  # never 0 or -1, which mean something else (core errata 3.52)
            local_authorization_list=update.changes or None,
            update_type=update.kind,
        )
        before = self._records.lists.of(identity) or NO_LIST._replace(sure=False)

        def ask() -> Settle:
            self._keep(identity, before._replace(version=version, sure=False))
            return settle

        def settle(outcome: OrderEnd) -> None:
            if outcome.done:
                self._keep(identity, KeptList(version, True, update.leaves))
            elif outcome.done is False and outcome.said not in ("Failed", "VersionMismatch"):
                self._keep(identity, before)  # it has the list that it had

        return (await self._orders.send(identity, request, ask)).status

    def _keep(self, identity: str, kept: KeptList) -> None:
        self._records.lists.keep(identity, kept, self._now())

    async def list_version(self, identity: str) -> int:
        """The version that it says it has: 0 for an empty list, -1 for none at all (core 5.10).

        If that is another one than was kept, the next `send_list` sends all.
        """

        def settle(outcome: OrderEnd) -> None:
            kept = self._records.lists.of(identity)
            told = outcome.answer.list_version if outcome.answer else None
            if kept and kept.sure and told not in (None, kept.version if kept.entries else 0):
                self._keep(identity, kept._replace(sure=False))

        return (await self._orders.send(identity, m.GetLocalListVersionRequest(), lambda: settle)).list_version
