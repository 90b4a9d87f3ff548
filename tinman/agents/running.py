"""One scenario run as a journaled step: the piece that executor and simulation share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tinman import clock
from tinman.agents.base import BaseAgent
from tinman.records import Arm, Counts, ExperimentDesign, Run, Stage
from tinman.runtime import Tx
from tinman.scenarios.run import run_scenario
from tinman.scenarios.scenario import Scenario, ScenarioPair
from tinman.targets.base import Target

_STAGE_NUMBERS: dict[Stage, int] = {
    "screen": 0,
    "confirm": 1_000,
    "measure": 2_000,
    "pick": 10_000,
    "prove": 20_000,
    "benign": 30_000,
    "reattack": 40_000,
}


def running(
    agent: BaseAgent,
    target: Target,
    design: ExperimentDesign,
    pair: ScenarioPair,
    *,
    stage: Stage,
    arm: Arm,
    number: int,
    seed: int,
    cycle_id: str,
    patch: str = "",
    about: str = "",
) -> tuple[str, Callable[[Tx], Awaitable[Run]]]:
    """Return the key and work of one run of one arm of ``pair``.

    The seed depends on experiment, stage and case, never on arm or patch: paired arms see the same dice. ``about``
    tells apart runs of the same cases for different interventions.
    """
    scenario: Scenario = pair.stressed if arm == "stress" or pair.control is None else pair.control
    key = "/".join(part for part in ("run", design.id, about, stage, patch or "as-is", arm, str(number)) if part)
    run_seed = clock.derive_seed(seed, f"{design.id}/{stage}/{pair.case}")

    async def work(tx: Tx) -> Run:
        await agent.checkpoint()
        outcome = await run_scenario(target, scenario, seed=run_seed, timeout_seconds=design.timeout_seconds)
        run = Run(
            id=clock.derive_id("run", cycle_id, key),
            experiment_id=design.id,
            run_number=_STAGE_NUMBERS[stage] + number * 2 + (arm == "control"),
            stage=stage,
            arm=arm,
            case=pair.case,
            base_task=pair.base_task,
            scenario_id=scenario.scenario_id,
            scenario_digest=scenario.digest,
            verdict=outcome.verdict,
            reason=outcome.reason,
            turns=outcome.turns,
            usage=outcome.usage,
            seed=run_seed,
            acted=outcome.acted,
            patches=tuple(layer.digest for layer in target.layers),
            started_at=outcome.started_at,
            duration_ms=outcome.duration_ms,
        )
        tx.record(run)
        tx.link(design.id, "executed_as", run.id)
        agent.bus.publish(
            "run.finished",
            stage=stage,
            arm=arm,
            verdict=run.verdict,
            experiment_id=design.id,
            usage={
                "calls": run.usage.calls,
                "tokens": run.usage.input_tokens + run.usage.output_tokens,
                "nano_usd": run.usage.nano_usd,
            },
        )
        return run

    return key, work


def counted(runs: list[Run]) -> Counts:
    """Return the verdicts of ``runs``, counted."""
    verdicts = [run.verdict for run in runs]
    return Counts(
        failures=verdicts.count("failure"), oks=verdicts.count("ok"), indeterminate=verdicts.count("indeterminate")
    )
