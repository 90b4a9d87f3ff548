"""The harness: scenarios side by side up to a limit, the turns of each in order, results in the order of the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import anyio

from tinman import clock
from tinman.errors import DefinitionError, TinmanError
from tinman.frozen import frozen
from tinman.harness.repeats import Gate
from tinman.harness.results import ScenarioResult, Trials, result_of
from tinman.scenarios.files import check_kinds, check_unique
from tinman.scenarios.invariants import asked_for
from tinman.scenarios.outcome import Outcome
from tinman.scenarios.run import REASON_CHARS, Referee, run_scenario
from tinman.scenarios.scenario import Scenario
from tinman.targets.base import Target
from tinman.text.visible import line_of

TURN_TIMEOUT_SECONDS = 120.0
SIDE_BY_SIDE = 8
NO_LIMIT = 1e9


@frozen
class Plan:
    """How to measure. ``concurrency`` 0 leaves it to the target: one at a time for an adapter, else eight.

    ``repeat`` overrides the scenarios' own; ``gate`` ends the measurement as soon as it is decided.
    """

    user: str = "tinman"
    seed: int = 0
    concurrency: int = 0
    repeat: int | None = None
    gate: Gate | None = None
    turn_timeout_seconds: float = TURN_TIMEOUT_SECONDS


@frozen
class Measurement:
    """What a plan brought, in the order of the scenarios. ``gate_holds`` is ``None`` without a gate.

    ``missing`` are the ids of scenarios that were to run and never did.
    """

    trials: tuple[Trials, ...] = ()
    gate_holds: bool | None = None
    cut_short: bool = False
    missing: tuple[str, ...] = ()

    @property
    def is_green(self) -> bool:
        """Whether the gate holds, or, without one, every run passed; never of less than was planned, or of nothing."""
        if self.missing or not any(run.verdict != "indeterminate" for trials in self.trials for run in trials.runs):
            return False
        if self.gate_holds is None:
            return not self.cut_short and all(trials.passed for trials in self.trials)
        return self.gate_holds


class Board:
    """Where results are put down as they come, so that an interrupted measurement still has what it measured."""

    def __init__(self, scenarios: Sequence[Scenario], plan: Plan) -> None:
        self.scenarios = tuple(scenarios)
        self.plan = plan
        self.planned = tuple(plan.repeat or scenario.repeat for scenario in scenarios)
        self.runs: tuple[list[ScenarioResult], ...] = tuple([] for _ in scenarios)
        self.gate_holds: bool | None = None

    def counts(self) -> list[tuple[int, int, int]]:
        """Return (passes, tries, tries planned) of every scenario."""
        return [
            (sum(1 for run in runs if run.passed), len(runs), planned)
            for runs, planned in zip(self.runs, self.planned, strict=True)
        ]

    def measurement(self) -> Measurement:
        """Return what there is so far, of the scenarios that ran at all."""
        trials = tuple(
            Trials(
                scenario_id=scenario.scenario_id,
                digest=scenario.digest,
                tags=scenario.tags,
                planned=planned,
                runs=tuple(sorted(runs, key=lambda run: run.number)),
            )
            for scenario, planned, runs in zip(self.scenarios, self.planned, self.runs, strict=True)
            if runs
        )
        cut_short = any(len(runs) < planned for runs, planned in zip(self.runs, self.planned, strict=True))
        missing = tuple(one.scenario_id for one, runs in zip(self.scenarios, self.runs, strict=True) if not runs)
        return Measurement(trials=trials, gate_holds=self.gate_holds, cut_short=cut_short, missing=missing)


def check_plan(scenarios: Sequence[Scenario], plan: Plan) -> None:
    """Raise ``DefinitionError`` when the scenarios, or a gate for them, cannot be measured as they are."""
    for scenario in scenarios:
        check_kinds(scenario)
    check_unique((scenario, f"place {number}") for number, scenario in enumerate(scenarios, 1))
    if plan.gate is not None:
        fewest = min((plan.repeat or scenario.repeat for scenario in scenarios), default=0)
        if fewest < plan.gate.k:
            raise DefinitionError(
                f"gate {plan.gate.text}: needs at least {plan.gate.k} tries of each scenario, and there are {fewest};"
                f" ask for --repeat {plan.gate.k} or more"
            )


async def measure(
    target: Target,
    scenarios: Sequence[Scenario],
    plan: Plan,
    *,
    referee: Referee | None = None,
    board: Board | None = None,
) -> Measurement:
    """Measure ``target`` and return what was found, in the order of ``scenarios`` whatever ended first.

    A gate is looked at between rounds (a round is one try of every scenario), so that the same seed ends at the same
    place however the tries overlap. On cancellation all tries are cancelled; ``board`` keeps those that had ended.
    Raises ``DefinitionError`` before anything runs.
    """
    check_plan(scenarios, plan)
    board = board or Board(scenarios, plan)
    rounds = range(max(board.planned, default=0))
    if plan.gate is None:
        await _all(target, board, product(rounds, range(len(scenarios))), referee)
        return board.measurement()
    for round_number in rounds:
        await _all(target, board, product([round_number], range(len(scenarios))), referee)
        board.gate_holds = plan.gate.decided(board.counts())
        if board.gate_holds is not None:
            break
    return board.measurement()


async def one_try(
    target: Target,
    scenario: Scenario,
    user: str,
    seed: int,
    number: int,
    *,
    turn_timeout_seconds: float = TURN_TIMEOUT_SECONDS,
    referee: Referee | None = None,
) -> ScenarioResult:
    """Return the result of the ``number``-th try (from 1); the same seed and number throw the same dice.

    Whatever a target of one's own raises is the try's error. Spent budgets, open approvals and cancellation go through.
    """
    own, started_at = target.capabilities.turn_timeout_seconds, clock.now()
    try:
        outcome = await run_scenario(
            target,
            scenario,
            seed=clock.derive_seed(seed, f"{scenario.scenario_id}#{number - 1}"),
            user=user,
            timeout_seconds=NO_LIMIT,
            # An adapter that gives its command more time than a turn has means it; ours is only a net below its own.
            turn_timeout_seconds=max(turn_timeout_seconds, own + 5 if own else 0.0),
            goes_on=True,
            referee=referee,
            invariants=asked_for(scenario, target.world),
        )
    except TinmanError:
        raise
    except Exception as error:  # noqa: BLE001 - a stranger's target, layer or judge: this try's error and no other's
        reason = line_of(error, REASON_CHARS)
        outcome = Outcome(verdict="indeterminate", reason=reason, started_at=started_at, duration_ms=0)
    return result_of(scenario, outcome, user=user, number=number)


async def _all(target: Target, board: Board, tries: Iterator[tuple[int, int]], referee: Referee | None) -> None:
    """Run ``tries`` (round, place of the scenario), as many at once as target and plan allow."""
    plan = board.plan
    limit = plan.concurrency or target.capabilities.side_by_side or SIDE_BY_SIDE

    async def work() -> None:
        for round_number, place in tries:
            if round_number >= board.planned[place]:
                continue
            scenario = board.scenarios[place]
            result = await one_try(
                target,
                scenario,
                plan.user,
                plan.seed,
                round_number + 1,
                turn_timeout_seconds=plan.turn_timeout_seconds,
                referee=referee,
            )
            board.runs[place].append(result)

    async with anyio.create_task_group() as group:
        for _ in range(max(1, limit)):
            group.start_soon(work)
