"""One session of a loop: rounds in their normative order, until something ends them; the end is written down."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import anyio
import structlog

from tinman.errors import BudgetExhausted, LoopStateError, ProviderError, StoreError
from tinman.frozen import alter, make
from tinman.loop.exits import ExitCondition
from tinman.loop.policies import Rules
from tinman.loop.result import LoopResult, LoopStatus, Stop, result_of
from tinman.loop.session import ceilings
from tinman.loop.session.history import History
from tinman.loop.session.plans import Planner, Summarizer
from tinman.loop.session.questions import Questions
from tinman.loop.session.start import Answer
from tinman.loop.session.world import Caller, Observer
from tinman.loop.state.changes import Change, Ended, Planned, apply
from tinman.loop.state.records import Call, Ending, IterationRecord
from tinman.loop.state.store import Halted, Store
from tinman.loop.trace import Trace
from tinman.processes.threads import OutOfTime
from tinman.text.cutting import head_and_tail
from tinman.text.visible import line_of, shorten, words_of

_log = structlog.get_logger(__name__)
INVALID_ROUNDS = 2


@dataclass(frozen=True)
class Rounds:
    """Observes, plans, acts and measures, round after round."""

    history: History
    rules: Rules
    observer: Observer
    planner: Planner
    caller: Caller
    questions: Questions
    summarizer: Summarizer
    exits: Sequence[ExitCondition]
    trace: Trace

    async def run(self, answer: Answer | None) -> Stop:
        """Finish what an earlier session left open, then run rounds; return why they ended.

        Raises ``OutOfTime`` and ``BudgetExhausted`` at a ceiling, and whatever a part of the loop raises.
        """
        with self.trace.span():
            stop = await self._finish_open(answer)
        while stop is None:
            stop = await self._run_round()
        return stop

    async def look_once_more(self, stop: Stop, confirm: Callable[[Stop], Awaitable[Stop]]) -> Stop:
        """Look again when a ceiling ends the loop: what the last round reached must not go unseen."""
        state = self.history.state
        left = self.history.budget.seconds_left
        has_acted = bool(state.iterations and state.iterations[-1].actions)
        if self.observer.metric is None or not has_acted or (left is not None and left <= 0):
            return stop
        try:
            look = await self.observer.look(state)
            self.history.state = alter(state, last_metric=look.metric)
            if look.is_success:
                reason = f"the goal metric says success, as the loop ended ({stop.reason})"
                return await confirm(Stop(status=LoopStatus.SUCCESS, reason=reason))
        except OutOfTime:
            return stop
        except Exception as error:  # noqa: BLE001 - the loop ends anyway, for a reason that is known
            _log.warning("loop.last_look_failed", error=f"{type(error).__name__}: {error}")
            return alter(stop, reason=f"{stop.reason}; the last look failed: {type(error).__name__}")
        return stop

    async def _finish_open(self, answer: Answer | None) -> Stop | None:
        """Finish what an earlier session left open: an intent, an approval, a plan."""
        if (intent := self.history.state.intent) is not None:
            stop = await self.questions.resolve(intent, answer)
            if stop is not None:
                return stop
        if self.history.state.pending_approval is not None:
            with self.trace.span():
                stop = await self.questions.take_up(answer)
            if stop is not None:
                return stop
        if self.history.state.round is not None:
            stop = await self._act()
            await self._sum_up()
            return stop or self._ask_exits()
        return None

    async def _run_round(self) -> Stop | None:
        """Run one round: a ceilings, b policies, c observe, d measure, e event, f success, g plan, h act, j exits."""
        if reached := self.history.find_reached_ceiling():
            return Stop(status=LoopStatus.BUDGET_EXHAUSTED, reason=reached)
        if (stop := self.rules.stop_before_round(self.history.state)) is not None:
            said = self.history.state.iterations[-1:]
            has_settled = stop.status is LoopStatus.NO_PROGRESS and not self.planner.has_tools
            return (self._answered(said[0]) if said and has_settled else None) or stop
        with self.trace.span():
            look = await self.observer.look(self.history.state)
            self.history.check_time()
            index = len(self.history.state.iterations)
            self.trace.tell("iteration.start", index=index, metric=None if look.metric is None else look.metric.value)
            record = make(
                IterationRecord,
                index=index,
                observation=look.observation,
                observation_digest=look.digest,
                metric=look.metric,
            )
            if look.is_success:
                await self.history.commit(Planned(record=record, spent=self.history.budget.spent))
                return Stop(status=LoopStatus.SUCCESS, reason="the goal metric says success")
            if (stop := await self._plan(record)) is not None:
                return stop
            if self.history.state.round is not None:
                stop = await self._act()
            await self._sum_up()
            if stop is None and not (last := self.history.state.iterations[-1]).plan_invalid:
                stop = self._ask_exits() or (self._answered(last) if self.planner.has_tools else None)
            return stop

    def _answered(self, record: IterationRecord) -> Stop | None:
        """Return SUCCESS when the round was an answer: words without calls, where nothing else says what success is.

        Whoever has tools and uses none has answered. Whoever has none may as well be thinking: there the loop goes on
        until it is known that nothing new comes.
        """
        is_judged = self.observer.metric is not None or any(condition.judges for condition in self.exits)
        if is_judged or not record.idle or not record.plan_text.strip():
            return None
        return Stop(status=LoopStatus.SUCCESS, reason="the model answered")

    async def _plan(self, record: IterationRecord) -> Stop | None:
        """Have a round planned and stored; return why the loop ends, if it does."""

        async def plan() -> tuple[Change, Stop | None]:
            return await self.planner.plan(self.history.state, record)

        if (stop := await self.history.perform(plan)) is not None:
            return stop
        state = self.history.state
        if state.round is None and state.plan_invalid_streak >= INVALID_ROUNDS:
            errors = "; ".join(state.iterations[-1].errors)
            reason = f"{state.plan_invalid_streak} rounds in a row without a valid plan: {errors}"
            return Stop(status=LoopStatus.PLAN_FAILED, reason=shorten(reason, 400))
        return None

    async def _act(self) -> Stop | None:
        """Make the calls of the open round that are not made yet: ceilings, gate, execution, each in turn."""
        while (call := self.history.state.next_call) is not None:
            if reached := self.history.find_reached_ceiling(in_round=True):
                self.trace.tell("budget.preempt", dropped_action=call.tool)
                await self.history.close_round()
                return Stop(status=LoopStatus.BUDGET_EXHAUSTED, reason=reached)
            with self.trace.span():
                stop = await self._make(call)
            if stop is not None:
                return stop
        return None

    async def _make(self, call: Call) -> Stop | None:
        """Make one call, unless a policy forbids it; one that a policy pauses is asked about first."""
        verdict = self.rules.judge(self.history.state, call)
        if isinstance(verdict, Stop):
            await self.history.close_round()
            return verdict
        if verdict is not None:
            return await self.questions.ask(call, verdict.reason)

        async def perform() -> tuple[Change, None]:
            return self.history.change_by(await self.caller.perform(call)), None

        await self.history.perform(perform)
        return None

    async def _sum_up(self) -> None:
        """Have the rounds that left the window summed up, if there is a summarizer."""
        change = await self.summarizer.sum_up(self.history.state)
        if change is not None:
            await self.history.commit(change)

    def _ask_exits(self) -> Stop | None:
        for condition in self.exits:
            if (hit := condition.evaluate(self.history.state)) is not None:
                return Stop(status=hit[0], reason=hit[1])
        return None


_log = structlog.get_logger(__name__)
_LIMITS = ("max_iterations", "token_limit", "wall_clock_s", "cost_limit_usd")


@dataclass(frozen=True)
class Session:
    """Runs rounds until something ends them, and writes down how they ended."""

    rounds: Rounds
    history: History
    store: Store
    trace: Trace
    redact: Callable[[str], str]
    confirm: Callable[[], Awaitable[Stop | None]]

    async def run(self, answer: Answer | None) -> LoopResult:
        """Run to an end and write it down. Every failure is an ERROR result, but for a cancellation and ``Halted``.

        A SUCCESS is one only when ``confirm`` has nothing to say against it.
        """
        config = self.history.state.config
        limits = {name: getattr(config, name) for name in _LIMITS}
        try:
            self.trace.open()
            self.trace.tell("loop.start", goal=self.history.state.goal, limits=limits)
            stop = await self.rounds.run(answer)
            stop = await self._confirmed(stop)
        except OutOfTime:
            stop = self._stop_at_ceiling()
        except BudgetExhausted as error:
            reason = ceilings.explain_refusal(self.history.state, self.history.budget, error)
            stop = Stop(status=LoopStatus.BUDGET_EXHAUSTED, reason=reason)
        except Halted:
            self.trace.close()
            raise
        except Exception as error:  # noqa: BLE001 - the loop's step: whatever fails ends it as ERROR, and is reported
            stop = self._stop_after(error)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._end(Stop(status=LoopStatus.ERROR, reason="cancelled", error="CancelledError"))
            raise
        if stop.status is LoopStatus.BUDGET_EXHAUSTED:
            stop = await self.rounds.look_once_more(stop, self._confirmed)
        return await self._end(stop)

    async def _confirmed(self, stop: Stop) -> Stop:
        return stop if stop.status is not LoopStatus.SUCCESS else await self.confirm() or stop

    async def _end(self, stop: Stop) -> LoopResult:
        # Errors and refused calls may hold what they were given.
        stop = alter(stop, reason=self.redact(stop.reason))
        ended = Ended(
            ending=Ending(
                status=stop.status, reason=stop.reason, error=stop.error, metric=self.history.state.last_metric
            ),
            elapsed_s=self.history.elapsed_s,
            spent=self.history.budget.spent,
        )
        try:
            await self.history.commit(ended)
        except (LoopStateError, StoreError, OSError) as error:
            _log.error("loop.end_not_stored", error=str(error))
            also = f"; and its end could not be stored: {error}"
            stop = alter(stop, status=LoopStatus.ERROR, reason=stop.reason + also, is_consistent=False)
            self.history.go_on_from(apply(self.history.state, ended))
        state = self.history.state
        try:
            self.trace.tell(
                "loop.end",
                status=stop.status,
                reason=stop.reason,
                error=stop.error,
                iterations=len(state.iterations),
                total_tokens=state.total_tokens,
            )
        except LoopStateError as error:
            _log.error("loop.trace_failed", error=str(error))
        finally:
            self.trace.close()
        return result_of(state, stop, self.store.path)

    def _stop_at_ceiling(self, why: str = "") -> Stop:
        reached = self.history.find_reached_ceiling() or "wall_clock_s reached"
        return Stop(status=LoopStatus.BUDGET_EXHAUSTED, reason=reached + why)

    def _stop_after(self, error: Exception) -> Stop:
        self._report(error)
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        left = self.history.budget.seconds_left
        if isinstance(error, ProviderError | TimeoutError) and left is not None and left <= 0:
            return self._stop_at_ceiling(f" ({type(error).__name__}: {shorten(str(error), 200)})")
        return Stop(
            status=LoopStatus.ERROR,
            reason=line_of(error, 400),
            error=type(error).__name__,
            is_consistent=not isinstance(error, LoopStateError | StoreError) or getattr(error, "is_state_whole", False),
        )

    def _report(self, error: Exception) -> None:
        """Write an error with its traceback into the trace; the log gets its class and words, no local values."""
        _log.error("loop.failed", loop_id=self.history.state.loop_id, error=words_of(error))
        with suppress(LoopStateError):  # the trace itself may be what failed
            lines = "".join(traceback.format_exception(error))
            self.trace.tell("loop.error", error=type(error).__name__, traceback=head_and_tail(lines, 16_384))
