"""How risky an action is: a pure function and its tables. ``block`` is final."""

from __future__ import annotations

from typing import assert_never

from tinman.config.modes import Mode
from tinman.patches.kinds import Patch
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
    return patch.facts.tier, (patch.risk_factor,)


def deployment_tier(mode: Mode, patch: Patch, *, is_own_lab_target: bool) -> RiskTier:
    """Return the tier of deploying ``patch``: to the lab's own target by its risk, elsewhere never less than review.

    From the lab a patch goes nowhere but to the lab's own target.
    """
    own = patch.facts.tier
    match mode:
        case Mode.LAB:
            return own if is_own_lab_target else _BLOCK
        case Mode.SHADOW:
            return max(_REVIEW, own) if is_own_lab_target else _BLOCK
        case Mode.PRODUCTION:
            return max(_REVIEW, own)
        case _:
            assert_never(mode)
