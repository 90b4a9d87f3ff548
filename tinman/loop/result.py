"""How a loop ended, and what to do about it."""

from __future__ import annotations

from enum import StrEnum

from tinman.errors import Exit
from tinman.frozen import Dumps, frozen
from tinman.loop.state.records import Metrics, State


class LoopStatus(StrEnum):
    """The eight ways to end. A status equals its text."""

    SUCCESS = "SUCCESS"
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
    NO_PROGRESS = "NO_PROGRESS"
    PLAN_FAILED = "PLAN_FAILED"
    APPROVAL_DENIED = "APPROVAL_DENIED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    PENDING_EXPIRED = "PENDING_EXPIRED"
    ERROR = "ERROR"


RECOMMENDED: dict[LoopStatus, str] = {
    LoopStatus.SUCCESS: "done",
    LoopStatus.BUDGET_EXHAUSTED: "look at what was reached, then Loop.resume(..., extend={...}) with a larger limit",
    LoopStatus.NO_PROGRESS: "change the tools, the goal or the limits, then resume",
    LoopStatus.PLAN_FAILED: "fix the tools' schemas or the prompt, then resume",
    LoopStatus.APPROVAL_DENIED: "change the plan or the policy, then resume",
    LoopStatus.AWAITING_APPROVAL: "answer by token: Loop.resume(..., approval={'token': ..., 'approved': True})",
    LoopStatus.PENDING_EXPIRED: "resume to ask again",
    LoopStatus.ERROR: "look at explain(), mend the cause, then resume",
}
_LOST = "look at the reason; what is stored is not whole, so start anew"
EXIT_CODES: dict[LoopStatus, int] = {
    LoopStatus.SUCCESS: Exit.DONE,
    LoopStatus.BUDGET_EXHAUSTED: Exit.LIMIT,
    LoopStatus.NO_PROGRESS: Exit.INCOMPLETE,
    LoopStatus.PLAN_FAILED: Exit.INCOMPLETE,
    LoopStatus.APPROVAL_DENIED: Exit.DENIED,
    LoopStatus.AWAITING_APPROVAL: Exit.AWAITING,
    LoopStatus.PENDING_EXPIRED: Exit.DENIED,
    LoopStatus.ERROR: Exit.INTERNAL,
}
"""What the command line exits with."""


@frozen
class LoopResult(Dumps):
    """How one run of a loop ended.

    ``resumable`` says that the state is whole and may be gone on from: with ``Loop.resume`` where it is stored, with
    the same object or ``Loop(state=...)`` where it is not. ``error`` is the class of the exception behind an ERROR.
    ``approval_token`` is shown here once and stored nowhere. ``text`` is what the model said last, secrets taken out.
    """

    status: LoopStatus
    reason: str = ""
    text: str = ""
    resumable: bool
    recommended_action: str
    iterations: int
    metrics: Metrics
    state_path: str | None = None
    approval_token: str | None = None
    loop_id: str = ""
    error: str = ""


@frozen
class Stop:
    """Why the cycle ends, before it is written down. ``token`` is set while an approval is awaited."""

    status: LoopStatus
    reason: str
    token: str | None = None
    error: str = ""
    advice: str = ""
    is_consistent: bool = True


def result_of(state: State, stop: Stop, state_path: str | None) -> LoopResult:
    """Return how a loop in ``state``, kept in ``state_path`` if that is a file, ended by ``stop``."""
    records = [*state.iterations, *([state.round.record] if state.round is not None else [])]
    return LoopResult(
        status=stop.status,
        reason=stop.reason,
        text=next((record.plan_text for record in reversed(records) if record.plan_text), ""),
        resumable=stop.status is not LoopStatus.SUCCESS and stop.is_consistent,
        recommended_action=stop.advice or (RECOMMENDED[stop.status] if stop.is_consistent else _LOST),
        iterations=len(state.iterations),
        metrics=state.metrics,
        state_path=state_path,
        approval_token=stop.token,
        loop_id=state.loop_id,
        error=stop.error,
    )
