"""How close the scenario harness comes to its concurrency bound, and what many results cost in memory.

1,000 scenarios of 3 turns against an asynchronous target of 20 ms, 64 at a time: the bound is ceil(1000 / 64) x 3 x
20 ms. Prints the ratio (at most 2 is wanted), then how much 10,000 results grow the process (at most 200 MB).
"""

from __future__ import annotations

import gc
import math
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio

from tinman.harness.measurement import Plan, measure
from tinman.harness.reports.artifacts import Artifacts
from tinman.scenarios.files import read_scenario
from tinman.scenarios.scenario import Scenario
from tinman.targets.adapters.target import AdapterTarget

SCENARIOS, TURNS, DELAY, AT_ONCE, MANY = 1_000, 3, 0.020, 64, 10_000


class Slow:
    """An asynchronous adapter that answers after a while."""

    def __init__(self, delay: float) -> None:
        self.delay = delay

    async def send_user_turn(self, *, user_id: str, user_text: str, correlation_id: str) -> str:
        """Wait, then answer with some text."""
        await anyio.sleep(self.delay)
        return f"You said: {user_text}. " + "The opening hours are 9 to 17. " * 8


def library(count: int) -> list[Scenario]:
    """Return scenarios of three turns with two checks each."""
    checks = [
        {"type": "assistant_contains_all", "values": ["9 to 17"]},
        {"type": "assistant_not_contains", "values": ["closed"]},
    ]
    return [
        read_scenario(
            {
                "scenario_id": f"s-{n}",
                "turns": [{"user": f"question {t} of {n}", "checks": checks} for t in range(TURNS)],
            },
            source="benchmark",
        )
        for n in range(count)
    ]


def megabytes() -> float:
    """Return what the process holds now, or its peak where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return pages * resource.getpagesize() / 1e6


async def main() -> dict[str, Any]:
    """Measure both, print them, and return the figures."""
    scenarios = library(SCENARIOS)
    target = AdapterTarget("slow", Slow(DELAY))
    started, busy = time.perf_counter(), time.process_time()
    found = await measure(target, scenarios, Plan(concurrency=AT_ONCE))
    seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    bound = math.ceil(SCENARIOS / AT_ONCE) * TURNS * DELAY
    assert found.is_green
    print(f"{SCENARIOS} scenarios x {TURNS} turns, {DELAY * 1000:.0f} ms a turn, {AT_ONCE} at a time")
    print(f"  {seconds:.2f} s, bound {bound:.2f} s, ratio {seconds / bound:.2f} (at most 2 wanted)")
    print(f"  {1000 * cpu / (SCENARIOS * TURNS):.2f} ms of CPU a turn, {SCENARIOS / seconds:.0f} scenarios a second")
    del found, scenarios
    gc.collect()
    many = library(MANY)
    before = megabytes()
    found = await measure(AdapterTarget("quick", Slow(0)), many, Plan(concurrency=AT_ONCE))
    after = megabytes()
    with tempfile.TemporaryDirectory() as folder:
        Artifacts(Path(folder)).write(found, {})
        size = (Path(folder) / "latest.json").stat().st_size / 1e6
    peak = megabytes()
    print(
        f"{MANY} results of {TURNS} turns: {after - before:+.0f} MB held, {peak - before:+.0f} MB after a report",
        end="",
    )
    print(f" of {size:.0f} MB (at most 200 wanted)")
    return {"ratio": seconds / bound, "megabytes": peak - before}


if __name__ == "__main__":
    figures = anyio.run(main)
    sys.exit(0 if figures["ratio"] <= 2 and figures["megabytes"] <= 200 else 1)
