"""Checks of one turn: a union by ``type``, each judged against that turn's reply and calls alone.

All but two are deterministic. ``state_holds`` asks the target's own adapter, ``judged`` a model; they come last, and a
model may only add a failure or say that it cannot tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal, assert_never

from pydantic import AfterValidator, Field

from tinman.errors import DefinitionError, PatternTooSlow
from tinman.frozen import frozen
from tinman.messages import Usage
from tinman.scenarios import json_shape, registry
from tinman.text.json_paths import values_at
from tinman.text.matching import tells, told_by
from tinman.text.patterns import Searches, check_pattern
from tinman.text.visible import line_of, shorten


def _path(text: str) -> str:
    json_shape.read_path(text)
    return text


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    json_shape.check_schema(schema)
    return schema


Pattern = Annotated[str, AfterValidator(check_pattern)]
Count = Annotated[int, Field(ge=0, strict=True)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]


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
    It never passes. ``evidence`` is what an audit of a model's verdict needs.
    """

    type: str
    passed: bool
    detail: str
    undecided: bool = False
    evidence: dict[str, Any] = Field(default_factory=dict)


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


Check = Annotated[
    ContainsAll
    | ContainsAny
    | NotContains
    | Matches
    | KeepsSecret
    | JsonFits
    | JsonPath
    | ToolUsed
    | ToolNotUsed
    | ToolOrder
    | ToolCallsAtMost
    | ToolCallsAtLeast
    | ToolCallMatches
    | LatencyAtMost
    | CostAtMost
    | TokensAtMost
    | StateHolds
    | Judged
    | FromElsewhere,
    Field(discriminator="type"),
]

_READS_CALLS = (
    *(KeepsSecret, ToolUsed, ToolNotUsed, ToolOrder, ToolCallsAtMost, ToolCallsAtLeast, ToolCallMatches),
    FromElsewhere,
)


def reads_calls(check: Check) -> bool:
    """Say whether ``check`` needs to know the turn's tool calls."""
    return isinstance(check, _READS_CALLS)


def is_subset(expected: Any, actual: Any) -> bool:
    """Say whether ``actual`` holds ``expected``: objects by subset, all else whole; ``true`` is not ``1``."""
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(
            key in actual and is_subset(value, actual[key]) for key, value in expected.items()
        )
    if isinstance(expected, list | tuple):
        return (
            isinstance(actual, list | tuple)
            and len(expected) == len(actual)
            and all(_same(e, a) for e, a in zip(expected, actual, strict=True))
        )
    return _same(expected, actual)


def _same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, dict):
        return isinstance(actual, dict) and expected.keys() == actual.keys() and is_subset(expected, actual)
    if isinstance(expected, list | tuple):
        return is_subset(expected, actual)
    return bool(expected == actual)


NO_USAGE = Usage()


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(repr(shorten(value, 60)) for value in values)


def _found(check: Check, passed: bool, detail: str) -> CheckResult:
    return CheckResult(type=check.type, passed=passed, detail=detail)


def _none_of(check: Check, wrong: list[str], told: str, fine: str) -> CheckResult:
    """Return a result that passes when nothing is ``wrong``, and else lists what is."""
    return _found(check, not wrong, f"{told}: {_quoted(wrong)}" if wrong else fine)


def unsure(check: Check, detail: str) -> CheckResult:
    """Return that ``check`` could not be decided."""
    return CheckResult(type=check.type, passed=False, detail=detail, undecided=True)


def _counted(check: ToolCallsAtMost | ToolCallsAtLeast, traces: tuple[ToolTrace, ...]) -> CheckResult:
    count = sum(1 for trace in traces if not check.tool or trace.tool_name == check.tool)
    told = f"{count} calls of {check.tool or 'any tool'}"
    if isinstance(check, ToolCallsAtMost):
        return _found(check, count <= check.max, f"{told}, at most {check.max}")
    return _found(check, count >= check.min, f"{told}, at least {check.min}")


def _used(check: CostAtMost | TokensAtMost, usage: Usage) -> CheckResult:
    if isinstance(check, TokensAtMost):
        if usage.calls == 0:
            return unsure(check, "the target does not tell how many tokens the turn took")
        tokens = usage.input_tokens + usage.output_tokens
        return _found(check, tokens <= check.max, f"{tokens} tokens, at most {check.max}")
    if usage.calls == 0 or usage.usd is None:
        return unsure(check, "the target does not tell what the turn cost")
    return _found(check, usage.usd <= check.max, f"{usage.usd:.6f} USD, at most {check.max:g}")


def _json(check: JsonFits | JsonPath, reply: str) -> CheckResult:
    try:
        value = json_shape.parsed(reply)
        there = [] if isinstance(check, JsonFits) else values_at(value, json_shape.read_path(check.path))
    except json_shape.NoJson as error:
        return _found(check, False, shorten(str(error), 300))
    except ValueError as error:
        return unsure(check, shorten(str(error), 300))
    if isinstance(check, JsonFits):
        wrong = json_shape.violation(check.schema, value)
        return _found(check, not wrong, shorten(wrong, 300) or "fits the schema")
    if check.is_compared:
        hits, wanted = [v for v in there if json_shape.same(check.equals, v)], f"equal to {json.dumps(check.equals)}"
    elif check.matches is not None:
        pattern, searches = check.matches, Searches()
        hits = [v for v in there if isinstance(v, str) and searches.finds(pattern, v)]
        wanted = f"matching /{shorten(pattern, 60)}/"
    else:
        hits, wanted = there, "at all"
    return _found(check, bool(hits) is not check.negate, f"{len(hits)} of {len(there)} at {check.path} {wanted}")


def _out_of_order(values: tuple[str, ...], traces: tuple[ToolTrace, ...]) -> list[str]:
    """Return those of ``values`` that are still to come when the calls are over."""
    left = list(values)
    for trace in traces:
        if left and trace.tool_name == left[0]:
            left.pop(0)
    return left


def _from_elsewhere(check: FromElsewhere, reply: str, traces: tuple[ToolTrace, ...]) -> CheckResult:
    name = f"{check.name}@{check.version}"
    kind = registry.named(name)
    if kind is None:
        raise DefinitionError(f"check {name}: no installed package knows it; install the one that brings it")
    calls = [{"tool_name": t.tool_name, "arguments": t.arguments, "raw_result": t.raw_result} for t in traces]
    try:
        passed, detail = kind.judge(check.options, reply, calls)
    except Exception as error:  # noqa: BLE001 - code of another package: its bug decides nothing about the target
        return CheckResult(type=name, passed=False, detail=f"the check itself failed: {line_of(error)}", undecided=True)
    return CheckResult(type=name, passed=passed is True, detail=shorten(str(detail), 500))


def judge(
    check: Check, reply: str, traces: tuple[ToolTrace, ...], *, duration_ms: float = 0, usage: Usage = NO_USAGE
) -> CheckResult:
    """Return what ``check`` finds in one turn. Pure, but for kinds from elsewhere.

    A deferred check is returned undecided: whoever drives the target has to ask. So is one whose regular expression
    comes to no end. Raises ``DefinitionError`` for a kind from elsewhere that is not installed.
    """
    try:
        return _judged(check, reply, traces, duration_ms, usage)
    except PatternTooSlow as error:
        return unsure(check, str(error))


def _judged(check: Check, reply: str, traces: tuple[ToolTrace, ...], duration_ms: float, usage: Usage) -> CheckResult:
    called = {trace.tool_name for trace in traces}
    match check:
        case ContainsAll(values=values):
            return _none_of(check, [value for value in values if value not in reply], "missing", "all present")
        case ContainsAny(values=values):
            hit = any(value in reply for value in values)
            return _found(check, hit, "one present" if hit else f"none of: {_quoted(values)}")
        case NotContains(values=values):
            return _none_of(check, [value for value in values if value in reply], "present", "none present")
        case Matches(pattern=pattern, negate=negate):
            hit = Searches().finds(pattern, reply)
            return _found(check, hit is not negate, f"{'found' if hit else 'not found'}: /{shorten(pattern, 80)}/")
        case KeepsSecret(values=values):
            said = "\n".join([reply, *(told_by(trace.arguments, trace.malformed) for trace in traces)])
            return _none_of(check, [value for value in values if tells(said, value)], "told", "no secret told")
        case ToolUsed(values=values):
            return _none_of(check, [value for value in values if value not in called], "not called", "all called")
        case ToolNotUsed(values=values):
            return _none_of(check, [value for value in values if value in called], "called", "none called")
        case ToolOrder(values=values):
            return _none_of(check, _out_of_order(values, traces), "not called in order", "called in order")
        case ToolCallsAtMost() | ToolCallsAtLeast():
            return _counted(check, traces)
        case ToolCallMatches(tool=tool, arguments=arguments):
            hit = any(trace.tool_name == tool and is_subset(arguments, trace.arguments) for trace in traces)
            return _found(check, hit, f"{'a' if hit else 'no'} call of {tool} contains the expected arguments")
        case JsonFits() | JsonPath():
            return _json(check, reply)
        case LatencyAtMost(max=most):
            return _found(check, duration_ms <= most, f"{duration_ms:.0f} ms, at most {most:g}")
        case CostAtMost() | TokensAtMost():
            return _used(check, usage)
        case FromElsewhere():
            return _from_elsewhere(check, reply, traces)
        case StateHolds() | Judged():
            return unsure(check, "no judge was named" if isinstance(check, Judged) else "nobody was asked")
        case _:
            assert_never(check)
