"""When a fix may be believed: pure functions of paired runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tinman import clock, stats
from tinman.config.modes import Mode
from tinman.patches.kinds import patch_digest
from tinman.records import Basis, Counts, Intervention, Paired, Run, SimulationOutcome, SimulationResult

LEAST_BASELINE_FAILURES = 3
MARGINS = {Mode.LAB: 0.10, Mode.SHADOW: 0.05, Mode.PRODUCTION: 0.02}
"""How large a share of benign cases a fix may lose, in truth, and still be recommended."""
MIN_CONFIDENCE = 0.7
MAX_LATENCY_MS = 500.0


@dataclass(frozen=True)
class Arms:
    """Paired runs, without and with the patch, in the same order."""

    before: tuple[Run, ...] = ()
    after: tuple[Run, ...] = ()

    def __add__(self, more: Arms) -> Arms:
        return Arms(self.before + more.before, self.after + more.after)

    @property
    def paired(self) -> Paired:
        """What the pairs add up to."""
        pairs = list(zip(self.before, self.after, strict=True))
        return Paired(
            n=len(pairs),
            before_failures=sum(b.verdict == "failure" for b, _ in pairs),
            after_failures=sum(a.verdict == "failure" for _, a in pairs),
            cured=sum(b.verdict == "failure" and a.verdict == "ok" for b, a in pairs),
            broken=sum(b.verdict == "ok" and a.verdict != "ok" for b, a in pairs),
            indeterminate=sum("indeterminate" in (b.verdict, a.verdict) for b, a in pairs),
        )

    @property
    def latency_ms(self) -> float:
        """The median added time over pairs."""
        added = sorted(a.duration_ms - b.duration_ms for b, a in zip(self.before, self.after, strict=True))
        return float(added[len(added) // 2]) if added else 0.0

    def lost_to(self, digest: str) -> int:
        """Return how many pairs were ok before and not after, in runs where the patch ``digest`` changed something."""
        return sum(
            b.verdict == "ok" and a.verdict != "ok" and digest in a.acted
            for b, a in zip(self.before, self.after, strict=True)
        )


@dataclass(frozen=True)
class Replay:
    """What was run for one fix: the failing cases and benign ones in pairs, and new attacks on the patched target."""

    arms: Arms
    benign: Arms
    reattack: Counts


def is_settled(paired: Paired, left: int) -> bool:
    """Say whether proving may end: ``left`` further pairs can change neither p <= 0.05, either way, nor the verdict.

    A significant result is never settled early: Holm's correction weighs its final p among all fixes.
    """
    cured, broken = paired.cured, paired.broken
    if stats.mcnemar(cured, broken) <= stats.ALPHA:
        return False
    if not (stats.is_decided(cured, broken, left) and stats.is_decided(broken, cured, left)):
        return False
    if paired.before_failures < LEAST_BASELINE_FAILURES:
        return paired.before_failures + left < LEAST_BASELINE_FAILURES
    return cured - broken > left or broken - cured >= left


def is_improved(paired: Paired) -> bool:
    """Say whether the pairs show a cure by themselves, before other fixes and benign cases are looked at."""
    return paired.cured > paired.broken and stats.mcnemar(paired.cured, paired.broken) <= stats.ALPHA


def judge(paired: Paired) -> tuple[SimulationOutcome, str]:
    """Return what the failing cases show, and why it is no more than that. Benign cases are not looked at."""
    p = stats.mcnemar(paired.cured, paired.broken)
    if paired.broken > paired.cured and p <= stats.ALPHA:
        return SimulationOutcome.DEGRADED, f"{paired.broken} cases newly fail, {paired.cured} are cured (p {p:.2g})"
    if is_improved(paired):
        return SimulationOutcome.IMPROVED, ""
    if paired.before_failures < LEAST_BASELINE_FAILURES:
        told = f"not reproducible now: {paired.before_failures} of {paired.n} baseline runs failed"
        return SimulationOutcome.INCONCLUSIVE, told
    if paired.n >= LEAST_BASELINE_FAILURES and paired.cured <= paired.broken:
        told = f"{paired.cured} cured, {paired.broken} newly failing of {paired.n} (p {p:.2g})"
        return SimulationOutcome.NO_CHANGE, told
    missing = stats.pairs_missing(paired.cured, paired.broken)
    return SimulationOutcome.INCONCLUSIVE, f"p {p:.2g} after {paired.n} pairs; {missing} more cured ones are missing"


def recommend(
    outcome: SimulationOutcome,
    *,
    basis: Basis,
    confidence: float,
    regressions: Sequence[str],
    latency_ms: float,
    benign_is_proven: bool,
) -> tuple[bool, str]:
    """Return whether to deploy, and the first reason against it. The same strict rule in every mode."""
    if basis != "replay":
        return False, f"rests on {'an estimate' if basis == 'estimate' else 'a heuristic'}, not on a replay"
    if outcome is not SimulationOutcome.IMPROVED:
        return False, f"the outcome is {outcome}"
    if confidence < MIN_CONFIDENCE:
        return False, f"confidence {confidence:.2f} is under {MIN_CONFIDENCE}"
    if regressions:
        return False, f"regressions: {'; '.join(regressions)}"
    if latency_ms >= MAX_LATENCY_MS:
        return False, f"adds {latency_ms:.0f} ms, the limit is {MAX_LATENCY_MS:.0f}"
    if not benign_is_proven:
        return False, "harm to benign cases is not excluded"
    return True, "improved in a paired replay, no benign loss, no added latency to speak of"


def conclude(replay: Replay, intervention: Intervention, mode: Mode, *, fingerprint: str) -> SimulationResult:
    """Return what the replay shows of a fix, as the record that is stored."""
    paired, margin = replay.arms.paired, MARGINS[mode]
    digest = patch_digest(intervention.payload)
    losses = replay.benign.lost_to(digest)
    benign = replace(replay.benign.paired, broken=losses)
    upper = stats.loss_upper(losses, benign.n)
    outcome, reason = judge(paired)
    if outcome is SimulationOutcome.IMPROVED and losses and upper > margin:
        outcome, reason = SimulationOutcome.SIDE_EFFECT, f"cures, but loses {losses} benign cases"
    is_cured = outcome is SimulationOutcome.IMPROVED
    p = stats.mcnemar(paired.cured, paired.broken)
    regressions = (f"{losses} of {benign.n} benign cases lost",) if losses else ()
    is_proven = benign.n > 0 and upper <= margin
    deploy, why = recommend(
        outcome,
        basis="replay",
        confidence=1 - p,
        regressions=regressions,
        latency_ms=replay.arms.latency_ms,
        benign_is_proven=is_proven,
    )
    if is_cured and not deploy and not is_proven and not losses:
        missing = max(0, stats.benign_needed(0, margin) - benign.n)
        why = (
            f"harm not excluded: {losses} of {benign.n} lost, true loss up to {upper:.1%};"
            f" {missing} pairs missing for {margin:.0%}"
        )
    return SimulationResult(
        id=clock.derive_id("simulation", intervention.id, digest),
        intervention_id=intervention.id,
        failure_id=intervention.failure_id,
        outcome=outcome,
        basis="replay",
        paired=paired,
        p_value=p,
        net_cure=stats.net_cure(paired.cured, paired.broken, paired.n),
        before=stats.wilson(paired.before_failures, paired.n),
        after=stats.wilson(paired.after_failures, paired.n),
        pairs_missing=0 if is_cured else stats.pairs_missing(paired.cured, paired.broken),
        benign=benign,
        benign_loss_upper=upper if benign.n else None,
        benign_margin=margin,
        reattack=replay.reattack,
        confidence=1 - p,
        avg_failure_rate_improvement=((paired.before_failures - paired.after_failures) / paired.n if paired.n else 0.0),
        avg_latency_impact=replay.arms.latency_ms,
        side_effects=regressions,
        regressions=regressions,
        deploy_recommended=deploy,
        recommendation_reason=why if is_cured else reason,
        run_count=2 * paired.n + 2 * benign.n + replay.reattack.n,
        target_fingerprint=fingerprint,
        patch_digest=digest,
    )


def unproven(intervention: Intervention, reason: str) -> SimulationResult:
    """Return the result of a fix that was not replayed, and why it was not."""
    digest = patch_digest(intervention.payload)
    return SimulationResult(
        id=clock.derive_id("simulation", intervention.id, digest),
        intervention_id=intervention.id,
        failure_id=intervention.failure_id,
        outcome=SimulationOutcome.INCONCLUSIVE,
        basis="heuristic",
        recommendation_reason=reason,
        pairs_missing=stats.pairs_missing(0, 0),
        patch_digest=digest,
    )


def correct(results: Sequence[SimulationResult]) -> list[SimulationResult]:
    """Return ``results`` with all improvements of one call held to a family-wise error of 5% (Holm)."""
    tested = {r.id: r.p_value for r in results if r.p_value is not None}
    kept = stats.holm(tested)
    return [
        replace(
            r,
            outcome=SimulationOutcome.INCONCLUSIVE,
            deploy_recommended=False,
            recommendation_reason=f"p {r.p_value:.2g} does not stand among {len(tested)} fixes tested together (Holm)",
            pairs_missing=1,
        )
        if r.outcome is SimulationOutcome.IMPROVED and r.id not in kept
        else r
        for r in results
    ]
