"""The harness as plain functions, for scripts and notebooks: no event loop, adapters as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import anyio

from tinman.errors import ConfigError
from tinman.harness.measurement import Plan, measure
from tinman.harness.results import ScenarioResult
from tinman.harness.selection import select
from tinman.scenarios.scenario import Scenario
from tinman.targets.adapters.target import AdapterTarget
from tinman.targets.base import Target
from tinman.targets.load import as_target, is_target

T = TypeVar("T")


def as_harness_target(given: Any) -> Target:
    """Return a target for a target, or for an adapter object. Raises ``ConfigError``.

    A live adapter object shares this process: give its factory to the command line to have it in one of its own.
    """
    if is_target(given):
        return as_target(given)
    if callable(getattr(given, "send_user_turn", None)):
        return AdapterTarget(type(given).__qualname__, given)
    raise ConfigError(f"adapter: a {type(given).__name__} has no send_user_turn")


def _waited(work: Callable[[], Any]) -> Any:
    """Run async ``work`` to its end, in a thread of its own when an event loop runs here already (a notebook's)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return anyio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, work).result()


def run_scenarios(
    scenarios: Sequence[Scenario],
    *,
    adapter: Any,
    user_id: str = "tinman",
    allow_destructive: bool = False,
    scenario_filter: Collection[str] | None = None,
    tag_filter: Collection[str] | None = None,
    concurrency: int = 0,
    repeat: int | None = None,
    seed: int = 0,
) -> list[ScenarioResult]:
    """Run the chosen scenarios and return their results in order, each try one. ``adapter`` may be a ``Target``, too.

    Raises ``DefinitionError`` before anything runs: for a malformed scenario, an unknown id, or an empty choice.
    """
    picked = select(scenarios, ids=scenario_filter or (), tags=tag_filter or (), allows_destructive=allow_destructive)
    plan = Plan(user=user_id, concurrency=concurrency, repeat=repeat, seed=seed)
    target = as_harness_target(adapter)
    found = _waited(lambda: measure(target, picked, plan))
    return [run for trials in found.trials for run in trials.runs]


def run_scenario(scenario: Scenario, *, adapter: Any, user_id: str = "tinman", seed: int = 0) -> ScenarioResult:
    """Run one scenario once, destructive or not. Raises ``DefinitionError`` when it is malformed."""
    plan = Plan(user=user_id, repeat=1, seed=seed)
    target = as_harness_target(adapter)
    result: ScenarioResult = _waited(lambda: measure(target, [scenario], plan)).trials[0].runs[0]
    return result
