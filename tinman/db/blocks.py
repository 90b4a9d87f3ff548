"""Makes a cycle's spending durable: blocks are drawn before they are used, and given back with what was used."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import case, func, insert, select, update

from tinman import clock
from tinman.budget import Amount
from tinman.db.engine import Database
from tinman.db.owner import Owner
from tinman.db.tables import BudgetBlockRow as Block


class BlockLedger:
    """The ``Ledger`` of one cycle in one process. A block that was never given back counts as spent whole."""

    def __init__(self, db: Database, cycle_id: str) -> None:
        self._db = db
        self._cycle_id = cycle_id
        self._owner = str(Owner.here())
        self._drawn = 0

    async def spent(self) -> Amount:
        """Return what the whole cycle has spent, open blocks included."""
        pairs = (
            (Block.used_calls, Block.calls),
            (Block.used_tokens, Block.tokens),
            (Block.used_nano_usd, Block.nano_usd),
        )
        columns = [func.coalesce(func.sum(func.coalesce(used, drawn)), 0) for used, drawn in pairs]
        async with self._db.read() as connection:
            row = (await connection.execute(select(*columns).where(Block.cycle_id == self._cycle_id))).one()
        return Amount(calls=int(row[0]), tokens=int(row[1]), nano_usd=int(row[2]))

    async def draw(self, block: Amount) -> None:
        """Write down that ``block`` may be spent; durable when it returns."""
        self._drawn += 1
        row = {
            "id": clock.derive_id("block", self._owner, self._drawn),
            "cycle_id": self._cycle_id,
            "owner": self._owner,
            **asdict(block),
            "drawn_at": clock.now(),
        }
        await self._db.write(lambda connection: connection.execute(insert(Block), [row]))

    async def give_back(self, used: Amount) -> None:
        """Close every block drawn through this ledger; ``used`` is what all of them together were used for."""
        if self._drawn == 0:
            return
        is_first = Block.id == clock.derive_id("block", self._owner, 1)
        closed = (
            update(Block)
            .where(Block.owner == self._owner)
            .values({f"used_{name}": case((is_first, amount), else_=0) for name, amount in asdict(used).items()})
            .values(closed_at=clock.now())
        )
        await self._db.write(lambda connection: connection.execute(closed))
