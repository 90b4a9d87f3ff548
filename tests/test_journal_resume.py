"""Resuming is running the same coroutine again: what is stored is read, not done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest
import sqlalchemy
from journals import a_cycle, a_hypothesis, a_run, never, opened, recording

from tinman.errors import Diverged, NotFound
from tinman.memory.graph import MemoryGraph
from tinman.records import ExperimentResult, Run
from tinman.runtime import JournalRuntime, Stopped, Tx, Unresolved
from tinman.taxonomy import FailureClass


@contextmanager
def statements_run() -> Iterator[list[str]]:
    """Collect the SQL that any engine runs inside the block."""
    run: list[str] = []

    def note(connection: object, cursor: object, statement: str, *others: object) -> None:
        run.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        yield run
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)


def a_result(count: int) -> ExperimentResult:
    return ExperimentResult(
        id="result-1",
        experiment_id="experiment-1",
        hypothesis_id="hypothesis-1",
        standing="suspected",
        failure_class=FailureClass.TOOL_USE,
        runs=tuple(a_run(number) for number in range(count)),
    )


async def test_a_stored_step_is_read_back_not_run_again(tmp_path: Path) -> None:
    async def measure(tx: Tx) -> tuple[ExperimentResult, dict[str, object]]:
        tx.record(a_result(5), label="R-1")
        return a_result(5), {"rate": 0.4}

    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        async with JournalRuntime(graph, cycle_id) as runtime:
            first = await runtime.step("measure", measure, inputs={"n": 5})
            in_process = await runtime.step("measure", never, inputs={"n": 5})
    async with opened(tmp_path) as graph, JournalRuntime(graph, cycle_id) as runtime:
        again = await runtime.step("measure", never, inputs={"n": 5})

    assert first[0].label == "R-1"
    assert first[0].runs == a_result(5).runs
    assert again == in_process == first


async def test_other_inputs_than_the_stored_ones_diverge(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph, JournalRuntime(graph, await a_cycle(graph)) as runtime:
        await runtime.step("k", recording(a_run()), inputs=[1, 2])

        with pytest.raises(Diverged, match="step k: stored with other inputs"):
            await runtime.step("k", never, inputs=[1, 3])


async def test_a_record_never_changes_under_its_id(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph, JournalRuntime(graph, await a_cycle(graph)) as runtime:
        await runtime.step("a", recording(a_run(text="no")))

        with pytest.raises(Diverged, match="run-0001 is stored with other content"):
            await runtime.step("b", recording(a_run(text="yes")))


async def test_a_step_may_return_a_record_of_an_earlier_step_but_no_stranger(tmp_path: Path) -> None:
    async def pick(tx: Tx) -> Run:
        return a_run(1)

    async def invent(tx: Tx) -> Run:
        return a_run(2)

    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        async with JournalRuntime(graph, cycle_id) as runtime:
            await runtime.step("a", recording(a_run(1)))
        async with JournalRuntime(graph, cycle_id) as runtime:
            assert await runtime.step("b", pick) == a_run(1)
            with pytest.raises(ValueError, match="run-0002, which no step has recorded"):
                await runtime.step("c", invent)


async def test_a_thousand_stored_runs_are_read_back_in_a_few_reads(tmp_path: Path) -> None:
    items = [(f"run/{number}", recording(a_run(number))) for number in range(1000)]
    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        async with JournalRuntime(graph, cycle_id) as runtime:
            first = await runtime.map(items, 64)
        with statements_run() as statements:
            async with JournalRuntime(graph, cycle_id) as runtime:
                again = [await runtime.step(key, never) for key, _ in items]

    assert again == first
    assert 0 < len([each for each in statements if each.startswith("SELECT")]) < 10


async def test_the_same_key_cannot_run_twice_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph, JournalRuntime(graph, await a_cycle(graph)) as runtime:
        with pytest.raises(ValueError, match="step k: it is running already"):
            await runtime.map([("k", recording(a_run(1))), ("k", recording(a_run(1)))], 2)


async def test_after_a_stop_what_is_in_flight_ends_and_nothing_begins(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        begun: list[int] = []

        async with JournalRuntime(graph, cycle_id) as runtime:

            def item(number: int) -> tuple[str, object]:
                async def work(tx: Tx) -> int:
                    begun.append(number)
                    if number == 2:
                        runtime.stop()
                    await anyio.lowlevel.checkpoint()
                    tx.record(a_run(number))
                    return number

                return f"k{number}", work

            with pytest.raises(Stopped, match="resume to go on"):
                await runtime.map([item(number) for number in range(10)], 3)  # type: ignore[misc]
            stored = [node.id for node in await graph.find("run")]

            assert begun == [0, 1, 2]
            assert stored == ["run-0000", "run-0001", "run-0002"]
            assert await runtime.step("k1", never) == 1
            assert (runtime.stored("k1"), await runtime.value("k1")) == ("done", 1)
            with pytest.raises(Stopped):
                await runtime.step("another", never)

        async with JournalRuntime(graph, cycle_id) as runtime:
            assert await runtime.map([item(number) for number in range(10)], 3) == list(range(10))  # type: ignore[misc]
            assert sorted(begun) == list(range(10))


async def interrupted(graph: MemoryGraph, cycle_id: str) -> None:
    def intend(tx: Tx) -> object:
        tx.record(a_hypothesis())
        return a_hypothesis()

    async def work(planned: object) -> None:
        raise ConnectionResetError("did it arrive?")

    async with JournalRuntime(graph, cycle_id) as runtime:
        with pytest.raises(ConnectionResetError):
            await runtime.step_once("deploy", intend, work)


async def test_an_intent_without_outcome_is_asked_about_never_rerun(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        await interrupted(graph, cycle_id)
        async with JournalRuntime(graph, cycle_id) as runtime:
            with pytest.raises(Unresolved) as caught:
                await runtime.step_once("deploy", lambda tx: a_hypothesis(), never)  # type: ignore[arg-type]

            assert caught.value.planned == a_hypothesis()
            assert runtime.unresolved() == ["deploy"]
            assert (runtime.stored("deploy"), await runtime.value("deploy")) == ("intended", a_hypothesis())


@pytest.mark.parametrize("happened", [True, False])
async def test_a_resolved_intent_is_done_or_may_be_begun_again(tmp_path: Path, happened: bool) -> None:
    done: list[object] = []

    async def work(planned: object) -> None:
        done.append(planned)

    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        await interrupted(graph, cycle_id)
        async with JournalRuntime(graph, cycle_id) as runtime:
            await runtime.resolve("deploy", happened)
        async with JournalRuntime(graph, cycle_id) as runtime:

            def intend(tx: Tx) -> object:
                tx.record(a_hypothesis())
                return a_hypothesis()

            assert await runtime.step_once("deploy", intend, work) == a_hypothesis()
            assert done == ([] if happened else [a_hypothesis()])
            assert await runtime.step_once("deploy", intend, never) == a_hypothesis()  # type: ignore[arg-type]
            with pytest.raises(NotFound):
                await runtime.resolve("deploy", happened)
