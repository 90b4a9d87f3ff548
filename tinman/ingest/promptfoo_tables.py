"""promptfoo's tests as a table (CSV): a column is a value of the prompt, and those named ``__...`` say the rest."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Any

from tinman.ingest.gathering import LeaveOut

_CODE = {"javascript": "javascript", "fn": "javascript", "eval": "javascript", "python": "python"}
_SAID = re.compile(r"(?s)((?:not-)?[a-z][a-z0-9-]*)(?:\((\d+(?:\.\d+)?)\))?(?::(.*))?\Z")
_THRESHOLD = 0.75
_MEASURED = frozenset({"cost", "latency", "levenshtein", "similar", "rouge-n", "perplexity", "classifier"})
_KNOWN = frozenset(
    "answer-relevance bleu classifier contains contains-all contains-any contains-html contains-json contains-sql"
    " contains-xml context-faithfulness context-recall context-relevance cost equals factuality g-eval gleu guardrails"
    " icontains icontains-all icontains-any is-html is-json is-refusal is-sql is-xml latency levenshtein llm-rubric"
    " meteor model-graded-closedqa model-graded-factuality moderation perplexity regex rouge-n similar starts-with"
    " webhook word-count".split()
)


def tests_in(text: str) -> list[dict[str, Any]]:
    """Return the tests of a table, as a configuration writes them. Raises ``LeaveOut`` for what is no table."""
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise LeaveOut(f"its table cannot be read: {error}") from error
    if any(None in row or None in row.values() for row in rows):
        raise LeaveOut("a row of its table has more or fewer cells than there are columns")
    return [_test({str(name).strip(): value for name, value in row.items()}) for row in rows]


def _test(row: Mapping[str, str]) -> dict[str, Any]:
    test: dict[str, Any] = {"vars": {}, "assert": [], "options": {}, "metadata": {}}
    for name, value in row.items():
        if name.startswith("__expected"):
            test["assert"] += [assertion_of(value.strip())] if value.strip() else []
        elif name in {"__prefix", "__suffix"}:
            test["options"][name.strip("_")] = value
        elif name == "__description":
            test["description"] = value
        elif name == "__threshold" and value.strip():
            test["threshold"] = _number(value)
        elif name.startswith("__metadata:"):
            test["metadata"][name.partition(":")[2]] = value
        elif name.startswith("__config"):
            raise LeaveOut("a column of its table configures single assertions")
        elif not name.startswith("__"):
            test["vars"][name] = value
    return test


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise LeaveOut("a threshold of its table is no number") from error


def assertion_of(text: str) -> dict[str, Any]:
    """Return the assertion that a cell says: ``contains: text``, ``latency(500)``; a bare text is to be equalled."""
    begins, colon, rest = text.partition(":")
    if colon and begins in _CODE:
        return {"type": _CODE[begins], "value": rest.strip()}
    if colon and begins == "grade":
        return {"type": "llm-rubric", "value": rest}
    found = _SAID.match(text)
    if found is None or found[1].removeprefix("not-") not in _KNOWN:
        return {"type": "equals", "value": text}
    kind = found[1].removeprefix("not-")
    said: dict[str, Any] = {"type": found[1], "value": (found[3] or "").strip()}
    if kind in _MEASURED:
        said["threshold"] = float(found[2]) if found[2] else _THRESHOLD
    return said
