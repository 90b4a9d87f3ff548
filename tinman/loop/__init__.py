"""A loop around a model that stops, resumes and explains itself.

Everything here loads when first used. ``Loop(goal=..., tools=[...], llm=...).run()`` is the whole of it; ``await
loop.arun()`` is the same inside an event loop.
"""

from __future__ import annotations

from tinman import __version__ as __version__
from tinman import on_demand

_HOMES = {
    "AnthropicLLM": "tinman.loop.llm.anthropic",
    "ApprovalDecision": "tinman.loop.approvals.runners",
    "ApprovalRequest": "tinman.review",
    "ApprovalRunner": "tinman.loop.approvals.runners",
    "ArtifactDriftError": "tinman.errors",
    "CLIApprovalRunner": "tinman.loop.approvals.runners",
    "CallableLLM": "tinman.loop.llm",
    "CallbackApprovalRunner": "tinman.loop.approvals.runners",
    "CostLimit": "tinman.loop.policies",
    "Decision": "tinman.loop.policies",
    "DecisionKind": "tinman.loop.policies",
    "Exit": "tinman.loop.exits",
    "ExitCondition": "tinman.loop.exits",
    "GoalMetric": "tinman.loop.goals",
    "HeadlessApprovalRunner": "tinman.loop.approvals.runners",
    "LLMClient": "tinman.loop.llm",
    "LLMResponse": "tinman.loop.llm",
    "Loop": "tinman.loop.engine",
    "LoopConfigError": "tinman.errors",
    "LoopOwned": "tinman.errors",
    "LoopResult": "tinman.loop.result",
    "LoopStateError": "tinman.errors",
    "LoopStatus": "tinman.loop.result",
    "MetricSnapshot": "tinman.loop.state.records",
    "NestedLoopError": "tinman.errors",
    "NoProgress": "tinman.loop.policies",
    "OpenAILLM": "tinman.loop.llm.openai",
    "Policy": "tinman.loop.policies",
    "PolicyChangedError": "tinman.errors",
    "PytestFailureMetric": "tinman.loop.recipes.testfix",
    "RefactorLoop": "tinman.loop.recipes.refactor",
    "ReproLoop": "tinman.loop.recipes.repro",
    "RequireApproval": "tinman.loop.policies",
    "ReviewComment": "tinman.loop.recipes.review",
    "ReviewLoop": "tinman.loop.recipes.review",
    "SchemaChangedError": "tinman.errors",
    "State": "tinman.loop.state.records",
    "TestFixLoop": "tinman.loop.recipes.testfix",
    "Tool": "tinman.loop.tools.tools",
    "ToolCallReq": "tinman.loop.llm",
    "ToolRegistry": "tinman.loop.tools.tools",
    "UnsupportedTypeError": "tinman.errors",
    "explain": "tinman.loop.explanation",
    "occurrences": "tinman.loop.recipes.refactor",
    "run_command": "tinman.processes.commands",
    "tool": "tinman.loop.tools.tools",
}
__all__ = sorted(_HOMES)
__getattr__ = on_demand(__name__, _HOMES)
