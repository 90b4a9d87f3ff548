"""Which stage may use which cases of a design: disjoint parts, cut in one place."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from tinman.errors import DefinitionError
from tinman.records import ExperimentDesign
from tinman.scenarios.scenario import ScenarioPair
from tinman.stats import CONFIRM_CAP, PROBE_OKS, SCREEN_OKS

PICK_CASES = 8
PROVE_CASES = 45
REATTACK_CASES = 6
PROOF_CASES = PICK_CASES + PROVE_CASES + REATTACK_CASES
POOL = SCREEN_OKS + CONFIRM_CAP + PROOF_CASES
"""How many cases a design of one probe has when no stage is to run short of them."""

Pairs = tuple[ScenarioPair, ...]


@dataclass(frozen=True, kw_only=True)
class CasePlan:
    """A design's cases by the stage that may use them; no case is in two of them.

    Screen and confirm have their cases by probe. A design with fewer cases leaves the later stages fewer, or none: what
    was found on a case proves nothing about a fix, so a stage that runs short says so and never takes a case of another
    stage.
    """

    screens: Mapping[str, Pairs]
    confirms: Mapping[str, Pairs]
    pick: Pairs
    prove: Pairs
    reattack: Pairs
    measure: Pairs

    @classmethod
    def of(cls, design: ExperimentDesign) -> CasePlan:
        """Return the plan of ``design``; raises ``DefinitionError`` when a case would be used by two stages."""
        pools, later = _by_probe(design.test_cases), _by_probe(design.confirm_cases)
        screened = len(design.test_cases) if design.family else SCREEN_OKS if len(pools) == 1 else PROBE_OKS
        tested = screened + CONFIRM_CAP
        left = tuple(pair for pool in pools.values() for pair in pool[tested:])
        proof = design.proof_cases or left
        fresh = proof[PICK_CASES:]
        # A proof without a re-attack is worth more than a re-attack without a proof.
        cut = len(fresh) - (REATTACK_CASES if len(fresh) > REATTACK_CASES else 0)
        plan = cls(
            screens={probe: pool[:screened] for probe, pool in pools.items()},
            confirms={probe: (*pool[screened:tested], *later.get(probe, ())) for probe, pool in pools.items()},
            pick=proof[:PICK_CASES],
            prove=fresh[:cut],
            reattack=fresh[cut:],
            measure=design.measure_cases,
        )
        plan._check_disjoint(design.id)
        return plan

    @property
    def stages(self) -> dict[str, Pairs]:
        """The parts by name, in the order of the stages."""
        return {
            "screen": self.screen,
            "confirm": tuple(itertools.chain.from_iterable(self.confirms.values())),
            "pick": self.pick,
            "prove": self.prove,
            "reattack": self.reattack,
            "measure": self.measure,
        }

    @property
    def screen(self) -> Pairs:
        """The screen's cases in their order: one of each probe, then another of each."""
        rows = itertools.zip_longest(*self.screens.values())
        return tuple(pair for row in rows for pair in row if pair is not None)

    @property
    def benign(self) -> Pairs:
        """The cases with a control that no stage before the proof runs: their controls are the benign suite."""
        return tuple(pair for pair in (*self.prove, *self.reattack) if pair.control is not None)

    def has_control(self, probe: str) -> bool:
        """Whether every case of a probe has a control to compare with."""
        return all(pair.control is not None for pair in (*self.screens[probe], *self.confirms[probe]))

    def _check_disjoint(self, design_id: str) -> None:
        user: dict[str, str] = {}
        for stage, pairs in self.stages.items():
            for pair in pairs:
                if user.setdefault(pair.case, stage) != stage:
                    raise DefinitionError(
                        f"experiment {design_id}: case {pair.case} would be used in {user[pair.case]} and again in"
                        f" {stage}; give every case a name and content of its own"
                    )


def _by_probe(pairs: Pairs) -> dict[str, Pairs]:
    found: dict[str, list[ScenarioPair]] = {}
    for pair in pairs:
        found.setdefault(pair.probe, []).append(pair)
    return {probe: tuple(pool) for probe, pool in found.items()}
