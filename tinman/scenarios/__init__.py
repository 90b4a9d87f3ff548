"""Scenarios: the unit of every experiment, replay and regression test; each name loads when first used."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "Scenario": "tinman.scenarios.scenario",
    "ScenarioResult": "tinman.harness.results",
    "load_scenarios": "tinman.scenarios.files",
    "run_scenario": "tinman.harness.library",
    "run_scenarios": "tinman.harness.library",
    "summarize_results": "tinman.harness.results",
}
__all__ = [
    "Scenario",
    "ScenarioResult",
    "load_scenarios",
    "run_scenario",
    "run_scenarios",
    "summarize_results",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tinman.scenarios' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
