"""What earlier cycles found on this very target: looked at again with a few runs, and not proven anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinman.experiments.bench import Allowance, Bench
from tinman.experiments.drawing import Drawing
from tinman.experiments.trials import Trial, Trials
from tinman.memory.graph import MemoryGraph
from tinman.records import DiscoveredFailure, ExperimentDesign

RECHECKS = 3
"""How many cases say whether a known failure is still there."""

Known = Mapping[str, tuple[DiscoveredFailure, str]]
"""Known failures with the probe that brings each out, by the id of the design that looks for it again."""


async def known_failures(
    graph: MemoryGraph, designs: Sequence[ExperimentDesign], *, cycle_id: str, fingerprint: str, needs_fix: bool
) -> dict[str, str]:
    """Return the ids of the failures that ``designs`` would find again, by the design's id.

    Only what was validated by another cycle on a target of this ``fingerprint`` counts; where fixes are wanted, only
    what has been given some.
    """
    wanted = {(design.family, design.description): design.id for design in designs if design.family}
    found: dict[str, str] = {}
    for node in await graph.find(kind="failure_mode", limit=200, newest_first=True, in_force=True):
        failure = node.record
        if not isinstance(failure, DiscoveredFailure) or failure.standing != "validated" or not failure.scenarios:
            continue
        family = str(failure.scenarios[0].stressed.provenance.get("family", ""))
        design = wanted.get((family, failure.description))
        if design is None or design in found or node.cycle_id in (None, cycle_id):
            continue
        cycle = await graph.cycles.find(node.cycle_id)
        if cycle is None or cycle.config.get("fingerprint") != fingerprint:
            continue
        if needs_fix and not await graph.neighbours(failure.id, relation="addressed_by", direction="out"):
            continue
        found[design] = failure.id
    return found


async def recheck(bench: Bench, trials: Trials, known: Known, left: Allowance, drawing: Drawing) -> Trials:
    """Return ``trials``, those about a known failure ended if it is still there; else they go on as any other."""
    after = dict(trials)
    for key, (failure, probe) in known.items():
        trial = after.get(key)
        if trial is None or trial.ruling is not None:
            continue
        after[key] = await _rechecked(bench, trial, failure, probe, left, drawing)
    return after


async def _rechecked(
    bench: Bench, trial: Trial, failure: DiscoveredFailure, probe: str, left: Allowance, drawing: Drawing
) -> Trial:
    cases = drawing.to_confirm(trial.design, probe).confirm_cases[-RECHECKS:]  # the last to be used otherwise
    if not cases or not left.take(len(cases)):
        return trial
    specs = [bench.spec(trial.design, pair, stage="recheck", number=n) for n, pair in enumerate(cases)]
    trial = trial.with_runs(await bench.run(specs))
    failed = sum(run.verdict == "failure" for run in trial.rechecked)
    name = failure.label or failure.id
    if failed:
        return trial.ruled("known", f"{name} is still there: {failed} of {len(specs)} cases failed")
    return trial.noting(f"known as {name}, not seen again in {len(specs)} cases")
