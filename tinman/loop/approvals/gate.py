"""The way from a loop to the approval handler, which is the only gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tinman import clock
from tinman.errors import ApprovalError, AwaitingApproval, LoopConfigError
from tinman.loop.approvals.approval import AnsweredBefore, ApprovalRequest, ApprovalRunner, AskedThrough
from tinman.processes.threads import call
from tinman.review import Action, Decision

if TYPE_CHECKING:
    from tinman.approvals.handler import ApprovalHandler
    from tinman.approvals.queue import ApprovalQueue
    from tinman.audit import AuditLog

_LONGEST_WAIT_SECONDS = 30 * 86_400.0


class Gate(Protocol):
    """Where a loop's questions go."""

    async def ask(self, action: Action, request: ApprovalRequest) -> Decision:
        """Return the decision, or raise ``AwaitingApproval`` when there is none yet."""
        ...

    async def announce(self, action: Action, request: ApprovalRequest) -> None:
        """Put a question where it can be answered later, without waiting for an answer."""
        ...

    async def answer(self, action: Action, *, approved: bool, note: str) -> Decision:
        """Return the decision that an answer by token comes to; of several answers the first counts."""
        ...

    async def reask(self, action: Action) -> Decision:
        """Return the decision somebody recorded meanwhile. Raises ``AwaitingApproval`` while there is none."""
        ...


class RunnerGate:
    """Asks an ``ApprovalRunner`` through the handler; answers that come later come with the state's token."""

    def __init__(self, runner: ApprovalRunner, *, audit: AuditLog | None = None) -> None:
        self._runner = runner
        self._audit = audit

    async def ask(self, action: Action, request: ApprovalRequest) -> Decision:
        """Ask now, under the runner's own deadline."""
        from tinman.approvals.handler import ApprovalHandler  # noqa: PLC0415 - loads SQLAlchemy, for gated loops only

        handler = ApprovalHandler(
            reviewer=AskedThrough(self._runner, request),
            audit=self._audit,
            timeout_seconds=self._runner.timeout_s or _LONGEST_WAIT_SECONDS,
        )
        return await handler.decide(action)

    async def announce(self, action: Action, request: ApprovalRequest) -> None:
        """Tell whoever answers later; the state holds the question."""
        if self._runner.is_headless:
            await call(self._runner.request, request)

    async def answer(self, action: Action, *, approved: bool, note: str) -> Decision:
        """Hand the answer to the handler, which writes it down."""
        from tinman.approvals.handler import ApprovalHandler  # noqa: PLC0415 - as above

        handler = ApprovalHandler(reviewer=AnsweredBefore(approved=approved, note=note), audit=self._audit)
        return await handler.decide(action)

    async def reask(self, action: Action) -> Decision:
        """Raise ``AwaitingApproval``: answers come by token only."""
        raise AwaitingApproval(action.digest, action.what)


class HandlerGate:
    """Asks a handler; with its ``queue``, questions wait in the database and are answered there or by token.

    ``runner``, if there is one, is told of every question that waits.
    """

    def __init__(
        self, handler: ApprovalHandler, queue: ApprovalQueue | None = None, runner: ApprovalRunner | None = None
    ) -> None:
        self._handler = handler
        self._queue = queue
        self._runner = runner

    async def ask(self, action: Action, request: ApprovalRequest) -> Decision:
        """Ask the handler. When nobody could be told of a question that waits, it is denied there as well."""
        try:
            return await self._handler.decide(action)
        except AwaitingApproval:
            if self._runner is None:
                raise
            try:
                await call(self._runner.request, request)
            except ApprovalError as error:
                return await self.answer(action, approved=False, note=str(error))
            raise

    async def announce(self, action: Action, request: ApprovalRequest) -> None:
        """Put the question into the queue, and tell the runner."""
        if self._queue is not None:
            await self._queue.ask(action, self._handler.cycle_id)
        if self._runner is not None:
            await call(self._runner.request, request)

    async def answer(self, action: Action, *, approved: bool, note: str) -> Decision:
        """Record the answer in the queue, where one wins, and return what counts."""
        if self._queue is None:
            raise LoopConfigError(
                "approval: this loop's questions are answered where its handler asks them, not by token"
            )
        approval_id = clock.derive_id("approval", self._handler.cycle_id, action.digest)
        answer = Decision(approved=approved, reason=note or "answered by token", by="token holder")
        await self._queue.decide(approval_id, answer)
        return await self._handler.decide(action)

    async def reask(self, action: Action) -> Decision:
        """Ask the handler, which finds a recorded answer."""
        return await self._handler.decide(action)
