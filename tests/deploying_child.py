"""Dies in the middle of what must not happen twice. Arguments: file, cycle."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from journals import a_hypothesis

from tinman.db.engine import Database
from tinman.memory.graph import MemoryGraph
from tinman.records import Hypothesis
from tinman.runtime import JournalRuntime, Tx


def intend(tx: Tx) -> Hypothesis:
    tx.record(a_hypothesis())
    return a_hypothesis()


async def work(planned: Hypothesis) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(path: str, cycle_id: str) -> None:
    async with await Database.open(path) as db, JournalRuntime(MemoryGraph(db), cycle_id) as runtime:
        await runtime.step_once("deploy", intend, work)


asyncio.run(main(sys.argv[1], sys.argv[2]))
