"""Scenarios: the unit of every experiment, replay and regression test; each name loads when first used."""

from __future__ import annotations

from tinman import on_demand

_HOMES = {
    "Scenario": "tinman.scenarios.scenario",
    "ScenarioResult": "tinman.harness.results",
    "load_scenarios": "tinman.scenarios.files",
    "run_scenario": "tinman.harness.facade",
    "run_scenarios": "tinman.harness.facade",
    "summarize_results": "tinman.harness.results",
}
__all__ = sorted(_HOMES)
__getattr__ = on_demand(__name__, _HOMES)
