"""Tinman finds out how an AI system fails before its users do, and proves the fix.

Everything here loads when first used, so that ``import tinman`` stays light.
"""

from __future__ import annotations

from tinman.exports import on_demand

_HOMES = {
    "AgentContext": "tinman.agents.base",
    "AgentResult": "tinman.agents.base",
    "ApprovalHandler": "tinman.approvals.handler",
    "DiscoveredFailure": "tinman.records",
    "EventBus": "tinman.events",
    "FailureClass": "tinman.taxonomy",
    "Hypothesis": "tinman.records",
    "Intervention": "tinman.records",
    "Mode": "tinman.config.modes",
    "ResearchCycleResult": "tinman.cycle",
    "Scenario": "tinman.scenarios.scenario",
    "Severity": "tinman.taxonomy",
    "SimulationResult": "tinman.records",
    "Tinman": "tinman.tinman",
    "TinmanError": "tinman.errors",
    "create_tinman": "tinman.tinman",
}
__version__ = "0.1.0"
__all__ = [
    "AgentContext",
    "AgentResult",
    "ApprovalHandler",
    "DiscoveredFailure",
    "EventBus",
    "FailureClass",
    "Hypothesis",
    "Intervention",
    "Mode",
    "ResearchCycleResult",
    "Scenario",
    "Severity",
    "SimulationResult",
    "Tinman",
    "TinmanError",
    "create_tinman",
]
__getattr__ = on_demand(__name__, _HOMES)
