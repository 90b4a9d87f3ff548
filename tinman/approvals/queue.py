"""Where approvals wait: rows in the project's database, the only truth about an answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from tinman import clock
from tinman.db.engine import Database
from tinman.db.tables import ApprovalRow
from tinman.errors import NotFound
from tinman.frozen import adapter, dump, frozen
from tinman.review import DETAILS, Action, Decision

Status = Literal["pending", "approved", "denied", "expired"]
_COLUMNS = tuple(ApprovalRow.__table__.columns)


@frozen
class Approval:
    """One question and where it stands. ``action`` is exactly what was asked, ``digest`` the name of that."""

    id: str
    cycle_id: str
    action: Action
    digest: str
    status: Status
    created_at: datetime
    expires_at: datetime
    reason: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None

    def answer(self, *, approved: bool, reason: str, by: str) -> Decision:
        """Return the answer to exactly this."""
        return Decision(approved=approved, reason=reason, by=by, digest=self.digest)


class ApprovalQueue:
    """Durable approvals. The same action in the same cycle is one question, however often it is asked."""

    def __init__(self, db: Database, *, ttl_seconds: float = 72 * 3600.0) -> None:
        self._db = db
        self._ttl = timedelta(seconds=ttl_seconds)

    async def ask(self, action: Action, cycle_id: str) -> Approval:
        """Return the approval of ``action``, asking first if nobody did. One past its time is expired: a no."""
        now = clock.now()
        same = (ApprovalRow.cycle_id == cycle_id, ApprovalRow.digest == action.digest)
        expired = (
            update(ApprovalRow)
            .where(*same, ApprovalRow.status == "pending", ApprovalRow.expires_at <= now)
            .values(status="expired", decided_at=now, reason="nobody answered in time")
        )
        asked = {
            "id": clock.derive_id("approval", cycle_id, action.digest),
            "cycle_id": cycle_id,
            "digest": action.digest,
            "kind": action.kind,
            "summary": {"what": action.what, **dump(action.details)},
            "mode": action.mode.value,
            "tier": action.tier.value,
            "status": "pending",
            "created_at": now,
            "expires_at": now + self._ttl,
        }

        def put(connection: Connection) -> Approval:
            connection.execute(expired)
            found = connection.execute(select(*_COLUMNS).where(*same)).first()
            if found is None:
                found = connection.execute(insert(ApprovalRow).values(asked).returning(*_COLUMNS)).one()
            return _approval(found)

        return await self._db.write(put)

    async def get(self, approval_id: str) -> Approval:
        """Return one approval. Raises ``NotFound``."""
        async with self._db.read() as connection:
            row = (await connection.execute(select(*_COLUMNS).where(ApprovalRow.id == approval_id))).first()
        if row is None:
            raise NotFound(f"approval {approval_id}: there is none")
        return _approval(row)

    async def pending(self) -> list[Approval]:
        """Return the open questions, oldest first."""
        query = select(*_COLUMNS).where(ApprovalRow.status == "pending", ApprovalRow.expires_at > clock.now())
        async with self._db.read() as connection:
            rows = await connection.execute(query.order_by(ApprovalRow.created_at, ApprovalRow.id))
            return [_approval(row) for row in rows]

    async def decide(self, approval_id: str, decision: Decision) -> bool:
        """Record an answer; return whether it was the one that counted.

        Of many that race, one wins; an answer to another digest than the one that was asked never does.
        """
        now = clock.now()
        decided = (
            update(ApprovalRow)
            .where(ApprovalRow.id == approval_id, ApprovalRow.digest == decision.digest)
            .where(ApprovalRow.status == "pending", ApprovalRow.expires_at > now)
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
    told = dict(row._mapping)
    kind: Any = DETAILS[told.pop("kind")]
    details = dict(told.pop("summary"))
    asked = {name: told.pop(name) for name in ("mode", "tier")} | {"what": details.pop("what")}
    return Approval(**told, action=Action(**asked, details=adapter(kind).validate_python(details)))
