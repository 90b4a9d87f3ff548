"""What a loop is made of, the same in all its sessions: its place, its models, its tools and senses, its voice."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import anyio

from tinman.approvals.reviewers import BaseReviewer
from tinman.budget import Budget
from tinman.config.modes import Mode
from tinman.config.settings import secret_values
from tinman.errors import LoopConfigError
from tinman.events import EventBus
from tinman.frozen import alter
from tinman.loop.approvals.gate import Gate, HandlerGate, ReviewerGate
from tinman.loop.exits import ExitCondition
from tinman.loop.goals import GoalMetric
from tinman.loop.policies import Policy, Rules
from tinman.loop.pricing import STALE_DAYS, Pricing, find_seller
from tinman.loop.result import Stop
from tinman.loop.session.history import History
from tinman.loop.session.measured import MeasuredPrompts
from tinman.loop.session.plans import Planner, Summarizer
from tinman.loop.session.questions import Questions
from tinman.loop.session.run import Rounds, Session
from tinman.loop.session.world import Caller, Observer
from tinman.loop.state.records import LoopConfig, State
from tinman.loop.state.store import FileStore, MemoryStore, Store
from tinman.loop.tools.tools import ToolRegistry
from tinman.loop.trace import Trace
from tinman.models.base import Hosted, Model
from tinman.models.client import SDKModel
from tinman.models.limiter import ProviderLimiter
from tinman.models.metered import Metered, Metering
from tinman.text.secrets import redaction_of
from tinman.text.visible import shorten

if TYPE_CHECKING:
    from tinman.approvals.handler import ApprovalHandler
    from tinman.db.engine import Database
    from tinman.runtime import Runtime


@dataclass(frozen=True)
class Voice:
    """Says lines, unless quiet; standard error may be closed."""

    is_quiet: bool
    _said: set[str] = field(default_factory=set)

    def say_once(self, line: str) -> None:
        """Say one line, unless it was said before."""
        if line not in self._said:
            self._said.add(line)
            self.say(line)

    def say(self, line: str) -> None:
        """Say one line."""
        if not self.is_quiet:
            with suppress(OSError, ValueError):
                sys.stderr.write(f"[loop] {line}\n")

    def announce(self, goal: str, config: LoopConfig) -> None:
        """Say goal and limits: safety is never silent."""
        limits = [
            f"{config.max_iterations} iterations",
            f"{config.token_limit:,} tokens",
            f"{config.wall_clock_s:g}s wall-clock",
        ]
        if config.cost_limit_usd is not None:
            limits.append(f"{config.cost_limit_usd:g} USD")
        self.say(f"goal={shorten(goal, 200)!r} | limits: {', '.join(limits)}")


Staleness = Literal["warn", "token-only", "refuse"]


@dataclass(frozen=True)
class Meters:
    """A loop's model and summarizer. ``prices_age`` is in days."""

    model: Model
    summarizer: Model | None
    metering: Metering
    prices_age: int
    staleness: Staleness
    voice: Voice

    def __post_init__(self) -> None:
        if self.staleness not in {"warn", "token-only", "refuse"}:
            raise LoopConfigError(f"pricing_staleness: {self.staleness!r} is none of warn, token-only, refuse")

    @property
    def pricing(self) -> Pricing:
        """The prices of the loop's model."""
        return Pricing(find_seller(self.model, self.metering.price_overrides or {}), self.metering.price_overrides)

    def limit_money(self, config: LoopConfig) -> LoopConfig:
        """Return ``config`` with a money limit that can be kept: a stale table is refused, told about, or lifts it.

        Raises ``LoopConfigError`` for a refused table and for a model without a price.
        """
        if config.cost_limit_usd is None:
            return config
        self.pricing.check(config)
        age = self.prices_age or self.pricing.age_days
        if age > STALE_DAYS:
            old = f"pricing is {age} days old (as_of)"
            if self.staleness == "refuse":
                raise LoopConfigError(f"{old}, more than {STALE_DAYS}; bring it up to date")
            if self.staleness == "token-only":
                self.voice.say_once(f"{old}: cost_limit_usd is off, tokens alone are limited")
                return alter(config, cost_limit_usd=None)
            self.voice.say_once(f"{old}: cost_limit_usd is kept by it all the same")
        return config

    def find_parent(self, given: Budget | None) -> Budget | None:
        """Return the budget the loop spends out of: the one it was given, or that of the meter it was given."""
        return self.model.budget if given is None and isinstance(self.model, Metered) else given

    def start(self, budget: Budget, config: LoopConfig, stack: AsyncExitStack) -> tuple[Metered, Metered | None]:
        """Return model and summarizer on ``budget``, with connections of this event loop that ``stack`` closes."""
        return (
            self._meter(self.model, budget, config, stack),
            None if self.summarizer is None else self._meter(self.summarizer, budget, config, stack),
        )

    def _meter(self, model: Model, budget: Budget, config: LoopConfig, stack: AsyncExitStack) -> Metered:
        if isinstance(model, Metered):
            return model.on(budget)
        if isinstance(model, SDKModel):  # loops in other threads may be using it, and closing theirs
            model = model.apart()
        if isinstance(model, Hosted):
            stack.push_async_callback(_close, model)
        cap, bound = config.max_tokens_per_call, MeasuredPrompts()
        own = replace(self.metering, limiter=ProviderLimiter(), max_tokens_default=cap, prompt_bound=bound)
        return Metered(find_seller(model, own.price_overrides or {}), own, budget=budget)


async def _close(model: Model) -> None:
    with anyio.CancelScope(shield=True):
        await model.aclose()


@dataclass(frozen=True)
class Place:
    """A state file, a database, a cycle's runtime, or nothing; and who is asked. Raises ``LoopConfigError``."""

    state_path: str | Path | None
    state_key: bytes | None
    db: Database | str | Path | None
    runtime: Runtime | None
    key: str
    runner: BaseReviewer
    handler: ApprovalHandler | None
    ttl_s: float
    mode: Mode
    bus: EventBus | None

    def __post_init__(self) -> None:
        given = {"state_path": self.state_path, "db": self.db, "runtime": self.runtime}
        places = [name for name, value in given.items() if value]
        if len(places) > 1:
            raise LoopConfigError(f"loop: {' and '.join(places)} both say where the state is; give one")
        if self.runner.is_headless and self.handler is None and not places:
            raise LoopConfigError(
                "loop: headless approval requires state_path (or db): nobody could answer a question that is not stored"
            )
        if self.runtime is not None and not self.key:
            raise LoopConfigError("loop: with runtime=, give key=: the name of this loop within the cycle")

    @property
    def needs_event_loop(self) -> bool:
        """Whether the database belongs to the event loop that opened it."""
        return self.db is not None and not isinstance(self.db, str | Path)

    async def open(
        self, stack: AsyncExitStack, memory: MemoryStore, state: State, *, loop_id: str, is_new: bool
    ) -> tuple[Store, Gate]:
        """Return the store, not yet opened, and the gate; ``stack`` closes what they need.

        Without any place that lasts the store is ``memory``. Raises ``LoopOwned`` and ``NotFound`` for a database.
        """
        gate = HandlerGate(self.handler) if self.handler else ReviewerGate(self.runner)
        if self.state_path is not None:
            return FileStore(Path(self.state_path), key=self.state_key), gate
        if self.db is None and self.runtime is None:
            return memory, gate
        from tinman.loop.state import journal  # noqa: PLC0415 - loads SQLAlchemy, for loops in a database

        if self.db is None:
            assert self.runtime is not None
            return journal.within(self.runtime, self.key), gate
        return await journal.open_database(self, loop_id or state.loop_id, stack, goal=state.goal if is_new else None)


@dataclass(frozen=True)
class Equipment:
    """Tools, rules and senses of a loop. ``ttl_s`` is how many seconds a question stays open.

    Without a ``redaction`` of its user's, what looks like a key and what this process's environment holds goes.
    """

    registry: ToolRegistry
    observe: Callable[[State], Any] | None
    metric: GoalMetric | None
    policies: Sequence[Policy]
    exits: Sequence[ExitCondition]
    redaction: Callable[[str], str] | None
    mode: Mode
    ttl_s: float
    trace_path: str | Path | None
    on_event: Callable[[dict[str, Any]], object] | None
    bus: EventBus | None

    @cached_property
    def redact(self) -> Callable[[str], str]:
        """Return a text without what must not be kept."""
        return self.redaction or redaction_of(secret_values())

    def trace(self, loop_id: str) -> Trace:
        """Return the trace of one session."""
        path = None if self.trace_path is None else Path(self.trace_path)
        return Trace(path, self.on_event, loop_id, self.redact, self.bus)

    def session(
        self,
        history: History,
        gate: Gate,
        model: Metered,
        summarizer: Metered | None,
        pricing: Pricing,
        confirm: Callable[[], Awaitable[Stop | None]],
    ) -> Session:
        """Return one session of the loop, each piece with what it needs; ``confirm`` may object to a SUCCESS."""
        budget, store, trace = history.budget, history.store, history.trace
        rules = Rules(self.policies, trace)
        observer = Observer(self.observe, self.metric, budget, self.redact)
        caller = Caller(self.registry, budget, store, trace, self.redact)
        planner = Planner(self.registry, model, pricing, budget, trace, self.redact)
        questions = Questions(history, rules, observer, caller, gate, store, trace, self.mode, self.ttl_s)
        sums = Summarizer(summarizer, budget, self.redact)
        rounds = Rounds(history, rules, observer, planner, caller, questions, sums, self.exits, trace)
        return Session(rounds, history, store, trace, self.redact, confirm)
