"""The defects L-1 to L-21 that such a runtime has been seen to have: none is here.

L-1 (kills and races), L-2 and L-3 are in ``test_loop_approvals.py`` and ``test_loop_survives_kill.py`` too.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from loops import Counting, Threshold, Watched, a_loop, playing, says
from pydantic import BaseModel, Field

from tinman.errors import LoopConfigError, LoopOwned, LoopStateError, PolicyChangedError, UnsupportedTypeError
from tinman.loop import (
    CallableLLM,
    CallbackApprovalRunner,
    Decision,
    DecisionKind,
    Exit,
    GoalMetric,
    HeadlessApprovalRunner,
    LLMResponse,
    Loop,
    MetricSnapshot,
    NestedLoopError,
    NoProgress,
    Policy,
    RequireApproval,
    State,
    run_command,
    tool,
)
from tinman.loop.state.statefile import Lock, previous, write

WORK = ("work", {"n": 1})
GATE = [RequireApproval({"work"})]


# -- L-1 and L-2


@pytest.mark.slow
def test_l1_two_resumes_at_once_run_the_action_once(tmp_path: Path) -> None:
    work = Counting()
    settings: dict[str, Any] = {"policies": GATE, "approval_runner": HeadlessApprovalRunner(), "quiet": True}
    path = tmp_path / "s.json"
    asked = Loop("g", [work.tool], playing(says("", WORK)), state_path=path, **settings).run()

    def resume(_: int) -> None:
        answer = {"token": asked.approval_token, "approved": True}
        try:
            Loop.resume(path, tools=[work.tool], llm=playing("x"), approval=answer, max_iterations=1, **settings)
        except (LoopOwned, LoopConfigError):
            return

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(resume, range(2)))

    assert work.calls == [1]


async def test_l2_a_forbidden_action_is_no_question() -> None:
    class Never(Policy):
        def before_action(self, state: State, tool_name: str, args: dict[str, Any]) -> Decision:
            return Decision(kind=DecisionKind.STOP, reason="never")

    work = Counting()
    result = await a_loop(
        playing(says("", WORK)),
        [work.tool],
        policies=[Never()],
        approval_runner=CallbackApprovalRunner(lambda request: True),
    ).arun()

    assert (result.status, work.calls) == ("ERROR", [])


async def test_l2_an_approval_does_not_override_a_stop_on_resume(tmp_path: Path) -> None:
    forbids = tmp_path / "forbids"

    class Sometimes(Policy):
        def before_action(self, state: State, tool_name: str, args: dict[str, Any]) -> Decision:
            return Decision(kind=DecisionKind.STOP if forbids.exists() else DecisionKind.PAUSE, reason="policy")

    work, path = Counting(), tmp_path / "s.json"
    settings: dict[str, Any] = {"policies": [Sometimes()], "approval_runner": HeadlessApprovalRunner()}
    asked = await a_loop(playing(says("", WORK)), [work.tool], state_path=path, **settings).arun()
    forbids.touch()
    result = await Loop.aresume(
        path,
        tools=[work.tool],
        llm=playing("x"),
        approval={"token": asked.approval_token, "approved": True},
        quiet=True,
        **settings,
    )

    assert (result.status, work.calls) == ("ERROR", [])


# -- L-3


async def test_l3_without_a_metric_a_changed_world_voids_the_answer(tmp_path: Path) -> None:
    world, work, path = ["as asked"], Counting(), tmp_path / "s.json"
    settings: dict[str, Any] = {
        "policies": GATE,
        "approval_runner": HeadlessApprovalRunner(),
        "observe": lambda state: world[0],
        "quiet": True,
    }
    asked = await Loop("g", [work.tool], playing(says("", WORK)), state_path=path, **settings).arun()
    world[0] = "another"
    result = await Loop.aresume(
        path,
        tools=[work.tool],
        llm=playing("x"),
        approval={"token": asked.approval_token, "approved": True},
        **settings,
    )

    assert (result.status, work.calls) == ("AWAITING_APPROVAL", [])


# -- L-4


async def test_l4_policies_forgotten_at_resume_are_missed(tmp_path: Path) -> None:
    work, path = Counting(), tmp_path / "s.json"
    loop = Loop(
        "g",
        [work.tool],
        playing(says("", WORK)),
        policies=GATE,
        approval_runner=CallbackApprovalRunner(lambda request: True),
        max_iterations=1,
        state_path=path,
        quiet=True,
    )
    await loop.arun()
    with pytest.raises(PolicyChangedError, match="NoProgress"):
        await Loop.aresume(path, tools=[work.tool], llm=playing(says("", WORK)), extend={"max_iterations": 2})

    assert work.calls == [1]


async def test_l4_a_predicate_with_other_code_is_another_policy(tmp_path: Path) -> None:
    def policies(limit: int) -> list[Policy]:
        if limit == 1:
            return [RequireApproval(lambda name, args: args["n"] > 1)]
        return [RequireApproval(lambda name, args: args["n"] > 2)]

    path = tmp_path / "s.json"
    await a_loop(playing("x"), policies=policies(1), max_iterations=1, state_path=path).arun()
    with pytest.raises(PolicyChangedError):
        await Loop.aresume(path, tools=[], llm=playing("x"), policies=policies(2), quiet=True)
    result = await Loop.aresume(
        path, tools=[], llm=playing("x"), policies=policies(2), allow_policy_change=True, quiet=True
    )
    assert result.status == "BUDGET_EXHAUSTED"


# -- L-5


async def test_l5_tokens_are_not_overshot() -> None:
    def greedy(messages: Any, schemas: Any, max_tokens: int) -> LLMResponse:
        size = sum(len(message["content"]) for message in messages)
        return LLMResponse(text="x", input_tokens=size, output_tokens=max_tokens)

    class Greedy:
        model_id = "greedy"

        def complete(self, messages: Any, schemas: Any, max_tokens: int) -> LLMResponse:
            return greedy(messages, schemas, max_tokens)

    result = await a_loop(Greedy(), token_limit=3_000, max_tokens_per_call=1_000).arun()

    assert result.status == "BUDGET_EXHAUSTED"
    assert 2_000 < result.metrics.total_tokens <= 3_000


async def test_l5_invalid_replies_are_not_paid_for_past_the_ceiling() -> None:
    model = playing(says("", ("nothing", {}), tokens=(400, 100)))
    result = await a_loop(model, token_limit=2_000).arun()

    assert result.status == "BUDGET_EXHAUSTED"
    assert result.metrics.total_tokens <= 2_000


async def test_l5_a_model_that_does_not_keep_its_cap_ends_the_loop_with_the_amount() -> None:
    work = Counting()
    model = playing(says("", WORK, tokens=(100, 4_900)))
    loop = a_loop(model, [work.tool], token_limit=4_000)
    result = await loop.arun()

    assert (result.status, work.calls, len(model.requests)) == ("BUDGET_EXHAUSTED", [], 1)
    assert "overrun by 1,000" in result.reason
    assert loop.state.iterations[0].dropped == ("work",)


async def test_l5_after_a_slow_answer_the_action_does_not_run() -> None:
    async def slowly(request: Any) -> bool:
        await asyncio.sleep(0.15)
        return True

    work = Counting()
    result = await a_loop(
        playing(says("", WORK)),
        [work.tool],
        policies=GATE,
        approval_runner=CallbackApprovalRunner(slowly),
        wall_clock_s=0.1,
    ).arun()

    assert (result.status, work.calls) == ("BUDGET_EXHAUSTED", [])


async def test_l5_an_approved_action_does_not_run_on_a_used_up_budget(tmp_path: Path) -> None:
    work, path = Counting(), tmp_path / "s.json"
    settings: dict[str, Any] = {"policies": GATE, "approval_runner": HeadlessApprovalRunner(), "quiet": True}
    model = playing(says("", WORK, tokens=(1_500, 500)))
    asked = await Loop("g", [work.tool], model, state_path=path, token_limit=2_600, **settings).arun()
    result = await Loop.aresume(
        path,
        tools=[work.tool],
        llm=model,
        approval={"token": asked.approval_token, "approved": True},
        extend={"token_limit": 2_000},
        **settings,
    )

    assert asked.status == "AWAITING_APPROVAL"
    assert (result.status, work.calls) == ("BUDGET_EXHAUSTED", [])


async def test_l5_a_slow_observation_ends_with_the_wall_clock() -> None:
    async def slowly(state: State) -> str:
        await asyncio.sleep(30)
        return ""

    began = time.monotonic()
    result = await a_loop(playing("x"), observe=slowly, wall_clock_s=0.1).arun()

    assert result.status == "BUDGET_EXHAUSTED"
    assert time.monotonic() - began < 2


# -- L-6


def inner(**settings: Any) -> Loop:
    return a_loop(playing("x"), max_iterations=1, **settings)


async def run_with_tool(function: Any, **settings: Any) -> Any:
    made = tool(name="nest")(function)
    loop = a_loop(playing(says("", ("nest", {}))), [made], max_iterations=1, **settings)
    await loop.arun()
    return loop.state.iterations[0].actions[0]


def in_own_thread(work: Any) -> Any:
    """Run ``work`` in a thread of its own and return what came of it."""
    outcome: list[Any] = []

    def body() -> None:
        try:
            outcome.append(work())
        except NestedLoopError as error:
            outcome.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


async def test_l6_a_loop_in_a_tool_is_refused() -> None:
    def nest() -> str:
        return str(inner().run().status)

    action = await run_with_tool(nest)

    assert action.status == "error"
    assert action.result_excerpt.startswith("NestedLoopError")


async def test_l6_also_in_a_thread_the_tool_made() -> None:
    def nest() -> str:
        made_here = inner()
        return str(in_own_thread(lambda: made_here.run().status))

    assert (await run_with_tool(nest)).result_excerpt.startswith("NestedLoopError")


async def test_l6_also_in_a_thread_of_a_thread() -> None:
    def nest() -> str:
        made_here = inner()
        return str(in_own_thread(lambda: in_own_thread(lambda: made_here.run().status)))

    assert (await run_with_tool(nest)).result_excerpt.startswith("NestedLoopError")


async def test_l6_also_in_a_pool_of_the_tool_and_in_one_that_was_there_before() -> None:
    before = ThreadPoolExecutor(1)
    before.submit(int).result()

    def nest() -> str:
        made_here = inner()
        with ThreadPoolExecutor(1) as own, pytest.raises(NestedLoopError):
            own.submit(made_here.run).result()
        with pytest.raises(NestedLoopError):
            before.submit(made_here.run).result()
        return "refused twice"

    action = await run_with_tool(nest)
    before.shutdown()
    assert (action.status, action.result_excerpt) == ("ok", "refused twice")


@pytest.mark.parametrize("hand", ["submit", "map", "several", "kept"])
async def test_l6_also_when_it_is_handed_to_a_pool_that_was_there_before_it_was_made_or_not(hand: str) -> None:
    """A pool's threads carry no context; who holds the future of the work is who is waiting for it."""
    before, made_before = ThreadPoolExecutor(2), inner()
    before.submit(int).result()

    def make_and_run(_: object = None) -> str:
        return str(inner().run().status)

    def nest() -> str:
        with pytest.raises(NestedLoopError):
            if hand == "submit":
                before.submit(made_before.run).result()
            elif hand == "map":
                list(before.map(make_and_run, [1, 2]))
            elif hand == "several":
                for done in as_completed([before.submit(make_and_run) for _ in range(2)]):
                    done.result()
            else:
                futures = {"it": before.submit(make_and_run)}
                wait(futures.values())
                futures["it"].result()
        return "refused"

    action = await run_with_tool(nest)
    beside = before.submit(make_and_run).result()
    before.shutdown()

    assert (action.status, action.result_excerpt) == ("ok", "refused")
    assert beside == "BUDGET_EXHAUSTED"


async def test_l6_a_share_is_legal_in_a_pool_that_was_there_before() -> None:
    before = ThreadPoolExecutor(1)
    before.submit(int).result()

    def nest() -> str:
        share = parent.carve(tokens=5_000)
        return str(before.submit(lambda: inner(budget=share).run().status).result())

    parent = a_loop(playing(says("", ("nest", {}))), [tool(nest)], max_iterations=1)
    await parent.arun()
    before.shutdown()

    assert parent.state.iterations[0].actions[0].result_excerpt == "BUDGET_EXHAUSTED"


async def test_l6_also_in_a_thread_that_carries_the_context() -> None:
    def nest() -> str:
        return str(in_own_thread(partial(contextvars.copy_context().run, lambda: inner().run().status)))

    assert (await run_with_tool(nest)).result_excerpt.startswith("NestedLoopError")


async def test_l6_no_thread_of_the_process_is_watched_for_it() -> None:
    start = threading.Thread.start
    seen: list[bool] = []

    def look() -> str:
        seen.append(threading.Thread.start is start)
        return ""

    await run_with_tool(look)

    assert seen == [True]


async def test_l6_also_a_resume(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    await inner(state_path=path).arun()

    def nest() -> str:
        return str(Loop.resume(path, tools=[], llm=playing("x"), policies=[], quiet=True).status)

    assert (await run_with_tool(nest)).result_excerpt.startswith("NestedLoopError")


async def test_l6_also_while_the_action_of_a_resumed_approval_runs(tmp_path: Path) -> None:
    seen: list[str] = []

    @tool
    def work() -> str:
        """Start a loop."""
        try:
            inner().run()
        except NestedLoopError as error:
            seen.append(str(error))
        return ""

    path = tmp_path / "s.json"
    settings: dict[str, Any] = {"policies": GATE, "approval_runner": HeadlessApprovalRunner(), "quiet": True}
    asked = await Loop("g", [work], playing(says("", ("work", {}))), state_path=path, **settings).arun()
    answer = {"token": asked.approval_token, "approved": True}
    await Loop.aresume(path, tools=[work], llm=playing("x"), approval=answer, max_iterations=1, **settings)

    assert len(seen) == 1
    assert "budget=parent.carve" in seen[0]


@pytest.mark.parametrize("where", ["observe", "model"])
async def test_l6_also_in_observe_and_model(where: str) -> None:
    def nest(*_: Any) -> str:
        return str(inner().run().status)

    result = await (a_loop(playing("x"), observe=nest) if where == "observe" else a_loop(CallableLLM(nest))).arun()

    assert (result.status, result.error) == ("ERROR", "NestedLoopError")


async def test_l6_a_failing_start_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bad = await inner(trace_path=tmp_path / "file" / "trace.jsonl").arun()
    good = await inner().arun()

    assert (bad.status, good.status) == ("ERROR", "BUDGET_EXHAUSTED")
    assert bad.resumable
    assert "then resume" in bad.recommended_action


async def test_l6_a_share_of_the_budget_makes_it_legal_in_whatever_thread() -> None:
    def nest() -> str:
        share = parent.carve(tokens=5_000)
        first = inner(budget=share).run()
        second = in_own_thread(lambda: inner(budget=share).run())
        return f"{first.status} {second.status}"

    parent = a_loop(playing(says("", ("nest", {}))), [tool(nest)], max_iterations=1)
    result = await parent.arun()
    action = parent.state.iterations[0].actions[0]

    assert action.result_excerpt == "BUDGET_EXHAUSTED BUDGET_EXHAUSTED"
    assert parent.budget.spent.tokens == result.metrics.total_tokens + 4


async def test_l6_a_child_never_spends_more_than_its_share() -> None:
    outcome: list[Any] = []

    async def nest() -> str:
        child = a_loop(playing(says("x", tokens=(500, 400))), budget=parent.carve(tokens=4_000), token_limit=10**6)
        outcome.append(await child.arun())
        return ""

    parent = a_loop(playing(says("", ("nest", {}))), [tool(nest)], max_iterations=1)
    await parent.arun()

    assert outcome[0].status == "BUDGET_EXHAUSTED"
    assert outcome[0].metrics.total_tokens <= 4_000


async def test_l6_another_budget_is_no_share() -> None:
    other = a_loop(playing("x"), max_iterations=1)
    await other.arun()

    def nest() -> str:
        return str(inner(budget=other.carve(tokens=5_000)).run().status)

    assert (await run_with_tool(nest)).result_excerpt.startswith("NestedLoopError")


async def test_l6_a_loop_beside_it_is_none_of_its_business() -> None:
    """Another thread of the program runs its own loop while one is in a tool."""
    outcome: list[Any] = []
    inside, done = threading.Event(), threading.Event()

    def beside() -> None:
        inside.wait(5)
        outcome.append(inner().run().status)
        done.set()

    thread = threading.Thread(target=beside)
    thread.start()

    def nest() -> str:
        inside.set()
        return str(done.wait(5))

    action = await run_with_tool(nest)
    thread.join()

    assert (action.result_excerpt, outcome) == ("True", ["BUDGET_EXHAUSTED"])


# -- L-7


class Failing(GoalMetric):
    def measure(self, observation: str, state: State) -> MetricSnapshot:
        raise KeyError("metric")


class FailingPolicy(Policy):
    def before_iteration(self, state: State) -> Decision:
        raise RuntimeError("policy")


class SilentPolicy(Policy):
    def before_iteration(self, state: State) -> Decision:
        return None  # type: ignore[return-value]


def fail(*_: Any) -> Any:
    raise OSError("broken")


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"llm": playing(ValueError("model"))}, "ValueError"),
        ({"observe": fail}, "OSError"),
        ({"goal_metric": Failing()}, "KeyError"),
        ({"policies": [FailingPolicy()]}, "RuntimeError"),
        ({"policies": [SilentPolicy()]}, "LoopConfigError"),
        ({"exits": [Exit.success(fail)]}, "OSError"),
        ({"trace_path": "/dev/full"}, "LoopStateError"),
        ({"llm": lambda messages, schemas: 3}, "GarbledReply"),
        ({"goal_metric": type("Odd", (GoalMetric,), {"measure": lambda *_: 3})()}, "LoopConfigError"),
    ],
    ids=["model", "observe", "metric", "policy", "silent policy", "exit", "trace", "odd reply", "odd measurement"],
)
async def test_l7_no_error_escapes(settings: dict[str, Any], error: str, tmp_path: Path) -> None:
    watched = Watched()
    model = settings.pop("llm", None) or playing("x")
    loop = a_loop(model, on_event=watched, state_path=tmp_path / "s.json", max_attempts=2, **settings)
    result = await loop.arun()

    assert (result.status, result.error) == ("ERROR", error)
    assert State.load(tmp_path / "s.json").ending is not None
    assert loop.explain().status == "ERROR"
    if error != "LoopStateError":
        assert watched.kinds[-1] == "loop.end"
        assert watched.of("loop.error")[0]["error"] == error
        assert result.resumable


async def test_l7_after_an_error_the_loop_goes_on_where_it_was(tmp_path: Path) -> None:
    work, path = Counting(), tmp_path / "s.json"
    model = playing(says("", WORK), ValueError("once"), says("", WORK))
    failed = await a_loop(model, [work.tool], state_path=path).arun()
    result = await Loop.aresume(path, tools=[work.tool], llm=model, policies=[], quiet=True, max_iterations=2)

    assert (failed.status, result.status) == ("ERROR", "BUDGET_EXHAUSTED")
    assert (result.iterations, work.calls) == (2, [1, 1])


async def test_l7_a_watcher_that_fails_changes_nothing() -> None:
    assert (await inner(on_event=fail).arun()).status == "BUDGET_EXHAUSTED"


# -- L-8


async def test_l8_a_goal_reached_by_the_last_round_is_success() -> None:
    work = Counting()
    result = await a_loop(
        playing(says("", WORK)),
        [work.tool],
        observe=lambda state: str(len(work.calls)),
        goal_metric=Threshold(1),
        max_iterations=1,
    ).arun()

    assert result.status == "SUCCESS"


# -- L-9


class Colour(Enum):
    RED = "red"


class Box(BaseModel):
    size: int


async def test_l9_typed_arguments_come_back_typed(tmp_path: Path) -> None:
    got: list[Any] = []

    @tool
    def work(box: Box, colour: Colour, when: tuple[int, int]) -> str:
        """Work."""
        got.extend([box, colour, when])
        return ""

    path = tmp_path / "s.json"
    settings: dict[str, Any] = {"policies": GATE, "approval_runner": HeadlessApprovalRunner(), "quiet": True}
    plan = says("", ("work", {"box": {"size": 2}, "colour": "red", "when": [1, 2]}))
    asked = await Loop("g", [work], playing(plan), state_path=path, **settings).arun()
    answer = {"token": asked.approval_token, "approved": True}
    await Loop.aresume(path, tools=[work], llm=playing("x"), approval=answer, max_iterations=1, **settings)

    assert got == [Box(size=2), Colour.RED, (1, 2)]


# -- L-10


@pytest.mark.parametrize("period", [1, 2, 3, 4])
async def test_l10_a_cycle_of_any_period_up_to_four_is_seen(period: int) -> None:
    plans = [says("", ("work", {"n": number % period})) for number in range(40)]
    loop = a_loop(playing(*plans), [Counting().tool], policies=[NoProgress(3)], max_iterations=40)
    result = await loop.arun()

    assert (result.status, result.iterations) == ("NO_PROGRESS", 2 * period + 2)
    assert loop.state.iterations[-1].repetition == period


async def test_l10_talk_without_action_is_seen() -> None:
    result = await a_loop(playing("thinking"), policies=[NoProgress(3)], max_iterations=40).arun()

    assert (result.status, result.iterations) == ("NO_PROGRESS", 3)


async def test_l10_what_moves_the_metric_is_no_cycle() -> None:
    seen = iter(range(100))
    result = await a_loop(
        playing(says("", WORK)),
        [Counting().tool],
        policies=[NoProgress(3)],
        observe=lambda state: str(next(seen)),
        goal_metric=Threshold(8),
    ).arun()

    assert result.status == "SUCCESS"


async def test_l10_a_clock_in_the_observation_is_no_movement() -> None:
    seen = iter(range(100))
    result = await a_loop(
        playing(says("", WORK)),
        [Counting().tool],
        policies=[NoProgress(3)],
        observe=lambda state: f"nothing new after {next(seen)} s",
    ).arun()

    assert result.status == "NO_PROGRESS"


# -- L-11


@pytest.mark.parametrize(
    ("values", "blamed"),
    [
        ([0, (-1, True), (-1, True), (-1, True)], [0]),
        ([0, (0, True), (0, True), (1, True)], [0]),
        ([0, (-1, True), (-2, True), (-2, True)], [0, 1]),
        ([0, (1, False), (0, False), (0, False)], [1]),
        ([(0, True), (0, True), (0, True), (0, True)], []),
    ],
)
async def test_l11_only_a_round_that_moved_the_metric_is_blamed(values: list[Any], blamed: list[int]) -> None:
    class Scripted(GoalMetric):
        def measure(self, observation: str, state: State) -> MetricSnapshot:
            value = values[min(len(state.iterations), len(values) - 1)]
            value, regression = value if isinstance(value, tuple) else (value, False)
            return MetricSnapshot(value=float(value), regression=regression)

    loop = a_loop(playing(says("p", WORK)), [Counting().tool], goal_metric=Scripted(), max_iterations=len(values))
    await loop.arun()

    assert [int(line.split()[1].rstrip(":")) for line in loop.state.failed_approaches] == blamed


async def test_l11_the_round_that_caused_a_fall_is_blamed() -> None:
    values = iter(["5", "5", "2", "2"])
    plans = [says("harmless", ("work", {"n": 1})), says("the culprit", ("work", {"n": 2})), says("saw it", WORK)]
    loop = a_loop(
        playing(*plans),
        [Counting().tool],
        observe=lambda state: next(values),
        goal_metric=Threshold(9),
        max_iterations=3,
    )
    await loop.arun()

    assert loop.state.failed_approaches == ("iteration 1: the culprit -> metric regressed from 5 to 2",)


# -- L-12


def test_l12_headless_without_a_state_is_refused_at_once() -> None:
    with pytest.raises(LoopConfigError, match="headless approval requires state_path"):
        a_loop(playing("x"), approval_runner=HeadlessApprovalRunner())


# -- L-13


async def test_l13_modern_hints_async_tools_and_odd_names_work() -> None:
    @tool
    async def work(
        path: str | None,
        pair: tuple[int, str],
        anything: Any,
        near: Annotated[int, Field(ge=1, le=3)],
        _hidden: int = 0,
        schema: str = "s",
        copy: bool = False,
        model_config: int = 1,
    ) -> str:
        """Work."""
        await asyncio.sleep(0)
        return f"{path} {pair} {anything} {near} {_hidden} {schema} {copy} {model_config}"

    args = {"path": None, "pair": [1, "a"], "anything": {"b": 2}, "near": 3, "_hidden": 4, "schema": "t", "copy": True}
    loop = a_loop(playing(says("", ("work", args))), [work], max_iterations=1)
    await loop.arun()
    action = loop.state.iterations[0].actions[0]

    assert (action.status, action.result_excerpt) == ("ok", "None (1, 'a') {'b': 2} 3 4 t True 1")


# -- L-14


@pytest.mark.parametrize("args", [{"invented": 1}, {"__malformed__": "{oops"}, {"n": "1"}, {"n": True}, {"n": 1.5}])
async def test_l14_invented_malformed_or_mistyped_arguments_run_nothing(args: dict[str, Any]) -> None:
    work = Counting()
    model = CallableLLM(lambda messages, schemas: {"tool_calls": [{"name": "work", "args": args}]})
    result = await a_loop(model, [work.tool]).arun()

    assert (result.status, work.calls) == ("PLAN_FAILED", [])


# -- L-15


def test_l15_money_cannot_be_limited_for_an_unpriced_model() -> None:
    from tinman.models.openai_client import OpenAIModel

    model = OpenAIModel("nobody-knows-this-one", base_url="https://example.org/v1")
    with pytest.raises(LoopConfigError, match="no known price"):
        a_loop(model, cost_limit_usd=1.0)

    assert a_loop(model, cost_limit_usd=1.0, pricing={"https://example.org/v1:nobody-knows-this-one": (1, 2)})


def test_l15_a_stale_table_is_told_about_lifts_the_limit_aloud_or_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings: dict[str, Any] = {"cost_limit_usd": 1.0, "pricing": {"model": (1, 2), "as_of": "2020-01-31"}}
    model = playing("x")
    with pytest.raises(LoopConfigError, match="days old"):
        a_loop(model, pricing_staleness="refuse", **settings)
    lifted = a_loop(model, pricing_staleness="token-only", **{**settings, "quiet": False})
    told = capsys.readouterr().err
    warned = a_loop(model, **{**settings, "quiet": False})

    assert (lifted.config.cost_limit_usd, warned.config.cost_limit_usd) == (None, 1.0)
    assert "cost_limit_usd is off" in told
    assert "all the same" in capsys.readouterr().err
    with pytest.raises(LoopConfigError, match="no date"):
        a_loop(model, cost_limit_usd=1.0, pricing={"as_of": "yesterday"})


async def test_l15_money_is_not_overshot() -> None:
    class Priced:
        provider = "custom"
        name = "m"

        def __init__(self) -> None:
            self.caps: list[int] = []

        async def complete(self, request: Any) -> Any:
            cap = request.params["max_tokens"]
            self.caps.append(cap)
            return says("x", tokens=(200, cap))

        async def aclose(self) -> None: ...

    model = Priced()
    loop = a_loop(model, cost_limit_usd=0.02, pricing={"m": (1.0, 10.0)}, max_tokens_per_call=1_000)
    result = await loop.arun()

    assert result.status == "BUDGET_EXHAUSTED"
    assert "cost_limit_usd (0.02)" in result.reason
    assert 0.01 < (result.metrics.cost_usd or 0) <= 0.02
    assert model.caps[-1] < 1_000


# -- L-16


def test_l16_a_reader_never_sees_a_torn_file(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    state = State(goal="g" * 50_000)
    write(path, state)
    stop = threading.Event()
    faults: list[Exception] = []

    def read_on() -> None:
        while not stop.is_set():
            try:
                State.load(path)
            except LoopStateError as error:
                faults.append(error)

    thread = threading.Thread(target=read_on)
    thread.start()
    for _ in range(60):
        write(path, state)
    stop.set()
    thread.join()

    assert faults == []


async def test_l16_a_cut_file_is_refused_and_the_generation_before_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    await a_loop(playing("x"), max_iterations=2, state_path=path).arun()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(LoopStateError, match=r"s\.json\.previous"):
        State.load(path)

    assert State.load(previous(path)).goal == "reach the goal"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"integrity": "x", "state": {}}', "\x00\x01"])
def test_l16_what_is_no_state_file_is_refused_in_one_line(content: str, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(content)
    with pytest.raises(LoopStateError) as caught:
        State.load(path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_l16_another_schema_version_is_refused(tmp_path: Path) -> None:
    import hashlib

    path = tmp_path / "s.json"
    state = {"schema_version": 1, "goal": "g"}
    text = json.dumps(state, sort_keys=True, separators=(",", ":"))
    path.write_text(json.dumps({"integrity": hashlib.sha256(text.encode()).hexdigest(), "state": state}))
    with pytest.raises(LoopStateError, match="schema version 1"):
        State.load(path)


def test_l16_the_lock_keeps_a_second_run_out(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    a_loop(playing("x"), max_iterations=1, state_path=path).run()
    lock = Lock(path)
    lock.take()
    with pytest.raises(Exception, match="going on"):
        Loop.resume(path, tools=[], llm=playing("x"), policies=[], quiet=True)
    lock.free()

    assert Loop.resume(path, tools=[], llm=playing("x"), policies=[], quiet=True).status == "BUDGET_EXHAUSTED"


def test_l16_an_unfinished_loop_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    first = a_loop(playing("x"), max_iterations=1, state_path=path).run()
    a_loop(playing("x"), max_iterations=1, state_path=path).run()

    assert State.load(tmp_path / f"s.json.{first.loop_id}").loop_id == first.loop_id


# -- L-17


@pytest.mark.slow
def test_l17_hung_tools_do_not_delay_the_process() -> None:
    code = """
import time
from tinman.loop import Loop, CallableLLM, tool
@tool(timeout_s=0.05)
def hang() -> str:
    "Hang."
    time.sleep(30)
    return ""
model = CallableLLM(lambda m, s: {"tool_calls": [{"name": "hang", "args": {}}] * 10})
print(Loop("g", [hang], model, policies=[], max_iterations=1, quiet=True).run().status)
"""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)

    assert done.stdout == "BUDGET_EXHAUSTED\n", done.stderr
    assert time.monotonic() - began < 8


# -- L-18


def test_l18_grandchildren_end_with_the_command() -> None:
    began = time.monotonic()
    done = run_command("sleep 20 & sleep 20", timeout_s=0.1, grace_s=0.1)

    assert done.timed_out
    assert time.monotonic() - began < 2


def test_l18_a_grandchild_on_the_pipe_does_not_delay_the_return() -> None:
    began = time.monotonic()
    done = run_command("sleep 20 & echo started", timeout_s=10)

    assert (done.code, done.stdout, done.timed_out) == (0, "started\n", False)
    assert time.monotonic() - began < 3


def test_l18_term_is_followed_by_kill() -> None:
    done = run_command("trap '' TERM; sleep 20 & wait; sleep 20", timeout_s=0.1, grace_s=0.1)

    assert (done.code, done.timed_out) == (-9, True)


def test_l18_output_is_bounded_and_never_fails_to_decode() -> None:
    done = run_command(
        "printf '\\377\\376begin'; head -c 3000000 /dev/zero | tr '\\0' x; echo end", max_output_bytes=1_000
    )

    assert len(done.stdout) < 1_200
    assert done.stdout.startswith("\ufffd\ufffdbegin")
    assert done.stdout.endswith("end\n")
    assert "bytes left out" in done.stdout


async def test_l18_a_command_ends_with_the_tool_call_around_it(tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    @tool(timeout_s=0.1)
    def work() -> str:
        """Run a command that takes too long."""
        run_command(f"sleep 0.5; touch {mark}")
        return ""

    await a_loop(playing(says("", ("work", {}))), [work], max_iterations=1).arun()
    await asyncio.sleep(0.6)

    assert not mark.exists()


# -- L-20


async def test_l20_the_plan_goes_on_after_a_gated_call_and_pausing_costs_no_record(tmp_path: Path) -> None:
    work, other, path = Counting(), Counting("other"), tmp_path / "s.json"
    settings: dict[str, Any] = {"policies": GATE, "approval_runner": HeadlessApprovalRunner(), "quiet": True}
    plan = says("", ("other", {"n": 1}), WORK, ("other", {"n": 2}))
    tools = [work.tool, other.tool]
    asked = await Loop("g", tools, playing(plan), state_path=path, **settings).arun()
    answer = {"token": asked.approval_token, "approved": True}
    result = await Loop.aresume(path, tools=tools, llm=playing("x"), approval=answer, max_iterations=1, **settings)

    assert asked.iterations == 0
    assert (work.calls, other.calls, result.iterations) == ([1], [1, 2], 1)
    assert [action.tool for action in State.load(path).iterations[0].actions] == ["other", "work", "other"]


async def test_l20_a_result_that_was_cut_is_somewhere_in_full(tmp_path: Path) -> None:
    whole = "".join(f"line {number}\n" for number in range(5_000))
    loop = a_loop(
        playing(says("", WORK)), [Counting(answer=whole).tool], max_iterations=1, state_path=tmp_path / "s.json"
    )
    await loop.arun()
    action = loop.state.iterations[0].actions[0]

    assert len(action.result_excerpt) <= 16_384
    assert action.result_excerpt.endswith("line 4999\n")
    assert (tmp_path / "s.json.payloads" / action.payload).read_text() == whole


# -- L-21


async def test_l21_keys_are_in_no_state_trace_or_prompt(tmp_path: Path) -> None:
    secret = "sk-" + "a1" * 20
    model = playing(says(f"use {secret}", ("work", {"n": 1})))
    loop = a_loop(
        model,
        [Counting(answer=f"key: {secret}").tool],
        observe=lambda state: f"token {secret}",
        max_iterations=2,
        state_path=tmp_path / "s.json",
        trace_path=tmp_path / "t.jsonl",
    )
    await loop.arun()
    written = (tmp_path / "s.json").read_text() + (tmp_path / "t.jsonl").read_text()

    assert secret not in written
    assert "[redacted]" in written
    assert secret not in "".join(message.text for message in model.requests[1].messages)


async def test_l21_redaction_can_be_ones_own(tmp_path: Path) -> None:
    loop = a_loop(
        playing("x"),
        observe=lambda state: "patient Jane",
        redact=lambda text: text.replace("Jane", "***"),
        max_iterations=1,
    )
    await loop.arun()

    assert loop.state.iterations[0].observation == "patient ***"


@pytest.mark.parametrize("hint", ["object", "bytes", "open", "args", "none"])
def test_what_json_cannot_carry_is_refused_at_registration(hint: str) -> None:
    def of_object(x: object) -> str: ...
    def of_bytes(x: bytes) -> str: ...
    def of_function(x: type[int]) -> str: ...
    def of_args(*x: int) -> str: ...
    def of_none(x) -> str: ...  # type: ignore[no-untyped-def]

    functions = {"object": of_object, "bytes": of_bytes, "open": of_function, "args": of_args, "none": of_none}
    with pytest.raises(UnsupportedTypeError, match="tool of_"):
        tool(functions[hint])
