"""Where approvals wait: rows in the project's database, the only truth about an answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from tinman import clock
from tinman.audit import chain
from tinman.db.engine import Database
from tinman.db.tables import ApprovalRow
from tinman.errors import ApprovalError, NotFound, StoreCorrupt, Unproven
from tinman.frozen import alter, dump, frozen
from tinman.review import DETAILS, Action, Decision
from tinman.text.invalid import read_as

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
    """Durable approvals. The same action in the same cycle is one question, however often it is asked.

    A question is open for ``ttl_seconds``; a yes counts for ``valid_seconds``, then it is asked anew.
    """

    def __init__(self, db: Database, *, ttl_seconds: float = 72 * 3600.0, valid_seconds: float = 7 * 86_400.0) -> None:
        self._db = db
        self._ttl = timedelta(seconds=ttl_seconds)
        self._valid = timedelta(seconds=valid_seconds)

    async def ask(self, action: Action, cycle_id: str) -> Approval:
        """Return the approval of ``action``, asking first if nobody did. One past its time is expired: a no.

        Raises ``Unproven`` for a yes that the audit chain does not know.
        """
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
            approval = approval_of(found)
            if approval.status == "approved" and now - _answered_at(connection, approval) > self._valid:
                told = {"approval": approval.id, "digest": approval.digest, "reason": "it was given too long ago"}
                chain.extend(connection, "policy", "review.lapsed", told)
                anew: dict[str, Any] = {name: asked[name] for name in ("status", "created_at", "expires_at")}
                anew |= {"reason": "", "decided_by": "", "decided_at": None}
                again = update(ApprovalRow).where(ApprovalRow.id == approval.id).values(anew)
                approval = approval_of(connection.execute(again.returning(*_COLUMNS)).one())
            return approval

        return await self._db.write(put)

    async def get(self, approval_id: str) -> Approval:
        """Return one approval, as expired when nobody answered in time. Raises ``NotFound``."""
        async with self._db.read() as connection:
            row = (await connection.execute(select(*_COLUMNS).where(ApprovalRow.id == approval_id))).first()
        if row is None:
            raise NotFound(f"approval {approval_id}: there is none; `tinman review list` lists those that wait")
        approval = approval_of(row)
        is_late = approval.status == "pending" and approval.expires_at <= clock.now()
        return alter(approval, status="expired") if is_late else approval

    async def pending(self) -> list[Approval]:
        """Return the open questions, oldest first."""
        query = select(*_COLUMNS).where(ApprovalRow.status == "pending", ApprovalRow.expires_at > clock.now())
        async with self._db.read() as connection:
            rows = await connection.execute(query.order_by(ApprovalRow.created_at, ApprovalRow.id))
            return [approval_of(row) for row in rows]

    async def decide(self, approval_id: str, decision: Decision) -> bool:
        """Record an answer, with its line in the audit chain; return whether it was the one that counted.

        Of many that race, one wins; an answer to another digest than the one that was asked never does. Raises
        ``ApprovalError`` for a reason without a letter.
        """
        if not any(map(str.isalnum, decision.reason)):
            raise ApprovalError(f"approval {approval_id}: a decision needs a reason; say why in words")
        now = clock.now()
        verdict = "approved" if decision.approved else "denied"
        decided = (
            update(ApprovalRow)
            .where(ApprovalRow.id == approval_id, ApprovalRow.digest == decision.digest)
            .where(ApprovalRow.status == "pending", ApprovalRow.expires_at > now)
            .values(status=verdict, reason=decision.reason, decided_by=decision.by, decided_at=now)
            .returning(ApprovalRow.cycle_id)
        )

        def put(connection: Connection) -> bool:
            row = connection.execute(decided).first()
            if row is None:
                return False
            told = {"approval": approval_id, "digest": decision.digest, "cycle": row.cycle_id}
            chain.extend(connection, decision.by, f"review.{verdict}", {**told, "reason": decision.reason})
            return True

        return await self._db.write(put)


def _answered_at(connection: Connection, approval: Approval) -> datetime:
    """Return when a yes was given, by the chain. Raises ``Unproven`` when the chain does not know it."""
    known = chain.trusted(connection)
    line = known.last("approval", approval.id)
    if line is None or why_unproven(known, approval):
        wrong = why_unproven(known, approval)
        raise Unproven(f"{wrong}; it does not count: see `tinman db check`")
    return line.at


def why_unproven(known: chain.Chain, approval: Approval) -> str:
    """Return how an approval's row differs from what the audit chain says of it; empty when it does not."""
    line = known.last("approval", approval.id)
    verdict = line.what.removeprefix("review.") if line else ""
    if approval.status in {"approved", "denied"}:
        if line is None or verdict != approval.status:
            return f"approval {approval.id}: its row says {approval.status}, no line of the audit chain does"
        if line.data.get("digest", approval.digest) != approval.digest:
            return f"approval {approval.id}: the audit chain knows it as the answer to another question"
    elif verdict in {"approved", "denied"}:
        return f"approval {approval.id}: the audit chain says {verdict}, its row {approval.status}"
    return ""


def approval_of(row: Row[Any]) -> Approval:
    """Return the approval in a row. Raises ``StoreCorrupt`` for one that is damaged, or tells of another action."""
    told = dict(row._mapping)

    def refuse(wrong: str) -> StoreCorrupt:
        return StoreCorrupt(f"database: table approvals, row {row.id}: {wrong}")

    if told["kind"] not in DETAILS or not isinstance(told["summary"], dict):
        raise refuse("it is no question")
    kind: Any = DETAILS[told.pop("kind")]
    details = dict(told.pop("summary"))
    asked = {name: told.pop(name) for name in ("mode", "tier")} | {"what": details.pop("what", "")}
    action = read_as(Action, {**asked, "details": read_as(kind, details, refuse)}, refuse)
    if action.digest != row.digest:
        raise refuse("what stands there is not what was asked")
    return read_as(Approval, {**told, "action": action}, refuse)
