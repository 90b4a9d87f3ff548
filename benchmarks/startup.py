"""What ``tinman --help`` costs beside a bare interpreter: the median of nine cold processes each, and the bound.

``python benchmarks/startup.py`` exits 1 when the bound is missed. Wall time and CPU time are both printed, since a busy
machine stretches only the first. Byte code is cached first, as installing does.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

PROCESSES = 9
BOUND_MS = 150.0
BARE = [sys.executable, "-c", "pass"]
HELP = [sys.executable, "-c", "from tinman.cli.main import main; main(['--help'])"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def once(command: list[str]) -> tuple[float, float]:
    """Return wall and CPU milliseconds of one process."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT, check=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return (time.perf_counter() - started) * 1e3, cpu * 1e3


def main() -> int:
    once(HELP)
    rounds = [(once(BARE), once(HELP)) for _ in range(PROCESSES)]  # in turns, so that both see the same machine
    bare = [statistics.median(bare[i] for bare, _ in rounds) for i in (0, 1)]
    full = [statistics.median(full[i] for _, full in rounds) for i in (0, 1)]
    print(f"{'bare interpreter':<18} {bare[0]:>6.0f} ms   {bare[1]:>4.0f} ms CPU")
    print(f"{'tinman --help':<18} {full[0]:>6.0f} ms   {full[1]:>4.0f} ms CPU")
    costs = full[0] - bare[0]
    print(f"{'difference':<18} {costs:>6.0f} ms   {full[1] - bare[1]:>4.0f} ms CPU   bound {BOUND_MS:.0f} ms")
    return 0 if costs < BOUND_MS else 1


if __name__ == "__main__":
    sys.exit(main())
