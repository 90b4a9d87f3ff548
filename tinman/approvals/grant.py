"""``Grant``: the right to do one approved action once, for a short time."""

from __future__ import annotations

from datetime import datetime, timedelta

from tinman import clock
from tinman.errors import ApprovalDenied
from tinman.frozen import frozen
from tinman.review import Action, Decision

LIFETIME = timedelta(minutes=10)


@frozen
class Grant:
    """Made by ``ApprovalHandler.grant`` alone, and the only thing an installation takes: what deploys without one does
    not type-check."""

    digest: str
    by: str
    reason: str
    expires_at: datetime

    @classmethod
    def of(cls, decision: Decision) -> Grant:
        """Return the grant of a decision. Raises ``ApprovalDenied`` for a no."""
        if not decision.approved:
            raise ApprovalDenied(decision.digest, decision.reason)
        return cls(digest=decision.digest, by=decision.by, reason=decision.reason, expires_at=clock.now() + LIFETIME)

    def check(self, action: Action) -> None:
        """Raise ``ApprovalDenied`` when this is the grant of another action, or too old: ask afresh then."""
        if self.digest != action.digest:
            raise ApprovalDenied(action.what, "what was approved is not what is to be done now")
        if self.expires_at <= clock.now():
            raise ApprovalDenied(action.what, "the approval was given too long ago")
