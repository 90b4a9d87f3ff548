"""What broke although nobody was looking for it: an invariant of every reply becomes a hypothesis of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from tinman import clock
from tinman.experiments.drawing import Drawing
from tinman.experiments.trials import Trial, Trials
from tinman.records import Arm, ExperimentDesign, Hypothesis, Run
from tinman.scenarios.checks import Holds
from tinman.scenarios.invariants import Invariant
from tinman.scenarios.scenario import Scenario, ScenarioPair
from tinman.stats import CONFIRM_CAP, SCREEN_OKS
from tinman.taxonomy import SUBTYPES

MOST_OBSERVED = 5
LEAST_CASES = 6
"""With fewer fresh cases nothing could be confirmed."""
UNPROVOKED = "unprovoked"
"""The stress type of a failure that needs none."""

Holding = Callable[[Scenario], tuple[Invariant, ...]]


def observe(
    trials: Trials, holding: Holding, drawing: Drawing, cycle_id: str
) -> list[tuple[Hypothesis, ExperimentDesign]]:
    """Return a hypothesis with its design for each invariant that broke in ``trials``, the gravest first.

    One that broke in a control is tested without any stress, else with the probe under which it broke most often.
    What was observed before, and what the run was after anyway, is left out.
    """
    known = {str(trial.design.parameters.get("invariant", "")) for trial in trials.values()}
    seen: dict[str, Counter[tuple[Arm, str, str]]] = {}
    about: dict[str, Invariant] = {}
    for trial in trials.values():
        for run, scenario in _runs(trial):
            named = {each.name: each for each in holding(scenario)}
            sought = {_kind(result.type) for result in run.failed_checks}
            for name in dict.fromkeys(r.name for r in run.broken_invariants if _kind(r.type) not in sought):
                if name in known or name not in named:
                    continue
                about[name] = named[name]
                seen.setdefault(name, Counter())[run.arm, trial.key, run.probe] += 1
    ranked = sorted(seen, key=lambda name: (-SUBTYPES[about[name].subtype].severity.rank, name))
    found = (_tested(about[name], _place(seen[name]), trials, holding, drawing, cycle_id) for name in ranked)
    return [(h, design) for h, design in found if len(design.test_cases) >= LEAST_CASES][:MOST_OBSERVED]


def _kind(check: str) -> str:
    """Return what a type of check is about: that a tool is not called is said in more ways than one."""
    return "a call" if check in {"tool_not_used", "tool_call_count_at_most", "tool_call_never_matches"} else check


def _runs(trial: Trial) -> Iterator[tuple[Run, Scenario]]:
    """Yield the runs so far, each with what was run."""
    pairs = {pair.case: pair for pair in (*trial.design.test_cases, *trial.design.confirm_cases)}
    confirming = [run for attempt in trial.attempts for run in (*attempt.stress, *attempt.control)]
    for run in (*trial.screen, *trial.checks, *confirming):
        pair = pairs[run.case]
        yield run, pair.stressed if run.arm == "stress" or pair.control is None else pair.control


def _place(seen: Counter[tuple[Arm, str, str]]) -> tuple[Arm, str, str]:
    """Return where an invariant broke most often: in a control, where it did at all."""
    return min(seen, key=lambda place: (place[0] != "control", -seen[place], place))


def _tested(
    invariant: Invariant,
    place: tuple[Arm, str, str],
    trials: Trials,
    holding: Holding,
    drawing: Drawing,
    cycle_id: str,
) -> tuple[Hypothesis, ExperimentDesign]:
    arm, key, probe = place
    origin = trials[key].design
    known = SUBTYPES[invariant.subtype]
    is_unprovoked = arm == "control"
    told = "whatever is asked" if is_unprovoked else f"under {origin.description}"
    hypothesis = Hypothesis(
        id=clock.derive_id("hypothesis", cycle_id, "observed", invariant.name),
        target_surface="every reply",
        expected_failure=f"{invariant.expects}, {'without any stress' if is_unprovoked else told}",
        failure_class=known.failure_class,
        confidence=0.5,
        priority="critical" if known.severity.rank > 3 else "high",
        rationale=f"seen in a run that tested something else: {origin.name}, probe {probe}",
        subtype=known.name,
        stress_type=UNPROVOKED if is_unprovoked else origin.stress_type,
        source="observed",
    )
    used = {run.case for run, _ in _runs(trials[key])}
    full = drawing.to_prove(drawing.to_confirm(origin, probe), probe)

    def fresh(pairs: tuple[ScenarioPair, ...]) -> tuple[ScenarioPair, ...]:
        own = (p for p in pairs if p.case not in used and p.probe == probe)
        found = (_watched(pair, invariant.name, holding, is_unprovoked=is_unprovoked) for pair in own)
        return tuple(pair for pair in found if pair is not None)

    cases = fresh((*full.confirm_cases, *full.test_cases))
    return hypothesis, replace(
        origin,
        id=clock.derive_id("experiment", hypothesis.id),
        hypothesis_id=hypothesis.id,
        label="",
        name=f"{invariant.name}, {told}",
        description=hypothesis.expected_failure,
        stress_type=hypothesis.stress_type,
        test_cases=cases[: SCREEN_OKS + CONFIRM_CAP],
        confirm_cases=(),
        proof_cases=fresh(full.proof_cases),
        measure_cases=(),
        family="",
        parameters={"source": "observed", "invariant": invariant.name},
        failure_class=known.failure_class,
        subtype=known.name,
        forecast=hypothesis.confidence,
    )


def _watched(pair: ScenarioPair, name: str, holding: Holding, *, is_unprovoked: bool) -> ScenarioPair | None:
    """Return the case with the invariant as what it is after; ``None`` where the invariant does not hold there."""
    arms = (pair.stressed, pair.control)
    if is_unprovoked:
        arms = (pair.control or pair.stressed, None)
    changed = [each and _after(each, name, holding) for each in arms]
    stressed, control = changed
    if stressed is None or (control is None and arms[1] is not None):
        return None
    return replace(pair, case=f"{pair.case}/{name}", stressed=stressed, control=control)


def _after(scenario: Scenario, name: str, holding: Holding) -> Scenario | None:
    if all(each.name != name for each in holding(scenario)):
        return None
    turns = tuple(replace(turn, checks=(Holds(name=name),), competence=()) for turn in scenario.turns)
    identity = f"{scenario.scenario_id}-{name.replace(' ', '-')}"
    return replace(scenario, scenario_id=identity, turns=turns, control_of=None, provenance={"source": "observed"})
