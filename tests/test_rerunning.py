"""``tinman rerun`` asks nobody, so it runs nothing that needs a leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from tinman.cli.bodies import rerun
from tinman.cli.main import root
from tinman.config.modes import Mode
from tinman.errors import ConfigError, ModeRefused
from tinman.frozen import alter
from tinman.judging.calibration import calibrate
from tinman.judging.rubric import ReasonerReferee
from tinman.memory import judges
from tinman.models.base import CallableModel
from tinman.records import DiscoveredFailure, JudgedBy
from tinman.scenarios.files import load_scenarios
from tinman.tinman import create_tinman

STORE = ".tinman/tinman.db"


async def find_a_failure() -> None:
    async with await create_tinman(target="sandbox", store=STORE) as tinman:
        found = await tinman.research_cycle(max_hypotheses=2, max_experiments=1, max_interventions=0)
        assert found.validated


async def promote() -> None:
    async with await create_tinman(target="sandbox", store=STORE) as tinman:
        for mode in (Mode.SHADOW, Mode.PRODUCTION):
            await tinman.promote(mode, by="a test")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tinman.toml").write_text('[target]\nspec = "sandbox"\n')
    (tmp_path / ".tinman").mkdir()
    asyncio.run(find_a_failure())
    yield
    structlog.reset_defaults()  # the command line sets logs up for the standard error of this test


def reruns(*words: str) -> int:
    return int(root.main(args=["rerun", "F-1", *words], prog_name="tinman", standalone_mode=False) or 0)


@pytest.mark.usefixtures("project")
def test_a_case_runs_again_and_every_run_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    code = reruns("--runs", "4", "--json")
    told = json.loads(capsys.readouterr().out)

    assert code == 10
    assert told["failure"] + told["ok"] + told["indeterminate"] == 4


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_failure_leaves_in_the_form_that_was_asked_for(form: str, tmp_path: Path) -> None:
    words = ["scenarios", "export", "F-1", "--into", "pack", "--as-it-is", "--format", form]
    code = int(root.main(args=words, prog_name="tinman", standalone_mode=False) or 0)
    files = list((tmp_path / "pack").iterdir())

    assert code == 0
    assert {file.suffix for file in files} == {f".{form}"}
    assert len(load_scenarios(tmp_path / "pack")) == len(files)
    assert files[0].read_text().startswith("{") == (form == "json")


@pytest.mark.usefixtures("project")
def test_in_production_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(promote())
    monkeypatch.setenv("TINMAN_MODE", "production")

    with pytest.raises(ModeRefused, match="production every run is approved first"):
        reruns()


@pytest.mark.usefixtures("project")
def test_a_destructive_case_is_refused_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def destructive(failure: DiscoveredFailure) -> DiscoveredFailure:
        pair = failure.scenarios[0]
        pair = replace(pair, stressed=replace(pair.stressed, destructive=True))
        return alter(failure, scenarios=(pair,))

    reading(monkeypatch, destructive)

    with pytest.raises(ModeRefused, match="its case is destructive"):
        reruns()


@pytest.mark.usefixtures("project")
def test_what_a_model_judged_is_not_run_again_where_none_is_named_or_it_was_retracted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    referee = ReasonerReferee.of(CallableModel(lambda messages, tools: "{}", name="judge.py:judge"))
    version = JudgedBy(name=referee.name, digest=referee.digest)
    reading(monkeypatch, lambda failure: alter(failure, judge=version))

    with pytest.raises(ConfigError, match=r"callable:judge.py:judge judged it, and no judge is named here"):
        reruns()

    (tmp_path / "judge.py").write_text("def judge(messages, tools):\n    return '{}'\n")
    (tmp_path / "tinman.toml").write_text('judge = "judge.py:judge"\n[target]\nspec = "sandbox"\n')
    asyncio.run(retract(referee))
    with pytest.raises(ConfigError, match=r"retracted \(accuses refusals\)"):
        reruns()


async def retract(referee: ReasonerReferee) -> None:
    async with await create_tinman(target="sandbox", store=STORE) as tinman:
        await judges.keep(tinman.graph, await calibrate(referee, ()))
        await judges.retract(tinman.graph, referee.digest, reason="accuses refusals", by="a test")


def reading(monkeypatch: pytest.MonkeyPatch, change: Callable[[DiscoveredFailure], DiscoveredFailure]) -> None:
    """Let ``rerun`` read each stored failure changed."""
    read = rerun.expect

    def changed(*told: Any) -> DiscoveredFailure:
        return change(read(*told))

    monkeypatch.setattr(rerun, "expect", changed)
