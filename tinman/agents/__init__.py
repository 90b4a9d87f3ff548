"""The six agents, independent of one another; each loads when first used."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "AgentContext": "base",
    "AgentResult": "base",
    "AgentState": "base",
    "BaseAgent": "base",
    "ExperimentArchitect": "experiment_architect",
    "ExperimentExecutor": "experiment_executor",
    "FailureDiscoveryAgent": "failure_discovery",
    "HypothesisEngine": "hypothesis_engine",
    "InterventionEngine": "intervention_engine",
    "SimulationEngine": "simulation_engine",
}
__all__ = [
    "AgentContext",
    "AgentResult",
    "AgentState",
    "BaseAgent",
    "ExperimentArchitect",
    "ExperimentExecutor",
    "FailureDiscoveryAgent",
    "HypothesisEngine",
    "InterventionEngine",
    "SimulationEngine",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tinman.agents' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tinman.agents.{_HOMES[name]}"), name)
