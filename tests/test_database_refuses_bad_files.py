"""A database that cannot be trusted is refused in one line and left as it is."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import anyio
import pytest
from journals import ROOT, a_run, asked, child, fresh_file, opened

from tinman.db import migrate
from tinman.db.engine import Database
from tinman.db.file import SCHEMA_VERSION
from tinman.errors import ConfigError, StoreCorrupt, StoreError, StoreTooNew
from tinman.memory.graph import MemoryGraph


async def refusal(path: Path | str, kind: type[Exception], **options: bool) -> str:
    """Open ``path``, expect ``kind``, and check that the message is one line and the file unchanged."""
    file = anyio.Path(path)
    before = await file.read_bytes() if await file.is_file() else None
    with pytest.raises(kind) as caught:
        await Database.open(path, **options)
    after = await file.read_bytes() if await file.is_file() else None

    assert after == before
    assert "\n" not in str(caught.value)
    assert type(caught.value) is kind
    return str(caught.value)


async def filled(folder: Path) -> Path:
    async with opened(folder) as graph:
        await graph.add(*(a_run(number, text="x" * 2000) for number in range(100)))
    return await fresh_file(folder)


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, " * 1000)

    assert "not a SQLite database" in await refusal(path, StoreCorrupt)


async def test_a_truncated_database(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    os.truncate(path, 20_000)

    assert "cut off at 20000 of" in await refusal(path, StoreCorrupt)


async def test_a_database_damaged_at_its_root(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3000)

    assert "damaged" in await refusal(path, StoreCorrupt)


async def test_a_check_finds_damage_deep_inside(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    middle = path.stat().st_size // 2 // 4096 * 4096
    with path.open("r+b") as file:
        file.seek(middle)
        file.write(b"\xff" * 4096)

    async with await Database.open(path) as db:
        with pytest.raises(StoreCorrupt, match="damaged"):
            await db.check()


async def test_another_programs_database(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url)")
    other.close()

    with pytest.raises(StoreError, match="another program's tables"):
        await Database.open(path)
    other = sqlite3.connect(path)
    names = other.execute("SELECT name FROM sqlite_master").fetchall()
    other.close()
    assert names == [("bookmarks",)]


async def test_a_database_of_a_newer_tinman(tmp_path: Path) -> None:
    path = await fresh_file(tmp_path)
    newer = sqlite3.connect(path)
    with newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.close()

    assert "schema 9999 was written by a newer Tinman" in await refusal(path, StoreTooNew)


async def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert "check the folder" in await refusal(tmp_path / "file" / "tinman.db", StoreError)


async def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    assert "check the folder" in await refusal(tmp_path, StoreError)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
async def test_a_folder_without_permission(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)

    assert "permissions" in await refusal(locked / "tinman.db", StoreError)


async def test_a_full_disk(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await graph.db.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 40"))
        with pytest.raises(StoreError, match="the disk is full"):
            await graph.add(*(a_run(number, text="x" * 2000) for number in range(500)))

        assert await graph.find() == []


async def test_a_missing_file_is_not_made_up(tmp_path: Path) -> None:
    assert "there is none" in await refusal(tmp_path / "none.db", StoreError, create=False)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("url", ["mysql://h/db", "sqlite://", "postgresql://u:secret@h/db", "://"])
async def test_a_url_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await Database.open(url)

    assert "secret" not in str(caught.value)


async def test_a_new_path_gets_its_folders_and_a_sqlite_url_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "50% new" / "a b" / "tinman.db"
    async with await Database.open(path) as db:
        await MemoryGraph(db).add(a_run())
    async with await Database.open(f"sqlite:///{path}", create=False) as db:
        assert len(await MemoryGraph(db).find()) == 1


async def test_the_migrated_schema_is_the_one_described(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await asked(graph.db, migrate.check)

        assert await asked(graph.db, migrate.current) == migrate.newest() == SCHEMA_VERSION


async def test_a_missing_column_is_noticed(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await graph.db.write(lambda connection: connection.exec_driver_sql("ALTER TABLE audit DROP COLUMN actor"))

        with pytest.raises(StoreError, match="schema differs"):
            await asked(graph.db, migrate.check)


@pytest.mark.slow
async def test_an_up_to_date_database_opens_without_alembic_and_a_new_one_may_be_raced_for(tmp_path: Path) -> None:
    script = ROOT / "tests" / "opening_child.py"
    path = tmp_path / "raced.db"
    racers = [child(script, path) for _ in range(4)]
    said = [racer.communicate()[0] for racer in racers]
    with child(script, path) as late:
        last = late.communicate()[0]

    assert all(line.startswith(f"{SCHEMA_VERSION} ") for line in said)
    assert last == f"{SCHEMA_VERSION} without alembic\n"
