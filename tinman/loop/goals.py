"""What success is: measured from outside, never the model's opinion."""

from __future__ import annotations

from tinman.loop.state.records import MetricSnapshot, State


class GoalMetric:
    """Measures how near the goal is. Subclass it.

    Both methods run in the thread that observes, under the loop's deadline; they may be slow.
    """

    def measure(self, observation: str, state: State) -> MetricSnapshot:
        """Return the measurement for what was just observed; larger is better."""
        raise NotImplementedError(f"{type(self).__name__} has to measure: override measure()")

    def is_success(self, snapshot: MetricSnapshot) -> bool:
        """Say whether the goal is reached."""
        return False
