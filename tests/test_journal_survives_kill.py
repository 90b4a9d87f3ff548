"""A process that is killed at any moment loses nothing that was stored and doubles nothing when it resumes."""

from __future__ import annotations

import random
import sqlite3
import subprocess
from pathlib import Path

import anyio
import pytest
from journals import ROOT, a_cycle, a_hypothesis, child, fresh_file, opened

from tinman.errors import CycleOwned
from tinman.runtime import JournalRuntime, Unresolved

STEADY = ROOT / "tests" / "steady_child.py"
STEPS, KILLS = 3000, 3


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def rows(path: Path) -> list[list[tuple[object, ...]]]:
    db = sqlite3.connect(path)
    try:
        return [
            db.execute(query).fetchall()
            for query in (
                "SELECT id, kind, cycle_id, label, search, data FROM nodes ORDER BY id",
                "SELECT source, relation, target FROM edges ORDER BY source, target",
                "SELECT cycle_id, key, inputs, value, state FROM journal ORDER BY key",
            )
        ]
    finally:
        db.close()


async def prepared(folder: Path, cycles: int = 1) -> Path:
    await anyio.Path(folder).mkdir(exist_ok=True)
    async with opened(folder) as graph:
        for _ in range(cycles):
            await a_cycle(graph)
    return await fresh_file(folder)


@pytest.mark.slow
async def test_killed_at_random_moments_a_cycle_ends_with_the_rows_of_an_undisturbed_one(tmp_path: Path) -> None:
    calm, rough = await prepared(tmp_path / "calm"), await prepared(tmp_path / "rough")
    with child(STEADY, calm, "cyc-0001", STEPS) as process:
        process.communicate()
    stored, moments = [], random.Random(7)

    for _ in range(KILLS):
        with child(STEADY, rough, "cyc-0001", STEPS) as process:
            assert line(process) == "ready"
            await anyio.sleep(moments.uniform(0.02, 0.2))
            process.kill()
            process.communicate()
        stored.append(len(rows(rough)[2]))
    with child(STEADY, rough, "cyc-0001", STEPS) as process:
        process.communicate()

    assert stored == sorted(stored)
    assert 0 < stored[-1] < STEPS
    assert len(rows(calm)[0]) == 2 * STEPS
    assert rows(rough) == rows(calm)


@pytest.mark.slow
async def test_two_processes_write_one_file(tmp_path: Path) -> None:
    path = await prepared(tmp_path, cycles=2)

    with child(STEADY, path, "cyc-0001", 500) as one, child(STEADY, path, "cyc-0002", 500) as other:
        said = [one.communicate()[0], other.communicate()[0]]

    assert said == ["ready\ndone\n", "ready\ndone\n"]
    async with opened(tmp_path) as graph:
        assert len(await graph.find("run", cycle_id="cyc-0001")) == 500
        assert len(await graph.find("run", cycle_id="cyc-0002")) == 500


@pytest.mark.slow
async def test_a_cycle_that_another_process_runs_is_refused_until_that_process_is_dead(tmp_path: Path) -> None:
    path = await prepared(tmp_path)
    with child(STEADY, path, "cyc-0001", 1_000_000) as process:
        assert line(process) == "ready"
        async with opened(tmp_path) as graph:
            with pytest.raises(CycleOwned, match=f"process {process.pid} on"):
                await JournalRuntime(graph, "cyc-0001").__aenter__()
            process.kill()
            process.wait()
            async with JournalRuntime(graph, "cyc-0001"):
                pass


@pytest.mark.slow
async def test_an_intent_is_visible_after_a_crash(tmp_path: Path) -> None:
    path = await prepared(tmp_path)
    with child(ROOT / "tests" / "deploying_child.py", path, "cyc-0001") as process:
        assert process.wait() == -9

    async def never(planned: object) -> None:
        raise AssertionError("it must not be done again")

    async with opened(tmp_path) as graph, JournalRuntime(graph, "cyc-0001") as runtime:
        with pytest.raises(Unresolved) as caught:
            await runtime.step_once("deploy", lambda tx: a_hypothesis(), never)

        assert caught.value.planned == a_hypothesis()
        await runtime.resolve("deploy", happened=True)
        assert await runtime.step_once("deploy", lambda tx: a_hypothesis(), never) == a_hypothesis()
