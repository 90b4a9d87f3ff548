"""Rules asked before each round and each action. A STOP is final: no approval overrides it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tinman.errors import LoopConfigError
from tinman.frozen import frozen
from tinman.loop.pricing import Priced, cost_usd, rates
from tinman.loop.result import LoopStatus, Stop
from tinman.loop.state.records import Call, State
from tinman.loop.trace import Trace


class DecisionKind(StrEnum):
    """Go on, end the loop, or ask somebody first."""

    CONTINUE = "CONTINUE"
    STOP = "STOP"
    PAUSE = "PAUSE"


@frozen
class Decision:
    """A policy's word. ``status`` is what a STOP ends the loop with; without one it is an ERROR."""

    kind: DecisionKind = DecisionKind.CONTINUE
    reason: str = ""
    status: LoopStatus | None = None


GO_ON = Decision()


class Policy:
    """A rule. Subclass it and override what it has to say.

    Its code and attributes are its fingerprint: a loop saved under other policies is not resumed without a word.
    """

    def before_iteration(self, state: State) -> Decision:
        """Return the decision on starting another round. A PAUSE here means go on."""
        return GO_ON

    def before_action(self, state: State, tool_name: str, args: dict[str, Any]) -> Decision:
        """Return the decision on one call; ``args`` is a copy."""
        return GO_ON

    @property
    def name(self) -> str:
        """What events and reasons call it."""
        return type(self).__name__


class NoProgress(Policy):
    """Ends the loop after ``window`` rounds in a row that repeat, idle or are invalid while nothing moves."""

    def __init__(self, window: int = 3) -> None:
        if window < 1:
            raise LoopConfigError(f"NoProgress: window must be at least 1, not {window}")
        self.window = window

    def before_iteration(self, state: State) -> Decision:
        """Stop NO_PROGRESS when the streak is as long as the window."""
        if state.no_progress_streak < self.window:
            return GO_ON
        reason = f"{state.no_progress_streak} rounds in a row repeated, idled or were invalid and nothing moved"
        return Decision(kind=DecisionKind.STOP, reason=reason, status=LoopStatus.NO_PROGRESS)


class CostLimit(Policy):
    """Ends the loop once it has cost ``usd``; ``cost_limit_usd`` of the loop, in contrast, refuses before it spends.

    ``pricing`` prices ``model_id`` when no public table knows it. A cost that stays unknown ends the loop as well.
    """

    def __init__(self, usd: float, model_id: str = "", pricing: Mapping[str, Priced] | None = None) -> None:
        self.usd = usd
        self.model_id = model_id
        self._rate = rates(pricing, "").get(f":{model_id}") if pricing else None
        if pricing and self._rate is None:
            raise LoopConfigError(f"CostLimit: pricing has no {model_id!r}; name the model as in the table")

    def before_iteration(self, state: State) -> Decision:
        """Stop BUDGET_EXHAUSTED at the limit, or when the cost is not known."""
        cost = cost_usd(self._rate, state.metrics) if self._rate else state.metrics.cost_usd
        if cost is None:
            reason = f"the cost of {self.model_id or 'the model'} is unknown, so {self.usd:g} USD cannot be kept"
            return Decision(kind=DecisionKind.STOP, reason=f"{reason}; give pricing", status=_BUDGET)
        if cost < self.usd:
            return GO_ON
        reason = f"cost limit ({self.usd:g} USD) reached: {cost:.4f}"
        return Decision(kind=DecisionKind.STOP, reason=reason, status=_BUDGET)


_BUDGET = LoopStatus.BUDGET_EXHAUSTED
Matcher = Iterable[str] | Callable[[str, dict[str, Any]], bool]


class RequireApproval(Policy):
    """Asks before the tools named, or before calls that ``matcher(tool_name, args)`` picks. A matcher that fails asks.

    ``"*"`` names every tool.
    """

    def __init__(self, matcher: Matcher, reason: str = "requires approval") -> None:
        self.reason = reason
        self._predicate: Callable[[str, dict[str, Any]], bool] | None = None
        self.tools: tuple[str, ...] = ()
        if callable(matcher):
            self._predicate = matcher
        else:
            self.tools = (matcher,) if isinstance(matcher, str) else tuple(sorted(matcher))

    def before_action(self, state: State, tool_name: str, args: dict[str, Any]) -> Decision:
        """Pause for the calls that match."""
        if self._predicate is not None:
            if not self._predicate(tool_name, args):
                return GO_ON
        elif tool_name not in self.tools and "*" not in self.tools:
            return GO_ON
        return Decision(kind=DecisionKind.PAUSE, reason=self.reason)


@dataclass(frozen=True)
class Rules:
    """Asks every policy and tells the trace of a STOP. Raises ``LoopConfigError`` for what is no ``Decision``."""

    policies: Sequence[Policy]
    trace: Trace

    def stop_before_round(self, state: State) -> Stop | None:
        """Return how the first policy that says STOP ends the loop before another round."""
        for policy in self.policies:
            decision = _check(policy, policy.before_iteration(state))
            if decision.kind is DecisionKind.STOP:
                return self._stop(policy, decision)
        return None

    def judge(self, state: State, call: Call) -> Stop | Decision | None:
        """Return the first STOP about a call, else the first PAUSE, else ``None``."""
        pause = None
        for policy in self.policies:
            arguments = json.loads(json.dumps(call.args))  # a copy: a policy cannot alter the call
            decision = _check(policy, policy.before_action(state, call.tool, arguments))
            if decision.kind is DecisionKind.STOP:
                return self._stop(policy, decision)
            if decision.kind is DecisionKind.PAUSE:
                pause = pause or decision
        return pause

    def _stop(self, policy: Policy, decision: Decision) -> Stop:
        self.trace.tell("policy.stop", policy=policy.name, reason=decision.reason)
        status = decision.status or LoopStatus.ERROR
        return Stop(
            status=status,
            reason=f"{policy.name}: {decision.reason}",
            error="PolicyStop" if status is LoopStatus.ERROR else "",
        )


def _check(policy: Policy, decision: object) -> Decision:
    if not isinstance(decision, Decision):
        raise LoopConfigError(f"policy {policy.name} returned a {type(decision).__name__}; return a Decision")
    return decision
