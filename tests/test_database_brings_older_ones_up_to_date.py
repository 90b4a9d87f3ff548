"""A database of an older Tinman is brought up to date when it is opened, and nothing in it is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from journals import a_cycle, a_run, opened, recording

from tinman.config.modes import Mode
from tinman.db import migrate
from tinman.db.engine import Database
from tinman.db.tables import SCHEMA_VERSION
from tinman.memory.graph import MemoryGraph
from tinman.runtime import JournalRuntime


async def test_of_the_first_schema_loops_are_known_by_their_ids(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        async with JournalRuntime(graph, cycle_id) as runtime:
            await runtime.step("k", recording(a_run()))
        await graph.cycles.create(
            cycle_id="loop-12ab", mode=Mode.LAB, target="loop", reasoner="", seed=0, config={"goal": "g"}
        )
        path = Path(graph.db.place)
    with closing(sqlite3.connect(path)) as older, older:
        older.execute("ALTER TABLE cycles DROP COLUMN kind")
        older.execute("UPDATE alembic_version SET version_num = '0001'")

    async with await Database.open(path) as db:
        graph = MemoryGraph(db)
        await migrate.check(db)

        assert await migrate.current(db) == SCHEMA_VERSION
        assert [each.id for each in await graph.cycles.newest()] == [cycle_id]
        assert [each.config for each in await graph.cycles.newest("loop")] == [{"goal": "g"}]
        async with JournalRuntime(graph, cycle_id) as runtime:
            assert await runtime.value("k") == a_run()
