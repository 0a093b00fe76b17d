"""`explore`: the same scenario under many seeds, until one breaks it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import batched
from typing import Any

from ..pipe import WIRE_LOG
from .report import Failure, Report, failure_of
from .run import Run, Scenario, _elsewhere, set_aside

BATCH = 25
"""Seeds that a process runs before it reports."""

Outcome = tuple[int, float, Counter[str], Failure | None]
"""Seeds that ran, simulated seconds, what was counted, the first failure."""


def explore(
    scenario: Scenario[Any],
    seeds: Iterable[int],
    jobs: int = 1,
    *,
    progress: Callable[[Report], object] | None = None,
) -> Report:
    """Run a scenario under each seed; stops at the first that breaks an invariant, and tells how to see it again.

    ``jobs`` above 1 uses that many processes; the scenario must then be importable (a function of a module, or a
    `functools.partial` of one). ``progress`` is told of the report so far, now and then.
    """
    report = Report()
    batches: Iterator[tuple[int, ...]] = batched(seeds, BATCH)
    outcomes = _in_processes(scenario, batches, jobs) if jobs > 1 else (run_batch(scenario, each) for each in batches)
    for ran, seconds, counted, failure in outcomes:
        report.seeds += ran
        report.seconds += seconds
        report.counted.update(counted)
        report.failure = failure
        if progress:
            progress(report)
        if failure:
            break
    return report


def run_batch(scenario: Scenario[Any], seeds: Iterable[int]) -> Outcome:
    """Some seeds one after the other, up to the first failure."""
    ran, seconds, counted = 0, 0.0, Counter[str]()
    for seed in seeds:
        with quiet(), set_aside():
            run, failure = _elsewhere(lambda: _run(scenario, seed))  # noqa: B023 - it is called at once
            ran, seconds = ran + 1, seconds + run.seconds
            if isinstance(run.result, Counter):
                counted.update(run.result)
            del run
        if failure:
            return ran, seconds, counted, failure
    return ran, seconds, counted, None


@contextmanager
def quiet() -> Iterator[None]:
    """Trouble is what a scenario is full of; the report tells what matters."""
    levels = {log: log.level for log in (logging.getLogger("ocpp_lab"), WIRE_LOG)}
    for log in levels:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for log, level in levels.items():
            log.setLevel(level)


def _run(scenario: Scenario[Any], seed: int) -> tuple[Run[Any], Failure | None]:
    run = Run(scenario, seed)
    return run, failure_of(run, scenario)


def _in_processes(scenario: Scenario[Any], batches: Iterator[tuple[int, ...]], jobs: int) -> Iterator[Outcome]:
    """Outcomes in the order of the batches, so that the first failure is that of the lowest seed."""
    from concurrent.futures import ProcessPoolExecutor  # not at the top: a browser's Python has no processes
    from multiprocessing import get_context

    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(run_batch, scenario, batch) for _, batch in zip(range(2 * jobs), batches, strict=False)]
        try:
            while waiting:
                yield waiting.pop(0).result()
                if batch := next(batches, None):
                    waiting.append(pool.submit(run_batch, scenario, batch))
        finally:
            pool.shutdown(cancel_futures=True)
