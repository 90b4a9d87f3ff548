"""``tinman deployments`` tells which fixes are in force, since when and by whom, and takes them back with a reason."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from journals import opened
from sqlalchemy import select

from tinman.approvals.handler import ApprovalHandler, ApprovalMode
from tinman.audit import AuditLog
from tinman.cli.main import main
from tinman.config.modes import Mode
from tinman.db.tables import AuditRow
from tinman.deployments import Deployments
from tinman.patches.kinds import PromptPatch
from tinman.records import Intervention, InterventionType
from tinman.runtime import InlineRuntime
from tinman.taxonomy import RiskTier
from tinman.testing import FakeReviewer, ScriptedTarget


async def deployed(folder: Path) -> str:
    """Return the id of a fix that is in force in the database of ``folder``."""
    fix = Intervention(
        id="intervention-1",
        label="INT-1",
        failure_id="failure-1",
        intervention_type=InterventionType.PROMPT_PATCH,
        name="a rule",
        payload=PromptPatch(text="Be kind."),
        risk_tier=RiskTier.REVIEW,
    )
    async with opened(folder) as graph:
        await graph.add(fix)
        handler = ApprovalHandler(ApprovalMode.INTERACTIVE, reviewer=FakeReviewer(), audit=AuditLog(graph.db))
        target = ScriptedTarget(lambda request, world: "x")
        told = await Deployments(graph, target, handler).request(Mode.LAB, fix, InlineRuntime(graph))
        return str(told["deployment_id"])


async def last_line(folder: Path) -> AuditRow:
    async with opened(folder) as graph, graph.db.read() as connection:
        newest = select(AuditRow.actor, AuditRow.what, AuditRow.data).order_by(AuditRow.seq.desc()).limit(1)
        return (await connection.execute(newest)).one()


def test_a_deployment_is_listed_rolled_back_once_and_both_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    def told(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["--db", "tinman.db", "deployments", *arguments])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    name = asyncio.run(deployed(tmp_path))
    before = json.loads(told("list", "--json")[1])
    shown = told("list")[1]
    rolled = told("roll-back", name[:20], "--reason", "it harms")
    after = json.loads(told("list", "--json")[1])
    audited = asyncio.run(last_line(tmp_path))

    assert before.keys() == {"schema", "id", "intervention", "target", "mode", "by", "since", "until"}
    assert (before["id"], before["intervention"], before["mode"], before["until"]) == (name, "INT-1", "lab", None)
    assert shown.startswith(f"  {name}  INT-1")
    assert "in force" in shown
    assert rolled == (0, "", f"rolled back: {name}\n")
    assert after["since"] < after["until"]
    assert "until" in told("list")[1]
    assert (audited.actor, audited.what) == ("command line (unverified)", "deployment.rolled_back")
    assert audited.data == {"deployment": name, "reason": "it harms"}
    assert told("roll-back", name, "--reason", "again")[0] == 2
    assert "is a intervention, not a deployment" in told("roll-back", "INT-1", "--reason", "x")[2]
    assert told("roll-back", name)[0] == 2
