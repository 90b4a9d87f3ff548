"""Runs (or resumes) a cycle of many small steps until it is done or killed. Arguments: file, cycle, steps."""

from __future__ import annotations

import asyncio
import sys

from journals import a_run

from tinman.db.engine import Database
from tinman.memory.graph import MemoryGraph
from tinman.records import Run
from tinman.runtime import JournalRuntime, Tx, Work


def step(number: int) -> Work[Run]:
    async def work(tx: Tx) -> Run:
        for _ in range(number % 7):
            await asyncio.sleep(0)
        run = a_run(number)
        tx.record(run)
        tx.note("scenario", f"scenario-{number}", {"number": number})
        tx.link(run.id, "reproduced_by", f"scenario-{number}")
        return run

    return work


async def main(path: str, cycle_id: str, steps: int) -> None:
    async with await Database.open(path) as db, JournalRuntime(MemoryGraph(db), cycle_id) as runtime:
        print("ready", flush=True)  # noqa: T201
        first = int(cycle_id[4:]) * 10_000
        runs = await runtime.map([(f"run/{n}", step(n)) for n in range(first, first + steps)], 64)
        assert [run.run_number for run in runs] == list(range(first, first + steps))
        print("done", flush=True)  # noqa: T201


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
