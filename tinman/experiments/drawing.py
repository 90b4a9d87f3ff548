"""Drawing further cases of a family once they are needed: a design holds the cases of the screen, no more."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from tinman import clock
from tinman.experiments.cases import PROOF_CASES, REATTACK_CASES, Pairs
from tinman.playbook.cases import SCREENS, confirming, draw, family_named, proving
from tinman.playbook.family import Family
from tinman.records import ExperimentDesign
from tinman.stats import CONFIRM_CAP
from tinman.surface import EMPTY_SURFACE, Surface
from tinman.targets.base import Capabilities

_TESTED = SCREENS + CONFIRM_CAP


def seed_of(hypothesis_id: str, seed: int) -> int:
    """Return the seed of all cases about a hypothesis, of whichever stage."""
    return clock.derive_seed(seed, f"cases/{hypothesis_id}")


@dataclass(frozen=True)
class Drawing:
    """Gives designs the cases of their later stages; the same every time. A design without a family has its own."""

    seed: int
    capabilities: Capabilities
    surface: Surface = EMPTY_SURFACE

    def to_confirm(self, design: ExperimentDesign, probe: str) -> ExperimentDesign:
        """Return the design with the cases that confirm ``probe``, which it may have already."""
        family = family_named(design.family, self.surface)
        has_them = any(pair.probe == probe for pair in design.confirm_cases)
        if family is None or probe not in family.probes or has_them:
            return design
        cases = confirming(
            family,
            probe,
            seed=seed_of(design.hypothesis_id, self.seed),
            count=CONFIRM_CAP,
            capabilities=self.capabilities,
        )
        return replace(design, confirm_cases=(*design.confirm_cases, *cases))

    def to_measure(self, design: ExperimentDesign, probe: str, count: int) -> ExperimentDesign:
        """Return the design with up to ``count`` cases that measure the rate of ``probe``."""
        family = family_named(design.family, self.surface)
        if family is None or probe not in family.probes:
            return design
        seed = seed_of(design.hypothesis_id, self.seed)
        # Where there is no other hand's wording, proofs come first.
        kept = _TESTED if probe in family.proof_probes else _TESTED + PROOF_CASES
        drawn, _ = draw(family, probe, seed=seed, count=kept + count, capabilities=self.capabilities)
        return replace(design, measure_cases=drawn[kept:])

    def to_prove(self, design: ExperimentDesign, probe: str) -> ExperimentDesign:
        """Return the design with cases to prove the fixes of ``probe`` on, in wordings of another hand."""
        family = family_named(design.family, self.surface)
        if family is None or probe not in family.probes or design.proof_cases:
            return design
        return replace(design, proof_cases=self._proof(family, probe, seed_of(design.hypothesis_id, self.seed)))

    def _proof(self, family: Family, probe: str, seed: int) -> Pairs:
        """Return cases of the probe, and at the end, for attacks on the fix, of every probe in turn."""

        def of(each: str, count: int) -> Pairs:
            return proving(family, each, seed=seed, count=count, after=_TESTED, capabilities=self.capabilities)

        own = of(probe, PROOF_CASES)
        rows = itertools.zip_longest(*(of(each, REATTACK_CASES) for each in family.probes if each != probe))
        others = tuple(pair for row in rows for pair in row if pair is not None)
        kept = own[: PROOF_CASES - REATTACK_CASES]
        attacks = (*own[len(kept) : len(kept) + 1], *others)[:REATTACK_CASES]
        return (*kept, *attacks)
