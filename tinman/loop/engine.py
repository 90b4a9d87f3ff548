"""``Loop``: what people construct, run, resume and ask why."""

from __future__ import annotations

import asyncio
import contextvars
import secrets
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import anyio

from tinman import logs
from tinman.budget import Budget, Limits
from tinman.config.modes import Mode
from tinman.errors import (
    ArtifactDriftError,
    LoopConfigError,
    NestedLoopError,
    PolicyChangedError,
    SchemaChangedError,
)
from tinman.frozen import changed
from tinman.loop import context
from tinman.loop import policies as rules
from tinman.loop.approvals.approval import ApprovalRunner, CLIApprovalRunner, is_token_of
from tinman.loop.approvals.gate import Gate, HandlerGate, RunnerGate
from tinman.loop.exits import ExitCondition
from tinman.loop.explanation import ExplainReport
from tinman.loop.explanation import explain as explained
from tinman.loop.goals import GoalMetric
from tinman.loop.llm.adapt import as_model
from tinman.loop.policies import NoProgress, Policy
from tinman.loop.pricing import STALE_DAYS, age_days, rates
from tinman.loop.result import RECOMMENDED, LoopResult, LoopStatus
from tinman.loop.session import nesting, spending
from tinman.loop.session.course import Course
from tinman.loop.session.parts import Answer, Parts
from tinman.loop.session.questions import is_expired
from tinman.loop.session.session import Session
from tinman.loop.state.changes import Began, Change, Drawn
from tinman.loop.state.records import LoopConfig, State, extended
from tinman.loop.state.store import FileStore, Halted, MemoryStore, Store
from tinman.loop.tools.tools import Tool, ToolRegistry
from tinman.loop.trace import Trace
from tinman.models.base import Hosted, Model, price_provider_of
from tinman.models.metered import Metered, Metering
from tinman.processes.scope import current_call
from tinman.text.cutting import without_secrets
from tinman.text.visible import shorten, visible

if TYPE_CHECKING:
    from tinman.approvals.handler import ApprovalHandler
    from tinman.db.engine import Database
    from tinman.events import EventBus
    from tinman.runtime import Runtime

Self_ = TypeVar("Self_", bound="Loop")
_CONFIG_NAMES = frozenset(LoopConfig.__dataclass_fields__)
RESOLUTIONS = ("happened", "did not happen")


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
        pricing_staleness: Literal["warn", "token-only", "refuse"] = "warn",
        approval_runner: ApprovalRunner | None = None,
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
        redact: Callable[[str], str] = without_secrets,
        mode: Mode = Mode.LAB,
        call_timeout_s: float = 120.0,
        max_attempts: int = 4,
        retry_backoff_s: float = 0.5,
        quiet: bool = False,
    ) -> None:
        given = {
            "max_iterations": max_iterations,
            "token_limit": token_limit,
            "wall_clock_s": wall_clock_s,
            "cost_limit_usd": cost_limit_usd,
            "verbatim_window": verbatim_window,
            "max_tokens_per_call": max_tokens_per_call,
        }
        self.goal = goal
        self.config = extended(LoopConfig(), given)
        self.registry = ToolRegistry(tools)
        self._model = as_model(llm)
        self._summarizer: Model | None = None if summarizer is None else as_model(summarizer)
        self._observe = observe
        self._metric = goal_metric
        self._policies: list[Policy] = [NoProgress(3)] if policies is None else list(policies)
        self._exits = list(exits or ())
        self._runner = approval_runner or CLIApprovalRunner()
        self._handler = approval_handler
        self._ttl_s = self._runner.ttl_s or approval_ttl_s
        self._state_key = state_key
        self._db = db
        self._runtime = runtime
        self._key = key
        self._trace_path = None if trace_path is None else Path(trace_path)
        self._on_event = on_event
        self._bus = bus
        self._allows = {
            "schema": allow_schema_change,
            "artifact": allow_artifact_drift,
            "policy": allow_policy_change,
        }
        self._parent = budget
        self._pinned = tuple(pinned_facts)
        self._redact = redact
        self._mode = mode
        self._call_timeout_s = call_timeout_s
        self._max_attempts = max_attempts
        self._retry_backoff_s = retry_backoff_s
        self._quiet = quiet
        self._answer: Answer | None = None
        self._extend: dict[str, Any] = {}
        self._explicit: dict[str, Any] = given
        self._is_resumed = False
        self._has_run = False
        self._born_in = nesting.active()
        self._budget: Budget | None = None
        self._result: LoopResult | None = None
        self._stored_id = ""
        self._running = threading.Lock()
        self._overrides = rates(pricing, price_provider_of(self._model))
        self._check_places(state_path)
        self._prices_age = age_days(pricing)
        self._check_prices(pricing_staleness)
        self._state_path = None if state_path is None else Path(state_path)
        self._memory = MemoryStore()
        if state is not None:
            self._check_fit(state)
        self.state: State = state or self._fresh()

    def _fresh(self) -> State:
        return State(loop_id=f"loop-{secrets.token_hex(6)}", goal=self.goal, config=self.config)

    def _check_places(self, state_path: str | Path | None) -> None:
        places = [
            name for name, value in (("state_path", state_path), ("db", self._db), ("runtime", self._runtime)) if value
        ]
        if len(places) > 1:
            raise LoopConfigError(f"loop: {' and '.join(places)} both say where the state is; give one")
        if self._runner.is_headless and self._handler is None and not places:
            raise LoopConfigError(
                "loop: headless approval requires state_path (or db): nobody could answer a question that is not stored"
            )
        if self._runtime is not None and not self._key:
            raise LoopConfigError("loop: with runtime=, give key=: the name of this loop within the cycle")

    def _check_prices(self, staleness: str) -> None:
        if staleness not in {"warn", "token-only", "refuse"}:
            raise LoopConfigError(f"pricing_staleness: {staleness!r} is none of warn, token-only, refuse")
        self._staleness = staleness
        self.config = self._priced(self.config)

    def _priced(self, config: LoopConfig) -> LoopConfig:
        """Return ``config`` with a money limit that can be kept: a stale table is refused, told about, or lifts it."""
        if config.cost_limit_usd is None:
            return config
        if self._prices_age > STALE_DAYS:
            old = f"pricing is {self._prices_age} days old (as_of)"
            if self._staleness == "refuse":
                raise LoopConfigError(f"{old}, more than {STALE_DAYS}; bring it up to date")
            if self._staleness == "token-only":
                self._say(f"{old}: cost_limit_usd is off, tokens alone are limited")
                return changed(config, cost_limit_usd=None)
            self._say(f"{old}: cost_limit_usd is kept by it all the same")
        spending.Pricing(self._model, self._overrides).check(config)
        return config

    def _say(self, line: str) -> None:
        """Talk on standard error, unless quiet; it may be closed."""
        if not self._quiet:
            with suppress(OSError, ValueError):
                sys.stderr.write(f"[loop] {line}\n")

    # -- resuming

    @classmethod
    def reopen(
        cls: type[Self_],
        state_path: str | Path,
        *,
        tools: Iterable[Tool | Callable[..., Any]],
        llm: Any,
        approval: Mapping[str, Any] | None = None,
        extend: Mapping[str, Any] | None = None,
        resolve: str | None = None,
        goal: str | None = None,
        **kwargs: Any,
    ) -> Self_:
        """Return the stored loop, ready to ``run()``: what ``resume`` does, with the object at hand.

        ``state_path`` is a state file, or a loop's id when ``db`` is given. Everything else is as in ``resume``.
        """
        loop_id = str(state_path) if kwargs.get("db") is not None else ""
        place: dict[str, Any] = {} if loop_id else {"state_path": state_path}
        made = cls(goal or "", tools, llm, **place, **kwargs)
        made._prepare(approval=approval, extend=extend, resolve=resolve, goal=goal, explicit=kwargs, loop_id=loop_id)
        return made

    def _prepare(
        self,
        *,
        approval: Mapping[str, Any] | None,
        extend: Mapping[str, Any] | None,
        resolve: str | None,
        goal: str | None,
        explicit: Mapping[str, Any],
        loop_id: str,
    ) -> None:
        """Make this object go on from what is stored."""
        self._is_resumed = True
        self._stored_id = loop_id
        self._explicit = {name: value for name, value in explicit.items() if name in _CONFIG_NAMES}
        self._extend = dict(extend or {})
        extended(LoopConfig(), self._extend)
        self._new_goal = goal
        self._answer = _answer(approval, resolve)

    _new_goal: str | None = None

    @classmethod
    def resume(
        cls,
        state_path: str | Path,
        *,
        tools: Iterable[Tool | Callable[..., Any]],
        llm: Any,
        approval: Mapping[str, Any] | None = None,
        extend: Mapping[str, Any] | None = None,
        resolve: str | None = None,
        **kwargs: Any,
    ) -> LoopResult:
        """Go on with a stored loop and return how it ended.

        ``approval`` is ``{"token": ..., "approved": True}``, ``extend`` new limits, ``resolve`` (``"happened"`` or
        ``"did not happen"``) what you found out about an approved action that a crash cut short. Tools, policies and
        observers are code and are given again; other ones than before are refused unless ``allow_schema_change`` or
        ``allow_policy_change`` says that this is meant.

        Raises ``LoopOwned`` while another resume runs, ``LoopStateError`` for a state that cannot be trusted,
        ``SchemaChangedError``, ``PolicyChangedError``, ``ArtifactDriftError``, or ``LoopConfigError``; then nothing was
        changed.
        """
        return cls.reopen(
            state_path, tools=tools, llm=llm, approval=approval, extend=extend, resolve=resolve, **kwargs
        ).run()

    @classmethod
    async def aresume(
        cls,
        state_path: str | Path,
        *,
        tools: Iterable[Tool | Callable[..., Any]],
        llm: Any,
        approval: Mapping[str, Any] | None = None,
        extend: Mapping[str, Any] | None = None,
        resolve: str | None = None,
        **kwargs: Any,
    ) -> LoopResult:
        """Do what ``resume`` does, inside an event loop."""
        made = cls.reopen(state_path, tools=tools, llm=llm, approval=approval, extend=extend, resolve=resolve, **kwargs)
        return await made.arun()

    # -- running

    def run(self) -> LoopResult:
        """Run to an end and return how it ended. Works anywhere: in a plain script, a notebook, a tool of another loop.

        Where an event loop already runs in this thread, the run has one of its own in another thread and this one
        waits. Raises ``NestedLoopError`` inside another loop without a share of its budget, and the errors of
        ``resume``; whatever else goes wrong is an ERROR result.
        """
        nesting.check(self._parent, self._born_in)
        outer = nesting.active()
        if outer is not None and threading.get_ident() == outer.thread_id:
            raise NestedLoopError("loop: run() would block the loop around it; write `await loop.arun()` here")
        if outer is not None:
            return self._run_beside(outer)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return anyio.run(self.arun)
        if self._db is not None and not isinstance(self._db, str | Path):
            raise LoopConfigError("loop: the database belongs to the running event loop; write `await loop.arun()`")
        return self._run_in_thread()

    def _run_beside(self, outer: nesting.Activity) -> LoopResult:
        """Run in the event loop of the run around this one, whose budget belongs to it; this thread waits."""
        future = asyncio.run_coroutine_threadsafe(self.arun(), outer.event_loop)
        scope = current_call.get()
        if scope is None:
            return future.result()
        with scope.ending(future.cancel):
            return future.result()

    def _run_in_thread(self) -> LoopResult:
        outcome: list[LoopResult | BaseException] = []
        variables = contextvars.copy_context()

        def body() -> None:
            try:
                outcome.append(variables.run(anyio.run, self.arun))
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
                outcome.append(error)

        thread = threading.Thread(target=body, name="tinman-loop-run", daemon=True)
        thread.start()
        thread.join()
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0]

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
                return await self._session(stack)
        finally:
            self._running.release()

    async def _session(self, stack: AsyncExitStack) -> LoopResult:
        store, gate = await self._opened(stack)
        self.state = state = await store.open(self.state if self._is_new else None)
        stack.push_async_callback(_closing, store)
        if self._runtime is not None and (before := _finished(state)) is not None:
            return before
        config = self._priced(extended(state.config, {**self._explicit, **self._extend}))
        self._check_fit(state)
        answer = self._checked_answer(state, gate)
        self.config = config

        async def draw(total: Any) -> None:
            await course.commit(Drawn(total=total))

        spent = spending.spent_before(state)
        ledger = spending.StoredSpending(spent, draw)
        budget = spending.budget_of(config, state, self._share_of(), ledger)
        await budget.open()
        self._budget = budget
        metered, summarizer = self._metered(self._model, budget), None
        if self._summarizer is not None:
            summarizer = self._metered(self._summarizer, budget)
        for model in (self._model, self._summarizer):
            if model is not None and isinstance(model, Hosted):  # ours: its connections belong to this event loop
                stack.push_async_callback(_closing_model, model)
        parts = Parts(
            registry=self.registry,
            metered=metered,
            pricing=spending.Pricing(self._model, self._overrides),
            budget=budget,
            store=store,
            trace=Trace(self._trace_path, self._on_event, loop_id=state.loop_id, redact=self._redact, bus=self._bus),
            gate=gate,
            policies=self._policies,
            exits=self._exits,
            observe=self._observe,
            metric=self._metric,
            summarizer=summarizer,
            summarizer_name=self._summarizer_name,
            redact=self._redact,
            mode=self._mode,
            ttl_s=self._ttl_s,
            watch=self._watch,
        )
        course = Course(parts, state)
        activity = nesting.Activity(state.loop_id, budget)
        with nesting.inside(activity):
            await course.commit(self._began(state, config, spent))
            self._announce(config)
            try:
                self._result = await Session(parts, course).run(answer)
            except Halted as halted:
                raise halted.__cause__ or halted from None
        self.state = course.state
        self._has_run = True
        self._answer = None
        self._extend = {}
        self._explicit = {}
        return self._result

    @property
    def _is_new(self) -> bool:
        """Whether the next session is the first one of this object, with nothing stored to go on from."""
        return not self._is_resumed and not self._has_run

    def _watch(self, state: State) -> None:
        self.state = state

    def _share_of(self) -> Budget | None:
        """Return the budget this loop spends out of: the one it was given, or that of the meter it was given."""
        if self._parent is None and isinstance(self._model, Metered):
            return self._model.budget
        return self._parent

    def _metered(self, model: Model, budget: Budget) -> Metered:
        if isinstance(model, Metered):
            return model.on(budget)
        metering = Metering(
            bus=self._bus,
            max_attempts=self._max_attempts,
            attempt_timeout_seconds=self._call_timeout_s,
            max_tokens_default=self.config.max_tokens_per_call,
            backoff_seconds=self._retry_backoff_s,
            price_overrides=self._overrides,
        )
        return Metered(model, metering, budget=budget)

    @property
    def _summarizer_name(self) -> str:
        return context.DETERMINISTIC if self._summarizer is None else self._summarizer.name

    def _began(self, state: State, config: LoopConfig, spent: Any) -> Change:
        return Began(
            goal=self._new_goal or state.goal or self.goal,
            config=config,
            tool_schema_hash=self.registry.schema_hash,
            policy_fingerprint=self._fingerprint,
            summarizer="" if self._summarizer is None else self._summarizer.name,
            pinned_facts=self._pinned,
            spent=spent,
        )

    @property
    def _fingerprint(self) -> str:
        return rules.fingerprint(self._policies)

    async def _opened(self, stack: AsyncExitStack) -> tuple[Store, Gate]:
        """Return where the state is kept and where questions go."""
        if self._db is None and self._runtime is None:
            store: Store = self._memory
            if self._state_path is not None:
                store = FileStore(self._state_path, key=self._state_key)
            return store, HandlerGate(self._handler) if self._handler else RunnerGate(self._runner)
        from tinman.loop.state import journal  # noqa: PLC0415 - loads SQLAlchemy, for loops in a database

        loop_id = self._stored_id or self.state.loop_id
        if self._runtime is not None:
            return journal.within(self._runtime, self._key), (
                HandlerGate(self._handler) if self._handler else RunnerGate(self._runner)
            )
        assert self._db is not None
        return await journal.opened(
            self._db,
            loop_id,
            stack,
            is_new=self._is_new,
            goal=self.goal,
            mode=self._mode,
            runner=self._runner,
            handler=self._handler,
            ttl_s=self._ttl_s,
            bus=self._bus,
        )

    def _check_fit(self, state: State) -> None:
        """Refuse to go on with other tools, policies or summaries than before, unless that is allowed."""
        if state.sessions == 0:
            return
        if state.tool_schema_hash != self.registry.schema_hash and not self._allows["schema"]:
            raise SchemaChangedError(
                f"loop {state.loop_id}: the tools' schemas are not those it was saved with; "
                "give the same tools, or allow_schema_change=True"
            )
        if state.policy_fingerprint != self._fingerprint and not self._allows["policy"]:
            raise PolicyChangedError(
                f"loop {state.loop_id}: the policies are not those it was saved with (now: "
                f"{', '.join(policy.name for policy in self._policies) or 'none'}); give the same policies=, or "
                "allow_policy_change=True"
            )
        made = context.stamp(self._summarizer_name)
        if not self._allows["artifact"] and any(artifact.stamp != made for artifact in state.artifacts):
            raise ArtifactDriftError(
                f"loop {state.loop_id}: its summaries were made by another engine version, summarizer or prompt; "
                "allow_artifact_drift=True uses them as they are"
            )

    def _checked_answer(self, state: State, gate: Gate) -> Answer | None:
        """Refuse an answer nobody asked for, and a question nobody answers. Changes nothing."""
        answer, asked = self._answer, state.pending_approval
        if answer is not None and answer.resolve is not None and state.intent is None:
            raise LoopConfigError(f"loop {state.loop_id}: no action is unresolved; leave out resolve=")
        if asked is None:
            if answer is not None and answer.token is not None:
                raise LoopConfigError(
                    f"loop {state.loop_id}: no approval is waiting; this token was used, is expired or unknown"
                )
            return answer
        if is_expired(state):
            return answer
        if answer is None or answer.token is None:
            if isinstance(gate, HandlerGate):
                return answer  # whether somebody answered meanwhile is found out by asking
            raise LoopConfigError(
                f"loop {state.loop_id}: {asked.tool} waits for an approval; resume with "
                "approval={'token': ..., 'approved': True or False}"
            )
        if not is_token_of(answer.token, asked):
            raise LoopConfigError(f"loop {state.loop_id}: this is not the token of the approval that waits")
        return answer

    def _announce(self, config: LoopConfig) -> None:
        """Say goal and limits on standard error: safety is never silent."""
        limits = [
            f"{config.max_iterations} iterations",
            f"{config.token_limit:,} tokens",
            f"{config.wall_clock_s:g}s wall-clock",
        ]
        if config.cost_limit_usd is not None:
            limits.append(f"{config.cost_limit_usd:g} USD")
        self._say(f"goal={shorten(self.state.goal, 200)!r} | limits: {', '.join(limits)}")

    # -- asking about it

    def explain(self, result: LoopResult | None = None) -> ExplainReport:
        """Return why it stopped, or how far it is."""
        return explained(self.state, result)

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


def _answer(approval: Mapping[str, Any] | None, resolve: str | None) -> Answer | None:
    if resolve is not None and resolve not in RESOLUTIONS:
        raise LoopConfigError(f"resolve: {resolve!r} is none of {', '.join(map(repr, RESOLUTIONS))}")
    if approval is None:
        return None if resolve is None else Answer(resolve=resolve)
    odd = sorted(set(approval) - {"token", "approved", "note"})
    token, approved = approval.get("token"), approval.get("approved")
    if odd or not isinstance(token, str) or not isinstance(approved, bool):
        raise LoopConfigError("approval: write {'token': '...', 'approved': True or False}")
    return Answer(token=token, approved=approved, note=str(approval.get("note", "")), resolve=resolve)


def _finished(state: State) -> LoopResult | None:
    """Return how a loop inside a cycle ended, when it did for good: a resumed cycle does not run it again."""
    ending = state.ending
    if ending is None or ending.status in {LoopStatus.AWAITING_APPROVAL, LoopStatus.ERROR}:
        return None
    status = LoopStatus(ending.status)
    return LoopResult(
        status=status,
        reason=ending.reason,
        resumable=status is not LoopStatus.SUCCESS,
        recommended_action=RECOMMENDED[status],
        iterations=len(state.iterations),
        metrics=state.metrics,
        loop_id=state.loop_id,
        error=ending.error,
    )


async def _closing(store: Store) -> None:
    with anyio.CancelScope(shield=True):
        await store.close()


async def _closing_model(model: Model) -> None:
    with anyio.CancelScope(shield=True):
        await model.aclose()
