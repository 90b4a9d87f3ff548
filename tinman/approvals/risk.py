"""How risky an action is: a pure function and its tables. ``block`` is final."""

from __future__ import annotations

from typing import assert_never

from tinman.config.modes import Mode
from tinman.patches.kinds import (
    CircuitBreaker,
    ContextLimit,
    Guardrail,
    HumanReview,
    ParameterTune,
    Patch,
    PromptPatch,
    RetryPolicy,
    ToolRestriction,
)
from tinman.taxonomy import RiskTier, Severity

_SAFE, _REVIEW, _BLOCK = RiskTier.SAFE, RiskTier.REVIEW, RiskTier.BLOCK

_HARM: dict[Mode, tuple[RiskTier, RiskTier, RiskTier, RiskTier]] = {
    # S0-S1, S2, S3, S4
    Mode.LAB: (_SAFE, _SAFE, _REVIEW, _REVIEW),
    Mode.SHADOW: (_SAFE, _SAFE, _REVIEW, _BLOCK),
    Mode.PRODUCTION: (_SAFE, _REVIEW, _REVIEW, _BLOCK),
}


def harm_tier(mode: Mode, severity: Severity) -> RiskTier:
    """Return the tier of an action that could itself do harm of ``severity`` (a probe, a tool call)."""
    return _HARM[mode][max(0, severity.rank - 1)]


def patch_risk(patch: Patch) -> tuple[RiskTier, tuple[str, ...]]:
    """Return a patch's own tier and its factors. The failure it mends does not matter here."""
    match patch:
        case ParameterTune(params=params):
            return _SAFE, (f"changes {', '.join(sorted(params))} of every call",)
        case RetryPolicy(max_attempts=attempts):
            return _SAFE, (f"may ask {attempts} times: more latency, more cost",)
        case CircuitBreaker():
            return _SAFE, ("takes a tool away for the rest of a turn",)
        case ContextLimit():
            return _SAFE, ("drops part of what the model would read",)
        case PromptPatch():
            return _REVIEW, ("changes the system prompt of every conversation",)
        case Guardrail(direction=direction):
            way = "what the model reads" if direction == "in" else "what users are told"
            return _REVIEW, (f"filters {way}",)
        case ToolRestriction():
            return _REVIEW, ("takes an ability away",)
        case HumanReview():
            return _REVIEW, ("makes calls wait for a person",)
        case _:
            assert_never(patch)


def deployment_tier(mode: Mode, patch: Patch, *, is_own_lab_target: bool) -> RiskTier:
    """Return the tier of deploying ``patch``: to the lab's own target by its risk, elsewhere never less than review.

    From the lab a patch goes nowhere but to the lab's own target.
    """
    own, _ = patch_risk(patch)
    match mode:
        case Mode.LAB:
            return own if is_own_lab_target else _BLOCK
        case Mode.SHADOW:
            return max(_REVIEW, own) if is_own_lab_target else _BLOCK
        case Mode.PRODUCTION:
            return max(_REVIEW, own)
        case _:
            assert_never(mode)
