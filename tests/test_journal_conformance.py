"""What every Runtime promises, inline and journalled alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from journals import a_cycle, a_design, a_hypothesis, a_run, opened, recording

from tinman.errors import AwaitingApproval, ModeRefused, NotFound, StoreError
from tinman.events import EventBus
from tinman.memory.graph import MemoryGraph
from tinman.runtime import InlineRuntime, JournalRuntime, Runtime, Tx

Inside = Callable[[MemoryGraph, Runtime], Any]


@pytest.fixture(params=["inline", "journal"])
def within(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Any]:
    """Run a body with a graph and a runtime over it."""

    async def run(body: Inside, *, bus: EventBus | None = None) -> None:
        async with opened(tmp_path) as graph:
            cycle_id = await a_cycle(graph)
            if request.param == "inline":
                await body(graph, InlineRuntime(graph, bus=bus, cycle_id=cycle_id))
            else:
                async with JournalRuntime(graph, cycle_id, bus=bus) as runtime:
                    await body(graph, runtime)

    return run


@pytest.mark.parametrize(
    "value",
    [None, 3, 0.5, "text", True, [], (), {"a": [1, {"b": None}]}, (1, "two", (3.0,)), float("inf"), a_run(), [a_run()],
     (a_run(1), None, {"runs": (a_run(2), a_run(3))})],
    ids=repr,
)  # fmt: skip
async def test_a_step_returns_what_its_work_returned(within: Callable[..., Any], value: object) -> None:
    async def work(tx: Tx) -> object:
        for number in (1, 2, 3):
            tx.record(a_run(number))
        return value

    async def body(graph: MemoryGraph, runtime: Runtime) -> None:
        returned = await runtime.step("k", work)

        assert returned == value
        assert type(returned) is type(value)

    await within(body)


async def test_rows_and_edges_are_stored_when_a_step_returns(within: Callable[..., Any]) -> None:
    async def work(tx: Tx) -> None:
        tx.record(a_hypothesis())
        tx.record(a_design(), label="E-1")
        tx.link("hypothesis-1", "tested_in", "experiment-1")
        tx.note("belief", "belief-1", {"a": 2, "b": 1})
        tx.number("H", ["hypothesis-1"])

    async def body(graph: MemoryGraph, runtime: Runtime) -> None:
        await runtime.step("k", work)
        (neighbour,) = await graph.neighbours("hypothesis-1")
        hypothesis = await graph.get("H-1")
        belief = await graph.get("belief-1")

        assert neighbour.relation == "tested_in"
        assert neighbour.node.label == "E-1"
        assert hypothesis.record is not None and hypothesis.record.label == "H-1"  # type: ignore[union-attr]
        assert hypothesis.cycle_id == runtime.cycle_id
        assert belief.data == {"a": 2, "b": 1}

    await within(body)


async def test_a_step_that_raises_stores_nothing(within: Callable[..., Any]) -> None:
    async def work(tx: Tx) -> None:
        tx.record(a_run())
        raise ModeRefused("no")

    async def body(graph: MemoryGraph, runtime: Runtime) -> None:
        with pytest.raises(ModeRefused):
            await runtime.step("k", work)

        assert await graph.find() == []

    await within(body)


async def test_an_edge_to_nowhere_fails_the_step_and_stores_nothing(within: Callable[..., Any]) -> None:
    async def work(tx: Tx) -> None:
        tx.record(a_run())
        tx.link("run-0001", "caused_by", "nobody")

    async def body(graph: MemoryGraph, runtime: Runtime) -> None:
        with pytest.raises(StoreError, match="FOREIGN KEY"):
            await runtime.step("k", work)

        assert await graph.find() == []

    await within(body)


async def test_a_value_that_is_neither_record_nor_json_is_refused(within: Callable[..., Any]) -> None:
    async def work(tx: Tx) -> object:
        return {"of": object()}

    async def body(graph: MemoryGraph, runtime: Runtime) -> None:
        with pytest.raises(TypeError, match="step k: a step returns records and JSON, not object"):
            await runtime.step("k", work)

    await within(body)


async def test_map_returns_values_in_the_order_given_and_keeps_its_limit(within: Callable[..., Any]) -> None:
    busy, most = 0, 0

    def item(number: int) -> Any:
        async def work(tx: Tx) -> int:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            for _ in range(20 - number):
                await anyio.lowlevel.checkpoint()
            busy -= 1
            return number

        return work

    async def body(graph: MemoryGraph, runtime: Runtime) -> None:
        values = await runtime.map([(f"k{number}", item(number)) for number in range(20)], 4)

        assert values == list(range(20))
        assert most == 4
        assert await runtime.map([], 4) == []

    await within(body)


async def test_the_first_error_in_a_map_cancels_the_others_and_comes_out_as_it_was(within: Callable[..., Any]) -> None:
    cancelled: list[int] = []

    def waiting(number: int) -> Any:
        async def work(tx: Tx) -> None:
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class():
                cancelled.append(number)
                raise

        return work

    async def failing(tx: Tx) -> None:
        await anyio.lowlevel.checkpoint()
        raise ModeRefused("the third")

    async def body(graph: MemoryGraph, runtime: Runtime) -> None:
        with pytest.raises(ModeRefused, match="the third"):
            await runtime.map([("a", waiting(1)), ("b", waiting(2)), ("c", failing), ("d", waiting(4))], 3)

        assert sorted(cancelled) == [1, 2]

    await within(body)


async def test_what_a_step_announces_is_heard_after_its_commit(within: Callable[..., Any]) -> None:
    bus = EventBus()

    async def body(graph: MemoryGraph, runtime: Runtime) -> None:
        with bus.subscribe() as heard:

            async def work(tx: Tx) -> None:
                tx.record(a_run())
                tx.announce("run.finished", run_id="run-0001")
                assert heard.statistics().current_buffer_used == 0

            await runtime.step("k", work)
            event = heard.receive_nowait()

        assert event.name == "run.finished"
        assert event.data == {"run_id": "run-0001"}

    await within(body, bus=bus)


async def test_a_failed_step_is_silent(within: Callable[..., Any]) -> None:
    bus = EventBus()

    async def body(graph: MemoryGraph, runtime: Runtime) -> None:
        async def work(tx: Tx) -> None:
            tx.announce("run.finished", run_id="run-0001")
            raise ModeRefused("no")

        with bus.subscribe() as heard:
            with pytest.raises(ModeRefused):
                await runtime.step("k", work)

            assert heard.statistics().current_buffer_used == 0

    await within(body, bus=bus)


async def test_the_plan_of_a_step_once_is_stored_before_it_is_done(within: Callable[..., Any]) -> None:
    async def body(graph: MemoryGraph, runtime: Runtime) -> None:
        def intend(tx: Tx) -> object:
            tx.record(a_run())
            return a_run()

        async def work(planned: object) -> None:
            assert await graph.records(["run-0001"]) == {"run-0001": planned}

        assert await runtime.step_once("k", intend, work) == a_run()

    await within(body)


async def test_what_is_not_stored_is_known_to_be_absent(within: Callable[..., Any]) -> None:
    async def body(graph: MemoryGraph, runtime: Runtime) -> None:
        assert runtime.stored("k") is None
        with pytest.raises(NotFound, match="step k"):
            await runtime.value("k")

    await within(body)


async def test_an_open_approval_ends_the_wait(within: Callable[..., Any]) -> None:
    async def body(graph: MemoryGraph, runtime: Runtime) -> None:
        with pytest.raises(AwaitingApproval) as caught:
            await runtime.receive("approval-7")

        assert caught.value.approval_id == "approval-7"

    await within(body)


async def test_an_inline_runtime_needs_no_database() -> None:
    runtime = InlineRuntime()

    assert await runtime.step("k", recording(a_run())) == a_run()
