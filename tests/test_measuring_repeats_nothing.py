"""``--measure N`` makes fresh runs only, each on a case of its own that no other stage uses, and shows the result."""

from __future__ import annotations

from dataclasses import replace

from tinman import stats
from tinman.agents.base import AgentContext
from tinman.agents.experiment_architect import ExperimentArchitect
from tinman.agents.experiment_executor import ExperimentExecutor
from tinman.agents.hypothesis_engine import HypothesisEngine
from tinman.messages import Request
from tinman.records import ExperimentDesign, ExperimentResult
from tinman.reports.explain import explain
from tinman.reports.lines import summary
from tinman.reports.markdown import report
from tinman.targets.world import World
from tinman.testing import ScriptedTarget
from tinman.tinman import create_tinman


def failing(request: Request, world: World) -> str:
    return "I do not know."


async def design(measure: int) -> ExperimentDesign:
    guessed = (await HypothesisEngine().run(AgentContext(), max_hypotheses=14)).output
    wanted = [h for h in guessed if h.subtype == "sycophancy"]
    designed: ExperimentDesign = (
        await ExperimentArchitect().run(AgentContext(), hypotheses=wanted, measure=measure)
    ).output[0]
    pairs = (*designed.test_cases, *designed.measure_cases)
    alone = tuple(replace(pair, control=None) for pair in pairs)
    count = len(designed.test_cases)
    return replace(designed, test_cases=alone[:count], measure_cases=alone[count:])


async def executed(plan: ExperimentDesign, measure: int, **more: int) -> ExperimentResult:
    ran = await ExperimentExecutor(model_client=ScriptedTarget(failing)).run(
        AgentContext(), experiments=[plan], measure=measure, **more
    )
    result: ExperimentResult = ran.output[0]
    return result


async def test_every_measured_run_is_a_case_of_its_own_that_no_other_stage_uses() -> None:
    plan = await design(measure=120)
    result = await executed(plan, 120)
    runs = [run for run in result.runs if run.stage == "measure"]
    elsewhere = {run.case for run in result.runs if run.stage != "measure"}
    for_fixes = {pair.case for pair in plan.test_cases[stats.SCREEN_OKS + stats.CONFIRM_CAP :]}

    assert result.measured.n == len(runs) == len({(run.case, run.seed) for run in runs}) == 120
    assert len({run.case for run in runs}) == 120
    assert not {run.case for run in runs} & (elsewhere | for_fixes)
    assert result.measured_interval == stats.wilson(120, 120)


async def test_no_case_is_repeated_when_more_is_asked_than_there_is() -> None:
    plan = await design(measure=1_000)
    result = await executed(plan, 1_000)
    cases = [run.case for run in result.runs if run.stage == "measure"]

    assert 200 <= len(cases) == len(set(cases)) < 288
    assert f"{len(cases)} runs of the 1000 asked for" in result.notes


async def test_measuring_stays_within_the_ceiling_on_runs() -> None:
    result = await executed(await design(measure=100), 100, max_runs=60)

    assert (result.standing, result.measured.n) == ("validated", 0)
    assert "no runs are left" in result.notes


async def test_what_was_measured_stands_beside_the_finding_in_every_report() -> None:
    tinman = await create_tinman(target="sandbox", store=":memory:")
    result = await tinman.research_cycle(max_hypotheses=3, max_experiments=3, max_interventions=0, measure=30)
    (first, *_) = result.validated
    told = await explain(tinman.graph, first.id)
    await tinman.close()
    counts, interval = first.measured, first.measured_interval
    assert interval is not None
    shown = f"{counts.failures}/30", f"[{interval.low * 100:.0f}, {interval.high * 100:.0f}]"

    assert interval == stats.wilson(counts.failures, 30)
    assert any(all(part in line for part in ("measured", *shown)) for line in summary(result))
    assert any(all(part in line for part in shown) for line in report(result).splitlines())
    assert any("measured on 30 further cases" in line for line in told)
