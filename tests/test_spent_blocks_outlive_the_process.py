"""What a cycle spent is known to the next process; a block that was never given back counts as spent."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from journals import opened

from tinman.budget import NOTHING, Amount, Budget, Limits
from tinman.db.blocks import BlockLedger
from tinman.errors import BudgetExhausted

BLOCK = Amount(calls=10, tokens=1_000, nano_usd=500)
CALL = Amount(calls=1, tokens=100, nano_usd=50)


async def test_a_block_counts_whole_until_it_is_given_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        ledger = BlockLedger(graph.db, "cyc-0001")
        assert await ledger.spent() == NOTHING
        await ledger.give_back(NOTHING)
        await ledger.draw(BLOCK)
        await ledger.draw(BLOCK)

        assert await BlockLedger(graph.db, "cyc-0001").spent() == BLOCK + BLOCK
        assert await BlockLedger(graph.db, "cyc-0002").spent() == NOTHING
        await ledger.give_back(CALL)
        assert await BlockLedger(graph.db, "cyc-0001").spent() == CALL
        await ledger.draw(BLOCK)
        assert await ledger.spent() == CALL + BLOCK
        await ledger.give_back(CALL + CALL)
        assert await ledger.spent() == CALL + CALL


async def test_a_resumed_budget_goes_on_where_the_first_one_ended(tmp_path: Path) -> None:
    async def spend(budget: Budget) -> None:
        async with budget.reserve(CALL) as reservation:
            reservation.settle(CALL)

    async with opened(tmp_path) as graph:
        limits = Limits(calls=12)
        first = Budget(limits, ledger=BlockLedger(graph.db, "c"), block=BLOCK)
        await first.open()
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(spend, first)
        await first.close()
        crashed = Budget(limits, ledger=BlockLedger(graph.db, "c"), block=Amount(calls=4))
        await crashed.open()
        await spend(crashed)

        last = Budget(limits, ledger=BlockLedger(graph.db, "c"), block=BLOCK)
        await last.open()
        assert last.spent.calls == 5 + 4
        for _ in range(3):
            await spend(last)
        with pytest.raises(BudgetExhausted):
            await spend(last)
