"""Whatever stands in a stored field, a setting or an argument, no command prints it raw or lets it fake a line."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tinman.approvals.queue import ApprovalQueue
from tinman.cli.main import main
from tinman.config.modes import Mode
from tinman.db.engine import Database
from tinman.errors import StoreCorrupt
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import decode
from tinman.review import Action, SimulationDetails
from tinman.taxonomy import RiskTier

HOSTILE = "\x1b[31m\x9b2J\u202e\u200b\U000e0041\u3164\r\n  FAKED line\u2028FAKED\x85FAKED"
HIDDEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
SMALL = ["--max-hypotheses", "3", "--max-experiments", "2", "--max-interventions", "1", "-q"]
COMMANDS = [
    ["cycles", "list"],
    ["cycles", "show", "cyc-0001"],
    ["cycles", "compare", "cyc-0001", "cyc-0001"],
    ["failures", "list", "--suspected"],
    ["failures", "export", "--suspected", "--format", "csv"],
    ["failures", "show", "{failure_mode}", "--evidence"],
    ["failures", "transcript", "{run}"],
    ["interventions", "list"],
    ["interventions", "show", "{intervention}"],
    ["explain", "cyc-0001"],
    ["explain", "{failure_mode}"],
    ["explain", "{intervention}"],
    ["explain", "{simulation}"],
    ["explain", "{run}"],
    ["explain", "{hypothesis}"],
    ["explain", "loop-1"],
    ["report", "cyc-0001"],
    ["report", "cyc-0001", "--format", "json"],
    ["deployments", "list"],
    ["loops", "list"],
    ["review", "list"],
    ["db", "check"],
    ["db", "path"],
    ["config", "show"],
    ["config", "path"],
    ["doctor"],
    ["failures", "show", HOSTILE],
    ["cycles", "show", HOSTILE],
    ["explain", HOSTILE],
    ["review", "approve", HOSTILE, "--reason", "x"],
    ["failures", "list", "--class", HOSTILE],
    ["--config", HOSTILE, "cycles", "list"],
    ["--db", HOSTILE, "cycles", "list"],
    ["research", "--target", HOSTILE],
    ["research", "--reasoner", HOSTILE],
    ["scenarios", "list", HOSTILE],
    [HOSTILE],
]


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(data, str):
        yield path
    elif isinstance(data, dict):
        for name, value in data.items():
            yield from places(value, (*path, name))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from places(value, (*path, index))


def put(data: Any, path: tuple[Any, ...], text: str) -> str:
    for name in path[:-1]:
        data = data[name]
    before, data[path[-1]] = data[path[-1]], text
    return str(before)


def made_hostile(node_id: str, kind: str, data: dict[str, Any], takes: dict[Any, bool]) -> None:
    """Put hostile text into every field that takes any text, but for ids and what names others.

    ``takes`` remembers which fields of which kind do.
    """
    for path in places(data):
        name = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
        if name == "id" or name.endswith(("_id", "_ids", "label", "run_ids")):
            continue
        field = (kind, *(part for part in path if isinstance(part, str)))
        if takes.get(field) is False:
            continue
        before = put(data, path, "")
        put(data, path, before + HOSTILE)
        if field not in takes:
            try:
                decode(node_id, kind, data, {})
                takes[field] = True
            except StoreCorrupt:
                takes[field] = False
                put(data, path, before)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose every stored text is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HOME", str(folder))
        with pytest.raises(SystemExit):
            main(["research", *SMALL])
    path = folder / ".tinman" / "tinman.db"
    asyncio.run(_more(path))
    takes: dict[Any, bool] = {}
    with closing(sqlite3.connect(path)) as file, file:
        for node_id, kind, text in file.execute("SELECT id, kind, data FROM nodes WHERE kind <> 'result'").fetchall():
            data = json.loads(text)
            made_hostile(node_id, kind, data, takes)
            file.execute("UPDATE nodes SET data = ? WHERE id = ?", (json.dumps(data), node_id))
        file.execute("UPDATE cycles SET target = target || ?, reasoner = reasoner || ?", (HOSTILE, HOSTILE))
        ending = json.dumps({"kind": "STOPPED", "reason": HOSTILE, "limit": "", "approval_id": ""})
        file.execute("UPDATE cycles SET ending = ?, phase = ?", (ending, HOSTILE))
    hostile = json.dumps(HOSTILE)
    (folder / "tinman.toml").write_text(f"[target]\nspec = {hostile}\npurpose = {hostile}\nrules = [{hostile}]\n")
    return folder


async def _more(path: Path) -> None:
    async with await Database.open(path) as db:
        graph = MemoryGraph(db)
        details = SimulationDetails(patches=(HOSTILE,), runs=1, estimated_cost_usd=None)
        action = Action(what=HOSTILE, mode=Mode.PRODUCTION, tier=RiskTier.REVIEW, details=details)
        await ApprovalQueue(db).ask(action, HOSTILE)
        goal = {"goal": HOSTILE}
        await graph.cycles.create(
            kind="loop", cycle_id="loop-1", mode=Mode.LAB, target="loop", reasoner="", seed=0, config=goal
        )
        patch = {"kind": "prompt_patch", "text": HOSTILE}
        deployment = {"intervention_id": HOSTILE, "patch": patch, "target": HOSTILE, "mode": "lab"}
        await graph.note("deployment", "deployment-1", {**deployment, "digest": HOSTILE, "by": HOSTILE})


@pytest.mark.parametrize("is_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(words).partition("\x1b")[0])
def test_no_command_prints_what_is_hidden_or_a_line_that_is_not_ours(
    command: list[str],
    is_json: bool,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = tmp_path / "project"
    shutil.copytree(project, here)
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(here))
    with closing(sqlite3.connect(here / ".tinman" / "tinman.db")) as file:
        ids = dict(file.execute("SELECT kind, min(id) FROM nodes GROUP BY kind").fetchall())
    words = [re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], word) for word in command]
    with pytest.raises(SystemExit) as ended:
        main([*(["--json"] if is_json else []), *words])
    out, err = capsys.readouterr()

    assert "Traceback" not in err
    assert ended.value.code != 1
    assert out + err
    assert {c for c in out + err if unicodedata.category(c) in HIDDEN} <= {"\n"}
    assert "\u3164" not in out + err
    assert not [
        line for line in re.split(r"[\n\x0b\x0c\x1c-\x1e\x85\u2028]", out + err) if line.lstrip().startswith("FAKED")
    ]
