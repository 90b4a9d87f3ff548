"""What a cycle found, read back from the graph: every report and every process starts here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from tinman import clock
from tinman.audit import AuditLog, Head
from tinman.config.modes import Mode
from tinman.frozen import frozen
from tinman.memory.beliefs import Score
from tinman.memory.surfaces import surface_at
from tinman.messages import Usage
from tinman.options import ResearchOptions, options_of
from tinman.records import (
    DiscoveredFailure,
    Ending,
    ExperimentDesign,
    ExperimentResult,
    Hypothesis,
    Intervention,
    Record,
    SimulationResult,
    Spent,
)
from tinman.surface import Surface

if TYPE_CHECKING:
    from tinman.memory.graph import MemoryGraph

R = TypeVar("R", bound=Record)


@frozen
class ResearchCycleResult:
    """Everything a cycle found, as the graph holds it; ``surface`` is what was known of its target, without secrets."""

    cycle_id: str
    mode: Mode
    target: str
    reasoner: str
    status: str
    started_at: datetime
    ended_at: datetime | None = None
    fingerprint: str = ""
    ending: Ending | None
    options: ResearchOptions
    surface: Surface | None = None
    hypotheses: tuple[Hypothesis, ...] = ()
    experiments: tuple[ExperimentDesign, ...] = ()
    results: tuple[ExperimentResult, ...] = ()
    failures: tuple[DiscoveredFailure, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    simulations: tuple[SimulationResult, ...] = ()
    scores: tuple[Score, ...] = ()
    spent: Spent = Spent()
    audit: Head = Head()

    def __repr__(self) -> str:
        """One line: a notebook shows what a cell returns, and the whole is a megabyte; ``reports`` draw it."""
        counts = {"failures": self.failures, "interventions": self.interventions, "simulations": self.simulations}
        told = ", ".join(f"{len(found)} {name}" for name, found in counts.items())
        return f"<cycle {self.cycle_id}, {self.mode}, {self.status}: {len(self.validated)} validated; {told}>"

    @property
    def stopped_reason(self) -> str:
        """Why it stopped before its end, in words; empty when it did not."""
        return self.ending.reason if self.ending else ""

    @property
    def ended_as(self) -> str:
        """How it ended, in the words of a loop (``LoopStatus``); empty while it runs and after a stop by its user."""
        return self.ending.kind if self.ending and self.ending.kind not in {"STOPPED", "CANCELLED"} else ""

    @property
    def usage(self) -> Usage:
        """Calls and money as the budget counted them, lost blocks included, and tokens as they were reported."""
        return Usage(
            calls=self.spent.calls,
            input_tokens=self.spent.input_tokens,
            output_tokens=self.spent.output_tokens,
            nano_usd=self.spent.nano_usd,
        )

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
        nodes = await graph.find(kind=kind, cycle_id=cycle_id, in_force=True)
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
        started_at=cycle.created_at,
        ended_at=cycle.ended_at,
        fingerprint=str(cycle.config.get("fingerprint", "")),
        ending=cycle.ending,
        options=options_of(cycle.config),
        surface=await surface_at(graph, cycle.target, cycle.ended_at or clock.now()),
        hypotheses=hypotheses,
        experiments=await all_of("experiment", ExperimentDesign),
        results=results,
        failures=tuple(failures),
        interventions=tuple(interventions),
        simulations=tuple(simulations),
        scores=tuple(node.noted(Score) for node in scored),
        spent=cycle.spent or Spent(),
        audit=await AuditLog(graph.db).head(),
    )


def _by_label(record: DiscoveredFailure | Intervention) -> tuple[int, str]:
    number = record.label.rpartition("-")[2]
    return (int(number) if number.isdigit() else 1 << 30, record.id)
