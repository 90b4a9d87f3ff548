"""Loops inside agents: what their tools brought so far, and how they ended, in the agents' own words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tinman.agents.base import AgentState
from tinman.frozen import dump
from tinman.loop.engine import Loop
from tinman.loop.goals import GoalMetric
from tinman.loop.result import LoopResult, LoopStatus
from tinman.loop.state.records import MetricSnapshot, State

STATE_OF: dict[LoopStatus, AgentState] = {
    **dict.fromkeys(LoopStatus, AgentState.COMPLETED),
    LoopStatus.AWAITING_APPROVAL: AgentState.PAUSED,
    LoopStatus.ERROR: AgentState.FAILED,
}
"""A loop that stopped short of its goal has completed, with a reason; only an error is a failure."""


class Worth(GoalMetric):
    """What a loop's tries are worth so far, by a function of its state; the goal is 1."""

    def __init__(self, of: Callable[[State], float]) -> None:
        self._of = of

    def measure(self, observation: str, state: State) -> MetricSnapshot:
        """Return what they are worth."""
        return MetricSnapshot(value=self._of(state))

    def is_success(self, snapshot: MetricSnapshot) -> bool:
        """Say whether they are worth all that they can be."""
        return snapshot.value >= 1.0


def results_of(state: State, *tools: str) -> list[dict[str, Any]]:
    """Return what the calls of ``tools`` that went well returned, JSON objects, oldest first, of the open round too.

    They stand in the loop's own records, which outlive the process; one too long to stand there whole is left out.
    """
    records = [*state.iterations, *([state.round.record] if state.round is not None else [])]
    actions = [action for record in records for action in record.actions]
    kept = [action for action in actions if action.tool in tools and action.status == "ok" and not action.payload]
    return [json.loads(action.result_excerpt) for action in kept]


def describe_end(key: str, loop: Loop, result: LoopResult) -> dict[str, Any]:
    """Return a loop's end as an ``AgentResult`` tells it: key, status, the agent's word for it, reason, explanation."""
    return {
        "loop": key,
        "status": result.status.value,
        "state": STATE_OF[result.status].value,
        "stopped_reason": "" if result.status is LoopStatus.SUCCESS else result.reason,
        "iterations": result.iterations,
        "explain": dump(loop.explain(result)),
    }
