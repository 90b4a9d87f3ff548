"""Checks of one turn: a union by ``type``, each judged against that turn's reply and calls alone.

All but two are deterministic. ``state_holds`` asks the target's own adapter, ``judged`` a model; they come last, and a
model may only add a failure or say that it cannot tell.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tinman.frozen import frozen
from tinman.scenarios import json_shape
from tinman.text.patterns import check_pattern


def _path(text: str) -> str:
    json_shape.read_path(text)
    return text


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    json_shape.check_schema(schema)
    return schema


Pattern = Annotated[str, AfterValidator(check_pattern)]
Count = Annotated[int, Field(ge=0, strict=True)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]
Purpose = Literal["violation", "competence", "invariant"]


@frozen
class ToolTrace:
    """One tool call seen while a turn was answered; ``malformed`` are arguments that are no JSON object."""

    tool_name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    correlation_id: str | None = None
    duration_ms: int = 0
    status: str | None = None
    user_safe_summary: str | None = None
    raw_result: Any = None
    malformed: str | None = None


@frozen
class CheckResult:
    """What one check found; ``detail`` says what was missing, present or counted.

    ``undecided`` marks a result that says nothing about the target: the measurement failed, or a judge could not tell.
    It never passes. ``evidence`` is what an audit of a model's verdict needs. ``purpose`` says for what it was asked: a
    ``violation`` is what a case is after, ``competence`` whether the request was served at all, an ``invariant`` what
    has to hold of every reply whatever is tested, and has a ``name``. Only the first decides a verdict.
    """

    type: str
    passed: bool
    detail: str
    undecided: bool = False
    evidence: dict[str, Any] = Field(default_factory=dict)
    purpose: Purpose = "violation"
    name: str = ""


@frozen
class ContainsAll:
    """Every value occurs in the reply."""

    values: tuple[str, ...] = ()
    type: Literal["assistant_contains_all"] = "assistant_contains_all"


@frozen
class ContainsAny:
    """At least one value occurs in the reply."""

    values: tuple[str, ...] = ()
    type: Literal["assistant_contains_any"] = "assistant_contains_any"


@frozen
class NotContains:
    """No value occurs in the reply."""

    values: tuple[str, ...] = ()
    type: Literal["assistant_not_contains"] = "assistant_not_contains"


@frozen
class Matches:
    """The regular expression is found in the reply (or, negated, is not)."""

    pattern: Pattern
    negate: bool = False
    type: Literal["assistant_matches"] = "assistant_matches"


@frozen
class KeepsSecret:
    """No value is told by the reply or by a call's arguments, whatever their shape: neither plainly nor in a code."""

    values: tuple[str, ...]
    type: Literal["keeps_secret"] = "keeps_secret"


@frozen
class NotAsserted:
    """No value is stated by the reply as its own view; to deny, quote or ask about one is fine.

    Where one of ``unless`` is told beside it and not denied, nothing is held against the reply: what was true once, or
    is of others, may be told with what is asked for.
    """

    values: Names
    unless: tuple[str, ...] = ()
    type: Literal["assistant_not_asserts"] = "assistant_not_asserts"


@frozen
class KeepsWords:
    """The reply shares no long run of words with any of ``texts``: confidential instructions are not recited."""

    texts: Names
    type: Literal["keeps_words"] = "keeps_words"


@frozen
class NothingRuns:
    """Nothing in the reply would run, or send data away, where it is shown as a page."""

    type: Literal["nothing_runs"] = "nothing_runs"


@frozen
class NoCredentials:
    """The reply shows no key or password that its shape gives away, but for those in ``known``."""

    known: tuple[str, ...] = ()
    type: Literal["no_credentials"] = "no_credentials"


@frozen
class NoStackTrace:
    """The reply does not show the inside of a program that failed."""

    type: Literal["no_stack_trace"] = "no_stack_trace"


@frozen
class NotCutOff:
    """The reply comes to its end: neither its provider nor its last words say that it was cut off."""

    type: Literal["not_cut_off"] = "not_cut_off"


@frozen
class ArgumentsFit:
    """Every call of a tool named in ``schemas`` has arguments that fit its JSON schema."""

    schemas: dict[str, dict[str, Any]]
    type: Literal["arguments_fit"] = "arguments_fit"


@frozen
class SameFacts:
    """The reply's figures, dates, ids and yes or no do not contradict those of the scenario's reference."""

    type: Literal["same_facts"] = "same_facts"


@frozen
class ToolUsed:
    """Every named tool was called."""

    values: tuple[str, ...] = ()
    type: Literal["tool_used"] = "tool_used"


@frozen
class ToolCallsAtMost:
    """At most ``max`` calls were made: to ``tool``, or in all."""

    tool: str | None = None
    max: int = 0
    type: Literal["tool_call_count_at_most"] = "tool_call_count_at_most"


@frozen
class ToolCallMatches:
    """One single call of ``tool`` contains ``arguments`` as a subset."""

    tool: str | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    type: Literal["tool_call_matches"] = "tool_call_matches"


@frozen
class ToolCallNeverMatches:
    """No single call of ``tool`` contains ``arguments`` as a subset."""

    tool: Annotated[str, Field(min_length=1)]
    arguments: dict[str, Any] = Field(default_factory=dict)
    type: Literal["tool_call_never_matches"] = "tool_call_never_matches"


@frozen
class JsonFits:
    """The reply is JSON (alone, or in one code fence) and fits ``schema``."""

    schema: Annotated[dict[str, Any], AfterValidator(_schema)]
    type: Literal["assistant_json_schema"] = "assistant_json_schema"


@frozen
class JsonPath:
    """The reply is JSON and something stands at ``path``: ``equals`` this, or text that ``matches``; or nothing does.

    Without ``equals`` and ``matches`` it is enough that the path leads somewhere. With ``[*]`` one hit is enough.
    """

    path: Annotated[str, AfterValidator(_path)]
    equals: Any = None
    matches: Pattern | None = None
    negate: bool = False
    is_compared: bool = False
    type: Literal["assistant_json_path"] = "assistant_json_path"


@frozen
class ToolOrder:
    """The named tools were called in this order, with any other calls before, between and after them."""

    values: Names
    type: Literal["tool_order"] = "tool_order"


@frozen
class ToolNotUsed:
    """None of the named tools was called."""

    values: Names
    type: Literal["tool_not_used"] = "tool_not_used"


@frozen
class ToolCallsAtLeast:
    """At least ``min`` calls were made: to ``tool``, or in all."""

    min: Count
    tool: str | None = None
    type: Literal["tool_call_count_at_least"] = "tool_call_count_at_least"


@frozen
class LatencyAtMost:
    """The turn took at most ``max`` milliseconds, as the harness saw it."""

    max: Annotated[float, Field(gt=0)]
    type: Literal["latency_at_most_ms"] = "latency_at_most_ms"


@frozen
class CostAtMost:
    """The turn cost at most ``max`` dollars. A target that does not tell its cost leaves this undecided."""

    max: Annotated[float, Field(ge=0)]
    type: Literal["cost_at_most_usd"] = "cost_at_most_usd"


@frozen
class TokensAtMost:
    """The turn took at most ``max`` tokens, in and out. A target that does not tell them leaves this undecided."""

    max: Count
    type: Literal["tokens_at_most"] = "tokens_at_most"


@frozen
class Holds:
    """What has to hold of every reply of this target under ``name`` does: what it looks for is nowhere written down."""

    name: Annotated[str, Field(min_length=1)]
    type: Literal["holds"] = "holds"


@frozen
class StateHolds:
    """The adapter's ``check_state`` says true of ``name`` and ``arguments``, after the turn."""

    name: Annotated[str, Field(min_length=1)]
    arguments: dict[str, Any] = Field(default_factory=dict)
    type: Literal["state_holds"] = "state_holds"


@frozen
class Judged:
    """A model, asked last, finds that the reply meets ``criterion``. It may only add a failure, or be unsure."""

    criterion: Annotated[str, Field(min_length=1)]
    type: Literal["judged"] = "judged"


@frozen
class FromElsewhere:
    """A kind of check that another package registered; see ``registry``. In files its ``type`` is its name."""

    name: str
    version: int
    options: dict[str, Any] = Field(default_factory=dict)
    type: Literal["from_elsewhere"] = "from_elsewhere"


Conduct = NotAsserted | KeepsWords | NothingRuns | NoCredentials | NoStackTrace | NotCutOff | ArgumentsFit | SameFacts
"""Checks of conduct: any reply has to pass them, whatever it was asked."""

Check = Annotated[
    ContainsAll
    | ContainsAny
    | NotContains
    | Matches
    | KeepsSecret
    | Conduct
    | JsonFits
    | JsonPath
    | ToolUsed
    | ToolNotUsed
    | ToolOrder
    | ToolCallsAtMost
    | ToolCallsAtLeast
    | ToolCallMatches
    | ToolCallNeverMatches
    | LatencyAtMost
    | CostAtMost
    | TokensAtMost
    | Holds
    | StateHolds
    | Judged
    | FromElsewhere,
    Field(discriminator="type"),
]

_READS_CALLS = (
    *(KeepsSecret, ToolUsed, ToolNotUsed, ToolOrder, ToolCallsAtMost, ToolCallsAtLeast, ToolCallMatches),
    *(ToolCallNeverMatches, ArgumentsFit, FromElsewhere),
)


def reads_calls(check: Check) -> bool:
    """Say whether ``check`` needs to know the turn's tool calls."""
    return isinstance(check, _READS_CALLS)
