"""The agents' document: every example runs as it is written there."""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tinman.agents.base import AgentContext
from tinman.approvals.handler import ApprovalHandler
from tinman.config.modes import Mode
from tinman.db.engine import Database
from tinman.events import EventBus
from tinman.memory.beliefs import AdaptiveMemory
from tinman.memory.graph import MemoryGraph
from tinman.targets.load import load_target
from tinman.targets.profile import TargetProfile

HYPOTHESIS_ENGINE = """
from tinman.agents.hypothesis_engine import HypothesisEngine, Hypothesis
from tinman.agents.base import AgentContext
from tinman.config.modes import Mode

engine = HypothesisEngine(
    graph=memory_graph,
    llm_backbone=llm,
    adaptive_memory=adaptive_memory,
)

context = AgentContext(mode=Mode.LAB)
result = await engine.run(context)

for hypothesis in result.data["hypotheses"]:
    print(f"Hypothesis: {hypothesis['expected_failure']}")
    print(f"Confidence: {hypothesis['confidence']}")
    print(f"Priority: {hypothesis['priority']}")
"""

EXPERIMENT_ARCHITECT = """
from tinman.agents.experiment_architect import ExperimentArchitect

architect = ExperimentArchitect(
    graph=memory_graph,
    llm_backbone=llm,
)

result = await architect.run(
    context,
    hypotheses=hypotheses,  # From HypothesisEngine
)

for experiment in result.data["experiments"]:
    print(f"Experiment: {experiment['name']}")
    print(f"Stress type: {experiment['stress_type']}")
    print(f"Estimated runs: {experiment['estimated_runs']}")
"""

EXPERIMENT_EXECUTOR = """
from tinman.agents.experiment_executor import ExperimentExecutor

executor = ExperimentExecutor(
    graph=memory_graph,
    model_client=model_client,
    llm_backbone=llm,
    approval_handler=approval_handler,
)

result = await executor.run(
    context,
    experiments=experiments,  # From ExperimentArchitect
)

print(f"Total runs: {result.data['total_runs']}")
print(f"Failures found: {result.data['failures_found']}")
"""

APPROVAL_INTEGRATION = """
# Approval is requested via ApprovalHandler
approved = await self.approval_handler.approve_experiment(
    experiment_name=experiment.name,
    hypothesis=experiment.hypothesis_id,
    estimated_runs=experiment.estimated_runs,
    estimated_cost_usd=estimated_cost,
    stress_type=experiment.stress_type,
)
"""

FAILURE_DISCOVERY = """
from tinman.agents.failure_discovery import FailureDiscoveryAgent

discovery = FailureDiscoveryAgent(
    graph=memory_graph,
    llm_backbone=llm,
    adaptive_memory=adaptive_memory,
)

result = await discovery.run(
    context,
    results=experiment_results,  # From ExperimentExecutor
)

for failure in result.data["failures"]:
    print(f"[{failure['severity']}] {failure['primary_class']}")
    print(f"Description: {failure['description']}")
    print(f"Novel: {failure['is_novel']}")
"""

INTERVENTION_ENGINE = """
from tinman.agents.intervention_engine import InterventionEngine

intervention_engine = InterventionEngine(
    graph=memory_graph,
    llm_backbone=llm,
    approval_handler=approval_handler,
)

result = await intervention_engine.run(
    context,
    failures=discovered_failures,  # From FailureDiscoveryAgent
)

for intervention in result.data["interventions"]:
    print(f"Intervention: {intervention['name']}")
    print(f"Type: {intervention['type']}")
    print(f"Risk: {intervention['risk_tier']}")
"""

DEPLOYMENT = """
# Deploy intervention with HITL approval
result = await engine.deploy_intervention(
    context,
    intervention=intervention,
    skip_approval=False,
)

if result["deployed"]:
    print("Intervention deployed successfully")
else:
    print(f"Deployment failed: {result['status']}")
"""

SIMULATION_ENGINE = """
from tinman.agents.simulation_engine import SimulationEngine

simulation = SimulationEngine(
    graph=memory_graph,
    model_client=model_client,
    llm_backbone=llm,
)

result = await simulation.run(
    context,
    interventions=interventions,  # From InterventionEngine
    num_runs=10,
)

for sim in result.data["results"]:
    print(f"Intervention: {sim['intervention_id']}")
    print(f"Outcome: {sim['outcome']}")
    print(f"Deploy recommended: {sim['deploy_recommended']}")
    print(f"Reason: {sim['recommendation_reason']}")
"""

CREATING_AGENTS = """
from tinman.agents import (
    HypothesisEngine,
    ExperimentArchitect,
    ExperimentExecutor,
    FailureDiscoveryAgent,
    InterventionEngine,
    SimulationEngine,
)

# Create with all dependencies
hypothesis_engine = HypothesisEngine(
    graph=memory_graph,
    llm_backbone=llm_backbone,
    adaptive_memory=adaptive_memory,
    event_bus=event_bus,
)

experiment_architect = ExperimentArchitect(
    graph=memory_graph,
    llm_backbone=llm_backbone,
    event_bus=event_bus,
)

experiment_executor = ExperimentExecutor(
    graph=memory_graph,
    model_client=model_client,
    llm_backbone=llm_backbone,
    approval_handler=approval_handler,
    event_bus=event_bus,
)

failure_discovery = FailureDiscoveryAgent(
    graph=memory_graph,
    llm_backbone=llm_backbone,
    adaptive_memory=adaptive_memory,
    event_bus=event_bus,
)

intervention_engine = InterventionEngine(
    graph=memory_graph,
    llm_backbone=llm_backbone,
    approval_handler=approval_handler,
    event_bus=event_bus,
)

simulation_engine = SimulationEngine(
    graph=memory_graph,
    model_client=model_client,
    llm_backbone=llm_backbone,
    approval_handler=approval_handler,
    event_bus=event_bus,
)
"""


async def run(snippet: str, names: dict[str, Any]) -> None:
    """Run a snippet as a notebook cell would; its names are left in ``names``."""
    code = compile(snippet, "agents document", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    pending = eval(code, names)
    if inspect.isawaitable(pending):
        await pending


@pytest.fixture
async def names(tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    """What the document takes for granted: a memory, a target, a handler; no LLM."""
    async with await Database.open(tmp_path / "tinman.db") as db:
        graph = MemoryGraph(db)
        yield {
            "memory_graph": graph,
            "adaptive_memory": AdaptiveMemory(graph),
            "llm": None,
            "llm_backbone": None,
            "event_bus": EventBus(),
            "model_client": load_target(TargetProfile(spec="sandbox"), {}),
            "approval_handler": ApprovalHandler("auto_approve"),
            "context": AgentContext(mode=Mode.LAB),
        }


async def test_the_six_examples_run_one_after_the_other_on_each_others_data(
    names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    await run(HYPOTHESIS_ENGINE, names)
    names["hypotheses"] = names["result"].data["hypotheses"][:2]
    await run(EXPERIMENT_ARCHITECT, names)
    names["experiments"] = names["result"].data["experiments"]
    await run(EXPERIMENT_EXECUTOR, names)
    names["experiment_results"] = names["result"].data["results"]
    await run(FAILURE_DISCOVERY, names)
    names["discovered_failures"] = names["result"].data["failures"]
    await run(INTERVENTION_ENGINE, names)
    names["interventions"] = names["result"].data["interventions"]
    await run(SIMULATION_ENGINE, names)

    told = capsys.readouterr().out
    for word in ("Hypothesis:", "Stress type:", "Total runs:", "[S", "Risk:", "Deploy recommended:"):
        assert word in told
    assert names["result"].success
    assert names["result"].data["simulations_run"] == len(names["interventions"]) > 0


async def test_the_approval_example_asks_the_handler_and_gets_its_word(names: dict[str, Any]) -> None:
    experiment = SimpleNamespace(name="n", hypothesis_id="h", estimated_runs=3, stress_type="logical_chain")
    names |= {"experiment": experiment, "estimated_cost": 0.01}
    names["self"] = SimpleNamespace(approval_handler=ApprovalHandler("auto_reject"))
    await run(APPROVAL_INTEGRATION, names)

    assert names["approved"] is False


async def test_the_deployment_example_deploys_a_patch_that_then_acts(
    names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from tinman.agents.intervention_engine import InterventionEngine
    from tinman.deployments import live
    from tinman.records import Intervention
    from tinman.taxonomy import RiskTier

    names["engine"] = InterventionEngine(
        graph=names["memory_graph"], approval_handler=names["approval_handler"], target=names["model_client"]
    )
    names["intervention"] = Intervention(
        id="i",
        failure_id="f",
        intervention_type="parameter_tune",
        name="n",
        payload={"kind": "parameter_tune", "params": {"max_tokens": 512}},
        risk_tier=RiskTier.SAFE,
    )
    await names["memory_graph"].add(names["intervention"])
    await run(DEPLOYMENT, names)
    target = await live(names["memory_graph"], names["model_client"])

    assert "deployed successfully" in capsys.readouterr().out
    assert len(target.layers) == 1
    assert target.fingerprint != names["model_client"].fingerprint


async def test_a_denied_deployment_says_so(names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    from tinman.agents.intervention_engine import InterventionEngine
    from tinman.records import Intervention
    from tinman.taxonomy import RiskTier

    handler = ApprovalHandler("auto_reject")
    names["engine"] = InterventionEngine(
        graph=names["memory_graph"], approval_handler=handler, target=names["model_client"]
    )
    names["intervention"] = Intervention(
        id="i",
        failure_id="f",
        intervention_type="prompt_patch",
        name="n",
        payload={"kind": "prompt_patch", "text": "Be kind."},
        risk_tier=RiskTier.REVIEW,
    )
    await run(DEPLOYMENT, names)

    assert "Deployment failed: denied" in capsys.readouterr().out


async def test_all_agents_are_created_with_all_dependencies(names: dict[str, Any]) -> None:
    await run(CREATING_AGENTS, names)

    agents = [names[name] for name in ("hypothesis_engine", "experiment_architect", "experiment_executor")]
    agents += [names[name] for name in ("failure_discovery", "intervention_engine", "simulation_engine")]
    assert [agent.agent_type for agent in agents] == [
        "hypothesis_engine",
        "experiment_architect",
        "experiment_executor",
        "failure_discovery",
        "intervention_engine",
        "simulation_engine",
    ]


async def test_a_paused_agent_stops_between_two_runs_and_goes_on_where_it_was(names: dict[str, Any]) -> None:
    from tinman.agents import AgentState, ExperimentArchitect, ExperimentExecutor, HypothesisEngine

    context = names["context"]
    hypotheses = (await HypothesisEngine().run(context)).output[:3]
    designs = (await ExperimentArchitect().run(context, hypotheses=hypotheses)).output
    bus = EventBus()
    executor = ExperimentExecutor(model_client=names["model_client"], event_bus=bus)
    context.concurrency = 1
    with bus.subscribe() as events:
        task = asyncio.ensure_future(executor.run(context, experiments=designs))
        seen = [await events.receive()]
        while seen[-1].name != "run.finished":
            seen.append(await events.receive())
        executor.pause()
        while seen[-1].name != "agent.paused":
            seen.append(await events.receive())
        for _ in range(50):
            await asyncio.sleep(0)
        state_while_paused = executor.state
        left = events.statistics().current_buffer_used
        executor.resume()
        result = await task

    assert state_while_paused is AgentState.PAUSED
    assert left == 0
    assert executor.state is AgentState.COMPLETED
    assert result.data["total_runs"] > 3
