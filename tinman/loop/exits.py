"""Conditions asked after each round; the first that holds ends the loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tinman.loop.result import LoopStatus
from tinman.loop.state.records import State


class ExitCondition:
    """One condition. Subclass it, or take one from ``Exit``."""

    @property
    def judges(self) -> bool:
        """Whether it may say SUCCESS: then it decides that, and a model's answer alone does not."""
        return True

    def evaluate(self, state: State) -> tuple[LoopStatus, str] | None:
        """Return how to end and why, or ``None`` to go on."""
        raise NotImplementedError(f"{type(self).__name__} has to say when it holds: override evaluate()")


@dataclass(frozen=True)
class _When(ExitCondition):
    holds: Callable[[State], bool]
    status: LoopStatus
    reason: str

    @property
    def judges(self) -> bool:
        """Whether it says SUCCESS."""
        return self.status is LoopStatus.SUCCESS

    def evaluate(self, state: State) -> tuple[LoopStatus, str] | None:
        """Return status and reason once the predicate is true."""
        return (self.status, self.reason) if self.holds(state) else None


class Exit:
    """The conditions that come with the loop."""

    @staticmethod
    def success(predicate: Callable[[State], bool], reason: str = "goal achieved") -> ExitCondition:
        """End SUCCESS when ``predicate(state)`` is true."""
        return _When(predicate, LoopStatus.SUCCESS, reason)

    @staticmethod
    def max_iterations(n: int = 20) -> ExitCondition:
        """End BUDGET_EXHAUSTED after ``n`` rounds."""
        return _When(lambda state: len(state.iterations) >= n, LoopStatus.BUDGET_EXHAUSTED, f"{n} iterations reached")

    @staticmethod
    def token_limit(n: int) -> ExitCondition:
        """End BUDGET_EXHAUSTED once ``n`` tokens are used."""
        return _When(lambda state: state.total_tokens >= n, LoopStatus.BUDGET_EXHAUSTED, f"{n:,} tokens reached")

    @staticmethod
    def cost_limit(usd: float) -> ExitCondition:
        """End BUDGET_EXHAUSTED once ``usd`` are spent, or when the cost is not known."""

        def holds(state: State) -> bool:
            return state.metrics.cost_usd is None or state.metrics.cost_usd >= usd

        return _When(holds, LoopStatus.BUDGET_EXHAUSTED, f"{usd:g} USD reached, or the cost is unknown")

    @staticmethod
    def stagnation(n: int = 3) -> ExitCondition:
        """End NO_PROGRESS right after the round that makes the no-progress streak ``n`` long."""
        return _When(lambda state: state.no_progress_streak >= n, LoopStatus.NO_PROGRESS, f"stagnation over {n} rounds")
