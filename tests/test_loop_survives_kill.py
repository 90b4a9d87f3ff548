"""Killed with -9 around an approved action: it never happens twice, is never silently lost, and the intent is seen."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from journals import child
from looping_child import begin, go_on

from tinman.db.engine import Database
from tinman.errors import LoopConfigError
from tinman.loop import State, explain
from tinman.loop.state.journal import load
from tinman.memory.graph import MemoryGraph

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("looping_child.py")
EVERYWHERE = pytest.mark.parametrize("kind", ["file", "db"])


def paid(folder: Path) -> list[int]:
    file = folder / "paid.txt"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def killed(kind: str, folder: Path, place: str) -> tuple[str, str]:
    """Have a child stop at ``place``, kill it there, and return the loop's id and the token."""
    asked = begin(kind, folder)
    assert asked.approval_token is not None
    process = child(SCRIPT, kind, folder, asked.loop_id, asked.approval_token, place)
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    return asked.loop_id, asked.approval_token


def explained(kind: str, folder: Path, loop_id: str) -> tuple[str, ...]:
    """Return the decision chain of the stored loop."""
    if kind == "file":
        return explain(folder / "state.json").decision_chain

    async def read() -> State:
        async with await Database.open(folder / "tinman.db") as db:
            return await load(MemoryGraph(db), loop_id)

    return explain(asyncio.run(read())).decision_chain


@EVERYWHERE
@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX only")
def test_of_forty_processes_with_one_token_one_pays(kind: str, tmp_path: Path) -> None:
    asked = begin(kind, tmp_path)
    assert asked.approval_token is not None
    with child(SCRIPT, kind, tmp_path, asked.loop_id, asked.approval_token, "race") as process:
        assert process.wait(120) == 0
    outcomes = [(tmp_path / f"outcome-{number}").read_text() for number in range(40)]

    assert paid(tmp_path) == [1, 2]
    assert outcomes.count("BUDGET_EXHAUSTED") == 1
    assert set(outcomes) <= {"BUDGET_EXHAUSTED", "LoopOwned", "LoopConfigError"}


async def test_a_journal_knows_what_was_done_what_was_not_begun_and_what_is_open(tmp_path: Path) -> None:
    from journals import a_cycle, opened

    from tinman.loop.state.journal import JournalStore
    from tinman.loop.state.records import Intent
    from tinman.runtime import JournalRuntime

    async def work() -> None: ...

    async def dying() -> None:
        raise KeyboardInterrupt

    def intent(key: str) -> Intent:
        return Intent(key=key, tool="pay", args={}, action_hash=key, begun_at=0.0)

    async with opened(tmp_path) as graph, JournalRuntime(graph, await a_cycle(graph)) as runtime:
        store = JournalStore(runtime, "loop")
        await store.once(intent("done"), work)
        with pytest.raises(KeyboardInterrupt):
            await store.once(intent("open"), dying)

        assert [await store.has_happened(intent(key)) for key in ("done", "never", "open")] == [True, False, None]
        await store.settle(intent("open"), happened=True)
        assert await store.has_happened(intent("open")) is True


@EVERYWHERE
def test_killed_before_the_answer_still_counts(kind: str, tmp_path: Path) -> None:
    loop_id, token = killed(kind, tmp_path, "before")
    result = go_on(kind, tmp_path, loop_id, "none", approval={"token": token, "approved": True})

    assert (paid(tmp_path), result.status) == ([1, 2], "BUDGET_EXHAUSTED")


@EVERYWHERE
def test_killed_during_it_is_shown_and_asked_about_and_never_run_again(kind: str, tmp_path: Path) -> None:
    loop_id, token = killed(kind, tmp_path, "during")
    first = go_on(kind, tmp_path, loop_id, "none", approval={"token": token, "approved": True})
    second = go_on(kind, tmp_path, loop_id, "none")

    assert (first.status, first.error, second.error) == ("ERROR", "Unresolved", "Unresolved")
    assert first.resumable
    assert "pay" in first.reason
    assert "resolve=" in first.recommended_action
    assert paid(tmp_path) == [1]
    assert any("begun and without outcome: pay" in line for line in explained(kind, tmp_path, loop_id))

    after = go_on(kind, tmp_path, loop_id, "none", resolve="happened")
    assert (paid(tmp_path), after.status) == ([1, 2], "BUDGET_EXHAUSTED")


@EVERYWHERE
def test_killed_during_and_found_not_done_it_is_asked_about_afresh(kind: str, tmp_path: Path) -> None:
    loop_id, _ = killed(kind, tmp_path, "during")
    asked = go_on(kind, tmp_path, loop_id, "none", resolve="did not happen")

    assert asked.status == "AWAITING_APPROVAL"
    assert paid(tmp_path) == [1]
    result = go_on(kind, tmp_path, loop_id, "none", approval={"token": asked.approval_token, "approved": True})
    assert (paid(tmp_path), result.status) == ([1, 1, 2], "BUDGET_EXHAUSTED")


@EVERYWHERE
def test_killed_after_it_is_not_run_again_and_the_plan_goes_on(kind: str, tmp_path: Path) -> None:
    loop_id, _ = killed(kind, tmp_path, "after")
    result = go_on(kind, tmp_path, loop_id, "none")

    assert (paid(tmp_path), result.status) == ([1, 2], "BUDGET_EXHAUSTED")


@EVERYWHERE
def test_killed_anywhere_it_happens_at_most_once_and_is_never_lost(kind: str, tmp_path: Path) -> None:
    """The child is killed at moments spread over its life; whatever is left tells what has to be done."""
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        asked = begin(kind, folder)
        process = child(SCRIPT, kind, folder, asked.loop_id, asked.approval_token, "none")
        assert process.stdout is not None
        with process:
            process.stdout.readline()
            time.sleep(number * 0.04)
            process.kill()
        result = _finished(kind, folder, asked)

        assert paid(folder).count(1) == 1, (number, result)
        assert result.status == "BUDGET_EXHAUSTED"


def _finished(kind: str, folder: Path, asked: Any) -> Any:
    """Resume by what the state says, as an operator would."""
    try:
        result = go_on(kind, folder, asked.loop_id, "none", approval={"token": asked.approval_token, "approved": True})
    except LoopConfigError:
        result = go_on(kind, folder, asked.loop_id, "none")
    if result.error == "Unresolved":
        happened = "happened" if 1 in paid(folder) else "did not happen"
        result = go_on(kind, folder, asked.loop_id, "none", resolve=happened)
    if result.status == "AWAITING_APPROVAL":
        result = go_on(kind, folder, asked.loop_id, "none", approval={"token": result.approval_token, "approved": True})
    return result
