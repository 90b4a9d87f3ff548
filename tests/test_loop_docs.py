"""The how-to about loops runs as it is written: every block, in order, in one namespace, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import tinman.loop

PAGE = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "loops.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMES = """
    Loop LoopResult LoopStatus State MetricSnapshot Exit ExitCondition Policy NoProgress CostLimit RequireApproval
    GoalMetric Tool tool ToolRegistry UnsupportedTypeError run_command LLMClient LLMResponse ToolCallReq CallableLLM
    AnthropicLLM OpenAILLM Decision DecisionKind ApprovalRunner ApprovalRequest ApprovalDecision CLIApprovalRunner
    CallbackApprovalRunner HeadlessApprovalRunner TestFixLoop PytestFailureMetric explain NestedLoopError
    LoopConfigError SchemaChangedError ArtifactDriftError
""".split()


def blocks() -> list[tuple[int, str]]:
    """Return the page's blocks with the number of the line each begins at."""
    text = PAGE.read_text(encoding="utf-8")
    return [(text[: found.start(1)].count("\n") + 1, found.group(1)) for found in BLOCK.finditer(text)]


@pytest.mark.slow
def test_every_block_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "page"}
    for line, source in blocks():
        code = compile("\n" * (line - 1) + source, str(PAGE), "exec")
        exec(code, namespace)

    assert len(blocks()) >= 14


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
