"""The research cycle: seven phases over a journaled runtime, resumable at any point.

1 hypotheses, 2 experiments, 3 runs, 4 failures, 5 interventions, 6 simulations, 7 learning. Each phase's output is
stored before the next begins; running the same coroutine again goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import anyio
import structlog

from tinman import clock
from tinman.agents.base import AgentContext, BaseAgent
from tinman.agents.experiment_architect import ExperimentArchitect
from tinman.agents.experiment_executor import ExperimentExecutor
from tinman.agents.failure_discovery import FailureDiscoveryAgent
from tinman.agents.hypothesis_engine import HypothesisEngine
from tinman.agents.intervention_engine import InterventionEngine
from tinman.agents.simulation_engine import SimulationEngine
from tinman.approvals.handler import ApprovalHandler
from tinman.budget import Budget
from tinman.config.modes import Mode
from tinman.errors import AwaitingApproval, BudgetExhausted, TinmanError
from tinman.events import EventBus
from tinman.experiments.reconnaissance import Reconnaissance
from tinman.frozen import alter, dump
from tinman.judging.rubric import ReasonerReferee
from tinman.memory import surfaces
from tinman.memory.beliefs import AdaptiveMemory, Score, forecast_of, scores
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Cycle, CycleStatus
from tinman.messages import Answers, Usage
from tinman.options import ResearchOptions
from tinman.reasoner import Reasoner
from tinman.records import Ending, ExperimentResult, Hypothesis, Spent
from tinman.reports.result import ResearchCycleResult, load_result
from tinman.runtime import JournalRuntime, Stopped, Tx
from tinman.surface import EMPTY_SURFACE, Surface, judged
from tinman.targets.base import Target
from tinman.targets.world import EMPTY_WORLD, World
from tinman.text.secrets import without_secrets

_log = structlog.get_logger(__name__)

Output = TypeVar("Output")
Phase = Literal["hypotheses", "experiments", "runs", "failures", "interventions", "simulations", "learning"]


_KNOWN = "surface/known"
_LAST_SECONDS = 0.5
"""How long after its time ceiling a cycle may put down what has come back."""


@dataclass(kw_only=True)
class ResearchCycle:
    """One cycle of one project. Built by ``Tinman``; everything it needs is handed in.

    ``surface`` is what the profile says of the target, and once it was explored all that is known of it. ``referee``
    judges its rules without a check; where there is none, they are not tried.
    """

    graph: MemoryGraph
    target: Target
    reasoner: Reasoner | None
    handler: ApprovalHandler
    budget: Budget
    bus: EventBus
    mode: Mode
    options: ResearchOptions
    description: str = ""
    world: World = EMPTY_WORLD
    surface: Surface = EMPTY_SURFACE
    referee: ReasonerReferee | None = None
    used: Callable[[], Usage] = Usage
    hide: Callable[[str], str] = without_secrets
    runtime: JournalRuntime | None = None

    def stop(self) -> None:
        """Launch nothing more; what is in flight ends and is stored. The cycle ends paused and can be resumed."""
        if self.runtime is not None:
            self.runtime.stop()

    async def run(self, cycle_id: str) -> ResearchCycleResult:
        """Run or go on with a stored cycle. A ceiling, a stop or an open approval ends it paused, with the reason.

        Raises ``CycleOwned`` when another process runs it. Cancellation goes through; what was stored stays.
        """
        began = clock.monotonic()
        overlap = self.options.allow_overlap
        async with JournalRuntime(self.graph, cycle_id, bus=self.bus, may_overlap=overlap) as runtime:
            self.runtime = runtime
            await self.graph.cycles.set_options(cycle_id, dump(self.options), guard=runtime.hold)
            before = await self.graph.cycles.update(cycle_id, status="running", guard=runtime.hold)
            self.bus.publish("cycle.started", cycle_id=cycle_id)
            ending: Ending = Ending(kind="SUCCESS")
            status: CycleStatus = "completed"
            try:
                await self._in_time(runtime)
            except BaseException as error:
                ending, status = _ending_of(error)
                if not isinstance(error, BudgetExhausted | Stopped | AwaitingApproval):
                    raise
            finally:
                await self._close(runtime, before, ending, status, seconds=clock.monotonic() - began)
        return await load_result(self.graph, cycle_id)

    async def _in_time(self, runtime: JournalRuntime) -> None:
        """Go through the phases until the time ceiling; then whatever still waits, on whomever, is cut off.

        What is cut off is not stored, so that a resume does it again. Raises ``BudgetExhausted`` then.
        """
        left = self.budget.seconds_left
        with anyio.move_on_after(None if left is None else left + _LAST_SECONDS):
            await self._phases(runtime)
            return
        self.budget.check_deadline()

    async def _close(
        self, runtime: JournalRuntime, before: Cycle, ending: Ending, status: CycleStatus, *, seconds: float
    ) -> None:
        with anyio.CancelScope(shield=True):
            total, used, earlier = self.budget.spent, self.used(), before.spent or Spent()
            spent = Spent(
                calls=total.calls,
                tokens=total.tokens,
                nano_usd=None if used.nano_usd is None or earlier.nano_usd is None else total.nano_usd,
                input_tokens=used.input_tokens + earlier.input_tokens,
                output_tokens=used.output_tokens + earlier.output_tokens,
                seconds=seconds + (earlier.seconds or 0.0),
                answers=earlier.answers + (self.reasoner.answers if self.reasoner else Answers()),
            )
            ending = alter(ending, reason=self.hide(ending.reason))
            await self.graph.cycles.update(before.id, status=status, ending=ending, spent=spent, guard=runtime.hold)
            self.bus.publish("cycle.finished", cycle_id=before.id, status=status, reason=ending.reason)

    async def _phase(self, phase: Phase, agent: BaseAgent[Output], context: AgentContext, **kwargs: Any) -> Output:
        """Run one agent as one phase and return its typed output; its error, if any, is raised here."""
        self.bus.publish("phase.started", phase=phase)
        await self.graph.cycles.update(
            context.session_id, phase=phase, guard=self.runtime.hold if self.runtime else None
        )
        result = await agent.run(context, **kwargs)
        output = result.unwrap()
        self.bus.publish("phase.finished", phase=phase, **result.counts)
        return output

    async def _phases(self, runtime: JournalRuntime) -> None:
        options, cycle_id = self.options, runtime.cycle_id
        self.surface = await self._explore(runtime)
        context = AgentContext(
            mode=self.mode,
            session_id=cycle_id,
            metadata={"focus": options.focus, "target_description": self.description},
            seed=options.seed,
            runtime=runtime,
            concurrency=options.concurrency,
            surface=judged(self.surface) if self.referee else self.surface,
            referee=self.referee,
        )
        graph, reasoner, handler, bus, target = self.graph, self.reasoner, self.handler, self.bus, self.target
        can, memory = target.capabilities, AdaptiveMemory(graph)
        allowed = {"skip_approval": options.skip_approval, "allow_destructive": options.allow_destructive}
        hypotheses = await self._phase(
            "hypotheses",
            HypothesisEngine(graph, reasoner, memory, bus, capabilities=can, world=self.world),
            context,
            max_hypotheses=options.max_hypotheses,
            wide=options.wide,
            # In production only what was asked for is asked about.
            reserve=0 if self.mode is Mode.PRODUCTION else options.most_in_reserve,
        )
        designs = await self._phase(
            "experiments",
            ExperimentArchitect(graph, reasoner, bus, capabilities=can, target=target),
            context,
            hypotheses=hypotheses,
            timeout_seconds=options.run_timeout_seconds,
            measure=options.measure,
        )
        results = await self._phase(
            "runs",
            ExperimentExecutor(graph, target, reasoner, handler, bus),
            context,
            experiments=designs,
            max_experiments=options.max_experiments,
            max_runs=options.most_discovery_runs,
            measure=options.measure,
            needs_fix=options.max_interventions > 0,
            **allowed,
        )
        failures = await self._phase(
            "failures", FailureDiscoveryAgent(graph, reasoner, memory, bus), context, results=results
        )
        interventions = await self._phase(
            "interventions",
            InterventionEngine(graph, reasoner, handler, bus, target=target),
            context,
            failures=failures,
            max_failures=options.max_interventions,
        )
        await self._phase(
            "simulations",
            SimulationEngine(graph, target, reasoner, handler, bus),
            context,
            interventions=interventions,
            num_runs=None,
            failures=failures,
            experiments=designs,
            max_runs=options.most_simulation_runs,
            **allowed,
        )
        self.bus.publish("phase.started", phase="learning")
        await self.graph.cycles.update(cycle_id, phase="learning", guard=runtime.hold)
        total = await self._learn(runtime, hypotheses, results)
        self.bus.publish(
            "phase.finished",
            phase="learning",
            forecasts=total.resolved if total else 0,
            unresolved=total.unresolved if total else 0,
            brier=total.brier if total else None,
        )

    async def _explore(self, runtime: JournalRuntime) -> Surface:
        """Return all that is known of the target: profile, corrections, what is stored, what it answers now.

        What it came to is kept as a version, and read back on a resume. A cycle of before there was reconnaissance, and
        one that is to do without, asks nothing.
        """
        options, target, graph = self.options, self.target, self.graph
        is_older = next(iter(runtime.stored_keys()), _KNOWN) != _KNOWN

        async def recall(_: Tx) -> Any:
            return dump(await surfaces.remembered(graph, target.name))

        stored = await runtime.step(_KNOWN, recall)
        known = surfaces.read_remembered(stored)
        if options.reconnaissance and not is_older:
            await graph.cycles.update(runtime.cycle_id, phase="hypotheses", guard=runtime.hold)
            asking = Reconnaissance(
                target=target,
                runtime=runtime,
                bus=self.bus,
                mode=self.mode,
                seed=options.seed,
                concurrency=options.concurrency,
                timeout_seconds=options.run_timeout_seconds,
            )
            found = await asking.explore(known.under(self.surface))
            known = alter(known, learned=found.over(known.learned))
        surface = known.under(self.surface)

        async def keep(tx: Tx) -> str | None:
            before = await surfaces.latest(graph, target.name)
            return surfaces.put(tx, target.name, surface, known, before, self.hide)

        await runtime.step("surface/kept", keep)
        return surface

    async def _learn(
        self, runtime: JournalRuntime, hypotheses: tuple[Hypothesis, ...], results: tuple[ExperimentResult, ...]
    ) -> Score | None:
        """Leave each forecast with its outcome in the graph, for the beliefs of the next cycle, and score them.

        Returns the score over all sources, ``None`` when nothing was tested.
        """
        by_id = {h.id: h for h in hypotheses}
        # What was observed on the way was never forecast.
        forecasts = [forecast_of(by_id[r.hypothesis_id], r) for r in results if r.hypothesis_id in by_id]
        scored = scores(forecasts)

        async def work(tx: Tx) -> int:
            for forecast in forecasts:
                tx.note("forecast", clock.derive_id("forecast", forecast.hypothesis_id), dump(forecast))
            for score in scored:
                tx.note("score", clock.derive_id("score", runtime.cycle_id, score.source), dump(score))
            return len(forecasts)

        await runtime.step("learn", work)
        return scored[-1] if scored else None


def _ending_of(error: BaseException) -> tuple[Ending, CycleStatus]:
    """Return how a cycle that ``error`` ended is told of, and whether it waits or has failed."""
    match error:
        case BudgetExhausted():
            return Ending(kind="BUDGET_EXHAUSTED", reason=str(error), limit=error.limit), "paused"
        case Stopped():
            return Ending(kind="STOPPED", reason=str(error)), "paused"
        case AwaitingApproval():
            reason = f"awaiting approval {error.approval_id}"
            return Ending(kind="AWAITING_APPROVAL", reason=reason, approval_id=error.approval_id), "paused"
        case TinmanError():
            return Ending(kind="ERROR", reason=f"{type(error).__name__}: {error}"), "failed"
        case _:
            return Ending(kind="ERROR", reason=f"interrupted ({type(error).__name__})"), "paused"


__all__ = ["ResearchCycle", "ResearchCycleResult", "ResearchOptions"]
