"""A loop's dealings with the world, each within what is left of the wall clock: looks at it, and calls of tools."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio

from tinman.budget import Budget
from tinman.errors import LoopConfigError
from tinman.frozen import digest, make
from tinman.loop.apart import await_apart
from tinman.loop.goals import GoalMetric
from tinman.loop.session.nesting import in_its_thread
from tinman.loop.state.records import ActionRecord, Call, MetricSnapshot, State
from tinman.loop.state.store import Store
from tinman.loop.tools.tools import ToolRegistry, ToolResult
from tinman.loop.trace import Trace
from tinman.processes.threads import CallScope, OutOfTime, current_call, in_thread, in_thread_within, is_async
from tinman.text.cutting import head_and_tail
from tinman.text.storable import whole

OBSERVATION_CHARS = 16_384


@dataclass(frozen=True)
class Look:
    """What was observed (secrets taken out), the digest of it as it was, and the measurement of it."""

    observation: str
    digest: str
    metric: MetricSnapshot | None
    is_success: bool


_NOTHING = Look("", digest(""), None, False)
_Measured = tuple[MetricSnapshot | None, bool]


@dataclass(frozen=True)
class Observer:
    """Looks at the world with what a loop was given to observe and to measure."""

    observe: Callable[[State], Any] | None
    metric: GoalMetric | None
    budget: Budget
    redact: Callable[[str], str]

    async def look(self, state: State) -> Look:
        """Observe and measure, together in one thread unless ``observe`` is async. Raises ``OutOfTime``.

        Given up, for whatever reason, the commands that observing started are ended with it.
        """
        if self.observe is None and self.metric is None:
            return _NOTHING
        scope = CallScope()
        token = current_call.set(scope)
        try:
            return await self._look(state)
        except BaseException:
            scope.abort()
            raise
        finally:
            current_call.reset(token)

    async def _look(self, state: State) -> Look:
        if self.observe is not None and is_async(self.observe):
            waiting = partial(self.observe, state)
        else:
            seen, measured = await in_thread_within(self.budget.seconds_left, in_its_thread(self._observe), state)
            if measured is not None:
                return Look(self.redact(seen), digest(seen), *measured)
            waiting = seen
        with anyio.move_on_after(self.budget.seconds_left):
            text = _cut(await await_apart(waiting))
            measured = await in_thread(self._measure, text, state) if self.metric is not None else (None, False)
            return Look(self.redact(text), digest(text), *measured)
        raise OutOfTime

    def _observe(self, state: State) -> tuple[Any, _Measured | None]:
        """Return what is seen and its measurement; what is still to be awaited comes without one."""
        seen = "" if self.observe is None else self.observe(state)
        if hasattr(seen, "__await__"):
            return seen, None
        text = _cut(seen)
        return text, self._measure(text, state)

    def _measure(self, text: str, state: State) -> _Measured:
        if self.metric is None:
            return None, False
        snapshot = self.metric.measure(text, state)
        if not isinstance(snapshot, MetricSnapshot):
            raise LoopConfigError(
                f"goal_metric: measure() returned a {type(snapshot).__name__}; return a MetricSnapshot"
            )
        return snapshot, bool(self.metric.is_success(snapshot))


def _cut(seen: object) -> str:
    return head_and_tail(whole(str(seen)), OBSERVATION_CHARS)


RESULT_CHARS = 16_384
ARGS_CHARS = 1_024
_SORTED = json.JSONEncoder(sort_keys=True)


@dataclass(frozen=True)
class Caller:
    """Makes calls with a loop's tools. Results too long for the state are kept whole in ``store``."""

    registry: ToolRegistry
    budget: Budget
    store: Store
    trace: Trace
    redact: Callable[[str], str]

    async def perform(self, call: Call, *, approved_as: str = "") -> ActionRecord:
        """Run one call within what is left of the wall clock; its arguments are validated here, once more."""
        tool = self.registry.get(call.tool)
        if tool is None:
            result = ToolResult(status="error", output=f"there is no tool {call.tool!r}", duration_s=0.0)
        else:
            result = await tool.validate_and_execute(call.args, self.budget.seconds_left)
        self.trace.tell("action.executed", tool=call.tool, status=result.status, duration_s=round(result.duration_s, 6))
        output = self.redact(whole(result.output))
        payload = await self.store.keep(output) if len(output) > RESULT_CHARS else ""
        return make(
            ActionRecord,
            tool=call.tool,
            args_excerpt=self._excerpt(call.args),
            status=result.status,
            result_excerpt=head_and_tail(output, RESULT_CHARS),
            duration_s=result.duration_s,
            fingerprint=tool.fingerprint(call.args) if tool is not None else "",
            payload=payload,
            approval=approved_as,
        )

    def record_without_result(self, call: Call) -> ActionRecord:
        """Return the record of a call that was made by a process which did not live to keep its result."""
        return ActionRecord(
            tool=call.tool,
            args_excerpt=self._excerpt(call.args),
            status="unknown",
            result_excerpt="it happened; its result was lost with the process",
        )

    def _excerpt(self, args: dict[str, Any]) -> str:
        return head_and_tail(self.redact(_SORTED.encode(args)), ARGS_CHARS)
