"""An answer counts for exactly what was shown: the digest is in the question, in the answer and in the grant."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from journals import opened
from sqlalchemy import select

from tinman import clock
from tinman.agents.base import AgentContext
from tinman.approvals.grant import Grant
from tinman.approvals.handler import ApprovalHandler, ApprovalMode
from tinman.approvals.queue import ApprovalQueue
from tinman.approvals.reviewers import CallbackReviewer, TerminalReviewer
from tinman.audit import AuditLog
from tinman.config.modes import Mode
from tinman.db.tables import AuditRow
from tinman.deployments import Deployments, live, roll_back
from tinman.errors import ApprovalDenied
from tinman.memory.graph import MemoryGraph
from tinman.patches.kinds import PromptPatch, ToolRestriction
from tinman.records import Intervention, InterventionType
from tinman.review import Action, ApprovalRequest, Decision, SimulationDetails, ToolDetails
from tinman.runtime import InlineRuntime
from tinman.taxonomy import RiskTier
from tinman.testing import FakeReviewer, ScriptedTarget


def action(what: str = "wipe", **arguments: Any) -> Action:
    details = ToolDetails(
        loop="loop-1", arguments=arguments, reason="it destroys", call="c", state_version=3, observation="o", nonce="n"
    )
    return Action(what=what, mode=Mode.LAB, tier=RiskTier.REVIEW, details=details)


class Elsewhere:
    """A reviewer who says yes to something else."""

    async def decide(self, request: ApprovalRequest) -> Decision:
        return Decision(approved=True, reason="fine", by="somebody", digest=action("other").digest)


async def test_a_yes_to_something_else_is_a_no() -> None:
    decision = await ApprovalHandler(reviewer=Elsewhere()).decide(action())

    assert (decision.approved, decision.reason) == (False, "the answer was to another question")
    assert decision.digest == action().digest


async def test_the_queue_takes_no_answer_to_another_digest_and_tells_all_that_was_asked(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        queue = ApprovalQueue(graph.db)
        asked = await queue.ask(action(path="/"), "cyc-1")
        wrong = replace(asked.answer(approved=True, reason="r", by="b"), digest=action().digest)
        is_taken = await queue.decide(asked.id, wrong)
        (still_open,) = await queue.pending()
        is_right_taken = await queue.decide(asked.id, asked.answer(approved=True, reason="r", by="b"))

    assert (is_taken, is_right_taken) == (False, True)
    assert still_open.action == action(path="/")
    assert still_open.action.kind == "tool"
    assert still_open.digest == still_open.action.digest
    assert still_open.expires_at > still_open.created_at


@pytest.mark.parametrize("typed", ["y\n", "n\n"])
async def test_one_terminal_asks_for_loops_and_cycles_and_shows_the_digest(typed: str) -> None:
    details = SimulationDetails(patches=("p1", "p2"), runs=80, estimated_cost_usd=0.5)
    simulation = Action(what="a rule, a guard", mode=Mode.PRODUCTION, tier=RiskTier.REVIEW, details=details)
    for each, shown in ((action(path="\x1b[2J"), "path: <U+001B>[2J"), (simulation, "runs: 80")):
        out = io.StringIO()
        decision = await ApprovalHandler(reviewer=TerminalReviewer(io.StringIO(typed), out)).decide(each)

        assert decision.approved is (typed == "y\n")
        assert shown in out.getvalue()
        assert each.digest in out.getvalue()


async def test_what_a_callback_gets_cannot_change_what_is_done() -> None:
    def spoil(request: ApprovalRequest) -> bool:
        with pytest.raises(TypeError):
            request.args["files"] = ()
        with pytest.raises(TypeError):
            request.args["files"][0]["name"] = "other"
        return True

    assert (await ApprovalHandler(reviewer=CallbackReviewer(spoil)).decide(action(files=[{"name": "a"}]))).approved


@pytest.mark.parametrize("mode", list(Mode))
async def test_skipping_is_written_down_and_does_nothing_in_production(mode: Mode, tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        handler = ApprovalHandler(audit=AuditLog(graph.db))
        wanted = replace(action(), mode=mode)
        decision = await handler.decide(wanted, skip_approval=True)

    assert decision.approved is (mode is not Mode.PRODUCTION)
    assert decision.by == ("policy" if mode is Mode.PRODUCTION else "caller")


# -- deployments


def fix(text: str = "Be kind.") -> Intervention:
    return Intervention(
        id="intervention-1",
        failure_id="failure-1",
        intervention_type=InterventionType.PROMPT_PATCH,
        name="a rule",
        payload=PromptPatch(text=text),
        risk_tier=RiskTier.REVIEW,
    )


@asynccontextmanager
async def project(folder: Path) -> AsyncIterator[tuple[MemoryGraph, Deployments, InlineRuntime]]:
    async with opened(folder) as graph:
        await graph.add(fix())
        handler = ApprovalHandler(ApprovalMode.INTERACTIVE, reviewer=FakeReviewer(), audit=AuditLog(graph.db))
        target = ScriptedTarget(lambda request, world: "x")
        yield graph, Deployments(graph, target, handler), InlineRuntime(graph)


async def test_a_grant_installs_what_was_approved_and_nothing_else(tmp_path: Path) -> None:
    async with project(tmp_path) as (graph, deployments, runtime):
        grant = await ApprovalHandler(reviewer=FakeReviewer()).grant(await deployments.action_of(Mode.LAB, fix()))
        other = replace(fix(), payload=ToolRestriction(deny=("send",)))
        with pytest.raises(ApprovalDenied, match="not what is to be done now"):
            await deployments.install(Mode.LAB, other, grant, runtime)
        stale = replace(grant, expires_at=clock.now() - timedelta(seconds=1))
        with pytest.raises(ApprovalDenied, match="too long ago"):
            await deployments.install(Mode.LAB, fix(), stale, runtime)
        before = await graph.find(kind="deployment")
        await deployments.install(Mode.LAB, fix(), grant, runtime)
        after = await graph.find(kind="deployment")

    assert (len(before), len(after)) == (0, 1)


async def test_no_grant_comes_of_a_no() -> None:
    with pytest.raises(ApprovalDenied, match="nobody to ask"):
        await ApprovalHandler().grant(action())
    with pytest.raises(ApprovalDenied):
        Grant.of(ApprovalRequest.of(action(), ttl_s=1).answer(approved=False, reason="no", by="b"))


async def test_installing_and_rolling_back_stand_in_the_audit_trail(tmp_path: Path) -> None:
    async with project(tmp_path) as (graph, deployments, runtime):
        told = await deployments.request(Mode.LAB, fix(), runtime)
        target = ScriptedTarget(lambda request, world: "x")
        during = await live(graph, target)
        await roll_back(graph, told["deployment_id"], by="me", reason="it harms")
        after = await live(graph, target)
        async with graph.db.read() as connection:
            lines = list(await connection.scalars(select(AuditRow.what).order_by(AuditRow.seq)))
        broken = await AuditLog(graph.db).broken_at()

    assert told["deployed"] is True
    assert (len(during.layers), len(after.layers)) == (1, 0)
    assert lines == ["deployment.approved", "deployment.installed", "deployment.rolled_back"]
    assert broken is None


async def test_an_agent_goes_on_where_its_runtime_brings_the_answer(tmp_path: Path) -> None:
    """A runtime that can wait for an answer, as one over many machines does: the agent asks again and has it."""
    from tinman.agents.experiment_architect import ExperimentArchitect
    from tinman.agents.experiment_executor import ExperimentExecutor
    from tinman.agents.hypothesis_engine import HypothesisEngine

    async with opened(tmp_path) as graph:
        queue = ApprovalQueue(graph.db)

        class Waiting(InlineRuntime):
            async def receive(self, topic: str) -> Any:
                asked = await queue.get(topic)
                await queue.decide(topic, asked.answer(approved=True, reason="go", by="a reviewer"))

        guessed = (await HypothesisEngine().run(AgentContext(), max_hypotheses=2)).unwrap()
        designs = (await ExperimentArchitect().run(AgentContext(), hypotheses=guessed)).unwrap()
        for record in (*guessed, *designs):
            await graph.add(record)
        handler = ApprovalHandler(ApprovalMode.ASYNC, queue=queue)
        agent = ExperimentExecutor(graph, ScriptedTarget(lambda request, world: "x"), approval_handler=handler)
        context = AgentContext(mode=Mode.PRODUCTION, runtime=Waiting(graph))
        result = await agent.run(context, experiments=designs)

    assert result.success
    assert len(result.unwrap()) == 2
