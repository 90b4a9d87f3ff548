"""``tinman rerun``: the case a failure was found with, again, live."""

from __future__ import annotations

from dataclasses import replace

from tinman import clock
from tinman.cli.app import App, Exit
from tinman.cli.project import open_project
from tinman.cli.settings import resolve
from tinman.cli.store import expect
from tinman.config.modes import Mode, experiment_needs_approval, run_limit
from tinman.deployments import live
from tinman.errors import ConfigError, ModeRefused, NotFound
from tinman.memory import judges
from tinman.options import ResearchOptions
from tinman.playbook.holding import invariants_of
from tinman.records import DiscoveredFailure
from tinman.scenarios.outcome import Outcome
from tinman.scenarios.run import run_scenario
from tinman.scenarios.scenario import Scenario
from tinman.scenarios.transcript import transcript_of
from tinman.surface import judged
from tinman.text.visible import shorten, visible
from tinman.tinman import Tinman


async def rerun(
    app: App, *, name: str, runs: int, target: str | None, base_url: str | None, max_calls: int | None
) -> int:
    """Run the case, print what came of it, and return the exit code: 10 when it failed at least once.

    Nobody is asked for leave here, so what needs a leave is not run: nothing in production, nothing destructive.
    Raises ``ModeRefused`` for those, ``NotFound`` for a failure without a case, ``ConfigError`` where a model has to
    judge and none is named or it was retracted, ``BudgetExhausted``.
    """
    said = {"target": {k: v for k, v in (("spec", target), ("base_url", base_url)) if v is not None}}
    settings = resolve(app, said if said["target"] else {}).settings
    mode = Mode(settings.mode)
    if experiment_needs_approval(mode):
        raise ModeRefused(f"rerun: in {mode} every run is approved first, which a cycle does; TINMAN_MODE=lab reruns")
    async with await open_project(app, settings, settings.target) as tinman:
        failure = expect(await tinman.graph.get(name), DiscoveredFailure, "a failure")
        if not failure.scenarios:
            raise NotFound(f"{name}: no case is stored with it; it was found by another version")
        pair = failure.scenarios[0]
        if pair.stressed.destructive:
            raise ModeRefused(
                f"{name}: its case is destructive; a cycle with --allow-destructive runs it, once it is approved"
            )
        if failure.judge is not None and not tinman.judge_name:
            raise ConfigError(
                f"{name}: {failure.judge.name} judged it, and no judge is named here; set judge in tinman.toml"
            )
        options = ResearchOptions()
        if max_calls is not None:
            options = replace(options, max_calls=max_calls)
        most = run_limit(mode, runs)
        if most < runs:
            app.say(f"In {mode} at most {most} runs are made.")
        outcomes = await _outcomes(tinman, pair.stressed, most, options)
    counts = {v: sum(each.verdict == v for each in outcomes) for v in ("failure", "ok", "indeterminate")}
    shown = next((each for each in reversed(outcomes) if each.verdict == "failure"), outcomes[-1])
    told = f"{failure.label or failure.id}: {shorten(failure.description, 200)}"
    lines = [
        told,
        f"  case {pair.case}: {counts['failure']} of {len(outcomes)} runs failed"
        + (f", {counts['indeterminate']} gave nothing to judge: {shown.reason}" if counts["indeterminate"] else ""),
        "",
        *transcript_of(shown.turns).split("\n"),
    ]
    data = {"schema": "tinman.rerun/1", "failure": failure.label or failure.id, "case": pair.case, **counts}
    app.answer(data, *(visible(line) for line in lines))
    return Exit.FOUND if counts["failure"] else Exit.DONE if counts["ok"] else Exit.INCOMPLETE


async def _outcomes(tinman: Tinman, scenario: Scenario, runs: int, options: ResearchOptions) -> tuple[Outcome, ...]:
    """Run ``scenario`` on the target as it is now, on dice of its own each time; nothing is stored."""
    async with tinman.spending("", options) as meters:
        target = await live(tinman.graph, tinman.target.metered(meters.of_target(retries=1)))
        if (referee := tinman.referee(meters)) is not None:
            await judges.check(tinman.graph, referee)
        surface = judged(tinman.surface) if referee else tinman.surface
        held = invariants_of(scenario, surface, target.world)
        seeds = [clock.derive_seed(options.seed, f"rerun/{number}") for number in range(runs)]
        return tuple(
            [await run_scenario(target, scenario, seed=seed, invariants=held, referee=referee) for seed in seeds]
        )
