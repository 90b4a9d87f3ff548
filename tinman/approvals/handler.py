"""The only gate: every consequential action passes here, and nobody's silence lets it through."""

from __future__ import annotations

from enum import StrEnum

import anyio
import structlog

from tinman.approvals.grant import Grant
from tinman.approvals.queue import ApprovalQueue
from tinman.audit import AuditLog
from tinman.config.modes import Mode, may_skip_approval
from tinman.errors import AwaitingApproval
from tinman.events import EventBus
from tinman.review import Action, ApprovalRequest, Decision, ExperimentDetails, Reviewer
from tinman.taxonomy import RiskTier
from tinman.text.visible import line_of

_log = structlog.get_logger(__name__)


class ApprovalMode(StrEnum):
    """How questions are answered: by a person now, later through the queue, or always the same way."""

    INTERACTIVE = "interactive"
    ASYNC = "async"
    AUTO_APPROVE = "auto_approve"
    AUTO_REJECT = "auto_reject"


class ApprovalHandler:
    """Decides by tier, asks where asking is due, and writes down every decision.

    ``safe`` passes, ``block`` never does, ``review`` is asked. No reviewer, an error, or silence for
    ``timeout_seconds`` is a no. ``auto_approve`` is refused in production. In ``async`` mode a question nobody has
    answered yet raises ``AwaitingApproval``.
    """

    def __init__(
        self,
        mode: ApprovalMode | str = ApprovalMode.INTERACTIVE,
        *,
        reviewer: Reviewer | None = None,
        queue: ApprovalQueue | None = None,
        audit: AuditLog | None = None,
        bus: EventBus | None = None,
        timeout_seconds: float = 300.0,
        cycle_id: str = "",
    ) -> None:
        self.mode = ApprovalMode(mode)
        self.cycle_id = cycle_id
        self._reviewer = reviewer
        self._queue = queue
        self._audit = audit
        self._bus = bus or EventBus()
        self._timeout = timeout_seconds
        self._asking = anyio.Lock()

    async def decide(
        self, action: Action, *, token: str = "", ttl_s: float | None = None, skip_approval: bool = False
    ) -> Decision:
        """Return the decision on ``action``, written down and bound to its digest.

        ``skip_approval`` passes what is not blocked where the mode allows that; where it does not, the attempt is put
        on record and changes nothing. ``token`` lets its holder answer later, for ``ttl_s`` seconds. Raises
        ``AwaitingApproval`` in async mode while it is open, and when a reviewer says "later" by raising it.
        """
        self._bus.publish("approval.requested", kind=action.kind, what=action.what, tier=action.tier.value)
        decision = await self._answer(action, token, ttl_s or self._timeout, skip_approval=skip_approval)
        if decision.digest != action.digest:
            decision = _by_policy(action, "the answer was to another question", approved=False)
        _log.info("approval.decided", kind=action.kind, **vars(decision))
        self._bus.publish("approval.decided", kind=action.kind, what=action.what, approved=decision.approved)
        verdict = "approved" if decision.approved else "denied"
        await self._put_on_record(decision.by, verdict, action, reason=decision.reason)
        return decision

    async def grant(self, action: Action, *, skip_approval: bool = False) -> Grant:
        """Return the right to do ``action`` now. Raises ``ApprovalDenied`` for a no, and what ``decide`` raises."""
        return Grant.of(await self.decide(action, skip_approval=skip_approval))

    async def refuse_skip(self, action: Action) -> None:
        """Write down that somebody tried to skip the gate where it cannot be skipped."""
        _log.warning("approval.skip_refused", kind=action.kind, mode=action.mode.value, digest=action.digest)
        await self._put_on_record("policy", "skip_refused", action)

    async def _put_on_record(self, by: str, what: str, action: Action, **more: str) -> None:
        if self._audit is not None:
            told = {"what": action.what, "mode": action.mode.value, "digest": action.digest, **more}
            await self._audit.append(by, f"{action.kind}.{what}", told)

    async def _answer(self, action: Action, token: str, ttl_s: float, *, skip_approval: bool) -> Decision:
        if action.tier is RiskTier.BLOCK:
            return _by_policy(action, f"blocked by policy in {action.mode}", approved=False)
        if action.tier is RiskTier.SAFE:
            return _by_policy(action, "safe by policy", approved=True)
        may_skip = may_skip_approval(action.mode)
        if skip_approval and may_skip:
            return _by_policy(action, "approval skipped outside production", approved=True, by="caller")
        if skip_approval:
            await self.refuse_skip(action)
        match self.mode:
            case ApprovalMode.AUTO_REJECT:
                return _by_policy(action, "auto_reject", approved=False)
            case ApprovalMode.AUTO_APPROVE if may_skip:
                return _by_policy(action, "auto_approve", approved=True)
            case ApprovalMode.AUTO_APPROVE:
                await self.refuse_skip(action)
                return _by_policy(action, "auto_approve is refused in production", approved=False)
            case ApprovalMode.ASYNC:
                return await self._queued(action)
            case ApprovalMode.INTERACTIVE:
                return await self._asked(ApprovalRequest.of(action, token=token, ttl_s=ttl_s))

    async def _queued(self, action: Action) -> Decision:
        if self._queue is None:
            return _by_policy(action, "no queue to wait in", approved=False)
        approval = await self._queue.ask(action, self.cycle_id)
        if approval.status == "pending":
            raise AwaitingApproval(approval.id, action.what)
        is_approved = approval.status == "approved"
        return approval.answer(
            approved=is_approved, reason=approval.reason or approval.status, by=approval.decided_by or "queue"
        )

    async def _asked(self, request: ApprovalRequest) -> Decision:
        action = request.action
        if self._reviewer is None:
            return _by_policy(action, "nobody to ask", approved=False)
        async with self._asking:
            try:
                with anyio.fail_after(self._timeout):
                    decision: object = await self._reviewer.decide(request)
            except AwaitingApproval:
                raise  # the reviewer said: later
            except TimeoutError:
                return _by_policy(action, f"no answer within {self._timeout:g} s", approved=False)
            except Exception as error:  # noqa: BLE001 - whatever a reviewer raises means no, and is reported
                _log.warning("approval.reviewer_failed", error=f"{type(error).__name__}: {error}")
                return _by_policy(action, f"the reviewer failed: {line_of(error, 300)}", approved=False)
        if not isinstance(decision, Decision) or not isinstance(decision.approved, bool):
            kind = type(decision).__name__
            return _by_policy(action, f"the reviewer's answer is no Decision but a {kind}", approved=False)
        return decision

    # -- the calls agents make ---------------------------------------------------------------------------------------

    async def approve_experiment(
        self,
        experiment_name: str,
        hypothesis: str,
        estimated_runs: int,
        estimated_cost_usd: float | None = 0.0,
        stress_type: str = "",
        *,
        mode: Mode = Mode.PRODUCTION,
        tier: RiskTier = RiskTier.REVIEW,
    ) -> bool:
        """Say whether an experiment may run. A cost of ``None`` says that no price is known."""
        details = ExperimentDetails(
            hypothesis=hypothesis,
            estimated_runs=estimated_runs,
            estimated_cost_usd=estimated_cost_usd,
            stress_type=stress_type,
        )
        action = Action(what=experiment_name, mode=mode, tier=tier, details=details)
        return (await self.decide(action)).approved


def _by_policy(action: Action, reason: str, *, approved: bool, by: str = "policy") -> Decision:
    return Decision(approved=approved, reason=reason, by=by, digest=action.digest)
