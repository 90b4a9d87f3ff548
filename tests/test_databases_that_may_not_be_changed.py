"""What is not ours, or may not be written, is looked at without being changed; what is no file ends in one line."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from journals import a_run, fresh_file, opened

from tinman.cli.main import main
from tinman.db.engine import Database
from tinman.errors import LoopStateError, StoreCorrupt, StoreError
from tinman.loop.state.records import State
from tinman.memory.graph import MemoryGraph

JOURNALS = ["DELETE", "WAL", "TRUNCATE"]


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("has_alembic", [True, False])
async def test_another_programs_database_is_not_changed_by_a_bit(
    journal: str, create: bool, has_alembic: bool, tmp_path: Path
) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other, other:
        other.execute(f"PRAGMA journal_mode = {journal}")
        other.execute("CREATE TABLE nodes (url)")
        if has_alembic:
            other.execute("CREATE TABLE alembic_version (version_num)")
            other.execute("INSERT INTO alembic_version VALUES ('0003')")
    before, beside = path.read_bytes(), sorted(os.listdir(tmp_path))
    with pytest.raises(StoreError, match="another program's tables"):
        await Database.open(path, create=create)

    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == beside


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [_fifo, Path.mkdir, _loop], ids=["fifo", "folder", "link loop"])
@pytest.mark.parametrize("command", [["cycles", "list"], ["failures", "list"], ["research", "-q"], ["db", "check"]])
def test_what_is_no_file_is_refused_in_one_line(
    make: object,
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    make(tmp_path / "odd")  # type: ignore[operator]
    with pytest.raises(SystemExit) as ended:
        main(["--db", "odd", *command])
    err = capsys.readouterr().err

    assert ended.value.code == 2
    assert err.count("\n") == 1
    assert err.startswith("tinman: database odd: ")


@pytest.mark.parametrize("make", [_fifo, Path.mkdir, _loop], ids=["fifo", "folder", "link loop"])
def test_a_loops_state_that_is_no_file_is_refused(make: object, tmp_path: Path) -> None:
    make(tmp_path / "odd")  # type: ignore[operator]

    with pytest.raises(LoopStateError, match="odd: "):
        State.load(tmp_path / "odd")


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("nodes", "data", "{oops"),
        ("nodes", "data", "[]"),
        ("nodes", "created_at", "yesterday"),
        ("nodes", "kind", "nonsense"),
        ("cycles", "config", "{oops"),
        ("cycles", "mode", "nonsense"),
        ("cycles", "seed", "many"),
        ("cycles", "created_at", "2026-01-01"),
    ],
)
async def test_a_damaged_row_is_named_by_table_and_row(table: str, column: str, value: str, tmp_path: Path) -> None:
    from journals import a_cycle

    async with opened(tmp_path) as graph:
        await graph.add(a_run())
        await a_cycle(graph)
    with closing(sqlite3.connect(tmp_path / "tinman.db")) as file, file:
        file.execute(f"UPDATE {table} SET {column} = ?", (value,))
        (name,) = file.execute(f"SELECT id FROM {table}").fetchone()
    async with await Database.open(tmp_path / "tinman.db") as db:
        with pytest.raises(StoreCorrupt, match=f"table {table}, row {name}: "):
            await (MemoryGraph(db).find() if table == "nodes" else MemoryGraph(db).cycles.newest())


async def test_a_database_deleted_while_it_is_used_is_noticed(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await graph.add(a_run(1))
        (tmp_path / "tinman.db").unlink()
        with pytest.raises(StoreError, match="it was deleted or replaced while it was in use"):
            await graph.add(a_run(2))


WITHOUT_RIGHTS = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


@pytest.mark.slow
@pytest.mark.skipif(bool(WITHOUT_RIGHTS) and not shutil.which("setpriv"), reason="root writes everywhere")
@pytest.mark.parametrize("left_open", [False, True], ids=["closed", "with its log"])
async def test_a_folder_that_cannot_be_written_is_read_as_it_is(left_open: bool) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        path = await fresh_file(folder)
        db = await Database.open(path)
        await MemoryGraph(db).add(a_run())
        if not left_open:
            await db.close()
        for place in folder.iterdir():
            place.chmod(0o444)
        folder.chmod(0o555)
        before = {place.name: place.read_bytes() for place in folder.iterdir()}

        async def told(*words: str) -> tuple[int, str]:
            command = [*WITHOUT_RIGHTS, sys.executable, "-m", "tinman", "--db", str(path), *words]
            done = await anyio.to_thread.run_sync(
                lambda: subprocess.run(command, cwd="/tmp", capture_output=True, text=True)
            )
            return done.returncode, done.stderr + done.stdout

        shown = await told("failures", "transcript", "run-0001")
        refused = await told("promote", "shadow", "--yes")
        after = {place.name: place.read_bytes() for place in folder.iterdir()}
        folder.chmod(0o755)
        if left_open:
            await db.close()

    assert shown[0] == 0, shown
    assert "May I?" in shown[1]
    assert shown[1].count("it is read as it is") == 1
    assert refused[0] == 2
    assert after == before
