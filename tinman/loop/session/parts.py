"""What a session of a loop is made of, and what its pieces hand one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tinman.budget import Budget
from tinman.config.modes import Mode
from tinman.loop.approvals.gate import Gate
from tinman.loop.exits import ExitCondition
from tinman.loop.goals import GoalMetric
from tinman.loop.policies import Policy
from tinman.loop.session import spending
from tinman.loop.state.records import MetricSnapshot, State
from tinman.loop.state.store import Store
from tinman.loop.tools.tools import ToolRegistry
from tinman.loop.trace import Trace
from tinman.models.metered import Metered


class OutOfTime(Exception):
    """Raised inside when the wall clock ended a wait."""


@dataclass(frozen=True)
class Answer:
    """What came with a resume: the answer to a waiting approval, or what somebody found out about a begun action."""

    token: str | None = None
    approved: bool = False
    note: str = ""
    resolve: str | None = None


@dataclass(frozen=True)
class Look:
    """What was observed, and the measurement of it."""

    observation: str
    digest: str
    metric: MetricSnapshot | None
    is_success: bool


@dataclass
class Parts:
    """What a loop is made of, as its session needs it."""

    registry: ToolRegistry
    metered: Metered
    pricing: spending.Pricing
    budget: Budget
    store: Store
    trace: Trace
    gate: Gate
    policies: Sequence[Policy]
    exits: Sequence[ExitCondition]
    observe: Callable[[State], Any] | None
    metric: GoalMetric | None
    summarizer: Metered | None
    summarizer_name: str
    redact: Callable[[str], str]
    mode: Mode
    ttl_s: float
    watch: Callable[[State], None]
