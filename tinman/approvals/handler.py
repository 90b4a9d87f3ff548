"""The only gate: every consequential action passes here, and nobody's silence lets it through."""

from __future__ import annotations

from enum import StrEnum

import anyio
import structlog

from tinman.approvals.queue import ApprovalQueue
from tinman.audit import AuditLog
from tinman.config.modes import Mode, may_skip_approval
from tinman.errors import AwaitingApproval
from tinman.events import EventBus
from tinman.review import Action, Decision, Reviewer
from tinman.taxonomy import RiskTier

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

    async def decide(self, action: Action) -> Decision:
        """Return the decision on ``action``.

        Raises ``AwaitingApproval`` in async mode while it is open, and when a reviewer says "later" by raising it.
        """
        self._bus.publish("approval.requested", kind=action.kind, what=action.what, tier=action.tier.value)
        decision = await self._answer(action)
        _log.info(
            "approval.decided",
            kind=action.kind,
            approved=decision.approved,
            reason=decision.reason,
            by=decision.by,
            digest=action.digest,
        )
        self._bus.publish("approval.decided", kind=action.kind, what=action.what, approved=decision.approved)
        if self._audit is not None:
            await self._audit.append(
                decision.by,
                f"{action.kind}.{'approved' if decision.approved else 'denied'}",
                {"what": action.what, "mode": action.mode.value, "digest": action.digest, "reason": decision.reason},
            )
        return decision

    async def refuse_skip(self, action: Action) -> None:
        """Write down that somebody tried to skip the gate where it cannot be skipped."""
        _log.warning("approval.skip_refused", kind=action.kind, mode=action.mode.value, digest=action.digest)
        if self._audit is not None:
            await self._audit.append(
                "policy", f"{action.kind}.skip_refused", {"what": action.what, "mode": action.mode.value}
            )

    async def _answer(self, action: Action) -> Decision:
        if action.tier is RiskTier.BLOCK:
            return Decision(approved=False, reason=f"blocked by policy in {action.mode}", by="policy")
        if action.tier is RiskTier.SAFE:
            return Decision(approved=True, reason="safe by policy", by="policy")
        match self.mode:
            case ApprovalMode.AUTO_REJECT:
                return Decision(approved=False, reason="auto_reject", by="policy")
            case ApprovalMode.AUTO_APPROVE if may_skip_approval(action.mode):
                return Decision(approved=True, reason="auto_approve", by="policy")
            case ApprovalMode.AUTO_APPROVE:
                await self.refuse_skip(action)
                return Decision(approved=False, reason="auto_approve is refused in production", by="policy")
            case ApprovalMode.ASYNC:
                return await self._queued(action)
            case ApprovalMode.INTERACTIVE:
                return await self._asked(action)

    async def _queued(self, action: Action) -> Decision:
        if self._queue is None:
            return Decision(approved=False, reason="no queue to wait in", by="policy")
        approval = await self._queue.ask(action, self.cycle_id)
        if approval.status == "pending":
            raise AwaitingApproval(approval.id, action.what)
        by = approval.decided_by or "queue"
        return Decision(approved=approval.status == "approved", reason=approval.reason or approval.status, by=by)

    async def _asked(self, action: Action) -> Decision:
        if self._reviewer is None:
            return Decision(approved=False, reason="nobody to ask", by="policy")
        async with self._asking:
            try:
                with anyio.fail_after(self._timeout):
                    return await self._reviewer.decide(action)
            except AwaitingApproval:
                raise  # the reviewer said: later
            except TimeoutError:
                return Decision(approved=False, reason=f"no answer within {self._timeout:g} s", by="policy")
            except Exception as error:  # noqa: BLE001 - whatever a reviewer raises means no, and is reported
                _log.warning("approval.reviewer_failed", error=f"{type(error).__name__}: {error}")
                return Decision(approved=False, reason=f"the reviewer failed: {type(error).__name__}", by="policy")

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
        action = Action(
            kind="experiment",
            what=experiment_name,
            mode=mode,
            tier=tier,
            details={
                "hypothesis": hypothesis,
                "estimated_runs": estimated_runs,
                "estimated_cost_usd": _rounded(estimated_cost_usd),
                "stress_type": stress_type,
            },
        )
        return (await self.decide(action)).approved

    async def approve_simulation(
        self,
        intervention_name: str,
        patch_digest: str,
        num_runs: int,
        estimated_cost_usd: float | None = None,
        *,
        mode: Mode = Mode.PRODUCTION,
    ) -> bool:
        """Say whether a simulation may call the live target; the approval names the most runs it may make.

        Several candidates for one failure are one question: their names and digests, separated by commas.
        """
        action = Action(
            kind="simulation",
            what=intervention_name,
            mode=mode,
            tier=RiskTier.REVIEW,
            details={
                "patch": patch_digest,
                "runs": num_runs,
                "estimated_cost_usd": _rounded(estimated_cost_usd),
            },
        )
        return (await self.decide(action)).approved


def _rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 6)
