"""A label such as ``F-9`` names one thing in a project, however many processes give labels at once."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from journals import ROOT, asked, child, fresh_file, opened
from test_memory_answers import a_failure

from tinman.db import migrate
from tinman.db.engine import Database
from tinman.errors import RowRefused
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Batch


@pytest.mark.slow
async def test_four_processes_give_every_label_once(tmp_path: Path) -> None:
    path = await fresh_file(tmp_path)
    racers = [child(ROOT / "tests" / "labelling_child.py", path, 12) for _ in range(4)]
    said = [label for racer in racers for label in racer.communicate()[0].split()]
    async with await Database.open(path) as db:
        kept = [node.label for node in await MemoryGraph(db).find(kind="failure_mode")]
        guesses = [node.label for node in await MemoryGraph(db).find(kind="hypothesis")]

    assert [racer.returncode for racer in racers] == [0, 0, 0, 0]
    assert sorted(said) == sorted(kept) == sorted(f"F-{number}" for number in range(1, 97))
    assert sorted(guesses) == sorted(f"H-{number}" for number in range(1, 49))


async def test_a_label_that_is_taken_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await graph.add(a_failure("failure-1", "F-1"))
        with pytest.raises(RowRefused):
            await graph.add(a_failure("failure-2", "F-1"))
        await graph.add(a_failure("failure-1", "F-1"))

        assert len(await graph.find()) == 1


async def test_what_has_a_label_keeps_it_and_a_lost_batch_takes_none(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await graph.add(a_failure("failure-1"), a_failure("failure-2"))
        lost = Batch("")
        lost.number("F", ["failure-2"])
        lost.link("failure-1", "evolved_into", "nowhere")
        with pytest.raises(RowRefused):
            await graph.store([lost])
        for _ in range(2):
            again = Batch("")
            again.number("F", ["failure-1", "failure-2"])
            await graph.store([again])
        found = await graph.get("F-2")

        assert await graph.labels(["failure-1", "failure-2"]) == {"failure-1": "F-1", "failure-2": "F-2"}
        assert found.record is not None
        assert getattr(found.record, "label", "") == "F-2"


async def test_doubles_of_an_older_database_are_renumbered_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(tmp_path) as graph:
        await graph.add(*(a_failure(f"failure-{n}", f"F-{n}") for n in (1, 2, 3, 4)))
        path = Path(graph.db.place)
    with closing(sqlite3.connect(path)) as older, older:
        older.execute("DROP INDEX ix_nodes_label")
        older.execute("CREATE INDEX ix_nodes_label ON nodes (label)")
        older.execute("UPDATE nodes SET label = 'F-1', search = replace(search, 'f-2 ', 'f-1 ') WHERE id = 'failure-2'")
        older.execute("UPDATE nodes SET label = 'F-1' WHERE id = 'failure-3'")
        older.execute("UPDATE nodes SET data = json_set(data, '$.label', label)")
        older.execute("UPDATE alembic_version SET version_num = '0003'")
    async with await Database.open(path) as db:
        graph = MemoryGraph(db)
        await asked(db, migrate.check)
        given = await graph.labels([f"failure-{n}" for n in (1, 2, 3, 4)])
        found = await graph.search("f-5")
        told = "".join(capsys.readouterr())

    assert given == {"failure-1": "F-1", "failure-2": "F-5", "failure-3": "F-6", "failure-4": "F-4"}
    assert [json.dumps(node.data["label"]) for node in found] == ['"F-5"']
    assert "F-1 -> F-5 (failure-2)" in told
