"""What all agents share: states, pause and resume, context, result, and where they reach the world."""

from __future__ import annotations

import inspect
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

import anyio
import structlog

from tinman import clock
from tinman.approvals.handler import ApprovalHandler
from tinman.config.modes import Mode, OperatingMode
from tinman.errors import AwaitingApproval, BudgetExhausted, ProviderError, ReasonerFailed, TinmanError
from tinman.events import EventBus, EventName
from tinman.experiments.bench import Bench
from tinman.memory.graph import MemoryGraph
from tinman.models.base import Model
from tinman.playbook.holding import invariants_of
from tinman.reasoner import Reasoner
from tinman.records import DiscoveredFailure, Intervention, Record
from tinman.runtime import InlineRuntime, Runtime, Stopped, Tx, Work
from tinman.scenarios.run import Referee
from tinman.surface import EMPTY_SURFACE, Surface
from tinman.targets.base import Target
from tinman.targets.load import as_target

_log = structlog.get_logger(__name__)
T = TypeVar("T")
Output = TypeVar("Output")
Each = TypeVar("Each", bound=Record)
R = TypeVar("R", DiscoveredFailure, Intervention)


class AgentState(StrEnum):
    """Agent lifecycle states."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(kw_only=True)
class AgentContext:
    """What an operation happens in. ``metadata["focus"]`` narrows the search; ``seed`` fixes all chance.

    Without a ``runtime`` an agent works inline: rows go straight to its graph, and nothing is resumed. ``surface`` is
    what is known of the system under test; ``referee`` judges what no check can.
    """

    mode: OperatingMode = Mode.LAB
    session_id: str = field(default_factory=lambda: secrets.token_hex(8))
    parent_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    started_at: datetime = field(default_factory=clock.now)
    seed: int = 0
    runtime: Runtime | None = None
    concurrency: int = 16
    surface: Surface = EMPTY_SURFACE
    referee: Referee | None = None

    @property
    def focus(self) -> str:
        """What to look at first, in the caller's words; empty for everything."""
        return str(self.metadata.get("focus", ""))

    @property
    def target_description(self) -> str:
        """What an LLM is told of the system under test."""
        return str(self.metadata.get("target_description", "nothing is known"))


class _BuiltWhenRead:
    """A field given as a dict, or as a function that makes it the first time it is read: transcripts are long."""

    def __set__(self, result: object, given: dict[str, Any] | Callable[[], dict[str, Any]]) -> None:
        result.__dict__["_data"] = given

    def __get__(self, result: object | None, kind: object) -> dict[str, Any]:
        if result is None:
            raise AttributeError  # of the class itself: the field has no default
        given: dict[str, Any] | Callable[[], dict[str, Any]] = result.__dict__["_data"]
        if callable(given):
            given = result.__dict__["_data"] = given()
        return given


@dataclass(kw_only=True, frozen=True)
class AgentResult(Generic[Output]):
    """What an operation ended with. ``output`` is the typed value, ``data`` the same as plain data, losslessly.

    ``counts`` are the numbers among it that watchers are told. ``cause`` is the error behind ``error``, for whoever
    has to act on its kind.
    """

    agent_id: str
    agent_type: str
    success: bool
    data: _BuiltWhenRead = _BuiltWhenRead()
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    duration_ms: int = 0
    created_at: datetime = field(default_factory=clock.now)
    output: Output | None = None
    cause: BaseException | None = field(default=None, repr=False, compare=False)

    def unwrap(self) -> Output:
        """Return the output; raise what stopped the agent when there is none."""
        if self.cause is not None:
            raise self.cause
        assert self.output is not None, "an agent without an output has a cause"
        return self.output


class BaseAgent(ABC, Generic[Output]):
    """Base of the six agents, typed by what each returns.

    ``graph`` is the project's memory, ``llm_backbone`` reasons, ``event_bus`` hears what happens.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        *,
        graph: MemoryGraph | None = None,
        llm_backbone: Reasoner | None = None,
        event_bus: EventBus | None = None,
    ) -> None:
        self.graph = graph
        self.reasoner = (
            llm_backbone if llm_backbone is None or isinstance(llm_backbone, Reasoner) else Reasoner(llm_backbone)
        )
        self.bus = event_bus or EventBus()
        self.state = AgentState.IDLE
        self.agent_id = f"{self.kind}-{secrets.token_hex(4)}"
        self._started = clock.monotonic()
        self._may_go = anyio.Event()
        self._may_go.set()

    @property
    def agent_type(self) -> str:
        """The agent's kind, the same for all instances."""
        return self.kind

    @abstractmethod
    async def execute(self, context: AgentContext, *args: Any, **kwargs: Any) -> AgentResult[Output]:
        """Do the agent's work. Most callers want ``run``, which keeps state and reports errors."""

    async def run(self, context: AgentContext, **kwargs: Any) -> AgentResult[Output]:
        """Execute with lifecycle: state, events, errors as results.

        An approval that is still open leaves the agent PAUSED: success False, error None, ``data["status"]``
        ``awaiting_approval``. A ceiling ends it COMPLETED, with ``data["stopped_reason"]``; a stop leaves it PAUSED:
        both may be gone on with. Cancellation goes through; what was stored stays stored. Raises ``TypeError`` for a
        name that ``execute`` does not know.
        """
        inspect.signature(self.execute).bind(context, **kwargs)
        self._started = clock.monotonic()
        self._enter(AgentState.RUNNING, "agent.started")
        try:
            result = await self._answered(context, **kwargs)
        except AwaitingApproval as question:
            self._enter(AgentState.PAUSED, "agent.paused")
            data = {"status": "awaiting_approval", "approval_id": question.approval_id}
            return self._result(data=data, cause=question)
        except BudgetExhausted as limit:
            self._enter(AgentState.COMPLETED, "agent.finished", stopped_reason=str(limit))
            return self._result(data={"stopped_reason": str(limit)}, cause=limit, error=str(limit))
        except Stopped as stop:
            self._enter(AgentState.PAUSED, "agent.paused")
            return self._result(cause=stop, error=str(stop))
        except Exception as error:  # noqa: BLE001 - a bug in one agent must not take the cycle's record with it
            message = str(error)
            if not isinstance(error, TinmanError):
                message = f"{type(error).__name__}: {error}"
                _log.exception("agent.failed", agent=self.kind)
            self.state = AgentState.FAILED
            self.bus.publish("agent.failed", agent=self.kind, error=message)
            return self._result(cause=error, error=message)
        self._enter(AgentState.COMPLETED, "agent.finished")
        return result

    def _enter(self, state: AgentState, event: EventName, **told: Any) -> None:
        self.state = state
        self.bus.publish(event, agent=self.kind, agent_id=self.agent_id, **told)

    async def _answered(self, context: AgentContext, **kwargs: Any) -> AgentResult[Output]:
        """Execute; where the runtime can wait for an answer, wait, and go over the stored steps again."""
        while True:
            try:
                return await self.execute(context, **kwargs)
            except AwaitingApproval as question:
                if context.runtime is None:
                    raise
                await context.runtime.receive(question.approval_id)

    def pause(self) -> None:
        """Stop before the next unit of work (a run, a design, a failure); what is in flight ends."""
        if self._may_go.is_set():
            self._may_go = anyio.Event()

    def resume(self) -> None:
        """Go on where it stopped."""
        self._may_go.set()

    async def checkpoint(self) -> None:
        """Wait here while the agent is paused. Called between two units of work."""
        if not self._may_go.is_set():
            self._enter(AgentState.PAUSED, "agent.paused")
            await self._may_go.wait()
            self._enter(AgentState.RUNNING, "agent.resumed")

    async def ask(self, prompt: str, schema: type[T], *, data: Mapping[str, str], seed: int) -> T | None:
        """Ask the LLM, or return ``None`` when there is none or it gave no valid answer: agents then go on without it.

        Raises ``BudgetExhausted``.
        """
        if self.reasoner is None:
            return None
        try:
            return await self.reasoner.ask(prompt, schema, data=data, seed=seed)
        except (ReasonerFailed, ProviderError) as error:
            _log.info("reasoner.failed", agent=self.kind, schema=schema.__name__, error=str(error))
            return None

    def runtime_of(self, context: AgentContext) -> Runtime:
        """Return the context's runtime, or an inline one over this agent's graph."""
        return context.runtime or InlineRuntime(self.graph, bus=self.bus, cycle_id=context.session_id)

    async def for_each(
        self,
        context: AgentContext,
        runtime: Runtime,
        prefix: str,
        records: Sequence[Each],
        work: Callable[[Each, Tx], Awaitable[T]],
    ) -> list[T]:
        """Do ``work`` for each record as a step of its own, ``prefix/id``, a bounded number at a time."""

        def step(record: Each) -> Work[T]:
            async def one(tx: Tx) -> T:
                await self.checkpoint()
                return await work(record, tx)

            return one

        return await runtime.map([(f"{prefix}/{each.id}", step(each)) for each in records], context.concurrency)

    async def labelled(self, runtime: Runtime, prefix: str, key: str, records: Sequence[R]) -> list[R]:
        """Give records their labels (``F-9``) in the order given, once in the life of the cycle.

        Labels are for people and covered by no digest. Without a graph the numbers start at 1.
        """
        ids = [record.id for record in records]

        async def work(tx: Tx) -> None:
            tx.number(prefix, ids)

        await runtime.step(f"labels/{key}", work)
        stored = {} if self.graph is None else await self.graph.labels(ids)
        labels = [stored.get(each) or f"{prefix}-{number}" for number, each in enumerate(ids, 1)]
        return [replace(record, label=label) for record, label in zip(records, labels, strict=True)]

    def _result(
        self,
        *,
        data: dict[str, Any] | Callable[[], dict[str, Any]] | None = None,
        counts: Mapping[str, int] | None = None,
        output: Output | None = None,
        error: str | None = None,
        cause: BaseException | None = None,
    ) -> AgentResult[Output]:
        """Return the result of this agent, a success without a ``cause``; ``data`` gets the ``counts``, too."""
        counts = counts or {}
        rest = data or {}
        return AgentResult(
            agent_id=self.agent_id,
            agent_type=self.kind,
            success=cause is None,
            data=lambda: {**counts, **(rest() if callable(rest) else rest)},
            counts=counts,
            error=error,
            duration_ms=round((clock.monotonic() - self._started) * 1000),
            output=output,
            cause=cause,
        )


class TargetAgent(BaseAgent[Output]):
    """Base of the two agents that make runs of a target, and ask before they do."""

    def __init__(
        self,
        graph: MemoryGraph | None = None,
        model_client: Target | Model | None = None,
        llm_backbone: Reasoner | None = None,
        approval_handler: ApprovalHandler | None = None,
        event_bus: EventBus | None = None,
    ) -> None:
        super().__init__(graph=graph, llm_backbone=llm_backbone, event_bus=event_bus)
        self.target = None if model_client is None else as_target(model_client)
        self.approval_handler = approval_handler

    def bench(self, context: AgentContext, target: Target) -> Bench:
        """Return the bench on which this agent makes runs of ``target``; it waits there while it is paused."""
        return Bench(
            target=target,
            runtime=self.runtime_of(context),
            bus=self.bus,
            seed=context.seed,
            concurrency=context.concurrency,
            checkpoint=self.checkpoint,
            invariants=partial(invariants_of, surface=context.surface, own=target.world),
            referee=context.referee,
        )
