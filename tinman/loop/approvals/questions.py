"""What a loop asks before an action, and the seal that binds an answer to the question.

The gate itself is ``tinman.approvals.handler``: whatever is asked here is decided and written down there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from tinman import clock
from tinman.config.modes import Mode
from tinman.frozen import alter, canonical_json, dump
from tinman.loop.state.records import Call, MetricSnapshot, PendingApproval, State
from tinman.review import Action, ToolDetails
from tinman.taxonomy import RiskTier


def action_of(state: State, call: Call, *, reason: str, mode: Mode, observation_digest: str, nonce: str) -> Action:
    """Return the question about one call: its digest covers the arguments, the state's version and what was observed.

    ``nonce`` makes every asking another question, so that an old answer is never found for a new one.
    """
    details = ToolDetails(
        loop=state.loop_id,
        arguments=call.args,
        reason=reason,
        call=call.id,
        state_version=state.state_version,
        observation=observation_digest,
        nonce=nonce,
    )
    return Action(what=call.tool, mode=mode, tier=RiskTier.REVIEW, details=details)


def new_token() -> str:
    """Return 256 bits of chance as URL-safe text."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _seal(token: str, asked: PendingApproval) -> str:
    """Return the HMAC under ``token`` over everything that was asked, the measurement it was asked under included."""
    text = canonical_json(dump(alter(asked, seal="", token_hash=""))).encode("utf-8", "surrogatepass")
    return hmac.new(token.encode("utf-8", "surrogatepass"), text, hashlib.sha256).hexdigest()


def new_nonce() -> str:
    """Return what tells one asking from the next."""
    return secrets.token_hex(8)


def pending(
    token: str, action: Action, call: Call, state: State, metric: MetricSnapshot | None, *, reason: str, ttl_s: float
) -> PendingApproval:
    """Return the record of an open question; of its token only a hash and a seal are kept."""
    assert isinstance(action.details, ToolDetails)
    asked = PendingApproval(
        approval_id=clock.derive_id("approval", state.loop_id, action.digest),
        nonce=action.details.nonce,
        token_hash=hashed(token),
        seal="",
        tool=call.tool,
        args=call.args,
        reason=reason,
        action_hash=action.digest,
        state_version=state.state_version,
        created_at=clock.now().timestamp(),
        ttl_s=ttl_s,
        observation_digest=action.details.observation,
        precondition_metric=metric,
    )
    return alter(asked, seal=_seal(token, asked))


def is_token_of(token: str, asked: PendingApproval) -> bool:
    """Say whether ``token`` is the one given out for ``asked``."""
    return hmac.compare_digest(hashed(token), asked.token_hash)


def is_intact(token: str, asked: PendingApproval) -> bool:
    """Say whether ``asked`` is what the holder of ``token`` was asked."""
    return hmac.compare_digest(_seal(token, asked), asked.seal)
