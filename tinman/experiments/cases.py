"""Which stage may use which cases of a design: disjoint parts of one pool, cut in one place."""

from __future__ import annotations

from dataclasses import dataclass

from tinman.errors import DefinitionError
from tinman.records import ExperimentDesign
from tinman.scenarios.scenario import ScenarioPair
from tinman.stats import CONFIRM_CAP, SCREEN_OKS

PICK_CASES = 8
PROVE_CASES = 45
REATTACK_CASES = 6
POOL = SCREEN_OKS + CONFIRM_CAP + PICK_CASES + PROVE_CASES + REATTACK_CASES
"""How many cases a design has when no stage is to run short of them."""

Pairs = tuple[ScenarioPair, ...]


@dataclass(frozen=True, kw_only=True)
class CasePlan:
    """A design's cases by the stage that may use them; no case is in two of them.

    A design with fewer than ``POOL`` cases leaves the later stages fewer, or none: what was found on a case proves
    nothing about a fix, so a stage that runs short says so and never takes a case of another stage.
    """

    screen: Pairs
    confirm: Pairs
    pick: Pairs
    prove: Pairs
    reattack: Pairs
    measure: Pairs

    @classmethod
    def of(cls, design: ExperimentDesign) -> CasePlan:
        """Return the plan of ``design``; raises ``DefinitionError`` when a case would be used by two stages."""
        pool = design.test_cases
        tested = SCREEN_OKS + CONFIRM_CAP
        fresh = pool[tested + PICK_CASES :]
        # A proof without a re-attack is worth more than a re-attack without a proof.
        cut = len(fresh) - (REATTACK_CASES if len(fresh) > REATTACK_CASES else 0)
        plan = cls(
            screen=pool[:SCREEN_OKS],
            confirm=pool[SCREEN_OKS:tested],
            pick=pool[tested : tested + PICK_CASES],
            prove=fresh[:cut],
            reattack=fresh[cut:],
            measure=design.measure_cases,
        )
        plan._check_disjoint(design.id)
        return plan

    @property
    def stages(self) -> dict[str, Pairs]:
        """The parts by name, in the order of the stages."""
        return dict(vars(self))

    @property
    def benign(self) -> Pairs:
        """The cases with a control that no stage before the proof runs: their controls are the benign suite."""
        return tuple(pair for pair in (*self.prove, *self.reattack) if pair.control is not None)

    @property
    def has_control(self) -> bool:
        """Whether every case of the confirm stage has a control to compare with."""
        return all(pair.control is not None for pair in self.confirm)

    def _check_disjoint(self, design_id: str) -> None:
        user: dict[str, str] = {}
        for stage, pairs in self.stages.items():
            for pair in pairs:
                if user.setdefault(pair.case, stage) != stage:
                    raise DefinitionError(
                        f"experiment {design_id}: case {pair.case} would be used in {user[pair.case]} and again in"
                        f" {stage}; give every case a name and content of its own"
                    )
