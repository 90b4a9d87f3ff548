"""What the loop itself costs a round: CPU in memory and with SQLite state, and how the prompt grows.

The model is a scripted one that answers at once, the tool returns a short text, so that nearly all CPU is the loop's.
Beside it the released ``tightloop`` package, when it can be imported. ``python benchmarks/loop_overhead.py [ROUNDS]``
exits with 1 when a bound is missed.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinman.loop import CallableLLM, LLMResponse, Loop, ToolCallReq, tool

BOUNDS_MS = {"in memory": 1.0, "SQLite state": 3.0}
GROWTH_BOUND = 1.5
WINDOW = 25
RESULT = "ok: 3 files looked at, nothing found in any of them; next candidates are the parser and the cache. "


@tool
def search(query: str) -> str:
    """Search the sources."""
    return RESULT + query


class Playing:
    """A model of either package: another query each round, and the size of every prompt it was given."""

    def __init__(self, response: Callable[..., Any], request: Callable[..., Any]) -> None:
        self.sizes: list[int] = []
        self.clock: list[tuple[float, float]] = []
        self._numbers = itertools.count()
        self._response = response
        self._request = request

    def __call__(self, messages: list[dict[str, str]], schemas: list[dict[str, Any]]) -> Any:
        self.clock.append((time.perf_counter(), time.process_time()))
        self.sizes.append(sum(len(message["content"]) for message in messages))
        call = self._request(name="search", args={"query": f"where is number {next(self._numbers)} used?"})
        return self._response(text="I look further.", tool_calls=[call], input_tokens=500, output_tokens=40)


def observed(state: Any) -> str:
    return "the build is red: 3 of 120 checks fail\n" * 10


def ours(rounds: int, **place: Any) -> Playing:
    model = Playing(LLMResponse, ToolCallReq)
    loop = Loop(
        "make the build green",
        [search],
        CallableLLM(model),
        observe=observed,
        policies=[],
        max_iterations=rounds,
        token_limit=10**9,
        quiet=True,
        **place,
    )
    loop.run()
    assert len(loop.state.iterations) == rounds
    return model


def theirs(rounds: int, state_path: str | None) -> Playing:
    package = importlib.import_module("loop")
    model = Playing(package.LLMResponse, package.ToolCallReq)

    def search(query: str) -> str:
        """Search the sources."""
        return RESULT + query

    loop = package.Loop(
        "make the build green",
        [package.tool(search)],
        package.CallableLLM(model),
        observe=observed,
        policies=[],
        max_iterations=rounds,
        token_limit=10**9,
        quiet=True,
        state_path=state_path,
    )
    loop.run()
    return model


def is_tightloop_there() -> bool:
    found = importlib.util.find_spec("loop")
    return found is not None and importlib.util.find_spec("loop.core") is not None


def quietest(runs: list[Playing], which: int) -> float:
    """Return milliseconds a round: the least among windows of the second half, since others use this machine too."""
    return min(
        (run.clock[end][which] - run.clock[end - WINDOW][which]) / WINDOW * 1e3
        for run in runs
        for end in range(len(run.clock) // 2 + WINDOW, len(run.clock), 5)
    )


def told(name: str, runs: list[Playing]) -> tuple[float, float]:
    wall, cpu = quietest(runs, 0), quietest(runs, 1)
    sizes = runs[-1].sizes
    growth = sizes[-1] / sizes[19]
    print(f"{name:<34} {cpu:>7.3f} ms CPU   {wall:>7.3f} ms   prompt {sizes[-1]:>7,} characters, x{growth:.2f}")
    return cpu, growth


def main(rounds: int, repeats: int = 10) -> int:
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        places: dict[str, Callable[[int], dict[str, Any]]] = {
            "in memory": lambda n: {},
            "state file": lambda n: {"state_path": Path(folder, f"{n}.json")},
            "SQLite state": lambda n: {"db": Path(folder, f"{n}.db")},
        }
        ours(30)  # everything is imported
        ours(3, db=Path(folder, "first.db"))
        print(
            f"a round of a loop: the quietest {WINDOW} in the second halves of {repeats} runs of {rounds} rounds; "
            "prompt at the last against round 20"
        )
        for name, place in places.items():
            runs = [ours(rounds, **place(n)) for n in range(repeats)]
            cpu, growth = told(f"tinman.loop, {name}", runs)
            if cpu > BOUNDS_MS.get(name, cpu):
                missed.append(f"{name}: {cpu:.3f} ms CPU a round, bound {BOUNDS_MS[name]:g}")
            if growth > GROWTH_BOUND:
                missed.append(f"{name}: prompt grows x{growth:.2f}, bound {GROWTH_BOUND:g}")
        if is_tightloop_there():
            for name, path in (("in memory", None), ("state file", str(Path(folder, "theirs.json")))):
                runs = [theirs(rounds, path) for _ in range(repeats)]
                told(f"tightloop, {name}", runs)
        else:
            print("tightloop is not installed here: pip install tightloop, and run this again, to see it beside")
    for line in missed:
        print(f"MISSED {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
