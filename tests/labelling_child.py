"""Labels records of every labelled kind in its own cycle of a shared database. Arguments: file, rounds."""

from __future__ import annotations

import asyncio
import os
import sys

from journals import a_cycle, a_hypothesis
from test_memory_answers import a_failure

from tinman.agents.base import AgentContext, BaseAgent
from tinman.db.engine import Database
from tinman.memory.graph import MemoryGraph
from tinman.runtime import JournalRuntime, Tx


class Labeller(BaseAgent[None]):
    kind = "labeller"

    async def execute(self, context: AgentContext, **_: object) -> None:  # type: ignore[override]
        raise NotImplementedError


async def main() -> None:
    async with await Database.open(sys.argv[1]) as db:
        graph = MemoryGraph(db)
        agent = Labeller(graph=graph)
        for number in range(int(sys.argv[2])):
            async with JournalRuntime(graph, await a_cycle(graph)) as runtime:
                name = f"{os.getpid()}-{number}"
                records = [a_hypothesis(f"h-{name}"), a_failure(f"f-{name}"), a_failure(f"g-{name}")]

                async def store(tx: Tx, records: list[object] = records) -> None:
                    for record in records:
                        tx.record(record)  # type: ignore[arg-type]

                await runtime.step("store", store)
                await agent.labelled(runtime, "H", "hypotheses", records[:1])
                for one in await agent.labelled(runtime, "F", "failures", records[1:]):
                    print(one.label)  # noqa: T201


asyncio.run(main())
