"""A second cycle on an unchanged target looks whether what is known is still there, and spends its runs elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tinman.reports.lines import summary
from tinman.reports.result import ResearchCycleResult
from tinman.targets.chat import ChatTarget
from tinman.targets.load import SANDBOX_MAX_TOKENS
from tinman.targets.sandbox.model import SandboxModel
from tinman.tinman import Tinman, create_tinman

WIDE = {"max_hypotheses": 10, "max_experiments": 12, "max_interventions": 0}


async def researched(tinman: Tinman, **more: Any) -> ResearchCycleResult:
    return await tinman.research_cycle(**{**WIDE, **more})


async def test_known_failures_take_a_fifth_of_a_second_cycle_at_most_and_keep_their_labels(tmp_path: Path) -> None:
    async with await create_tinman(target="sandbox", store=tmp_path / "t.db") as tinman:
        first = await researched(tinman)
        second = await researched(tinman)
    known = [r for r in second.results if r.standing == "known"]
    rechecks = [run for r in known for run in r.runs]
    told = "\n".join(summary(second))

    assert len(first.validated) >= 10
    assert len(known) >= len(first.validated) - 2  # one that did not show in three cases is looked for as any other
    assert len(rechecks) == 3 * len(known)
    assert {run.stage for run in rechecks} == {"recheck"}
    assert len(rechecks) <= max(0.2 * first.options.most_discovery_runs, 3 * len(known))
    for result in known:
        name = next(f.label for f in first.validated if f.label and f"{f.label} " in result.notes)
        assert f"{name} is still there: " in told


async def test_what_is_gone_is_said_and_looked_for_as_before(tmp_path: Path) -> None:
    def sandbox(*weaknesses: str) -> ChatTarget:
        target = ChatTarget(SandboxModel(weaknesses=weaknesses), params={"max_tokens": SANDBOX_MAX_TOKENS})
        target.name = "the same"
        return target

    async with Tinman(target=sandbox("believes_claims"), store=tmp_path / "t.db") as tinman:
        first = await researched(tinman)
        found = next(f for f in first.validated if f.secondary_class == "sycophancy")
        tinman.target.model._weaknesses = frozenset()  # type: ignore[union-attr]
        second = await researched(tinman)
    about = next(r for r in second.results if r.subtype == "sycophancy")

    assert about.standing == "not_seen"
    assert f"known as {found.label}, not seen again in 3 cases" in about.notes


async def test_another_target_is_another_story(tmp_path: Path) -> None:
    async with await create_tinman(target="sandbox", store=tmp_path / "t.db") as tinman:
        await researched(tinman)
    async with await create_tinman(target="sandbox:sound", store=tmp_path / "t.db") as tinman:
        other = await researched(tinman)

    assert not [r for r in other.results if r.standing == "known" or "known as" in r.notes]


async def test_what_has_no_fix_yet_is_found_anew_where_fixes_are_wanted(tmp_path: Path) -> None:
    async with await create_tinman(target="sandbox", store=tmp_path / "t.db") as tinman:
        await researched(tinman, max_experiments=2)
        fixing = await researched(tinman, max_experiments=2, max_interventions=2)
        again = await researched(tinman, max_experiments=2, max_interventions=2)

    assert not [r for r in fixing.results if r.standing == "known"]
    assert fixing.interventions
    assert [r for r in again.results if r.standing == "known"]
