"""What a cycle was asked and what it found, read back from the graph: every report and every process starts here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field

from tinman.config.modes import Mode
from tinman.frozen import adapter, frozen
from tinman.memory.beliefs import Score
from tinman.memory.graph import MemoryGraph
from tinman.messages import Usage
from tinman.records import (
    DiscoveredFailure,
    ExperimentDesign,
    ExperimentResult,
    Hypothesis,
    Intervention,
    Record,
    SimulationResult,
)

_DISCOVERY_RUNS = 400  # for every five experiments
_RUNS_PER_INTERVENTION = 130
R = TypeVar("R", bound=Record)
Positive = Annotated[int, Field(gt=0)]


@frozen
class ResearchOptions:
    """What a cycle was asked to do; stored with it, so that a resume does the same.

    ``timeout_seconds`` bounds the whole cycle, ``run_timeout_seconds`` one run. ``max_usd`` of ``None`` leaves money
    open."""

    focus: str = ""
    max_hypotheses: Positive = 10
    max_experiments: Positive = 5
    max_interventions: Annotated[int, Field(ge=0)] = 5
    measure: Annotated[int, Field(ge=0)] = 0
    max_calls: Positive = 10_000
    max_tokens: Positive = 20_000_000
    max_usd: Annotated[float, Field(gt=0)] | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 1_200.0
    run_timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    concurrency: Annotated[int, Field(gt=0, le=512)] = 16
    seed: int = 0
    skip_approval: bool = False
    allow_destructive: bool = False

    @property
    def most_discovery_runs(self) -> int:
        """How many runs screening, confirming and measuring may take together."""
        return _DISCOVERY_RUNS * max(1, self.max_experiments // 5) + self.measure * self.max_experiments

    @property
    def most_simulation_runs(self) -> int:
        """How many runs picking and proving fixes may take together."""
        return _RUNS_PER_INTERVENTION * self.max_interventions


@frozen
class ResearchCycleResult:
    """Everything a cycle found, as the graph holds it."""

    cycle_id: str
    mode: Mode
    target: str
    reasoner: str
    status: str
    stopped_reason: str
    options: ResearchOptions
    hypotheses: tuple[Hypothesis, ...] = ()
    experiments: tuple[ExperimentDesign, ...] = ()
    results: tuple[ExperimentResult, ...] = ()
    failures: tuple[DiscoveredFailure, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    simulations: tuple[SimulationResult, ...] = ()
    scores: tuple[Score, ...] = ()
    usage: Usage = Usage()
    summary: dict[str, Any] = Field(default_factory=dict)

    @property
    def ended_as(self) -> str:
        """How it ended, in the words of a loop (``LoopStatus``); empty while it runs and after a stop by its user."""
        return str(self.summary.get("ended_as", ""))

    @property
    def resumable(self) -> bool:
        """Whether there is something left to go on with."""
        return self.status in {"running", "paused", "failed"}

    @property
    def validated(self) -> tuple[DiscoveredFailure, ...]:
        """The failures that were confirmed against their control."""
        return tuple(f for f in self.failures if f.standing == "validated")


async def load_result(graph: MemoryGraph, cycle_id: str) -> ResearchCycleResult:
    """Return a cycle's result as the graph tells it, whichever process ran it. Raises ``NotFound``."""
    cycle = await graph.cycles.get(cycle_id)

    async def all_of(kind: Any, wanted: type[R]) -> tuple[R, ...]:
        nodes = await graph.find(kind=kind, cycle_id=cycle_id)
        return tuple(node.record for node in nodes if isinstance(node.record, wanted))

    results = await all_of("result", ExperimentResult)
    failures = sorted(await all_of("failure_mode", DiscoveredFailure), key=_by_label)
    interventions = sorted(await all_of("intervention", Intervention), key=_by_label)
    position = {intervention.id: index for index, intervention in enumerate(interventions)}
    simulations = sorted(
        await all_of("simulation", SimulationResult), key=lambda s: position.get(s.intervention_id, len(position))
    )
    hypotheses = await all_of("hypothesis", Hypothesis)
    scored = await graph.find(kind="score", cycle_id=cycle_id)
    return ResearchCycleResult(
        cycle_id=cycle.id,
        mode=cycle.mode,
        target=cycle.target,
        reasoner=cycle.reasoner,
        status=cycle.status,
        stopped_reason=cycle.stopped_reason,
        options=options_of(cycle.config),
        hypotheses=hypotheses,
        experiments=await all_of("experiment", ExperimentDesign),
        results=results,
        failures=tuple(failures),
        interventions=tuple(interventions),
        simulations=tuple(simulations),
        scores=tuple(adapter(Score).validate_python(node.data) for node in scored),
        usage=_usage(cycle.summary or {}),
        summary=cycle.summary or {},
    )


def options_of(config: Mapping[str, Any]) -> ResearchOptions:
    """Return the options a stored cycle was started with."""
    return ResearchOptions(**config["options"])


def _by_label(record: DiscoveredFailure | Intervention) -> tuple[int, str]:
    number = record.label.rpartition("-")[2]
    return (int(number) if number.isdigit() else 1 << 30, record.id)


def _usage(summary: Mapping[str, Any]) -> Usage:
    """Return calls and money as the budget counted them, lost blocks included, and tokens as they were reported."""
    return Usage(
        calls=summary.get("calls", 0),
        input_tokens=summary.get("input_tokens", 0),
        output_tokens=summary.get("output_tokens", 0),
        nano_usd=summary.get("nano_usd", 0),
    )
