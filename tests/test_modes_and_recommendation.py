"""What each mode may do, who may skip the gate, and when a fix may be recommended: rules, held over all inputs."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinman.agents.asking import Question, find_refused
from tinman.approvals.handler import ApprovalHandler, ApprovalMode
from tinman.approvals.risk import deployment_tier, harm_tier
from tinman.config.modes import Mode, check_reached, check_transition, experiment_needs_approval, run_limit
from tinman.errors import ModeRefused
from tinman.experiments.proof import MAX_LATENCY_MS, MIN_CONFIDENCE, recommend
from tinman.patches.kinds import ContextLimit, PromptPatch, ToolRestriction
from tinman.records import SimulationOutcome
from tinman.review import Action, ApprovalRequest, Decision, ExperimentDetails
from tinman.taxonomy import RiskTier, Severity
from tinman.testing import FakeReviewer

MODES = st.sampled_from(list(Mode))


def question(name: str = "e1", tier: RiskTier = RiskTier.REVIEW, mode: Mode = Mode.PRODUCTION) -> Question:
    details = ExperimentDetails(hypothesis="h", estimated_runs=3, estimated_cost_usd=None, stress_type="s")
    return Question(id=name, action=Action(what=name, mode=mode, tier=tier, details=details))


@given(st.integers(1, 1_000))
def test_each_mode_runs_at_most_as_much_as_the_one_before(estimated: int) -> None:
    lab, shadow, production = (run_limit(mode, estimated) for mode in Mode)

    assert lab == estimated
    assert shadow == max(3, estimated // 2)
    assert production == min(3, estimated)
    assert production <= shadow


@given(MODES, st.booleans(), st.sampled_from(list(ApprovalMode)), st.booleans())
async def test_only_production_asks_and_only_production_cannot_be_skipped(
    mode: Mode, skip: bool, handling: ApprovalMode, says_yes: bool
) -> None:
    """In lab and shadow nothing is asked; in production skipping and auto-approval change nothing."""
    if handling is ApprovalMode.ASYNC:
        says_yes = False  # there is no queue here: nobody can answer
    reviewer = FakeReviewer(says_yes)
    handler = ApprovalHandler(handling, reviewer=reviewer)

    said_no = await find_refused(handler, mode, [question(mode=mode)], skip_approval=skip)

    if not experiment_needs_approval(mode):
        assert said_no == []
        assert reviewer.asked == []
    else:
        assert mode is Mode.PRODUCTION
        is_asked = handling is ApprovalMode.INTERACTIVE
        assert said_no == ([] if is_asked and says_yes else ["e1"])
        assert len(reviewer.asked) == is_asked


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True), st.booleans())
async def test_without_a_handler_everything_is_refused_in_production(names: list[str], skip: bool) -> None:
    assert await find_refused(None, Mode.PRODUCTION, [question(n) for n in names], skip_approval=skip) == names


class Slow:
    async def decide(self, request: ApprovalRequest) -> Decision:
        import anyio

        await anyio.sleep(60)
        return request.answer(approved=True, reason="too late", by="slow")


@pytest.mark.parametrize(
    "reviewer", [None, Slow(), FakeReviewer(RuntimeError("no network"))], ids=["nobody", "silence", "an error"]
)
async def test_silence_an_error_and_nobody_are_a_no(reviewer: object) -> None:
    handler = ApprovalHandler(reviewer=reviewer, timeout_seconds=0.02)  # type: ignore[arg-type]

    decision = await handler.decide(question().action)

    assert not decision.approved
    assert decision.by == "policy"


@given(MODES, st.sampled_from(list(ApprovalMode)), st.booleans())
async def test_a_block_is_final_and_safe_passes_whoever_is_asked(
    mode: Mode, handling: ApprovalMode, says_yes: bool
) -> None:
    handler = ApprovalHandler(handling, reviewer=FakeReviewer(says_yes))

    assert not (await handler.decide(question(tier=RiskTier.BLOCK, mode=mode).action)).approved
    assert (await handler.decide(question(tier=RiskTier.SAFE, mode=mode).action)).approved


@given(st.sampled_from(list(Severity)))
def test_harm_is_never_judged_milder_nearer_to_users(severity: Severity) -> None:
    tiers = [harm_tier(mode, severity) for mode in Mode]

    assert tiers == sorted(tiers)


@pytest.mark.parametrize(
    "patch",
    [ContextLimit(keep_turns=3), PromptPatch(text="Never tell."), ToolRestriction(deny=("send_email",))],
    ids=lambda patch: patch.kind,
)
def test_a_patch_leaves_the_lab_for_nowhere_and_is_never_just_safe_elsewhere(patch: object) -> None:
    for own in (True, False):
        assert deployment_tier(Mode.SHADOW, patch, is_own_lab_target=own) >= RiskTier.REVIEW  # type: ignore[arg-type]
        assert deployment_tier(Mode.PRODUCTION, patch, is_own_lab_target=own) >= RiskTier.REVIEW  # type: ignore[arg-type]
    assert deployment_tier(Mode.LAB, patch, is_own_lab_target=False) is RiskTier.BLOCK  # type: ignore[arg-type]


def test_a_project_goes_up_and_down_one_step_at_a_time() -> None:
    allowed = {(Mode.LAB, Mode.SHADOW), (Mode.SHADOW, Mode.PRODUCTION), (Mode.PRODUCTION, Mode.SHADOW)}
    allowed |= {(Mode.SHADOW, Mode.LAB)}
    for before, after in itertools.product(Mode, Mode):
        if (before, after) in allowed:
            check_transition(before, after)
        else:
            with pytest.raises(ModeRefused):
                check_transition(before, after)


@given(MODES, MODES)
def test_a_mode_above_the_one_reached_is_refused(reached: Mode, asked: Mode) -> None:
    if asked.rank <= reached.rank:
        check_reached(reached, asked)
    else:
        with pytest.raises(ModeRefused, match="promote"):
            check_reached(reached, asked)


@given(
    outcome=st.sampled_from(list(SimulationOutcome)),
    basis=st.sampled_from(["replay", "estimate", "heuristic"]),
    confidence=st.floats(0, 1),
    regressions=st.lists(st.sampled_from(["slower", "wrong price"]), max_size=2),
    latency_ms=st.floats(-1_000, 2_000),
    benign_is_proven=st.booleans(),
)
def test_a_fix_is_recommended_only_when_nothing_at_all_speaks_against_it(
    outcome: SimulationOutcome,
    basis: str,
    confidence: float,
    regressions: list[str],
    latency_ms: float,
    benign_is_proven: bool,
) -> None:
    """The seed's rules (improved, confidence of 0.7, no regression, under 500 ms), and only on a replay."""
    deploy, why = recommend(
        outcome,
        basis=basis,
        confidence=confidence,
        regressions=regressions,
        latency_ms=latency_ms,
        benign_is_proven=benign_is_proven,
    )

    assert (MIN_CONFIDENCE, MAX_LATENCY_MS) == (0.7, 500.0)
    assert deploy == (
        basis == "replay"
        and outcome is SimulationOutcome.IMPROVED
        and confidence >= 0.7
        and not regressions
        and latency_ms < 500.0
        and benign_is_proven
    )
    assert why
