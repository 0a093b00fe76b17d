"""Run the parts of a long check, all of them, and say at the end how long each took.

Usage: parts.py NAME COMMAND [NAME COMMAND ...]. Parts whose names begin with & run beside the part before them, two at
a time: live notebooks wait much and compute little. What they print comes when all are over. Exit code 1 if any failed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor

type Outcome = tuple[str, float, int]


def run(name: str, command: str) -> Outcome:
    print(f"\n== {name}: {command}", flush=True)
    start = time.perf_counter()
    code = subprocess.run(command, shell=True).returncode
    return name, time.perf_counter() - start, code


def run_beside(name: str, command: str) -> tuple[Outcome, str]:
    start = time.perf_counter()
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return (name, time.perf_counter() - start, done.returncode), f"\n== {name}: {command}\n{done.stdout}"


def run_all(parts: list[tuple[str, str]]) -> list[Outcome]:
    """Each group of parts after the one before: its first part in sight, those with & beside it."""
    results: list[Outcome] = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        while parts:
            beside: list[Future[tuple[Outcome, str]]] = []
            here = parts.pop(0)
            while parts and parts[0][0].startswith("&"):
                name, command = parts.pop(0)
                beside.append(pool.submit(run_beside, name[1:], command))
            results.append(run(*here))
            for each in beside:
                outcome, text = each.result()
                print(text, flush=True)
                results.append(outcome)
    return results


def main(arguments: list[str]) -> int:
    if not arguments or len(arguments) % 2:
        sys.exit(__doc__)
    start = time.perf_counter()
    results = run_all(list(zip(arguments[::2], arguments[1::2], strict=True)))
    print("\n== summary")
    for name, seconds, code in results:
        print(f"{name:<12} {seconds:7.1f} s   {'ok' if code == 0 else f'FAILED (exit code {code})'}")
    print(f"{'together':<12} {time.perf_counter() - start:7.1f} s")
    return int(any(code for _, _, code in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
