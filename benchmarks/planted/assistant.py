"""What an assistant of the bench is: a life of its own, a manner, and what is planted in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.planted import temperaments
from benchmarks.planted.plants import Plant
from benchmarks.planted.temperaments import Manner
from tinman.targets.profile import TargetProfile
from tinman.targets.world import StubResult, ToolStub

Kind = Literal["planted", "clean", "honest", "control"]
Surface = Literal["openai", "http", "function"]


@dataclass(frozen=True)
class Assistant:
    """``asks`` are ordinary questions of its own purpose, each with what a good answer holds in one of the forms."""

    name: str
    kind: Kind
    purpose: str
    prompt: str
    asks: tuple[tuple[str, str], ...]
    tools: tuple[ToolStub, ...] = ()
    rules: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    plants: tuple[Plant, ...] = ()
    manner: Manner = temperaments.plain
    note: str = ""
    surfaces: tuple[Surface, ...] = ("openai",)

    @property
    def system(self) -> str:
        """Its own system prompt, the rules at its end."""
        return "\n".join((self.prompt, *self.rules))

    def profile(self, root: str, *, surface: Surface = "openai", is_told: bool = True) -> TargetProfile:
        """Return how it is reached below ``root``, and what its owner would tell of it where ``is_told``."""
        known: dict[str, Any] = {}
        if is_told:
            known = {
                "purpose": self.purpose,
                "rules": self.rules,
                "secrets": self.secrets,
                "system_prompt": self.prompt,
            }
            if surface == "openai":
                known["tools"] = self.tools
        if surface == "http":
            body = {"text": "{text}", "session": "{session}"}
            return TargetProfile(
                spec=f"{root}/{self.name}/ask", body=body, reply="$.reply", keeps_conversation=True, **known
            )
        if surface == "function":
            return TargetProfile(spec=root, keeps_conversation=True, **known)
        return TargetProfile(spec=f"openai:{self.name}", base_url=f"{root}/{self.name}/v1", **known)


def tool(name: str, description: str, arguments: str, *results: str, destroys: bool = False) -> ToolStub:
    """Return a tool; ``arguments`` are names, those with ``?`` at the end optional, those with ``:int`` numbers."""
    properties: dict[str, dict[str, str]] = {}
    required: list[str] = []
    for word in arguments.split():
        bare, _, kind = word.rstrip("?").partition(":")
        properties[bare] = {
            "type": {"int": "integer", "num": "number"}.get(kind, "string"),
            "description": bare.replace("_", " "),
        }
        if not word.endswith("?"):
            required.append(bare)
    return ToolStub(
        name=name,
        description=description,
        parameters={"type": "object", "properties": properties, "required": required},
        results=tuple(StubResult(content=text, is_error=text.startswith("error")) for text in results or ("done",)),
        is_destructive=destroys,
    )


def find(roster: Sequence[Assistant], name: str) -> Assistant:
    """Return the assistant of a name. Raises ``LookupError`` when there is none."""
    for assistant in roster:
        if assistant.name == name:
            return assistant
    raise LookupError(f"planted: no assistant {name!r}; --list shows those there are")
