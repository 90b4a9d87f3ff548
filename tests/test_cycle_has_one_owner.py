"""One cycle has one owner; a lease that was lost commits nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from journals import a_cycle, a_run, opened, recording
from sqlalchemy import update

from tinman import clock
from tinman.db.owner import Owner
from tinman.db.tables import CycleRow
from tinman.errors import CycleOwned, NotFound, StoreCorrupt
from tinman.memory.graph import MemoryGraph
from tinman.options import ResearchOptions, options_of
from tinman.records import Ending
from tinman.runtime import JournalRuntime
from tinman.tinman import create_tinman


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


@pytest.fixture
def sleeper() -> Iterator[tuple[Owner, subprocess.Popen[str]]]:
    """A process of this machine that lives, and is stopped, as a lease's owner."""
    with subprocess.Popen([sys.executable, "-c", OWNING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        owner = Owner.parse(process.stdout.readline().strip())
        process.send_signal(signal.SIGSTOP)
        yield owner, process
        process.kill()


OWNING = "import time; from tinman.db.owner import Owner; print(Owner.here(), flush=True); time.sleep(60)"


async def test_what_a_living_process_of_this_machine_owns_is_not_taken_whatever_the_clock_says(
    tmp_path: Path, sleeper: tuple[Owner, subprocess.Popen[str]]
) -> None:
    owner, process = sleeper
    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        await hold(graph, str(owner), seconds=-3_600)
        with pytest.raises(CycleOwned, match=f"process {owner.pid} on"):
            await JournalRuntime(graph, cycle_id).__aenter__()

        process.kill()
        await anyio.to_thread.run_sync(process.wait)
        await hold(graph, str(owner), seconds=3_600)
        async with JournalRuntime(graph, cycle_id):
            pass


def test_what_an_ended_process_owned_is_free_even_if_nobody_has_waited_for_it(
    sleeper: tuple[Owner, subprocess.Popen[str]],
) -> None:
    owner, process = sleeper
    process.kill()
    os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is still there by name

    assert not owner.surely_lives()
    assert not owner.may_live()


async def test_who_may_not_run_a_cycle_changes_nothing_of_it(tmp_path: Path) -> None:
    async with await create_tinman(target="sandbox", store=tmp_path / "t.db") as tinman:
        options = ResearchOptions(max_hypotheses=1, max_experiments=1, max_interventions=0)
        cycle_id = await tinman.create_cycle(options)
        await hold(tinman.graph, "elsewhere:1:then", seconds=30)
        for refused in (tinman.check_free(cycle_id, options), tinman.resume(cycle_id, max_calls=7)):
            with pytest.raises(CycleOwned):
                await refused
        other = await tinman.create_cycle(options)
        with pytest.raises(CycleOwned, match="--allow-overlap"):
            await tinman.check_free(other, options)
        stored = await tinman.graph.cycles.get(cycle_id)

    assert options_of(stored.config) == options


async def test_who_lost_its_lease_cannot_write_the_cycle_over(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        async with JournalRuntime(graph, cycle_id) as runtime:
            await hold(graph, "elsewhere:1:then", seconds=30)
            ended = Ending(kind="SUCCESS")
            await graph.cycles.update(cycle_id, status="completed", ending=ended)

            with pytest.raises(CycleOwned, match="the lease was lost"):
                await graph.cycles.update(cycle_id, status="failed", guard=runtime.hold)

        cycle = await graph.cycles.get(cycle_id)
        assert (cycle.status, cycle.ending) == ("completed", ended)


async def test_two_cycles_of_one_target_and_mode_do_not_overlap_unless_told_to(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        one, other = [await a_cycle(graph, fingerprint="same") for _ in range(2)]
        elsewhere = await a_cycle(graph, fingerprint="another")
        async with JournalRuntime(graph, one, may_overlap=False):
            with pytest.raises(CycleOwned, match=f"running {one} on the same target.*--allow-overlap"):
                await JournalRuntime(graph, other, may_overlap=False).__aenter__()
            async with JournalRuntime(graph, other), JournalRuntime(graph, elsewhere, may_overlap=False):
                pass


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
