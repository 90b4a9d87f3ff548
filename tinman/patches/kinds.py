"""The eight interventions as frozen values. What each does to a call is in ``flow.py``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from tinman.frozen import digest, dump, frozen

Seam = Literal["model", "turn"]


@frozen
class PromptPatch:
    """Adds ``text`` at the end of the system prompt."""

    text: str
    kind: Literal["prompt_patch"] = "prompt_patch"


@frozen
class Guardrail:
    """Filters text by ``patterns`` (regular expressions) and ``secrets`` (told in any disguise).

    On the way ``in`` it removes each sentence that matches from ``scope`` (what the user wrote, retrieved documents
    and memory, tool results); on the way ``out`` a matching reply is replaced by ``refusal``.
    """

    direction: Literal["in", "out"]
    patterns: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    scope: tuple[Literal["user", "retrieved", "tool_result"], ...] = ("retrieved", "tool_result")
    refusal: str = "I can't share that."
    kind: Literal["guardrail"] = "guardrail"


@frozen
class ParameterTune:
    """Sets model parameters, such as ``max_tokens`` or ``temperature``."""

    params: dict[str, Any]
    kind: Literal["parameter_tune"] = "parameter_tune"


@frozen
class ToolRestriction:
    """Takes the ``deny`` tools away, and calls of ``allow`` tools whose argument does not match its pattern.

    ``allow`` maps tool -> argument -> regular expression (matched whole).
    """

    deny: tuple[str, ...] = ()
    allow: dict[str, dict[str, str]] = Field(default_factory=dict)
    kind: Literal["tool_restriction"] = "tool_restriction"


@frozen
class ContextLimit:
    """Cuts every part longer than ``max_part_chars`` to its head and tail, and keeps the last ``keep_turns`` turns."""

    max_part_chars: Annotated[int, Field(ge=2)] | None = None
    keep_turns: Annotated[int, Field(ge=1)] | None = None
    kind: Literal["context_limit"] = "context_limit"


@frozen
class RetryPolicy:
    """Asks again, with other dice, when the reply is ``empty``, cut off (``length``) or the call failed (``error``)."""

    max_attempts: Annotated[int, Field(ge=1)] = 3
    retry_on: tuple[Literal["empty", "length", "error"], ...] = ("empty", "error")
    wait_seconds: Annotated[float, Field(ge=0)] = 0.0
    kind: Literal["retry_policy"] = "retry_policy"


@frozen
class CircuitBreaker:
    """Stops offering ``tool`` (``None``: each tool) after ``max_calls`` calls of it in one turn."""

    max_calls: Annotated[int, Field(ge=1)] = 2
    tool: str | None = None
    scope: Literal["session"] = "session"
    kind: Literal["circuit_breaker"] = "circuit_breaker"


@frozen
class HumanReview:
    """Asks a reviewer before a call of one of ``tools`` is made; without a reviewer the answer is no."""

    tools: tuple[str, ...]
    kind: Literal["human_review"] = "human_review"


Patch = Annotated[
    PromptPatch
    | Guardrail
    | ParameterTune
    | ToolRestriction
    | ContextLimit
    | RetryPolicy
    | CircuitBreaker
    | HumanReview,
    Field(discriminator="kind"),
]

SEAMS: dict[str, frozenset[Seam]] = {
    "prompt_patch": frozenset({"model"}),
    "guardrail": frozenset({"model", "turn"}),
    "parameter_tune": frozenset({"model"}),
    "tool_restriction": frozenset({"model"}),
    "context_limit": frozenset({"model"}),
    "retry_policy": frozenset({"model", "turn"}),
    "circuit_breaker": frozenset({"model"}),
    "human_review": frozenset({"model"}),
}

ASKS_AGAIN = frozenset({"retry_policy", "circuit_breaker"})
"""Kinds that may call the model more often than the application did: they are measured without retries of our own."""


def patch_digest(patch: Patch) -> str:
    """Return the patch's name for life: in evidence, approvals and bundles."""
    return digest(dump(patch))
