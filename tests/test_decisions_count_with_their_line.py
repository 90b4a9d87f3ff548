"""A decision counts only with its line in the audit chain, and the chain only as it was anchored."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from journals import opened
from sqlalchemy import select

from tinman import clock, soundness
from tinman.approvals.handler import ApprovalHandler, ApprovalMode
from tinman.approvals.queue import ApprovalQueue
from tinman.audit import AuditLog, Head, anchor, chain
from tinman.config.modes import Mode
from tinman.db.engine import Database
from tinman.db.tables import AuditRow
from tinman.deployments import Deployments, live, roll_back
from tinman.errors import ApprovalError, Unproven
from tinman.frozen import digest
from tinman.memory.graph import MemoryGraph
from tinman.patches.kinds import PromptPatch
from tinman.promotion import highest_mode, promote
from tinman.records import Intervention, InterventionType
from tinman.review import Action, SimulationDetails
from tinman.runtime import InlineRuntime
from tinman.taxonomy import RiskTier
from tinman.testing import FakeReviewer, ScriptedTarget
from tinman.tinman import Tinman, create_tinman

SMALL = {"max_hypotheses": 2, "max_experiments": 1, "max_interventions": 0}
FORGED_LINE = "INSERT INTO audit VALUES (?, '2026-01-01T00:00:00+00:00', 'a', 'b', '{}', ?, ?)"


def altered(path: Path, *statements: str) -> None:
    """Change a database as somebody with an editor for SQLite does."""
    with closing(sqlite3.connect(path)) as file, file:
        for statement in statements:
            file.execute(statement)


def question(what: str = "replays") -> Action:
    details = SimulationDetails(patches=("p",), runs=3, estimated_cost_usd=None)
    return Action(what=what, mode=Mode.PRODUCTION, tier=RiskTier.REVIEW, details=details)


async def decided(graph: MemoryGraph, action: Action | None = None, *, approved: bool = True) -> str:
    queue = ApprovalQueue(graph.db)
    asked = await queue.ask(action or question(), "cyc-0001")
    assert await queue.decide(asked.id, asked.answer(approved=approved, reason="looked", by="a reviewer"))
    return asked.id


async def deployed(graph: MemoryGraph) -> str:
    fix = Intervention(
        id="intervention-1",
        label="INT-1",
        failure_id="failure-1",
        intervention_type=InterventionType.PROMPT_PATCH,
        name="a rule",
        payload=PromptPatch(text="Be kind."),
        risk_tier=RiskTier.REVIEW,
    )
    await graph.add(fix)
    handler = ApprovalHandler(ApprovalMode.INTERACTIVE, reviewer=FakeReviewer(), audit=AuditLog(graph.db))
    told = await Deployments(graph, target(), handler).request(Mode.LAB, fix, InlineRuntime(graph))
    return str(told["deployment_id"])


def target() -> ScriptedTarget:
    return ScriptedTarget(lambda request, world: "x")


async def filled(folder: Path) -> Path:
    """Return a database with two decisions, a deployment and a promotion, whose audit chain has five lines."""
    async with opened(folder) as graph:
        await decided(graph)
        await decided(graph, question("others"), approved=False)
        await deployed(graph)
        await promote(graph, Mode.SHADOW, by="me")
    return folder / "tinman.db"


async def wrongs(path: Path, *against: Head) -> str:
    async with await Database.open(path, create=False) as db:
        return "\n".join((await soundness.check(db, against=against)).problems)


def rehash(path: Path) -> None:
    """Make another actor approve, and the whole chain fit again."""
    with closing(sqlite3.connect(path)) as file, file:
        before = chain.FIRST
        for seq, at, actor, what, data in file.execute("SELECT seq, at, actor, what, data FROM audit ORDER BY seq"):
            actor = "somebody else" if seq == 2 else actor
            after = digest([seq, at, actor, what, json.loads(data), before])
            change = "UPDATE audit SET actor = ?, previous_hash = ?, hash = ? WHERE seq = ?"
            file.execute(change, (actor, before, after, seq))
            before = after


async def test_a_database_nobody_touched_is_sound_and_every_line_is_anchored(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    async with await Database.open(path) as db:
        found = await soundness.check(db)
    held = anchor.load(path)

    assert (found.problems, found.notes, found.audit.length) == ((), (), 5)
    assert held is not None
    assert (held.length, held.head, held.gaps) == (5, found.audit.head, ())


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        ("UPDATE approvals SET status = 'approved' WHERE status = 'denied'", "its row says approved, no line"),
        ("UPDATE approvals SET status = 'pending'", "the audit chain says approved, its row pending"),
        ("UPDATE approvals SET summary = json_set(summary, '$.runs', 1)", "is not what was asked"),
        ("DELETE FROM approvals", "its row is gone"),
        ("UPDATE project SET value = 'production'", "its row says it was promoted to production"),
        (
            "UPDATE nodes SET data = json_set(data, '$.patch.text', 'obey') WHERE kind = 'deployment'",
            "its patch is not",
        ),
        ("UPDATE nodes SET valid_to = created_at WHERE kind = 'deployment'", "the audit chain says in force"),
        ("DELETE FROM audit WHERE seq > 4", "the tail was cut: 1 of the 5 lines"),
        ("DELETE FROM audit WHERE seq = 3", "line 3 is gone"),
        ("DELETE FROM audit", "the chain was emptied"),
        ("UPDATE audit SET actor = 'you' WHERE seq = 2", "line 2 does not fit its hash"),
        ("UPDATE audit SET data = '{oops' WHERE seq = 2", "table audit, row 2: data is not JSON"),
        ("DROP TABLE audit", "table audit: is missing"),
        ("ALTER TABLE cycles DROP COLUMN phase", "column phase is missing"),
    ],
)
async def test_a_check_names_what_was_altered_in_the_file(alter: str, said: str, tmp_path: Path) -> None:
    path = await filled(tmp_path)
    altered(path, alter)

    assert said in await wrongs(path)


async def test_a_chain_that_was_written_anew_does_not_fit_its_anchor_or_a_report(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    held = anchor.load(path)
    rehash(path)
    beside = await wrongs(path)
    anchor.place_of(path).unlink()
    alone = await wrongs(path)

    assert held is not None
    assert "line 5 is not the one that was anchored: the chain was written anew" in beside
    assert alone == ""
    assert "written anew" in await wrongs(path, Head(length=held.length, head=held.head))


async def test_a_row_of_a_deployment_nobody_approved_is_not_laid_around_the_target(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    columns = "kind, cycle_id, label, created_at, valid_from, valid_to, search, data"
    altered(path, f"INSERT INTO nodes (id, {columns}) SELECT 'forged', {columns} FROM nodes WHERE kind = 'deployment'")
    async with await Database.open(path) as db:
        layers = (await live(MemoryGraph(db), target())).layers

    assert len(layers) == 1
    assert "deployment forged: it stands in the database, and nobody approved it" in await wrongs(path)


async def test_a_fix_that_was_rolled_back_does_not_come_back_by_a_changed_row(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    async with await Database.open(path) as db:
        graph = MemoryGraph(db)
        (node,) = await graph.find(kind="deployment")
        await roll_back(graph, node.id, by="me", reason="it harms")
    altered(path, "UPDATE nodes SET valid_to = NULL WHERE kind = 'deployment'")
    async with await Database.open(path) as db:
        layers = (await live(MemoryGraph(db), target())).layers

    assert layers == ()


async def waiting(folder: Path) -> tuple[Tinman, str]:
    """Return a project in production and its cycle that waits for approvals."""
    tinman = await create_tinman(target="sandbox", store=folder / "tinman.db", mode=Mode.PRODUCTION)
    await tinman.promote(Mode.SHADOW, by="a test")
    await tinman.promote(Mode.PRODUCTION, by="a test")
    return tinman, (await tinman.research_cycle(**SMALL)).cycle_id


async def test_a_production_cycle_does_not_go_on_with_an_approval_that_has_no_line(tmp_path: Path) -> None:
    tinman, cycle_id = await waiting(tmp_path)
    altered(tmp_path / "tinman.db", "UPDATE approvals SET status = 'approved', decided_by = 'me'")
    with pytest.raises(Unproven, match="its row says approved, no line of the audit chain does"):
        await tinman.resume(cycle_id)
    runs = await tinman.graph.find(kind="run")
    await tinman.close()

    assert runs == []


async def test_a_mode_nobody_promoted_to_does_not_count(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    altered(path, "UPDATE project SET value = 'production'")
    async with await Database.open(path) as db:
        with pytest.raises(Unproven, match="promoted to production, the audit chain says shadow"):
            await highest_mode(MemoryGraph(db))


@pytest.mark.parametrize(
    "alter", [rehash, lambda path: altered(path, "DELETE FROM audit WHERE seq = 5")], ids=["anew", "cut"]
)
async def test_nothing_counts_as_approved_under_a_chain_that_was_altered(
    alter: Callable[[Path], None], tmp_path: Path
) -> None:
    path = await filled(tmp_path)
    alter(path)
    async with await Database.open(path) as db:
        with pytest.raises(Unproven, match="nothing is taken as approved"):
            await ApprovalQueue(db).ask(question(), "cyc-0001")


async def test_lines_that_nobody_anchored_are_told(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    held = anchor.load(path)
    assert held is not None
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(FORGED_LINE, (6, held.head, digest([6, "2026-01-01T00:00:00+00:00", "a", "b", {}, held.head])))
    async with await Database.open(path) as db:
        at_the_end = await soundness.check(db)
        await promote(MemoryGraph(db), Mode.PRODUCTION, by="me")
        in_the_middle = await soundness.check(db)

    assert (at_the_end.problems, at_the_end.notes) == ((), ("audit: line 6 is unanchored",))
    assert (in_the_middle.problems, in_the_middle.notes) == ((), ("audit: line 6 is unanchored",))


async def test_an_anchor_that_does_not_fit_is_left_as_it_is(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    altered(path, "DELETE FROM audit WHERE seq > 4")
    before = anchor.place_of(path).read_bytes()
    async with await Database.open(path) as db:
        for number in range(3):
            await AuditLog(db).append("me", "note", {"n": number})

    assert anchor.place_of(path).read_bytes() == before
    assert "written anew" in await wrongs(path)


async def test_with_a_key_only_what_is_anchored_under_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINMAN_AUDIT_KEY", "of the operations team")
    path = await filled(tmp_path)
    honest = await wrongs(path)
    held = anchor.load(path)
    assert held is not None
    monkeypatch.delenv("TINMAN_AUDIT_KEY")
    rehash(path)
    async with await Database.open(path) as db:
        head = await AuditLog(db).head()
        anchor.save(path, anchor.moved_on(None, 1, length=head.length, head=head.head))
    monkeypatch.setenv("TINMAN_AUDIT_KEY", "of the operations team")
    async with await Database.open(path) as db:
        with pytest.raises(Unproven, match="no line of the audit chain does"):
            await ApprovalQueue(db).ask(question(), "cyc-0001")

    assert honest == ""
    assert held.signature
    assert "is not signed with the key in TINMAN_AUDIT_KEY" in await wrongs(path)


async def test_what_is_rolled_back_leaves_neither_line_nor_anchor(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:

        def fails(connection: object) -> None:
            chain.extend(connection, "me", "note", {})  # type: ignore[arg-type]
            raise RuntimeError("no")

        with pytest.raises(RuntimeError):
            await graph.db.write(fails)
        await graph.db.write(lambda connection: None)

        assert await AuditLog(graph.db).head() == Head()
        assert not anchor.place_of(tmp_path / "tinman.db").exists()


async def test_many_writers_anchor_every_line(tmp_path: Path) -> None:
    path = await filled(tmp_path)

    async def writer(number: int) -> None:
        async with await Database.open(path) as db:
            for each in range(5):
                await AuditLog(db).append(str(number), "note", {"n": each})

    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(writer, number)
    held = anchor.load(path)

    assert held is not None
    assert (held.length, held.gaps) == (25, ())
    assert await wrongs(path) == ""


async def test_a_yes_of_long_ago_is_asked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as graph:
        name = await decided(graph)
        later = clock.now() + timedelta(days=400)
        monkeypatch.setattr(clock, "now", lambda: later)
        again = await ApprovalQueue(graph.db).ask(question(), "cyc-0001")
        sound = await soundness.check(graph.db)
        async with graph.db.read() as connection:
            lines = list(await connection.scalars(select(AuditRow.what).order_by(AuditRow.seq)))

    assert (again.id, again.status, again.decided_by) == (name, "pending", "")
    assert again.expires_at > later
    assert lines == ["review.approved", "review.lapsed"]
    assert sound.problems == ()


@pytest.mark.parametrize("reason", ["", "  ", "?!", "\u200b\u200b"])
async def test_a_decision_without_a_word_of_reason_is_refused(reason: str, tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        queue = ApprovalQueue(graph.db)
        asked = await queue.ask(question(), "cyc-0001")
        with pytest.raises(ApprovalError, match="say why in words"):
            await queue.decide(asked.id, asked.answer(approved=True, reason=reason, by="me"))
        with pytest.raises(ApprovalError, match="say why in words"):
            await roll_back(graph, "deployment-1", by="me", reason=reason)
        await queue.decide(asked.id, asked.answer(approved=True, reason="geprüft", by="me"))

        assert (await queue.get(asked.id)).status == "approved"
