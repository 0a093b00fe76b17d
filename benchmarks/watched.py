"""(g) Like (f), with metrics on both ends, each scraped once a second."""

from __future__ import annotations

import asyncio

from ocpp_lab import watch_central_system, watch_charge_point
from ocpp_lab.metrics import Metrics

from . import charge_points, ours

SCRAPE_INTERVAL = 1.0  # seconds; Prometheus itself takes 60 by default

_scrapers: list[asyncio.Task[None]] = []  # keeps them from being collected


async def serve() -> int:
    """The page is asked for over HTTP by the calling end: see `scrape`."""
    port = await ours.serve()
    watch_central_system(ours.central_systems[-1])
    return port


class Caller(charge_points.Caller):
    """Every one has a registry. The first one's process also asks the central system for its page."""

    @classmethod
    async def dial(cls, port: int, number: int) -> Caller:
        caller = cls((await charge_points.Caller.dial(port, number)).charge_point)
        caller.scraper = asyncio.create_task(read(watch_charge_point(caller.charge_point)))
        if number == 0:
            _scrapers.append(asyncio.create_task(scrape(port)))
        return caller

    scraper: asyncio.Task[None]

    async def close(self) -> None:
        self.scraper.cancel()
        for scraper in _scrapers:
            scraper.cancel()
        await super().close()


async def read(metrics: Metrics) -> None:
    """A charge point has no port of its own: its page is read where it is made."""
    while True:
        await asyncio.sleep(SCRAPE_INTERVAL)
        assert "ocpp_calls_total" in metrics.text()


async def scrape(port: int) -> None:
    """Ask the central system for its page."""
    while True:
        await asyncio.sleep(SCRAPE_INTERVAL)
        assert b"ocpp_calls_total" in await get(port, "/metrics")


async def get(port: int, path: str) -> bytes:
    """What a plain GET finds there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    page = await reader.read()
    writer.close()
    return page
