"""One turn at a time: what goes wrong with it, what is kept of it, and that the next turn is said all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from aiohttp import web
from harness_targets import Calls, Quiet, Wayward, commanding, results, scenario

from tinman.errors import ConfigError, DefinitionError, TargetError
from tinman.harness.measurement import Plan, measure
from tinman.messages import Request
from tinman.scenarios import run_scenario, run_scenarios
from tinman.scenarios.adapters import AppAdapter, PythonAppAdapter, TraceCaptureError, TraceRecorder
from tinman.scenarios.checks import CheckResult, Judged
from tinman.scenarios.outcome import TurnRecord
from tinman.targets.load import load_target
from tinman.targets.profile import TargetProfile
from tinman.targets.world import World
from tinman.testing import ScriptedTarget

CALL = {"tool_name": "look", "arguments": {"q": 1}}
HI = {"type": "assistant_contains_any", "values": ["hi"]}
LOOKED = {"type": "tool_used", "values": ["look"]}


class Traced(AppAdapter):
    """Answers ``reply`` (or raises it) under ``recorder`` (or raises that)."""

    def __init__(self, recorder: Any, reply: Any = "hi there") -> None:
        self.recorder = recorder
        self.reply = reply
        self.asked: list[str] = []

    def trace_recorder(self) -> TraceRecorder:
        if isinstance(self.recorder, Exception):
            raise self.recorder
        recorder: TraceRecorder = self.recorder
        return recorder

    def send_user_turn(self, *, user_id: str, user_text: str, correlation_id: str) -> Any:
        self.asked.append(correlation_id)
        if isinstance(self.reply, BaseException):
            raise self.reply
        return self.reply


class Failing(Calls):
    """Raises on entry, or on exit."""

    def __init__(self, where: str, error: Exception) -> None:
        super().__init__([CALL])
        self.where, self.error = where, error

    def __enter__(self) -> Failing:
        if self.where == "entry":
            raise self.error
        return self

    def __exit__(self, *_: object) -> None:
        if self.where == "exit":
            raise self.error


def turn_of(adapter: Any, *checks: dict[str, Any]) -> Any:
    result = run_scenario(scenario(("hello", *checks), "and then"), adapter=adapter, user_id="u")
    assert len(result.turns) == 2
    return result.turns[0], [(check.type, check.passed) for check in result.turns[0].checks]


def test_a_turn_that_goes_well_has_the_declared_results_in_their_order() -> None:
    adapter = Traced(Calls([CALL]))
    turn, found = turn_of(adapter, LOOKED, HI, {"type": "assistant_not_contains", "values": ["there"]})

    assert found == [("tool_used", True), ("assistant_contains_any", True), ("assistant_not_contains", False)]
    assert (turn.user, turn.assistant, turn.passed) == ("hello", "hi there", False)
    assert turn.tool_traces[0].arguments == {"q": 1}


def test_each_turn_has_a_correlation_id_of_its_own() -> None:
    adapter = Traced(Calls())
    turn_of(adapter)

    first, second = adapter.asked
    assert first.startswith("eval-s-1-")
    assert second.startswith("eval-s-2-")
    assert len(first.rpartition("-")[2]) == 8
    assert int(first.rpartition("-")[2], 16) >= 0


def test_a_turn_without_checks_passes_when_the_target_answered() -> None:
    assert run_scenario(scenario("hello"), adapter=Quiet()).passed


@pytest.mark.parametrize("recorder", [RuntimeError("no recorder"), Failing("entry", RuntimeError("no recorder"))])
def test_without_a_recorder_the_target_is_not_called(recorder: Any) -> None:
    adapter = Traced(recorder)
    turn, found = turn_of(adapter, HI)

    assert found == [("trace_capture", False)]
    assert "could not initialise" in turn.checks[0].detail
    assert (turn.assistant, adapter.asked) == ("", [])


def test_what_the_target_raises_is_told_its_reply_is_blank_and_its_calls_are_kept() -> None:
    turn, found = turn_of(Traced(Calls([CALL]), ValueError("no good")), HI, LOOKED)

    assert found == [("adapter_runtime", False)]
    assert turn.checks[0].detail == "ValueError: no good"
    assert (turn.assistant, len(turn.tool_traces)) == ("", 1)


def test_a_target_that_raises_with_unreadable_calls_has_both_results() -> None:
    _, found = turn_of(Traced(Calls([CALL], "disk full"), ValueError("no good")), HI)

    assert found == [("adapter_runtime", False), ("trace_capture", False)]


@pytest.mark.parametrize(
    "recorder",
    [
        Calls([CALL], "disk full"),
        Failing("exit", TraceCaptureError("disk full")),
        Failing("exit", OSError("disk full")),
    ],
)
def test_with_unreadable_calls_the_reply_is_judged_and_the_tool_checks_are_left_out(recorder: Any) -> None:
    turn, found = turn_of(Traced(recorder), LOOKED, HI)

    assert found == [("assistant_contains_any", True), ("trace_capture", False)]
    assert "disk full" in turn.checks[1].detail
    assert (turn.assistant, len(turn.tool_traces)) == ("hi there", 1)


def test_calls_that_are_no_list_count_as_none() -> None:
    _, found = turn_of(Traced(Calls("look")), LOOKED)

    assert found == [("tool_used", False)]


def test_turns_go_on_after_a_failed_one_and_all_have_to_pass() -> None:
    found = run_scenario(
        scenario("raise x", ("hello", {"type": "assistant_contains_all", "values": ["turn 2"]})), adapter=Wayward()
    )

    assert [turn.passed for turn in found.turns] == [False, True]
    assert not found.passed
    assert found.verdict == "indeterminate"


def test_a_result_holds_what_the_format_promises() -> None:
    found = run_scenario(scenario("hello", destructive=True), adapter=Wayward(), user_id="u-1")

    assert (found.scenario_id, found.description, found.destructive, found.user_id) == ("s", "s", True, "u-1")
    assert isinstance(found.started_at, int)
    assert found.duration_ms >= 0


def test_an_engine_result_is_a_failure_for_the_harness_and_indeterminate_for_an_experiment() -> None:
    broken = run_scenario(scenario("raise x"), adapter=Wayward())
    red = run_scenario(scenario(("hello", {"type": "assistant_contains_any", "values": ["z"]})), adapter=Wayward())

    assert (broken.passed, broken.verdict, broken.is_red) == (False, "indeterminate", False)
    assert (red.passed, red.verdict, red.is_red) == (False, "failure", True)


def test_a_scenario_made_in_code_is_looked_at_like_a_file() -> None:
    with pytest.raises(DefinitionError, match="no loaded scenario is called 'x'"):
        run_scenarios([scenario("hello")], adapter=Quiet(), scenario_filter=["x"])
    with pytest.raises(DefinitionError, match="defined twice"):
        run_scenarios([scenario("a"), scenario("b")], adapter=Quiet())
    with pytest.raises(ConfigError, match="has no send_user_turn"):
        run_scenario(scenario("a"), adapter=object())


async def test_the_library_works_inside_a_running_loop() -> None:
    assert run_scenario(scenario("hello"), adapter=Quiet()).passed
    await asyncio.sleep(0)


def test_the_state_of_the_target_is_asked_after_the_turn() -> None:
    def holding(name: str, n: int) -> dict[str, Any]:
        return {"type": "state_holds", "name": name, "arguments": {"n": n}}

    found = run_scenario(
        scenario(("a", holding("turns", 1)), ("b", holding("turns", 1)), ("c", holding("nothing", 1))),
        adapter=Wayward(),
    )
    without = run_scenario(scenario(("a", holding("turns", 1))), adapter=Quiet())

    assert [turn.passed for turn in found.turns] == [True, False, False]
    assert found.turns[1].checks[0].detail == "there were 2 turns"
    assert found.turns[2].checks[0].undecided
    assert without.turns[0].checks[0].undecided


class Strict:
    """A judge that answers as told, and notes what it was asked."""

    def __init__(self, passed: bool) -> None:
        self.passed = passed
        self.asked: list[str] = []

    async def judge(self, check: Judged, turn: TurnRecord, before: tuple[TurnRecord, ...]) -> CheckResult:
        self.asked.append(check.criterion)
        return CheckResult(type=check.type, passed=self.passed, detail="as told")


async def test_a_model_comes_last_and_turns_no_failure_green() -> None:
    judged = {"type": "judged", "criterion": "is kind"}
    both = scenario(("hello", judged, {"type": "assistant_contains_any", "values": ["never"]}))
    target = ScriptedTarget(lambda request, world: "hi")
    kind, unkind = Strict(True), Strict(False)

    lenient = (await measure(target, [both], Plan(), referee=kind)).trials[0].runs[0]
    strict = (await measure(target, [scenario(("hello", judged))], Plan(), referee=unkind)).trials[0].runs[0]
    alone = (await measure(target, [scenario(("hello", judged))], Plan())).trials[0].runs[0]

    assert results(lenient) == [("judged", True), ("assistant_contains_any", False)]
    assert not lenient.passed
    assert not strict.passed
    assert alone.turns[0].checks[0].undecided
    assert kind.asked == ["is kind"]


async def test_a_scenario_that_the_target_cannot_play_says_so_and_is_not_passed() -> None:
    target = ScriptedTarget(lambda request, world: "hi", seam="turn", capabilities=_blind())
    found = (await measure(target, [scenario("hello", world={"memory": ["x"]})], Plan())).trials[0].runs[0]

    assert results(found) == [("adapter_runtime", False)]
    assert "cannot be given memory" in found.turns[0].checks[0].detail
    assert target.requests == []


def _blind() -> Any:
    from tinman.targets.base import Capabilities

    return Capabilities()


async def test_a_target_s_errors_become_the_turn_s_result() -> None:
    def play(request: Request, world: World) -> str:
        if len(request.messages) == 1 and "break" in request.messages[-1].text:
            raise TargetError("broken")
        return "mended"

    found = (await measure(ScriptedTarget(play), [scenario("break", "again")], Plan())).trials[0].runs[0]

    assert [turn.assistant for turn in found.turns] == ["", "mended"]
    assert results(found) == [("adapter_runtime", False)]


async def test_a_black_box_that_tells_no_calls_passes_no_check_on_them() -> None:
    """To count no calls where none can be seen would be a green that means nothing."""
    none = {"type": "tool_call_count_at_most", "max": 0}
    secret = {"type": "keeps_secret", "values": ["swordfish"]}
    box = ScriptedTarget(lambda request, world: "hi", seam="turn")
    found = (await measure(box, [scenario(("x", none, HI, secret), ("y", HI, secret))], Plan())).trials[0].runs[0]

    assert results(found) == [("assistant_contains_any", True), ("keeps_secret", True), ("trace_capture", False)]
    assert found.turns[0].checks[2].detail == "the target does not tell its tool calls"
    assert results(found, 1) == [("assistant_contains_any", True), ("keeps_secret", True)]
    assert found.verdict == "indeterminate"


async def test_a_secret_in_a_reply_is_found_though_the_calls_are_unknown() -> None:
    secret = {"type": "keeps_secret", "values": ["swordfish"]}
    adapter = Traced(Calls([], "disk full"), "it is swordfish")
    found = await anyio.to_thread.run_sync(lambda: run_scenario(scenario(("x", secret)), adapter=adapter))

    assert results(found) == [("keeps_secret", False), ("trace_capture", False)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"reply": "hi", "tool_traces": [{"tool_name": "look", "arguments": {"q": 1}}]}, [("tool_used", True)]),
        ({"reply": "hi", "tool_traces": []}, [("tool_used", False)]),
        ({"reply": "hi", "tool_traces": [{"name": "look"}, 7]}, [("tool_used", False)]),
        ({"reply": "hi", "tool_traces": "look"}, [("trace_capture", False)]),
        ({"reply": "hi"}, [("trace_capture", False)]),
    ],
)
async def test_an_http_answer_may_tell_its_calls(body: dict[str, Any], expected: list[tuple[str, bool]]) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(body)

    application = web.Application()
    application.router.add_post("/", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    target = load_target(TargetProfile(spec=f"http://{host}:{port}/"), {})
    try:
        found = (await measure(target, [scenario(("x", LOOKED))], Plan())).trials[0].runs[0]
    finally:
        await target.aclose()
        await runner.cleanup()

    assert results(found) == expected


# -- commands


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("traced", [("tool_used", True)]),
        ("none", [("tool_used", False)]),
        ("list", [("trace_capture", False)]),
        ("garbled", [("trace_capture", False)]),
        ("lacking", [("trace_capture", False)]),
        ("extra", [("trace_capture", False)]),
        ("blank", [("trace_capture", False)]),
        ("fail", [("adapter_runtime", False)]),
        ("silent", [("adapter_runtime", False), ("trace_capture", False)]),
    ],
)
def test_a_command_s_turn(tmp_path: Path, word: str, expected: list[tuple[str, bool]]) -> None:
    found = run_scenario(scenario((f"{word} $HOME; 'x'", LOOKED)), adapter=commanding(tmp_path))

    assert results(found) == expected
    if word == "traced":
        assert found.turns[0].assistant == "traced $HOME; 'x'"
        assert found.turns[0].tool_traces[0].duration_ms == 1
    if word == "fail":
        assert "on its way out" in found.turns[0].checks[0].detail
        assert len(found.turns[0].tool_traces) == 1
    if word == "silent":
        assert "exit code 4" in found.turns[0].checks[0].detail


def test_a_program_that_is_not_there_is_the_turn_s_error(tmp_path: Path) -> None:
    adapter = commanding(tmp_path)
    adapter.command_builder = lambda user, text, correlation: ["/no/such/program", text]
    found = run_scenario(scenario("hello"), adapter=adapter)

    assert results(found)[0] == ("adapter_runtime", False)
    assert "cannot start" in found.turns[0].checks[0].detail


def test_a_command_s_metadata_names_overrides_and_never_their_values(tmp_path: Path) -> None:
    adapter = commanding(tmp_path, env_overrides={"TOKEN": "s3cret-value"}, env_files=[tmp_path / "e"])

    assert adapter.run_metadata() == {
        "adapter": "CommandAppAdapter",
        "workdir": str(tmp_path),
        "timeout_seconds": 60,
        "env_files": [str(tmp_path / "e")],
        "env_override_keys": ["TOKEN"],
    }


# -- Python handlers


APP = """
import json, asyncio
def call_tool(tool_name, user_id, arguments, correlation_id=None):
    if tool_name == "bad": raise LookupError("no such thing")
    if tool_name == "text": return "plain"
    return json.dumps({"status": "ok", "user_safe_summary": "  ", "n": 1})
async def call_later(tool_name, user_id, arguments, correlation_id=None):
    await asyncio.sleep(0)
    return {"status": "late"}
"""
HANDLER = """
import NAME
from NAME import call_tool
def handle(*, user_id, user_text, correlation_id):
    try:
        call_tool(user_text, user_id, {"q": 1} if user_text != "nothing" else None, correlation_id=correlation_id)
    except LookupError:
        return "it failed"
    return "done"
async def later(*, user_id, user_text, correlation_id):
    await NAME.call_later(user_text, user_id, arguments={"q": 2})
    return "done later"
def odd(*, user_id, user_text, correlation_id):
    call_tool("x", user_id, {}, colour="red")
"""


def app(folder: Path, name: str) -> PythonAppAdapter:
    """An application whose modules are called after the test, so that tests do not see one another's."""
    (folder / f"{name}_tools.py").write_text(APP)
    (folder / f"{name}_app.py").write_text(HANDLER.replace("NAME", f"{name}_tools"))
    return PythonAppAdapter(
        handler_path=f"{name}_app:handle",
        patch_targets=[f"{name}_tools:call_tool", f"{name}_tools:call_later"],
        repo_root=folder,
    )


def test_tool_calls_of_a_python_target_are_recorded_and_the_functions_put_back(tmp_path: Path) -> None:
    adapter = app(tmp_path, "plain_one")
    found = run_scenario(scenario("find", "text", "nothing"), adapter=adapter, user_id="u")
    first, second, third = (turn.tool_traces[0] for turn in found.turns)

    import plain_one_app  # type: ignore[import-not-found]
    import plain_one_tools  # type: ignore[import-not-found]

    assert (first.tool_name, first.arguments, first.status, first.user_safe_summary) == ("find", {"q": 1}, "ok", None)
    assert first.raw_result == {"status": "ok", "user_safe_summary": "  ", "n": 1}
    assert (second.raw_result, second.status) == ("plain", None)
    assert third.arguments == {}
    assert str(first.correlation_id).startswith("eval-s-1-")
    assert plain_one_app.call_tool is plain_one_tools.call_tool
    assert not hasattr(plain_one_tools.call_tool, "__wrapped__")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"handler_path": "wrong_app:nothing"}, "adapter_runtime"),
        ({"handler_path": "no_such_module_here:handle"}, "adapter_runtime"),
        ({"patch_targets": ["wrong_tools:nothing"]}, "trace_capture"),
        ({"handler_path": "wrong_app:odd"}, "adapter_runtime"),
    ],
)
def test_wrong_places_of_a_python_target(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    adapter = app(tmp_path, "wrong")
    for name, value in change.items():
        setattr(adapter, name, value)

    assert results(run_scenario(scenario("find"), adapter=adapter))[0] == (expected, False)


def test_a_python_target_s_metadata(tmp_path: Path) -> None:
    found = app(tmp_path, "meta").run_metadata()

    assert found["adapter"] == "PythonAppAdapter"
    assert found["repo_root"] == str(tmp_path)
    assert set(found) == {"adapter", "handler_path", "repo_root", "patch_targets", "env_files"}
