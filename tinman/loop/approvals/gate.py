"""The way from a loop to the approval handler, which is the only gate."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tinman import clock
from tinman.approvals.reviewers import BaseReviewer
from tinman.errors import ApprovalError, AwaitingApproval, LoopConfigError
from tinman.review import Action, ApprovalRequest, Decision

if TYPE_CHECKING:
    from tinman.approvals.handler import ApprovalHandler
    from tinman.approvals.queue import ApprovalQueue
    from tinman.audit import AuditLog

_LONGEST_WAIT_SECONDS = 30 * 86_400.0


class Gate(Protocol):
    """Where a loop's questions go."""

    async def ask(self, request: ApprovalRequest) -> Decision:
        """Return the decision, or raise ``AwaitingApproval`` when there is none yet."""
        ...

    async def announce(self, request: ApprovalRequest) -> None:
        """Put a question where it can be answered later, without waiting for an answer."""
        ...

    async def answer(self, action: Action, *, approved: bool, note: str) -> Decision:
        """Return the decision that an answer by token comes to; of several answers the first counts."""
        ...

    async def reask(self, action: Action) -> Decision:
        """Return the decision somebody recorded meanwhile. Raises ``AwaitingApproval`` while there is none."""
        ...


@dataclass(frozen=True)
class ReviewerGate:
    """Asks a reviewer through the handler; answers that come later come with the state's token."""

    reviewer: BaseReviewer
    audit: AuditLog | None = None

    async def ask(self, request: ApprovalRequest) -> Decision:
        """Ask now, under the reviewer's own deadline."""
        return await self._decide(self.reviewer, request.action, token=request.token, ttl_s=request.ttl_s)

    async def announce(self, request: ApprovalRequest) -> None:
        """Tell whoever answers later; the state holds the question."""
        if self.reviewer.is_headless:
            with suppress(AwaitingApproval):
                await self.reviewer.decide(request)

    async def answer(self, action: Action, *, approved: bool, note: str) -> Decision:
        """Hand the answer to the handler, which writes it down."""
        return await self._decide(_AnsweredBefore(approved=approved, note=note), action)

    async def reask(self, action: Action) -> Decision:
        """Raise ``AwaitingApproval``: answers come by token only."""
        raise AwaitingApproval(action.digest, action.what)

    async def _decide(
        self, reviewer: BaseReviewer, action: Action, *, token: str = "", ttl_s: float | None = None
    ) -> Decision:
        from tinman.approvals.handler import ApprovalHandler  # noqa: PLC0415 - loads SQLAlchemy, for gated loops only

        seconds = reviewer.timeout_s or _LONGEST_WAIT_SECONDS
        handler = ApprovalHandler(reviewer=reviewer, audit=self.audit, timeout_seconds=seconds)
        return await handler.decide(action, token=token, ttl_s=ttl_s)


@dataclass(frozen=True)
class _AnsweredBefore(BaseReviewer):
    """Hands on an answer that came with a token."""

    approved: bool
    note: str

    async def decide(self, request: ApprovalRequest) -> Decision:
        """Return the answer."""
        return request.answer(approved=self.approved, reason=self.note or "answered by token", by="token holder")


@dataclass(frozen=True)
class HandlerGate:
    """Asks a handler; with its ``queue``, questions wait in the database and are answered there or by token.

    ``reviewer``, if there is one, is told of every question that waits.
    """

    handler: ApprovalHandler
    queue: ApprovalQueue | None = None
    reviewer: BaseReviewer | None = None

    async def ask(self, request: ApprovalRequest) -> Decision:
        """Ask the handler. When nobody could be told of a question that waits, it is denied there as well."""
        try:
            return await self.handler.decide(request.action)
        except AwaitingApproval:
            try:
                await self._tell(request)
            except ApprovalError as error:
                return await self.answer(request.action, approved=False, note=str(error))
            raise

    async def announce(self, request: ApprovalRequest) -> None:
        """Put the question into the queue, and tell the reviewer."""
        if self.queue is not None:
            await self.queue.ask(request.action, self.handler.cycle_id)
        await self._tell(request)

    async def _tell(self, request: ApprovalRequest) -> None:
        if self.reviewer is not None:
            with suppress(AwaitingApproval):
                await self.reviewer.decide(request)

    async def answer(self, action: Action, *, approved: bool, note: str) -> Decision:
        """Record the answer in the queue, where one wins, and return what counts."""
        if self.queue is None:
            raise LoopConfigError(
                "approval: this loop's questions are answered where its handler asks them, not by token"
            )
        approval_id = clock.derive_id("approval", self.handler.cycle_id, action.digest)
        reason = note if any(map(str.isalnum, note)) else "answered by token"
        answer = Decision(approved=approved, reason=reason, by="token holder", digest=action.digest)
        await self.queue.decide(approval_id, answer)
        return await self.handler.decide(action)

    async def reask(self, action: Action) -> Decision:
        """Ask the handler, which finds a recorded answer."""
        return await self.handler.decide(action)
