"""One cycle has one owner; a lease that was lost commits nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from journals import a_cycle, a_run, opened, recording
from sqlalchemy import update

from tinman import clock
from tinman.db.owner import Owner
from tinman.db.tables import CycleRow
from tinman.errors import CycleOwned, NotFound, StoreCorrupt
from tinman.memory.graph import MemoryGraph
from tinman.runtime import JournalRuntime


async def hold(graph: MemoryGraph, owner: str, *, seconds: float) -> None:
    lease = {"owner": owner, "lease_expires_at": clock.now() + timedelta(seconds=seconds)}
    await graph.db.write(lambda connection: connection.execute(update(CycleRow).values(lease)))


async def test_a_second_owner_is_refused_and_may_follow_the_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        async with JournalRuntime(graph, cycle_id):
            with pytest.raises(CycleOwned, match="is running it"):
                await JournalRuntime(graph, cycle_id).__aenter__()
            assert (await graph.cycles.get(cycle_id)).owner is not None
        async with JournalRuntime(graph, cycle_id):
            pass

        assert (await graph.cycles.get(cycle_id)).owner is None


async def test_another_machines_lease_holds_until_it_expires(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        await hold(graph, "elsewhere:1:then", seconds=30)
        with pytest.raises(CycleOwned, match="process 1 on elsewhere"):
            await JournalRuntime(graph, cycle_id).__aenter__()
        await hold(graph, "elsewhere:1:then", seconds=-1)

        async with JournalRuntime(graph, cycle_id) as runtime:
            assert await runtime.step("k", recording(a_run())) == a_run()


async def test_a_lost_lease_commits_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        async with JournalRuntime(graph, cycle_id) as runtime:
            await hold(graph, "elsewhere:1:then", seconds=30)

            with pytest.raises(CycleOwned, match="the lease was lost"):
                await runtime.step("k", recording(a_run()))

        assert await graph.find() == []
        assert (await graph.cycles.get(cycle_id)).owner == "elsewhere:1:then"


def test_an_owner_is_read_back_as_it_was_printed() -> None:
    one, other = Owner.here(), Owner.here()

    assert Owner.parse(str(one)) == one != other
    assert one.may_live()
    assert Owner.parse("elsewhere:1:then").may_live()
    with pytest.raises(StoreCorrupt, match="'nobody' is no owner"):
        Owner.parse("nobody")


async def test_a_cycle_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        with pytest.raises(NotFound, match="cycle cyc-0009: there is none"):
            await JournalRuntime(graph, "cyc-0009").__aenter__()


async def test_an_error_leaves_a_runtime_as_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        with pytest.raises(KeyError, match="mine"):
            async with JournalRuntime(graph, await a_cycle(graph)):
                raise KeyError("mine")
