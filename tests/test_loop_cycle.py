"""The cycle goes in its normative order, and ends in one of eight ways."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from loops import NEVER, Counting, Threshold, Watched, a_loop, playing, says

from tinman.errors import KeyRefused, LoopConfigError, ProviderUnavailable
from tinman.loop import (
    CallableLLM,
    CallbackApprovalRunner,
    Decision,
    DecisionKind,
    Exit,
    HeadlessApprovalRunner,
    Loop,
    LoopStatus,
    NoProgress,
    Policy,
    RequireApproval,
    State,
    tool,
)
from tinman.loop.result import RECOMMENDED

WORK = ("work", {"n": 1})


def counting_up() -> Any:
    """Return an observer that sees 0, 1, 2, ..."""
    seen = iter(range(1_000))
    return lambda state: str(next(seen))


class Stopping(Policy):
    def __init__(self, decision: Decision, on: str = "iteration") -> None:
        self.decision = decision
        self.on = on

    def before_iteration(self, state: State) -> Decision:
        return self.decision if self.on == "iteration" else Decision()

    def before_action(self, state: State, tool_name: str, args: dict[str, Any]) -> Decision:
        return self.decision if self.on == tool_name else Decision()


# -- the order of a round


async def test_a_round_tells_its_steps_in_order() -> None:
    watched, work = Watched(), Counting()
    loop = a_loop(
        playing(says("go", WORK)),
        [work.tool],
        observe=counting_up(),
        goal_metric=Threshold(1),
        on_event=watched,
    )
    result = await loop.arun()

    assert result.status == "SUCCESS"
    assert watched.kinds == [
        "loop.start",
        "iteration.start",
        "llm.call",
        "action.executed",
        "iteration.end",
        "iteration.start",
        "iteration.end",
        "loop.end",
    ]


async def test_a_ceilings_are_checked_before_policies_are_asked() -> None:
    asked: list[int] = []

    class Noting(Policy):
        def before_iteration(self, state: State) -> Decision:
            asked.append(len(state.iterations))
            return Decision()

    result = await a_loop(playing(says("x")), policies=[Noting()], max_iterations=2).arun()

    assert (result.status, asked) == (LoopStatus.BUDGET_EXHAUSTED, [0, 1])
    assert result.reason == "max_iterations (2) reached"


async def test_b_the_first_policy_that_stops_ends_it_before_anything_is_observed() -> None:
    seen: list[State] = []
    watched = Watched()
    stop = Decision(kind=DecisionKind.STOP, reason="enough", status=LoopStatus.NO_PROGRESS)
    model = playing(says("x"))
    loop = a_loop(
        model,
        policies=[Stopping(Decision()), Stopping(stop), Stopping(Decision(kind=DecisionKind.STOP, reason="later"))],
        observe=lambda state: str(seen.append(state)),
        on_event=watched,
    )
    result = await loop.arun()

    assert (result.status, result.reason) == ("NO_PROGRESS", "Stopping: enough")
    assert (seen, model.requests) == ([], [])
    assert watched.of("policy.stop")[0]["reason"] == "enough"


async def test_b_a_stop_without_status_is_an_error() -> None:
    result = await a_loop(playing("x"), policies=[Stopping(Decision(kind=DecisionKind.STOP, reason="no"))]).arun()

    assert (result.status, result.error) == (LoopStatus.ERROR, "PolicyStop")


async def test_c_what_is_observed_is_cut_in_its_middle_and_shown_to_the_model() -> None:
    model = playing(says("x"))
    loop = a_loop(model, observe=lambda state: "head" + "." * 50_000 + "tail", max_iterations=1)
    await loop.arun()
    observation = loop.state.iterations[0].observation

    assert len(observation) <= 16_384
    assert observation.startswith("head")
    assert observation.endswith("tail")
    assert "tail" in model.requests[0].messages[1].text


async def test_f_a_reached_goal_costs_no_model_call_but_one_record() -> None:
    model = playing(says("x"))
    loop = a_loop(model, observe=lambda state: "9", goal_metric=Threshold(3))
    result = await loop.arun()

    assert (result.status, result.iterations, model.requests) == ("SUCCESS", 1, [])
    assert loop.state.iterations[0].actions == ()


async def test_g_a_bad_reply_is_refused_whole_and_the_model_is_told() -> None:
    work, watched = Counting(), Watched()
    model = playing(says("", WORK, ("nothing", {})), says("", WORK), says("done"))
    loop = a_loop(model, [work.tool], max_iterations=1, on_event=watched)
    await loop.arun()

    assert work.calls == [1]
    assert "nothing: there is no such tool" in model.requests[1].messages[-1].text
    assert watched.of("plan.invalid")[0]["attempt"] == 1
    assert loop.state.iterations[0].plan_invalid is False


async def test_g_two_invalid_rounds_in_a_row_are_plan_failed_after_six_calls() -> None:
    model = playing(says("", ("nothing", {})))
    loop = a_loop(model)
    result = await loop.arun()

    assert (result.status, len(model.requests), result.iterations) == (LoopStatus.PLAN_FAILED, 6, 2)
    assert all(record.plan_invalid for record in loop.state.iterations)
    assert result.metrics.total_tokens == 6 * 15


async def test_g_a_good_round_ends_the_streak_of_invalid_ones() -> None:
    bad, good = says("", ("nothing", {})), says("", WORK)
    model = playing(bad, bad, bad, good, bad, bad, bad, good)
    result = await a_loop(model, [Counting().tool], max_iterations=4).arun()

    assert result.status is LoopStatus.BUDGET_EXHAUSTED


async def test_h_the_calls_of_a_plan_run_in_their_order() -> None:
    work = Counting()
    calls = [("work", {"n": n}) for n in (3, 1, 2)]
    await a_loop(playing(says("", *calls)), [work.tool], max_iterations=1).arun()

    assert work.calls == [3, 1, 2]


async def test_h_neither_an_error_nor_an_abort_ends_plan_or_loop() -> None:
    @tool
    def broken() -> str:
        """Fail."""
        raise ValueError("no")

    @tool(timeout_s=0.02)
    async def slow() -> str:
        """Take too long."""
        await asyncio.sleep(30)
        return "never"

    work = Counting()
    loop = a_loop(playing(says("", ("broken", {}), ("slow", {}), WORK)), [broken, slow, work.tool], max_iterations=1)
    await loop.arun()
    actions = loop.state.iterations[0].actions

    assert [action.status for action in actions] == ["error", "aborted", "ok"]
    assert actions[0].result_excerpt == "ValueError: no"


async def test_h_what_a_ceiling_cuts_off_is_named_and_dropped() -> None:
    work, watched = Counting(), Watched()

    @tool
    async def wait() -> str:
        """Use up the time."""
        await asyncio.sleep(0.12)
        return "waited"

    loop = a_loop(playing(says("", ("wait", {}), WORK)), [wait, work.tool], wall_clock_s=0.1, on_event=watched)
    result = await loop.arun()

    assert (result.status, work.calls) == (LoopStatus.BUDGET_EXHAUSTED, [])
    assert watched.of("budget.preempt")[0]["dropped_action"] == "work"
    assert loop.state.iterations[0].dropped == ("work",)
    assert loop.state.iterations[0].actions[0].status == "aborted"


async def test_i_a_record_is_saved_before_exits_are_asked(tmp_path: Path) -> None:
    stored: list[int] = []

    def look(state: State) -> bool:
        stored.append(len(State.load(tmp_path / "s.json").iterations))
        return True

    loop = a_loop(
        playing(says("", WORK)), [Counting().tool], exits=[Exit.success(look)], state_path=tmp_path / "s.json"
    )
    result = await loop.arun()

    assert (result.status, stored) == ("SUCCESS", [1])


async def test_j_the_first_exit_that_holds_ends_it() -> None:
    exits = [Exit.success(lambda state: False), Exit.max_iterations(1), Exit.success(lambda state: True)]
    result = await a_loop(playing(says("", WORK)), [Counting().tool], exits=exits).arun()

    assert (result.status, result.reason) == (LoopStatus.BUDGET_EXHAUSTED, "1 iterations reached")


async def test_j_exits_are_not_asked_after_an_invalid_plan() -> None:
    asked: list[int] = []
    exits = [Exit.success(lambda state: bool(asked.append(len(state.iterations))))]
    result = await a_loop(playing(says("", ("nothing", {}))), exits=exits).arun()

    assert (result.status, asked) == (LoopStatus.PLAN_FAILED, [])


@pytest.mark.parametrize(
    ("exit_", "status"),
    [
        (Exit.token_limit(15), "BUDGET_EXHAUSTED"),
        (Exit.cost_limit(0.0), "BUDGET_EXHAUSTED"),
        (Exit.stagnation(1), "NO_PROGRESS"),
        (Exit.success(lambda state: True), "SUCCESS"),
    ],
)
async def test_every_exit_ends_with_its_status(exit_: Any, status: str) -> None:
    result = await a_loop(playing(says("idle")), exits=[exit_]).arun()

    assert (result.status, result.iterations) == (status, 1)


async def test_stagnation_fires_one_step_before_the_policy() -> None:
    def rounds(**settings: Any) -> Loop:
        return a_loop(playing(says("", WORK)), [Counting().tool], **settings)

    by_exit = await rounds(exits=[Exit.stagnation(3)]).arun()
    by_policy = await rounds(policies=[NoProgress(3)]).arun()

    assert by_exit.status == by_policy.status == "NO_PROGRESS"
    assert (by_exit.iterations, by_policy.iterations) == (4, 4)
    assert by_policy.reason.startswith("NoProgress")


async def test_the_goal_reached_by_the_last_round_is_seen() -> None:
    work = Counting()
    loop = a_loop(
        playing(says("", WORK)),
        [work.tool],
        observe=lambda state: str(len(work.calls)),
        goal_metric=Threshold(2),
        max_iterations=2,
    )
    result = await loop.arun()

    assert (result.status, result.iterations) == ("SUCCESS", 2)


# -- statuses


async def ended(status: LoopStatus, folder: Path) -> Any:
    """Return the result of a loop that ends with ``status``."""
    work = Counting()
    gate = {"policies": [RequireApproval({"work"})], "state_path": folder / "state.json"}
    settings: dict[LoopStatus, dict[str, Any]] = {
        LoopStatus.SUCCESS: {"exits": [Exit.success(lambda state: True)]},
        LoopStatus.BUDGET_EXHAUSTED: {"max_iterations": 1},
        LoopStatus.NO_PROGRESS: {"policies": [NoProgress(1)]},
        LoopStatus.PLAN_FAILED: {"tools": []},
        LoopStatus.APPROVAL_DENIED: {**gate, "approval_runner": CallbackApprovalRunner(lambda request: False)},
        LoopStatus.AWAITING_APPROVAL: {**gate, "approval_runner": HeadlessApprovalRunner()},
        LoopStatus.PENDING_EXPIRED: {**gate, "approval_runner": HeadlessApprovalRunner(ttl_s=0.001)},
        LoopStatus.ERROR: {"observe": lambda state: 1 / 0},
    }
    chosen = dict(settings[status])
    tools = chosen.pop("tools", [work.tool])
    model = playing(says("", WORK))
    result = await a_loop(model, tools, **chosen).arun()
    if status is not LoopStatus.PENDING_EXPIRED:
        return result
    await asyncio.sleep(0.01)
    chosen.pop("state_path")
    return await Loop.aresume(folder / "state.json", tools=tools, llm=model, quiet=True, **chosen)


@pytest.mark.parametrize("status", list(LoopStatus))
async def test_every_status_says_whether_it_can_be_resumed_and_what_to_do(status: LoopStatus, tmp_path: Path) -> None:
    result = await ended(status, tmp_path)

    assert result.status is status
    assert result.status == status.value
    assert result.resumable is (status is not LoopStatus.SUCCESS)
    assert result.recommended_action == RECOMMENDED[status]
    assert result.reason
    assert (result.approval_token is not None) is (status is LoopStatus.AWAITING_APPROVAL)


# -- errors and retries


async def test_a_model_that_is_away_is_asked_again() -> None:
    model = playing(ProviderUnavailable("away"), says("", WORK))
    work = Counting()
    result = await a_loop(model, [work.tool], max_iterations=1).arun()

    assert (result.status, work.calls, len(model.requests)) == (LoopStatus.BUDGET_EXHAUSTED, [1], 2)


async def test_a_refused_key_is_not_tried_again() -> None:
    model = playing(KeyRefused("no"))
    result = await a_loop(model).arun()

    assert (result.status, result.error, len(model.requests)) == (LoopStatus.ERROR, "KeyRefused", 1)


async def test_a_callable_that_lost_its_connection_is_asked_again() -> None:
    asked: list[int] = []

    def answer(messages: Any, schemas: Any) -> Any:
        asked.append(1)
        if len(asked) == 1:
            raise ConnectionError("gone")
        return "fine"

    result = await a_loop(CallableLLM(answer), max_iterations=1).arun()

    assert (result.status, len(asked)) == (LoopStatus.BUDGET_EXHAUSTED, 2)


# -- construction


@pytest.mark.parametrize(
    "settings",
    [
        {"max_iterations": -1},
        {"token_limit": -1},
        {"wall_clock_s": -0.1},
        {"cost_limit_usd": -1},
        {"verbatim_window": 0},
        {"pricing_staleness": "sometimes"},
        {"state_path": "a", "db": "b"},
    ],
)
def test_senseless_settings_are_refused_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(LoopConfigError):
        a_loop(playing("x"), **settings)


@pytest.mark.parametrize("ceiling", ["max_iterations", "token_limit", "wall_clock_s", "cost_limit_usd"])
async def test_a_ceiling_of_nothing_ends_it_at_once_new_or_resumed(ceiling: str, tmp_path: Path) -> None:
    model, work, path = playing(says("", ("work", {}))), Counting(), tmp_path / "s.json"
    new = await a_loop(model, [work.tool], **{ceiling: 0}).arun()
    first = await a_loop(model, [work.tool], state_path=path, max_iterations=1).arun()
    again = await Loop.aresume(
        path, tools=[work.tool], llm=model, policies=[], quiet=True, extend={"max_iterations": 9, ceiling: 0}
    )

    assert (new.status, first.status, again.status) == ("BUDGET_EXHAUSTED",) * 3
    assert new.reason.startswith(ceiling)
    assert again.reason.startswith(ceiling)
    assert (len(model.requests), len(work.calls)) == (1, 1)


def test_limits_are_announced_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    Loop("g", [], playing("x"), max_iterations=1).run()

    shown = capsys.readouterr()
    assert shown.err == "[loop] goal='g' | limits: 1 iterations, 500,000 tokens, 1800s wall-clock\n"
    assert shown.out == ""


def test_run_works_without_an_event_loop() -> None:
    assert a_loop(playing("x"), max_iterations=1).run().iterations == 1


async def test_run_works_where_an_event_loop_runs() -> None:
    assert a_loop(playing("x"), max_iterations=1).run().iterations == 1


async def test_a_second_run_goes_on_from_the_first() -> None:
    loop = a_loop(playing("x"), max_iterations=2)
    await loop.arun()
    loop.state = loop.state
    result = await loop.arun()

    assert (result.iterations, loop.state.sessions) == (2, 2)


async def test_no_progress_is_on_when_nothing_is_said_and_off_with_an_empty_list() -> None:
    by_default = await Loop("g", [], playing("x"), exits=[NEVER], quiet=True, max_iterations=9).arun()
    off = await a_loop(playing("x"), max_iterations=9).arun()

    assert (by_default.status, by_default.iterations) == ("NO_PROGRESS", 3)
    assert (off.status, off.iterations) == ("BUDGET_EXHAUSTED", 9)


async def test_cancelled_it_writes_down_that_it_was(tmp_path: Path) -> None:
    @tool
    async def wait() -> str:
        """Wait."""
        await asyncio.sleep(30)
        return ""

    loop = a_loop(playing(says("", ("wait", {}))), [wait], state_path=tmp_path / "s.json")
    task = asyncio.ensure_future(loop.arun())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    state = State.load(tmp_path / "s.json")
    assert state.ending is not None
    assert state.ending.reason == "cancelled"
    assert state.round is not None
