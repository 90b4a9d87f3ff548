"""What short commands cost beside a bare interpreter: the median of nine cold processes each, and the bounds.

``python benchmarks/startup.py`` exits 1 when a bound is missed. Wall time and CPU time are both printed, since a busy
machine stretches only the first. Byte code is cached first, as installing does.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROCESSES = 9
BARE = [sys.executable, "-c", "pass"]
TINMAN = [sys.executable, "-c", "import sys; from tinman.cli.main import main; sys.argv[0] = 'tinman'; main()"]
BOUNDS_MS = {
    "--help": 150.0,
    "scenarios": 150.0,
    "scenarios --help": 150.0,
    "scenarios list sc": 300.0,
    "scenarios validate sc": 300.0,
    "failures list": 300.0,
}
SCENARIO = '{"scenario_id": "s", "turns": [{"user": "hi", "checks": [{"type": "assistant_matches", "pattern": "hi"}]}]}'

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def once(command: list[str], folder: str) -> tuple[float, float]:
    """Return wall and CPU milliseconds of one process."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT, cwd=folder, check=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return (time.perf_counter() - started) * 1e3, cpu * 1e3


def main() -> int:
    """Print one line for each command; all of them take turns, so that they see the same machine."""
    commands = {"bare interpreter": BARE, **{words: [*TINMAN, *words.split()] for words in BOUNDS_MS}}
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        few = "--max-hypotheses 2 --max-experiments 1 --max-interventions 0"
        (Path(folder) / "sc").mkdir()
        (Path(folder) / "sc" / "s.json").write_text(SCENARIO)
        once([*TINMAN, "research", "--quiet", *few.split()], folder)  # a store to list from
        for command in commands.values():
            once(command, folder)
        rounds = [{name: once(command, folder) for name, command in commands.items()} for _ in range(PROCESSES)]
    median = {name: [statistics.median(each[name][i] for each in rounds) for i in (0, 1)] for name in commands}
    bare = median.pop("bare interpreter")
    print(f"{'bare interpreter':<22} {bare[0]:>6.0f} ms   {bare[1]:>4.0f} ms CPU")
    for name, (wall, cpu) in median.items():
        bound = BOUNDS_MS[name]
        missed += wall - bare[0] >= bound
        print(f"{name:<22} {wall:>6.0f} ms   {cpu:>4.0f} ms CPU   {wall - bare[0]:+.0f} ms, bound {bound:.0f}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
