"""A cycle at its ceilings, and a cycle that waits for people."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tinman.agents.base import AgentContext, AgentState
from tinman.agents.experiment_architect import ExperimentArchitect
from tinman.agents.experiment_executor import ExperimentExecutor
from tinman.agents.hypothesis_engine import HypothesisEngine
from tinman.approvals.queue import ApprovalQueue
from tinman.audit import AuditLog
from tinman.budget import Amount, Budget, Limits
from tinman.config.modes import Mode
from tinman.db.engine import Database
from tinman.db.tables import AuditRow
from tinman.errors import ModeRefused
from tinman.memory.graph import MemoryGraph
from tinman.messages import Reply, Request, Usage, say
from tinman.models.base import CallableModel
from tinman.models.metered import Metered
from tinman.models.prices import Rate
from tinman.options import ResearchOptions
from tinman.reports.lines import spent
from tinman.reports.result import ResearchCycleResult, load_result
from tinman.targets.chat import ChatTarget
from tinman.testing import ScriptedModel
from tinman.tinman import Tinman, create_tinman

SMALL = {"max_hypotheses": 3, "max_experiments": 2, "max_interventions": 1}


class Unpriced:
    """A model of no known price."""

    provider, name = "elsewhere", "m"

    async def complete(self, request: Request) -> Reply:
        return Reply(message=say("assistant", "No."), usage=Usage(calls=1, input_tokens=9, output_tokens=2))

    async def aclose(self) -> None:
        return


def findings(result: ResearchCycleResult) -> list[tuple[str, str | None, str, float]]:
    return [(f.primary_class, f.secondary_class, f.standing, f.reproducibility) for f in result.failures]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ceiling=st.integers(1, 160), concurrency=st.integers(1, 64))
async def test_whatever_the_concurrency_a_cycle_never_spends_more_calls_than_its_ceiling(
    ceiling: int, concurrency: int
) -> None:
    tinman = await create_tinman(target="sandbox", store=":memory:")
    result = await tinman.research_cycle(**SMALL, max_calls=ceiling, concurrency=concurrency)
    await tinman.close()

    assert result.usage.calls <= ceiling
    assert result.status == "completed" or "calls ceiling" in result.stopped_reason


async def test_a_reasoner_has_one_share_of_a_cycles_money_however_often_the_cycle_is_resumed(tmp_path: Path) -> None:
    def think(messages: object, tools: object) -> str:
        return "{}"

    rates = {"callable:thinker": Rate(input_usd=1.0, output_usd=1.0)}  # about half a cent an answer
    async with await create_tinman(
        target="sandbox",
        reasoner=CallableModel(think, name="thinker"),
        store=tmp_path / "t.db",
        price_overrides=rates,
    ) as tinman:
        result = await tinman.research_cycle(**SMALL, max_usd=0.5, max_calls=10)
        for calls in (20, 30, 40, 10_000):
            result = await tinman.resume(result.cycle_id, max_calls=calls)

    assert result.status == "completed"
    assert result.spent.nano_usd is not None
    assert 0 < result.spent.answers.nano_usd <= result.spent.nano_usd <= 0.2 * 0.5 * 1e9


@pytest.mark.slow
async def test_a_cycle_stopped_at_a_ceiling_is_resumed_under_a_higher_one_to_the_same_end(tmp_path: Path) -> None:
    whole = await create_tinman(target="sandbox", store=tmp_path / "whole.db")
    undisturbed = await whole.research_cycle(**SMALL)
    await whole.close()
    cut = await create_tinman(target="sandbox", store=tmp_path / "cut.db")
    stopped = await cut.research_cycle(**SMALL, max_calls=60)
    resumed = await cut.resume(stopped.cycle_id, max_calls=10_000)
    await cut.close()

    assert stopped.status == "paused"
    assert resumed.status == "completed"
    assert findings(resumed) == findings(undisturbed)


async def test_how_a_cycle_ended_is_told_in_the_words_of_a_loop(tmp_path: Path) -> None:
    async with await create_tinman(target="sandbox", store=tmp_path / "t.db") as tinman:
        whole = await tinman.research_cycle(**SMALL)
        cut = await tinman.research_cycle(**SMALL, max_calls=20)
    production = await in_production(tmp_path / "production")
    waiting = await production.research_cycle(**SMALL)
    await production.close()

    assert (whole.ended_as, whole.resumable) == ("SUCCESS", False)
    assert (cut.ended_as, cut.status, cut.resumable) == ("BUDGET_EXHAUSTED", "paused", True)
    assert (waiting.ended_as, waiting.status, waiting.resumable) == ("AWAITING_APPROVAL", "paused", True)


async def test_an_agent_at_a_ceiling_has_completed_and_says_why() -> None:
    spent = Budget(Limits(calls=1))
    async with spent.reserve(Amount(calls=1)):
        pass
    target = ChatTarget(Metered(ScriptedModel("x"), budget=spent))
    guessed = await HypothesisEngine().run(AgentContext(), max_hypotheses=1)
    designed = await ExperimentArchitect().run(AgentContext(), hypotheses=guessed.output)
    executor = ExperimentExecutor(model_client=target)
    result = await executor.run(AgentContext(), experiments=designed.output)

    assert (result.success, executor.state) == (False, AgentState.COMPLETED)
    assert "calls ceiling" in result.data["stopped_reason"]


async def test_skipping_the_gate_in_production_is_refused_and_audited(tmp_path: Path) -> None:
    tinman = await in_production(tmp_path)
    result = await tinman.research_cycle(**SMALL, skip_approval=True)
    async with tinman.graph.db.read() as connection:
        lines = (await connection.execute(select(AuditRow.actor, AuditRow.what))).all()
    await tinman.close()

    assert not result.results
    assert ("policy", "experiment.skip_refused") in [tuple(line) for line in lines]


async def in_production(tmp_path: Path) -> Tinman:
    tinman = await create_tinman(target="sandbox", store=tmp_path / "t.db", mode=Mode.PRODUCTION)
    await tinman.promote(Mode.SHADOW, by="a test")
    await tinman.promote(Mode.PRODUCTION, by="a test")
    return tinman


async def test_a_project_never_promoted_refuses_production(tmp_path: Path) -> None:
    tinman = await create_tinman(target="sandbox", store=tmp_path / "t.db", mode=Mode.PRODUCTION)

    with pytest.raises(ModeRefused, match="promote"):
        await tinman.research_cycle(**SMALL)
    await tinman.close()


async def test_a_production_cycle_waits_for_its_approvals_and_makes_at_most_three_runs_a_stage(tmp_path: Path) -> None:
    tinman = await in_production(tmp_path)
    waiting = await tinman.research_cycle(**SMALL)
    queue = ApprovalQueue(tinman.graph.db)
    asked = await queue.pending()
    for each in asked:
        assert await queue.decide(each.id, each.answer(approved=True, reason="go", by="a test"))
    resumed = await tinman.resume(waiting.cycle_id)
    for each in await queue.pending():
        await queue.decide(each.id, each.answer(approved=False, reason="no", by="a test"))
    done = await tinman.resume(waiting.cycle_id)
    broken = await AuditLog(tinman.graph.db).broken_at()
    await tinman.close()

    assert waiting.status == "paused"
    assert not waiting.results
    assert len(asked) == 3
    assert resumed.results
    assert all(r.screen.n <= 3 and r.stress.n <= 3 for r in resumed.results)
    assert {f.standing for f in resumed.failures} <= {"observed", "suspected"}
    assert done.status == "completed"
    assert not any(s.paired.n for s in done.simulations)
    assert broken is None


async def test_forty_racing_reviewers_have_one_winner(tmp_path: Path) -> None:
    import anyio

    tinman = await in_production(tmp_path)
    await tinman.research_cycle(**SMALL)
    queue = ApprovalQueue(tinman.graph.db)
    wanted = (await queue.pending())[0]
    won: list[bool] = []

    async def answer(number: int) -> None:
        won.append(await queue.decide(wanted.id, wanted.answer(approved=number % 2 == 0, reason="r", by=str(number))))

    async with anyio.create_task_group() as group:
        for number in range(40):
            group.start_soon(answer, number)
    await tinman.close()

    assert won.count(True) == 1


async def test_the_audit_chain_shows_a_changed_line(tmp_path: Path) -> None:
    from sqlalchemy import update

    from tinman.db.tables import AuditRow

    async with await Database.open(tmp_path / "t.db") as db:
        log = AuditLog(db)
        for number in range(4):
            await log.append("a", "b", {"n": number})
        whole = await log.broken_at()
        forged = update(AuditRow).where(AuditRow.seq == 2).values(data={"n": 9})
        await db.write(lambda connection: connection.execute(forged))
        broken = await log.broken_at()
        graph = MemoryGraph(db)

        assert whole is None
        assert broken == 2
        assert await graph.cycles.newest() == []


async def test_after_a_resume_the_ceiling_in_force_is_the_one_that_is_told(tmp_path: Path) -> None:
    async with await create_tinman(target="sandbox", store=tmp_path / "t.db") as tinman:
        stopped = await tinman.research_cycle(**SMALL, max_calls=20)
        resumed = await tinman.resume(stopped.cycle_id, max_calls=5_000)
        stored = await load_result(tinman.graph, stopped.cycle_id)

    assert resumed.options.max_calls == stored.options.max_calls == 5_000
    assert f"of {5_000:,} calls" in spent(resumed)


@pytest.mark.slow
async def test_money_that_nobody_knows_is_unknown_and_no_number(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("def answer(text):\n    return 'I do not know.'\n")
    async with await create_tinman(target=f"{tmp_path / 'bot.py'}:answer", store=tmp_path / "t.db") as tinman:
        black_box = await tinman.research_cycle(**SMALL, max_calls=10)
    async with await create_tinman(target=ChatTarget(Unpriced()), store=tmp_path / "u.db") as tinman:
        unpriced = await tinman.research_cycle(**SMALL, max_calls=10)

    for result in (black_box, unpriced):
        assert result.usage.usd is None
        assert spent(result).startswith("money unknown")


@pytest.mark.parametrize(
    "wrong", [{"max_usd": 1e300}, {"max_usd": float("inf")}, {"max_calls": 10**19}, {"timeout_seconds": float("nan")}]
)
def test_a_ceiling_has_an_upper_bound(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        ResearchOptions(**wrong)  # type: ignore[arg-type]
