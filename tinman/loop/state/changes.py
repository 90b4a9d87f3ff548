"""What can happen to a loop's state, and the one function that makes a state of it.

A change is durable before the loop goes on from it. ``spent`` is what the budget counts when it was made.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, assert_never

from pydantic import Field

from tinman.budget import Amount
from tinman.frozen import alter, frozen, make
from tinman.loop import context
from tinman.loop.session import progress
from tinman.loop.state.records import (
    ActionRecord,
    Call,
    Ending,
    Intent,
    IterationRecord,
    LoopConfig,
    PendingApproval,
    Round,
    State,
)
from tinman.messages import Usage


@frozen
class Began:
    """A session starts: the first one of a loop, or one that resumes it."""

    goal: str
    config: LoopConfig
    tool_schema_hash: str
    policy_fingerprint: str
    summarizer: str = ""
    pinned_facts: tuple[str, ...] = ()
    spent: Amount = Amount()
    kind: Literal["began"] = "began"


@frozen
class Planned:
    """A round was observed and planned. Without calls the round is over: idle, invalid or the goal is reached."""

    record: IterationRecord
    calls: tuple[Call, ...] = ()
    usage: Usage = Usage()
    spent: Amount = Amount()
    kind: Literal["planned"] = "planned"


@frozen
class Asked:
    """An approval waits for its answer."""

    pending: PendingApproval
    kind: Literal["asked"] = "asked"


@frozen
class Answered:
    """A waiting approval is over: allowed (its ``intent`` is committed with it), refused, or past its time."""

    intent: Intent | None = None
    kind: Literal["answered"] = "answered"


@frozen
class Acted:
    """One call of the plan ended."""

    action: ActionRecord
    elapsed_s: float = 0.0
    spent: Amount = Amount()
    kind: Literal["acted"] = "acted"


@frozen
class Closed:
    """The round ends before its plan did; ``dropped`` are calls that were not made."""

    dropped: tuple[str, ...] = ()
    kind: Literal["closed"] = "closed"


@frozen
class Forgotten:
    """Somebody looked and said that a begun action did not happen: it may be asked about again."""

    kind: Literal["forgotten"] = "forgotten"


@frozen
class Summarised:
    """A summarizer's texts for the rounds that left the window."""

    texts: tuple[str, ...]
    summarizer: str
    usage: Usage = Usage()
    spent: Amount = Amount()
    kind: Literal["summarised"] = "summarised"


@frozen
class Drawn:
    """That much may be spent from now on; after a crash it counts as spent."""

    total: Amount
    kind: Literal["drawn"] = "drawn"


@frozen
class Ended:
    """A session is over."""

    ending: Ending
    elapsed_s: float
    spent: Amount = Amount()
    kind: Literal["ended"] = "ended"


Change: TypeAlias = Annotated[
    Began | Planned | Asked | Answered | Acted | Closed | Forgotten | Summarised | Drawn | Ended,
    Field(discriminator="kind"),
]


def apply(state: State, change: Change) -> State:
    """Return ``state`` after ``change``. Pure: the same state and change give the same state.

    Rounds that leave the verbatim window are summed up here, unless the loop has a summarizer, which will say it.
    """
    match change:
        case Began():
            # Whoever resumes after getting nowhere wants another try; anything else that ended a session is no news.
            got_nowhere = state.ending is not None and state.ending.status in {"NO_PROGRESS", "PLAN_FAILED"}
            return alter(
                state,
                goal=change.goal,
                no_progress_streak=0 if got_nowhere else state.no_progress_streak,
                plan_invalid_streak=0 if got_nowhere else state.plan_invalid_streak,
                config=change.config,
                tool_schema_hash=change.tool_schema_hash,
                policy_fingerprint=change.policy_fingerprint,
                summarizer=change.summarizer,
                pinned_facts=tuple(dict.fromkeys((*state.pinned_facts, *change.pinned_facts))),
                spent=change.spent,
                drawn=change.spent,
                ending=None,
                sessions=state.sessions + 1,
            )
        case Planned():
            metrics = state.metrics.plus(change.usage)
            if change.calls:
                opened = make(Round, record=change.record, calls=change.calls)
                return alter(state, metrics=metrics, spent=change.spent, round=opened)
            return _add_record(alter(state, metrics=metrics, spent=change.spent), change.record)
        case Asked():
            return alter(state, pending_approval=change.pending)
        case Answered():
            return alter(state, pending_approval=None, intent=change.intent)
        case Acted():
            return _add_action(state, change)
        case Closed():
            if state.round is None:
                return state
            return _add_record(state, alter(state.round.record, dropped=change.dropped))
        case Forgotten():
            return alter(state, intent=None)
        case Summarised():
            state = alter(state, metrics=state.metrics.plus(change.usage), spent=change.spent)
            return context.add_summaries(state, change.texts, change.summarizer)
        case Drawn():
            return alter(state, drawn=change.total)
        case Ended():
            return alter(
                state,
                ending=change.ending,
                last_metric=change.ending.metric or state.last_metric,
                metrics=alter(state.metrics, elapsed_s=change.elapsed_s),
                spent=change.spent,
                drawn=change.spent,
            )
        case _:
            assert_never(change)


def _add_action(state: State, change: Acted) -> State:
    if state.round is None:
        return state
    record = alter(state.round.record, actions=(*state.round.record.actions, change.action))
    metrics = alter(state.metrics, elapsed_s=change.elapsed_s)
    is_over = len(record.actions) == len(state.round.calls)
    still_open = None if is_over else alter(state.round, record=record)
    state = alter(state, round=still_open, intent=None, metrics=metrics, spent=change.spent)
    return _add_record(state, record) if is_over else state


def _add_record(state: State, record: IterationRecord) -> State:
    state = progress.append(state, record)
    if state.summarizer:
        return state
    leaving = context.find_leaving(state)
    texts = [context.describe(each, context.SUMMARY_CHARS) for each in leaving]
    return context.add_summaries(state, texts, context.DETERMINISTIC) if leaving else state
