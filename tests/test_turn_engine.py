"""A run ends ok, failed or indeterminate, whatever the target does, and its transcript is what was really said."""

from __future__ import annotations

import json

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinman.agents.base import AgentContext
from tinman.agents.experiment_executor import ExperimentExecutor
from tinman.clock import chance
from tinman.errors import AwaitingApproval, BudgetExhausted, GarbledReply, ProviderUnavailable, TargetError
from tinman.frozen import adapter, dump
from tinman.messages import Message, Reply, Request, Text, ToolResult, ToolUse, Usage, say
from tinman.patches.apply import apply
from tinman.patches.kinds import ParameterTune, RetryPolicy
from tinman.playbook.cases import screening
from tinman.playbook.family import Family
from tinman.playbook.probes import FAMILIES
from tinman.records import ExperimentDesign, ExperimentResult
from tinman.scenarios.checks import Check, ContainsAny, KeepsSecret, ToolCallMatches, ToolUsed
from tinman.scenarios.outcome import Outcome
from tinman.scenarios.run import KEPT_CHARS, Conversation, run_scenario
from tinman.scenarios.scenario import Scenario, Turn
from tinman.targets.base import Capabilities
from tinman.targets.chat import ChatTarget
from tinman.targets.load import load_target
from tinman.targets.profile import TargetProfile
from tinman.targets.turn import TurnSession
from tinman.targets.world import World
from tinman.testing import Line, ScriptedModel, ScriptedTarget

FINE = ContainsAny(values=("fine",))


def scenario(*turns: str, checks: tuple[Check, ...] = (FINE,), **more: object) -> Scenario:
    return Scenario(
        scenario_id="s",
        turns=tuple(Turn(user=text, checks=checks) for text in turns or ("How are you?",)),
        **more,  # type: ignore[arg-type]
    )


def saying(*lines: Line) -> ScriptedTarget:
    """A target that says the lines in turn, the last one for ever."""
    said = iter(lines)
    last: list[Line] = []

    def play(request: Request, world: World) -> Line:
        last[:] = [next(said, *last)] if last else [next(said)]
        return last[0]

    return ScriptedTarget(play)


async def outcome_of(*lines: Line, of: Scenario | None = None) -> Outcome:
    return await run_scenario(saying(*lines), of or scenario())


# -- verdicts -------------------------------------------------------------------------------------------------------


async def test_a_turn_whose_checks_hold_is_ok_and_one_whose_checks_do_not_is_a_failure() -> None:
    ok, failed = await outcome_of("I am fine."), await outcome_of("I am ill.")

    assert (ok.verdict, ok.reason) == ("ok", "")
    assert (failed.verdict, failed.reason) == ("failure", "")
    assert failed.turns[0].checks[0].detail == "none of: 'fine'"


@pytest.mark.parametrize(
    "error", [TargetError("crashed"), ProviderUnavailable("HTTP 503"), GarbledReply("not JSON")], ids=lambda e: str(e)
)
async def test_an_error_of_the_target_is_indeterminate_and_named(error: Exception) -> None:
    outcome = await outcome_of(error)

    assert outcome.verdict == "indeterminate"
    assert outcome.reason == f"{type(error).__name__}: {error}"
    assert outcome.turns == ()


@pytest.mark.parametrize(
    "empty",
    ["", "  \n\t ", "\u200b\ufeff\u2060", "\u3164\u2800\ue000", "<think>hm, {x}</think>\n", "<think>hm", "x</think>"],
)
async def test_an_empty_reply_is_indeterminate_not_ok_and_not_a_failure(empty: str) -> None:
    silent = await outcome_of(empty)
    unchecked = await outcome_of(empty, of=scenario(checks=()))
    later = await outcome_of("I am fine.", empty, of=scenario("a", "b"))

    assert (silent.verdict, silent.reason) == ("indeterminate", "adapter_runtime: the target answered nothing")
    assert unchecked.verdict == "indeterminate"
    assert (later.verdict, later.reason) == ("indeterminate", "adapter_runtime: the target answered nothing")


async def test_a_reply_without_text_that_calls_a_tool_is_a_reply() -> None:
    called = Reply(message=Message(role="assistant", parts=(ToolUse(id="1", name="lookup", arguments={"id": 4}),)))
    check = ToolCallMatches(tool="lookup", arguments={"id": 4})

    assert (await outcome_of(called, of=scenario(checks=(check,)))).verdict == "ok"


async def test_a_target_that_does_not_answer_in_time_is_indeterminate() -> None:
    async def hang(request: Request, world: World) -> str:
        await anyio.sleep_forever()
        return "fine"

    outcome = await run_scenario(ScriptedTarget(hang), scenario(), timeout_seconds=0.02)
    own = await run_scenario(ScriptedTarget(hang), scenario(timeout_seconds=0.01))

    assert (outcome.verdict, outcome.reason) == ("indeterminate", "timeout after 0.02 s")
    assert own.reason == "timeout after 0.01 s"


async def test_a_target_that_was_never_called_is_indeterminate() -> None:
    conversation = Conversation(TurnSession(ScriptedModel("fine").complete), session_id="s", seed=0)

    assert conversation.judge() == ("indeterminate", "the target was never called")


@pytest.mark.parametrize(
    ("world", "named"),
    [
        (World(system="x"), "system"),
        (World(memory=("x",)), "memory"),
        (World(system="x", memory=("x",)), "memory, system"),
    ],
)
async def test_a_world_the_target_cannot_be_given_is_indeterminate_and_nothing_is_sent(
    world: World, named: str
) -> None:
    target = ScriptedTarget(lambda request, world: "fine", name="box", capabilities=Capabilities())
    outcome = await run_scenario(target, scenario(world=world))

    assert (outcome.verdict, outcome.reason) == ("indeterminate", f"box cannot be given {named}")
    assert target.requests == []


async def test_several_turns_need_a_target_that_keeps_a_conversation() -> None:
    target = ScriptedTarget(lambda request, world: "fine", name="box", capabilities=Capabilities(multi_turn=False))

    assert (await run_scenario(target, scenario("a", "b"))).reason == "box does not keep a conversation"
    assert (await run_scenario(target, scenario("a"))).verdict == "ok"


@pytest.mark.parametrize("error", [BudgetExhausted("calls", ceiling=1, used=1), AwaitingApproval("a-1", "it")])
async def test_what_stops_more_than_a_run_goes_through(error: Exception) -> None:
    with pytest.raises(type(error)):
        await outcome_of(error)


async def test_a_call_that_fails_in_a_later_turn_keeps_what_was_said_before() -> None:
    outcome = await outcome_of("fine", TargetError("crashed"), of=scenario("a", "b"))

    assert outcome.verdict == "indeterminate"
    assert [turn.assistant for turn in outcome.turns] == ["fine"]
    assert outcome.usage.calls == 1


async def test_turns_go_on_after_one_that_failed() -> None:
    outcome = await outcome_of("ill", "fine", "fine", of=scenario("a", "b", "c"))

    assert outcome.verdict == "failure"
    assert [turn.passed for turn in outcome.turns] == [False, True, True]


# -- what comes back ------------------------------------------------------------------------------------------------


async def test_lone_surrogates_become_question_marks_everywhere_in_the_record() -> None:
    broken = "fi\ud800ne"
    used = ToolUse(id="1", name=broken, arguments={"a": broken, broken: [broken, {"x": broken}]})
    result = ToolResult(id="1", name=broken, content=broken)
    trace = (Message(role="assistant", parts=(used,)), Message(role="user", parts=(result,)))
    outcome = await outcome_of(Reply(message=say("assistant", broken), trace=trace))
    stored = adapter(Outcome).dump_json(outcome)

    assert outcome.turns[0].assistant == "fi?ne"
    assert adapter(Outcome).validate_json(stored) == outcome
    assert json.dumps(dump(outcome), ensure_ascii=False).encode()


async def test_a_giant_reply_is_judged_whole_and_kept_in_part() -> None:
    giant = "x" * 3_000_000 + "fine" + "y" * 3_000_000
    outcome = await outcome_of(giant)
    kept = outcome.turns[0].assistant

    assert outcome.verdict == "ok"
    assert len(kept) < KEPT_CHARS + 100
    assert "5936004 characters not kept" in kept


async def test_control_characters_are_kept_as_they_came() -> None:
    odd = "fine\x00\x1b[31m\u202e\u200b\r\n"

    assert (await outcome_of(odd)).turns[0].assistant == odd


@given(st.text(max_size=60), st.text(min_size=1, max_size=20))
async def test_any_reply_to_any_words_gets_a_verdict_and_a_record_that_can_be_stored(said: str, secret: str) -> None:
    checks: tuple[Check, ...] = (KeepsSecret(values=(secret,)), ToolUsed())
    outcome = await outcome_of(said, of=scenario(checks=checks))
    expected = "indeterminate" if not said.strip() else "failure" if secret in said else outcome.verdict

    assert outcome.verdict == expected
    assert adapter(Outcome).validate_json(adapter(Outcome).dump_json(outcome)) == outcome


# -- what goes out --------------------------------------------------------------------------------------------------


async def test_the_conversation_grows_by_what_was_said_and_called() -> None:
    trace = (
        Message(role="assistant", parts=(ToolUse(id="1", name="lookup"),)),
        Message(role="user", parts=(ToolResult(id="1", name="lookup", content="open"),)),
    )
    target = saying(Reply(message=say("assistant", "fine"), trace=trace, usage=Usage(calls=2)), "fine")
    outcome = await run_scenario(target, scenario("one", "two"))

    assert target.requests[1].messages == (say("user", "one"), *trace, say("assistant", "fine"), say("user", "two"))
    assert outcome.usage.calls == 3
    assert outcome.turns[0].tool_traces[0].raw_result == "open"
    assert outcome.turns[1].tool_traces == ()


async def test_a_fork_goes_its_own_way() -> None:
    model = ScriptedModel("fine")
    trunk = Conversation(TurnSession(model.complete), session_id="s", seed=0)
    await trunk.say("one")
    branch = trunk.fork()
    await branch.say("two")
    await trunk.say("three")

    assert [turn.user for turn in trunk.turns] == ["one", "three"]
    assert [turn.user for turn in branch.turns] == ["one", "two"]
    assert [len(request.messages) for request in model.requests] == [1, 3, 3]


async def test_a_patched_replay_sees_the_same_dice() -> None:
    target = ScriptedTarget(lambda request, world: f"fine {chance(request.seed, 'x')}")
    patched = apply(apply(target, ParameterTune(params={"max_tokens": 5})), RetryPolicy())
    plain = await run_scenario(target, scenario("a", "b"), seed=9)
    replay = await run_scenario(patched, scenario("a", "b"), seed=9)
    other = await run_scenario(target, scenario("a", "b"), seed=10)

    assert [t.assistant for t in plain.turns] == [t.assistant for t in replay.turns]
    assert [t.assistant for t in plain.turns] != [t.assistant for t in other.turns]
    assert plain.turns[0].assistant != plain.turns[1].assistant


@pytest.mark.parametrize("family", FAMILIES, ids=[f.name for f in FAMILIES])
async def test_the_transcript_of_a_run_holds_the_designs_own_turns_word_for_word(family: Family) -> None:
    sandbox = load_target(TargetProfile(spec="sandbox"), {})
    pairs, _ = screening(family, seed=2, capabilities=ChatTarget.capabilities)
    design = ExperimentDesign(
        id="e", hypothesis_id="h", stress_type="logical_chain", failure_class="REASONING", test_cases=pairs, name="n"
    )
    ran = await ExperimentExecutor(model_client=sandbox).run(AgentContext(), experiments=[design])
    result: ExperimentResult = ran.output[0]
    designed = {s.scenario_id: s for pair in pairs for s in (pair.stressed, pair.control) if s is not None}

    assert len(result.runs) >= 4
    for run in result.runs:
        assert [turn.user for turn in run.turns] == [turn.user for turn in designed[run.scenario_id].turns]
        assert run.scenario_digest == designed[run.scenario_id].digest


async def test_the_designs_words_reach_the_model_with_its_world() -> None:
    model = ScriptedModel("fine")
    world = World(system="Be kind.", memory=("likes tea",))
    await run_scenario(ChatTarget(model), scenario("  spaced \n words\t", world=world))
    system, asked = model.requests[0].messages

    assert system == say("system", "Be kind.")
    assert [part.text for part in asked.parts if isinstance(part, Text)][-1] == "  spaced \n words\t"
    assert "likes tea" in asked.text
