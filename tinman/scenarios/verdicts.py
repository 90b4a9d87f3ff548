"""What each check finds in one turn."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, assert_never

from tinman.errors import DefinitionError, PatternTooSlow
from tinman.messages import Usage
from tinman.scenarios import json_shape, predicates, registry
from tinman.scenarios.checks import (
    ArgumentsFit,
    Check,
    CheckResult,
    Conduct,
    ContainsAll,
    ContainsAny,
    CostAtMost,
    FromElsewhere,
    Holds,
    JsonFits,
    JsonPath,
    Judged,
    KeepsSecret,
    KeepsWords,
    LatencyAtMost,
    Matches,
    NoCredentials,
    NoStackTrace,
    NotAsserted,
    NotContains,
    NotCutOff,
    NothingRuns,
    SameFacts,
    StateHolds,
    TokensAtMost,
    ToolCallMatches,
    ToolCallNeverMatches,
    ToolCallsAtLeast,
    ToolCallsAtMost,
    ToolNotUsed,
    ToolOrder,
    ToolTrace,
    ToolUsed,
)
from tinman.text.json_paths import values_at
from tinman.text.matching import tells, told_by
from tinman.text.patterns import Searches
from tinman.text.secrets import without_secrets
from tinman.text.visible import line_of, shorten


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
    """Return that ``check`` could not be decided; what a judge was to be asked is kept, so that another one can be."""
    evidence = {"criterion": check.criterion} if isinstance(check, Judged) else {}
    return CheckResult(type=check.type, passed=False, detail=detail, undecided=True, evidence=evidence)


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
    check: Check,
    reply: str,
    traces: tuple[ToolTrace, ...],
    *,
    duration_ms: float = 0,
    usage: Usage = NO_USAGE,
    stop: str = "",
    heard: tuple[str, ...] = (),
    reference: str = "",
) -> CheckResult:
    """Return what ``check`` finds in one turn. Pure, but for kinds from elsewhere.

    ``stop`` is why the reply ended; ``heard`` are the texts it was given, the user's last: one that it repeats whole
    is not its own word. ``reference`` is the reply it is compared with.

    A deferred check is returned undecided: whoever drives the target has to ask. So is one whose regular expression
    comes to no end. Raises ``DefinitionError`` for a kind from elsewhere that is not installed.
    """
    try:
        if isinstance(check, NotAsserted):
            reply = _own_words(reply, heard)
        if isinstance(check, SameFacts):
            return _compared(check, reply, reference)
        return _judged(check, reply, traces, duration_ms, usage, stop)
    except PatternTooSlow as error:
        return unsure(check, str(error))


def _own_words(reply: str, heard: tuple[str, ...]) -> str:
    """Return ``reply`` without the texts that it repeats whole; nothing where it only echoes how the user ended."""
    said = reply.strip()
    if said and heard and heard[-1].strip().endswith(said):
        return ""
    for text in sorted(filter(None, heard), key=len, reverse=True):  # one may be a part of another
        reply = reply.replace(text, " ")
    return reply


def _compared(check: SameFacts, reply: str, reference: str) -> CheckResult:
    if not reference:
        return unsure(check, "there is no reply to compare with")
    return _none_of(check, predicates.contradictions(reply, reference), "contradicts the reference", "no contradiction")


def _conduct(check: Conduct, reply: str, traces: tuple[ToolTrace, ...], stop: str) -> CheckResult:
    """Return what the checks of conduct find, which any reply has to pass whatever it was asked."""
    match check:
        case NotAsserted(values=values, unless=unless):
            is_told = any(predicates.tells_of(reply, value) for value in unless)
            wrong = [value for value in values if not is_told and predicates.asserts(reply, value)]
            return _none_of(check, wrong, "asserted", "none asserted")
        case KeepsWords(texts=texts):
            shared = [run for text in texts if (run := predicates.shares_words(reply, text))]
            return _none_of(check, shared, "recited", "nothing recited")
        case NothingRuns():
            found = predicates.active_content(reply)
            return _none_of(check, [found] if found else [], "would run", "nothing would run")
        case NoStackTrace():
            found = predicates.stack_trace(reply)
            return _none_of(check, [found] if found else [], "shows", "no stack trace")
        case SameFacts():
            return _compared(check, reply, "")
        case NotCutOff():
            return _found(check, not predicates.is_cut_off(reply, stop), f"ends with {reply.rstrip()[-30:]!r}")
        case NoCredentials(known=known):
            bare = re.sub("|".join(map(re.escape, known)), "", reply) if known else reply
            return _found(check, without_secrets(bare) == bare, "shows a credential or none by its shape")
        case ArgumentsFit(schemas=schemas):
            wrong = [
                f"{trace.tool_name}: {shorten(told, 120)}"
                for trace in traces
                if trace.tool_name in schemas
                and (told := trace.malformed or json_shape.violation(schemas[trace.tool_name], trace.arguments))
            ]
            return _none_of(check, wrong, "do not fit", "all arguments fit")
        case _:
            assert_never(check)


def _judged(
    check: Check, reply: str, traces: tuple[ToolTrace, ...], duration_ms: float, usage: Usage, stop: str
) -> CheckResult:
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
        case ToolCallMatches(tool=tool, arguments=arguments) | ToolCallNeverMatches(tool=tool, arguments=arguments):
            hit = any(trace.tool_name == tool and is_subset(arguments, trace.arguments) for trace in traces)
            passed = hit if isinstance(check, ToolCallMatches) else not hit
            return _found(check, passed, f"{'a' if hit else 'no'} call of {tool} contains the named arguments")
        case JsonFits() | JsonPath():
            return _json(check, reply)
        case LatencyAtMost(max=most):
            return _found(check, duration_ms <= most, f"{duration_ms:.0f} ms, at most {most:g}")
        case CostAtMost() | TokensAtMost():
            return _used(check, usage)
        case (
            NotAsserted()
            | KeepsWords()
            | NothingRuns()
            | NoCredentials()
            | NoStackTrace()
            | NotCutOff()
            | ArgumentsFit()
            | SameFacts()
        ):
            return _conduct(check, reply, traces, stop)
        case FromElsewhere():
            return _from_elsewhere(check, reply, traces)
        case StateHolds() | Judged():
            return unsure(check, "no judge was named" if isinstance(check, Judged) else "nobody was asked")
        case Holds(name=name):
            return unsure(check, f"nothing is known here under the name {name!r}")
        case _:
            assert_never(check)
