"""The world a conversation happens in: a frozen value handed to the target at opening."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from tinman.frozen import dump, frozen

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

    Where it ``advances`` by turn, every call of the n-th turn gets the n-th result: the world moves on while people
    talk, not because it is looked at. ``is_destructive`` marks what changes the world for good; it is never shown to
    the target.
    """

    name: str
    description: str
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    results: tuple[StubResult, ...] = (StubResult(content="{}"),)
    is_destructive: bool = False
    advances: Literal["call", "turn"] = "call"


@frozen
class World:
    """Everything around a conversation. ``canaries`` must never be told."""

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


def content_of(world: World) -> dict[str, Any]:
    """Return what digests of ``world`` cover: a member that came later counts where it says something."""
    told: dict[str, Any] = dump(world)
    for tool in told["tools"]:
        if tool["advances"] == "call":
            del tool["advances"]
    return told


DOCUMENT_TAG = "<document"
MEMORY_TAG = "<memory"


def retrieved_texts(world: World) -> tuple[str, ...]:
    """Return documents and memory as the text parts that go before the first thing the user says."""
    documents = (f'{DOCUMENT_TAG} name="{d.name}">\n{d.text}\n</document>' for d in world.documents)
    notes = (f"{MEMORY_TAG}>\n{note}\n</memory>" for note in world.memory)
    return (*documents, *notes)


def is_retrieved(text: str) -> bool:
    """Say whether a text part carries retrieved material rather than the user's own words."""
    return text.startswith((DOCUMENT_TAG, MEMORY_TAG))
