"""One session of a loop: the cycle, in its normative order, over whatever store keeps its changes."""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import Any

import anyio
import structlog

from tinman.errors import BudgetExhausted, LoopStateError, ProviderError, StoreError
from tinman.frozen import changed, made
from tinman.loop.policies import Decision, DecisionKind
from tinman.loop.result import RECOMMENDED, LoopResult, LoopStatus, Stop
from tinman.loop.session import spending
from tinman.loop.session.acting import Acting
from tinman.loop.session.course import Course, decided, stopped
from tinman.loop.session.observing import Observing
from tinman.loop.session.parts import Answer, Look, OutOfTime, Parts
from tinman.loop.session.planning import Planning
from tinman.loop.session.questions import Questions
from tinman.loop.session.summing import summaries
from tinman.loop.state.changes import (
    Acted,
    Change,
    Ended,
    Planned,
    apply,
)
from tinman.loop.state.records import (
    Call,
    Ending,
    IterationRecord,
)
from tinman.loop.state.store import Halted
from tinman.text.cutting import head_and_tail
from tinman.text.visible import shorten

_log = structlog.get_logger(__name__)
INVALID_ROUNDS = 2


class Session:
    """Runs the cycle until something ends it."""

    def __init__(self, parts: Parts, course: Course) -> None:
        self._p = parts
        self._course = course
        self._questions = Questions(parts, course)

    # -- the whole

    async def run(self, answer: Answer | None) -> LoopResult:
        """Run to an end and write it down. Nothing but a cancellation leaves it: every failure is an ERROR result."""
        trace = self._p.trace
        try:
            trace.open()
            trace.tell("loop.start", goal=self._course.state.goal, limits=self._limits())
            stop = await self._rounds(answer)
        except OutOfTime:
            stop = stopped(LoopStatus.BUDGET_EXHAUSTED, self._course.reached() or "wall_clock_s reached")
        except BudgetExhausted as error:
            stop = stopped(
                LoopStatus.BUDGET_EXHAUSTED,
                spending.refused(self._course.state.config, self._course.state, self._p.budget, error),
            )
        except Halted:
            trace.close()
            raise
        except Exception as error:  # noqa: BLE001 - the loop's step: whatever fails ends it as ERROR, and is reported
            stop = self._failed(error)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._end(Stop(status=LoopStatus.ERROR, reason="cancelled", error="CancelledError"))
            raise
        if stop.status is LoopStatus.BUDGET_EXHAUSTED:
            stop = await self._last_look(stop)
        return await self._end(stop)

    async def _end(self, stop: Stop) -> LoopResult:
        stop = changed(
            stop, reason=self._p.redact(stop.reason)
        )  # errors and refused calls may hold what they were given
        ending = Ending(status=stop.status, reason=stop.reason, error=stop.error, metric=self._course.state.last_metric)
        try:
            await self._course.commit(
                Ended(ending=ending, elapsed_s=self._course.elapsed_s, spent=self._p.budget.spent)
            )
        except (LoopStateError, StoreError, OSError) as error:
            _log.error("loop.end_not_stored", error=str(error))
            also = f"; and its end could not be stored: {error}"
            stop = changed(stop, status=LoopStatus.ERROR, reason=stop.reason + also, is_consistent=False)
            self._course.state = apply(
                self._course.state, Ended(ending=ending, elapsed_s=self._course.elapsed_s, spent=self._p.budget.spent)
            )
            self._p.watch(self._course.state)
        try:
            self._p.trace.tell(
                "loop.end",
                status=stop.status,
                reason=stop.reason,
                error=stop.error,
                iterations=len(self._course.state.iterations),
                total_tokens=self._course.state.total_tokens,
            )
        except LoopStateError as error:
            _log.error("loop.trace_failed", error=str(error))
        finally:
            self._p.trace.close()
        return self._result(stop)

    def _result(self, stop: Stop) -> LoopResult:
        may_resume = stop.status is not LoopStatus.SUCCESS and stop.is_consistent
        return LoopResult(
            status=stop.status,
            reason=stop.reason,
            resumable=may_resume,
            recommended_action=stop.advice or RECOMMENDED[stop.status],
            iterations=len(self._course.state.iterations),
            metrics=self._course.state.metrics,
            state_path=self._p.store.path,
            approval_token=stop.token,
            loop_id=self._course.state.loop_id,
            error=stop.error,
        )

    def _failed(self, error: Exception) -> Stop:
        self._report(error)
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        left = self._p.budget.seconds_left
        if isinstance(error, ProviderError | TimeoutError) and left is not None and left <= 0:
            why = f" ({type(error).__name__}: {shorten(str(error), 200)})"
            return stopped(LoopStatus.BUDGET_EXHAUSTED, (self._course.reached() or "wall_clock_s reached") + why)
        return Stop(
            status=LoopStatus.ERROR,
            reason=f"{type(error).__name__}: {shorten(str(error), 400)}",
            error=type(error).__name__,
            is_consistent=not isinstance(error, LoopStateError | StoreError),
        )

    def _report(self, error: Exception) -> None:
        """Write an error with its traceback into the trace; the log gets its class and words, no local values."""
        _log.error("loop.failed", loop_id=self._course.state.loop_id, error=f"{type(error).__name__}: {error}")
        with suppress(LoopStateError):  # the trace itself may be what failed
            lines = "".join(traceback.format_exception(error))
            self._p.trace.tell("loop.error", error=type(error).__name__, traceback=head_and_tail(lines, 16_384))

    def _limits(self) -> dict[str, Any]:
        config = self._course.state.config
        return {
            "max_iterations": config.max_iterations,
            "token_limit": config.token_limit,
            "wall_clock_s": config.wall_clock_s,
            "cost_limit_usd": config.cost_limit_usd,
        }

    # -- the cycle

    async def _rounds(self, answer: Answer | None) -> Stop:
        stop = await self._go_on(answer)
        while stop is None:
            stop = await self._round()
        return stop

    async def _round(self) -> Stop | None:
        """Run one round: a ceilings, b policies, c observe, d measure, e event, f success, g plan, h act, j exits."""
        if reached := self._course.reached():
            return stopped(LoopStatus.BUDGET_EXHAUSTED, reached)
        if (stop := self._asked_policies()) is not None:
            return stop
        with self._p.trace.span():
            look = await Observing(self._p, self._course.state).look()
            self._course.check_time()
            index = len(self._course.state.iterations)
            value = None if look.metric is None else look.metric.value
            self._p.trace.tell("iteration.start", index=index, metric=value)
            record = made(
                IterationRecord,
                index=index,
                observation=look.observation,
                observation_digest=look.digest,
                metric=look.metric,
            )
            if look.is_success:
                await self._course.commit(Planned(record=record, spent=self._p.budget.spent))
                return stopped(LoopStatus.SUCCESS, "the goal metric says success")
            stop = await self._plan(record, look)
            if stop is not None:
                return stop
            if self._course.state.round is not None:
                stop = await self._act()
            elif self._course.state.iterations[-1].plan_invalid:
                await self._summarise()
                return None
            await self._summarise()
            return stop or self._asked_exits()

    def _asked_policies(self) -> Stop | None:
        for policy in self._p.policies:
            decision = decided(policy, policy.before_iteration(self._course.state))
            if decision.kind is DecisionKind.STOP:
                return self._course.policy_stop(policy, decision)
        return None

    def _asked_exits(self) -> Stop | None:
        for condition in self._p.exits:
            if (hit := condition.evaluate(self._course.state)) is not None:
                return stopped(*hit)
        return None

    # -- observe

    async def _last_look(self, stop: Stop) -> Stop:
        """Look once more when a ceiling ends the loop: what the last round reached must not go unseen."""
        left = self._p.budget.seconds_left
        has_acted = bool(self._course.state.iterations and self._course.state.iterations[-1].actions)
        if self._p.metric is None or not has_acted or (left is not None and left <= 0):
            return stop
        try:
            look = await Observing(self._p, self._course.state).look()
        except OutOfTime:
            return stop
        except Exception as error:  # noqa: BLE001 - the loop ends anyway, for a reason that is known
            _log.warning("loop.last_look_failed", error=f"{type(error).__name__}: {error}")
            return changed(stop, reason=f"{stop.reason}; the last look failed: {type(error).__name__}")
        self._course.state = changed(self._course.state, last_metric=look.metric)
        if look.is_success:
            return stopped(LoopStatus.SUCCESS, f"the goal metric says success, as the loop ended ({stop.reason})")
        return stop

    # -- plan

    async def _plan(self, record: IterationRecord, look: Look) -> Stop | None:
        """Have a round planned and stored; return why the loop ends, if it does."""
        stops: list[Stop] = []

        async def work() -> Change:
            planned, stop = await Planning(self._p, self._course.state).planned(record, look)
            stops.extend([stop] if stop is not None else [])
            return planned

        await self._course.perform(work)
        if stops:
            return stops[0]
        if self._course.state.round is None and self._course.state.plan_invalid_streak >= INVALID_ROUNDS:
            errors = "; ".join(self._course.state.iterations[-1].errors)
            reason = f"{self._course.state.plan_invalid_streak} rounds in a row without a valid plan: {errors}"
            return stopped(LoopStatus.PLAN_FAILED, shorten(reason, 400))
        return None

    # -- act

    async def _act(self) -> Stop | None:
        """Make the calls of the open round that are not made yet: ceilings, gate, execution, each in turn."""
        while (open_round := self._course.state.round) is not None:
            call_ = open_round.calls[len(open_round.record.actions)]
            if reached := self._course.reached(in_round=True):
                self._p.trace.tell("budget.preempt", dropped_action=call_.tool)
                await self._course.close_round()
                return stopped(LoopStatus.BUDGET_EXHAUSTED, reached)
            with self._p.trace.span():
                stop = await self._gated(call_)
            if stop is not None:
                return stop
        return None

    async def _gated(self, call_: Call) -> Stop | None:
        pause: Decision | None = None
        for policy in self._p.policies:
            decision = self._course.judged(policy, call_)
            if decision.kind is DecisionKind.STOP:
                stop = self._course.policy_stop(policy, decision)
                await self._course.close_round()
                return stop
            if decision.kind is DecisionKind.PAUSE:
                pause = pause or decision
        if pause is None:

            async def work() -> Change:
                return made(Acted, action=await Acting(self._p).perform(call_), **self._course.used())

            await self._course.perform(work)
            return None
        return await self._questions.ask(call_, pause.reason)

    # -- going on

    async def _go_on(self, answer: Answer | None) -> Stop | None:
        """Finish what an earlier session left open: an intent, an approval, a plan."""
        if self._course.state.intent is not None:
            stop = await self._questions.resolve(self._course.state.intent, answer)
            if stop is not None:
                return stop
        if self._course.state.pending_approval is not None:
            with self._p.trace.span():
                stop = await self._questions.take_up(answer)
            if stop is not None:
                return stop
        if self._course.state.round is not None:
            stop = await self._act()
            await self._summarise()
            return stop or self._asked_exits()
        return None

    # -- summaries

    async def _summarise(self) -> None:
        """Have the rounds that left the window summed up, if there is a summarizer."""
        change = await summaries(self._p, self._course.state)
        if change is not None:
            await self._course.commit(change)
