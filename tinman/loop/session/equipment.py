"""What a loop observes, measures, acts and is judged with, the same in all its sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinman.config.modes import Mode
from tinman.events import EventBus
from tinman.loop.approvals.gate import Gate
from tinman.loop.exits import ExitCondition
from tinman.loop.goals import GoalMetric
from tinman.loop.policies import Policy
from tinman.loop.session.calls import Caller
from tinman.loop.session.ceilings import Pricing
from tinman.loop.session.history import History
from tinman.loop.session.observations import Observer
from tinman.loop.session.plans import Planner
from tinman.loop.session.questions import Questions
from tinman.loop.session.rounds import Rounds
from tinman.loop.session.rules import Rules
from tinman.loop.session.run import Session
from tinman.loop.session.summaries import Summarizer
from tinman.loop.state.records import State
from tinman.loop.state.store import Store
from tinman.loop.tools.tools import ToolRegistry
from tinman.loop.trace import Trace
from tinman.models.metered import Metered


@dataclass(frozen=True)
class Equipment:
    """Tools, rules and senses of a loop. ``ttl_s`` is how many seconds a question stays open."""

    registry: ToolRegistry
    observe: Callable[[State], Any] | None
    metric: GoalMetric | None
    policies: Sequence[Policy]
    exits: Sequence[ExitCondition]
    redact: Callable[[str], str]
    mode: Mode
    ttl_s: float
    trace_path: str | Path | None
    on_event: Callable[[dict[str, Any]], object] | None
    bus: EventBus | None

    def trace(self, loop_id: str) -> Trace:
        """Return the trace of one session."""
        path = None if self.trace_path is None else Path(self.trace_path)
        return Trace(path, self.on_event, loop_id=loop_id, redact=self.redact, bus=self.bus)

    def session(
        self,
        history: History,
        *,
        store: Store,
        trace: Trace,
        gate: Gate,
        model: Metered,
        summarizer: Metered | None,
        pricing: Pricing,
    ) -> Session:
        """Return one session of the loop, each piece with what it needs."""
        budget = history.budget
        rules = Rules(self.policies, trace)
        observer = Observer(self.observe, self.metric, budget, self.redact)
        caller = Caller(self.registry, budget, store, trace, self.redact)
        planner = Planner(self.registry, model, pricing, budget, trace, self.redact)
        questions = Questions(history, rules, observer, caller, gate, store, trace, self.mode, self.ttl_s)
        rounds = Rounds(
            history=history,
            rules=rules,
            observer=observer,
            planner=planner,
            caller=caller,
            questions=questions,
            summarizer=Summarizer(summarizer, budget, self.redact),
            exits=self.exits,
            trace=trace,
        )
        return Session(rounds, history, store, trace, self.redact)
