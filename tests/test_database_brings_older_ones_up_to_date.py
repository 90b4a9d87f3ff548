"""A database of an older Tinman is brought up to date when it is opened, and nothing in it is lost."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from journals import a_cycle, a_run, asked, opened, recording

from tinman.approvals.queue import ApprovalQueue
from tinman.config.modes import Mode
from tinman.db import migrate
from tinman.db.engine import Database
from tinman.db.file import SCHEMA_VERSION
from tinman.memory.graph import MemoryGraph
from tinman.records import Ending, ExperimentDesign, Hypothesis, Spent
from tinman.review import Action, SimulationDetails
from tinman.runtime import JournalRuntime, Tx
from tinman.taxonomy import FailureClass, RiskTier

CEILING = "budget: calls ceiling 4 reached (4 used); raise it to go on"


def _with_reasons_as_text(older: sqlite3.Connection) -> None:
    """Give the table of cycles the columns it had up to the second schema."""
    for name, kind in (("stopped_reason", "VARCHAR NOT NULL DEFAULT ''"), ("summary", "JSON")):
        older.execute(f"ALTER TABLE cycles ADD COLUMN {name} {kind}")
    for name in ("ending", "spent"):
        older.execute(f"ALTER TABLE cycles DROP COLUMN {name}")


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
        _with_reasons_as_text(older)
        older.execute("UPDATE alembic_version SET version_num = '0001'")

    async with await Database.open(path) as db:
        graph = MemoryGraph(db)
        await asked(db, migrate.check)

        assert await asked(db, migrate.current) == SCHEMA_VERSION
        assert [each.id for each in await graph.cycles.newest()] == [cycle_id]
        assert [each.config for each in await graph.cycles.newest("loop")] == [{"goal": "g"}]
        async with JournalRuntime(graph, cycle_id) as runtime:
            assert await runtime.value("k") == a_run()


async def test_what_hid_in_free_form_members_has_fields_of_its_own(tmp_path: Path) -> None:
    """Rows as the second schema held them: a hypothesis, its design, how cycles and a loop ended, two steps' values."""
    guess = Hypothesis(
        id="h", target_surface="s", expected_failure="f", failure_class=FailureClass.REASONING, family="sycophancy"
    )
    plan = ExperimentDesign(
        id="e", hypothesis_id="h", name="n", stress_type="s", failure_class=FailureClass.REASONING, forecast=0.25
    )

    async def guessing(tx: Tx) -> tuple[bool, tuple[Hypothesis, ...]]:
        tx.record(guess)
        return True, (guess,)

    async with opened(tmp_path) as graph:
        ids = [await a_cycle(graph) for _ in range(4)]
        await graph.cycles.create(
            kind="loop", cycle_id="loop-1", mode=Mode.LAB, target="loop", reasoner="", seed=0, config={"goal": "g"}
        )
        async with JournalRuntime(graph, ids[0]) as runtime:
            await runtime.step("hypotheses", guessing)
            await runtime.step("design/h", recording(plan))
        details = SimulationDetails(patches=("p1", "p2"), runs=80, estimated_cost_usd=None)
        action = Action(what="a, b", mode=Mode.LAB, tier=RiskTier.REVIEW, details=details)
        question = await ApprovalQueue(graph.db).ask(action, ids[0])
        path = Path(graph.db.place)
    with closing(sqlite3.connect(path)) as older, older:
        _with_reasons_as_text(older)
        rows = {
            ids[1]: ("paused", CEILING, {"ended_as": "BUDGET_EXHAUSTED", "calls": 4, "tokens": 9, "seconds": 1.5}),
            ids[2]: ("paused", "awaiting approval approval-1", {"ended_as": "AWAITING_APPROVAL", "calls": 0}),
            ids[3]: ("cancelled", "cancelled on the command line", None),
            "loop-1": ("paused", "AWAITING_APPROVAL", {"reason": "wipe waits", "iterations": 2}),
        }  # fmt: skip
        for cycle_id, (status, reason, summary) in rows.items():
            older.execute(
                "UPDATE cycles SET status = ?, stopped_reason = ?, summary = ? WHERE id = ?",
                (status, reason, summary and json.dumps(summary), cycle_id),
            )
        moved = (("h", "family", "metadata"), ("e", "forecast", "parameters"))
        for node_id, name, into in moved:
            (text,) = older.execute("SELECT data FROM nodes WHERE id = ?", (node_id,)).fetchone()
            data = json.loads(text)
            data[into][name] = data.pop(name)
            older.execute("UPDATE nodes SET data = ? WHERE id = ?", (json.dumps(data), node_id))
        flat = json.dumps({"value": [True, {"$record": "h"}]})
        older.execute("UPDATE journal SET value = ? WHERE key = 'hypotheses'", (flat,))
        text = {"what": "a, b", "patch": "p1, p2", "runs": 80, "estimated_cost_usd": None}
        older.execute("UPDATE approvals SET summary = ?, digest = 'what it was'", (json.dumps(text),))
        older.execute("UPDATE alembic_version SET version_num = '0002'")

    async with await Database.open(path) as db:
        graph = MemoryGraph(db)
        await asked(db, migrate.check)
        ended = {cycle_id: await graph.cycles.get(cycle_id) for cycle_id in (*ids, "loop-1")}
        async with JournalRuntime(graph, ids[0]) as runtime:
            assert await runtime.value("hypotheses") == (True, (guess,))
            assert await runtime.value("design/h") == plan
        kept = await ApprovalQueue(db).ask(action, ids[0])

    assert (kept.id, kept.action, kept.digest, kept.status) == (question.id, action, action.digest, "pending")
    assert [ended[each].ending for each in (*ids, "loop-1")] == [
        None,
        Ending(kind="BUDGET_EXHAUSTED", reason=CEILING, limit="calls"),
        Ending(kind="AWAITING_APPROVAL", reason="awaiting approval approval-1", approval_id="approval-1"),
        Ending(kind="CANCELLED", reason="cancelled on the command line"),
        Ending(kind="AWAITING_APPROVAL", reason="wipe waits"),
    ]
    assert ended[ids[1]].spent == Spent(calls=4, tokens=9, seconds=1.5)
    assert ended[ids[3]].spent is None
