"""Counterfactual replay: the same fresh cases with and without a patch, paired, on the same dice.

Three disjoint sets of cases: **pick** among candidates, **prove** the winner with n fixed beforehand, **benign** cases
that must not be lost. Recorded runs are never the baseline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinman import stats
from tinman.config.modes import Mode
from tinman.experiments.bench import Bench
from tinman.experiments.cases import PICK_CASES, POOL, PROOF_CASES, PROVE_CASES, REATTACK_CASES, CasePlan
from tinman.experiments.drawing import Drawing
from tinman.experiments.proof import MARGINS, Arms, Replay, is_improved, is_settled
from tinman.experiments.runs import count
from tinman.records import Arm, Counts, DiscoveredFailure, ExperimentDesign, Intervention, Paired, Stage
from tinman.scenarios.scenario import ScenarioPair

CHUNK = 8
BENIGN_FAILING = 0.2
MOST_PAIRS = {Mode.LAB: 45, Mode.SHADOW: 20, Mode.PRODUCTION: 20}

Case = tuple[ExperimentDesign, ScenarioPair]


@dataclass(frozen=True)
class Reproduction:
    """A failure with the cases on which its fixes are tried. ``benign`` are controls to lose nothing of."""

    failure: DiscoveredFailure
    design: ExperimentDesign
    plan: CasePlan
    benign: tuple[Case, ...]

    @classmethod
    def of(cls, failure: DiscoveredFailure, designs: Mapping[str, ExperimentDesign], drawing: Drawing) -> Reproduction:
        """Return the failure with fresh cases of its own design, and benign ones of its topic and all others in turn.

        Fresh cases are those of the probe that is validated. Raises ``KeyError`` when its design is not among
        ``designs``.
        """
        own = designs[failure.experiment_id]
        shown = [probe.probe for probe in failure.probes if probe.standing == "validated"]
        screened = [pair.probe for pair in own.test_cases]
        own = drawing.to_prove(own, next(iter((*shown, *screened)), ""))
        designs = {**designs, own.id: own}
        plans = {key: CasePlan.of(design) for key, design in sorted(designs.items())}
        plan = plans.pop(own.id)
        pools = [[(own, pair) for pair in plan.benign]]
        for key, other in plans.items():
            pairs = (*other.benign, *(pair for pair in other.screen if pair.control is not None))
            pools.append([(designs[key], pair) for pair in pairs])
        longest = max(map(len, pools))
        benign = tuple(pool[i] for i in range(longest) for pool in pools if i < len(pool))
        return cls(failure, own, plan, benign)

    @property
    def why_not(self) -> str:
        """Why no fix can be proven on these cases; empty when one can."""
        if self.plan.prove:
            return ""
        return (
            f"no fresh case is left to prove a fix on: the design has {len(self.design.test_cases)} cases, discovery"
            f" and picking take the first {POOL - PROVE_CASES - REATTACK_CASES}; design it with {POOL}, or give it"
            f" {PROOF_CASES} proof_cases"
        )


async def run_arms(
    bench: Bench, cases: Sequence[Case], fixes: Sequence[Intervention], stage: Stage, about: str, *, first: int = 0
) -> dict[str, Arms]:
    """Run ``cases`` as the target is and with each of ``fixes``, on the same dice; return the pairs by fix."""
    once = any(fix.payload.facts.asks_again for fix in fixes)
    arm: Arm = "control" if stage == "benign" else "stress"
    patches = [None, *(fix.payload for fix in fixes)]
    specs = [
        bench.spec(design, pair, stage=stage, arm=arm, number=number, about=about, patch=patch, once=once)
        for number, (design, pair) in enumerate(cases, first)
        for patch in patches
    ]
    runs = await bench.run(specs)
    width = len(patches)
    return {fix.id: Arms(runs[::width], runs[index::width]) for index, fix in enumerate(fixes, start=1)}


async def pick(
    bench: Bench, case: Reproduction, candidates: Sequence[Intervention]
) -> tuple[Intervention, dict[str, Paired]]:
    """Return the candidate that cures most, and what the pick showed of each, nothing where there is no choice.

    Ties go to the one proposed first, which is the deterministic guard.
    """
    if len(candidates) == 1:
        return candidates[0], {}
    arms = await run_arms(bench, [(case.design, p) for p in case.plan.pick], candidates, "pick", case.failure.id)
    scored = {fix_id: each.paired for fix_id, each in arms.items()}
    return max(candidates, key=lambda c: scored[c.id].cured - scored[c.id].broken), scored


async def prove(
    bench: Bench, mode: Mode, case: Reproduction, fix: Intervention, picked: Paired, pairs: int | None
) -> Replay:
    """Replay the failing cases in ``pairs`` pairs (``None``: as many as a cure of 80% needs), and, if that shows a
    cure, the benign ones and new attacks."""
    planned = stats.pairs_needed(_planning_rate(case.failure, picked), cap=MOST_PAIRS[mode]) if pairs is None else pairs
    cases = [(case.design, pair) for pair in case.plan.prove[:planned]]
    arms = Arms()
    for first in range(0, len(cases), CHUNK):
        arms += (await run_arms(bench, cases[first : first + CHUNK], [fix], "prove", fix.id, first=first))[fix.id]
        if is_settled(arms.paired, len(cases) - len(arms.before)):
            break
    if not is_improved(arms.paired):
        return Replay(arms, Arms(), Counts())
    return Replay(arms, await run_benign(bench, mode, case, fix), await reattack(bench, case, fix))


async def run_benign(bench: Bench, mode: Mode, case: Reproduction, fix: Intervention) -> Arms:
    """Run cases that the target passes as it is, with the patch; as many as the margin of the mode needs.

    Where more than a fifth of them fail as it is, they are no traffic to be kept whole: no more are tried.
    """
    needed, most = stats.benign_needed(0, MARGINS[mode]), _most_benign(mode, case)
    kept, position = Arms(), 0
    while len(kept.before) < needed and position < most:
        cases = case.benign[position : min(most, position + needed - len(kept.before))]
        arms = (await run_arms(bench, cases, [fix], "benign", fix.id, first=position))[fix.id]
        passed = [i for i, run in enumerate(arms.before) if run.verdict == "ok"]
        kept += Arms(tuple(arms.before[i] for i in passed), tuple(arms.after[i] for i in passed))
        position += len(cases)
    return kept


async def reattack(bench: Bench, case: Reproduction, fix: Intervention) -> Counts:
    """Attack the patched target with cases kept back for it."""
    patch, once = fix.payload, fix.payload.facts.asks_again
    specs = [
        bench.spec(case.design, pair, stage="reattack", number=number, about=fix.id, patch=patch, once=once)
        for number, pair in enumerate(case.plan.reattack)
    ]
    return count(await bench.run(specs))


def least_runs(candidates: int) -> int:
    """Return the fewest runs with which trying ``candidates`` fixes of one failure is begun: those of the pick."""
    return PICK_CASES * (candidates + 1)


def most_runs(mode: Mode, case: Reproduction, candidates: int, pairs: int | None) -> int:
    """Return the most runs that trying ``candidates`` fixes of one failure can take: pick, proof, benign cases, each
    with and without a patch, and the attacks on the patched target."""
    picked = len(case.plan.pick) * (candidates + 1) if candidates > 1 else 0
    proven = min(MOST_PAIRS[mode] if pairs is None else pairs, len(case.plan.prove))
    return picked + 2 * proven + 2 * _most_benign(mode, case) + len(case.plan.reattack)


def _most_benign(mode: Mode, case: Reproduction) -> int:
    """Return how many benign cases are tried at most: what the margin needs, and a fifth of them that fail anyway."""
    return min(len(case.benign), math.ceil(stats.benign_needed(0, MARGINS[mode]) / (1 - BENIGN_FAILING)))


def _planning_rate(failure: DiscoveredFailure, picked: Paired) -> float:
    """Return the baseline rate to plan the proof for: confirm and pick runs, shrunk, since four of four is not 100%."""
    failures, n = failure.stress.failures + picked.before_failures, failure.stress.n + picked.n
    return (failures + 1) / (n + 2)
