"""What a loop did can be watched, read afterwards, and explained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from loops import Counting, Watched, a_loop, place_of, playing, says

from tinman.events import Event, EventBus
from tinman.loop import HeadlessApprovalRunner, Loop, RequireApproval, State, explain, tool

WORK = ("work", {"n": 1})


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_every_line_has_the_ids_of_its_run_span_and_place(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "trace.jsonl"
    for _ in range(2):
        await a_loop(playing(says("", WORK)), [Counting().tool], max_iterations=2, trace_path=path).arun()
    lines = lines_of(path)
    runs = {line["run"] for line in lines}

    assert len(runs) == 2
    assert all({"ts", "kind", "run", "loop", "seq", "span", "parent"} <= line.keys() for line in lines)
    for run in runs:
        own = [line for line in lines if line["run"] == run]
        assert [line["seq"] for line in own] == list(range(1, len(own) + 1))
        start = next(line for line in own if line["kind"] == "iteration.start")
        call = next(line for line in own if line["kind"] == "llm.call")
        assert (start["parent"], call["parent"]) == (run, start["span"])


async def test_what_a_trace_tells_is_on_the_event_bus_while_somebody_watches() -> None:
    bus, watched = EventBus(), Watched()
    loop = a_loop(playing(says("", WORK)), [Counting().tool], max_iterations=2, bus=bus, on_event=watched)
    with bus.subscribe() as events:
        await loop.arun()
        told = [event.data for event in _waiting(events) if event.name == "loop.advanced"]
    await a_loop(playing(says("", WORK)), [Counting().tool], max_iterations=1, bus=bus).arun()

    assert told == watched.events
    assert [each["kind"] for each in told][:2] == ["loop.start", "iteration.start"]
    assert {each["span"] for each in told if each["kind"] == "llm.call"}.isdisjoint({told[0]["span"]})


async def test_a_watcher_can_neither_alter_nor_break_what_it_watches() -> None:
    bus = EventBus()
    with bus.subscribe() as events:
        loop = a_loop(playing(says("", WORK)), max_iterations=1, bus=bus, on_event=lambda event: event.update(name="x"))
        result = await loop.arun()
        told = [event.data for event in _waiting(events) if event.name == "loop.advanced"]

    assert result.status == "BUDGET_EXHAUSTED"
    assert all("name" not in each for each in told)


async def test_who_watches_from_the_middle_gets_whole_ids() -> None:
    bus, stack = EventBus(), ExitStack()
    streams: list[MemoryObjectReceiveStream[Event]] = []

    @tool
    async def work(n: int) -> str:
        """Work."""
        if not streams:
            streams.append(stack.enter_context(bus.subscribe()))
        return "done"

    with stack:
        await a_loop(playing(says("", WORK)), [work], max_iterations=2, bus=bus).arun()
        told = [event.data for event in _waiting(streams[0]) if event.name == "loop.advanced"]

    assert told[0]["kind"] == "action.executed"
    assert all(each["span"] and each["parent"] for each in told if each["kind"] != "loop.end")


def _waiting(events: MemoryObjectReceiveStream[Event]) -> Iterator[Event]:
    with suppress(anyio.WouldBlock):
        while True:
            yield events.receive_nowait()


async def test_the_fields_of_each_kind_are_there(tmp_path: Path) -> None:
    watched = Watched()
    loop = a_loop(
        playing(says("", ("nothing", {})), says("", WORK)),
        [Counting().tool],
        policies=[RequireApproval({"work"})],
        approval_runner=HeadlessApprovalRunner(),
        state_path=tmp_path / "s.json",
        on_event=watched,
    )
    result = await loop.arun()
    await Loop.aresume(
        tmp_path / "s.json",
        tools=[Counting().tool],
        llm=playing("x"),
        policies=[RequireApproval({"work"})],
        approval_runner=HeadlessApprovalRunner(),
        approval={"token": result.approval_token, "approved": True},
        max_iterations=1,
        on_event=watched,
        quiet=True,
    )
    fields = {
        "loop.start": {"goal", "limits"},
        "iteration.start": {"index", "metric"},
        "llm.call": {"model", "input_tokens", "output_tokens", "attempt"},
        "plan.invalid": {"attempt", "errors"},
        "approval.requested": {"tool", "token", "reason"},
        "approval.decision": {"token", "decision", "note"},
        "action.executed": {"tool", "status", "duration_s"},
        "iteration.end": {"index", "trend", "repetition", "no_progress_streak", "summarized_iterations", "accounting"},
        "loop.end": {"status", "reason", "iterations", "total_tokens"},
    }
    for kind, names in fields.items():
        assert names <= watched.of(kind)[0].keys(), kind
    assert watched.of("approval.requested")[0]["token"] not in ("", result.approval_token)


async def test_explain_tells_of_a_running_loop(tmp_path: Path) -> None:
    told: list[str] = []

    @tool
    def look() -> str:
        """Ask why."""
        told.append(loop.explain().status)
        told.append(explain(tmp_path / "s.json").status)
        return ""

    loop = a_loop(playing(says("", ("look", {}))), [look], max_iterations=1, state_path=tmp_path / "s.json")
    await loop.arun()

    assert told == ["RUNNING", "RUNNING"]
    assert loop.explain().status == "BUDGET_EXHAUSTED"


async def test_explain_has_a_line_for_each_round(tmp_path: Path) -> None:
    model = playing(says("", WORK), says("", WORK), "only talk", says("", ("nothing", {})))
    loop = a_loop(model, [Counting().tool], max_iterations=4, state_path=tmp_path / "s.json")
    result = await loop.arun()
    report = loop.explain(result)

    assert [line.split(": ", 1)[1] for line in report.decision_chain[:3]] == [
        "work[ok]",
        "work[ok], repeats with period 1",
        "no action",
    ]
    assert report.decision_chain[3].startswith("iteration 3: invalid plan (nothing: there is no such tool")
    assert report.decision_chain[-1] == "exit: BUDGET_EXHAUSTED: max_iterations (4) reached"
    assert explain(tmp_path / "s.json") == report


async def test_what_models_say_is_disarmed_where_it_is_shown() -> None:
    hostile = "\x1b[31m[link](http://x) `code` <script>\u202e"
    loop = a_loop(playing(says("", (hostile, {}))), goal_metric=None)
    loop.state = loop.state
    await loop.arun()
    rendered, marked = loop.explain().render(), loop.explain().markdown()
    lines = "\n".join(loop.explain().lines())

    for shown in (rendered, marked, lines):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert "[link](" not in marked
    assert "<script>" not in marked


@pytest.mark.parametrize(
    "reply", [says("", WORK, WORK), says("", ("nothing", {})), says("idle")], ids=["acts", "refused", "idle"]
)
async def test_a_round_begins_and_ends_in_one_span(reply: Any) -> None:
    watched = Watched()
    await a_loop(playing(reply), [Counting().tool], max_iterations=2, on_event=watched).arun()
    begun = [event["span"] for event in watched.of("iteration.start")]
    ended = [event["span"] for event in watched.of("iteration.end")]

    assert begun == ended
    assert len(set(begun)) == 2
    assert all(event["parent"] == event["run"] for event in watched.of("iteration.end"))


def test_a_stale_price_table_is_told_about_once(capsys: pytest.CaptureFixture[str]) -> None:
    pricing = {"model": (1, 2), "as_of": "2020-01-31"}
    a_loop(playing("x"), cost_limit_usd=1.0, pricing=pricing, quiet=False, max_iterations=1).run()

    assert capsys.readouterr().err.count("days old") == 1


async def test_a_report_for_a_terminal_is_plain_text() -> None:
    loop = a_loop(playing(says("", ("edit_file", {"n": 1}))), [Counting("edit_file").tool], max_iterations=1)
    result = await loop.arun()
    rendered = loop.explain(result).render()

    assert "\\" not in rendered
    assert "# Why the loop stopped: BUDGET_EXHAUSTED\n" in rendered
    assert "Reason: max_iterations (1) reached\n" in rendered
    assert "1. iteration 0: edit_file[ok]\n" in rendered


@pytest.mark.parametrize("kind", ["file", "db"])
async def test_a_stored_loop_is_explained_like_the_live_one(kind: str, tmp_path: Path) -> None:
    loop = a_loop(playing(says("", WORK)), [Counting().tool], max_iterations=3, **place_of(kind, tmp_path))
    result = await loop.arun()
    if kind == "file":
        state = State.load(tmp_path / "state.json")
    else:
        from tinman.db.engine import Database
        from tinman.loop.state.journal import load
        from tinman.memory.graph import MemoryGraph

        async with await Database.open(tmp_path / "tinman.db") as db:
            state = await load(MemoryGraph(db), result.loop_id)

    assert explain(state) == loop.explain()


async def test_a_loop_inside_a_cycle_is_part_of_its_journal(tmp_path: Path) -> None:
    """Run again by a resumed cycle it makes no call and returns what it came to."""
    from journals import a_cycle, opened

    from tinman.runtime import JournalRuntime

    work = Counting()

    async def phase(runtime: Any, model: Any) -> Any:
        loop = a_loop(model, [work.tool], max_iterations=2, runtime=runtime, key="adversary/1")
        return await loop.arun()

    async with opened(tmp_path) as graph:
        cycle = await a_cycle(graph)
        async with JournalRuntime(graph, cycle) as runtime:
            first = await phase(runtime, playing(says("", WORK)))
        async with JournalRuntime(graph, cycle) as runtime:
            second = await phase(runtime, playing(AssertionError("asked again")))

    assert (first.status, second.status) == ("BUDGET_EXHAUSTED", "BUDGET_EXHAUSTED")
    assert (first.iterations, second.iterations, work.calls) == (2, 2, [1, 1])
    assert first.metrics.total_tokens == second.metrics.total_tokens


async def test_a_cycle_that_stops_stops_the_loop_and_goes_on_later(tmp_path: Path) -> None:
    from journals import a_cycle, opened

    from tinman.runtime import JournalRuntime, Stopped

    done: list[int] = []
    runtimes: list[JournalRuntime] = []

    @tool
    async def work(n: int) -> str:
        """Work, and ask the cycle to stop in the middle."""
        done.append(n)
        if len(done) == 2:
            runtimes[0].stop()
        return ""

    def a_phase(runtime: JournalRuntime, first: int) -> Loop:
        plans = [says("", ("work", {"n": n})) for n in range(first, 9)]
        return a_loop(playing(*plans), [work], max_iterations=4, runtime=runtime, key="x")

    async with opened(tmp_path) as graph:
        cycle = await a_cycle(graph)
        async with JournalRuntime(graph, cycle) as runtime:
            runtimes.append(runtime)
            with pytest.raises(Stopped):
                await a_phase(runtime, 0).arun()
        async with JournalRuntime(graph, cycle) as runtime:
            result = await a_phase(runtime, 2).arun()

    assert (result.status, result.iterations) == ("BUDGET_EXHAUSTED", 4)
    assert done == [0, 1, 2, 3]


async def test_a_loop_without_a_place_can_be_gone_on_with_from_its_state() -> None:
    first = a_loop(playing("x"), max_iterations=1)
    await first.arun()
    second = a_loop(playing("x"), max_iterations=3, state=first.state)
    result = await second.arun()

    assert (result.iterations, second.state.loop_id) == (3, first.state.loop_id)
