"""The names of ``tinman.loop``, and what importing it costs. Its how-to is executed with the other documents."""

from __future__ import annotations

import pytest

import tinman.loop

NAMES = """
    Loop LoopResult LoopStatus State MetricSnapshot Exit ExitCondition Policy NoProgress CostLimit RequireApproval
    GoalMetric Tool tool ToolRegistry UnsupportedTypeError run_command LLMClient LLMResponse ToolCallReq CallableLLM
    AnthropicLLM OpenAILLM Decision DecisionKind ApprovalRunner ApprovalRequest ApprovalDecision CLIApprovalRunner
    CallbackApprovalRunner HeadlessApprovalRunner TestFixLoop PytestFailureMetric explain NestedLoopError
    LoopConfigError SchemaChangedError ArtifactDriftError
""".split()


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(tinman.loop, name).__name__ == name
    assert name in tinman.loop.__all__


def test_the_clients_are_in_modules_of_their_own_too() -> None:
    from tinman.loop.llm.anthropic import AnthropicLLM
    from tinman.loop.llm.openai import OpenAILLM

    assert (AnthropicLLM, OpenAILLM) == (tinman.loop.AnthropicLLM, tinman.loop.OpenAILLM)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tinman.loop.nothing


def test_importing_the_package_loads_nothing_heavy() -> None:
    from test_light_imports import HEAVY, loaded_by

    assert not loaded_by("import tinman.loop") & HEAVY
    assert not loaded_by("from tinman.loop import Loop, tool, CallableLLM") & {"sqlalchemy", "anthropic", "openai"}
