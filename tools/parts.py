"""Run the parts of a long check one after another, all of them, and say at the end how long each took.

Usage: parts.py NAME COMMAND [NAME COMMAND ...]. Exit code 1 if any part failed.
"""

from __future__ import annotations

import subprocess
import sys
import time


def run(name: str, command: str) -> tuple[str, float, int]:
    print(f"\n== {name}: {command}", flush=True)
    start = time.perf_counter()
    code = subprocess.run(command, shell=True).returncode
    return name, time.perf_counter() - start, code


def main(arguments: list[str]) -> int:
    if not arguments or len(arguments) % 2:
        sys.exit(__doc__)
    results = [run(name, command) for name, command in zip(arguments[::2], arguments[1::2], strict=True)]
    print("\n== summary")
    for name, seconds, code in results:
        print(f"{name:<12} {seconds:7.1f} s   {'ok' if code == 0 else f'FAILED (exit code {code})'}")
    print(f"{'together':<12} {sum(seconds for _, seconds, _ in results):7.1f} s")
    return int(any(code for _, _, code in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
