"""The six agents, independent of one another; each loads when first used."""

from __future__ import annotations

from tinman import on_demand

_HOMES = {
    "AgentContext": "tinman.agents.base",
    "AgentResult": "tinman.agents.base",
    "AgentState": "tinman.agents.base",
    "BaseAgent": "tinman.agents.base",
    "ExperimentArchitect": "tinman.agents.experiment_architect",
    "ExperimentExecutor": "tinman.agents.experiment_executor",
    "FailureDiscoveryAgent": "tinman.agents.failure_discovery",
    "HypothesisEngine": "tinman.agents.hypothesis_engine",
    "InterventionEngine": "tinman.agents.intervention_engine",
    "SimulationEngine": "tinman.agents.simulation_engine",
}
__all__ = sorted(_HOMES)
__getattr__ = on_demand(__name__, _HOMES)
