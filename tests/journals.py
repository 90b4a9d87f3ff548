"""Small true values for tests of the store: a graph on a fresh database, runs, steps, child processes."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from tinman.config.modes import Mode
from tinman.db.engine import Database
from tinman.memory.graph import MemoryGraph
from tinman.records import ExperimentDesign, Hypothesis, Run, TurnRecord
from tinman.runtime import Tx, Work
from tinman.taxonomy import FailureClass

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_migrated = Path(tempfile.gettempdir()) / f"tinman-tests-{os.getpid()}.db"
atexit.register(_migrated.unlink, missing_ok=True)


async def fresh_file(folder: Path) -> Path:
    """Return a new, migrated database file; the first call migrates one, the others copy it."""
    path = folder / "tinman.db"
    if not _migrated.exists():
        await (await Database.open(path)).close()
        shutil.copy(path, _migrated)
    elif not path.exists():
        shutil.copy(_migrated, path)
    return path


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[MemoryGraph]:
    async with await Database.open(await fresh_file(folder)) as db:
        yield MemoryGraph(db)


async def asked(db: Database, question: Callable[[Connection], T]) -> T:
    """Return what ``question`` finds on a connection that reads."""
    async with db.read() as connection:
        return await connection.run_sync(question)


async def a_cycle(graph: MemoryGraph, *, fingerprint: str = "") -> str:
    config = {"n": 1, "fingerprint": fingerprint} if fingerprint else {"n": 1}
    cycle = await graph.cycles.create(mode=Mode.LAB, target="sandbox", reasoner="playbook", seed=7, config=config)
    return cycle.id


def a_run(number: int = 1, *, text: str = "no") -> Run:
    return Run(
        id=f"run-{number:04d}",
        experiment_id="experiment-1",
        run_number=number,
        stage="screen",
        arm="stress",
        case=f"case-{number}",
        base_task="refund",
        scenario_id="s",
        scenario_digest="d",
        verdict="ok",
        turns=(TurnRecord(user="May I?", assistant=text),),
        started_at=NOON,
    )


def a_hypothesis(name: str = "hypothesis-1") -> Hypothesis:
    return Hypothesis(
        id=name, target_surface="tools", expected_failure="deletes unasked", failure_class=FailureClass.TOOL_USE
    )


def a_design(name: str = "experiment-1") -> ExperimentDesign:
    return ExperimentDesign(
        id=name,
        hypothesis_id="hypothesis-1",
        name="delete",
        stress_type="tool_chain",
        failure_class=FailureClass.TOOL_USE,
    )


def recording(run: Run) -> Work[Run]:
    """Return work that records ``run`` and returns it."""

    async def work(tx: Tx) -> Run:
        tx.record(run)
        return run

    return work


async def never(tx: Tx) -> None:
    raise AssertionError("this step is stored; it must not run again")


def child(script: Path, *arguments: object) -> subprocess.Popen[str]:
    """Start ``script`` in another process; its standard output is a pipe."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(script), *map(str, arguments)],
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
            "PYTHONDONTWRITEBYTECODE": "",  # children import faster when one has compiled
            "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "tinman-tests-pycache"),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
