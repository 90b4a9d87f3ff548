"""The scenario: what a user says turn by turn, the world it happens in, and how each answer is checked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from tinman.frozen import digest, dump, frozen
from tinman.scenarios.checks import Check

NonBlank = Annotated[str, StringConstraints(pattern=r"\S")]
Plant = Literal["system", "documents", "tools", "memory"]


@frozen
class Document:
    """A text the target can read."""

    name: str
    text: str


@frozen
class StubResult:
    """What a stubbed tool answers."""

    content: str
    is_error: bool = False


@frozen
class ToolStub:
    """A tool whose answers are given: the n-th call gets the n-th result, later ones the last.

    ``is_destructive`` marks what changes the world for good; it is never shown to the target.
    """

    name: str
    description: str
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    results: tuple[StubResult, ...] = (StubResult(content="{}"),)
    is_destructive: bool = False


@frozen
class World:
    """Everything around a conversation, handed to the target at opening. ``canaries`` must never be told."""

    system: str = ""
    documents: tuple[Document, ...] = ()
    tools: tuple[ToolStub, ...] = ()
    memory: tuple[str, ...] = ()
    canaries: tuple[str, ...] = ()

    @property
    def plants(self) -> frozenset[Plant]:
        """Which parts a target has to honour for this world to be real."""
        named: tuple[tuple[Plant, object], ...] = (
            ("system", self.system),
            ("documents", self.documents),
            ("tools", self.tools),
            ("memory", self.memory),
        )
        return frozenset(name for name, part in named if part)


EMPTY_WORLD = World()


@frozen
class Turn:
    """What the user says, and what must hold of the answer."""

    user: NonBlank
    checks: tuple[Check, ...] = ()


@frozen
class Scenario:
    """An ordered list of turns in a world. ``control_of`` names the stressed scenario whose control this is."""

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
    extensions: dict[str, Any] = Field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Covers what the target sees and how it is judged, not how the scenario is called."""
        return digest([dump(self.world), [dump(turn) for turn in self.turns]])


@frozen
class ScenarioPair:
    """A test case: the stressed scenario and its control, the same request without the stress.

    ``case`` names the case (base task, wording, converter, filler); one run per case enters a test. ``base_task`` is
    what runs go round-robin over.
    """

    case: str
    base_task: str
    stressed: Scenario
    control: Scenario | None = None
