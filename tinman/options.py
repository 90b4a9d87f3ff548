"""What a cycle is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from tinman.frozen import frozen

_RUNS_PER_HYPOTHESIS = 40
_RUNS_PER_EXPERIMENT = 80
_LEAST_RUNS = 5
_RUNS_PER_INTERVENTION = 130
Positive = Annotated[int, Field(gt=0, le=10**15)]
Seconds = Annotated[float, Field(gt=0, le=366 * 86_400)]


@frozen
class ResearchOptions:
    """What a cycle was asked to do; stored with it, so that a resume does the same.

    ``timeout_seconds`` bounds the whole cycle, ``run_timeout_seconds`` one run. ``max_usd`` of ``None`` leaves money
    open. ``reconnaissance`` lets it first ask the target about itself, in a few turns. ``wide`` also tries
    the families of probes that a naive program fails by what it lacks."""

    focus: str = ""
    max_hypotheses: Positive = 10
    max_experiments: Positive = 5
    max_interventions: Annotated[int, Field(ge=0)] = 5
    measure: Annotated[int, Field(ge=0)] = 0
    max_calls: Positive = 10_000
    max_tokens: Positive = 20_000_000
    max_usd: Annotated[float, Field(gt=0, le=1e9)] | None = None
    timeout_seconds: Seconds = 1_200.0
    run_timeout_seconds: Seconds = 60.0
    concurrency: Annotated[int, Field(gt=0, le=512)] = 16
    seed: int = 0
    skip_approval: bool = False
    allow_destructive: bool = False
    allow_overlap: bool = False
    wide: bool = False
    reconnaissance: bool = True

    @property
    def most_discovery_runs(self) -> int:
        """How many runs screening, confirming and measuring may take together. What the hypotheses asked for leave of
        them goes to further ones."""
        asked = max(_RUNS_PER_HYPOTHESIS * self.max_hypotheses, _RUNS_PER_EXPERIMENT * self.max_experiments)
        return asked + self.measure * self.max_experiments

    @property
    def most_in_reserve(self) -> int:
        """How many hypotheses beyond those asked for the runs might suffice for, with a handful of cases each."""
        return max(0, self.most_discovery_runs // _LEAST_RUNS - self.max_hypotheses)

    @property
    def most_simulation_runs(self) -> int:
        """How many runs picking and proving fixes may take together."""
        return _RUNS_PER_INTERVENTION * self.max_interventions


def options_of(config: Mapping[str, Any]) -> ResearchOptions:
    """Return the options a stored cycle was started with."""
    return ResearchOptions(**config["options"])
