"""Tinman finds out how an AI system fails before its users do, and proves the fix.

Everything here loads when first used, so that ``import tinman`` stays light.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
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
__all__ = sorted(_HOMES)


def on_demand(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of ``package``: it takes a name from the module that ``homes`` says, once."""

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return load


__getattr__ = on_demand(__name__, _HOMES)
