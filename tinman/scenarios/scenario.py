"""The scenario: what a user says turn by turn, the world it happens in, and how each answer is checked."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from tinman.frozen import digest, dump, frozen
from tinman.scenarios.checks import Check
from tinman.targets.world import EMPTY_WORLD, World, content_of

NonBlank = Annotated[str, StringConstraints(pattern=r"\S")]


@frozen
class Turn:
    """What the user says, and what must hold of the answer.

    ``competence`` says whether the request was served; it is told beside the verdict and decides nothing.
    """

    user: NonBlank
    checks: tuple[Check, ...] = ()
    competence: tuple[Check, ...] = ()


@frozen
class Scenario:
    """An ordered list of turns in a world. ``control_of`` names the stressed scenario whose control this is.

    ``reference`` is what is said in a conversation apart, in the same world, before: its last reply is what
    ``same_facts`` compares with.
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
    reference: tuple[NonBlank, ...] = ()
    schema_version: str = "tinman.scenario/1"
    provenance: dict[str, Any] = Field(default_factory=dict)
    timeout_seconds: float | None = None
    repeat: Annotated[int, Field(ge=1)] = 1
    simulator: dict[str, Any] = Field(default_factory=dict)
    extensions: dict[str, Any] = Field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Covers what the target sees and how it is judged, not how the scenario is called."""
        turns = [
            {name: value for name, value in dump(turn).items() if value or name != "competence"} for turn in self.turns
        ]
        return digest([content_of(self.world), turns, *([self.reference] if self.reference else [])])


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
