"""From a scenario that was found to one that guards: quarantined until it is red on the target it was found on."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from tinman import clock
from tinman.errors import DefinitionError
from tinman.frozen import frozen
from tinman.harness.measurement import Plan, measure
from tinman.scenarios.checks import Count
from tinman.scenarios.files import read_file, write_scenario
from tinman.scenarios.scenario import Scenario
from tinman.stats import fisher
from tinman.targets.base import Target
from tinman.text.invalid import read_as

REDS_NEEDED = 3
FEWEST, MOST = 6, 40
MAX_INDETERMINATE = 0.2
ALPHA = 0.05


@frozen
class Recorded:
    """How often the failure was seen when it was found."""

    failures: Count
    oks: Count
    indeterminate: Count = 0

    @property
    def rate(self) -> float:
        """The share of failures; 1 when nothing was recorded."""
        return self.failures / (self.failures + self.oks) if self.failures + self.oks else 1.0


def read_counts(scenario: Scenario) -> Recorded:
    """Return what the provenance tells of the discovery. Raises ``DefinitionError`` when it tells nothing."""
    here = f"scenario {scenario.scenario_id!r}"
    return read_as(
        Recorded,
        scenario.provenance.get("stress"),
        lambda wrong: DefinitionError(
            f"{here}: its provenance tells no counts ({wrong}); only an exported failure is promoted"
        ),
    )


def tries_needed(seen: Recorded) -> int:
    """Return how many runs to make, fixed beforehand: twice what three reds take at the recorded rate, 6 to 40."""
    rate = max(seen.rate, 0.01)
    return min(MOST, max(FEWEST, math.ceil(2 * REDS_NEEDED / rate)))


@frozen
class Verdict:
    """What fresh runs say of a quarantined scenario. ``p_value`` is Fisher's, against the recorded counts."""

    scenario_id: str
    red: int
    green: int
    indeterminate: int
    p_value: float
    reason: str = ""

    @property
    def is_promoted(self) -> bool:
        """Whether it may guard from now on."""
        return not self.reason


def rule_on(scenario_id: str, seen: Recorded, *, red: int, green: int, indeterminate: int) -> Verdict:
    """Return whether fresh runs bear out what was recorded. Pure."""
    p_value = fisher(red, green, seen.failures, seen.oks)
    tries = red + green + indeterminate
    if tries and indeterminate / tries > MAX_INDETERMINATE:
        reason = f"{indeterminate} of {tries} runs could not be measured; mend the measurement first"
    elif red < REDS_NEEDED:
        reason = f"red {red} times of {red + green}; it takes {REDS_NEEDED} failed checks"
    elif p_value <= ALPHA:
        reason = f"red {red} of {red + green} contradicts the recorded {seen.failures} of {seen.failures + seen.oks}"
    else:
        reason = ""
    return Verdict(
        scenario_id=scenario_id, red=red, green=green, indeterminate=indeterminate, p_value=p_value, reason=reason
    )


async def examine(scenario: Scenario, target: Target, plan: Plan) -> Verdict:
    """Run a quarantined scenario afresh on the unfixed target and return the verdict. Raises ``DefinitionError``."""
    seen = read_counts(scenario)
    tries = replace(plan, repeat=tries_needed(seen), gate=None, seed=clock.derive_seed(plan.seed, "promotion"))
    runs = (await measure(target, [scenario], tries)).trials[0].runs
    verdicts = [run.verdict for run in runs]
    red, green, unclear = (verdicts.count(word) for word in ("failure", "ok", "indeterminate"))
    return rule_on(scenario.scenario_id, seen, red=red, green=green, indeterminate=unclear)


def release(scenario: Scenario, verdict: Verdict, *, target: str, fingerprint: str) -> Scenario:
    """Return ``scenario`` out of quarantine: with its new standing and the evidence for it."""
    evidence: dict[str, Any] = {
        "target": target,
        "fingerprint": fingerprint,
        "red": verdict.red,
        "green": verdict.green,
        "indeterminate": verdict.indeterminate,
        "p_value": round(verdict.p_value, 6),
        "at": clock.now().isoformat(timespec="seconds"),
    }
    return replace(scenario, provenance={**scenario.provenance, "status": "promoted", "promotion": evidence})


def move(file: Path, scenario: Scenario, pack: Path) -> Path:
    """Write a promoted scenario into ``pack`` and take it out of quarantine. Raises ``DefinitionError``.

    A file of that name that holds another scenario is never overwritten.
    """
    place = pack / file.name
    if place.exists() and read_file(place).scenario_id != scenario.scenario_id:
        raise DefinitionError(f"promote: {place} holds another scenario; choose another folder with --into")
    write_scenario(place, scenario)
    if place.resolve() != file.resolve():
        file.unlink(missing_ok=True)
    return place
