"""Tinman finds out how an AI system fails before its users do, and proves the fix.

Everything here loads when first used, so that ``import tinman`` stays light.
"""

from __future__ import annotations

import importlib
from typing import Any

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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tinman' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
