"""The six records of the chain, frozen, in reading order, and the run between them.

A hypothesis keeps one id from birth to deployment. ``label`` (``F-9``) is for people; it is given when a phase ends
and covered by no digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeVar, get_args

from pydantic import Field, ValidationError

from tinman import clock
from tinman.errors import DefinitionError
from tinman.frozen import adapter, digest, dump, frozen
from tinman.messages import Answers, Usage
from tinman.patches.kinds import FACTS, Patch
from tinman.scenarios.checks import CheckResult
from tinman.scenarios.outcome import TurnRecord, Verdict
from tinman.scenarios.scenario import ScenarioPair
from tinman.stats import Interval
from tinman.taxonomy import FailureClass, RiskTier, Severity
from tinman.text.invalid import first_error

R = TypeVar("R")
Priority = Literal["low", "medium", "high", "critical"]
Source = Literal["llm", "prior_failure", "adaptive_memory", "attack_surface", "taxonomy", "observed"]
Arm = Literal["stress", "control"]
Stage = Literal["recheck", "screen", "confirm", "measure", "pick", "prove", "benign", "reattack"]
Basis = Literal["replay", "estimate", "heuristic"]
Standing = Literal[
    "validated",
    "observed",
    "known",
    "suspected",
    "not_seen",
    "not_applicable",
    "unmeasurable",
    "broken_probe",
    "not_run",
]


class InterventionType(StrEnum):
    """The eight kinds of fix, by the names of their patches."""

    PROMPT_PATCH = "prompt_patch"
    GUARDRAIL = "guardrail"
    PARAMETER_TUNE = "parameter_tune"
    TOOL_RESTRICTION = "tool_restriction"
    CONTEXT_LIMIT = "context_limit"
    RETRY_POLICY = "retry_policy"
    CIRCUIT_BREAKER = "circuit_breaker"
    HUMAN_REVIEW = "human_review"


if set(InterventionType) != FACTS.keys():
    raise TypeError(f"InterventionType is to name the kinds of patch, no other: {', '.join(FACTS)}")


class SimulationOutcome(StrEnum):
    """What a simulation can end with."""

    IMPROVED = "improved"
    NO_CHANGE = "no_change"
    DEGRADED = "degraded"
    SIDE_EFFECT = "side_effect"
    INCONCLUSIVE = "inconclusive"


EndedAs = Literal[
    "SUCCESS",
    "BUDGET_EXHAUSTED",
    "NO_PROGRESS",
    "PLAN_FAILED",
    "AWAITING_APPROVAL",
    "APPROVAL_DENIED",
    "PENDING_EXPIRED",
    "ERROR",
    "STOPPED",
    "CANCELLED",
]
"""How a cycle or a loop ended: a loop's words (``LoopStatus``), and two for what only a person does to a cycle."""


@frozen
class Ending:
    """How a cycle or a loop ended, or for what it waits.

    ``reason`` says it in words, empty for a success. ``limit`` names the ceiling that was reached (``calls``,
    ``tokens``, ``usd``, ``seconds``), ``approval_id`` the question that is open.
    """

    kind: EndedAs
    reason: str = ""
    limit: str = ""
    approval_id: str = ""


@frozen
class Spent:
    """What a cycle cost so far: what its budget counted, lost blocks included, the tokens as they were reported, and
    the seconds its processes took, ``None`` as long as none has ended. Money: ``None`` if some is unknown. ``answers``
    are those of the reasoner."""

    calls: int = 0
    tokens: int = 0
    nano_usd: int | None = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float | None = None
    answers: Answers = Answers()


@frozen
class Hypothesis:
    """A testable guess: on ``target_surface``, under ``stress_type``, ``expected_failure`` happens.

    ``confidence`` is the engine's own forecast in [0, 1]; ``selection_chance`` the chance with which the hypothesis was
    chosen for confirmation (needed to score forecasts without bias). ``source_forecast`` is what its source said, where
    that was corrected by how well the source had forecast before. ``family`` names the probes of the playbook for it.
    Those of the first ``wave`` are what was asked for, those of the second are tried if runs are left.
    """

    id: str
    label: str = ""
    target_surface: str
    expected_failure: str
    failure_class: FailureClass
    confidence: float = Field(default=0.5, ge=0, le=1)
    priority: Priority = "medium"
    rationale: str = ""
    suggested_experiment: str = ""
    evidence: tuple[str, ...] = ()
    metadata: dict[str, Any] = Field(default_factory=dict)
    subtype: str = ""
    stress_type: str = ""
    source: Source = "taxonomy"
    source_forecast: float | None = None
    family: str = ""
    wave: int = 1


@frozen
class ExperimentDesign:
    """How a hypothesis is tested. ``test_cases`` is the pool of scenario pairs the stages draw from, in order. Where it
    draws from a ``family`` of the playbook they are the screen's alone, and those of the later stages are drawn once
    they are needed: ``confirm_cases`` of each probe that is promoted, ``proof_cases`` for the fixes of what is found.

    ``mode`` is ``single`` where all turns are fixed beforehand, ``adversarial`` where an adversary's talk with the
    target became some of them. ``measure_cases`` are kept for ``--measure``, apart from every other stage's, each once.
    ``forecast`` is the hypothesis' probability, ``estimated_runs`` the most stressed runs the two stages make together
    of one probe; ``timeout_seconds`` bounds one run. ``wave`` is the hypothesis' own.
    """

    id: str
    hypothesis_id: str
    label: str = ""
    name: str
    description: str = ""
    stress_type: str
    mode: Literal["single", "iterative", "adversarial"] = "single"
    parameters: dict[str, Any] = Field(default_factory=dict)
    constraints: dict[str, Any] = Field(default_factory=dict)
    success_criteria: tuple[str, ...] = ()
    failure_indicators: tuple[str, ...] = ()
    test_cases: tuple[ScenarioPair, ...] = ()
    confirm_cases: tuple[ScenarioPair, ...] = ()
    proof_cases: tuple[ScenarioPair, ...] = ()
    measure_cases: tuple[ScenarioPair, ...] = ()
    family: str = ""
    wave: int = 1
    estimated_runs: int = 46
    estimated_tokens: int = 0
    timeout_seconds: float = 60
    failure_class: FailureClass
    subtype: str = ""
    forecast: float = Field(default=0.5, ge=0, le=1)
    not_runnable: str = ""

    @property
    def is_destructive(self) -> bool:
        """Whether a case is marked as one that could destroy something for real."""
        pairs = (*self.test_cases, *self.confirm_cases, *self.proof_cases, *self.measure_cases)
        return any(s.destructive for pair in pairs for s in (pair.stressed, pair.control) if s is not None)


@frozen
class Run:
    """One scenario run: what was said, what was found, what it cost. ``reason`` explains an indeterminate verdict;
    ``probe`` is the trick of its case, empty where the case comes from no family of probes."""

    id: str
    experiment_id: str
    run_number: int
    stage: Stage
    arm: Arm
    case: str
    base_task: str
    probe: str = ""
    scenario_id: str
    scenario_digest: str
    verdict: Verdict
    reason: str = ""
    turns: tuple[TurnRecord, ...] = ()
    usage: Usage = Usage()
    seed: int = 0
    acted: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    started_at: datetime = Field(default_factory=clock.now)
    duration_ms: int = 0

    @property
    def failed_checks(self) -> tuple[CheckResult, ...]:
        """The checks of the verdict that did not hold, over all turns."""
        return tuple(check for turn in self.turns for check in turn.failing)

    @property
    def broken_invariants(self) -> tuple[CheckResult, ...]:
        """What has to hold of every reply and did not, over all turns."""
        return tuple(c for turn in self.turns for c in turn.checks if c.purpose == "invariant" and not c.passed)

    @property
    def was_served(self) -> bool | None:
        """Whether every request that says how it is served was; ``None`` where none says so."""
        told = [turn.was_served for turn in self.turns if turn.was_served is not None]
        return all(told) if told else None

    @property
    def fingerprint(self) -> str:
        """Equal for runs that answered byte by byte the same."""
        return digest([(t.assistant, [(c.tool_name, c.arguments) for c in t.tool_traces]) for t in self.turns])


@frozen
class Counts:
    """Verdicts of one arm, counted."""

    failures: int = 0
    oks: int = 0
    indeterminate: int = 0

    @property
    def n(self) -> int:
        """All runs."""
        return self.failures + self.oks + self.indeterminate


@frozen
class ProbeResult:
    """What one probe of an experiment showed: its screen, and its confirm stage where it came so far.

    ``only_stress`` and ``only_control`` count the pairs in which only that arm failed; ``log_e`` is the evidence.
    ``pairs_missing`` is how many further pairs would decide, if they went on as those so far.
    """

    probe: str
    standing: Standing
    screen: Counts = Counts()
    stress: Counts = Counts()
    control: Counts = Counts()
    only_stress: int = 0
    only_control: int = 0
    log_e: float = 0.0
    pairs_missing: int | None = None
    notes: str = ""


FOUND: frozenset[Standing] = frozenset({"validated", "observed", "suspected"})
"""The standings of a failure; with any other one nothing was found."""


@frozen
class JudgedBy:
    """The model that decided, and the digest of the version of the judge: the model and the words it is asked in."""

    name: str
    digest: str


@frozen
class ExperimentResult:
    """What an experiment found; ``probes`` what each of its probes showed, and of that which came furthest ``stress``,
    ``control`` and all that follows from them. ``served`` counts the requests that say whether they were served, as
    ok, in the control. ``confirm_cases`` are those that were drawn to confirm on.

    ``interval`` is the confidence sequence on the failure rate under stress, from confirm runs alone; ``log_e`` the
    evidence of the confirm stage. ``measured`` counts the runs of ``--measure``, one a case, as many as were fixed
    beforehand; ``measured_interval`` is Wilson's. ``judge`` says which model decided, where one did.
    """

    id: str
    experiment_id: str
    hypothesis_id: str
    label: str = ""
    runs: tuple[Run, ...] = ()
    standing: Standing
    probes: tuple[ProbeResult, ...] = ()
    screen: Counts = Counts()
    stress: Counts = Counts()
    control: Counts = Counts()
    served: Counts = Counts()
    confirm_cases: tuple[ScenarioPair, ...] = ()
    interval: Interval | None = None
    measured: Counts = Counts()
    measured_interval: Interval | None = None
    judge: JudgedBy | None = None
    log_e: float = 0.0
    selection_chance: float = 1.0
    failure_class: FailureClass
    subtype: str = ""
    stress_type: str = ""
    total_runs: int = 0
    failures_triggered: int = 0
    reproduction_rate: float = 0.0
    hypothesis_validated: bool = False
    confidence: float = 0.0
    notes: str = ""
    total_tokens: int = 0
    total_duration_ms: int = 0


@frozen
class Cause:
    """Why it failed, and who says so: the playbook, from the checks alone, or an LLM that read the transcripts."""

    root_cause: str
    basis: str


@frozen
class DiscoveredFailure:
    """A failure mode with its evidence. ``standing`` says what it may be called; ``scenarios`` reproduce it.

    Where a model decided, ``judge`` says which; ``corrected`` is then the interval of the measured rate corrected for
    how often it errs, and ``why_uncorrected`` says why there is none.
    """

    id: str
    label: str = ""
    primary_class: FailureClass
    secondary_class: str | None = None
    severity: Severity
    severity_reason: str = ""
    standing: Standing = "suspected"
    description: str
    trigger_signature: tuple[str, ...] = ()
    reproducibility: float = 0.0
    interval: Interval | None = None
    probes: tuple[ProbeResult, ...] = ()
    stress: Counts = Counts()
    control: Counts = Counts()
    served: Counts = Counts()
    measured: Counts = Counts()
    measured_interval: Interval | None = None
    judge: JudgedBy | None = None
    corrected: Interval | None = None
    why_uncorrected: str = ""
    hypothesis_id: str = ""
    experiment_id: str
    run_ids: tuple[str, ...] = ()
    failing_cases: int = 0
    scenarios: tuple[ScenarioPair, ...] = ()
    classification_confidence: float = 0.0
    causal_analysis: Cause | None = None
    llm_analysis: str = ""
    contributing_factors: tuple[str, ...] = ()
    key_insight: str = ""
    is_novel: bool = True
    novelty: Literal["new", "variant", "same"] = "new"
    parent_failure_id: str | None = None
    stress_type: str = ""
    scope_note: str = ""
    owasp: str | None = None
    atlas: str | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether its evidence is good enough to look for a fix: validated, or in production observed."""
        return self.standing in {"validated", "observed"}

    @property
    def root_cause(self) -> str:
        """The root cause, as far as it is known."""
        return self.causal_analysis.root_cause if self.causal_analysis else "unknown"


@frozen
class Intervention:
    """A proposed fix; ``payload`` is the patch itself."""

    id: str
    failure_id: str
    label: str = ""
    intervention_type: InterventionType
    name: str
    description: str = ""
    payload: Patch
    expected_gains: dict[str, float] = Field(default_factory=dict)
    expected_regressions: dict[str, float] = Field(default_factory=dict)
    risk_tier: RiskTier
    risk_factors: tuple[str, ...] = ()
    rationale: str = ""
    requires_approval: bool = True
    reversible: bool = True
    rollback: str = ""
    mitigation_id: str | None = None
    stands: Literal["proposed", "not_picked", "picked"] = "proposed"


@frozen
class Paired:
    """Paired runs of one arm without and one with the patch: ``cured`` failed only without, ``broken`` only with."""

    n: int = 0
    before_failures: int = 0
    after_failures: int = 0
    cured: int = 0
    broken: int = 0
    indeterminate: int = 0


@frozen
class SimulationResult:
    """What replaying with a patch showed. ``basis`` says on what it rests; only ``replay`` may recommend deployment."""

    id: str
    intervention_id: str
    failure_id: str = ""
    label: str = ""
    outcome: SimulationOutcome
    basis: Basis
    pick: Paired | None = None
    paired: Paired = Paired()
    p_value: float | None = None
    net_cure: Interval | None = None
    before: Interval | None = None
    after: Interval | None = None
    pairs_missing: int = 0
    benign: Paired = Paired()
    benign_loss_upper: float | None = None
    benign_margin: float | None = None
    reattack: Counts = Counts()
    confidence: float = 0.0
    avg_failure_rate_improvement: float = 0.0
    avg_latency_impact: float = 0.0
    side_effects: tuple[str, ...] = ()
    regressions: tuple[str, ...] = ()
    deploy_recommended: bool = False
    recommendation_reason: str = ""
    run_count: int = 0
    target_fingerprint: str = ""
    patch_digest: str = ""


@frozen
class Deployment:
    """A patch in force on ``target``: which approval (``digest``) let it through, and whose."""

    intervention_id: str
    patch: Patch
    target: str
    mode: str
    digest: str
    by: str


Record = Hypothesis | ExperimentDesign | Run | ExperimentResult | DiscoveredFailure | Intervention | SimulationResult
KINDS: tuple[type[Any], ...] = get_args(Record)
"""The types of records, as ``isinstance`` takes them."""


def to_data(record: Record) -> dict[str, Any]:
    """Return the seed-shaped dict of a record: every field, plus ``type`` for an intervention."""
    data: dict[str, Any] = dump(record)
    if isinstance(record, Intervention):
        data["type"] = data["intervention_type"]
    return data


def read_records(kind: type[R], given: Sequence[R | Mapping[str, Any]]) -> list[R]:
    """Return what an agent was handed as records: the one door for records and their seed-shaped dicts.

    Raises ``DefinitionError`` naming the first field that does not fit.
    """
    wanted: Any = kind
    plain = [
        {name: value for name, value in each.items() if name != "type"} if isinstance(each, Mapping) else each
        for each in given
    ]
    try:
        return [adapter(wanted).validate_python(each) for each in plain]
    except ValidationError as error:
        raise DefinitionError(f"{kind.__name__}.{first_error(error)}; hand in a record or its whole data") from error
