"""Steps are committed in groups; nobody's cancellation or poison hurts another's rows."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import anyio
import pytest
from journals import a_cycle, a_run, opened, recording
from sqlalchemy import Connection, text

from tinman.db.engine import Database
from tinman.errors import RowRefused, StoreError
from tinman.memory.graph import MemoryGraph
from tinman.runtime import JournalRuntime, Tx


async def test_a_poisoned_step_fails_alone(tmp_path: Path) -> None:
    outcomes: dict[int, BaseException | None] = {}

    async with opened(tmp_path) as graph, JournalRuntime(graph, await a_cycle(graph)) as runtime:

        async def one(number: int) -> None:
            async def work(tx: Tx) -> None:
                tx.record(a_run(number))
                if number == 5:
                    tx.link("run-0005", "caused_by", "nobody")

            try:
                await runtime.step(f"k{number}", work)
                outcomes[number] = None
            except RowRefused as error:
                outcomes[number] = error

        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(one, number)
        stored = {node.id for node in await graph.find("run")}

    assert {number for number, error in outcomes.items() if error is not None} == {5}
    assert stored == {f"run-{number:04d}" for number in range(10) if number != 5}


async def test_text_that_no_encoding_holds_fails_its_own_step_only(tmp_path: Path) -> None:
    async def bad(tx: Tx) -> None:
        tx.note("belief", "belief-\ud800", {})

    async with opened(tmp_path) as graph, JournalRuntime(graph, await a_cycle(graph)) as runtime:
        async with anyio.create_task_group() as group:
            for number in range(5):
                group.start_soon(runtime.step, f"k{number}", recording(a_run(number)))
            with pytest.raises(UnicodeEncodeError):
                await runtime.step("bad", bad)

        assert len(await graph.find("run")) == 5


async def test_cancelled_while_its_work_runs_a_step_leaves_nothing(tmp_path: Path) -> None:
    async def work(tx: Tx) -> None:
        tx.record(a_run())
        await anyio.sleep_forever()

    async with opened(tmp_path) as graph, JournalRuntime(graph, await a_cycle(graph)) as runtime:
        with anyio.move_on_after(0.01):
            await runtime.step("k", work)

        assert await graph.find() == []
        assert await runtime.step("k", recording(a_run())) == a_run()


async def test_cancelled_at_its_commit_a_step_is_stored_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        async with JournalRuntime(graph, cycle_id) as runtime:
            with anyio.CancelScope() as scope:

                async def work(tx: Tx) -> None:
                    tx.record(a_run())
                    scope.cancel()

                await runtime.step("k", work)
                await anyio.lowlevel.checkpoint()
        async with JournalRuntime(graph, cycle_id) as runtime:
            assert scope.cancelled_caught
            assert [node.id for node in await graph.find()] == ["run-0001"]
            assert await runtime.step("k", work) is None


@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_an_asyncio_cancellation_at_any_moment_leaves_all_of_a_step_or_nothing(
    tmp_path: Path, turns: int
) -> None:
    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)

        async def cycle() -> None:
            async with JournalRuntime(graph, cycle_id) as runtime:
                for number in range(5):
                    await runtime.step(f"k{number}", recording(a_run(number)))

        task = asyncio.ensure_future(cycle())
        for _ in range(turns * 4):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises((asyncio.CancelledError, AssertionError)):
            await task
            raise AssertionError("it had ended")
        async with JournalRuntime(graph, cycle_id) as runtime:
            values = [await runtime.step(f"k{number}", recording(a_run(number))) for number in range(5)]

        assert [value.id for value in values] == [node.id for node in await graph.find()]
        assert len(values) == 5


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 10, 20])
async def test_a_cancelled_transaction_neither_hangs_nor_leaks(tmp_path: Path, turns: int) -> None:
    async with opened(tmp_path) as graph:

        async def write(number: int) -> None:
            await graph.add(a_run(number))

        with anyio.fail_after(10):
            async with anyio.create_task_group() as group:
                for number in range(20):
                    group.start_soon(write, number)
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()
            await graph.add(a_run(99))

        assert "run-0099" in {node.id for node in await graph.find()}


async def test_the_working_directory_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    async with await Database.open("t.db") as db:
        graph = MemoryGraph(db)
        monkeypatch.chdir(elsewhere)
        async with JournalRuntime(graph, await a_cycle(graph)) as runtime:
            await runtime.step("a", recording(a_run(1)))

        assert len(await graph.find("run")) == 1
    assert not list(elsewhere.iterdir())


async def test_closed_a_database_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        runtime = JournalRuntime(graph, await a_cycle(graph))
        async with runtime:
            await graph.db.close()
            with pytest.raises(StoreError, match="it is closed"):
                await runtime.step("a", recording(a_run(1)))


async def test_closing_does_not_hold_up_the_event_loop(tmp_path: Path) -> None:
    """A write that was left by an asyncio cancellation may wait for another connection of this very loop."""
    held, other = await Database.open(tmp_path / "t.db"), await Database.open(tmp_path / "t.db")
    enough = threading.Event()

    def hold(connection: Connection) -> None:
        connection.execute(text("DELETE FROM project"))
        assert enough.wait(10)

    holding = asyncio.ensure_future(held.write(hold))
    await asyncio.sleep(0.05)
    writing = asyncio.ensure_future(MemoryGraph(other).project.keep("k", "v"))
    await asyncio.sleep(0.05)
    writing.cancel()
    closing = asyncio.ensure_future(other.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    enough.set()
    with anyio.fail_after(10):
        await holding
        await closing
    await held.close()


async def test_a_transaction_that_raises_leaves_nothing_and_the_next_one_works(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:

        def half(connection: Connection) -> None:
            connection.execute(text("INSERT INTO project (key, value) VALUES ('k', 'half')"))
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            await graph.db.write(half)
        assert await graph.project.recall("k") is None
        await graph.project.keep("k", "whole")

        assert await graph.project.recall("k") == "whole"


async def test_what_a_transaction_reads_stays_true_until_it_is_committed(tmp_path: Path) -> None:
    """Forty increments that race through two connections: none is lost."""

    def one_more(connection: Connection) -> None:
        count = connection.execute(text("SELECT value FROM project WHERE key = 'n'")).scalar_one()
        connection.execute(text("UPDATE project SET value = :n"), {"n": str(int(count) + 1)})

    async with opened(tmp_path) as graph, await Database.open(graph.db.place) as other:
        await graph.project.keep("n", "0")
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(graph.db.write, one_more)
                group.start_soon(other.write, one_more)

        assert await graph.project.recall("n") == "40"


async def test_closing_leaves_no_task_and_no_thread(tmp_path: Path) -> None:
    before = {thread.ident for thread in threading.enumerate()}
    async with opened(tmp_path) as graph, JournalRuntime(graph, await a_cycle(graph)) as runtime:
        await runtime.map([(f"k{number}", recording(a_run(number))) for number in range(50)], 8)
        working = [thread for thread in threading.enumerate() if thread.ident not in before]
    for thread in working:
        thread.join(timeout=5)

    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not any(thread.is_alive() for thread in working)


async def test_a_database_in_memory_is_a_whole_one_and_vanishes(tmp_path: Path) -> None:
    async with await Database.open(":memory:") as db:
        graph = MemoryGraph(db)
        async with JournalRuntime(graph, await a_cycle(graph)) as runtime:
            await runtime.map([(f"k{number}", recording(a_run(number))) for number in range(20)], 8)

        assert len(await graph.find("run")) == 20
    assert not Path(db.place).parent.exists()
