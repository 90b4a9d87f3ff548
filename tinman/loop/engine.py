"""``Loop``: what people construct, run, resume and ask why."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import anyio

from tinman import logs
from tinman.approvals.reviewers import BaseReviewer, TerminalReviewer
from tinman.budget import Budget, Limits
from tinman.config.modes import Mode
from tinman.errors import LoopConfigError
from tinman.loop import context
from tinman.loop.approvals.gate import HandlerGate
from tinman.loop.exits import ExitCondition
from tinman.loop.explanation import ExplainReport, explain
from tinman.loop.goals import GoalMetric
from tinman.loop.llm.adapt import as_model
from tinman.loop.policies import NoProgress, Policy
from tinman.loop.pricing import age_days, rates_for
from tinman.loop.result import LoopResult, LoopStatus, Stop, result_of
from tinman.loop.session import nesting
from tinman.loop.session.equipment import Equipment, Meters, Place, Staleness, Voice
from tinman.loop.session.history import History
from tinman.loop.session.start import Fit, Start
from tinman.loop.state.changes import Began
from tinman.loop.state.records import LoopConfig, State, extend_config
from tinman.loop.state.store import Halted, MemoryStore, Store
from tinman.loop.tools.tools import Tool, ToolRegistry
from tinman.models.metered import Metering
from tinman.processes.threads import wait_for_thread
from tinman.text.visible import visible

if TYPE_CHECKING:
    from tinman.approvals.handler import ApprovalHandler
    from tinman.db.engine import Database
    from tinman.events import EventBus
    from tinman.runtime import Runtime


class Loop:
    """Observes, plans, acts and measures until something measured, a policy or a ceiling ends it.

    Everything is optional but ``goal``, ``tools`` and ``llm``. Ceilings are always on: rounds, tokens, seconds of wall
    clock over all sessions, and US dollars when given. ``state_path`` (a file) or ``db`` (a database, its path or URL)
    makes the loop outlive its process; ``runtime`` with ``key`` makes it part of a running research cycle instead.
    ``budget`` is a share of another budget, and what a loop inside a loop needs.

    Raises ``LoopConfigError`` for senseless settings, ``UnsupportedTypeError`` for a tool that cannot be described.
    """

    def __init__(
        self,
        goal: str,
        tools: Iterable[Tool | Callable[..., Any]],
        llm: Any,
        *,
        observe: Callable[[State], Any] | None = None,
        goal_metric: GoalMetric | None = None,
        policies: Sequence[Policy] | None = None,
        exits: Sequence[ExitCondition] | None = None,
        max_iterations: int = 20,
        token_limit: int = 500_000,
        wall_clock_s: float = 1800.0,
        cost_limit_usd: float | None = None,
        pricing: Mapping[str, Any] | None = None,
        pricing_staleness: Staleness = "warn",
        approval_runner: BaseReviewer | None = None,
        approval_handler: ApprovalHandler | None = None,
        approval_ttl_s: float = 3600.0,
        summarizer: Any = None,
        verbatim_window: int = 3,
        max_tokens_per_call: int = 4096,
        state: State | None = None,
        state_path: str | Path | None = None,
        state_key: bytes | None = None,
        db: Database | str | Path | None = None,
        runtime: Runtime | None = None,
        key: str = "",
        trace_path: str | Path | None = None,
        on_event: Callable[[dict[str, Any]], object] | None = None,
        bus: EventBus | None = None,
        allow_schema_change: bool = False,
        allow_artifact_drift: bool = False,
        allow_policy_change: bool = False,
        budget: Budget | None = None,
        pinned_facts: Iterable[str] = (),
        redact: Callable[[str], str] | None = None,
        mode: Mode = Mode.LAB,
        call_timeout_s: float = 120.0,
        max_attempts: int = 4,
        retry_backoff_s: float = 0.5,
        quiet: bool = False,
    ) -> None:
        ceilings = (max_iterations, token_limit, wall_clock_s, cost_limit_usd, verbatim_window, max_tokens_per_call)
        given = dict(zip(LoopConfig.__dataclass_fields__, ceilings, strict=True))
        self.goal = goal
        config = extend_config(LoopConfig(), given)
        self.registry = registry = ToolRegistry(tools)
        model, summing = as_model(llm), None if summarizer is None else as_model(summarizer)
        rules = [NoProgress(3)] if policies is None else list(policies)
        runner = approval_runner or TerminalReviewer()
        ttl_s = runner.ttl_s or approval_ttl_s
        self._voice = voice = Voice(quiet)
        self._parent = budget
        self._pinned = tuple(pinned_facts)
        self._memory = MemoryStore()
        self._budget: Budget | None = None
        self._born_in = nesting.active()
        self._running = threading.Lock()
        self._start = Start(is_new=True, limits=given)
        self._place = Place(state_path, state_key, db, runtime, key, runner, approval_handler, ttl_s, mode, bus)
        self._equipment = Equipment(
            registry, observe, goal_metric, rules, list(exits or ()), redact, mode, ttl_s, trace_path, on_event, bus
        )
        metering = Metering(
            bus=bus,
            max_attempts=max_attempts,
            attempt_timeout_seconds=call_timeout_s,
            backoff_seconds=retry_backoff_s,
            price_overrides=rates_for(pricing, model),
        )
        self._meters = Meters(model, summing, metering, age_days(pricing), pricing_staleness, voice)
        self.config = self._meters.limit_money(config)
        name = "" if summing is None else summing.name
        may_change = allow_schema_change, allow_policy_change, allow_artifact_drift
        self._fit = Fit(registry.schema_hash, rules, name, *may_change)
        self._fit.tell_unknown(voice.say)
        self.state: State = state or State(loop_id=f"loop-{secrets.token_hex(6)}", goal=goal, config=self.config)
        self._fit.check(self.state)

    # -- resuming

    @classmethod
    def reopen(
        cls,
        state_path: str | Path,
        *,
        approval: Mapping[str, Any] | None = None,
        extend: Mapping[str, Any] | None = None,
        resolve: str | None = None,
        goal: str | None = None,
        **settings: Any,
    ) -> Self:
        """Return the stored loop, ready to ``run()``: what ``resume`` does, with the object at hand.

        ``state_path`` is a state file, or a loop's id when ``db`` is given. Everything else is as in ``resume``.
        """
        loop_id = str(state_path) if settings.get("db") is not None else ""
        place: dict[str, Any] = {} if loop_id else {"state_path": state_path}
        loop = cls(goal=goal or "", **place, **settings)
        loop._start = Start.resume(
            loop_id=loop_id, goal=goal, settings=settings, extend=extend, approval=approval, resolve=resolve
        )
        return loop

    @classmethod
    def resume(cls, state_path: str | Path, **settings: Any) -> LoopResult:
        """Go on with a stored loop and return how it ended.

        ``approval`` is ``{"token": ..., "approved": True}``, ``extend`` new limits, ``resolve`` (``"happened"`` or
        ``"did not happen"``) what you found out about an approved action that a crash cut short. ``tools``, ``llm``,
        policies and observers are code and are given again; other ones than before are refused unless
        ``allow_schema_change`` or ``allow_policy_change`` says that this is meant.

        Raises ``LoopOwned`` while another resume runs, ``LoopStateError`` for a state that cannot be trusted,
        ``SchemaChangedError``, ``PolicyChangedError``, ``ArtifactDriftError``, or ``LoopConfigError``; then nothing was
        changed.
        """
        return cls.reopen(state_path, **settings).run()

    @classmethod
    async def aresume(cls, state_path: str | Path, **settings: Any) -> LoopResult:
        """Do what ``resume`` does, inside an event loop."""
        return await cls.reopen(state_path, **settings).arun()

    # -- running

    def run(self) -> LoopResult:
        """Run to an end and return how it ended. Works anywhere: in a plain script, a notebook, a tool of another loop.

        Where an event loop already runs in this thread, the run has one of its own in another thread and this one
        waits. Raises ``NestedLoopError`` inside another loop without a share of its budget, and the errors of
        ``resume``; whatever else goes wrong is an ERROR result.
        """
        nesting.check(self._parent, self._born_in)
        outer = nesting.active()
        if outer is not None:
            return nesting.run_beside(outer, self.arun)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return anyio.run(self.arun)
        if self._place.needs_event_loop:
            raise LoopConfigError("loop: the database belongs to the running event loop; write `await loop.arun()`")
        return wait_for_thread(lambda: anyio.run(self.arun))

    async def arun(self) -> LoopResult:
        """Run to an end and return how it ended.

        Cancelled, it ends what runs, writes down that it was cancelled, and can be resumed. Raises what ``run`` raises.
        """
        nesting.check(self._parent, self._born_in)
        logs.configure_if_nobody_did()
        if not self._running.acquire(blocking=False):
            raise LoopConfigError("loop: this object is running already; make another one")
        try:
            async with AsyncExitStack() as stack:
                return await self._run_session(stack, self._start)
        finally:
            self._running.release()

    async def _run_session(self, stack: AsyncExitStack, start: Start) -> LoopResult:
        place, equipment = self._place, self._equipment
        store, gate = await place.open(stack, self._memory, self.state, loop_id=start.loop_id, is_new=start.is_new)
        self.state = state = await store.open(self.state if start.is_new else None)
        stack.push_async_callback(_close, store)
        if place.runtime is not None and (earlier := _find_end(state)) is not None:
            return earlier
        config = self._meters.limit_money(extend_config(state.config, dict(start.limits)))
        self._check_stored(state)
        start.check_answer(state, may_be_asked=isinstance(gate, HandlerGate))
        self.config = config
        share = self._meters.find_parent(self._parent)
        trace = equipment.trace(state.loop_id)
        history = History(state, config, store, trace, share, partial(setattr, self, "state"))
        await history.budget.open()
        self._budget = history.budget
        model, summarizer = self._meters.start(history.budget, config, stack)
        session = equipment.session(history, gate, model, summarizer, self._meters.pricing, self._confirm)
        began = Began(
            goal=start.goal or state.goal or self.goal,
            config=config,
            tool_schema_hash=self._fit.schema_hash,
            policy_fingerprint=self._fit.policy_fingerprint,
            summarizer=self._fit.summarizer,
            pinned_facts=self._pinned,
            spent=history.spent_before,
        )
        with nesting.inside(nesting.Activity(state.loop_id, history.budget)):
            await history.commit(began)
            self._voice.announce(self.state.goal, config)
            try:
                result = await session.run(start.answer)
            except Halted as halted:
                raise halted.__cause__ or halted from None
        self.state = history.state
        self._start = Start()
        return result

    def _check_stored(self, state: State) -> None:
        """Refuse to go on from ``state``; a recipe has more to compare."""
        self._fit.check(state)

    async def _confirm(self) -> Stop | None:
        """Return how the loop ends instead of in SUCCESS, when what judges from outside disagrees."""
        return None

    # -- asking about it

    def explain(self, result: LoopResult | None = None) -> ExplainReport:
        """Return why it stopped, or how far it is."""
        return explain(self.state, result)

    def budget_report(self) -> dict[str, Any]:
        """Return estimated tokens of each part of the next prompt, and what was spent."""
        last = self.state.iterations[-1].observation if self.state.iterations else ""
        return context.report(self.state, last)

    @property
    def budget(self) -> Budget:
        """What this loop may still spend. Raises ``LoopConfigError`` before it runs."""
        if self._budget is None:
            raise LoopConfigError("loop: it has a budget while it runs; carve a share inside a tool or observe")
        return self._budget

    def carve(
        self,
        *,
        tokens: int | None = None,
        usd: float | None = None,
        seconds: float | None = None,
        calls: int | None = None,
    ) -> Budget:
        """Return a share of this loop's budget for one inside it: ``Loop(..., budget=parent.carve(tokens=5_000))``."""
        return self.budget.carve(Limits(tokens=tokens, usd=usd, seconds=seconds, calls=calls))

    def pin(self, fact: str) -> None:
        """Have a fact in every prompt from the next session on."""
        self._pinned = (*self._pinned, visible(fact))


def _find_end(state: State) -> LoopResult | None:
    """Return how a loop inside a cycle ended, when it did for good: a resumed cycle does not run it again."""
    ending = state.ending
    if ending is None or ending.status in {LoopStatus.AWAITING_APPROVAL, LoopStatus.ERROR}:
        return None
    return result_of(state, Stop(status=LoopStatus(ending.status), reason=ending.reason, error=ending.error), None)


async def _close(store: Store) -> None:
    with anyio.CancelScope(shield=True):
        await store.close()
