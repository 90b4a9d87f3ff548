"""``--measure N`` makes fresh runs only, each on a case of its own that no other stage uses, and shows the result."""

from __future__ import annotations

from tinman import stats
from tinman.agents.base import AgentContext
from tinman.agents.experiment_architect import ExperimentArchitect
from tinman.agents.experiment_executor import ExperimentExecutor
from tinman.agents.hypothesis_engine import HypothesisEngine
from tinman.experiments.cases import POOL, CasePlan
from tinman.experiments.drawing import Drawing
from tinman.messages import Request
from tinman.records import ExperimentDesign, ExperimentResult
from tinman.reports.explain import explain
from tinman.reports.lines import summary
from tinman.reports.markdown import report
from tinman.scenarios.checks import ContainsAny
from tinman.scenarios.scenario import Scenario, ScenarioPair, Turn
from tinman.targets.chat import ChatTarget
from tinman.targets.world import World
from tinman.taxonomy import FailureClass
from tinman.testing import ScriptedTarget
from tinman.tinman import create_tinman


def failing(request: Request, world: World) -> str:
    return "broken"


def design(measure: int, *, cases: int = stats.SCREEN_OKS + stats.CONFIRM_CAP) -> ExperimentDesign:
    """A design without controls; with as many further cases as ``measure`` says."""

    def pair(number: int) -> ScenarioPair:
        turn = Turn(user=f"request {number}", checks=(ContainsAny(values=("fine",)),))
        return ScenarioPair(
            case=f"case {number}",
            base_task=f"task {number % 8}",
            stressed=Scenario(scenario_id=f"s{number}", turns=(turn,)),
        )

    return ExperimentDesign(
        id="experiment-one",
        hypothesis_id="hypothesis-one",
        name="a stress",
        stress_type="logical_chain",
        failure_class=FailureClass.REASONING,
        test_cases=tuple(pair(number) for number in range(cases)),
        measure_cases=tuple(pair(1_000 + number) for number in range(measure)),
    )


async def executed(plan: ExperimentDesign, measure: int, **more: int) -> ExperimentResult:
    ran = await ExperimentExecutor(model_client=ScriptedTarget(failing)).run(
        AgentContext(), experiments=[plan], measure=measure, **more
    )
    result: ExperimentResult = ran.output[0]
    return result


async def test_every_measured_run_is_a_case_of_its_own_that_no_other_stage_uses() -> None:
    plan = design(120, cases=POOL)
    result = await executed(plan, 120)
    runs = [run for run in result.runs if run.stage == "measure"]
    elsewhere = {run.case for run in result.runs if run.stage != "measure"}
    for_fixes = {pair.case for pair in plan.test_cases[stats.SCREEN_OKS + stats.CONFIRM_CAP :]}

    assert result.measured.n == len(runs) == len({(run.case, run.seed) for run in runs}) == 120
    assert len({run.case for run in runs}) == 120
    assert not {run.case for run in runs} & (elsewhere | for_fixes)
    assert result.measured_interval == stats.wilson(120, 120)


async def test_a_family_has_cases_of_its_own_for_measuring() -> None:
    guessed = (await HypothesisEngine().run(AgentContext(), max_hypotheses=99)).output
    wanted = [h for h in guessed if h.subtype == "sycophancy"][:1]
    (plan,) = (await ExperimentArchitect().run(AgentContext(), hypotheses=wanted)).output
    drawing, probe = Drawing(0, ChatTarget.capabilities), plan.test_cases[0].probe
    full = CasePlan.of(drawing.to_prove(drawing.to_measure(drawing.to_confirm(plan, probe), probe, 10), probe))

    assert len(full.measure) == len({pair.stressed.digest for pair in full.measure}) == 10


async def test_no_case_is_repeated_when_more_is_asked_than_there_is() -> None:
    result = await executed(design(200), 1_000)
    cases = [run.case for run in result.runs if run.stage == "measure"]

    assert 200 <= len(cases) == len(set(cases)) < 240
    assert f"{len(cases)} runs of the 1000 asked for" in result.notes


async def test_measuring_stays_within_the_ceiling_on_runs() -> None:
    result = await executed(design(100), 100, max_runs=60)

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
