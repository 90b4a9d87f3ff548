"""Whether a loop gets anywhere: fingerprints, cycles of period one to four, idling, trends, and who is to blame."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from tinman.frozen import alter, digest
from tinman.loop.state.records import IterationRecord, MetricSnapshot, State
from tinman.text.visible import shorten

LONGEST_PERIOD = 4
_LONG_TEXT = 200
_NUMBER = re.compile(r"\d+")
Trend = Literal["improving", "regressing", "flat", "unknown"]


def fingerprint(tool: str, args: dict[str, Any], normalizer: Callable[[dict[str, Any]], dict[str, Any]] | None) -> str:
    """Return what two calls share when they are the same call: 16 hex digits over the name and the arguments."""
    return digest([tool, _hash_long(normalizer(dict(args)) if normalizer else args)])


def _hash_long(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _LONG_TEXT else hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    if isinstance(value, dict):
        return {str(name): _hash_long(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_hash_long(each) for each in value]
    return value


def period(records: Sequence[IterationRecord], longest: int = LONGEST_PERIOD) -> int:
    """Return the length of the cycle that the last records go round in for the second time, 0 when there is none.

    Two rounds are the same when they made the same *set* of calls. A cycle needs at least one call in it.
    """
    recent = [frozenset(action.fingerprint for action in record.actions) for record in records[-2 * longest :]]
    for length in range(1, min(longest, len(recent) // 2) + 1):
        if recent[-length:] == recent[-2 * length : -length] and any(recent[-length:]):
            return length
    return 0


def trend(before: MetricSnapshot | None, now: MetricSnapshot | None) -> Trend:
    """Return where the metric goes; a snapshot that says regression is believed."""
    if now is not None and now.regression:
        return "regressing"
    if before is None or now is None:
        return "unknown"
    if now.value == before.value:
        return "flat"
    return "improving" if now.value > before.value else "regressing"


def _has_moved(before: IterationRecord | None, now: IterationRecord) -> bool:
    """Say whether the world changed from one record to the next: by the metric, else by what was observed."""
    if before is None:
        return False
    if before.metric is not None and now.metric is not None:
        return before.metric.value != now.metric.value
    if before.metric is None and now.metric is None and before.observation_digest != now.observation_digest:
        # Numbers alone (a duration, a clock) do not count as a change.
        return _NUMBER.sub("#", before.observation) != _NUMBER.sub("#", now.observation)
    return False


def append(state: State, record: IterationRecord) -> State:
    """Return ``state`` with ``record`` at its end: its repetition, idling and trend filled in, streaks and blame kept.

    A round that repeats a cycle, is idle or invalid, while nothing moved, lengthens the no-progress streak; any other
    round ends it.
    """
    before = state.iterations[-1] if state.iterations else None
    record = alter(
        record,
        trend=trend(before.metric if before else None, record.metric),
        repetition=period([*state.iterations[-2 * LONGEST_PERIOD :], record]) if record.actions else 0,
    )
    is_flagged = bool(record.repetition) or record.plan_invalid or record.idle
    streak = state.no_progress_streak + 1 if is_flagged and not _has_moved(before, record) else 0
    return alter(
        state,
        iterations=(*state.iterations, record),
        no_progress_streak=streak,
        plan_invalid_streak=state.plan_invalid_streak + 1 if record.plan_invalid else 0,
        failed_approaches=(*state.failed_approaches, *_blame(before, record.trend, record.metric)),
        last_metric=record.metric or state.last_metric,
        state_version=state.state_version + 1,
        round=None,
    )


def _blame(before: IterationRecord | None, going: Trend, now: MetricSnapshot | None) -> list[str]:
    """Return the line about the iteration whose actions came right before a fall; none acted, none is to blame.

    What was broken before it and still is, is not its doing.
    """
    if going != "regressing" or before is None or not before.actions:
        return []
    if before.metric is not None and now is not None:
        is_news = now.value < before.metric.value or (now.regression and not before.metric.regression)
        if not is_news:
            return []
    did = before.plan_text or ", ".join(f"{action.tool}({action.args_excerpt})" for action in before.actions)
    fell = f" from {before.metric.value:g} to {now.value:g}" if before.metric and now else ""
    return [f"iteration {before.index}: {shorten(did, 160)} -> metric regressed{fell}"]
