"""The scenario: what a user says turn by turn, the world it happens in, and how each answer is checked."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from tinman.frozen import digest, dump, frozen
from tinman.scenarios.checks import Check
from tinman.targets.world import EMPTY_WORLD, World

NonBlank = Annotated[str, StringConstraints(pattern=r"\S")]


@frozen
class Turn:
    """What the user says, and what must hold of the answer."""

    user: NonBlank
    checks: tuple[Check, ...] = ()


@frozen
class Scenario:
    """An ordered list of turns in a world. ``control_of`` names the stressed scenario whose control this is.

    ``repeat`` is how often a measurement runs it; ``simulator`` says how its turns were, or can be, made up;
    ``extensions`` keeps what a file said that we do not know.
    """

    scenario_id: NonBlank
    description: str = ""
    tags: tuple[str, ...] = ()
    destructive: bool = False
    turns: Annotated[tuple[Turn, ...], Field(min_length=1)]
    world: World = EMPTY_WORLD
    control_of: str | None = None
    schema_version: str = "tinman.scenario/1"
    provenance: dict[str, Any] = Field(default_factory=dict)
    timeout_seconds: float | None = None
    repeat: Annotated[int, Field(ge=1)] = 1
    simulator: dict[str, Any] = Field(default_factory=dict)
    extensions: dict[str, Any] = Field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Covers what the target sees and how it is judged, not how the scenario is called."""
        return digest([dump(self.world), [dump(turn) for turn in self.turns]])


@frozen
class ScenarioPair:
    """A test case: the stressed scenario and its control, the same request without the stress.

    ``case`` names the case (base task, wording, converter, filler); one run per case enters a test. ``base_task`` is
    what runs go round-robin over. ``probe`` names the trick, where the case was drawn from a family of probes.
    """

    case: str
    base_task: str
    probe: str = ""
    stressed: Scenario
    control: Scenario | None = None
