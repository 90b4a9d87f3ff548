"""Stored transcripts judged again by another judge, and what the cycle would have found then; nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import anyio

from tinman import clock
from tinman.config.modes import Mode
from tinman.experiments.conclusions import conclude_all
from tinman.experiments.trials import Trial, Trials, after_round
from tinman.frozen import alter
from tinman.judging.rubric import ReasonerReferee
from tinman.memory import judges
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Batch, Node
from tinman.records import FOUND, DiscoveredFailure, ExperimentDesign, ExperimentResult, Run
from tinman.scenarios.checks import CheckResult, Judged
from tinman.scenarios.outcome import TurnRecord
from tinman.scenarios.run import verdict_of
from tinman.taxonomy import SUBTYPES, severity_of


def is_judged(run: Run) -> bool:
    """Say whether a model's verdict is among those of ``run``."""
    return any(check.type == "judged" for turn in run.turns for check in turn.checks)


async def judged_again(runs: Iterable[Run], referee: ReasonerReferee, *, concurrency: int = 4) -> dict[str, Run]:
    """Return those of ``runs`` that a model judged, as ``referee`` judges them, by id; the transcripts are as stored.

    What checks decided stays as it was. ``BudgetExhausted`` comes in an ``ExceptionGroup``. Cancelled, nothing is kept.
    """
    limiter, found = anyio.CapacityLimiter(concurrency), dict[str, Run]()

    async def one(run: Run) -> None:
        async with limiter:
            turns: list[TurnRecord] = []
            for turn in run.turns:
                before = tuple(one for one in turns if not one.is_reference)  # what the judge was shown, too
                checks = [await _again(check, turn, before, referee) for check in turn.checks]
                now = alter(turn, checks=tuple(checks))
                turns.append(alter(now, passed=not now.failing))
        verdict, reason = verdict_of(tuple(turns))
        found[run.id] = alter(run, turns=tuple(turns), verdict=verdict, reason=reason)

    async with anyio.create_task_group() as group:
        for run in runs:
            if is_judged(run):
                group.start_soon(one, run)
    return found


async def _again(
    check: CheckResult, turn: TurnRecord, before: tuple[TurnRecord, ...], referee: ReasonerReferee
) -> CheckResult:
    criterion = str(check.evidence.get("criterion", "")) if check.type == "judged" else ""
    if not criterion:
        return check
    found = await referee.judge(Judged(criterion=criterion), turn, before)
    return alter(found, purpose=check.purpose, name=check.name)


def concluded_again(
    designs: Sequence[ExperimentDesign], results: Sequence[ExperimentResult], runs: Mapping[str, Run], mode: Mode
) -> dict[str, ExperimentResult]:
    """Return what the experiments of a cycle would have found with ``runs`` in place of those of the same id.

    They are concluded together, as in the cycle: what one loses may change the bar for another. By experiment.
    """
    trials: Trials = {}
    by_id = {design.id: design for design in designs}
    for result in results:
        design = by_id.get(result.experiment_id)
        if design is None or result.standing in {"not_run", "known"}:
            continue
        design = alter(design, confirm_cases=(*design.confirm_cases, *result.confirm_cases))
        trial = Trial.begin(design, mode)
        now = [runs.get(run.id, run) for run in result.runs]
        begun = dict.fromkeys(run.probe for run in now if run.stage == "confirm")
        for probe in begun:
            trial = trial.attempting(probe)
        trials = {**trials, trial.key: trial.with_runs(now)}
    return {result.experiment_id: result for result in conclude_all(after_round(trials, mode), mode)}


async def judged_failures(graph: MemoryGraph, cycle_id: str) -> list[Node]:
    """Return the failures of a cycle that a model decided, each as it was stated last; also those then withdrawn."""
    nodes = await graph.find(kind="failure_mode", cycle_id=cycle_id)
    newest = {node.record.experiment_id: node for node in nodes if isinstance(node.record, DiscoveredFailure)}
    return [node for node in newest.values() if isinstance(node.record, DiscoveredFailure) and node.record.judge]


async def restate(graph: MemoryGraph, failure: DiscoveredFailure, result: ExperimentResult, *, by: str) -> str:
    """Supersede ``failure`` by what another judge makes of it, and return the new one's label; empty for none.

    The old one stays readable by its label, with an edge to the new one; the audit trail says on whose word. One that
    was withdrawn before comes back under a new label. All is stored, or nothing.
    """
    node = (await graph.nodes([failure.id]))[failure.id]
    digest = result.judge.digest if result.judge else ""
    batch, new_id = Batch(node.cycle_id or ""), clock.derive_id("failure", failure.id, digest)
    if result.standing in FOUND:
        corrected, why_not = await judges.corrected(graph, result)
        failing = [run for run in result.runs if run.verdict == "failure" and run.arm == "stress"]
        cases = {run.case for run in failing}
        severity, reason = failure.severity, failure.severity_reason
        if failure.secondary_class in SUBTYPES:
            severity, reason = severity_of(
                failure.secondary_class, rate=result.reproduction_rate, failing_cases=len(cases)
            )
        new = alter(
            failure,
            id=new_id,
            label="",
            severity=severity,
            severity_reason=reason,
            standing=result.standing,
            reproducibility=result.reproduction_rate,
            interval=result.interval,
            probes=result.probes,
            stress=result.stress,
            control=result.control,
            measured=result.measured,
            measured_interval=result.measured_interval,
            judge=result.judge,
            corrected=corrected,
            why_uncorrected=why_not,
            run_ids=tuple(run.id for run in failing),
            failing_cases=len(cases),
            scenarios=tuple(pair for pair in failure.scenarios if pair.case in cases) or failure.scenarios,
            classification_confidence=result.confidence,
            scope_note=result.notes,
        )
        batch.record(new)
        batch.link(failure.id, "evolved_into", new_id)
        batch.link(new_id, "caused_by", result.hypothesis_id)
        for run in failing:
            batch.link(new_id, "observed_in", run.id)
        batch.number("F", [new_id])
    batch.audit(by, "failure.rescored", {"failure": failure.label, "standing": result.standing, "judge_digest": digest})
    await (graph.replace(failure.id, batch) if node.valid_to is None else graph.store([batch]))
    return (await graph.labels([new_id])).get(new_id, "")
