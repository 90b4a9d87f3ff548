"""The reference's own recipes run as they are written there, with the import path of this package.

The names they assume (a model, tools, a ticket system) are given by fixtures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio.to_thread
import pytest
from loopback import Call, Say, serve
from loops import Counting, playing, says

from tinman.loop import HeadlessApprovalRunner, Loop, RequireApproval, State, Tool
from tinman.loop.explanation import ExplainReport

QUICK_START = '''
from tinman.loop import Loop, tool
from tinman.loop.llm.anthropic import AnthropicLLM     # or tinman.loop.llm.openai.OpenAILLM

@tool
def read_file(path: str) -> str:
    """Read a file."""
    return open(path).read()

@tool
def edit_file(path: str, content: str) -> str:
    """Overwrite a file."""
    open(path, "w").write(content)
    return f"wrote {path}"

loop = Loop(
    goal="Fix the failing tests",
    tools=[read_file, edit_file],
    llm=AnthropicLLM(),                # ANTHROPIC_API_KEY from env
)
result = loop.run()

print(result.status)                   # SUCCESS, BUDGET_EXHAUSTED, NO_PROGRESS, ...
print(result.recommended_action)       # every status tells you what to do next
print(loop.explain().render())         # full "why did it stop" report
'''

FIX_TESTS = """
from tinman.loop import TestFixLoop
from tinman.loop.llm.anthropic import AnthropicLLM

result = TestFixLoop(
    llm=AnthropicLLM(),
    repo="path/to/repo",
    test_cmd="python -m pytest -q -rf --tb=short",
).run()
"""

CEILING_AND_RESUME = """
result = Loop(goal="...", tools=tools, llm=llm,
              token_limit=50_000, state_path="loop_state.json").run()

if result.status == "BUDGET_EXHAUSTED":
    print(result.reason)               # e.g. "token_limit (50,000) reached"
    result = Loop.resume(
        "loop_state.json", tools=tools, llm=llm,
        extend={"token_limit": 200_000},
    )
"""

APPROVAL = """
from tinman.loop import Loop, RequireApproval, CallbackApprovalRunner

loop = Loop(
    goal="Clean up the repo",
    tools=[delete_file, edit_file],
    llm=llm,
    policies=[RequireApproval({"delete_file"})],           # or a callable matcher
    approval_runner=CallbackApprovalRunner(notify_slack),  # 60s timeout, deny-on-exception
)
"""

HEADLESS = """
from tinman.loop import HeadlessApprovalRunner

result = loop.run()                    # -> AWAITING_APPROVAL, result.approval_token
# ... later, from anywhere:
result = Loop.resume("loop_state.json", tools=tools, llm=llm,
                     approval={"token": result.approval_token, "approved": True})
"""

OWN_MODEL = """
from tinman.loop import CallableLLM, LLMResponse, ToolCallReq

def my_model(messages, tool_schemas) -> LLMResponse:
    out = my_inference_stack(messages, tool_schemas)
    return LLMResponse(text=out.text,
                       tool_calls=[ToolCallReq(name=c.name, args=c.args) for c in out.calls],
                       input_tokens=out.in_tok, output_tokens=out.out_tok)

loop = Loop(goal="...", tools=tools, llm=CallableLLM(my_model))
"""

OWN_METRIC = """
from tinman.loop import GoalMetric, MetricSnapshot

class OpenTicketsMetric(GoalMetric):
    def measure(self, observation: str, state) -> MetricSnapshot:
        open_ids = parse_ticket_ids(observation)
        return MetricSnapshot(value=-float(len(open_ids)),
                              detail={"open": sorted(open_ids)})

    def is_success(self, snapshot) -> bool:
        return not snapshot.detail["open"]

loop = Loop(goal="Close all open tickets", tools=tools, llm=llm,
            observe=lambda state: ticket_system.report(),
            goal_metric=OpenTicketsMetric())
"""

WATCHING = """
loop = Loop(goal="...", tools=tools, llm=llm,
            trace_path="trace.jsonl",                # live-appended JSONL
            on_event=lambda e: print(e["kind"], e))  # or push to your dashboard

loop.budget_report()        # itemized token accounting: pinned / summaries / verbatim / spent
loop.explain().render()     # markdown: status, reason, signals, full decision chain
"""

A_TOOL = '''
from tinman.loop import tool, run_command

@tool(timeout_s=30)                    # enforced: the result becomes "aborted" on breach
def lint(path: str, fix: bool = False) -> str:
    """Run the linter on a file."""
    res = run_command(["ruff", "check", path] + (["--fix"] if fix else []), timeout_s=25)
    return res.stdout
'''

WORK = ("work", {"n": 1})


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(recipe: str, **assumed: Any) -> dict[str, Any]:
    """Execute a recipe with the names it assumes, and return the names it leaves."""
    names = {"__name__": "recipe", "Loop": Loop, **assumed}
    exec(compile(recipe, "recipe", "exec"), names)
    return names


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the recipe leaves files open
async def test_the_quick_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Path("notes.txt").write_text("hello")
    script = iter([Call("read_file", '{"path": "notes.txt"}'), *[Say("nothing more to do")] * 3])
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-the-environment")
    async with serve(lambda _: next(script, Say("idle"))) as server:
        monkeypatch.setattr("tinman.models.anthropic_client.OFFICIAL_URL", server.root)
        result = (await anyio.to_thread.run_sync(run, QUICK_START))["result"]

        assert "key-of-the-environment" in str(server.headers[0])
        assert "hello" in str(server.requests[1])
    assert (result.status, result.text) == ("SUCCESS", "nothing more to do")
    assert "# Why the loop stopped: SUCCESS" in capsys.readouterr().out


@pytest.mark.slow
async def test_fixing_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Path("path/to/repo")
    repo.mkdir(parents=True)
    (repo / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    (repo / "test_calc.py").write_text("from calc import add\n\n\ndef test_add():\n    assert add(1, 1) == 2\n")
    edit = {"path": "calc.py", "content": "def add(a, b):\n    return a + b\n"}
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    async with serve(lambda _: Call("edit_file", json.dumps(edit))) as server:
        monkeypatch.setattr("tinman.models.anthropic_client.OFFICIAL_URL", server.root)
        result = (await anyio.to_thread.run_sync(run, FIX_TESTS))["result"]

    assert result.status == "SUCCESS", result
    assert "a + b" in (repo / "calc.py").read_text()


def test_a_ceiling_and_a_resume(capsys: pytest.CaptureFixture[str]) -> None:
    def hungry(messages: Any, schemas: Any) -> Any:
        from tinman.loop import LLMResponse, ToolCallReq

        call = ToolCallReq(name="work", args={"n": len(str(messages))})
        return LLMResponse(text="more", tool_calls=[call], input_tokens=20_000, output_tokens=10)

    result = run(CEILING_AND_RESUME, tools=[Counting().tool], llm=hungry)["result"]

    assert "token_limit (50,000)" in capsys.readouterr().out
    assert result.status == "BUDGET_EXHAUSTED"
    assert "token_limit (200,000)" in result.reason
    assert 50_000 < result.metrics.total_tokens <= 200_000 + 20_010


@pytest.mark.parametrize("answer", [True, False])
def test_a_question_before_an_action(answer: bool) -> None:
    asked: list[str] = []
    deleted = Counting("delete_file")

    def notify_slack(request: Any) -> bool:
        asked.append(request.tool)
        return answer

    llm = playing(says("", ("delete_file", {"n": 1})), says("done"))
    tools = {"delete_file": deleted.tool, "edit_file": Counting("edit_file").tool}
    result = run(APPROVAL, llm=llm, notify_slack=notify_slack, **tools)["loop"].run()

    assert (asked, deleted.calls) == (["delete_file"], [1] if answer else [])
    assert (result.status == "APPROVAL_DENIED") is not answer


def test_an_answer_later_from_anywhere() -> None:
    work = Counting()
    asks = {"policies": [RequireApproval({"work"})], "approval_runner": HeadlessApprovalRunner()}
    llm = playing(says("", WORK), says("done"))
    loop = Loop("g", [work.tool], llm, state_path="loop_state.json", quiet=True, **asks)  # type: ignore[arg-type]

    class Gated(Loop):
        """The recipe leaves out what its text says before: policies are given again on resume."""

        @classmethod
        def resume(cls, *args: Any, **kwargs: Any) -> Any:
            return Loop.resume(*args, **kwargs, **asks)

    result = run(HEADLESS, Loop=Gated, loop=loop, tools=[work.tool], llm=llm)["result"]

    assert (work.calls, result.status) == ([1], "SUCCESS")


def test_a_model_of_ones_own() -> None:
    work = Counting()
    calls = [SimpleNamespace(name="work", args={"n": 3})]

    def my_inference_stack(messages: Any, schemas: Any) -> Any:
        assert schemas[0]["name"] == "work"
        return SimpleNamespace(text="t", calls=calls, in_tok=7, out_tok=2)

    result = run(OWN_MODEL, tools=[work.tool], my_inference_stack=my_inference_stack)["loop"].run()

    assert result.status == "NO_PROGRESS"
    assert result.metrics.input_tokens == 7 * len(work.calls) > 0


def test_a_metric_of_ones_own() -> None:
    tickets = {"T-1", "T-2"}

    def close(id: str) -> str:
        """Close a ticket."""
        tickets.discard(id)
        return "closed"

    system = SimpleNamespace(report=lambda: " ".join(sorted(tickets)))
    llm = playing(says("", ("close", {"id": "T-1"})), says("", ("close", {"id": "T-2"})))
    names = {"parse_ticket_ids": str.split, "ticket_system": system}
    result = run(OWN_METRIC, tools=[Tool(close)], llm=llm, **names)["loop"].run()

    assert (result.status, tickets) == ("SUCCESS", set())


def test_watching_it_live(capsys: pytest.CaptureFixture[str]) -> None:
    loop = run(WATCHING, tools=[Counting().tool], llm=playing(says("", WORK)))["loop"]
    loop.run()
    kinds = [json.loads(line)["kind"] for line in Path("trace.jsonl").read_text().splitlines()]

    assert kinds[:4] == ["loop.start", "iteration.start", "llm.call", "action.executed"]
    assert kinds[-1] == "loop.end"
    out = capsys.readouterr().out
    assert all(kind in out for kind in kinds)


def test_a_tool_that_runs_a_command() -> None:
    Path("x.py").write_text("import os\n")
    lint = run(A_TOOL)["lint"]

    assert lint.timeout_s == 30
    assert lint.json_schema["required"] == ["path"]


# -- shapes of the reference that scripts use


def test_records_dump_themselves_as_before() -> None:
    loop = Loop("g", [Counting().tool], playing("x"), max_iterations=1, quiet=True)
    result = loop.run()

    assert result.model_dump()["metrics"]["llm_calls"] == 1
    assert json.loads(result.model_dump_json(indent=2))["status"] == "SUCCESS"
    assert State(**loop.state.model_dump()) == loop.state
    assert [schema["name"] for schema in loop.registry.schemas] == ["work"]
    assert isinstance(loop.explain(), ExplainReport)
