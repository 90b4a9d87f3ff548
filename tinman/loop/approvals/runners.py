"""How somebody is asked: a loop's names for the reviewers that cycles have, too, and a base for one's own."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from tinman.approvals.reviewers import BaseReviewer, CallbackReviewer, HeadlessReviewer, TerminalReviewer
from tinman.errors import AwaitingApproval
from tinman.processes.threads import call
from tinman.review import ApprovalRequest, Decision


class ApprovalDecision(StrEnum):
    """Yes, no, or later."""

    APPROVED = "APPROVED"
    DENIED = "DENIED"
    PENDING = "PENDING"


class ApprovalRunner(BaseReviewer):
    """A reviewer of one's own. Subclass it and override ``request``; it may be async."""

    def request(self, req: ApprovalRequest) -> Any:
        """Return ``(ApprovalDecision, note)``. Runs in a thread of its own; whatever it raises means no."""
        raise NotImplementedError(f"{type(self).__name__} has to ask somebody: override request()")

    async def decide(self, request: ApprovalRequest) -> Decision:
        """Ask; a synchronous ``request`` is asked in a daemon thread that is abandoned on cancellation."""
        outcome, note = await call(self.request, request)
        if outcome is ApprovalDecision.PENDING:
            raise AwaitingApproval(request.action_hash, request.tool)
        return request.answer(approved=outcome is ApprovalDecision.APPROVED, reason=str(note), by=self.signature)


class CLIApprovalRunner(TerminalReviewer):
    """Asks on the terminal."""


class CallbackApprovalRunner(CallbackReviewer):
    """Asks a function."""


class HeadlessApprovalRunner(HeadlessReviewer):
    """Nobody is there: the loop ends AWAITING_APPROVAL and is resumed with the answer."""
