"""Where approvals wait: rows in the project's database, the only truth about an answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from tinman import clock
from tinman.db.engine import Database
from tinman.db.tables import ApprovalRow
from tinman.errors import NotFound
from tinman.frozen import frozen
from tinman.review import Action, Decision

Status = Literal["pending", "approved", "denied", "expired"]
_SHOWN = (
    ApprovalRow.id,
    ApprovalRow.cycle_id,
    ApprovalRow.status,
    ApprovalRow.summary,
    ApprovalRow.reason,
    ApprovalRow.decided_by,
)


@frozen
class Approval:
    """One question and where it stands."""

    id: str
    cycle_id: str
    status: Status
    what: str
    reason: str = ""
    decided_by: str = ""


class ApprovalQueue:
    """Durable approvals. The same action in the same cycle is one question, however often it is asked."""

    def __init__(self, db: Database, *, ttl_seconds: float = 72 * 3600.0) -> None:
        self._db = db
        self._ttl = timedelta(seconds=ttl_seconds)

    async def ask(self, action: Action, cycle_id: str) -> Approval:
        """Return the approval of ``action``, asking first if nobody did. One past its time is expired: a no."""
        approval_id, now = clock.derive_id("approval", cycle_id, action.digest), clock.now()
        expired = (
            update(ApprovalRow)
            .where(ApprovalRow.id == approval_id, ApprovalRow.status == "pending", ApprovalRow.expires_at <= now)
            .values(status="expired", decided_at=now, reason="nobody answered in time")
        )
        asked = {
            "id": approval_id,
            "cycle_id": cycle_id,
            "digest": action.digest,
            "kind": action.kind,
            "summary": {"what": action.what, **action.details},
            "mode": action.mode.value,
            "tier": action.tier.value,
            "status": "pending",
            "created_at": now,
            "expires_at": now + self._ttl,
        }

        def put(connection: Connection) -> Approval:
            connection.execute(expired)
            found = connection.execute(select(*_SHOWN).where(ApprovalRow.id == approval_id)).first()
            if found is None:
                found = connection.execute(insert(ApprovalRow).values(asked).returning(*_SHOWN)).one()
            return _approval(found)

        return await self._db.write(put)

    async def get(self, approval_id: str) -> Approval:
        """Return one approval. Raises ``NotFound``."""
        async with self._db.read() as connection:
            row = (await connection.execute(select(*_SHOWN).where(ApprovalRow.id == approval_id))).first()
        if row is None:
            raise NotFound(f"approval {approval_id}: there is none")
        return _approval(row)

    async def pending(self) -> list[Approval]:
        """Return the open questions, oldest first."""
        query = select(*_SHOWN).where(ApprovalRow.status == "pending", ApprovalRow.expires_at > clock.now())
        async with self._db.read() as connection:
            rows = await connection.execute(query.order_by(ApprovalRow.created_at, ApprovalRow.id))
            return [_approval(row) for row in rows]

    async def decide(self, approval_id: str, decision: Decision) -> bool:
        """Record an answer; return whether it was the one that counted. Of many that race, one wins."""
        now = clock.now()
        decided = (
            update(ApprovalRow)
            .where(ApprovalRow.id == approval_id, ApprovalRow.status == "pending", ApprovalRow.expires_at > now)
            .values(
                status="approved" if decision.approved else "denied",
                reason=decision.reason,
                decided_by=decision.by,
                decided_at=now,
            )
            .returning(ApprovalRow.id)
        )
        return await self._db.write(lambda connection: connection.execute(decided).first() is not None)


def _approval(row: Row[Any]) -> Approval:
    return Approval(
        id=row.id,
        cycle_id=row.cycle_id,
        status=row.status,
        what=str(row.summary.get("what", "")),
        reason=row.reason,
        decided_by=row.decided_by,
    )
