"""One look at the world: observed and measured under the loop's deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio

from tinman.errors import LoopConfigError
from tinman.frozen import digest
from tinman.loop.session.parts import Look, OutOfTime, Parts
from tinman.loop.state.records import MetricSnapshot, State
from tinman.processes.scope import CallScope, current_call
from tinman.processes.threads import in_thread, is_async
from tinman.text.cutting import head_and_tail, whole

OBSERVATION_CHARS = 16_384


class Observing:
    """Looks at the world as a loop in ``state`` does."""

    def __init__(self, parts: Parts, state: State) -> None:
        self.state = state
        self._p = parts

    async def look(self) -> Look:
        """Observe and measure, together in one thread unless ``observe`` is async. Raises ``OutOfTime``."""
        observe, metric = self._p.observe, self._p.metric
        if observe is None and metric is None:
            return Look("", digest(""), None, False)
        scope = CallScope()
        token = current_call.set(scope)
        try:
            return await self._look_within(observe)
        except BaseException:
            scope.abort()  # commands that are still running end with it
            raise
        finally:
            current_call.reset(token)

    async def _look_within(self, observe: Callable[[State], Any] | None) -> Look:
        with anyio.move_on_after(self._p.budget.seconds_left) as deadline:
            if observe is not None and is_async(observe):
                seen = await observe(self.state)
                return await self._looked(seen)
            seen, snapshot, is_success = await in_thread(self._look_now)
            if hasattr(seen, "__await__"):
                return await self._looked(await seen)
            return self._made(seen, snapshot, is_success)
        if deadline.cancelled_caught:
            raise OutOfTime
        raise AssertionError("unreachable")

    async def _looked(self, seen: object) -> Look:
        observation = self._observed(seen)
        if self._p.metric is None:
            return self._made(observation, None, False)
        return self._made(observation, *await in_thread(self._measured, observation))

    def _look_now(self) -> tuple[Any, MetricSnapshot | None, bool]:
        seen = "" if self._p.observe is None else self._p.observe(self.state)
        if hasattr(seen, "__await__") or self._p.metric is None:
            return seen, None, False
        observation = self._observed(seen)
        return observation, *self._measured(observation)

    def _measured(self, observation: str) -> tuple[MetricSnapshot, bool]:
        assert self._p.metric is not None
        snapshot = self._p.metric.measure(observation, self.state)
        if not isinstance(snapshot, MetricSnapshot):
            raise LoopConfigError(
                f"goal_metric: measure() returned a {type(snapshot).__name__}; return a MetricSnapshot"
            )
        return snapshot, bool(self._p.metric.is_success(snapshot))

    @staticmethod
    def _observed(seen: object) -> str:
        return head_and_tail(whole(str(seen)), OBSERVATION_CHARS)

    def _made(self, seen: object, snapshot: MetricSnapshot | None, is_success: bool) -> Look:
        observation = self._observed(seen)
        return Look(self._p.redact(observation), digest(observation), snapshot, is_success)
