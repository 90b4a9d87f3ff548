"""The front door: a target, a reasoner, a store and a mode, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio

from tinman import clock, promotion
from tinman.approvals.handler import ApprovalHandler, ApprovalMode
from tinman.approvals.queue import ApprovalQueue
from tinman.audit import AuditLog
from tinman.budget import Limits
from tinman.config.modes import Mode, check_reached, why_not_destructive
from tinman.config.settings import secret_values
from tinman.cycle import ResearchCycle
from tinman.db.blocks import BlockLedger
from tinman.db.engine import Database
from tinman.deployments import live
from tinman.errors import ConfigError, ModeRefused, TargetError, TinmanError
from tinman.events import EventBus
from tinman.frozen import dump
from tinman.judging.rubric import ReasonerReferee
from tinman.memory import judges
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Cycle
from tinman.messages import Answers
from tinman.meters import Meters, budget_of
from tinman.models.base import Model
from tinman.models.load import load_model
from tinman.models.prices import Rate
from tinman.options import ResearchOptions, options_of
from tinman.reasoner import Reasoner
from tinman.records import Spent
from tinman.reports.result import ResearchCycleResult, load_result
from tinman.runtime.lease import Lease
from tinman.surface import Surface, of_profile, of_world
from tinman.targets.base import Target
from tinman.targets.chat import ChatTarget
from tinman.targets.load import as_target, load_target
from tinman.targets.profile import TargetProfile, to_store
from tinman.text.secrets import hiding

DEFAULT_STORE = Path(".tinman/tinman.db")
REASONERS_SHARE = 0.2
"""How much of a cycle's money and time its reasoner may take."""


class Tinman:
    """A project: what is tested, who reasons, where it is remembered. Use ``async with``, or ``open`` and ``close``.

    ``target`` is a ``Target``, a ``Model``, a callable or a ``TargetProfile``; ``reasoner`` a ``Reasoner``, a ``Model``
    or ``None`` for the playbook alone; ``judge`` a ``Model`` that judges rules without a check, the reasoner's where
    none is given; ``store`` a path, a URL or an open ``MemoryGraph``.
    """

    def __init__(
        self,
        *,
        target: Any,
        reasoner: Reasoner | Model | None = None,
        judge: Model | None = None,
        store: str | Path | MemoryGraph = DEFAULT_STORE,
        mode: Mode | str = Mode.LAB,
        approval_handler: ApprovalHandler | None = None,
        event_bus: EventBus | None = None,
        keys: Mapping[str, str] | None = None,
        price_overrides: Mapping[str, Rate] | None = None,
        retry_backoff_seconds: float = 0.5,
        description: str = "",
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.mode = Mode(mode)
        self.bus = event_bus or EventBus()
        profile = target if isinstance(target, TargetProfile) else None
        known = of_profile(profile) if profile else None  # a check that is none is told before anything is opened
        self.target: Target = load_target(profile, keys or {}) if profile else as_target(target)
        self._model = reasoner.model if isinstance(reasoner, Reasoner) else reasoner
        self._judge = judge or self._model
        self._models = tuple({id(each): each for each in (self._model, self._judge) if each is not None}.values())
        self._retries = profile.retries if profile else TargetProfile().retries
        self._price = profile.price.rate if profile and profile.price else None
        self._store = store
        self.approval_handler = approval_handler
        self._prices = price_overrides
        self._backoff = retry_backoff_seconds
        self._description = description or (profile.description if profile else f"target: {self.target.name}")
        self._world = profile.world if profile else self.target.world
        self._surface = known or of_world(self.target.world)
        self._config = dict(config or {})
        if profile is not None:
            self._config.setdefault("target", to_store(profile))
        self._hide = hiding(self._world.canaries, secret_values())
        self._stack = AsyncExitStack()
        self._graph: MemoryGraph | None = None
        self._cycle: ResearchCycle | None = None
        self._began: dict[str, float] = {}

    # -- open and close ----------------------------------------------------------------------------------------------

    async def open(self) -> Self:
        """Open the store, bringing its schema up to date. Raises ``StoreError``."""
        if self._graph is None:
            if isinstance(self._store, MemoryGraph):
                self._graph = self._store
            else:
                db = await self._stack.enter_async_context(await Database.open(self._store))
                self._graph = MemoryGraph(db)
        return self

    async def close(self) -> None:
        """Close the store, the target and the reasoner."""
        self._graph = None
        await self._stack.aclose()
        await self.target.aclose()
        for model in self._models:
            await model.aclose()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def graph(self) -> MemoryGraph:
        """The project's memory. Raises ``ConfigError`` before ``open``."""
        if self._graph is None:
            raise ConfigError("tinman: not open yet; use `async with Tinman(...)` or `await tinman.open()`")
        return self._graph

    @property
    def surface(self) -> Surface:
        """What is known of the target: its profile, and once a cycle has begun all that it recalled and was told."""
        return self._cycle.surface if self._cycle else self._surface

    @property
    def has_reasoner(self) -> bool:
        """Whether an LLM reasons."""
        return self._model is not None

    @property
    def reasoner_name(self) -> str:
        """Which LLM reasons, or that none does."""
        return f"{self._model.provider}:{self._model.name}" if self._model else "playbook, no LLM"

    @property
    def judge_name(self) -> str:
        """Which model judges what no check can; empty when none does."""
        return f"{self._judge.provider}:{self._judge.name}" if self._judge else ""

    # -- modes and cycles --------------------------------------------------------------------------------------------

    async def highest_mode(self) -> Mode:
        """Return the highest mode this project was promoted to."""
        return await promotion.highest_mode(self.graph)

    async def promote(self, mode: Mode | str, *, by: str) -> None:
        """Raise the project one mode, on ``by``'s word, which goes into the audit trail. Raises ``ModeRefused``."""
        await promotion.promote(self.graph, mode, by=by)

    async def preflight(self, cycle_id: str = "", options: ResearchOptions | None = None) -> tuple[str, ...]:
        """Check that target, reasoner and judge answer, by a tiny turn each; a failure that may pass is tried again.

        Returns what is worth saying of the target, a line each: how it is called, and what it was said to do and does
        not. Its calls count against the cycle's ceilings when there is one. Raises ``ProviderError``, ``TargetError``,
        ``ConfigError``, ``BudgetExhausted``.
        """
        # The cycle's time begins here: what is waited for before its first run counts as well.
        self._began[cycle_id] = clock.monotonic()
        async with self.spending(cycle_id, options or ResearchOptions()) as meters:
            with anyio.move_on_after(meters.budget.seconds_left):
                notes = await self.target.metered(meters.of_target(retries=1, price=self._price)).preflight() or ()
                for model in self._models:
                    await ChatTarget(meters.of_model(model, retries=1)).preflight()
                return notes
            meters.budget.check_deadline()
        raise TargetError(f"target {self.target.name}: the preflight was cut off")

    async def create_cycle(self, options: ResearchOptions) -> str:
        """Store a new cycle with its resolved configuration and return its id. Raises ``ModeRefused``."""
        check_reached(await self.highest_mode(), self.mode)
        if options.allow_destructive and (why_not := why_not_destructive(self.mode, opted_in=True)):
            raise ModeRefused(f"mode: {why_not}; leave --allow-destructive out")
        cycle = await self.graph.cycles.create(
            mode=self.mode,
            target=self.target.name,
            reasoner=self.reasoner_name,
            seed=options.seed,
            config={**self._config, "options": dump(options), "fingerprint": self.target.fingerprint},
        )
        return cycle.id

    async def research_cycle(
        self,
        focus: str = "",
        max_hypotheses: int = 10,
        max_experiments: int = 5,
        max_interventions: int = 5,
        **more: Any,
    ) -> ResearchCycleResult:
        """Run a complete research cycle. ``more`` are further fields of ``ResearchOptions``.

        Under cancellation nothing stored is lost: ``resume`` goes on from there.
        """
        options = ResearchOptions(
            focus=focus,
            max_hypotheses=max_hypotheses,
            max_experiments=max_experiments,
            max_interventions=max_interventions,
            **more,
        )
        return await self.run_cycle(await self.create_cycle(options), options)

    async def resume(self, cycle_id: str, **changes: Any) -> ResearchCycleResult:
        """Go on with a stored cycle. ``changes`` may raise ceilings (``max_calls``, ``timeout_seconds``, ...), no more.

        Raises ``ConfigError`` when the target is another one than the cycle was started with.
        """
        cycle = await self.graph.cycles.get(cycle_id)
        if cycle.status == "completed":
            return await load_result(self.graph, cycle_id)
        check_same_target(self.target, cycle)
        options = replace(options_of(cycle.config), **changes)
        return await self.run_cycle(cycle_id, options, mode=cycle.mode)

    async def check_free(self, cycle_id: str, options: ResearchOptions) -> None:
        """Raise ``CycleOwned`` when another process runs this cycle, or one that it would overlap with."""
        await Lease(self.graph.db, cycle_id, may_overlap=options.allow_overlap).check()

    async def run_cycle(
        self, cycle_id: str, options: ResearchOptions, *, mode: Mode | None = None
    ) -> ResearchCycleResult:
        """Run a stored cycle under ``options``' ceilings; they are the cycle's own from now on."""
        check_reached(await self.highest_mode(), mode or self.mode)
        async with self.spending(cycle_id, options) as meters:
            self._began.pop(cycle_id, None)
            return await self._run(cycle_id, options, mode or self.mode, meters)

    @asynccontextmanager
    async def spending(self, cycle_id: str, options: ResearchOptions) -> AsyncIterator[Meters]:
        """Open the budget of a cycle (or one of its own without any) with the meters on it."""
        ledger = BlockLedger(self.graph.db, cycle_id) if cycle_id else None
        budget = budget_of(options, ledger, began=self._began.get(cycle_id))
        await budget.open()
        try:
            yield Meters(
                budget,
                bus=self.bus,
                concurrency=options.concurrency,
                price_overrides=self._prices,
                backoff_seconds=self._backoff,
            )
        finally:
            await budget.close()

    async def _run(self, cycle_id: str, options: ResearchOptions, mode: Mode, meters: Meters) -> ResearchCycleResult:
        graph = self.graph
        target = await live(graph, self.target.metered(meters.of_target(retries=self._retries, price=self._price)))
        if (referee := self.referee(meters)) is not None:
            await judges.check(graph, referee)
        reasoner: Reasoner | None = None
        if self._model is not None:
            spent = (await graph.cycles.get(cycle_id)).spent or Spent()
            share = _reasoners_share(options, spent.answers)
            budget = meters.budget.carve(Limits(usd=share.usd))
            reasoner = Reasoner(meters.of_model(self._model).on(budget), share=share, hide=self._hide)
        handler = self.approval_handler or _queueing(graph, self.bus)
        handler.cycle_id = cycle_id
        self._cycle = ResearchCycle(
            graph=graph,
            target=target,
            reasoner=reasoner,
            handler=handler,
            budget=meters.budget,
            bus=self.bus,
            mode=mode,
            options=options,
            description=self._description,
            world=self._world,
            surface=self._surface,
            referee=referee,
            used=lambda: meters.usage,
            hide=self._hide,
        )
        return await self._cycle.run(cycle_id)

    def referee(self, meters: Meters) -> ReasonerReferee | None:
        """Return the judge on ``meters``; ``None`` where no model judges."""
        return ReasonerReferee.of(meters.of_model(self._judge), hide=self._hide) if self._judge else None

    def stop(self) -> None:
        """Let the running cycle launch nothing more; what is in flight ends and is stored."""
        if self._cycle is not None:
            self._cycle.stop()


def check_same_target(target: Target, cycle: Cycle) -> None:
    """Raise ``ConfigError`` when ``target`` is another one than ``cycle`` was started with."""
    now, then = target.fingerprint, cycle.config.get("fingerprint")
    if now != then:
        raise ConfigError(f"cycle {cycle.id}: the target has changed since ({then} then, {now} now); start a new cycle")


def _reasoners_share(options: ResearchOptions, took: Answers) -> Limits:
    """Return what of a cycle's money and time its reasoner may still take after what its earlier processes ``took``."""
    usd = None if options.max_usd is None else max(0.0, options.max_usd * REASONERS_SHARE - took.nano_usd / 1e9)
    return Limits(usd=usd, seconds=options.timeout_seconds * REASONERS_SHARE - took.seconds)


def _queueing(graph: MemoryGraph, bus: EventBus) -> ApprovalHandler:
    """Return a handler that leaves each question in the project's queue."""
    return ApprovalHandler(ApprovalMode.ASYNC, queue=ApprovalQueue(graph.db), audit=AuditLog(graph.db), bus=bus)


async def create_tinman(
    *,
    mode: Mode | str = Mode.LAB,
    target: Any = "sandbox",
    base_url: str | None = None,
    reasoner: Any = None,
    reasoner_base_url: str | None = None,
    judge: Any = None,
    store: str | Path | MemoryGraph = DEFAULT_STORE,
    keys: Mapping[str, str] | None = None,
    **more: Any,
) -> Tinman:
    """Return an open ``Tinman``. ``target``, ``reasoner`` and ``judge`` may be names (``openai:MODEL``); close it
    when done.

    Raises ``ConfigError`` for a name or key that is not there, ``StoreError`` for a store that cannot be opened.
    """
    if isinstance(target, str):
        target = TargetProfile(spec=target, base_url=base_url)
    if reasoner == "playbook":
        reasoner = None
    if isinstance(reasoner, str):
        reasoner = load_model(reasoner, base_url=reasoner_base_url, keys=keys or {})
    if isinstance(judge, str):
        judge = load_model(judge, base_url=reasoner_base_url, keys=keys or {}) if judge else None
    made = Tinman(target=target, reasoner=reasoner, judge=judge, store=store, mode=mode, keys=keys, **more)
    try:
        return await made.open()
    except TinmanError:
        await made.close()
        raise
