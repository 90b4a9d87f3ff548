"""One cycle has one owner: a row's lease, renewed with every commit and every few seconds."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from typing import Self

import anyio
from sqlalchemy import Connection, bindparam, select, update

from tinman import clock
from tinman.db.engine import Database
from tinman.db.owner import Owner
from tinman.db.prepared import Prepared, moment
from tinman.db.tables import CycleRow
from tinman.errors import CycleOwned, NotFound, StoreError

LEASE_SECONDS = 60.0
HEARTBEAT_SECONDS = 15.0
_HELD = (CycleRow.owner, CycleRow.lease_expires_at)
_RENEW = Prepared(
    update(CycleRow)
    .where(CycleRow.id == bindparam("cycle"), CycleRow.owner == bindparam("holder"))
    .values(heartbeat_at=bindparam("now"), lease_expires_at=bindparam("until"))
)


class Lease:
    """``async with`` it to own a cycle: ``CycleOwned`` when another live process does, ``NotFound`` without a cycle.

    A process of this machine that lives keeps what it owns, however long it slept and whatever the clocks say. Unless
    ``may_overlap``, another cycle of the same target and mode counts as this one: two would measure each other.
    """

    def __init__(self, db: Database, cycle_id: str, *, may_overlap: bool = True) -> None:
        self._may_overlap = may_overlap
        self.lost: CycleOwned | None = None
        self._db = db
        self._cycle_id = cycle_id
        self._owner = str(Owner.here())
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._release)  # frees only what this object took
            await self._db.write(self._take)
            heart = await stack.enter_async_context(anyio.create_task_group())
            heart.start_soon(self._beat)
            stack.callback(heart.cancel_scope.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def check(self) -> None:
        """Raise what entering would, and take nothing."""
        await self._db.write(lambda connection: self._check(connection, clock.now()))

    def _take(self, connection: Connection) -> None:
        now = clock.now()
        self._check(connection, now)
        lease = {"owner": self._owner, "heartbeat_at": now, "lease_expires_at": now + timedelta(seconds=LEASE_SECONDS)}
        connection.execute(update(CycleRow).where(CycleRow.id == self._cycle_id).values(lease))

    def _check(self, connection: Connection, now: datetime) -> None:
        this = CycleRow.id == self._cycle_id
        row = connection.execute(select(*_HELD, CycleRow.mode, CycleRow.config).where(this)).one_or_none()
        if row is None:
            raise NotFound(f"cycle {self._cycle_id}: there is none")
        if owner := _living(row.owner, row.lease_expires_at or now, now):
            raise CycleOwned(f"cycle {self._cycle_id}: {owner} is running it; stop that one, or wait")
        if not self._may_overlap:
            others = select(*_HELD, CycleRow.id, CycleRow.config).where(
                ~this, CycleRow.kind == "cycle", CycleRow.mode == row.mode, CycleRow.owner.is_not(None)
            )
            for other in connection.execute(others):
                is_same = other.config.get("fingerprint") == row.config.get("fingerprint")
                if is_same and (owner := _living(other.owner, other.lease_expires_at or now, now)):
                    raise CycleOwned(
                        f"cycle {self._cycle_id}: {owner} is running {other.id} on the same target in the same mode;"
                        " wait for it, or say --allow-overlap"
                    )

    def renew(self, connection: Connection, now: datetime) -> None:
        """Renew it inside a transaction; raises ``CycleOwned`` when it was lost, so that nothing else is written."""
        times = {"now": moment(connection, now), "until": moment(connection, now + timedelta(seconds=LEASE_SECONDS))}
        if _RENEW.run(connection, [{"cycle": self._cycle_id, "holder": self._owner, **times}]) == 0:
            raise CycleOwned(f"cycle {self._cycle_id}: the lease was lost, another process runs it now")

    async def _beat(self) -> None:
        """Keep the lease while a step takes long; what goes wrong shows at the next commit."""
        while True:
            await anyio.sleep(HEARTBEAT_SECONDS)
            try:
                await self._db.write(lambda connection: self.renew(connection, clock.now()))
            except CycleOwned as lost:
                self.lost = lost
                return
            except StoreError:
                continue

    async def _release(self) -> None:
        freed = update(CycleRow).where(CycleRow.id == self._cycle_id, CycleRow.owner == self._owner)
        freed = freed.values(owner=None, lease_expires_at=None)

        async def free() -> None:
            with suppress(StoreError):  # a lease that cannot be given back runs out by itself
                await self._db.write(lambda connection: connection.execute(freed))

        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as group:  # a native cancellation waits for it, too
                group.start_soon(free)


def _living(holder: str | None, until: datetime, now: datetime) -> str:
    """Return which process holds a lease, in words; empty when nobody does any more."""
    if holder is None:
        return ""
    owner = Owner.parse(holder)
    is_held = owner.surely_lives() or (until > now and owner.may_live())
    return f"process {owner.pid} on {owner.host}" if is_held else ""
