"""A name nobody knows is refused wherever a value or an agent is given one, checked or not."""

from __future__ import annotations

import pytest

from tinman.agents.base import AgentContext
from tinman.agents.experiment_architect import ExperimentArchitect
from tinman.agents.experiment_executor import ExperimentExecutor
from tinman.agents.failure_discovery import FailureDiscoveryAgent
from tinman.agents.hypothesis_engine import HypothesisEngine
from tinman.agents.intervention_engine import InterventionEngine
from tinman.agents.simulation_engine import SimulationEngine
from tinman.frozen import alter, make
from tinman.messages import Request
from tinman.stats import Interval


def test_a_changed_or_made_record_has_its_own_fields_only() -> None:
    request = alter(Request(messages=()), seed=3)

    assert request == Request(messages=(), seed=3)
    with pytest.raises(TypeError, match="Request has no field 'seeed'"):
        alter(request, seeed=4)
    with pytest.raises(TypeError, match="Interval has no field 'lowest'"):
        make(Interval, lowest=0.0, high=1.0)


@pytest.mark.parametrize(
    ("agent", "given"),
    [
        (HypothesisEngine, {}),
        (ExperimentArchitect, {"hypotheses": []}),
        (ExperimentExecutor, {"experiments": []}),
        (FailureDiscoveryAgent, {"results": []}),
        (InterventionEngine, {"failures": []}),
        (SimulationEngine, {"interventions": []}),
    ],
)
async def test_an_agent_refuses_an_argument_it_does_not_know(agent: type, given: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="max_hypothesis"):
        await agent().run(AgentContext(), max_hypothesis=2, **given)


async def test_data_is_made_when_it_is_read_and_holds_the_counts() -> None:
    result = await HypothesisEngine().run(AgentContext(), max_hypotheses=2)

    assert callable(result.__dict__["_data"])
    assert result.data["hypothesis_count"] == result.counts["hypothesis_count"] == 2
    assert [each["id"] for each in result.data["hypotheses"]] == [each.id for each in result.unwrap()]
    assert result.data is result.data
