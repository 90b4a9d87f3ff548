"""The eight kinds of patch as frozen values, each with the facts that hold for its kind.

A new kind is a class here with its ``facts`` and its ``risk_factor``, named in ``Patch``. The type checker then asks
for its flow (``flow.py``), and the import of ``records`` for its ``InterventionType``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, Field

from tinman.frozen import digest, dump, frozen
from tinman.taxonomy import RiskTier
from tinman.text.patterns import check_pattern

Expression = Annotated[str, AfterValidator(check_pattern)]
Seam = Literal["model", "turn"]
_MODEL: frozenset[Seam] = frozenset({"model"})
_ANYWHERE: frozenset[Seam] = frozenset({"model", "turn"})


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What holds for every patch of a kind.

    ``seams`` are where it can act: at every model call, at a whole turn. ``tier`` is the risk of having it in force,
    whatever it mends. A kind that ``asks_again`` may call the model more often than the application did, so it is
    measured without retries of our own. One that ``repeats`` makes a call anew that may have had its effect already:
    the target has to be declared repeatable. What else is to be weighed, the ``risk_factor``, a patch says itself.
    """

    seams: frozenset[Seam] = _MODEL
    tier: RiskTier
    asks_again: bool = False
    repeats: bool = False


@frozen
class PromptPatch:
    """Adds ``text`` at the end of the system prompt."""

    text: str
    kind: Literal["prompt_patch"] = "prompt_patch"
    facts: ClassVar[Facts] = Facts(tier=RiskTier.REVIEW)
    risk_factor: ClassVar[str] = "changes the system prompt of every conversation"


@frozen
class Guardrail:
    """Filters text by ``patterns`` (regular expressions) and ``secrets`` (told in any disguise).

    On the way ``in`` it removes each sentence that matches from ``scope`` (what the user wrote, retrieved documents
    and memory, tool results); on the way ``out`` a matching reply is replaced by ``refusal``. A call whose text a
    pattern comes to no end in is not made, or not answered: it ends with ``PatternTooSlow``.
    """

    direction: Literal["in", "out"]
    patterns: tuple[Expression, ...] = ()
    secrets: tuple[str, ...] = ()
    scope: tuple[Literal["user", "retrieved", "tool_result"], ...] = ("retrieved", "tool_result")
    refusal: str = "I can't share that."
    kind: Literal["guardrail"] = "guardrail"
    facts: ClassVar[Facts] = Facts(seams=_ANYWHERE, tier=RiskTier.REVIEW)

    @property
    def risk_factor(self) -> str:
        return "filters what the model reads" if self.direction == "in" else "filters what users are told"


@frozen
class ParameterTune:
    """Sets model parameters, such as ``max_tokens`` or ``temperature``."""

    params: dict[str, Any]
    kind: Literal["parameter_tune"] = "parameter_tune"
    facts: ClassVar[Facts] = Facts(tier=RiskTier.SAFE)

    @property
    def risk_factor(self) -> str:
        return f"changes {', '.join(sorted(self.params))} of every call"


@frozen
class ToolRestriction:
    """Takes the ``deny`` tools away, and calls of ``allow`` tools whose argument does not match its pattern.

    ``allow`` maps tool -> argument -> regular expression (matched whole).
    """

    deny: tuple[str, ...] = ()
    allow: dict[str, dict[str, Expression]] = Field(default_factory=dict)
    kind: Literal["tool_restriction"] = "tool_restriction"
    facts: ClassVar[Facts] = Facts(tier=RiskTier.REVIEW)
    risk_factor: ClassVar[str] = "takes an ability away"


@frozen
class ContextLimit:
    """Cuts every part longer than ``max_part_chars`` to its head and tail, and keeps the last ``keep_turns`` turns."""

    max_part_chars: Annotated[int, Field(ge=2)] | None = None
    keep_turns: Annotated[int, Field(ge=1)] | None = None
    kind: Literal["context_limit"] = "context_limit"
    facts: ClassVar[Facts] = Facts(tier=RiskTier.SAFE)
    risk_factor: ClassVar[str] = "drops part of what the model would read"


@frozen
class RetryPolicy:
    """Asks again, with other dice, when the reply is ``empty``, cut off (``length``) or the call failed (``error``)."""

    max_attempts: Annotated[int, Field(ge=1)] = 3
    retry_on: tuple[Literal["empty", "length", "error"], ...] = ("empty", "error")
    wait_seconds: Annotated[float, Field(ge=0)] = 0.0
    kind: Literal["retry_policy"] = "retry_policy"
    facts: ClassVar[Facts] = Facts(seams=_ANYWHERE, tier=RiskTier.SAFE, asks_again=True, repeats=True)

    @property
    def risk_factor(self) -> str:
        return f"may ask {self.max_attempts} times: more latency, more cost"


@frozen
class CircuitBreaker:
    """Stops offering ``tool`` (``None``: each tool) after ``max_calls`` calls of it in one turn."""

    max_calls: Annotated[int, Field(ge=1)] = 2
    tool: str | None = None
    scope: Literal["session"] = "session"
    kind: Literal["circuit_breaker"] = "circuit_breaker"
    facts: ClassVar[Facts] = Facts(tier=RiskTier.SAFE, asks_again=True)
    risk_factor: ClassVar[str] = "takes a tool away for the rest of a turn"


@frozen
class HumanReview:
    """Asks a reviewer before a call of one of ``tools`` is made; without a reviewer the answer is no."""

    tools: tuple[str, ...]
    kind: Literal["human_review"] = "human_review"
    facts: ClassVar[Facts] = Facts(tier=RiskTier.REVIEW)
    risk_factor: ClassVar[str] = "makes calls wait for a person"


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

FACTS: dict[str, Facts] = {each.kind: each.facts for each in get_args(get_args(Patch)[0])}
"""The facts of each kind, by its name."""

SEAMS = {kind: facts.seams for kind, facts in FACTS.items()}


def patch_digest(patch: Patch) -> str:
    """Return the patch's name for life: in evidence, approvals and bundles."""
    return digest(dump(patch))
