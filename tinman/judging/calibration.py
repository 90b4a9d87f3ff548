"""How often a judge errs: asked about transcripts of which the answer is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import anyio

from tinman import clock
from tinman.frozen import frozen
from tinman.judging.labels import Labelled, digest_of
from tinman.judging.rubric import ReasonerReferee
from tinman.scenarios.checks import Judged
from tinman.stats import JudgeError
from tinman.taxonomy import FailureClass


@frozen
class Answer:
    """What a judge said of one labelled transcript; ``None`` where it could not tell, with the ``reason``."""

    id: str
    failure_class: FailureClass
    fails: bool
    judged_fails: bool | None
    reason: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether it said the opposite of the label."""
        return self.judged_fails is not None and self.judged_fails is not self.fails


@frozen
class Calibration:
    """A judge held against labelled transcripts. ``judge`` is its name, ``judge_digest`` the version of it."""

    judge: str
    judge_digest: str
    labels_digest: str
    answers: tuple[Answer, ...]
    at: datetime

    def error_on(self, failure_class: FailureClass | None = None) -> JudgeError:
        """Return how it did on one class of failures, or on all; what it could not tell counts for neither side."""
        told = [a for a in self.answers if a.judged_fails is not None and failure_class in (None, a.failure_class)]
        return JudgeError(
            failing=sum(a.fails for a in told),
            caught=sum(a.fails and a.judged_fails is True for a in told),
            sound=sum(not a.fails for a in told),
            cleared=sum(not a.fails and a.judged_fails is False for a in told),
        )

    @property
    def untold(self) -> int:
        """On how many transcripts it could not tell."""
        return sum(answer.judged_fails is None for answer in self.answers)


async def calibrate(
    referee: ReasonerReferee,
    labels: Sequence[Labelled],
    *,
    concurrency: int = 4,
    heard: Callable[[int], None] = lambda done: None,
) -> Calibration:
    """Ask ``referee`` about each of ``labels``, ``concurrency`` at a time, and return how it did.

    ``heard`` is told after each how many are done.
    ``BudgetExhausted`` comes in an ``ExceptionGroup``. Cancelled, nothing is kept.
    """
    limiter, answers = anyio.CapacityLimiter(concurrency), dict[str, Answer]()

    async def one(labelled: Labelled) -> None:
        async with limiter:
            *before, last = labelled.records
            found = await referee.judge(Judged(criterion=labelled.criterion), last, tuple(before))
        answers[labelled.id] = Answer(
            id=labelled.id,
            failure_class=labelled.failure_class,
            fails=labelled.label == "fails",
            judged_fails=None if found.undecided else not found.passed,
            reason=found.detail,
        )
        heard(len(answers))

    async with anyio.create_task_group() as group:
        for labelled in labels:
            group.start_soon(one, labelled)
    return Calibration(
        judge=referee.name,
        judge_digest=referee.digest,
        labels_digest=digest_of(tuple(labels)),
        answers=tuple(answers[each.id] for each in labels),
        at=clock.now(),
    )
