"""The course of a session: the state it is in, and the only way to another one."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from tinman import clock
from tinman.errors import LoopConfigError
from tinman.loop.policies import Decision, Policy
from tinman.loop.result import LoopStatus, Stop
from tinman.loop.session import spending
from tinman.loop.session.parts import OutOfTime, Parts
from tinman.loop.state.changes import Change, Closed, apply
from tinman.loop.state.records import Call, State


class Course:
    """Goes from ``state`` to the next by changes, each durable before the next thing happens."""

    def __init__(self, parts: Parts, state: State) -> None:
        self.state = state
        self._p = parts
        self._started = clock.monotonic()
        self._elapsed_before = state.metrics.elapsed_s

    @property
    def elapsed_s(self) -> float:
        """Wall clock of all sessions, this one included."""
        return self._elapsed_before + clock.monotonic() - self._started

    async def commit(self, change: Change) -> None:
        """Make ``change`` durable and go on from the state it leads to."""
        after = apply(self.state, change)
        await self._p.store.commit(change, after)
        self._go_on_from(after)

    async def perform(self, work: Callable[[], Awaitable[Change]]) -> None:
        """Do ``work``, make the change it comes to durable, and go on from the state it leads to."""
        after: list[State] = []

        def led_to(change: Change) -> State:
            after.append(apply(self.state, change))
            return after[0]

        change = await self._p.store.perform(work, led_to)
        self._go_on_from(after[0] if after else led_to(change))

    def _go_on_from(self, after: State) -> None:
        rounds = len(self.state.iterations)
        self.state = after
        self._p.watch(after)
        if len(after.iterations) > rounds and self._p.trace.is_on:
            record = after.iterations[-1]
            self._p.trace.tell(
                "iteration.end",
                index=record.index,
                trend=record.trend,
                repetition=record.repetition,
                idle=record.idle,
                no_progress_streak=after.no_progress_streak,
                summarized_iterations=max((each.last + 1 for each in after.artifacts), default=0),
                accounting={"tokens": after.total_tokens, "spent_tokens": self._p.budget.spent.tokens},
            )

    # -- ceilings

    def reached(self, *, in_round: bool = False) -> str:
        """Return which ceiling is reached; empty when none is."""
        return spending.reached(self.state.config, self.state, self._p.budget, in_round=in_round)

    def check_time(self) -> None:
        """Raise ``OutOfTime`` when the wall clock is used up."""
        left = self._p.budget.seconds_left
        if left is not None and left <= 0:
            raise OutOfTime

    def used(self) -> dict[str, Any]:
        """Return time and budget used so far, as changes tell them."""
        return {"elapsed_s": self.elapsed_s, "spent": self._p.budget.spent}

    # -- rounds

    async def close_round(self) -> None:
        """End the open round: what ran is recorded, what did not is named."""
        if self.state.round is not None:
            done = len(self.state.round.record.actions)
            await self.commit(Closed(dropped=tuple(call_.tool for call_ in self.state.round.calls[done:])))

    # -- policies

    def judged(self, policy: Policy, call_: Call) -> Decision:
        """Ask one policy about one call; it gets a copy of the arguments."""
        return decided(policy, policy.before_action(self.state, call_.tool, json.loads(json.dumps(call_.args))))

    def policy_stop(self, policy: Policy, decision: Decision) -> Stop:
        """Tell of a policy's STOP and return the end it means."""
        self._p.trace.tell("policy.stop", policy=policy.name, reason=decision.reason)
        status = decision.status or LoopStatus.ERROR
        return Stop(
            status=status,
            reason=f"{policy.name}: {decision.reason}",
            error="PolicyStop" if status is LoopStatus.ERROR else "",
        )


def stopped(status: LoopStatus, reason: str) -> Stop:
    """Return an end without an error."""
    return Stop(status=status, reason=reason)


def decided(policy: Policy, decision: object) -> Decision:
    """Return what a policy returned, if it is a decision. Raises ``LoopConfigError``."""
    if not isinstance(decision, Decision):
        raise LoopConfigError(f"policy {policy.name} returned a {type(decision).__name__}; return a Decision")
    return decision
