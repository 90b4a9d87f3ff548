"""promptfoo's assertions as checks. What runs code, asks a service, or grades on a scale has no check here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from tinman.frozen import frozen
from tinman.ingest.gathering import LeaveOut
from tinman.ingest.wording import begins_with, contains_all, contains_any, equals, filled, found
from tinman.scenarios.checks import (
    Check,
    ContainsAll,
    ContainsAny,
    CostAtMost,
    JsonFits,
    JsonPath,
    Judged,
    LatencyAtMost,
    NotContains,
    ToolCallsAtLeast,
    ToolCallsAtMost,
    ToolNotUsed,
    ToolOrder,
    ToolUsed,
)
from tinman.text.invalid import first_error

_IS_CODE = frozenset({"javascript", "python", "ruby", "webhook"})
_RUBRICS = {
    "llm-rubric": "{}",
    "g-eval": "{}",
    "agent-rubric": "{}",
    "search-rubric": "{}",
    "model-graded-closedqa": "{}",
    "factuality": "What the reply states agrees with this, and does not contradict it: {}",
    "model-graded-factuality": "What the reply states agrees with this, and does not contradict it: {}",
    "trajectory:goal-success": "The conversation reaches this goal: {}",
}
_CLASS = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", re.DOTALL)
_JS_ONLY = re.compile(r"\[\^?\]|\\[pPckAZa]|\\u\{|\{,")


@frozen
class Assertion:
    """The members of an assertion, or of a set of them, that are read."""

    type: str = ""
    value: Any = None
    threshold: float | None = None
    weight: float = 1.0
    transform: Any = None
    config: dict[str, Any] | None = None
    assert_: tuple[dict[str, Any], ...] = ()


def checks_of(assertion: Assertion, values: Mapping[str, str]) -> list[Check]:
    """Return the checks that say together what ``assertion`` does, its templates filled with ``values``.

    Raises ``LeaveOut`` with the reason where none do.
    """
    if assertion.weight == 0:
        raise LeaveOut("its weight is 0: it decides nothing")
    if assertion.transform is not None:
        raise LeaveOut("code of the other tool changes the reply before it is looked at")
    kind = assertion.type.removeprefix("not-")
    if kind in _IS_CODE:
        raise LeaveOut("code of the other tool is not run")
    value = _rendered(assertion.value, values)
    if isinstance(value, str) and re.match(r"(?:file|package|exec|https?)://", value) and kind not in _TEXTS:
        raise LeaveOut("what it looks for stands in another place, which is not read")
    try:
        made = _made(kind, value, assertion, negate=assertion.type.startswith("not-"))
    except ValidationError as error:
        raise LeaveOut(f"it cannot be checked here: {first_error(error)}") from error
    if not made:
        raise LeaveOut("there is no check that says the same")
    return made


def _made(kind: str, value: Any, assertion: Assertion, *, negate: bool) -> list[Check]:
    if kind in _TEXTS:
        texts = _listed(value) if kind.endswith(("-all", "-any")) else [_text(value)]
        if not texts or not all(texts):
            raise LeaveOut("it looks for an empty text, which is in every reply")
        return _TEXTS[kind](texts, negate)
    if kind in _RUBRICS:
        return [_rubric(_RUBRICS[kind], value, negate=negate)]
    if kind == "is-refusal":
        return [Judged(criterion=f"The reply {'does not decline' if negate else 'declines'} what was asked.")]
    if kind == "equals":
        return _equals(value, negate=negate)
    if kind == "trajectory:tool-used":
        return _tools(value, negate=negate)
    if negate:
        return []
    if kind == "is-json":
        return [JsonFits(schema=_schema(value))]
    if kind == "trajectory:tool-sequence":
        steps = value.get("steps") if isinstance(value, dict) and value.get("mode", "in_order") == "in_order" else value
        return [ToolOrder(values=tuple(_names(steps)))] if isinstance(steps, list) else []
    if assertion.threshold is not None and kind == "latency":
        return [LatencyAtMost(max=assertion.threshold)]
    if assertion.threshold is not None and kind == "cost":
        return [CostAtMost(max=assertion.threshold)]
    return []


def _contains(texts: list[str], negate: bool) -> list[Check]:
    return [NotContains(values=tuple(texts)) if negate else ContainsAll(values=tuple(texts))]


def _contains_any(texts: list[str], negate: bool) -> list[Check]:
    return [NotContains(values=tuple(texts)) if negate else ContainsAny(values=tuple(texts))]


def _contains_all(texts: list[str], negate: bool) -> list[Check]:
    return [contains_all(texts, any_case=False, negate=True)] if negate else [ContainsAll(values=tuple(texts))]


_TEXTS: dict[str, Callable[[list[str], bool], list[Check]]] = {
    "contains": _contains,
    "contains-any": _contains_any,
    "contains-all": _contains_all,
    "icontains": lambda texts, negate: [contains_any(texts, negate=negate)],
    "icontains-any": lambda texts, negate: [contains_any(texts, negate=negate)],
    "icontains-all": lambda texts, negate: [contains_all(texts, any_case=True, negate=negate)],
    "starts-with": lambda texts, negate: [begins_with(texts, negate=negate)],
    "regex": lambda texts, negate: [found(python_pattern(texts[0]), negate=negate)],
}


def python_pattern(text: str) -> str:
    """Return a JavaScript expression in the syntax of Python's ``re``. Raises ``LeaveOut`` for what that has not.

    There ``$`` is the very end of the text, and ``\\d`` and ``\\w`` are ASCII.
    """
    if _JS_ONLY.search(text):
        raise LeaveOut("JavaScript reads its expression otherwise")
    spelled = re.sub(r"\(\?<(?![=!])", "(?P<", text)
    spelled = _CLASS.sub(lambda found: r"\Z" if found[0] == "$" else found[0], spelled)
    return f"(?a){spelled}" if re.search(r"\\[dDwWbB]", spelled) else spelled


def _rendered(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return filled(value, values)
    if isinstance(value, list):
        return [_rendered(item, values) for item in value]
    return {name: _rendered(item, values) for name, item in value.items()} if isinstance(value, dict) else value


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise LeaveOut("what it looks for is no text")
    return str(value)


def _listed(value: Any) -> list[str]:
    """Return a list as texts, or a text's parts between commas, in double quotes or without."""
    if isinstance(value, list):
        return [_text(item) for item in value]
    parts = re.findall(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))\s*(?:,|\Z)', _text(value))
    return [part for quoted, bare in parts if (part := quoted.replace('\\"', '"') or bare.strip())]


def _equals(value: Any, *, negate: bool) -> list[Check]:
    if not isinstance(value, dict | list):
        return [equals("" if value is None else _text(value), negate=negate)]
    return [] if negate else [JsonPath(path="$", equals=value, is_compared=True)]


def _schema(value: Any) -> dict[str, Any]:
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise LeaveOut("its schema is a text that is no JSON") from error
    if not isinstance(value, dict):
        raise LeaveOut("its schema is no object")
    return value


def _rubric(form: str, value: Any, *, negate: bool) -> Judged:
    texts = [text for text in _listed_lines(value) if text.strip()]
    if not texts:
        raise LeaveOut("it holds no criterion")
    criterion = form.format("\n".join(texts))
    return Judged(criterion=f"The opposite of this holds: {criterion}" if negate else criterion)


def _listed_lines(value: Any) -> list[str]:
    if value is None:
        return []
    return [_text(item) for item in value] if isinstance(value, list) else [_text(value)]


def _names(steps: Any) -> list[str]:
    names: list[str] = []
    for step in steps:
        name = step.get("name") if isinstance(step, dict) and step.keys() <= {"name", "type"} else step
        if not isinstance(name, str) or "*" in name:
            raise LeaveOut("it names calls by more than the name of a tool")
        names.append(name)
    return names


def _tools(value: Any, *, negate: bool) -> list[Check]:
    if isinstance(value, dict):
        name, least, most = value.get("name"), value.get("min", 1), value.get("max")
        if not value.keys() <= {"name", "type", "min", "max"} or not isinstance(name, str) or "*" in name or negate:
            raise LeaveOut("it names calls by more than the name of a tool")
        made: list[Check] = [ToolCallsAtLeast(tool=name, min=least)] if least else []
        return [*made, ToolCallsAtMost(tool=name, max=most)] if most is not None else made
    names = tuple(_names(value if isinstance(value, list) else [value]))
    return [ToolNotUsed(values=names) if negate else ToolUsed(values=names)] if names else []
