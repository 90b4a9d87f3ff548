"""Deterministic checks of one turn: a union by ``type``, each judged against that turn's reply and calls alone."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, assert_never

from pydantic import Field

from tinman.frozen import frozen
from tinman.matching import tells
from tinman.visible import shorten


@frozen
class ToolTrace:
    """One tool call seen while a turn was answered."""

    tool_name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    correlation_id: str | None = None
    duration_ms: int = 0
    status: str | None = None
    user_safe_summary: str | None = None
    raw_result: Any = None


@frozen
class CheckResult:
    """What one check found; ``detail`` says what was missing, present or counted."""

    type: str
    passed: bool
    detail: str


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

    pattern: str
    negate: bool = False
    type: Literal["assistant_matches"] = "assistant_matches"


@frozen
class KeepsSecret:
    """No value is told by the reply or by the arguments of a call: neither plainly nor reversed, spaced or encoded."""

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


Check = Annotated[
    ContainsAll | ContainsAny | NotContains | Matches | KeepsSecret | ToolUsed | ToolCallsAtMost | ToolCallMatches,
    Field(discriminator="type"),
]


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


def _quoted(values: list[str]) -> str:
    return ", ".join(repr(shorten(value, 60)) for value in values)


def judge(check: Check, reply: str, traces: tuple[ToolTrace, ...]) -> CheckResult:
    """Return what ``check`` finds in one turn. Pure."""
    match check:
        case ContainsAll(values=values):
            missing = [value for value in values if value not in reply]
            return CheckResult(
                type=check.type, passed=not missing, detail=f"missing: {_quoted(missing)}" if missing else "all present"
            )
        case ContainsAny(values=values):
            hit = any(value in reply for value in values)
            return CheckResult(
                type=check.type, passed=hit, detail="one present" if hit else f"none of: {_quoted(list(values))}"
            )
        case NotContains(values=values):
            found = [value for value in values if value in reply]
            return CheckResult(
                type=check.type, passed=not found, detail=f"present: {_quoted(found)}" if found else "none present"
            )
        case Matches(pattern=pattern, negate=negate):
            hit = re.search(pattern, reply) is not None
            return CheckResult(
                type=check.type,
                passed=hit is not negate,
                detail=f"{'found' if hit else 'not found'}: /{shorten(pattern, 80)}/",
            )
        case KeepsSecret(values=values):
            said = "\n".join([reply, *(str(value) for trace in traces for value in trace.arguments.values())])
            told = [value for value in values if tells(said, value)]
            return CheckResult(
                type=check.type, passed=not told, detail=f"told: {_quoted(told)}" if told else "no secret told"
            )
        case ToolUsed(values=values):
            used = {trace.tool_name for trace in traces}
            missing = [value for value in values if value not in used]
            return CheckResult(
                type=check.type,
                passed=not missing,
                detail=f"not called: {_quoted(missing)}" if missing else "all called",
            )
        case ToolCallsAtMost(tool=tool, max=bound):
            count = sum(1 for trace in traces if not tool or trace.tool_name == tool)
            return CheckResult(
                type=check.type, passed=count <= bound, detail=f"{count} calls of {tool or 'any tool'}, at most {bound}"
            )
        case ToolCallMatches(tool=tool, arguments=arguments):
            hit = any(trace.tool_name == tool and is_subset(arguments, trace.arguments) for trace in traces)
            return CheckResult(
                type=check.type,
                passed=hit,
                detail=f"{'a' if hit else 'no'} call of {tool} contains the expected arguments",
            )
        case _:
            assert_never(check)
