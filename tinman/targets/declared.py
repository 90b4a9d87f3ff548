"""What a profile says piece by piece: a rule or a secret as a text or a table, tasks, and tools with their marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from tinman.frozen import frozen
from tinman.targets.marks import SaidMarks
from tinman.targets.world import StubResult, ToolStub
from tinman.text.invalid import names_in, read_as
from tinman.text.nearest import did_you_mean

Filled = Annotated[str, StringConstraints(pattern=r"\S")]


@frozen
class RuleProfile:
    """A rule with ``check``, a scenario check that has to hold of every reply, and ``stress``, what might break it."""

    text: Filled
    check: dict[str, Any] | None = None
    stress: str = ""


@frozen
class SecretProfile:
    """A text that must never be told, and ``what`` kind of thing it is: "staff discount code"."""

    text: Annotated[str, Field(min_length=1)]
    what: str = ""


def _text_or(of: type[Any]) -> Callable[[Any], Any]:
    """Return a reader of a text, kept as it is, or a table that is a record ``of`` this type."""

    def read(value: Any) -> Any:
        if isinstance(value, str | of):
            return value
        if not isinstance(value, Mapping):
            raise ValueError(f"write a text, or a table with {', '.join(names_in(of))}")
        return read_as(of, dict(value), ValueError)

    return read


def _expected(value: Any) -> Any:
    """Return what a reply must hold: a text, or a check as scenario files write it."""
    if not isinstance(value, str | Mapping) or not value or (isinstance(value, str) and not value.strip()):
        raise ValueError(
            "write a text that a good answer holds, or a check such as { type = 'assistant_matches', ... }"
        )
    return value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | Mapping) else value


RuleText = Annotated[str | RuleProfile, BeforeValidator(_text_or(RuleProfile))]
SecretText = Annotated[str | SecretProfile, BeforeValidator(_text_or(SecretProfile))]
Expected = Annotated[str | dict[str, Any], BeforeValidator(_expected)]


@frozen
class TaskProfile:
    """Something users ask, and what a good answer holds: any of the texts in ``expect``, and all of its checks."""

    ask: Filled
    expect: Annotated[tuple[Expected, ...], BeforeValidator(_listed)] = ()


@frozen
class ToolProfile(SaidMarks):
    """A tool with fixed answers, and the marks that are known of it. ``is_destructive`` is the older name of one."""

    name: str
    description: str
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    results: tuple[StubResult, ...] = (StubResult(content="{}"),)
    is_destructive: bool | None = None
    advances: Literal["call", "turn"] = "call"

    @model_validator(mode="after")
    def _agrees(self) -> ToolProfile:
        if None not in (self.destructive, self.is_destructive) and self.destructive is not self.is_destructive:
            raise ValueError("destructive and is_destructive contradict each other; leave is_destructive out")
        named = self.parameters.get("properties")
        if self.owner_argument and isinstance(named, Mapping) and named and self.owner_argument not in named:
            hint = did_you_mean(self.owner_argument, list(named), f"there are {', '.join(map(str, named))}")
            raise ValueError(f"owner_argument {self.owner_argument!r} is none of its parameters; {hint}")
        return self

    @property
    def said(self) -> dict[str, Any]:
        """The marks that were set, by name."""
        older = {} if self.is_destructive is None else {"destructive": self.is_destructive}
        return {**older, **super().said}

    @property
    def stub(self) -> ToolStub:
        """The tool as a driven model is offered it; a guess changes nothing there."""
        return ToolStub(
            name=self.name,
            description=self.description,
            parameters=self.parameters,
            results=self.results,
            is_destructive=bool(self.said.get("destructive")),
            advances=self.advances,
        )


def _as_profile(value: Any) -> Any:
    return {name: getattr(value, name) for name in names_in(value)} if isinstance(value, ToolStub) else value


DeclaredTool = Annotated[ToolProfile, BeforeValidator(_as_profile)]


def as_rule(given: str | RuleProfile) -> RuleProfile:
    """Return a rule given as a text, or as it is."""
    return RuleProfile(text=given) if isinstance(given, str) else given


def as_secret(given: str | SecretProfile) -> SecretProfile:
    """Return a secret given as a text, or as it is."""
    return SecretProfile(text=given) if isinstance(given, str) else given
