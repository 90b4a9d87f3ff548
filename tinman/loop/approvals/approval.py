"""Asking before an action: the front ends, what they are shown, and the seal that binds an answer to the question.

The gate itself is ``tinman.approvals.handler``: whatever is asked here is decided and written down there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TextIO

from tinman import clock
from tinman.config.modes import Mode
from tinman.errors import AwaitingApproval
from tinman.frozen import canonical_json, changed, dump, frozen
from tinman.loop.state.records import Call, MetricSnapshot, PendingApproval, State
from tinman.processes.threads import call
from tinman.review import Action, Decision
from tinman.taxonomy import RiskTier
from tinman.text.visible import shorten


class ApprovalDecision(StrEnum):
    """Yes, no, or later."""

    APPROVED = "APPROVED"
    DENIED = "DENIED"
    PENDING = "PENDING"


@frozen
class ApprovalRequest:
    """What a reviewer is shown. ``args`` is a deep, read-only copy: nothing done to it reaches the action."""

    token: str
    tool: str
    args: Any
    reason: str
    action_hash: str
    state_version: int
    created_at: float
    ttl_s: float


class ApprovalRunner:
    """How somebody is asked. Subclass it and override ``request``; it may be async."""

    ttl_s: float | None = None
    timeout_s: float | None = None
    """How long an answer may take; silence is a no. ``None``: as long as the loop's wall clock allows."""
    is_headless = False
    """Whether nobody is there to answer now, so that the state has to be stored."""

    def request(self, req: ApprovalRequest) -> Any:
        """Return ``(ApprovalDecision, note)``. Runs in a thread of its own; whatever it raises means no."""
        raise NotImplementedError(f"{type(self).__name__} has to ask somebody: override request()")


class CLIApprovalRunner(ApprovalRunner):
    """Asks on the terminal. ``y`` or ``yes`` approves; anything else, and the end of input, is a no."""

    def __init__(self, stdin: TextIO | None = None, stderr: TextIO | None = None) -> None:
        self._stdin = stdin
        self._stderr = stderr

    def request(self, req: ApprovalRequest) -> tuple[ApprovalDecision, str]:
        """Print the call, wait for one line."""
        out, into = self._stderr or sys.stderr, self._stdin or sys.stdin
        lines = [f"[loop] {shorten(req.reason, 200)}: {shorten(req.tool, 80)}"]
        lines += [f"  {shorten(name, 60)}: {shorten(str(value), 200)}" for name, value in req.args.items()]
        out.write("\n".join(lines) + "\n[y/N] ")
        out.flush()
        answer = into.readline().strip().lower()
        approved = answer in {"y", "yes"}
        return (ApprovalDecision.APPROVED if approved else ApprovalDecision.DENIED), "answered on the terminal"


class CallbackApprovalRunner(ApprovalRunner):
    """Asks a function, sync or async; only ``True`` itself approves. False, an exception or silence is a no."""

    def __init__(self, fn: Callable[[ApprovalRequest], Any], timeout_s: float = 60.0) -> None:
        self.fn = fn
        self.timeout_s = timeout_s

    async def request(self, req: ApprovalRequest) -> tuple[ApprovalDecision, str]:
        """Return what the function answers."""
        answer = await call(self.fn, req)
        return (ApprovalDecision.APPROVED if answer is True else ApprovalDecision.DENIED), "the callback's answer"


class HeadlessApprovalRunner(ApprovalRunner):
    """Nobody is there: the loop ends AWAITING_APPROVAL and is resumed with the answer."""

    is_headless = True

    def __init__(self, ttl_s: float = 3600.0) -> None:
        self.ttl_s = ttl_s

    def request(self, req: ApprovalRequest) -> tuple[ApprovalDecision, str]:
        """Say: later."""
        return ApprovalDecision.PENDING, "headless"


class AskedThrough:
    """A ``Reviewer`` for the handler that asks an ``ApprovalRunner``. Raises ``AwaitingApproval`` for "later"."""

    def __init__(self, runner: ApprovalRunner, request: ApprovalRequest) -> None:
        self._runner = runner
        self._request = request

    async def decide(self, action: Action) -> Decision:
        """Ask; a synchronous runner is asked in a daemon thread that is abandoned on cancellation."""
        outcome, note = await call(self._runner.request, self._request)
        if outcome is ApprovalDecision.PENDING:
            raise AwaitingApproval(action.digest, action.what)
        approved = outcome is ApprovalDecision.APPROVED
        return Decision(approved=approved, reason=str(note), by=f"{type(self._runner).__name__} (unverified)")


class AnsweredBefore:
    """A ``Reviewer`` that hands on an answer that came with a token."""

    def __init__(self, *, approved: bool, note: str = "") -> None:
        self._approved = approved
        self._note = note

    async def decide(self, action: Action) -> Decision:
        """Return the answer."""
        return Decision(approved=self._approved, reason=self._note or "answered by token", by="token holder")


def deep_frozen(value: Any) -> Any:
    """Return a read-only copy of plain JSON."""
    if isinstance(value, Mapping):
        return MappingProxyType({name: deep_frozen(each) for name, each in value.items()})
    if isinstance(value, list | tuple):
        return tuple(deep_frozen(each) for each in value)
    return value


def action_of(
    state: State, call_: Call, *, reason: str, mode: Mode, observation_digest: str, nonce: str, state_version: int
) -> Action:
    """Return the question about one call: its digest covers the arguments, the state's version and what was observed.

    ``nonce`` makes every asking another question, so that an old answer is never found for a new one.
    """
    details = {
        "loop": state.loop_id,
        "arguments": call_.args,
        "reason": reason,
        "call": call_.id,
        "state_version": state_version,
        "observation": observation_digest,
        "nonce": nonce,
    }
    return Action(kind="tool", what=call_.tool, mode=mode, tier=RiskTier.REVIEW, details=details)


def new_token() -> str:
    """Return 256 bits of chance as URL-safe text."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _seal(token: str, asked: PendingApproval) -> str:
    """Return the HMAC under ``token`` over everything that was asked, the measurement it was asked under included."""
    text = canonical_json(dump(changed(asked, seal="", token_hash=""))).encode("utf-8", "surrogatepass")
    return hmac.new(token.encode("utf-8", "surrogatepass"), text, hashlib.sha256).hexdigest()


def new_nonce() -> str:
    """Return what tells one asking from the next."""
    return secrets.token_hex(8)


def pending(
    token: str, action: Action, call_: Call, state: State, metric: MetricSnapshot | None, *, reason: str, ttl_s: float
) -> PendingApproval:
    """Return the record of an open question; of its token only a hash and a seal are kept."""
    asked = PendingApproval(
        approval_id=clock.derive_id("approval", state.loop_id, action.digest),
        nonce=action.details["nonce"],
        token_hash=hashed(token),
        seal="",
        tool=call_.tool,
        args=call_.args,
        reason=reason,
        action_hash=action.digest,
        state_version=state.state_version,
        created_at=clock.now().timestamp(),
        ttl_s=ttl_s,
        observation_digest=str(action.details["observation"]),
        precondition_metric=metric,
    )
    return changed(asked, seal=_seal(token, asked))


def is_token_of(token: str, asked: PendingApproval) -> bool:
    """Say whether ``token`` is the one given out for ``asked``."""
    return hmac.compare_digest(hashed(token), asked.token_hash)


def is_intact(token: str, asked: PendingApproval) -> bool:
    """Say whether ``asked`` is what the holder of ``token`` was asked."""
    return hmac.compare_digest(_seal(token, asked), asked.seal)
