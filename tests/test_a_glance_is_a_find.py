"""What is listed at a glance is what the memory would have found; where a glance cannot do, it says so."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from journals import opened, recording

from tinman import clock
from tinman.errors import StoreCorrupt, StoreError
from tinman.memory.glance import glance
from tinman.records import DiscoveredFailure
from tinman.runtime import InlineRuntime
from tinman.taxonomy import FailureClass, Severity


def failure(number: int) -> DiscoveredFailure:
    return DiscoveredFailure(
        id=f"failure-{number}",
        label=f"F-{number}",
        primary_class=FailureClass.REASONING,
        severity=Severity.S2,
        description=f"fails {number} times, ü",
        experiment_id="e",
        reproducibility=number / 10,
    )


async def test_it_sees_what_the_memory_finds(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        place = graph.db.place
        for cycle in ("cyc-1", "cyc-2"):
            runtime = InlineRuntime(graph, cycle_id=cycle)
            for number in (1, 2):
                await runtime.step(f"{cycle}/{number}", recording(failure(number + 10 * int(cycle[-1]))))
        now = clock.now()
        for filters in (
            {},
            {"cycle_id": "cyc-2"},
            {"cycle_id": "cyc-9"},
            {"since": now - timedelta(days=1)},
            {"since": now + timedelta(days=1)},
            {"cycle_id": "cyc-1", "since": datetime(2020, 1, 1, tzinfo=UTC)},
        ):
            found = await graph.find(kind="failure_mode", **filters)  # type: ignore[arg-type]
            assert glance(place, "failure_mode", **filters) == found  # type: ignore[arg-type]
        assert len(await graph.find(kind="failure_mode")) == 4


async def test_another_schema_another_database_and_no_schema_are_left_to_who_can(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        place = graph.db.place
    assert glance(place, "failure_mode") == []
    assert glance(f"sqlite:///{place}", "failure_mode") == []
    assert [each.name for each in tmp_path.glob("*.db-*")] == []
    for other in ("postgresql://somewhere/tinman", f"sqlite:///{place}?timeout=3", "sqlite:///a%20b.db", ":memory:"):
        assert glance(other, "failure_mode") is None
    with closing(sqlite3.connect(place)) as older, older:
        older.execute("UPDATE alembic_version SET version_num = '0001'")
    assert glance(place, "failure_mode") is None
    (tmp_path / "empty.db").touch()
    assert glance(str(tmp_path / "empty.db"), "failure_mode") is None


def test_a_file_that_is_none_or_no_database_is_refused_as_when_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is none"):
        glance(str(tmp_path / "none.db"), "failure_mode")
    (tmp_path / "text.db").write_text(
        "this is a letter, not a database, and longer than a header of one hundred bytes" * 2
    )
    with pytest.raises(StoreCorrupt, match="not a SQLite database"):
        glance(str(tmp_path / "text.db"), "failure_mode")
