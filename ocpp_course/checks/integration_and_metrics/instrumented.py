"""`Instrumented`: a learner's instruments in a real charge point: under its session, and under its transport.

They go in by the arguments that `ChargePoint` has for both. What they are told is counted here as well, so that the
page can be compared with it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry

from ocpp_lab.errors import FrameError
from ocpp_lab.frames import Call, CallResult, decode
from ocpp_lab.session import Session
from ocpp_lab.tally import outcome_of
from ocpp_lab.transport import Transport

from ..fitted import SeenPipe


class Instrumented:
    """``ChargePoint(…, session=it.session(Session), transport=it.transport(Transport))``"""

    def __init__(self, instruments: Callable[[CollectorRegistry], Any]) -> None:
        self.registry = CollectorRegistry()
        self.instruments = instruments(self.registry)
        self.started: Counter[str] = Counter()
        self.ended: Counter[tuple[str, str]] = Counter()
        self.frames: Counter[tuple[str, str]] = Counter()

    def session(self, kind: Callable[..., Any] = Session) -> Callable[..., Any]:
        """The same kind of session; each of its calls is counted."""
        if not isinstance(kind, type):
            raise TypeError(f"expected a class of sessions, came {kind!r}")
        told = self

        class Counted(kind):  # type: ignore[misc,valid-type]
            async def call(self, request: Any, **options: Any) -> Any:
                with told.call(request.action):
                    return await super().call(request, **options)

        return Counted

    def transport(self, kind: Callable[..., Any] = Transport) -> Callable[..., Any]:
        """The same kind of transport, over a pipe whose texts are counted."""
        return lambda pipe, **options: kind(self.pipe(pipe), **options)

    def pipe(self, pipe: Any) -> Any:
        """The pipe, with its texts counted."""
        return SeenPipe(pipe, partial(self.frame, "out"), partial(self.frame, "in"))

    @contextmanager
    def call(self, action: str) -> Iterator[None]:
        """Count a start, and one end."""
        time, error = asyncio.get_running_loop().time, None
        begun = time()
        self.started[action] += 1
        self.instruments.call_started(action)
        try:
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            outcome = outcome_of(error)
            self.ended[action, outcome] += 1
            self.instruments.call_ended(action, outcome, time() - begun)

    def frame(self, direction: str, text: str | bytes) -> None:
        """Count a text, if it is a frame."""
        try:
            frame = decode(text) if isinstance(text, str) else None
        except FrameError:
            return
        if frame is not None:
            kind = "call" if isinstance(frame, Call) else "result" if isinstance(frame, CallResult) else "error"
            self.frames[direction, kind] += 1
            self.instruments.frame(direction, kind, text)

    def page(self) -> dict[str, float]:
        """Every series of the registry, as it stands in the exposition."""
        samples = [sample for family in self.registry.collect() for sample in family.samples]
        return {_key(sample.name, sample.labels): sample.value for sample in samples}

    def pending(self) -> dict[str, int]:
        """Calls that are under way, by action."""
        under_way = Counter(self.started)
        for (action, _), count in self.ended.items():
            under_way[action] -= count
        return {action: count for action, count in under_way.items() if count}

    def differences(self) -> list[str]:
        """Series of the page that are not what the instruments were told."""
        page = self.page()
        told = {_key("ocpp_calls_started_total", {"action": action}): n for action, n in self.started.items()}
        for (action, outcome), count in self.ended.items():
            told[_key("ocpp_calls_total", {"action": action, "outcome": outcome})] = count
        for (direction, kind), count in self.frames.items():
            told[_key("ocpp_frames_total", {"direction": direction, "kind": kind})] = count
        return [
            f"{key} is {page.get(key, 0.0):g}, not {count}" for key, count in told.items() if page.get(key) != count
        ]


def _key(name: str, labels: dict[str, str]) -> str:
    inside = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name
