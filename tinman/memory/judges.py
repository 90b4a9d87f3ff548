"""What is known of judges: how often each version errs, and which of them are not to be believed any more."""

from __future__ import annotations

from tinman import clock, stats
from tinman.errors import ConfigError, NotFound
from tinman.frozen import dump, frozen
from tinman.judging.calibration import Calibration
from tinman.judging.rubric import ReasonerReferee
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Batch
from tinman.records import ExperimentResult


@frozen
class Retraction:
    """A version of a judge that is not to be believed any more, on whose word, and why."""

    judge_digest: str
    reason: str
    by: str


async def keep(graph: MemoryGraph, calibration: Calibration) -> None:
    """Store a calibration; the newest of a version counts."""
    node_id = clock.derive_id("calibration", calibration.judge_digest, calibration.at.isoformat())
    await graph.note("calibration", node_id, dump(calibration))


async def calibrations(graph: MemoryGraph) -> list[Calibration]:
    """Return the newest calibration of each version of a judge, newest first."""
    nodes = await graph.find(kind="calibration", newest_first=True)
    newest: dict[str, Calibration] = {}
    for node in nodes:
        found = node.noted(Calibration)
        newest.setdefault(found.judge_digest, found)
    return list(newest.values())


async def retract(graph: MemoryGraph, digest: str, *, reason: str, by: str) -> None:
    """Store that a version of a judge is not to be believed, in the audit trail too; who said so first stays.

    Raises ``NotFound`` for one that never judged here.
    """
    known = {each.judge_digest for each in await calibrations(graph)} | await _judging(graph)
    if digest not in known:
        named = ", ".join(sorted(known)) or "no model has judged anything here"
        raise NotFound(f"judge {digest}: not a version that is known here ({named}); `tinman judge list` names them")
    batch = Batch("")
    if digest not in await retractions(graph):
        told = Retraction(judge_digest=digest, reason=reason, by=by)
        batch.note("retraction", clock.derive_id("retraction", digest), dump(told))
    batch.audit(by, "judge.retracted", {"judge_digest": digest, "reason": reason})
    await graph.store([batch])


async def check(graph: MemoryGraph, referee: ReasonerReferee) -> None:
    """Raise ``ConfigError`` for a judge whose version was retracted."""
    if (told := (await retractions(graph)).get(referee.digest)) is not None:
        raise ConfigError(f"judge {referee.name}: this version was retracted ({told.reason}); name another one")


async def retractions(graph: MemoryGraph) -> dict[str, Retraction]:
    """Return the versions that are not to be believed, by digest."""
    found = [node.noted(Retraction) for node in await graph.find(kind="retraction")]
    return {each.judge_digest: each for each in found}


async def _judging(graph: MemoryGraph) -> set[str]:
    """Return the versions whose verdicts are stored."""
    nodes = await graph.find(kind="result")
    return {n.record.judge.digest for n in nodes if isinstance(n.record, ExperimentResult) and n.record.judge}


async def corrected(graph: MemoryGraph | None, result: ExperimentResult) -> tuple[stats.Interval | None, str]:
    """Return the measured rate of ``result`` corrected for its judge's errors, or why there is none; ``None`` and
    nothing where no model decided.

    How often a judge errs is taken from labelled transcripts of the very version and of this class of failures alone.
    """
    if result.judge is None:
        return None, ""
    if result.judge.digest in (await retractions(graph) if graph is not None else {}):
        return None, "this version of the judge was retracted"
    known = {c.judge_digest: c for c in (await calibrations(graph) if graph is not None else [])}
    calibration = known.get(result.judge.digest)
    if calibration is None:
        return None, "this version of the judge was not calibrated by then; `tinman judge calibrate FILE` does it"
    error = calibration.error_on(result.failure_class)
    if error.why_unusable:
        return None, f"{result.failure_class}: {error.why_unusable}"
    counts = result.measured
    if not counts.n:
        return None, "the rate was not measured at a number of runs fixed beforehand; --measure N does it"
    low = stats.corrected_rate(counts.failures, counts.n, error).low
    return stats.Interval(
        low=low, high=stats.corrected_rate(counts.failures + counts.indeterminate, counts.n, error).high
    ), ""
