"""How many journalled steps a second, and what one costs in CPU, beside raw ``sqlite3`` doing the same rows.

Each step records one run of about 2 KB; 64 are in flight. ``python benchmarks/journal_steps.py [STEPS]``
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinman.config.modes import Mode
from tinman.db.engine import Database
from tinman.frozen import dump
from tinman.memory.graph import MemoryGraph
from tinman.records import Run, TurnRecord
from tinman.runtime import JournalRuntime, Tx, Work

IN_FLIGHT = 64


def a_run(number: int) -> Run:
    return Run(
        id=f"run-{number:06d}",
        experiment_id="experiment-1",
        run_number=number,
        stage="screen",
        arm="stress",
        case=f"case-{number}",
        base_task="refund",
        scenario_id="scenario-1",
        scenario_digest="0123456789abcdef",
        verdict="ok",
        turns=tuple(TurnRecord(user="What is the refund policy? " * 10, assistant="It is " * 85) for _ in range(2)),
    )


@contextmanager
def measured(name: str, steps: int) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name:<46} {steps / wall:>9,.0f} steps/s   {cpu / steps * 1e3:.3f} ms CPU a step")


async def journalled(path: Path, runs: list[Run]) -> None:
    def recording(run: Run) -> Work[Run]:
        async def work(tx: Tx) -> Run:
            tx.record(run)
            return run

        return work

    async with await Database.open(path) as db:
        graph = MemoryGraph(db)
        cycle = await graph.cycles.create(mode=Mode.LAB, target="none", reasoner="none", seed=1, config={})
        items = [(run.id, recording(run)) for run in runs]
        async with JournalRuntime(graph, cycle.id) as runtime:
            await runtime.map(items[:IN_FLIGHT], IN_FLIGHT)  # statements are compiled, pages are there
            with measured(f"journal, {IN_FLIGHT} in flight", len(runs) - IN_FLIGHT):
                await runtime.map(items[IN_FLIGHT:], IN_FLIGHT)
        with measured("journal, resumed (nothing run again)", len(runs)):
            async with JournalRuntime(graph, cycle.id) as runtime:
                await runtime.map(items, IN_FLIGHT)


def raw(path: Path, runs: list[Run], group: int) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=NORMAL",
        "CREATE TABLE nodes (id TEXT PRIMARY KEY, kind, cycle_id, created_at, data)",
        "CREATE TABLE journal (cycle_id, key, value, PRIMARY KEY (cycle_id, key)) WITHOUT ROWID",
    ):
        db.execute(statement)
    with measured(f"raw sqlite3, {group} in a transaction", len(runs)):
        for start in range(0, len(runs), group):
            some = runs[start : start + group]
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "INSERT INTO nodes VALUES (?, 'run', 'c', '2026-01-01', ?)", [(r.id, json.dumps(dump(r))) for r in some]
            )
            db.executemany("INSERT INTO journal VALUES ('c', ?, ?)", [(r.id, f'{{"$record":"{r.id}"}}') for r in some])
            db.execute("COMMIT")
    db.close()


def main() -> None:
    runs = [a_run(number) for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)]
    print(f"{len(runs):,} runs of {len(json.dumps(dump(runs[0]))):,} bytes")
    with tempfile.TemporaryDirectory() as folder:
        for group in (IN_FLIGHT, 1):
            raw(Path(folder) / f"raw{group}.db", runs, group)
        asyncio.run(journalled(Path(folder) / "tinman.db", runs))


if __name__ == "__main__":
    main()
