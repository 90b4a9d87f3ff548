"""Many questions at once: in production an agent asks about everything it plans before it does any of it."""

from __future__ import annotations

from collections.abc import Sequence

from tinman.approvals.handler import ApprovalHandler
from tinman.config.modes import Mode, experiment_needs_approval, may_skip_approval
from tinman.errors import AwaitingApproval
from tinman.frozen import frozen
from tinman.review import Action


@frozen
class Question:
    """What is asked about: the ``id`` of an experiment, or of a failure whose fixes are to be tried."""

    id: str
    action: Action


async def find_refused(
    handler: ApprovalHandler | None,
    mode: Mode,
    questions: Sequence[Question],
    *,
    skip_approval: bool,
    is_harmful: bool = False,
) -> list[str]:
    """Return the ids that may not go ahead: none outside production, all when there is no handler.

    What could itself do harm is asked about in every mode.

    Every question is asked before ``AwaitingApproval`` is raised for the first that is still open, so a reviewer finds
    them all. An attempt to skip where the mode forbids it is put on record and changes nothing.
    """
    if not (is_harmful or experiment_needs_approval(mode)) or (skip_approval and may_skip_approval(mode)):
        return []
    if handler is None:
        return [question.id for question in questions]
    said_no: list[str] = []
    waiting: list[AwaitingApproval] = []
    for question in questions:
        try:
            if not (await handler.decide(question.action, skip_approval=skip_approval)).approved:
                said_no.append(question.id)
        except AwaitingApproval as still_open:
            waiting.append(still_open)
    if waiting:
        raise waiting[0]
    return said_no
